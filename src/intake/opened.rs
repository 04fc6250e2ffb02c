//! What the examination of a file found.

use super::columns;
use super::error::IntakeError;
use super::file::Layout;
use super::guess::Doubt;
use super::header::Header;
use super::rows::Block;
use super::settings::Settings;
use super::sheets::Sheets;
use super::source::FileDigest;
use crate::domain::dialect::ListFormat;

/// The number of rows from which the columns are recognised.
pub(super) const SAMPLE_ROWS: usize = 200;

/// A file after its examination, before its columns are compared with the others'.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) layout: Layout,
    pub(super) digest: FileDigest,
    pub(super) header: Header,
    /// The first rows after the header that are not blank.
    pub(super) sample: Vec<Vec<String>>,
    /// What was detected, in words.
    pub(super) note: String,
    /// What its results are written as.
    pub(super) format: ListFormat,
    /// Where we wrote it, no cell of it is guarded.
    pub(super) as_typed: bool,
    /// A suppression list of nobody, which has no columns.
    pub(super) is_nobodys: bool,
    /// Rows of the sheet that are hidden.
    pub(super) hidden_rows: u64,
    /// The names of columns that are hidden in the sheet.
    pub(super) hidden_columns: Vec<String>,
    /// The format itself names the columns: there is no row that does.
    pub(super) has_names: bool,
    /// Another encoding in which the letters read nearly as well.
    pub(super) doubt: Option<Doubt>,
    /// The sheets of a workbook, where it has several and none was named.
    pub(super) sheets: Option<Sheets>,
    /// The name of the sheet, where nobody named it.
    pub(super) sheet: Option<String>,
    /// The name of the list in its archive.
    pub(super) packed: Option<String>,
}

impl Opened {
    /// A file of which nothing else was found.
    pub(super) fn new(
        name: String,
        digest: FileDigest,
        layout: Layout,
        (header, sample): (Header, Vec<Vec<String>>),
        format: ListFormat,
    ) -> Self {
        Self {
            name,
            layout,
            digest,
            header,
            sample,
            note: String::new(),
            format,
            as_typed: false,
            is_nobodys: false,
            hidden_rows: 0,
            hidden_columns: Vec::new(),
            has_names: false,
            doubt: None,
            sheets: None,
            sheet: None,
            packed: None,
        }
    }

    /// Rows after the header of a table.
    pub(super) fn rows(&self) -> usize {
        let blocks = match &self.layout {
            Layout::Table(blocks) => &blocks[..],
            Layout::Text(_) => &[],
        };
        let rows = blocks.iter().flat_map(|block| &block.rows);
        rows.filter(|(row, _)| *row > self.header.row).count()
    }

    /// The phone columns in words, where there are rows; `None` without any.
    pub(super) fn phone(&self, settings: &Settings) -> Option<String> {
        let mapped = columns::map(&self.name, &self.header.names, &self.sample, settings);
        let names = match mapped {
            Ok(mapping) => mapping.phone.into_iter().map(|it| it.column.name).collect(),
            Err(IntakeError::AmbiguousPhoneColumn { candidates, .. }) => candidates,
            Err(IntakeError::PhonesOfSeveralPeople { first, second, .. }) => vec![first, second],
            Err(IntakeError::SideBySide { present, .. }) => present,
            Err(_) => Vec::new(),
        };
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        (!names.is_empty() && self.rows() > 0).then(|| names.join(", "))
    }
}

/// The first rows that are not blank, with their numbers.
pub(super) type Head = Vec<(u32, Vec<String>)>;

pub(super) fn head_of<'a>(blocks: impl Iterator<Item = &'a Block>) -> Head {
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    blocks
        .flat_map(Block::iter)
        .filter(|(_, fields)| !fields.is_blank())
        .take(SAMPLE_ROWS)
        .map(|(row, fields)| (row, fields.iter().map(text).collect()))
        .collect()
}

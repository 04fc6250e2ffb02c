//! The suppression list as CSV.

use std::io::Write;

use super::error::ReportError;
use crate::domain::channel_contact::CHANNEL_CONTACT;
use crate::domain::keyed_hash::KEYED_HASH;
use crate::domain::spreadsheet::guard;
use crate::store::{Listed, Reader};

/// The columns of the exported file.
const COLUMNS: [&str; 6] = [
    "phone",
    "reason",
    "source",
    "added_at",
    KEYED_HASH,
    CHANNEL_CONTACT,
];

/// Writes all numbers that must not be messaged, those of people whom an unread reply holds, the hashes of people whose
/// number is not known any more, and the contacts whose number is not known yet.
///
/// # Errors
/// [`ReportError`] if the checkpoint cannot be read or `out` cannot be written.
pub(crate) fn write_suppressions(reader: &Reader, out: impl Write) -> Result<(), ReportError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    reader.suppression_list(|entry| -> Result<(), ReportError> {
        let (phone, hash, contact) = match entry.who {
            Listed::Number(phone) => (phone.e164(), String::new(), String::new()),
            Listed::Hash(hash) => (String::new(), hash.to_string(), String::new()),
            Listed::Contact(contact) => (String::new(), String::new(), contact.to_string()),
        };
        let (reason, source) = (guard(&entry.reason), guard(&entry.source));
        let at = entry.added_at.to_string();
        Ok(writer.write_record([&*phone, &*reason, &*source, &*at, &*hash, &*contact])?)
    })?;
    Ok(writer.flush()?)
}

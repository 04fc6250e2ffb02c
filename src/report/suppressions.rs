//! The suppression list as CSV.

use std::io::Write;

use super::error::ReportError;
use crate::domain::channel_contact::CHANNEL_CONTACT;
use crate::domain::keyed_hash::KEYED_HASH;
use crate::domain::spreadsheet::guard;
use crate::store::{Reader, SuppressionEntry};

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
    let mut write = |entry: SuppressionEntry| -> Result<(), ReportError> {
        let (phone, at) = (entry.phone.e164(), entry.added_at.to_string());
        let (reason, source) = (guard(&entry.reason), guard(&entry.source));
        Ok(writer.write_record([phone.as_str(), &reason, &source, &at, "", ""])?)
    };
    reader.suppressions(&mut write)?;
    reader
        .held_by_replies()?
        .people
        .into_iter()
        .try_for_each(write)?;
    reader.hashed_suppressions(|entry| -> Result<(), ReportError> {
        let (hash, at) = (entry.hash.to_string(), entry.added_at.to_string());
        let (reason, source) = (guard(&entry.reason), guard(&entry.source));
        Ok(writer.write_record(["", &*reason, &*source, &at, &hash, ""])?)
    })?;
    for entry in reader.listed_contacts()? {
        let (contact, at) = (entry.contact.to_string(), entry.added_at.to_string());
        let (reason, source) = (guard(&entry.reason), guard(&entry.source));
        writer.write_record(["", &*reason, &*source, &at, "", &contact])?;
    }
    Ok(writer.flush()?)
}

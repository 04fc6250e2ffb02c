//! The contacts as CSV.

use std::io::Write;
use std::path::Path;

use super::error::ReportError;
use super::file::NewFile;
use crate::domain::spreadsheet::guard;
use crate::store::Reader;

/// The columns of the exported file.
const COLUMNS: [&str; 9] = [
    "phone",
    "channel",
    "contact_id",
    "first_name",
    "last_name",
    "first_message_at",
    "last_message_at",
    "opted_in_at",
    "opted_out_at",
];

/// Writes all contacts; returns how many.
///
/// # Errors
/// [`ReportError`] if the checkpoint cannot be read or `out` cannot be written.
pub(crate) fn write_contacts(reader: &Reader, out: &mut dyn Write) -> Result<u64, ReportError> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    let mut count = 0;
    reader.contacts(|contact| -> Result<(), ReportError> {
        let phone = contact.phone.e164();
        let times = [
            contact.first_message_at,
            contact.last_message_at,
            contact.opted_in_at,
            contact.opted_out_at,
        ]
        .map(|at| at.map_or_else(String::new, |at| at.to_string()));
        let text = |text: &Option<String>| guard(text.as_deref().unwrap_or("")).into_owned();
        let (first, last) = (text(&contact.first_name), text(&contact.last_name));
        let id = text(&contact.contact_id);
        let known = [&phone, &contact.channel, &id, &first, &last];
        writer.write_record(known.into_iter().chain(&times))?;
        count += 1;
        Ok(())
    })?;
    writer.flush()?;
    Ok(count)
}

/// The same to a file that only its owner may read; it appears whole or not at all.
///
/// # Errors
/// [`ReportError`] if the checkpoint cannot be read or the file cannot be written.
pub(crate) fn write_contacts_file(reader: &Reader, path: &Path) -> Result<u64, ReportError> {
    let (new, mut file) = NewFile::create(path)?;
    let written = write_contacts(reader, &mut file).and_then(|count| {
        new.publish(&file, || ())?;
        Ok(count)
    });
    written.map_err(|error| error.at(path))
}

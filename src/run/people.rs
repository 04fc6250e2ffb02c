//! People: what the checkpoint knows of each.

use std::io::Write;
use std::path::Path;

use super::error::RunError;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;
use crate::report::{write_contacts, write_contacts_file};
use crate::store::{Contact, ContactMessage, PersonRow, Reader, StoreError};

/// All that is known of a number.
pub(crate) struct Person {
    /// Why it is not messaged, if it is on the suppression list.
    pub(crate) suppressed: Option<Suppression>,
    /// The account on each channel, with the messages to it.
    pub(crate) contacts: Vec<(Contact, Vec<ContactMessage>)>,
    /// The rows that have the number, in every list.
    pub(crate) rows: Vec<PersonRow>,
}

impl Person {
    /// The person with this number.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint cannot be read.
    pub(crate) fn read(checkpoint: &Path, phone: PhoneNumber) -> Result<Self, RunError> {
        let reader = Reader::open(checkpoint)?;
        let with_messages = |contact: Contact| {
            let messages = reader.messages_to(&contact.channel, phone)?;
            Ok((contact, messages))
        };
        let contacts = reader.contacts_of(phone)?.into_iter();
        Ok(Self {
            suppressed: reader.suppression_of(phone)?,
            contacts: contacts
                .map(with_messages)
                .collect::<Result<_, StoreError>>()?,
            rows: reader.rows_of(phone)?,
        })
    }
}

/// Passes the people known on each channel to `each`, by channel and number, one at a time.
///
/// # Errors
/// [`StoreError`] if the checkpoint cannot be read, or whatever `each` returns.
pub(crate) fn contacts<E: From<StoreError>>(
    checkpoint: &Path,
    each: impl FnMut(Contact) -> Result<(), E>,
) -> Result<(), E> {
    Reader::open(checkpoint)?.contacts(each)
}

/// Writes the same as CSV; returns how many.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read or `to` cannot be written.
pub(crate) fn export_contacts(checkpoint: &Path, to: &mut dyn Write) -> Result<u64, RunError> {
    Ok(write_contacts(&Reader::open(checkpoint)?, to)?)
}

/// The same to a file, which appears whole or not at all.
///
/// # Errors
/// As [`export_contacts`].
pub(crate) fn export_contacts_file(checkpoint: &Path, path: &Path) -> Result<u64, RunError> {
    Ok(write_contacts_file(&Reader::open(checkpoint)?, path)?)
}

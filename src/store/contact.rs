//! Contacts: whom we know on which channel.
//!
//! The table is ordered by number, so that it is not touched while messages are sent in row order:
//! each accepted message leaves a note in `contact_due`, and the notes are entered many at a time,
//! sorted, between runs.

use rusqlite::Connection;

use super::Store;
use super::error::StoreError;

/// Notes that are entered in one transaction.
const STEP: i64 = 50_000;

impl Store {
    /// Enters the messages that were accepted since the last time.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn fold_contacts(&self) -> Result<(), StoreError> {
        while self.writer.write(|tx| fold_step(tx.connection)).await? > 0 {}
        Ok(())
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn fold_contacts_blocking(&self) -> Result<(), StoreError> {
        while self.writer.write_blocking(|tx| fold_step(tx.connection))? > 0 {}
        Ok(())
    }
}

fn fold_step(connection: &Connection) -> Result<usize, StoreError> {
    connection.execute(
        "INSERT INTO contact (channel, phone, contact_id, first_name, last_name,
                              first_message_at, last_message_at, last_recipient)
         SELECT b.channel, r.phone, m.contact_id, i.first_name, i.last_name,
                m.sent_at, m.sent_at, r.id
         FROM (SELECT recipient FROM contact_due ORDER BY recipient LIMIT ?1) d
              CROSS JOIN recipient r ON r.id = d.recipient
              JOIN message m ON m.recipient = d.recipient
              JOIN recipient_input i ON i.id = d.recipient
              JOIN batch b ON b.id = d.recipient >> 32
         WHERE r.phone IS NOT NULL
         ORDER BY b.channel, r.phone
         ON CONFLICT (channel, phone) DO UPDATE SET
             contact_id = coalesce(excluded.contact_id, contact_id),
             first_name = coalesce(excluded.first_name, first_name),
             last_name = coalesce(excluded.last_name, last_name),
             first_message_at = min(coalesce(first_message_at, excluded.first_message_at),
                                    excluded.first_message_at),
             last_recipient = CASE WHEN excluded.last_message_at >= coalesce(last_message_at, 0)
                                   THEN excluded.last_recipient ELSE last_recipient END,
             last_message_at = max(coalesce(last_message_at, 0), excluded.last_message_at)",
        [STEP],
    )?;
    Ok(connection.execute(
        "DELETE FROM contact_due WHERE recipient IN
         (SELECT recipient FROM contact_due ORDER BY recipient LIMIT ?1)",
        [STEP],
    )?)
}

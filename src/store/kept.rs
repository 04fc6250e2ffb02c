//! What a batch keeps of what was asked for: how SMS are counted, what it is for, how its list was read.

use jiff::Timestamp;
use rusqlite::Connection;
use serde::de::DeserializeOwned;

use super::checkpoint::{Reader, Store};
use super::decision::{self, DecisionRecord};
use super::error::StoreError;
use super::ids::BatchId;
use super::policy::{keep, kept};
use super::query::Query as _;
use crate::domain::sms::SmsSettings;

/// The key of the settings for SMS in the policy of a batch.
const SMS: &str = "sms";

/// The key of what the batch is for, and its word among the decisions.
const PURPOSE: &str = "purpose";

/// The key of how the list was read and what is sent. Pruning removes it.
const LIST: &str = "sent_as";

/// The key of the API that the batch's requests went to, by its address.
const API: &str = "api";

impl Reader {
    /// The address of the API that the batch's requests went to, if any left and it was kept.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn kept_api(&self, batch: BatchId) -> Result<Option<String>, StoreError> {
        let requests: Option<i64> = self
            .connection
            .find("SELECT requests FROM tally WHERE batch = ?1", [batch])?;
        match requests {
            Some(0) | None => Ok(None),
            Some(_) => kept(&self.connection, batch, API),
        }
    }

    /// How the batch counts SMS.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn kept_sms(&self, batch: BatchId) -> Result<SmsSettings, StoreError> {
        Ok(kept(&self.connection, batch, SMS)?.unwrap_or_default())
    }

    /// How the list was read and what is sent, as [`Store::keep_list`] got it; `None` in a batch of an earlier version,
    /// and in one that was pruned.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn kept_list<T: DeserializeOwned>(
        &self,
        batch: BatchId,
    ) -> Result<Option<T>, StoreError> {
        kept(&self.connection, batch, LIST)
    }
}

/// As [`Store::keep_sms`], in a transaction that does more.
pub(super) fn keep_sms(
    connection: &Connection,
    batch: BatchId,
    sms: SmsSettings,
) -> Result<(), StoreError> {
    keep(connection, batch, SMS, &sms).map(|_| ())
}

impl Store {
    /// Keeps with the batch the address of the API that its requests go to from now on.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn keep_api(&self, batch: BatchId, address: String) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| keep(tx.connection, batch, API, &address).map(|_| ()))
            .await
    }

    /// Keeps with the batch how it counts SMS.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_sms(&self, batch: BatchId, sms: SmsSettings) -> Result<(), StoreError> {
        self.writer
            .write_blocking(move |tx| keep_sms(tx.connection, batch, sms))
    }

    /// Keeps with the batch how its list was read and what is sent.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_list(
        &self,
        batch: BatchId,
        list: serde_json::Value,
    ) -> Result<(), StoreError> {
        self.writer
            .write_blocking(move |tx| keep(tx.connection, batch, LIST, &list).map(|_| ()))
    }

    /// Keeps with the batch what it is for, and that `actor` said so; nothing if that is what it keeps.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_purpose(
        &self,
        batch: BatchId,
        purpose: &str,
        actor: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (purpose, actor) = (purpose.to_owned(), actor.to_owned());
        self.writer.write_blocking(move |tx| {
            if !keep(tx.connection, batch, PURPOSE, &purpose)? {
                return Ok(());
            }
            let said = DecisionRecord {
                batch: Some(batch),
                actor: actor.clone(),
                what: PURPOSE,
                detail: purpose.clone(),
                at: now,
            };
            decision::record(tx.connection, &said)
        })
    }
}

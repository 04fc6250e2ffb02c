//! What a batch keeps of how it is sent: a JSON object in its column `policy`, with a key for each thing.

use std::collections::BTreeMap;

use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::columns::{Json, from_json, to_json};
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;

/// All that a batch keeps, by key.
pub(super) type Policy = BTreeMap<String, serde_json::Value>;

/// Keeps a value with the batch under a key. Returns whether it is another than before.
pub(super) fn keep(
    connection: &Connection,
    batch: BatchId,
    key: &str,
    value: &impl Serialize,
) -> Result<bool, StoreError> {
    let value = serde_json::to_value(value).map_err(|error| StoreError::Value {
        detail: error.to_string(),
    })?;
    let mut policy = policy(connection, batch)?;
    if policy.insert(key.to_owned(), value.clone()) == Some(value) {
        return Ok(false);
    }
    set_policy(connection, batch, &policy)?;
    Ok(true)
}

/// What [`keep`] kept under a key.
pub(super) fn kept<T: DeserializeOwned>(
    connection: &Connection,
    batch: BatchId,
    key: &str,
) -> Result<Option<T>, StoreError> {
    let kept: Option<Option<Json<Option<T>>>> =
        connection.find("SELECT policy -> ?2 FROM batch WHERE id = ?1", (batch, key))?;
    Ok(kept.flatten().and_then(|Json(kept)| kept))
}

/// All that the batch keeps.
pub(super) fn policy(connection: &Connection, batch: BatchId) -> Result<Policy, StoreError> {
    let text: Option<String> =
        connection.find("SELECT policy FROM batch WHERE id = ?1", [batch])?;
    text.map_or_else(|| Ok(Policy::new()), |text| from_json(&text))
}

/// Puts this in the place of all that the batch keeps.
pub(super) fn set_policy(
    connection: &Connection,
    batch: BatchId,
    policy: &Policy,
) -> Result<(), StoreError> {
    connection.change(
        "UPDATE batch SET policy = ?2 WHERE id = ?1",
        (batch, to_json(policy)?),
    )?;
    Ok(())
}

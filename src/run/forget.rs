//! A person is erased: once what is under way to the person has its answer.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::error::RunError;
use crate::domain::phone::PhoneNumber;
use crate::store::{Erased, ForgetError, Store};

/// How often it is tried, and how long between two tries: 15 s, in which nearly every request has its answer.
const TRIES: u32 = 150;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// What was erased, and whether it is gone from the log of the checkpoint too.
pub(crate) struct Forgotten {
    pub(crate) erased: Erased,
    /// False while another process uses the checkpoint.
    pub(crate) log_is_empty: bool,
}

/// Erases the person with this number. Where a request to the person is under way, the person is suppressed at once, so that
/// no run sends another one, and its answer is waited for a little; `waits` is called once then.
///
/// # Errors
/// [`RunError`] if the request still has no answer, there is no such checkpoint, or it fails.
pub(crate) fn forget(
    checkpoint: &Path,
    phone: PhoneNumber,
    now: Timestamp,
    waits: &mut dyn FnMut(),
) -> Result<Forgotten, RunError> {
    let store = Store::open_existing(checkpoint)?;
    Ok(Forgotten {
        erased: erase(&store, phone, now, waits)?,
        log_is_empty: store.empty_log()?,
    })
}

fn erase(
    store: &Store,
    phone: PhoneNumber,
    now: Timestamp,
    waits: &mut dyn FnMut(),
) -> Result<Erased, RunError> {
    for tried in 0..TRIES {
        match store.forget(phone, now) {
            // Nobody reads the answer any more where the process is gone.
            Err(ForgetError::UnderWay { batch, .. })
                if store.reader()?.holder(&batch).is_some() => {}
            done => return Ok(done?),
        }
        if tried == 0 {
            waits();
        }
        std::thread::sleep(BETWEEN_TRIES);
    }
    Ok(store.forget(phone, now)?)
}

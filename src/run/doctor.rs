//! Whether everything is ready: checkpoint, token, channel, webhook, quota, clock.
//!
//! It makes one request, which counts; what its answer says of the quota is remembered. No finding holds a
//! secret.

mod api;
pub(super) mod cluster;
mod findings;

use std::path::{Path, PathBuf};

pub use api::DoctorApi;
pub use findings::{Finding, FindingVerdict, Findings};

use super::error::RunError;
use super::lookup::Waits;
use super::unknown_messages::refuse_if_older;
use super::wait::Wait;
use crate::clock::Clock;
use crate::exit::ExitCode;
use crate::report::{counted, grouped, minute};
use crate::store::{Store, StoreError};

/// The damage that is listed.
const FAULTS: usize = 10;

/// What is checked.
#[derive(Debug)]
pub struct DoctorSettings {
    /// What a run would refuse of the settings, and the exit code of each.
    pub problems: Vec<(String, ExitCode)>,
    /// What should be known of the message.
    pub notices: Vec<String>,
    /// The checkpoint, which need not be there yet, or why it has no place; `None` if the settings do not say.
    pub checkpoint: Option<Result<PathBuf, RunError>>,
    /// What was found of the cluster.
    pub cluster: Vec<Finding>,
    /// What the API is asked with; `None` if the settings do not say.
    pub api: Option<DoctorApi>,
    /// The checkpoint is read to its end, which takes a second for each million rows or so.
    pub is_thorough: bool,
}

/// Checks everything. What is wrong is a finding, not an error. `waits` is called while one must wait for the API's
/// connections.
///
/// # Errors
/// [`RunError`] if the client cannot be set up, or the quota cannot be stored.
pub async fn doctor(
    settings: &DoctorSettings,
    clock: &Clock,
    waits: &mut (dyn FnMut(&Wait) + Send),
) -> Result<Findings, RunError> {
    let mut findings = Findings::default();
    for (text, exit) in &settings.problems {
        findings.bad("settings", text, *exit);
    }
    for notice in &settings.notices {
        findings.notice("message", notice);
    }
    if settings.problems.is_empty() {
        findings.good("settings", "a run takes all of them");
    }
    let store = match &settings.checkpoint {
        Some(Ok(path)) => checkpoint(path, settings.is_thorough, &mut findings),
        None => None,
        Some(Err(error)) => {
            findings.bad("checkpoint", error.to_string(), error.exit());
            None
        }
    };
    if let Some(store) = &store {
        if let Err(error) = refuse_if_older(store) {
            findings.bad("checkpoint", error.to_string(), error.exit());
        }
        events(store, &mut findings)?;
    }
    findings.0.extend_from_slice(&settings.cluster);
    if let Some(api) = &settings.api {
        let waits = Waits::new(waits);
        api::ask(api, store.as_ref(), clock, waits, &mut findings).await?;
    }
    Ok(findings)
}

/// Checks the checkpoint; an older schema is upgraded by opening it.
fn checkpoint(path: &Path, is_thorough: bool, findings: &mut Findings) -> Option<Store> {
    if !path.exists() {
        // Opening it creates nothing, and shows whether there was one.
        if let Err(error @ StoreError::Misfit { .. }) = Store::open_existing(path) {
            findings.bad("checkpoint", error.to_string(), ExitCode::Storage);
            return None;
        }
        let text = format!("{} is not there yet; `send` makes it", path.display());
        findings.good("checkpoint", text);
        return None;
    }
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        let text = format!(
            "{} is empty. If batches were ever sent from it, restore a copy before you send again; else delete it, \
             `send` makes it anew",
            path.display()
        );
        findings.bad("checkpoint", text, ExitCode::Storage);
        return None;
    }
    let opened = Store::open_existing(path).and_then(|store| {
        let faults = if is_thorough {
            store.reader()?.integrity_faults()?
        } else {
            Vec::new()
        };
        let log = store.held_log()?;
        Ok((store, faults, log))
    });
    let (store, faults, log) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            findings.bad("checkpoint", error.to_string(), ExitCode::Storage);
            return None;
        }
    };
    if faults.is_empty() {
        let found = if is_thorough { "is sound" } else { "opens" };
        findings.good("checkpoint", format!("{} {found}", path.display()));
    } else {
        let listed: Vec<&str> = faults.iter().take(FAULTS).map(String::as_str).collect();
        let text = format!(
            "{} is damaged: {}. Keep it, restore a backup, and do not send before you know who was messaged",
            path.display(),
            listed.join("; ")
        );
        findings.bad("checkpoint", text, ExitCode::Storage);
    }
    if let Some(length) = log {
        let text = format!(
            "{}-wal has {} MB and cannot be cut: another process reads the checkpoint as of an earlier moment (a \
             database browser, an export); close it",
            path.display(),
            grouped(length / 1_000_000)
        );
        findings.notice("log", text);
    }
    permissions(path, findings);
    Some(store)
}

#[cfg(unix)]
fn permissions(path: &Path, findings: &mut Findings) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    let mode = metadata.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        findings.good("permissions", "only you can read the checkpoint");
    } else {
        let text = format!(
            "others can read the checkpoint, which holds phone numbers (mode {mode:03o}): chmod 600 {}",
            path.display()
        );
        findings.notice("permissions", text);
    }
}

#[cfg(not(unix))]
fn permissions(_: &Path, _: &mut Findings) {}

/// What `serve` received, if it ever received anything.
fn events(store: &Store, findings: &mut Findings) -> Result<(), RunError> {
    let reader = store.reader()?;
    let Some(last) = reader.last_event_at()? else {
        return Ok(());
    };
    let events = |count| counted(count, "webhook event");
    findings.good(
        "events",
        format!("the last webhook event came {}", minute(last)),
    );
    let (waiting, kept) = (reader.waiting_events()?, reader.kept_counts()?);
    let unreadable = kept.replies + kept.events;
    if kept.opt_outs > 0 {
        let text = format!(
            "{} of contacts whose number is not known: `outreach suppress replies` shows them",
            counted(kept.opt_outs, "opt-out")
        );
        findings.notice("events", text);
    }
    if waiting > 0 {
        let text = format!(
            "{} kept until the message that they are about is known",
            events(waiting)
        );
        findings.notice("events", text);
    }
    if unreadable > 0 {
        let text = format!(
            "{} not understood in full: `outreach suppress replies` shows what a person should read",
            events(unreadable)
        );
        findings.notice("events", text);
    }
    Ok(())
}

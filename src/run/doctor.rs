//! Whether everything is ready: checkpoint, token, channel, webhook, quota, clock.
//!
//! It makes one request, which counts; what its answer says of the quota is remembered. No finding holds a
//! secret.

pub(super) mod cluster;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use subtle::ConstantTimeEq;

use super::error::RunError;
use super::lookup::{self, Waits};
use super::prerequisites::prerequisites;
use super::quota::remember;
use super::settings::Access;
use super::unknown_messages::refuse_if_older;
use super::wait::Wait;
use crate::amio::webhook::WebhookSecrets;
use crate::amio::{ApiError, BaseUrl, Channel, Client};
use crate::clock::Clock;
use crate::domain::quota::QuotaHeaders;
use crate::exit::ExitCode;
use crate::report::{counted, grouped, minute};
use crate::store::{Store, StoreError};

/// How far our clock may be off before that is reported, and before it is wrong, in seconds.
const CLOCK_OFF: i64 = 30;
const CLOCK_WRONG: i64 = 300;

/// The damage that is listed.
const FAULTS: usize = 10;

/// How a finding is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingVerdict {
    /// As it should be.
    Good,
    /// Worth knowing.
    Notice,
    /// To be mended before anything is sent.
    Bad,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub what: &'static str,
    /// How it is judged.
    pub verdict: FindingVerdict,
    /// What was found, and what to do.
    pub text: String,
    #[serde(skip)]
    exit: ExitCode,
}

/// What the check of everything found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// In the order in which things were checked.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// The exit code: what cannot be stored goes before what is not configured.
    pub fn exit(&self) -> ExitCode {
        let exits = || self.0.iter().map(|finding| finding.exit);
        exits()
            .find(|exit| *exit == ExitCode::Storage)
            .or_else(|| exits().find(|exit| *exit != ExitCode::Complete))
            .unwrap_or(ExitCode::Complete)
    }

    fn good(&mut self, what: &'static str, text: impl Into<String>) {
        self.add(what, FindingVerdict::Good, text.into(), ExitCode::Complete);
    }

    fn notice(&mut self, what: &'static str, text: impl Into<String>) {
        self.add(
            what,
            FindingVerdict::Notice,
            text.into(),
            ExitCode::Complete,
        );
    }

    fn bad(&mut self, what: &'static str, text: impl Into<String>, exit: ExitCode) {
        self.add(what, FindingVerdict::Bad, text.into(), exit);
    }

    fn add(&mut self, what: &'static str, verdict: FindingVerdict, text: String, exit: ExitCode) {
        self.0.push(Finding {
            what,
            verdict,
            text,
            exit,
        });
    }
}

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

/// What the API is asked with.
#[derive(Debug)]
pub struct DoctorApi {
    /// The API's address.
    pub base_url: BaseUrl,
    /// The token, or why there is none.
    pub token: Result<SecretString, String>,
    /// The channel's id, or why there is none.
    pub channel: Result<String, String>,
    /// The webhook secrets, which the channel's own is compared with.
    pub secrets: WebhookSecrets,
    /// How long to wait for an answer.
    pub timeout: Duration,
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
        let waits = Waits::told_to(waits);
        ask(api, store.as_ref(), (clock, waits), &mut findings).await?;
    }
    Ok(findings)
}

/// Checks the checkpoint; an older schema is brought forward by opening it.
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
            "{} kept until the message is known that they speak of",
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

/// Checks everything that the API reports.
async fn ask(
    settings: &DoctorApi,
    store: Option<&Store>,
    (clock, waits): (&Clock, Waits<'_>),
    findings: &mut Findings,
) -> Result<(), RunError> {
    let token = match &settings.token {
        Ok(token) => token.clone(),
        Err(error) => {
            findings.bad("token", error, ExitCode::Configuration);
            return Ok(());
        }
    };
    findings.good("token", "there is one");
    let id = match &settings.channel {
        Ok(id) => id,
        Err(error) => {
            findings.bad("channel", error, ExitCode::Configuration);
            return Ok(());
        }
    };
    let base_url = settings.base_url.clone();
    let client = Access { base_url, token }.client(settings.timeout, 1, clock)?;
    client.keep_connections(false);
    match ask_for_channel(&client, store, id, (clock, waits)).await? {
        Ok((channel, headers)) => {
            channel_found(&channel, findings);
            let last = match store {
                Some(store) => store.reader()?.last_answer_of_channel(id)?,
                None => None,
            };
            for it in prerequisites(&channel.kind, last.as_ref()) {
                if it.is_seen {
                    findings.good(it.what, it.text);
                } else {
                    findings.notice(it.what, it.text);
                }
            }
            webhook(settings.secrets.of(id), &channel, findings);
            quota(&headers, clock.now(), findings);
            our_clock(&headers, clock.now(), findings);
            if let Some(store) = store {
                remember(store, &client, &headers, clock).await?;
            }
        }
        Err(error) => refused(&error, &settings.base_url, id, findings),
    }
    Ok(())
}

/// Asks the API, once runs of the token leave it a connection.
async fn ask_for_channel(
    client: &Client,
    store: Option<&Store>,
    id: &str,
    (clock, mut waits): (&Clock, Waits<'_>),
) -> Result<Result<(Channel, QuotaHeaders), ApiError>, RunError> {
    let Some(store) = store else {
        return Ok(client.channel(id).await);
    };
    let token = client.token_fingerprint();
    lookup::connection(store, (None, token), clock, &mut waits).await?;
    let answer = client.channel(id).await;
    store.asks_no_more(token).await?;
    Ok(answer)
}

fn refused(error: &ApiError, api: &BaseUrl, id: &str, findings: &mut Findings) {
    let what = match error {
        ApiError::Refused {
            status: 401 | 403, ..
        } => "token",
        ApiError::Refused { .. } => "channel",
        ApiError::NoAnswer { .. } | ApiError::Unreadable { .. } => "API",
    };
    let text = match error {
        ApiError::Refused {
            status: 401 | 403, ..
        } => format!("{api} does not accept the token: {error}"),
        ApiError::Refused { status: 404, .. } => format!("{api} knows no channel {id}: {error}"),
        ApiError::Refused { status: 429, .. } => {
            format!("the quota is used up, so that nothing more can be checked: {error}")
        }
        ApiError::Refused { .. } | ApiError::NoAnswer { .. } | ApiError::Unreadable { .. } => {
            format!("{api}: {error}")
        }
    };
    findings.bad(what, text, ExitCode::Configuration);
}

fn channel_found(channel: &Channel, findings: &mut Findings) {
    let name = channel.name.as_deref().unwrap_or("no name");
    let text = format!("{} ({name}), {}", channel.id, channel.kind);
    match channel.mode.as_deref() {
        None | Some("production") => findings.good("channel", text),
        Some("test") => findings.notice(
            "channel",
            format!("{text}: in test mode, messages are accepted and reach nobody"),
        ),
        Some(mode) => findings.notice("channel", format!("{text}: in mode {mode:?}")),
    }
}

/// Compares the channel's webhook with ours, and shows neither secret.
fn webhook(ours: Option<&SecretString>, channel: &Channel, findings: &mut Findings) {
    let Some((hook, url)) = channel
        .webhook
        .as_ref()
        .and_then(|hook| Some((hook, hook.url.as_deref().filter(|url| !url.is_empty())?)))
    else {
        let text = "the channel posts its events nowhere: deliveries, opt-ins and STOP will not be known; set the address of `outreach serve`";
        findings.notice("webhook", text);
        return;
    };
    match (ours, &hook.secret) {
        (Some(ours), Some(theirs)) => {
            let same: bool = ours
                .expose_secret()
                .as_bytes()
                .ct_eq(theirs.expose_secret().trim().as_bytes())
                .into();
            if same {
                findings.good("webhook", format!("{url}, and its secret is ours"));
            } else {
                let text = format!(
                    "{url}: its secret is not the configured one, `outreach serve` would refuse every event; copy it again"
                );
                findings.bad("webhook", text, ExitCode::Configuration);
            }
        }
        (None, Some(_)) => findings.notice(
            "webhook",
            format!("{url}, but no secret is configured here: `outreach serve` needs it in OUTREACH_WEBHOOK_SECRET or webhook-secret-file"),
        ),
        (_, None) => findings.notice(
            "webhook",
            format!("{url}, but the API does not show its secret: it cannot be compared"),
        ),
    }
}

fn quota(headers: &QuotaHeaders, now: Timestamp, findings: &mut Findings) {
    let (Some(limit), Some(remaining)) = (headers.limit, headers.remaining) else {
        findings.notice(
            "quota",
            "the API reports no quota: without --rate, 1,000 requests an hour are assumed",
        );
        return;
    };
    let reset = headers.until_reset(now).map_or_else(String::new, |left| {
        let at = crate::clock::later(now, left);
        format!(", the window ends {}", minute(at))
    });
    let text = format!(
        "{} of {} requests left{reset}",
        grouped(remaining),
        grouped(limit)
    );
    findings.good("quota", text);
}

fn our_clock(headers: &QuotaHeaders, now: Timestamp, findings: &mut Findings) {
    let Some(theirs) = headers.date else {
        return;
    };
    let off = now.as_second() - theirs.as_second();
    let side = if off < 0 { "behind" } else { "ahead of" };
    let text = format!("this machine's clock is {} s {side} the API's", off.abs());
    match off.abs() {
        off if off <= CLOCK_OFF => findings.good("clock", "agrees with the API's"),
        off if off <= CLOCK_WRONG => findings.notice("clock", text),
        _ => findings.bad("clock", format!("{text}: set it"), ExitCode::Configuration),
    }
}

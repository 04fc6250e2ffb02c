//! `outreach doctor`: is everything ready for tonight? Token, channel, webhook, quota, clock,
//! checkpoint. It makes one request, which counts; what that told of the quota is remembered. No
//! secret is printed.

use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use subtle::ConstantTimeEq;

use super::error::{CommandError, CommandResult};
use crate::amio::{ApiError, Channel, Client, ClientSettings};
use crate::cli::DoctorArgs;
use crate::clock::Clock;
use crate::config::{Connection, Settings};
use crate::domain::quota::{QuotaHeaders, QuotaState};
use crate::exit::ExitCode;
use crate::report::{grouped, minute};
use crate::store::Store;

/// How far our clock may be off before it is told, and before it is wrong, in seconds.
const CLOCK_OFF: i64 = 30;
const CLOCK_WRONG: i64 = 300;

/// The damage that is listed.
const FAULTS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Good,
    Notice,
    Bad,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Notice => "note",
            Self::Bad => "BAD",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    what: &'static str,
    verdict: Verdict,
    text: String,
    #[serde(skip)]
    exit: ExitCode,
}

#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: &'static str, text: impl Into<String>) {
        self.add(what, Verdict::Good, text.into(), ExitCode::Complete);
    }

    fn notice(&mut self, what: &'static str, text: impl Into<String>) {
        self.add(what, Verdict::Notice, text.into(), ExitCode::Complete);
    }

    fn bad(&mut self, what: &'static str, text: impl Into<String>, exit: ExitCode) {
        self.add(what, Verdict::Bad, text.into(), exit);
    }

    fn add(&mut self, what: &'static str, verdict: Verdict, text: String, exit: ExitCode) {
        self.0.push(Finding {
            what,
            verdict,
            text,
            exit,
        });
    }

    /// The gravest: what cannot be stored, before what is not configured.
    fn exit(&self) -> ExitCode {
        let exits = || self.0.iter().map(|finding| finding.exit);
        exits()
            .find(|exit| *exit == ExitCode::Storage)
            .or_else(|| exits().find(|exit| *exit != ExitCode::Complete))
            .unwrap_or(ExitCode::Complete)
    }
}

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`] if the settings cannot be read; what is wrong beyond them is told, and decides the
/// exit code.
pub fn run(
    args: &DoctorArgs,
    settings: &Settings,
    clock: &Clock,
    out: &mut dyn Write,
) -> CommandResult {
    let mut findings = Findings::default();
    let store = checkpoint(settings.checkpoint()?.db(), &mut findings);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(ExitCode::Internal, error))?;
    runtime.block_on(api(settings, store.as_ref(), clock, &mut findings))?;
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &findings.0).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        for finding in &findings.0 {
            writeln!(
                out,
                "{:4}  {:11} {}",
                finding.verdict.word(),
                finding.what,
                finding.text
            )?;
        }
    }
    Ok(findings.exit())
}

/// Looks at the checkpoint; an older schema is brought forward by opening it.
fn checkpoint(path: &Path, findings: &mut Findings) -> Option<Store> {
    if !path.exists() {
        let text = format!("{} is not there yet; `send` makes it", path.display());
        findings.good("checkpoint", text);
        return None;
    }
    let opened = Store::open_existing(path).and_then(|store| {
        let faults = store.reader()?.integrity_faults()?;
        Ok((store, faults))
    });
    let (store, faults) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            findings.bad("checkpoint", error.to_string(), ExitCode::Storage);
            return None;
        }
    };
    if faults.is_empty() {
        findings.good("checkpoint", format!("{} is sound", path.display()));
    } else {
        let told: Vec<&str> = faults.iter().take(FAULTS).map(String::as_str).collect();
        let text = format!(
            "{} is damaged: {}. Keep it, restore a backup, and do not send before you know who was messaged",
            path.display(),
            told.join("; ")
        );
        findings.bad("checkpoint", text, ExitCode::Storage);
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

/// Looks at everything that the API can tell.
async fn api(
    settings: &Settings,
    store: Option<&Store>,
    clock: &Clock,
    findings: &mut Findings,
) -> Result<(), CommandError> {
    let connection = settings.connection()?;
    let token = match connection.token() {
        Ok(token) => token.clone(),
        Err(error) => {
            findings.bad("token", error.to_string(), ExitCode::Configuration);
            return Ok(());
        }
    };
    findings.good("token", "there is one");
    let id = match connection.channel() {
        Ok(id) => id.to_owned(),
        Err(error) => {
            findings.bad("channel", error.to_string(), ExitCode::Configuration);
            return Ok(());
        }
    };
    let access = ClientSettings {
        base_url: connection.base_url.clone(),
        token,
        timeout: connection.timeout,
        concurrency: 1,
    };
    let client = Client::new(&access, clock.clone())?;
    match client.channel(&id).await {
        Ok((channel, headers)) => {
            channel_found(&channel, findings);
            webhook(settings, &id, &channel, findings)?;
            quota(&headers, clock.now(), findings);
            our_clock(&headers, clock.now(), findings);
            if let Some(store) = store {
                remember(store, &client, &headers, clock).await?;
            }
        }
        Err(error) => refused(&error, &connection, &id, findings),
    }
    Ok(())
}

fn refused(error: &ApiError, connection: &Connection, id: &str, findings: &mut Findings) {
    let api = &connection.base_url;
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

/// Compares the channel's webhook with ours, and tells neither secret.
fn webhook(
    settings: &Settings,
    id: &str,
    channel: &Channel,
    findings: &mut Findings,
) -> Result<(), CommandError> {
    let secrets = settings.webhook_secrets()?;
    let ours = secrets.of(id);
    let Some((hook, url)) = channel
        .webhook
        .as_ref()
        .and_then(|hook| Some((hook, hook.url.as_deref().filter(|url| !url.is_empty())?)))
    else {
        let text = "the channel posts its events nowhere: deliveries, opt-ins and STOP will not be known; set the address of `outreach serve`";
        findings.notice("webhook", text);
        return Ok(());
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
            format!("{url}, but the API does not tell its secret: it cannot be compared"),
        ),
    }
    Ok(())
}

fn quota(headers: &QuotaHeaders, now: Timestamp, findings: &mut Findings) {
    let (Some(limit), Some(remaining)) = (headers.limit, headers.remaining) else {
        findings.notice(
            "quota",
            "the API tells no quota: without --rate, 1,000 requests an hour are assumed",
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

/// Keeps what a request told of the quota: it counted.
pub(super) async fn remember(
    store: &Store,
    client: &Client,
    headers: &QuotaHeaders,
    clock: &Clock,
) -> Result<(), CommandError> {
    let now = clock.now();
    if headers.limit.is_none() && headers.remaining.is_none() {
        return Ok(());
    }
    let state = QuotaState {
        limit: headers.limit,
        remaining: headers.remaining,
        reset_at: headers
            .until_reset(now)
            .map(|left| crate::clock::later(now, left)),
        observed_at: Some(now),
    };
    let state = serde_json::to_string(&state)
        .map_err(|error| CommandError::new(ExitCode::Internal, error))?;
    let token = client.token_fingerprint();
    Ok(store.save_quota(token, state, now).await?)
}

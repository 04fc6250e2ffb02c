//! What the API says of the token, the channel, the webhook and the quota.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::findings::Findings;
use crate::amio::webhook::WebhookSecrets;
use crate::amio::{ApiError, BaseUrl, Channel, Client};
use crate::clock::Clock;
use crate::domain::quota::QuotaHeaders;
use crate::exit::ExitCode;
use crate::report::{grouped, minute};
use crate::run::error::RunError;
use crate::run::lookup::{self, Waits};
use crate::run::prerequisites::prerequisites;
use crate::run::quota::remember;
use crate::run::settings::Access;
use crate::store::Store;

/// How far our clock may be off before that is reported, and before it is wrong, in seconds.
pub(super) const CLOCK_OFF: i64 = 30;
const CLOCK_WRONG: i64 = 300;

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

/// Checks everything that the API reports.
pub(super) async fn ask(
    settings: &DoctorApi,
    store: Option<&Store>,
    clock: &Clock,
    waits: Waits<'_>,
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
    match ask_for_channel(&client, store, id, clock, waits).await? {
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
    clock: &Clock,
    mut waits: Waits<'_>,
) -> Result<Result<(Channel, QuotaHeaders), ApiError>, RunError> {
    let Some(store) = store else {
        return Ok(client.channel(id).await);
    };
    let token = client.token_fingerprint();
    lookup::connection(store, None, token, clock, &mut waits).await?;
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

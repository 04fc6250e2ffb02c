//! `outreach doctor`: is everything ready for tonight?

use std::io::Write;

use jiff::Timestamp;

use super::call::Call;
use super::checkpoint;
use super::console::{Visible, line_of_words, print_json};
use super::error::{CommandError, CommandResult};
use super::process::runtime;
use super::settings::whole_validation;
use super::terminal::say_waits;
use crate::cli::DoctorArgs;
use crate::config::Settings;
use crate::domain::text::on_one_line;
use crate::run::{DoctorApi, DoctorSettings, FindingVerdict, cluster_findings, doctor};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`](super::CommandError) if the settings cannot be read; what is wrong beyond them is printed,
/// and decides the exit code.
pub(crate) fn run(args: &DoctorArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, clock) = (&call.settings, &call.clock);
    let doctor_settings = doctor_settings(settings, clock.now())?;
    let mut say_wait = say_waits("The question to the API", call.console, clock);
    let findings = runtime()?.block_on(doctor(&doctor_settings, clock, &mut say_wait))?;
    if args.json {
        print_json(&findings, &mut Visible(out))?;
    } else {
        for finding in findings.iter() {
            let word = match finding.verdict {
                FindingVerdict::Good => "ok",
                FindingVerdict::Notice => "note",
                FindingVerdict::Bad => "BAD",
            };
            let text = on_one_line(&finding.text);
            let before = format!("{word:4}  {:11} ", finding.what);
            line_of_words(&format!("{before}{text}"), before.len(), out)?;
        }
    }
    Ok(findings.exit())
}

/// What a check of everything looks at.
pub(super) fn doctor_settings(
    settings: &Settings,
    now: Timestamp,
) -> Result<DoctorSettings, CommandError> {
    let found = whole_validation(settings, now);
    let checkpoint = settings.checkpoint().ok();
    let cluster = checkpoint
        .as_ref()
        .and_then(|it| Some((it, it.cluster.as_ref()?)));
    let cluster = match cluster {
        Some((checkpoint, access)) => cluster_findings(&checkpoint.place().find()?, access, now),
        None => Vec::new(),
    };
    // What is opened to be written would wait for it.
    let is_away = cluster.iter().any(|it| it.verdict == FindingVerdict::Bad);
    Ok(DoctorSettings {
        cluster,
        notices: found.notices,
        problems: found
            .problems
            .iter()
            .map(|problem| (problem.to_string(), problem.exit()))
            .collect(),
        // Why there is none is among the problems.
        checkpoint: checkpoint
            .filter(|_| !is_away)
            .map(|it| checkpoint::path(&it)),
        api: api(settings)?,
        is_thorough: true,
    })
}

/// What is needed to ask the API; `None` if the settings do not say, which is among the problems.
fn api(settings: &Settings) -> Result<Option<DoctorApi>, CommandError> {
    let Ok(connection) = settings.connection() else {
        return Ok(None);
    };
    Ok(Some(DoctorApi {
        base_url: connection.base_url()?.clone(),
        token: connection.token().cloned().map_err(|it| it.to_string()),
        channel: connection
            .channel()
            .map(ToOwned::to_owned)
            .map_err(|error| error.to_string()),
        secrets: settings.webhook_secrets()?,
        timeout: connection.timeout,
    }))
}

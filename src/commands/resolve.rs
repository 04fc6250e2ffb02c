//! `outreach resolve BATCH`: the recipients whose outcome is unknown, and how to settle them: by what
//! the API's message list proves, or by the user's own decision.

use std::io::Write;

use jiff::Timestamp;
use serde_json::json;

use super::checkpoint::{self, Found};
use super::console::{Console, print_json};
use super::error::{CommandError, CommandResult};
use super::process::runtime;
use super::settings as run_settings;
use super::terminal::waits;
use crate::cli::ResolveArgs;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{grouped, place, without_numbers};
use crate::run::{Evidence, HeldBatch, Mismatch, PacerView, RowChoice, UnknownRows, Wait};
use crate::store::Decision;

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(
    args: &ResolveArgs,
    settings: &Settings,
    console: Console,
    clock: &Clock,
    out: &mut dyn Write,
) -> CommandResult {
    let found = checkpoint::find(settings, Some(&args.batch))?;
    let choice = RowChoice {
        rows: &args.row,
        file: args.file.as_deref(),
    };
    let decision = match (args.assume_sent, args.resend) {
        (true, _) => Some(Decision::AssumeSent),
        (_, true) => Some(Decision::Resend),
        (false, false) => None,
    };
    if decision.is_none() && !args.from_api {
        let unknown = UnknownRows::read(&found.path, &args.batch, clock.now())?;
        list(&unknown, &found, args.json, out)?;
        return Ok(ExitCode::Complete);
    }
    let batch = HeldBatch::take(&found.path, &args.batch, clock.now())?;
    if let Some(decision) = decision {
        let settled = batch.decide(&choice, decision, settings.person(), clock.now())?;
        let settled = grouped(settled);
        console.say(match decision {
            Decision::AssumeSent => format!("{settled} rows count as sent now."),
            Decision::Resend => {
                let sandbox = if batch.batch().sandbox {
                    "--sandbox"
                } else {
                    ""
                };
                let resume = found.hints().command("resume", &args.batch, &[sandbox]);
                format!("{settled} rows are queued again. `{resume}` sends to them.")
            }
        });
        return Ok(ExitCode::Complete);
    }
    if batch.batch().sandbox {
        return Err(Mismatch::NoEvidenceOfRehearsal.into());
    }
    let connection = settings.connection()?;
    let access = run_settings::access(&connection)?;
    let run = run_settings::run(settings, clock.now())?;
    let mut said = None;
    let mut say_wait = |pace: &PacerView| {
        // Once for each wait.
        if pace.sleeping_until != said {
            said = pace.sleeping_until;
            let wait = waits(pace, Wait::of(pace, None).as_ref(), clock.now());
            if !wait.is_empty() {
                console.say(format_args!("Asking the API{wait}"));
            }
        }
    };
    let asked = batch.settle_by_evidence(&choice, &access, &run, clock, &mut say_wait);
    let evidence = runtime()?.block_on(asked)?;
    say_evidence(console, &args.batch, &evidence);
    Ok(if evidence.proven == evidence.rows {
        ExitCode::Complete
    } else {
        ExitCode::CompleteWithProblems
    })
}

fn list(
    unknown: &UnknownRows,
    found: &Found,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let UnknownRows { batch, rows } = unknown;
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(row, at)| {
                json!({
                    "file": batch.file_name(row.file),
                    "row": row.row,
                    "phone": row.phone.map(PhoneNumber::e164),
                    "contact_id": row.contact_id,
                    "requested_at": at,
                    "reason": row.reason,
                })
            })
            .collect();
        return Ok(print_json(&rows, out)?);
    }
    if rows.is_empty() {
        return Ok(writeln!(
            out,
            "Batch {}: no outcome is unknown.",
            on_one_line(&batch.name)
        )?);
    }
    writeln!(
        out,
        "Batch {}: {} rows whose outcome is unknown. Each may have got the message.",
        on_one_line(&batch.name),
        grouped(rows.len() as u64)
    )?;
    for (row, at) in rows {
        let phone = row.phone.map_or_else(String::new, PhoneNumber::masked);
        let at = at.as_ref().map_or_else(String::new, Timestamp::to_string);
        let reason = without_numbers(row.reason.as_deref().unwrap_or("the answer was lost"));
        writeln!(
            out,
            "  {}  {phone}  {at}  {reason}",
            place(&batch.files, row.file, row.row)
        )?;
    }
    let command = found.hints().command("resolve", &batch.name, &[]);
    let known = rows
        .iter()
        .filter(|(row, _)| row.contact_id.is_some())
        .count();
    writeln!(
        out,
        "\nWhat to do next\n  {command} --from-api\n      asks the API for the messages of the {} whose contact id is known\n  \
         {command} --assume-sent --all\n      your decision: they got it (or --row N, repeatable)\n  \
         {command} --resend --all\n      your decision: send again, even if some get it twice (or --row N)",
        grouped(known as u64)
    )?;
    Ok(())
}

fn say_evidence(console: Console, batch: &str, evidence: &Evidence) {
    let Evidence {
        rows,
        proven,
        not_askable,
    } = *evidence;
    console.say(format_args!(
        "Batch {batch}: of {} unknown rows, {} are proven sent.",
        grouped(rows),
        grouped(proven)
    ));
    if not_askable > 0 {
        console.say(format_args!(
            "{} cannot be asked about: no contact id is known, or the person was erased.",
            grouped(not_askable)
        ));
    }
    if proven < rows {
        console.say(
            "What is not proven stays unknown: that the list does not show a message does not prove that it was not sent.",
        );
    }
}

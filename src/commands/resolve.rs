//! `outreach resolve BATCH`: the recipients whose outcome is unknown, and how to settle them: by what
//! the API's message list proves, or by the user's own decision.

use std::io::Write;

use jiff::Timestamp;
use serde_json::json;

use super::call::Call;
use super::checkpoint::{self, Found};
use super::console::{Console, line_of_words, print_json, words};
use super::error::{CommandError, CommandResult};
use super::process::runtime;
use super::settings as run_settings;
use super::terminal::{say_waits, say_waits_as_json};
use crate::cli::ResolveArgs;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{Local, counted, counted_are, grouped, place, plural, without_numbers};
use crate::run::{
    Decision, Evidence, HeldBatch, Mismatch, RowChoice, SettledRows, UnknownRows, Wait,
};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(args: &ResolveArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
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
        list(&unknown, &found, args.json, clock.now(), out)?;
        return Ok(ExitCode::Complete);
    }
    let batch = HeldBatch::take(&found.path, &args.batch, clock.now())?;
    if let Some(decision) = decision {
        let rows = batch.decide(&choice, decision, settings.person(), clock.now())?;
        let unsettled = rows.left + rows.waiting;
        if rows.settled > 0 || unsettled == 0 {
            console.say(decided_text(&found, &batch, decision, rows.settled)?);
        }
        warn_of_unsettled(console, rows);
        return Ok(match unsettled {
            0 => ExitCode::Complete,
            _ => ExitCode::CompleteWithProblems,
        });
    }
    let evidence = ask(&batch, &choice, call, args.json)?;
    if args.json {
        print_json(&as_json(&args.batch, &evidence), out)?;
    } else {
        say_evidence(console, &args.batch, &evidence);
    }
    Ok(if evidence.proven == evidence.rows {
        ExitCode::Complete
    } else {
        ExitCode::CompleteWithProblems
    })
}

/// Why rows are still unknown.
fn warn_of_unsettled(console: Console, rows: SettledRows) {
    if rows.left > 0 {
        console.warn(format_args!(
            "{} unknown, and nothing is sent again: a person who was erased, or is no longer in the list, has no \
             message to get. --assume-sent settles them.",
            rows_stay(rows.left)
        ));
    }
    if rows.waiting > 0 {
        console.warn(format_args!(
            "{} unknown, and nothing is sent again: {MAY_HAVE_WRITTEN}",
            rows_stay(rows.waiting)
        ));
    }
}

/// Why people with an unknown outcome get nothing, and what ends that.
const MAY_HAVE_WRITTEN: &str = "a contact whose number is not known wrote on that channel after the request, and it may \
     be this person, who may ask not to be messaged. `outreach suppress replies` shows what was written; settle it there: \
     --opt-out ID --number NUMBER for who wrote it, or --harmless ID.";

fn decided_text(
    found: &Found,
    batch: &HeldBatch,
    decision: Decision,
    settled: u64,
) -> Result<String, CommandError> {
    match decision {
        Decision::AssumeSent => Ok(plural(
            settled,
            "row counts as sent now.",
            "rows count as sent now.",
        )),
        Decision::Resend => queued_again(found, batch, settled),
    }
}

fn rows_stay(rows: u64) -> String {
    let verb = if rows == 1 { "stays" } else { "stay" };
    format!("{} {verb}", counted(rows, "row"))
}

/// That rows are queued again, and what sends to them.
pub(super) fn queued_again(
    found: &Found,
    batch: &HeldBatch,
    rows: u64,
) -> Result<String, CommandError> {
    let hints = found.hints_of(batch.batch())?;
    let batch = batch.batch();
    let sandbox = if batch.sandbox { "--sandbox" } else { "" };
    let resume = hints.command("resume", &batch.name, &[sandbox]);
    let them = if rows == 1 { "it" } else { "them" };
    Ok(format!(
        "{} queued again. `{resume}` sends to {them}.",
        counted_are(rows, "row")
    ))
}

/// Asks the API what became of the rows.
fn ask(
    batch: &HeldBatch,
    choice: &RowChoice<'_>,
    call: &Call,
    json: bool,
) -> Result<Evidence, CommandError> {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    if batch.batch().sandbox {
        return Err(Mismatch::NoEvidenceOfRehearsal.into());
    }
    let connection = settings.connection()?;
    let access = run_settings::access(&connection)?;
    let run = run_settings::run(settings, clock.now())?;
    let name = &batch.batch().name;
    let (mut words, mut lines) = (
        say_waits("Asking the API", console, clock),
        say_waits_as_json(name, console, clock),
    );
    let waits: &mut (dyn FnMut(&Wait) + Send) = if json { &mut lines } else { &mut words };
    let asked = batch.settle_by_evidence(choice, &access, &run, clock, waits);
    Ok(runtime()?.block_on(asked)?)
}

fn as_json(batch: &str, evidence: &Evidence) -> serde_json::Value {
    json!({
        "batch": batch,
        "rows": evidence.rows,
        "proven": evidence.proven,
        "not_askable": evidence.not_askable,
    })
}

fn list(
    unknown: &UnknownRows,
    found: &Found,
    json: bool,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let UnknownRows {
        batch,
        rows,
        may_have_written,
    } = unknown;
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
                    "may_have_written": may_have_written.contains(&row.recipient),
                })
            })
            .collect();
        return Ok(print_json(&rows, out)?);
    }
    let name = on_one_line(&batch.name);
    if rows.is_empty() {
        return Ok(words(
            &format!("Batch {name}: no outcome is unknown.\n"),
            out,
        )?);
    }
    let count = counted(rows.len() as u64, "row");
    words(
        &format!(
            "Batch {name}: {count} whose outcome is unknown. Each may have got the message.\n"
        ),
        out,
    )?;
    let local = Local::at(now);
    for (row, at) in rows {
        let phone = row.phone.map_or_else(String::new, PhoneNumber::masked);
        let at = at.map_or_else(String::new, |at| local.second(at));
        let reason = without_numbers(row.reason.as_deref().unwrap_or("the answer was lost"));
        let place = place(&batch.files, row.file, row.row);
        let held = if may_have_written.contains(&row.recipient) {
            "; may have written what waits to be read"
        } else {
            ""
        };
        line_of_words(&format!("  {place}  {phone}  {at}  {reason}{held}"), 4, out)?;
    }
    if !may_have_written.is_empty() {
        let held = counted(may_have_written.len() as u64, "row");
        let text = format!("\n{held}: {MAY_HAVE_WRITTEN} --resend leaves them.\n");
        words(&text, out)?;
    }
    let known = rows.iter().filter(|(row, _)| row.contact_id.is_some());
    let hints = found.hints_of(batch)?;
    let command = hints.command("resolve", &batch.name, &[]);
    Ok(words(&next_text(&command, known.count() as u64), out)?)
}

/// What can be done about the rows; the API is asked only about people whose contact id is known.
fn next_text(command: &str, known: u64) -> String {
    let from_api = match known {
        0 => String::new(),
        known => format!(
            "  {command} --from-api\n      asks the API for the messages of the {} whose contact id is known\n",
            grouped(known)
        ),
    };
    format!(
        "\nWhat to do next\n{from_api}  {command} --assume-sent --all\n      your decision: they got it (or --row N, \
         repeatable)\n  {command} --resend --all\n      your decision: send again, even if some get it twice (or --row N)\n"
    )
}

fn say_evidence(console: Console, batch: &str, evidence: &Evidence) {
    let Evidence {
        rows,
        proven,
        not_askable,
    } = *evidence;
    console.say(format_args!(
        "Batch {batch}: of {} with an unknown outcome, {} proven sent.",
        counted(rows, "row"),
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

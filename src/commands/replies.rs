//! `outreach suppress replies`: what people wrote that may be an opt-out.

use std::io::Write;

use serde_json::{Value, json};

use super::call::Call;
use super::checkpoint;
use super::console::{Visible, words};
use super::contacts::moment;
use super::error::{CommandError, CommandResult};
use crate::domain::phone::PhoneNumber;
use crate::domain::text::{on_one_line, shortened};
use crate::exit::ExitCode;
use crate::report::place;
use crate::run::{Answer, Answered, KeptEvent, PersonRow, answer_events, kept_events};

/// How much of a text is shown on the screen; `--json` has all of it.
const SHOWN: usize = 300;

/// Lists them.
pub(super) fn list(call: &Call, json: bool, out: &mut dyn Write) -> CommandResult {
    let console = call.console;
    let found = checkpoint::find(&call.settings, None)?;
    let mut count = 0;
    let mut values = Vec::new();
    kept_events(&found.path, |event, rows| -> Result<(), CommandError> {
        count += 1;
        let rows: Vec<String> = rows.iter().map(row_text).collect();
        if json {
            values.push(value(&event, &rows));
            return Ok(());
        }
        let mut text = match &event.said {
            Some(said) => format!("\"{}\"", on_one_line(&shortened(said, SHOWN))),
            None => format!("a {} event: {}", on_one_line(&event.kind), event.problem),
        };
        if event.waits_for_person {
            text.push_str("; an opt-out that waits: the number of the contact is not known");
        }
        let who = match (event.phone, &event.contact_id) {
            (Some(phone), _) => phone.masked(),
            (None, Some(id)) => match &event.channel {
                Some(channel) => {
                    format!(
                        "contact {} on channel {}",
                        on_one_line(id),
                        on_one_line(channel)
                    )
                }
                None => format!("contact {}", on_one_line(id)),
            },
            (None, None) => "nobody is named".to_owned(),
        };
        let rows = rows
            .last()
            .map_or_else(String::new, |row| format!("  {}", on_one_line(row)));
        let at = moment(event.received_at);
        let entry = format!("{:6}  {at}  {who}{rows}\n        {text}\n", event.id);
        Ok(words(&entry, out)?)
    })?;
    if json {
        writeln!(Visible(out), "{:#}", Value::from(values))?;
    } else if count == 0 {
        console.say("No reply waits for a person.");
    } else {
        console.say(
            "`outreach suppress replies --opt-out ID` puts the person on the suppression list (`--number NUMBER` says who it \
             is, where only a contact is named), `outreach suppress replies --harmless ID` takes the reply off this list.",
        );
    }
    Ok(ExitCode::Complete)
}

fn row_text(row: &PersonRow) -> String {
    format!("{}, {}", row.batch, place(&row.files, row.file, row.row))
}

fn value(event: &KeptEvent, rows: &[String]) -> Value {
    json!({
        "id": event.id,
        "event": event.kind,
        "received_at": event.received_at,
        "phone": event.phone.map(PhoneNumber::e164),
        "channel": event.channel,
        "contact_id": event.contact_id,
        "waits_for_number": event.waits_for_person,
        "text": event.said,
        "problem": event.problem,
        // Where the text could not be read, a person may find it here.
        "body": event.said.is_none().then_some(&event.body),
        "rows": rows,
    })
}

/// Settles those that a person has read.
pub(super) fn settle(
    call: &Call,
    (opt_out, number): (&[i64], Option<PhoneNumber>),
    harmless: &[i64],
) -> CommandResult {
    let (settings, console) = (&call.settings, call.console);
    let (ids, answer) = match opt_out {
        [] => (harmless, Answer::Harmless),
        _ => (opt_out, Answer::OptOut),
    };
    if let Some((first, others)) = ids.split_first()
        && number.is_some()
        && others.iter().any(|id| id != first)
    {
        return Err(CommandError::usage(
            "--number says who wrote one reply, and several --opt-out are given; nothing was changed. Give each reply with \
             its number in a command of its own",
        ));
    }
    let (found, by) = (checkpoint::find(settings, None)?, settings.person());
    let done = answer_events(&found.path, ids, answer, number, by, call.clock.now())?;
    match (done, answer) {
        (Answered::NoSuch(id), _) => Err(CommandError::usage(format_args!(
            "no reply {id} waits for a person; nothing was changed. `outreach suppress replies` shows them"
        ))),
        (Answered::OfAnother(id, known), _) => Err(CommandError::usage(format_args!(
            "{id} was written by {}, not from the number at --number; nothing was changed. `outreach suppress replies \
             --opt-out {id}` puts that person on the suppression list, `outreach suppress add NUMBER` another one",
            known.masked()
        ))),
        (Answered::Nameless(id), _) => Err(CommandError::usage(format_args!(
            "{id} names nobody; nothing was changed. Find out who wrote it: `outreach suppress add NUMBER`, then \
             `outreach suppress replies --harmless {id}`"
        ))),
        (Answered::Waits(id), _) => {
            console.say(format_args!(
                "The contact opted out. Whose it is, is not known yet: the person is on the suppression list as soon as it \
                 is, or by `outreach suppress replies --opt-out {id} --number NUMBER`."
            ));
            Ok(ExitCode::Complete)
        }
        (Answered::Done, Answer::OptOut) => {
            console.say("The person who wrote that is on the suppression list.");
            Ok(ExitCode::Complete)
        }
        (Answered::Done, Answer::Harmless) => {
            console.say("Taken off the list of replies; nobody was put on the suppression list.");
            Ok(ExitCode::Complete)
        }
    }
}

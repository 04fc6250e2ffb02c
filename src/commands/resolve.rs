//! `outreach resolve BATCH`: the recipients whose outcome is unknown, and how to settle them: by what
//! the API's message list proves, or by the user's own decision.

use std::collections::BTreeSet;
use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::checkpoint::{self, Found};
use super::chosen::chosen;
use super::console::Console;
use super::doctor::remember;
use super::error::{CommandError, CommandResult};
use crate::amio::{ApiError, Client, ClientSettings, ListedMessage};
use crate::cli::ResolveArgs;
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::phone::PhoneNumber;
use crate::exit::ExitCode;
use crate::report::{grouped, place, quoted, without_numbers};
use crate::store::{Batch, Decision, Proof, Reader, Store, StoreError, UnknownRow};

/// How far the API's clock may be behind ours when it says when a message was sent.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_secs(10);

/// Messages of a contact's history in one answer, and the pages that are read at the most.
const PAGE: usize = 100;
const PAGES: u32 = 10;

/// Who settles by evidence, for the audit.
const MESSAGE_LIST: &str = "the API's message list";

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub fn run(
    args: &ResolveArgs,
    settings: &Settings,
    console: Console,
    clock: &Clock,
    out: &mut dyn Write,
) -> CommandResult {
    let found = checkpoint::find(settings, Some(&args.batch))?;
    let (reader, batch) = found.batch(&args.batch)?;
    let decision = match (args.assume_sent, args.resend) {
        (true, _) => Some(Decision::AssumeSent),
        (_, true) => Some(Decision::Resend),
        (false, false) => None,
    };
    match (decision, args.from_api) {
        (Some(decision), _) => decide(args, settings, &found, &batch, decision, console, clock),
        (None, true) => from_api(args, settings, &found, &batch, console, clock),
        (None, false) => {
            note_leftovers(&found, &batch, &reader, clock)?;
            let rows = reader.unknown_rows(batch.id, usize::MAX)?;
            list(&reader, &batch, &rows, &found, args.json, out)?;
            Ok(ExitCode::Complete)
        }
    }
}

/// What a process left under way when it died is unknown: said as soon as somebody looks. While a
/// process still works on the batch, its rows are its own.
fn note_leftovers(
    found: &Found,
    batch: &Batch,
    reader: &Reader,
    clock: &Clock,
) -> Result<(), CommandError> {
    if reader.counts(batch.id)?.sending == 0 {
        return Ok(());
    }
    let store = Store::open_existing(&found.path)?;
    match store.hold(&batch.name, clock.now()) {
        Ok(_hold) => {
            store.interrupt_leftovers(batch.id, clock.now())?;
            Ok(())
        }
        Err(StoreError::Held { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn list(
    reader: &Reader,
    batch: &Batch,
    rows: &[UnknownRow],
    found: &Found,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let asked: BTreeSet<_> = rows.iter().map(|row| row.recipient).collect();
    let times = reader.last_requests(&asked)?;
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "file": batch.file_name(row.file),
                    "row": row.row,
                    "phone": row.phone.map(PhoneNumber::e164),
                    "contact_id": row.contact_id,
                    "requested_at": times.get(&row.recipient),
                    "reason": row.reason,
                })
            })
            .collect();
        serde_json::to_writer_pretty(&mut *out, &rows).map_err(std::io::Error::from)?;
        return Ok(writeln!(out)?);
    }
    if rows.is_empty() {
        return Ok(writeln!(
            out,
            "Batch {}: no outcome is unknown.",
            batch.name
        )?);
    }
    writeln!(
        out,
        "Batch {}: {} rows whose outcome is unknown. Each may have got the message.",
        batch.name,
        grouped(rows.len() as u64)
    )?;
    for row in rows {
        let phone = row.phone.map_or_else(String::new, PhoneNumber::masked);
        let at = times.get(&row.recipient);
        let at = at.map_or_else(String::new, Timestamp::to_string);
        let reason = without_numbers(row.reason.as_deref().unwrap_or("the answer was lost"));
        writeln!(
            out,
            "  {}  {phone}  {at}  {reason}",
            place(batch, row.file, row.row)
        )?;
    }
    let command = format!("outreach resolve {}{}", quoted(&batch.name), db(found));
    let known = rows.iter().filter(|row| row.contact_id.is_some()).count();
    writeln!(
        out,
        "\nWhat to do next\n  {command} --from-api\n      asks the API for the messages of the {} whose contact id is known\n  \
         {command} --assume-sent --all\n      your decision: they got it (or --row N, repeatable)\n  \
         {command} --resend --all\n      your decision: send again, even if some get it twice (or --row N)",
        grouped(known as u64)
    )?;
    Ok(())
}

fn db(found: &Found) -> String {
    found.db.as_ref().map_or_else(String::new, |db| {
        format!(" --db {}", quoted(&db.to_string_lossy()))
    })
}

fn decide(
    args: &ResolveArgs,
    settings: &Settings,
    found: &Found,
    batch: &Batch,
    decision: Decision,
    console: Console,
    clock: &Clock,
) -> CommandResult {
    let store = Store::open_existing(&found.path)?;
    let _hold = store.hold(&batch.name, clock.now())?;
    store.interrupt_leftovers(batch.id, clock.now())?;
    let rows = chosen(args, &store.reader()?, batch)?;
    let recipients = rows.iter().map(|row| row.recipient).collect();
    let settled = store.decide(recipients, decision, settings.person(), clock.now())?;
    let settled = grouped(settled);
    console.say(match decision {
        Decision::AssumeSent => format!("{settled} rows count as sent now."),
        Decision::Resend => format!(
            "{settled} rows are queued again. `outreach resume {}{}{}` sends to them.",
            quoted(&batch.name),
            if batch.sandbox { " --sandbox" } else { "" },
            db(found)
        ),
    });
    Ok(ExitCode::Complete)
}

fn from_api(
    args: &ResolveArgs,
    settings: &Settings,
    found: &Found,
    batch: &Batch,
    console: Console,
    clock: &Clock,
) -> CommandResult {
    if batch.sandbox {
        return Err(CommandError::usage(
            "this batch was a rehearsal: the sandbox that took its messages is gone; settle it with --assume-sent or --resend",
        ));
    }
    let connection = settings.connection()?;
    let access = ClientSettings {
        base_url: connection.base_url.clone(),
        token: connection.token()?.clone(),
        timeout: connection.timeout,
        concurrency: 1,
    };
    let client = Client::new(&access, clock.clone())?;
    let store = Store::open_existing(&found.path)?;
    let _hold = store.hold(&batch.name, clock.now())?;
    store.interrupt_leftovers(batch.id, clock.now())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(ExitCode::Internal, error))?;
    runtime.block_on(async {
        let reader = store.reader()?;
        let rows = chosen(args, &reader, batch)?;
        let asked: BTreeSet<_> = rows.iter().map(|row| row.recipient).collect();
        let times = reader.last_requests(&asked)?;
        let api = Api {
            client: &client,
            store: &store,
            clock,
        };
        let (mut proven, mut without_id) = (0, 0);
        for row in &rows {
            let (Some(contact), Some(content), Some(since)) =
                (&row.contact_id, &row.content, times.get(&row.recipient))
            else {
                without_id += 1;
                continue;
            };
            let wanted = Wanted {
                contact,
                content: serde_json::from_str(content).unwrap_or_default(),
                since: *since,
            };
            if let Some(proof) = search(&api, &reader, batch, row, &wanted).await? {
                let actor = MESSAGE_LIST.to_owned();
                proven += store.prove_sent(vec![proof], actor, clock.now()).await?;
            }
        }
        tell(console, batch, rows.len() as u64, proven, without_id);
        Ok(if proven == rows.len() as u64 {
            ExitCode::Complete
        } else {
            ExitCode::CompleteWithProblems
        })
    })
}

fn tell(console: Console, batch: &Batch, rows: u64, proven: u64, without_id: u64) {
    console.say(format_args!(
        "Batch {}: of {} unknown rows, {} are proven sent.",
        batch.name,
        grouped(rows),
        grouped(proven)
    ));
    if without_id > 0 {
        console.say(format_args!(
            "{} have no known contact id: the API cannot be asked about them.",
            grouped(without_id)
        ));
    }
    if proven < rows {
        console.say(
            "What is not proven stays unknown: that the list does not show a message does not prove that it was not sent.",
        );
    }
}

/// What a listed message must be.
struct Wanted<'a> {
    contact: &'a str,
    content: serde_json::Value,
    since: Timestamp,
}

/// Whom to ask, and where to keep what was told of the quota.
struct Api<'a> {
    client: &'a Client,
    store: &'a Store,
    clock: &'a Clock,
}

/// Looks for the message in the contact's history.
async fn search(
    api: &Api<'_>,
    reader: &Reader,
    batch: &Batch,
    row: &UnknownRow,
    wanted: &Wanted<'_>,
) -> Result<Option<Proof>, CommandError> {
    for page in 0..PAGES {
        let offset = page * u32::try_from(PAGE).unwrap_or(u32::MAX);
        let answer = api
            .client
            .list_messages(&batch.channel, wanted.contact, offset)
            .await;
        let messages = match answer {
            Ok((messages, quota)) => {
                remember(api.store, api.client, &quota, api.clock).await?;
                messages
            }
            // The contact is gone: nothing is proven about this row.
            Err(ApiError::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => {
                return Err(CommandError::from(error).context(
                    "the API cannot be asked; what was proven so far is settled, the rest stays unknown",
                ));
            }
        };
        let whole = messages.len() >= PAGE;
        for message in messages {
            if let Some(sent_at) = matching(&message, wanted)
                && !reader.knows_message(&message.id)?
            {
                return Ok(Some(Proof {
                    recipient: row.recipient,
                    contact_id: wanted.contact.to_owned(),
                    sent_at,
                    delivered_at: time(message.delivered.as_deref()),
                    read_at: time(message.read.as_deref()),
                    message_id: message.id,
                }));
            }
        }
        if !whole {
            break;
        }
    }
    Ok(None)
}

/// When it was sent, if it is ours: the same content, sent by us, after the request began.
fn matching(message: &ListedMessage, wanted: &Wanted<'_>) -> Option<Timestamp> {
    let sent_at = time(message.sent.as_deref())?;
    let in_time = sent_at
        .checked_add(CLOCK_DIFFERENCE)
        .is_ok_and(|latest| latest >= wanted.since);
    (message.direction == "sent" && in_time && message.content == wanted.content).then_some(sent_at)
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(direction: &str, sent: &str, content: &str) -> ListedMessage {
        serde_json::from_value(json!({
            "id": "9", "direction": direction, "sent": sent, "delivered": null, "read": null,
            "content": serde_json::from_str::<serde_json::Value>(content).unwrap(),
        }))
        .unwrap()
    }

    #[test]
    fn only_the_same_content_sent_by_us_after_the_request_is_a_proof() {
        let wanted = Wanted {
            contact: "7",
            content: json!({ "type": "text", "payload": "Hi" }),
            since: "2026-05-01T10:00:00Z".parse().unwrap(),
        };
        let ours = r#"{"payload":"Hi","type":"text"}"#;
        for (proves, direction, sent, content) in [
            (true, "sent", "2026-05-01T10:00:01.5Z", ours),
            (true, "sent", "2026-05-01T09:59:55Z", ours),
            (false, "sent", "2026-05-01T09:59:00Z", ours),
            (false, "received", "2026-05-01T10:00:01Z", ours),
            (
                false,
                "sent",
                "2026-05-01T10:00:01Z",
                r#"{"type":"text","payload":"Ho"}"#,
            ),
            (false, "sent", "yesterday", ours),
        ] {
            let message = message(direction, sent, content);
            assert_eq!(matching(&message, &wanted).is_some(), proves, "{message:?}");
        }
    }
}

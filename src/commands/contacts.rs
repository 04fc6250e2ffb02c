//! `outreach contacts`: the people known on each channel.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Call;
use super::checkpoint;
use super::console::{Console, Entries, Visible, words};
use super::error::{CommandError, CommandResult};
use crate::cli::{ContactsAction, ContactsArgs};
use crate::domain::phone::PhoneNumber;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{Local, grouped, place, without_numbers, write_contacts};
use crate::run::typed_number;
use crate::store::{Contact, PersonRow, Reader};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(
    args: &ContactsArgs,
    call: &Call,
    out: &mut Visible<impl Write>,
) -> CommandResult {
    let (settings, console) = (&call.settings, call.console);
    let found = checkpoint::find(settings, None)?;
    let reader = found.reader()?;
    match &args.action {
        ContactsAction::List { json, .. } => list(&reader, *json, &mut out.0)?,
        ContactsAction::Show { number, json, .. } => {
            let phone = typed_number(number, settings.intake()?.reading())?;
            show(&reader, phone, *json, console, &mut out.0)?;
        }
        ContactsAction::Export { out: None, .. } => {
            write_contacts(&reader, &mut out.0)?;
        }
        ContactsAction::Export {
            out: Some(path),
            force,
            ..
        } => {
            let mut files = call.files(Some(&found.path), &[], *force)?;
            files.write("--out", path)?;
            let count = export_file(&reader, path)
                .map_err(|error| error.context(path.display().to_string()))?;
            files.enter("contacts", path);
            console.say(format_args!(
                "{} contacts written to {}.",
                grouped(count),
                path.display()
            ));
        }
    }
    Ok(ExitCode::Complete)
}

fn list(reader: &Reader, json: bool, out: &mut dyn Write) -> Result<(), CommandError> {
    let mut entries = Entries::new(json, out);
    reader.contacts(|contact| -> Result<(), CommandError> {
        Ok(entries.print(|| value(&contact), || contact_line(&contact))?)
    })?;
    entries.end()?;
    Ok(())
}

fn contact_line(contact: &Contact) -> String {
    let day = |at: Option<Timestamp>| {
        at.map_or_else(|| "-".to_owned(), |at| at.strftime("%Y-%m-%d").to_string())
    };
    format!(
        "{:16}  channel {}  last message {}  opted in {}  opted out {}  {}",
        contact.phone.e164(),
        contact.channel,
        day(contact.last_message_at),
        day(contact.opted_in_at),
        day(contact.opted_out_at),
        name(contact)
    )
}

fn name(contact: &Contact) -> String {
    let names = [&contact.first_name, &contact.last_name];
    let names: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
    on_one_line(&names.join(" ")).into_owned()
}

fn value(contact: &Contact) -> Value {
    json!({
        "phone": contact.phone.e164(),
        "channel": contact.channel,
        "contact_id": contact.contact_id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "first_message_at": contact.first_message_at,
        "last_message_at": contact.last_message_at,
        "opted_in_at": contact.opted_in_at,
        "opted_out_at": contact.opted_out_at,
    })
}

fn show(
    reader: &Reader,
    phone: PhoneNumber,
    json: bool,
    console: Console,
    out: &mut dyn Write,
) -> Result<(), CommandError> {
    let suppressed = reader.suppression_of(phone)?.map(|cause| cause.to_string());
    let contacts = reader.contacts_of(phone)?;
    let rows = reader.rows_of(phone)?;
    if json {
        let mut known = Vec::new();
        for contact in &contacts {
            let mut value = value(contact);
            value["messages"] = json!(reader.messages_to(&contact.channel, phone)?);
            known.push(value);
        }
        let rows: Vec<Value> = rows.iter().map(row_value).collect();
        let phone = phone.e164();
        let all =
            json!({ "phone": phone, "suppressed": suppressed, "contacts": known, "rows": rows });
        return Ok(writeln!(Visible(out), "{all:#}")?);
    }
    if contacts.is_empty() {
        console.say("Nobody with this number was messaged from this checkpoint.");
    }
    let mut text = String::new();
    for contact in &contacts {
        text.push_str(&contact_text(reader, phone, contact)?);
    }
    text.push_str(&rows_text(&rows));
    if let Some(cause) = suppressed {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Not messaged any more: {}", on_one_line(&cause));
    }
    Ok(words(&text, out)?)
}

/// A contact, with the messages to it.
fn contact_text(
    reader: &Reader,
    phone: PhoneNumber,
    contact: &Contact,
) -> Result<String, CommandError> {
    let id = contact.contact_id.as_deref().map(on_one_line);
    let id = id.as_deref().unwrap_or("not known");
    let mut text = format!(
        "{}  {}\n  channel {}, contact {id}\n",
        phone.e164(),
        name(contact),
        contact.channel
    );
    // Writing to a String cannot fail.
    for (what, at) in [
        ("opted in", contact.opted_in_at),
        ("opted out", contact.opted_out_at),
    ] {
        if let Some(at) = at {
            let _ = writeln!(text, "  {what} {}", moment(at));
        }
    }
    for message in reader.messages_to(&contact.channel, phone)? {
        let dated = |what: &str, at: Option<Timestamp>| {
            at.map_or_else(String::new, |at| format!(", {what} {}", moment(at)))
        };
        let _ = writeln!(
            text,
            "  {} row {}: {} {}{}{}",
            on_one_line(&message.batch),
            message.row,
            message.state,
            moment(message.sent_at),
            dated("delivered", message.delivered_at),
            dated("read", message.read_at)
        );
    }
    Ok(text)
}

/// The rows that have the number, in every list.
fn rows_text(rows: &[PersonRow]) -> String {
    let line = |row: &PersonRow| {
        let why = row.reason.as_deref().map_or_else(String::new, |reason| {
            format!(", {}", on_one_line(&without_numbers(reason)))
        });
        let place = place(&row.files, row.file, row.row);
        let batch = on_one_line(&row.batch);
        format!("  {batch}, {place}: {}{why}\n", row.status)
    };
    match rows {
        [] => String::new(),
        rows => format!(
            "In the lists of\n{}",
            rows.iter().map(line).collect::<String>()
        ),
    }
}

fn row_value(row: &PersonRow) -> Value {
    json!({
        "batch": row.batch,
        "file": row.files.get(usize::from(row.file)),
        "row": row.row,
        "status": row.status,
        "reason": row.reason,
    })
}

pub(super) fn moment(at: Timestamp) -> String {
    Local::at(Timestamp::MAX).second(at)
}

/// The same into a file that only its owner may read: it holds phone numbers.
fn export_file(reader: &Reader, path: &Path) -> Result<u64, CommandError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = BufWriter::new(options.open(path)?);
    let count = write_contacts(reader, &mut file)?;
    file.flush()?;
    file.get_ref().sync_all()?;
    Ok(count)
}

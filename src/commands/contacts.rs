//! `outreach contacts`: the people known on each channel.

use std::fmt::Write as _;
use std::io::Write;
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
use crate::report::{Local, grouped, place, without_numbers};
use crate::run::{
    Contact, ContactMessage, Person, PersonRow, contacts, export_contacts, export_contacts_file,
    typed_number,
};

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
    match &args.action {
        ContactsAction::List { json, .. } => list(&found.path, *json, &mut out.0)?,
        ContactsAction::Show { number, json, .. } => {
            let phone = typed_number(number, settings.intake()?.reading())?;
            let person = Person::read(&found.path, phone)?;
            show(&person, phone, *json, console, &mut out.0)?;
        }
        ContactsAction::Export { out: None, .. } => {
            export_contacts(&found.path, &mut out.0)?;
        }
        ContactsAction::Export {
            out: Some(path),
            force,
            ..
        } => {
            let mut files = call.files(Some(&found.path), &[], *force)?;
            files.write("--out", path)?;
            let count = export_contacts_file(&found.path, path)?;
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

fn list(checkpoint: &Path, json: bool, out: &mut dyn Write) -> Result<(), CommandError> {
    let mut entries = Entries::new(json, out);
    contacts(checkpoint, |contact| -> Result<(), CommandError> {
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
    person: &Person,
    phone: PhoneNumber,
    json: bool,
    console: Console,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let Person { contacts, rows, .. } = person;
    let suppressed = person.suppressed.as_ref().map(ToString::to_string);
    if json {
        let known = contacts.iter().map(|(contact, messages)| {
            let mut value = value(contact);
            value["messages"] = json!(messages);
            value
        });
        let known: Vec<Value> = known.collect();
        let rows: Vec<Value> = rows.iter().map(row_value).collect();
        let phone = phone.e164();
        let all =
            json!({ "phone": phone, "suppressed": suppressed, "contacts": known, "rows": rows });
        return writeln!(Visible(out), "{all:#}");
    }
    if contacts.is_empty() {
        console.say("Nobody with this number was messaged from this checkpoint.");
    }
    let mut text = String::new();
    for (contact, messages) in contacts {
        text.push_str(&contact_text(phone, contact, messages));
    }
    text.push_str(&rows_text(rows));
    if let Some(cause) = suppressed {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "Not messaged any more: {}", on_one_line(&cause));
    }
    words(&text, out)
}

/// A contact, with the messages to it.
fn contact_text(phone: PhoneNumber, contact: &Contact, messages: &[ContactMessage]) -> String {
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
    for message in messages {
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
    text
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

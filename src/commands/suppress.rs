//! `outreach suppress`: the list of numbers that must never be messaged.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::call::Call;
use super::checkpoint;
use super::console::{Console, Entries};
use super::error::{CommandError, CommandResult};
use super::{replies, settings};
use crate::cli::{ImportedRows, SuppressAction, SuppressArgs};
use crate::config::Settings;
use crate::domain::channel_contact::CHANNEL_CONTACT;
use crate::domain::keyed_hash::KEYED_HASH;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{counted, grouped, plural};
use crate::run::{
    ContactsTaken, HashesTaken, Held, List, ListEntry, Listed, Refusing, Suppressed, suppress,
    suppression_list, typed_numbers, unsuppress,
};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(args: &SuppressArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console, now) = (&call.settings, call.console, call.clock.now());
    match &args.action {
        SuppressAction::Add {
            numbers, reason, ..
        } => {
            let phones = parse(numbers, settings)?;
            let source = format!("suppress add by {}", settings.person());
            let db = checkpoint::path_to_make(&settings.checkpoint()?)?;
            let done = suppress(&db, &phones, reason.as_deref(), &source, now)?;
            say_new(console, &done);
        }
        SuppressAction::Remove { numbers, .. } => {
            let phones = parse(numbers, settings)?;
            let asked = phones.len();
            let found = checkpoint::find(settings, None)?;
            let removed = unsuppress(&found.path, phones)?;
            console.say(format_args!(
                "Taken off the suppression list: {removed} of {}.",
                counted(asked as u64, "number")
            ));
        }
        SuppressAction::Import {
            files,
            reason,
            rejects,
            rows,
            force,
            ..
        } => {
            let (reason, rejects) = (reason.as_deref(), rejects.as_deref());
            let whom = rows.map(|rows| match rows {
                ImportedRows::Refusing => Refusing::Only,
                ImportedRows::All => Refusing::All,
            });
            return import(files, whom, reason, rejects, *force, call);
        }
        SuppressAction::List { json, .. } => return list(call, *json, out),
        SuppressAction::Replies {
            opt_out,
            number,
            harmless,
            json,
            ..
        } => {
            if opt_out.is_empty() && harmless.is_empty() {
                return replies::list(call, *json, out);
            }
            let numbers: Vec<String> = number.iter().cloned().collect();
            let number = parse(&numbers, settings)?.pop();
            return replies::settle(call, (opt_out, number), harmless);
        }
    }
    Ok(ExitCode::Complete)
}

/// Suppresses the numbers of files.
fn import(
    files: &[PathBuf],
    whom: Option<Refusing>,
    reason: Option<&str>,
    rejects: Option<&Path>,
    force: bool,
    call: &Call,
) -> CommandResult {
    let (settings, console) = (&call.settings, call.console);
    let db = checkpoint::path_to_make(&settings.checkpoint()?)?;
    let mut written = call.files(Some(&db), files, force)?;
    if let Some(path) = rejects {
        written.write("--rejects", path)?;
    }
    let dialect = settings.checkpoint()?.dialect;
    let sources = settings::sources(files);
    let list = call.open_list(&sources, settings::IfHidden::Tell, &|intake| {
        Ok(List::of_refusing(&sources, intake)?.in_dialect(dialect))
    })?;
    for note in list.notes() {
        console.say(on_one_line(note));
    }
    let names: Vec<&str> = list.file_names().collect();
    let source = format!("import of {} by {}", names.join(", "), settings.person());
    let why = (reason, source.as_str());
    let done = list.suppress(&db, whom, why, rejects, call.clock.now())?;
    if let Some(path) = rejects.filter(|_| done.invalid > 0) {
        written.enter("rejects", path);
    }
    say_new(console, &done);
    say_hashes(console, done.hashes);
    say_contacts(console, done.contacts);
    say_invalid(console, &done, rejects);
    Ok(if done.is_partial() {
        ExitCode::CompleteWithProblems
    } else {
        ExitCode::Complete
    })
}

/// All numbers, or none.
fn parse(numbers: &[String], settings: &Settings) -> Result<Vec<PhoneNumber>, CommandError> {
    typed_numbers(numbers, settings.intake()?.reading())
        .map_err(|error| CommandError::usage(format_args!("{error}; nothing was changed")))
}

/// How many numbers came to the list, and how many are new there.
pub(super) fn listed_text(done: &Suppressed) -> String {
    format!(
        "{}: {} new on the suppression list",
        counted(done.numbers as u64, "number"),
        plural(done.new as u64, "is", "are")
    )
}

fn say_new(console: Console, done: &Suppressed) {
    console.say(format_args!(
        "{}, {} on it before.",
        listed_text(done),
        plural((done.numbers - done.new) as u64, "was", "were")
    ));
    say_unread(console, done.unread);
}

/// What became of the contacts of a list whose number is not known.
pub(super) fn say_contacts(console: Console, contacts: ContactsTaken) {
    if contacts.contacts > 0 {
        console.say(format_args!(
            "{} whose number is not known: {} new on the suppression list. They are not messaged once an answer, \
             an event or a file names the number.",
            counted(contacts.contacts as u64, "contact"),
            plural(contacts.new as u64, "is", "are"),
        ));
    }
    if contacts.unread > 0 {
        console.warn(format_args!(
            "{} of them wrote what may ask not to be messaged, and nobody has read it: read it in the checkpoint of that list \
             (`outreach suppress replies`).",
            grouped(contacts.unread as u64)
        ));
    }
}

/// Says whom an import took over because of a reply that is in another checkpoint.
pub(super) fn say_unread(console: Console, people: usize) {
    if people > 0 {
        console.warn(format_args!(
            "{} of them wrote what may ask not to be messaged, and nobody has read it: read it in the checkpoint of that list \
             (`outreach suppress replies`); `outreach suppress remove NUMBER` takes off here those who ask for nothing.",
            grouped(people as u64)
        ));
    }
}

/// Says which rows of a file hold no number, if any.
fn say_invalid(console: Console, done: &Suppressed, rejects: Option<&Path>) {
    if done.invalid == 0 {
        return;
    }
    let without = done.invalid - done.with_two_readings;
    let lost = plural(
        without,
        "row holds no number that can be suppressed",
        "rows hold no number that can be suppressed",
    );
    let doubtful = plural(
        done.with_two_readings,
        "row holds a number that is one of two, and both are suppressed",
        "rows hold a number that is one of two, and both are suppressed",
    );
    console.warn(match (without, done.with_two_readings) {
        (0, _) => format!("{doubtful}:"),
        (_, 0) => format!("{lost}:"),
        (_, _) => format!("{lost}, {doubtful}:"),
    });
    for line in &done.named {
        console.warn(format_args!("  {}", on_one_line(line)));
    }
    match rejects {
        Some(path) => console.warn(format_args!(
            "All of them are in {}: mend them, and import that file.",
            path.display()
        )),
        None => console.warn("--rejects FILE writes all of them to a file, to be mended."),
    }
}

/// What became of the people of whom a list has only hashes.
pub(super) fn say_hashes(console: Console, hashes: HashesTaken) {
    if hashes.people > 0 {
        console.say(format_args!(
            "{} of the list, known by a keyed hash alone, {} not messaged. {} still named here, and {} erased again.",
            plural(hashes.people as u64, "person", "people"),
            if hashes.people == 1 { "is" } else { "are" },
            plural(hashes.named as u64, "was", "were"),
            grouped(hashes.erased_again as u64),
        ));
    }
    if hashes.not_erased > 0 {
        console.warn(format_args!(
            "{} could not be erased again, because a message to them is under way: `outreach forget NUMBER` erases them later.",
            counted(hashes.not_erased as u64, "of them"),
        ));
    }
    if hashes.of_another_key > 0 {
        console.warn(format_args!(
            "{} of another checkpoint cannot be taken over: their hashes are made with its key, and say nothing here. They \
             may be messaged from this one until `outreach forget NUMBER` erases each of them here too.",
            plural(hashes.of_another_key as u64, "erased person", "erased people"),
        ));
    }
}

fn list(call: &Call, json: bool, out: &mut dyn Write) -> CommandResult {
    let found = checkpoint::find(&call.settings, None)?;
    let mut entries = Entries::new(json, out);
    let mut hashed = 0;
    let held = suppression_list(&found.path, |entry| -> Result<(), CommandError> {
        if matches!(entry.who, Listed::Hash(_)) {
            hashed += 1;
            if !json {
                return Ok(());
            }
        }
        Ok(entries.print(|| value(&entry), || line(&entry))?)
    })?;
    let printed = entries.end()?;
    if !json {
        say_who_is_listed(call.console, printed, hashed);
    }
    warn_of_unread(call.console, held);
    Ok(match held.nameless {
        0 => ExitCode::Complete,
        _ => ExitCode::CompleteWithProblems,
    })
}

fn value(entry: &ListEntry<Listed>) -> Value {
    let mut value = json!({
        "phone": null,
        "reason": entry.reason,
        "source": entry.source,
        "added_at": entry.added_at,
    });
    let (key, who) = match &entry.who {
        Listed::Number(phone) => ("phone", phone.e164()),
        Listed::Hash(hash) => (KEYED_HASH, hash.to_string()),
        Listed::Contact(contact) => (CHANNEL_CONTACT, contact.to_string()),
    };
    value[key] = who.into();
    value
}

/// An entry for people.
fn line(entry: &ListEntry<Listed>) -> String {
    let who = match &entry.who {
        Listed::Number(phone) => phone.e164(),
        Listed::Hash(hash) => hash.to_string(),
        Listed::Contact(contact) => on_one_line(&contact.to_string()).into_owned(),
    };
    let day = entry.added_at.strftime("%Y-%m-%d");
    let (reason, source) = (on_one_line(&entry.reason), on_one_line(&entry.source));
    format!("{who:16}  {day}  {reason}  ({source})")
}

/// Who wrote what nobody has read is on a list for another checkpoint, which does not have what they wrote.
fn warn_of_unread(console: Console, Held { numbers, nameless }: Held) {
    if numbers > 0 {
        console.warn(format_args!(
            "{} of it {} held here until somebody reads what they wrote (`outreach suppress replies`); a checkpoint that \
             imports this list suppresses them.",
            counted(numbers, "number"),
            if numbers == 1 { "is" } else { "are" },
        ));
    }
    if nameless > 0 {
        console.warn(format_args!(
            "{} to be read that {} nobody, neither by a number nor by a contact: no list can name who wrote that. Find \
             out who it was, and settle it (`outreach suppress replies`), before this list is taken elsewhere.",
            plural(nameless, "reply waits", "replies wait"),
            if nameless == 1 { "names" } else { "name" },
        ));
    }
}

/// Says what the lines do not show.
fn say_who_is_listed(console: Console, numbers: u64, hashed: u64) {
    match (numbers, hashed) {
        (0, 0) => console.say("Nobody is on the suppression list."),
        (_, 0) => {}
        (_, _) => console.say(format_args!(
            "{} {}, whose number is not known any more: a keyed hash keeps each of them from being messaged, and \
             `outreach suppress list --json` holds it for a copy of this checkpoint.",
            if numbers == 0 { "No number is on the suppression list, but" } else { "And" },
            plural(hashed, "erased person", "erased people"),
        )),
    }
}

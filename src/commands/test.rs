//! `outreach test`: the message of one row to one number, outside any batch.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::call::Call;
use super::checkpoint;
use super::console::{Console, words};
use super::error::{CommandError, CommandResult};
use super::process::runtime;
use super::run::real;
use super::settings;
use super::terminal::say_waits;
use crate::cli::TestArgs;
use crate::config::Settings;
use crate::domain::masking::masked_message;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;
use crate::domain::sms::segments_text;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::without_numbers;
use crate::run::{List, RowChoice, TestMessage, Tested, suppression, typed_number};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(args: &TestArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    let to = typed_number(&args.to, settings.intake()?.reading())?;
    let connection = settings.connection()?;
    if !args.sandbox {
        connection.token()?;
        connection.base_url()?;
    }
    console.require_yes(args.sandbox || args.yes, "send the test")?;
    let (db, message) = message(args, call)?;
    if let Some(cause) = suppressed(args.sandbox, settings, &db, to, console)? {
        return say(&Tested::Suppressed(cause), to, console, out);
    }
    let segments = message.segments();
    let segments = segments.map_or_else(String::new, |n| format!(" ({} of SMS)", segments_text(n)));
    console.warn(format_args!(
        "The message of {}, with the data of {}, to {}{segments}:",
        message.place,
        message.whose,
        to.e164(),
    ));
    // Its further lines cannot pass for our own lines.
    let text = masked_message(&message.text());
    console.warn_lines(format_args!("  {}", text.replace('\n', "\n  ")));
    let question = format_args!("Send it to {} now?", to.e164()).to_string();
    if !args.sandbox && !args.yes && !console.ask(question) {
        console.say("Nothing was sent.");
        return Ok(ExitCode::Paused);
    }
    let run = settings::run(settings, clock.now())?;
    let mut say_wait = say_waits("The test", console, clock);
    let person = settings.person();
    let tested = runtime()?.block_on(async {
        let rehearsal = if args.sandbox {
            console.say("To the built-in sandbox: nobody is messaged.");
            Some(message.rehearsal().await?)
        } else {
            None
        };
        let access = match &rehearsal {
            Some(rehearsal) => rehearsal.access().clone(),
            None => settings::access(&connection)?,
        };
        let (to, run) = ((to, person.as_str()), (&run, clock));
        let sent = message.send(&db, to, &access, args.sandbox, run, &mut say_wait);
        Ok::<_, CommandError>(sent.await?)
    })?;
    say(&tested, to, console, out)
}

/// Why the number must not be messaged; in a rehearsal as the real checkpoint knows it too.
fn suppressed(
    sandbox: bool,
    settings: &Settings,
    db: &Path,
    to: PhoneNumber,
    console: Console,
) -> Result<Option<Suppression>, CommandError> {
    if sandbox {
        let real = real(&settings.checkpoint()?.for_sandbox(), db, console)?;
        let cause = real.map(|real| suppression(&real, to)).transpose()?;
        if let Some(cause) = cause.flatten() {
            return Ok(Some(cause));
        }
    }
    Ok(suppression(db, to)?)
}

/// The checkpoint, and the message that is sent.
fn message(args: &TestArgs, call: &Call) -> Result<(PathBuf, TestMessage), CommandError> {
    let settings = &call.settings;
    let rows: Vec<u32> = args.row.into_iter().collect();
    let choice = RowChoice {
        rows: &rows,
        file: args.file.as_deref(),
    };
    let mut place = settings.checkpoint()?;
    if args.sandbox {
        place = place.for_sandbox();
    }
    if let Some(batch) = &args.batch {
        let db = if args.sandbox {
            checkpoint::path(&place)?
        } else {
            checkpoint::find(settings, Some(batch))?.path
        };
        let message = TestMessage::of_batch(&db, batch, &choice, args.sandbox)?;
        return Ok((db, message));
    }
    let source = settings::message(settings)?;
    let sms = settings.content()?.sms_settings;
    let connection = settings.connection()?;
    let channel = call.channel(&connection, args.sandbox)?;
    let sources = settings::sources(&args.files);
    let list = call.open_list(&sources, settings::IfHidden::Tell, &|intake| {
        Ok(List::open(&sources, intake, source.as_ref())?.with_sms(sms))
    })?;
    if let Some(doubt) = list.doubtful_message().filter(|_| !call.console.can_ask()) {
        return Err(CommandError::usage(format_args!(
            "{doubt}. The message is made with these letters: give --encoding NAME; nothing was sent or written"
        )));
    }
    let message = list.test_message(channel, &choice, call.clock.now())?;
    Ok((checkpoint::path_to_make(&place)?, message))
}

/// Prints what became of it.
fn say(tested: &Tested, to: PhoneNumber, console: Console, out: &mut dyn Write) -> CommandResult {
    let to = to.e164();
    match tested {
        Tested::Sent {
            message_id,
            other_number,
        } => {
            let id = message_id.as_deref().unwrap_or("without an id");
            words(&format!("sent to {to}: message {}\n", on_one_line(id)), out)?;
            if let Some(other) = other_number {
                console.warn(format_args!(
                    "The answer names another number, {}: the message may have reached that person.",
                    other.e164()
                ));
            }
        }
        Tested::Suppressed(cause) => {
            let cause = on_one_line(&cause.to_string()).into_owned();
            words(
                &format!("not sent to {to}: the number must not be messaged: {cause}\n"),
                out,
            )?;
        }
        Tested::NotSent { text, .. } => {
            words(
                &format!("not sent to {to}: {}\n", without_numbers(text)),
                out,
            )?;
        }
    }
    Ok(tested.exit())
}

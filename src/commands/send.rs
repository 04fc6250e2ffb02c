//! `outreach send`: a list becomes a batch, and the batch is sent.

use std::path::Path;

use super::checkpoint;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::run::Front;
use super::settings;
use super::terminal::say_interrupted;
use crate::cli::SendArgs;
use crate::clock::Clock;
use crate::config::Settings;
use crate::exit::ExitCode;
use crate::report::ProgressLine;
use crate::run::{List, Messaged, ReadPlan, Rehearsal, SendPlan, SendSettings};
use crate::store::Change;

/// Runs the command.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(
    args: &SendArgs,
    settings: &Settings,
    console: Console,
    clock: Clock,
) -> CommandResult {
    let given = (args.files.as_slice(), args.run.force);
    let mut front = Front::new(settings, args.asked, given, console, clock)?;
    if !args.asked.sandbox {
        front.connection.token()?;
    }
    front.require_yes()?;
    let message = settings::message(settings)?;
    let sms = settings.content()?.sms_settings;
    let sources = settings::sources(&args.files);
    let list = settings::open_list(settings, &sources, console, &|intake| {
        let list = List::open(&sources, intake, message.as_ref())?.with_sms(sms);
        Ok(list.in_dialect(front.checkpoint.dialect))
    })?;
    if let Some(doubt) = list.doubtful_message().filter(|_| !console.can_ask()) {
        return Err(CommandError::usage(format_args!(
            "{doubt}. The message is made with these letters: give --encoding NAME; nothing was sent or written"
        )));
    }
    let channel = match (args.asked.sandbox, front.connection.channel()) {
        (_, Ok(channel)) => channel,
        (true, Err(_)) if sms.counted => Rehearsal::SMS_CHANNEL,
        (true, Err(_)) => Rehearsal::CHANNEL,
        (false, Err(error)) => return Err(error.into()),
    };
    for notice in list.notices() {
        console.say(format_args!("note: {notice}"));
    }
    let asked = SendSettings {
        batch: args.batch.as_deref(),
        channel,
        change: match (args.add, args.update) {
            (true, _) => Some(Change::Add),
            (false, true) => Some(Change::Update),
            (false, false) => None,
        },
        sandbox: args.asked.sandbox,
    };
    let rejects = front.files.write_named(&list.default_rejects_path())?;
    let db = checkpoint::path_to_make(&front.checkpoint)?;
    if let Some(home) = checkpoint::elsewhere(&front.checkpoint, &db) {
        console.say(format_args!(
            "note: the checkpoint is {} in this folder, and is not found from other folders, which use {}: name \
             it there with --db, or as db in a settings file",
            db.display(),
            home.display()
        ));
    }
    let plan = SendPlan::new(&db, list, &asked, front.clock.now())?;
    for other in plan.unfinished() {
        console.warn(format_args!(
            "Batch {} from a file of this name is unfinished ({} queued): this list or message is \
             another, and becomes a new batch. `{}` continues the old one; whoever got \
             the same message is not messaged again.",
            other.batch,
            other.outstanding,
            front.resume(&other.batch)
        ));
    }
    let Some(plan) = decide_about_messaged(args, &front, plan, &settings.person(), console)? else {
        console.say("Nothing was sent.");
        return Ok(ExitCode::Paused);
    };
    let plan = read(&front, plan, &rejects, console)?;
    let (batch, interrupted) = plan.carry_out_by(&settings.person(), front.clock.now())?;
    say_interrupted(console, &front.resolve(&batch.batch().name), interrupted);
    front.go(&batch, false)
}

/// Whether people who have another message already are left out or messaged again: as the flags say, else asked where
/// that can be answered, else refused when the list is read. Nothing if neither is wanted.
fn decide_about_messaged(
    args: &SendArgs,
    front: &Front,
    mut plan: SendPlan,
    person: &str,
    console: Console,
) -> Result<Option<SendPlan>, CommandError> {
    let messaged = plan.messaged_before(front.settings.history, front.clock.now())?;
    if messaged.is_empty() {
        return Ok(Some(plan));
    }
    let how = match (args.skip_messaged, args.message_again) {
        (true, _) => Messaged::Skip,
        (false, true) => Messaged::Again,
        (false, false) if console.can_ask() => {
            for told in messaged {
                console.warn(told);
            }
            match console.choose(
                "Leave these people out (s), send them this message too (a), or stop (n)?",
                &["s", "a"],
            ) {
                Some(0) => Messaged::Skip,
                Some(_) => Messaged::Again,
                None => return Ok(None),
            }
        }
        (false, false) => return Ok(Some(plan)),
    };
    plan.decide(how, person);
    Ok(Some(plan))
}

/// Reads the list, with its progress, and says what it holds.
fn read(
    front: &Front,
    plan: SendPlan,
    rejects: &Path,
    console: Console,
) -> Result<ReadPlan, CommandError> {
    let history = front.settings.history;
    let mut line = ProgressLine::new(0, console.is_quiet());
    let plan = plan.read(history, Some(rejects), front.clock.now(), &mut |rows| {
        if let Some(text) = line.show(rows, "rows read", front.clock.monotonic()) {
            console.say(text);
        }
    });
    line.clear();
    let plan = plan?;
    if let Some(report) = plan.report() {
        front.files.enter("rejects", rejects);
        console.say_lines(report.text().trim_end());
        if report.rejected > 0 {
            console.say(format_args!(
                "{} rows to mend: {}",
                report.rejected,
                rejects.display()
            ));
        }
    }
    Ok(plan)
}

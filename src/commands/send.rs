//! `outreach send`: a list becomes a batch, and the batch is sent.

use std::path::Path;

use jiff::civil::Date;

use super::audience;
use super::checkpoint;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::run::{Front, Going, Outcome};
use super::settings;
use super::terminal::say_interrupted;
use crate::cli::{AudienceFrom, SendArgs};
use crate::clock::Clock;
use crate::config::Settings;
use crate::exit::ExitCode;
use crate::report::{ProgressLine, counted, grouped};
use crate::run::{
    Audience, AudienceBatch, FallbackSource, HeldBatch, List, Messaged, Mismatch, PilotAsked,
    ReadPlan, Rehearsal, ResumeSettings, RunError, SendPlan, SendSettings, Source, audience_batch,
};
use crate::store::Change;

/// A list that is to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListToSend<'a> {
    pub(super) sources: &'a [Source],
    pub(super) batch: WhichBatch<'a>,
    /// What becomes of people who have another message already; `None`: it is asked.
    pub(super) messaged: Option<Messaged>,
    /// The message is sent although Facebook has retired its tag.
    pub(super) retired_tag: bool,
    /// Who gets it before the rest.
    pub(super) pilot: Option<PilotAsked>,
    /// What the message is for.
    pub(super) purpose: Option<&'a str>,
    /// Where people go whom the channel does not reach.
    pub(super) fallback: &'a FallbackSource,
}

/// The batch that a list is sent as.
#[derive(Debug, Clone, Copy)]
pub(super) enum WhichBatch<'a> {
    /// The named one, or the one that the list makes; how the list joins one that has another list.
    Of(Option<&'a str>, Option<Change>),
    /// That of the list's name, in the night that began on this day.
    OfNight(Date),
}

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
    settings::check(settings, clock.now())?;
    let given = (args.files.as_slice(), args.run.force);
    let mut front = Front::new(settings, args.asked, given, console, clock)?;
    front.detach = args.detach;
    front.require_token()?;
    front.require_yes()?;
    if !front.accepts_time() {
        console.say("Nothing was sent.");
        return Ok(ExitCode::Paused);
    }
    let change = match (args.add, args.update) {
        (true, _) => Some(Change::Add),
        (false, true) => Some(Change::Update),
        (false, false) => None,
    };
    let fallback = settings::fallback(&args.fallback)?;
    let audience = audience::audience(&args.audience, settings)?;
    let found = match args.audience_from {
        Some(AudienceFrom::Checkpoint) => Some(find_audience(&front, settings, &audience)?),
        None => {
            if let Some(flag) = args.audience.given() {
                return Err(CommandError::usage(format_args!(
                    "{flag} chooses people out of the checkpoint: give --audience-from checkpoint in place of a file"
                )));
            }
            None
        }
    };
    let (sources, name) = match found {
        None => (settings::sources(&args.files), None),
        Some(AudienceBatch::Continue(name)) => {
            let asked = (&fallback, args.purpose.as_deref());
            let going = Going::send(args.pilot.asked());
            return continue_audience(&front, settings, &name, asked, (going, console));
        }
        Some(AudienceBatch::New { people: 0, .. }) => {
            console.say("Nobody belongs to this audience who was not messaged by it before. Nothing was sent.");
            return Ok(ExitCode::Complete);
        }
        Some(AudienceBatch::New { list, name, .. }) => (vec![list], Some(name)),
    };
    let list = ListToSend {
        purpose: args.purpose.as_deref(),
        fallback: &fallback,
        sources: &sources,
        batch: WhichBatch::Of(name.as_deref().or(args.batch.as_deref()), change),
        messaged: messaged(args.skip_messaged, args.message_again),
        retired_tag: args.retired_tag,
        pilot: args.pilot.asked(),
    };
    Ok(send_list(&mut front, settings, &list, console)?.exit)
}

/// The batch of an audience.
fn find_audience(
    front: &Front,
    settings: &Settings,
    audience: &Audience,
) -> Result<AudienceBatch, CommandError> {
    let message = settings::message(settings)?.ok_or(RunError::from(Mismatch::NoMessage))?;
    let channel = channel(front, settings)?;
    let (db, now) = (&front.db, front.clock.now());
    Ok(audience_batch(db, audience, &message, channel, now)?)
}

/// Goes on with the people of an audience who were frozen when its batch began.
fn continue_audience(
    front: &Front,
    settings: &Settings,
    name: &str,
    (fallback, purpose): (&FallbackSource, Option<&str>),
    (going, console): (Going, Console),
) -> CommandResult {
    let asked = ResumeSettings {
        batch: Some(name),
        channel: front.connection.channel.as_deref(),
        sandbox: front.sandbox(),
        undo_cancel: None,
    };
    let batch = HeldBatch::resume(&front.db, &asked, front.clock.now())?;
    batch.require_fallback(fallback, settings::message(settings)?.as_ref())?;
    if let Some(purpose) = purpose {
        batch.keep_purpose(purpose, &settings.person(), front.clock.now())?;
    }
    console.say(format_args!(
        "Batch {name} is unfinished: it goes on with the people who were in it when it began."
    ));
    Ok(front.go(batch, going)?.exit)
}

/// The channel that is sent through.
fn channel<'a>(front: &'a Front, settings: &Settings) -> Result<&'a str, CommandError> {
    let sms = settings.content()?.sms_settings;
    match (front.sandbox(), front.connection.channel()) {
        (_, Ok(channel)) => Ok(channel),
        (true, Err(_)) if sms.counted => Ok(Rehearsal::SMS_CHANNEL),
        (true, Err(_)) => Ok(Rehearsal::CHANNEL),
        (false, Err(error)) => Err(error.into()),
    }
}

/// What the flags say of people who have another message already.
pub(super) fn messaged(skip: bool, again: bool) -> Option<Messaged> {
    match (skip, again) {
        (true, _) => Some(Messaged::Skip),
        (false, true) => Some(Messaged::Again),
        (false, false) => None,
    }
}

/// Reads a list, makes it a batch or part of one, and sends that.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(super) fn send_list(
    front: &mut Front,
    settings: &Settings,
    to_send: &ListToSend<'_>,
    console: Console,
) -> Result<Outcome, CommandError> {
    let list = open_list(front, settings, to_send, console)?;
    for notice in list.notices() {
        console.say(format_args!("note: {notice}"));
    }
    if list.has_retired_tag() && !to_send.retired_tag && !front.sandbox() {
        if !console.can_ask() {
            return Err(CommandError::usage(
                "Facebook has retired the tag of this message and refuses it to everybody: leave --tag out, or give \
                 --retired-tag to send it all the same; nothing was sent or written",
            ));
        }
        if !console.ask("Send it with this tag all the same?") {
            console.say("Nothing was sent.");
            return Ok(Outcome::declined(None));
        }
    }
    let rejects = front.folders.rejects.join(list.default_rejects_path());
    let rejects = front.files.write_named(&rejects)?;
    let plan = plan(front, settings, to_send, list, console)?;
    let person = settings.person();
    let Some(plan) = decide_about_messaged(to_send, front, plan, &person, console)? else {
        console.say("Nothing was sent.");
        return Ok(Outcome::declined(None));
    };
    let Some(plan) = decide_about_fallback(front, plan, console)? else {
        console.say("Nothing was sent.");
        return Ok(Outcome::declined(None));
    };
    let plan = read(front, plan, &rejects, console)?;
    let is_rejected = plan.report().is_some_and(|report| report.rejected > 0);
    let (batch, interrupted) = plan.carry_out_by(&person, front.clock.now())?;
    if let Some(purpose) = to_send.purpose {
        batch.keep_purpose(purpose, &person, front.clock.now())?;
    }
    say_interrupted(console, &front.resolve(&batch.batch().name), interrupted);
    Ok(Outcome {
        rejects: is_rejected.then_some(rejects),
        ..front.go(batch, Going::send(to_send.pilot))?
    })
}

/// Opens the list with its message.
fn open_list(
    front: &Front,
    settings: &Settings,
    to_send: &ListToSend<'_>,
    console: Console,
) -> Result<List, CommandError> {
    let message = settings::message(settings)?;
    let sms = settings.content()?.sms_settings;
    let sources = to_send.sources;
    let list = settings::open_list(settings, sources, console, &|intake| {
        let list = List::open(sources, intake, message.as_ref())?.with_sms(sms);
        let list = list.with_fallback(to_send.fallback)?;
        Ok(list.in_dialect(front.checkpoint.dialect))
    })?;
    match list.doubtful_message().filter(|_| !console.can_ask()) {
        Some(doubt) => Err(CommandError::usage(format_args!(
            "{doubt}. The message is made with these letters: give --encoding NAME; nothing was sent or written"
        ))),
        None => Ok(list),
    }
}

/// Compares the list with what the checkpoint holds.
fn plan(
    front: &Front,
    settings: &Settings,
    to_send: &ListToSend<'_>,
    list: List,
    console: Console,
) -> Result<SendPlan, CommandError> {
    let channel = channel(front, settings)?;
    let db = checkpoint::path_to_make(&front.checkpoint)?;
    if let Some(home) = checkpoint::elsewhere(&front.checkpoint, &db) {
        console.say(format_args!(
            "note: the checkpoint is {} in this folder, and is not found from other folders, which use {}: name \
             it there with --db, or as db in a settings file",
            db.display(),
            home.display()
        ));
    }
    let (sandbox, now) = (front.sandbox(), front.clock.now());
    let plan = match to_send.batch {
        WhichBatch::Of(batch, change) => {
            let asked = SendSettings {
                batch,
                channel,
                change,
                sandbox,
            };
            SendPlan::new(&db, list, &asked, now)?
        }
        WhichBatch::OfNight(date) => SendPlan::for_night(&db, list, channel, sandbox, (date, now))?,
    };
    if let Some(from) = plan.restored_from() {
        console.say(format_args!(
            "Batch {} was restored from {from}: whoever was messaged is not messaged again.",
            plan.batch()
        ));
    }
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
    Ok(plan)
}

/// Whether people who have another message already are left out or messaged again: as the flags say, else asked where
/// that can be answered, else refused when the list is read. Nothing if neither is wanted.
fn decide_about_messaged(
    to_send: &ListToSend<'_>,
    front: &Front,
    mut plan: SendPlan,
    person: &str,
    console: Console,
) -> Result<Option<SendPlan>, CommandError> {
    let messaged = plan.messaged_before(front.settings.history, front.clock.now())?;
    if messaged.is_empty() {
        return Ok(Some(plan));
    }
    let how = match to_send.messaged {
        Some(how) => how,
        None if console.can_ask() => {
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
        None => return Ok(Some(plan)),
    };
    plan.decide(how, person);
    Ok(Some(plan))
}

/// Whether more people may go on to another channel than the limit allows: asked where that can be answered, else
/// refused, before anything is written. Nothing if the answer is no.
fn decide_about_fallback(
    front: &Front,
    mut plan: SendPlan,
    console: Console,
) -> Result<Option<SendPlan>, CommandError> {
    let many = plan.many_may_fall_back(front.settings.history, front.clock.now())?;
    let Some(many) = many else {
        return Ok(Some(plan));
    };
    let (people, channels) = (grouped(many.people), many.channels.join(", "));
    let told = format!(
        "Up to {people} people may go on to channel {channels}, which costs money; --fallback-at-most is {}",
        grouped(many.at_most)
    );
    if !console.can_ask() {
        return Err(CommandError::usage(format_args!(
            "{told}: give --fallback-at-most {} to allow it; nothing was sent or written",
            many.people
        )));
    }
    if !console.ask(format_args!("{told}. Let up to {people} go on?")) {
        return Ok(None);
    }
    plan.let_fall_back(many.people);
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
    let mut line = ProgressLine::new(0, front.progress(), console.is_quiet());
    let plan = plan.read(history, Some(rejects), front.clock.now(), &mut |rows| {
        let text = "rows read".to_owned();
        if line.show(rows, &[text], false, front.clock.monotonic()) {
            console.say(line.line(rows, "rows read"));
        }
    });
    line.clear();
    let plan = plan?;
    if let Some(report) = plan.report() {
        front.files.enter("rejects", rejects);
        console.say_lines(report.text().trim_end());
        if report.rejected > 0 {
            console.say(format_args!(
                "{} to mend: {}",
                counted(report.rejected, "row"),
                rejects.display()
            ));
        }
    }
    Ok(plan)
}

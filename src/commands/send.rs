//! `outreach send`: a list becomes a batch, and the batch is sent.

use std::path::Path;

use jiff::civil::Date;

use super::audience;
use super::call::Call;
use super::checkpoint;
use super::error::{CommandError, CommandResult};
use super::follow_up;
use super::mending::Joined;
use super::outcome::{Outcome, StartOptions};
use super::process::BeforeSending;
use super::run::Front;
use super::settings::{self, IfHidden};
use super::terminal::say_interrupted;
use crate::cli::SendArgs;
use crate::exit::ExitCode;
use crate::report::{ProgressLine, counted, quoted};
use crate::run::{
    AudienceBatch, Change, FallbackSource, FollowUp, List, Messaged, PilotSettings, ReadPlan,
    SendPlan, SendSettings, Source, Unfinished, enter_begun, reading_follow_up,
};

/// A list that is to be sent.
#[derive(Debug, Clone)]
pub(super) struct ListToSend<'a> {
    pub(super) sources: &'a [Source],
    pub(super) batch: WhichBatch<'a>,
    /// What becomes of people who have another message already; `None`: it is asked.
    pub(super) messaged: Option<Messaged>,
    /// The message is sent although Facebook has retired its tag.
    pub(super) retired_tag: bool,
    /// Who gets it before the rest.
    pub(super) pilot: Option<PilotSettings>,
    /// What the message is for.
    pub(super) purpose: Option<&'a str>,
    /// Other channels for people whom the channel does not reach.
    pub(super) fallback: &'a FallbackSource,
    /// The batch that it joins, where that is known before it is read.
    pub(super) joined: Option<&'a Joined>,
    /// The event that its people wait for, if it is a follow-up.
    pub(super) follow_up: Option<FollowUp>,
    /// The batches in which its people had to have a state, if they are those of an audience.
    pub(super) chosen_from: &'a [String],
}

impl<'a> ListToSend<'a> {
    /// The same, as rows of that batch.
    fn joining(self, joined: Option<&'a Joined>) -> Self {
        let Some(batch) = joined else {
            return self;
        };
        let (name, how) = batch.batch();
        Self {
            batch: WhichBatch::Of(Some(name), Some(how)),
            fallback: batch.fallback(self.fallback),
            joined,
            ..self
        }
    }
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
pub(crate) fn run(args: &SendArgs, call: &Call) -> CommandResult {
    let settings = &call.settings;
    settings::check(settings, call.clock.now())?;
    let mut front = Front::new(call, args.start, &args.files, args.run.force)?;
    front.detach = args.detach;
    front.before_sending = BeforeSending::begin(call.console, front.stop.clone());
    front.require_token()?;
    front.require_yes()?;
    if !front.accepts_time(&front.run.schedule) {
        call.console.say("Nothing was sent.");
        return Ok(ExitCode::Paused);
    }
    let change = match (args.add, args.update) {
        (true, _) => Some(Change::Add),
        (false, true) => Some(Change::Update),
        (false, false) => None,
    };
    let fallback = settings::fallback(settings, &settings.other_channels()?)?;
    let found = match find_people(&front, args, &fallback)? {
        Ok(found) => found,
        Err(exit) => return Ok(exit),
    };
    let People {
        sources,
        name,
        follow_up,
        chosen_from,
    } = found;
    let list = ListToSend {
        purpose: args.purpose.as_deref(),
        joined: None,
        fallback: &fallback,
        sources: &sources,
        batch: WhichBatch::Of(name.as_deref().or(args.batch.as_deref()), change),
        messaged: args.doubts.messaged(),
        retired_tag: args.doubts.retired_tag,
        pilot: args.pilot.asked(),
        follow_up,
        chosen_from: &chosen_from,
    };
    Ok(send_list(&mut front, &list)?.exit)
}

/// The people of a batch.
struct People {
    sources: Vec<Source>,
    /// The name of a batch whose people come from the checkpoint.
    name: Option<String>,
    /// The event that they wait for.
    follow_up: Option<FollowUp>,
    /// The batches in which they had to have a state.
    chosen_from: Vec<String>,
}

/// Where the people come from: files, an audience, or the people of another batch. The error is how the command ends
/// where no list is to be read.
fn find_people(
    front: &Front<'_>,
    args: &SendArgs,
    fallback: &FallbackSource,
) -> Result<Result<People, ExitCode>, CommandError> {
    let of_checkpoint = |list, name, follow_up| People {
        sources: vec![list],
        name: Some(name),
        follow_up,
        chosen_from: Vec::new(),
    };
    if let Some(asked) = args.follow_up.asked() {
        let found = follow_up::find(front, (args, &asked), fallback)?;
        return Ok(found.map(|new| of_checkpoint(new.list, new.name, Some(new.follow_up))));
    }
    let audience = audience::audience(&args.audience, &front.call.settings)?;
    if args.audience_from.is_none() {
        if let Some(flag) = args.audience.given() {
            return Err(CommandError::usage(format_args!(
                "{flag} chooses people from the checkpoint: give --audience-from checkpoint in place of a file"
            )));
        }
        return Ok(Ok(People {
            sources: settings::sources(&args.files),
            name: None,
            follow_up: None,
            chosen_from: Vec::new(),
        }));
    }
    match audience::find_batch(front, &audience)? {
        AudienceBatch::Continue(name) => {
            let purpose = args.purpose.as_deref();
            let options = StartOptions::send(args.pilot.asked(), false);
            let exit = audience::continue_batch(front, &name, fallback, purpose, options)?;
            Ok(Err(exit))
        }
        AudienceBatch::New { people: 0, .. } => {
            front
                .console
                .say("There is nobody in this audience who was not messaged by it before. Nothing was sent.");
            Ok(Err(ExitCode::Complete))
        }
        AudienceBatch::New { list, name, .. } => {
            let chosen_from = audience.batch_status.iter().map(|(batch, _)| batch);
            let chosen_from = chosen_from.cloned().collect();
            Ok(Ok(People {
                chosen_from,
                ..of_checkpoint(list, name, None)
            }))
        }
    }
}

/// Reads a list, makes it a batch or part of one, and sends that.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(super) fn send_list(
    front: &mut Front<'_>,
    to_send: &ListToSend<'_>,
) -> Result<Outcome, CommandError> {
    let console = front.console;
    let joined = match to_send.batch {
        WhichBatch::Of(Some(name), Some(how)) => Joined::named(front, name, how)?,
        WhichBatch::Of(Some(_), None) | WhichBatch::Of(None, Some(_)) => None,
        WhichBatch::Of(None, None) | WhichBatch::OfNight(_) => {
            Joined::mended(front, to_send.sources)?
        }
    };
    let to_send = &to_send.clone().joining(joined.as_ref());
    let list = open_list(front, to_send)?;
    if matches!(to_send.batch, WhichBatch::OfNight(_)) {
        list.refuse_results()?;
    }
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
    let plan = plan(front, to_send, list)?;
    let Some(plan) = decide_about_messaged(front, to_send, plan)? else {
        console.say("Nothing was sent.");
        return Ok(Outcome::declined(None));
    };
    let Some(plan) = decide_about_fallback(front, plan)? else {
        console.say("Nothing was sent.");
        return Ok(Outcome::declined(None));
    };
    let plan = read(front, plan.by(&front.person), &rejects)?;
    let was_read = plan.report().is_some();
    let is_rejected = plan.report().is_some_and(|report| report.rejected > 0);
    let (batch, interrupted) = plan.carry_out(front.now())?;
    if let (WhichBatch::OfNight(_), [Source::Path(list)], false) =
        (to_send.batch, to_send.sources, front.sandbox())
    {
        enter_begun(&front.db, &batch.batch().name, list);
    }
    if !to_send.chosen_from.is_empty() {
        let batches: Vec<&str> = to_send.chosen_from.iter().map(String::as_str).collect();
        batch.keep_chosen_from(&batches)?;
    }
    if let Some(purpose) = to_send.purpose {
        batch.keep_purpose(purpose, &front.person, front.now())?;
    }
    say_interrupted(console, &front.resolve(&batch.batch().name), interrupted);
    Ok(Outcome {
        rejects: is_rejected.then_some(rejects),
        ..front.run_batch(batch, StartOptions::send(to_send.pilot, was_read))?
    })
}

/// Opens the list with its message.
fn open_list(front: &Front<'_>, to_send: &ListToSend<'_>) -> Result<List, CommandError> {
    let settings = &front.call.settings;
    let message = match to_send.joined {
        Some(joined) => joined.message(settings)?,
        None => front.message()?,
    };
    let sms = settings.content()?.sms_settings;
    let sources = to_send.sources;
    let list = front.call.open_list(sources, IfHidden::Ask, &|intake| {
        let ours = match (to_send.joined, &to_send.follow_up) {
            (Some(joined), _) => Some(joined.intake(settings, intake)),
            (None, Some(_)) => Some(reading_follow_up(intake)),
            (None, None) => None,
        };
        let intake = ours.as_ref().unwrap_or(intake);
        let list = List::open(sources, intake, message.as_ref())?.with_sms(sms);
        let list = list.with_fallback(to_send.fallback)?;
        Ok(list.in_dialect(front.checkpoint.dialect))
    })?;
    match list.doubtful_message().filter(|_| !front.console.can_ask()) {
        Some(doubt) => Err(CommandError::usage(format_args!(
            "{doubt}. The message is made with these letters: give --encoding NAME; nothing was sent or written"
        ))),
        None => Ok(list),
    }
}

/// Compares the list with what the checkpoint holds.
fn plan(front: &Front<'_>, to_send: &ListToSend<'_>, list: List) -> Result<SendPlan, CommandError> {
    let console = front.console;
    let joined = to_send.joined;
    let channel = match joined.and_then(|it| it.channel(&front.call.settings)) {
        Some(channel) => channel,
        None => front.channel()?,
    };
    let db = checkpoint::path_to_make(&front.checkpoint)?;
    if let Some(home) = front.checkpoint.place().elsewhere(&db) {
        console.say(format_args!(
            "note: the checkpoint is {} in this folder, and is not found from other folders, which use {}: name \
             it there with --db, or as db in a settings file",
            db.display(),
            home.display()
        ));
    }
    let (sandbox, now) = (front.sandbox(), front.now());
    let plan = match to_send.batch {
        WhichBatch::Of(batch, change) => {
            let asked = SendSettings {
                batch,
                channel,
                change,
                sandbox,
                follow_up: to_send.follow_up.as_ref(),
            };
            SendPlan::new(&db, list, &asked, now)?
        }
        WhichBatch::OfNight(date) => SendPlan::for_night(&db, list, channel, sandbox, date, now)?,
    };
    let plan = plan.going_by(front.real.as_deref());
    if let Some(from) = plan.restored_from() {
        console.say(format_args!(
            "Batch {} was restored from {from}: those who were messaged are not messaged again.",
            plan.batch()
        ));
    }
    for other in plan.unfinished() {
        console.warn(about_unfinished(front, other));
    }
    Ok(plan)
}

/// What becomes of the earlier batch of a list, and what to do about it: a batch that goes on as it is uses a list that
/// may have been mended since.
fn about_unfinished(front: &Front<'_>, other: &Unfinished) -> String {
    let name = &other.batch;
    let begin = format!(
        "Batch {name} from a file of this name is unfinished ({} queued).",
        other.outstanding
    );
    let cancel = front.hints().command("cancel", name, &[]);
    let old = "goes by its old list: it messages also people whom this one refuses, corrects or leaves out";
    if other.same_message {
        format!(
            "{begin} This list is another, and becomes a new batch; people who got the same message are not messaged \
             again. If it is that list, edited: the same command with --batch {} --update puts it in the place of the old one. Batch \
             {name} {old}; `{cancel}` gives it up.",
            quoted(name)
        )
    } else {
        format!(
            "{begin} This message is another, and becomes a new batch. Batch {name} keeps its message, and {old}; \
             `{cancel}` gives it up."
        )
    }
}

/// Whether people who have another message already are left out or messaged again: as the flags say, else asked where
/// that can be answered, else refused when the list is read. Nothing if neither is wanted.
fn decide_about_messaged(
    front: &Front<'_>,
    to_send: &ListToSend<'_>,
    mut plan: SendPlan,
) -> Result<Option<SendPlan>, CommandError> {
    let console = front.console;
    let messaged = plan.messaged_before(plan.history(&front.run), front.now())?;
    if messaged.is_empty() {
        return Ok(Some(plan));
    }
    let how = match to_send.messaged {
        Some(how) => how,
        None if console.can_ask() => {
            for batch in messaged {
                console.warn(batch);
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
    plan.decide(how, &front.person);
    Ok(Some(plan))
}

/// Whether more people may go on to another channel than the limit allows: asked where that can be answered, else
/// refused, before anything is written. Nothing if the answer is no.
fn decide_about_fallback(
    front: &Front<'_>,
    mut plan: SendPlan,
) -> Result<Option<SendPlan>, CommandError> {
    let many = plan.many_may_fall_back(plan.history(&front.run), front.now())?;
    let Some(many) = many else {
        return Ok(Some(plan));
    };
    if !settings::allows_fallback(&many, front.console)? {
        return Ok(None);
    }
    plan.let_fall_back(many.people);
    Ok(Some(plan))
}

/// Reads the list, with its progress, and says what it holds.
fn read(front: &Front<'_>, plan: SendPlan, rejects: &Path) -> Result<ReadPlan, CommandError> {
    let (console, clock) = (front.console, &front.call.clock);
    let mut line = ProgressLine::new(0, front.progress(), console.is_quiet());
    let mut progress = |rows| {
        let text = "rows read";
        if line.show(rows, &[text.to_owned()], false, clock.monotonic()) {
            console.say(line.line(rows, text));
        }
    };
    let plan = plan.read(&front.run, Some(rejects), clock.now(), &mut progress);
    line.clear();
    let plan = plan?;
    if let Some(report) = plan.report() {
        front.files.enter("rejects", rejects);
        let text = report.masked_text_within(console.width());
        console.say_lines(text.trim_end());
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

//! `outreach audience`: the people of the checkpoint to whom conditions apply, counted, shown and written as a list.

use std::fmt::Write as _;
use std::io::Write;

use super::checkpoint;
use super::console::{Console, Visible, words};
use super::error::{CommandError, CommandResult};
use super::run::{Front, Going};
use super::settings;
use crate::cli::{AudienceArgs, AudienceFlags};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{grouped, write_whole_file};
use crate::run::{
    Audience, AudienceBatch, AudienceCount, FallbackSource, HeldBatch, Mismatch, Rehearsal,
    ResumeSettings, RunError, audience_batch, audience_list, count_audience,
};

/// So many people are shown.
const SHOWN: usize = 10;

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(
    args: &AudienceArgs,
    settings: &Settings,
    console: Console,
    clock: &Clock,
    out: &mut Visible<impl Write>,
) -> CommandResult {
    let found = checkpoint::find(settings, None)?;
    let audience = audience(&args.audience, settings)?;
    let now = clock.now();
    let path = args.out.as_deref().filter(|path| path.as_os_str() != "-");
    let mut files = settings::files(settings, Some(&found.path), &[], args.force)?;
    if let Some(path) = path {
        files.write("--out", path)?;
    }
    let count = count_audience(&found.path, &audience, SHOWN, now)?;
    if args.out.is_some() && path.is_none() {
        console.say(count_text(&count));
        write!(out.0, "{}", audience_list(&found.path, &audience, now)?)?;
        return Ok(ExitCode::Complete);
    }
    let mut text = format!("{}\n", count_text(&count));
    // Writing to a String cannot fail.
    for person in &count.first {
        let _ = writeln!(text, "  {}", on_one_line(person));
    }
    if count.people > SHOWN as u64 {
        let _ = writeln!(text, "  and {} more", grouped(count.people - SHOWN as u64));
    }
    words(&text, &mut out.0)?;
    if let Some(path) = path {
        let list = audience_list(&found.path, &audience, now)?;
        write_whole_file(path, list.as_bytes()).map_err(RunError::from)?;
        files.enter("audience", path);
        console.say(format_args!("Written to {}.", path.display()));
    }
    Ok(ExitCode::Complete)
}

/// The audience that the flags describe.
pub(super) fn audience(
    flags: &AudienceFlags,
    settings: &Settings,
) -> Result<Audience, CommandError> {
    let not_within = settings.guards()?.history.not_within;
    Ok(Audience {
        opted_in: flags.opted_in,
        since: flags.since,
        accepted_not_read: flags.accepted_not_read,
        batch_status: flags.batch_status.clone(),
        countries: flags.country.clone(),
        on_channels: flags.on_channel.clone(),
        not_within: not_within.filter(|span| !span.is_zero()),
    })
}

/// The batch of an audience.
pub(super) fn find_batch(
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
pub(super) fn go_on(
    front: &Front,
    settings: &Settings,
    name: &str,
    asked: (&FallbackSource, Option<&str>),
    (going, console): (Going, Console),
) -> CommandResult {
    let Some(batch) = resumed(front, settings, name, asked)? else {
        return Ok(ExitCode::Paused);
    };
    console.say(format_args!(
        "Batch {name} is unfinished: it goes on with the people who were in it when it began."
    ));
    Ok(front.go(batch, going)?.exit)
}

/// Takes up a batch whose people are frozen, with what is asked about it; nothing if an answer is no.
pub(super) fn resumed(
    front: &Front,
    settings: &Settings,
    name: &str,
    (fallback, purpose): (&FallbackSource, Option<&str>),
) -> Result<Option<HeldBatch>, CommandError> {
    let asked = ResumeSettings {
        batch: Some(name),
        channel: front.connection.channel.as_deref(),
        sandbox: front.sandbox(),
        undo_cancel: None,
    };
    let batch = HeldBatch::resume(&front.db, &asked, front.clock.now())?;
    let batch = front.with_fallback(batch, fallback)?;
    if let (Some(batch), Some(purpose)) = (&batch, purpose) {
        batch.keep_purpose(purpose, &settings.person(), front.clock.now())?;
    }
    Ok(batch)
}

impl Front {
    /// Keeps with a batch what is asked for about other channels, asking where it may cost much; nothing if the answer
    /// is no.
    pub(super) fn with_fallback(
        &self,
        batch: HeldBatch,
        asked: &FallbackSource,
    ) -> Result<Option<HeldBatch>, CommandError> {
        let Some(mut change) = batch.fallback_change(asked)? else {
            return Ok(Some(batch));
        };
        if let Some(many) = change.many() {
            if !settings::allows_fallback(&many, self.console)? {
                self.console.say("Nothing was sent.");
                return Ok(None);
            }
            change.allow(many.people);
        }
        Ok(Some(batch.change_fallback(
            &change,
            &self.person,
            self.clock.now(),
        )?))
    }
}

/// The channel that is sent through.
pub(super) fn channel<'a>(front: &'a Front, settings: &Settings) -> Result<&'a str, CommandError> {
    let sms = settings.content()?.sms_settings;
    match (front.sandbox(), front.connection.channel()) {
        (_, Ok(channel)) => Ok(channel),
        (true, Err(_)) if sms.counted => Ok(Rehearsal::SMS_CHANNEL),
        (true, Err(_)) => Ok(Rehearsal::CHANNEL),
        (false, Err(error)) => Err(error.into()),
    }
}

/// How many they are, and whom Facebook lets a page write to.
fn count_text(count: &AudienceCount) -> String {
    let people = match count.people {
        0 => return "Nobody belongs to this audience.".to_owned(),
        1 => "1 person belongs".to_owned(),
        people => format!("{} people belong", grouped(people)),
    };
    let acted = match count.in_reply_window {
        1 => "1 of them has acted".to_owned(),
        acted => format!("{} of them have acted", grouped(acted)),
    };
    format!(
        "{people} to this audience; {acted} within the last 24 hours, after which Facebook takes hardly any message \
         from a page (`outreach man facebook`)."
    )
}

//! `outreach audience`: the people of the checkpoint to whom conditions apply, counted, shown and written as a list.

use std::fmt::Write as _;
use std::io::Write;

use super::call::Call;
use super::checkpoint;
use super::console::{Visible, words};
use super::error::{CommandError, CommandResult};
use super::outcome::StartOptions;
use super::run::Front;
use super::settings;
use crate::cli::{AudienceArgs, AudienceFlags};
use crate::config::Settings;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{grouped, plural, write_whole_file};
use crate::run::{
    Audience, AudienceBatch, AudienceCount, FallbackSource, HeldBatch, Mismatch, ResumeSettings,
    RunError, audience_batch, audience_list, count_audience,
};

/// How many people are shown.
const SHOWN: usize = 10;

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(
    args: &AudienceArgs,
    call: &Call,
    out: &mut Visible<impl Write>,
) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    let found = checkpoint::find(settings, None)?;
    let audience = audience(&args.audience, settings)?;
    let now = clock.now();
    let path = args.out.as_deref().filter(|path| path.as_os_str() != "-");
    let mut files = call.files(Some(&found.path), &[], args.force)?;
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
    front: &Front<'_>,
    audience: &Audience,
) -> Result<AudienceBatch, CommandError> {
    let message = front
        .message()?
        .ok_or(RunError::from(Mismatch::NoMessage))?;
    let channel = front.channel()?;
    let (db, now) = (&front.db, front.now());
    Ok(audience_batch(db, audience, &message, channel, now)?)
}

/// Goes on with the people of an audience who were frozen when its batch began.
pub(super) fn continue_batch(
    front: &Front<'_>,
    name: &str,
    fallback: &FallbackSource,
    purpose: Option<&str>,
    options: StartOptions,
) -> CommandResult {
    let Some(batch) = front.resumed(name, fallback, purpose)? else {
        return Ok(ExitCode::Paused);
    };
    front.console.say(format_args!(
        "Batch {name} is unfinished: it goes on with the people who were in it when it began."
    ));
    Ok(front.run_batch(batch, options)?.exit)
}

impl Front<'_> {
    /// Takes up a batch whose people are frozen, with what is asked about it; nothing if an answer is no.
    pub(super) fn resumed(
        &self,
        name: &str,
        fallback: &FallbackSource,
        purpose: Option<&str>,
    ) -> Result<Option<HeldBatch>, CommandError> {
        let asked = ResumeSettings {
            batch: Some(name),
            channel: self.connection.channel.as_deref(),
            sandbox: self.sandbox(),
            undo_cancel: None,
        };
        let batch = HeldBatch::resume(&self.db, &asked, self.now())?;
        let batch = self.with_fallback(batch, fallback)?;
        if let (Some(batch), Some(purpose)) = (&batch, purpose) {
            batch.keep_purpose(purpose, &self.person, self.now())?;
        }
        Ok(batch)
    }

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
            self.now(),
        )?))
    }
}

/// How many they are, and to how many of them Facebook lets a page write.
fn count_text(count: &AudienceCount) -> String {
    if count.people == 0 {
        return "Nobody belongs to this audience.".to_owned();
    }
    let people = plural(count.people, "person belongs", "people belong");
    let acted = plural(
        count.in_reply_window,
        "of them has acted",
        "of them have acted",
    );
    format!(
        "{people} to this audience; {acted} within the last 24 hours, after which Facebook takes hardly any message \
         from a page (`outreach man facebook`)."
    )
}

//! `outreach audience`: the people of the checkpoint to whom conditions apply, counted, shown and written as a list.

use std::io::Write;

use super::checkpoint;
use super::console::{Console, Visible};
use super::error::{CommandError, CommandResult};
use super::settings;
use crate::cli::{AudienceArgs, AudienceFlags};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{grouped, write_whole_file};
use crate::run::{Audience, AudienceCount, RunError, audience_list, count_audience};

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
    writeln!(out, "{}", count_text(&count))?;
    for person in &count.first {
        writeln!(out, "  {}", on_one_line(person))?;
    }
    if count.people > SHOWN as u64 {
        writeln!(out, "  and {} more", grouped(count.people - SHOWN as u64))?;
    }
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

//! `outreach export BATCH`: the results file, made again from the checkpoint at any time.

use std::io::{IsTerminal as _, Write};
use std::path::Path;

use super::checkpoint;
use super::console::{Console, Visible};
use super::error::{CommandError, CommandResult};
use super::settings;
use crate::cli::ExportArgs;
use crate::config::Settings;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{Selection, grouped, minute};
use crate::run::{ExportSettings, export, export_file, pruned_at};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`](super::error::CommandError), with its exit code.
pub(crate) fn run(
    args: &ExportArgs,
    settings: &Settings,
    console: Console,
    out: &mut dyn Write,
) -> CommandResult {
    let found = checkpoint::find(settings, Some(&args.batch))?;
    let how = ExportSettings {
        selection: Selection {
            statuses: args.status.clone(),
            only_unreached: args.only_unreached,
            columns: args.columns.as_deref().map_or(Ok(Vec::new()), headers)?,
        },
        dialect: settings.checkpoint()?.dialect,
    };
    if let Some(at) = pruned_at(&found.path, &args.batch)? {
        console.warn(format_args!(
            "Batch {} was pruned on {}: its rows hold no numbers, fields and texts any more.",
            on_one_line(&args.batch),
            minute(at)
        ));
    }
    if args.out.as_deref() == Some("-") {
        // A file and a pipe get the cells as they are; a terminal must not obey them.
        if std::io::stdout().is_terminal() {
            export(&found.path, &args.batch, &how, &mut Visible(out))?;
        } else {
            export(&found.path, &args.batch, &how, out)?;
        }
        return Ok(ExitCode::Complete);
    }
    let to = args.out.as_deref().map(Path::new);
    let mut files = settings::files(settings, Some(&found.path), &[], args.force)?;
    let (path, rows) = export_file(&mut files, &found.path, &args.batch, &how, to)?;
    console.say(format_args!("{}: {} rows", path.display(), grouped(rows)));
    Ok(ExitCode::Complete)
}

/// The headers of a list as a line of CSV has them: one with a comma stands in quotes.
fn headers(text: &str) -> Result<Vec<String>, CommandError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let line = reader.records().next().transpose();
    let line = line.map_err(|error| CommandError::usage(format_args!("--columns: {error}")))?;
    let headers = line.iter().flat_map(|line| line.iter().map(str::to_owned));
    Ok(headers.filter(|header| !header.is_empty()).collect())
}

//! `outreach export BATCH`: the results file, made again from the checkpoint at any time.

use std::io::Write;
use std::path::Path;

use super::checkpoint;
use super::console::Console;
use super::error::CommandResult;
use super::settings;
use crate::cli::ExportArgs;
use crate::config::Settings;
use crate::exit::ExitCode;
use crate::report::grouped;
use crate::run::{export, export_file};

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
    if args.out.as_deref() == Some("-") {
        export(&found.path, &args.batch, out)?;
        return Ok(ExitCode::Complete);
    }
    let to = args.out.as_deref().map(Path::new);
    let mut files = settings::files(settings, Some(&found.path), &[], args.force)?;
    let (path, rows) = export_file(&mut files, &found.path, &args.batch, to)?;
    console.say(format_args!("{}: {} rows", path.display(), grouped(rows)));
    Ok(ExitCode::Complete)
}

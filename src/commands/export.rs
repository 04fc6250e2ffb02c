//! `outreach export BATCH`: the results file, made again from the checkpoint at any time.

use std::io::Write;
use std::path::PathBuf;

use super::checkpoint;
use super::console::Console;
use super::error::CommandResult;
use crate::cli::ExportArgs;
use crate::config::Settings;
use crate::exit::ExitCode;
use crate::report::{default_results_path, grouped, write_results, write_results_file};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`](super::error::CommandError), with its exit code.
pub fn run(
    args: &ExportArgs,
    settings: &Settings,
    console: Console,
    out: &mut dyn Write,
) -> CommandResult {
    let found = checkpoint::find(settings, Some(&args.batch))?;
    let (reader, batch) = found.batch(&args.batch)?;
    let to = args.out.as_ref().map(PathBuf::from);
    let to = to.unwrap_or_else(|| default_results_path(&batch.name));
    if to.as_os_str() == "-" {
        write_results(&reader, &batch, out)?;
        return Ok(ExitCode::Complete);
    }
    let rows = write_results_file(&reader, &batch, &to)?;
    console.say(format_args!("{}: {} rows", to.display(), grouped(rows)));
    Ok(ExitCode::Complete)
}

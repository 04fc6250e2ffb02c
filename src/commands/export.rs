//! `outreach export BATCH`: the results file, made again from the checkpoint at any time.

use std::io::{IsTerminal as _, Write};
use std::path::Path;

use super::call::Call;
use super::checkpoint;
use super::console::Visible;
use super::error::{CommandError, CommandResult};
use super::status::from_here;
use crate::cli::ExportArgs;
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;
use crate::report::{Selection, counted, grouped, minute, quoted};
use crate::run::{ExportSettings, Exported, export, export_all, export_file, pruned_at};

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`](super::error::CommandError), with its exit code.
pub(crate) fn run(args: &ExportArgs, call: &Call, out: &mut dyn Write) -> CommandResult {
    let (settings, console) = (&call.settings, call.console);
    let Some(batch) = &args.batch else {
        return all(args, call);
    };
    let found = checkpoint::find(settings, Some(batch))?;
    let how = ExportSettings {
        selection: Selection {
            statuses: args.status.clone(),
            only_unreached: args.only_unreached,
            columns: args.columns.as_deref().map_or(Ok(Vec::new()), headers)?,
        },
        dialect: settings.checkpoint()?.dialect,
    };
    if let Some(at) = pruned_at(&found.path, batch)? {
        console.warn(format_args!(
            "Batch {} was pruned on {}: its rows hold no numbers, fields and texts any more.",
            on_one_line(batch),
            minute(at)
        ));
    }
    if args.out.as_deref() == Some("-") {
        // A file and a pipe get the cells as they are; a terminal must not obey them.
        if std::io::stdout().is_terminal() {
            export(&found.path, batch, &how, &mut Visible(out))?;
        } else {
            export(&found.path, batch, &how, out)?;
        }
        return Ok(ExitCode::Complete);
    }
    let to = args.out.as_deref().map(Path::new);
    let mut files = call.files(Some(&found.path), &[], args.force)?;
    let (path, rows) = export_file(&mut files, &found.path, batch, &how, to)?;
    console.say(format_args!("{}: {}", path.display(), counted(rows, "row")));
    Ok(ExitCode::Complete)
}

/// Writes the results of all batches.
fn all(args: &ExportArgs, call: &Call) -> CommandResult {
    let (settings, console) = (&call.settings, call.console);
    let found = checkpoint::find(settings, None)?;
    let mut files = call.files(Some(&found.path), &[], false)?;
    let dialect = settings.checkpoint()?.dialect;
    let (mut written, mut same) = (0, 0);
    let mut files_for_import = Vec::new();
    let mut report = |batch: &str, done: &Exported| {
        let batch = on_one_line(batch);
        match done {
            Exported::Written(path) => {
                written += 1;
                files_for_import.push(quoted(&from_here(path).to_string_lossy()));
                console.say(format_args!("{batch}: {}", from_here(path).display()));
            }
            Exported::Same(_) => same += 1,
            Exported::LeftOut(why) => console.say(format_args!("{batch}: left out, {why}")),
        }
    };
    export_all(
        &found.path,
        &mut files,
        args.changed,
        dialect,
        call.clock.now(),
        &mut report,
    )?;
    let kept = if args.changed {
        format!(", {} as before", grouped(same))
    } else {
        String::new()
    };
    console.say(format_args!(
        "{} written{kept}.",
        counted(written, "results file")
    ));
    // They lie where each batch has its file, in the form of its list: a pattern such as *.results.csv may miss some.
    if !args.changed && !files_for_import.is_empty() {
        console.say(format_args!(
            "Another checkpoint takes all of them in: outreach history import {}",
            files_for_import.join(" ")
        ));
    }
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

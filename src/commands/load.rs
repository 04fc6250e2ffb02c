//! A list goes into the checkpoint: judged, rendered, and whole or not at all.

use std::path::PathBuf;

use super::console::Console;
use super::error::CommandError;
use super::known::Known;
use super::plan::{Plan, batch_digest, with_added};
use super::preview;
use super::run;
use crate::clock::Clock;
use crate::config;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Position;
use crate::intake::Judge;
use crate::report::check::CheckReport;
use crate::report::rejects::RejectsFile;
use crate::store::{Absorb, Batch, BatchId, Becomes, Loader, NewBatch, Stage, Store, working_name};

/// So many rendered messages are shown.
const SAMPLES: usize = 3;

/// Reads the list into a new batch; a list that turns out unusable leaves nothing behind.
pub(super) fn load(
    store: &Store,
    plan: Plan,
    guards: &config::Guards,
    console: Console,
    clock: &Clock,
) -> Result<Batch, CommandError> {
    let name = plan.name.clone();
    let id = begin(store, &plan, &name, clock)?;
    let existing = Existing {
        batch: Some(id),
        ..Existing::default()
    };
    let outcome = read_rows(store, plan, id, &existing, guards, console, clock)
        .and_then(|loader| Ok(loader.finish()?));
    match outcome {
        Ok(()) => Ok(store.reader()?.batch(&name)?),
        Err(error) => {
            store.discard_batch(id)?;
            Err(error)
        }
    }
}

/// Registers a batch whose rows are about to be read.
fn begin(store: &Store, plan: &Plan, name: &str, clock: &Clock) -> Result<BatchId, CommandError> {
    if let Some(leftover) = store.reader()?.find_batch(name)? {
        if leftover.stage == Stage::Ready {
            return Err(CommandError::usage(format_args!(
                "there is a batch `{}` already: run the same command again",
                name.escape_debug()
            )));
        }
        // An earlier run died while it read the list.
        store.discard_batch(leftover.id)?;
    }
    Ok(store.create_batch(NewBatch {
        name: name.to_owned(),
        digest: plan.digest,
        definition: plan.definition.clone(),
        headers: plan.input.headers().to_vec(),
        files: plan.input.file_names().map(str::to_owned).collect(),
        channel: plan.channel.clone(),
        sandbox: plan.sandbox,
        created_at: clock.now(),
    })?)
}

/// What a batch holds already when a second list joins it.
#[derive(Default)]
struct Existing {
    /// The batch whose own messages do not count as repeated.
    batch: Option<BatchId>,
    files: Vec<String>,
    seen: Vec<(PhoneNumber, Position)>,
}

/// Reads a second list beside the batch, and lets the batch take it over when it is whole.
pub(super) fn absorb(
    store: &Store,
    plan: Plan,
    batch: &Batch,
    how: Absorb,
    guards: &config::Guards,
    console: Console,
    clock: &Clock,
) -> Result<Batch, CommandError> {
    if plan.input.headers() != batch.headers {
        return Err(CommandError::usage(format_args!(
            "batch {} has the columns {}, this file has {}: a batch has the same columns in all its files",
            batch.name,
            batch.headers.join(", "),
            plan.input.headers().join(", ")
        )));
    }
    let reader = store.reader()?;
    let existing = Existing {
        batch: Some(batch.id),
        files: batch.files.clone(),
        seen: match how {
            Absorb::Add => reader.numbers(batch.id)?,
            Absorb::Update => Vec::new(),
        },
    };
    let mut files = batch.files.clone();
    files.extend(plan.input.file_names().map(str::to_owned));
    let (definition, digest) = match how {
        Absorb::Add => (with_added(batch, &plan), batch_digest(batch)),
        Absorb::Update => (plan.definition.clone(), plan.digest),
    };
    let becomes = Becomes {
        definition,
        digest,
        files,
    };
    let staging = begin(store, &plan, &working_name(&batch.name), clock)?;
    let absorbed = read_rows(store, plan, staging, &existing, guards, console, clock)
        .and_then(|mut loader| Ok(loader.complete()?))
        .and_then(|()| {
            let now = clock.now();
            Ok(store.absorb(batch, staging, how, becomes, now)?)
        });
    match absorbed {
        Ok(interrupted) => run::tell_interrupted(console, &batch.name, interrupted),
        Err(error) => {
            store.discard_batch(staging)?;
            return Err(error);
        }
    }
    Ok(reader.batch(&batch.name)?)
}

/// Judges the rows and brings them into the batch.
fn read_rows<'a>(
    store: &'a Store,
    mut plan: Plan,
    id: BatchId,
    existing: &Existing,
    guards: &config::Guards,
    console: Console,
    clock: &Clock,
) -> Result<Loader<'a>, CommandError> {
    let now = clock.now();
    let reader = store.reader()?;
    let known = Known::read(&reader, guards, existing.batch, clock)?;
    let mut loader = store.loader(id, 0, now);
    let mut files = existing.files.clone();
    files.extend(plan.input.file_names().map(str::to_owned));
    let channel = plan.channel.clone();
    let template = plan.template;
    let suppressed = |phone| known.cause(phone);
    let message = |record: &_, _, phone| known.message(&template, Some(&channel), record, phone);
    let judge = Judge {
        suppressed: &suppressed,
        render: Some(&message),
        seen: &existing.seen,
        first_file: u16::try_from(existing.files.len()).unwrap_or(u16::MAX),
    };
    let mut samples = Vec::new();
    let rejects_path = PathBuf::from(format!("{}.rejects.csv", plan.input.stem()));
    let mut rejects = RejectsFile::create(&rejects_path, plan.input.headers())?;
    let mut progress = preview::Reading::new(console, clock);
    let summary = plan.input.judge(&judge, &mut |row| {
        progress.row();
        if samples.len() < SAMPLES {
            samples.extend(preview::sample(&row));
        }
        rejects.push(&row)?;
        Ok::<_, CommandError>(loader.push(row, |position| row_name(&files, position))?)
    })?;
    progress.clear();
    let report = CheckReport {
        files: &files,
        notes: plan.input.notes(),
        mapping: plan.input.mapping(),
        summary: &summary,
        samples: &samples,
        forecast: None,
    };
    console.say(report.text().trim_end());
    let rows = rejects.finish()?;
    if rows > 0 {
        console.say(format_args!(
            "{rows} rows to mend: {}",
            rejects_path.display()
        ));
    }
    Ok(loader)
}

/// How a row is called: by its number, and by its file where there are several.
fn row_name(files: &[String], position: Position) -> String {
    if let [_] = files {
        return format!("row {}", position.row);
    }
    let file = files.get(usize::from(position.file));
    format!("{} row {}", file.map_or("?", String::as_str), position.row)
}

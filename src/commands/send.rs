//! `outreach send`: a list becomes a batch, and the batch is sent.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::preview;
use super::run::{self, Access, Run, history_span};
use crate::amio;
use crate::cli::SendArgs;
use crate::clock::Clock;
use crate::config::{self, MessageSource, Settings};
use crate::domain::content::{Body, ContentSource, Template};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Accepted, Position, Suppression, Verdict};
use crate::exit::ExitCode;
use crate::intake::{Input, Judge, Unsendable};
use crate::report::check::CheckReport;
use crate::store::{
    Absorb, Batch, BatchId, Loader, NewBatch, PastMessages, Reader, Stage, Store, content_key,
};

/// So many rendered messages are shown.
const SAMPLES: usize = 3;

/// The digest of the files, in a batch's definition.
const ROWS: &str = "rows";

/// What the command line, the files and the template say together.
struct Plan {
    input: Input,
    template: Template,
    name: String,
    named_by_user: bool,
    channel: String,
    definition: BTreeMap<String, String>,
    digest: [u8; 32],
    sandbox: bool,
}

/// How the list relates to what the checkpoint holds.
enum Takes {
    /// A batch that is not there yet.
    New,
    /// The same batch again.
    Continues(Box<Batch>),
    /// A second list for a batch that is there.
    Absorbs(Box<Batch>, Absorb),
}

/// Runs the command.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub fn run(args: &SendArgs, settings: &Settings, console: Console, clock: Clock) -> CommandResult {
    let connection = settings.connection()?;
    let guards = settings.guards()?;
    let pace = settings.pace(clock.now())?;
    let checkpoint = settings.checkpoint();
    let checkpoint = if args.sandbox {
        checkpoint.for_sandbox()
    } else {
        checkpoint
    };
    if !args.sandbox {
        connection.token()?;
    }
    let plan = plan(args, settings, &connection)?;
    for notice in plan.template.notices() {
        console.say(format_args!("note: {notice}"));
    }
    let store = Arc::new(Store::open(checkpoint.db())?);
    let hold = store.hold(&plan.name, clock.now())?;
    keep_rehearsals_apart(&store.reader()?, &plan)?;
    let takes = compare(&store.reader()?, &plan, args)?;
    let batch = match takes {
        Takes::New => {
            tell_unfinished(&store.reader()?, &plan, console)?;
            load(&store, plan, &guards, console, &clock)?
        }
        Takes::Continues(batch) => *batch,
        Takes::Absorbs(batch, how) => absorb(&store, plan, &batch, how, &guards, console, &clock)?,
    };
    let run = Run {
        store,
        batch,
        token: connection.token.as_ref().map(amio::token_fingerprint),
        _hold: hold,
        pace,
        guards,
        timeout: connection.timeout,
        concurrency: NonZeroU32::from(connection.concurrency),
        out: checkpoint.out.clone(),
        summary: checkpoint.summary.clone(),
        console,
        clock,
    };
    run.after_halt(false)?;
    go(run, &connection, args.sandbox, args.yes)
}

/// Shows what is about to be sent, asks where somebody can answer, and sends.
pub(super) fn go(
    run: Run,
    connection: &config::Connection,
    sandbox: bool,
    yes: bool,
) -> CommandResult {
    let counts = run.store.reader()?.counts(run.batch.id)?;
    let console = run.console;
    console.say(preview::batch(&run, &counts)?);
    if counts.queued > 0 && !sandbox && !yes {
        if !console.can_ask() {
            return Err(CommandError::usage(
                "nobody can be asked here: give --yes to send without asking",
            ));
        }
        if !console.ask(format_args!("Send {} messages now?", counts.queued)) {
            console.say(format_args!(
                "Nothing was sent. `outreach resume {}` goes on from here.",
                run.batch.name
            ));
            return Ok(ExitCode::Paused);
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(ExitCode::Internal, error))?;
    runtime.block_on(async {
        if sandbox {
            console.say("Rehearsal against the built-in sandbox: nobody is messaged.");
            let (_sandbox, access) = run::sandbox().await?;
            run.send(access).await
        } else {
            let access = Access {
                base_url: connection.base_url.clone(),
                token: connection.token()?.clone(),
            };
            run.send(access).await
        }
    })
}

fn plan(
    args: &SendArgs,
    settings: &Settings,
    connection: &config::Connection,
) -> Result<Plan, CommandError> {
    let sources = super::sources(&args.files);
    let input = Input::open(&sources, &settings.intake()?)?;
    let content = content_source(&settings.content()?)?;
    let template = Template::compile(&content, input.headers())?;
    let channel = match (args.sandbox, connection.channel()) {
        (_, Ok(channel)) => channel.to_owned(),
        (true, Err(_)) => crate::sandbox::Settings::MESSENGER_CHANNEL.to_owned(),
        (false, Err(error)) => return Err(error.into()),
    };
    let definition = BTreeMap::from([
        (ROWS.to_owned(), hex(input.digest().bytes())),
        ("mapping".to_owned(), input.mapping().canonical()),
        ("content".to_owned(), template.canonical().to_owned()),
        ("channel".to_owned(), channel.clone()),
    ]);
    let digest = digest(&definition);
    let name = args
        .batch
        .clone()
        .unwrap_or_else(|| format!("{}-{}", input.stem(), hex(&digest[..4])));
    Ok(Plan {
        input,
        template,
        name,
        named_by_user: args.batch.is_some(),
        channel,
        definition,
        digest,
        sandbox: args.sandbox,
    })
}

/// Reads what `--message`, `--content`, `--tag` and `--metadata` say.
pub(super) fn content_source(content: &config::Content) -> Result<ContentSource, CommandError> {
    let body = match &content.message {
        Some(MessageSource::Message(text)) => Body::Message(text.clone()),
        Some(MessageSource::File(path)) => Body::Json(read_json(path)?),
        None => {
            return Err(CommandError::usage(
                "what should be sent? Give --message TEMPLATE or --content FILE.json",
            ));
        }
    };
    Ok(ContentSource {
        body,
        tag: content.tag.clone(),
        metadata: content.metadata.clone(),
    })
}

fn read_json(path: &Path) -> Result<serde_json::Value, CommandError> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        CommandError::text(
            ExitCode::Configuration,
            format_args!("{name} cannot be read: {error}"),
        )
    })?;
    serde_json::from_str(&text)
        .map_err(|error| CommandError::usage(format_args!("{name} is no JSON: {error}")))
}

fn digest(definition: &BTreeMap<String, String>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for (what, value) in definition {
        for part in [what, value] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    digest.finalize().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn compare(reader: &Reader, plan: &Plan, args: &SendArgs) -> Result<Takes, CommandError> {
    let found = reader
        .find_batch(&plan.name)?
        .filter(|batch| batch.stage == Stage::Ready);
    let Some(batch) = found else {
        if args.add || args.update {
            return Err(CommandError::usage(format_args!(
                "there is no batch `{}` yet: leave --add and --update out to begin it",
                plan.name
            )));
        }
        return Ok(Takes::New);
    };
    let differing = differences(&batch, plan);
    let how = match (args.add, args.update) {
        (true, _) => Some(Absorb::Add),
        (_, true) => Some(Absorb::Update),
        (false, false) => None,
    };
    if differing.is_empty() || (how == Some(Absorb::Add) && was_added(&batch, plan)) {
        return Ok(Takes::Continues(Box::new(batch)));
    }
    match how {
        Some(how) => {
            only_rows(&differing, plan)?;
            Ok(Takes::Absorbs(Box::new(batch), how))
        }
        None => Err(CommandError::usage(format_args!(
            "batch `{}` was begun with other {}. Leave --batch out (or name another) for a new \
             batch; --update replaces the list of this one, --add adds to it",
            plan.name,
            differing.join(" and other ")
        ))),
    }
}

/// A rehearsal's messages reached nobody, and must not count as messages to real people.
fn keep_rehearsals_apart(reader: &Reader, plan: &Plan) -> Result<(), CommandError> {
    match reader
        .batches()?
        .into_iter()
        .find(|batch| batch.sandbox != plan.sandbox)
    {
        None => Ok(()),
        Some(other) if other.sandbox => Err(CommandError::usage(format_args!(
            "this checkpoint holds rehearsals (batch {}): name another one with --db",
            other.name
        ))),
        Some(other) => Err(CommandError::usage(format_args!(
            "this checkpoint holds real batches ({}): a rehearsal needs one of its own (--db)",
            other.name
        ))),
    }
}

/// What differs between the batch and what is asked now, the rows first.
fn differences(batch: &Batch, plan: &Plan) -> Vec<&'static str> {
    [ROWS, "mapping", "content", "channel"]
        .into_iter()
        .filter(|what| batch.definition.get(*what) != plan.definition.get(*what))
        .collect()
}

/// A batch has one content and one channel, whatever rows it gains.
fn only_rows(differing: &[&str], plan: &Plan) -> Result<(), CommandError> {
    match differing
        .iter()
        .find(|what| !matches!(**what, ROWS | "mapping"))
    {
        None => Ok(()),
        Some(what) => Err(CommandError::usage(format_args!(
            "batch `{}` has another {what}: rows can be added or replaced only with the same one",
            plan.name
        ))),
    }
}

/// A list that was edited since, or has other content, is another batch: tell the one that is unfinished.
fn tell_unfinished(reader: &Reader, plan: &Plan, console: Console) -> Result<(), CommandError> {
    if plan.named_by_user {
        return Ok(());
    }
    let files: Vec<&str> = plan.input.file_names().collect();
    for batch in reader.batches()? {
        let same_files = batch
            .files
            .iter()
            .map(String::as_str)
            .eq(files.iter().copied());
        let counts = reader.counts(batch.id)?;
        let outstanding = counts.queued + counts.sending;
        if same_files && batch.name != plan.name && outstanding > 0 {
            console.warn(format_args!(
                "Batch {} from a file of this name is unfinished ({outstanding} queued): this list \
                 or message is another, and becomes a new batch. `outreach resume {}` continues the \
                 old one; whoever got the same message is not messaged again.",
                batch.name, batch.name
            ));
        }
    }
    Ok(())
}

/// Reads the list into a new batch; a list that turns out unusable leaves nothing behind.
fn load(
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
fn absorb(
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
    let staging = begin(
        store,
        &plan,
        &format!("{} (second list)", batch.name),
        clock,
    )?;
    let outcome = read_rows(store, plan, staging, &existing, guards, console, clock)
        .and_then(|mut loader| Ok(loader.complete()?))
        .and_then(|()| {
            let now = clock.now();
            Ok(store.absorb(batch, staging, how, definition, digest, files, now)?)
        });
    if let Err(error) = outcome {
        store.discard_batch(staging)?;
        return Err(error);
    }
    Ok(reader.batch(&batch.name)?)
}

fn batch_digest(batch: &Batch) -> [u8; 32] {
    <[u8; 32]>::try_from(batch.digest.as_slice()).unwrap_or_else(|_| digest(&batch.definition))
}

/// The files that were added, by the digest of their rows: the same one is not added again.
const ADDED: &str = "added";

fn with_added(batch: &Batch, plan: &Plan) -> BTreeMap<String, String> {
    let mut definition = batch.definition.clone();
    let added = definition.entry(ADDED.to_owned()).or_default();
    if !added.is_empty() {
        added.push(' ');
    }
    added.push_str(plan.definition.get(ROWS).map_or("", String::as_str));
    definition
}

fn was_added(batch: &Batch, plan: &Plan) -> bool {
    match (batch.definition.get(ADDED), plan.definition.get(ROWS)) {
        (Some(added), Some(rows)) => added.split(' ').any(|digest| digest == rows),
        _ => false,
    }
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
    let past = reader.past_messages(history_span(guards), existing.batch, now)?;
    let listed = Listed::read(&reader)?;
    let mut loader = store.loader(id, 0, now);
    let mut files = existing.files.clone();
    files.extend(plan.input.file_names().map(str::to_owned));
    let channel = plan.channel.clone();
    let template = plan.template;
    let suppressed = |phone| listed.cause(phone).or_else(|| messaged(&past, phone));
    let render = |record: &_, _, phone| {
        let rendered = template
            .render(record)
            .map_err(|problem| Unsendable::Problem(problem.to_string()))?;
        match past.repeated(content_key(&channel, phone, &rendered.content)) {
            None => Ok(rendered),
            Some(past) => Err(Unsendable::Suppressed(Suppression::RepeatGuard {
                batch: past.batch,
                at: past.at.to_string(),
            })),
        }
    };
    let judge = Judge {
        suppressed: &suppressed,
        render: Some(&render),
        seen: &existing.seen,
        first_file: u16::try_from(existing.files.len()).unwrap_or(u16::MAX),
    };
    let mut samples = Vec::new();
    let mut progress = preview::Reading::new(console, clock);
    let summary = plan.input.judge(&judge, &mut |row| {
        progress.row();
        if let Verdict::Queued(Accepted {
            content: Some(content),
            ..
        }) = &row.verdict
            && samples.len() < SAMPLES
        {
            samples.push(content.content.clone());
        }
        loader.push(row, |position| row_name(&files, position))
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
    Ok(loader)
}

fn messaged(past: &PastMessages, phone: PhoneNumber) -> Option<Suppression> {
    let past = past.messaged(phone)?;
    Some(Suppression::NotWithin {
        batch: past.batch,
        at: past.at.to_string(),
    })
}

/// How a row is called: by its number, and by its file where there are several.
fn row_name(files: &[String], position: Position) -> String {
    match files {
        [_] => format!("row {}", position.row),
        _ => {
            let file = files
                .get(usize::from(position.file))
                .map_or("?", String::as_str);
            format!("{file} row {}", position.row)
        }
    }
}

/// The suppression list, in memory while a list is read.
struct Listed(HashMap<PhoneNumber, Arc<str>>);

impl Listed {
    fn read(reader: &Reader) -> Result<Self, CommandError> {
        let mut listed = HashMap::new();
        let mut reasons: HashMap<String, Arc<str>> = HashMap::new();
        reader.suppressions(|entry| {
            let reason = reasons
                .entry(entry.reason)
                .or_insert_with_key(|reason| Arc::from(reason.as_str()));
            listed.insert(entry.phone, Arc::clone(reason));
            Ok::<_, CommandError>(())
        })?;
        Ok(Self(listed))
    }

    fn cause(&self, phone: PhoneNumber) -> Option<Suppression> {
        let reason = self.0.get(&phone)?;
        Some(Suppression::Listed {
            reason: reason.to_string(),
        })
    }
}

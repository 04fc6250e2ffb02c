//! What a `send` asks for, and how that relates to what the checkpoint holds.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::console::Console;
use super::error::CommandError;
use crate::cli::SendArgs;
use crate::config::{self, MessageSource, Settings};
use crate::domain::content::{Body, ContentSource, Template};
use crate::exit::ExitCode;
use crate::intake::Input;
use crate::store::{Batch, Change, Reader};

/// The digest of the files, in a batch's definition.
const ROWS: &str = "rows";

/// What the command line, the files and the template say together.
pub(super) struct Plan {
    pub(super) input: Input,
    pub(super) template: Template,
    pub(super) name: String,
    pub(super) named_by_user: bool,
    pub(super) channel: String,
    pub(super) definition: BTreeMap<String, String>,
    pub(super) digest: [u8; 32],
    pub(super) sandbox: bool,
}

/// How the list relates to what the checkpoint holds.
pub(super) enum Takes {
    /// A batch that is not there yet.
    New,
    /// The same batch again.
    Continues(Box<Batch>),
    /// A second list for a batch that is there.
    Changes(Box<Batch>, Change),
}
pub(super) fn plan(
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

pub(super) fn compare(
    reader: &Reader,
    plan: &Plan,
    args: &SendArgs,
) -> Result<Takes, CommandError> {
    let found = reader.find_batch(&plan.name)?.filter(Batch::is_whole);
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
        (true, _) => Some(Change::Add),
        (_, true) => Some(Change::Update),
        (false, false) => None,
    };
    if differing.is_empty() || (how == Some(Change::Add) && was_added(&batch, plan)) {
        return Ok(Takes::Continues(Box::new(batch)));
    }
    if let Some(how) = how {
        only_rows(&differing, plan)?;
        return Ok(Takes::Changes(Box::new(batch), how));
    }
    let remedy = match only_rows(&differing, plan) {
        Ok(()) => "; --update replaces the list of this one, --add adds to it",
        Err(_) => "",
    };
    Err(CommandError::usage(format_args!(
        "batch `{}` was begun with other {}. Leave --batch out (or name another) for a new \
         batch{remedy}",
        plan.name,
        differing.join(" and other ")
    )))
}

/// A rehearsal's messages reached nobody, and must not count as messages to real people.
pub(super) fn keep_rehearsals_apart(reader: &Reader, plan: &Plan) -> Result<(), CommandError> {
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
pub(super) fn tell_unfinished(
    reader: &Reader,
    plan: &Plan,
    console: Console,
) -> Result<(), CommandError> {
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
pub(super) fn batch_digest(batch: &Batch) -> [u8; 32] {
    <[u8; 32]>::try_from(batch.digest.as_slice()).unwrap_or_else(|_| digest(&batch.definition))
}

/// The files that were added, by the digest of their rows: the same one is not added again.
const ADDED: &str = "added";

pub(super) fn with_added(batch: &Batch, plan: &Plan) -> BTreeMap<String, String> {
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

//! The flags of the commands about a batch that was begun: `status`, `export`, `resolve`, `retry`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::config::{CheckpointFile, Connection, Flags, ResultsFormat};
use crate::domain::delivery::{CANCELLED, State};
use crate::domain::pilot::{Choice, PilotSettings};

/// A pilot is small: its people are kept with the batch.
fn pilot_size() -> impl clap::builder::TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(1..=100_000)
}

/// Who gets the message before the rest.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct PilotFlags {
    /// A pilot: send to the first N who are queued, then pause; `resume` sends the rest
    ///
    /// The same command again finishes an interrupted pilot, and no more.
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "sample",
        help_heading = "Batch",
        value_parser = pilot_size()
    )]
    limit: Option<u32>,
    /// A pilot of N people at random, by a seed that is printed
    #[arg(
        long,
        value_name = "N",
        help_heading = "Batch",
        value_parser = pilot_size()
    )]
    sample: Option<u32>,
    /// The seed of --sample: the same people of the same list again
    #[arg(
        long,
        value_name = "N",
        requires = "sample",
        help_heading = "Batch",
        hide_short_help = true
    )]
    seed: Option<u32>,
}

impl PilotFlags {
    /// The pilot that is asked for.
    pub(crate) fn asked(self) -> Option<PilotSettings> {
        let first = self.limit.map(|size| PilotSettings {
            size,
            choice: Choice::First,
        });
        let at_random = self.sample.map(|size| PilotSettings {
            size,
            choice: Choice::AtRandom { seed: self.seed },
        });
        first.or(at_random)
    }
}

/// `outreach status`.
#[derive(Debug, Clone, Args)]
pub(crate) struct StatusArgs {
    /// The batch; its state sets the exit code [default: all batches]
    pub(crate) batch: Option<String>,
    /// The batch that changed last
    #[arg(long, conflicts_with = "batch")]
    pub(crate) last: bool,
    /// The timeline of one row: every request, with times, status and text
    #[arg(long, value_name = "N", requires = "batch", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) row: Option<u32>,
    /// Keep what is shown up to date, until the batch is done
    #[arg(long, conflicts_with_all = ["row", "json"])]
    pub(crate) watch: bool,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub(crate) checkpoint: Flags<CheckpointFile>,
}

/// `outreach export`.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag as typed; what they mean together is decided elsewhere"
)]
pub(crate) struct ExportArgs {
    /// The batch
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) batch: Option<String>,
    /// Write the results of every batch that was sent: over its last results file, else to BATCH.results.csv
    #[arg(long, conflicts_with_all = ["out", "status", "only_unreached", "columns", "force"])]
    pub(crate) all: bool,
    /// With --all: leave a file alone if its contents have not changed since it was written
    #[arg(long, requires = "all")]
    pub(crate) changed: bool,
    /// Where to write: .csv, .xlsx or .jsonl [default: BATCH.results.csv]; - for CSV on standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<String>,
    /// Only rows with these statuses: no_messenger,error
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = statuses())]
    pub(crate) status: Vec<String>,
    /// Only rows of people who did not get the message and may get it: refused, invalid, or not sent yet
    #[arg(long)]
    pub(crate) only_unreached: bool,
    /// Only these columns, in this order: phone,outreach_status
    #[arg(long, value_name = "HEADERS")]
    pub(crate) columns: Option<String>,
    /// How text is written.
    #[command(flatten)]
    pub(crate) written: Flags<ResultsFormat>,
    /// Replace the file at --out, even if another program wrote it
    #[arg(long)]
    pub(crate) force: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub(crate) checkpoint: Flags<CheckpointFile>,
}

/// The statuses of a results file.
fn statuses() -> PossibleValuesParser {
    let shown = State::ALL.into_iter().filter(|it| *it != State::Sending);
    PossibleValuesParser::new(shown.map(State::word).chain([CANCELLED]))
}

/// `outreach resolve`.
#[derive(Debug, Clone, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag as typed; what they mean together is decided elsewhere"
)]
pub(crate) struct ResolveArgs {
    /// The batch
    pub(crate) batch: String,
    /// Ask the API for the messages of known contacts, and settle what they prove
    #[arg(long, group = "how")]
    pub(crate) from_api: bool,
    /// Your decision: these recipients got the message
    #[arg(long, group = "how", requires = "which")]
    pub(crate) assume_sent: bool,
    /// Your decision: send to these recipients again, even if some get it twice
    #[arg(long, group = "how", requires = "which")]
    pub(crate) resend: bool,
    /// Only this row; may be repeated
    #[arg(long, value_name = "N", requires = "how", group = "which", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) row: Vec<u32>,
    /// The file whose rows --row means, where the batch has several: its name, or its number from 1
    #[arg(long, value_name = "FILE", requires = "row")]
    pub(crate) file: Option<String>,
    /// All rows whose outcome is unknown
    #[arg(long, requires = "how", group = "which")]
    pub(crate) all: bool,
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(Connection, CheckpointFile)>,
}

/// `outreach retry`.
#[derive(Debug, Clone, Args)]
pub(crate) struct RetryArgs {
    /// The batch
    pub(crate) batch: String,
    /// Rows in this status; may be repeated [default: both]
    #[arg(long, value_enum)]
    pub(crate) status: Vec<RefusedStatus>,
    /// Rows whose refusal holds this text; * stands for any text
    #[arg(long, value_name = "TEXT")]
    pub(crate) refusal: Option<String>,
    /// Only this row; may be repeated
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) row: Vec<u32>,
    /// The file whose rows --row means, where the batch has several: its name, or its number from 1
    #[arg(long, value_name = "FILE", requires = "row")]
    pub(crate) file: Option<String>,
    /// Queue them without asking first; needed without a terminal
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub(crate) checkpoint: Flags<CheckpointFile>,
}

/// The statuses of refused rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum RefusedStatus {
    /// Refused
    Error,
    /// No Messenger for the number
    NoMessenger,
}

impl RefusedStatus {
    /// The state of such rows.
    pub(crate) const fn state(self) -> State {
        match self {
            Self::Error => State::Error,
            Self::NoMessenger => State::NoMessenger,
        }
    }
}

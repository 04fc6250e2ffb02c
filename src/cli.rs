//! The command line: what may be typed, and nothing else.
//!
//! Parsing reads no file, no environment and no clock. No flag takes the token: a process list is
//! public. Flags that are settings are declared in `config`, where the environment,
//! `outreach.toml` and the defaults join them; a command only says which groups it takes.

mod audience;
mod batch;
mod cluster;
mod follow_up;
mod people;
mod upkeep;

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};

use crate::config::{
    CheckpointFile, Connection, ContactsFile, Content, Flags, Guards, History, Layer,
    OtherChannels, Pace, Results, ResultsFormat,
};
use crate::report::ProgressMode;
use crate::run::Messaged;

pub(crate) use crate::commands::sandbox::SandboxArgs;
pub(crate) use audience::{AudienceArgs, AudienceFlags, AudienceFrom};
pub(crate) use batch::{ExportArgs, PilotFlags, ResolveArgs, RetryArgs, StatusArgs};
pub(crate) use cluster::{ClusterAction, ClusterArgs, WorkerArgs};
pub(crate) use follow_up::FollowUpFlags;
pub(crate) use people::{
    ContactsAction, ContactsArgs, ForgetArgs, HistoryAction, HistoryArgs, ImportedRows,
    SuppressAction, SuppressArgs,
};
pub(crate) use upkeep::{
    BackupArgs, CheckpointAction, CheckpointArgs, CompletionsArgs, ConfigArgs, ConsoleAction,
    ConsoleArgs, DoctorArgs, ManArgs, PruneArgs, ServeArgs, UserAction,
};

const EXAMPLES: &str = "\
Examples:
  Check a list; nothing is sent:
    outreach check contacts.csv --region CZ

  Rehearse tonight's run; nobody is messaged:
    outreach send contacts.csv --sandbox --message \"Hello {{ first_name }}\"

  Send; the same command again continues where it stopped:
    outreach send contacts.csv --channel 7001200300400500601 --message \"Hello {{ first_name }}\"

  See how it went:
    outreach status
";

const SEND_EXAMPLES: &str = "\
The message is a template: {{ first_name }} is the cell of the column \"First Name\". A row whose
cell is empty is refused, unless the template says what to put there: {{ first_name | default(\"there\") }}.

Examples:
  Rehearse; nobody is messaged:
    outreach send contacts.csv --sandbox --message \"Hello {{ first_name }}\"

  From a nightly job: no question asked, done by six, numbers from the Czech Republic:
    outreach send contacts.csv --yes --until 06:00 --region CZ \\
        --channel 7001200300400500601 --message \"Your order {{ order }} is ready.\"

  A card with buttons, and a tag:
    outreach send contacts.csv --content card.json --tag POST_PURCHASE_UPDATE

  People without Messenger get a short SMS:
    outreach send contacts.csv --channel 7001200300400500601 --message \"Hello {{ first_name }}\" \\
        --fallback 7001200300400500602 --message-for 7001200300400500602=\"Hello\"

  Rows that were refused, mended, into the same batch:
    outreach send contacts.rejects.csv

The token comes from AMIO_TOKEN, or from the file that AMIO_TOKEN_FILE or --token-file names.
";

const CONSOLE_EXAMPLES: &str = "\
It prints a link that signs in one browser, then another link for the next. Lists are dropped on the page, looked at, and
sent when the number of people is typed. It can run beside other sends, on the same checkpoint. Ctrl-C pauses what it sends.

It listens on this machine alone: from another one, reach it through a tunnel (ssh -L 8088:127.0.0.1:8088). With users,
and TLS or a proxy, others reach it too; see `outreach man console`.

Examples:
  Look around; nobody is messaged:
    outreach console --sandbox
  For a team, with passwords:
    outreach console user add eva --role operator
    outreach console --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem
";

const NIGHT_EXAMPLES: &str = "\
FOLDER holds outreach.toml (message, channel, hours), inbox, sent, refused and results. The lists of
inbox are sent in the order of their names. A list whose batch is complete moves to sent, one that
cannot be used moves to refused with its rows to mend. All others stay, and the next night goes on
with them, edited or not: nobody is messaged twice.

The summary goes to standard output. Its first line says the result, the share that was reached and
what to do. The exit code is the worst of all lists, in this order: 1, 8, 6, 2, 5, 7, 9, 10, 3, 4, 0.

Examples:
  From cron, done by six:
    outreach night /var/lib/outreach --until 06:00 --quiet

  Rehearse; nobody is messaged, and no list is moved:
    outreach night /var/lib/outreach --sandbox
";

/// Reach a list of people by phone number, in bulk, correctly.
///
/// Reads a contacts file, sends one message to each number through the Amio API at exactly the pace
/// that the API allows, and accounts for every row. Nobody is messaged twice: not after Ctrl-C, not
/// after a crash, not when the same command runs again.
#[derive(Debug, Parser)]
#[command(
    name = "outreach",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(
    after_help = "`outreach help COMMAND` explains a command, `outreach man TOPIC` a subject: `outreach help man`."
)]
#[command(after_long_help = format!("{EXAMPLES}\n{}", crate::exit::ExitCode::table()))]
pub struct Cli {
    /// What all commands take.
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    /// The settings among the flags. Before the command: clap takes a command out when it reads it.
    #[command(flatten)]
    pub(crate) flags: Layer,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The heading of what all commands take, which stands last.
const COMMON: &str = "Common options";

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line of text each.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// What all commands take.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GlobalArgs {
    /// Read the settings from this file [default: the folder's, yours, or the machine's]
    #[arg(long, global = true, value_name = "FILE", help_heading = COMMON)]
    pub(crate) config: Option<PathBuf>,
    /// Show only what is wrong, and one line unless the exit code is 0
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = COMMON)]
    pub(crate) quiet: bool,
    /// Log each request; given twice, also the headers of each answer
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = COMMON)]
    pub(crate) verbose: u8,
    /// How the log is written: text, or one JSON object per line
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", value_enum, hide_short_help = true, help_heading = COMMON,
        hide_possible_values = true, hide_default_value = true)]
    pub(crate) log_format: LogFormat,
    /// Colour: auto, always or never; auto: on a terminal that shows it, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", value_enum, hide_short_help = true, help_heading = COMMON,
        hide_possible_values = true, hide_default_value = true)]
    pub(crate) color: ColorChoice,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a contacts file: what would be sent, and what is wrong with it; no network
    Check(CheckArgs),
    /// Send one message to each number of a contacts file; run it again to continue
    #[command(after_long_help = SEND_EXAMPLES)]
    Send(Box<SendArgs>),
    /// Send the message of one row to one number, your own for instance, outside any batch
    Test(Box<TestArgs>),
    /// Send every list of a folder, and file each away: for unattended jobs
    #[command(after_long_help = NIGHT_EXAMPLES)]
    Night(NightArgs),
    /// Continue a batch from the checkpoint, without its contacts file
    Resume(ResumeArgs),
    /// Send any batch that no process works on: for each machine of a cluster
    Worker(WorkerArgs),
    /// Cancel a batch: people who were not messaged yet will not be
    Cancel(CancelArgs),
    /// Show how far a batch is, or all batches
    Status(StatusArgs),
    /// Write the results file of a batch: one line for each row of the input
    Export(ExportArgs),
    /// Settle the recipients whose outcome is unknown: by evidence, or by your decision
    Resolve(ResolveArgs),
    /// Queue refused recipients again, by your decision
    Retry(RetryArgs),
    /// Manage the suppression list: numbers that must never be messaged
    Suppress(SuppressArgs),
    /// Show the people who were messaged: when, whether they opted in or out
    Contacts(ContactsArgs),
    /// Count, show and write people of the checkpoint who meet conditions; `send --audience-from` messages them
    Audience(Box<AudienceArgs>),
    /// Import who was messaged from files: results files, or lists with numbers and dates
    History(HistoryArgs),
    /// Erase a person: rows, fields, contact; the number stays suppressed as a hash
    Forget(ForgetArgs),
    /// Open the console: a page in the browser on which a team works
    #[command(after_long_help = CONSOLE_EXAMPLES)]
    Console(Box<ConsoleArgs>),
    /// Receive webhooks: deliveries, opt-ins, opt-outs
    Serve(ServeArgs),
    /// Run a simulated Amio API on a local port, to rehearse and to test
    Sandbox(Box<SandboxArgs>),
    /// Check that token, channel, quota, clock and checkpoint are ready
    Doctor(DoctorArgs),
    /// Remove numbers, names and texts of batches that were finished long ago; counts and hashes stay
    Prune(PruneArgs),
    /// Copy the checkpoint, even while a run sends; the copy is checked
    Backup(BackupArgs),
    /// Accept a checkpoint that the program refuses as a copy or an old one
    Checkpoint(CheckpointArgs),
    /// Share the checkpoint between machines: begin a cluster, show it, leave it
    Cluster(ClusterArgs),
    /// Show the settings in force and where each comes from
    Config(ConfigArgs),
    /// Print a completion script for your shell
    Completions(CompletionsArgs),
    /// Print a topic of the manual, or the manual page
    Man(ManArgs),
}

/// `outreach check`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    /// Contacts files: CSV, TSV, XLSX, XLS, ODS, also .gz or .zst; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Also write the report as one self-contained page that can be mailed
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Also write the rows that cannot be sent, each with its reason, to be mended
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// How the rejects are written.
    #[command(flatten)]
    pub(crate) written: Flags<ResultsFormat>,
    /// Show every row of a kind, not the first five
    #[arg(long)]
    pub(crate) all: bool,
    /// Replace the files at --html and --rejects, even if another program wrote them
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(
        ContactsFile,
        Content,
        OtherChannels,
        Pace,
        History,
        CheckpointFile,
        Connection,
    )>,
}

/// `outreach send`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SendArgs {
    /// Contacts files: CSV, TSV, XLSX, XLS, ODS, also .gz or .zst; - for standard input
    #[arg(
        required_unless_present_any = ["audience_from", "of", "after"],
        conflicts_with_all = ["audience_from", "of"],
        value_name = "FILE"
    )]
    pub(crate) files: Vec<PathBuf>,
    /// Instead of a file, send to the people whom the checkpoint knows and who meet all conditions below
    #[arg(long, value_name = "WHERE", value_enum, conflicts_with_all = ["batch", "update", "add", "of"], help_heading = "Audience", hide_short_help = true)]
    pub(crate) audience_from: Option<AudienceFrom>,
    /// To whom.
    #[command(flatten)]
    pub(crate) audience: AudienceFlags,
    /// Name of the batch [default: made from file, content and channel]
    #[arg(long, value_name = "NAME", help_heading = "Batch")]
    pub(crate) batch: Option<String>,
    /// The edited file replaces the batch's list; people who were messaged stay messaged
    #[arg(
        long,
        requires = "batch",
        conflicts_with = "add",
        help_heading = "Batch"
    )]
    pub(crate) update: bool,
    /// What is done about doubts that a list or its message raises.
    #[command(flatten)]
    pub(crate) doubts: DoubtFlags,
    /// Add the rows of this file to the batch; a mended rejects file needs no --add
    #[arg(long, requires = "batch", help_heading = "Batch")]
    pub(crate) add: bool,
    /// Who gets it before the rest.
    #[command(flatten)]
    pub(crate) pilot: PilotFlags,
    /// After which event.
    #[command(flatten)]
    pub(crate) follow_up: FollowUpFlags,
    /// Read the list, and leave the sending to `outreach worker`, here or on another machine of the cluster
    #[arg(long, conflicts_with_all = ["sandbox", "limit", "sample"], help_heading = "Batch", hide_short_help = true)]
    pub(crate) detach: bool,
    /// What the message is for, and why these people get it; kept with the batch and among the decisions
    #[arg(long, value_name = "TEXT", help_heading = "Batch", value_parser = clap::builder::NonEmptyStringValueParser::new(), hide_short_help = true)]
    pub(crate) purpose: Option<String>,
    /// How it begins.
    #[command(flatten)]
    pub(crate) start: StartFlags,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(OtherChannels, Content, ContactsFile)>,
    /// How the batch runs.
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// `outreach test`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TestArgs {
    /// Contacts files, as `send` takes them
    #[arg(
        required_unless_present = "batch",
        conflicts_with = "batch",
        value_name = "FILE"
    )]
    pub(crate) files: Vec<PathBuf>,
    /// The number that gets the message, with the plus or with --region
    #[arg(long, value_name = "NUMBER")]
    pub(crate) to: String,
    /// The row whose message is sent [default: the first that has one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) row: Option<u32>,
    /// The file whose row is meant, where there are several: its name, or its number from 1
    #[arg(long, value_name = "FILE", requires = "row")]
    pub(crate) file: Option<String>,
    /// Instead of a list, take the message that this batch keeps for the row
    #[arg(long, value_name = "NAME", conflicts_with_all = ["message", "content"])]
    pub(crate) batch: Option<String>,
    /// Send without asking first; needed without a terminal
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Send to a simulated API inside this process: nobody is messaged
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(Content, ContactsFile, Connection, CheckpointFile)>,
}

/// `outreach night`.
#[derive(Debug, Clone, Args)]
pub(crate) struct NightArgs {
    /// The folder with outreach.toml and inbox; other paths in the settings are counted from it
    pub(crate) folder: PathBuf,
    /// Print only the first line of the summary: the subject of a mail
    #[arg(long)]
    pub(crate) summary_subject: bool,
    /// What is done about doubts that a list or its message raises.
    #[command(flatten)]
    pub(crate) doubts: DoubtFlags,
    /// How it begins.
    #[command(flatten)]
    pub(crate) start: StartFlags,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(Content, OtherChannels, ContactsFile, Sending, ResultsFormat)>,
}

/// `outreach resume`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ResumeArgs {
    /// The batch; may be left out where only one is unfinished
    pub(crate) batch: Option<String>,
    /// Confirm that the refusal that stopped the batch means "no Messenger for this number"
    #[arg(long)]
    pub(crate) no_messenger_text: bool,
    /// Resume a batch that `outreach cancel` cancelled
    #[arg(long, requires = "batch")]
    pub(crate) undo_cancel: bool,
    /// How it begins.
    #[command(flatten)]
    pub(crate) start: StartFlags,
    /// Where people go whom the channel does not reach: added to what the batch keeps.
    #[command(flatten)]
    pub(crate) fallback: Flags<OtherChannels>,
    /// How the batch runs.
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

/// `outreach cancel`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CancelArgs {
    /// The batch
    pub(crate) batch: String,
    /// Cancel without asking first
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Where the state is kept.
    #[command(flatten)]
    pub(crate) checkpoint: Flags<CheckpointFile>,
}

/// What would be asked about a list and its message, answered beforehand.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DoubtFlags {
    /// Leave out people who got another message from an unfinished batch, or this one over another channel
    #[arg(
        long,
        conflicts_with = "message_again",
        help_heading = "Batch",
        hide_short_help = true
    )]
    skip_messaged: bool,
    /// Also message people who got another message from an unfinished batch, or this one over another channel
    #[arg(long, help_heading = "Batch", hide_short_help = true)]
    message_again: bool,
    /// Send with a tag that Facebook has retired, although Facebook refuses such messages
    #[arg(long, help_heading = "Message", hide_short_help = true)]
    pub(crate) retired_tag: bool,
}

impl DoubtFlags {
    /// What becomes of people who have another message already; `None`: it is asked.
    pub(crate) fn messaged(self) -> Option<Messaged> {
        match (self.skip_messaged, self.message_again) {
            (true, _) => Some(Messaged::Skip),
            (false, true) => Some(Messaged::Again),
            (false, false) => None,
        }
    }
}

/// How a batch is begun or continued.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct StartFlags {
    /// Send without asking first; needed without a terminal
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Send to a simulated API inside this process: nobody is messaged
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Requests an hour that the sandbox grants; without this flag a rehearsal waits for no quota
    #[arg(long, value_name = "N", requires = "sandbox", hide_short_help = true)]
    pub(crate) sandbox_quota: Option<NonZeroU32>,
    /// Rehearse without the suppression list and history of the real checkpoint, which are used otherwise
    #[arg(long, requires = "sandbox", hide_short_help = true)]
    pub(crate) sandbox_empty: bool,
    /// Clock and progress.
    #[command(flatten)]
    pub(crate) watch: WatchFlags,
}

/// What a run does about a wrong clock, and how it shows its progress.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct WatchFlags {
    /// Go on although this machine's clock and the API's differ by more than five minutes
    #[arg(long, hide_short_help = true)]
    pub(crate) trust_clock: bool,
    /// Progress: auto is a bar on a terminal, otherwise a line at each tenth and each wait; json is these lines as JSON
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        value_enum,
        hide_short_help = true,
        hide_possible_values = true
    )]
    pub(crate) progress: ProgressMode,
}

/// What a command takes that sends batches.
type Sending = (Connection, Pace, History, Guards, CheckpointFile);

/// How a batch runs, for the first time or again.
#[derive(Debug, Clone, Args)]
pub(crate) struct RunFlags {
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(Sending, Results)>,
    /// Replace the files at --out and --summary, even if another program wrote them
    #[arg(long, help_heading = "Results", hide_short_help = true)]
    pub(crate) force: bool,
}

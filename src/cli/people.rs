//! The flags of the commands about people: `suppress`, `contacts`, `history`, `forget`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use crate::config::{CheckpointFile, ContactsFile, DefaultRegion, Flags, ResultsFormat};

/// `outreach suppress`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SuppressArgs {
    /// What to do with the list.
    #[command(subcommand)]
    pub(crate) action: SuppressAction,
}

/// Which rows of a list are imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ImportedRows {
    /// Those that say that the person must not be messaged
    Refusing,
    /// All, whatever they say
    All,
}

/// What to do with the suppression list.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum SuppressAction {
    /// Never message these numbers again
    Add {
        /// Phone numbers, with the plus or with --region
        #[arg(required = true, value_name = "NUMBER")]
        numbers: Vec<String>,
        /// Why, for the results file of later batches
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Its settings.
        #[command(flatten)]
        settings: Flags<(DefaultRegion, CheckpointFile)>,
    },
    /// Take numbers off the list
    Remove {
        /// Phone numbers, with the plus or with --region
        #[arg(required = true, value_name = "NUMBER")]
        numbers: Vec<String>,
        /// Its settings.
        #[command(flatten)]
        settings: Flags<(DefaultRegion, CheckpointFile)>,
    },
    /// Add all numbers of a file of any kind that `send` reads
    Import {
        /// The files; - for standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Why, for the results file of later batches
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Write the rows without a usable number to this file
        #[arg(long, value_name = "FILE")]
        rejects: Option<PathBuf>,
        /// Whom to take from a list with a column that says who must not be messaged
        #[arg(long, value_name = "WHICH")]
        rows: Option<ImportedRows>,
        /// How the rejects are written.
        #[command(flatten)]
        written: Flags<ResultsFormat>,
        /// Replace the file at --rejects, even if another program wrote it
        #[arg(long)]
        force: bool,
        /// Its settings.
        #[command(flatten)]
        settings: Flags<(ContactsFile, CheckpointFile)>,
    },
    /// Show what people wrote that may ask not to be messaged any more, and settle it
    ///
    /// A clear STOP counts by itself. What is doubtful, and events that could not be read in full, wait for a person
    /// here, and so does an opt-out of a contact whose number is not known: it counts as soon as the number is, by an
    /// answer, an event, or `--number`. `suppress add NUMBER` settles the replies of that person too.
    Replies {
        /// Put the person who wrote this one on the suppression list; repeatable
        #[arg(long, value_name = "ID", conflicts_with = "harmless")]
        opt_out: Vec<i64>,
        /// The number of the person who wrote it, where it is not known
        #[arg(long, value_name = "NUMBER", requires = "opt_out")]
        number: Option<String>,
        /// This one is no opt-out: take it off this list; repeatable
        #[arg(long, value_name = "ID")]
        harmless: Vec<i64>,
        /// Print as JSON
        #[arg(long, conflicts_with_all = ["opt_out", "harmless"])]
        json: bool,
        /// Its settings.
        #[command(flatten)]
        settings: Flags<(DefaultRegion, CheckpointFile)>,
    },
    /// Show the list: number, reason, source, time
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
        /// Where the list is kept.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
}

/// `outreach contacts`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ContactsArgs {
    /// What to do with the contacts.
    #[command(subcommand)]
    pub(crate) action: ContactsAction,
}

/// What to do with the contacts.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ContactsAction {
    /// List the contacts
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
        /// Where they are kept.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
    /// Show all that is known of one person
    Show {
        /// The phone number, with the plus or with --region
        number: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
        /// Its settings.
        #[command(flatten)]
        settings: Flags<(DefaultRegion, CheckpointFile)>,
    },
    /// Write all contacts as CSV
    Export {
        /// Where to write [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Replace the file at --out, even if another program wrote it
        #[arg(long, requires = "out")]
        force: bool,
        /// Where they are kept.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
}

/// `outreach history`.
#[derive(Debug, Clone, Args)]
pub(crate) struct HistoryArgs {
    /// What to do with the history.
    #[command(subcommand)]
    pub(crate) action: HistoryAction,
}

/// What to do with the history.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum HistoryAction {
    /// Read who was messaged from results files, or from lists of other programs
    ///
    /// Results files of this program restore their batches: send the list again, and it goes on. Any other list, with
    /// a number and a date in each row, counts for --not-within. What the checkpoint knows already stays. Files hold
    /// no opt-outs that came later: give the suppression list as you have it.
    #[command(group = ArgGroup::new("opt_outs").args(["suppressions", "no_suppressions"]))]
    Import {
        /// Results files (CSV, XLSX, JSON lines), or lists of any kind that `send` reads
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// File with the numbers that must not be messaged, of any kind that `send` reads; repeatable
        #[arg(long, value_name = "FILE")]
        suppressions: Vec<PathBuf>,
        /// There is no such list: people who opted out may be messaged
        #[arg(long)]
        no_suppressions: bool,
        /// The column of a list that says when its people were messaged [default: found]
        #[arg(long, value_name = "HEADER")]
        date_column: Option<String>,
        /// Its settings.
        #[command(flatten)]
        settings: Flags<(ContactsFile, CheckpointFile)>,
    },
}

/// `outreach forget`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ForgetArgs {
    /// The phone number, with the plus or with --region
    pub(crate) number: String,
    /// Erase without asking first
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(DefaultRegion, CheckpointFile)>,
}

//! The flags of the commands about the program and its checkpoint: `serve`, `doctor`, `prune`, `backup`, `checkpoint`,
//! `config`, `completions`, `man`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};
use clap_complete::Shell;

use super::Sending;
use crate::config::{
    CheckpointFile, Connection, ConsolePage, ContactsFile, Content, Flags, Serve, Tls,
};
use crate::domain::role::{Role, UserName};
use crate::domain::span::parse_span;
use crate::manual::Topic;

/// `outreach serve`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServeArgs {
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(Serve, Tls, CheckpointFile)>,
}

/// `outreach console`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct ConsoleArgs {
    /// What to do with its users; without it the console starts.
    #[command(subcommand)]
    pub(crate) action: Option<ConsoleAction>,
    /// Nobody is messaged: every batch goes to a simulated API inside this process
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(ConsolePage, Tls, ContactsFile, Content, Sending)>,
}

/// What to do with the console beside starting it.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConsoleAction {
    /// Manage the users who sign in with a password
    User {
        /// What to do.
        #[command(subcommand)]
        action: UserAction,
    },
}

/// What to do with the users of the console.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum UserAction {
    /// Add a user; the password is asked for
    Add {
        /// The name to sign in with, which the audit shows
        name: UserName,
        /// What the user may do: viewer (looks; numbers are masked), operator (prepares and sends), admin (also lifts suppressions, erases people)
        #[arg(long)]
        role: Role,
        /// File that holds the password and nothing else; - for standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Whose users.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
    /// Print the users and their roles
    List {
        /// Whose users.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
    /// Remove a user, whose sessions end at once
    Remove {
        /// The name
        name: UserName,
        /// Whose users.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
}

/// `outreach doctor`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorArgs {
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(Connection, CheckpointFile)>,
}

/// `outreach prune`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PruneArgs {
    /// Batches that were finished this long ago: 180d
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub(crate) older_than: Duration,
    /// List what would be pruned, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Prune without asking first
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// The checkpoint.
    #[command(flatten)]
    pub(crate) checkpoint: Flags<CheckpointFile>,
}

/// `outreach backup`.
#[derive(Debug, Clone, Args)]
pub(crate) struct BackupArgs {
    /// Where to write the copy; no file may be there
    ///
    /// The copy is marked as a backup: nothing is sent from it before `outreach checkpoint adopt`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The checkpoint.
    #[command(flatten)]
    pub(crate) checkpoint: Flags<CheckpointFile>,
}

/// `outreach checkpoint`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckpointArgs {
    /// What to do with the checkpoint.
    #[command(subcommand)]
    pub(crate) action: CheckpointAction,
}

/// What to do with the checkpoint.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum CheckpointAction {
    /// Use this checkpoint: a copy that was restored, moved, or taken to another machine
    ///
    /// Opt-outs that came since the copy was made are not in it: give the suppression list as you have it.
    #[command(group = ArgGroup::new("opt_outs").args(["suppressions", "no_suppressions"]).required(true))]
    Adopt {
        /// File with the numbers that must not be messaged, of any kind that `send` reads; repeatable
        #[arg(long, value_name = "FILE")]
        suppressions: Vec<PathBuf>,
        /// There is no such list: people who opted out since the copy was made may be messaged
        #[arg(long)]
        no_suppressions: bool,
        /// Its settings.
        #[command(flatten)]
        settings: Flags<(ContactsFile, CheckpointFile)>,
    },
    /// Upgrade a checkpoint of an earlier version, as any command that writes does
    ///
    /// No other process may have it open. It needs room on the disk for twice the checkpoint, and as much again for
    /// the copy.
    Upgrade {
        /// Keep no copy of the checkpoint as it was
        #[arg(long)]
        no_copy: bool,
        /// The checkpoint.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
}

/// `outreach config`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigArgs {
    /// Print as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `outreach completions`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: Shell,
}

/// `outreach man`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ManArgs {
    /// What to read about [default: the whole manual page, for `outreach man > outreach.1`]
    #[arg(value_name = "TOPIC")]
    pub(crate) topic: Option<Topic>,
}

//! The flags of `cluster` and `worker`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{RunFlags, StartFlags, WatchFlags};
use crate::config::{CheckpointFile, Flags};

/// `outreach cluster`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: ClusterAction,
}

/// What to do with a cluster.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ClusterAction {
    /// Begin a log at --cluster with the checkpoint that you have
    Init {
        /// The checkpoint that the cluster begins with; from then on it is written through the log only
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Where the state is kept.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
    /// Show the engine, the nodes, how far each is, and who holds which batch
    Status {
        /// Print as JSON
        #[arg(long)]
        json: bool,
        /// Where the state is kept.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
    /// Check every record of the log against the one before
    Verify {
        /// Where the state is kept.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
    /// Put a new snapshot in place of the log so far: what was erased is in neither from then on
    Compact {
        /// Where the state is kept.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
    /// Begin a new log with the file of the machine that knows most, after the engine lost or altered records
    Accept {
        /// This machine, by the name that `cluster status` shows
        #[arg(long, value_name = "NODE")]
        from: String,
        /// Begin without asking first
        #[arg(long, short)]
        yes: bool,
        /// Where the state is kept.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
    /// Make the checkpoint of this machine one of its own again; the others go on
    Leave {
        /// Leave without asking first
        #[arg(long, short)]
        yes: bool,
        /// Where the state is kept.
        #[command(flatten)]
        checkpoint: Flags<CheckpointFile>,
    },
}

/// `outreach worker`.
#[derive(Debug, Clone, Args)]
pub(crate) struct WorkerArgs {
    /// End as soon as no batch is left to take up
    #[arg(long)]
    pub(crate) once: bool,
    /// Clock and progress.
    #[command(flatten)]
    watch: WatchFlags,
    /// How its batches run.
    #[command(flatten)]
    pub(crate) run: RunFlags,
}

impl WorkerArgs {
    /// How each batch is continued: nobody is asked.
    pub(crate) fn start(&self) -> StartFlags {
        StartFlags {
            yes: true,
            watch: self.watch,
            ..StartFlags::default()
        }
    }
}

//! The flags that choose people out of the checkpoint.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::config::{CheckpointFile, Flags, History};
use crate::domain::delivery::State;
use crate::domain::phone::Region;
use crate::domain::span::parse_span;

/// Where an audience comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum AudienceFrom {
    /// The people whom the checkpoint knows
    Checkpoint,
}

/// The conditions; all that are given must hold.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct AudienceFlags {
    /// People who accepted a first message by number
    #[arg(long, help_heading = "Audience", hide_short_help = true)]
    pub(crate) opted_in: bool,
    /// And did so within this time: 7d
    #[arg(long, help_heading = "Audience", value_name = "TIME", requires = "opted_in", value_parser = parse_span, hide_short_help = true)]
    pub(crate) since: Option<Duration>,
    /// People whose last accepted message is not known to be read
    #[arg(long, help_heading = "Audience", hide_short_help = true)]
    pub(crate) accepted_not_read: bool,
    /// People whose row in this batch has this status; repeatable, all must hold
    #[arg(long, help_heading = "Audience", value_name = "BATCH=STATUS", value_parser = batch_status, hide_short_help = true)]
    pub(crate) batch_status: Vec<(String, State)>,
    /// People with a number of this country, such as CZ; repeatable, for several countries
    #[arg(long, help_heading = "Audience", value_name = "COUNTRY", value_parser = country, hide_short_help = true)]
    pub(crate) country: Vec<String>,
    /// People who were messaged, or are contacts, on this channel; repeatable, all must hold
    #[arg(long, help_heading = "Audience", value_name = "CHANNEL", value_parser = clap::builder::NonEmptyStringValueParser::new(), hide_short_help = true)]
    pub(crate) on_channel: Vec<String>,
}

impl AudienceFlags {
    /// The first of the flags that was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let flags = [
            (self.opted_in, "--opted-in"),
            (self.accepted_not_read, "--accepted-not-read"),
            (!self.batch_status.is_empty(), "--batch-status"),
            (!self.country.is_empty(), "--country"),
            (!self.on_channel.is_empty(), "--on-channel"),
        ];
        flags
            .into_iter()
            .find(|(given, _)| *given)
            .map(|(_, flag)| flag)
    }
}

/// `outreach audience`.
#[derive(Debug, Clone, Args)]
pub(crate) struct AudienceArgs {
    /// Whom.
    #[command(flatten)]
    pub(crate) audience: AudienceFlags,
    /// Write the people as CSV: phone and names; - for standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file at --out, even if another program wrote it
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Its settings.
    #[command(flatten)]
    pub(crate) settings: Flags<(History, CheckpointFile)>,
}

fn batch_status(text: &str) -> Result<(String, State), String> {
    let statuses = || {
        let words: Vec<&str> = State::ALL.into_iter().map(State::word).collect();
        format!("write a batch, = and a status: {}", words.join(", "))
    };
    // The name of a batch of an earlier version may hold the sign.
    let (batch, status) = text.rsplit_once('=').ok_or_else(statuses)?;
    match status.parse() {
        Ok(status) if !batch.is_empty() => Ok((batch.to_owned(), status)),
        Ok(_) | Err(_) => Err(statuses()),
    }
}

fn country(text: &str) -> Result<String, String> {
    let region = text.parse::<Region>();
    region.map(Region::code).map_err(|error| error.to_string())
}

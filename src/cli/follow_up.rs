//! The flags of a follow-up.

use std::time::Duration;

use clap::Args;

use crate::domain::span::{above_zero, parse_span};
use crate::run::{FollowUpSettings, Trigger};

/// The flags of `send` about a follow-up.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FollowUpFlags {
    /// A further message for the people of the batch --of: each gets it after this event, opt_in or delivered
    #[arg(
        long,
        help_heading = "Follow-up",
        value_name = "EVENT",
        requires = "of",
        hide_short_help = true
    )]
    pub(crate) after: Option<Trigger>,
    /// The batch whose people get it, in place of a file
    #[arg(long, help_heading = "Follow-up", value_name = "BATCH", requires = "after", conflicts_with_all = ["batch", "update", "add", "limit", "sample"], hide_short_help = true)]
    pub(crate) of: Option<String>,
    /// Wait this long after the event: 2h
    #[arg(long, help_heading = "Follow-up", value_name = "TIME", requires = "after", value_parser = parse_span, hide_short_help = true)]
    pub(crate) delay: Option<Duration>,
    /// Never send it later than this after the event; 0 turns it off [default: 24h on Messenger, off elsewhere]
    #[arg(long, help_heading = "Follow-up", value_name = "TIME", requires = "after", value_parser = parse_span, hide_short_help = true)]
    pub(crate) expires: Option<Duration>,
    /// Take events for this long [default: 30d]
    #[arg(long, help_heading = "Follow-up", value_name = "TIME", requires = "after", value_parser = above_zero, hide_short_help = true)]
    pub(crate) open_for: Option<Duration>,
}

impl FollowUpFlags {
    /// The follow-up that is asked for.
    pub(crate) fn asked(&self) -> Option<FollowUpSettings<'_>> {
        Some(FollowUpSettings {
            of: self.of.as_deref()?,
            after: self.after?,
            delay: self.delay,
            expires: self.expires,
            open_for: self.open_for,
        })
    }
}

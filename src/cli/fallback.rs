//! The flags about other channels for people whom the batch's channel does not reach.

use std::path::PathBuf;

use clap::Args;

/// What `send` is told about other channels.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct FallbackFlags {
    /// Try people whom the channel does not reach on this one; repeatable, in the order in which they are tried
    #[arg(long, help_heading = "Other channels", value_name = "CHANNEL", value_parser = clap::builder::NonEmptyStringValueParser::new(), hide_short_help = true)]
    pub(crate) fallback: Vec<String>,
    /// The message for one of these channels, a template as --message takes it [default: the message]
    #[arg(long, help_heading = "Other channels", value_name = "CHANNEL=TEXT", requires = "fallback", value_parser = channel_and::<String>, hide_short_help = true)]
    pub(crate) message_for: Vec<(String, String)>,
    /// The same from a JSON file, as --content takes it
    #[arg(long, help_heading = "Other channels", value_name = "CHANNEL=FILE", requires = "fallback", value_parser = channel_and::<PathBuf>, hide_short_help = true)]
    pub(crate) content_for: Vec<(String, PathBuf)>,
    /// Ask before more people than this may go on to another channel, which costs money [default: 1000]
    #[arg(
        long,
        help_heading = "Other channels",
        value_name = "N",
        hide_short_help = true
    )]
    pub(crate) fallback_at_most: Option<u64>,
    /// Also go on where a channel as a whole is refused, in place of waiting until it is mended
    #[arg(
        long,
        help_heading = "Other channels",
        value_name = "WHAT",
        value_enum,
        hide_short_help = true
    )]
    pub(crate) fallback_on: Option<FallbackOn>,
}

/// What else leads to another channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FallbackOn {
    /// The channel as a whole is refused
    Channel,
}

/// A channel, and what is for it.
fn channel_and<T: From<String>>(text: &str) -> Result<(String, T), String> {
    match text.split_once('=') {
        Some((channel, what)) if !channel.trim().is_empty() && !what.is_empty() => {
            Ok((channel.trim().to_owned(), what.to_owned().into()))
        }
        Some(_) | None => Err("write the channel, =, and what is for it".to_owned()),
    }
}

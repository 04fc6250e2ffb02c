//! One file a subcommand: resolves settings, calls the stages, prints.

pub mod completions;
pub mod config;
pub mod error;
pub mod man;
pub mod sandbox;

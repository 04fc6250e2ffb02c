//! One file a subcommand: resolves settings, calls the stages, prints.

mod checkpoint;
pub mod completions;
pub mod config;
pub mod console;
pub mod error;
pub mod export;
pub mod man;
pub mod sandbox;
pub mod status;

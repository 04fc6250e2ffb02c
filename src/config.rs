//! Settings: flag > environment (`OUTREACH_*`) > `outreach.toml` > default, each by itself.
//!
//! To add a setting, declare it as a field of its group in `declare.rs`: the doc comment is the help,
//! the field's name is flag, key and variable, `default_value` the default, and `value_parser` reads
//! the value and says what is allowed (`value_name = "N"`: a whole number). Commands that take `Flags`
//! of the group have the flag, and [`Settings`] returns the group with the value in force. Then name
//! it in `examples/outreach.toml`, and run `UPDATE_README=1 cargo test --test it settings_are`.
//!
//! Data flow: `declare` is read by clap alone ([`settings`] lists what it found). Each layer is text
//! ([`Layer`]); the layers are merged with the origin of each value ([`Settings::merge`]), so that an
//! error and `outreach config` can name it. A group is checked when a command asks for it
//! ([`Settings::connection`] and the like): a wrong value that no one uses does no harm.
//!
//! The token comes from `AMIO_TOKEN`, or from a file that `--token-file`, `AMIO_TOKEN_FILE` or
//! `token-file` names; a flag wins over the environment, and `AMIO_TOKEN` over the two last. It is
//! held in a type that does not print it, and no error has it.
//!
//! Only this module knows the environment, and takes it as a map: the program calls [`environment`]
//! once.

mod declare;
mod error;
mod folders;
mod layer;
mod origin;
mod problems;
mod resolve;
mod secrets;
mod setting;
mod settings;
mod show;
mod text_file;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use declare::{
    Checkpoint, CheckpointFile, Connection, ConsolePage, ContactsFile, Content, DefaultRegion,
    Guards, History, MessageSource, OtherChannels, Pace, Results, ResultsFormat, Serve, Tls,
};
pub(crate) use error::ConfigError;
pub use layer::Layer;
pub(crate) use layer::{environment, unknown_zone};
pub use origin::Environment;
pub(crate) use origin::FILE_NAME;
pub(crate) use setting::Flags;
pub use setting::{Setting, settings};
pub use settings::Settings;
pub(crate) use show::Shown;
pub(crate) use text_file::read_text;

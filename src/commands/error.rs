//! How a command fails: the chain of causes for people, and the exit code for the shell.

use std::fmt;

use crate::config::ConfigError;
use crate::exit::ExitCode;
use crate::run::RunError;

/// What every command returns.
pub(crate) type CommandResult = Result<ExitCode, CommandError>;

/// A command that failed. `Display` prints the whole chain of causes, from the outermost inwards.
#[derive(Debug)]
pub(crate) struct CommandError {
    exit: ExitCode,
    source: anyhow::Error,
}

impl CommandError {
    /// A failure with the exit code that it stands for.
    pub(crate) fn new(exit: ExitCode, source: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            source: source.into(),
        }
    }

    /// The same from a text alone.
    pub(crate) fn text(exit: ExitCode, text: impl fmt::Display) -> Self {
        Self {
            exit,
            source: anyhow::anyhow!("{text}"),
        }
    }

    /// A command line that cannot be meant.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::text(ExitCode::Usage, text)
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> ExitCode {
        self.exit
    }

    /// The same failure, as part of what was being done.
    #[must_use]
    pub(crate) fn context(self, text: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self {
            exit: self.exit,
            source: self.source.context(text),
        }
    }

    /// The checkpoint that is not the one that was last used, if that is the failure.
    pub(crate) fn replaced_checkpoint(&self) -> Option<&std::path::Path> {
        self.source
            .chain()
            .find_map(|cause| cause.downcast_ref::<RunError>())
            .and_then(RunError::replaced_checkpoint)
    }

    /// Whether only a file of one list failed: see [`RunError::is_of_one_list`].
    pub(crate) fn is_of_one_list(&self) -> bool {
        let cause = self
            .source
            .chain()
            .find_map(|cause| cause.downcast_ref::<RunError>());
        cause.is_some_and(RunError::is_of_one_list)
    }

    /// True if standard output was closed by its reader: not worth a message.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.source.chain().any(|cause| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        })
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chain = String::new();
        for cause in self.source.chain() {
            let text = cause.to_string();
            // Many errors repeat their cause in their own text.
            if chain.ends_with(&text) {
                continue;
            }
            if !chain.is_empty() {
                chain.push_str(": ");
            }
            chain.push_str(&text);
        }
        f.write_str(&chain)
    }
}

impl<E: Into<RunError>> From<E> for CommandError {
    fn from(error: E) -> Self {
        let error = error.into();
        Self::new(error.exit(), error)
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

/// Standard output or a file cannot be written.
impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::new(ExitCode::Storage, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_library() {
        let gone = RunError::NoCheckpoint("outreach.db".into());
        assert_eq!(CommandError::from(gone).exit(), ExitCode::Storage);
        let config = CommandError::from(ConfigError::NoToken);
        assert_eq!(config.exit(), ExitCode::Configuration);
    }

    #[test]
    fn the_chain_is_printed_once() {
        let error = std::io::Error::other("no space");
        let error = CommandError::from(error).context("the results file");
        assert_eq!(error.to_string(), "the results file: no space");
        assert!(!error.is_broken_pipe());
        let pipe = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert!(CommandError::from(pipe).context("x").is_broken_pipe());
    }
}

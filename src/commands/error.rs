//! How a command fails: the chain of causes for people, and the exit code for the shell.

use std::fmt;

use crate::amio::{ApiError, BaseUrlError, ClientError};
use crate::config::ConfigError;
use crate::dispatch::RunFailure;
use crate::domain::content::ContentError;
use crate::exit::ExitCode;
use crate::intake::{BadSetting, IntakeError, JudgeError};
use crate::report::ReportError;
use crate::store::StoreError;

/// What every command returns.
pub type CommandResult = Result<ExitCode, CommandError>;

/// A command that failed. `Display` tells the whole chain of causes, from the outermost inwards.
#[derive(Debug)]
pub struct CommandError {
    exit: ExitCode,
    source: anyhow::Error,
}

impl CommandError {
    /// A failure with the exit code that it stands for.
    pub fn new(exit: ExitCode, source: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            source: source.into(),
        }
    }

    /// The same from a text alone.
    pub fn text(exit: ExitCode, text: impl fmt::Display) -> Self {
        Self {
            exit,
            source: anyhow::anyhow!("{text}"),
        }
    }

    /// A command line that cannot be meant.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self::text(ExitCode::Usage, text)
    }

    /// How the program ends.
    pub fn exit(&self) -> ExitCode {
        self.exit
    }

    /// The same failure, told as part of what was being done.
    #[must_use]
    pub fn context(self, text: impl fmt::Display + Send + Sync + 'static) -> Self {
        Self {
            exit: self.exit,
            source: self.source.context(text),
        }
    }

    /// True if nobody reads standard output any more: not worth a message.
    pub fn is_broken_pipe(&self) -> bool {
        self.source.chain().any(|cause| {
            cause
                .downcast_ref::<std::io::Error>()
                .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
        })
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = String::new();
        for cause in self.source.chain() {
            let text = cause.to_string();
            // Many errors repeat their cause in their own text.
            if told.ends_with(&text) {
                continue;
            }
            if !told.is_empty() {
                told.push_str(": ");
            }
            told.push_str(&text);
        }
        f.write_str(&told)
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::Held { .. } => ExitCode::Held,
            StoreError::NoBatch { .. } => ExitCode::Usage,
            // A bug of ours, not of the disk.
            StoreError::Impossible(_) => ExitCode::Internal,
            StoreError::Full
            | StoreError::ReadOnly
            | StoreError::Busy
            | StoreError::Corrupt { .. }
            | StoreError::Foreign
            | StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::Unfinished
            | StoreError::Open { .. }
            | StoreError::Value { .. }
            | StoreError::Stopped
            | StoreError::InUse { .. }
            | StoreError::Database { .. }
            | StoreError::File { .. } => ExitCode::Storage,
        };
        Self::new(exit, error)
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::new(error.exit_code(), error)
    }
}

impl From<IntakeError> for CommandError {
    fn from(error: IntakeError) -> Self {
        Self::new(ExitCode::Input, error)
    }
}

impl<E: Into<Self>> From<JudgeError<E>> for CommandError {
    fn from(error: JudgeError<E>) -> Self {
        match error {
            JudgeError::Intake(error) => error.into(),
            JudgeError::Sink(error) => error.into(),
        }
    }
}

impl From<ContentError> for CommandError {
    fn from(error: ContentError) -> Self {
        Self::new(ExitCode::Usage, error)
    }
}

impl From<BadSetting> for CommandError {
    fn from(error: BadSetting) -> Self {
        Self::new(ExitCode::Usage, error)
    }
}

impl From<ReportError> for CommandError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Store(error) => error.into(),
            ReportError::Out(_) | ReportError::File { .. } => Self::new(ExitCode::Storage, error),
        }
    }
}

impl From<ClientError> for CommandError {
    fn from(error: ClientError) -> Self {
        Self::new(ExitCode::Configuration, error)
    }
}

impl From<RunFailure> for CommandError {
    fn from(failure: RunFailure) -> Self {
        match failure {
            RunFailure::Store(error) => error.into(),
            RunFailure::Defect { .. } => Self::new(ExitCode::Internal, failure),
        }
    }
}

impl From<BaseUrlError> for CommandError {
    fn from(error: BaseUrlError) -> Self {
        Self::new(ExitCode::Configuration, error)
    }
}

impl From<ApiError> for CommandError {
    fn from(error: ApiError) -> Self {
        let exit = match &error {
            ApiError::Refused {
                status: 401 | 403 | 407,
                ..
            } => ExitCode::Guard,
            ApiError::Refused { .. } | ApiError::NoAnswer { .. } | ApiError::Unreadable { .. } => {
                ExitCode::Paused
            }
        };
        Self::new(exit, error)
    }
}

/// Standard output or a file of ours cannot be written.
impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::new(ExitCode::Storage, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_follows_from_the_cause() {
        let held = StoreError::Held {
            batch: "spring".into(),
            pid: "7".into(),
            since: "now".into(),
        };
        assert_eq!(CommandError::from(held).exit(), ExitCode::Held);
        let missing = StoreError::NoBatch {
            name: "sprong".into(),
            near: Some("spring".into()),
        };
        assert_eq!(CommandError::from(missing).exit(), ExitCode::Usage);
        assert_eq!(
            CommandError::from(StoreError::Full).exit(),
            ExitCode::Storage
        );
        let defect = RunFailure::Defect {
            text: "panicked".into(),
        };
        assert_eq!(CommandError::from(defect).exit(), ExitCode::Internal);
        assert_eq!(
            CommandError::from(IntakeError::NoFile).exit(),
            ExitCode::Input
        );
        assert_eq!(
            CommandError::from(ConfigError::NoToken).exit(),
            ExitCode::Configuration
        );
        let sink: JudgeError<StoreError> = JudgeError::Sink(StoreError::Busy);
        assert_eq!(CommandError::from(sink).exit(), ExitCode::Storage);
    }

    #[test]
    fn the_chain_is_told_once() {
        let error = std::io::Error::other("no space");
        let error = CommandError::from(error).context("the results file");
        assert_eq!(error.to_string(), "the results file: no space");
        assert!(!error.is_broken_pipe());
        let pipe = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert!(CommandError::from(pipe).context("x").is_broken_pipe());
    }
}

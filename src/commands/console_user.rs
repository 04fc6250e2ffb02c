//! `outreach console user`: who signs in on the console.

use std::io::{Read as _, Write};
use std::path::Path;

use super::call::Call;
use super::checkpoint;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use crate::cli::UserAction;
use crate::config::read_text;
use crate::console::{UserError, UserFile, add_user, remove_user};
use crate::exit::ExitCode;
use crate::run::RunError;

impl From<UserError> for CommandError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::File { .. } => Self::new(ExitCode::Storage, error),
            UserError::Line { .. } => Self::new(ExitCode::Configuration, error),
            UserError::Store(error) => RunError::from(error).into(),
            UserError::Known(_) | UserError::NoUser(_) | UserError::Short => Self::usage(error),
        }
    }
}

/// Runs the command; `out` is standard output.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(super) fn run(action: &UserAction, call: &Call, out: &mut impl Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, &call.clock);
    let (by, now) = (settings.person(), clock.now());
    let checkpoint = settings.checkpoint()?;
    match action {
        UserAction::Add {
            name,
            role,
            password_file,
            ..
        } => {
            let password = password(password_file.as_deref(), console)?;
            let path = checkpoint::path_to_make(&checkpoint)?;
            add_user(&path, (name, *role), &password, &by, now)?;
            console.say(format_args!(
                "{} may sign in on the console, as {role}.",
                name.get()
            ));
        }
        UserAction::List { .. } => {
            for user in UserFile::beside(&checkpoint.place().find()?).read()? {
                writeln!(out, "{} {}", user.name, user.role)?;
            }
        }
        UserAction::Remove { name, .. } => {
            let path = checkpoint::path_to_make(&checkpoint)?;
            remove_user(&path, name, &by, now)?;
            console.say(format_args!(
                "{} cannot sign in any more, and is signed out.",
                name.get()
            ));
        }
    }
    Ok(ExitCode::Complete)
}

/// The password: of a file, of standard input, or typed twice on the terminal.
fn password(file: Option<&Path>, console: Console) -> Result<String, CommandError> {
    let text = match file {
        Some(path) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(path) => read_text(path).map_err(|error| {
            let file = path.display();
            CommandError::usage(format_args!(
                "the password file {file} cannot be read: {error}; nothing was changed"
            ))
        })?,
        None if console.can_ask() => return typed(),
        None => {
            return Err(CommandError::usage(
                "there is no terminal to ask for the password on: give --password-file FILE, or - for standard input; \
                 nothing was changed",
            ));
        }
    };
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn typed() -> Result<String, CommandError> {
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("The same again: ")? == password {
        return Ok(password);
    }
    Err(CommandError::usage(
        "the two passwords are not the same; nothing was changed",
    ))
}

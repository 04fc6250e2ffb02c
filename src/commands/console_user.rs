//! `outreach console user`: who signs in on the console.

use std::io::{Read as _, Write};
use std::path::Path;

use super::call::Call;
use super::checkpoint;
use super::console::Console;
use super::error::{CommandError, CommandResult};
use crate::cli::UserAction;
use crate::config::read_text;
use crate::console::{UserError, UserFile};
use crate::exit::ExitCode;
use crate::run::RunError;
use crate::store::{DecisionRecord, Store};

impl From<UserError> for CommandError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::File { .. } => Self::new(ExitCode::Storage, error),
            UserError::Line { .. } => Self::new(ExitCode::Configuration, error),
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
    let now = clock.now().to_string();
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
            // What cannot be kept is not done.
            let store = Store::open(&path).map_err(RunError::from)?;
            UserFile::beside(&path).add(name, *role, &password, &now)?;
            let name = name.get();
            note(&store, call, "user-add", format!("{name} as {role}"))?;
            console.say(format_args!(
                "{name} may sign in on the console, as {role}."
            ));
        }
        UserAction::List { .. } => {
            for user in UserFile::beside(&checkpoint::place(&checkpoint)?).read()? {
                writeln!(out, "{} {}", user.name, user.role)?;
            }
        }
        UserAction::Remove { name, .. } => {
            let path = checkpoint::path_to_make(&checkpoint)?;
            let store = Store::open(&path).map_err(RunError::from)?;
            UserFile::beside(&path).remove(name, &now)?;
            let name = name.get();
            note(&store, call, "user-remove", name.to_owned())?;
            console.say(format_args!(
                "{name} cannot sign in any more, and is signed out."
            ));
        }
    }
    Ok(ExitCode::Complete)
}

/// Keeps in the audit who changed the users.
fn note(
    store: &Store,
    call: &Call,
    what: &'static str,
    detail: String,
) -> Result<(), CommandError> {
    let actor = call.settings.person();
    let decision = DecisionRecord::new(&actor, what, detail, call.clock.now());
    Ok(store.record_decision(decision).map_err(RunError::from)?)
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

//! `outreach console`: the page on which a team works, until a signal. (`console.rs` is what is printed.)

use std::io::Write;

use super::call::Call;
use super::checkpoint;
use super::console_user;
use super::doctor;
use super::error::{CommandError, CommandResult};
use super::process::{runtime, second_signal, signal};
use super::settings;
use crate::cli::{ConsoleAction, ConsoleArgs};
use crate::config::{Connection, MessageSource};
use crate::console::{ConsoleError, ConsoleServer, ConsoleSettings, UserFile};
use crate::exit::ExitCode;
use crate::run::{Access, DoctorSettings, RunError};

impl From<ConsoleError> for CommandError {
    fn from(error: ConsoleError) -> Self {
        match error {
            ConsoleError::Listen { .. } | ConsoleError::Tls(_) => {
                Self::new(ExitCode::Configuration, error)
            }
            ConsoleError::Unencrypted(_) | ConsoleError::NoUsers => Self::usage(error),
            ConsoleError::Users(error) => error.into(),
            ConsoleError::Store(error) => RunError::from(error).into(),
            ConsoleError::System(_) => Self::new(ExitCode::Storage, error),
        }
    }
}

/// Runs the command. The address is printed on standard output, alone on a line, for scripts.
///
/// # Errors
/// [`CommandError`], with its exit code.
pub(crate) fn run(args: &ConsoleArgs, call: &Call, out: &mut impl Write) -> CommandResult {
    let (settings, console, clock) = (&call.settings, call.console, call.clock.clone());
    if let Some(ConsoleAction::User { action }) = &args.action {
        return console_user::run(action, call, out);
    }
    settings::check(settings, clock.now())?;
    let page = page_settings(args, call)?;
    let sandbox = page.sandbox;
    runtime()?.block_on(async {
        let server = ConsoleServer::bind(page, clock).await?;
        writeln!(out, "{}", server.link())?;
        out.flush()?;
        let url = server.url();
        if server.has_users() {
            console.say(format_args!("The console is at {url}. Users sign in with their passwords."));
        } else {
            console.say(format_args!(
                "The console is at {url}: open the link above in a browser of this machine. It signs in once, for 12 hours."
            ));
        }
        if sandbox {
            console.say("A sandbox: nobody is messaged.");
        }
        console.say("Stop with Ctrl-C: batches that are sent from here pause, and go on when that is asked for.");
        let at_once = tokio::select! {
            () = server.run(async {
                let why = signal().await;
                console.say("Stopping: requests under way are finished. Press Ctrl-C again to stop at once.");
                why
            }) => false,
            () = second_signal() => true,
        };
        if at_once {
            console.warn("Stopped at once: the outcome of requests that were under way is unknown.");
        }
        Ok(ExitCode::Complete)
    })
}

fn page_settings(args: &ConsoleArgs, call: &Call) -> Result<ConsoleSettings, CommandError> {
    let (settings, console) = (&call.settings, call.console);
    let (page, tls) = (settings.console()?, settings.tls()?);
    let real = settings.checkpoint()?;
    let users = UserFile::beside(&real.place().find()?);
    let rehearsals = if args.sandbox {
        real.clone().for_sandbox()
    } else {
        // A flag names the real one here.
        real.clone().for_rehearsals_beside()
    };
    let rehearsals = checkpoint::path_to_make(&rehearsals)?;
    let checkpoint = if args.sandbox {
        rehearsals.clone()
    } else {
        checkpoint::path_to_make(&real)?
    };
    let connection = settings.connection()?;
    let content = settings.content()?;
    let message = match &content.message {
        Some(MessageSource::Message(text)) => text.clone(),
        Some(MessageSource::File(path)) => {
            console.say(format_args!(
                "note: the message of {} is not plain text, and is not offered on the page",
                path.display()
            ));
            String::new()
        }
        None => String::new(),
    };
    let (own, again) = (settings.clone(), settings.clone());
    let rehearsed = args.sandbox.then(|| rehearsals.clone());
    Ok(ConsoleSettings {
        listen: page.console_listen,
        tls,
        behind_proxy: page.console_behind_proxy,
        users,
        sandbox: args.sandbox,
        is_shared: !args.sandbox && real.cluster.is_some(),
        checkpoint,
        rehearsals,
        intake: settings.intake()?,
        sms: content.sms_settings,
        message,
        tag: content.tag,
        metadata: content.metadata,
        access: access(&connection, args.sandbox)?,
        channel: connection.channel,
        run: Box::new(move |now| settings::run(&own, now).map_err(|error| error.to_string())),
        doctor: Box::new(move |now| {
            let doctor_settings =
                doctor::doctor_settings(&again, now).map_err(|error| error.to_string())?;
            Ok(match &rehearsed {
                Some(path) => DoctorSettings {
                    checkpoint: Some(Ok(path.clone())),
                    ..doctor_settings
                },
                None => doctor_settings,
            })
        }),
        person: settings.person(),
        new_link: Box::new(move |link| {
            console.say(format_args!("Signed in. Another link, once: {link}"));
        }),
    })
}

/// How the API is reached; nothing in a sandbox, or without a token.
fn access(connection: &Connection, sandbox: bool) -> Result<Option<Access>, CommandError> {
    if sandbox || connection.token.is_none() {
        return Ok(None);
    }
    settings::access(connection).map(Some)
}

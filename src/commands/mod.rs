//! The command line as a front end: one file a subcommand, which reads the settings, calls the library, and
//! prints.

mod adopt;
mod audience;
mod backup;
mod call;
pub(crate) mod cancel;
pub(crate) mod check;
mod checkpoint;
mod cluster;
pub(crate) mod completions;
pub(crate) mod config;
mod confirm;
mod console;
mod console_user;
pub(crate) mod contacts;
pub(crate) mod doctor;
pub(crate) mod error;
pub(crate) mod export;
mod follow_up;
pub(crate) mod forget;
pub(crate) mod history;
pub(crate) mod man;
pub(crate) mod mending;
mod night;
mod outcome;
mod preview;
mod process;
pub(crate) mod prune;
mod repeat;
mod replies;
pub(crate) mod resolve;
pub(crate) mod resume;
pub(crate) mod retry;
mod row;
mod run;
mod run_end;
pub(crate) mod sandbox;
pub(crate) mod send;
pub(crate) mod serve;
mod settings;
pub(crate) mod status;
pub(crate) mod suppress;
mod terminal;
pub(crate) mod test;
mod upgrade;
pub(crate) mod web_console;
mod worker;

use std::io::Write;
use std::path::Path;

use clap::{ColorChoice, CommandFactory as _, Parser as _};
use tracing_subscriber::EnvFilter;

use crate::cli::{CheckpointAction, Cli, Command, LogFormat};
use crate::clock::Clock;
use crate::config::{Environment, Settings, unknown_zone};
use crate::domain::text::on_one_line;
use crate::exit::ExitCode;

use call::Call;
pub(crate) use console::Console;
use console::Visible;
pub(crate) use error::{CommandError, CommandResult};

/// Parses the command line, runs it, prints what went wrong, and returns the exit code.
pub fn main() -> std::process::ExitCode {
    console::report_panics();
    match Cli::try_parse() {
        Ok(cli) => run(&cli).into(),
        // What was typed is a text like any other: a script may have read it from a file.
        Err(error) if error.use_stderr() => {
            let typed = std::env::args_os();
            let shown = typed.map(|word| on_one_line(&word.to_string_lossy()).into_owned());
            let error = Cli::try_parse_from(shown).err().unwrap_or(error);
            Console::new(false).warn_lines(error.render().to_string().trim_end());
            ExitCode::Usage.into()
        }
        // Help and version are asked for.
        Err(error) => print_help(&error).into(),
    }
}

/// Prints what was asked for in place of a command.
fn print_help(help: &clap::Error) -> ExitCode {
    match console::print_help(help).map_err(CommandError::from) {
        Ok(()) => ExitCode::Complete,
        Err(error) if error.is_broken_pipe() => ExitCode::Complete,
        Err(error) => {
            Console::new(false).warn(format_args!("error: {error}"));
            error.exit()
        }
    }
}

fn run(cli: &Cli) -> ExitCode {
    console::choose_color(match cli.global.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    });
    // The commands of a night are meant for its folder.
    if !matches!(cli.command, Command::Night(_)) {
        let flags = (&cli.flags, cli.global.config.as_deref());
        repeat::TypedFlags::new(Cli::command(), flags, rehearses(cli), None).for_this_call();
    }
    let console = Console::new(cli.global.quiet).with_log(cli.global.verbose > 0);
    process::outlive_file_limits();
    match dispatch(cli, console) {
        Ok(exit) => {
            console.say_exit(exit);
            exit
        }
        // The reader of our output has closed it: no error.
        Err(error) if error.is_broken_pipe() => ExitCode::Complete,
        Err(error) => {
            console.warn(format_args!("error: {error}"));
            adopt::say_messages_since(console, &error);
            error.exit()
        }
    }
}

/// Whether nobody is messaged.
fn rehearses(cli: &Cli) -> bool {
    matches!(&cli.command, Command::Send(args) if args.start.sandbox)
        || matches!(&cli.command, Command::Resume(args) if args.start.sandbox)
        || matches!(&cli.command, Command::Test(args) if args.sandbox)
}

/// Sets the log up, and runs the command.
fn dispatch(cli: &Cli, console: Console) -> CommandResult {
    let environment = crate::config::environment()?;
    log_to_stderr(
        cli.global.verbose,
        cli.global.log_format,
        environment.get("OUTREACH_LOG").map(String::as_str),
    );
    if let Some(name) = unknown_zone(&environment) {
        console.warn(format_args!(
            "TZ is {name:?}, which is no time zone that is known here: times are in UTC. Set TZ to a name such as \
             Europe/Prague."
        ));
    }
    let mut out = console::stdout();
    let exit = execute(cli, &environment, console, &mut out)?;
    match out.flush() {
        // The reader of our output has closed it: what was done stands, and how it ended.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(exit),
        flushed => {
            flushed?;
            Ok(exit)
        }
    }
}

fn execute(
    cli: &Cli,
    environment: &Environment,
    console: Console,
    out: &mut Visible<impl Write>,
) -> CommandResult {
    let config = cli.global.config.as_deref();
    let with = |flags, config: Option<&Path>| -> Result<Call, CommandError> {
        Ok(Call {
            settings: Settings::load(flags, config, environment.clone())?,
            console,
            clock: Clock::system(),
        })
    };
    let call = || with(cli.flags.clone(), config);
    match &cli.command {
        Command::Serve(_) => serve::run(&call()?, out),
        Command::Console(args) => web_console::run(args, &call()?, out),
        Command::Send(args) => send::run(args, &call()?),
        Command::Test(args) => test::run(args, &call()?, &mut out.0),
        Command::Night(args) => {
            let (flags, config) = night::enter(args, cli.flags.clone(), config)?;
            night::run(args, &with(flags, config.as_deref())?, &mut out.0)
        }
        Command::Resume(args) => resume::run(args, &call()?),
        Command::Worker(args) => worker::run(args, &call()?),
        Command::Cluster(args) => cluster::run(args, &call()?, out),
        Command::Cancel(args) => cancel::run(args, &call()?),
        Command::Status(args) => status::run(args, &call()?, &mut out.0),
        Command::Export(args) => export::run(args, &call()?, &mut out.0),
        Command::Check(args) => check::run(args, &call()?, &mut out.0),
        Command::Doctor(args) => doctor::run(args, &call()?, &mut out.0),
        Command::Resolve(args) => resolve::run(args, &call()?, &mut out.0),
        Command::Retry(args) => retry::run(args, &call()?, &mut out.0),
        Command::Suppress(args) => suppress::run(args, &call()?, &mut out.0),
        Command::Audience(args) => audience::run(args, &call()?, out),
        Command::Contacts(args) => contacts::run(args, &call()?, out),
        Command::History(args) => history::run(args, &call()?),
        Command::Forget(args) => forget::run(args, &call()?, out),
        Command::Prune(args) => prune::run(args, &call()?, &mut out.0),
        Command::Backup(args) => backup::run(args, &call()?),
        Command::Checkpoint(args) => match &args.action {
            CheckpointAction::Adopt { suppressions, .. } => adopt::run(suppressions, &call()?),
            CheckpointAction::Upgrade { no_copy, .. } => upgrade::run(*no_copy, &call()?),
        },
        Command::Config(args) => config::run(args.json, &call()?, &mut out.0),
        Command::Completions(args) => complete(completions::run(args.shell, &mut out.0)),
        Command::Sandbox(args) => sandbox::run(args, console, out),
        Command::Man(args) => complete(man::run(args.topic, &mut out.0)),
    }
}

/// How a command ends that only writes a text.
fn complete(written: std::io::Result<()>) -> CommandResult {
    Ok(written.map(|()| ExitCode::Complete)?)
}

/// Logs go to standard error, warnings only unless asked for more.
fn log_to_stderr(verbose: u8, format: LogFormat, wanted: Option<&str>) {
    let level = match verbose {
        0 => "warn",
        1 => "outreach=info,warn",
        _ => "outreach=debug,info",
    };
    let filter =
        EnvFilter::try_new(wanted.unwrap_or(level)).unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| console::Log)
        // Colours are what the writer would write out.
        .with_ansi(false);
    // A second call, in tests, changes nothing.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

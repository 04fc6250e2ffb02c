//! The `outreach` program: parses, calls the library, prints the error, ends with the exit code.

use std::process::ExitCode;

use clap::Parser;

use outreach::cli::Cli;
use outreach::commands;

fn main() -> ExitCode {
    commands::main(&Cli::parse()).into()
}

//! The `outreach` program: parses, calls the library, prints the error, ends with the exit code.

use std::process::ExitCode;

use clap::Parser;

use outreach::cli::Cli;
use outreach::commands;

/// Work passes from many tasks to the one thread that writes: an allocator for that pattern.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::main(&Cli::parse()).into()
}

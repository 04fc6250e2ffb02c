//! `outreach completions SHELL`.

use std::io::{self, Write};

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;

/// Writes the completion script of a shell.
///
/// # Errors
///
/// What `out` says.
pub fn run(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    // Made in memory first: the generator panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "outreach", &mut script);
    out.write_all(&script)
}

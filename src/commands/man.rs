//! `outreach man`: the manual page, for `outreach man > outreach.1`.

use std::io::{self, Write};

use clap::CommandFactory as _;

use crate::cli::Cli;

/// Writes the manual page of the program, and those of its commands after it.
///
/// # Errors
///
/// What `out` says.
pub fn run(out: &mut dyn Write) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        clap_mangen::Man::new(sub.clone()).render(out)?;
    }
    Ok(())
}

//! `outreach man`: the manual page, for `outreach man > outreach.1`, or one topic of it to read.

use std::io::{self, Write};

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::manual::Topic;
use crate::report::{manual_roff, manual_text, terminal_width};

/// Writes a topic as text, or the manual page of the program with all topics, and those of its commands after it.
///
/// # Errors
///
/// What `out` says.
pub fn run(topic: Option<Topic>, out: &mut dyn Write) -> io::Result<()> {
    if let Some(topic) = topic {
        return out.write_all(manual_text(topic.text(), terminal_width().min(100)).as_bytes());
    }
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(out)?;
    for topic in Topic::ALL {
        manual_roff(topic.text()).to_writer(out)?;
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        clap_mangen::Man::new(sub.clone()).render(out)?;
    }
    Ok(())
}

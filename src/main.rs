//! The `outreach` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    outreach::commands::main()
}

//! Which messages are the same message, and which batches the same batch: judged by the sandbox's account.

mod folders;
mod names;
mod other_number;
mod other_text;
mod same_text;

use crate::support::{CHANNEL, Program, SandboxProcess, Scratch};

/// `send contacts.csv` to the sandbox with this text; the batch has the name of the list.
fn send(scratch: &Scratch, sandbox: &SandboxProcess, text: &str) -> Program {
    scratch
        .outreach(&["send", "contacts.csv", "--yes", "--message", text])
        .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
}

/// A list of so many people, of whom `messaged` were messaged before the API refused the token.
fn interrupted(rows: u32, messaged: u32, text: &str) -> (Scratch, SandboxProcess) {
    let fault = format!("401:at={}", messaged + 1);
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&[&fault]));
    scratch.contacts(rows);
    send(&scratch, &sandbox, text)
        .concurrency(1)
        .run()
        .expect(5);
    assert_eq!(sandbox.accepted().len(), messaged as usize);
    (scratch, sandbox)
}

/// How often the person who got the most messages was messaged.
fn most(sandbox: &SandboxProcess) -> u64 {
    sandbox.accepted().into_values().max().unwrap_or(0)
}

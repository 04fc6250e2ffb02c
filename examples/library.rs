//! The library without the program: a list is read, sent to a sandbox in this process, and accounted for.
//!
//! ```text
//! cargo run --example library
//! ```
#![expect(clippy::print_stdout, reason = "a program for the command line")]

use outreach::run::{
    Clock, ContentSource, ExportSettings, IntakeSettings, List, Observer, Rehearsal, RunProgress,
    RunSettings, SendPlan, SendSettings, Source, StopHandle, export,
};

/// Prints where the run stands, a few times a second.
struct Printer;

impl Observer for Printer {
    fn progress(&mut self, progress: &RunProgress) {
        println!("{} of {}", progress.done.settled(), progress.queued);
    }
}

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let checkpoint = folder.path().join("outreach.db");
    let (clock, settings) = (Clock::system(), RunSettings::default());
    // The list and its message, checked against each other.
    let message = ContentSource::message("Hello {{ first_name }}, your order is ready.");
    let files = [Source::Path("fixtures/contacts.csv".into())];
    let list = List::open(&files, &IntakeSettings::default(), Some(&message))?;
    // What sending it would do: a new batch, more of one that was interrupted, or nothing.
    let asked = SendSettings {
        batch: Some("spring"),
        channel: Rehearsal::CHANNEL,
        change: None,
        sandbox: true,
        follow_up: None,
    };
    let plan = SendPlan::new(&checkpoint, list, &asked, clock.now())?;
    println!("{:?}", plan.batch_match());
    // Each row gets its verdict and its message, rendered and frozen. Nothing is sent yet.
    let plan = plan.read(&settings, None, clock.now(), &mut |_| ())?;
    let (batch, _) = plan.carry_out(clock.now())?;
    // Every intent is on disk before its request. `Access` of the real API would stand in place of the sandbox.
    let ended = tokio::runtime::Runtime::new()?.block_on(async {
        let sandbox = Rehearsal::start(Rehearsal::CHANNEL, None).await?;
        let (access, stop) = (sandbox.access(), StopHandle::default());
        batch
            .send(access, &settings, &clock, &stop, &mut Printer)
            .await
    })?;
    println!("{:?}", ended.end);
    // Every row is accounted for, whatever became of it.
    export(
        &checkpoint,
        "spring",
        &ExportSettings::default(),
        std::io::stdout(),
    )?;
    Ok(())
}

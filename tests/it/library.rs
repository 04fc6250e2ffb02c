//! The library as another front end calls it: what is planned leaves no trace until it is carried out.

use std::path::{Path, PathBuf};

use outreach::internals::sandbox::{Sandbox, Settings as SandboxSettings};
use outreach::run::{
    Access, BatchMatch, BatchState, Change, Clock, ContentSource, Counts, GuardSettings, Halt,
    HeldBatch, IntakeSettings, List, Mismatch, Observer, PilotStep, QuotaOf, ReadPlan, RefusalRule,
    Rehearsal, ResumeSettings, RunEnd, RunError, RunProgress, RunSettings, SendPlan, SendSettings,
    Source, Started, StopHandle, summary,
};
use tempfile::TempDir;

/// A folder with a checkpoint, and lists of so many rows.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn checkpoint(&self) -> PathBuf {
        self.0.path().join("outreach.db")
    }

    fn list(&self, rows: u32) -> List {
        let numbers = (0..rows).map(|row| format!("+42077712{:04}\n", 1000 + row));
        let text: String = ["phone\n".to_owned()].into_iter().chain(numbers).collect();
        let file = self.0.path().join("list.csv");
        std::fs::write(&file, text).unwrap();
        let message = ContentSource::message("Hello");
        let sources = [Source::Path(file)];
        List::open(&sources, &IntakeSettings::default(), Some(&message)).unwrap()
    }

    fn plan(&self, rows: u32, change: Option<Change>) -> SendPlan {
        let asked = SendSettings {
            batch: Some("spring"),
            channel: Rehearsal::CHANNEL,
            change,
            sandbox: true,
            follow_up: None,
        };
        SendPlan::new(&self.checkpoint(), self.list(rows), &asked, now()).unwrap()
    }

    fn batch(&self, rows: u32) -> HeldBatch {
        read(self.plan(rows, None)).carry_out(now()).unwrap().0
    }

    fn counts(&self) -> Counts {
        summary(&self.checkpoint(), "spring").unwrap().counts
    }
}

fn now() -> jiff::Timestamp {
    Clock::system().now()
}

fn read(plan: SendPlan) -> ReadPlan {
    plan.read(&RunSettings::default(), None, now(), &mut |_| ())
        .unwrap()
}

fn resume(checkpoint: &Path) -> HeldBatch {
    let asked = ResumeSettings {
        undo_cancel: None,
        batch: None,
        channel: None,
        sandbox: true,
    };
    HeldBatch::resume(checkpoint, &asked, now()).unwrap()
}

#[test]
fn a_new_batch_that_is_discarded_was_never_there() {
    let place = Place::new();
    let plan = place.plan(3, None);
    assert!(matches!(plan.batch_match(), BatchMatch::New));
    let plan = read(plan);
    assert_eq!(plan.report().unwrap().summary.queued, 3);
    plan.discard().unwrap();
    assert!(summary(&place.checkpoint(), "spring").is_err());
    assert_eq!(place.batch(3).batch().name, "spring");
}

#[test]
fn a_change_that_is_discarded_leaves_the_batch_as_it_was() {
    let place = Place::new();
    drop(place.batch(3));
    for change in [Change::Add, Change::Update] {
        let plan = place.plan(5, Some(change));
        assert!(matches!(plan.batch_match(), BatchMatch::Change(_, how) if *how == change));
        let plan = read(plan);
        assert_eq!(place.counts().rows(), 3, "staged beside the batch");
        plan.discard().unwrap();
        assert_eq!(place.counts().rows(), 3);
    }
    let plan = read(place.plan(5, Some(Change::Update)));
    plan.carry_out(now()).unwrap();
    assert_eq!(place.counts().queued, 5);
    assert!(matches!(
        place.plan(5, None).batch_match(),
        BatchMatch::Continue(_)
    ));
}

/// Asks for an end as soon as the run waits for the quota.
struct Patience {
    stop: StopHandle,
    started: Option<Started>,
}

impl Observer for Patience {
    fn started(&mut self, start: &Started) {
        self.started = Some(start.clone());
    }

    fn progress(&mut self, progress: &RunProgress) {
        if progress.pace.sleeping_until.is_some() && progress.done.settled() == 5 {
            self.stop.finish();
        }
    }
}

/// A web page runs it in a task of its own.
fn may_move<T: Send>(run: T) -> T {
    run
}

#[test]
fn a_run_reports_what_it_waits_for_and_ends_as_asked() {
    let place = Place::new();
    let batch = place.batch(9);
    let (clock, settings) = (Clock::system(), RunSettings::default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let stop = StopHandle::default();
    let mut observer = Patience {
        stop: stop.clone(),
        started: None,
    };
    let ended = runtime.block_on(async {
        let quota = std::num::NonZeroU32::new(5);
        let sandbox = Rehearsal::start(Rehearsal::CHANNEL, quota).await.unwrap();
        let run = batch.send(sandbox.access(), &settings, &clock, &stop, &mut observer);
        may_move(run).await.unwrap()
    });
    assert_eq!(observer.started.unwrap().queued, 9);
    assert_eq!(
        (ended.end, ended.state),
        (RunEnd::Interrupted, BatchState::Paused)
    );
    assert_eq!(ended.counts.queued, 4);
    drop(batch);
    assert_eq!(
        resume(&place.checkpoint()).batch().state,
        BatchState::Paused
    );
}

/// Sends to a sandbox that refuses everybody with this text, until three of them stop it.
fn refused_by_all(batch: &HeldBatch, settings: &RunSettings, text: &str) -> Halt {
    let (clock, stop) = (Clock::system(), StopHandle::default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ended = runtime.block_on(async {
        let mut everybody = SandboxSettings {
            without_messenger: "100%".parse().unwrap(),
            ..SandboxSettings::default()
        };
        text.clone_into(&mut everybody.texts.no_messenger);
        let sandbox = Sandbox::start(everybody, ([127, 0, 0, 1], 0).into());
        let sandbox = sandbox.await.unwrap();
        let access = Access {
            base_url: sandbox.base_url().parse().unwrap(),
            token: SandboxSettings::DEFAULT_TOKEN.to_owned().into(),
        };
        let sent = batch.send(&access, settings, &clock, &stop, &mut ()).await;
        sent.unwrap()
    });
    match ended.end {
        RunEnd::Halted(halt) => halt,
        end => panic!("{end:?}"),
    }
}

fn three_refusals() -> RunSettings {
    RunSettings {
        guards: GuardSettings {
            identical_refusals: 3,
            ..GuardSettings::default()
        },
        ..RunSettings::default()
    }
}

#[test]
fn held_recipients_go_back_to_the_queue_only_when_that_is_decided_and_carried_out() {
    let place = Place::new();
    let settings = three_refusals();
    let batch = place.batch(9);
    let halt = refused_by_all(&batch, &settings, "Sorry, nobody knows.");
    let Halt::NoMessengerRun {
        text, known: false, ..
    } = halt
    else {
        panic!("{halt:?}");
    };
    drop(batch);
    let batch = resume(&place.checkpoint());
    assert_eq!((place.counts().no_messenger, place.counts().queued), (0, 9));
    let nothing_said = batch.after_halt(&[], false).unwrap();
    let held = nothing_said.counts().held;
    assert!(held >= 3, "{nothing_said:?}");
    let preview = batch
        .preview(
            &settings,
            QuotaOf::default(),
            &nothing_said,
            PilotStep::None,
            now(),
        )
        .unwrap();
    assert_eq!((preview.counts.queued, preview.held), (9, held));

    let said = [format!("no_messenger={text}")
        .parse::<RefusalRule>()
        .unwrap()];
    let how = batch.after_halt(&said, false).unwrap();
    assert_eq!(how.counts().no_messenger, held);
    let preview = batch
        .preview(&settings, QuotaOf::default(), &how, PilotStep::None, now())
        .unwrap();
    assert_eq!(place.counts().no_messenger, 0, "a preview changes nothing");
    assert_eq!(
        batch.continue_after_halt(&how, "a person", now()).unwrap(),
        0
    );
    assert_eq!(place.counts(), preview.counts);
    assert_eq!(place.counts().no_messenger, held);
}

#[test]
fn a_run_of_a_known_text_is_held_too_and_settled_when_the_batch_goes_on() {
    let place = Place::new();
    let batch = place.batch(9);
    let halt = refused_by_all(&batch, &three_refusals(), "(#100) No matching user found");
    assert!(
        matches!(halt, Halt::NoMessengerRun { known: true, .. }),
        "{halt:?}"
    );
    drop(batch);
    assert_eq!(place.counts().no_messenger, 0);
    let batch = resume(&place.checkpoint());
    let how = batch.after_halt(&[], false).unwrap();
    let settled = how.counts().no_messenger;
    batch.continue_after_halt(&how, "a person", now()).unwrap();
    assert!(settled >= 3);
    assert_eq!(place.counts().no_messenger, settled);
}

#[test]
fn a_rehearsal_is_never_sent_elsewhere() {
    let place = Place::new();
    let batch = place.batch(1);
    let access = Access {
        base_url: "https://api.example.com/v1".parse().unwrap(),
        token: "t".to_owned().into(),
    };
    let (clock, stop) = (Clock::system(), StopHandle::default());
    let settings = RunSettings::default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = runtime.block_on(batch.send(&access, &settings, &clock, &stop, &mut ()));
    assert!(matches!(
        refused,
        Err(RunError::Mismatch(Mismatch::RehearsalElsewhere(_)))
    ));
}

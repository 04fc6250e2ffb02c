//! The generator: a seed becomes a list of steps. A step carries a seed of its own, so that it stays
//! the same when steps before it are left out.

use super::known::known;
use crate::support::Random;

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `send` of a new list.
    Send,
    /// The same command again.
    Continue,
    /// `resume`.
    Resume,
    /// `send --update` with the edited list.
    Update,
    /// `send --add` with further rows.
    Add,
    /// `--add` of a file that was added before, perhaps with another message.
    AddAgain,
    /// A results file as the list of a new batch.
    SendResults,
    /// The rejects, mended, into their batch.
    AddRejects,
    /// A list of another batch with another message, or the same on another channel.
    OtherText,
    /// Another message under the name of a batch.
    WrongText,
    /// Two runs at the same time.
    Two,
    /// `suppress add`.
    Suppress,
    /// `suppress remove`.
    Lift,
    /// `forget`.
    Forget,
    /// Webhook events to `serve`.
    Events,
    /// Webhook events while a run waits for an answer; then the run is killed.
    EventsMeanwhile,
    /// `resolve --from-api`.
    FromApi,
    /// `resolve --assume-sent`.
    AssumeSent,
    /// `resolve --resend`.
    Resend,
    /// A real batch with `--sandbox`, or a rehearsal beside it.
    Rehearse,
    /// `retry` of what was refused.
    Retry,
    /// `history import` of results that were written now or earlier.
    Import,
    /// `cancel`, and `resume --undo-cancel`.
    Cancel,
    /// `--add` of a file that was added before, with another one.
    AddTogether,
    /// `send --limit`, then `resume`.
    Pilot,
    /// `send --detach`, then `worker`.
    Worker,
    /// `night` over a folder with one list.
    Night,
    /// `prune` of all that is finished.
    Prune,
    /// A backup takes the place of the checkpoint, and results bring back what came since.
    PutBack,
    /// A second person must start what one prepared.
    Approve,
    /// People of the checkpoint in place of a file.
    Audience,
    /// A further message after an event.
    FollowUp,
}

/// How often each kind is drawn: in a usual journey, and in one about what few people say.
const WEIGHTS: [(Kind, u64, u64); 32] = [
    (Kind::Send, 14, 24),
    (Kind::Continue, 8, 2),
    (Kind::Resume, 9, 4),
    (Kind::Update, 9, 4),
    (Kind::Add, 7, 3),
    (Kind::AddAgain, 2, 0),
    (Kind::SendResults, 5, 2),
    (Kind::AddRejects, 3, 0),
    (Kind::OtherText, 7, 10),
    (Kind::WrongText, 1, 0),
    (Kind::Two, 7, 3),
    (Kind::Suppress, 5, 3),
    (Kind::Lift, 5, 18),
    (Kind::Forget, 4, 7),
    (Kind::Events, 9, 24),
    (Kind::EventsMeanwhile, 4, 5),
    (Kind::FromApi, 4, 3),
    (Kind::AssumeSent, 3, 2),
    (Kind::Resend, 4, 2),
    (Kind::Rehearse, 1, 0),
    (Kind::Retry, 3, 2),
    (Kind::Import, 4, 4),
    (Kind::Cancel, 3, 2),
    (Kind::AddTogether, 3, 1),
    (Kind::Pilot, 3, 2),
    (Kind::Worker, 4, 2),
    (Kind::Night, 4, 3),
    (Kind::Prune, 2, 3),
    (Kind::PutBack, 3, 3),
    (Kind::Approve, 2, 2),
    (Kind::Audience, 4, 3),
    (Kind::FollowUp, 6, 6),
];

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) seed: u64,
}

/// The plan of a journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Journey {
    /// How many people stand in most lists.
    pub(crate) often: u64,
    /// 12 to 20 steps.
    pub(crate) steps: Vec<Step>,
}

/// The journey of a seed. Every third one is about few people.
pub(crate) fn generate(seed: u64) -> Journey {
    let mut random = Random::new(seed.wrapping_mul(0x9e37_79b9) ^ 0x10_u64);
    let few = random.next().is_multiple_of(3);
    let weight = |(_, usual, of_few): &(Kind, u64, u64)| if few { *of_few } else { *usual };
    let total: u64 = WEIGHTS.iter().map(weight).sum();
    let mut steps = vec![Step {
        kind: Kind::Send,
        seed: random.next(),
    }];
    for _ in 1..random.between(12, 20) {
        let mut drawn = random.next() % total;
        let kind = WEIGHTS.iter().find(|entry| {
            let is_it = drawn < weight(entry);
            drawn = drawn.wrapping_sub(weight(entry));
            is_it
        });
        steps.push(Step {
            kind: kind.map_or(Kind::Send, |(kind, ..)| *kind),
            seed: random.next(),
        });
    }
    Journey {
        often: if few { 3 } else { 7 },
        steps,
    }
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself.
    Itself,
    /// `kill -9` while a request waits for its answer.
    Killed,
    /// It dies at a crash point.
    Crash(&'static str, u64),
    /// Ctrl-C once so many messages were accepted.
    Interrupted(u64),
}

/// What goes wrong during a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Weather {
    /// Faults of the sandbox.
    pub(crate) faults: Vec<String>,
    pub(crate) ending: Ending,
    /// How long an answer takes at least, in milliseconds.
    pub(crate) latency: u64,
    pub(crate) concurrency: u64,
    /// Two refusals of one text stop the batch.
    pub(crate) halts: bool,
}

/// What the text of a scripted refusal holds.
pub(crate) const REFUSAL: &str = "refused by script";

impl Weather {
    pub(crate) fn fair() -> Self {
        Self {
            faults: Vec::new(),
            ending: Ending::Itself,
            latency: 0,
            concurrency: 2,
            halts: false,
        }
    }

    /// The answers to some requests are lost, or refuse.
    pub(crate) fn draw(random: &mut Random) -> Self {
        const LOST: [&str; 8] = [
            "close-after-accept",
            "cut-after-accept",
            "500-after-accept",
            "500",
            "503",
            "garbage-200",
            "garbage-201",
            "close-after-answer",
        ];
        const CRASHES: [&str; 7] = [
            "intake",
            "change",
            "before-intent-commit",
            "after-intent-commit",
            "after-request",
            "before-result-commit",
            "export-rename",
        ];
        let mut weather = Self::fair();
        weather.concurrency = *random.one_of(&[1, 1, 2, 4]);
        weather.latency = *random.one_of(&[0, 0, 0, 3]);
        if random.next().is_multiple_of(2) {
            for _ in 0..random.between(1, 2) {
                let at = random.between(1, 5);
                weather
                    .faults
                    .push(format!("{}:at={at}", random.one_of(&LOST)));
            }
        }
        let at = random.between(1, 4);
        match random.next() % 24 {
            0..=2 => weather
                .faults
                .push(format!("400:at={at},text=Content {REFUSAL}")),
            3 | 4 => weather
                .faults
                .push(format!("422:at={at},text=Number {REFUSAL}")),
            5 => weather
                .faults
                .push(format!("403:at={at},text=Access {REFUSAL}")),
            6 | 7 => {
                weather.faults = vec![format!("400:text=Template {REFUSAL}")];
                weather.halts = true;
            }
            8 if !known("throttled_with_quota_left") => {
                weather.faults.push(format!("429:at={at},retry-after=1"));
            }
            _ => {}
        }
        weather.ending = match random.next() % 12 {
            0 | 1 => {
                let hang = *random.one_of(&["hang-after-accept", "hang-before-accept"]);
                weather.faults.insert(0, format!("{hang}:at={at}"));
                Ending::Killed
            }
            2 => Ending::Crash(random.one_of::<&str>(&CRASHES), random.between(1, 3)),
            3 => {
                weather.latency = 3;
                Ending::Interrupted(at)
            }
            _ => Ending::Itself,
        };
        weather
    }

    /// Some outcomes may be unknown.
    pub(crate) fn loses(&self) -> bool {
        let lost = |fault: &String| !fault.starts_with('4') && !fault.starts_with("garbage-201");
        let dies = match self.ending {
            Ending::Itself | Ending::Interrupted(_) => false,
            Ending::Killed | Ending::Crash(..) => true,
        };
        dies || self.faults.iter().any(lost)
    }

    /// Some rows may be refused.
    pub(crate) fn refuses(&self) -> bool {
        self.faults.iter().any(|fault| fault.contains(REFUSAL))
    }

    /// An answer may say 201 about a message that was refused.
    pub(crate) fn garbles(&self) -> bool {
        self.faults
            .iter()
            .any(|fault| fault.starts_with("garbage-201"))
    }

    /// The run may stop before its end.
    pub(crate) fn stops(&self) -> bool {
        self.halts || self.faults.iter().any(|fault| fault.starts_with("403"))
    }
}

//! One recipient alone, all, or none: a state machine over values.
//!
//! A run begins with one recipient alone (the canary). After an outage the gate is shut for a time,
//! then one recipient probes, then the rest follow.

use std::time::Duration;

use super::pacer::core::Why;
use crate::clock::Moment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Everybody may pass.
    Open,
    /// One may pass, once it is `from` (`None`: at once).
    Alone { from: Option<Moment> },
    /// One has passed alone, and is not back.
    Taken,
}

/// Who may pass, and how often the gate was shut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gate {
    mode: Mode,
    shut: u64,
}

/// How the gate was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// It was passed alone.
    pub(super) alone: bool,
    /// How often it had been shut.
    shut: u64,
}

impl Gate {
    /// A gate that lets one through first (the canary), or everybody.
    pub(super) fn new(canary: bool) -> Self {
        let mode = if canary {
            Mode::Alone { from: None }
        } else {
            Mode::Open
        };
        Self { mode, shut: 0 }
    }

    /// Why none may pass now, and until when, if time alone can help; `None` if one may.
    pub(super) fn keeps_back(&self, now: Moment) -> Option<(Option<Moment>, Why)> {
        match self.mode {
            Mode::Open => None,
            Mode::Taken => Some((None, Why::Alone)),
            Mode::Alone { from } => from
                .filter(|from| !now.reached(*from))
                .map(|from| (Some(from), Why::Outage)),
        }
    }

    /// One passes, whom nothing keeps back.
    pub(super) fn pass(&mut self) -> Passed {
        let alone = self.mode != Mode::Open;
        if alone {
            self.mode = Mode::Taken;
        }
        Passed {
            alone,
            shut: self.shut,
        }
    }

    /// True unless the gate was shut since it was passed.
    pub(super) fn holds(&self, passed: Passed) -> bool {
        self.shut == passed.shut
    }

    /// The one that passed is done. If it went alone, and nothing opened or shut the gate meanwhile, the next one goes
    /// alone; returns whether that is so.
    pub(super) fn came_back(&mut self, passed: Passed) -> bool {
        // Of those that passed since the gate was shut, only one that went alone leaves it taken.
        let next = self.mode == Mode::Taken && self.holds(passed);
        if next {
            self.mode = Mode::Alone { from: None };
        }
        next
    }

    /// Everybody may pass from now on.
    pub(super) fn open(&mut self) {
        self.mode = Mode::Open;
    }

    /// None passes for so long, then one.
    pub(super) fn shut(&mut self, pause: Duration, now: Moment) {
        let from = Some(now.after(pause));
        self.mode = Mode::Alone { from };
        self.shut += 1;
    }

    /// Whether everybody may pass.
    pub(super) fn is_open(&self) -> bool {
        self.mode == Mode::Open
    }

    /// How long none passes yet, because of an outage; `None` if one may.
    pub(super) fn shut_for(&self, now: Moment) -> Option<Duration> {
        match self.keeps_back(now) {
            Some((Some(from), _)) => from.mono.checked_sub(now.mono),
            Some((None, _)) | None => None,
        }
    }
}

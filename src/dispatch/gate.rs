//! The gate before the pacer: one recipient alone, all, or none.
//!
//! A run begins with one recipient alone (the canary). After an outage the gate is shut for a time,
//! then one recipient probes, then the rest follow.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Everybody may pass.
    Open,
    /// One may pass, once it is `from` (monotonic); `taken`: it has.
    Probe { from: Duration, taken: bool },
}

/// What the gate is at, and how often it was shut.
#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    shut: u64,
}

/// Who passes when.
#[derive(Debug)]
pub(super) struct Gate {
    clock: Clock,
    state: Mutex<State>,
    changed: Notify,
}

/// The right to be under way. Given back on drop.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    /// True for the one that passed alone.
    pub(super) probe: bool,
    /// How often the gate had been shut when it was passed.
    shut: u64,
}

impl Pass<'_> {
    /// True unless the gate was shut since it was passed: to be asked after every wait.
    pub(super) fn holds(&self) -> bool {
        self.gate.state().shut == self.shut
    }
}

impl Gate {
    /// A gate that lets the canary through first, or everybody.
    pub(super) fn new(clock: Clock, canary: bool) -> Self {
        let mode = if canary {
            Mode::Probe {
                from: Duration::ZERO,
                taken: false,
            }
        } else {
            Mode::Open
        };
        Self {
            clock,
            state: Mutex::new(State { mode, shut: 0 }),
            changed: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the caller may pass.
    pub(super) async fn pass(&self) -> Pass<'_> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the state is read, so that no change is missed.
            changed.as_mut().enable();
            let wait = {
                let mut state = self.state();
                let pass = |probe| Pass {
                    gate: self,
                    probe,
                    shut: state.shut,
                };
                match state.mode {
                    Mode::Open => return pass(false),
                    Mode::Probe { taken: true, .. } => None,
                    Mode::Probe { from, taken: false } => {
                        let now = self.clock.monotonic();
                        if now >= from {
                            let pass = pass(true);
                            state.mode = Mode::Probe { from, taken: true };
                            return pass;
                        }
                        Some(from.saturating_sub(now))
                    }
                }
            };
            match wait {
                None => changed.await,
                Some(wait) => {
                    tokio::select! {
                        () = changed => {}
                        () = self.clock.sleep(wait) => {}
                    }
                }
            }
        }
    }

    /// Everybody may pass from now on.
    pub(super) fn open(&self) {
        self.state().mode = Mode::Open;
        self.changed.notify_waiters();
    }

    /// None passes for so long, then one.
    pub(super) fn shut(&self, pause: Duration) {
        let from = self.clock.monotonic() + pause;
        {
            let mut state = self.state();
            state.mode = Mode::Probe { from, taken: false };
            state.shut += 1;
        }
        self.changed.notify_waiters();
    }

    /// Whether everybody may pass.
    pub(super) fn is_open(&self) -> bool {
        self.state().mode == Mode::Open
    }

    /// How long none passes yet; `None` if one may.
    pub(super) fn shut_for(&self) -> Option<Duration> {
        match self.state().mode {
            Mode::Probe { from, taken: false } => from
                .checked_sub(self.clock.monotonic())
                .filter(|wait| !wait.is_zero()),
            Mode::Probe { taken: true, .. } | Mode::Open => None,
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.probe {
            return;
        }
        let mut state = self.gate.state();
        // Nothing opened or shut the gate meanwhile: the next one probes.
        if let Mode::Probe { from, taken: true } = state.mode
            && state.shut == self.shut
        {
            state.mode = Mode::Probe { from, taken: false };
            drop(state);
            self.gate.changed.notify_waiters();
        }
    }
}

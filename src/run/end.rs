//! How a run ended, and what follows from that. Pure.

use crate::dispatch::{Halt, RunEnd};
use crate::domain::batch_state::{BY_EVENT, BatchState};
use crate::domain::outcome::FatalKind;
use crate::domain::percent::Percent;
use crate::domain::pilot::BY_PILOT;
use crate::exit::ExitCode;
use crate::report::PilotCounts;
use crate::store::Counts;

/// How a run ended. The checkpoint has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub end: RunEnd,
    /// How the recipients stand.
    pub counts: Counts,
    /// Where the batch stands.
    pub state: BatchState,
    /// The exit code of a program that did nothing else.
    pub exit: ExitCode,
    /// Who waits for a decision.
    pub waiting: Waiting,
    /// Recipients that are queued, and held until the text of their refusal has a meaning.
    pub held: u64,
    /// Recipients that the run was for, and that are queued still: in a pilot its own.
    pub queued: u64,
    /// The run was a pilot, and it is over: the rest of the batch waits for a person.
    pub pilot_is_over: bool,
    /// What ended the run before all was done, for people: "Ctrl-C", "until 06:00 CET was reached".
    pub ended_by: Option<String>,
}

/// Queued recipients that wait until the outcome of another batch's request is settled: no run can end that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub rows: u64,
    /// What the first of them waits for: "waits for row 17 of batch A".
    pub first: Option<String>,
}

impl Ended {
    /// `held`: recipients that no run claims; `pilot`: who is left of the pilot that the run was.
    pub(super) fn new(
        end: RunEnd,
        counts: Counts,
        waiting: Waiting,
        held: u64,
        pilot: Option<PilotCounts>,
    ) -> Self {
        let pilot_is_over = match end {
            RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline | RunEnd::Paused(_) => {
                pilot.is_some_and(|left| left.left() == 0)
            }
            RunEnd::Halted(_) | RunEnd::Displaced => false,
        };
        // People outside the pilot do not count for the run while the pilot goes on.
        let (reach, held) = match pilot {
            Some(left) if !pilot_is_over => {
                let reach = Counts {
                    queued: left.queued + left.held,
                    sending: left.sending,
                    ..counts
                };
                (reach, left.held)
            }
            Some(_) | None => (counts, held),
        };
        Self {
            state: state(&end, &counts),
            exit: exit(&end, &reach, &waiting, held),
            end,
            counts,
            waiting,
            held,
            queued: reach.queued,
            pilot_is_over,
            ended_by: None,
        }
    }

    /// The same; so many of those who could be sent to must have ended as sent.
    pub(super) fn fail_below(self, share: Option<Percent>) -> Self {
        match share {
            Some(share) if !is_reached(share, &self.counts) => Self {
                exit: self.exit.below_share(),
                ..self
            },
            Some(_) | None => self,
        }
    }

    /// Whether the batch stands because its pilot is over.
    fn is_paused_by_pilot(&self) -> bool {
        self.pilot_is_over && self.state == BatchState::Paused
    }

    /// Whether a deadline paused the batch: any worker may go on with it.
    pub(super) fn is_paused_by_deadline(&self) -> bool {
        let is_paused = self.state == BatchState::Paused && !self.pilot_is_over;
        is_paused && matches!(self.end, RunEnd::Deadline)
    }

    /// Why the batch stands where it stands.
    pub(crate) fn why(&self) -> Option<String> {
        if self.is_paused_by_pilot() {
            return Some("its pilot is over".to_owned());
        }
        let by = || self.ended_by.clone();
        match &self.end {
            RunEnd::Halted(halt) => Some(halt.to_string()),
            RunEnd::Interrupted => Some(by().unwrap_or_else(|| "it was asked to stop".to_owned())),
            RunEnd::Deadline => Some(by().unwrap_or_else(|| "its time was over".to_owned())),
            RunEnd::Paused(by) => Some(by.to_string()),
            RunEnd::Complete if self.held > 0 => Some(format!(
                "{} recipients are held: it is not known what their refusal means",
                self.held
            )),
            RunEnd::Displaced => {
                Some("the checkpoint was deleted or replaced while it was sent".to_owned())
            }
            RunEnd::Complete => self.waiting.first.clone(),
        }
    }

    /// How the run ended, in few words.
    pub(crate) fn in_words(&self) -> String {
        match (self.state, self.why()) {
            (BatchState::Paused, Some(why)) => format!("paused ({why})"),
            (BatchState::Stopped, Some(why)) => format!("stopped by a guard ({why})"),
            (_, _) => self.exit.text().to_owned(),
        }
    }

    /// The cause for which the run ended before all was done; `waited_for` is the cause that it waited for then.
    /// `by_events`: events queue people of the batch.
    pub(super) fn by(
        &self,
        waited_for: Option<&'static str>,
        by_events: bool,
    ) -> Option<&'static str> {
        if self.is_paused_by_pilot() {
            return Some(BY_PILOT);
        }
        match &self.end {
            RunEnd::Halted(halt) => Some(match halt {
                Halt::Fatal { kind, .. } => cause(*kind),
                Halt::Message { .. } => "message",
                Halt::Outage { .. } => "platform",
                Halt::Reserve { .. } => "quota",
                Halt::WrongClock { .. } => "clock",
                Halt::IdenticalRefusals { .. } | Halt::NoMessengerRun { .. } => "refusals",
            }),
            RunEnd::Interrupted | RunEnd::Deadline => waited_for,
            // An event queued them while the run ended.
            RunEnd::Complete
                if by_events
                    && self.state == BatchState::Paused
                    && self.queued > self.held + self.waiting.rows =>
            {
                Some(BY_EVENT)
            }
            // The name of the person who paused it is kept already.
            RunEnd::Complete | RunEnd::Displaced | RunEnd::Paused(_) => None,
        }
    }

    /// The text of the refusals that stopped the batch: [`HeldBatch::after_halt`](super::HeldBatch::after_halt)
    /// goes on from it.
    pub(super) fn halted_text(&self) -> Option<String> {
        match &self.end {
            RunEnd::Halted(
                Halt::IdenticalRefusals { text, .. } | Halt::NoMessengerRun { text, .. },
            ) => Some(text.clone()),
            RunEnd::Halted(
                Halt::Message { .. }
                | Halt::Fatal { .. }
                | Halt::Outage { .. }
                | Halt::Reserve { .. }
                | Halt::WrongClock { .. },
            )
            | RunEnd::Complete
            | RunEnd::Interrupted
            | RunEnd::Displaced
            | RunEnd::Paused(_)
            | RunEnd::Deadline => None,
        }
    }
}

/// The cause that an answer names which stops the whole batch.
fn cause(kind: FatalKind) -> &'static str {
    match kind {
        FatalKind::Unauthorized => "token",
        FatalKind::Proxy => "proxy",
        FatalKind::MethodNotAllowed | FatalKind::Redirected => "base-url",
        FatalKind::Forbidden | FatalKind::NotFound | FatalKind::Channel { .. } => "channel",
    }
}

/// Complete, and some are queued: they wait for hours that the run does not see.
fn is_outstanding(counts: &Counts) -> bool {
    counts.queued + counts.sending > 0
}

/// Whether so many of those who could be sent to ended as sent.
fn is_reached(share: Percent, counts: &Counts) -> bool {
    let tried = counts.sent + counts.no_messenger + counts.error + counts.unknown;
    share.is_reached(counts.sent, tried + counts.queued + counts.sending)
}

fn state(end: &RunEnd, counts: &Counts) -> BatchState {
    match end {
        RunEnd::Halted(_) | RunEnd::Displaced => BatchState::Stopped,
        RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline | RunEnd::Paused(_)
            if is_outstanding(counts) =>
        {
            BatchState::Paused
        }
        RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline | RunEnd::Paused(_)
            if counts.awaiting > 0 =>
        {
            BatchState::Open
        }
        RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline | RunEnd::Paused(_) => {
            BatchState::Complete
        }
    }
}

fn exit(end: &RunEnd, counts: &Counts, waiting: &Waiting, held: u64) -> ExitCode {
    match end {
        RunEnd::Displaced => ExitCode::Storage,
        RunEnd::Halted(Halt::Reserve { .. }) => ExitCode::Configuration,
        RunEnd::Halted(
            Halt::Fatal { .. }
            | Halt::IdenticalRefusals { .. }
            | Halt::NoMessengerRun { .. }
            | Halt::Message { .. }
            | Halt::Outage { .. }
            | Halt::WrongClock { .. },
        ) => ExitCode::Guard,
        // To run again would not help: a person has to say what their refusal means.
        RunEnd::Complete if held > 0 && held + waiting.rows == counts.queued => ExitCode::Guard,
        // To run again would not help: a person has to settle what these rows wait for.
        RunEnd::Complete if waiting.rows > 0 && waiting.rows == counts.queued => {
            ExitCode::CompleteWithProblems
        }
        RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline | RunEnd::Paused(_)
            if is_outstanding(counts) =>
        {
            ExitCode::Paused
        }
        RunEnd::Complete | RunEnd::Interrupted | RunEnd::Deadline | RunEnd::Paused(_) => {
            if counts.error + counts.unknown > 0 {
                ExitCode::CompleteWithProblems
            } else {
                ExitCode::Complete
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(end: RunEnd, counts: Counts) -> (BatchState, ExitCode) {
        let ended = Ended::new(end, counts, Waiting::default(), 0, None);
        (ended.state, ended.exit)
    }

    fn counts(queued: u64, error: u64, unknown: u64) -> Counts {
        Counts {
            sent: 10,
            queued,
            error,
            unknown,
            ..Counts::default()
        }
    }

    #[test]
    fn a_run_that_leaves_nobody_queued_is_complete_whatever_ended_it() {
        for end in [RunEnd::Complete, RunEnd::Interrupted, RunEnd::Deadline] {
            let none = ended(end.clone(), counts(0, 0, 0));
            assert_eq!(none, (BatchState::Complete, ExitCode::Complete));
            for problems in [counts(0, 1, 0), counts(0, 0, 1)] {
                let some = ended(end.clone(), problems);
                let exit = ExitCode::CompleteWithProblems;
                assert_eq!(some, (BatchState::Complete, exit));
            }
            let queued = ended(end, counts(1, 1, 1));
            assert_eq!(queued, (BatchState::Paused, ExitCode::Paused));
        }
    }

    #[test]
    fn a_guard_stops_the_batch_even_if_nobody_is_queued() {
        let reserve = RunEnd::Halted(Halt::Reserve { limit: 10 });
        let refusals = RunEnd::Halted(Halt::IdenticalRefusals {
            text: "HTTP 422: none".to_owned(),
            count: 20,
        });
        for queued in [0, 1] {
            assert_eq!(
                ended(reserve.clone(), counts(queued, 0, 0)),
                (BatchState::Stopped, ExitCode::Configuration)
            );
            assert_eq!(
                ended(refusals.clone(), counts(queued, 0, 0)),
                (BatchState::Stopped, ExitCode::Guard)
            );
        }
        let text =
            |end| Ended::new(end, counts(0, 0, 0), Waiting::default(), 0, None).halted_text();
        assert_eq!(text(refusals).as_deref(), Some("HTTP 422: none"));
        assert_eq!(text(reserve), None);
    }

    #[test]
    fn who_is_held_waits_for_a_person_and_not_for_another_run() {
        let ended = |counts| Ended::new(RunEnd::Complete, counts, Waiting::default(), 3, None);
        let held = ended(counts(3, 0, 0));
        assert_eq!(
            (held.state, held.exit),
            (BatchState::Paused, ExitCode::Guard)
        );
        assert_eq!(ended(counts(4, 0, 0)).exit, ExitCode::Paused);
        assert!(held.why().unwrap().starts_with("3 recipients are held"));
    }

    #[test]
    fn whom_an_event_queued_while_the_run_ended_is_left_to_any_worker() {
        let ended = |queued, rows, held| {
            let waiting = Waiting { rows, first: None };
            Ended::new(RunEnd::Complete, counts(queued, 0, 0), waiting, held, None)
        };
        assert_eq!(ended(3, 1, 1).by(None, true), Some("event"));
        assert_eq!(ended(3, 1, 1).by(None, false), None, "by their hours");
        assert_eq!(ended(2, 1, 1).by(None, true), None, "a person decides");
    }

    #[test]
    fn a_pilot_that_is_over_pauses_the_batch_and_one_that_is_not_is_judged_by_its_own_people() {
        let ended = |end, counts, left| {
            let waiting = Waiting {
                rows: 1,
                first: Some("waits for row 17 of batch A".to_owned()),
            };
            Ended::new(end, counts, waiting, 0, Some(left))
        };
        let nobody = PilotCounts::default();
        let over = ended(RunEnd::Complete, counts(990, 0, 0), nobody);
        assert_eq!(
            (over.state, over.exit, over.by(None, true)),
            (BatchState::Paused, ExitCode::Paused, Some("pilot"))
        );
        let all = ended(RunEnd::Complete, counts(0, 0, 0), nobody);
        assert_eq!(
            (all.state, all.by(None, true)),
            (BatchState::Complete, None)
        );
        let one = PilotCounts {
            queued: 1,
            ..nobody
        };
        let waits = ended(RunEnd::Complete, counts(991, 0, 0), one);
        assert_eq!(waits.exit, ExitCode::CompleteWithProblems);
        assert_eq!((waits.queued, waits.pilot_is_over), (1, false));
        let interrupted = ended(RunEnd::Interrupted, counts(991, 0, 0), one);
        assert_eq!(interrupted.exit, ExitCode::Paused);
        let held = PilotCounts { held: 1, ..nobody };
        let held = Ended::new(
            RunEnd::Complete,
            counts(991, 0, 0),
            Waiting::default(),
            1,
            Some(held),
        );
        assert_eq!(held.exit, ExitCode::Guard);
        let reserve = RunEnd::Halted(Halt::Reserve { limit: 10 });
        assert!(!ended(reserve, counts(990, 0, 0), nobody).pilot_is_over);
    }

    #[test]
    fn too_small_a_share_replaces_only_the_codes_of_a_complete_batch() {
        let end = |end, counts| {
            let ended = Ended::new(end, counts, Waiting::default(), 0, None);
            ended.fail_below("60%".parse().ok()).exit
        };
        let sent = |sent, no_messenger, unknown| Counts {
            sent,
            no_messenger,
            unknown,
            ..Counts::default()
        };
        assert_eq!(end(RunEnd::Complete, sent(6, 4, 0)), ExitCode::Complete);
        assert_eq!(end(RunEnd::Complete, sent(5, 5, 0)), ExitCode::BelowShare);
        assert_eq!(end(RunEnd::Complete, sent(5, 4, 1)), ExitCode::BelowShare);
        assert_eq!(end(RunEnd::Deadline, counts(90, 0, 0)), ExitCode::Paused);
        let reserve = RunEnd::Halted(Halt::Reserve { limit: 10 });
        assert_eq!(end(reserve, sent(0, 5, 0)), ExitCode::Configuration);
    }
}

//! Whether a request may leave now: one decision over everything that can keep it back.
//!
//! In this order: the sending hours, an outage or the canary ([`Gate`]), the quota, the rate and the connections
//! ([`Pacer`]). It is asked immediately before a claim, and again after every wait: nobody holds the right to send
//! while it waits for another. The reason of a wait is what the progress line, `status` and the page show.

use super::gate::Gate;
use super::pacer::core::{Decision, Pacer, Why};
use crate::clock::{Moment, between};
use crate::domain::schedule::Schedule;

/// May a request leave now? `Go` counts as started, and has passed the gate.
pub(super) fn decide(now: Moment, schedule: &Schedule, gate: &Gate, pacer: &mut Pacer) -> Decision {
    let kept_back = hours(now, schedule).or_else(|| gate.keeps_back(now));
    pacer.poll_unless(kept_back, now)
}

/// Why the sending hours keep requests back, and until when.
fn hours(now: Moment, schedule: &Schedule) -> Option<(Option<Moment>, Why)> {
    if schedule.may_send(now.wall) {
        return None;
    }
    Some(match schedule.next_opening(now.wall) {
        Some(opening) => {
            let opening = now.after(between(now.wall, opening));
            (Some(opening), Why::Hours)
        }
        None => (None, Why::HoursAreOver),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::dispatch::pacer::core::{Past, Refusal, Settings, Ticket};
    use crate::domain::quota::{QuotaHeaders, Reset};

    fn schedule(window: &str, deadline: Option<&str>) -> Schedule {
        Schedule {
            window: Some(window.parse().unwrap()),
            deadline: deadline.map(|at| at.parse().unwrap()),
            ..Schedule::default()
        }
    }

    /// A pacer that is free to ask, or waits for its first answer.
    fn pacer(free: bool, now: Moment) -> Pacer {
        let mut pacer = Pacer::new(Settings::default(), &Past::default(), now);
        if !free {
            assert!(matches!(pacer.poll(now), Decision::Go(_)));
        }
        pacer
    }

    #[test]
    fn a_request_leaves_only_when_nothing_keeps_it_back_and_the_first_reason_is_told() {
        let now = Clock::manual("2026-05-01T10:00:00Z".parse().unwrap()).moment();
        let opens = "2026-05-01T11:00:00Z".parse().unwrap();
        let mut shut = Gate::new(false);
        shut.shut(Duration::from_mins(5), now);
        let mut taken = Gate::new(true);
        assert!(taken.pass().alone);
        let hours = [
            (schedule("09:00-12:00", None), None),
            (
                schedule("11:00-12:00", None),
                Some((Some(opens), Why::Hours)),
            ),
            (
                schedule("11:00-12:00", Some("2026-05-01T10:30:00Z")),
                Some((None, Why::HoursAreOver)),
            ),
        ];
        let gates = [
            (Gate::new(false), None),
            (Gate::new(true), None),
            (
                shut,
                Some((Some(now.after(Duration::from_mins(5)).wall), Why::Outage)),
            ),
            (taken, Some((None, Why::Alone))),
        ];
        let pace_now = [(true, None), (false, Some((None, Why::Probing)))];
        for (schedule, by_hours) in &hours {
            for (gate, by_gate) in &gates {
                for (free, by_pace) in pace_now {
                    let wanted = by_hours.or(*by_gate).or(by_pace);
                    let mut pacer = pacer(free, now);
                    let found = match decide(now, schedule, gate, &mut pacer) {
                        Decision::Go(_) => None,
                        Decision::Wait { until, why } => Some((until.map(|it| it.wall), why)),
                    };
                    assert_eq!(found, wanted);
                    let view = pacer.view(now);
                    assert_eq!(view.why, wanted.map(|(_, why)| why), "what is shown");
                    assert_eq!(view.sleeping_until, wanted.and_then(|(until, _)| until));
                }
            }
        }
    }

    fn empty_until(reset: &str) -> QuotaHeaders {
        QuotaHeaders {
            limit: Some(1),
            remaining: Some(0),
            reset: Some(Reset::At(reset.parse().unwrap())),
            date: None,
        }
    }

    #[test]
    fn after_a_wait_that_outlasts_the_hours_the_next_hours_are_waited_for() {
        type Keep = fn(&mut Pacer, &mut Gate, Ticket, Moment);
        let waits: [(Why, Option<&str>, Keep); 4] = [
            (Why::Quota, None, |pacer, _, ticket, now| {
                pacer.answered(ticket, now, &empty_until("2026-05-01T12:30:00Z"));
            }),
            (Why::Throttled, None, |pacer, _, ticket, now| {
                let refusal = Refusal {
                    headers: empty_until("2026-05-01T12:30:00Z"),
                    ..Refusal::default()
                };
                pacer.throttled(ticket, now, &refusal);
            }),
            (Why::Rate, Some("1/h"), |pacer, _, ticket, now| {
                pacer.answered(ticket, now, &QuotaHeaders::default());
            }),
            (Why::Outage, None, |pacer, gate, ticket, now| {
                pacer.answered(ticket, now, &QuotaHeaders::default());
                gate.shut(Duration::from_hours(1), now);
            }),
        ];
        let hours = schedule("09:00-12:00", None);
        let opens: jiff::Timestamp = "2026-05-02T09:00:00Z".parse().unwrap();
        for (reason, rate, keep) in waits {
            let now = Clock::manual("2026-05-01T11:30:00Z".parse().unwrap()).moment();
            let settings = Settings {
                rate: rate.map(|rate| rate.parse().unwrap()),
                ..Settings::default()
            };
            let mut pacer = Pacer::new(settings, &Past::default(), now);
            let mut gate = Gate::new(false);
            let Decision::Go(ticket) = decide(now, &hours, &gate, &mut pacer) else {
                panic!("{reason:?}: nothing keeps the first one back");
            };
            keep(&mut pacer, &mut gate, ticket, now);
            let waited = match decide(now, &hours, &gate, &mut pacer) {
                Decision::Wait {
                    until: Some(until),
                    why,
                } if why == reason => until,
                other => panic!("{reason:?}: {other:?}"),
            };
            let again = match decide(waited, &hours, &gate, &mut pacer) {
                Decision::Wait {
                    until: Some(until),
                    why: Why::Hours,
                } => until,
                other => panic!("{reason:?}: {other:?}"),
            };
            assert_eq!(again.wall, opens);
            let then = decide(again, &hours, &gate, &mut pacer);
            assert!(matches!(then, Decision::Go(_)), "{reason:?}: {then:?}");
        }
    }

    #[test]
    fn after_the_pause_one_goes_alone_and_the_rest_when_it_came_back_well() {
        let now = Clock::manual("2026-05-01T10:00:00Z".parse().unwrap()).moment();
        let mut gate = Gate::new(false);
        let before = gate.pass();
        gate.shut(Duration::from_mins(5), now);
        assert!(!gate.holds(before) && !before.alone);
        let later = now.after(Duration::from_mins(5));
        assert_eq!(gate.keeps_back(later), None);
        let probe = gate.pass();
        assert!(probe.alone);
        assert_eq!(gate.keeps_back(later), Some((None, Why::Alone)));
        assert!(!gate.came_back(before), "it is not the one that went alone");
        assert!(gate.came_back(probe), "no answer: the next one goes alone");
        assert_eq!(gate.keeps_back(later), None);
        let probe = gate.pass();
        gate.open();
        assert!(!gate.came_back(probe));
        assert!(!gate.pass().alone);
        assert_eq!(
            gate.keeps_back(later),
            None,
            "one after the other, and all at once"
        );
    }

    #[test]
    fn a_probe_from_before_a_pause_lets_nobody_follow_the_probe_after_it() {
        let now = Clock::manual("2026-05-01T10:00:00Z".parse().unwrap()).moment();
        let pause = Duration::from_mins(5);
        let mut gate = Gate::new(true);
        let canary = gate.pass();
        gate.shut(pause, now);
        let half = now.after(pause / 2);
        assert_eq!(
            (gate.shut_for(now), gate.shut_for(half)),
            (Some(pause), Some(pause / 2))
        );
        let later = now.after(pause);
        assert_eq!(gate.shut_for(later), None);
        let probe = gate.pass();
        assert!(probe.alone);
        assert!(!gate.came_back(canary));
        assert_eq!(gate.keeps_back(later), Some((None, Why::Alone)));
        assert!(!gate.is_open());
        gate.open();
        assert!(gate.is_open());
        assert_eq!(gate.shut_for(later), None);
    }
}

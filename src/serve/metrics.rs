//! The figures as text, in the exposition format of Prometheus (version 0.0.4).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::count::{Counters, Sum};
use crate::domain::delivery::State;
use crate::domain::quota::QuotaState;
use crate::domain::text::visible;
use crate::exit::ExitCode;
use crate::store::metrics::BatchMetrics;
use crate::store::{Counts, Metrics};

/// The page. Names no person: tokens by the first digits of a fingerprint; batches only with `names`, because
/// their names may show what a list is about.
pub(super) fn text(counters: &Counters, metrics: &Metrics, names: bool, now: Timestamp) -> String {
    let mut page = Page(String::with_capacity(4096));
    page.single(
        "outreach_batches",
        "gauge",
        "Batches in the checkpoint.",
        metrics.batches.len() as f64,
    );
    if names {
        let each = metrics.batches.iter();
        let parts: Vec<_> = each
            .map(|batch| (vec![("batch", batch.name.as_str())], &batch.counts))
            .collect();
        recipients(&mut page, &parts);
    } else {
        let mut all = Counts::default();
        for batch in &metrics.batches {
            all += batch.counts;
        }
        recipients(&mut page, &[(Vec::new(), &all)]);
    }
    runs(&mut page, &metrics.batches, names);
    oldest(&mut page, &metrics.batches, now);
    quota(&mut page, metrics, now);
    events(&mut page, counters, metrics);
    page.0
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            let _ = write!(self.0, "{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.line(name, &[], value);
    }

    fn sum(&mut self, name: &str, help: &str, sum: &Sum) {
        self.head(name, "summary", help);
        self.line(&format!("{name}_sum"), &[], sum.seconds());
        self.line(&format!("{name}_count"), &[], get(&sum.count));
    }
}

fn escaped(text: &str) -> String {
    visible(text)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn get(counter: &AtomicU64) -> f64 {
    counter.load(Ordering::Relaxed) as f64
}

/// The figures of recipients and requests; each part with the labels that name it.
fn recipients(page: &mut Page, parts: &[(Vec<(&str, &str)>, &Counts)]) {
    let name = "outreach_recipients";
    page.head(name, "gauge", "Recipients by state.");
    for (labels, counts) in parts {
        for state in State::ALL {
            let mut labels = labels.clone();
            labels.push(("state", state.word()));
            page.line(name, &labels, counts.of(state) as f64);
        }
    }
    let name = "outreach_requests_total";
    page.head(name, "counter", "Requests that left.");
    for (labels, counts) in parts {
        page.line(name, labels, counts.requests as f64);
    }
    let name = "outreach_throttled_total";
    page.head(name, "counter", "Requests that the API put off (429).");
    for (labels, counts) in parts {
        page.line(name, labels, counts.throttled as f64);
    }
}

/// When the last run ended, and how: of each batch where they are named, else of the latest run of all.
fn runs(page: &mut Page, batches: &[BatchMetrics], names: bool) {
    let ended = batches
        .iter()
        .filter_map(|batch| Some((batch, batch.last_run.as_ref()?)));
    let shown: Vec<_> = if names {
        ended.collect()
    } else {
        ended.max_by_key(|(_, (at, _))| *at).into_iter().collect()
    };
    let labels = |batch: &BatchMetrics| {
        let name = names.then(|| batch.name.clone());
        name.map(|name| ("batch", name))
    };
    let mut write = |name, help, value: &dyn Fn(&(Timestamp, String)) -> Option<f64>| {
        page.head(name, "gauge", help);
        for (batch, run) in &shown {
            if let Some(value) = value(run) {
                let label = labels(batch);
                let labels: Vec<_> = label
                    .iter()
                    .map(|(key, name)| (*key, name.as_str()))
                    .collect();
                page.line(name, &labels, value);
            }
        }
    };
    write(
        "outreach_run_finished_timestamp_seconds",
        "When the last run ended.",
        &|(at, _)| Some(at.as_second() as f64),
    );
    write(
        "outreach_run_exit_code",
        "How the last run ended: its exit code.",
        &|(_, word)| ExitCode::from_reason(word).map(|exit| f64::from(exit.code())),
    );
}

/// A batch that nobody goes on with shows in its age.
fn oldest(page: &mut Page, batches: &[BatchMetrics], now: Timestamp) {
    let outstanding = batches.iter().filter(|batch| batch.is_outstanding());
    let oldest = outstanding.map(|batch| batch.created_at).min();
    page.single(
        "outreach_oldest_unfinished_batch_age_seconds",
        "gauge",
        "Seconds since the list was read of the oldest batch that has people queued; 0 if none has.",
        oldest.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0)),
    );
}

fn quota(page: &mut Page, metrics: &Metrics, now: Timestamp) {
    let name = "outreach_quota_left";
    page.head(
        name,
        "gauge",
        "Requests left in the API's window, as last reported.",
    );
    for (token, state) in &metrics.quotas {
        if let Some(left) = left(state, now) {
            // Enough to distinguish a few tokens.
            let token = format!("{token:016x}");
            page.line(
                name,
                &[("token", token.get(..4).unwrap_or(""))],
                left as f64,
            );
        }
    }
}

fn left(state: &QuotaState, now: Timestamp) -> Option<u64> {
    let over = state.reset_at.is_some_and(|reset| reset <= now);
    if over { state.limit } else { state.remaining }
}

fn events(page: &mut Page, counters: &Counters, metrics: &Metrics) {
    let name = "outreach_webhook_events_total";
    page.head(name, "counter", "Events with a good signature, by kind.");
    for (kind, count) in counters.kinds() {
        page.line(name, &[("kind", &kind)], count as f64);
    }
    let name = "outreach_webhook_refused_total";
    page.head(name, "counter", "Requests that were refused, by reason.");
    for (reason, count) in counters.refusals() {
        page.line(name, &[("reason", reason)], count as f64);
    }
    let name = "outreach_webhook_news_total";
    page.head(
        name,
        "counter",
        "Events taken: new, known before, of erased people, given up.",
    );
    for (what, count) in [
        ("new", &counters.new),
        ("known", &counters.known),
        ("erased", &counters.erased),
        ("given_up", &counters.given_up),
    ] {
        page.line(name, &[("what", what)], get(count));
    }
    page.single(
        "outreach_webhook_problems_total",
        "counter",
        "Events that contradict the checkpoint; the log names them.",
        get(&counters.problems),
    );
    kept_events(page, metrics);
    page.single(
        "outreach_webhook_connections",
        "gauge",
        "Open connections.",
        get(&counters.connections),
    );
    page.sum(
        "outreach_webhook_lag_seconds",
        "From the sending of an event to its arrival.",
        &counters.lag,
    );
    page.sum(
        "outreach_webhook_answer_seconds",
        "From the head of a request to its 200.",
        &counters.answer_time,
    );
}

/// What the checkpoint keeps of events.
fn kept_events(page: &mut Page, metrics: &Metrics) {
    page.single(
        "outreach_webhook_waiting",
        "gauge",
        "Stored events that wait until the message or contact that they are about is known.",
        metrics.waiting_events as f64,
    );
    page.single(
        "outreach_webhook_unreadable",
        "gauge",
        "Stored events that could not be read, or not in full; the log names them.",
        metrics.unreadable_events as f64,
    );
    page.single(
        "outreach_opt_outs_waiting",
        "gauge",
        "Opt-outs of contacts whose number is not known: nobody is left out by them yet.",
        metrics.waiting_opt_outs as f64,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(sent: u64) -> Counts {
        Counts {
            sent,
            requests: sent + 1,
            ..Counts::default()
        }
    }

    fn batch() -> BatchMetrics {
        BatchMetrics {
            name: String::new(),
            counts: Counts::default(),
            created_at: Timestamp::UNIX_EPOCH,
            last_run: None,
            is_cancelled: false,
        }
    }

    #[test]
    fn a_night_that_was_missed_shows_in_the_last_run_and_the_oldest_batch() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let run = |at, word: &str| Some((second(at), word.to_owned()));
        let queued = Counts {
            queued: 5,
            ..Counts::default()
        };
        let batches = [
            ("old", second(100), run(900, "guard"), queued, false),
            (
                "new",
                second(500),
                run(950, "complete"),
                Counts::default(),
                false,
            ),
            ("given up", second(1), run(10, "paused"), queued, true),
        ];
        let batches =
            batches.map(
                |(name, created_at, last_run, counts, is_cancelled)| BatchMetrics {
                    name: name.to_owned(),
                    counts,
                    created_at,
                    last_run,
                    is_cancelled,
                },
            );
        let metrics = Metrics {
            batches: batches.to_vec(),
            ..Metrics::default()
        };
        let page = |names| text(&Counters::default(), &metrics, names, second(1_000));
        for (names, line) in [
            (false, "outreach_run_finished_timestamp_seconds 950"),
            (false, "outreach_run_exit_code 0"),
            (false, "outreach_oldest_unfinished_batch_age_seconds 900"),
            (true, r#"outreach_run_exit_code{batch="old"} 5"#),
            (
                true,
                r#"outreach_run_finished_timestamp_seconds{batch="given up"} 10"#,
            ),
        ] {
            let page = page(names);
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }

    #[test]
    fn without_the_flag_no_batch_is_named_and_the_figures_are_sums() {
        let mut metrics = Metrics::default();
        for (name, count) in [("ill people", 7), ("debtors", 2)] {
            metrics.batches.push(BatchMetrics {
                name: name.into(),
                counts: sent(count),
                ..batch()
            });
        }
        let page = |names| text(&Counters::default(), &metrics, names, Timestamp::UNIX_EPOCH);
        let (sums, named) = (page(false), page(true));
        assert!(!sums.contains("ill people") && !sums.contains("batch="));
        for line in [
            "outreach_batches 2",
            r#"outreach_recipients{state="sent"} 9"#,
            "outreach_requests_total 11",
        ] {
            assert!(sums.lines().any(|found| found == line), "{line}\n{sums}");
        }
        assert!(named.contains(r#"outreach_requests_total{batch="debtors"} 3"#));
    }

    #[test]
    fn the_page_is_in_the_exposition_format() {
        let mut metrics = Metrics {
            waiting_events: 3,
            ..Metrics::default()
        };
        metrics.batches.push(BatchMetrics {
            name: "a \"b\"\\\n".into(),
            counts: sent(7),
            ..batch()
        });
        let counters = Counters::default();
        counters.event("opt_in", Some(std::time::Duration::from_millis(1500)));
        counters.refused(super::super::count::Refused::WrongSignature);
        let text = text(&counters, &metrics, true, Timestamp::UNIX_EPOCH);
        for line in [
            r#"outreach_recipients{batch="a \"b\"\\\n",state="sent"} 7"#,
            r#"outreach_webhook_events_total{kind="opt_in"} 1"#,
            r#"outreach_webhook_refused_total{reason="wrong_signature"} 1"#,
            "outreach_webhook_lag_seconds_sum 1.5",
            "outreach_webhook_waiting 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        for line in text.lines() {
            let value = line.rsplit(' ').next().unwrap();
            assert!(
                line.starts_with("# ") || value.parse::<f64>().is_ok(),
                "{line}"
            );
        }
    }

    #[test]
    fn the_quota_is_whole_again_when_its_window_is_over() {
        let state = QuotaState {
            limit: Some(100),
            remaining: Some(7),
            reset_at: Some(Timestamp::UNIX_EPOCH),
            ..QuotaState::default()
        };
        assert_eq!(left(&state, Timestamp::UNIX_EPOCH), Some(100));
        let before = Timestamp::from_second(-1).unwrap();
        assert_eq!(left(&state, before), Some(7));
    }
}

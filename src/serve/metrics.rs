//! The figures as text, in the exposition format of Prometheus (version 0.0.4).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;

use super::count::{Counters, Sum};
use crate::domain::delivery::State;
use crate::domain::quota::QuotaState;
use crate::store::Metrics;

/// The page. Names no person: batches by their names, tokens by the first digits of a fingerprint.
pub(super) fn text(counters: &Counters, metrics: &Metrics, now: Timestamp) -> String {
    let mut page = Page(String::with_capacity(4096));
    batches(&mut page, metrics);
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
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn get(counter: &AtomicU64) -> f64 {
    counter.load(Ordering::Relaxed) as f64
}

fn batches(page: &mut Page, metrics: &Metrics) {
    page.single(
        "outreach_batches",
        "gauge",
        "Batches in the checkpoint.",
        metrics.batches.len() as f64,
    );
    let name = "outreach_recipients";
    page.head(name, "gauge", "Recipients by batch and state.");
    for batch in &metrics.batches {
        for state in State::ALL {
            let labels = [("batch", batch.name.as_str()), ("state", state.word())];
            page.line(name, &labels, batch.counts.of(state) as f64);
        }
    }
    let name = "outreach_requests_total";
    page.head(name, "counter", "Requests that left, by batch.");
    for batch in &metrics.batches {
        page.line(
            name,
            &[("batch", &batch.name)],
            batch.counts.requests as f64,
        );
    }
    let name = "outreach_throttled_total";
    page.head(
        name,
        "counter",
        "Requests that the API put off (429), by batch.",
    );
    for batch in &metrics.batches {
        page.line(
            name,
            &[("batch", &batch.name)],
            batch.counts.throttled as f64,
        );
    }
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
    page.single(
        "outreach_webhook_waiting",
        "gauge",
        "Stored events that wait for the message or contact that they speak of.",
        metrics.waiting_events as f64,
    );
    page.single(
        "outreach_webhook_unreadable",
        "gauge",
        "Stored events that could not be read, or not in full; the log names them.",
        metrics.unreadable_events as f64,
    );
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::metrics::BatchMetrics;

    #[test]
    fn the_page_is_in_the_exposition_format() {
        let mut metrics = Metrics {
            waiting_events: 3,
            ..Metrics::default()
        };
        metrics.batches.push(BatchMetrics {
            name: "a \"b\"\\\n".into(),
            counts: crate::store::Counts {
                sent: 7,
                ..crate::store::Counts::default()
            },
        });
        let counters = Counters::default();
        counters.event("opt_in", Some(std::time::Duration::from_millis(1500)));
        counters.refused(super::super::count::Refused::WrongSignature);
        let text = text(&counters, &metrics, Timestamp::UNIX_EPOCH);
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

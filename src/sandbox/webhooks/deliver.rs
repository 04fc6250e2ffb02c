//! Takes events to the receiver, signed, with the documented redelivery.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use hyper::header::CONTENT_TYPE;
use sha1::Sha1;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::super::answer::time_text;
use super::super::app::{App, Phase};
use super::super::book::lock;
use super::super::random::draw;
use super::events::{Event, plan};
use super::{Accepted, WebhookSettings};

/// Minutes to wait after each failed attempt; after the last the event is dropped.
const REDELIVERY: [u32; 6] = [1, 5, 20, 60, 180, 480];
const DUPLICATE: u64 = 201;

/// One delivery that is due at some time.
#[derive(Debug)]
struct Delivery {
    event: Arc<Event>,
    /// Failed attempts so far.
    failed: usize,
}

/// Deliveries in the order of their times.
#[derive(Debug, Default)]
struct Queue {
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    waiting: std::collections::HashMap<u64, Delivery>,
    last: u64,
}

impl Queue {
    fn push(&mut self, at: Instant, delivery: Delivery) {
        self.last += 1;
        self.due.push(Reverse((at, self.last)));
        self.waiting.insert(self.last, delivery);
    }

    fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    fn pop(&mut self) -> Option<Delivery> {
        let Reverse((_, key)) = self.due.pop()?;
        self.waiting.remove(&key)
    }
}

/// The task that sends all events, until the sandbox stops.
pub(in super::super) async fn run(
    app: Arc<App>,
    settings: WebhookSettings,
    mut accepted: mpsc::UnboundedReceiver<Accepted>,
) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(settings.timeout)
        .build();
    let Ok(client) = client else {
        tracing::error!("the sandbox cannot send webhook events: the HTTP client does not start");
        return;
    };
    let mut phases = app.phase.subscribe();
    let mut queue = Queue::default();
    let mut running = JoinSet::new();
    loop {
        let due = queue
            .next_due()
            .filter(|_| running.len() < settings.concurrency.max(1));
        tokio::select! {
            Some(accepted) = accepted.recv() => enqueue(&app, &settings, &accepted, &mut queue),
            Some(Ok((delivery, taken))) = running.join_next() => settle(&app, &settings, delivery, taken, &mut queue),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Some(delivery) = queue.pop() {
                    running.spawn(attempt(client.clone(), post(&app, &settings, &delivery.event), delivery));
                }
            }
            _ = phases.wait_for(|phase| *phase == Phase::Stopped) => return,
        }
    }
}

fn enqueue(app: &App, settings: &WebhookSettings, accepted: &Accepted, queue: &mut Queue) {
    let now = Instant::now();
    let mut added = 0;
    let (mut events, mut duplicates) = (0, 0);
    for event in plan(app, settings, accepted) {
        let (at, event) = (now + event.after, Arc::new(event));
        let twice = !event.forged && settings.duplicates.holds(draw(event.chance, DUPLICATE, 0));
        let copies = if twice { 2 } else { 1 };
        for copy in 0..copies {
            queue.push(
                at + settings.spread * copy,
                Delivery {
                    event: Arc::clone(&event),
                    failed: 0,
                },
            );
        }
        events += 1;
        duplicates += u64::from(twice);
        added += u64::from(copies);
    }
    let mut stats = lock(&app.counters.webhooks);
    stats.events += events;
    stats.duplicates += duplicates;
    // The message itself was counted as pending until its events are.
    stats.pending = (stats.pending + added).saturating_sub(1);
}

fn settle(
    app: &App,
    settings: &WebhookSettings,
    delivery: Delivery,
    taken: bool,
    queue: &mut Queue,
) {
    if let (true, Some(who), false) = (taken, delivery.event.stops, delivery.event.forged) {
        let now = app.now_ms();
        app.book.with(who, |person| {
            person.stop_taken_ms = if person.stop_taken_ms == 0 {
                now
            } else {
                person.stop_taken_ms
            }
        });
    }
    let mut stats = lock(&app.counters.webhooks);
    if delivery.event.forged {
        stats.pending -= 1;
        if taken {
            stats.forged_taken += 1;
        } else {
            stats.forged_refused += 1;
        }
        return;
    }
    if taken {
        stats.pending -= 1;
        stats.delivered += 1;
        return;
    }
    stats.failed_attempts += 1;
    if let Some(&minutes) = REDELIVERY.get(delivery.failed) {
        stats.redelivered += 1;
        let failed = delivery.failed + 1;
        queue.push(
            Instant::now() + settings.minute * minutes,
            Delivery { failed, ..delivery },
        );
    } else {
        stats.pending -= 1;
        stats.given_up += 1;
    }
}

/// What one attempt sends.
struct Post {
    url: String,
    body: String,
    signature: String,
}

fn post(app: &App, settings: &WebhookSettings, event: &Event) -> Post {
    // The time of sending: it differs from attempt to attempt.
    let timestamp = time_text(app.now_ms());
    let body = format!(
        r#"{{"event":"{}","timestamp":"{timestamp}","data":{}}}"#,
        event.name, event.data
    );
    let secret = if event.forged {
        "not the secret"
    } else {
        &settings.secret
    };
    Post {
        url: settings.url.replace("{channel_id}", &event.channel_id),
        signature: sign(secret, body.as_bytes()),
        body,
    }
}

/// The value of `X-Hub-Signature`.
fn sign(secret: &str, body: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut signature = "sha1=".to_owned();
    // HMAC takes keys of any length, so that the error cannot occur.
    if let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.as_bytes()) {
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            // A `String` takes every write.
            _ = write!(signature, "{byte:02x}");
        }
    }
    signature
}

/// One attempt; true if the receiver answered 2xx.
async fn attempt(client: reqwest::Client, post: Post, delivery: Delivery) -> (Delivery, bool) {
    let request = client
        .post(post.url)
        .header(CONTENT_TYPE, "application/json")
        .header("X-Hub-Signature", post.signature);
    let taken = request
        .body(post.body)
        .send()
        .await
        .is_ok_and(|response| response.status().is_success());
    (delivery, taken)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_signature_is_that_of_the_published_test_vectors() {
        // RFC 2202, test case 2.
        let signature = sign("Jefe", b"what do ya want for nothing?");
        assert_eq!(signature, "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }

    #[test]
    fn the_queue_gives_the_earliest_first_and_keeps_the_order_of_equals() {
        let start = Instant::now();
        let mut queue = Queue::default();
        for (ms, failed) in [(20, 1), (10, 2), (10, 3), (0, 4)] {
            let event = Event {
                name: "opt_in",
                channel_id: String::new(),
                data: String::new(),
                after: Duration::ZERO,
                forged: false,
                stops: None,
                chance: 0,
            };
            queue.push(
                start + Duration::from_millis(ms),
                Delivery {
                    event: Arc::new(event),
                    failed,
                },
            );
        }
        let order: Vec<usize> = std::iter::from_fn(|| queue.pop())
            .map(|delivery| delivery.failed)
            .collect();
        assert_eq!(order, [4, 2, 3, 1]);
    }
}

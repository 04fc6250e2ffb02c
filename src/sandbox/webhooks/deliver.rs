//! Sends events to the receiver, signed, with the documented redelivery.

use std::collections::BTreeMap;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use hyper::header::CONTENT_TYPE;
use sha1::Sha1;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::super::account::Receipt;
use super::super::answer::time_text;
use super::super::app::{App, Phase};
use super::super::random::draw;
use super::super::settings::WebhookSettings;
use super::events::{Event, plan};
use crate::domain::text::hex;

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

/// Deliveries in the order of their times, and of their coming.
#[derive(Debug, Default)]
struct Queue {
    waiting: BTreeMap<(Instant, u64), Delivery>,
    last: u64,
}

impl Queue {
    fn push(&mut self, at: Instant, delivery: Delivery) {
        self.last += 1;
        self.waiting.insert((at, self.last), delivery);
    }

    fn next_due(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }

    fn pop(&mut self) -> Option<Delivery> {
        self.waiting.pop_first().map(|(_, delivery)| delivery)
    }
}

/// The task that sends all events, until the sandbox stops.
pub(crate) async fn run(
    app: Arc<App>,
    settings: WebhookSettings,
    mut accepted: mpsc::UnboundedReceiver<Receipt>,
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
            Some(receipt) = accepted.recv() => enqueue(&app, &settings, receipt, &mut queue),
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

/// Plans the events of a message and queues their deliveries.
fn enqueue(app: &App, settings: &WebhookSettings, receipt: Receipt, queue: &mut Queue) {
    let now = Instant::now();
    let mut account = app.account();
    let events = plan(app, &mut account, settings, receipt);
    let stats = &mut account.stats.webhooks;
    // The message itself was pending until its events are.
    stats.pending -= 1;
    for event in events {
        let (at, event) = (now + event.after, Arc::new(event));
        let twice = !event.forged && settings.duplicates.holds(draw(event.chance, DUPLICATE, 0));
        for copy in 0..=u32::from(twice) {
            let event = Arc::clone(&event);
            queue.push(at + settings.spread * copy, Delivery { event, failed: 0 });
            stats.pending += 1;
        }
        stats.events += 1;
        stats.duplicates += u64::from(twice);
    }
}

/// Enters the outcome of an attempt, and queues the next one after a failure.
fn settle(
    app: &App,
    settings: &WebhookSettings,
    delivery: Delivery,
    taken: bool,
    queue: &mut Queue,
) {
    let now_ms = app.now_ms();
    let mut account = app.account();
    let event = &delivery.event;
    if taken
        && let Some(person) = event.stops.and_then(|key| account.people.get_mut(&key))
        && person.stop_taken_ms == 0
    {
        person.stop_taken_ms = now_ms;
    }
    let stats = &mut account.stats.webhooks;
    stats.pending -= 1;
    match (event.forged, taken) {
        (true, true) => stats.forged_taken += 1,
        (true, false) => stats.forged_refused += 1,
        (false, true) => stats.delivered += 1,
        (false, false) => {
            stats.failed_attempts += 1;
            if let Some(&minutes) = REDELIVERY.get(delivery.failed) {
                stats.redelivered += 1;
                stats.pending += 1;
                let failed = delivery.failed + 1;
                queue.push(
                    Instant::now() + settings.minute * minutes,
                    Delivery { failed, ..delivery },
                );
            } else {
                stats.given_up += 1;
            }
        }
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
    // HMAC takes keys of any length: the error cannot occur.
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes());
    let digest = mac.map(|mac| hex(&mac.chain_update(body).finalize().into_bytes()));
    format!("sha1={}", digest.unwrap_or_default())
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

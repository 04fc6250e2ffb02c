//! Questions to the API that are no messages: they use the quota as messages do, wait for the pace, and are
//! counted for every process with the token.

use std::time::Duration;

use super::batch::HeldBatch;
use super::error::RunError;
use super::quota;
use super::settings::{Access, RunSettings};
use super::wait::{Wait, WaitFor};
use crate::amio::{ApiError, Client, Listed, ListedMessage};
use crate::clock::Clock;
use crate::dispatch::pacer::{Flight, Handle, Permit};
use crate::domain::fallback::Step;
use crate::domain::masking::hide_numbers;
use crate::store::{BatchId, Lookup, MayAsk, QuotaUpdate, Store};

/// How soon a connection is looked for again.
const CONNECTION: Duration = Duration::from_millis(50);

/// How often the processes that use the connections are looked for meanwhile: a dead one uses none.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A shorter wait is not reported.
const SHORT: Duration = Duration::from_millis(500);

/// Reports what is waited for: each wait once, in the log too.
pub(super) struct Waits<'a> {
    on_wait: &'a mut (dyn FnMut(&Wait) + Send),
    /// The last one that was reported.
    reported: Option<Wait>,
}

impl<'a> Waits<'a> {
    pub(super) fn new(on_wait: &'a mut (dyn FnMut(&Wait) + Send)) -> Self {
        Self {
            on_wait,
            reported: None,
        }
    }

    fn report(&mut self, wait: Wait) {
        if self.reported.as_ref() != Some(&wait) {
            let what = hide_numbers(&wait.what.to_string());
            tracing::info!(until = %wait.until, "waits {what}");
            (self.on_wait)(&wait);
            self.reported = Some(wait);
        }
    }
}

/// Asks the API questions, at the pace of the token.
pub(super) struct Lookups<'a> {
    batch: &'a HeldBatch,
    client: Client,
    clock: &'a Clock,
    pacer: Handle,
    quota: std::sync::Arc<QuotaUpdate>,
    /// Claims with the token, of all processes, as far as the pacer knows them.
    claimed: u64,
    waits: Waits<'a>,
}

impl<'a> Lookups<'a> {
    pub(super) async fn new(
        batch: &'a HeldBatch,
        access: &Access,
        settings: &RunSettings,
        clock: &'a Clock,
        waits: Waits<'a>,
    ) -> Result<Self, RunError> {
        let client = access.client(settings.timeout, 1, clock)?;
        // An idle connection that is kept would count as used.
        client.keep_connections(false);
        let token = client.token_fingerprint();
        let claimed = batch.reader()?.claimed(token)?;
        let pacer = quota::pacer(batch.store(), token, settings.pacer, clock).await?;
        Ok(Self {
            batch,
            client,
            clock,
            quota: quota::quota_update(&pacer),
            pacer,
            claimed,
            waits,
        })
    }

    /// A page of a contact's messages on the channel of a step; `None` if the contact is gone: nothing is proven then. A
    /// question that the API puts off is asked again.
    pub(super) async fn messages(
        &mut self,
        step: Step,
        contact: &str,
        offset: u32,
    ) -> Result<Option<Vec<ListedMessage>>, RunError> {
        loop {
            let flight = self.turn().await?;
            let channel = self.batch.batch().channels().nth(step.index());
            let channel = channel.unwrap_or(&self.batch.batch().channel);
            let listed = self.client.list_messages(channel, contact, offset).await;
            let put_off = report_to_pacer(flight, &listed);
            self.keep_quota().await?;
            match listed.messages {
                Ok(messages) => return Ok(Some(messages)),
                Err(_) if put_off => {}
                Err(ApiError::Refused { status: 404, .. }) => return Ok(None),
                // The list is documented for Messenger alone: another channel may not have it.
                Err(ApiError::Refused {
                    status: 400 | 405 | 422,
                    ..
                }) if step != Step::FIRST => return Ok(None),
                Err(error) => return Err(RunError::Evidence(error)),
            }
        }
    }

    /// Waits until one question may leave, and counts it.
    async fn turn(&mut self) -> Result<Flight, RunError> {
        loop {
            let permit = permit(&self.pacer, self.clock, &mut self.waits).await?;
            let token = self.client.token_fingerprint();
            let batch = self.batch.batch().id;
            let store = self.batch.store();
            let lookup = store.claim_lookup(batch, token, self.claimed, self.clock.now());
            match lookup.await? {
                Lookup::Claimed => {
                    self.claimed += 1;
                    connection(store, Some(batch), token, self.clock, &mut self.waits).await?;
                    return Ok(permit.started());
                }
                // The permit goes back: others have used the quota meanwhile.
                Lookup::OthersClaimed { total } => {
                    self.pacer.others(total.saturating_sub(self.claimed));
                    self.claimed = total;
                }
            }
        }
    }

    /// The connection is free for others.
    pub(super) async fn end(self) -> Result<(), RunError> {
        let token = self.client.token_fingerprint();
        Ok(self.batch.store().asks_no_more(token).await?)
    }

    /// Keeps what the answers said of the quota, for the next run.
    async fn keep_quota(&self) -> Result<(), RunError> {
        if let Some(state) = (self.quota)() {
            let token = self.client.token_fingerprint();
            let store = self.batch.store();
            store.save_quota(token, state, self.clock.now()).await?;
        }
        Ok(())
    }
}

/// Waits until runs of the token leave a connection to this process, which keeps it until
/// [`Store::asks_no_more`], or a minute. `batch`: the one that this process holds. What a process left that died is
/// settled, and not waited for.
pub(super) async fn connection(
    store: &Store,
    batch: Option<BatchId>,
    token: i64,
    clock: &Clock,
    waits: &mut Waits<'_>,
) -> Result<(), RunError> {
    let (began, start) = (clock.now(), clock.monotonic());
    let mut look_at = start;
    loop {
        let MayAsk::Later { batches, until } = store.may_ask(token, began, clock.now()).await?
        else {
            return Ok(());
        };
        let now = clock.monotonic();
        if now >= look_at {
            look_at = now + LOOK_AGAIN;
            if store.interrupt_dead(batch, clock.now()).await? {
                continue;
            }
        }
        if now.saturating_sub(start) >= SHORT {
            let what = WaitFor::Connection(batches);
            waits.report(Wait { what, until });
        }
        clock.sleep(CONNECTION).await;
    }
}

/// The leave for one request; what is waited for is reported to `waits`.
pub(super) async fn permit(
    pacer: &Handle,
    clock: &Clock,
    waits: &mut Waits<'_>,
) -> Result<Permit, RunError> {
    let mut permit = std::pin::pin!(pacer.acquire());
    loop {
        tokio::select! {
            biased;
            permit = &mut permit => return Ok(permit),
            limit = pacer.nothing_is_ours() => return Err(RunError::Reserve { limit }),
            () = clock.sleep(SHORT) => {
                if let Some(wait) = Wait::of(&pacer.view(), None) {
                    waits.report(wait);
                }
            }
        }
    }
}

/// Reports to the pacer what became of the question; true if the API put it off.
fn report_to_pacer(flight: Flight, listed: &Listed) -> bool {
    match &listed.messages {
        Err(ApiError::Refused { status: 429, .. }) => {
            flight.throttled(&listed.quota, listed.retry_after);
            true
        }
        Ok(_) | Err(ApiError::Refused { .. } | ApiError::Unreadable { .. }) => {
            flight.answered(&listed.quota);
            false
        }
        Err(ApiError::NoAnswer { .. }) => {
            flight.lost();
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::domain::content::Rendered;
    use crate::domain::eligibility::HistorySpan;
    use crate::domain::phone::PhoneNumber;
    use crate::domain::recipient::{Accepted, JudgedRow, Position, RowNumber, Verdict};
    use crate::store::{BatchName, Claim, ClaimRules, Journal, NewBatch};

    const TOKEN: i64 = 7;
    const CHANNEL: &str = "7001";

    fn row() -> JudgedRow {
        let accepted = Accepted {
            phone: PhoneNumber::from_e164(420_777_123_456).unwrap(),
            mended: None,
            first_name: None,
            last_name: None,
            contact_id: None,
            content: Some(Rendered {
                content: r#"{"type":"text","payload":"Hi"}"#.to_owned(),
                metadata: "{}".to_owned(),
            }),
        };
        JudgedRow {
            position: Position {
                file: 0,
                row: RowNumber::new(2).unwrap(),
            },
            mends: None,
            record: std::iter::once("420777123456").collect(),
            typed: "420777123456".to_owned(),
            verdict: Verdict::Queued(accepted),
        }
    }

    /// A checkpoint with batch "spring".
    fn checkpoint(now: Timestamp) -> (tempfile::TempDir, Arc<Store>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let id = store
            .create_batch(NewBatch {
                name: BatchName::Named("spring".to_owned()),
                digest: [7; 32],
                definition: BTreeMap::new(),
                headers: vec!["phone".to_owned()],
                files: vec!["list.csv".to_owned()],
                channel: CHANNEL.to_owned(),
                list: crate::domain::dialect::ListFormat::default(),
                sandbox: false,
                created_at: now,
            })
            .unwrap();
        let mut loader = store.loader(id, CHANNEL, now);
        loader.push(row(), |_| String::new()).unwrap();
        loader.finish().unwrap();
        (folder, Arc::new(store))
    }

    /// A run of the batch that is allowed so many connections, with one request under way.
    async fn run(store: &Arc<Store>, connections: u32, now: Timestamp) {
        let batch = store.reader().unwrap().batch("spring").unwrap();
        let rules = ClaimRules {
            span: HistorySpan::default(),
            token: TOKEN,
            window: None,
        };
        let journal = Journal::start(Arc::clone(store), &batch, rules, now).await;
        let (journal, _) = journal.unwrap();
        let journal = journal.sharing_connections(connections).await.unwrap();
        let (_, claim) = journal.settle_and_claim(None, Some(now)).await.unwrap();
        assert!(matches!(claim, Some(Claim::Claimed(_))), "{claim:?}");
    }

    /// Waits for a connection beside such a run; returns what was reported meanwhile, and how long it took.
    fn waited(
        store: &Arc<Store>,
        connections: u32,
        begin: Timestamp,
    ) -> (Vec<Wait>, SignedDuration) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let clock = Clock::paused(begin);
            run(store, connections, begin).await;
            let mut told = Vec::new();
            let mut tell = |wait: &Wait| told.push(wait.clone());
            let mut waits = Waits::new(&mut tell);
            let waited = connection(store, None, TOKEN, &clock, &mut waits).await;
            waited.unwrap();
            (told, clock.now().duration_since(begin))
        })
    }

    #[test]
    fn a_run_that_uses_all_connections_is_named_and_how_long_it_is_waited_for() {
        let begin: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        for (connections, seconds) in [(1, 40), (2, 6)] {
            let (_folder, store) = checkpoint(begin);
            let _alive = store.hold("spring", begin).unwrap();
            let (told, took) = waited(&store, connections, begin);
            let longest = SignedDuration::from_secs(seconds);
            let wait = Wait {
                what: WaitFor::Connection(vec!["spring".to_owned()]),
                until: begin + longest,
            };
            assert_eq!(told, [wait], "each wait once");
            assert!(took >= longest && took < longest + SignedDuration::from_secs(1));
        }
    }

    #[test]
    fn what_a_dead_run_left_under_way_is_not_waited_for_and_unknown_from_now_on() {
        let begin: Timestamp = "2026-05-01T10:00:00Z".parse().unwrap();
        let (_folder, store) = checkpoint(begin);
        let (told, took) = waited(&store, 1, begin);
        assert_eq!((told, took), (Vec::new(), SignedDuration::ZERO));
        let reader = store.reader().unwrap();
        let counts = reader.counts(reader.batch("spring").unwrap().id).unwrap();
        assert_eq!((counts.sending, counts.unknown), (0, 1));
    }
}

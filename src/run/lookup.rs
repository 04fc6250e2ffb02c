//! Questions to the API that are no messages: they use the quota as messages do, wait for the pace, and are
//! counted for every process with the token.

use std::time::Duration;

use super::batch::HeldBatch;
use super::error::RunError;
use super::quota;
use super::settings::{Access, RunSettings};
use crate::amio::{ApiError, Client, Listed, ListedMessage};
use crate::clock::Clock;
use crate::dispatch::pacer::core::PacerView;
use crate::dispatch::pacer::{Flight, Handle, Permit};
use crate::domain::fallback::Step;
use crate::store::{Lookup, QuotaUpdate, Store};

/// How soon it is looked again whether a connection is free.
const CONNECTION: Duration = Duration::from_millis(50);

/// A shorter wait is not reported.
const SHORT: Duration = Duration::from_millis(500);

/// The way to the API, in the pace of the token.
pub(super) struct Lookups<'a> {
    batch: &'a HeldBatch,
    client: Client,
    clock: &'a Clock,
    pacer: Handle,
    quota: std::sync::Arc<QuotaUpdate>,
    /// Claims with the token, of all processes, as far as the pacer knows them.
    claimed: u64,
}

impl<'a> Lookups<'a> {
    pub(super) async fn new(
        batch: &'a HeldBatch,
        access: &Access,
        settings: &RunSettings,
        clock: &'a Clock,
    ) -> Result<Self, RunError> {
        let client = access.client(settings.timeout, 1, clock)?;
        // One that is kept would count where a run takes its place.
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
        })
    }

    /// A page of a contact's messages on the channel of a step; `None` if the contact is gone: nothing is proven then. A question that
    /// the API puts off is asked again. What is waited for is reported to `waits`.
    pub(super) async fn messages(
        &mut self,
        (step, contact): (Step, &str),
        offset: u32,
        waits: &mut (dyn FnMut(&PacerView) + Send),
    ) -> Result<Option<Vec<ListedMessage>>, RunError> {
        loop {
            let flight = self.turn(waits).await?;
            let channel = self.batch.batch().channels().nth(step.index());
            let channel = channel.unwrap_or(&self.batch.batch().channel);
            let listed = self.client.list_messages(channel, contact, offset).await;
            let put_off = tell(flight, &listed);
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
    async fn turn(
        &mut self,
        waits: &mut (dyn FnMut(&PacerView) + Send),
    ) -> Result<Flight, RunError> {
        loop {
            let permit = permit(&self.pacer, self.clock, waits).await?;
            let token = self.client.token_fingerprint();
            let batch = self.batch.batch().id;
            let store = self.batch.store();
            let lookup = store.claim_lookup(batch, token, self.claimed, self.clock.now());
            match lookup.await? {
                Lookup::Claimed => {
                    self.claimed += 1;
                    connection(store, token, self.clock).await?;
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

    /// What the answer told of the quota is there for the next run.
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
/// [`Store::asks_no_more`], or a minute.
pub(super) async fn connection(store: &Store, token: i64, clock: &Clock) -> Result<(), RunError> {
    let began = clock.now();
    while !store.may_ask(token, began, clock.now()).await? {
        clock.sleep(CONNECTION).await;
    }
    Ok(())
}

/// The leave for one request; what is waited for is reported to `waits`.
pub(super) async fn permit(
    pacer: &Handle,
    clock: &Clock,
    waits: &mut (dyn FnMut(&PacerView) + Send),
) -> Result<Permit, RunError> {
    let mut permit = std::pin::pin!(pacer.acquire());
    loop {
        tokio::select! {
            biased;
            permit = &mut permit => return Ok(permit),
            limit = pacer.nothing_is_ours() => return Err(RunError::Reserve { limit }),
            () = clock.sleep(SHORT) => waits(&pacer.view()),
        }
    }
}

/// Tells the pacer what became of the question; true if the API put it off.
fn tell(flight: Flight, listed: &Listed) -> bool {
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

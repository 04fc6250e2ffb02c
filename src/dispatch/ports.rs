//! What a run works with: where recipients are claimed and settled, and where messages go.

use jiff::Timestamp;

use super::refusals::TakenBack;
use crate::amio::Reply;
use crate::clock::Moment;
use crate::domain::fallback::Step;
use crate::store::{Claim, Claimed, Journal, Settled, Settlement, StoreError};

/// Where recipients are claimed and settled.
pub trait Ledger: Send + Sync + 'static {
    /// Records a result and claims the next recipient, durably and together.
    fn settle_and_claim(
        &self,
        settlement: Option<Settlement>,
        claim_at: Option<Timestamp>,
    ) -> impl Future<Output = Result<(Option<Settled>, Option<Claim>), StoreError>> + Send;

    /// Records a result, durably, and returns whether this run has recipients left that are not under way.
    fn has_outstanding(
        &self,
        settlement: Option<Settlement>,
        at: Timestamp,
    ) -> impl Future<Output = Result<(Option<Settled>, bool), StoreError>> + Send;

    /// Settles what dead processes left under way, for which recipients of this run may wait.
    fn interrupt_dead(&self, now: Timestamp)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes refusals back: nothing that may have been accepted is queued by it.
    fn take_back(
        &self,
        results: TakenBack,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Remembers the type of the channel of a step.
    fn learn_channel_type(
        &self,
        step: Step,
        kind: String,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Nothing more goes through the channel of this step in this run.
    fn refuse_channel(&self, step: Step);
}

/// Where messages go.
pub trait Sender: Send + Sync + 'static {
    /// Sends the recipient's message, once; not at all if it does not begin soon after it was `decided`.
    fn send(&self, recipient: &Claimed, decided: Moment) -> impl Future<Output = Reply> + Send;

    /// Whether connections may stay open for the next request. Where others share them, none may: each would count
    /// as one of those that are allowed.
    fn keep_connections(&self, _keep: bool) {}
}

impl Ledger for Journal {
    fn settle_and_claim(
        &self,
        settlement: Option<Settlement>,
        claim_at: Option<Timestamp>,
    ) -> impl Future<Output = Result<(Option<Settled>, Option<Claim>), StoreError>> + Send {
        Self::settle_and_claim(self, settlement, claim_at)
    }

    fn has_outstanding(
        &self,
        settlement: Option<Settlement>,
        at: Timestamp,
    ) -> impl Future<Output = Result<(Option<Settled>, bool), StoreError>> + Send {
        Self::has_outstanding(self, settlement, at)
    }

    fn interrupt_dead(
        &self,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        Self::interrupt_dead(self, now)
    }

    fn take_back(
        &self,
        results: TakenBack,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        Self::take_back(self, results.rows, results.hold, now)
    }

    fn learn_channel_type(
        &self,
        step: Step,
        kind: String,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        self.set_channel_type(step, kind)
    }

    fn refuse_channel(&self, step: Step) {
        Self::refuse_channel(self, step);
    }
}

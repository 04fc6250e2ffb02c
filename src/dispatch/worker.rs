//! One connection's task.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use super::guards::{Advice, Cause};
use super::pacer::{Pass, Permit};
use super::ports::{Ledger, Sender};
use super::shared::{RunEnd, Shared};
use crate::amio::{Addressee, Reply};
use crate::clock::Moment;
use crate::crash::{CrashPoint, crash_point};
use crate::domain::delivery::Event;
use crate::domain::fallback::Step;
use crate::domain::masking::hide_numbers;
use crate::domain::outcome::{Address, Outcome, classify};
use crate::domain::phone::Region;
use crate::domain::retry::Jitter;
use crate::domain::sending::Undecided;
use crate::locked::lock;
use crate::store::{Claim, Claimed, Settled, Settlement, StoreError};

/// How soon a run asks again for a connection that another one uses.
const CONNECTION: Duration = Duration::from_millis(20);

/// How often such a run looks meanwhile whether the other one is still there.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often a run that shares the connections looks whether the others are still there: what a dead one leaves
/// is used again.
const OTHERS_LIVE: Duration = Duration::from_secs(5);

/// A turn to send: nothing kept the request back when it was given.
type Turn = (Pass, Permit);

/// Works until there is nothing left, or until asked to stop.
pub(super) async fn work<L: Ledger, S: Sender>(
    shared: Arc<Shared<L>>,
    sender: Arc<S>,
) -> Result<(), StoreError> {
    let mut result: Option<Settlement> = None;
    loop {
        if shared.shares_connections.load(Ordering::Relaxed) {
            look_for_dead(&shared, OTHERS_LIVE).await?;
        }
        let Some(turn) = next_turn(&shared, &mut result).await? else {
            return settle(&shared, result.take()).await;
        };
        let decided = shared.clock.moment();
        let found = claim(&shared, result.take(), decided.wall).await?;
        if matches!(found, Claim::NoConnection) {
            shared.progress.lacks_connection(decided.wall);
        } else {
            shared.progress.has_connection();
        }
        match found {
            Claim::Claimed(recipient) if may_leave(&shared, &turn.0, &recipient) => {
                let (settlement, channel_type) =
                    send(&shared, &*sender, turn, &recipient, decided).await;
                result = Some(settlement);
                if let Some((step, kind)) = channel_type {
                    // What is known of the message comes first: it must not hang on other writes.
                    settle(&shared, result.take()).await?;
                    shared.ledger.learn_channel_type(step, kind).await?;
                }
            }
            Claim::Claimed(recipient) => result = Some(kept_back(&shared, &recipient)),
            Claim::OthersSpent(requests) => shared.pacer.others(u64::from(requests)),
            Claim::SharedBy(runs) => {
                shared.pacer.shared_by(runs);
                shared.shares_connections.store(runs > 1, Ordering::Relaxed);
                sender.keep_connections(runs == 1);
            }
            Claim::NoConnection => {
                drop(turn);
                wait_for_connection(&shared).await?;
            }
            Claim::Again => {}
            Claim::Paused(by) => shared.stop.request(RunEnd::Paused(by)),
            Claim::Exhausted { opens_at: Some(at) } => {
                drop(turn);
                wait_for_rows(&shared, at).await?;
            }
            Claim::Exhausted { opens_at: None } => {
                shared.emptied.notify_waiters();
                return Ok(());
            }
        }
    }
}

/// Waits a moment for a connection: the checkpoint says that other runs use them all.
async fn wait_for_connection<L: Ledger>(shared: &Shared<L>) -> Result<(), StoreError> {
    let _storing = shared.progress.storing();
    look_for_dead(shared, LOOK_AGAIN).await?;
    tokio::select! {
        () = shared.stop.requested() => {}
        () = shared.clock.sleep(CONNECTION) => {}
    }
    Ok(())
}

/// Waits until `at`, when the first of the rows that are left may be sent.
async fn wait_for_rows<L: Ledger>(shared: &Shared<L>, at: Timestamp) -> Result<(), StoreError> {
    // One worker looks on behalf of all.
    look_for_dead(shared, Duration::ZERO).await?;
    shared.progress.rows_wait_until(Some(at));
    tokio::select! {
        () = shared.stop.requested() => {}
        () = shared.clock.sleep_until_wall(at) => {}
    }
    shared.progress.rows_wait_until(None);
    Ok(())
}

/// Settles what dead processes left under way, unless that was done within `lately`.
async fn look_for_dead<L: Ledger>(shared: &Shared<L>, lately: Duration) -> Result<(), StoreError> {
    // One task looks on behalf of all.
    let Ok(mut looked) = shared.looks_for_dead.try_lock() else {
        return Ok(());
    };
    let now = shared.clock.monotonic();
    if looked.is_none_or(|at| now.saturating_sub(at) >= lately) {
        *looked = Some(now);
        let _storing = shared.progress.storing();
        shared.ledger.interrupt_dead(shared.clock.now()).await?;
    }
    Ok(())
}

/// The next turn; `None` when asked to stop, or when no recipient is left. A result that would have to
/// wait goes to disk first.
async fn next_turn<L: Ledger>(
    shared: &Shared<L>,
    result: &mut Option<Settlement>,
) -> Result<Option<Turn>, StoreError> {
    if shared.stop.reason().is_some() {
        return Ok(None);
    }
    let mut turn = pin!(shared.pacer.admit());
    let at_once = tokio::select! {
        biased;
        turn = &mut turn => Some(turn),
        () = std::future::ready(()) => None,
    };
    if let Some(turn) = at_once {
        return Ok(Some(turn));
    }
    loop {
        let mut emptied = pin!(shared.emptied.notified());
        // Registered before the queue is read, so that whatever empties the queue after it is not missed.
        emptied.as_mut().enable();
        if !is_anybody_left(shared, result.take()).await? {
            return Ok(None);
        }
        tokio::select! {
            biased;
            () = shared.stop.requested() => return Ok(None),
            turn = &mut turn => return Ok(Some(turn)),
            () = emptied => {}
        }
    }
}

/// Records the result, and returns whether to wait for a turn.
async fn is_anybody_left<L: Ledger>(
    shared: &Shared<L>,
    result: Option<Settlement>,
) -> Result<bool, StoreError> {
    if result.is_some() {
        crash_point(CrashPoint::BeforeResultCommit);
    }
    let _storing = shared.progress.storing();
    let (settled, left) = shared
        .ledger
        .has_outstanding(result, shared.clock.now())
        .await?;
    count_settled(shared, settled);
    if !left {
        shared.emptied.notify_waiters();
    }
    Ok(left)
}

/// Whether the request may still leave: its intent may have taken long to reach the disk, because another
/// program held the checkpoint.
fn may_leave<L>(shared: &Shared<L>, pass: &Pass, recipient: &Claimed) -> bool {
    let schedule = &shared.settings.schedule;
    let their_hours = || {
        let region = recipient.phone.region().map(Region::code);
        schedule.may_send_to(shared.clock.now(), region.as_deref())
    };
    shared.stop.reason().is_none() && pass.holds() && (schedule.window.is_none() || their_hours())
}

async fn settle<L: Ledger>(
    shared: &Shared<L>,
    result: Option<Settlement>,
) -> Result<(), StoreError> {
    if result.is_some() {
        settle_and_claim(shared, result, None).await?;
    }
    Ok(())
}

async fn claim<L: Ledger>(
    shared: &Shared<L>,
    result: Option<Settlement>,
    at: Timestamp,
) -> Result<Claim, StoreError> {
    let claim = settle_and_claim(shared, result, Some(at)).await?;
    Ok(claim.unwrap_or(Claim::Again))
}

async fn settle_and_claim<L: Ledger>(
    shared: &Shared<L>,
    result: Option<Settlement>,
    claim_at: Option<Timestamp>,
) -> Result<Option<Claim>, StoreError> {
    if result.is_some() {
        crash_point(CrashPoint::BeforeResultCommit);
    }
    let _storing = shared.progress.storing();
    let (settled, claim) = shared.ledger.settle_and_claim(result, claim_at).await?;
    count_settled(shared, settled);
    Ok(claim)
}

fn count_settled<L>(shared: &Shared<L>, settled: Option<Settled>) {
    if let Some(settled) = settled {
        shared.progress.settled(settled.state);
    }
}

/// Sends the one request that the claim allows, and draws the conclusions; also returns the channel's type, if
/// this answer is the first to name it.
async fn send<L: Ledger, S: Sender>(
    shared: &Shared<L>,
    sender: &S,
    turn: Turn,
    recipient: &Claimed,
    decided: Moment,
) -> (Settlement, Option<(Step, String)>) {
    crash_point(CrashPoint::AfterIntentCommit);
    let (pass, permit) = turn;
    let flight = permit.started();
    shared.progress.started();
    let begun = shared.clock.monotonic();
    let reply = sender.send(recipient, decided).await;
    let took = shared.clock.monotonic().saturating_sub(begun);
    shared.progress.ended(took);
    crash_point(CrashPoint::AfterRequest);
    let address = match &recipient.addressee {
        Addressee::ContactId(_) => Address::ContactId,
        Addressee::Phone { .. } => shared.address_by_phone(recipient.step),
    };
    let outcome = classify(&reply.exchange, address, &shared.settings.refusal_rules);
    log(recipient, &reply, &outcome, took);
    if matches!(outcome, Outcome::Throttled { .. }) {
        shared.progress.throttled();
    }
    flight.ended(&reply.exchange, &outcome, &reply.quota);
    if outcome.is_unread() {
        shared.progress.unread(outcome.text());
    }
    if let Some(date) = reply.quota.date {
        compare_clocks(shared, date);
    }
    heed_guards(shared, &pass, recipient, &outcome);
    drop(pass);
    let channel_type = new_channel_type(shared, recipient.step, &outcome);
    let settlement = settlement(shared, recipient, reply.exchange.status(), outcome);
    (settlement, channel_type)
}

/// One line a request, where the user asked for it. The number is masked, and so are those in the API's text.
fn log(recipient: &Claimed, reply: &Reply, outcome: &Outcome, took: Duration) {
    let status = reply.exchange.status();
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(
        row = recipient.row,
        phone = recipient.phone.masked(),
        outcome = outcome.word().word(),
        status,
        milliseconds,
        text = hide_numbers(outcome.text()),
        "request"
    );
}

/// The claim is given back: surely nothing left.
fn kept_back<L>(shared: &Shared<L>, recipient: &Claimed) -> Settlement {
    let text =
        "not sent: before the claim was on disk, the run was stopped, paused, or its hours ended";
    let outcome = Outcome::NotSent {
        text: text.to_owned(),
    };
    settlement(shared, recipient, None, outcome)
}

/// Stops the batch before others follow the canary, if the clock is wrong.
fn compare_clocks<L>(shared: &Shared<L>, theirs: Timestamp) {
    let ours = shared.clock.now();
    let mut guards = lock(&shared.guards);
    if let Some(halt) = guards.compare_clocks(ours, theirs) {
        shared.stop.request(RunEnd::Halted(halt));
    }
}

/// The channel's type, if this answer is the first to name it.
fn new_channel_type<L>(
    shared: &Shared<L>,
    step: Step,
    outcome: &Outcome,
) -> Option<(Step, String)> {
    let Outcome::Sent(receipt) = outcome else {
        return None;
    };
    let mut known = lock(&shared.channel_types);
    let known = known.get_mut(step.index()).filter(|it| it.is_none())?;
    known.clone_from(&receipt.channel_type);
    known.clone().map(|kind| (step, kind))
}

/// Does what the guards advise.
fn heed_guards<L: Ledger>(shared: &Shared<L>, pass: &Pass, recipient: &Claimed, outcome: &Outcome) {
    let jitter = match outcome {
        // Only what may lead to a pause needs a random number.
        Outcome::Sent(_)
        | Outcome::NoMessenger { .. }
        | Outcome::Rejected { .. }
        | Outcome::ContactGone { .. }
        | Outcome::Limited { .. }
        | Outcome::Throttled { .. }
        | Outcome::Fatal { .. } => Jitter::FULL,
        Outcome::NotSent { .. } | Outcome::Later { .. } | Outcome::Undecided { .. } => {
            let mut random = lock(&shared.jitter);
            Jitter::from_bits(random())
        }
    };
    let advice = {
        let mut guards = lock(&shared.guards);
        let now = shared.clock.monotonic();
        let whose = (recipient.recipient, recipient.step);
        guards.observe(whose, outcome, pass.is_alone(), now, jitter)
    };
    match advice {
        Advice::Go if pass.is_alone() => shared.pacer.open_gate(),
        Advice::Go | Advice::Probe => {}
        Advice::Pause(pause, cause) => {
            note_pause(shared, cause, outcome.text());
            shared.pacer.shut_gate(pause);
        }
        Advice::LeaveChannel => shared.ledger.refuse_channel(recipient.step),
        Advice::Stop(halt) => shared.stop.request(RunEnd::Halted(halt)),
    }
}

fn note_pause<L>(shared: &Shared<L>, cause: Cause, text: &str) {
    *lock(&shared.last_failure) = (cause, text.to_owned());
}

fn settlement<L>(
    shared: &Shared<L>,
    recipient: &Claimed,
    http_status: Option<u16>,
    outcome: Outcome,
) -> Settlement {
    let may_retry = match shared.settings.undecided {
        Undecided::Retry { attempts } => recipient.attempts + 1 < attempts,
        Undecided::Hold => false,
    };
    let event = if may_retry && outcome.event() == Event::AnswerLost {
        Event::Released
    } else {
        outcome.event()
    };
    Settlement {
        recipient: recipient.recipient,
        outcome: outcome.word(),
        event,
        http_status,
        text: outcome.text().to_owned(),
        why: outcome.why(),
        known: outcome.known_meaning(),
        by_text: outcome.is_by_text(),
        receipt: outcome.into_receipt(),
        at: shared.clock.now(),
    }
}

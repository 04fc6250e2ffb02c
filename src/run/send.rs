//! One run of a batch: connects the journal, the API and the pacer, and reports to an observer.

mod dispatch_settings;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Interval, MissedTickBehavior};

use super::batch::HeldBatch;
use super::end::{Ended, Waiting};
use super::error::RunError;
use super::hours;
use super::notes::Notes;
use super::observer::{Observer, RunProgress, Started, StopHandle, StopRequest, Trend};
use super::past;
use super::pilot;
use super::quota;
use super::sender::ApiSender;
use super::settings::{Access, RunSettings};
use super::sound::SoundCheck;
use super::wait::{Wait, for_connection, lacks_connection, wait};
use crate::clock::Clock;
use crate::dispatch::pacer::Handle;
use crate::dispatch::{Dispatcher, Guards, Halt, RunEnd};
use crate::domain::schedule::Schedule;
use crate::store::{ClaimRules, Journal, RunRecord, Seen};

use dispatch_settings::{concurrency, dispatch_settings, kept_api, schedule_of};

/// How often progress is reported.
const TICK: Duration = Duration::from_millis(200);

/// How often the checkpoint's path is compared with the file that is open, and whether something moves.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// After how many checks in a row without progress a run has stalled.
const STALLED_POLLS: u32 = 8;

/// How long a run that is to end at once may still write results.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// A run that is ready to begin.
struct Run<'a> {
    batch: &'a HeldBatch,
    settings: &'a RunSettings,
    clock: &'a Clock,
    journal: Journal,
    pacer: Handle,
    /// The token's fingerprint.
    token: i64,
    dispatcher: Dispatcher<Journal, ApiSender>,
    /// When may be sent, whatever the deadline.
    schedule: Schedule,
    /// A check of the checkpoint that goes on beside the run.
    check: Option<SoundCheck>,
}

impl HeldBatch {
    /// Sends what is outstanding, until all is settled, a guard stops the batch, its time is over, or `stop`
    /// asks for an end. Dropping the future is as safe as a crash: requests under way are unknown then.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails, or a part of the program. What is known is on disk as far as it
    /// got there. [`RunError::Abandoned`] if the run is to end at once while another program holds the
    /// checkpoint: the process should end then, since what it could not write still waits.
    pub async fn send(
        &self,
        access: &Access,
        settings: &RunSettings,
        clock: &Clock,
        stop: &StopHandle,
        observer: &mut dyn Observer,
    ) -> Result<Ended, RunError> {
        let settings = &self.settings(settings);
        let given_up = async {
            grace_over(stop, settings.grace, clock).await;
            clock.sleep(LAST_WAIT).await;
        };
        tokio::select! {
            biased;
            ended = self.send_to_the_end(access, settings, clock, stop, observer) => {
                if ended.as_ref().is_err_and(RunError::is_full_disk) {
                    // Where even that finds no room, the run ends as one that was killed.
                    let _ = self.store().note_full_disk(self.batch().id, clock.now()).await;
                }
                ended
            }
            () = given_up => {
                // Dropping the last handle waits for all that is to be written; the end of the process does not.
                std::mem::forget(Arc::clone(self.store()));
                Err(RunError::Abandoned(self.batch().name.clone()))
            }
        }
    }

    async fn send_to_the_end(
        &self,
        access: &Access,
        settings: &RunSettings,
        clock: &Clock,
        stop: &StopHandle,
        observer: &mut dyn Observer,
    ) -> Result<Ended, RunError> {
        let (mut run, interrupted) = Run::start(self, access, settings, clock).await?;
        let queued = match pilot::counts(&self.reader()?, self.batch())? {
            Some(left) => left.queued,
            None => self.reader()?.counts(self.batch().id)?.queued,
        };
        observer.started(&Started {
            batch: self.batch().name.clone(),
            queued,
            interrupted,
        });
        let end = run.drive(queued, stop, observer).await?;
        let refused = run.dispatcher.refused_channel();
        let waited = run.wait();
        run.journal.end(clock.now()).await?;
        self.finish(end, refused, waited, stop, settings, clock)
            .await
    }

    /// Webhook events that came before their time may settle what is unknown.
    async fn apply_events(&self, clock: &Clock) -> Result<(), RunError> {
        let events = self.store().apply_waiting_events(clock.now()).await?;
        for problem in &events.problems {
            tracing::warn!("{problem}");
        }
        Ok(())
    }

    /// Records how the run ended. Of a channel that was refused, people may be left.
    async fn finish(
        &self,
        end: RunEnd,
        refused: Option<Halt>,
        waited: Option<Wait>,
        stop: &StopHandle,
        settings: &RunSettings,
        clock: &Clock,
    ) -> Result<Ended, RunError> {
        // Events that came during the run may settle what is unknown, and queue people.
        self.apply_events(clock).await?;
        let id = self.batch().id;
        self.store().close_follow_up(id, clock.now()).await?;
        // Only now: while other people were left, another run with other hours could still have reached these.
        if end == RunEnd::Complete {
            self.store().suppress_never(id, clock.now()).await?;
        }
        let mut ended = self.store().read_opened(|reader| {
            let (rows, first) = reader.waiting_for_outcomes(id)?;
            let waiting = Waiting { rows, first };
            let counts = reader.counts(id)?;
            let held = if counts.queued > 0 {
                reader.held(id)?.iter().map(|held| held.rows).sum()
            } else {
                0
            };
            let pilot = pilot::counts(reader, self.batch())?;
            let left = pilot.map_or(counts.queued.saturating_sub(held), |left| left.queued);
            // The refused channel is the reason to stop only if people are left whom nothing else keeps back.
            let end = match (end, refused) {
                (RunEnd::Complete, Some(halt)) if left > waiting.rows => RunEnd::Halted(halt),
                (end, _) => end,
            };
            Ok(Ended::new(end, counts, waiting, held, pilot).fail_below(settings.fail_below))
        })?;
        ended.ended_by = match ended.end {
            RunEnd::Interrupted => stop.by().map(str::to_owned),
            RunEnd::Deadline => settings.schedule.deadline_text(clock.now()),
            RunEnd::Complete | RunEnd::Halted(_) | RunEnd::Displaced | RunEnd::Paused(_) => None,
        };
        let is_paused = matches!(ended.end, RunEnd::Interrupted | RunEnd::Deadline);
        let waited = waited.filter(|it| is_paused && it.is_long(clock.now()));
        let record = RunRecord {
            at: clock.now(),
            state: ended.state,
            why: ended.why(),
            exit_reason: ended.exit.reason(),
            halted_text: ended.halted_text(),
            by: ended.by(
                waited.as_ref().and_then(|it| it.what.matter()),
                self.batch().follow_up.is_some() || self.batch().fallback.is_some(),
            ),
            by_deadline: ended.is_paused_by_deadline(),
            pilot_is_over: ended.pilot_is_over,
            until: waited.map(|it| it.until),
        };
        self.store().end_run(id, record).await?;
        if matches!(ended.end, RunEnd::Displaced) {
            self.store().keep_beside()?;
        }
        Ok(ended)
    }
}

impl<'a> Run<'a> {
    /// Opens the journal; also returns how many recipients an earlier process left under way.
    async fn start(
        batch: &'a HeldBatch,
        access: &Access,
        settings: &'a RunSettings,
        clock: &'a Clock,
    ) -> Result<(Self, u64), RunError> {
        let (store, id) = (batch.store(), batch.batch().id);
        let schedule = schedule_of(batch.batch(), access, settings)?;
        if let Some(address) = kept_api(batch, access)? {
            store.keep_api(id, address).await?;
        }
        let client = access.client(settings.timeout, concurrency(settings).get(), clock)?;
        let token = client.token_fingerprint();
        let sender = ApiSender::new(client, batch)?;
        store.read_opened(|_| Ok(()))?;
        let check = SoundCheck::begin(store, id, clock).await?;
        // An opt-out that waits counts before the first claim.
        batch.apply_events(clock).await?;
        store.begin_run(id, token, clock.now()).await?;
        let rules = ClaimRules {
            span: settings.history,
            token,
            window: hours::window(&schedule),
        };
        let (journal, start) =
            Journal::start(Arc::clone(store), batch.batch(), rules, clock.now()).await?;
        let pacer = quota::pacer(store, token, settings.pacer, clock).await?;
        let journal = journal.with_quota(quota::quota_update(&pacer));
        let journal = sharing_connections(journal, batch, settings).await?;
        let dispatch = dispatch_settings(batch, settings, &schedule)?;
        let past = past::answers(batch, &dispatch.refusal_rules)?;
        let dispatcher = Dispatcher::new(
            journal.clone(),
            sender,
            pacer.clone(),
            clock.clone(),
            Guards::new(settings.guards.clone(), past),
            dispatch,
            random_bits(),
        );
        let run = Self {
            batch,
            settings,
            clock,
            journal,
            pacer,
            token,
            dispatcher,
            schedule: Schedule {
                deadline: None,
                ..schedule
            },
            check,
        };
        Ok((run, start.interrupted))
    }

    /// Runs the dispatcher, reports progress, and ends when that is asked for.
    async fn drive(
        &mut self,
        queued: u64,
        stop: &StopHandle,
        observer: &mut dyn Observer,
    ) -> Result<RunEnd, RunError> {
        if !self.batch.store().is_in_place() {
            return Ok(RunEnd::Displaced);
        }
        let (mut poll, mut tick) = (every(POLL_INTERVAL), every(TICK));
        let (mut trend, mut still) = (Trend::default(), 0);
        let mut check = self.check.take();
        let checked = over(&mut check);
        let (mut damage, mut seen) = (Ok(()), Seen::default());
        let run = self.dispatcher.run();
        let abandoned = self.wait_for_stop(stop);
        tokio::pin!(run, abandoned, checked);
        let mut checking = true;
        let mut notes = Notes::of(self.batch);
        loop {
            tokio::select! {
                end = &mut run => {
                    self.report_unread(observer);
                    observer.progress(&self.progress(queued, &mut trend));
                    notes.end(self.clock.now()).await;
                    damage.and_then(|()| self.check_file(&mut seen))?;
                    return Ok(end?);
                }
                sound = &mut checked, if checking => {
                    checking = false;
                    if sound.is_err() {
                        self.dispatcher.stop().request(RunEnd::Interrupted);
                        damage = sound;
                    }
                }
                () = &mut abandoned => {
                    // Dropping the run abandons what is in flight.
                    self.journal.interrupt(self.clock.now()).await?;
                    return Ok(RunEnd::Interrupted);
                }
                _ = poll.tick() => {
                    damage = damage
                        .and_then(|()| self.check_file(&mut seen))
                        .and_then(|()| self.check_pause());
                    still = if self.dispatcher.stands_still() { still + 1 } else { 0 };
                    if still > STALLED_POLLS {
                        self.journal.interrupt(self.clock.now()).await?;
                        return Err(self.stalled()?);
                    }
                }
                () = notes.written() => {}
                _ = tick.tick() => {
                    self.report_unread(observer);
                    let progress = self.progress(queued, &mut trend);
                    observer.progress(&progress);
                    notes.see(&progress, self.dispatcher.is_open());
                }
            }
        }
    }

    /// Whether the checkpoint is still the file that was opened, with all that was written; if not, the run ends.
    fn check_file(&self, seen: &mut Seen) -> Result<(), RunError> {
        let store = self.batch.store();
        let seen = seen.check(store);
        if !store.is_in_place() {
            self.dispatcher.stop().request(RunEnd::Displaced);
            return Ok(());
        }
        if seen.is_err() {
            self.dispatcher.stop().request(RunEnd::Interrupted);
        }
        Ok(seen?)
    }

    /// Ends the run if a person paused the batch: one that waits claims nothing, and would not notice.
    fn check_pause(&self) -> Result<(), RunError> {
        if self.dispatcher.stop().reason().is_some() {
            return Ok(());
        }
        let paused = self.batch.reader()?.paused_by(self.batch.batch().id);
        let end = match &paused {
            Ok(None) => return Ok(()),
            Ok(Some(by)) => RunEnd::Paused(by.clone()),
            Err(_) => RunEnd::Interrupted,
        };
        self.dispatcher.stop().request(end);
        Ok(paused.map(|_| ())?)
    }

    fn report_unread(&self, observer: &mut dyn Observer) {
        for text in self.dispatcher.progress().new_unread() {
            observer.unread_refusal(&text);
        }
    }

    fn stalled(&self) -> Result<RunError, RunError> {
        let batch = self.batch.batch();
        Ok(RunError::StoodStill {
            batch: batch.name.clone(),
            queued: self.batch.reader()?.counts(batch.id)?.queued,
        })
    }

    /// Once a stop is asked for, nothing more is claimed. Returns when what is under way is not waited for any
    /// longer.
    async fn wait_for_stop(&self, stop: &StopHandle) {
        stop.asked_for(StopRequest::Finish).await;
        self.dispatcher.stop().request(RunEnd::Interrupted);
        grace_over(stop, self.settings.grace, self.clock).await;
    }

    /// What is waited for now.
    fn wait(&self) -> Option<Wait> {
        let now = self.clock.now();
        let rows = self.dispatcher.rows_wait(now);
        let outage = self.dispatcher.outage();
        let pace = self.pacer.view();
        let kept_back = wait(&self.schedule, outage.as_ref(), &pace, rows, now);
        kept_back.or_else(|| self.wait_for_connection(now))
    }

    /// Who uses the connections, once that has lasted a while. What cannot be read is not shown.
    fn wait_for_connection(&self, now: Timestamp) -> Option<Wait> {
        let since = self.dispatcher.lacks_connection_since()?;
        if !lacks_connection(since, now) {
            return None;
        }
        let reader = self.batch.reader().ok()?;
        let users = reader.connection_users(self.token, self.batch.batch().id, now);
        Some(for_connection(since, users.ok()?, self.settings.timeout))
    }

    fn progress(&self, queued: u64, trend: &mut Trend) -> RunProgress {
        let (at, done) = (self.clock.moment(), self.dispatcher.progress().view());
        trend.count(done.requests, at.mono);
        let rows = queued.saturating_sub(done.settled());
        // The quota of a rehearsal says nothing of a real run.
        let forecast = if self.batch.batch().sandbox {
            None
        } else {
            trend.forecast(self.settings, rows, self.pacer.state(), done.latency, at)
        };
        RunProgress {
            at,
            queued,
            done,
            pace: self.pacer.view(),
            outage: self.dispatcher.outage(),
            wait: self.wait(),
            rate: trend.rate(),
            forecast,
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Waits for the end of the check; for ever, where there is none.
async fn over(check: &mut Option<SoundCheck>) -> Result<(), RunError> {
    match check {
        Some(check) => check.over().await,
        None => std::future::pending().await,
    }
}

/// The runs with one token share its connections; each rehearsal has a sandbox of its own.
async fn sharing_connections(
    journal: Journal,
    batch: &HeldBatch,
    settings: &RunSettings,
) -> Result<Journal, RunError> {
    if batch.batch().sandbox {
        return Ok(journal);
    }
    let connections = settings.pacer.concurrency.get();
    Ok(journal.sharing_connections(connections).await?)
}

/// Returns once a stop was asked for, and what is under way is not waited for any longer.
async fn grace_over(stop: &StopHandle, grace: Duration, clock: &Clock) {
    stop.asked_for(StopRequest::Finish).await;
    tokio::select! {
        () = stop.asked_for(StopRequest::AtOnce) => {}
        () = clock.sleep(grace) => {}
    }
}

/// Jitter needs no secrecy: the standard library's per-process hash seed is random enough.
pub(crate) fn random_bits() -> Box<dyn FnMut() -> u64 + Send> {
    use std::hash::{BuildHasher, RandomState};
    let (state, mut count) = (RandomState::new(), 0_u64);
    Box::new(move || {
        count += 1;
        state.hash_one(count)
    })
}

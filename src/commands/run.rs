//! One run of a batch: connects the journal, the API and the pacer, heeds signals, shows progress.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::MissedTickBehavior;

use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::finish;
use super::known::history_span;
use super::pace;
use super::progress_text::Story;
use crate::amio::{self, BaseUrl, Client, ClientSettings, OutgoingMessage, RawJson, Reply};
use crate::clock::Clock;
use crate::config;
use crate::dispatch::pacer::Handle;
use crate::dispatch::pacer::core::Settings as PacerSettings;
use crate::dispatch::{
    DispatchSettings, Dispatcher, GuardSettings, Guards, RunEnd, Sender, Stop, Undecided,
};
use crate::domain::content::{BATCH_KEY, RECIPIENT_KEY, ROW_KEY};
use crate::domain::delivery::State;
use crate::domain::outcome::{Exchange, Written};
use crate::domain::quota::QuotaHeaders;
use crate::exit::ExitCode;
use crate::report::ProgressLine;
use crate::store::{Batch, ClaimRules, Claimed, Hold, Journal, Store};

/// How often progress is shown.
const TICK: Duration = Duration::from_millis(200);

/// How often a lost answer is sent again with `--undecided retry`.
const UNDECIDED_ATTEMPTS: u32 = 3;

/// Where the API is, and who we are.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) base_url: BaseUrl,
    pub(super) token: SecretString,
}

/// A batch that is ready to be sent.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) store: Arc<Store>,
    pub(super) batch: Batch,
    /// Fingerprint of the token, where there is one.
    pub(super) token: Option<i64>,
    /// Held until the run is over.
    pub(super) _hold: Hold,
    pub(super) pace: config::Pace,
    pub(super) guards: config::Guards,
    pub(super) timeout: Duration,
    pub(super) concurrency: NonZeroU32,
    pub(super) out: Option<PathBuf>,
    pub(super) summary: Option<PathBuf>,
    pub(super) console: Console,
    pub(super) clock: Clock,
}

/// Sends a claimed recipient's message through the API.
#[derive(Debug)]
struct ApiSender {
    client: Client,
    channel: String,
    /// The batch's name as JSON text.
    batch: String,
    /// What names checkpoint and batch in an event that comes back.
    key: String,
}

impl Sender for ApiSender {
    async fn send(&self, recipient: &Claimed) -> Reply {
        let content = RawJson::new(recipient.content.clone());
        let metadata = RawJson::new(self.metadata(recipient));
        let (Ok(content), Ok(metadata)) = (content, metadata) else {
            return Reply {
                exchange: Exchange::Failed {
                    written: Written::No,
                    detail: "the stored content is no JSON".to_owned(),
                },
                quota: QuotaHeaders::default(),
            };
        };
        let message = OutgoingMessage {
            channel: &self.channel,
            addressee: &recipient.addressee,
            content: &content,
            metadata: &metadata,
        };
        self.client.send(&message).await
    }
}

impl ApiSender {
    /// The user's metadata with our own keys in front.
    fn metadata(&self, recipient: &Claimed) -> String {
        let own = format!(
            r#"{{"{BATCH_KEY}":{},"{ROW_KEY}":"{}","{RECIPIENT_KEY}":"{}.{}""#,
            self.batch,
            recipient.row,
            self.key,
            recipient.recipient.seq(),
        );
        match recipient.metadata.strip_prefix('{').map(str::trim_start) {
            None | Some("}") => own + "}",
            Some(rest) => own + "," + rest,
        }
    }
}

impl Run {
    /// After identical refusals stopped the batch: the user confirms what their text means, or has
    /// mended the cause.
    pub(super) fn after_halt(&self, no_messenger: bool) -> Result<(), CommandError> {
        let now = self.clock.now();
        match (&self.batch.halted_text, no_messenger) {
            (None, false) => Ok(()),
            (None, true) => Err(CommandError::usage(format_args!(
                "batch {} was not stopped by identical refusals: there is nothing to confirm",
                self.batch.name
            ))),
            (Some(text), true) => {
                self.store
                    .confirm_no_messenger(&self.batch, text.clone(), now)?;
                self.console
                    .say(format_args!("Remembered: \"{text}\" means no Messenger."));
                Ok(())
            }
            (Some(text), false) => {
                let rows = self.store.requeue_refused(&self.batch, text.clone(), now)?;
                self.console.say(format_args!(
                    "{rows} recipients that were refused with \"{text}\" are queued again."
                ));
                Ok(())
            }
        }
    }

    /// Sends what is outstanding, writes the results and the summary, and tells how it ended.
    pub(super) async fn send(self, access: Access) -> CommandResult {
        let token = amio::token_fingerprint(&access.token);
        let sender = self.sender(access)?;
        // What events told since the last run counts before the first claim.
        let events = self.store.apply_waiting_events(self.clock.now()).await?;
        for problem in &events.problems {
            tracing::warn!("{problem}");
        }
        self.store
            .begin_run(self.batch.id, token, self.clock.now())
            .await?;
        let (journal, start) = Journal::start(
            Arc::clone(&self.store),
            &self.batch,
            self.claim_rules(token),
            self.clock.now(),
        )
        .await?;
        tell_interrupted(self.console, &self.batch.name, start.interrupted);
        let settings = pacer_settings(&self.pace, self.concurrency);
        let pacer = pace::pacer(&self.store, token, settings, &self.clock)?;
        let journal = journal.with_quota(pace::quota_update(&pacer));
        let dispatcher = self.dispatcher(journal.clone(), sender, pacer.clone())?;
        let end = self.drive(&dispatcher, &pacer, &journal).await;
        if end.is_ok() {
            journal.end(self.clock.now()).await?;
        }
        finish::finish(self, end).await
    }

    /// How messages reach the API.
    fn sender(&self, access: Access) -> Result<ApiSender, CommandError> {
        let settings = ClientSettings {
            base_url: access.base_url,
            token: access.token,
            timeout: self.timeout,
            concurrency: usize_of(self.concurrency).get(),
        };
        let name = serde_json::Value::from(self.batch.name.as_str());
        Ok(ApiSender {
            client: Client::new(&settings, self.clock.clone())?,
            channel: self.batch.channel.clone(),
            batch: name.to_string(),
            key: format!("{}.{}", self.store.uid()?, self.batch.uid),
        })
    }

    fn dispatcher(
        &self,
        journal: Journal,
        sender: ApiSender,
        pacer: Handle,
    ) -> Result<Dispatcher<Journal, ApiSender>, CommandError> {
        let reader = self.store.reader()?;
        let counts = reader.counts(self.batch.id)?;
        let settings = GuardSettings {
            identical_refusals: self.guards.identical_refusals.map_or(0, NonZeroU32::get),
            outage_after: self.guards.undecided_in_a_row.get(),
            ..GuardSettings::default()
        };
        let id = self.batch.id;
        let any_sent = counts.sent > 0 || reader.any_accepted(id)?;
        let mut guards = Guards::new(settings, any_sent, reader.known_refusals()?);
        // The rows are looked through only where they can matter.
        if !any_sent && counts.no_messenger + counts.error > 0 {
            guards = guards
                .after(reader.refusals(id, State::NoMessenger)?, true)
                .after(reader.refusals(id, State::Error)?, false);
        }
        let settings = DispatchSettings {
            concurrency: usize_of(self.concurrency),
            canary: !self.guards.no_canary,
            undecided: match self.guards.undecided {
                config::Undecided::Hold => Undecided::Hold,
                config::Undecided::Retry => Undecided::Retry {
                    attempts: UNDECIDED_ATTEMPTS,
                },
            },
            schedule: self.pace.schedule.clone(),
            channel_type: self.batch.channel_type.clone(),
            invalid_pattern: self.guards.invalid_pattern.clone(),
        };
        let random = random_bits();
        let clock = self.clock.clone();
        Ok(Dispatcher::new(
            journal, sender, pacer, clock, guards, settings, random,
        ))
    }

    /// Runs the dispatcher beside signals and progress.
    async fn drive(
        &self,
        dispatcher: &Dispatcher<Journal, ApiSender>,
        pacer: &Handle,
        journal: &Journal,
    ) -> Result<RunEnd, CommandError> {
        let reader = self.store.reader()?;
        let counts = reader.counts(self.batch.id)?;
        let mut line = ProgressLine::new(counts.queued, self.console.is_quiet());
        let progress = dispatcher.progress();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut story = Story::new(counts.queued);
        let run = dispatcher.run();
        let signals = heed_signals(
            dispatcher.stop(),
            self.console,
            self.pace.grace,
            &self.clock,
        );
        tokio::pin!(run, signals);
        let end = loop {
            tokio::select! {
                end = &mut run => break end,
                () = &mut signals => {
                    // Dropping the run abandons what is in flight.
                    journal.interrupt(self.clock.now()).await?;
                    break Ok(RunEnd::Interrupted);
                }
                _ = tick.tick() => {
                    let view = progress.view();
                    let (now, pace) = (self.clock.moment(), pacer.view());
                    story.note(self, &view, &pacer.state(), now);
                    if let Some(news) = story.news(&pace).filter(|news| !line.above(news)) {
                        self.console.say(news);
                    }
                    let text = story.text(&view, &pace, dispatcher.outage().as_ref());
                    if let Some(text) = line.show(view.settled(), &text, now.mono) {
                        self.console.say(text);
                    }
                }
            }
        };
        line.clear();
        Ok(end?)
    }

    fn claim_rules(&self, token: i64) -> ClaimRules {
        ClaimRules {
            span: history_span(&self.guards),
            token,
            window: pace::window(&self.pace.schedule),
        }
    }
}

/// Tells of recipients that an earlier run left under way.
pub(super) fn tell_interrupted(console: Console, batch: &str, interrupted: u64) {
    if interrupted > 0 {
        console.warn(format_args!(
            "{interrupted} recipients were under way when an earlier run ended: their outcome is \
             unknown, and they are not sent again. `outreach resolve {batch}` settles them."
        ));
    }
}

/// What the pacer needs of the settings.
pub(super) fn pacer_settings(pace: &config::Pace, concurrency: NonZeroU32) -> PacerSettings {
    PacerSettings {
        rate: pace.rate,
        reserve: pace.reserve,
        burst: pace.burst,
        pace: pace.style,
        concurrency,
        ..PacerSettings::default()
    }
}

fn usize_of(number: NonZeroU32) -> NonZeroUsize {
    NonZeroUsize::try_from(number).unwrap_or(NonZeroUsize::MIN)
}

/// Jitter needs no secrecy: the standard library's per-process hash seed is random enough.
fn random_bits() -> Box<dyn FnMut() -> u64 + Send> {
    use std::hash::{BuildHasher, RandomState};
    let (state, mut count) = (RandomState::new(), 0_u64);
    Box::new(move || {
        count += 1;
        state.hash_one(count)
    })
}

/// First signal: stop claiming, let what is in flight finish. Returns at the second signal, or when
/// the time of grace is over.
async fn heed_signals(stop: Stop, console: Console, grace: Duration, clock: &Clock) {
    signal().await;
    console.warn(format_args!(
        "\nStopping: what is under way may finish (up to {} s). Once more to stop at once.",
        grace.as_secs()
    ));
    stop.request(RunEnd::Interrupted);
    tokio::select! {
        () = signal() => {}
        () = clock.sleep(grace) => {}
    }
}

/// Waits for Ctrl-C, or for a polite request to end.
#[cfg(unix)]
pub(super) async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| async move {
        match signal(kind) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            // Cannot listen: the default action ends the process, which is safe at any moment.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::hangup()) => {}
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(super) async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A run against the in-process sandbox.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rehearsal {
    /// Requests an hour that the sandbox grants; `None` for no quota.
    pub(super) quota: Option<NonZeroU32>,
}

/// The in-process sandbox's address and token, and the sandbox itself. It has the batch's channel, and
/// knows the contacts of earlier rehearsals.
pub(super) async fn sandbox(
    batch: &Batch,
    Rehearsal { quota }: Rehearsal,
) -> Result<(crate::sandbox::Sandbox, Access), CommandError> {
    use crate::sandbox::{Channel, Quota, Sandbox, Settings};
    const WINDOW: Duration = Duration::from_hours(1);
    // The checkpoint keeps what it learns of a token's quota: each quota has a token of its own, so
    // that a rehearsal never waits for the window of another one.
    let token = quota.map_or_else(
        || Settings::DEFAULT_TOKEN.to_owned(),
        |quota| format!("{}-{quota}", Settings::DEFAULT_TOKEN),
    );
    let mut settings = Settings {
        tokens: vec![token.clone()],
        quota: Some(quota.map_or(Quota::UNBOUNDED, |quota| Quota::fixed(quota, WINDOW))),
        earlier_contacts: true,
        ..Settings::default()
    };
    let mut channels = settings.channels.iter();
    if channels.all(|channel| channel.id != batch.channel) {
        let channel = Channel::new(&batch.channel, "facebook_messenger");
        settings.channels.push(channel);
    }
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let sandbox = Sandbox::start(settings, address)
        .await
        .map_err(|error| CommandError::new(ExitCode::Internal, error))?;
    let base_url: amio::BaseUrl = sandbox.base_url().parse()?;
    let token = SecretString::from(token);
    Ok((sandbox, Access { base_url, token }))
}

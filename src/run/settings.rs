//! What a front end says about a run, as plain values.

use std::time::Duration;

use secrecy::SecretString;

use crate::amio::{self, BaseUrl, Client, ClientError, ClientSettings};
use crate::clock::Clock;
use crate::dispatch::GuardSettings;
use crate::dispatch::pacer::core::Settings as PacerSettings;
use crate::domain::eligibility::{HistoryOverrides, HistorySpan};
use crate::domain::percent::Percent;
use crate::domain::refusal::RefusalRule;
use crate::domain::schedule::Schedule;
use crate::domain::sending::{Sending, SendingOverrides, Undecided};
use crate::store::Batch;

/// How a batch is sent. The default is what the program does without flags.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// Rate, reserve and connections.
    pub pacer: PacerSettings,
    /// Sending hours and deadline.
    pub schedule: Schedule,
    /// How far back earlier messages and answers count for a batch that does not keep it yet.
    pub history: HistorySpan,
    /// What of that is asked for also where a batch keeps something else.
    pub history_asked: HistoryOverrides,
    /// What of sending hours, canary and lost answers is asked for also where a batch keeps something else.
    pub sending_asked: SendingOverrides,
    /// When to stop and when to pause.
    pub guards: GuardSettings,
    /// The first request goes alone.
    pub canary: bool,
    /// What to do with a request whose answer is lost.
    pub undecided: Undecided,
    /// What texts of refusals mean, beside what the checkpoint has of it.
    pub refusals: Vec<RefusalRule>,
    /// How many of those who could be sent to must end as sent, or the exit code says that they did not.
    pub fail_below: Option<Percent>,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// How long requests under way may take to finish once a stop was asked for.
    pub grace: Duration,
}

impl RunSettings {
    /// The same for this batch: what it keeps holds, and what is asked for wins over that.
    #[must_use]
    pub fn of(&self, batch: Option<&Batch>) -> Self {
        let mut settings = self.clone();
        if let Some(kept) = batch.and_then(|batch| batch.history) {
            settings.history = self.history_asked.over(kept);
        }
        if let Some(kept) = batch.and_then(|batch| batch.sending.as_ref()) {
            let sending = self.sending_asked.over(kept);
            settings.schedule = sending.hours(&self.schedule);
            (settings.undecided, settings.canary) = (sending.undecided, sending.canary);
        }
        settings
    }

    /// When and how carefully a batch is sent.
    pub(super) fn sending(&self) -> Sending {
        Sending::new(&self.schedule, self.undecided, self.canary)
    }
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            pacer: PacerSettings::default(),
            schedule: Schedule::default(),
            history: HistorySpan {
                repeat_guard: Duration::from_hours(12),
                ..HistorySpan::default()
            },
            history_asked: HistoryOverrides::default(),
            sending_asked: SendingOverrides::default(),
            guards: GuardSettings::default(),
            canary: true,
            undecided: Undecided::Hold,
            refusals: Vec::new(),
            fail_below: None,
            timeout: Duration::from_secs(30),
            grace: Duration::from_secs(30),
        }
    }
}

/// Where the API is, and whose token is used.
#[derive(Debug, Clone)]
pub struct Access {
    /// The API's address.
    pub base_url: BaseUrl,
    /// The token.
    pub token: SecretString,
}

impl Access {
    /// What names the token in the checkpoint without giving it away.
    pub fn fingerprint(&self) -> i64 {
        amio::token_fingerprint(&self.token)
    }

    pub(super) fn client(
        &self,
        timeout: Duration,
        concurrency: usize,
        clock: &Clock,
    ) -> Result<Client, ClientError> {
        let settings = ClientSettings {
            base_url: self.base_url.clone(),
            token: self.token.clone(),
            timeout,
            concurrency,
        };
        Client::new(&settings, clock.clone())
    }
}

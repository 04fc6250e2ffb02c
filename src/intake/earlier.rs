//! What a results file of this program says of its own rows, where it is sent as a list: whoever must not be messaged by it is
//! not messaged here either, nor who has the very message by it, also where the checkpoint is another one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::header::is_named;
use crate::domain::delivery::State;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::keeps_out;
use crate::domain::results_row::{is_content_digest, split_maybe_sent};
use crate::domain::text::trimmed;

/// The columns of a results file that say what became of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct EarlierResults {
    status: usize,
    code: Option<usize>,
    reason: Option<usize>,
    phone: Option<usize>,
    channel: Option<usize>,
    content: Option<usize>,
}

/// A message that the row of a results file says was sent, or may have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EarlierMessage<'a> {
    channel: &'a str,
    /// Its [digest](crate::domain::results_row::content_digest).
    content: &'a str,
    /// It was accepted for certain.
    is_sure: bool,
}

/// The messages that results files among a list say were sent, or may have been: by number, channel and content. A hash stands
/// for each: a list may have millions.
#[derive(Debug, Default)]
pub struct EarlierMessages(HashMap<u64, bool>);

impl EarlierMessages {
    /// Notes a message to that number.
    pub(super) fn insert(&mut self, phone: PhoneNumber, message: &EarlierMessage<'_>) {
        let key = key(phone, message.channel, message.content);
        *self.0.entry(key).or_default() |= message.is_sure;
    }

    /// Whether a file says that a message with that digest went to the number through the channel: `Some(true)` if it surely
    /// did, `Some(false)` if it may have.
    pub(crate) fn sent(&self, phone: PhoneNumber, channel: &str, content: &str) -> Option<bool> {
        self.0.get(&key(phone, channel, content)).copied()
    }

    /// Whether no file says so of any message.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn key(phone: PhoneNumber, channel: &str, content: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (phone, channel, content).hash(&mut hasher);
    hasher.finish()
}

/// So much of a reason is repeated.
const SHOWN: usize = 80;

impl EarlierResults {
    /// The header of the status.
    pub(super) const STATUS: &str = "outreach_status";

    /// The columns, if these are those of a results file.
    pub(super) fn of(names: &[String]) -> Option<Self> {
        let place = |wanted| names.iter().position(|name| is_named(name, wanted));
        Some(Self {
            status: place(Self::STATUS)?,
            code: place("outreach_reason_code"),
            reason: place("outreach_reason"),
            phone: place("outreach_phone"),
            channel: place("outreach_channel"),
            content: place("outreach_content"),
        })
    }

    /// The message that the row says was sent, or may have been; `None` where it does not say which.
    pub(super) fn message<'a>(
        &self,
        cell: impl Fn(usize) -> &'a str,
    ) -> Option<EarlierMessage<'a>> {
        let of = |column: Option<usize>| column.map_or("", |at| trimmed(cell(at)));
        let status = trimmed(cell(self.status));
        let is = |state: State| status.eq_ignore_ascii_case(state.word());
        let may_be_sent = || split_maybe_sent(of(self.reason)).1.is_some();
        let is_sure = is(State::Sent);
        let is_told = is_sure || is(State::Unknown) || is(State::Sending) || may_be_sent();
        let (channel, content) = (of(self.channel), of(self.content));
        let is_known = !channel.is_empty() && is_content_digest(content);
        (is_told && is_known).then_some(EarlierMessage {
            channel,
            content,
            is_sure,
        })
    }

    /// What the row says, if that is that its person must not be messaged.
    pub(super) fn refusal<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Option<String> {
        let of = |column: Option<usize>| column.map_or("", |at| trimmed(cell(at)));
        let status = trimmed(cell(self.status));
        let is_suppressed = status.eq_ignore_ascii_case(State::Suppressed.word());
        if !is_suppressed || !keeps_out(of(self.code)) {
            return None;
        }
        let says = format!("\"{}\" says \"{status}\"", Self::STATUS);
        let reason: String = of(self.reason).chars().take(SHOWN).collect();
        Some(if reason.is_empty() {
            says
        } else {
            format!("{says}: {reason}")
        })
    }

    /// The number that was read then.
    pub(super) fn phone<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Option<&'a str> {
        self.phone.map(cell)
    }
}

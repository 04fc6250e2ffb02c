//! Other channels for people whom a batch's channel does not reach: their messages are made together with the list's
//! own, and what was asked for is kept with the batch.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::batch::HeldBatch;
use super::definition::BatchMatch;
use super::error::RunError;
use super::mismatch::Mismatch;
use super::sms::SmsRule;
use crate::domain::content::{
    Body, ContentError, ContentSource, OtherMessage, Rendered, Role, Template, join_others,
    without_facebook_keys,
};
use crate::domain::fallback::{CHANNELS, Fallback, MAX_UNASKED, OtherChannel};
use crate::domain::fold;
use crate::domain::recipient::Record;
use crate::domain::retention::CONTENT;
use crate::domain::sms::{SmsSettings, SmsTally};
use crate::locked::lock;
use crate::report::check::sms_lines;
use crate::report::plural;
use crate::store::{Batch, DecisionRecord, Reader, StoreError};

/// What is asked for about other channels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FallbackSource {
    /// The other channels, in the order in which they are tried, each with its own message; `None`: the list's.
    pub channels: Vec<(String, Option<Body>)>,
    /// People also go on where a channel as a whole is refused.
    pub on_channel: bool,
    /// How many people may be queued on another channel without being asked about; `None`: as the batch keeps it, else
    /// 1,000.
    pub at_most: Option<u64>,
}

impl FallbackSource {
    /// Whether nothing is asked for.
    fn is_empty(&self) -> bool {
        self.channels.is_empty() && !self.on_channel && self.at_most.is_none()
    }
}

/// How the messages of a channel are counted as SMS.
#[derive(Debug, Default)]
struct CountedSms {
    rule: SmsRule,
    /// The channel is known to send SMS; else its type is not known yet.
    is_sure: bool,
    tally: Mutex<SmsTally>,
}

/// The messages for the other channels, checked against the columns of a list.
#[derive(Debug)]
pub(super) struct FallbackMessages {
    source: FallbackSource,
    channels: Vec<OtherChannel>,
    templates: Vec<Option<Template>>,
    /// What their messages would take as SMS, were everybody to go on to them; `None` for a channel that sends none.
    sms: Vec<Option<CountedSms>>,
    /// Rows that lack a message for one of the channels, and why the first of them does.
    missing: AtomicU64,
    first_missing: Mutex<Option<String>>,
}

impl FallbackMessages {
    /// Checks the messages; nothing if no other channel is asked for.
    pub(super) fn compile(
        source: &FallbackSource,
        own: Option<&ContentSource>,
        columns: (&[String], &[Role]),
    ) -> Result<Option<Self>, RunError> {
        if source.is_empty() {
            return Ok(None);
        }
        if source.channels.len() > CHANNELS {
            return Err(Mismatch::TooManyChannels(CHANNELS).into());
        }
        let (mut channels, mut templates) = (Vec::new(), Vec::new());
        for (id, body) in &source.channels {
            if channels.iter().any(|known: &OtherChannel| known.id == *id) {
                return Err(Mismatch::SameChannel(id.clone()).into());
            }
            let template = match (body, own) {
                (Some(body), own) => {
                    let failed = |source| RunError::OtherContent {
                        channel: id.clone(),
                        source,
                    };
                    Some(template(body, own, columns).map_err(failed)?)
                }
                (None, Some(own)) if !own.body.is_plain_text() => {
                    return Err(Mismatch::NoPlainText(id.clone()).into());
                }
                (None, _) => None,
            };
            let message = template.as_ref().map(|it| fold::content(it.canonical()));
            let id = id.clone();
            channels.push(OtherChannel { id, message });
            templates.push(template);
        }
        Ok(Some(Self {
            source: source.clone(),
            sms: channels.iter().map(|_| None).collect(),
            channels,
            templates,
            missing: AtomicU64::new(0),
            first_missing: Mutex::default(),
        }))
    }

    /// What was asked for.
    pub(super) fn source(&self) -> &FallbackSource {
        &self.source
    }

    /// Counts messages through channels that send SMS, or may, and limits their segments. Without a checkpoint no
    /// channel's type is known.
    pub(super) fn limit(
        &mut self,
        reader: Option<&Reader>,
        sms: SmsSettings,
    ) -> Result<(), StoreError> {
        for (channel, counted) in self.channels.iter().zip(&mut self.sms) {
            let kind = reader.map(|it| it.channel_type(&channel.id)).transpose()?;
            let kind = kind.flatten();
            // That the batch's own channel sends SMS says nothing of the others.
            let rule = SmsRule::of_other(sms, kind.as_deref());
            *counted = rule.map(|rule| CountedSms {
                rule,
                is_sure: kind.is_some(),
                ..CountedSms::default()
            });
        }
        Ok(())
    }

    /// The other channels, in the order in which they are tried.
    pub(super) fn channels(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().map(|channel| channel.id.as_str())
    }

    /// The row's message, with those for the other channels beside it. A message that cannot be made costs the row
    /// that channel only.
    pub(super) fn render(&self, own: Rendered, record: &Record) -> Rendered {
        let mut others = Vec::with_capacity(self.templates.len());
        for (template, sms) in self.templates.iter().zip(&self.sms) {
            let rule = sms.as_ref().map(|it| it.rule);
            let other = match template.as_ref().map(|it| it.render(record)) {
                None => refusal(rule, &own).map_or(OtherMessage::Same, OtherMessage::Missing),
                Some(Ok(it)) => match refusal(rule, &it) {
                    None => OtherMessage::Own(it),
                    Some(why) => OtherMessage::Missing(why),
                },
                Some(Err(problem)) => OtherMessage::Missing(problem.to_string()),
            };
            if let Some(sms) = sms {
                count(&sms.tally, &other, &own);
            }
            others.push(other);
        }
        self.note_missing(&others);
        Rendered {
            metadata: join_others(&own.metadata, &others),
            content: own.content,
        }
    }

    /// What the messages of each channel of SMS would take, were everybody to go on to it; the next pass counts anew.
    fn segments(&self) -> Vec<String> {
        let counted = self.channels.iter().zip(&self.sms);
        let notes = counted.filter_map(|(channel, sms)| {
            let sms = sms.as_ref()?;
            let tally = std::mem::take(&mut *lock(&sms.tally));
            let id = &channel.id;
            let lead = if sms.is_sure {
                format!("as SMS on channel {id}, if everybody goes on to it")
            } else {
                format!(
                    "channel {id} was never used here, and its type is not known; if it sends SMS, and everybody goes \
                     on to it"
                )
            };
            (tally.messages > 0).then(|| format!("{lead}: {}", sms_lines(&tally).join(". ")))
        });
        notes.collect()
    }

    fn note_missing(&self, others: &[OtherMessage]) {
        let missing = |(other, channel): (&OtherMessage, &OtherChannel)| match other {
            OtherMessage::Missing(why) => Some(format!("channel {}: {why}", channel.id)),
            OtherMessage::Same | OtherMessage::Own(_) => None,
        };
        if let Some(why) = others.iter().zip(&self.channels).find_map(missing) {
            self.missing.fetch_add(1, Ordering::Relaxed);
            lock(&self.first_missing).get_or_insert(why);
        }
    }

    /// What to report after a pass over the list; the next pass counts anew.
    pub(super) fn notes(&self) -> Vec<String> {
        self.missing_note()
            .into_iter()
            .chain(self.segments())
            .collect()
    }

    /// What to report about rows that lack a message.
    fn missing_note(&self) -> Option<String> {
        let rows = self.missing.swap(0, Ordering::Relaxed);
        let first = lock(&self.first_missing).take()?;
        let rows = plural(rows, "row has", "rows have");
        Some(format!(
            "{rows} no message for another channel, and will not go on to it ({first})"
        ))
    }
}

/// Counts a message as SMS.
fn count(tally: &Mutex<SmsTally>, other: &OtherMessage, own: &Rendered) {
    let content = match other {
        OtherMessage::Same => &own.content,
        OtherMessage::Own(rendered) => &rendered.content,
        OtherMessage::Missing(_) => return,
    };
    lock(tally).count(content);
}

fn template(
    body: &Body,
    own: Option<&ContentSource>,
    (headers, roles): (&[String], &[Role]),
) -> Result<Template, ContentError> {
    let metadata = own.map_or(&[][..], |own| &own.metadata);
    let source = ContentSource {
        body: body.clone(),
        tag: None,
        metadata: without_facebook_keys(metadata),
    };
    Template::compile_with_roles(&source, headers, roles)
}

/// Why a message needs too many segments, if it does.
fn refusal(sms: Option<SmsRule>, rendered: &Rendered) -> Option<String> {
    sms?.refusal(rendered)
}

/// Joins what is asked for with what the batch of the list keeps; `channel` is the batch's own.
pub(super) fn join(
    batch_match: &BatchMatch<Batch>,
    others: Option<&FallbackMessages>,
    channel: &str,
) -> Result<Option<Fallback>, Mismatch> {
    let (kept, changes, name) = match batch_match {
        BatchMatch::New => (None, false, ""),
        BatchMatch::Continue(batch) => (batch.fallback.as_ref(), false, batch.name.as_str()),
        BatchMatch::Change(batch, _) => (batch.fallback.as_ref(), true, batch.name.as_str()),
    };
    let Some(others) = others else {
        let has_own = |it: &Fallback| it.channels.iter().any(|it| it.message.is_some());
        return match kept {
            // The new rows need them too.
            Some(kept) if changes && has_own(kept) => Err(other_fallback(name, Some(kept))),
            kept => Ok(kept.cloned()),
        };
    };
    if let Some(same) = others.channels.iter().find(|it| it.id == channel) {
        return Err(Mismatch::SameChannel(same.id.clone()));
    }
    let kept_channels = kept.map_or(&[][..], |kept| &kept.channels);
    let asked = Fallback {
        channels: if others.channels.is_empty() {
            kept_channels.to_vec()
        } else {
            others.channels.clone()
        },
        on_channel: others.source.on_channel || kept.is_some_and(|kept| kept.on_channel),
        at_most: others
            .source
            .at_most
            .or(kept.map(|kept| kept.at_most))
            .unwrap_or(MAX_UNASKED),
    };
    if asked.channels.is_empty() {
        return Err(Mismatch::NoOtherChannel);
    }
    match batch_match {
        BatchMatch::New => Ok(Some(asked)),
        // All rows of a batch that was restored are read anew.
        BatchMatch::Change(batch, _) if batch.restored_from().is_some() => Ok(Some(asked)),
        BatchMatch::Continue(_) | BatchMatch::Change(..) if asked.extends(kept_channels) => {
            Ok(Some(asked))
        }
        BatchMatch::Continue(_) | BatchMatch::Change(..) => Err(other_fallback(name, kept)),
    }
}

fn other_fallback(name: &str, kept: Option<&Fallback>) -> Mismatch {
    let channels = kept.iter().flat_map(|kept| &kept.channels);
    let kept = channels.map(|channel| match channel.message {
        Some(_) => format!("{} with a message of its own", channel.id),
        None => channel.id.clone(),
    });
    Mismatch::OtherFallback {
        batch: name.to_owned(),
        kept: kept.collect(),
    }
}

/// Another fallback than the batch keeps.
#[derive(Debug, Clone)]
pub struct FallbackChange {
    fallback: Fallback,
    /// How many people of the batch may be queued on another channel.
    people: u64,
}

impl FallbackChange {
    /// Whether more people may be queued on another channel than may without being asked about.
    pub fn many(&self) -> Option<ManyMayFallBack> {
        (self.people > self.fallback.at_most).then(|| ManyMayFallBack {
            people: self.people,
            at_most: self.fallback.at_most,
            channels: self
                .fallback
                .channels
                .iter()
                .map(|it| it.id.clone())
                .collect(),
        })
    }

    /// Sets how many may be.
    pub fn allow(&mut self, people: u64) {
        self.fallback.at_most = people;
    }
}

impl HeldBatch {
    /// What becomes of the batch's fallback by what is asked for; `None` if nothing does.
    ///
    /// # Errors
    /// [`RunError`] if it does not fit what the batch keeps: its rows hold the messages that they were read with.
    pub fn fallback_change(
        &self,
        asked: &FallbackSource,
    ) -> Result<Option<FallbackChange>, RunError> {
        let batch = self.batch();
        let others =
            FallbackMessages::compile(asked, own_message(batch).as_ref(), (&batch.headers, &[]))?;
        let joined = join(
            &BatchMatch::Continue(batch.clone()),
            others.as_ref(),
            &batch.channel,
        )?;
        let counts = self.counts()?;
        let people = counts.rows() - counts.invalid - counts.duplicate - counts.suppressed;
        let changed = joined.filter(|joined| Some(joined) != batch.fallback.as_ref());
        Ok(changed.map(|fallback| FallbackChange {
            fallback,
            people: if batch.sandbox { 0 } else { people },
        }))
    }

    /// Keeps it with the batch, as `actor` says.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn change_fallback(
        self,
        change: &FallbackChange,
        actor: &str,
        now: Timestamp,
    ) -> Result<Self, RunError> {
        let id = self.batch().id;
        let detail = described(&change.fallback);
        let decision = DecisionRecord::new(actor, "fallback", detail, now).about(id);
        self.store()
            .decide_fallback(id, &change.fallback, vec![decision])?;
        self.reread()
    }
}

/// The message that the batch was begun with, as far as its definition says.
fn own_message(batch: &Batch) -> Option<ContentSource> {
    let stored = batch.definition.get(CONTENT)?;
    let stored: serde_json::Value = serde_json::from_str(stored).ok()?;
    Some(ContentSource::json(stored.get("content")?.clone()))
}

/// What was decided, for the history of decisions.
pub(super) fn described(fallback: &Fallback) -> String {
    let channels: Vec<&str> = fallback.channels.iter().map(|it| it.id.as_str()).collect();
    format!(
        "{}{}; at most {} people",
        channels.join(", "),
        if fallback.on_channel {
            ", also where a channel is refused"
        } else {
            ""
        },
        fallback.at_most
    )
}

/// More people may be queued on another channel than are allowed without a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManyMayFallBack {
    /// How many people may be.
    pub people: u64,
    /// How many may be without being asked about.
    pub at_most: u64,
    /// The other channels.
    pub channels: Vec<String>,
}

//! What can be done with a batch on its page, and for whom.

use serde_json::Value;

use super::app::App;
use super::bar::counted_people;
use super::base::Kind;
use super::gate::Actor;
use super::named::Named;
use super::page::{Failure, digest_of_shown};
use crate::domain::batch_state::BatchState;
use crate::domain::content::Rendered;
use crate::domain::fallback::Step;
use crate::domain::text::{hex, on_one_line};
use crate::report::{Local, Summary, grouped, place};
use crate::run::{
    Access, Became, PhoneNumber, RunError, first_forecast, list_is_gone, newer_lists, other_list,
    pilot_to_send, readable,
};
use crate::store::{Approval, Batch, Holder, Reader};

/// How many messages the page shows that starts a batch.
const SHOWN_MESSAGES: usize = 3;

/// What can be done with a batch now.
pub(super) enum Act {
    /// It can be started, or go on.
    Start {
        to_send: u64,
        people: String,
        done: String,
        first: bool,
        /// Who of them waits for an event, and who waits beside them until the pilot is over.
        waiting: Vec<String>,
        forecast: String,
        /// As [`shown()`] says.
        shown: String,
        /// The messages of the first of them.
        messages: Vec<ShownMessage>,
        /// In what its list is an older one.
        older: Older,
    },
    /// It is being sent, by this console or by another process: that one is named.
    Pause(String),
    /// A process works on it, and sends nothing more.
    Elsewhere(String),
    /// It was prepared or changed by the person who looks at it: another one starts it.
    Another,
    /// It is sent by a night, and this list of it was edited since it was read: the next night reads it again.
    ToNight(String),
    /// It was given up.
    TakeUp,
    /// Nobody can be messaged without a token.
    NoToken,
    /// There is nothing left to do.
    Nothing,
}

/// In what the list of a batch is an older one.
pub(super) struct Older {
    /// Batches of newer versions of it.
    pub(super) newer: String,
    /// That it is not where a night read it; empty if it is, or no night did.
    pub(super) gone: String,
}

impl Older {
    /// What is known of it; the list itself if it was edited, and is left to the next night.
    fn of(reader: &Reader, batch: &Batch) -> Result<Result<Self, String>, Failure> {
        let one_line = |text: &str| on_one_line(text).into_owned();
        let gone = match other_list(reader, &batch.name)? {
            Some((list, Became::Edited)) => {
                return Ok(Err(one_line(&list.display().to_string())));
            }
            Some((list, Became::Gone)) => one_line(&list_is_gone(&list)),
            None => String::new(),
        };
        let newer = newer_lists(reader, batch)?.join(", ");
        Ok(Ok(Self { newer, gone }))
    }

    /// As [`shown()`].
    fn shown(&self, reader: &Reader, batch: &Batch) -> Result<String, Failure> {
        let fallback = serde_json::to_string(&batch.fallback).map_err(RunError::from)?;
        let people = reader.queued_keys(batch)?;
        Ok(digest_of_shown([
            &*batch.uid,
            &*hex(&batch.digest),
            &*batch.channel,
            &*fallback,
            &*digest_of_shown(people.iter().map(i64::to_string)),
            &*self.newer,
            &*self.gone,
        ]))
    }
}

/// What a person will be sent.
pub(super) struct ShownMessage {
    /// Row and file.
    pub(super) at: String,
    /// Masked.
    pub(super) number: String,
    /// The messages for the channels, in the order in which they are tried.
    pub(super) texts: Vec<ShownText>,
}

/// What goes over one channel.
pub(super) struct ShownText {
    /// Which one, where the batch has several, and whether anything goes over it.
    pub(super) over: String,
    /// The message as it will be read; empty where it is the one before.
    pub(super) text: String,
    /// Tag and metadata that go with it.
    pub(super) with: String,
}

/// A process that works on a batch.
fn process(local: &Local, holder: &Holder) -> String {
    let since = holder.since.parse();
    let since = since.map_or_else(|_| holder.since.clone(), |at| local.time_and_distance(at));
    let machine = holder.machine.as_deref().filter(|name| !name.is_empty());
    let machine = machine.map_or_else(String::new, |name| format!(" on {name}"));
    on_one_line(&format!("process {}{machine}, since {since}", holder.pid)).into_owned()
}

/// What can be done with it. `queued`: those who are queued and not held.
pub(super) fn act(
    app: &Actor<'_>,
    named: &Named,
    reader: &Reader,
    batch: &Batch,
    summary: &Summary,
    queued: u64,
) -> Result<Act, Failure> {
    let own = app.runs.find(named.kind, &named.name).is_some();
    let is_sent = matches!(batch.state, BatchState::Running | BatchState::Waiting);
    let holder = summary.stands.holder.as_ref();
    if own || holder.is_some() {
        let elsewhere = holder.filter(|it| !it.is_this_process());
        let who = elsewhere.map_or_else(String::new, |holder| process(&app.local(), holder));
        return Ok(if is_sent {
            Act::Pause(who)
        } else {
            Act::Elsewhere(who)
        });
    }
    if batch.state == BatchState::Cancelled {
        return Ok(Act::TakeUp);
    }
    let approval = reader.approval(batch.id)?;
    let left = Left::of(reader, batch, summary, &approval, queued)?;
    if left.queued + left.awaiting == 0 || !batch.is_whole() {
        return Ok(Act::Nothing);
    }
    if named.kind == Kind::Real && app.settings.access.is_none() {
        return Ok(Act::NoToken);
    }
    if approval.own_work(app.person).is_some() {
        return Ok(Act::Another);
    }
    let older = match Older::of(reader, batch)? {
        Ok(older) => older,
        Err(edited) => return Ok(Act::ToNight(edited)),
    };
    let counts = &summary.counts;
    let now = left.pilot.unwrap_or(left.queued);
    let to_send = now + left.awaiting;
    let done = counts.sent + counts.unknown + counts.no_messenger + counts.error;
    Ok(Act::Start {
        to_send,
        people: grouped(to_send),
        done: match done.saturating_sub(left.again) {
            0 => String::new(),
            done => counted_people(done),
        },
        first: batch.started_at.is_none(),
        waiting: left.waiting(batch),
        forecast: forecast(app, named.kind, now)?,
        shown: older.shown(reader, batch)?,
        messages: first_messages(reader, batch)?,
        older,
    })
}

/// Who is left of a batch.
struct Left {
    /// Those who are queued, and those who are sent to again.
    queued: u64,
    /// Of these, those who are sent to again although they were refused.
    again: u64,
    /// Of the queued those who are in the pilot, if it is not over.
    pilot: Option<u64>,
    /// Those who wait for their event, as far as a start is for them.
    awaiting: u64,
}

impl Left {
    fn of(
        reader: &Reader,
        batch: &Batch,
        summary: &Summary,
        approval: &Approval,
        queued: u64,
    ) -> Result<Self, Failure> {
        let halted = batch.halted_text.as_deref();
        let again = match halted {
            Some(text) => reader.count_refused(batch.id, text)?,
            None => 0,
        };
        Ok(Self {
            queued: queued + again,
            again,
            pilot: pilot_to_send(reader, batch, halted).map_err(RunError::from)?,
            awaiting: awaiting(batch, summary.counts.awaiting, approval),
        })
    }

    /// Who of them gets nothing yet, in words.
    fn waiting(&self, batch: &Batch) -> Vec<String> {
        let rest = rest_of_pilot(batch, self.pilot, self.queued);
        rest.into_iter()
            .chain(awaited(batch, self.awaiting))
            .collect()
    }
}

/// The messages of the first people, as they will be read.
fn first_messages(reader: &Reader, batch: &Batch) -> Result<Vec<ShownMessage>, Failure> {
    let rows = reader.next_rows(batch, SHOWN_MESSAGES)?.into_iter();
    let shown = rows.map(|row| ShownMessage {
        at: place(&batch.files, row.file, row.row),
        number: row.phone.map_or_else(String::new, PhoneNumber::masked),
        texts: texts(batch, &row.messages),
    });
    Ok(shown.collect())
}

/// What goes over each channel. People who are not reached on one go on to the next, which may have a text of its own.
fn texts(batch: &Batch, messages: &[(Step, Result<Rendered, String>)]) -> Vec<ShownText> {
    let mut shown: Vec<ShownText> = Vec::new();
    let mut before = None;
    for (step, message) in messages {
        let fallback = batch.fallback.as_ref();
        let channel = fallback.and_then(|it| it.channel(*step));
        let channel = channel.map(|channel| format!("channel {}", channel.id));
        let is_first = shown.is_empty();
        shown.push(match message {
            Ok(Rendered { content, metadata }) => {
                let is_same = before.replace(content) == Some(content);
                let text = if is_same {
                    String::new()
                } else {
                    readable(content).unwrap_or_else(|| content.clone())
                };
                let over = match channel {
                    None => String::new(),
                    Some(on) if is_first => format!("Over {on}:"),
                    Some(on) if is_same => format!("Who is not reached gets the same over {on}."),
                    Some(on) => format!("Who is not reached gets this over {on}:"),
                };
                let with = with_it(metadata);
                ShownText { over, text, with }
            }
            Err(why) => ShownText {
                over: format!("Nothing goes over {}: {why}", channel.unwrap_or_default()),
                text: String::new(),
                with: String::new(),
            },
        });
    }
    shown
}

/// Tag and metadata of a message, for people.
fn with_it(metadata: &str) -> String {
    let Ok(Value::Object(metadata)) = serde_json::from_str(metadata) else {
        return String::new();
    };
    let parts = metadata.iter().map(|(key, value)| match value {
        Value::String(text) => format!("{key}: {text}"),
        other => format!("{key}: {other}"),
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!("With {}", parts.join(", "))
    }
}

/// The rows whose outcome is unknown, as a digest: a decision on a page is about those that it showed.
pub(super) fn unknown_shown(reader: &Reader, batch: &Batch) -> Result<String, Failure> {
    let keys = reader.unknown_keys(batch.id)?;
    Ok(digest_of_shown(keys.iter().map(i64::to_string)))
}

/// What the page that starts a batch has shown: its list, its text, its channels, and who is to be messaged, as a digest; nothing
/// where it has no form for that. Others who take the place of those may be as many. Of a batch a row is always for the same
/// person.
pub(super) fn shown(reader: &Reader, batch: &Batch) -> Result<Option<String>, Failure> {
    let older = Older::of(reader, batch)?.ok();
    older.map(|older| older.shown(reader, batch)).transpose()
}

/// When it would be done; nothing for a rehearsal.
fn forecast(app: &App, kind: Kind, people: u64) -> Result<String, Failure> {
    if kind == Kind::Rehearsal {
        return Ok(String::new());
    }
    let now = app.clock.now();
    let settings = (app.settings.run)(now).map_err(Failure::refused)?;
    let token = app.settings.access.as_ref().map(Access::fingerprint);
    let path = Some(app.checkpoint(kind));
    Ok(first_forecast(path, token, &settings, people, now)?.to_string())
}

/// Those of a follow-up who wait for their event, and whom a start is for too: it was not begun, or nobody has approved
/// it.
pub(super) fn awaiting(batch: &Batch, awaiting: u64, approval: &Approval) -> u64 {
    let is_begun = batch.state != BatchState::Draft && !approval.is_missing();
    if is_begun { 0 } else { awaiting }
}

fn awaited(batch: &Batch, people: u64) -> Option<String> {
    let follow_up = batch.follow_up.as_ref().filter(|_| people > 0)?;
    Some(format!(
        "{} of them {}{}.",
        grouped(people),
        follow_up.after.awaited(people),
        follow_up.times()
    ))
}

/// What becomes of those who are queued and not in the pilot that is not over.
fn rest_of_pilot(batch: &Batch, people: Option<u64>, queued: u64) -> Option<String> {
    let rest = queued.saturating_sub(people?);
    let pilot = batch.pilot.filter(|_| rest > 0)?;
    Some(format!(
        "These are its pilot: {pilot}. Of the others {} until somebody goes on after that.",
        if rest == 1 {
            "1 person waits".to_owned()
        } else {
            format!("{} people wait", grouped(rest))
        }
    ))
}

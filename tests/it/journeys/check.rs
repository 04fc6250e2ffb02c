//! What must hold after every step, by the API's account.

use std::collections::{BTreeMap, BTreeSet};

use super::api::{Accepted, people};
use super::known::known;
use super::list::{CHANNELS, Entry};
use super::model::{Awaited, Batch, Model, ResultRow};
use super::steps::{REFUSAL, Weather};
use super::world::{Report, Run};

/// What the step began with.
#[derive(Debug)]
pub(crate) struct Before {
    pub(crate) messages: usize,
    pub(crate) blocked: Vec<bool>,
}

impl Before {
    pub(crate) fn of(model: &Model) -> Self {
        Self {
            messages: model.account.len(),
            blocked: model.people.iter().map(|person| person.blocked).collect(),
        }
    }
}

type Verdict = Result<(), String>;

pub(crate) fn must(holds: bool, says: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(says()) }
}

/// The messages that were accepted in this step.
pub(crate) fn messages(model: &Model, before: &Before) -> Verdict {
    for (index, message) in model.account.iter().enumerate().skip(before.messages) {
        let (name, person) = (&message.batch, message.person);
        let Some(batch) = model.batches.get(name) else {
            return Err(format!(
                "a message for {name}, which is no batch: {message:?}"
            ));
        };
        right_message(batch, message)?;
        let somebody = &model.people[person];
        let is_known = somebody.unreached[batch.channel];
        let may_go_on =
            batch.fallback && (is_known || may_be_refused(batch, batch.channel, person));
        must(batch.channel == message.channel || may_go_on, || {
            format!("{name} goes to another channel: {message:?}")
        })?;
        must(
            !(before.blocked[person] && somebody.blocked) || somebody.murky,
            || format!("person {person} must not be messaged: {message:?}"),
        )?;
        must(
            batch.follows.is_none() || batch.called.contains(&person),
            || format!("{name} waits for an event that did not come: {message:?}"),
        )?;
        not_twice(model, batch, message, index)?;
        if batch.strict {
            not_within(model, batch, person, before)?;
        }
    }
    Ok(())
}

/// Whether the channel does not reach the person, or may have refused by script.
fn may_be_refused(batch: &Batch, channel: usize, person: usize) -> bool {
    !people().reachable(channel, person) || batch.refused
}

/// To somebody in the list, with what the list says.
fn right_message(batch: &Batch, message: &Accepted) -> Verdict {
    if batch.stale.contains(&message.person) && known("requeued_with_old_content") {
        return Ok(());
    }
    let contents = batch.contents(message.person);
    must(contents.contains(&message.text), || {
        format!(
            "batch {} sends {:?} to person {}, for whom its list has {contents:?}",
            batch.name, message.text, message.person
        )
    })
}

fn not_twice(model: &Model, batch: &Batch, message: &Accepted, index: usize) -> Verdict {
    let person = message.person;
    let somebody = &model.people[person];
    if somebody.forgotten && known("forget_loses_guards") {
        return Ok(());
    }
    let so_far = &model.account[..=index];
    let to_person = || so_far.iter().filter(|other| other.person == person);
    let of_batch = to_person()
        .filter(|other| other.batch == batch.name)
        .count();
    let resent = batch.resent.get(&person).copied().unwrap_or(0);
    must(of_batch <= 1 + resent, || {
        format!(
            "batch {} messages person {person} {of_batch} times",
            batch.name
        )
    })?;
    if somebody.evidence && known("evidence_without_number") {
        return Ok(());
    }
    let same = |other: &&Accepted| other.text == message.text && other.channel == message.channel;
    let same: Vec<_> = to_person().filter(same).collect();
    let batches: BTreeSet<&str> = same.iter().map(|other| other.batch.as_str()).collect();
    let resent = |name: &&str| {
        let batch = model.batch(name);
        batch.and_then(|batch| batch.resent.get(&person).copied())
    };
    let resent: usize = batches.iter().filter_map(resent).sum();
    must(same.len() <= 1 + resent, || {
        let (count, text) = (same.len(), &message.text);
        format!("person {person} gets {text:?} {count} times, by {batches:?}")
    })
}

/// With `--not-within` nobody is messaged whom another batch has reached.
fn not_within(model: &Model, batch: &Batch, person: usize, before: &Before) -> Verdict {
    let somebody = &model.people[person];
    if batch.resent.contains_key(&person)
        || somebody.evidence && known("evidence_without_number")
        || somebody.forgotten && known("forget_loses_guards")
    {
        return Ok(());
    }
    let mut earlier = model.account[..before.messages].iter();
    let other = earlier.find(|other| other.person == person && other.batch != batch.name);
    must(other.is_none(), || {
        format!(
            "batch {} messages person {person} in spite of --not-within: {other:?}",
            batch.name
        )
    })
}

/// The results of a batch after a step.
pub(crate) fn results(
    model: &Model,
    batch: &Batch,
    rows: &[ResultRow],
    report: &Report,
) -> Verdict {
    every_row_once(batch, rows)?;
    let runs: Vec<&Run> = report.runs.iter().collect();
    let before = |person| batch.row_of(person).map(|row| row.status.as_str());
    for row in rows {
        right_verdict(batch, row, rows)?;
        let Some(person) = row.person else {
            continue;
        };
        agrees(model, batch, row, person)?;
        if before(person) != Some(row.status.as_str()) {
            has_cause(model, batch, row, person, &runs)?;
        }
    }
    report
        .runs
        .iter()
        .filter(|run| run.batch == batch.name)
        .try_for_each(|run| run_is_right(model, batch, rows, run, runs.len() > 1))
}

fn every_row_once(batch: &Batch, rows: &[ResultRow]) -> Verdict {
    let count = |keys: &mut dyn Iterator<Item = &String>| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        keys.for_each(|key| *counts.entry(key.clone()).or_default() += 1);
        counts
    };
    let wanted = count(&mut batch.entries.iter().map(|entry| &entry.key));
    let found = count(&mut rows.iter().map(|row| &row.key));
    for (key, wanted) in &wanted {
        let found = found.get(key).copied().unwrap_or(0);
        // A row of an earlier list may have the same key; rows of an audience have none, as the erased.
        let erased = key.is_empty() && found <= wanted + batch.erased;
        let enough = found == *wanted || found > *wanted && (batch.replaced || erased);
        must(enough, || {
            format!(
                "batch {}: {wanted} rows {key} of the list, {found} in the results",
                batch.name
            )
        })?;
    }
    for (key, found) in &found {
        let explained = if key.is_empty() {
            *found <= batch.erased + wanted.get("").copied().unwrap_or(0)
        } else {
            batch.keys.contains(key)
        };
        must(explained, || {
            format!(
                "batch {}: {found} rows {key:?} that no list holds",
                batch.name
            )
        })?;
    }
    Ok(())
}

/// Invalid rows are those that are, and of several rows for a person one counts.
fn right_verdict(batch: &Batch, row: &ResultRow, rows: &[ResultRow]) -> Verdict {
    // A row of an earlier list may have the same key.
    let same_key = || rows.iter().filter(|other| other.key == row.key);
    let right = |entry: &Entry| {
        let invalid = entry.valid_person(batch.text).is_none();
        same_key().any(|other| other.is("invalid") == invalid)
    };
    let mut entries = batch.entries.iter().filter(|entry| entry.key == row.key);
    must(entries.all(right), || {
        format!("batch {}: the wrong verdict on {row:?}", batch.name)
    })?;
    if row.person.is_none() || row.is("invalid") {
        return Ok(());
    }
    let of_person = || rows.iter().filter(|other| other.person == row.person);
    let counts = || of_person().filter(|other| !other.is("duplicate"));
    // Of whom a list refuses no row repeats another: all rows of that list are held. One of a later list repeats them.
    let is_held = |row: &ResultRow| row.is("suppressed") && row.reason.starts_with("no consent");
    if counts().next().is_some() && counts().all(is_held) {
        return Ok(());
    }
    // A row that was tried and erased counts, and has lost its number.
    let counting = counts().count();
    must(
        counting == 1
            || counting == 0
                && row
                    .person
                    .is_some_and(|it| batch.tried_and_erased.contains(&it)),
        || {
            let rows: Vec<_> = of_person().collect();
            format!(
                "batch {}: {counting} rows count for one person: {rows:?}",
                batch.name
            )
        },
    )
}

/// The status agrees with what the API accepted.
fn agrees(model: &Model, batch: &Batch, row: &ResultRow, person: usize) -> Verdict {
    let accepted = model.of_batch(&batch.name, person);
    let may_have = batch.resent.contains_key(&person) && known("resend_forgets_acceptance")
        // The row that knew of it has lost its number.
        || model.people[person].forgotten
        || row.reason.contains("may have");
    let right = match row.status.as_str() {
        "sent" => {
            accepted > 0
                || batch.assumed.contains(&person)
                || batch.listed.contains(&person) && known("list_proves_for_other_batch")
        }
        "unknown" | "duplicate" => true,
        // A decision to send again stands open.
        "queued" => accepted <= batch.resent.get(&person).copied().unwrap_or(0) || may_have,
        "no_messenger" | "error" | "suppressed" => accepted == 0 || may_have,
        "invalid" => accepted == 0,
        _ => false,
    };
    must(right, || {
        format!(
            "batch {}: the API accepted {accepted} messages to person {person}, and the results say {row:?}",
            batch.name
        )
    })
}

/// A row that changed had a reason to.
fn has_cause(
    model: &Model,
    batch: &Batch,
    row: &ResultRow,
    person: usize,
    runs: &[&Run],
) -> Verdict {
    let weather = |is_so: &dyn Fn(&Weather) -> bool| {
        let mut runs = runs.iter().filter(|run| run.batch == batch.name);
        runs.any(|run| is_so(&run.weather))
    };
    let somebody = &model.people[person];
    let right = match row.status.as_str() {
        "suppressed" => {
            suppression_has_cause(model, batch, person, runs.len() > 1)
                || held_by_results_file(model, batch, row, person)
                || held_by_unknown_contact(model, row, person)
        }
        "unknown" => weather(&Weather::loses) || !batch.newly_unknown.contains(&person),
        "error" => weather(&Weather::refuses) && row.reason.contains(REFUSAL),
        "no_messenger" if batch.fallback => {
            let mut channels = (0..CHANNELS.len()).filter(|channel| batch.uses(*channel));
            let refused =
                |channel| somebody.unreached[channel] || may_be_refused(batch, channel, person);
            channels.all(refused) || stays(batch, person)
        }
        "no_messenger" => {
            !people().reachable(batch.channel, person)
                || weather(&Weather::refuses) && row.reason.contains(REFUSAL)
        }
        "sent" | "queued" | "invalid" | "duplicate" => true,
        _ => false,
    };
    must(right, || {
        format!(
            "batch {}: no reason for {row:?} (person {person}: {somebody:?})",
            batch.name
        )
    })
}

/// Whether the person's row may stay on its channel: a request may have been accepted, or no list has it any more.
fn stays(batch: &Batch, person: usize) -> bool {
    batch.resent.contains_key(&person)
        || batch.ever_unknown.contains(&person)
        || batch.contents(person).is_empty()
}

fn suppression_has_cause(model: &Model, batch: &Batch, person: usize, concurrent: bool) -> bool {
    let somebody = &model.people[person];
    let gone = batch.contents(person).is_empty();
    let stays = batch.rejoined.contains(&person) && known("suppressed_stays");
    let by_request = known("suppressed_by_request_under_way")
        && (model.open_elsewhere(batch, person)
            || concurrent && model.others_with(batch, person, &|_| true));
    // A STOP that waited is heard as soon as any run learns whose it is.
    let was_heard = somebody
        .stop_waits
        .is_some_and(|channel| concurrent || somebody.contact_known[channel]);
    somebody.blocked
        || somebody.murky
        || was_heard
        || batch.blocked_meanwhile.contains(&person)
        || batch.refused_by_list.contains(&person)
        || gone
        || model.has_elsewhere(batch, person)
        || batch.mended_again(person)
        // The row that got the message was erased, and the person is in the list again.
        || somebody.forgotten && model.of_batch(&batch.name, person) > 0
        || by_request
        || stays
}

/// Whether the list was a results file that said that the message may have gone to the person, and it may have.
fn held_by_results_file(model: &Model, batch: &Batch, row: &ResultRow, person: usize) -> bool {
    row.reason.contains("may have gone to this number") && model.open_elsewhere(batch, person)
}

/// Whether a contact said STOP whose number the program did not know, and it may be the person's: which contact the person
/// has is not known by the answer to every message.
fn held_by_unknown_contact(model: &Model, row: &ResultRow, person: usize) -> bool {
    row.reason.contains("or may have written")
        && model.people.iter().any(|it| it.stop_waited)
        && model.may_await_answer(person)
}

/// A run that came to its end has left nobody behind, and its exit code says what there is.
fn run_is_right(
    model: &Model,
    batch: &Batch,
    rows: &[ResultRow],
    run: &Run,
    beside_another: bool,
) -> Verdict {
    // While a row of a pilot waits for another batch, the rest stays queued: that is no end.
    if !run.is_complete() || batch.in_pilot && run.code == Some(3) {
        return Ok(());
    }
    // Of two runs at once, one may end before the other settles what it waited for; and an erased row whose
    // outcome is open no longer shows whose it is.
    let waited = |row: &ResultRow| {
        let erased = || row.person.is_some_and(|it| model.people[it].forgotten);
        row.reason.starts_with("waits for row") && (beside_another || erased())
    };
    let awaits = |row: &ResultRow| {
        let mut follows = batch.follows.iter();
        follows.any(|it| match (it.after, row.person) {
            // Whose message the answer did not name may not be known by a delivery.
            (Awaited::Delivered, _) | (_, None) => true,
            (Awaited::OptIn, Some(person)) => !batch.called.contains(&person),
        })
    };
    let is_named = |row: &ResultRow| row.reason.starts_with("waits for row");
    let waits = |row: &&ResultRow| {
        let elsewhere = row
            .person
            .is_some_and(|it| model.waits_elsewhere(batch, it));
        row.is("queued")
            && match batch.follows {
                None => waited(row) || elsewhere,
                Some(_) => is_named(row) && (waited(row) || elsewhere),
            }
    };
    let waiting = rows.iter().filter(waits).count();
    let problems = rows.iter().any(|row| row.is("error") || row.is("unknown")) || waiting > 0;
    let code = if problems { 3 } else { 0 };
    let settled_since = beside_another && run.code == Some(3);
    must(run.code == Some(code) || settled_since, || {
        format!(
            "batch {} ended with {:?} instead of {code}",
            batch.name, run.code
        )
    })?;
    let queued = rows
        .iter()
        .find(|row| row.is("queued") && !waits(row) && !awaits(row));
    must(queued.is_none(), || {
        format!(
            "batch {} is complete, and a row is queued: {queued:?}",
            batch.name
        )
    })?;
    for entry in run.took.iter().flatten() {
        let Some(person) = entry.valid_person(batch.text) else {
            continue;
        };
        let somebody = &model.people[person];
        // A row that was tried and erased is the person's, and has lost its number: a later one repeats it.
        let row = rows
            .iter()
            .find(|row| row.person == Some(person) && !row.is("duplicate"));
        let excused = somebody.blocked
            || batch.tried_and_erased.contains(&person)
            || suppression_has_cause(model, batch, person, true)
            || row.is_some_and(|row| {
                held_by_results_file(model, batch, row, person)
                    || held_by_unknown_contact(model, row, person)
            });
        must(
            excused || row.is_some_and(|row| !row.is("suppressed")),
            || {
                format!(
                    "batch {}: person {person} may be messaged, and is not: {row:?}",
                    batch.name
                )
            },
        )?;
    }
    Ok(())
}

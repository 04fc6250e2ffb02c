//! The suppression list: whom never to message.

use std::path::Path;

use askama::Template;
use axum::extract::Query;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::app::App;
use super::audit::note;
use super::gate::{Actor, Fields, Visit};
use super::list::attachment;
use super::page::{Failure, Frame, page};
use super::stream::written;
use crate::domain::text::on_one_line;
use crate::report::{counted, grouped, plural, without_numbers, write_suppressions};
use crate::run::{
    List, PhoneNumber, RunError, Source, Suppressed, kept_counts, suppress, typed_numbers,
};
use crate::store::{ContactsTaken, HashesTaken, ListEntry, Reader, Store, StoreError};

/// How many entries are shown.
const SHOWN: usize = 100;

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

#[derive(Template)]
#[template(
    path = "console/suppression.html",
    config = "src/templates/askama.toml"
)]
struct SuppressionPage {
    frame: Frame,
    q: String,
    all: u64,
    all_text: String,
    found: String,
    more: u64,
    /// Opt-outs of contacts whose number is not known, in words.
    waiting: Option<String>,
    /// Digits, number, reason, source and day.
    entries: Vec<(u64, String, String, String, String)>,
}

/// The page.
pub(super) async fn show(
    visit: Visit,
    Query(Search { q }): Query<Search>,
) -> Result<Response, Failure> {
    let (wanted, masked) = (q.trim().to_owned(), visit.sees_masked());
    let find = move |app: &std::sync::Arc<App>| search(app, &wanted, masked);
    let (all, found, entries) = visit.app.blocking(find).await?;
    let kept = |app: &std::sync::Arc<App>| -> Result<_, Failure> { Ok(kept_counts(app.people())?) };
    let waiting = visit.app.blocking(kept).await?.opt_outs;
    let shown = entries.len() as u64;
    page(&SuppressionPage {
        frame: visit.frame("suppression"),
        q,
        all,
        all_text: counted(all, "number"),
        found: grouped(found),
        waiting: (waiting > 0).then(|| plural(waiting, "opt-out waits", "opt-outs wait")),
        more: found.saturating_sub(shown),
        entries,
    })
}

type Entries = Vec<(u64, String, String, String, String)>;

/// A user who sees numbers masked finds none by its digits.
fn search(app: &App, wanted: &str, masked: bool) -> Result<(u64, u64, Entries), Failure> {
    let (reader, local) = (Reader::open(app.people())?, app.local());
    let digits: String = wanted.chars().filter(char::is_ascii_digit).collect();
    let folded = wanted.to_lowercase();
    let is_found = |entry: &ListEntry<PhoneNumber>| {
        wanted.is_empty()
            || (!masked && !digits.is_empty() && entry.who.get().to_string().contains(&digits))
            || (digits.is_empty() && entry.reason.to_lowercase().contains(&folded))
    };
    let (mut all, mut found, mut entries) = (0, 0, Vec::new());
    reader.suppressions(|entry| -> Result<(), StoreError> {
        all += 1;
        if is_found(&entry) {
            found += 1;
            if entries.len() < SHOWN {
                let reason = on_one_line(&entry.reason);
                let (number, reason) = if masked {
                    (entry.who.masked(), without_numbers(&reason))
                } else {
                    (entry.who.e164(), reason.into_owned())
                };
                entries.push((
                    entry.who.get(),
                    number,
                    reason,
                    on_one_line(&entry.source).into_owned(),
                    local.time(entry.added_at),
                ));
            }
        }
        Ok(())
    })?;
    Ok((all, found, entries))
}

/// Adds numbers that were typed.
pub(super) async fn add(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let done = visit
        .act(move |app| {
            let lines = fields.get("numbers").split(['\n', ',', ';']);
            let typed: Vec<String> = lines
                .map(|line| line.trim().to_owned())
                .filter(|line| !line.is_empty())
                .collect();
            if typed.is_empty() {
                return Err(Failure::refused(
                    "No number was typed. Nothing was changed.",
                ));
            }
            let reading = app.settings.intake.reading();
            let phones = typed_numbers(&typed, reading)
                .map_err(|error| Failure::refused(format!("{error}. Nothing was changed.")))?;
            let reason = fields.filled("reason");
            let source = format!("the console, by {}", app.person);
            let now = app.clock.now();
            let done = suppress(app.people(), &phones, reason.as_deref(), &source, now)?;
            let store = Store::open_existing(app.people())?;
            note(app, &store, None, "suppress", &in_words(&done))?;
            Ok(in_words(&done))
        })
        .await?;
    Ok(visit.go_to("/suppression", done))
}

fn in_words(done: &Suppressed) -> String {
    let invalid = match done.invalid {
        0 => String::new(),
        invalid => format!(
            " {} without a certain number: {}.",
            counted(invalid, "row"),
            done.named.join("; ")
        ),
    };
    let hashes = match done.hashes {
        HashesTaken {
            people: 0,
            of_another_key: 0,
            ..
        } => String::new(),
        hashes => format!(
            " Erased people, by their hashes: {} kept from being messaged, {} of another checkpoint cannot be taken over and must \
             be erased here too.",
            grouped(hashes.people as u64),
            grouped(hashes.of_another_key as u64)
        ),
    };
    let contacts = match done.contacts {
        ContactsTaken { contacts: 0, .. } => String::new(),
        taken => format!(
            " {} whose number is not known: {} new on the list.",
            counted(taken.contacts as u64, "contact"),
            grouped(taken.new as u64)
        ),
    };
    format!(
        "{}: {} new on the list, {} already on it.{hashes}{contacts}{invalid}",
        counted(done.numbers as u64, "number"),
        grouped(done.new as u64),
        grouped((done.numbers - done.new) as u64)
    )
}

/// Adds all numbers of a file.
pub(super) fn import(app: &Actor<'_>, name: String, file: &Path) -> Result<String, Failure> {
    let path = file.to_owned();
    let source = Source::Named { path, name };
    let list = List::of_refusing(&[source], &app.settings.intake)?;
    let names: Vec<&str> = list.file_names().collect();
    let source = format!("import of {} by {}", names.join(", "), app.person);
    let why = (None, source.as_str());
    let done = list.suppress(app.people(), None, why, None, app.clock.now())?;
    let store = Store::open_existing(app.people())?;
    note(app, &store, None, "suppress", &in_words(&done))?;
    Ok(in_words(&done))
}

/// The list as a file.
pub(super) async fn export(visit: Visit) -> Result<Response, Failure> {
    let path = visit.app.people().to_owned();
    let body = written(move |answer| -> Result<(), RunError> {
        Ok(write_suppressions(&Reader::open(&path)?, answer)?)
    });
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, attachment("suppression-list.csv")),
    ];
    Ok((headers, body).into_response())
}

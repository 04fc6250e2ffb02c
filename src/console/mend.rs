//! Rows of a batch that cannot be sent, and how they are mended on its page.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::response::Response;

use super::app::App;
use super::base::make_private;
use super::draft::new_id;
use super::gate::{Actor, Fields, Visit};
use super::list_view::counted_people;
use super::named::Named;
use super::page::Failure;
use crate::domain::text::on_one_line;
use crate::report::{counted, grouped, place};
use crate::run::{MendSettings, MendedRows, RowToMend, mend_rows, rows_to_mend, typed_number};
use crate::store::{Batch, Reader};

/// So many rows of a kind are shown.
const SHOWN: usize = 50;

/// Rows with one thing wrong.
pub(super) struct Kind {
    pub(super) code: String,
    pub(super) reason: String,
    pub(super) count: u64,
    /// So many have a suggestion that can be accepted.
    pub(super) suggested: u64,
    pub(super) rows: Vec<Row>,
    /// So many more than are shown.
    pub(super) more: u64,
}

/// One of them.
pub(super) struct Row {
    /// The field with its number.
    pub(super) field: String,
    pub(super) place: String,
    pub(super) typed: String,
    /// A number that can be accepted.
    pub(super) number: String,
    /// What else is to be said: two numbers, of which one is meant.
    pub(super) hint: String,
}

fn field((file, row): (u16, u32)) -> String {
    format!("number.{file}.{row}")
}

fn at(field: &str) -> Option<(u16, u32)> {
    let (file, row) = field.strip_prefix("number.")?.split_once('.')?;
    Some((file.parse().ok()?, row.parse().ok()?))
}

/// The suggestion, if it is one number.
fn acceptable(app: &App, row: &RowToMend) -> Option<String> {
    let number = row.suggestion.as_deref()?;
    let found = typed_number(number, app.settings.intake.reading());
    found.ok().map(|_| number.to_owned())
}

/// The rows to mend, by what is wrong with them, the most frequent first.
pub(super) fn kinds(app: &App, reader: &Reader, batch: &Batch) -> Result<Vec<Kind>, Failure> {
    let mut kinds: Vec<Kind> = Vec::new();
    rows_to_mend(reader, batch, |row| {
        let number = acceptable(app, &row);
        let known = kinds.iter().position(|kind| kind.code == row.code);
        let known = known.unwrap_or_else(|| {
            kinds.push(Kind {
                code: row.code.clone(),
                reason: row.reason.clone(),
                count: 0,
                suggested: 0,
                rows: Vec::new(),
                more: 0,
            });
            kinds.len() - 1
        });
        let kind = &mut kinds[known];
        kind.count += 1;
        kind.suggested += u64::from(number.is_some());
        if kind.rows.len() == SHOWN {
            kind.more += 1;
            return;
        }
        let suggestion = row.suggestion.unwrap_or_default();
        kind.rows.push(Row {
            field: field(row.at),
            place: place(&batch.files, row.at.0, row.at.1),
            typed: on_one_line(&row.typed).into_owned(),
            hint: if number.is_some() {
                String::new()
            } else {
                suggestion
            },
            number: number.unwrap_or_default(),
        });
    })?;
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
    Ok(kinds)
}

/// Mends the rows whose numbers are given, or all with one thing wrong by what is suggested.
pub(super) async fn mend(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let path = named.path();
    let work = move |actor: &Actor<'_>| {
        let numbers = match fields.filled("all") {
            Some(code) => suggested(actor, &named, &code)?,
            None => fields
                .iter()
                .filter_map(|(name, text)| Some((at(name)?, text.trim().to_owned())))
                .filter(|(_, number)| !number.is_empty())
                .collect(),
        };
        if numbers.is_empty() {
            return Err(Failure::refused(
                "No number was given. Nothing was changed.",
            ));
        }
        let folder = actor.uploads.join(new_id()?);
        make_private(&folder)?;
        let mended = mended(actor, &named, &numbers, &folder);
        // Its rows are in the checkpoint now, or nothing of it is.
        let _ = std::fs::remove_dir_all(&folder);
        Ok(told(&mended?))
    };
    let said = visit.act(work).await?;
    Ok(visit.go_to(&path, said))
}

/// All rows with one thing wrong that have a suggestion.
fn suggested(
    app: &App,
    named: &Named,
    code: &str,
) -> Result<BTreeMap<(u16, u32), String>, Failure> {
    let reader = Reader::open(app.checkpoint(named.kind))?;
    let batch = reader.batch(&named.name)?;
    let mut numbers = BTreeMap::new();
    rows_to_mend(&reader, &batch, |row| {
        if row.code == code
            && let Some(number) = acceptable(app, &row)
        {
            numbers.insert(row.at, number);
        }
    })?;
    Ok(numbers)
}

fn mended(
    actor: &Actor<'_>,
    named: &Named,
    numbers: &BTreeMap<(u16, u32), String>,
    folder: &std::path::Path,
) -> Result<MendedRows, Failure> {
    let now = actor.clock.now();
    let settings = (actor.settings.run)(now).map_err(Failure::refused)?;
    let how = MendSettings {
        intake: &actor.settings.intake,
        sms: actor.settings.sms,
        run: &settings,
        folder,
        actor: actor.person,
    };
    let checkpoint = actor.checkpoint(named.kind);
    Ok(mend_rows(checkpoint, &named.name, numbers, how, now)?)
}

fn told(done: &MendedRows) -> String {
    let mut said = vec![match done.queued {
        0 => "None of these rows can be sent.".to_owned(),
        queued => format!("Mended: {} can be messaged now.", counted_people(queued)),
    }];
    if !done.wrong.is_empty() {
        said.push(format!("Not mended: {}.", done.wrong.join("; ")));
    }
    if done.invalid > 0 {
        let rows = counted(done.invalid, "row");
        said.push(format!(
            "{rows} cannot be sent all the same: the message cannot be made."
        ));
    }
    if done.left_out > 0 {
        let rows = grouped(done.left_out);
        said.push(format!(
            "{rows} left out: the number is in the list already, or must not be messaged."
        ));
    }
    said.join(" ")
}

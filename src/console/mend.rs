//! Rows that cannot be sent for their number, and how they are mended: on the page of a list, and on that of a batch.

use std::collections::BTreeMap;

use axum::extract::Path;
use axum::response::Response;

use super::app::App;
use super::bar::counted_people;
use super::draft::{Draft, new_id};
use super::gate::{Actor, Fields, Visit};
use super::named::Named;
use super::page::Failure;
use super::to_mend::{Kind, Row, bounded};
use crate::domain::phone::Reading;
use crate::domain::recipient::RowProblem;
use crate::domain::text::on_one_line;
use crate::intake::{Example, Note};
use crate::report::{counted, grouped, place};
use crate::run::{
    CheckReport, Corrections, MendSettings, MendedRows, RowToMend, mend_rows, rows_to_mend,
    typed_number,
};
use crate::store::{Batch, Reader, make_private_folder};

/// The most rows of a kind that are shown.
pub(super) const SHOWN: usize = 50;

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
    Ok(bounded(kinds))
}

/// The same of a list that is no batch yet.
pub(super) fn kinds_of(report: &CheckReport) -> Vec<Kind> {
    let groups = report.summary.problems.iter();
    let of_number = groups.filter(|group| RowProblem::is_of_number(&group.code));
    let row = |example: &Example| {
        let suggestion = match &example.note {
            Note::Suggestion(text) => text.clone(),
            Note::None | Note::ReadAs(_) | Note::Detail(_) | Note::FirstRow { .. } => String::new(),
        };
        let is_number = typed_number(&suggestion, Reading::default()).is_ok();
        let (number, hint) = if is_number {
            (suggestion, String::new())
        } else {
            (String::new(), suggestion)
        };
        Row {
            field: field((example.file, example.row)),
            place: place(&report.files, example.file, example.row),
            typed: on_one_line(&example.typed).into_owned(),
            number,
            hint,
        }
    };
    let kinds = of_number.map(|group| Kind {
        code: group.code.clone(),
        reason: group.text.clone(),
        count: group.count,
        suggested: group.suggested,
        rows: group.examples.iter().map(row).collect(),
        more: 0,
    });
    bounded(kinds.collect())
}

/// Gives rows of a list that is no batch yet their numbers, or takes back what was given.
pub(super) async fn correct(
    visit: Visit,
    Path(id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let path = format!("/lists/{id}");
    let said = visit
        .app
        .blocking(move |app| corrected(app, &id, &fields))
        .await?;
    Ok(visit.go_to(&path, said))
}

fn corrected(app: &App, id: &str, fields: &Fields) -> Result<String, Failure> {
    let mut draft = Draft::load(app, id)?;
    let corrections = &mut draft.choices.corrections;
    if fields.has("undo") {
        *corrections = Corrections::default();
        draft.save(app)?;
        return Ok("The numbers are as in the file again.".to_owned());
    }
    if let Some(code) = fields.filled("all") {
        corrections.accept(code);
        draft.save(app)?;
        return Ok("The suggestions were accepted.".to_owned());
    }
    let reading = draft.intake(app).map_err(Failure::refused)?.reading();
    let (mut given, mut wrong) = (0, Vec::new());
    for ((_, row), number) in numbers(fields) {
        match typed_number(&number, reading) {
            Ok(phone) => {
                draft.choices.corrections.give(row, phone.e164());
                given += 1;
            }
            Err(error) => wrong.push(error.to_string()),
        }
    }
    if given == 0 && wrong.is_empty() {
        return Err(Failure::refused(
            "No number was given. Nothing was changed.",
        ));
    }
    draft.save(app)?;
    let mut said = vec![format!("{} given.", counted(given, "number"))];
    if !wrong.is_empty() {
        said.push(format!("Not understood: {}.", wrong.join("; ")));
    }
    Ok(said.join(" "))
}

/// The numbers that were given, by file and row.
fn numbers(fields: &Fields) -> BTreeMap<(u16, u32), String> {
    let given = fields.iter();
    let given = given.filter_map(|(name, text)| Some((at(name)?, text.trim().to_owned())));
    given.filter(|(_, number)| !number.is_empty()).collect()
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
            None => numbers(&fields),
        };
        if numbers.is_empty() {
            return Err(Failure::refused(
                "No number was given. Nothing was changed.",
            ));
        }
        let folder = actor.uploads.join(new_id()?);
        make_private_folder(&folder)?;
        let mended = mended(actor, &named, &numbers, &folder);
        // Its rows are in the checkpoint now, or nothing of it is.
        let _ = std::fs::remove_dir_all(&folder);
        Ok(in_words(&mended?))
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

pub(super) fn in_words(done: &MendedRows) -> String {
    let mut said = Vec::new();
    match done.queued {
        0 if done.gone > 0 => {}
        0 => said.push("None of these rows can be sent.".to_owned()),
        queued => said.push(format!(
            "Mended: {} can be messaged now.",
            counted_people(queued)
        )),
    }
    if done.gone > 0 {
        let numbers = counted(done.gone, "number");
        said.push(format!(
            "{numbers} not taken: the page was older than the list, in which these rows were changed or mended since. Here it is \
             as it is now: look for the rows again."
        ));
    }
    if !done.wrong.is_empty() {
        said.push(format!("Not mended: {}.", done.wrong.join("; ")));
    }
    if done.invalid > 0 {
        let rows = counted(done.invalid, "row");
        said.push(format!(
            "{rows} still cannot be sent: the message cannot be made."
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

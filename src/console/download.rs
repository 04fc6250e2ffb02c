//! Files of a batch: all rows, or those of a status, as CSV or as a workbook.

use std::collections::HashMap;
use std::fs;

use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use super::base::Kind;
use super::draft::new_id;
use super::gate::Visit;
use super::list::attachment;
use super::named::Named;
use super::page::Failure;
use super::stream::written;
use crate::domain::dialect::FileFormat;
use crate::report::{default_stem, write_selected_file};
use crate::run::{ExportSettings, RunError, Selection, export, write_rejects};
use crate::store::{Reader, make_private_folder};

/// What may be asked for; `results` is all.
const WHAT: [&str; 10] = [
    "results",
    "sent",
    "queued",
    "unknown",
    "no_messenger",
    "error",
    INVALID,
    "duplicate",
    "suppressed",
    "cancelled",
];

/// The end of the name of a workbook.
const WORKBOOK: &str = "xlsx";

/// The rows to mend: they name themselves, so that they find their batch again.
const INVALID: &str = "invalid";

/// The results, or the rows of one status.
pub(super) async fn results(
    visit: Visit,
    Path((kind, name)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let named = Named::of(&visit.app, &kind, name)?;
    let asked = query.get("what").map_or("results", String::as_str);
    let what = WHAT.into_iter().find(|what| *what == asked);
    let what = what.ok_or_else(|| Failure::not_found("download"))?;
    let selection = Selection {
        statuses: (what != "results")
            .then(|| what.to_owned())
            .into_iter()
            .collect(),
        ..Selection::default()
    };
    let checkpoint = visit.app.checkpoint(named.kind).to_owned();
    let sandbox = named.kind == Kind::Rehearsal;
    let end = if query.get("as").map(String::as_str) == Some(WORKBOOK) {
        WORKBOOK
    } else {
        "csv"
    };
    if what == INVALID {
        let stem = format!("{}.rejects", default_stem(&named.name, sandbox));
        return file(visit, named, None, (stem, end)).await;
    }
    let stem = format!("{}.{what}", default_stem(&named.name, sandbox));
    if end == WORKBOOK {
        return file(visit, named, Some(selection), (stem, end)).await;
    }
    // What is not there is said on a page, and not by a cut download.
    let batch = named.name.clone();
    let at = checkpoint.clone();
    visit
        .app
        .blocking(move |_| Ok(Reader::open(&at)?.batch(&batch).map(drop)?))
        .await?;
    let body = written(move |answer| {
        let settings = ExportSettings {
            selection,
            dialect: None,
        };
        export(&checkpoint, &named.name, &settings, answer).map(drop)
    });
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, attachment(&format!("{stem}.csv"))),
    ];
    Ok((headers, body).into_response())
}

/// The rows of a selection as a workbook, or without one the rows to mend: made whole before the first byte leaves.
async fn file(
    visit: Visit,
    named: Named,
    selection: Option<Selection>,
    (stem, end): (String, &str),
) -> Result<Response, Failure> {
    let name = format!("{stem}.{end}");
    let folder = visit.app.uploads.join(new_id()?);
    let path = folder.join(&name);
    let is_workbook = end == WORKBOOK;
    let file = visit
        .app
        .blocking(move |app| {
            make_private_folder(&folder)?;
            let made = || -> Result<fs::File, Failure> {
                let reader = Reader::open(app.checkpoint(named.kind))?;
                let batch = reader.batch(&named.name)?;
                match &selection {
                    None if write_rejects(&reader, &batch, &path)? == 0 => {
                        return Err(Failure::not_found("row to mend"));
                    }
                    None => {}
                    Some(selection) => {
                        let format = FileFormat::of(&path, batch.list, None);
                        write_selected_file(&reader, &batch, selection, format, &path, |_| Ok(()))
                            .map_err(RunError::from)?;
                    }
                }
                Ok(fs::File::open(&path)?)
            };
            let file = made();
            // The open file stays readable.
            let _ = fs::remove_dir_all(&folder);
            file
        })
        .await?;
    let body = written(move |answer| {
        let mut file = file;
        std::io::copy(&mut file, answer).map(|_| ())
    });
    let kind = if is_workbook {
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    } else {
        "text/csv; charset=utf-8"
    };
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, attachment(&name)),
    ];
    Ok((headers, body).into_response())
}

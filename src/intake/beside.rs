//! Lines and cells beside a table that are about its rows: whom of them not to message, and what a code in them means.

use std::collections::HashSet;

use super::consent::{self, ConsentColumn};
use super::error::IntakeError;
use super::mapping::Mapping;
use super::opened::Opened;
use super::seen::is_code;
use super::settings::{ReadFor, Settings};
use super::words::{LEGEND, words};
use crate::domain::text::trimmed;

/// Refuses a list with a line above it that says whom of it not to message, or with what its codes mean beside its rows.
pub(super) fn refuse(
    file: &Opened,
    mapping: &Mapping,
    settings: &Settings,
) -> Result<(), IntakeError> {
    if settings.read_for != ReadFor::Messages {
        return Ok(());
    }
    let mut titles = file.header.titles.iter();
    if let Some(line) = titles.find(|title| mapping.seen.is_refusal_of_some(title)) {
        return Err(IntakeError::RefusesForSome {
            file: file.name.clone(),
            line: line.clone(),
        });
    }
    match legend(&file.header.names, &file.sample, &mapping.consent) {
        Some(line) => Err(IntakeError::CodesExplained {
            file: file.name.clone(),
            line,
        }),
        None => Ok(()),
    }
}

/// What two columns beside the table say of its codes, if that is who may be messaged, and no column is read so.
fn legend(headers: &[String], rows: &[Vec<String>], consent: &[ConsentColumn]) -> Option<String> {
    let name = |at: usize| headers.get(at).map_or("", |it| trimmed(it));
    let may_be = |at: &usize| {
        name(at + 1).is_empty() || name(*at).is_empty() || LEGEND.is_in(&words(name(*at)))
    };
    let mut places = (0..headers.len().saturating_sub(1)).filter(may_be);
    places.find_map(|at| {
        let cell = |row: &Vec<String>, at: usize| {
            let cell = row.get(at).map_or("", |it| trimmed(it));
            cell.to_owned()
        };
        let pairs = rows.iter().map(|row| (cell(row, at), cell(row, at + 1)));
        let pairs: Vec<_> = pairs.filter(|(code, _)| !code.is_empty()).collect();
        let codes: HashSet<&String> = pairs.iter().map(|(code, _)| code).collect();
        let is_legend = codes.len() == pairs.len()
            && pairs
                .iter()
                .all(|(code, means)| is_code(code) && !means.is_empty());
        let is_used = |code: &String| {
            let mut others = rows.iter().flat_map(|row| row.iter().enumerate());
            others.any(|(other, cell)| other != at && trimmed(cell) == code)
        };
        let mut pairs = pairs.iter().filter(|(code, _)| is_legend && is_used(code));
        pairs.find_map(|(code, means)| {
            let line = format!("{code} = {means}");
            consent::explains_codes(&line, consent).then_some(line)
        })
    })
}

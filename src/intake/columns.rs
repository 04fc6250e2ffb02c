//! Which column means what: by header in the languages of our users, else by content.

use serde::Serialize;

use super::column::{Column, column, share_of_cells};
use super::country::{self, CountryColumn};
use super::error::IntakeError;
use super::settings::{NumbersPerRow, Prefer, Settings};
use super::words::{FIRST_NAME, LAST_NAME, phone_score};
use crate::domain::fold;
use crate::domain::phone::{LineType, PhoneNumber, Region};
use crate::domain::text::nearest;

/// How the columns were understood. Frozen into the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// Phone columns, in order of preference; at least one.
    pub phone: Vec<Column>,
    /// Given names.
    pub first_name: Option<Column>,
    /// Family names.
    pub last_name: Option<Column>,
    /// Amio contact ids: only where the user named the column.
    pub contact_id: Option<Column>,
    /// Countries, the column that counts first in front.
    pub region: Vec<CountryColumn>,
    /// The country of numbers without country code where no column says it.
    pub default_region: Option<Region>,
    /// Numbers without a plus begin with their country code.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub international: bool,
    /// Lines without a person behind them that are messaged all the same, in the order of [`LineType::ALL`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub line_types: Vec<LineType>,
    #[serde(skip)]
    pub(super) prefer: Prefer,
    #[serde(skip)]
    pub(super) numbers: NumbersPerRow,
}

impl Mapping {
    /// One text for one meaning: goes into the digest that names a batch.
    pub fn canonical(&self) -> String {
        let name = |column: &Option<Column>| {
            column
                .as_ref()
                .map_or_else(|| "-".to_owned(), |column| format!("{:?}", column.name))
        };
        let phones: Vec<_> = self
            .phone
            .iter()
            .map(|column| format!("{:?}", column.name))
            .collect();
        let mut canonical = format!(
            "phone={};first_name={};last_name={};contact_id={};region={};default_region={};prefer={};numbers={}",
            phones.join(","),
            name(&self.first_name),
            name(&self.last_name),
            name(&self.contact_id),
            self.canonical_region(),
            self.default_region
                .map_or_else(|| "-".to_owned(), Region::code),
            self.prefer,
            self.numbers
        );
        // Said only where it is so: batches that were begun before these settings existed keep their digest.
        if self.international {
            canonical.push_str(";international=yes");
        }
        if !self.line_types.is_empty() {
            canonical.push_str(";line_types=");
            canonical.push_str(&self.services().join(","));
        }
        canonical
    }

    /// The words of the lines without a person that are messaged all the same.
    pub fn services(&self) -> Vec<&'static str> {
        self.line_types
            .iter()
            .filter_map(|line| line.service())
            .collect()
    }

    fn canonical_region(&self) -> String {
        let names = self.region.iter().map(|it| format!("{:?}", it.column.name));
        let names: Vec<_> = names.collect();
        if names.is_empty() {
            "-".to_owned()
        } else {
            names.join(",")
        }
    }

    /// The mapping in words, one line for each meaning.
    pub fn describe(&self) -> Vec<String> {
        let phones: Vec<_> = self
            .phone
            .iter()
            .map(|column| format!("\"{}\"", column.name))
            .collect();
        let mut lines = vec![format!("phone: {}", phones.join(", then "))];
        for (meaning, column) in [
            ("first name", &self.first_name),
            ("last name", &self.last_name),
            ("contact id", &self.contact_id),
        ] {
            if let Some(column) = column {
                lines.push(format!("{meaning}: \"{}\"", column.name));
            }
        }
        if !self.region.is_empty() {
            let columns: Vec<_> = self.region.iter().map(ToString::to_string).collect();
            lines.push(format!("country: {}", columns.join(", then ")));
        }
        if let Some(region) = self.default_region {
            lines.push(format!(
                "numbers without country code: {} ({region})",
                region.name()
            ));
        }
        if self.international {
            lines.push("numbers without a plus begin with their country code".to_owned());
        }
        if !self.line_types.is_empty() {
            let services = self.services().join(", ");
            lines.push(format!(
                "messaged though no person is behind them: {services}"
            ));
        }
        lines
    }
}

/// Finds the columns. `rows` are the first rows of the first file, without the header.
pub(super) fn map(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
) -> Result<Mapping, IntakeError> {
    let choice = &settings.columns;
    let named = |name: &String| named_column(name, headers, settings.no_header);
    let phone = if choice.phone.is_empty() {
        detect_phone(file, headers, rows, settings)?
    } else {
        choice.phone.iter().map(named).collect::<Result<_, _>>()?
    };
    let taken: Vec<usize> = phone.iter().map(|column| column.index).collect();
    let other = |chosen: &Option<String>, words: &[&str]| match chosen {
        Some(name) => named(name).map(Some),
        None if settings.no_header => Ok(None),
        None => Ok(by_header(headers, words, &taken)),
    };
    Ok(Mapping {
        first_name: other(&choice.first_name, FIRST_NAME)?,
        last_name: other(&choice.last_name, LAST_NAME)?,
        contact_id: choice.contact_id.as_ref().map(named).transpose()?,
        region: match &choice.region {
            Some(name) => vec![CountryColumn::chosen(named(name)?)],
            None if settings.no_header => Vec::new(),
            None => country::find(headers, rows, &phone),
        },
        phone,
        default_region: settings.region,
        international: settings.international,
        line_types: LineType::ALL
            .into_iter()
            .filter(|line| settings.line_types.contains(line))
            .collect(),
        prefer: settings.prefer,
        numbers: settings.numbers,
    })
}

/// A column that the user named: by header, in any case; by number where there is no header.
fn named_column(name: &str, headers: &[String], no_header: bool) -> Result<Column, IntakeError> {
    let by_number = || {
        let number: usize = name.trim().parse().ok()?;
        number
            .checked_sub(1)
            .filter(|index| no_header && *index < headers.len())
    };
    let index = headers
        .iter()
        .position(|header| header == name)
        .or_else(|| {
            headers
                .iter()
                .position(|header| fold::header(header) == fold::header(name))
        })
        .or_else(by_number)
        .ok_or_else(|| IntakeError::NoColumn {
            name: name.to_owned(),
            near: nearest(
                &fold::header(name),
                headers.iter().map(|h| (fold::header(h), h)),
                0.8,
            )
            .cloned(),
            present: headers.to_vec(),
        })?;
    Ok(column(headers, index))
}

/// The first header that is one of the words, in the order of the words.
fn by_header(headers: &[String], words: &[&str], taken: &[usize]) -> Option<Column> {
    let folded: Vec<String> = headers.iter().map(|header| fold::header(header)).collect();
    words
        .iter()
        .find_map(|word| {
            folded
                .iter()
                .enumerate()
                .position(|(at, header)| header == word && !taken.contains(&at))
        })
        .map(|index| column(headers, index))
}

fn detect_phone(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
) -> Result<Vec<Column>, IntakeError> {
    let scores: Vec<u8> = if settings.no_header {
        vec![0; headers.len()]
    } else {
        headers.iter().map(|h| phone_score(h)).collect()
    };
    let best = scores.iter().copied().max().unwrap_or(0);
    let mut candidates: Vec<usize> = (0..headers.len())
        .filter(|at| scores.get(*at) == Some(&best))
        .collect();
    let share = |index: usize| phone_share(index, rows, settings);
    if best == 0 {
        // Nothing in the headers: the content decides, and only if it is clear.
        candidates.retain(|index| share(*index) >= 0.5);
        candidates.sort_by(|a, b| share(*b).total_cmp(&share(*a)));
        // A column of ids may read as numbers here and there; the phone column does so throughout.
        if let [first, second, ..] = candidates[..]
            && share(first) - share(second) >= 0.4
        {
            candidates.truncate(1);
        }
    } else if candidates.len() > 1 {
        // `Phone` beside an empty `Mobile`: a column without any number is no rival.
        let full: Vec<usize> = candidates
            .iter()
            .copied()
            .filter(|index| share(*index) > 0.0)
            .collect();
        if !full.is_empty() {
            candidates = full;
        }
    }
    match candidates[..] {
        [only] => Ok(vec![column(headers, only)]),
        [] => Err(IntakeError::NoPhoneColumn {
            file: file.to_owned(),
            present: headers.to_vec(),
        }),
        _ => Err(IntakeError::AmbiguousPhoneColumn {
            file: file.to_owned(),
            candidates: candidates
                .iter()
                .filter_map(|index| headers.get(*index).cloned())
                .collect(),
        }),
    }
}

/// The share of cells that read as phone numbers. Without a region, nine digits may be one.
fn phone_share(index: usize, rows: &[Vec<String>], settings: &Settings) -> f64 {
    share_of_cells(index, rows, |cell| {
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        let others = |c: char| c.is_alphabetic() || matches!(c, ':' | '@');
        PhoneNumber::parse(cell, settings.reading()).is_ok()
            || settings.region.is_none() && (9..=15).contains(&digits) && !cell.contains(others)
    })
}

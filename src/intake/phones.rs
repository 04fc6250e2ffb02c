//! The columns that hold phone numbers: those of known exports by their headers, else by words, else by content.

mod exports;
pub(super) mod owner;
mod people;
pub(super) mod refused;

use serde::Serialize;

use self::exports::EXPORTS;
use super::column::{Column, column, share_of_cells};
use super::consent;
use super::error::IntakeError;
use super::settings::{ReadFor, Settings};
use super::words::{
    ADDRESSEE, KINDS_OF_LINE, LABELS, List, MESSAGES, MOBILE, NO_LINE, OWN_PHONE, PHONE, VALUES,
    phone_score, spaced, words,
};
use crate::domain::fold;
use crate::domain::phone::{PhoneNumber, Region, is_label, is_not_theirs};

/// A column of phone numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhoneColumn {
    /// The column.
    #[serde(flatten)]
    pub column: Column,
    /// The column beside it that says what kind of number it holds: `Mobile`, `Home Fax`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Column>,
    /// The column that says whose the number is, where it is the only one of a row: `Číslo patří`.
    #[serde(skip)]
    pub(super) owner: Option<Column>,
    /// Its program writes numbers with their country code and without the plus.
    #[serde(skip)]
    pub(super) international: bool,
    /// The country whose calling code its header has: `Phone (+48)`.
    #[serde(skip)]
    pub(super) region: Option<Region>,
    /// Its header says that it holds mobile numbers.
    #[serde(skip)]
    pub(super) is_mobile: bool,
}

impl PhoneColumn {
    /// The column at that place, with the label that stands beside it.
    pub(super) fn new(headers: &[String], rows: &[Vec<String>], column: Column) -> Self {
        Self {
            label: label(headers, rows, &column),
            owner: None,
            is_mobile: is_mobile(&column.name),
            region: calling_code(&column.name).or_else(|| country(&column.name)),
            column,
            international: false,
        }
    }
}

/// The country of the one calling code that a header has.
fn calling_code(header: &str) -> Option<Region> {
    let mut codes = header.split('+').skip(1).map(|behind| {
        let digits = behind.chars().take_while(char::is_ascii_digit);
        format!("+{}", digits.collect::<String>())
    });
    let code = codes.next().filter(|_| codes.next().is_none())?;
    code.parse().ok()
}

/// What a header says beside that it is about a person's phone, as it is written.
fn beyond_phone(header: &str) -> String {
    let spaced = spaced(header);
    let parts = spaced.split(|c: char| c.is_whitespace() || c.is_ascii_punctuation());
    let says_more = |part: &&str| {
        let folded = words(part);
        if folded.is_empty() {
            // A flag has no letters.
            return Region::in_header(part).is_some();
        }
        folded.split(' ').any(|word| {
            let known = [OWN_PHONE, MOBILE, PHONE].iter().any(|list| list.has(word));
            // `phone2` of a database.
            let without_figure = word.trim_end_matches(|c: char| c.is_ascii_digit());
            !known && !without_figure.is_empty() && !PHONE.has(without_figure)
        })
    };
    let parts: Vec<&str> = parts.filter(says_more).collect();
    parts.join(" ")
}

/// Words that are no codes of countries in the names of a database's columns.
const NO_CODES: &[&str] = &["at", "in", "is", "it", "me", "my", "to", "am", "as", "by"];

/// The country that a header names: `Telefon (PL)`, `Phone UK`, `phone_pl`, `tel (pl)`.
fn country(header: &str) -> Option<Region> {
    let more = beyond_phone(header);
    // Within a header they are words: `TELEFONO DE CASA`.
    let edges = header.trim_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace());
    let is_outside = more.len() > 3 || edges.starts_with(&more) || edges.ends_with(&more);
    let named = Region::in_header(&more).filter(|_| is_outside);
    let is_code = || {
        let marked = [format!("_{more}"), format!("({more})")];
        more.len() == 2 && marked.iter().any(|code| header.ends_with(code))
    };
    named.or_else(|| {
        (is_code() && !NO_CODES.contains(&more.as_str()))
            .then(|| Region::in_header(&more.to_uppercase()))
            .flatten()
    })
}

/// The phone columns that were found.
pub(super) struct Found {
    pub(super) columns: Vec<PhoneColumn>,
    /// The program whose export this is, if it is known.
    pub(super) export: Option<&'static str>,
}

/// Finds the phone columns. `rows` are the first rows.
pub(super) fn detect(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
) -> Result<Found, IntakeError> {
    let is_for_messages = settings.read_for == ReadFor::Messages && !settings.no_header;
    if is_for_messages {
        people::refuse_side_by_side(file, headers)?;
    }
    if !settings.no_header
        && let Some(found) = of_export(headers, rows)
    {
        return Ok(found);
    }
    let mut columns = by_words(file, headers, rows, settings)?;
    if is_for_messages {
        people::refuse_several(file, headers, rows, &columns)?;
    }
    if settings.read_for == ReadFor::OptOuts {
        columns.extend(others(headers, rows, settings, &columns));
    }
    Ok(Found {
        columns: columns
            .into_iter()
            .map(|index| PhoneColumn::new(headers, rows, column(headers, index)))
            .collect(),
        export: None,
    })
}

/// The phone columns of an export whose headers are known.
fn of_export(headers: &[String], rows: &[Vec<String>]) -> Option<Found> {
    let folded: Vec<String> = headers.iter().map(|header| words(header)).collect();
    let place = |name: &str| {
        let mut places = folded.iter().enumerate();
        let found = places.find(|(_, header)| *header == name);
        found
            .map(|(index, _)| index)
            .filter(|index| !consent::are_answers(*index, rows))
    };
    let google: Vec<usize> = (1..=20)
        .filter_map(|n| place(&format!("phone {n} value")))
        .collect();
    let found = |name, places: Vec<(usize, bool)>| {
        let columns = places
            .into_iter()
            .map(|(index, international)| PhoneColumn {
                international,
                ..PhoneColumn::new(headers, rows, column(headers, index))
            });
        Found {
            columns: columns.collect(),
            export: Some(name),
        }
    };
    if !google.is_empty() {
        return Some(found(
            "Google Contacts",
            google.into_iter().map(|at| (at, false)).collect(),
        ));
    }
    EXPORTS.iter().find_map(|export| {
        let is_it = export.signs.iter().all(|sign| place(sign).is_some())
            && export.one_of.iter().any(|sign| place(sign).is_some());
        let phones = export.phones.iter();
        let places: Vec<(usize, bool)> = phones
            .filter_map(|name| Some((place(name)?, export.international.contains(name))))
            .collect();
        (is_it && !places.is_empty()).then(|| found(export.name, places))
    })
}

/// How certain each column is a phone column by its header. A column of answers is none: `SMS` may ask for consent.
fn scores(headers: &[String], rows: &[Vec<String>], settings: &Settings) -> Vec<u8> {
    if settings.no_header {
        return vec![0; headers.len()];
    }
    let scores = headers.iter().map(|header| phone_score(header));
    let scores = scores.enumerate();
    scores
        .map(|(index, score)| match score {
            0 => 0,
            _ if consent::are_answers(index, rows) => 0,
            score => score,
        })
        .collect()
}

/// The places of the phone columns by the words of the headers, else by content.
fn by_words(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
) -> Result<Vec<usize>, IntakeError> {
    let scores = scores(headers, rows, settings);
    let best = scores.iter().copied().max().unwrap_or(0);
    let mut candidates: Vec<usize> = (0..headers.len())
        .filter(|at| scores.get(*at) == Some(&best))
        .collect();
    let own: Vec<usize> = several(headers, &scores);
    if own.len() > 1 && candidates.iter().all(|at| best > 0 && own.contains(at)) {
        return Ok(own);
    }
    let share = |index: usize| phone_share(index, rows, settings);
    if best > 0
        && let [only] = candidates[..]
        && headers.get(only).is_some_and(|it| may_be_of_another(it))
    {
        // `Sales rep mobile` beside `Contact phone`: a word for a mobile does not say whose it is.
        let rival = |at: &usize| scores.get(*at).is_some_and(|score| *score > 0);
        candidates = (0..headers.len()).filter(rival).collect();
    }
    if best == 0 {
        // Nothing in the headers: the content decides, and only if it is clear.
        candidates.retain(|index| {
            share(*index) >= 0.5 && !headers.get(*index).is_some_and(|header| is_no_line(header))
        });
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
    let header = |index: &usize| headers.get(*index).map(|header| fold::header(header));
    match candidates[..] {
        [_] => Ok(candidates),
        [] => Err(IntakeError::NoPhoneColumn {
            file: file.to_owned(),
            present: headers.to_vec(),
        }),
        // Columns of one name mean one thing.
        [first, ..] if best > 0 && candidates.iter().all(|at| header(at) == header(&first)) => {
            Ok(candidates)
        }
        _ => Err(IntakeError::AmbiguousPhoneColumn {
            file: file.to_owned(),
            candidates: candidates
                .iter()
                .map(|index| column(headers, *index).name)
                .collect(),
        }),
    }
}

/// The other columns that hold numbers, as their headers and most of their cells say: whoever opted out did so with each of
/// them, an old one and that of a fax too.
fn others(
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
    taken: &[usize],
) -> Vec<usize> {
    let scores = scores(headers, rows, settings);
    let is_other = |at: &usize| {
        let is_named = scores.get(*at).is_some_and(|score| *score > 0)
            || headers.get(*at).is_some_and(|header| is_no_line(header));
        is_named && !taken.contains(at) && phone_share(*at, rows, settings) >= 0.5
    };
    (0..headers.len()).filter(is_other).collect()
}

/// The columns of people's own numbers that no message goes to, as their headers and most of their cells say. None where any of
/// them may be of somebody else.
pub(super) fn unused(
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
    taken: &[usize],
) -> Vec<PhoneColumn> {
    if settings.no_header || settings.read_for != ReadFor::Messages {
        return Vec::new();
    }
    let is_unused = |at: &usize| {
        let is_named =
            |header: &String| is_own(header) && names_line(header) && !is_no_line(header);
        !taken.contains(at)
            && headers.get(*at).is_some_and(is_named)
            && phone_share(*at, rows, settings) >= 0.5
    };
    let unused: Vec<usize> = (0..headers.len()).filter(is_unused).collect();
    let all: Vec<usize> = taken.iter().chain(&unused).copied().collect();
    if people::refuse_several("", headers, rows, &all).is_err()
        || people::refuse_side_by_side("", headers).is_err()
    {
        return Vec::new();
    }
    let columns = unused.into_iter().map(|at| column(headers, at));
    columns
        .map(|column| PhoneColumn::new(headers, rows, column))
        .collect()
}

/// Whether a header names a line: `No.` may be that of a row.
fn names_line(header: &str) -> bool {
    words(header).split(' ').any(|word| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let lists = [PHONE, MOBILE, MESSAGES];
        lists.iter().any(|list| list.has(word)) || ["contact", "kontakt"].contains(&word)
    })
}

/// Whether a header of a phone column names somebody, or something, but not the people of the list.
fn may_be_of_another(header: &str) -> bool {
    !is_own(header) && !words(header).split(' ').any(|word| ADDRESSEE.has(word))
}

/// Whether a header names a person's own number.
fn is_own(header: &str) -> bool {
    beyond_phone(header).is_empty() || country(header).is_some()
}

/// The columns whose headers name a person's own numbers, the mobiles first.
fn several(headers: &[String], scores: &[u8]) -> Vec<usize> {
    let places = headers.iter().zip(scores).enumerate();
    let mut own: Vec<usize> = places
        .filter(|(_, (header, score))| **score > 0 && is_own(header))
        .map(|(at, _)| at)
        .collect();
    own.sort_by_key(|at| !headers.get(*at).is_some_and(|header| is_mobile(header)));
    own
}

/// The share of cells that read as phone numbers. Without a region, nine digits may be one.
fn phone_share(index: usize, rows: &[Vec<String>], settings: &Settings) -> f64 {
    share_of_cells(index, rows, |cell| {
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        let others = |c: char| c.is_alphabetic() || matches!(c, ':' | '@');
        let read = PhoneNumber::parse(cell, settings.reading());
        // A number with two readings is one, whichever it is.
        read.map_or_else(|it| it.problem.readings().next().is_some(), |_| true)
            || settings.region.is_none() && (9..=15).contains(&digits) && !cell.contains(others)
    })
}

/// The column that labels the numbers of a phone column: `Phone 1 - Label` beside `Phone 1 - Value`, or `Type`
/// next to it.
fn label(headers: &[String], rows: &[Vec<String>], phone: &Column) -> Option<Column> {
    let without = |header: &str, more: List| {
        let folded = words(header);
        let rest: Vec<&str> = folded.split(' ').filter(|word| !more.has(word)).collect();
        rest.join(" ")
    };
    let own = headers.get(phone.index)?;
    let stem = without(own, VALUES);
    let labels = |index: usize, header: &str| {
        if index == phone.index {
            return false;
        }
        let next_to = index.abs_diff(phone.index) == 1;
        let is_of_number = next_to && is_numbered_as(header, own);
        let rest = without(header, LABELS);
        if rest == words(header) {
            return is_of_number && share_of_cells(index, rows, says_which) >= 0.5;
        }
        let is_of_phone = |word: &str| PHONE.has(word) || is_figure(word);
        rest == stem
            || is_of_number && rest.split(' ').all(is_of_phone)
            || rest.is_empty() && next_to && share_of_cells(index, rows, is_kind) >= 0.5
    };
    let mut places = headers.iter().enumerate();
    let (index, _) = places.find(|(index, header)| labels(*index, header))?;
    Some(column(headers, index))
}

/// Whether two headers have one number: `Phone 2` and `Type 2`.
fn is_numbered_as(header: &str, other: &str) -> bool {
    let number = |header: &str| {
        let figures = header.split(|c: char| !c.is_ascii_digit());
        let mut number = figures.filter(|part| !part.is_empty()).map(str::to_owned);
        number.next_back()
    };
    number(header).is_some_and(|it| number(other) == Some(it))
}

fn is_figure(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a cell says which number the one beside it is, or whose: `manželka`.
fn says_which(cell: &str) -> bool {
    is_kind(cell) || is_label(cell) || is_not_theirs(cell)
}

fn is_kind(text: &str) -> bool {
    let folded = words(text);
    is_no_line(text) || is_mobile(text) || KINDS_OF_LINE.is_in(&folded)
}

/// True for the label or header of a fax or a pager: nobody reads a message there.
pub(super) fn is_no_line(text: &str) -> bool {
    NO_LINE.is_in(&words(text))
}

/// True for the label or header of a mobile.
pub(super) fn is_mobile(text: &str) -> bool {
    let folded = words(text);
    let mut words = folded.split(' ');
    words.any(|word| MOBILE.has(word) || ["iphone", "sms"].contains(&word))
}

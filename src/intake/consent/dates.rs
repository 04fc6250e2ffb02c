//! Consents and refusals that begin or end on a day.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::answers::{CellConsent, Question, answer};
use crate::domain::fold;
use crate::domain::message_date::{self, Dated};
use crate::domain::text::trimmed;
use crate::intake::words::{BEGINS, TIME_WORDS, UNTIL};

/// What a date in a column of consent is, where no word beside it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateMeaning {
    /// The header does not say.
    Any,
    /// When it was given: in the past.
    Given,
    /// From when on it counts.
    Begin,
    /// Until when it counts.
    End,
}

/// The dates that one date of a cell may be, in their order: day and month may be either way round.
type Readings = Vec<Dated>;

/// What a cell says of a consent that may begin or end on a day.
///
/// A consent that is over, or has not begun, is none. A date to come that nothing explains may be the beginning or the end: it
/// is not understood.
pub(super) fn consent(by_header: DateMeaning, cell: &str, now: Option<Timestamp>) -> CellConsent {
    if !cell.contains(|c: char| c.is_ascii_digit()) {
        return answer(Question::MayBeMessaged, cell);
    }
    let whole = message_date::readings(cell);
    if !whole.is_empty() {
        return judged(&Term::of(by_header, whole), by_header, now);
    }
    if by_header == DateMeaning::End
        && let Some(said) = end_of_time(cell, now)
    {
        return said;
    }
    let said = answer(Question::MayBeMessaged, cell);
    if said != CellConsent::May {
        return said;
    }
    let folded = fold::header(cell);
    let (ends, begins) = (UNTIL.is_in(&folded), BEGINS.is_in(&folded));
    let term = match &dates_in(cell)[..] {
        // `1` is an answer, `31. prosince 2020` is a date that is not read: it may be over.
        [] if has_year(cell) && (ends || begins || by_header == DateMeaning::End) => {
            return CellConsent::NotUnderstood;
        }
        [] => match year_of(&folded) {
            Some(year) => Term::of(by_header, vec![year]),
            None if has_year(cell) && by_header != DateMeaning::Any => {
                return CellConsent::NotUnderstood;
            }
            None => return said,
        },
        [date] if ends != begins => {
            let explained = if ends {
                DateMeaning::End
            } else {
                DateMeaning::Begin
            };
            return judged(&Term::of(explained, date.clone()), explained, now);
        }
        [date] if !ends => Term::of(by_header, date.clone()),
        [first, last] if ends && begins => Term {
            begin: first.clone(),
            end: last.clone(),
        },
        [_, ..] => return CellConsent::NotUnderstood,
    };
    judged(&term, by_header, now)
}

/// What a cell says below a header of the end of a consent that is no whole date: `2024`, `6/2025`, `31.12.24`, and in words
/// `konec 2024`, of which the year alone is read: while it lasts, the consent may be over.
fn end_of_time(cell: &str, now: Option<Timestamp>) -> Option<CellConsent> {
    let last = message_date::last_days(cell);
    if !last.is_empty() {
        return Some(judged(
            &Term::of(DateMeaning::End, last),
            DateMeaning::End,
            now,
        ));
    }
    let year = year_of(&fold::header(cell))?;
    Some(match now {
        Some(now) if year.end < now => CellConsent::MustNot,
        Some(now) if now < year.begin => CellConsent::May,
        // Whether it is a date does not depend on today's.
        Some(_) | None => CellConsent::NotUnderstood,
    })
}

/// When a consent begins and ends; empty where that is not said.
struct Term {
    begin: Readings,
    end: Readings,
}

impl Term {
    fn of(meaning: DateMeaning, date: Readings) -> Self {
        let (begin, end) = match meaning {
            DateMeaning::Any | DateMeaning::Given | DateMeaning::Begin => (date, Vec::new()),
            DateMeaning::End => (Vec::new(), date),
        };
        Self { begin, end }
    }
}

/// Whether a consent counts now. Of a date that may be two, both must allow it, but for the day on which it was given.
fn judged(term: &Term, meaning: DateMeaning, now: Option<Timestamp>) -> CellConsent {
    let Some(now) = now else {
        return match meaning {
            DateMeaning::Any => CellConsent::May,
            DateMeaning::Given | DateMeaning::Begin | DateMeaning::End => {
                CellConsent::NotUnderstood
            }
        };
    };
    if term.end.iter().any(|date| date.end < now) {
        return CellConsent::MustNot;
    }
    let begun = term.begin.iter().filter(|date| date.begin <= now).count();
    let is_for_ever = |date: &Dated| date.begin == Timestamp::MAX;
    match meaning {
        _ if begun == term.begin.len() => CellConsent::May,
        DateMeaning::Any | DateMeaning::Given if begun > 0 => CellConsent::May,
        DateMeaning::Any if term.begin.iter().all(is_for_ever) => CellConsent::May,
        DateMeaning::Any => CellConsent::NotUnderstood,
        DateMeaning::Begin | DateMeaning::End if begun > 0 => CellConsent::NotUnderstood,
        DateMeaning::Given | DateMeaning::Begin | DateMeaning::End => CellConsent::MustNot,
    }
}

/// Whether a cell is what a program writes where there is no date: `0000-00-00 00:00:00`, the first day of its count.
pub(super) fn is_no_date(cell: &str) -> bool {
    let date = cell.split([' ', 'T']).next().unwrap_or("");
    let parts: Vec<&str> = date.trim_end_matches('.').split(['.', '-', '/']).collect();
    let numbers: Option<Vec<u16>> = parts.iter().map(|it| it.parse().ok()).collect();
    let is_year = |part: &&&str| part.len() == 4;
    if parts.len() != 3 || parts.iter().filter(is_year).count() != 1 {
        return false;
    }
    // The others are a day and a month.
    let mut numbers = numbers.unwrap_or_default();
    numbers.sort_unstable();
    matches!(
        numbers[..],
        [0, 0, _] | [1, 1, 1 | 1900 | 1970] | [0, 1, 1900] | [12, 30 | 31, 1899]
    )
}

/// What a cell says of a refusal that ends on a day.
pub(super) fn refusal(cell: &str, now: Option<Timestamp>) -> CellConsent {
    let dates = message_date::readings(cell);
    match now {
        _ if dates.is_empty() => answer(Question::MustNotBeMessaged, cell),
        Some(now) if dates.iter().all(|date| date.end < now) => CellConsent::May,
        Some(_) | None => CellConsent::MustNot,
    }
}

/// The dates that stand among other words.
fn dates_in(cell: &str) -> Vec<Readings> {
    let tokens: Vec<&str> = cell
        .split_whitespace()
        .map(|token| token.trim_matches(['(', ')', '[', ']', ',', ';', ':']))
        .collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        // `1. 5. 2026` is three words.
        let date = [3, 1].into_iter().find_map(|count| {
            let text = tokens.get(at..at + count)?.join(" ");
            let readings = message_date::readings(&text);
            let is_date = text.contains(['.', '/', '-']) && !readings.is_empty();
            is_date.then_some((readings, count))
        });
        match date {
            Some((readings, count)) => {
                found.push(readings);
                at += count;
            }
            None => at += 1,
        }
    }
    found
}

/// The year of a text that holds a time and nothing else: `Jan 5, 2024`.
fn year_of(folded: &str) -> Option<Dated> {
    let words = folded.split(' ');
    let is_word = |word: &str| TIME_WORDS.has(word) || UNTIL.has(word);
    let is_of_time = |word: &str| word.bytes().all(|it| it.is_ascii_digit()) || is_word(word);
    if !words.clone().all(is_of_time) || !words.clone().any(is_word) {
        return None;
    }
    let mut years = words.filter(|word| word.len() == 4 && word.starts_with(['1', '2']));
    let year: i16 = years.next()?.parse().ok()?;
    if years.next().is_some() {
        return None;
    }
    let day = |year: i16| {
        let day = Date::new(year, 1, 1).ok()?;
        Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    Some(Dated {
        begin: day(year)?,
        end: day(year + 1)?,
    })
}

fn has_year(cell: &str) -> bool {
    trimmed(cell).bytes().filter(u8::is_ascii_digit).count() >= 4
}

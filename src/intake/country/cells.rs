//! Columns whose headers say nothing of a country, and whose cells are countries or calling codes: `+48` below `Kód`.
//!
//! A size, a room or a letter for a product may read as a country, too. So one of the cells has to be the country of the list,
//! or each a calling code with its plus; and what such a column says counts only where a number may be of either country.

use crate::domain::phone::{Parsed, PhoneNumber, Region, RegionNames};
use crate::domain::text::trimmed;
use crate::intake::words::{COUNTRY_ELSEWHERE, LANGUAGE, PLACE, words};

/// What such a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// The calling codes of the numbers.
    CallingCodes,
    /// Countries. It is not known of what.
    Countries,
}

/// How a cell names a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// As a calling code with its plus: `+48`.
    Dialled,
    /// As a calling code that may be any other figure: `48`, `0048`.
    Figure,
    /// By a name or a code: `PL`.
    Word,
}

/// The first rows of a list.
pub(super) struct List<'a> {
    rows: &'a [Vec<String>],
    phones: &'a [usize],
    own: Option<(Region, RegionNames)>,
}

impl<'a> List<'a> {
    /// `own` is the country that is set for the list.
    pub(super) fn new(rows: &'a [Vec<String>], phones: &'a [usize], own: Option<Region>) -> Self {
        Self {
            rows,
            phones,
            own: own.map(|own| (own, own.names())),
        }
    }

    /// What a column holds; `None` if it is about something else.
    pub(super) fn column(&self, header: &str, index: usize) -> Option<Said> {
        let folded = words(header);
        if COUNTRY_ELSEWHERE.is_in(&folded) || LANGUAGE.is_in(&folded) {
            return None;
        }
        let cells = self.rows.iter().filter_map(|row| row.get(index));
        let cells = cells.map(|cell| trimmed(cell));
        let cells: Vec<&str> = cells.filter(|cell| !cell.is_empty()).collect();
        let is_place = PLACE.is_in(&folded) && cells.iter().all(|cell| is_code(cell));
        // Most columns name no country, and to look for any in each would take time.
        let may_be_own = |cell: &&str| self.own.as_ref().is_some_and(|own| own.1.are_in(cell));
        let is_short = |cell: &&str| cell.bytes().filter(u8::is_ascii_digit).count() <= 4;
        let may_be_code = |cell: &&str| cell.contains('+') && is_short(cell);
        let may_be_one = |cell: &&str| may_be_code(cell) || is_place || may_be_own(cell);
        if !cells.iter().any(may_be_one) {
            return None;
        }
        let has_own = cells.iter().any(|cell| self.is_own(cell));
        let written: Vec<Written> = cells.iter().filter_map(|cell| self.written(cell)).collect();
        let count = |how: Written| written.iter().filter(|it| **it == how).count();
        let (dialled, figures) = (count(Written::Dialled), count(Written::Figure));
        let with_plus = cells.iter().filter(|cell| cell.contains('+')).count();
        let are_dialled = dialled > 0 && dialled == with_plus && dialled * 2 >= cells.len();
        let are_figures = has_own && dialled + figures == cells.len();
        let are_words = (has_own || is_place) && (written.len() - figures) * 2 >= cells.len();
        let said = if are_dialled || are_figures {
            self.dialled(index, are_dialled)
        } else {
            are_words.then_some(Said::Countries)
        };
        // Without a country of the list no number is read by it.
        said.filter(|said| *said == Said::CallingCodes || self.own.is_some())
    }

    fn own(&self) -> Option<Region> {
        self.own.as_ref().map(|(own, _)| *own)
    }

    /// Whether a cell names the country of the list, or has its calling code.
    fn is_own(&self, cell: &str) -> bool {
        let (Some(own), Some(region)) = (self.own(), named(cell)) else {
            return false;
        };
        let is_code = cell.contains(|c: char| c.is_ascii_digit());
        own == region || is_code && own.calling_code() == region.calling_code()
    }

    fn written(&self, cell: &str) -> Option<Written> {
        named(cell)?;
        let digits = cell.strip_suffix(".0").unwrap_or(cell);
        let digits = digits.strip_prefix("00").unwrap_or(digits);
        let is_figure = digits.bytes().all(|byte| byte.is_ascii_digit());
        Some(if cell.contains('+') {
            Written::Dialled
        } else if !is_figure {
            Written::Word
        } else if (2..=3).contains(&digits.len()) || self.is_own(cell) {
            Written::Figure
        } else {
            return None;
        })
    }

    /// What a column of calling codes is to the numbers beside it. Figures are their codes where some are numbers only so.
    fn dialled(&self, index: usize, with_plus: bool) -> Option<Said> {
        let (mut all, mut valid, mut only_so) = (0, 0, 0);
        for row in self.rows {
            let cell = |at: usize| row.get(at).map(|cell| trimmed(cell)).unwrap_or_default();
            let mut numbers = self.phones.iter().map(|at| cell(*at));
            let number = numbers.find(|number| !number.is_empty());
            let (Some(number), Some(region)) = (number, named(cell(index))) else {
                continue;
            };
            if number.contains('+') || number.starts_with("00") {
                continue;
            }
            let is_number = |region: Region| read(number, region).is_some();
            all += 1;
            valid += usize::from(is_number(region));
            only_so += usize::from(is_number(region) && !self.own().is_some_and(is_number));
        }
        if with_plus && all > 0 && valid == 0 {
            // `+1`: a guest beside the person.
            None
        } else if valid * 10 >= all * 9 && all > 0 && (with_plus || only_so > 0) {
            Some(Said::CallingCodes)
        } else {
            Some(Said::Countries)
        }
    }
}

/// Whether a cell may be the code of a country.
fn is_code(cell: &str) -> bool {
    cell.len() == 2 && cell.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The country that a cell names: that of a locale, too (`pl_PL`). English is spoken anywhere.
pub(super) fn named(cell: &str) -> Option<Region> {
    let of_locale = || {
        let (language, country) = cell.split_once(['_', '-'])?;
        let is_one = language.len() == 2 && language.bytes().all(|byte| byte.is_ascii_lowercase());
        (is_one && language != "en" && is_code(country)).then(|| country.parse().ok())?
    };
    cell.parse().ok().or_else(of_locale)
}

/// Whether a number is one of the country that its row names, and as well one of the list's own.
pub(in crate::intake) fn may_be_of_either(number: &str, own: Region, named: Region) -> bool {
    if own.calling_code() == named.calling_code() {
        return false;
    }
    let number = trimmed(number);
    match (read(number, own), read(number, named)) {
        (_, None) => false,
        (None, Some(_)) => true,
        // In countries whose fixed lines have any length nearly every mobile is one.
        (Some(here), Some(there)) => {
            here.phone != there.phone
                && (!here.line_type.may_be_mobile() || there.line_type.may_be_mobile())
        }
    }
}

/// A number of that country, with a person behind it.
fn read(number: &str, region: Region) -> Option<Parsed> {
    let parsed = PhoneNumber::parse(number, Some(region)).ok()?;
    parsed.line_type.service().is_none().then_some(parsed)
}

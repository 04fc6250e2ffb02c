//! The columns that name a row's country: found by their headers, read in each row.
//!
//! A list that names the country wins: its cell wins over `--region`, and a cell that is not understood
//! makes a national number invalid, because `--region` would make it a stranger's.

mod cells;

use std::fmt;

use serde::Serialize;

use super::column::Column;
use super::words::{
    ADDRESSEE, AREA_CODE, COUNTRY, COUNTRY_ELSEWHERE, COUNTRY_OF_NUMBER, COUNTRY_WORD, DIALLED,
    DOUBTFUL_COUNTRY, GOODS, NO_COUNTRY, OF_THE_PERSON, ONE_ADDRESS, PLACE, REGION_WITHIN,
    WHOSE_COUNTRY, words,
};
use crate::domain::phone::{AddressEnd, PhoneNumber, Region};
use crate::domain::text::trimmed;

/// A column of countries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountryColumn {
    /// The column.
    #[serde(flatten)]
    pub column: Column,
    /// How near it is to the phone number.
    #[serde(skip)]
    pub(super) nearness: Nearness,
    /// The country that is set for the list.
    #[serde(skip)]
    of_list: Option<Region>,
    /// The columns of the numbers, where what it says hangs on them.
    #[serde(skip)]
    phones: Vec<usize>,
}

/// How near a column of countries is to the phone number, the nearest first: the calling code beside a number says
/// more than the country of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// The user named it, or it holds calling codes.
    OfTheNumber,
    /// It has the qualifier of the phone column: `Billing Country` beside `Billing Phone`.
    Beside,
    /// It is that of the person or of the only address.
    OfThePerson,
    /// It is that of one of several addresses.
    OfAnAddress,
    /// It stands after a city: `Brno, Czech Republic`.
    BehindACity,
    /// It is where goods go: `Shipping country`. A present goes to another country than its sender's number.
    OfGoods,
    /// It may be that of something else: `Favourite country`. It is no country of a number, and a reason to doubt another.
    OfSomething,
    /// Its header says nothing of a country, and its cells do. Where a number may be of the country that one names as well
    /// as of the list's, nobody knows which.
    Unknown,
}

impl CountryColumn {
    /// The column that the user named.
    pub(super) fn chosen(column: Column) -> Self {
        Self {
            column,
            nearness: Nearness::OfTheNumber,
            of_list: None,
            phones: Vec::new(),
        }
    }

    /// Whether it is known of what its countries are.
    pub(super) fn is_known(&self) -> bool {
        self.nearness != Nearness::Unknown
    }

    /// The country that a filled cell names; `other` are the cells of its row.
    fn read<'a>(&self, cell: &str, other: impl Fn(usize) -> Option<&'a str>) -> RowCountry {
        let named = || cell.parse::<Region>().ok();
        match self.nearness {
            Nearness::OfTheNumber
            | Nearness::Beside
            | Nearness::OfThePerson
            | Nearness::OfAnAddress => {
                named().map_or(RowCountry::NotUnderstood, RowCountry::Country)
            }
            Nearness::BehindACity => match AddressEnd::of(cell) {
                AddressEnd::Country(region) => RowCountry::Country(region),
                // The American state.
                AddressEnd::Georgia if self.of_list.is_none_or(|it| it.code() != "US") => {
                    RowCountry::NotUnderstood
                }
                AddressEnd::Georgia | AddressEnd::Other => RowCountry::Nothing,
            },
            Nearness::OfGoods | Nearness::OfSomething => match (named(), self.of_list) {
                (None, _) => RowCountry::Nothing,
                (Some(region), Some(own)) if region.calling_code() == own.calling_code() => {
                    RowCountry::Nothing
                }
                (Some(_), _) => RowCountry::NotUnderstood,
            },
            Nearness::Unknown => {
                let countries = self.of_list.zip(cells::named(cell));
                let is_either = countries.is_some_and(|(own, named)| {
                    let mut numbers = self.phones.iter().filter_map(|at| other(*at));
                    numbers.any(|number| cells::may_be_of_either(number, own, named))
                });
                if is_either {
                    RowCountry::NotUnderstood
                } else {
                    RowCountry::Nothing
                }
            }
        }
    }
}

impl fmt::Display for CountryColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = match self.nearness {
            Nearness::OfTheNumber
            | Nearness::Beside
            | Nearness::OfThePerson
            | Nearness::OfAnAddress => "",
            Nearness::BehindACity => " (after the city)",
            Nearness::OfGoods | Nearness::OfSomething => {
                " (may not be the number's: where it differs from the list's, a number needs its country code)"
            }
            Nearness::Unknown => {
                " (it is not known of what: a number that may be of it as well as of the list's needs its country code)"
            }
        };
        write!(f, "\"{}\"{behind}", self.column.name)
    }
}

/// Finds the columns that name a row's country. `rows` are the first rows; `region` is that of the list, where it is set.
pub(super) fn find(
    headers: &[String],
    rows: &[Vec<String>],
    phone: &[Column],
    region: Option<Region>,
) -> Vec<CountryColumn> {
    let mut found: Vec<CountryColumn> = headers
        .iter()
        .enumerate()
        .filter(|(index, _)| phone.iter().all(|column| column.index != *index))
        .filter_map(|(index, header)| {
            let cells = filled(rows, index);
            let behind = || is_behind_cities(header, &cells).then_some(Nearness::BehindACity);
            let dialled = || is_dialled_before(rows, index, phone);
            let nearness = nearness(header, (&cells, region), phone, &dialled).or_else(behind)?;
            let name = header.clone();
            Some(CountryColumn {
                column: Column { index, name },
                nearness,
                of_list: region,
                phones: Vec::new(),
            })
        })
        .collect();
    // Beside a phone of one address, that address names the country, and no other.
    if found.iter().any(|it| it.nearness == Nearness::Beside) {
        let is_other = |it: Nearness| matches!(it, Nearness::OfAnAddress | Nearness::OfGoods);
        found.retain(|it| !is_other(it.nearness));
    }
    found.sort_by_key(|it| it.nearness);
    found
}

/// Finds more of them by their cells, in columns whose headers say nothing of a country.
pub(super) fn find_by_cells(
    headers: &[String],
    rows: &[Vec<String>],
    phone: &[Column],
    region: Option<Region>,
    found: &mut Vec<CountryColumn>,
) {
    let phones: Vec<usize> = phone.iter().map(|column| column.index).collect();
    let list = cells::List::new(rows, &phones, region);
    let columns = headers.iter().enumerate();
    let is_known = |index: usize, header: &str| {
        let dialled = || is_dialled_before(rows, index, phone);
        found.iter().any(|it| it.column.index == index)
            || nearness(header, (&filled(rows, index), region), phone, &dialled).is_some()
            || is_region_within(header, &filled(rows, index), region)
    };
    let free = columns.filter(|(at, header)| !phones.contains(at) && !is_known(*at, header));
    let more = free.filter_map(|(index, header)| {
        let (nearness, phones) = match list.column(header, index)? {
            cells::Said::CallingCodes => (Nearness::OfTheNumber, Vec::new()),
            cells::Said::Countries => (Nearness::Unknown, phones.clone()),
        };
        let name = header.clone();
        Some(CountryColumn {
            column: Column { index, name },
            nearness,
            of_list: region,
            phones,
        })
    });
    let more: Vec<CountryColumn> = more.collect();
    found.extend(more);
    found.sort_by_key(|it| it.nearness);
}

/// Whether countries stand after the cities of a column: in any cell of one for addresses, in most of another.
fn is_behind_cities(header: &str, cells: &[&str]) -> bool {
    let is_place = PLACE.is_in(&words(header));
    let named = share(cells, |cell| AddressEnd::of(cell) != AddressEnd::Other);
    named >= 0.5 || is_place && named > 0.0
}

fn filled(rows: &[Vec<String>], index: usize) -> Vec<&str> {
    let cells = rows.iter().filter_map(|row| row.get(index));
    let cells = cells.map(|cell| trimmed(cell));
    cells.filter(|cell| !cell.is_empty()).collect()
}

fn is_known(phrase: &str) -> bool {
    let mut lists = [COUNTRY, DOUBTFUL_COUNTRY, DIALLED].into_iter();
    lists.any(|list| list.has(phrase))
}

/// A folded header without the words that say whose country it is.
fn core(folded: &str) -> String {
    if is_known(folded) {
        return folded.to_owned();
    }
    let is_more =
        |word: &&str| !WHOSE_COUNTRY.has(word) && !word.bytes().all(|byte| byte.is_ascii_digit());
    let words: Vec<&str> = folded.split(' ').filter(is_more).collect();
    words.join(" ")
}

/// Whether a word beside one for a country changes nothing of whose it is.
fn is_beside_country(word: &str) -> bool {
    let lists = [COUNTRY_WORD, PLACE, ADDRESSEE, OF_THE_PERSON];
    lists.iter().any(|list| list.has(word))
}

/// The codes of a column with the numbers of the first phone column beside them.
fn with_numbers<'a>(
    rows: &'a [Vec<String>],
    index: usize,
    phone: &'a [Column],
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let filled = |row: &'a Vec<String>, index: usize| {
        let cell = trimmed(row.get(index)?);
        (!cell.is_empty()).then_some(cell)
    };
    let number = move |row: &'a Vec<String>| phone.iter().find_map(|it| filled(row, it.index));
    rows.iter()
        .filter_map(move |row| Some((filled(row, index)?, number(row)?)))
}

/// Whether bare digits are calling codes: with them, nearly all numbers are valid. An area's code may read as a
/// country's.
fn is_dialled_before(rows: &[Vec<String>], index: usize, phone: &[Column]) -> bool {
    let (mut all, mut valid) = (0, 0);
    for (code, number) in with_numbers(rows, index, phone) {
        all += 1;
        let region = code.parse::<Region>().ok();
        valid += usize::from(region.is_some() && PhoneNumber::parse(number, region).is_ok());
    }
    all > 0 && valid * 10 >= all * 9
}

/// The column that holds the first part of the numbers: an area's code, which the numbers beside it lack.
pub(super) fn area_codes<'a>(
    headers: &'a [String],
    rows: &[Vec<String>],
    phone: &[Column],
    countries: &[CountryColumn],
) -> Option<&'a String> {
    let is_apart = |index: usize| {
        let (mut all, mut apart) = (0, 0);
        for (code, number) in with_numbers(rows, index, phone) {
            let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
            let code = code.trim_matches(|c: char| !c.is_ascii_digit() || c == '0');
            let number = number.trim_start_matches(['(', '0']);
            all += 1;
            apart += usize::from(
                (1..=5).contains(&digits(code))
                    && !number.starts_with(['+'])
                    && !number.starts_with(code),
            );
        }
        all > 0 && apart * 2 > all
    };
    let mut places = headers.iter().enumerate();
    let found = places.find(|(index, header)| {
        let core = core(&words(header));
        let is_code = DIALLED.has(&core) || AREA_CODE.has(&core);
        let is_other = |column: &Column| column.index != *index;
        is_code
            && countries.iter().all(|country| is_other(&country.column))
            && phone.iter().all(is_other)
            && is_apart(*index)
    });
    found.map(|(_, header)| header)
}

/// `None` if the column names no country.
fn nearness(
    header: &str,
    (cells, region): (&[&str], Option<Region>),
    phone: &[Column],
    is_dialled_before: &dyn Fn() -> bool,
) -> Option<Nearness> {
    if is_region_within(header, cells, region) {
        return None;
    }
    let folded = words(header);
    let core = core(&folded);
    let is_elsewhere = || {
        [NO_COUNTRY, COUNTRY_ELSEWHERE]
            .iter()
            .any(|list| list.is_in(&folded))
    };
    if !is_known(&core) && (!COUNTRY_WORD.is_in(&folded) || is_elsewhere()) {
        return None;
    }
    if !COUNTRY.has(&core) {
        let dialled = DIALLED.has(&core);
        let bare = !dialled || is_dialled_before();
        let holds = |cell: &&&str| {
            cell.parse::<Region>().is_ok()
                && (bare || cell.starts_with(['+', '(']) || cell.starts_with("00"))
        };
        // A column that is empty so far may name the country further down.
        if !cells.is_empty() && share(cells, holds) < 0.5 {
            return None;
        }
    }
    // What stands in brackets says of which form or place it is: `Country (from Company)`.
    let outside = header.split_once('(').map_or(header, |(before, _)| before);
    let outside = self::core(&words(outside));
    if !is_known(&core) && !outside.split(' ').all(is_beside_country) {
        return Some(Nearness::OfSomething);
    }
    let of_codes = !cells.is_empty()
        && share(cells, |cell| cell.contains(|c: char| c.is_ascii_digit())) >= 0.5;
    if of_codes || core != folded && COUNTRY_OF_NUMBER.is_in(&folded) {
        return Some(Nearness::OfTheNumber);
    }
    let is_beside = |address: &str| {
        let mut phones = phone.iter().map(|column| words(&column.name));
        phones.any(|name| name.split(' ').any(|word| word == address))
    };
    let mut addresses = folded
        .split(' ')
        .filter(|word| ONE_ADDRESS.has(word) || GOODS.has(word));
    Some(if addresses.clone().any(is_beside) {
        Nearness::Beside
    } else if GOODS.is_in(&folded) {
        Nearness::OfGoods
    } else if addresses.next().is_some() {
        Nearness::OfAnAddress
    } else {
        Nearness::OfThePerson
    })
}

/// Whether the codes of a column are those of regions within a country, as its header says in Czech, and may say in other languages:
/// `PL` is Plzeň. Codes of countries have that of the list among them.
fn is_region_within(header: &str, cells: &[&str], of_list: Option<Region>) -> bool {
    let folded = words(header);
    let is_named = folded.split(' ').any(|word| REGION_WITHIN.has(word));
    if !is_named || COUNTRY.has(&core(&folded)) {
        return false;
    }
    let is_code = |cell: &&&str| cell.chars().count() <= 3;
    let is_own = |cell: &&str| of_list.is_some_and(|own| cell.eq_ignore_ascii_case(&own.code()));
    // The Polish word for a country.
    let is_polish = of_list.is_some_and(|own| own.code() == "PL");
    share(cells, is_code) >= 0.5 && !is_polish && !cells.iter().any(is_own)
}

fn share(cells: &[&str], holds: impl Fn(&&&str) -> bool) -> f64 {
    cells.iter().filter(holds).count() as f64 / cells.len().max(1) as f64
}

/// The country that a row names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowCountry {
    /// Nothing: all its cells are empty.
    Nothing,
    /// This country.
    Country(Region),
    /// A cell is not understood, or two cells of equal rank say different countries.
    NotUnderstood,
}

/// The country that a row names: the nearest columns that say anything decide.
pub(super) fn of_row<'a>(
    columns: &[CountryColumn],
    cell: impl Fn(usize) -> Option<&'a str>,
) -> RowCountry {
    let mut found = RowCountry::Nothing;
    let mut nearest = None;
    for column in columns {
        let own = match cell(column.column.index).map_or("", trimmed) {
            "" => RowCountry::Nothing,
            filled => column.read(filled, &cell),
        };
        if own == RowCountry::Nothing {
            continue;
        }
        if nearest.is_some_and(|nearest| nearest != column.nearness) {
            break;
        }
        nearest = Some(column.nearness);
        found = match (found, own) {
            (RowCountry::Nothing, own) => own,
            (RowCountry::Country(known), RowCountry::Country(region))
                if known.calling_code() == region.calling_code() =>
            {
                found
            }
            (RowCountry::Country(_) | RowCountry::NotUnderstood, _) => RowCountry::NotUnderstood,
        };
        if found == RowCountry::NotUnderstood {
            break;
        }
    }
    found
}

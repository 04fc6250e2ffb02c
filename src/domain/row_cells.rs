//! What a batch keeps of how its list was read: where its rows have the numbers and names of their people. A row is one person: who
//! asked by one of its numbers not to be messaged is not messaged on another one.

use std::collections::BTreeSet;

use super::fold;
use super::phone::{Numbers, PhoneNumber, Reading, Region, Within, WrittenForms};

/// The part of a batch's definition that says how its list was read.
pub(crate) const MAPPING: &str = "mapping";

/// The name of the column at that place; where several have it, the later ones are numbered: `Phone#2`.
pub(crate) fn column_name(headers: &[String], index: usize) -> String {
    let name = headers.get(index).map_or("", String::as_str);
    let folded = fold::header(name);
    let before = headers.iter().take(index);
    let before = before
        .filter(|header| fold::header(header) == folded)
        .count();
    match before {
        0 => name.to_owned(),
        before => format!("{name}#{}", before + 1),
    }
}

/// The names of all columns, those of one name numbered.
pub(crate) fn column_names(headers: &[String]) -> Vec<String> {
    let columns = 0..headers.len();
    columns.map(|index| column_name(headers, index)).collect()
}

/// The names that stand in quotes at the beginning of a text, with commas between them, and what is behind them.
fn quoted(text: &str) -> (Vec<String>, &str) {
    let (mut rest, mut names) = (text, Vec::new());
    while let Some(quoted) = rest.strip_prefix('"') {
        let (mut name, mut end) = (String::new(), None);
        let mut signs = quoted.char_indices();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '"' => {
                    end = Some(at + 1);
                    break;
                }
                '\\' => name.extend(signs.next().map(|(_, escaped)| escaped)),
                sign => name.push(sign),
            }
        }
        let Some(behind) = end.and_then(|end| quoted.get(end..)) else {
            break;
        };
        names.push(name);
        rest = behind.strip_prefix(',').unwrap_or(behind);
    }
    (names, rest)
}

/// The columns with numbers, by how the list was read.
pub(crate) fn phone_columns(mapping: &str) -> Vec<String> {
    quoted(mapping.strip_prefix("phone=").unwrap_or_default()).0
}

/// Where the rows of a batch have the numbers and names of their people, and how the numbers are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowCells {
    numbers: Vec<usize>,
    /// Those of the person's own numbers that no message goes to.
    unused: Vec<usize>,
    names: Vec<usize>,
    /// Each number of a row is a recipient of its own.
    all_numbers: bool,
    /// The country of numbers without country code.
    region: Option<Region>,
    /// Numbers without a plus begin with their country code.
    international: bool,
}

impl RowCells {
    /// Those of a batch with these columns, whose list was read so. `None` if it is not known where its rows have numbers.
    pub(crate) fn of(mapping: &str, headers: &[String]) -> Option<Self> {
        let columns = column_names(headers);
        let places = |names: Vec<String>| -> Vec<usize> {
            let places = names.iter();
            let places = places.filter_map(|name| columns.iter().position(|it| it == name));
            places.collect()
        };
        let (phones, rest) = quoted(mapping.strip_prefix("phone=")?);
        let (mut names, mut rest) = (Vec::new(), rest);
        for what in [";first_name=", ";last_name="] {
            let (name, behind) = quoted(rest.strip_prefix(what)?);
            names.extend(name);
            rest = behind.strip_prefix('-').unwrap_or(behind);
        }
        let (_, settings) = rest.rsplit_once(";default_region=")?;
        let mut settings = settings.split(';');
        let region = settings.next().and_then(|code| code.parse().ok());
        let settings: Vec<&str> = settings.collect();
        let unused = rest.rsplit_once(";unused_phones=");
        let unused = unused.map(|(_, names)| quoted(names).0);
        let numbers = places(phones);
        (!numbers.is_empty()).then(|| Self {
            numbers,
            unused: places(unused.unwrap_or_default()),
            names: places(names),
            all_numbers: settings.contains(&"numbers=all"),
            region,
            international: settings.contains(&"international=yes"),
        })
    }

    /// These, and what the list before says of the same columns.
    #[must_use]
    pub(crate) fn and(mut self, before: Self) -> Self {
        self.numbers.extend(before.numbers);
        self.unused.extend(before.unused);
        self.names.extend(before.names);
        self.region = self.region.or(before.region);
        self
    }

    /// The other numbers of the person of a row that is sent to `own`. Those without a country are read as of its country, else as
    /// of that of the list.
    pub(crate) fn others(&self, fields: &[String], own: PhoneNumber) -> Vec<PhoneNumber> {
        let used = self.numbers.iter().filter(|_| !self.all_numbers);
        let own_region = own.region();
        let list_region = self.region.filter(|it| Some(*it) != own_region);
        let regions = || own_region.into_iter().chain(list_region);
        let cells = used.chain(&self.unused);
        let cells = cells.filter_map(|at| fields.get(*at));
        let mut others = Vec::new();
        // Most rows have one number, and nothing is read then.
        for cell in cells.filter(|cell| !is_alone(cell, own)) {
            // Google writes the numbers of one label with `:::` between them.
            for part in cell.split(":::") {
                let read = regions().find_map(|region| {
                    let reading = Reading {
                        region: Some(region),
                        row_names_region: false,
                        international: self.international,
                    };
                    PhoneNumber::parse_all(part, reading).ok()
                });
                let numbers = read.iter().flat_map(Numbers::iter);
                others.extend(numbers.map(|parsed| parsed.phone));
            }
        }
        others.sort_unstable();
        others.dedup();
        others.retain(|other| *other != own);
        others
    }

    /// Whether that cell of a row is one of its numbers.
    fn is_number(&self, at: usize) -> bool {
        self.numbers.contains(&at) || self.unused.contains(&at)
    }

    /// The words of the name that a row has, in whatever order.
    pub(crate) fn name(&self, fields: &[String]) -> BTreeSet<String> {
        let cells = self.names.iter().filter_map(|at| fields.get(*at));
        let folded = cells
            .map(|cell| fold::header(cell))
            .collect::<Vec<_>>()
            .join(" ");
        let words = folded.split(|sign: char| !sign.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }
}

/// How a row holds a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    /// The cells in which it stands.
    pub(crate) cells: Vec<usize>,
    /// It is one of the numbers of the row's person.
    pub(crate) is_theirs: bool,
}

/// How a row that is sent to `own`, if it has a number, holds the number that is written in these forms. Where its list has numbers
/// is not always known: any cell without a letter may be one then, if the number is long enough to be nothing else.
pub(crate) fn holding(
    cells: Option<&RowCells>,
    fields: &[String],
    own: Option<PhoneNumber>,
    (phone, forms): (PhoneNumber, &WrittenForms),
) -> Option<Holding> {
    let code = |region: Region| region.calling_code();
    let wanted = phone.region().and_then(code);
    let list = cells.and_then(|cells| cells.region).and_then(code);
    let own = own.and_then(PhoneNumber::region).and_then(code);
    let is_read_so = (own.is_none() && list.is_none()) || own == wanted || list == wanted;
    let mut holding = Holding {
        cells: Vec::new(),
        is_theirs: false,
    };
    for (at, field) in fields.iter().enumerate() {
        let is_number = match cells {
            Some(cells) => cells.is_number(at),
            None => !field.contains(char::is_alphabetic),
        };
        let within = match (is_number && cells.is_some(), is_read_so) {
            (true, true) => Within::NumbersOfItsCountry,
            (true, false) => Within::NumbersOfOthers,
            (false, _) => Within::AnyText,
        };
        if forms.are_in(field, within) {
            holding.cells.push(at);
            holding.is_theirs |= is_number;
        }
    }
    (!holding.cells.is_empty()).then_some(holding)
}

/// Whether rows with these names that share a number may all be of one person: what one of them says more than another is no
/// other name. Otherwise it is the number of a firm or a family.
pub(crate) fn may_be_one_person<'a>(
    names: impl Iterator<Item = &'a BTreeSet<String>> + Clone,
) -> bool {
    let longest = names.clone().max_by_key(|name| name.len());
    longest.is_none_or(|longest| names.into_iter().all(|name| name.is_subset(longest)))
}

/// Whether a cell holds this number as it is written mostly, or nothing.
fn is_alone(cell: &str, number: PhoneNumber) -> bool {
    let digits = cell.strip_prefix('+').unwrap_or(cell);
    digits.is_empty() || digits.parse() == Ok(number.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    const READ: &str = r#"phone="mobile","a \"b\", c","mobile#2";first_name="name";last_name=-;contact_id=-;region=-;default_region=CZ;prefer=first;numbers=one"#;

    fn cells(mapping: &str) -> Option<RowCells> {
        RowCells::of(
            mapping,
            &headers(&["name", "mobile", "a \"b\", c", "Mobile", "Surname"]),
        )
    }

    #[test]
    fn the_cells_of_a_row_are_those_that_the_list_was_read_by() {
        assert_eq!(phone_columns(READ), ["mobile", "a \"b\", c", "mobile#2"]);
        assert_eq!(phone_columns(r#"phone="mobile"#), [""; 0]);
        assert_eq!(phone_columns(""), [""; 0]);
        let wanted = RowCells {
            numbers: vec![1, 2],
            unused: Vec::new(),
            names: vec![0],
            all_numbers: false,
            region: "CZ".parse().ok(),
            international: false,
        };
        let wanted = |change: fn(&mut RowCells)| {
            let mut cells = wanted.clone();
            change(&mut cells);
            Some(cells)
        };
        assert_eq!(cells(READ), wanted(|_| ()));
        let international = format!("{READ};international=yes");
        assert_eq!(cells(&international), wanted(|it| it.international = true));
        let unknown = READ.replace("region=CZ", "region=-");
        assert_eq!(cells(&unknown), wanted(|it| it.region = None));
        let all = READ.replace("numbers=one", "numbers=all");
        assert_eq!(cells(&all), wanted(|it| it.all_numbers = true));
        let names = READ.replace("last_name=-", r#"last_name="Surname""#);
        assert_eq!(cells(&names), wanted(|it| it.names.push(4)));
        let unused =
            format!(r#"{READ};international=yes;unused_phones="Surname","name";line_types=pager"#);
        let unused = cells(&unused).unwrap();
        assert_eq!((unused.unused, unused.international), (vec![4, 0], true));
        let nameless = READ.replace(r#""name""#, "-");
        assert_eq!(cells(&nameless), wanted(|it| it.names.clear()));
        assert_eq!(cells(""), None);
        assert_eq!(RowCells::of(READ, &headers(&["phone"])), None);
    }

    #[test]
    fn rows_with_one_number_are_of_one_person_unless_their_names_contradict_each_other() {
        let read = READ.replace("last_name=-", r#"last_name="Surname""#);
        let cells = cells(&read).unwrap();
        let name = |first: &str, last: &str| cells.name(&headers(&[first, "", "", "", last]));
        let jana = name("Jana", "Nováková");
        for (others, wanted) in [
            (vec![], true),
            (vec![name("", "")], true),
            (vec![name("NOVÁKOVÁ", " jana ")], true),
            (vec![name("Ing. Jana", "Nováková"), name("Jana", "")], true),
            (vec![name("Eva", "Nováková")], false),
            (vec![name("", "Nováková"), name("Eva", "Nováková")], false),
            (vec![name("Acme s.r.o.", "")], false),
        ] {
            let all = others.iter().chain([&jana]);
            assert_eq!(may_be_one_person(all), wanted, "{others:?}");
        }
        assert!(may_be_one_person(std::iter::empty()));
        // A row with fewer fields.
        assert!(cells.name(&[]).is_empty());
    }

    #[test]
    fn a_number_is_a_persons_where_their_row_has_numbers_and_a_date_is_none() {
        let [danish, czech, own] = [4_520_261_129, 420_777_820_004, 420_602_333_444]
            .map(|number| PhoneNumber::from_e164(number).unwrap());
        let cells = cells(READ).unwrap();
        let row = |second: &str, note: &str| headers(&["Jana", "+420602333444", second, "", note]);
        let holds = |cells: Option<&RowCells>, fields: &[String], own, phone: PhoneNumber| {
            let found = holding(cells, fields, own, (phone, &WrittenForms::of(phone)));
            found.map(|found| (found.cells, found.is_theirs))
        };
        let known = Some(&cells);
        for (cells, second, note, phone, wanted) in [
            (known, "777 820 004", "", czech, Some((vec![2], true))),
            (known, "", "777820004", czech, Some((vec![4], false))),
            (
                known,
                "777820004",
                "of 777820004",
                czech,
                Some((vec![2, 4], true)),
            ),
            (known, "", "2026-11-29", danish, None),
            (known, "20261129", "", danish, None),
            (known, "+45 20261129", "", danish, Some((vec![2], true))),
            (known, "", "+4520261129", danish, Some((vec![4], false))),
            (None, "777 820 004", "", czech, Some((vec![2], true))),
            (None, "", "of 777820004", czech, Some((vec![4], false))),
            (None, "20261129", "", danish, None),
        ] {
            let found = holds(cells, &row(second, note), Some(own), phone);
            assert_eq!(found, wanted, "{second:?} {note:?}");
        }
        // Of a Danish row the same digits are a number.
        let danish_own = PhoneNumber::from_e164(4_520_261_128);
        let found = holds(known, &row("20261129", "20261129"), danish_own, danish);
        assert_eq!(found, Some((vec![2], true)));
        // A row whose number is not known, of a list without a country.
        let unknown = RowCells {
            region: None,
            ..cells.clone()
        };
        let found = holds(Some(&unknown), &row("20261129", ""), None, danish);
        assert_eq!(found, Some((vec![2], true)));
    }

    #[test]
    fn the_other_numbers_of_a_row_are_found_however_they_are_written() {
        let mut cells = RowCells {
            numbers: vec![1, 2],
            unused: Vec::new(),
            names: Vec::new(),
            all_numbers: false,
            region: "DE".parse().ok(),
            international: false,
        };
        let own = PhoneNumber::from_e164(420_777_123_456).unwrap();
        for (first, second, wanted) in [
            ("+420777123456", "", vec![]),
            ("777 123 456", "420777123456", vec![]),
            ("+420777123456", "602 333 444", vec![420_602_333_444_u64]),
            (
                "777123456, +420602333444",
                "00420602333444",
                vec![420_602_333_444],
            ),
            (
                "777123456 ::: 602333444",
                "+43 664 1234567",
                vec![420_602_333_444, 436_641_234_567],
            ),
            // Of the list's country.
            ("+420777123456", "0171 2345678", vec![491_712_345_678]),
            ("+420777123456", "extension 12", vec![]),
        ] {
            let fields = headers(&["+420603333444", first, second]);
            let others = cells.others(&fields, own).into_iter();
            let others: Vec<u64> = others.map(PhoneNumber::get).collect();
            assert_eq!(others, wanted, "{first:?} {second:?}");
        }
        // A row with fewer fields.
        assert_eq!(cells.others(&[], own), []);
        // Each number is a recipient of its own.
        cells.all_numbers = true;
        assert_eq!(cells.others(&headers(&["", "+420602333444"]), own), []);
        // But those that no message goes to.
        cells.unused = vec![0];
        let others = cells.others(&headers(&["603333444", "+420602333444"]), own);
        let others: Vec<u64> = others.into_iter().map(PhoneNumber::get).collect();
        assert_eq!(others, [420_603_333_444]);
    }
}

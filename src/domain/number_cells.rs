//! Where the rows of a batch have the numbers of their people, by what it keeps of how its list was read. A row is one person: who
//! asked by one of its numbers not to be messaged is not messaged on another one.

use super::fold;
use super::phone::{PhoneNumber, Reading, Region};

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

/// The names of the columns with numbers, by how the list was read, and what is said behind them.
fn split_columns(mapping: &str) -> (Vec<String>, &str) {
    let mut rest = mapping.strip_prefix("phone=").unwrap_or_default();
    let mut names = Vec::new();
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
pub(crate) fn phone_columns(mapping: &str) -> impl Iterator<Item = String> {
    split_columns(mapping).0.into_iter()
}

/// The cells with the numbers of a row, of which one is messaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NumberCells {
    columns: Vec<usize>,
    /// The country of numbers without country code.
    region: Option<Region>,
    /// Numbers without a plus begin with their country code.
    international: bool,
}

impl NumberCells {
    /// Those of a batch with these columns, whose list was read so. `None` where each number of a row is a recipient of its own,
    /// or it is not known where they stand.
    pub(crate) fn of(mapping: &str, headers: &[String]) -> Option<Self> {
        let (phones, rest) = split_columns(mapping);
        let names = column_names(headers);
        let places = phones.iter();
        let columns: Vec<usize> = places
            .filter_map(|phone| names.iter().position(|name| name == phone))
            .collect();
        let (_, settings) = rest.rsplit_once(";default_region=")?;
        let mut settings = settings.split(';');
        let region = settings.next().and_then(|code| code.parse().ok());
        let settings: Vec<&str> = settings.collect();
        (!columns.is_empty() && !settings.contains(&"numbers=all")).then(|| Self {
            columns,
            region,
            international: settings.contains(&"international=yes"),
        })
    }

    /// The other numbers of a row that is sent to `own`. Those without a country are read as of its country, and as of that of the
    /// list.
    pub(crate) fn others(&self, fields: &[String], own: PhoneNumber) -> Vec<PhoneNumber> {
        let own_region = own.region();
        let list_region = self.region.filter(|it| Some(*it) != own_region);
        let regions = || own_region.into_iter().chain(list_region);
        let cells = self.columns.iter().filter_map(|at| fields.get(*at));
        let mut others = Vec::new();
        // Most rows have one number, and nothing is read then.
        for cell in cells.filter(|cell| !is_alone(cell, own)) {
            // Google writes the numbers of one label with `:::` between them.
            for part in cell.split(":::") {
                for region in regions() {
                    let reading = Reading {
                        region: Some(region),
                        row_names_region: false,
                        international: self.international,
                    };
                    let read = PhoneNumber::parse_all(part, reading);
                    let numbers = read.iter().flat_map(|numbers| numbers.iter());
                    others.extend(numbers.map(|parsed| parsed.phone));
                }
            }
        }
        others.sort_unstable();
        others.dedup();
        others.retain(|other| *other != own);
        others
    }
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

    const MAPPING: &str = r#"phone="mobile","a \"b\", c","mobile#2";first_name="name";last_name=-;contact_id=-;region=-;default_region=CZ;prefer=first;numbers=one"#;

    fn cells(mapping: &str) -> Option<NumberCells> {
        NumberCells::of(
            mapping,
            &headers(&["name", "mobile", "a \"b\", c", "Mobile"]),
        )
    }

    #[test]
    fn the_columns_with_numbers_are_those_that_the_list_was_read_by() {
        let names: Vec<String> = phone_columns(MAPPING).collect();
        assert_eq!(names, ["mobile", "a \"b\", c", "mobile#2"]);
        assert_eq!(phone_columns(r#"phone="mobile"#).count(), 0);
        assert_eq!(phone_columns("").count(), 0);
        let wanted = NumberCells {
            columns: vec![1, 2],
            region: "CZ".parse().ok(),
            international: false,
        };
        assert_eq!(cells(MAPPING), Some(wanted.clone()));
        let international = format!("{MAPPING};international=yes");
        assert_eq!(
            cells(&international),
            Some(NumberCells {
                international: true,
                ..wanted.clone()
            })
        );
        let unknown = MAPPING.replace("region=CZ", "region=-");
        assert_eq!(
            cells(&unknown),
            Some(NumberCells {
                region: None,
                ..wanted
            })
        );
        // Each number is a recipient of its own, or nothing is known.
        assert_eq!(cells(&MAPPING.replace("numbers=one", "numbers=all")), None);
        assert_eq!(cells(""), None);
        assert_eq!(NumberCells::of(MAPPING, &headers(&["phone"])), None);
    }

    #[test]
    fn the_other_numbers_of_a_row_are_found_however_they_are_written() {
        let cells = NumberCells {
            columns: vec![1, 2],
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
    }
}

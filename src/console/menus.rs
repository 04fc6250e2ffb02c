//! The menus by which a list is read otherwise.

use super::checked::Checked;
use super::draft::Choices;

/// Encodings that a menu offers beside what is found out.
const ENCODINGS: [&str; 9] = [
    "utf-8",
    "windows-1250",
    "windows-1252",
    "windows-1251",
    "iso-8859-2",
    "cp852",
    "macintosh",
    "mac-ce",
    "utf-16le",
];

/// A choice among texts.
pub(super) struct Menu {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// Value, words, and whether it is chosen.
    pub(super) choices: Vec<(String, String, bool)>,
}

impl Menu {
    /// The first choice says nothing; what was chosen stays, also where it is not offered any more.
    fn new<'a>(
        (name, label): (&'static str, &'static str),
        nothing: String,
        offered: impl Iterator<Item = &'a str>,
        chosen: &str,
    ) -> Self {
        let mut choices = vec![(String::new(), nothing, chosen.is_empty())];
        choices.extend(offered.map(|it| (it.to_owned(), it.to_owned(), it == chosen)));
        if choices.iter().all(|(.., is_chosen)| !is_chosen) {
            choices.push((chosen.to_owned(), chosen.to_owned(), true));
        }
        Self {
            name,
            label,
            choices,
        }
    }
}

/// The menus of a list that was read.
pub(super) fn menus(choices: &Choices, checked: &Checked) -> Vec<Menu> {
    let Some(report) = &checked.report else {
        return Vec::new();
    };
    let mapping = &report.mapping;
    let phones = mapping.phone.iter().map(|it| it.column.name.as_str());
    let regions = mapping.region.iter().map(|it| it.column.name.as_str());
    let found = [
        (("phone", "Phone number"), joined(phones), &choices.phone),
        (
            ("first_name", "First name"),
            joined(mapping.first_name.iter().map(|it| it.name.as_str())),
            &choices.first_name,
        ),
        (
            ("last_name", "Last name"),
            joined(mapping.last_name.iter().map(|it| it.name.as_str())),
            &choices.last_name,
        ),
        (("country", "Country"), joined(regions), &choices.country),
    ];
    let headers = || checked.columns.iter().map(|(header, _)| header.as_str());
    let columns = found
        .into_iter()
        .map(|(named, found, chosen)| Menu::new(named, found, headers(), chosen));
    let mut menus: Vec<Menu> = columns.collect();
    if checked.sheets.len() > 1 || !choices.sheet.is_empty() {
        let sheets = checked.sheets.iter().map(String::as_str);
        let first = "the first with numbers".to_owned();
        menus.push(Menu::new(("sheet", "Sheet"), first, sheets, &choices.sheet));
    }
    if !choices.hidden_rows.is_empty() {
        menus.push(hidden_rows(&choices.hidden_rows));
    }
    let letters = ("encoding", "Letters, if accents look wrong");
    let found = "found out".to_owned();
    let encodings = ENCODINGS.into_iter();
    menus.push(Menu::new(letters, found, encodings, &choices.encoding));
    menus
}

/// What was said of rows that are hidden in a sheet.
fn hidden_rows(chosen: &str) -> Menu {
    let choice = |value: &str, words: &str| (value.to_owned(), words.to_owned(), value == chosen);
    Menu {
        name: "hidden_rows",
        label: "Rows that are hidden in the sheet",
        choices: vec![
            choice("skip", "are left out"),
            choice("send", "are read like the others"),
        ],
    }
}

/// What was found out, in words.
fn joined<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    let columns: Vec<&str> = columns.collect();
    if columns.is_empty() {
        "none found".to_owned()
    } else {
        format!("found out: {}", columns.join(", "))
    }
}

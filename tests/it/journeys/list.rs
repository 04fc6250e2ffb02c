//! People, lists and texts: what a journey's files hold, by the journey's own account.

use std::fmt::Write as _;

use crate::support::Random;

/// Few people, so that lists collide.
pub(crate) const PEOPLE: usize = 30;

/// Ids and types of the channels. The second one echoes, and names the number in its events.
pub(crate) const CHANNELS: [(&str, &str); 2] = [
    (
        outreach::internals::sandbox::Settings::MESSENGER_CHANNEL,
        "facebook_messenger",
    ),
    (
        outreach::internals::sandbox::Settings::VIBER_CHANNEL,
        "viber_business_messages",
    ),
];

/// The channel with this id.
pub(crate) fn channel(id: &str) -> Option<usize> {
    CHANNELS.iter().position(|(known, _)| *known == id)
}

/// The messages. The last one is the same for everybody.
pub(crate) const TEXTS: [&str; 3] = [
    "Hello {{ first_name }}",
    "Dear {{ first_name }}, see you on Friday",
    "The shop is open",
];

/// Names that a spreadsheet would run as formulas stand beside plain ones.
const NAMES: [&str; 8] = [
    "Anna", "Bob", "Eva", "Jörg", "=Anna", "-Bob", "@Eva", "+Ida",
];

/// The number of a person, digits only.
pub(crate) fn number(person: usize) -> u64 {
    420_777_000_100 + person as u64
}

/// The person with this number, in any form that a list has it.
pub(crate) fn person(number_text: &str) -> Option<usize> {
    let digits: String = number_text.chars().filter(char::is_ascii_digit).collect();
    let digits: u64 = digits.parse().ok()?;
    let person = usize::try_from(digits.checked_sub(number(0))?).ok()?;
    (person < PEOPLE).then_some(person)
}

/// One row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Tells the rows of a journey apart.
    pub(crate) key: String,
    /// The cell of the number, as typed.
    pub(crate) cell: String,
    /// Whom the cell means; `None` if it holds no number.
    pub(crate) person: Option<usize>,
    pub(crate) name: String,
}

impl Entry {
    /// What is sent to this row; `None` if the row cannot be sent.
    pub(crate) fn content(&self, text: usize) -> Option<String> {
        self.valid_person(text)?;
        Some(TEXTS[text].replace("{{ first_name }}", &self.name))
    }

    /// Whom the row reaches, if its number and its content are valid.
    pub(crate) fn valid_person(&self, text: usize) -> Option<usize> {
        let needs_name = TEXTS[text].contains("first_name");
        self.person.filter(|_| !needs_name || !self.name.is_empty())
    }

    /// True if a results or rejects file shows the name with an apostrophe in front.
    pub(crate) fn is_guarded(&self) -> bool {
        self.name.starts_with(['=', '-', '@', '+', '\''])
    }
}

/// Draws rows and counts their keys.
pub(crate) struct Drawer<'a> {
    pub(crate) random: &'a mut Random,
    /// How many people stand in most lists.
    pub(crate) often: u64,
    pub(crate) next_key: &'a mut u32,
}

impl Drawer<'_> {
    fn chance(&mut self, percent: u64) -> bool {
        self.random.next() % 100 < percent
    }

    fn cell(&mut self, person: usize) -> String {
        let digits = number(person).to_string();
        match self.random.next() % 4 {
            0 => format!("+{} {} {}", &digits[..3], &digits[3..6], &digits[6..]),
            1 => format!("00{digits}"),
            _ => format!("+{digits}"),
        }
    }

    fn name(&mut self) -> String {
        (*self.random.one_of(&NAMES)).to_owned()
    }

    /// Mostly the person's own name, so that different lists say the same to a person.
    fn name_of(&mut self, person: usize) -> String {
        match self.random.next() % 16 {
            0 => String::new(),
            1 => self.name(),
            _ => NAMES[person % NAMES.len()].to_owned(),
        }
    }

    /// Somebody, mostly one of a few.
    pub(crate) fn person(&mut self) -> usize {
        let among = if self.chance(80) {
            self.often
        } else {
            PEOPLE as u64
        };
        usize::try_from(self.random.next() % among).unwrap_or(0)
    }

    pub(crate) fn entry(&mut self) -> Entry {
        *self.next_key += 1;
        let key = format!("k{}", self.next_key);
        if self.chance(7) {
            let (cell, name) = ("12-34".to_owned(), self.name());
            return Entry {
                key,
                cell,
                person: None,
                name,
            };
        }
        let person = self.person();
        let name = self.name_of(person);
        Entry {
            key,
            cell: self.cell(person),
            person: Some(person),
            name,
        }
    }

    pub(crate) fn list(&mut self, least: u64, most: u64) -> Vec<Entry> {
        let rows = self.random.between(least, most);
        (0..rows).map(|_| self.entry()).collect()
    }

    /// The same list with another name here, a row less there, and a row more.
    pub(crate) fn edited(&mut self, entries: &[Entry]) -> Vec<Entry> {
        let mut edited = Vec::new();
        for entry in entries {
            match self.random.next() % 5 {
                0 => {}
                1 => edited.push(Entry {
                    name: self.name(),
                    ..entry.clone()
                }),
                _ => edited.push(entry.clone()),
            }
        }
        if edited.is_empty() || self.chance(60) {
            edited.push(self.entry());
        }
        edited
    }
}

/// The list as a CSV file.
pub(crate) fn csv_text(entries: &[Entry]) -> String {
    let mut text = String::from("key,phone,first_name\n");
    for Entry {
        key, cell, name, ..
    } in entries
    {
        let _ = writeln!(text, "{key},{cell},{name}");
    }
    text
}

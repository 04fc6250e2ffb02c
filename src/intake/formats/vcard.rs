//! vCard 2.1, 3.0 and 4.0: address books of phones and mail programs.
//!
//! RFC 6350 (4.0), RFC 2426 (3.0), and the vCard 2.1 specification of the Versit consortium. A row has the
//! number of the line on which its card begins. Read leniently where a number cannot be mistaken for
//! another, and refused where a card is cut off.

use std::borrow::Cow;
use std::collections::BTreeMap;

use encoding_rs::Encoding;

use super::grid::{Fault, Grid, Table};
use super::labels::{Labelled, ReadNumbers, in_order};
use crate::domain::phone::Region;
use crate::domain::text::trimmed;
use crate::intake::consent::{refuses_as_a_whole, tells_consent};

/// The columns, the same for every file: so any two files go into one batch.
const COLUMNS: [&str; 10] = [
    "first_name",
    "last_name",
    "name",
    "phone",
    "email",
    "organization",
    "title",
    "categories",
    "note",
    "country",
];
const FIRST_NAME: usize = 0;
const LAST_NAME: usize = 1;
const NAME: usize = 2;
const PHONE: usize = 3;
const EMAIL: usize = 4;
const ORGANIZATION: usize = 5;
const TITLE: usize = 6;
const CATEGORIES: usize = 7;
const NOTE: usize = 8;
const COUNTRY: usize = 9;

/// A property on one line, unfolded, and the line of the file on which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unfolded {
    line: u32,
    bytes: Vec<u8>,
}

/// Makes text of bytes in the encoding of the file.
pub(super) type Decode<'a> = &'a dyn Fn(&[u8]) -> String;

/// The bytes with folded lines put together: letters are cut in two by some programs, so the encoding of a
/// file is seen in these only.
pub(super) fn unfold(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len());
    for property in properties(bytes) {
        text.extend(property.bytes);
        text.push(b'\n');
    }
    text
}

fn properties(bytes: &[u8]) -> Vec<Unfolded> {
    let mut properties: Vec<Unfolded> = Vec::new();
    let mut soft_break = false;
    let lines = bytes.split(|byte| *byte == b'\n');
    // A Macintosh of long ago ends its lines with a carriage return alone.
    let lines: Vec<&[u8]> = if bytes.contains(&b'\n') {
        lines.collect()
    } else {
        bytes.split(|byte| *byte == b'\r').collect()
    };
    for (bytes, line) in lines.into_iter().zip(1_u32..) {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let last = properties.last_mut();
        match (last, bytes.split_first()) {
            (Some(last), _) if soft_break => last.bytes.extend_from_slice(bytes),
            (Some(last), Some((b' ' | b'\t', rest))) => last.bytes.extend_from_slice(rest),
            _ => properties.push(Unfolded {
                line,
                bytes: bytes.to_vec(),
            }),
        }
        soft_break = false;
        if let Some(last) = properties.last_mut()
            && last.bytes.ends_with(b"=")
            && is_quoted_printable(&last.bytes)
        {
            last.bytes.pop();
            soft_break = true;
        }
    }
    properties
}

fn is_quoted_printable(property: &[u8]) -> bool {
    let head = property.split(|byte| *byte == b':').next().unwrap_or(&[]);
    head.to_ascii_uppercase()
        .windows(b"QUOTED-PRINTABLE".len())
        .any(|window| window == b"QUOTED-PRINTABLE")
}

/// A property, taken apart.
struct Property {
    group: String,
    name: String,
    /// In capitals; a parameter without a name (2.1) is a type.
    parameters: Vec<(String, String)>,
    value: String,
}

impl Property {
    fn of(line: &[u8], decode: Decode<'_>) -> Option<Self> {
        let colon = value_at(line)?;
        let head = decode(line.get(..colon)?);
        let mut parts = split(&head, ';').into_iter();
        let name = parts.next()?.trim().to_ascii_uppercase();
        let (group, name) = match name.rsplit_once('.') {
            Some((group, name)) => (group.to_owned(), name.to_owned()),
            None => (String::new(), name),
        };
        let mut parameters = Vec::new();
        for part in parts {
            let (key, values) = match part.split_once('=') {
                Some((key, values)) => (key.trim().to_ascii_uppercase(), values.to_owned()),
                None => ("TYPE".to_owned(), part),
            };
            for value in values.replace('"', "").split(',') {
                parameters.push((key.clone(), value.trim().to_owned()));
            }
        }
        let mut property = Self {
            group,
            name,
            parameters,
            value: String::new(),
        };
        property.value = property.decoded(line.get(colon + 1..)?, decode);
        Some(property)
    }

    fn decoded(&self, raw: &[u8], decode: Decode<'_>) -> String {
        let has = |value: &str| {
            self.parameters
                .iter()
                .any(|(_, it)| it.eq_ignore_ascii_case(value))
        };
        let bytes = if has("QUOTED-PRINTABLE") {
            let decoded = quoted_printable::decode(raw, quoted_printable::ParseMode::Robust);
            decoded.map_or(Cow::Borrowed(raw), Cow::Owned)
        } else {
            Cow::Borrowed(raw)
        };
        let charset = self.parameters.iter().find(|(key, _)| key == "CHARSET");
        let charset = charset.and_then(|(_, label)| Encoding::for_label(label.as_bytes()));
        match (charset, std::str::from_utf8(&bytes)) {
            (Some(charset), _) => charset.decode_without_bom_handling(&bytes).0.into_owned(),
            (None, Ok(text)) => text.to_owned(),
            (None, Err(_)) => decode(&bytes),
        }
    }

    /// What the parameters say of a number. Programs have names of their own for them: `X-EVOLUTION-TYPE=ASSISTANT`.
    fn labels(&self) -> Vec<String> {
        let is_technical = |key: &str| ["CHARSET", "ENCODING", "LANGUAGE", "VALUE"].contains(&key);
        let labels = self.parameters.iter();
        let labels = labels.filter(|(key, _)| !is_technical(key));
        labels.map(|(_, value)| value.clone()).collect()
    }

    fn is_preferred(&self) -> bool {
        self.parameters.iter().any(|(key, value)| {
            key == "PREF" && value == "1" || key == "TYPE" && value.eq_ignore_ascii_case("pref")
        })
    }
}

/// Where the value begins: the first colon outside of quotes.
fn value_at(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    line.iter().position(|byte| {
        quoted ^= *byte == b'"';
        *byte == b':' && !quoted
    })
}

/// The parts between separators that are neither escaped nor quoted.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut escaped, mut quoted) = (false, false);
    for letter in text.chars() {
        if letter == separator && !escaped && !quoted {
            parts.push(String::new());
            continue;
        }
        quoted ^= letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
}

/// The text of a value: `\n`, `\,`, `\;` and `\\` are what they stand for.
fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, false) => text.push(letter),
            (_, true) => match letters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other @ (',' | ';' | ':' | '\\')) => text.push(other),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
        }
    }
    trimmed(&text).to_owned()
}

/// A number of a card.
struct CardNumber {
    group: String,
    labels: Vec<String>,
    is_preferred: bool,
    number: String,
}

/// A card that is being read.
struct Card {
    line: u32,
    cells: [String; COLUMNS.len()],
    numbers: Vec<CardNumber>,
    /// Labels of groups, as Apple writes them.
    labels: BTreeMap<String, String>,
    /// What its addresses say of their countries; the names before the codes.
    countries: Vec<String>,
    /// The country by whose rules Apple writes an address.
    layouts: Vec<String>,
    /// Cards within this one (of an agent) that are open.
    nested: u32,
    version: String,
    /// What other properties say of who may be messaged: `X-CONSENT:no`, `DEATHDATE:20200101`.
    consent: Vec<(String, String)>,
}

impl Card {
    fn new(line: u32) -> Self {
        Self {
            line,
            cells: std::array::from_fn(|_| String::new()),
            numbers: Vec::new(),
            labels: BTreeMap::new(),
            countries: Vec::new(),
            layouts: Vec::new(),
            nested: 0,
            version: String::new(),
            consent: Vec::new(),
        }
    }

    fn take(&mut self, property: Property) {
        let text = unescape(&property.value);
        let parts = || -> Vec<String> {
            let parts = split(&property.value, ';');
            parts.iter().map(|part| unescape(part)).collect()
        };
        match property.name.as_str() {
            "VERSION" => self.version = text,
            "N" => {
                let mut names = parts().into_iter();
                self.fill(LAST_NAME, names.next().unwrap_or_default());
                self.fill(FIRST_NAME, names.next().unwrap_or_default());
            }
            "FN" => self.fill(NAME, text),
            "ORG" => {
                let filled: Vec<String> = parts()
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect();
                self.fill(ORGANIZATION, filled.join(", "));
            }
            "TITLE" => self.fill(TITLE, text),
            "NOTE" => self.fill(NOTE, text),
            "CATEGORIES" => self.fill(CATEGORIES, text),
            "EMAIL" => self.fill(EMAIL, text),
            "ADR" => {
                let country = parts().pop().filter(|_| parts().len() == 7);
                // The parameter of RFC 8605.
                let code = property.parameters.iter().find(|(key, _)| key == "CC");
                let code = code.map(|(_, code)| code.clone());
                let country = country.filter(|name| !name.is_empty()).or(code);
                self.countries.extend(country);
            }
            "X-ABADR" => self.layouts.push(text),
            "X-ABLABEL" | "X-LABEL" => {
                self.labels.insert(property.group, text);
            }
            "TEL" => self.numbers.push(CardNumber {
                labels: property.labels(),
                is_preferred: property.is_preferred(),
                number: number(&text),
                group: property.group,
            }),
            name => {
                let header = name.strip_prefix("X-").unwrap_or(name).replace('-', " ");
                if tells_consent(&header) || refuses_as_a_whole(&text) {
                    self.consent.push((header, text));
                }
            }
        }
    }

    /// The first value counts.
    fn fill(&mut self, column: usize, text: String) {
        if let Some(cell) = self.cells.get_mut(column)
            && cell.is_empty()
        {
            *cell = text;
        }
    }

    /// The country of its addresses; several that differ stand beside each other, and are none.
    fn country(&self) -> String {
        let names = match &self.countries[..] {
            [] => &self.layouts,
            countries => countries,
        };
        let mut different: Vec<&String> = Vec::new();
        for name in names {
            let same = |other: &&String| match (name.parse::<Region>(), other.parse::<Region>()) {
                (Ok(one), Ok(other)) => one == other,
                (Err(_), _) | (_, Err(_)) => name == *other,
            };
            if !different.iter().any(same) {
                different.push(name);
            }
        }
        let texts: Vec<&str> = different.into_iter().map(String::as_str).collect();
        texts.join(" / ")
    }

    /// `consent` are the columns behind those that every file has.
    fn finish(
        mut self,
        how: ReadNumbers,
        grid: &mut Grid,
        consent: &mut Vec<String>,
    ) -> Result<(), Fault> {
        let country = self.country();
        let how = ReadNumbers {
            region: country.parse().ok().or(how.region),
            ..how
        };
        self.fill(COUNTRY, country);
        self.numbers.sort_by_key(|it| !it.is_preferred);
        let of_groups = self.labels;
        let is_of_number = |group: &String| self.numbers.iter().any(|it| it.group == *group);
        for (group, label) in &of_groups {
            if !is_of_number(group) && refuses_as_a_whole(label) {
                self.consent.push(("label".to_owned(), label.clone()));
            }
        }
        let numbers = self.numbers.into_iter().map(|it| {
            let labels = it.labels.iter().chain(of_groups.get(&it.group));
            Labelled::of(labels.map(String::as_str), it.number)
        });
        let phone = in_order(numbers.collect(), how);
        let [first, last, name, ..] = &self.cells;
        if name.is_empty() {
            let name = trimmed(&format!("{first} {last}")).to_owned();
            self.cells[NAME] = name;
        }
        self.cells[PHONE] = phone;
        for (column, text) in self.cells.into_iter().enumerate() {
            grid.set(self.line, column, text)?;
        }
        for (header, text) in self.consent {
            if !consent.contains(&header) {
                consent.push(header.clone());
            }
            let place = consent.iter().position(|it| *it == header).unwrap_or(0);
            grid.set(self.line, COLUMNS.len() + place, text)?;
        }
        Ok(())
    }
}

/// A number as it may be typed, out of a `tel:` address too.
fn number(value: &str) -> String {
    let value = value
        .strip_prefix("tel:")
        .or_else(|| value.strip_prefix("TEL:"))
        .unwrap_or(value);
    value.replacen(";ext=", " ext. ", 1)
}

/// Reads the cards.
pub(super) fn read(
    bytes: &[u8],
    decode: Decode<'_>,
    how: impl Into<ReadNumbers>,
) -> Result<Table, Fault> {
    let how = how.into();
    let mut grid = Grid::default();
    let (mut versions, mut consent) = (Vec::<String>::new(), Vec::<String>::new());
    let mut open: Option<Card> = None;
    let mut after_agent = false;
    for unfolded in properties(bytes) {
        let Some(property) = Property::of(&unfolded.bytes, decode) else {
            continue;
        };
        let is_card = property.value.trim().eq_ignore_ascii_case("VCARD");
        let begins = property.name.trim_start_matches('\u{feff}') == "BEGIN" && is_card;
        let agent = property.name == "AGENT";
        match &mut open {
            None if begins => open = Some(Card::new(unfolded.line)),
            None => {}
            Some(card) if begins && (after_agent || card.nested > 0) => card.nested += 1,
            Some(card) if begins => return Err(cut_off(card.line)),
            Some(card) if property.name == "END" && is_card && card.nested > 0 => card.nested -= 1,
            Some(_) if property.name == "END" && is_card => {
                if let Some(card) = open.take() {
                    if !card.version.is_empty() && !versions.contains(&card.version) {
                        versions.push(card.version.clone());
                    }
                    card.finish(how, &mut grid, &mut consent)?;
                }
            }
            Some(card) if card.nested > 0 => {}
            Some(card) => {
                card.nested += u32::from(agent && is_nested_begin(&property.value));
                card.take(property);
            }
        }
        after_agent = agent;
    }
    if let Some(card) = open {
        return Err(cut_off(card.line));
    }
    let headers = COLUMNS.iter().map(|name| (*name).to_owned());
    let headers = headers.chain(consent).collect();
    let note = format!(
        "{}; a row is the line on which its card begins",
        [&["vCard".to_owned()], &versions[..]].concat().join(" ")
    );
    Ok(grid.finish(Some(headers), note))
}

/// `AGENT:BEGIN:VCARD` on one line.
fn is_nested_begin(value: &str) -> bool {
    value.trim().eq_ignore_ascii_case("BEGIN:VCARD")
}

fn cut_off(line: u32) -> Fault {
    Fault::Broken(format!(
        "the card that begins on line {line} has no END:VCARD: the file was cut off or edited"
    ))
}

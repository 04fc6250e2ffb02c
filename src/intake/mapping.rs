//! What the columns of a list were understood as.

use serde::Serialize;

use super::column::Column;
use super::consent::{ConsentColumn, Use};
use super::country::CountryColumn;
use super::phones::PhoneColumn;
use super::phones::refused::RefusedColumn;
use super::seen::Seen;
use super::settings::{NumbersPerRow, Prefer, ReadFor, Settings};
use super::zeros::Zeros;
use crate::domain::content::Role;
use crate::domain::phone::{LineType, Region};

/// How the columns were understood. Frozen into the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// Phone columns, in order of preference; at least one.
    pub phone: Vec<PhoneColumn>,
    /// The other columns of people's own numbers: no message goes there, and what is known of these numbers counts.
    #[serde(skip)]
    pub(super) unused_phones: Vec<PhoneColumn>,
    /// The program whose export this is, where its headers are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<&'static str>,
    /// Given names.
    pub first_name: Option<Column>,
    /// Family names.
    pub last_name: Option<Column>,
    /// Amio contact ids: only where the user named the column.
    pub contact_id: Option<Column>,
    /// Countries, the column that counts first in front.
    pub region: Vec<CountryColumn>,
    /// Columns that tell who may be messaged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consent: Vec<ConsentColumn>,
    /// The other columns in which a refusal is heard.
    #[serde(skip)]
    pub(super) elsewhere: Vec<ConsentColumn>,
    /// What lines beside the table may be about.
    #[serde(skip)]
    pub(super) seen: Seen,
    /// Columns of refusal that hold numbers: they must not be messaged, in whichever row they stand.
    #[serde(skip)]
    pub(super) refused_numbers: Vec<RefusedColumn>,
    /// Columns of answers that are taken for nothing: a "no" in them is reported, and keeps nobody out.
    #[serde(skip)]
    pub(super) unused_answers: Vec<Column>,
    /// What the people are read for: in a list of people who must not be messaged no refusal is heard.
    #[serde(skip)]
    pub(super) read_for: ReadFor,
    /// Whether the status of a results file is heard.
    #[serde(skip)]
    pub(super) hears_earlier: bool,
    /// Such columns that the user had ignored, by header.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored_consent: Vec<String>,
    /// The country of numbers without country code where no column says it.
    pub default_region: Option<Region>,
    /// Numbers without a plus begin with their country code.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub international: bool,
    /// Lines without a person behind them that are messaged all the same, in the order of [`LineType::ALL`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub line_types: Vec<LineType>,
    /// Several phone columns were found, and none was named by the user. Those of one name go in their order.
    #[serde(skip)]
    pub(super) mobile_first: bool,
    /// Whether numbers have the zero that is dialled within their country.
    #[serde(skip)]
    pub(super) zeros: Zeros,
    #[serde(skip)]
    pub(super) prefer: Prefer,
    #[serde(skip)]
    pub(super) numbers: NumbersPerRow,
}

impl Mapping {
    /// One text for one meaning: goes into the digest that names a batch. What it says of numbers is read by [`RowCells`](crate::domain::row_cells::RowCells).
    pub fn canonical(&self) -> String {
        let name = |column: &Option<Column>| {
            column
                .as_ref()
                .map_or_else(|| "-".to_owned(), |column| format!("{:?}", column.name))
        };
        let phones: Vec<_> = self
            .phone
            .iter()
            .map(|phone| format!("{:?}", phone.column.name))
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
        if !self.ignored_consent.is_empty() {
            canonical.push_str(";ignored_consent=");
            canonical.push_str(&self.ignored_consent.join(","));
        }
        if self.international {
            canonical.push_str(";international=yes");
        }
        if !self.unused_phones.is_empty() {
            let names = self.unused_phones.iter();
            let names: Vec<_> = names
                .map(|phone| format!("{:?}", phone.column.name))
                .collect();
            canonical.push_str(";unused_phones=");
            canonical.push_str(&names.join(","));
        }
        if !self.line_types.is_empty() {
            canonical.push_str(";line_types=");
            canonical.push_str(&self.services().join(","));
        }
        canonical
    }

    /// What columns were taken for, as the names that a message may use for them.
    pub(crate) fn roles(&self) -> Vec<Role> {
        let only = |columns: Vec<usize>| match columns[..] {
            [index] => Some(index),
            _ => None,
        };
        let index = |column: &Option<Column>| column.as_ref().map(|column| column.index);
        let phones = self.phone.iter().map(|phone| phone.column.index).collect();
        let regions = self.region.iter().filter(|it| it.is_known());
        let regions = regions.map(|it| it.column.index).collect();
        let roles = [
            ("phone", only(phones)),
            ("first_name", index(&self.first_name)),
            ("last_name", index(&self.last_name)),
            ("contact_id", index(&self.contact_id)),
            ("region", only(regions)),
        ];
        let known = roles.into_iter();
        known
            .filter_map(|(role, index)| Some((role, index?)))
            .collect()
    }

    /// Whether the mobile of a row goes before its other numbers: asked for, or no order of columns was.
    pub(super) fn prefer_mobile(&self) -> bool {
        self.prefer == Prefer::Mobile || self.mobile_first
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
            .map(|phone| {
                let name = &phone.column.name;
                let label = phone.label.as_ref().or(phone.owner.as_ref());
                match (label, phone.region) {
                    (Some(label), _) => format!("\"{name}\" (\"{}\" says which)", label.name),
                    (None, Some(region)) => format!("\"{name}\" ({})", region.name()),
                    (None, None) => format!("\"{name}\""),
                }
            })
            .collect();
        let mut lines = Vec::new();
        lines.extend(self.export.map(|export| format!("an export of {export}")));
        let order = if self.prefer_mobile() {
            "the mobile first: "
        } else {
            ""
        };
        lines.push(format!("phone: {order}{}", phones.join(", then ")));
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
        lines.extend(self.consent_lines());
        lines.extend(self.setting_lines());
        lines
    }

    /// Of which columns all numbers are put on the suppression list, where nobody named them.
    pub(super) fn all_phones_note(&self, settings: &Settings) -> Option<String> {
        let is_several = self.phone.len() > 1 && settings.columns.phone.is_empty();
        if settings.read_for != ReadFor::OptOuts || !is_several {
            return None;
        }
        let names = self.phone.iter();
        let names: Vec<String> = names.map(|it| format!("\"{}\"", it.column.name)).collect();
        Some(format!(
            "the numbers of all these columns count: {}; --column phone=HEADER names those that are meant",
            names.join(", ")
        ))
    }

    /// Who may be messaged, and by which columns that is known.
    fn consent_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for used in Use::ALL {
            let columns = self.consent.iter().filter(|it| it.use_of() == used);
            let columns: Vec<_> = columns
                .map(|it| format!("\"{}\"", it.column.name))
                .collect();
            if !columns.is_empty() {
                lines.push(format!("{}: {}", used.words(), columns.join(", ")));
            }
        }
        for it in &self.refused_numbers {
            let name = &it.column.name;
            lines.push(format!(
                "left out, in whichever row: the numbers in \"{name}\""
            ));
        }
        for ignored in &self.ignored_consent {
            lines.push(format!(
                "ignored, though it may say who must not be messaged: \"{ignored}\""
            ));
        }
        lines
    }

    /// What the user set about the numbers.
    fn setting_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
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

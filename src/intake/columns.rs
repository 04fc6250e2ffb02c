//! Which column means what: by header in the languages of our users, else by content.

use serde::Serialize;

use super::column::{Column, column};
use super::consent::{self, ConsentColumn, Use};
use super::country::{self, CountryColumn};
use super::error::IntakeError;
use super::phones::{self, PhoneColumn};
use super::settings::{NumbersPerRow, Prefer, ReadFor, Settings};
use super::words::{FIRST_NAME, LAST_NAME, List};
use crate::domain::content::Role;
use crate::domain::fold;
use crate::domain::phone::{LineType, Region};
use crate::domain::text::{nearest, trimmed};

/// How the columns were understood. Frozen into the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// Phone columns, in order of preference; at least one.
    pub phone: Vec<PhoneColumn>,
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
    /// Whether a refusal is heard at all: not in a list of people who must not be messaged.
    #[serde(skip)]
    pub(super) hears_refusals: bool,
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
    #[serde(skip)]
    pub(super) prefer: Prefer,
    #[serde(skip)]
    pub(super) numbers: NumbersPerRow,
}

/// The columns with numbers, by what [`Mapping::canonical`] said.
pub(crate) fn phone_columns(canonical: &str) -> impl Iterator<Item = String> {
    let mut rest = canonical.strip_prefix("phone=").unwrap_or_default();
    std::iter::from_fn(move || {
        let quoted = rest.strip_prefix('"')?;
        let mut name = String::new();
        let mut signs = quoted.char_indices();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '"' => {
                    let behind = quoted.get(at + 1..)?;
                    rest = behind.strip_prefix(',').unwrap_or_default();
                    return Some(name);
                }
                '\\' => name.push(signs.next()?.1),
                sign => name.push(sign),
            }
        }
        None
    })
}

impl Mapping {
    /// One text for one meaning: goes into the digest that names a batch.
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
        let regions = self.region.iter().map(|it| it.column.index).collect();
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
                match (&phone.label, phone.region) {
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

/// Finds the columns. `rows` are the first rows of the first file, without the header.
pub(super) fn map(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
) -> Result<Mapping, IntakeError> {
    let choice = &settings.columns;
    let named = |name: &String| named_column(name, headers, settings.no_header);
    let (phone, export) = if choice.phone.is_empty() {
        let found = phones::detect(file, headers, rows, settings)?;
        (found.columns, found.export)
    } else {
        let with_label = |name| Ok(PhoneColumn::new(headers, rows, named(name)?));
        let chosen: Result<_, IntakeError> = choice.phone.iter().map(with_label).collect();
        (chosen?, None)
    };
    let columns: Vec<Column> = phone.iter().map(|it| it.column.clone()).collect();
    let taken: Vec<usize> = columns.iter().map(|column| column.index).collect();
    let ignored = settings.ignore_consent.iter().map(named);
    let ignored = ignored.collect::<Result<Vec<_>, _>>()?;
    let known = || ignored.iter().chain(&columns);
    let consent = consents(headers, rows, settings, known());
    let heard = consent.iter().map(|it| &it.column);
    let elsewhere = elsewhere(headers, settings, known().chain(heard));
    let other = |chosen: &Option<String>, words: List| match chosen {
        Some(name) => named(name).map(Some),
        None if settings.no_header => Ok(None),
        None => Ok(by_header(headers, words, &taken)),
    };
    let region = countries(file, headers, rows, settings, &columns)?;
    Ok(Mapping {
        first_name: other(&choice.first_name, FIRST_NAME)?,
        last_name: other(&choice.last_name, LAST_NAME)?,
        contact_id: choice.contact_id.as_ref().map(named).transpose()?,
        region,
        phone,
        export,
        mobile_first: choice.phone.is_empty() && have_several_names(headers, &taken),
        consent,
        elsewhere,
        hears_refusals: settings.read_for != ReadFor::SuppressionList,
        ignored_consent: ignored.into_iter().map(|column| column.name).collect(),
        default_region: settings.region,
        international: settings.international,
        line_types: LineType::ALL
            .into_iter()
            .filter(|line| settings.line_types.contains(line))
            .collect(),
        prefer: settings.prefer,
        numbers: settings.numbers,
    })
}

/// The columns of consent, but for those that are known to be something else.
fn consents<'a>(
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
    without: impl Iterator<Item = &'a Column>,
) -> Vec<ConsentColumn> {
    if settings.no_header || settings.read_for == ReadFor::SuppressionList {
        return Vec::new();
    }
    let without: Vec<usize> = without.map(|column| column.index).collect();
    consent::find(headers, rows, &without)
}

/// The other columns in which a refusal is heard.
fn elsewhere<'a>(
    headers: &[String],
    settings: &Settings,
    without: impl Iterator<Item = &'a Column>,
) -> Vec<ConsentColumn> {
    if settings.read_for == ReadFor::SuppressionList {
        return Vec::new();
    }
    let without: Vec<usize> = without.map(|column| column.index).collect();
    consent::find_elsewhere(headers, &without)
}

/// Refuses columns of which only a person knows what they are for: a "yes" and a "no" without a header may say who may be
/// messaged, and numbers below `Do not contact` are of nobody who may.
pub(super) fn refuse_unclear(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    mapping: &Mapping,
    settings: &Settings,
) -> Result<(), IntakeError> {
    if settings.read_for != ReadFor::Messages {
        return Ok(());
    }
    let is_unnamed = |at: usize| {
        settings.no_header || headers.get(at).is_some_and(|name| trimmed(name).is_empty())
    };
    let places = mapping.elsewhere.iter().map(|it| it.column.index);
    let mut unnamed = places.filter(|at| is_unnamed(*at));
    if let Some(at) = unnamed.find(|at| consent::are_words_of_answer(*at, rows)) {
        return Err(IntakeError::UnnamedAnswers {
            file: file.to_owned(),
            column: at + 1,
        });
    }
    let was_named = !settings.columns.phone.is_empty();
    let mut phones = mapping.phone.iter().map(|it| &it.column.name);
    match phones.find(|name| !was_named && consent::is_refusing_header(name)) {
        Some(name) => Err(IntakeError::NamedAsRefusals {
            file: file.to_owned(),
            what: "column of numbers",
            name: name.clone(),
            advice: "name it with --column phone=HEADER",
        }),
        None => Ok(()),
    }
}

/// The columns of countries. Where the numbers lack the codes of another column, the list is refused.
fn countries(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
    phone: &[Column],
) -> Result<Vec<CountryColumn>, IntakeError> {
    let found = match &settings.columns.region {
        Some(name) => vec![CountryColumn::chosen(named_column(
            name,
            headers,
            settings.no_header,
        )?)],
        None if settings.no_header => Vec::new(),
        None => country::find(headers, rows, phone, settings.region),
    };
    if settings.no_header || !settings.columns.phone.is_empty() {
        return Ok(found);
    }
    match country::area_codes(headers, rows, phone, &found) {
        Some(codes) => Err(IntakeError::NumbersApart {
            file: file.to_owned(),
            codes: codes.clone(),
            phone: phone.first().map_or_else(String::new, |it| it.name.clone()),
        }),
        None => Ok(found),
    }
}

fn have_several_names(headers: &[String], places: &[usize]) -> bool {
    let mut names = places
        .iter()
        .map(|at| headers.get(*at).map(|header| fold::header(header)));
    let first = names.next();
    names.any(|name| Some(&name) != first.as_ref())
}

/// A column that the user named: by header, in any case; by number where it has none.
fn named_column(name: &str, headers: &[String], no_header: bool) -> Result<Column, IntakeError> {
    let by_number = || {
        let number: usize = name.trim().parse().ok()?;
        let index = number.checked_sub(1)?;
        let header = headers.get(index)?;
        (no_header || trimmed(header).is_empty()).then_some(index)
    };
    let same = |name: &str| {
        let folded = fold::header(name);
        let places = headers.iter().enumerate();
        places.filter(move |(_, header)| fold::header(header) == folded)
    };
    // `Phone#2`: the second of several columns of that name.
    let by_ordinal = || {
        let (name, ordinal) = name.rsplit_once('#')?;
        let ordinal: usize = ordinal.trim().parse().ok()?;
        same(name).nth(ordinal.checked_sub(1)?).map(|(at, _)| at)
    };
    let index = headers
        .iter()
        .position(|header| header == name)
        .or_else(by_ordinal)
        .or_else(|| same(name).next().map(|(at, _)| at))
        .or_else(by_number)
        .ok_or_else(|| IntakeError::NoColumn {
            name: name.to_owned(),
            near: nearest(
                &fold::header(name),
                headers.iter().map(|h| (fold::header(h), h)),
                0.8,
            )
            .cloned(),
            present: headers.to_vec(),
        })?;
    let found = column(headers, index);
    Ok(if trimmed(&found.name).is_empty() {
        let name = name.trim().to_owned();
        Column { name, ..found }
    } else {
        found
    })
}

/// The first header that is one of the words, in the order of the words.
fn by_header(headers: &[String], words: List, taken: &[usize]) -> Option<Column> {
    let places = headers.iter().enumerate();
    let free = places.filter(|(at, _)| !taken.contains(at));
    let found = free.filter_map(|(at, header)| Some((words.place(&fold::header(header))?, at)));
    found.min().map(|(_, index)| column(headers, index))
}

//! Which column means what: by header in the languages of our users, else by content.

use super::column::{Column, column};
use super::consent::{self, ConsentColumn};
use super::country::{self, CountryColumn};
use super::earlier::EarlierResults;
use super::error::IntakeError;
use super::header::is_named;
use super::mapping::Mapping;
use super::phones::{self, PhoneColumn};
use super::seen::Seen;
use super::settings::{ReadFor, Settings};
use super::words::{FIRST_NAME, LAST_NAME, List, spaced};
use super::zeros;
use crate::domain::fold;
use crate::domain::phone::{LineType, is_not_theirs};
use crate::domain::text::{nearest, trimmed};

/// Finds the columns. `rows` are the first rows of the first file, without the header.
pub(super) fn map(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
) -> Result<Mapping, IntakeError> {
    let choice = &settings.columns;
    let named = |name: &String| named_column(name, headers, settings.no_header);
    let (phone, export) = phones_of(file, headers, rows, settings)?;
    let columns: Vec<Column> = phone.iter().map(|it| it.column.clone()).collect();
    let taken: Vec<usize> = columns.iter().map(|column| column.index).collect();
    // That of our results is no column of the list.
    let is_ours = |name: &&String| is_named(name, EarlierResults::STATUS);
    let (ours, others): (Vec<_>, Vec<_>) = settings.ignore_consent.iter().partition(is_ours);
    let ignored = others.into_iter().map(named);
    let ignored = ignored.collect::<Result<Vec<_>, _>>()?;
    let known = || ignored.iter().chain(&columns);
    let consent = consents(headers, rows, settings, known());
    let heard = consent.iter().map(|it| &it.column);
    let elsewhere = elsewhere(headers, rows, settings, known().chain(heard.clone()));
    let region = countries(file, headers, rows, settings, &columns)?;
    let of_regions = region.iter().map(|it| &it.column);
    let unused_answers = unused_answers(
        headers,
        rows,
        settings,
        known().chain(heard).chain(of_regions),
    );
    let other = |chosen: &Option<String>, words: List| match chosen {
        Some(name) => named(name).map(Some),
        None if settings.no_header => Ok(None),
        None => Ok(by_header(headers, words, &taken)),
    };
    let unused_phones = phones::unused(headers, rows, settings, &taken);
    Ok(Mapping {
        unused_phones,
        first_name: other(&choice.first_name, FIRST_NAME)?,
        last_name: other(&choice.last_name, LAST_NAME)?,
        contact_id: choice.contact_id.as_ref().map(named).transpose()?,
        region,
        export,
        mobile_first: choice.phone.is_empty() && have_several_names(headers, &taken),
        seen: Seen::of(headers, rows, &phone),
        refused_numbers: phones::refused::find(rows, &phone, &consent, settings),
        phone,
        consent,
        elsewhere,
        unused_answers,
        read_for: settings.read_for,
        hears_earlier: ours.is_empty(),
        ignored_consent: with_ours(ignored, ours),
        default_region: settings.region,
        international: settings.international,
        line_types: LineType::ALL
            .into_iter()
            .filter(|line| settings.line_types.contains(line))
            .collect(),
        prefer: settings.prefer,
        numbers: settings.numbers,
        zeros: zeros::of_list(&columns, rows, settings),
    })
}

/// The columns of numbers, and the program whose export it is.
fn phones_of(
    file: &str,
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
) -> Result<(Vec<PhoneColumn>, Option<&'static str>), IntakeError> {
    let chosen = &settings.columns.phone;
    let (mut phone, export) = if chosen.is_empty() {
        let found = phones::detect(file, headers, rows, settings)?;
        (found.columns, found.export)
    } else {
        let named = |name: &String| named_column(name, headers, settings.no_header);
        let with_label = |name| Ok(PhoneColumn::new(headers, rows, named(name)?));
        let chosen: Result<_, IntakeError> = chosen.iter().map(with_label).collect();
        (chosen?, None)
    };
    if !settings.no_header {
        let owner = phones::owner::find(headers, rows, &phone);
        if let [only] = &mut phone[..] {
            only.owner = owner;
        }
    }
    Ok((phone, export))
}

/// The names of these columns, and ours.
fn with_ours(columns: Vec<Column>, ours: Vec<&String>) -> Vec<String> {
    let names = columns.into_iter().map(|column| column.name);
    names.chain(ours.into_iter().cloned()).collect()
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
    rows: &[Vec<String>],
    settings: &Settings,
    without: impl Iterator<Item = &'a Column>,
) -> Vec<ConsentColumn> {
    if settings.read_for == ReadFor::SuppressionList {
        return Vec::new();
    }
    let without: Vec<usize> = without.map(|column| column.index).collect();
    consent::find_elsewhere(headers, rows, &without)
}

/// The columns of answers that are taken for nothing.
fn unused_answers<'a>(
    headers: &[String],
    rows: &[Vec<String>],
    settings: &Settings,
    without: impl Iterator<Item = &'a Column>,
) -> Vec<Column> {
    if settings.no_header || settings.read_for != ReadFor::Messages {
        return Vec::new();
    }
    let without: Vec<usize> = without.map(|column| column.index).collect();
    consent::find_unused_answers(headers, rows, &without)
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
        None if was_named => Ok(()),
        None => refuse_numbers_of_others(file, mapping),
    }
}

/// Refuses a list in which a title, or the header of a column that is not known, says what a code means of who may be
/// messaged, where no column is read so.
pub(super) fn refuse_codes(
    file: &str,
    titles: &[String],
    headers: &[String],
    mapping: &Mapping,
    settings: &Settings,
) -> Result<(), IntakeError> {
    let known = mapping.consent.iter().map(|it| &it.column.name);
    let known: Vec<&String> = known.chain(&mapping.ignored_consent).collect();
    let is_unknown = |name: &&String| !known.contains(name) && consent::may_explain_codes(name);
    let mut headers = headers.iter().filter(is_unknown);
    let is_sent = settings.read_for == ReadFor::Messages;
    let found = titles
        .iter()
        .find(|line| consent::explains_codes(line, &mapping.consent))
        .or_else(|| headers.find(|it| consent::explains_codes_in_header(it, &mapping.consent)));
    match found.filter(|_| is_sent) {
        Some(line) => Err(IntakeError::CodesExplained {
            file: file.to_owned(),
            line: line.clone(),
        }),
        None => Ok(()),
    }
}

/// Refuses a phone column whose header says that its numbers are other people's, or old: nobody chose it.
fn refuse_numbers_of_others(file: &str, mapping: &Mapping) -> Result<(), IntakeError> {
    let mut phones = mapping.phone.iter().map(|it| &it.column.name);
    match phones.find(|name| is_not_theirs(&spaced(name))) {
        Some(name) => Err(IntakeError::NumbersOfOthers {
            file: file.to_owned(),
            column: name.clone(),
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
    let mut found = match &settings.columns.region {
        Some(name) => vec![CountryColumn::chosen(named_column(
            name,
            headers,
            settings.no_header,
        )?)],
        None if settings.no_header => Vec::new(),
        None => country::find(headers, rows, phone, settings.region),
    };
    let may_be_apart = !settings.no_header && settings.columns.phone.is_empty();
    let apart = || country::area_codes(headers, rows, phone, &found);
    if let Some(codes) = may_be_apart.then(apart).flatten() {
        return Err(IntakeError::NumbersApart {
            file: file.to_owned(),
            codes: codes.clone(),
            phone: phone.first().map_or_else(String::new, |it| it.name.clone()),
        });
    }
    // Whoever must not be messaged is better suppressed in the wrong country than in none.
    if settings.columns.region.is_none() && settings.read_for == ReadFor::Messages {
        country::find_by_cells(headers, rows, phone, settings.region, &mut found);
    }
    Ok(found)
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

//! One number in plain characters, read: with its country code, or as one of the region.

use super::engine::{self, Found, RawRegion};
use super::grouping;
use super::line::LineType;
use super::mending::Mending;
use super::number::PhoneNumber;
use super::problem::PhoneProblem;
use super::reading::Reading;
use super::rejected::{Parsed, Rejected};
use super::two_readings;

/// One number in plain characters, all of whose digits belong to it.
pub(super) fn single(text: &str, reading: Reading, mending: Mending) -> Result<Parsed, Rejected> {
    let parsed = ungrouped(text, reading, mending)?;
    let is_other = |part: &str| match ungrouped(part, reading, mending) {
        Ok(part) => part.phone != parsed.phone,
        Err(rejected) => matches!(rejected.problem, PhoneProblem::TwoReadings { .. }),
    };
    if grouping::is_unclear(text, is_other) {
        return Err(PhoneProblem::Ambiguous.into());
    }
    Ok(parsed)
}

/// One number in plain characters, however its digits are grouped.
pub(super) fn ungrouped(
    text: &str,
    reading: Reading,
    mending: Mending,
) -> Result<Parsed, Rejected> {
    let region = reading.region.map(|region| region.0);
    // No country code begins with a zero: such a number is dialled within its country.
    let may_be_complete = !text.starts_with(['+', '0'])
        && (reading.international || two_readings::begins_with_code(text, region));
    let within = one_of_region(text, region);
    let parsed = if may_be_complete {
        let abroad = one_of_region(&format!("+{text}"), None);
        two_readings::chosen(abroad, within, reading)?
    } else if let Some(digits) = two_readings::behind_zero(text, region) {
        let abroad = one_of_region(&format!("+{digits}"), None);
        two_readings::within_unless_mobile(&abroad, within)?
    } else {
        within
    };
    match parsed {
        Ok(parsed) => Ok(Parsed {
            mended: mending.and(parsed.mended),
            ..parsed
        }),
        Err(PhoneProblem::Extension) => Err(PhoneProblem::Extension.into()),
        Err(problem) => Err(Rejected {
            problem,
            suggestion: suggest(text, reading),
        }),
    }
}

/// One number with its country code, or one of the region.
fn one_of_region(text: &str, region: Option<RawRegion>) -> Result<Parsed, PhoneProblem> {
    let mended = |parsed: Parsed, more: Mending| Parsed {
        mended: parsed.mended.and(more),
        ..parsed
    };
    let trunk = if text.contains("(0)") {
        Mending::TRUNK_ZERO
    } else {
        Mending::NONE
    };
    let double = if text.starts_with("00") {
        Mending::DOUBLE_ZERO
    } else {
        Mending::NONE
    };
    let problem = match read(text, region) {
        Ok(parsed) => return Ok(mended(parsed, trunk.and(double))),
        Err(problem @ PhoneProblem::Extension) => return Err(problem),
        Err(problem) => problem,
    };
    // `+420 (0) 777...`: the zero is dialled within the country only.
    let without_trunk = if trunk.is_none() {
        None
    } else {
        Some(text.replacen("(0)", "", 1))
    };
    let text = without_trunk.as_deref().unwrap_or(text);
    if text.starts_with('+')
        && !trunk.is_none()
        && let Ok(parsed) = read(text, region)
    {
        return Ok(mended(parsed, trunk));
    }
    // `00` is dialled in the place of the plus in most countries, not in all that the engine knows.
    if let Some(rest) = text.strip_prefix("00")
        && let Ok(parsed) = read(&format!("+{rest}"), None)
    {
        return Ok(mended(parsed, trunk.and(double)));
    }
    with_lost_zero(text, region)
        .map(|parsed| mended(parsed, Mending::LOST_ZERO))
        .ok_or(problem)
}

/// What the engine reads, or a number that its plan knew before it changed; in the canonical form.
fn read(text: &str, region: Option<RawRegion>) -> Result<Parsed, PhoneProblem> {
    match engine::parse(text, region) {
        Ok(found) => canonical(found).ok_or(PhoneProblem::TooLong),
        Err(PhoneProblem::Extension) => Err(PhoneProblem::Extension),
        Err(problem) => of_earlier_plan(text, region).ok_or(problem),
    }
}

/// A valid number in the canonical form. The kind of a line is asked for once a row.
fn canonical(found: Found) -> Option<Parsed> {
    let phone = PhoneNumber::from_e164(found.e164)?;
    if phone.get() == found.e164 {
        return Some(Parsed {
            phone,
            mended: Mending::NONE,
            line_type: found.line_type,
        });
    }
    Some(Parsed {
        phone,
        mended: Mending::PLAN,
        // Of an Argentine number the form without the 9 may be a fixed line, the other one is a mobile for the engine.
        line_type: found.line_type,
    })
}

/// A number that only the earlier plan of its country knew, if there is one way to read it so.
fn of_earlier_plan(text: &str, region: Option<RawRegion>) -> Option<Parsed> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let renewed = |digits: &str| -> Option<Parsed> {
        let e164 = digits.parse().ok()?;
        let phone = PhoneNumber::from_e164(e164).filter(|phone| phone.get() != e164)?;
        Some(Parsed {
            phone,
            mended: Mending::PLAN,
            line_type: phone.line_type()?,
        })
    };
    if text.starts_with('+') {
        return renewed(&digits);
    }
    let code = engine::calling_code(region?)?.to_string();
    let within = digits.strip_prefix('0').unwrap_or(&digits);
    let readings = [
        renewed(&format!("{code}{digits}")),
        renewed(&format!("{code}{within}")),
        renewed(&digits).filter(|_| digits.starts_with(&code)),
    ];
    let mut found = readings.into_iter().flatten();
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// Puts a lost leading zero back where that is certain: the digits as typed are no number of the
/// region, and with the zero they are a mobile number, whose zero is part of the number itself
/// (Ivory Coast, Congo). Where the zero is only a prefix for dialling, the engine needs none.
fn with_lost_zero(text: &str, region: Option<RawRegion>) -> Option<Parsed> {
    if text.starts_with(['+', '0']) {
        return None;
    }
    let found = engine::parse(&format!("0{text}"), Some(region?)).ok()?;
    canonical(found).filter(|parsed| parsed.line_type == LineType::Mobile)
}

/// What was probably meant, if adding the plus or dropping a zero gives a valid number of the country that the
/// row says.
fn suggest(text: &str, reading: Reading) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let region = reading.region.map(|region| region.0);
    let is_number = |part: &str| one_of_region(part, region).is_ok();
    if !(8..=20).contains(&digits.len()) || grouping::is_unclear(text, is_number) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    let named_code = named_country(text, significant, reading);
    let try_one = |digits: &str| {
        let parsed = read(&format!("+{digits}"), None).ok()?;
        let fits = named_code.is_none_or(|code| digits.starts_with(&code.to_string()));
        fits.then(|| parsed.phone.e164())
    };
    let zero_dropped = || {
        (1..=3).find_map(|length| {
            let (country, rest) = significant.split_at_checked(length)?;
            let number = format!("{country}{}", rest.strip_prefix('0')?);
            // A zero further on is part of the number.
            let code = engine::calling_code_of(number.parse().ok()?)?;
            try_one(&number).filter(|_| code.to_string() == country)
        })
    };
    let national = || {
        let parsed = read(significant, Some(reading.region?.0)).ok()?;
        (!text.starts_with('+')).then(|| parsed.phone.e164())
    };
    try_one(significant).or_else(zero_dropped).or_else(national)
}

/// The calling code of the country that a row names: by the number's own code, by a zero that is only dialled
/// within a country, or by a country cell. `None` if it names none: the digits may begin with a code.
fn named_country(text: &str, significant: &str, reading: Reading) -> Option<u16> {
    if text.starts_with('+') || text.starts_with("00") {
        return engine::calling_code_of(significant.parse().ok()?);
    }
    let region = reading.region?;
    (text.starts_with('0') || reading.row_names_region)
        .then(|| region.calling_code())
        .flatten()
}

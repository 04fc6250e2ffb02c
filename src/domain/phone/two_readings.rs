//! A number without a plus that is one number with its country code and another one within its country.
//!
//! Where numbers have no fixed length, a mobile number whose plus is lost is a fixed line as well: `491711234567` is
//! a mobile of Germany, and a telephone in Leer, whose area code is 0491. `49221123456` is a telephone in Cologne, and
//! one on Borkum. A zero before it decides nothing: `0491711234567` is both, too.

use super::engine::{self, RawRegion};
use super::line::LineType;
use super::problem::PhoneProblem;
use super::reading::Reading;
use super::rejected::{Parsed, Rejected};

/// Whether the digits begin with the country code of the region.
pub(super) fn begins_with_code(text: &str, region: Option<RawRegion>) -> bool {
    digits_begin_with_code(text.bytes().filter(u8::is_ascii_digit), region)
}

fn digits_begin_with_code(digits: impl Iterator<Item = u8>, region: Option<RawRegion>) -> bool {
    let Some(code) = region.and_then(engine::calling_code) else {
        return false;
    };
    let code = code.to_string();
    digits.take(code.len()).eq(code.bytes())
}

/// The digits behind a single zero, if they may begin with a country code: somebody may have put the zero before it in the place
/// of the plus. That of the region is seen in any digits, another one where it stands apart: `043 664 1234567`.
pub(super) fn behind_zero(text: &str, region: Option<RawRegion>) -> Option<String> {
    let mut digits = text.bytes().filter(u8::is_ascii_digit);
    if digits.next() != Some(b'0') || text.starts_with('+') {
        return None;
    }
    let mut groups = text.split(|c: char| !c.is_ascii_digit());
    let first = groups.by_ref().find(|group| !group.is_empty())?;
    let stands_apart = groups.any(|group| !group.is_empty());
    let may_begin = if digits_begin_with_code(digits, region) {
        let code = region.and_then(engine::calling_code)?.to_string();
        // `0491 711234567` is a number in Leer: nobody cuts a mobile within its prefix.
        !stands_apart || !(2..=3).contains(&first.len().saturating_sub(code.len()))
    } else {
        let code = first.get(1..).and_then(|code| code.parse().ok());
        stands_apart && first.len() <= 4 && code.and_then(engine::main_region).is_some()
    };
    may_begin.then(|| text.chars().filter(char::is_ascii_digit).skip(1).collect())
}

/// The number with a zero before it that is dialled within the country, unless what stands behind the zero is a mobile with
/// its country code: `0491711234567`. Fixed lines are often written so, and few of them are so long.
///
/// # Errors
/// `Rejected` where both are valid numbers, and only the one with its country code is a mobile.
pub(super) fn within_unless_mobile(
    abroad: &Result<Parsed, PhoneProblem>,
    within: Result<Parsed, PhoneProblem>,
) -> Result<Result<Parsed, PhoneProblem>, Rejected> {
    match (abroad, within) {
        (Ok(abroad), Ok(within))
            if abroad.phone != within.phone
                && abroad.line_type == LineType::Mobile
                && !within.line_type.may_be_mobile() =>
        {
            Err(rejected(*abroad, within, abroad.phone.e164()))
        }
        (_, within) => Ok(within),
    }
}

/// Neither of the two is certain.
fn rejected(abroad: Parsed, within: Parsed, suggestion: String) -> Rejected {
    Rejected {
        problem: PhoneProblem::TwoReadings {
            abroad: abroad.phone.get(),
            within: within.phone.get(),
        },
        suggestion: Some(suggestion),
    }
}

/// The one of two readings that is meant. `abroad` is the number behind a plus, `within` the one of the region.
///
/// # Errors
/// `Rejected` where both are valid and neither is certain: a message to the wrong one reaches a stranger.
pub(super) fn chosen(
    abroad: Result<Parsed, PhoneProblem>,
    within: Result<Parsed, PhoneProblem>,
    reading: Reading,
) -> Result<Result<Parsed, PhoneProblem>, Rejected> {
    let international = reading.international;
    let (abroad, within) = match (abroad, within) {
        (Ok(abroad), Ok(within)) if abroad.phone != within.phone => (abroad, within),
        (Ok(abroad), _) if international => return Ok(Ok(abroad)),
        (Err(problem), Err(_)) if reading.region.is_none() => return Ok(Err(problem)),
        (_, within) => return Ok(within),
    };
    let suggestion = match (may_have_lost_plus(abroad, within, reading), international) {
        // The list says that its numbers begin so.
        (Some(true), true) => return Ok(Ok(abroad)),
        (Some(true), false) => abroad.phone.e164(),
        (Some(false), _) | (None, true) => {
            format!("{} or {}", abroad.phone.e164(), within.phone.e164())
        }
        (None, false) => return Ok(Ok(within)),
    };
    Err(rejected(abroad, within, suggestion))
}

/// Whether the number with its country code, which is of the same country, is a mobile; `None` where the one within the
/// country may be a mobile too, which is then meant: lists hold mobiles. Of two fixed lines none is likelier.
fn may_have_lost_plus(abroad: Parsed, within: Parsed, reading: Reading) -> Option<bool> {
    let code = reading.region.and_then(super::region::Region::calling_code);
    let is_same = code.is_some() && engine::calling_code_of(abroad.phone.get()) == code;
    (is_same && !within.line_type.may_be_mobile()).then(|| abroad.line_type.may_be_mobile())
}

//! A number without a plus that is one number with its country code and another one within its country.
//!
//! Where numbers have no fixed length, a mobile number whose plus is lost is a fixed line as well: `491711234567` is
//! a mobile of Germany, and a telephone in Leer, whose area code is 0491. `49221123456` is a telephone in Cologne, and
//! one on Borkum.

use super::engine::{self, RawRegion};
use super::problem::PhoneProblem;
use super::reading::Reading;
use super::rejected::{Parsed, Rejected};

/// Whether the digits begin with the country code of the region.
pub(super) fn begins_with_code(text: &str, region: Option<RawRegion>) -> bool {
    let Some(code) = region.and_then(engine::calling_code) else {
        return false;
    };
    let digits = text.bytes().filter(u8::is_ascii_digit);
    let code = code.to_string();
    digits.take(code.len()).eq(code.bytes())
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
    Err(Rejected {
        problem: PhoneProblem::TwoReadings {
            abroad: abroad.phone.get(),
            within: within.phone.get(),
        },
        suggestion: Some(suggestion),
    })
}

/// Whether the number with its country code, which is of the same country, is a mobile; `None` where the one within the
/// country may be a mobile too, which is then meant: lists hold mobiles. Of two fixed lines none is likelier.
fn may_have_lost_plus(abroad: Parsed, within: Parsed, reading: Reading) -> Option<bool> {
    let code = reading.region.and_then(super::region::Region::calling_code);
    let is_same = code.is_some() && engine::calling_code_of(abroad.phone.get()) == code;
    (is_same && !within.line_type.may_be_mobile()).then(|| abroad.line_type.may_be_mobile())
}

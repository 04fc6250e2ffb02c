//! The one owner of the phone number library.
//!
//! `rlibphonenumber` is a port of Google's libphonenumber that agrees with the original. It is known to
//! panic on hostile texts, so every call that sees a text goes through [`parse`], which is guarded;
//! the texts that come here were cleaned before (see [`super::clean`]).

use std::panic::{AssertUnwindSafe, catch_unwind};

use rlibphonenumber::{
    NotANumberError, PHONE_NUMBER_UTIL, ParseError, PhoneNumber as Proto, PhoneNumberType,
    ValidationError,
};

use super::line::LineType;
use super::problem::PhoneProblem;

pub(super) type RawRegion = rlibphonenumber::Region;

/// The largest E.164 number: 15 digits (ITU-T E.164, 6.2.1).
pub(super) const MAX_E164: u64 = 999_999_999_999_999;

/// A valid number, as the engine sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Without the plus, as its numbering plan has it or had it.
    pub(super) e164: u64,
    pub(super) line_type: LineType,
}

/// The region with this upper-case ISO code, if it has a numbering plan.
pub(super) fn region(code: &str) -> Option<RawRegion> {
    let region = RawRegion::from_code(code).ok()?;
    PHONE_NUMBER_UTIL.get_country_code_for_region(region)?;
    Some(region)
}

pub(super) fn calling_code(region: RawRegion) -> Option<u16> {
    PHONE_NUMBER_UTIL
        .get_country_code_for_region(region)
        .and_then(|code| u16::try_from(code).ok())
}

/// The country with this calling code, the main one where several share it; `None` for the codes of networks
/// that belong to no country.
pub(super) fn main_region(calling_code: u16) -> Option<RawRegion> {
    let region = PHONE_NUMBER_UTIL.get_region_for_country_code(i32::from(calling_code))?;
    (region.to_string() != "001").then_some(region)
}

/// Parses and validates a text; never panics.
pub(super) fn parse(text: &str, region: Option<RawRegion>) -> Result<Found, PhoneProblem> {
    // The library is known to panic on some texts; none of them passes the cleaning, but a message
    // batch must not die of the next one that is found.
    catch_unwind(AssertUnwindSafe(|| parse_unguarded(text, region)))
        .unwrap_or(Err(PhoneProblem::NotANumber))
}

fn parse_unguarded(text: &str, region: Option<RawRegion>) -> Result<Found, PhoneProblem> {
    let proto = PHONE_NUMBER_UTIL
        .parse(text, region)
        .map_err(|error| match error {
            ParseError::InvalidCountryCode if region.is_none() && !text.starts_with('+') => {
                PhoneProblem::NeedsRegion
            }
            ParseError::InvalidCountryCode => PhoneProblem::UnknownCountryCode,
            ParseError::NotANumber(
                NotANumberError::NotMatchedValidNumberPattern
                | NotANumberError::InvalidPhoneContext
                | NotANumberError::FailedToParseNumberAsInt(_)
                | NotANumberError::FailedToExtractNumber(_),
            ) => PhoneProblem::NotANumber,
            ParseError::TooShortAfterIdd | ParseError::TooShortNsn => PhoneProblem::TooShort,
            ParseError::TooLongNsn => PhoneProblem::TooLong,
        })?;
    if proto.extension.is_some() {
        return Err(PhoneProblem::Extension);
    }
    let Some(line_type) = type_of(&proto) else {
        return Err(
            match PHONE_NUMBER_UTIL.is_possible_number_with_reason(&proto) {
                Ok(_) | Err(ValidationError::InvalidLength) => PhoneProblem::NotInUse,
                Err(ValidationError::InvalidCountryCode) => PhoneProblem::UnknownCountryCode,
                Err(ValidationError::TooShort) => PhoneProblem::TooShort,
                Err(ValidationError::TooLong) => PhoneProblem::TooLong,
            },
        );
    };
    let e164 = to_e164(&proto).ok_or(PhoneProblem::TooLong)?;
    Ok(Found { e164, line_type })
}

/// The line type; `None` for a number that is not valid: the engine calls a number valid if and only
/// if it finds a type for it, so that one call answers both questions.
fn type_of(proto: &Proto) -> Option<LineType> {
    match PHONE_NUMBER_UTIL.get_number_type(proto) {
        PhoneNumberType::FixedLine => Some(LineType::FixedLine),
        PhoneNumberType::Mobile => Some(LineType::Mobile),
        PhoneNumberType::FixedLineOrMobile => Some(LineType::FixedLineOrMobile),
        PhoneNumberType::TollFree => Some(LineType::TollFree),
        PhoneNumberType::PremiumRate => Some(LineType::PremiumRate),
        PhoneNumberType::SharedCost => Some(LineType::SharedCost),
        PhoneNumberType::VoIP => Some(LineType::Voip),
        PhoneNumberType::PersonalNumber => Some(LineType::Personal),
        PhoneNumberType::Pager => Some(LineType::Pager),
        PhoneNumberType::UAN => Some(LineType::Uan),
        PhoneNumberType::VoiceMail => Some(LineType::Voicemail),
        PhoneNumberType::Unknown => None,
    }
}

/// Puts the parts together in integers: country code, leading zeros that belong to the number
/// (Italy), national number. `None` if that is longer than E.164 allows.
fn to_e164(proto: &Proto) -> Option<u64> {
    let country = u64::try_from(proto.country_code).ok()?;
    let zeros = if proto.italian_leading_zero() {
        u32::try_from(proto.number_of_leading_zeros()).ok()?
    } else {
        0
    };
    let digits = proto
        .national_number
        .checked_ilog10()
        .map_or(1, |log| log + 1);
    let shift = 10_u64.checked_pow(digits.checked_add(zeros)?)?;
    country
        .checked_mul(shift)?
        .checked_add(proto.national_number)
        .filter(|number| *number <= MAX_E164)
}

/// Takes an E.164 integer apart again.
fn from_e164(number: u64) -> Option<Proto> {
    let digits = number.checked_ilog10()? + 1;
    // No calling code begins with another one, so that the first that fits is the right one.
    (1..=3.min(digits.checked_sub(1)?)).find_map(|length| {
        let shift = 10_u64.checked_pow(digits - length)?;
        let country_code = i32::try_from(number / shift).ok()?;
        PHONE_NUMBER_UTIL.get_region_for_country_code(country_code)?;
        let national_number = number % shift;
        let significant = national_number.checked_ilog10().map_or(1, |log| log + 1);
        let zeros = i32::try_from((digits - length).checked_sub(significant)?).ok()?;
        Some(Proto {
            country_code,
            national_number,
            italian_leading_zero: (zeros > 0).then_some(true),
            number_of_leading_zeros: (zeros > 1).then_some(zeros),
            ..Proto::default()
        })
    })
}

/// The country of a number: exact also where countries share a calling code.
pub(super) fn region_of(number: u64) -> Option<RawRegion> {
    PHONE_NUMBER_UTIL.get_region_for_number(&from_e164(number)?)
}

/// The calling code that a number begins with.
pub(super) fn calling_code_of(number: u64) -> Option<u16> {
    u16::try_from(from_e164(number)?.country_code).ok()
}

/// What kind of line a number belongs to; `None` for a number that is not valid.
pub(super) fn line_type(number: u64) -> Option<LineType> {
    type_of(&from_e164(number)?)
}

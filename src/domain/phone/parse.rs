//! The text of a cell, read: which numbers it holds, what was repaired, or why there is none.

use super::clean::{clean, is_plain, parts};
use super::engine::{self, RawRegion};
use super::line::LineType;
use super::mending::Mending;
use super::number::PhoneNumber;
use super::problem::PhoneProblem;
use super::region::Region;

/// A number that was found in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// The number.
    pub phone: PhoneNumber,
    /// What was repaired in the text to get at it; [`Mending::NONE`] if nothing.
    pub mended: Mending,
    /// What kind of line it is.
    pub line_type: LineType,
}

/// Why a cell was refused, and what it should probably say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// What is wrong.
    pub problem: PhoneProblem,
    /// A text that would be accepted and is likely to be meant; a person must decide.
    pub suggestion: Option<String>,
}

impl From<PhoneProblem> for Rejected {
    fn from(problem: PhoneProblem) -> Self {
        Self {
            problem,
            suggestion: None,
        }
    }
}

/// All numbers of one cell, at least one. The usual single number costs no allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    first: Parsed,
    others: Vec<Parsed>,
    /// Digits stand beside them that are no number.
    unread: bool,
}

impl Numbers {
    fn one(first: Parsed) -> Self {
        Self {
            first,
            others: Vec::new(),
            unread: false,
        }
    }

    /// The number that stands first.
    pub fn first(&self) -> Parsed {
        self.first
    }

    /// All of them, in the order of the cell.
    pub fn iter(&self) -> impl Iterator<Item = Parsed> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    /// False if digits stand beside the numbers that are no number: part of the cell was not understood.
    pub fn is_whole(&self) -> bool {
        !self.unread
    }

    /// How many there are; never 0.
    pub fn len(&self) -> usize {
        self.others.len() + 1
    }
}

impl PhoneNumber {
    /// Reads the text of a cell; of several numbers the first. Never panics, whatever the text.
    ///
    /// `region` is the country that a number without a country code belongs to.
    ///
    /// # Errors
    ///
    /// `Rejected`, with the reason and, where one is likely, the text that was meant.
    pub fn parse(text: &str, region: Option<Region>) -> Result<Parsed, Rejected> {
        Self::parse_all(text, region).map(|numbers| numbers.first())
    }

    /// Reads all numbers of a cell.
    ///
    /// # Errors
    ///
    /// `Rejected` if the cell holds no number at all.
    pub fn parse_all(text: &str, region: Option<Region>) -> Result<Numbers, Rejected> {
        let region = region.map(|region| region.0);
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.is_empty() {
            return Err(PhoneProblem::Empty.into());
        }
        if is_plain(text) {
            return single(text, region, Mending::NONE).map(Numbers::one);
        }
        let cleaned = clean(text)?;
        let mut found: Option<Numbers> = None;
        let mut refused: Option<Rejected> = None;
        let mut count = 0;
        let (mut torn, mut unread) = (false, false);
        for part in parts(&cleaned.text) {
            count += 1;
            match slashed(part, region, cleaned.mending) {
                Ok(numbers) => match &mut found {
                    None => found = Some(numbers),
                    Some(found) => {
                        found.unread |= numbers.unread;
                        found.others.extend(numbers.iter());
                    }
                },
                Err(rejected) => {
                    // A handful of digits is rather the rest of the number before than one of its own.
                    let digits = part.bytes().filter(u8::is_ascii_digit).count();
                    torn |= (1..=5).contains(&digits);
                    unread |= digits > 0;
                    refused.get_or_insert(rejected);
                }
            }
        }
        let Some(mut numbers) = found else {
            return Err(refused.unwrap_or_else(|| PhoneProblem::NotANumber.into()));
        };
        if torn {
            let suggestion = Some(numbers.first.phone.e164());
            return Err(Rejected {
                problem: PhoneProblem::Ambiguous,
                suggestion,
            });
        }
        numbers.unread |= unread;
        if count > 1 || numbers.len() > 1 {
            numbers.first.mended = numbers.first.mended.and(Mending::SEVERAL);
            for other in &mut numbers.others {
                other.mended = other.mended.and(Mending::SEVERAL);
            }
        }
        Ok(numbers)
    }
}

/// A part that may use `/` within a number or between two.
fn slashed(part: &str, region: Option<RawRegion>, mending: Mending) -> Result<Numbers, Rejected> {
    if !part.contains(['/', '\\']) {
        return lettered(part, region, mending).map(Numbers::one);
    }
    let pieces = || {
        part.split(['/', '\\'])
            .map(str::trim)
            .filter(|piece| !piece.is_empty())
    };
    let digits = |piece: &&str| piece.bytes().any(|byte| byte.is_ascii_digit());
    let mut alone = pieces().filter_map(|piece| lettered(piece, region, mending).ok());
    let first_alone = alone.next();
    let whole = lettered(&part.replace(['/', '\\'], " "), region, mending);
    match (first_alone, whole) {
        (None, whole) => whole.map(Numbers::one),
        (Some(first), Err(_)) => {
            let others: Vec<Parsed> = alone.collect();
            let unread = pieces().filter(digits).count() > 1 + others.len();
            Ok(Numbers {
                first,
                others,
                unread,
            })
        }
        // Both readings are valid numbers: a main number with a direct line, or two short ones.
        (Some(first), Ok(whole)) => Err(Rejected {
            problem: PhoneProblem::Ambiguous,
            suggestion: Some(format!("{} or {}", first.phone.e164(), whole.phone.e164())),
        }),
    }
}

/// Refuses letters before the engine takes them for a telephone keypad.
fn lettered(part: &str, region: Option<RawRegion>, mending: Mending) -> Result<Parsed, Rejected> {
    if is_plain(part) {
        return single(part, region, mending);
    }
    let unusual = part.chars().any(|c| {
        !c.is_ascii_digit() && !matches!(c, '+' | ' ' | '-' | '.' | '(' | ')' | '[' | ']')
    });
    let bare: String = part
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    if part.len() > 60 || bare.is_empty() || bare.bytes().skip(1).any(|b| b == b'+') {
        return Err(PhoneProblem::NotANumber.into());
    }
    if !unusual {
        return single(&bare, region, mending);
    }
    // A few digits in a remark (`after 17h`) are no number with letters in it.
    let numeric = bare.len() >= 7 || part.starts_with(|c: char| c.is_ascii_digit() || c == '+');
    let letters = numeric && part.chars().any(char::is_alphabetic);
    Err(Rejected {
        problem: if letters {
            PhoneProblem::Letters
        } else {
            PhoneProblem::NotANumber
        },
        suggestion: single(&bare, region, mending)
            .ok()
            .map(|parsed| parsed.phone.e164()),
    })
}

/// One number in plain characters.
fn single(text: &str, region: Option<RawRegion>, mending: Mending) -> Result<Parsed, Rejected> {
    let parsed = |found: engine::Found, more: Mending| Parsed {
        phone: found.phone,
        mended: mending.and(more),
        line_type: found.line_type,
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
    let problem = match engine::parse(text, region) {
        Ok(found) => return Ok(parsed(found, trunk.and(double))),
        Err(problem) => problem,
    };
    if problem == PhoneProblem::Extension {
        return Err(problem.into());
    }
    // `+420 (0) 777...`: the zero is dialled within the country only.
    let without_trunk = if trunk.is_none() {
        None
    } else {
        Some(text.replacen("(0)", "", 1))
    };
    let text = without_trunk.as_deref().unwrap_or(text);
    if text.starts_with('+')
        && !trunk.is_none()
        && let Ok(found) = engine::parse(text, region)
    {
        return Ok(parsed(found, trunk));
    }
    // `00` is dialled in the place of the plus in most countries, not in all that the engine knows.
    if let Some(rest) = text.strip_prefix("00")
        && let Ok(found) = engine::parse(&format!("+{rest}"), None)
    {
        return Ok(parsed(found, trunk.and(double)));
    }
    if let Some(found) = with_lost_zero(text, region) {
        return Ok(parsed(found, Mending::LOST_ZERO));
    }
    Err(Rejected {
        problem,
        suggestion: suggest(text, region),
    })
}

/// Puts a lost leading zero back where that is certain: the digits as typed are no number of the
/// region, and with the zero they are a mobile number, whose zero is part of the number itself
/// (Ivory Coast, Congo). Where the zero is only a prefix for dialling, the engine needs none.
fn with_lost_zero(text: &str, region: Option<RawRegion>) -> Option<engine::Found> {
    if text.starts_with(['+', '0']) {
        return None;
    }
    let found = engine::parse(&format!("0{text}"), Some(region?)).ok()?;
    (found.line_type == LineType::Mobile).then_some(found)
}

/// What was probably meant, if adding the plus or dropping a zero gives a valid number.
fn suggest(text: &str, region: Option<RawRegion>) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let try_one = |digits: &str| {
        engine::parse(&format!("+{digits}"), None)
            .ok()
            .map(|found| found.phone.e164())
    };
    if !(8..=20).contains(&digits.len()) {
        return None;
    }
    let zero_dropped = || {
        let significant = digits.trim_start_matches('0');
        (1..=3).find_map(|length| {
            let (country, rest) = significant.split_at_checked(length)?;
            try_one(&format!("{country}{}", rest.strip_prefix('0')?))
        })
    };
    let national = || {
        let found = engine::parse(digits.trim_start_matches('0'), Some(region?)).ok()?;
        (!text.starts_with('+')).then(|| found.phone.e164())
    };
    try_one(digits.trim_start_matches('0'))
        .or_else(zero_dropped)
        .or_else(national)
}

//! The text of a cell, read: which numbers it holds, what was repaired, or why there is none.

use super::clean::{clean, is_plain, parts};
use super::grouping;
use super::handles;
use super::labels;
use super::mending::Mending;
use super::mention;
use super::number::PhoneNumber;
use super::problem::PhoneProblem;
use super::reading::Reading;
use super::rejected::{Parsed, Rejected};
use super::single::{single, ungrouped};

/// Fewer digits beside words are no number.
const SHORTEST: usize = 7;

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

    fn mark_several(&mut self) {
        for it in std::iter::once(&mut self.first).chain(&mut self.others) {
            it.mended = it.mended.and(Mending::SEVERAL);
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
    /// `reading` says what a number without a country code means; a region is the country that it belongs to.
    ///
    /// # Errors
    ///
    /// `Rejected`, with the reason and, where one is likely, the text that was meant.
    pub fn parse(text: &str, reading: impl Into<Reading>) -> Result<Parsed, Rejected> {
        Self::parse_all(text, reading).map(|numbers| numbers.first())
    }

    /// A person's number as the API writes it: digits that begin with the country code. A plus, `tel:`, and spaces, dashes
    /// or brackets between the digits are understood too: a STOP must not be lost for them.
    ///
    /// `None` where no number is left.
    pub(crate) fn from_api(text: &str) -> Option<Self> {
        let plain = text.strip_prefix('+').unwrap_or(text);
        if plain.bytes().all(|byte| byte.is_ascii_digit()) {
            return plain.parse().ok().and_then(Self::from_e164);
        }
        let reading = Reading {
            international: true,
            ..Reading::default()
        };
        let read = Self::parse(text, reading).map(|parsed| parsed.phone);
        read.ok().or_else(|| {
            // What follows a semicolon is an extension or a parameter.
            let number = text.split(';').next()?;
            let digits: String = number.chars().filter(char::is_ascii_digit).collect();
            digits.parse().ok().and_then(Self::from_e164)
        })
    }

    /// What a cell should say that holds a number beside the names of its person, and nothing else but labels.
    pub(crate) fn beside_names(
        text: &str,
        names: &[&str],
        reading: impl Into<Reading>,
    ) -> Option<String> {
        let cleaned = clean(text).ok()?;
        let number = labels::number_beside(&cleaned.text, names).filter(|it| is_plain(it))?;
        let parsed = single(number, reading.into(), Mending::NONE).ok()?;
        Some(parsed.phone.e164())
    }

    /// Reads all numbers of a cell.
    ///
    /// # Errors
    ///
    /// `Rejected` if the cell holds no number at all.
    pub fn parse_all(text: &str, reading: impl Into<Reading>) -> Result<Numbers, Rejected> {
        let mut reading = reading.into();
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.is_empty() {
            return Err(PhoneProblem::Empty.into());
        }
        if is_plain(text) {
            let one = single(text, reading, Mending::NONE).map(Numbers::one);
            return one.or_else(|rejected| two_whole(text, reading, Mending::NONE).ok_or(rejected));
        }
        not_negative(text, reading)?;
        let cleaned = clean(text)?;
        reading.international |= cleaned.international;
        let mut found: Option<Numbers> = None;
        let mut refused: Option<Rejected> = None;
        let mut count = 0;
        let (mut torn, mut unread, mut has_words) = (false, false, false);
        let mut mending = cleaned.mending;
        for part in parts(&labels::parted(&cleaned.text)) {
            if labels::is_label(part) {
                mending = mending.and(Mending::LABEL);
                continue;
            }
            has_words |= is_remark(part);
            count += 1;
            match slashed(part, reading, cleaned.mending) {
                Ok(numbers) => match &mut found {
                    None => found = Some(numbers),
                    Some(found) => {
                        found.unread |= numbers.unread;
                        found.others.extend(numbers.iter());
                    }
                },
                Err(rejected) => {
                    torn |= is_rest(part);
                    unread |= part.contains(|c: char| c.is_ascii_digit());
                    refused.get_or_insert(rejected);
                }
            }
        }
        let Some(mut numbers) = found else {
            return Err(refused.unwrap_or_else(|| PhoneProblem::NotANumber.into()));
        };
        if torn {
            return Err(PhoneProblem::Ambiguous.into());
        }
        // `777123456; old`, `777123456, Jana`: as without the sign between.
        if has_words {
            return Err(PhoneProblem::Letters.into());
        }
        numbers.first.mended = numbers.first.mended.and(mending);
        numbers.unread |= unread;
        if count > 1 || numbers.len() > 1 {
            numbers.mark_several();
        }
        Ok(numbers)
    }
}

/// A handful of digits is rather the rest of the number before it, or hours, than a number of its own.
fn is_rest(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    (1..=5).contains(&digits)
}

/// `-777123456`: the result of a calculation, or the rest of a number whose begin is lost.
fn not_negative(text: &str, reading: Reading) -> Result<(), Rejected> {
    let number = text.strip_prefix(['-', '\u{2212}']);
    let number = number.filter(|it| it.starts_with(|c: char| c.is_ascii_digit()) && is_plain(it));
    let Some(number) = number else {
        return Ok(());
    };
    let parsed = single(number, reading, Mending::NONE)?;
    Err(Rejected {
        problem: PhoneProblem::Ambiguous,
        suggestion: Some(parsed.phone.e164()),
    })
}

/// Two numbers with a dash between that stands apart, or with the only space of the cell: `347 1234567 - 348 7654321`,
/// `721857849 605710515`. Both are whole, and begin alike: what stands behind a number may be the rest of another one, or an
/// extension.
fn two_whole(text: &str, reading: Reading, mending: Mending) -> Option<Numbers> {
    let is_of_digits = |piece: &str| piece.bytes().all(|byte| byte.is_ascii_digit());
    let spaced = || {
        let pieces = text.split_once(' ');
        pieces.filter(|(first, second)| is_of_digits(first) && is_of_digits(second))
    };
    let (first, second) = text.split_once(" - ").or_else(spaced)?;
    let digits = |piece: &str| piece.bytes().filter(u8::is_ascii_digit).count();
    let begin = |piece: &str| {
        piece
            .trim_start()
            .chars()
            .next()
            .filter(|c| matches!(c, '0' | '+'))
    };
    let is_alike = digits(first).abs_diff(digits(second)) <= 1 && begin(first) == begin(second);
    if digits(first).min(digits(second)) <= SHORTEST || !is_alike {
        return None;
    }
    let one = lettered(first.trim(), reading, mending).ok()?;
    let other = lettered(second.trim(), reading, mending).ok()?;
    let mut numbers = Numbers {
        first: one,
        others: vec![other],
        unread: false,
    };
    numbers.mark_several();
    Some(numbers)
}

/// A part that may use `/` within a number or between two.
fn slashed(part: &str, reading: Reading, mending: Mending) -> Result<Numbers, Rejected> {
    if !part.contains(['/', '\\']) {
        let one = lettered(part, reading, mending).map(Numbers::one);
        return one.or_else(|rejected| two_whole(part, reading, mending).ok_or(rejected));
    }
    let pieces = || {
        part.split(['/', '\\'])
            .map(str::trim)
            .filter(|piece| !piece.is_empty())
    };
    let digits = |piece: &&str| piece.bytes().any(|byte| byte.is_ascii_digit());
    let mut alone = pieces().filter_map(|piece| lettered(piece, reading, mending).ok());
    let first_alone = alone.next();
    let joined = part.replace(['/', '\\'], " ");
    // However it is grouped: where a part is a number, the whole is none to be taken.
    let whole = read_part(&joined, reading, mending, ungrouped);
    // `0664/1234567`: what stands behind a code is no number of its own, even where it could be one.
    let is_code = |piece: &str| {
        let digits = piece.bytes().filter(u8::is_ascii_digit).count();
        piece.starts_with(['0', '+', '('])
            && digits <= grouping::CODES
            && lettered(piece, reading, mending).is_err()
    };
    let behind_code = pieces().next().is_some_and(is_code);
    match (first_alone, whole) {
        (None, _) => lettered(&joined, reading, mending).map(Numbers::one),
        (Some(_), Ok(_)) if behind_code => lettered(&joined, reading, mending).map(Numbers::one),
        (Some(_), Err(_)) if pieces().any(is_remark) => Err(PhoneProblem::Letters.into()),
        (Some(first), Ok(whole)) if first.phone == whole.phone => Ok(Numbers::one(whole)),
        (Some(_), Err(_)) if pieces().any(|it| is_rest(it) && !labels::is_label(it)) => {
            Err(PhoneProblem::Ambiguous.into())
        }
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

/// Words without a number, which are no label of a line: they may say that the number beside them is old, or whose it
/// is. An address says neither.
fn is_remark(part: &str) -> bool {
    let is_text =
        part.contains(char::is_alphabetic) && !part.contains(|c: char| c.is_ascii_digit());
    let is_address = part.contains('@') || part == handles::LINK;
    is_text && !is_address && !labels::is_label(part) && !labels::is_nothing(part)
}

fn lettered(part: &str, reading: Reading, mending: Mending) -> Result<Parsed, Rejected> {
    read_part(part, reading, mending, single)
}

/// How one number in plain characters is read.
type ReadOne = fn(&str, Reading, Mending) -> Result<Parsed, Rejected>;

/// Refuses letters before the engine takes them for a telephone keypad.
fn read_part(
    part: &str,
    reading: Reading,
    mending: Mending,
    read_one: ReadOne,
) -> Result<Parsed, Rejected> {
    if is_plain(part) {
        return read_one(part, reading, mending);
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
        let round = part.replace('[', "(").replace(']', ")");
        let begin = round.find(|c: char| c.is_ascii_digit() || matches!(c, '+' | '('));
        let number = round.get(begin.unwrap_or(0)..).unwrap_or("");
        return read_one(number, reading, mending);
    }
    if let Some((region, number)) = mention::beside_number(part) {
        let reading = Reading {
            region: Some(region),
            row_names_region: true,
            ..reading
        };
        let parsed = read_part(
            number.trim(),
            reading,
            mending.and(Mending::COUNTRY),
            read_one,
        )?;
        let is_of = |phone: PhoneNumber| phone.region()?.calling_code();
        // `PL +420...` says two countries.
        return Some(parsed)
            .filter(|parsed| is_of(parsed.phone) == region.calling_code())
            .ok_or_else(|| PhoneProblem::Letters.into());
    }
    let labelled = labels::number_beside(part, &[]).filter(|number| is_plain(number));
    if let Some(number) = labelled.filter(|_| bare.len() >= SHORTEST) {
        return read_one(number, reading, mending.and(Mending::LABEL));
    }
    // A few digits in a remark (`after 17h`) are no number with letters in it.
    let starts_so = part.starts_with(|c: char| c.is_ascii_digit() || c == '+');
    let numeric = bare.len() >= SHORTEST || starts_so;
    let letters = numeric && part.chars().any(char::is_alphabetic);
    Err(if letters {
        PhoneProblem::Letters.into()
    } else {
        PhoneProblem::NotANumber.into()
    })
}

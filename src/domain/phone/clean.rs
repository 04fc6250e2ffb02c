//! From the text of a cell to texts that the engine may see.
//!
//! A wrong guess messages a stranger. So only damage whose cause is known is repaired here, and what
//! leaves this module consists of ASCII digits, an optional leading plus and plain punctuation: nothing
//! else reaches the engine.

use super::handles;
use super::labels;
use super::mending::Mending;
use super::problem::PhoneProblem;

/// Longer cells hold no phone number; the longest honest ones list a few numbers.
const MAX_CELL: usize = 200;

/// A link may carry a whole message behind its number.
const MAX_LINK: usize = 8_000;

/// True for a text that needs no repair: digits, spaces, `-`, `.`, brackets, and a plus only in front.
pub(super) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 40
        && bytes
            .first()
            .is_some_and(|b| matches!(b, b'+' | b'(' | b'0'..=b'9'))
        && bytes
            .iter()
            .skip(1)
            .all(|b| matches!(b, b'0'..=b'9' | b' ' | b'-' | b'.' | b'(' | b')'))
        && !text.ends_with(".0")
        && !text.ends_with(".00")
}

/// A cell without its damage, and what the damage was.
pub(super) struct Cleaned {
    pub(super) text: String,
    pub(super) mending: Mending,
    /// Its numbers come from a messenger that writes them with their country code.
    pub(super) international: bool,
}

/// Repairs characters, quotes, labels and number formats; leaves separators between numbers alone.
pub(super) fn clean(cell: &str) -> Result<Cleaned, PhoneProblem> {
    if cell.len() > MAX_LINK {
        return Err(PhoneProblem::NotANumber);
    }
    let (text, mut mending) = ascii(cell);
    let text = unquote(&text, &mut mending);
    let handles = handles::unwrap(text);
    let international = handles.as_ref().is_some_and(|it| it.international);
    let text = match &handles {
        Some(unwrapped) => {
            mending = mending.and(unwrapped.mending);
            unwrapped.text.as_str()
        }
        None => text,
    };
    if text.len() > MAX_CELL {
        return Err(PhoneProblem::NotANumber);
    }
    let text = unlabel(text, &mut mending);
    let text = unsign(text, &mut mending);
    if !text.bytes().any(|b| b.is_ascii_digit()) {
        let empty = text
            .chars()
            .all(|c| c.is_whitespace() || matches!(c, '-' | '.' | '/'));
        return Err(if empty {
            PhoneProblem::Empty
        } else {
            PhoneProblem::NotANumber
        });
    }
    if text.contains(";phone-context=") || text.contains(";isub=") {
        return Err(PhoneProblem::NotANumber);
    }
    let mut text = text.to_owned();
    if let Some(written_out) = scientific(&text)? {
        text = written_out;
        mending = mending.and(Mending::EXPONENT);
    }
    if let Some(whole) = without_decimals(&text) {
        text = whole;
        mending = mending.and(Mending::DECIMALS);
    }
    if let Some(joined) = without_thousands(&text) {
        text = joined;
        mending = mending.and(Mending::THOUSANDS);
    }
    if has_extension(&text) {
        return Err(PhoneProblem::Extension);
    }
    if text.starts_with("++") {
        text.drain(..text.len() - text.trim_start_matches('+').len() - 1);
        mending = mending.and(Mending::PLUSES);
    }
    Ok(Cleaned {
        text,
        mending,
        international,
    })
}

/// Replaces what has a plain equivalent: digits of other scripts, full-width forms, spaces, dashes.
fn ascii(cell: &str) -> (String, Mending) {
    let mut text = String::with_capacity(cell.len());
    let mut mending = Mending::NONE;
    let mut chars = cell.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\r' | ' '..='~' => text.push(c),
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => {
                mending = mending.and(Mending::INVISIBLE);
                // It may part two groups: what follows is not to be taken for more of the number.
                let is_digit = |c: char| c.is_ascii_digit();
                if text.ends_with(is_digit) && chars.peek().is_some_and(|c| is_digit(*c)) {
                    text.push(' ');
                }
            }
            '\t' => text.push(' '),
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{30fc}' => {
                text.push('-');
            }
            '\u{2018}' | '\u{2019}' | '\u{b4}' => text.push('\''),
            '\u{201c}'..='\u{201e}' => text.push('"'),
            '\u{ff01}'..='\u{ff5e}' => {
                // The full-width forms repeat ASCII, 0xFEE0 further on.
                text.extend(u32::from(c).checked_sub(0xfee0).and_then(char::from_u32));
                mending = mending.and(Mending::DIGITS);
            }
            c if c.is_whitespace() || c.is_control() => {
                text.push(' ');
                mending = mending.and(Mending::INVISIBLE);
            }
            c => {
                if let Some(digit) = digit_of(c) {
                    text.push(digit);
                    mending = mending.and(Mending::DIGITS);
                } else {
                    text.push(c);
                }
            }
        }
    }
    (text, mending)
}

/// Decimal digits of the scripts in living use; each block counts from its zero.
fn digit_of(c: char) -> Option<char> {
    const ZEROS: [u32; 14] = [
        0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6,
        0x0d66, 0x0e50, 0x17e0,
    ];
    let code = u32::from(c);
    let value = ZEROS
        .iter()
        .map(|zero| code.wrapping_sub(*zero))
        .find(|value| *value < 10)?;
    char::from_digit(value, 10)
}

/// `'+420...`, `"+420..."`, `="+420..."`: ways to keep a spreadsheet from calculating.
fn unquote<'a>(text: &'a str, mending: &mut Mending) -> &'a str {
    let trimmed = text.trim();
    let inner = trimmed
        .trim_start_matches(['\'', '"', '=', '`'])
        .trim_end_matches(['\'', '"', '`'])
        .trim();
    if inner.len() != trimmed.len() {
        *mending = mending.and(Mending::QUOTES);
    }
    inner
}

/// Takes off `tel:`, `Mob.` and the like, if nothing but the number follows.
fn unlabel<'a>(text: &'a str, mending: &mut Mending) -> &'a str {
    let Some(number) = labels::behind_label(text) else {
        return text;
    };
    *mending = mending.and(Mending::LABEL);
    number
}

/// Takes off what draws the eye to a number: `777123456!`, `777123456 *`.
fn unsign<'a>(text: &'a str, mending: &mut Mending) -> &'a str {
    let number = text.trim_end_matches(['!', '*', ' ']);
    if number.len() == text.trim_end().len() || !number.ends_with(|c: char| c.is_ascii_digit()) {
        return text;
    }
    *mending = mending.and(Mending::SIGN);
    number
}

/// `4.20777E+11`: written out if every digit is there, refused if some are lost, `None` if it is no
/// power of ten at all.
fn scientific(text: &str) -> Result<Option<String>, PhoneProblem> {
    let Some((mantissa, exponent)) = text.trim_start_matches('+').split_once(['e', 'E']) else {
        return Ok(None);
    };
    let Ok(exponent) = exponent.trim().trim_start_matches('+').parse::<usize>() else {
        return Ok(None);
    };
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Ok(None);
    }
    if fraction.len() == exponent && whole.len() == 1 {
        return Ok(Some(format!(
            "{}{whole}{fraction}",
            if text.starts_with('+') { "+" } else { "" }
        )));
    }
    Err(PhoneProblem::ScientificNotation)
}

/// `420777123456.0` and `420777123456,00`, and with a space between groups of three: `777 123 456,00`.
fn without_decimals(text: &str) -> Option<String> {
    let (whole, decimals) = text.split_once(['.', ','])?;
    let zeros = (1..=2).contains(&decimals.len()) && decimals.bytes().all(|b| b == b'0');
    let unsigned = whole.strip_prefix('+').unwrap_or(whole);
    let all = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let mut groups = unsigned.split(' ');
    let head = groups.next().filter(|head| !head.is_empty() && all(head))?;
    let is_grouped = groups.clone().next().is_none()
        || head.len() <= 3 && groups.all(|group| group.len() == 3 && all(group));
    (zeros && is_grouped && unsigned.len() >= 6).then(|| whole.to_owned())
}

/// `420,777,123,456`: every group behind the first has three digits.
fn without_thousands(text: &str) -> Option<String> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let digits = first.strip_prefix('+').unwrap_or(first);
    let all = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let head = (1..=3).contains(&digits.len()) && all(digits);
    (head && text.contains(',') && groups.all(|group| group.len() == 3 && all(group)))
        .then(|| text.replace(',', ""))
}

/// `... ext. 12`, `... x12`, `...#12`, `...;ext=12`: a mark behind a number's worth of digits, and a
/// few digits behind the mark.
fn has_extension(text: &str) -> bool {
    const MARKS: [&str; 12] = [
        "extension",
        "ext",
        "durchwahl",
        "dw",
        "apparat",
        "interno",
        "linka",
        "klapka",
        "poste",
        "wew",
        "x",
        "#",
    ];
    let lower = text.to_ascii_lowercase();
    MARKS.iter().any(|mark| {
        lower.match_indices(mark).any(|(at, _)| {
            let before = lower
                .get(..at)
                .unwrap_or("")
                .bytes()
                .filter(u8::is_ascii_digit)
                .count();
            let after = lower
                .get(at + mark.len()..)
                .unwrap_or("")
                .trim_start_matches([' ', '.', ':', '=', ',']);
            before >= 5 && after.starts_with(|c: char| c.is_ascii_digit())
        })
    })
}

/// The parts of a cell that certainly are different numbers.
///
/// `;`, `,`, `|`, `&`, a line break and a second plus always separate; `/` does not, because it is also
/// punctuation within a number (`0171/1234567`): see `parse`.
pub(super) fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let seen_digit = rest
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(rest.len());
            let end = rest
                .char_indices()
                .find(|(at, c)| {
                    matches!(c, ';' | ',' | '|' | '&' | '\n' | '\r')
                        || (*c == '+' && *at > seen_digit)
                })
                .map(|(at, c)| (at, if c == '+' { at } else { at + c.len_utf8() }));
            let (part, next) = match end {
                Some((at, next)) => (rest.get(..at).unwrap_or(""), rest.get(next..).unwrap_or("")),
                None => (rest, ""),
            };
            rest = next;
            let part = part.trim().trim_end_matches(['/', '-']).trim();
            if !part.is_empty() {
                return Some(part);
            }
        }
    })
}

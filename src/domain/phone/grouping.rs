//! Whether the digits of a text are grouped as those of one number.
//!
//! In countries whose numbers have no fixed length (Austria, Germany, Finland, Italy, Indonesia), a number with a few
//! more digits is another person's number. What stands behind a number that is complete without it (`(2)`, `- 8`,
//! `8-16`, ` 2.`, `-12`) is a note, hours, an extension or a range as often as a part of the number. So a text is read
//! only where its groups are usual ones:
//!
//! - digits in brackets are a trunk zero or an area code, near the beginning;
//! - a dash with a space beside it stands behind a code, not behind a number;
//! - no single digit, and nothing at all behind an unbroken run of six digits or more, follows a complete number;
//! - two digits follow a group of two or three, or further pairs;
//! - behind a hyphen or a dot that separates no other groups, three digits or more follow the number's first group.
//!
//! All but the first are asked only where the digits before are a number of their own: elsewhere they cannot be meant
//! alone.

/// A text with fewer digits is no number of its own.
const SHORTEST: usize = 4;

/// Codes before the number have so many digits at the most: `00` and three of a country. Behind more, a bracket
/// holds something else.
pub(super) const CODES: usize = 5;

/// A group of so many digits is a whole number, without its codes.
const UNBROKEN: usize = 6;

/// A run of digits, and what stands before it.
#[derive(Debug, Clone, Copy)]
struct Group<'a> {
    /// Where it begins in the text.
    start: usize,
    before: &'a str,
    digits: &'a str,
}

impl Group<'_> {
    fn len(self) -> usize {
        self.digits.len()
    }
}

/// True if a part of the text may be meant alone. `is_other` says whether a part is a number, and another one than
/// the whole.
pub(super) fn is_unclear(text: &str, is_other: impl Fn(&str) -> bool) -> bool {
    let groups = groups(text);
    let mut digits = 0;
    (1..groups.len()).any(|at| {
        digits += groups[at - 1].len();
        let Group { start, before, .. } = groups[at];
        let head = text.get(..start - before.len()).unwrap_or("");
        let tail = text.get(start..).unwrap_or("");
        let is_ordinal =
            digits <= SHORTEST && !head.trim_start_matches('(').starts_with(['+', '0']);
        if is_ordinal && tail.starts_with('0') && is_other(tail) {
            return true;
        }
        if digits > CODES && is_never_grouped(&groups, at) {
            return true;
        }
        digits >= SHORTEST && !is_usual(text, &groups, at) && is_other(head)
    })
}

fn groups(text: &str) -> Vec<Group<'_>> {
    let mut groups = Vec::with_capacity(6);
    let (mut rest, mut at) = (text, 0);
    while let Some(before) = rest.find(|c: char| c.is_ascii_digit()) {
        let (gap, digits) = rest.split_at(before);
        let end = digits.find(|c: char| !c.is_ascii_digit());
        let (digits, next) = digits.split_at(end.unwrap_or(digits.len()));
        groups.push(Group {
            start: at + before,
            before: gap,
            digits,
        });
        at += before + digits.len();
        rest = next;
    }
    groups
}

/// What is no part of a number behind its codes: digits in brackets, and one or two behind a dash with a space.
fn is_never_grouped(groups: &[Group<'_>], at: usize) -> bool {
    let group = groups[at];
    let is_last = at + 1 == groups.len();
    group.before.contains('(') || is_set_off(group.before) && is_last && group.len() <= 2
}

/// Whether what stands between two groups is more than one sign or some spaces.
fn is_set_off(between: &str) -> bool {
    !matches!(between, "-" | ".") && between.contains(|c| c != ' ')
}

/// Whether the group continues the number of the groups before it.
fn is_usual(text: &str, groups: &[Group<'_>], at: usize) -> bool {
    let (last, group) = (groups[at - 1], groups[at]);
    if is_set_off(group.before) || group.len() == 1 || last.len() >= UNBROKEN {
        return false;
    }
    let next = groups.get(at + 1);
    let goes_on = next.is_some_and(|next| next.before == group.before && next.len() > 1);
    let is_short_rest = group.len() == 2 && last.len() > 3 && !goes_on;
    let is_separator = at > 1 && last.before == group.before || goes_on;
    if is_separator {
        return !is_short_rest;
    }
    let is_behind_first = at - codes(text, groups) <= 2;
    is_behind_first
        && if group.before.trim().is_empty() {
            !is_short_rest
        } else {
            group.len() > 2
        }
}

/// How many groups at the beginning are a country code or a trunk zero in brackets.
fn codes(text: &str, groups: &[Group<'_>]) -> usize {
    let code = groups.first().is_some_and(|first| {
        let with_zeros = first.digits.starts_with("00") && first.len() <= CODES;
        text.starts_with('+') && first.len() <= 3 || with_zeros
    });
    let zero = groups
        .get(usize::from(code))
        .is_some_and(|group| group.digits == "0" && group.before.ends_with('('));
    usize::from(code) + usize::from(zero)
}

#[cfg(test)]
mod tests {
    use super::super::{PhoneNumber, Region};

    fn read(text: &str, region: &str) -> String {
        let region: Option<Region> = region.parse().ok();
        match PhoneNumber::parse(text, region) {
            Ok(parsed) => parsed.phone.e164(),
            Err(rejected) => match rejected.suggestion {
                None => rejected.problem.code().to_owned(),
                Some(suggestion) => format!("{}, {suggestion}?", rejected.problem.code()),
            },
        }
    }

    /// What a text is read as that has to be refused, without a suggestion.
    fn not_refused(text: &str, region: &str) -> Option<String> {
        let answer = read(text, region);
        let is_refused = !answer.contains('+');
        (!is_refused).then(|| format!("{text:?}: {answer}"))
    }

    #[test]
    fn what_stands_behind_a_complete_number_is_not_glued_to_it() {
        let mut wrong = Vec::new();
        for text in [
            "+43 664 1234567 (2)",
            "+43 664 1234567 - 8",
            "+43 664 1234567 – 8",
            "+43 664 1234567 8-16",
            "+43 664 1234567[1]",
            "+43 664 1234567 2.",
            "+43 664 1234567 12.",
            "+43 664 1234567 7",
            "+43 664 1234567 12",
            "+43 664 1234567 2026",
            "+43 664 1234567-12",
            "+43 664 1234567-123",
            "+43 664 1234567.12",
            "+43 664 123 45 67 8",
            "+43 664 123 45 67 - 89",
            "+43 664 123 45 67 (8)",
            "+43 664 123 4567-89",
            "+43 664 123 4567-890",
            "+43 664 123 4567 89",
            "+436641234567 89",
            "+436641234567-89",
            "+436641234567(2)",
            "0664 1234567.12",
            "0664 1234567.0",
            "0664.1234567.00",
            "0664/1234567-12",
            "0664/1234567/12",
            "+43/664/1234567 (2)",
            "0664-1234567 (2)",
            "(0664) 1234567 (2)",
            "+43 (0) 664 1234567 (2)",
            "0043 664 1234567 - 8",
            "+43 1 5123456 - 12",
            "+43 1 5123456-12",
            "01 512 34 56-12",
            "+49 171 1234567 (2)",
            "+49 151 1234567 (3)",
            "+49 171 1234569 - 8",
            "+49 151 1234567 - 8",
            "+49 30 1234567 - 0",
            "030 123456-0",
            "+358 40 123456 (7)",
            "+358 40 123456 - 7",
            "+46 8 123 456 - 7",
            "+62 812 345 6789 (2)",
            "+62 812 345 678 - 9",
            "+39 333 123456 (7)",
            "+39 06 1234567 - 8",
        ] {
            wrong.extend(not_refused(text, "AT"));
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn digits_before_a_complete_number_are_not_glued_to_it() {
        for text in [
            "2 0171 1234567",
            "2. 0171 1234567",
            "2) 0171 1234567",
            "(2) 0171 1234567",
        ] {
            assert_eq!(not_refused(text, "DE"), None);
        }
        assert_eq!(not_refused("2 06 1234567", "IT"), None);
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn numbers_are_read_as_people_group_them() {
        let mut wrong = Vec::new();
        for (texts, region, expected) in [
            (
                &[
                    "+43 664 1234567",
                    "+43 664 123-4567",
                    "+43 664 123 4567",
                    "+43 664 123 45 67",
                    "+43 664 12 34 567",
                    "+43 664 1234 567",
                    "+43 (664) 1234567",
                    "+43 (0) 664 1234567",
                    "+43 (0)664 1234567",
                    "+43/664/1234567",
                    "0043 664 1234567",
                    "(0664) 123 45 67",
                    "0664 1234567",
                    "0664 1234-567",
                    "0664-1234567",
                    "0664 - 123 45 67",
                    "0664/1234567",
                    "0664 / 123 45 67",
                    "0664/123 45 67",
                    "0664-123-45-67",
                    "0664.123.45.67",
                    "0664 - 1234567",
                    "06641234567",
                    "06641234567.0",
                ][..],
                "AT",
                "+436641234567",
            ),
            (
                &[
                    "+49 (171) 1234567",
                    "+49 171 123 45 67",
                    "+49 (0) 171 - 123 45 67",
                    "0171-1234567",
                    "0171/1234567",
                    "0171 1234-567",
                    "0171 1 234 567",
                    "+49171 1234567",
                    "[0171] 1234567",
                ],
                "DE",
                "+491711234567",
            ),
            (
                &[
                    "030.1234567",
                    "030 12 34 567",
                    "+49 30 123-4567",
                    "(030) 123 45 67",
                    "030 / 123 4567",
                ],
                "DE",
                "+49301234567",
            ),
            (
                &["+49 30 1234-5678", "030 1234 5678", "030 12 34 56 78"],
                "DE",
                "+493012345678",
            ),
            (
                &[
                    "+420-777-100-000",
                    "777.100.000",
                    "777 10 00 00",
                    "777 - 100 - 000",
                ],
                "CZ",
                "+420777100000",
            ),
            (
                &[
                    "+1 (212) 555-0100",
                    "212-555-0100",
                    "1-212-555-0100",
                    "(212)5550100",
                ],
                "US",
                "+12125550100",
            ),
            (
                &[
                    "040 123 4567",
                    "040-123 4567",
                    "+358 40 1234567",
                    "040 123 45 67",
                    "+358 (0)40 1234 567",
                ],
                "FI",
                "+358401234567",
            ),
            (
                &[
                    "070-123 45 67",
                    "+46 70 123 45 67",
                    "0701-23 45 67",
                    "070-1234567",
                ],
                "SE",
                "+46701234567",
            ),
            (
                &["08-123 456 78", "+46 8 123 456 78", "08-12 34 56 78"],
                "SE",
                "+46812345678",
            ),
            (
                &[
                    "333 123 4567",
                    "333 12 34 567",
                    "+39 333 1234567",
                    "333-1234567",
                    "333.123.4567",
                ],
                "IT",
                "+393331234567",
            ),
            (
                &[
                    "0812-3456-7890",
                    "0812 3456 7890",
                    "+62 812-3456-7890",
                    "+62 (812) 3456 7890",
                ],
                "ID",
                "+6281234567890",
            ),
            (
                &["+55 11 91234-5678", "(11) 91234-5678", "11 9 1234-5678"],
                "BR",
                "+5511912345678",
            ),
            (
                &["06 12 34 56 78", "+33 (0)6 12 34 56 78"],
                "FR",
                "+33612345678",
            ),
            (
                &["8 (912) 345-67-89", "+7 912 345-67-89"],
                "RU",
                "+79123456789",
            ),
            (&["+352 621 123 456", "621 123 456"], "LU", "+352621123456"),
            (&["+352 26 12 34 56"], "LU", "+35226123456"),
            (
                &["0699 1 234 5678", "0699/1234 5678", "0699 12 34 56 78"],
                "AT",
                "+4369912345678",
            ),
        ] {
            for text in texts {
                let answer = read(text, region);
                if answer != expected {
                    wrong.push(format!("{text:?} {region}: {answer}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// In every country: a number, and a few digits with which it is another number.
    #[test]
    fn no_separator_makes_another_number_of_a_complete_one() {
        let is_valid = |digits: &str| {
            let number = digits.parse().ok().and_then(PhoneNumber::from_e164);
            // One that its plan has renewed is another one anyway.
            number.is_some_and(|it| it.get().to_string() == digits && it.line_type().is_some())
        };
        let digit = |value: u64| char::from_digit(u32::try_from(value).unwrap(), 10).unwrap();
        let (mut seed, mut tried) = (7_u64, 0);
        let mut random = move |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for code in [
            "43", "49", "358", "46", "39", "62", "352", "423", "385", "64", "30", "81", "86", "60",
            "372", "381",
        ] {
            for _ in 0..400 {
                let length = 6 + random(5);
                let national: String = (0..length).map(|_| digit(random(10))).collect();
                let more: String = (0..=random(4)).map(|_| digit(random(10))).collect();
                if !is_valid(&format!("{code}{national}"))
                    || !is_valid(&format!("{code}{national}{more}"))
                {
                    continue;
                }
                tried += 1;
                for text in [
                    format!("+{code} {national} ({more})"),
                    format!("+{code}{national}({more})"),
                    format!("+{code} {national} [{more}]"),
                    format!("+{code} {national} - {more}"),
                    format!("+{code} {national}- {more}"),
                    format!("+{code} {national} -{more}"),
                    format!("+{code}{national}-{more}"),
                    format!("+{code} {national}.{more}"),
                    format!("+{code} {national}. {more}"),
                    format!("+{code} {national} {more}."),
                    format!("+{code} {national} {more}-{more}"),
                    format!("+{code} {national}/{more}"),
                    format!("+{code} {national}, {more}"),
                    format!("+{code} {national} {more}"),
                    format!("00{code} {national} ({more})"),
                ] {
                    let answer = PhoneNumber::parse(&text, None);
                    assert!(answer.is_err(), "{text}: {answer:?}");
                }
            }
        }
        assert!(tried > 300, "{tried}");
    }
}

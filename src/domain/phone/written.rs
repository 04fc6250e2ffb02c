//! Where a number stands in a text, in whatever way it is written there: whoever erases a person looks for it.

use foldhash::HashMap;

use super::number::PhoneNumber;

/// A national number of fewer digits may be anything.
const LEAST_DIGITS: usize = 7;

/// So it may in a text that is about something else: dates and orders have eight.
const LEAST_DIGITS_IN_TEXT: usize = 9;

/// So many of its last digits are looked for first: a text without them does not hold the number.
const TAIL: usize = 6;

/// Above the number that all of them make but the last one.
const BEFORE_LAST: u32 = 100_000;

/// What stands between the digits of one number.
const WITHIN: &str = " +-./()\u{a0}\u{2009}\u{202f}\u{2010}\u{2011}\u{2012}\u{2013}";

/// The ways in which the digits of a number can be written, also those of the form that its numbering plan has given up.
#[derive(Debug, Clone, Default)]
pub(crate) struct WrittenForms {
    /// With its country code.
    whole: Vec<String>,
    /// Without it.
    national: Vec<String>,
    /// How many digits it has without what is dialled before it.
    national_digits: usize,
}

/// Where a number is looked for: without its country code it is the same digits as much else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// Among numbers that are read as of its country.
    NumbersOfItsCountry,
    /// Among numbers that are read as of other countries.
    NumbersOfOthers,
    /// In any text.
    AnyText,
}

impl WrittenForms {
    /// Those of this number.
    pub(crate) fn of(phone: PhoneNumber) -> Self {
        let code = phone.region().and_then(super::Region::calling_code);
        let code = code.map_or_else(String::new, |code| code.to_string());
        let mut forms = Self::default();
        for number in std::iter::once(phone.get()).chain(phone.former()) {
            let digits = number.to_string();
            let national = digits.strip_prefix(&code).filter(|_| !code.is_empty());
            if let Some(national) = national.filter(|it| it.len() >= LEAST_DIGITS) {
                let trunk = ["", "0", "8"].map(|trunk| format!("{trunk}{national}"));
                forms.national.extend(trunk);
                forms.national_digits = forms.national_digits.max(national.len());
                // `+44 (0) 20 7946 0018`.
                forms.whole.push(format!("{code}0{national}"));
            }
            let prefixed = ["", "00", "011"].map(|prefix| format!("{prefix}{digits}"));
            forms.whole.extend(prefixed);
        }
        forms
    }

    /// Whether the number stands in the text, as a whole: alone, among words, or beside other numbers.
    pub(crate) fn are_in(&self, text: &str, within: Within) -> bool {
        let mut parts = text.split(|c: char| !(c.is_ascii_digit() || WITHIN.contains(c)));
        parts.any(|part| self.are_in_groups(part, within))
    }

    /// Whether groups of digits that stand one behind the other are the number together.
    fn are_in_groups(&self, part: &str, within: Within) -> bool {
        let groups = part.split(|c: char| c != '+' && !c.is_ascii_digit());
        let groups: Vec<&str> = groups.filter(|group| !group.is_empty()).collect();
        let longest = self.whole.iter().map(String::len).max().unwrap_or(0);
        let least = match within {
            Within::NumbersOfItsCountry => Some(LEAST_DIGITS),
            Within::AnyText => Some(LEAST_DIGITS_IN_TEXT),
            Within::NumbersOfOthers => None,
        };
        let is_national = |digits: &String| {
            let is_long = least.is_some_and(|least| self.national_digits >= least);
            is_long && self.national.contains(digits)
        };
        (0..groups.len()).any(|from| {
            let before = from.checked_sub(1).and_then(|at| groups.get(at));
            // What stands behind the code of a country is a number there.
            let has_code = before.is_some_and(|it| it.starts_with('+') || it.starts_with("00"));
            let mut digits = String::new();
            groups.iter().skip(from).any(|group| {
                if digits.len() <= longest {
                    digits.push_str(group.trim_start_matches('+'));
                }
                self.whole.contains(&digits) || !has_code && is_national(&digits)
            })
        })
    }
}

/// Several numbers that are looked for in one text: by their last digits it is known for most texts that they hold none.
#[derive(Debug)]
pub(crate) struct WrittenNumbers {
    forms: Vec<WrittenForms>,
    /// By the last digits of their forms, as a number: which of them.
    tails: HashMap<u32, Vec<usize>>,
    /// Those with a form of fewer digits.
    short: Vec<usize>,
}

impl WrittenNumbers {
    /// These numbers.
    pub(crate) fn of(phones: &[PhoneNumber]) -> Self {
        let forms: Vec<WrittenForms> = phones.iter().copied().map(WrittenForms::of).collect();
        let mut tails: HashMap<u32, Vec<usize>> = HashMap::default();
        let mut short = Vec::new();
        for (at, form) in forms.iter().enumerate() {
            for digits in &form.whole {
                let tail = digits.len().checked_sub(TAIL);
                match tail.and_then(|from| digits.get(from..)?.parse().ok()) {
                    Some(tail) => tails.entry(tail).or_default().push(at),
                    None => short.push(at),
                }
            }
        }
        Self {
            forms,
            tails,
            short,
        }
    }

    /// Which of them may stand in the text, or in one of those that stand in it one behind the other.
    pub(crate) fn that_may_be_in(&self, text: &str) -> Vec<usize> {
        let mut found = self.short.clone();
        let (mut tail, mut seen) = (0_u32, 0);
        for digit in text.bytes().filter(u8::is_ascii_digit) {
            tail = (tail % BEFORE_LAST) * 10 + u32::from(digit - b'0');
            seen += 1;
            if seen >= TAIL
                && let Some(ending) = self.tails.get(&tail)
            {
                found.extend(ending);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The forms of that one.
    pub(crate) fn forms(&self, which: usize) -> Option<&WrittenForms> {
        self.forms.get(which)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(number: u64, text: &str) -> bool {
        let numbers = [420_601_999_999, number].map(|it| PhoneNumber::from_e164(it).unwrap());
        let numbers = WrittenNumbers::of(&numbers);
        let found = numbers.forms[1].are_in(text, Within::NumbersOfItsCountry);
        let may_be_in = numbers.that_may_be_in(text);
        assert!(!found || may_be_in.contains(&1), "{text}");
        assert!(!may_be_in.contains(&0), "{text}");
        found
    }

    #[test]
    fn of_several_numbers_those_are_found_whose_last_digits_stand_in_the_text() {
        let phones = [420_777_820_004, 421_905_820_004, 420_602_000_007, 24_712]
            .map(|it| PhoneNumber::from_e164(it).unwrap());
        let numbers = WrittenNumbers::of(&phones);
        for (text, wanted) in [
            // A number with fewer digits may be anywhere.
            ("[\"Anna\",\"777 82 00 04\"]", vec![0, 1, 3]),
            ("602000007 777820004", vec![0, 1, 2, 3]),
            ("7", vec![3]),
            ("", vec![3]),
        ] {
            assert_eq!(numbers.that_may_be_in(text), wanted, "{text}");
        }
    }

    #[test]
    fn without_its_country_code_a_number_is_one_only_where_it_is_read_so() {
        let [danish, czech] = [4_520_261_129, 420_777_820_004]
            .map(|it| WrittenForms::of(PhoneNumber::from_e164(it).unwrap()));
        let of_its_country = Within::NumbersOfItsCountry;
        for (forms, text, wanted) in [
            (&danish, "2026-11-29 10:00", vec![of_its_country]),
            (&danish, "20261129", vec![of_its_country]),
            (&czech, "777 820 004", vec![of_its_country, Within::AnyText]),
            (
                &danish,
                "call +45 20 26 11 29",
                vec![of_its_country, Within::NumbersOfOthers, Within::AnyText],
            ),
        ] {
            for within in [of_its_country, Within::NumbersOfOthers, Within::AnyText] {
                let found = forms.are_in(text, within);
                assert_eq!(found, wanted.contains(&within), "{text} {within:?}");
            }
        }
    }

    #[test]
    fn a_number_is_found_in_whatever_way_it_is_written() {
        for text in [
            "+420777820004",
            "420777820004",
            "00420 777 820 004",
            "777820004",
            "777 82 00 04",
            "777\u{a0}820\u{a0}004",
            "(777) 820-004",
            "tel:+420-777-820-004",
            "602333444, 777820004",
            "602333444 / +420 777 820 004",
            "777820004 602333444",
            "602 333 444 777 820 004",
            "call 777820004 (in the evening)",
            "Mobile 777820004; fax 222333444",
            "777820004.0",
        ] {
            assert!(is_in(420_777_820_004, text), "{text}");
        }
        for (number, text) in [
            (442_079_460_018, "020 7946 0018"),
            (442_079_460_018, "+44 (0)20 7946 0018"),
            (79_161_234_567, "8 916 123-45-67"),
            (12_015_550_123, "(201) 555-0123"),
            (525_512_345_678, "+52 1 55 1234 5678"),
            (525_512_345_678, "5215512345678"),
        ] {
            assert!(is_in(number, text), "{text}");
        }
    }

    #[test]
    fn the_digits_of_another_number_are_none_of_it() {
        for text in [
            "",
            "777820005",
            "+421777820004",
            "+421 777 820 004",
            "00421 777 820 004",
            "17778200045",
            "7778200041",
            "820004",
            "order 20777820004",
            "777,820,004",
        ] {
            assert!(!is_in(420_777_820_004, text), "{text}");
        }
    }
}

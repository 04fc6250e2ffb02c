//! Where a number stands in a text, in whatever way it is written there: whoever erases a person looks for it.

use super::number::PhoneNumber;

/// A national number of fewer digits may be anything.
const LEAST_DIGITS: usize = 7;

/// So many of its last digits are looked for first: a text without them does not hold the number.
const TAIL: usize = 6;

/// What stands between the digits of one number.
const WITHIN: &str = " +-./()\u{a0}\u{2009}\u{202f}\u{2010}\u{2011}\u{2012}\u{2013}";

/// The ways in which the digits of a number can be written, also those of the form that its numbering plan has given up.
#[derive(Debug, Clone, Default)]
pub(crate) struct WrittenForms {
    /// With its country code.
    whole: Vec<String>,
    /// Without it.
    national: Vec<String>,
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
                // `+44 (0) 20 7946 0018`.
                forms.whole.push(format!("{code}0{national}"));
            }
            let prefixed = ["", "00", "011"].map(|prefix| format!("{prefix}{digits}"));
            forms.whole.extend(prefixed);
        }
        forms
    }

    /// Whether one of these texts may hold the number: most do not, and cost little. The digits of `text` are gathered in
    /// `buffer`.
    pub(crate) fn may_be_in(&self, text: &str, buffer: &mut String) -> bool {
        buffer.clear();
        buffer.extend(text.chars().filter(char::is_ascii_digit));
        let mut tails = self.whole.iter();
        tails.any(|form| {
            let tail = form.get(form.len().saturating_sub(TAIL)..);
            tail.is_some_and(|tail| buffer.contains(tail))
        })
    }

    /// Whether the number stands in the text, as a whole: alone, among words, or beside other numbers.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        let mut parts = text.split(|c: char| !(c.is_ascii_digit() || WITHIN.contains(c)));
        parts.any(|part| self.are_in_groups(part))
    }

    /// Whether groups of digits that stand one behind the other are the number together.
    fn are_in_groups(&self, part: &str) -> bool {
        let groups = part.split(|c: char| c != '+' && !c.is_ascii_digit());
        let groups: Vec<&str> = groups.filter(|group| !group.is_empty()).collect();
        let longest = self.whole.iter().map(String::len).max().unwrap_or(0);
        (0..groups.len()).any(|from| {
            let before = from.checked_sub(1).and_then(|at| groups.get(at));
            // What stands behind the code of a country is a number there.
            let has_code = before.is_some_and(|it| it.starts_with('+') || it.starts_with("00"));
            let mut digits = String::new();
            groups.iter().skip(from).any(|group| {
                if digits.len() <= longest {
                    digits.push_str(group.trim_start_matches('+'));
                }
                self.whole.contains(&digits) || !has_code && self.national.contains(&digits)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(number: u64) -> WrittenForms {
        WrittenForms::of(PhoneNumber::from_e164(number).unwrap())
    }

    fn is_in(number: u64, text: &str) -> bool {
        let (forms, mut buffer) = (forms(number), String::new());
        let found = forms.are_in(text);
        assert!(!found || forms.may_be_in(text, &mut buffer), "{text}");
        found
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

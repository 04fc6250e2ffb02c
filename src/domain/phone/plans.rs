//! Numbering plans that changed: the old form of a number, and the new one that follows from it.
//!
//! Lists, contacts of the API and suppression lists hold numbers from before such a change. The old and
//! the new form are one person, so every [`PhoneNumber`](super::PhoneNumber) is made in the new form.
//!
//! A change stands in `plans.txt` only where the new number follows from the old one with certainty, and where a
//! source says so. It is applied only if the engine calls the new number valid. Changes before 2009 are
//! left out, and those whose new digits depend on more than the old number.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::engine;

/// Old and new form, each with its calling code. `#` is a digit that stays, in its order.
type Change = (&'static str, &'static str);

/// The changes of one country.
struct Plan {
    /// The calling codes that its old numbers begin with.
    codes: Vec<u16>,
    /// The engine still calls the old numbers valid. Elsewhere an old form that is a number of today is left as it
    /// is: it may be another person's.
    still_listed: bool,
    changes: Vec<Change>,
}

/// The longest number, in digits (ITU-T E.164, 6.2.1).
const MAX_DIGITS: usize = 15;

/// The new form of a number in an old one; `None` for any other number.
pub(super) fn renewed(number: u64) -> Option<u64> {
    let digits = Digits::of(number);
    let heads = digits.heads();
    let begins = |plan: &&Plan| plan.codes.iter().any(|code| heads.contains(code));
    let plan = PLANS.iter().find(begins)?;
    plan.changes
        .iter()
        .find_map(|(old, new)| digits.carried(old, new))
        .filter(|_| plan.still_listed || engine::line_type(number).is_none())
        .filter(|new| engine::line_type(*new).is_some())
}

/// The old forms of a number, for what was stored before its plan changed, or before this table knew it.
pub(super) fn former(number: u64) -> impl Iterator<Item = u64> {
    let digits = Digits::of(number);
    let changes = digits.get().get(..HEAD).and_then(|it| BY_NEW_FORM.get(it));
    changes
        .into_iter()
        .flatten()
        .filter_map(move |(old, new)| digits.carried(new, old))
        .filter(move |old| renewed(*old) == Some(number))
}

/// A number as its digits.
#[derive(Clone, Copy)]
struct Digits {
    digits: [u8; MAX_DIGITS],
    length: usize,
}

impl Digits {
    fn of(number: u64) -> Self {
        let mut digits = [b'0'; MAX_DIGITS];
        let length = number.checked_ilog10().map_or(1, |log| log as usize + 1);
        let mut rest = number;
        for digit in digits.iter_mut().take(length).rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        Self {
            digits,
            length: length.min(MAX_DIGITS),
        }
    }

    fn get(&self) -> &[u8] {
        self.digits.get(..self.length).unwrap_or(&self.digits)
    }

    /// The first digit, the first two, and the first three: a calling code is one of them.
    fn heads(&self) -> [u16; 3] {
        let mut digits = self.digits.iter().map(|digit| u16::from(digit - b'0'));
        let mut head = 0;
        [(); 3].map(|()| {
            head = head * 10 + digits.next().unwrap_or(0);
            head
        })
    }

    /// The number in the form `to`, if it has the form `from`.
    fn carried(&self, from: &str, to: &str) -> Option<u64> {
        let digits = self.get();
        let mut pairs = from.bytes().zip(digits);
        if from.len() != digits.len() || !pairs.all(|(form, digit)| form == b'#' || form == *digit)
        {
            return None;
        }
        let kept = from.bytes().zip(digits).filter(|(form, _)| *form == b'#');
        let mut kept = kept.map(|(_, digit)| *digit);
        to.bytes().try_fold(0_u64, |number, form| {
            let digit = if form == b'#' { kept.next()? } else { form };
            Some(number * 10 + u64::from(digit - b'0'))
        })
    }
}

static PLANS: LazyLock<Vec<Plan>> = LazyLock::new(|| {
    let mut plans: Vec<Plan> = Vec::new();
    for line in include_str!("plans.txt").lines() {
        if let Some(head) = line.strip_prefix("plan ") {
            plans.push(Plan {
                codes: head
                    .split(' ')
                    .filter_map(|it| it.parse::<u16>().ok())
                    .collect(),
                still_listed: head.ends_with(" listed"),
                changes: Vec::new(),
            });
        } else if let (Some(plan), false) = (plans.last_mut(), line.starts_with('#')) {
            plan.changes.extend(line.split_once(' '));
        }
    }
    plans
});

/// The number of digits that every form begins with.
const HEAD: usize = 2;

/// All changes, by the first digits of the new form: a number that is looked up has a former one only here.
static BY_NEW_FORM: LazyLock<HashMap<&[u8], Vec<Change>>> = LazyLock::new(|| {
    let mut changes: HashMap<&[u8], Vec<Change>> = HashMap::new();
    for (old, new) in PLANS.iter().flat_map(|plan| &plan.changes) {
        let head = new.as_bytes().get(..HEAD).unwrap_or_default();
        changes.entry(head).or_default().push((old, new));
    }
    changes
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A number of the form, with these digits in it.
    fn of_form(form: &str, digits: &[u8]) -> u64 {
        let mut digits = digits.iter().cycle();
        let number: String = form
            .bytes()
            .map(|byte| match byte {
                b'#' => char::from(b'0' + digits.next().unwrap() % 10),
                byte => char::from(byte),
            })
            .collect();
        number.parse().unwrap()
    }

    fn changes() -> impl Strategy<Value = Change> {
        let all: Vec<Change> = PLANS
            .iter()
            .flat_map(|plan| &plan.changes)
            .copied()
            .collect();
        prop::sample::select(all)
    }

    #[test]
    fn every_change_keeps_its_digits_and_begins_with_a_code_of_its_plan() {
        for plan in PLANS.iter() {
            for (old, new) in &plan.changes {
                let kept = |form: &str| form.bytes().filter(|byte| *byte == b'#').count();
                assert_eq!(kept(old), kept(new), "{old}");
                assert!(old.len() <= MAX_DIGITS && new.len() <= MAX_DIGITS, "{old}");
                let codes: Vec<_> = plan.codes.iter().map(u16::to_string).collect();
                assert!(codes.iter().any(|code| old.starts_with(code)), "{old}");
                let head = new.as_bytes().get(..HEAD).unwrap();
                assert!(head.iter().all(u8::is_ascii_digit), "{new}");
            }
        }
    }

    #[test]
    fn every_change_leads_to_numbers_that_are_in_use() {
        for (old, new) in PLANS.iter().flat_map(|plan| &plan.changes) {
            let mut digits = (0..20_000_u32).map(|n| {
                let n = n.wrapping_mul(2_654_435_761);
                std::array::from_fn::<u8, 10, _>(|at| ((n >> (at * 3)) & 15) as u8)
            });
            assert!(
                digits.any(|digits| renewed(of_form(old, &digits)) == Some(of_form(new, &digits))),
                "{old} {new}"
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_new_form_is_valid_and_is_not_renewed_again((old, _) in changes(), digits in prop::collection::vec(0_u8..10, 10)) {
            let old = of_form(old, &digits);
            if let Some(new) = renewed(old) {
                prop_assert!(engine::line_type(new).is_some());
                prop_assert_eq!(renewed(new), None, "{} {}", old, new);
                prop_assert!(former(new).any(|known| known == old), "{} {}", old, new);
            }
        }

        #[test]
        fn a_valid_number_of_the_present_is_renewed_only_where_the_engine_still_lists_old_ones(number in 10_000_000_u64..999_999_999_999) {
            if engine::line_type(number).is_some() && renewed(number).is_some() {
                let listed = ["54", "241", "377", "381", "386"];
                prop_assert!(listed.iter().any(|head| number.to_string().starts_with(head)), "{}", number);
            }
        }
    }
}

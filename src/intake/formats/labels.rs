//! Labels beside phone numbers, in address books and what they export.

use crate::domain::fold;
use crate::domain::phone::{LineType, PhoneNumber, Region, is_not_theirs};
use crate::intake::consent;
use crate::intake::words::{MACHINE_LABEL, MOBILE_LABEL};

/// What a label says of a number; in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Line {
    Mobile,
    Other,
    /// Another person's, or an old one.
    NotTheirs,
    /// A fax, a pager, a modem: no person reads what is sent there.
    Machine,
}

/// How the numbers of an address book are read.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::intake) struct ReadNumbers {
    /// The country of numbers without a country code.
    pub(in crate::intake) region: Option<Region>,
    /// They are to be suppressed, whatever their labels say.
    pub(in crate::intake) to_suppress: bool,
}

impl From<Option<Region>> for ReadNumbers {
    fn from(region: Option<Region>) -> Self {
        Self {
            region,
            to_suppress: false,
        }
    }
}

/// A number, and what its labels say of it.
#[derive(Debug)]
pub(super) struct Labelled {
    line: Line,
    number: String,
    /// The label by which no message goes to it.
    against: Option<String>,
}

impl Labelled {
    /// By all of its labels together.
    pub(super) fn of<'a>(labels: impl Iterator<Item = &'a str>, number: String) -> Self {
        let labels: Vec<&str> = labels.collect();
        let lines = [Line::Machine, Line::NotTheirs, Line::Mobile];
        let find = |is: &dyn Fn(&str) -> bool| labels.iter().copied().find(|label| is(label));
        let says = |line| find(&|label: &str| of_label(label) == line);
        let line = lines.into_iter().find(|line| says(*line).is_some());
        let refuses = || find(&consent::is_refusal_beside_number);
        Self {
            line: line.unwrap_or(Line::Other),
            against: says(Line::NotTheirs).or_else(refuses).map(in_letters),
            number,
        }
    }

    /// The number with such a label behind it, as if that were typed there: the cell is judged by these words.
    fn cell(self, how: ReadNumbers) -> String {
        let is_heard = !how.to_suppress || self.line != Line::NotTheirs;
        match self.against.filter(|_| is_heard) {
            Some(label) => format!("{} ({label})", self.number),
            None => self.number,
        }
    }
}

/// A label without the signs that part numbers; `_$!<Assistant>!$_` is how Apple writes its own.
fn in_letters(label: &str) -> String {
    let words = label.split(|c: char| !c.is_alphabetic());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        label.trim().to_owned()
    } else {
        words.join(" ")
    }
}

/// What the label says.
fn of_label(label: &str) -> Line {
    let folded = fold::header(label);
    // `HomeFAX`, `_$!<WorkFAX>!$_`, `faxphone`.
    if MACHINE_LABEL.is_in(&folded) {
        Line::Machine
    } else if is_not_theirs(label) {
        Line::NotTheirs
    } else if MOBILE_LABEL.is_in(&folded) {
        Line::Mobile
    } else {
        Line::Other
    }
}

/// The numbers in one cell: mobiles first, machines never, and another person's or an old one only if there is no other. A
/// number that its label does not call a mobile may be one by its digits.
pub(super) fn in_order(mut lines: Vec<Labelled>, how: ReadNumbers) -> String {
    lines.retain(|it| it.line != Line::Machine && !it.number.is_empty());
    if !how.to_suppress && lines.iter().any(|it| it.line != Line::NotTheirs) {
        lines.retain(|it| it.line != Line::NotTheirs);
    }
    if lines.len() > 1 {
        let is_mobile = |number: &str| {
            let parsed = PhoneNumber::parse(number, how.region);
            parsed.is_ok_and(|parsed| parsed.line_type == LineType::Mobile)
        };
        // The sort is stable: among equals the order of the file counts.
        lines.sort_by_cached_key(|it| (it.line, !is_mobile(&it.number)));
    }
    let numbers: Vec<String> = lines.into_iter().map(|it| it.cell(how)).collect();
    numbers.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_tell_mobiles_and_machines() {
        for (label, line) in [
            ("CELL", Line::Mobile),
            ("Mobilní", Line::Mobile),
            ("_$!<Mobile>!$_", Line::Mobile),
            ("Home", Line::Other),
            ("", Line::Other),
            ("Home Fax", Line::Machine),
            ("_$!<WorkFAX>!$_", Line::Machine),
            ("pager", Line::Machine),
            ("Wife", Line::NotTheirs),
            ("_$!<Assistant>!$_", Line::NotTheirs),
            ("Old mobile", Line::NotTheirs),
        ] {
            assert_eq!(of_label(label), line, "{label}");
        }
    }

    #[test]
    fn a_number_of_another_person_or_one_that_must_not_be_messaged_keeps_its_label() {
        let cell = |lines: &[(&str, &str)], to_suppress| {
            let lines = lines.iter();
            let lines = lines
                .map(|(label, number)| Labelled::of(std::iter::once(*label), (*number).to_owned()));
            let region = "CZ".parse().ok();
            in_order(
                lines.collect(),
                ReadNumbers {
                    region,
                    to_suppress,
                },
            )
        };
        let two = [("_$!<Assistant>!$_", "602333001"), ("Home", "241333002")];
        assert_eq!(cell(&two, false), "241333002");
        assert_eq!(cell(&two, true), "241333002, 602333001", "to suppress them");
        assert_eq!(cell(&two[..1], false), "602333001 (Assistant)");
        let refused = [("Home", "241333002"), ("nevolat", "602333001")];
        assert_eq!(cell(&refused, false), "602333001 (nevolat), 241333002");
        assert_eq!(cell(&[("Wife", "")], false), "");
        for label in [
            "",
            "Home",
            "Práce",
            "Jiný",
            "Other",
            "VOICE",
            "PREF",
            "Main",
            "Text",
            "Sonstige",
            "Autre",
            "Otro",
            "Altro",
            "Inny",
            "Diğer",
            "Інше",
            "Other number",
            "iPhone",
            "School",
            "_$!<HomePage>!$_",
            "0",
            "x",
        ] {
            assert_eq!(cell(&[(label, "602333001")], false), "602333001", "{label}");
        }
    }
}

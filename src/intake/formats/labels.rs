//! Labels beside phone numbers, in address books and what they export.

use crate::domain::fold;
use crate::domain::phone::{LineType, PhoneNumber, Region};
use crate::intake::words::{MACHINE_LABEL, MOBILE_LABEL};

/// What a label says of a number; in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Line {
    Mobile,
    Other,
    /// A fax, a pager, a modem: no person reads what is sent there.
    Machine,
}

/// What the label says.
pub(super) fn of_label(label: &str) -> Line {
    let folded = fold::header(label);
    // `HomeFAX`, `_$!<WorkFAX>!$_`, `faxphone`.
    if MACHINE_LABEL.is_in(&folded) {
        Line::Machine
    } else if MOBILE_LABEL.is_in(&folded) {
        Line::Mobile
    } else {
        Line::Other
    }
}

/// The numbers in one cell: mobiles first, machines never. A number that its label does not call a mobile may be
/// one by its digits.
pub(super) fn in_order(mut lines: Vec<(Line, String)>, region: Option<Region>) -> String {
    lines.retain(|(line, number)| *line != Line::Machine && !number.is_empty());
    if lines.len() > 1 {
        let is_mobile = |number: &str| {
            let parsed = PhoneNumber::parse(number, region);
            parsed.is_ok_and(|parsed| parsed.line_type == LineType::Mobile)
        };
        // The sort is stable: among equals the order of the file counts.
        lines.sort_by_cached_key(|(line, number)| (*line, !is_mobile(number)));
    }
    let numbers: Vec<String> = lines.into_iter().map(|(_, number)| number).collect();
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
        ] {
            assert_eq!(of_label(label), line, "{label}");
        }
    }
}

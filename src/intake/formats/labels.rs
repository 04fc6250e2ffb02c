//! Labels beside phone numbers, in address books and what they export.

use crate::domain::fold;
use crate::domain::phone::{LineType, PhoneNumber, Region};

/// What a label says of a number; in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Line {
    Mobile,
    Other,
    /// A fax, a pager, a modem: no person reads what is sent there.
    Machine,
}

/// Words of labels, folded as headers are.
const MOBILE: &[&str] = &[
    "cell",
    "cellular",
    "mobile",
    "mobil",
    "mobilni",
    "handy",
    "iphone",
    "movil",
    "celular",
    "cellulare",
    "portable",
    "komorka",
    "komorkowy",
    "telemovel",
    "gsm",
    "whatsapp",
    "viber",
    "sms",
    "мобильный",
    "мобільний",
    "携帯",
    "手机",
    "휴대폰",
    "κινητο",
    "cep",
    "matkapuhelin",
    "mobiili",
    "mobiltelefon",
];
const MACHINE: &[&str] = &[
    "fax", "faks", "telefax", "pager", "modem", "bbs", "isdn", "bip", "факс", "pcs fax",
];

/// What the label says.
pub(super) fn of_label(label: &str) -> Line {
    let folded = fold::header(label);
    let has = |words: &[&str]| folded.split(' ').any(|word| words.contains(&word));
    // `HomeFAX`, `_$!<WorkFAX>!$_`, `faxphone`.
    let machine = has(MACHINE) || ["fax", "pager"].iter().any(|word| folded.contains(word));
    if machine {
        Line::Machine
    } else if has(MOBILE) {
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

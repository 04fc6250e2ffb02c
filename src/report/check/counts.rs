//! The counts of a list in words.

use crate::domain::sms::{SmsTally, advice as advice_about};
use crate::intake::Summary;
use crate::report::words::{counted, counted_are, grouped};

/// The counts of the verdicts with their meaning.
pub(super) fn counts(summary: &Summary) -> Vec<(String, &'static str)> {
    let always = [
        (summary.queued, "would be sent"),
        (summary.invalid, "cannot be sent as they stand"),
        (summary.duplicate, "repeat an earlier number"),
    ];
    let optional = [
        (summary.suppressed, "must not be sent"),
        (summary.mended, "of those to be sent were mended"),
        (
            summary.overrides_region,
            "of those to be sent are read by the country in the list, not by --region",
        ),
        (
            summary.silent_on_consent,
            "of those to be sent have nothing in the column of consent",
        ),
        (
            summary.doubtful_remarks,
            "of those to be sent have a remark that may forbid it: see below",
        ),
        (
            summary.shared_numbers,
            "of the repeats name another person than the first row",
        ),
        (summary.blank_rows, "blank rows, ignored"),
        (
            summary.note_rows,
            "notes or totals below the last contact, ignored",
        ),
    ];
    let optional = optional.into_iter().filter(|(count, _)| *count > 0);
    let counts = always.into_iter().chain(optional);
    counts
        .map(|(count, meaning)| (grouped(count), meaning))
        .collect()
}

/// Characters that are named.
const CHARACTERS: usize = 8;

/// What the messages take as SMS, and which characters make it more.
pub(crate) fn sms_lines(sms: &SmsTally) -> Vec<String> {
    let mut lines = Vec::new();
    if sms.messages > 0 {
        let each = match (sms.least, sms.most) {
            (least, most) if least == most => format!("{least} each"),
            (least, most) => format!("{least} to {most} each"),
        };
        lines.push(format!(
            "{} for {}, {each}",
            counted(sms.segments, "segment"),
            counted(sms.messages, "message")
        ));
    }
    if sms.ucs2 > 0 {
        lines.push(format!(
            "{} in UCS-2, of which a segment holds 70 characters in place of 160",
            counted_are(sms.ucs2, "message")
        ));
    }
    let costly = sms.costly();
    if !costly.is_empty() {
        let named = costly.iter().take(CHARACTERS);
        let named: Vec<String> = named
            .map(|(letter, count)| format!("{} in {}", advice_about(*letter), grouped(*count)))
            .collect();
        let more = match costly.len().saturating_sub(CHARACTERS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        lines.push(format!(
            "The characters behind that: {}{more}",
            named.join(", ")
        ));
    }
    if sms.plain_segments < sms.segments {
        lines.push(format!(
            "Written so, all take {}",
            counted(sms.plain_segments, "segment")
        ));
    }
    if sms.no_texts > 0 {
        lines.push(format!(
            "{} no text and not counted: an SMS is a text",
            counted_are(sms.no_texts, "message")
        ));
    }
    lines
}

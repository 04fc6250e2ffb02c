//! Which character separates the fields.

use super::rows::{Block, RowFault, RowReader};
use super::settings::Delimiter;

const ROWS: usize = 100;

/// Titles above the header, which have no delimiter, are at most so many.
const TITLES: usize = 20;

/// A field with so many digits may be a phone number: its row is no header.
const NUMBER: usize = 7;

/// The delimiter that cuts the most rows into as many fields as the header has, and into more than one. The header
/// is the first row, or the first one below titles that is cut at all.
pub(super) fn detect(sample: &str, complete: bool) -> Delimiter {
    let mut best = (Delimiter::Comma, (0_usize, 0_usize));
    for delimiter in Delimiter::ALL {
        let mut block = Block::default();
        let mut rows = RowReader::new(sample.as_bytes(), delimiter.byte());
        let mut too_wide = false;
        while block.rows.len() < ROWS {
            match rows.read(&mut block) {
                Ok(true) => {}
                Err(RowFault::Wide { .. }) => {
                    too_wide = block.rows.is_empty();
                    break;
                }
                Ok(false) | Err(_) => break,
            }
        }
        // Nothing but this delimiter cuts a row into so many.
        if too_wide {
            return delimiter;
        }
        let mut widths: Vec<usize> = block
            .iter()
            .filter(|(_, fields)| !fields.is_blank())
            .map(|(_, fields)| fields.len())
            .collect();
        // The sample may end within its last row.
        if !complete && widths.len() < ROWS && widths.len() > 1 {
            widths.pop();
        }
        let Some(width) = header_width(&block, &widths) else {
            continue;
        };
        let even = widths.iter().filter(|other| **other == width).count();
        let share = even * 1000 / widths.len().max(1);
        // Of two that cut evenly, the one with more columns: a comma within names cuts evenly by chance.
        if (share, width) > best.1 {
            best = (delimiter, (share, width));
        }
    }
    best.0
}

/// The number of fields of the header, if it is cut.
fn header_width(block: &Block, widths: &[usize]) -> Option<usize> {
    let place = widths.iter().take(TITLES).position(|width| *width > 1)?;
    let (_, fields) = block
        .iter()
        .filter(|(_, fields)| !fields.is_blank())
        .nth(place)?;
    let digits = |field: &[u8]| field.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_data = place > 0 && fields.iter().any(|field| digits(field) >= NUMBER);
    (!is_data).then(|| fields.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_cuts_evenly() {
        for (text, expected) in [
            ("name,phone\nJan,1\n", Delimiter::Comma),
            ("name;phone\nJan, Jr.;1\nEva, Sr.;2\n", Delimiter::Semicolon),
            ("name\tphone\nJan;x\t1\n", Delimiter::Tab),
            ("name|phone\nJan|1\n", Delimiter::Pipe),
            ("\"a;b\",phone\n\"x;y\",1\n", Delimiter::Comma),
            ("phone\n777123456\n", Delimiter::Comma),
            (
                "Contacts, March\n\nname;phone\nJan;1\nEva;2\n",
                Delimiter::Semicolon,
            ),
            ("Contacts\nMarch\nname;phone\nJan;1\n", Delimiter::Semicolon),
            ("phone\n777123456;777123457\n", Delimiter::Comma),
            ("", Delimiter::Comma),
        ] {
            assert_eq!(detect(text, true), expected, "{text:?}");
        }
    }
}

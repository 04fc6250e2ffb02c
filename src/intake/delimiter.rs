//! Which character separates the fields.

use super::rows::{Block, RowFault, RowReader};
use super::settings::Delimiter;

const ROWS: usize = 100;

/// The delimiter that cuts the most rows into as many fields as the first row has, and into more than one.
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
        let Some(width) = widths.first().copied().filter(|width| *width > 1) else {
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
            ("", Delimiter::Comma),
        ] {
            assert_eq!(detect(text, true), expected, "{text:?}");
        }
    }
}

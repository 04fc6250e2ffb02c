//! Rows that a quote swallowed: it is opened by mistake in one row and closed in a later one, so that the rows
//! between are one cell, or parts of one.
//!
//! The record is laid out again as the lines that it has in the file. A cell with line breaks that is a note or an
//! address leaves one line with a number in the phone column, and others that are no rows: they have no delimiters, or
//! such as prose has, with a space after each. A row may leave out the cells at its end.

use super::rows::Fields;

/// Fewer digits are no phone number.
const NUMBER: usize = 7;

/// Short rows are cut evenly by commas of prose too: from this width on an even cut shows rows.
const WIDE_BY_COMMAS: usize = 4;

/// How the rows of a text lie.
pub(super) struct RowShape {
    /// Fields of the header.
    pub(super) width: usize,
    pub(super) delimiter: u8,
    /// Where its numbers stand.
    pub(super) phones: Vec<usize>,
}

/// A line of a record, cut into its cells.
#[derive(Default)]
struct Line<'a> {
    cells: Vec<&'a [u8]>,
    /// How many of them stand after a line break, in one field.
    within: usize,
}

impl Line<'_> {
    /// True if it stands after a line break, and a space after each delimiter there.
    fn is_prose(&self) -> bool {
        let behind = self.cells.get(1..self.within).unwrap_or(&[]);
        !behind.is_empty() && behind.iter().all(|cell| cell.starts_with(b" "))
    }
}

/// True if the fields are written with a space after the delimiter.
fn are_spaced(fields: &Fields<'_>) -> bool {
    let mut behind = fields.iter().skip(1).filter(|field| !field.is_empty());
    behind.any(|field| field.starts_with(b" "))
}

impl RowShape {
    /// True if a field with line breaks holds one or more of the rows that follow, or the end of its own.
    pub(super) fn has_swallowed(&self, fields: &Fields<'_>) -> bool {
        if self.width < 2 || !fields.iter().any(has_break) {
            return false;
        }
        let lines = self.lines(fields);
        let is_spaced = are_spaced(fields);
        // `call him, or her`: the end of a field that has such commas is no row, whatever stands after it.
        let rows = lines.iter().enumerate();
        let mut rows = rows.filter(|(_, line)| is_spaced || !line.is_prose());
        let with_number = rows.clone().filter(|(at, line)| self.is_row(*at, line));
        let inside = |(_, line): (usize, &Line<'_>)| {
            let is_wide = line.within >= self.width;
            is_wide && self.has_number(line, is_number) || self.is_short_row(line)
        };
        with_number.count() > 1 || rows.any(inside) || self.are_even(&lines, fields)
    }

    /// True if a line within a field is a row without its last cells: a number where rows have theirs, and something
    /// beside it.
    fn is_short_row(&self, line: &Line<'_>) -> bool {
        let cells = line.cells.get(..line.within).unwrap_or(&[]);
        let own = |phone: &usize| cells.get(*phone).is_some_and(|cell| is_number(cell));
        let filled = cells.iter().filter(|cell| !cell.is_empty());
        filled.count() > 1 && self.phones.iter().any(own)
    }

    /// The lines that the record has in the file. Delimiters count in fields with line breaks only: another field
    /// with one was quoted as it should be.
    fn lines<'a>(&self, fields: &Fields<'a>) -> Vec<Line<'a>> {
        let (mut lines, mut line) = (Vec::new(), Line::default());
        for field in fields.iter() {
            if !has_break(field) {
                line.cells.push(field);
                continue;
            }
            for (at, piece) in field.split(|byte| is_break(*byte)).enumerate() {
                let cells: Vec<_> = piece.split(|byte| *byte == self.delimiter).collect();
                if at == 0 {
                    line.cells.extend(cells);
                } else {
                    let within = cells.len();
                    lines.push(std::mem::replace(&mut line, Line { cells, within }));
                }
            }
        }
        lines.push(line);
        lines
    }

    /// True if the line has the cells of a row, and a number where rows have theirs.
    fn is_row(&self, at: usize, line: &Line<'_>) -> bool {
        let surplus = line.cells.len().checked_sub(self.width);
        // A delimiter too many stands after the quote that opens in the first line.
        let from_end = surplus.filter(|_| at == 0).unwrap_or(0);
        let at_end = |phone: &usize| {
            line.cells
                .get(phone + from_end)
                .is_some_and(|cell| is_like_number(cell))
        };
        surplus.is_some()
            && (self.has_number(line, is_like_number) || self.phones.iter().any(at_end))
    }

    fn has_number(&self, line: &Line<'_>, is_number: fn(&[u8]) -> bool) -> bool {
        let cells = self
            .phones
            .iter()
            .filter_map(|phone| line.cells.get(*phone));
        cells.copied().any(is_number)
    }

    /// True if each line has exactly the cells of a row, and prose would not have them by chance.
    fn are_even(&self, lines: &[Line<'_>], fields: &Fields<'_>) -> bool {
        let is_cut =
            |line: &&Line<'_>| line.cells.len() > 1 || line.cells.iter().any(|it| !it.is_empty());
        let mut filled = lines.iter().filter(is_cut);
        let has_rows = filled.clone().count() > 1;
        let in_prose =
            |field: &[u8]| has_break(field) && field.windows(2).any(|pair| pair == b", ");
        let is_telling = if self.delimiter == b',' {
            self.width >= WIDE_BY_COMMAS && !fields.iter().any(in_prose)
        } else {
            self.width > 2
        };
        is_telling && has_rows && filled.all(|line| line.cells.len() == self.width)
    }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn has_break(field: &[u8]) -> bool {
    field.contains(&b'\n') || field.contains(&b'\r')
}

/// Digits enough and no letter.
pub(super) fn is_number(cell: &[u8]) -> bool {
    digits(cell) >= NUMBER && !cell.iter().any(u8::is_ascii_alphabetic)
}

/// Digits enough, and a word beside them at most: `+420777123456 (mobile)`.
fn is_like_number(cell: &[u8]) -> bool {
    let letters = cell.iter().filter(|byte| byte.is_ascii_alphabetic());
    digits(cell) >= NUMBER && letters.count() * 2 <= digits(cell)
}

fn digits(cell: &[u8]) -> usize {
    cell.iter().filter(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use crate::intake::rows::{Block, RowReader};

    use super::*;

    /// For each row of the text after its header whether it has swallowed others.
    fn swallowed(text: &str, delimiter: u8) -> Vec<bool> {
        let mut reader = RowReader::new(text.as_bytes(), delimiter);
        let mut block = Block::default();
        while reader.read(&mut block).unwrap() {}
        let (_, header) = block.iter().next().unwrap();
        let phone = header.iter().position(|name| name == b"Phone").unwrap();
        let shape = RowShape {
            width: header.len(),
            delimiter,
            phones: vec![phone],
        };
        let rows = block.iter().skip(1);
        rows.map(|(_, fields)| shape.has_swallowed(&fields))
            .collect()
    }

    const ROWS: [[&str; 4]; 4] = [
        ["Ana", "+420777100001", "Brno", "a"],
        ["Bob", "+420777100002", "Praha", "b"],
        ["Cyril", "+420777100003", "Plzeň", "c"],
        ["Dan", "+420777100004", "Opava", "d"],
    ];

    #[test]
    fn a_quote_that_swallows_one_row_or_more_is_seen_wherever_it_opens_and_closes() {
        for delimiter in [",", ";", "\t", "|"] {
            for (ends, line_end) in [(1, "\n"), (1, "\r\n"), (2, "\n")] {
                for (phone, opens, closes) in
                    (0..4).flat_map(|p| (0..4).flat_map(move |o| (0..4).map(move |c| (p, o, c))))
                {
                    let mut rows: Vec<Vec<String>> = ROWS
                        .iter()
                        .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
                        .collect();
                    rows.insert(
                        0,
                        ["Name", "Phone", "City", "Note"]
                            .map(str::to_owned)
                            .to_vec(),
                    );
                    for row in &mut rows {
                        row.swap(1, phone);
                    }
                    rows[2][opens].insert(0, '"');
                    rows[2 + ends][closes].push('"');
                    let lines: Vec<String> = rows.iter().map(|row| row.join(delimiter)).collect();
                    let text = lines.join(line_end);
                    let found = swallowed(&text, delimiter.as_bytes()[0]);
                    let told = found.iter().filter(|it| **it).count();
                    // Where the quote closes in a later column, the row has a field more: it is uneven.
                    assert!(told == 1 && found[1], "{text}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn a_quote_that_is_closed_by_the_next_quoted_cell_is_seen() {
        for text in [
            "Phone,Name,City\n+420777100001,\"Bob,Brno\n+420777100002,\"Cyril\",Praha\n",
            "Phone,Name,City\n\"+420777100001\",\"Bob\",\"Brno\n\"+420777100002\",\"Cyril\",\"Praha\"\n",
            "Phone,Name,City\n+420777100001,\"Bob, Jr.,Brno\n+420777100002,Cyril\",Praha\n",
            "Name,City,Phone\n\"Bob, Jr.,Brno,+420777100001\nCyril\",Praha,+420777100002\n",
            "Phone,Name\n+420777100001,\"Bob\n+420777100002,Cyril\"\n",
            "Name,Phone\nBob,\"+420777100001\nCyril,+420777100002\"\n",
            "Phone,Name,City\n+420777100001 (mobile),\"Bob,Brno\n+420777100002 (mobile),Cyril\",Praha\n",
            "Name,Phone,City\nBob,,\"Brno\nCyril,+420777100002,Praha\"\n",
        ] {
            assert!(swallowed(text, b',')[0], "{text}");
        }
    }

    #[test]
    fn a_row_without_a_number_is_seen_where_prose_is_not_cut_so() {
        for (text, delimiter) in [
            (
                "Phone;Name;City\n+420777100001;\"Bob;Brno\nn/a;Cyril\";Praha\n",
                b';',
            ),
            (
                "Phone\tName\tCity\n+420777100001\t\"Bob\tBrno\n\tCyril\"\tPraha\n",
                b'\t',
            ),
            (
                "Phone,Name,City,Note\n+420777100001,\"Bob,Brno,x\n,Cyril\",Praha,y\n",
                b',',
            ),
        ] {
            assert!(swallowed(text, delimiter)[0], "{text}");
        }
    }

    #[test]
    fn addresses_and_notes_of_several_lines_are_no_swallowed_rows() {
        for (text, delimiter) in [
            (
                "Phone,Address,City\n+420777100001,\"Dlouhá 5\nBrno, 602 00\nCzechia\",Brno\n",
                b',',
            ),
            (
                "Phone,Address,City\n+420777100001,\"Dlouhá 5, Brno\nCzechia, EU\",Brno\n",
                b',',
            ),
            (
                "Address,City,Phone\n\"Dlouhá 5, Brno, 602 00\nCzechia\",Brno,+420777100001\n",
                b',',
            ),
            (
                "Name,Phone,Note\nBob,+420777100001,\"Call after 5.\nOr 777 100 002, his wife.\"\n",
                b',',
            ),
            (
                "Phone,Note,City\n+420777100001,\"call him,\nor her, +420 777 111 222, soon\",Brno\n",
                b',',
            ),
            (
                "Phone,Note\n+420777100001,\"line 1\nline 2\n\nline 4\"\n",
                b',',
            ),
            ("Phone;Note;City\n+420777100001;\"a, b\nc; d\";Brno\n", b';'),
            (
                "Phone,Name,Note\n+420777100001,\"Bob\",\"777 100 002\n777 100 003\"\n",
                b',',
            ),
            (
                "Phone,Street,Address,Note,City\n+420777100001,x,\"Bob, Dlouhá 5,\r\nBrno, 602 00\",z,Brno\n",
                b',',
            ),
            ("Phone\n\"+420777100001\n+420777100002\"\n", b','),
            ("Name,Phone\nBob,\"+420777100001\n+420777100002\"\n", b','),
            (
                "Name,Phone,City\n\"Novák, Jan\",\"+420777100001\r\n+420777100002\",\"Brno\nPraha\"\n",
                b',',
            ),
        ] {
            assert_eq!(swallowed(text, delimiter), [false], "{text}");
        }
    }

    /// Quoted cells that hold rows: whole ones, ones that end early, the end of their own.
    const SWALLOWED: [&str; 18] = [
        "Name,Phone,City,Note\nAna,+420777100001,\"Brno\nBob,+420777100002\nCyril,+420777100003\",x",
        "Name,Phone,City,Note\nAna,+420777100001,\"Brno\nBob,+420777100002\",x",
        "Name,Phone,City,Note\nAna,+420777100001,\"Brno\nBob,+420777100002,Praha\nCyril\",+420777100003",
        "Name,Phone,City,Note\n\"Ana,+420777100001\nBob,+420777100002\",Praha",
        "Phone,Name,City,Note\n+420777100001,\"Ana\n+420777100002,Bob\",Brno,x",
        "Phone,Name,City,Note\n+420777100001,\"Ana\n+420777100002,Bob\n+420777100003\",Brno,x",
        "Phone;Name;City;Note\n+420777100001;\"Ana\n+420777100002;Bob\";Brno;x",
        "Phone\tName\tCity\n+420777100001\t\"Ana\n+420777100002\tBob\"\tBrno",
        "Name|Phone|City\n\"Ana|777100001\nBob|777100002\"|Brno",
        "Phone,Name\n+420777100001,\"Ana\n+420777100002,Bob\"",
        "Phone,Note\n+420777100001,\"call\n+420777100002,later\n+420777100003,\"",
        "Name,Phone,City\nAna,+420777100001,\"Brno\n\n\nBob,+420777100002\"",
        "Name,Phone,City\r\nAna,+420777100001,\"Brno\r\nBob,+420777100002,Praha\"",
        "Name,Phone,City\nAna,(+420) 777 100 001,\"Brno\nBob,(+420) 777 100 002\"",
        "Name,Phone,City\nAna, +420777100001,\"Brno\nBob, +420777100002\"",
        "Name,City,Phone\n\"Ana,Brno,+420777100001\nBob,Praha,+420777100002\"",
        "Name,Phone,City\n\"Ana, Jr.,+420777100001,Brno\nBob,+420777100002,Praha\"",
        "Name,Phone,City\nAna,+420777100001,\"Brno, CZ\nBob,+420777100002,Praha\"",
    ];

    /// Notes and addresses of several lines.
    const NOTES: [&str; 18] = [
        "Phone,Note\n+420777100001,\"Call history:\n+420777100002\n+420777100003\"",
        "Phone,Note\n+420777100001,\"Call history:\n+420 777 100 002, answered\n+420 777 100 003, no answer\"",
        "Phone,Name,Note\n+420777100001,Ana,\"Call history:\n+420777100002, Bob, answered\n+420777100003, Cyril, busy\"",
        "Name,Phone,Note\nAna,+420777100001,\"1.5., +420 777 100 002, busy\n2.5., +420 777 100 003, no answer\"",
        "Phone,Note,City\n+420777100001,\"Call history:\n+420777100002\n+420777100003\",Brno",
        "Note,Phone\n\"Call history:\n+420777100002\n+420777100003\",+420777100001",
        "Note,Phone,City\n\"Call history: +420777100002,\n+420777100003\",+420777100001,Brno",
        "Phone;Note;City\n+420777100001;\"Hovory:\n+420777100002; nebere\n+420777100003; volat\";Brno",
        "Phone;Note\n+420777100001;\"a; b\n+420777100002; c\"",
        "Phone\tNote\n+420777100001\t\"Call history:\n+420777100002\n+420777100003\"",
        "Phone,Note\r\n+420777100001,\"Calls:\r\n+420777100002\r\n+420777100003\"",
        "Name,Phone,Note\nAna,+420777100001,\"tel +420777100002\ntel +420777100003,\nor e-mail\"",
        "Name,Phone,Address\nAna,+420777100001,\"Dlouhá 5\n602 00,Brno\nCzechia\"",
        "Phone,Address\n+420777100001,\"Dlouhá 5\n60200,Brno\"",
        "Phone,Address\n+420777100001,\"Main St 5\nPortland, OR 97035\nUSA\"",
        "Phone,Note,City\n+420777100001,\"ordered 12,5 kg\n1,234,567 points\",Brno",
        "Phone,Other\n+420777100001,\"+420777100002\n+420777100003\"",
        "Phone,Note\n+420777100001,\"2026-01-05 10:00, called\n2026-01-06 11:00, called\"",
    ];

    #[test]
    fn rows_in_a_cell_are_told_from_its_lines_by_their_delimiters() {
        let delimiter = |text: &str| {
            *text
                .as_bytes()
                .iter()
                .find(|it| b",;\t|".contains(it))
                .unwrap()
        };
        for text in SWALLOWED {
            assert_eq!(swallowed(text, delimiter(text)), [true], "{text}");
        }
        for text in NOTES {
            assert_eq!(swallowed(text, delimiter(text)), [false], "{text}");
        }
    }
}

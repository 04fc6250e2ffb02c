//! Parts of two files in one: lines in UTF-8 among lines in a code page. Whichever is chosen, the letters of the others
//! are wrong.

use std::io::{self, Read};

use super::source::read_some;

/// A longer line is not looked at.
const LONGEST: usize = 1 << 20;

/// So many lines of a kind are named.
const NAMED: usize = 5;

/// The lines of a file with letters beyond ASCII, by what their bytes are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) utf8: Named,
    pub(super) others: Named,
}

/// The numbers of the first lines of a kind, and how many more there are.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Named {
    first: Vec<u64>,
    more: u64,
}

impl Named {
    fn add(&mut self, line: u64) {
        if self.first.len() < NAMED {
            self.first.push(line);
        } else {
            self.more += 1;
        }
    }

    fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.first.len() > 1 {
            "lines"
        } else {
            "line"
        };
        let first: Vec<String> = self.first.iter().map(u64::to_string).collect();
        write!(f, "{word} {}", first.join(", "))?;
        if self.more > 0 {
            write!(f, " and {} more", self.more)?;
        }
        Ok(())
    }
}

/// Looks at all lines of a text that is no UTF-8 as a whole; `None` if none of them is either.
pub(super) fn find(mut bytes: impl Read) -> io::Result<Option<Lines>> {
    let (mut lines, mut number, mut line) = (Lines::default(), 1, Vec::new());
    let mut after_cr = false;
    let mut chunk = vec![0_u8; 1 << 16];
    loop {
        let length = read_some(&mut bytes, &mut chunk)?;
        let piece = chunk.get(..length).unwrap_or(&[]);
        if piece.is_empty() {
            lines.take(number, &line);
            let are_both = !lines.utf8.is_empty() && !lines.others.is_empty();
            return Ok(are_both.then_some(lines));
        }
        for byte in piece {
            let is_end = matches!(byte, b'\n' | b'\r');
            if is_end && !(after_cr && *byte == b'\n') {
                lines.take(number, &line);
                line.clear();
                number += 1;
            } else if !is_end && line.len() <= LONGEST {
                line.push(*byte);
            }
            after_cr = *byte == b'\r';
        }
    }
}

impl Lines {
    fn take(&mut self, number: u64, line: &[u8]) {
        if line.is_ascii() || line.len() > LONGEST {
            return;
        }
        match std::str::from_utf8(line) {
            Ok(text) if is_plausible(text) => self.utf8.add(number),
            // A word of a code page that is UTF-8 by chance: `R\u{16e}\u{17d}EK`.
            Ok(_) => {}
            Err(_) => self.others.add(number),
        }
    }
}

/// True if the text beyond ASCII is of letters that lists have: by chance others come out.
fn is_plausible(text: &str) -> bool {
    text.chars().filter(|c| !c.is_ascii()).all(|c| {
        matches!(c,
            // Latin, with the letters of Vietnamese and Romanian.
            '\u{c0}'..='\u{17f}' | '\u{1a0}' | '\u{1a1}' | '\u{1af}' | '\u{1b0}' | '\u{218}'..='\u{21b}' | '\u{1ea0}'..='\u{1ef9}'
            // Greek and Cyrillic.
            | '\u{386}'..='\u{3ce}' | '\u{401}'..='\u{45f}'
            // Signs of texts, and East Asia.
            | '\u{2010}'..='\u{2044}' | '\u{20ac}' | '\u{3001}'..='\u{9fff}' | '\u{feff}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{Encoding, UTF_8, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253};

    fn text(lines: &[(&str, &'static Encoding)], end: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (line, encoding) in lines {
            bytes.extend_from_slice(&encoding.encode(line).0);
            bytes.extend_from_slice(end.as_bytes());
        }
        bytes
    }

    #[test]
    fn a_file_of_two_encodings_is_known_by_its_lines() {
        for (other, word) in [
            (WINDOWS_1250, "Žofie Plzeň"),
            (WINDOWS_1251, "Ирина"),
            (WINDOWS_1252, "Jürgen"),
            (WINDOWS_1253, "Νίκος"),
        ] {
            for end in ["\n", "\r\n", "\r"] {
                let lines = [
                    ("Phone,Name", UTF_8),
                    ("1,Áňa", UTF_8),
                    ("2,Bob", UTF_8),
                    (word, other),
                    ("3,Žďár", UTF_8),
                ];
                let found = find(&text(&lines, end)[..]).unwrap().unwrap();
                assert_eq!(
                    (found.utf8.to_string(), found.others.to_string()),
                    ("lines 2, 5".to_owned(), "line 4".to_owned()),
                    "{word} {end:?}"
                );
            }
        }
        let many = "1,Á\n".repeat(8) + "x\n";
        let bytes = [many.as_bytes(), b"1,\x8aimon"].concat();
        let found = find(&bytes[..]).unwrap().unwrap();
        assert_eq!(found.utf8.to_string(), "lines 1, 2, 3, 4, 5 and 3 more");
        assert_eq!(found.others.to_string(), "line 10");
    }

    #[test]
    fn a_file_of_one_encoding_is_not_mixed() {
        for encoding in [WINDOWS_1250, UTF_8] {
            let words = [
                "RŮŽEK",
                "LÍŽAL",
                "ÚŽLABINA",
                "ČŠ",
                "Šťastný",
                "Žižka",
                "ÁŠ",
                "Příbram",
                "KŘÍŽ",
                "Müller",
                "Đoković",
                "ŁÓDŹ",
            ];
            let lines = words.map(|word| (word, encoding));
            assert_eq!(find(&text(&lines, "\n")[..]).unwrap(), None);
        }
    }
}

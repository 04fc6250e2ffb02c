//! Parts of two files in one: lines in UTF-8 among lines in a code page. Whichever is chosen, the letters of the others
//! are wrong.

use std::io::{self, Read};

use super::source::read_some;

/// A longer line is not looked at.
const LONGEST: usize = 1 << 20;

/// How many lines of a kind are named.
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

/// Looks at all lines of a text that is no UTF-8 as a whole; `None` if none of them is either, or all are.
/// `is_single_byte`: what the others are in has one byte for each letter. Else more of their words are UTF-8 by chance.
pub(super) fn find(mut bytes: impl Read, is_single_byte: bool) -> io::Result<Option<Lines>> {
    let is_meant = if is_single_byte {
        is_plausible_beside_one_byte
    } else {
        is_plausible_beside_two_bytes
    };
    let (mut lines, mut number, mut line) = (Lines::default(), 1, Vec::new());
    let mut after_cr = false;
    let mut chunk = vec![0_u8; 1 << 16];
    loop {
        let length = read_some(&mut bytes, &mut chunk)?;
        let piece = chunk.get(..length).unwrap_or(&[]);
        if piece.is_empty() {
            lines.take(number, &line, is_meant);
            let are_both = !lines.utf8.is_empty() && !lines.others.is_empty();
            return Ok(are_both.then_some(lines));
        }
        for byte in piece {
            let is_end = matches!(byte, b'\n' | b'\r');
            if is_end && !(after_cr && *byte == b'\n') {
                lines.take(number, &line, is_meant);
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
    fn take(&mut self, number: u64, line: &[u8], is_meant: fn(&str) -> bool) {
        if line.is_ascii() || line.len() > LONGEST {
            return;
        }
        match std::str::from_utf8(line) {
            Ok(text) if is_meant(text) => self.utf8.add(number),
            // A word of a code page that is UTF-8 by chance: `R\u{16e}\u{17d}EK`.
            Ok(_) => {}
            Err(_) => self.others.add(number),
        }
    }
}

/// A script of letters that lists have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Hebrew,
    Arabic,
    /// East Asia, Thai, signs of texts and pictures: UTF-8 has three bytes or more for each.
    ThreeBytes,
}

impl Script {
    /// That of a letter beyond ASCII. By chance others come out.
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            '\u{c0}'..='\u{17f}'
            | '\u{1a0}'
            | '\u{1a1}'
            | '\u{1af}'
            | '\u{1b0}'
            | '\u{218}'..='\u{21b}'
            | '\u{1ea0}'..='\u{1ef9}' => Self::Latin,
            // Accents that stand after their letters, as a Macintosh writes them; the ring is also `\u{11a}\u{160}` of a code page.
            '\u{300}'..='\u{303}' | '\u{308}' | '\u{30b}' | '\u{30c}' | '\u{327}' | '\u{328}' => {
                Self::Latin
            }
            '\u{386}'..='\u{3ce}' => Self::Greek,
            '\u{401}'..='\u{45f}' => Self::Cyrillic,
            '\u{5d0}'..='\u{5ea}' => Self::Hebrew,
            '\u{621}'..='\u{64a}' | '\u{67e}'..='\u{6cc}' => Self::Arabic,
            '\u{e01}'..='\u{e4e}'
            | '\u{2010}'..='\u{2044}'
            | '\u{20ac}'
            | '\u{2600}'..='\u{27bf}'
            | '\u{3001}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{feff}'
            | '\u{ff01}'..='\u{ffe6}'
            | '\u{1f000}'..='\u{1faff}' => Self::ThreeBytes,
            _ => return None,
        })
    }
}

/// The scripts of the letters beyond ASCII; `None` if one of them is of none.
fn scripts(text: &str) -> Option<Vec<Script>> {
    let beyond = text.chars().filter(|letter| !letter.is_ascii());
    beyond.map(Script::of).collect()
}

/// Whether so many letters are of the script, and all others are signs or the like.
fn is_text_of(scripts: &[Script], script: Script, least: usize) -> bool {
    let of_it = scripts.iter().filter(|it| **it == script).count();
    of_it >= least
        && scripts
            .iter()
            .all(|it| *it == script || *it == Script::ThreeBytes)
}

/// True if the letters beyond ASCII are such as lists have. Of `R\u{16e}\u{17d}EK` in a code page of Central Europe a single
/// letter of Arabic comes out.
fn is_plausible_beside_one_byte(text: &str) -> bool {
    let Some(scripts) = scripts(text) else {
        return false;
    };
    let few = |it: &Script| matches!(it, Script::Hebrew | Script::Arabic);
    !scripts.iter().any(few)
        || [Script::Hebrew, Script::Arabic]
            .into_iter()
            .any(|script| is_text_of(&scripts, script, 4))
}

/// The same beside an encoding of East Asia, of which one or two characters in a line are often UTF-8 by chance: four letters
/// of one alphabet, two characters of East Asia, or a letter within a word of Latin ones (`Ji\u{159}\u{ed}`) are not.
fn is_plausible_beside_two_bytes(text: &str) -> bool {
    let Some(scripts) = scripts(text) else {
        return false;
    };
    let of = |script| scripts.iter().filter(|it| **it == script).count();
    let alphabets = [
        Script::Greek,
        Script::Cyrillic,
        Script::Hebrew,
        Script::Arabic,
    ];
    of(Script::ThreeBytes) >= 2
        || text.chars().any(|letter| letter > '\u{ffff}')
        || alphabets
            .into_iter()
            .any(|script| is_text_of(&scripts, script, 4))
        || is_text_of(&scripts, Script::Latin, 1) && is_in_latin_word(text)
}

/// Whether a letter beyond ASCII stands beside one of ASCII.
fn is_in_latin_word(text: &str) -> bool {
    let is_beyond = |letter: char| !letter.is_ascii();
    let pairs = text.chars().zip(text.chars().skip(1));
    pairs.into_iter().any(|(one, other)| {
        is_beyond(one) && other.is_ascii_alphabetic()
            || one.is_ascii_alphabetic() && is_beyond(other)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{
        BIG5, EUC_JP, EUC_KR, Encoding, GBK, SHIFT_JIS, UTF_8, WINDOWS_1250, WINDOWS_1251,
        WINDOWS_1252, WINDOWS_1253, WINDOWS_1255, WINDOWS_1256,
    };

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
            (WINDOWS_1255, "שלום"),
            (WINDOWS_1256, "محمد"),
        ] {
            for end in ["\n", "\r\n", "\r"] {
                let lines = [
                    ("Phone,Name", UTF_8),
                    ("1,Áňa", UTF_8),
                    ("2,Bob", UTF_8),
                    (word, other),
                    ("3,Žďár", UTF_8),
                ];
                let found = find(&text(&lines, end)[..], true).unwrap().unwrap();
                assert_eq!(
                    (found.utf8.to_string(), found.others.to_string()),
                    ("lines 2, 5".to_owned(), "line 4".to_owned()),
                    "{word} {end:?}"
                );
            }
        }
        let many = "1,Á\n".repeat(8) + "x\n";
        let bytes = [many.as_bytes(), b"1,\x8aimon"].concat();
        let found = find(&bytes[..], true).unwrap().unwrap();
        assert_eq!(found.utf8.to_string(), "lines 1, 2, 3, 4, 5 and 3 more");
        assert_eq!(found.others.to_string(), "line 10");
    }

    #[test]
    fn lines_in_utf_8_among_lines_of_two_bytes_a_letter_are_known() {
        for (other, words) in [
            (GBK, ["王小明", "李晓红", "上海市浦东新区"]),
            (BIG5, ["王小明", "李曉紅", "臺北市"]),
            (SHIFT_JIS, ["山田太郎", "ﾔﾏﾀﾞ ﾀﾛｳ", "東京都"]),
            (EUC_JP, ["山田太郎", "やまだ", "東京都"]),
            (EUC_KR, ["김철수", "이영희", "서울시"]),
        ] {
            for word in [
                "Eva \u{1f600}",
                "Jose\u{301}",
                "José",
                "Žofie",
                "Müller",
                "Ирина",
                "Νίκος",
                "محمد",
                "张伟",
                "김영수",
                "山田",
            ] {
                let mut lines: Vec<_> = words.iter().map(|it| (*it, other)).collect();
                lines.insert(1, (word, UTF_8));
                let found = find(&text(&lines, "\n")[..], false).unwrap();
                let found = found.map(|it| (it.utf8.to_string(), it.others.to_string()));
                let expected = ("line 2".to_owned(), "lines 1, 3, 4".to_owned());
                assert_eq!(found, Some(expected), "{word} in {}", other.name());
            }
        }
    }

    #[test]
    fn pictures_and_accents_behind_their_letters_are_known_beside_one_byte_a_letter() {
        for word in ["Eva \u{1f600}", "Jose\u{301}", "Ada \u{2764}"] {
            let lines = [("Žofie", WINDOWS_1250), (word, UTF_8)];
            let found = find(&text(&lines, "\n")[..], true).unwrap();
            assert_eq!(
                found.map(|it| it.utf8.to_string()),
                Some("line 2".to_owned())
            );
        }
    }

    #[test]
    fn a_file_of_one_encoding_of_east_asia_is_not_mixed() {
        // Each is UTF-8 by chance in its encoding, alone or with its neighbours: by the bytes of its characters.
        for (encoding, words) in [
            (
                GBK,
                &[
                    "谢",
                    "肖小",
                    "魏文",
                    "毛",
                    "女",
                    "A座, 毛",
                    "梅毛牛",
                    "新欣",
                    "联通",
                ][..],
            ),
            (BIG5, &["王", "臺北市", "李"]),
            (SHIFT_JIS, &["ﾔﾏﾀﾞ", "ﾃｨｰﾁ", "ﾐｱ", "ﾎｼﾉ ﾐﾙ", "東京"]),
            (EUC_KR, &["김", "철수", "챕"]),
        ] {
            let lines: Vec<_> = words.iter().map(|word| (*word, encoding)).collect();
            let found = find(&text(&lines, "\n")[..], false).unwrap();
            assert_eq!(found, None, "{}", encoding.name());
        }
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
                "MĚŠEC",
                "MÍŠA",
            ];
            let lines = words.map(|word| (word, encoding));
            assert_eq!(find(&text(&lines, "\n")[..], true).unwrap(), None);
        }
    }
}

//! Character encodings: those of the web, and the code pages of DOS and the Macintosh.

mod tables;

use std::fmt;
use std::str::FromStr;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1252};
use oem_cp::code_table as dos;

use crate::domain::bad_setting::BadSetting;

/// The letters of the bytes from 128 on.
#[derive(Debug, Clone, Copy)]
enum Letters {
    All(&'static [char; 128]),
    /// Some bytes mean nothing.
    Some(&'static [Option<char>; 128]),
}

/// A code page of one byte a letter that the web does not know.
#[derive(Debug)]
pub(super) struct Page {
    name: &'static str,
    letters: Letters,
}

impl Page {
    /// What the byte means; `None` if it means nothing.
    pub(super) fn letter(&self, byte: u8) -> Option<char> {
        let Some(high) = byte.checked_sub(128) else {
            return Some(char::from(byte));
        };
        match self.letters {
            Letters::All(table) => table.get(usize::from(high)).copied(),
            Letters::Some(table) => table.get(usize::from(high)).copied().flatten(),
        }
    }
}

const fn all(name: &'static str, table: &'static [char; 128]) -> Page {
    Page {
        name,
        letters: Letters::All(table),
    }
}

const fn some(name: &'static str, table: &'static [Option<char>; 128]) -> Page {
    Page {
        name,
        letters: Letters::Some(table),
    }
}

/// The pages by their names; those of DOS are what Windows' own tables say.
static PAGES: [Page; 22] = [
    all("CP437", &dos::DECODING_TABLE_CP437),
    all("CP720", &dos::DECODING_TABLE_CP720),
    all("CP737", &dos::DECODING_TABLE_CP737),
    all("CP775", &dos::DECODING_TABLE_CP775),
    all("CP850", &dos::DECODING_TABLE_CP850),
    all("CP852", &dos::DECODING_TABLE_CP852),
    all("CP855", &dos::DECODING_TABLE_CP855),
    some("CP857", &dos::DECODING_TABLE_CP857),
    all("CP858", &dos::DECODING_TABLE_CP858),
    all("CP860", &dos::DECODING_TABLE_CP860),
    all("CP861", &dos::DECODING_TABLE_CP861),
    all("CP862", &dos::DECODING_TABLE_CP862),
    all("CP863", &dos::DECODING_TABLE_CP863),
    all("CP865", &dos::DECODING_TABLE_CP865),
    all("CP869", &dos::DECODING_TABLE_CP869),
    all("Mac CE", &tables::MAC_CE),
    all("Mac Turkish", &tables::MAC_TURKISH),
    all("Mac Greek", &tables::MAC_GREEK),
    all("Mac Croatian", &tables::MAC_CROATIAN),
    all("Mac Romanian", &tables::MAC_ROMANIAN),
    all("Mac Icelandic", &tables::MAC_ICELANDIC),
    all("Kamenicky", &tables::KAMENICKY),
];

/// A character encoding.
#[derive(Debug, Clone, Copy)]
pub struct TextEncoding(pub(super) Coding);

/// The code pages that text of Western and Central Europe is taken for.
pub(super) const WESTERN_AND_CENTRAL: [TextEncoding; 2] = [
    TextEncoding::web(WINDOWS_1252),
    TextEncoding::web(WINDOWS_1250),
];

/// How bytes become letters.
#[derive(Debug, Clone, Copy)]
pub(super) enum Coding {
    /// One that browsers know.
    Web(&'static Encoding),
    /// A code page of DOS or of the Macintosh.
    Page(&'static Page),
}

impl TextEncoding {
    pub(super) const UTF_8: Self = Self::web(UTF_8);

    pub(super) const fn web(encoding: &'static Encoding) -> Self {
        Self(Coding::Web(encoding))
    }

    /// The page of this name.
    pub(super) fn page(name: &str) -> Option<Self> {
        let page = PAGES.iter().find(|page| page.name == name)?;
        Some(Self(Coding::Page(page)))
    }

    /// The encoding that a file names in its head.
    pub(super) fn of_label(label: &str) -> Option<Self> {
        Encoding::for_label(label.as_bytes()).map(Self::web)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self.0 {
            Coding::Web(encoding) => encoding.name(),
            Coding::Page(page) => page.name,
        }
    }

    /// True if it is one of Unicode's own.
    pub(super) fn is_unicode(self) -> bool {
        match self.0 {
            Coding::Web(encoding) => [UTF_8, UTF_16LE, UTF_16BE].contains(&encoding),
            Coding::Page(_) => false,
        }
    }

    /// True if each byte is a letter.
    pub(super) fn is_single_byte(self) -> bool {
        match self.0 {
            Coding::Web(encoding) => encoding.is_single_byte(),
            Coding::Page(_) => true,
        }
    }

    /// The byte of a letter; `None` if it has none, or several.
    pub(super) fn byte(self, letter: char) -> Option<u8> {
        let mut buffer = [0; 4];
        let letter: &str = letter.encode_utf8(&mut buffer);
        let Coding::Web(encoding) = self.0 else {
            return None;
        };
        match encoding.encode(letter) {
            (bytes, _, false) if bytes.len() == 1 => bytes.first().copied(),
            _ => None,
        }
    }

    /// The text of the bytes, a mark at their start removed; what means nothing becomes `\u{fffd}`.
    pub(super) fn decode(self, bytes: &[u8]) -> String {
        match self.0 {
            Coding::Web(encoding) => encoding.decode(bytes).0.into_owned(),
            Coding::Page(page) => bytes
                .iter()
                .map(|byte| page.letter(*byte).unwrap_or('\u{fffd}'))
                .collect(),
        }
    }
}

impl PartialEq for TextEncoding {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for TextEncoding {}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TextEncoding {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let label: String = text
            .chars()
            .filter(|letter| !matches!(letter, ' ' | '-' | '_'))
            .flat_map(char::to_lowercase)
            .collect();
        let number = ["windows", "cp", "ibm", "dos", "oem", "pc", "ms", ""]
            .iter()
            .find_map(|prefix| label.strip_prefix(prefix)?.parse::<u16>().ok());
        let by_number = || match number? {
            page @ 1250..=1258 => Self::of_label(&format!("windows-{page}")),
            866 => Self::of_label("ibm866"),
            874 => Self::of_label("windows-874"),
            932 => Self::of_label("shift_jis"),
            936 => Self::of_label("gbk"),
            949 => Self::of_label("euc-kr"),
            950 => Self::of_label("big5"),
            10_000 => Self::of_label("macintosh"),
            895 => Self::page("Kamenicky"),
            10_006 => Self::page("Mac Greek"),
            10_007 => Self::of_label("x-mac-cyrillic"),
            10_010 => Self::page("Mac Romanian"),
            10_029 => Self::page("Mac CE"),
            10_079 => Self::page("Mac Icelandic"),
            10_081 => Self::page("Mac Turkish"),
            10_082 => Self::page("Mac Croatian"),
            65_001 => Some(Self::UTF_8),
            page => Self::page(&format!("CP{page}")),
        };
        let by_name = || match label.trim_start_matches('x') {
            "mac" | "macroman" => Self::of_label("macintosh"),
            "maccyrillic" => Self::of_label("x-mac-cyrillic"),
            "macce" | "maccentraleurope" | "maccentraleurroman" | "maclatin2" | "macintoshce" => {
                Self::page("Mac CE")
            }
            "macturkey" => Self::page("Mac Turkish"),
            "macromania" => Self::page("Mac Romanian"),
            "maciceland" => Self::page("Mac Icelandic"),
            "maccroatia" | "macslovenian" => Self::page("Mac Croatian"),
            "keybcs2" | "kamenický" | "kam" => Self::page("Kamenicky"),
            name => PAGES
                .iter()
                .find(|page| page.name.replace(' ', "").eq_ignore_ascii_case(name))
                .and_then(|page| Self::page(page.name)),
        };
        Self::of_label(text.trim())
            .or_else(by_number)
            .or_else(by_name)
            .ok_or_else(|| {
                BadSetting::new(
                    text,
                    "encoding",
                    "a name such as utf-8, utf-16le, windows-1250, iso-8859-2, cp850, cp852, kamenicky, macintosh, mac-ce or mac-turkish",
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_found_by_the_names_that_programs_give_them() {
        for (label, name) in [
            ("cp1250", "windows-1250"),
            ("windows-1252", "windows-1252"),
            ("latin2", "ISO-8859-2"),
            ("CP852", "CP852"),
            ("ibm-850", "CP850"),
            ("852", "CP852"),
            ("dos-857", "CP857"),
            ("cp866", "IBM866"),
            ("Mac Roman", "macintosh"),
            ("macintosh", "macintosh"),
            ("x-mac-ce", "Mac CE"),
            ("mac-ce", "Mac CE"),
            ("Mac CE", "Mac CE"),
            ("mac-cyrillic", "x-mac-cyrillic"),
            ("x-mac-turkish", "Mac Turkish"),
            ("10081", "Mac Turkish"),
            ("MacGreek", "Mac Greek"),
            ("mac_croatian", "Mac Croatian"),
            ("kamenicky", "Kamenicky"),
            ("cp895", "Kamenicky"),
            ("cp65001", "UTF-8"),
        ] {
            assert_eq!(
                label.parse::<TextEncoding>().map(TextEncoding::name),
                Ok(name),
                "{label}"
            );
        }
        for page in &PAGES {
            assert_eq!(
                page.name.parse::<TextEncoding>().map(TextEncoding::name),
                Ok(page.name)
            );
        }
        assert!("klingon".parse::<TextEncoding>().is_err());
    }

    #[test]
    fn bytes_of_dos_and_mac_are_the_letters_that_they_were_there() {
        for (label, bytes, text) in [
            ("cp850", &b"J\x81rgen Gro\xe1"[..], "Jürgen Groß"),
            ("cp852", b"\xa6i\xa7kov, P\xfd\xa1bram", "Žižkov, Příbram"),
            ("cp857", b"\x98i\x9fli", "İişli"),
            ("macintosh", b"J\x9frgen", "Jürgen"),
            ("mac-ce", b"Dvo\xde\x87k", "Dvořák"),
        ] {
            let encoding: TextEncoding = label.parse().unwrap();
            assert_eq!(encoding.decode(bytes), text, "{label}");
        }
    }
}

//! How rows are written to files: what a list was, and what its results are therefore.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::bad_setting::BadSetting;

/// The character between two fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delimiter {
    /// `,`
    #[default]
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
    /// `|`
    Pipe,
}

impl Delimiter {
    /// All of them, the most usual first.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Pipe];

    /// The byte in the file.
    pub fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }

    /// By its word, or the character itself.
    pub fn named(text: &str) -> Option<Self> {
        match text {
            "," | "comma" => Some(Self::Comma),
            ";" | "semicolon" => Some(Self::Semicolon),
            "\t" | "\\t" | "tab" => Some(Self::Tab),
            "|" | "pipe" => Some(Self::Pipe),
            _ => None,
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Pipe => "pipe",
        })
    }
}

/// How delimited text is written. Always UTF-8; the default is plain CSV.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialect {
    /// What stands between the cells.
    pub delimiter: Delimiter,
    /// The file begins with a byte order mark: without it Excel takes UTF-8 for the code page of the machine.
    pub mark: bool,
}

/// What follows the delimiter where the file begins with a mark.
const WITH_MARK: &str = "+bom";

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.mark { WITH_MARK } else { "" };
        write!(f, "{}{mark}", self.delimiter)
    }
}

impl FromStr for Dialect {
    type Err = BadSetting;

    fn from_str(text: &str) -> Result<Self, BadSetting> {
        let (delimiter, mark) = match text.strip_suffix(WITH_MARK) {
            Some(delimiter) => (delimiter, true),
            None => (text, false),
        };
        match Delimiter::named(delimiter) {
            Some(delimiter) => Ok(Self { delimiter, mark }),
            None => Err(BadSetting::new(
                text,
                "dialect",
                "comma, semicolon, tab or pipe; with +bom after it the file begins with a byte order mark",
            )),
        }
    }
}

/// What a list was: its results and rejects are the same, so that the program that made the list opens them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListFormat {
    /// It was a workbook.
    pub workbook: bool,
    /// How it is written as text.
    pub dialect: Dialect,
}

/// The most rows of a sheet, the header among them: a limit of the file format.
pub(crate) const SHEET_ROWS: u64 = 1_048_576;

/// The most columns of a sheet, likewise.
pub(crate) const SHEET_COLUMNS: usize = 16_384;

/// What a file is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Delimited text.
    Text(Dialect),
    /// A workbook.
    Xlsx,
    /// One JSON object a line.
    Jsonl,
}

impl FileFormat {
    /// By the end of the file's name; whatever has no known one is text, as `list` was or as is asked for.
    pub(crate) fn of(path: &Path, list: ListFormat, asked: Option<Dialect>) -> Self {
        let suffix = path.extension().unwrap_or_default().to_ascii_lowercase();
        match suffix.to_str() {
            Some("xlsx") => Self::Xlsx,
            Some("jsonl" | "ndjson") => Self::Jsonl,
            Some("tsv") if asked.is_none() => Self::Text(Dialect {
                delimiter: Delimiter::Tab,
                ..list.dialect
            }),
            Some(_) | None => Self::Text(asked.unwrap_or(list.dialect)),
        }
    }

    /// Whether it can hold so many rows beside its header.
    pub(crate) fn holds(self, rows: u64) -> bool {
        match self {
            Self::Text(_) | Self::Jsonl => true,
            Self::Xlsx => rows < SHEET_ROWS,
        }
    }
}

impl ListFormat {
    /// The end of the name of a file with so many rows, if nobody names it.
    pub(crate) fn suffix(self, asked: Option<Dialect>, rows: u64) -> &'static str {
        if self.workbook && asked.is_none() && FileFormat::Xlsx.holds(rows) {
            "xlsx"
        } else {
            "csv"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CZECH: ListFormat = ListFormat {
        workbook: false,
        dialect: Dialect {
            delimiter: Delimiter::Semicolon,
            mark: true,
        },
    };

    #[test]
    fn a_dialect_reads_back_what_it_prints() {
        for delimiter in Delimiter::ALL {
            for mark in [false, true] {
                let dialect = Dialect { delimiter, mark };
                assert_eq!(dialect.to_string().parse(), Ok(dialect));
            }
        }
        assert!("excel".parse::<Dialect>().is_err());
        assert!("+bom".parse::<Dialect>().is_err());
    }

    #[test]
    fn a_file_is_what_its_name_says_else_text_as_the_list_was() {
        let of = |name: &str| FileFormat::of(Path::new(name), CZECH, None);
        let text = FileFormat::Text(CZECH.dialect);
        for (name, format) in [
            ("r.csv", text),
            ("x.xlsx/r", text),
            ("R.XLSX", FileFormat::Xlsx),
            ("r.results.jsonl", FileFormat::Jsonl),
        ] {
            assert_eq!(of(name), format, "{name}");
        }
        let tabs = Dialect {
            delimiter: Delimiter::Tab,
            mark: true,
        };
        assert_eq!(of("r.tsv"), FileFormat::Text(tabs));
        let plain = Some(Dialect::default());
        let asked = |name: &str| FileFormat::of(Path::new(name), CZECH, plain);
        for name in ["r.csv", "r.tsv"] {
            assert_eq!(asked(name), FileFormat::Text(Dialect::default()), "{name}");
        }
        assert_eq!(asked("r.xlsx"), FileFormat::Xlsx);
    }

    #[test]
    fn the_results_of_a_workbook_are_a_workbook_while_a_sheet_holds_them() {
        let workbook = ListFormat {
            workbook: true,
            ..CZECH
        };
        assert_eq!(workbook.suffix(None, SHEET_ROWS - 1), "xlsx");
        assert_eq!(workbook.suffix(None, SHEET_ROWS), "csv");
        assert_eq!(workbook.suffix(Some(Dialect::default()), 1), "csv");
        assert_eq!(CZECH.suffix(None, 1), "csv");
        assert!(FileFormat::Jsonl.holds(SHEET_ROWS));
    }
}

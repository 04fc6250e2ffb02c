//! Number formats that show digits which their cells do not hold: `"+420 "0`, `000000000`. Who reads the sheet sees a
//! number with its country code, and without the format it is one of another country.

use std::collections::HashMap;
use std::io::Cursor;

use super::archive;
use super::find_marks::{attribute, each_tag, number, place, sheet_file};
use super::grid::Fault;

/// So many places for digits that are always there are no price and no year.
const FIXED_PLACES: usize = 6;

/// A number as large is not held exactly.
const LARGEST: f64 = 1e15;

/// Cells of a sheet whose format shows more than their numbers.
#[derive(Debug, Default)]
pub(super) struct ShownNumbers {
    formats: Vec<NumberFormat>,
    /// Row from 1 and column from 0, with the place of the format.
    cells: HashMap<(u32, usize), usize>,
}

impl ShownNumbers {
    /// Those of the sheet of XLSX at this place of the workbook, from 0.
    pub(super) fn in_xlsx(content: &[u8], sheet: usize) -> Result<Self, Fault> {
        let mut archive = archive::directory(Cursor::new(content))?;
        let (mut codes, mut styles, mut section) = (HashMap::new(), Vec::new(), String::new());
        each_tag(&mut archive, "xl/styles.xml", &mut |tag| {
            match tag.local_name().as_ref() {
                name @ ("numFmts" | "cellStyleXfs" | "cellXfs" | "cellStyles" | "dxfs") => {
                    name.clone_into(&mut section);
                }
                "numFmt" if section == "numFmts" => {
                    if let Some(code) = attribute(tag, "formatCode")? {
                        codes.insert(number(tag, "numFmtId")?, code);
                    }
                }
                "xf" if section == "cellXfs" => styles.push(number(tag, "numFmtId")?),
                _ => {}
            }
            Ok(())
        })?;
        let mut shown = Self::default();
        let mut by_style: HashMap<u32, usize> = HashMap::new();
        for (style, id) in (0_u32..).zip(&styles) {
            let code = codes.get(id);
            if let Some(format) = code.and_then(|code| NumberFormat::read(code)) {
                by_style.insert(style, shown.formats.len());
                shown.formats.push(format);
            }
        }
        if by_style.is_empty() {
            return Ok(shown);
        }
        let Some(path) = sheet_file(&mut archive, sheet)? else {
            return Ok(shown);
        };
        let (mut row, mut column) = (0_u32, 0_usize);
        each_tag(&mut archive, &path, &mut |tag| {
            match tag.local_name().as_ref() {
                "row" => {
                    row = number(tag, "r")?.unwrap_or(row.saturating_add(1));
                    column = 0;
                }
                "c" => {
                    let named = attribute(tag, "r")?.and_then(|name| place(&name));
                    let at = named.unwrap_or((row, column));
                    column = at.1.saturating_add(1);
                    let style = number(tag, "s")?.unwrap_or(0);
                    if let Some(format) = by_style.get(&style) {
                        shown.cells.insert(at, *format);
                    }
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(shown)
    }

    /// What the cell shows, if that is more than its number: row from 1, column from 0.
    pub(super) fn text(&self, at: (u32, usize), value: f64) -> Option<String> {
        self.formats.get(*self.cells.get(&at)?)?.shown(value)
    }
}

/// A format that shows digits or a plus beside those of the number.
#[derive(Debug, PartialEq, Eq)]
struct NumberFormat {
    pieces: Vec<Piece>,
    code: String,
    /// It shows other numbers in another way.
    has_condition: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// A place for a digit.
    Digit {
        /// Where the number has none, a zero stands.
        or_zero: bool,
    },
}

impl NumberFormat {
    /// Reads the first part of a format, which is that of numbers above zero. `None` if it shows the number alone, or is
    /// one of dates, fractions, shares or decimals.
    fn read(code: &str) -> Option<Self> {
        let (mut pieces, mut has_condition) = (Vec::new(), false);
        let mut rest = code;
        while let Some(sign) = rest.chars().next() {
            let behind = rest.get(sign.len_utf8()..).unwrap_or("");
            let general = rest.get(..GENERAL.len());
            if general.is_some_and(|it| it.eq_ignore_ascii_case(GENERAL)) {
                pieces.push(Piece::Digit { or_zero: false });
                rest = rest.get(GENERAL.len()..).unwrap_or("");
                continue;
            }
            rest = match sign {
                ';' => break,
                '"' => {
                    let (text, behind) = behind.split_once('"').unwrap_or((behind, ""));
                    pieces.push(Piece::Text(text.to_owned()));
                    behind
                }
                '[' => {
                    let (text, behind) = behind.split_once(']').unwrap_or((behind, ""));
                    has_condition |= text.starts_with(['<', '>', '=']);
                    if let Some(symbol) = text.strip_prefix('$') {
                        let symbol = symbol.split('-').next().unwrap_or("");
                        pieces.push(Piece::Text(symbol.to_owned()));
                    }
                    behind
                }
                '\\' | '_' | '*' => {
                    let next = behind.chars().next();
                    if sign == '\\' {
                        pieces.push(Piece::Text(next.map(String::from).unwrap_or_default()));
                    }
                    behind.get(next.map_or(0, char::len_utf8)..).unwrap_or("")
                }
                '0' | '#' | '?' => {
                    let or_zero = sign == '0';
                    pieces.push(Piece::Digit { or_zero });
                    behind
                }
                ',' => behind,
                '.' | '%' | '/' | '@' => return None,
                sign if sign.is_alphabetic() => return None,
                sign => {
                    pieces.push(Piece::Text(sign.to_string()));
                    behind
                }
            };
        }
        let is_zero = |piece: &&Piece| **piece == Piece::Digit { or_zero: true };
        let fixed = pieces.iter().filter(is_zero).count();
        let adds = |piece: &Piece| match piece {
            Piece::Text(text) => text.contains(|c: char| c == '+' || c.is_ascii_digit()),
            Piece::Digit { .. } => false,
        };
        let shows_more = fixed >= FIXED_PLACES || pieces.iter().any(adds);
        shows_more.then(|| Self {
            pieces,
            code: code.to_owned(),
            has_condition,
        })
    }

    /// The number as it is shown; `None` for one that such a format is not made for. Where the format depends on the
    /// number, a text that is no phone number: a person must look.
    fn shown(&self, value: f64) -> Option<String> {
        if value.fract() != 0.0 || !(0.0..LARGEST).contains(&value) {
            return None;
        }
        let digits = format!("{value:.0}");
        if self.has_condition {
            return Some(format!("{digits} (number format {})", self.code));
        }
        let is_digit = |piece: &&Piece| matches!(piece, Piece::Digit { .. });
        let places = self.pieces.iter().filter(is_digit).count();
        let missing = places.saturating_sub(digits.len());
        let mut left = digits.chars();
        let (mut text, mut place) = (String::new(), 0);
        for piece in &self.pieces {
            match piece {
                Piece::Text(shown) => text.push_str(shown),
                Piece::Digit { or_zero } if place < missing => {
                    text.extend(or_zero.then_some('0'));
                    place += 1;
                }
                Piece::Digit { .. } => {
                    // The first place holds all digits that have no place of their own.
                    let own = places - place;
                    let count = left.clone().count().saturating_sub(own) + 1;
                    text.extend(left.by_ref().take(count));
                    place += 1;
                }
            }
        }
        (places > 0).then_some(text)
    }
}

/// The format of a number as it is.
const GENERAL: &str = "General";

#[cfg(test)]
mod tests {
    use rust_xlsxwriter::{Format, Workbook};

    use super::*;
    use crate::intake::formats::{self, Content, DecodeOptions, Kind};

    fn shown(code: &str, value: f64) -> Option<String> {
        NumberFormat::read(code)?.shown(value)
    }

    #[test]
    fn a_number_is_shown_with_what_its_format_adds() {
        for (code, expected) in [
            ("\"+420 \"0", "+420 777123456"),
            ("\"+420\"000000000", "+420777123456"),
            ("\\+\\4\\2\\0\\ 000\\ 000\\ 000", "+420 777 123 456"),
            ("\"+420 \"### ### ###;-0", "+420 777 123 456"),
            ("\"+420\"General", "+420777123456"),
            ("[$+420] 0", "+420 777123456"),
            ("+42\\0#", "+420777123456"),
            ("\"00420\"#,##0", "00420777123456"),
            ("0000000000", "0777123456"),
            ("_(\"+420\"0_)", "+420777123456"),
            ("0\" (2)\"", "777123456 (2)"),
            (
                "[<1000]\"+420 \"0;0",
                "777123456 (number format [<1000]\"+420 \"0;0)",
            ),
        ] {
            assert_eq!(
                shown(code, 777_123_456.0).as_deref(),
                Some(expected),
                "{code}"
            );
        }
        for code in [
            "General",
            "0",
            "#,##0",
            "0.00",
            "#,##0 \"Kč\"",
            "(###) ###-####",
            "yyyy-mm-dd",
            "0%",
            "@",
            "000",
            "# ?/?",
        ] {
            assert_eq!(shown(code, 777_123_456.0), None, "{code}");
        }
        assert_eq!(shown("\"+420 \"0", 1.5), None);
        assert_eq!(shown("\"+420 \"0", -1.0), None);
    }

    #[test]
    fn a_workbook_shows_the_country_code_that_only_its_format_holds() {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        let code = Format::new().set_num_format("\"+420 \"0");
        sheet.write_string(0, 0, "phone").unwrap();
        sheet
            .write_number_with_format(1, 0, 777_123_456, &code)
            .unwrap();
        sheet.write_number(2, 0, 777_123_457).unwrap();
        sheet
            .write_number_with_format(2, 1, 777_123_458, &code)
            .unwrap();
        let bytes = book.save_to_buffer().unwrap();
        let how = DecodeOptions {
            encoding: None,
            country: None,
            numbers: crate::intake::formats::ReadNumbers::default(),
            sheet: None,
            skip_hidden: false,
        };
        let Content::Table(table, _) = formats::read(Kind::Zip, &*bytes, how).unwrap() else {
            panic!("no table");
        };
        let rows = table
            .blocks
            .iter()
            .flat_map(crate::intake::rows::Block::iter);
        let cells: Vec<String> = rows
            .flat_map(|(_, fields)| fields.iter().map(<[u8]>::to_vec).collect::<Vec<_>>())
            .map(|cell| String::from_utf8(cell).unwrap())
            .collect();
        assert!(cells.contains(&"+420 777123456".to_owned()), "{cells:?}");
        assert!(cells.contains(&"777123457".to_owned()), "{cells:?}");
        assert!(cells.contains(&"+420 777123458".to_owned()), "{cells:?}");
    }
}

//! Contacts files, examined: format, encoding, delimiter, header, columns. Nothing is judged yet.

use super::beside;
use super::columns;
use super::consent;
use super::corrections::Corrections;
use super::doubt::LetterDoubt;
use super::earlier::EarlierResults;
use super::error::IntakeError;
use super::file::{FileInput, Layout};
use super::formats::is_json;
use super::guess::Doubt;
use super::header::{Header, HeaderWords, is_mends, is_ours};
use super::international::{LooksInternational, looks_international};
use super::mapping::Mapping;
use super::named_country;
use super::open::open;
use super::opened::Opened;
use super::settings::{HiddenRows, ReadFor, Settings};
use super::sheets::Sheets;
use super::source::{FileDigest, Source};
use crate::domain::dialect::ListFormat;
use crate::domain::percent::Percent;
use crate::domain::text::{is_blank, plural, shortened, trimmed};

/// One or several contacts files of one batch, examined and ready to be judged.
pub struct Input {
    pub(super) files: Vec<FileInput>,
    pub(super) mapping: Mapping,
    pub(super) min_valid: Percent,
    pub(super) corrections: Corrections,
    looks_international: Option<LooksInternational>,
    headers: Vec<String>,
    notes: Vec<String>,
    doubts: Vec<LetterDoubt>,
    sheets: Option<Sheets>,
    hidden_rows: u64,
    digest: FileDigest,
    stem: String,
    format: ListFormat,
}

/// Suppression lists of nobody have no columns to compare with: they are left out, unless there is no other list.
fn without_nobodys(mut opened: Vec<Opened>) -> Vec<Opened> {
    if opened.iter().any(|file| !file.is_nobodys) {
        opened.retain(|file| !file.is_nobodys);
    }
    opened
}

impl Input {
    /// Examines the files: reads each of them once, whole.
    ///
    /// # Errors
    ///
    /// [`IntakeError`] if a file cannot be read, or its columns cannot be understood with certainty.
    pub fn open(sources: &[Source], settings: &Settings) -> Result<Self, IntakeError> {
        // A position keeps the file as a u16.
        if sources.len() > usize::from(u16::MAX) {
            return Err(IntakeError::TooManyFiles(sources.len()));
        }
        let opened = sources
            .iter()
            .map(|source| open(source, settings))
            .collect::<Result<Vec<_>, _>>()?;
        for (source, file) in sources.iter().zip(&opened) {
            refuse_by_name(source, file, settings)?;
        }
        let opened = without_nobodys(opened);
        let first = opened.first().ok_or(IntakeError::NoFile)?;
        let (headers, mapping) = columns_of(first, settings)?;
        for file in &opened {
            refuse_by_titles(file, &headers, &mapping, settings)?;
            beside::refuse(file, &mapping, settings)?;
        }
        let first_name = first.name.clone();
        let mut format = first.format;
        format.dialect.mark = opened.iter().any(|file| file.format.dialect.mark);
        let mut notes: Vec<String> = Vec::new();
        let digests: Vec<_> = opened.iter().map(|file| file.digest).collect();
        let mut files = Vec::with_capacity(opened.len());
        let (mut looks, mut doubts, mut sheets, mut hidden_rows) = (None, Vec::new(), None, 0);
        for mut file in opened {
            notes.push(format!("{}: {}", file.name, file.note));
            notes.extend(file.sheets.as_ref().map(Sheets::to_string));
            sheets = sheets.or(file.sheets.take());
            let (doubt, sample) = (file.doubt.take(), std::mem::take(&mut file.sample));
            notes.extend(hidden_note(&file, settings));
            notes.extend(hidden_phone_note(&file, &mapping));
            hidden_rows += file.hidden_rows;
            notes.extend(title_note(&file));
            let file = align(file, &first_name, &headers, &mapping)?;
            let sample = sample.iter().map(|row| in_order(row, &file.columns));
            let sample: Vec<_> = sample.collect();
            doubts.extend(doubt.map(|doubt| letter_doubt(&file, doubt, &sample)));
            looks = looks.or_else(|| looks_international(&mapping, &sample));
            files.push(file);
        }
        notes.extend(doubts.iter().map(LetterDoubt::to_string));
        notes.extend(dropped_note(&files, &headers, mapping.hears_earlier));
        notes.extend(mapping.all_phones_note(settings));
        Ok(Self {
            digest: settings.corrections.digest(FileDigest::of_all(&digests)),
            stem: sources.first().map(Source::stem).unwrap_or_default(),
            min_valid: settings.min_valid,
            corrections: settings.corrections.clone(),
            looks_international: looks,
            files,
            mapping,
            headers,
            notes,
            format,
            doubts,
            sheets,
            hidden_rows: settings.hidden_rows.map_or(hidden_rows, |_| 0),
        })
    }

    /// The columns, in the order of the first file, without those of a results file.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Which column means what.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether nearly all numbers seem to begin with their country code, though nobody said so.
    pub fn looks_international(&self) -> Option<&LooksInternational> {
        self.looks_international.as_ref()
    }

    /// The sheets of the first workbook that has several, where none was named.
    pub(crate) fn sheets(&self) -> Option<&Sheets> {
        self.sheets.as_ref()
    }

    /// Rows that are hidden in their sheets, where nobody said what becomes of them.
    pub(crate) fn hidden_rows(&self) -> u64 {
        self.hidden_rows
    }

    /// What was detected, in words, one line for each file.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Files whose letters may be others.
    pub(crate) fn doubts(&self) -> &[LetterDoubt] {
        &self.doubts
    }

    /// The SHA-256 over the raw bytes of all files, and over what was said to be otherwise.
    pub(crate) fn digest(&self) -> FileDigest {
        self.digest
    }

    /// That of each file, in order; none if numbers were given to rows, which are those of one file.
    pub(crate) fn digests(&self) -> impl Iterator<Item = FileDigest> {
        let files = self.files.iter().filter(|_| self.corrections.is_empty());
        files.map(|file| file.digest)
    }

    /// Leaves out the files that a batch has already, by their digests, and says so in the notes. The columns stay. False
    /// if there is none.
    pub(crate) fn leave_out(&mut self, mut is_known: impl FnMut(&FileDigest) -> bool) -> bool {
        if !self.corrections.is_empty() {
            return false;
        }
        let left_out = self.files.extract_if(.., |file| is_known(&file.digest));
        let notes =
            left_out.map(|file| format!("{}: left out, the batch has it already", file.name));
        let notes: Vec<String> = notes.collect();
        let digests: Vec<_> = self.files.iter().map(|file| file.digest).collect();
        self.digest = FileDigest::of_all(&digests);
        let any_left_out = !notes.is_empty();
        self.notes.extend(notes);
        any_left_out
    }

    /// What the first file is: the files that are made of the list are written so.
    pub(crate) fn format(&self) -> ListFormat {
        self.format
    }

    /// Whether a file names the rows that its rows mend.
    pub(crate) fn mends_rows(&self) -> bool {
        self.files.iter().any(|file| file.mends.is_some())
    }

    /// Refuses a results file, whose people were messaged.
    ///
    /// # Errors
    /// [`IntakeError::Results`] if one of the files is one.
    pub(crate) fn refuse_results(&self) -> Result<(), IntakeError> {
        match self.files.iter().find(|file| file.earlier.is_some()) {
            Some(file) => Err(IntakeError::Results {
                file: file.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The first file's name without folder and suffixes.
    pub(crate) fn stem(&self) -> &str {
        &self.stem
    }

    /// The names of the files, in order.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    /// The name of a file by its place in the list of files.
    pub(super) fn file_name(&self, index: usize) -> String {
        let file = self.files.get(index);
        file.map_or_else(String::new, |file| file.name.clone())
    }

    /// A defect of this program, met while it judged that file.
    pub(super) fn defect_in(&self, index: usize) -> IntakeError {
        IntakeError::Internal {
            file: self.file_name(index),
        }
    }
}

/// A longer title is cut.
const TITLE: usize = 60;

/// A list whose name or title says that its people do not want to be messaged is none, unless they are to be suppressed;
/// nor is one beside whose sheet is another of such people.
fn refuse_by_name(source: &Source, file: &Opened, settings: &Settings) -> Result<(), IntakeError> {
    let stem = source.stem();
    let refused = |what, name: &str, advice| IntakeError::NamedAsRefusals {
        file: file.name.clone(),
        what,
        name: name.to_owned(),
        advice,
    };
    if settings.read_for != ReadFor::Messages {
        return Ok(());
    }
    let packed = file.packed.as_deref().map(Source::stem_of);
    let mut names = [Some(stem), packed].into_iter().flatten();
    if let Some(name) = names.find(|name| consent::names_refusals(name)) {
        return Err(refused("file", &name, "rename it"));
    }
    let titles = file.header.titles.iter();
    let mut titles = titles.map(|title| title.chars().take(TITLE).collect::<String>());
    if let Some(title) = titles.find(|title| consent::names_refusals(title)) {
        return Err(refused("list above its header", &title, "delete that row"));
    }
    match (&file.sheet, file.sheets.as_ref().and_then(Sheets::refusing)) {
        (Some(sheet), _) if consent::names_refusing_sheet(sheet) => {
            Err(refused("sheet", sheet, "name it with --sheet"))
        }
        (Some(sheet), Some(other)) => Err(IntakeError::OtherSheetRefuses {
            file: file.name.clone(),
            sheet: sheet.clone(),
            other: other.to_owned(),
        }),
        (Some(_) | None, _) => Ok(()),
    }
}

/// A list whose titles or name say what its columns do not: what codes mean, the country of its numbers.
fn refuse_by_titles(
    file: &Opened,
    headers: &[String],
    mapping: &Mapping,
    settings: &Settings,
) -> Result<(), IntakeError> {
    let titles = &file.header.titles;
    columns::refuse_codes(&file.name, titles, headers, mapping, settings)?;
    named_country::refuse(file, mapping, settings)
}

/// The columns without those of a results file, and what they are.
fn columns_of(file: &Opened, settings: &Settings) -> Result<(Vec<String>, Mapping), IntakeError> {
    let kept = |index: &usize| file.header.names.get(*index).is_some_and(|h| !is_ours(h));
    let kept: Vec<usize> = (0..file.header.names.len()).filter(kept).collect();
    let pick = |fields: &Vec<String>| in_order(fields, &kept);
    let headers = pick(&file.header.names);
    let headers: Vec<String> = headers.iter().map(|h| trimmed(h).to_owned()).collect();
    let sample: Vec<_> = file.sample.iter().map(pick).collect();
    // Which sheet was read explains a missing column better than anything else.
    let described = match file.layout {
        Layout::Table(_) => format!("{} ({})", file.name, file.note),
        Layout::Text(_) => file.name.clone(),
    };
    let how = Settings {
        no_header: settings.no_header && !file.has_names,
        ..settings.clone()
    };
    refuse_quoted_lines(&file.name, &headers, &sample)?;
    let mapping = columns::map(&described, &headers, &sample, &how);
    let mapping = without_json(&file.name, mapping, &headers, &sample)?;
    columns::refuse_unclear(&file.name, &headers, &sample, &mapping, &how)?;
    Ok((headers, mapping))
}

/// Refuses a file of one column whose cells are lines of a list: `"name;phone"`.
fn refuse_quoted_lines(
    file: &str,
    headers: &[String],
    sample: &[Vec<String>],
) -> Result<(), IntakeError> {
    let [header] = headers else {
        return Ok(());
    };
    let is_line = |sign: char| {
        let count = |text: &str| text.matches(sign).count();
        let mut cells = sample.iter().flatten();
        count(header) > 0 && cells.all(|cell| count(cell) == count(header))
    };
    if !sample.is_empty() && [';', ',', '\t', '|'].into_iter().any(is_line) {
        return Err(IntakeError::QuotedLines {
            file: file.to_owned(),
            header: header.clone(),
        });
    }
    Ok(())
}

/// The fields of these columns.
fn in_order(fields: &[String], columns: &[usize]) -> Vec<String> {
    let fields = columns.iter().map(|index| fields.get(*index));
    fields
        .map(|field| field.cloned().unwrap_or_default())
        .collect()
}

/// The doubt about a file, with the input's columns that it is about.
fn letter_doubt(file: &FileInput, doubt: Doubt, sample: &[Vec<String>]) -> LetterDoubt {
    LetterDoubt::new(&file.name, doubt, file.columns.len(), sample)
}

/// Names the column whose cells hold JSON, where the numbers are within them.
fn without_json(
    file: &str,
    mapping: Result<Mapping, IntakeError>,
    headers: &[String],
    sample: &[Vec<String>],
) -> Result<Mapping, IntakeError> {
    let suspects: Vec<usize> = match &mapping {
        Ok(mapping) => mapping
            .phone
            .iter()
            .map(|phone| phone.column.index)
            .collect(),
        Err(IntakeError::NoPhoneColumn { .. }) => (0..headers.len()).collect(),
        Err(_) => Vec::new(),
    };
    let holds_json = |index: &usize| {
        let cells = sample.iter().filter_map(|row| row.get(*index));
        let filled: Vec<_> = cells.filter(|cell| !is_blank(cell)).collect();
        let json = filled.iter().filter(|cell| is_json(cell)).count();
        json * 2 > filled.len()
    };
    match suspects.into_iter().find(holds_json) {
        Some(index) => Err(IntakeError::JsonInCells {
            file: file.to_owned(),
            column: headers.get(index).cloned().unwrap_or_default(),
        }),
        None => mapping,
    }
}

/// Finds the columns of the first file in a file, which must have these and no others.
fn align(
    file: Opened,
    first: &str,
    headers: &[String],
    mapping: &Mapping,
) -> Result<FileInput, IntakeError> {
    let differs = |missing| IntakeError::ColumnsDiffer {
        file: file.name.clone(),
        first: first.to_owned(),
        missing,
    };
    let columns = file.header.find(headers).map_err(differs)?;
    let Header { row, names, .. } = file.header;
    let mut others = names.iter().enumerate();
    if let Some((_, surplus)) = others.find(|(at, name)| !columns.contains(at) && !is_ours(name)) {
        return Err(IntakeError::SurplusColumn {
            file: file.name,
            first: first.to_owned(),
            surplus: surplus.clone(),
        });
    }
    let phones = mapping.phone.iter();
    let phones = phones.filter_map(|phone| columns.get(phone.column.index).copied());
    Ok(FileInput {
        phones: phones.collect(),
        name: file.name,
        digest: file.digest,
        columns,
        width: names.len(),
        guarded: !file.as_typed && names.iter().any(|name| is_ours(name)),
        mends: names.iter().position(|name| is_mends(name)),
        earlier: EarlierResults::of(&names),
        layout: file.layout,
        header_row: row,
        header: HeaderWords::of(&names),
    })
}

/// What becomes of the hidden rows of a file.
fn hidden_note(file: &Opened, settings: &Settings) -> Option<String> {
    let rows = file.hidden_rows;
    let what = match settings.hidden_rows {
        _ if rows == 0 => return None,
        Some(HiddenRows::Skip) => "left out",
        Some(HiddenRows::Send) => "read like the others",
        None => "read like the others (--hidden-rows skip leaves them out)",
    };
    let rows = plural(rows, "row is hidden", "rows are hidden");
    Some(format!(
        "{}: {rows} in the sheet, as by a filter: {what}",
        file.name
    ))
}

/// Tells that the numbers stand in a column that nobody sees.
fn hidden_phone_note(file: &Opened, mapping: &Mapping) -> Option<String> {
    let mut phones = mapping.phone.iter().map(|phone| &phone.column.name);
    let is_hidden = |name: &&String| file.hidden_columns.iter().any(|it| trimmed(it) == *name);
    let hidden = phones.find(is_hidden)?;
    Some(format!(
        "{}: the column of phone numbers, \"{hidden}\", is hidden in the sheet: is it the one that is meant? --column \
         phone=HEADER names another",
        file.name
    ))
}

/// Says which rows above the header are left out.
fn title_note(file: &Opened) -> Option<String> {
    let titles = &file.header.titles;
    (!titles.is_empty()).then(|| {
        let shown: Vec<String> = titles
            .iter()
            .take(3)
            .map(|title| format!("\"{}\"", shortened(title, TITLE)))
            .collect();
        format!(
            "{}: the header is row {}; above it, ignored: {}{}",
            file.name,
            file.header.row,
            shown.join(", "),
            if titles.len() > 3 { ", ..." } else { "" }
        )
    })
}

fn dropped_note(files: &[FileInput], headers: &[String], hears_earlier: bool) -> Option<String> {
    let dropped = files
        .iter()
        .map(|file| file.width.saturating_sub(headers.len()))
        .max()
        .unwrap_or(0);
    let but = if hears_earlier && files.iter().any(|file| file.earlier.is_some()) {
        ", but for whom they call suppressed because they must not be messaged, and for whom they say that this very message \
         was sent or may have been"
    } else {
        ""
    };
    (dropped > 0).then(|| format!("{dropped} columns of an earlier results file are ignored{but}"))
}

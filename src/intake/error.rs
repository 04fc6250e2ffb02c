//! Why a contacts file is refused as a whole. Nothing of a refused file is sent.

use std::io;

use serde::{Serialize, Serializer};

use super::mixed::Named;
use crate::domain::masking::masked_cell;
use crate::domain::phone::Region;
use crate::domain::text::shortened;

/// A file that cannot be used. The text says which file, where in it, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The file cannot be opened or read.
    #[error("{file}: cannot be read; check its name, and that you may read it: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// No file was named.
    #[error("no contacts file was named")]
    NoFile,
    /// More files than one batch may have.
    #[error("{0} files are too many for one batch: at most 65535, put them together first")]
    TooManyFiles(usize),
    /// The file holds no row at all.
    #[error("{file}: the file is empty; export the list once more, or name another file")]
    Empty {
        /// The file.
        file: String,
    },
    /// More columns than any spreadsheet has.
    #[error(
        "{file}, row {row}: the first row has more than 16384 columns, more than a spreadsheet can hold; export \
         only the columns that are needed, one contact a row"
    )]
    TooWide {
        /// The file.
        file: String,
        /// The row.
        row: u32,
    },
    /// Bytes that the encoding does not know.
    #[error(
        "{file}: the bytes are not {encoding}: leave --encoding out to have it detected, or name another one"
    )]
    Encoding {
        /// The file.
        file: String,
        /// The encoding that was asked for.
        encoding: String,
    },
    /// A workbook, a vCard or the like that is not as its format should be.
    #[error(
        "{file}: this begins as {format} does, but cannot be read: {message}; save or export it again, or as CSV"
    )]
    Broken {
        /// The file.
        file: String,
        /// The format, with its article.
        format: String,
        /// What the reader said.
        message: String,
    },
    /// A file that holds, or unpacks to, more than a list can.
    #[error(
        "{file}: this is too large for a list: {message}; delete what does not belong to the list, or export it as CSV"
    )]
    TooLarge {
        /// The file.
        file: String,
        /// What exceeds the bound.
        message: String,
    },
    /// Another kind of file.
    #[error("{file}: this is {what}, which is no list of contacts: {advice}")]
    NotAList {
        /// The file.
        file: String,
        /// The format, with its article.
        what: String,
        /// What to do.
        advice: String,
    },
    /// A sheet that the workbook does not have.
    #[error("{file}: there is no sheet \"{sheet}\"; the workbook has: {}", listed(.present))]
    NoSheet {
        /// The file.
        file: String,
        /// The sheet that was asked for.
        sheet: String,
        /// The sheets that are there.
        present: Vec<String>,
    },
    /// A column that was named and is not there.
    #[error("there is no column \"{name}\"{}; the file has: {}", did_you_mean(.near.as_ref()), listed(.present))]
    NoColumn {
        /// The name that was given.
        name: String,
        /// The nearest column, where one is near.
        near: Option<String>,
        /// The columns that are there.
        present: Vec<String>,
    },
    /// Every line is one quoted cell, with the columns inside it.
    #[error(
        "{file}: each line is one cell in quotes, with all columns inside it (\"{header}\"), as Excel saves a file that it opened in one column; split that column in the spreadsheet (Data, Text to Columns) and save it again, or take the quotes around the lines out"
    )]
    QuotedLines {
        /// The file.
        file: String,
        /// The header.
        header: String,
    },
    /// Cells that hold objects or lists instead of numbers.
    #[error(
        "{file}: the cells of the column \"{column}\" hold JSON, not phone numbers; export the number as a column of its own"
    )]
    JsonInCells {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// The numbers stand in two columns.
    #[error(
        "{file}: the column \"{codes}\" seems to hold the area codes of the numbers in \"{phone}\", which are incomplete without \
         them; put both into one column, or name the column of whole numbers with --column phone=HEADER"
    )]
    NumbersApart {
        /// The file.
        file: String,
        /// The column of the codes.
        codes: String,
        /// The phone column.
        phone: String,
    },
    /// The row that was named as the header is not there.
    #[error(
        "{file}: there is no row {row} among its first rows that could be the header; check --header-row"
    )]
    NoHeaderRow {
        /// The file.
        file: String,
        /// The row that was named.
        row: u32,
    },
    /// The first row holds a phone number: it is no header.
    #[error(
        "{file}, row {row}: the first row should name the columns but holds \"{}\"; if the file has no header, use --no-header",
        masked_cell(.cell)
    )]
    HeaderIsData {
        /// The file.
        file: String,
        /// The row.
        row: u32,
        /// The cell that looks like a phone number.
        cell: String,
    },
    /// No column looks like phone numbers.
    #[error("{file}: no column looks like phone numbers; name it with --column phone=HEADER; the file has: {}", listed(.present))]
    NoPhoneColumn {
        /// The file.
        file: String,
        /// The columns that are there.
        present: Vec<String>,
    },
    /// Several columns look like phone numbers, none more than the others.
    #[error("{file}: the phone column may be any of: {}; name one or several with --column phone=HEADER", listed(.candidates))]
    AmbiguousPhoneColumn {
        /// The file.
        file: String,
        /// The columns that are equally likely.
        candidates: Vec<String>,
    },
    /// The only column of phone numbers is named as one of other people's, or of old ones.
    #[error(
        "{file}: by its name the phone column \"{column}\" holds the numbers of other people, or old ones; if they are meant, name it with --column phone=HEADER"
    )]
    NumbersOfOthers {
        /// The file.
        file: String,
        /// The column.
        column: String,
    },
    /// Columns of phone numbers that are of several people of one row.
    #[error(
        "{file}: the numbers in \"{second}\" seem to be another person's than those in \"{first}\", because the column \"{between}\" stands between them; name the one that is meant with --column phone=\"{first}\", or both of them if they are of one person"
    )]
    PhonesOfSeveralPeople {
        /// The file.
        file: String,
        /// The first column.
        first: String,
        /// The later one.
        second: String,
        /// The column between them.
        between: String,
    },
    /// Tables that stand beside each other.
    #[error(
        "{file}: two tables seem to stand side by side (its columns are {}): whom a row is about is not certain; put the tables below each other, or into files of their own", listed(.present)
    )]
    SideBySide {
        /// The file.
        file: String,
        /// The columns that are there.
        present: Vec<String>,
    },
    /// Files of one batch with different columns.
    #[error(
        "{file}: has no column \"{missing}\", which {first} has: files of one batch must have the same columns"
    )]
    ColumnsDiffer {
        /// The file that differs.
        file: String,
        /// The first file.
        first: String,
        /// A column that is missing.
        missing: String,
    },
    /// A later file with a column that the first one does not have.
    #[error(
        "{file}: has a column \"{surplus}\", which {first} does not have: files of one batch must have the same columns"
    )]
    SurplusColumn {
        /// The file that differs.
        file: String,
        /// The first file.
        first: String,
        /// The column that is too many.
        surplus: String,
    },
    /// A results file among lists that are sent with nobody watching.
    #[error(
        "{file}: this is a results file of outreach (it has a column outreach_status), and no new list: its people were messaged. Nothing was sent to them. If they are to get this message, take the columns out that begin with outreach_, or send it by hand: `outreach send` with another --batch, and for the same message with --ignore-consent-column outreach_status"
    )]
    Results {
        /// The file.
        file: String,
    },
    /// A quote that is never closed: it would swallow the rest of the file.
    #[error(
        "{file}, row {row} (line {line}): a quote is opened here and never closed; close or remove it"
    )]
    UnclosedQuote {
        /// The file.
        file: String,
        /// The row in which it opened.
        row: u32,
        /// The line of the file on which that row begins.
        line: u64,
    },
    /// A record of absurd size: probably a quote that closes only much later.
    #[error(
        "{file}, row {row} (line {line}): the row takes up more than {limit}: a quote is probably opened here and not closed"
    )]
    HugeRow {
        /// The file.
        file: String,
        /// The row.
        row: u32,
        /// The line of the file on which that row begins.
        line: u64,
        /// The limit, in words.
        limit: &'static str,
    },
    /// A character that no text has.
    #[error(
        "{file}, row {row}: holds a NUL character, which no text has: the file is damaged, or is in another encoding \
         (--encoding NAME); export the list once more"
    )]
    Nul {
        /// The file.
        file: String,
        /// The row.
        row: u32,
    },
    /// Lines in UTF-8 among others.
    #[error(
        "{file}: is in two encodings: {utf8} in UTF-8, {others} not (perhaps in {encoding}): some letters would be \
         wrong, whichever is taken; save all of it in UTF-8, or name one for all lines with --encoding"
    )]
    MixedEncodings {
        /// The file.
        file: String,
        /// The lines in UTF-8.
        utf8: Named,
        /// The others.
        others: Named,
        /// What these are most likely in.
        encoding: String,
    },
    /// A field that holds what looks like other rows.
    #[error(
        "{file}, row {row}: a quoted field contains what looks like the row that follows, row {}: close the quote that opens \
         in row {row}, or take the line breaks out of the cell if all of it is one", .row.saturating_add(1)
    )]
    SwallowedRows {
        /// The file.
        file: String,
        /// The row in which the quote opened.
        row: u32,
    },
    /// A column whose value stands only where it changes.
    #[error(
        "{file}: the column \"{column}\" seems to have its value only in the first row of each group, as a pivot table or merged \
         cells leave it: row {row} says \"{value}\", and the cells below it are empty. Fill the value into each row (in Excel: \
         select the column, Home > Find & Select > Go To Special > Blanks, type = and the cell above, Ctrl+Enter); or write \
         \"unknown\" into the empty cells, if nothing is known of these people"
    )]
    GroupedValues {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The row of such a value.
        row: u32,
        /// The value.
        value: String,
    },
    /// A header in two rows that cannot be put together.
    #[error(
        "{file}, row {row}: the names of the columns seem to stand in two rows, one above the other, and what \"{part}\" is about \
         is not certain. Write the whole name of each column into one row (\"Does not want SMS\"), and delete the other row"
    )]
    HeaderInTwoRows {
        /// The file.
        file: String,
        /// The row of the header.
        row: u32,
        /// A part of a name.
        part: String,
    },
    /// Another header among the rows.
    #[error(
        "{file}, row {row}: this row names columns, and others than those that the file is read by: two lists in one file, and the \
         rows below it would be read wrongly. Split the file before row {row}, and send both parts; or delete the row, if those \
         below it are like those above"
    )]
    SecondHeader {
        /// The file.
        file: String,
        /// The row.
        row: u32,
    },
    /// A line beside the table that says what a code, a mark or a colour means.
    #[error(
        "{file}: \"{line}\" says what a code, a mark or a colour means of who may be messaged, and no column is read so. Write \
         \"yes\" or \"no\" into a column with the name \"Consent\" in its place, and delete these words; or delete them, if they \
         are about something else"
    )]
    CodesExplained {
        /// The file.
        file: String,
        /// The line.
        line: String,
    },
    /// A line beside the table that says whom of its people not to message.
    #[error(
        "{file}: \"{line}\" says of people in the list that they must not be messaged, and it is not certain which rows are meant. \
         Write \"no\" beside each of them into a column with the name \"Consent\", and delete these words; or delete them, if they \
         are about something else"
    )]
    RefusesForSome {
        /// The file.
        file: String,
        /// The line.
        line: String,
    },
    /// A heading above people who must not be messaged.
    #[error(
        "{file}, row {row}: \"{heading}\" stands there without a number: whoever stands below it may not want to be messaged, \
         or who stands above it. Split the file before row {row}: send the first part, and put the other on the suppression \
         list with `outreach suppress import FILE`; write it beside the one whom it is about; or delete the row, if it is \
         about nobody"
    )]
    RefusalsBelow {
        /// The file.
        file: String,
        /// The row.
        row: u32,
        /// What it says.
        heading: String,
    },
    /// A heading that names another country than the list's.
    #[error(
        "{file}, row {row}: \"{heading}\" stands there without a number, and the numbers below it are read as those of {own}: if \
         they are of {country}, they would be strangers'. Write the country of each row into a column with the name \"Country\", or \
         split the file before row {row}; or delete the row, if they are of {own}",
        country = country.name(), own = own.name()
    )]
    CountryBelow {
        /// The file.
        file: String,
        /// The row.
        row: u32,
        /// What it says.
        heading: String,
        /// The country that it names.
        country: Region,
        /// The one by which the numbers are read.
        own: Region,
    },
    /// The name of a list is that of another country than its numbers are read by.
    #[error(
        "{file}: the name of the {what}, \"{name}\", is about {country_name}, and the numbers are read as those of {own}: if they are of \
         {country_name}, they would be strangers'. Name their country with --region {country}; or, if they are of {own}, change that name",
        country_name = country.name(), own = own.name()
    )]
    NamedAsCountry {
        /// The file.
        file: String,
        /// File, sheet or title.
        what: &'static str,
        /// Its name.
        name: String,
        /// The country that it names.
        country: Region,
        /// The one by which the numbers are read.
        own: Region,
    },
    /// The name of a file or a sheet says that its people must not be messaged.
    #[error(
        "{file}: the name of the {what}, \"{name}\", says that its people do not want to be messaged: `outreach suppress import` \
         puts them on the suppression list. If they are meant, {advice}"
    )]
    NamedAsRefusals {
        /// The file.
        file: String,
        /// File or sheet.
        what: &'static str,
        /// Its name.
        name: String,
        /// How to say that they are meant.
        advice: &'static str,
    },
    /// Another sheet has people who must not be messaged, as its name says.
    #[error(
        "{file}: the name of the sheet \"{other}\" says that its people do not want to be messaged, and they are not left out of \
         \"{sheet}\": put them on the suppression list with `outreach suppress import FILE --sheet \"{other}\"`, and then name \
         the list with --sheet \"{sheet}\""
    )]
    OtherSheetRefuses {
        /// The file.
        file: String,
        /// The sheet that was to be read.
        sheet: String,
        /// The other one.
        other: String,
    },
    /// A column of "yes" and "no" without a header.
    #[error(
        "{file}: column {column} has no header, and its cells are \"yes\" and \"no\": if it says who may be messaged, give it a \
         header (\"Consent\", \"Do not contact\"); if not, --ignore-consent-column {column}"
    )]
    UnnamedAnswers {
        /// The file.
        file: String,
        /// The column, from 1.
        column: usize,
    },
    /// The bytes are not those that were examined a moment before.
    #[error("{file}: the file changed while it was read: run again when nothing writes to it")]
    Changed {
        /// The file.
        file: String,
    },
    /// More rows than a row number can count.
    #[error("{file}: more than 4294967295 rows: split the file")]
    TooManyRows {
        /// The file.
        file: String,
    },
    /// Too few rows can be sent.
    #[error("{files}: {source}")]
    TooFewRows {
        /// The files, as far as there is room for their names.
        files: String,
        /// How few they are, and what is wrong with the others.
        source: TooFewRows,
    },
    /// A thread of this program panicked, which is a bug.
    #[error("{file}: an internal failure ended the reading: please report it")]
    Internal {
        /// The file.
        file: String,
    },
}

/// Too few rows of a list are valid: nothing of it is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TooFewRows {
    /// Not one row can be sent.
    #[error("none of the {rows} rows {fault}: nothing is sent; {hint}")]
    NoneValid {
        /// The rows that were read.
        rows: u64,
        /// What none of them is or does.
        fault: &'static str,
        /// What is most often wrong.
        hint: String,
    },
    /// Each row that could be sent is held by a cell that is not understood.
    #[error(
        "none of the {rows} rows is sent, because a column that says who may be messaged is not understood: {says}. If it does \
         say so, call it \"Consent\" or \"Do not contact\" in the list, with \"yes\" and \"no\" below; if it is about something \
         else, --ignore-consent-column HEADER"
    )]
    ConsentNotUnderstood {
        /// The rows that were read.
        rows: u64,
        /// What the first of them says, and where.
        says: String,
    },
    /// Fewer valid rows than asked for.
    #[error(
        "only {valid} of {rows} rows {} valid, less than the {minimum}% that --min-valid asks for: nothing is sent; \
         {hint}. `check` with --rejects FILE writes the rows to mend; --min-valid {} sends to the others",
        is_or_are(*.valid), share(*.valid, *.rows)
    )]
    BelowMinimum {
        /// Rows with a valid number.
        valid: u64,
        /// The rows that were read.
        rows: u64,
        /// The share that was asked for, in percent.
        minimum: u8,
        /// What is most often wrong.
        hint: String,
    },
}

/// As its text.
impl Serialize for TooFewRows {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

fn is_or_are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// The share of valid rows, in whole percent that are not more.
fn share(valid: u64, rows: u64) -> u64 {
    valid.saturating_mul(100) / rows.max(1)
}

impl IntakeError {
    /// Names the files that hold too few rows.
    pub(crate) fn too_few<S: AsRef<str>>(
        files: impl IntoIterator<Item = S>,
        source: TooFewRows,
    ) -> Self {
        let mut names = files.into_iter();
        let first: Vec<S> = names.by_ref().take(NAMED).collect();
        let first: Vec<&str> = first.iter().map(S::as_ref).collect();
        let more = match names.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Self::TooFewRows {
            files: first.join(", ") + &more,
            source,
        }
    }

    /// Names the file that a failed reading was about.
    pub(super) fn read(file: &str) -> impl Fn(io::Error) -> Self + Copy {
        move |source| Self::Read {
            file: file.to_owned(),
            source,
        }
    }
}

/// How many files are named; the rest is counted.
const NAMED: usize = 3;

/// How many names are listed; the rest is counted.
const LISTED: usize = 40;

/// How many characters of a name are shown.
const SHOWN: usize = 40;

fn listed(names: &[String]) -> String {
    let names_shown = names.iter().take(LISTED);
    // What is taken for a header may be a row of the list.
    let shown = |name: &String| shortened(&masked_cell(name), SHOWN).into_owned();
    let first: Vec<String> = names_shown.map(shown).collect();
    let rest = names.len() - first.len();
    let more = if rest == 0 {
        String::new()
    } else {
        format!(" and {rest} more")
    };
    first.join(", ") + &more
}

fn did_you_mean(near: Option<&String>) -> String {
    near.map_or_else(String::new, |name| format!(" (did you mean \"{name}\"?)"))
}

/// Why judging ended early: the file, or the sink of its rows.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError<E> {
    /// The file is refused; rows that were already handed over must be thrown away.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The sink of the rows failed.
    #[error("the rows could not be taken over")]
    Sink(#[source] E),
}

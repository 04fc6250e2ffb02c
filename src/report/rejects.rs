//! `<stem>.rejects.csv`: the rows that cannot be sent, to be mended and sent again.
//!
//! All columns of the input, then the row, the reason, a suggestion, and what the mended row takes the place of. The
//! added columns begin with `outreach_`, which intake does not take for columns of the list, so that the mended
//! file can be sent as it is.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::file::NewFile;
use super::table::{Cell, Column, Kind, REJECTS_SHEET, RowWriter, TableFile};
use crate::domain::dialect::FileFormat;
use crate::domain::phone::PhoneProblem;
use crate::domain::recipient::{JudgedRow, Mends, Record, RowProblem, Verdict};

/// Our columns, behind those of the input.
const COLUMNS: [(&str, Kind); 4] = [
    ("outreach_row", Kind::Count),
    ("outreach_reason", Kind::LongText),
    ("outreach_suggestion", Kind::Text),
    ("outreach_mends", Kind::Text),
];

/// Writes the rejects beside their final name, and puts them there at the end.
pub struct RejectsFile {
    path: PathBuf,
    new: NewFile,
    table: TableFile,
    batch: Option<String>,
    columns: usize,
    rows: u64,
}

impl RejectsFile {
    /// Begins a file with the columns of the input. Rows of a batch name themselves, so that the batch knows which
    /// of its rows was mended.
    ///
    /// # Errors
    ///
    /// If the temporary file cannot be written in the folder of `path`.
    pub fn create(
        path: &Path,
        headers: &[String],
        format: FileFormat,
        batch: Option<&str>,
    ) -> Result<Self, ReportError> {
        let (new, file) = NewFile::create(path)?;
        let input = headers.iter().map(|name| Column {
            name,
            kind: Kind::Text,
        });
        let ours = COLUMNS
            .iter()
            .map(|(name, kind)| Column { name, kind: *kind });
        let columns: Vec<_> = input.chain(ours).collect();
        let begin = || {
            let mut table = TableFile::new(format, file, REJECTS_SHEET, &new.folder())?;
            table.header(&columns)?;
            Ok(table)
        };
        let table = begin().map_err(|error: ReportError| error.at(path))?;
        Ok(Self {
            path: path.to_owned(),
            new,
            table,
            batch: batch.map(str::to_owned),
            columns: headers.len(),
            rows: 0,
        })
    }

    /// Adds the row if it is invalid; other rows do not belong in this file, nor does one that says beside its number
    /// that this must not be messaged: there is nothing to mend.
    ///
    /// # Errors
    ///
    /// If the file cannot be written, or hold one more row.
    pub fn push(&mut self, row: &JudgedRow) -> Result<(), ReportError> {
        let Verdict::Invalid {
            problem,
            suggestion,
            phone: _,
        } = &row.verdict
        else {
            return Ok(());
        };
        if *problem == RowProblem::Phone(PhoneProblem::SaysNo) {
            return Ok(());
        }
        self.rows += 1;
        self.write(row, problem, suggestion.as_deref())
            .map_err(|error| error.at(&self.path))
    }

    fn write(
        &mut self,
        row: &JudgedRow,
        problem: &RowProblem,
        suggestion: Option<&str>,
    ) -> Result<(), ReportError> {
        for index in 0..self.columns {
            let text = row.record.get(index).unwrap_or("");
            self.table.cell(Cell::Foreign(text))?;
        }
        let reason = problem.to_string();
        let surplus = surplus(&row.record, self.columns, problem);
        let hint = surplus.as_deref().or(suggestion).unwrap_or("");
        let mends = self.batch.as_ref().map(|batch| Mends {
            batch: batch.clone(),
            position: row.position,
        });
        let mends = mends.map_or_else(String::new, |mends| mends.to_string());
        for cell in [
            Cell::Count(row.position.row.get().into()),
            Cell::Foreign(&reason),
            Cell::Foreign(hint),
            Cell::Foreign(&mends),
        ] {
            self.table.cell(cell)?;
        }
        self.table.end_row()
    }

    /// Where it belongs.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the file that stands in its place as it is, and returns how many rows it has; `None` if it is another
    /// one.
    ///
    /// # Errors
    ///
    /// If the files cannot be written or read.
    pub fn compare(self) -> Result<Option<u64>, ReportError> {
        let Self {
            path,
            new,
            table,
            rows,
            ..
        } = self;
        if rows == 0 {
            return Ok(Some(0));
        }
        let compare = || {
            // Open to the end: nobody takes it for one that was left.
            let (_open, _) = table.finish(&[])?;
            let same = new
                .temporary()
                .map_or(Ok(false), |new| same_content(&path, new))?;
            Ok(same.then_some(rows))
        };
        compare().map_err(|error: ReportError| error.at(&path))
    }

    /// Puts the file in its place and returns how many rows it has; without any row there is no file.
    ///
    /// A file with the same name and another content is kept as `<name>.bak`: a person may be mending it.
    ///
    /// # Errors
    ///
    /// If the file cannot be written or renamed.
    pub fn finish(self) -> Result<u64, ReportError> {
        let Self {
            path,
            new,
            table,
            rows,
            ..
        } = self;
        if rows == 0 {
            return Ok(0);
        }
        let put = || {
            let (file, _) = table.finish(&[])?;
            if let Some(temporary) = new.temporary()
                && path.exists()
                && !same_content(&path, temporary)?
            {
                let mut backup = path.file_name().unwrap_or_default().to_os_string();
                backup.push(".bak");
                fs::rename(&path, path.with_file_name(backup))?;
            }
            new.publish(&file, || ())?;
            Ok(rows)
        };
        put().map_err(|error: ReportError| error.at(&path))
    }
}

/// Fields behind the last column have no column in the file: they are named as the suggestion.
fn surplus(record: &Record, columns: usize, problem: &RowProblem) -> Option<String> {
    if !matches!(problem, RowProblem::UnevenLength { .. }) || record.len() <= columns {
        return None;
    }
    let fields: Vec<&str> = record.iter().skip(columns).collect();
    Some(format!("fields without a column: {}", fields.join(" | ")))
}

fn same_content(a: &Path, b: &Path) -> io::Result<bool> {
    if a.metadata()?.len() != b.metadata()?.len() {
        return Ok(false);
    }
    let (a, b) = (
        io::BufReader::new(File::open(a)?),
        io::BufReader::new(File::open(b)?),
    );
    for (a, b) in a.bytes().zip(b.bytes()) {
        if a? != b? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dialect::{Delimiter, Dialect};
    use crate::domain::phone::PhoneProblem;
    use crate::domain::recipient::{Position, RowNumber};

    const CSV: FileFormat = FileFormat::Text(Dialect {
        delimiter: Delimiter::Comma,
        mark: false,
    });

    fn row(fields: &[&str], problem: RowProblem) -> JudgedRow {
        JudgedRow {
            position: Position {
                file: 0,
                row: RowNumber::new(7).unwrap(),
            },
            mends: None,
            record: fields.iter().collect(),
            typed: String::new(),
            verdict: Verdict::Invalid {
                problem,
                suggestion: Some("+420777123456".to_owned()),
                phone: None,
            },
        }
    }

    fn write(path: &Path, row: &JudgedRow) -> String {
        let headers = ["name".to_owned(), "phone".to_owned()];
        let mut file = RejectsFile::create(path, &headers, CSV, Some("spring")).unwrap();
        file.push(row).unwrap();
        assert_eq!(file.finish().unwrap(), 1);
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_reject_shows_its_columns_disarmed_and_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rejects.csv");
        let text = write(
            &path,
            &row(
                &["=1+1", "777"],
                RowProblem::Phone(PhoneProblem::NeedsRegion),
            ),
        );
        assert_eq!(
            text,
            "name,phone,outreach_row,outreach_reason,outreach_suggestion,outreach_mends\n\
             '=1+1,777,7,the number has no country code and no country is set for it,+420777123456,spring:1:7\n"
        );
        let text = write(
            &path,
            &row(
                &["a", "b", "c", "d"],
                RowProblem::UnevenLength {
                    expected: 2,
                    found: 4,
                },
            ),
        );
        assert!(text.ends_with(
            "a,b,7,the row has 4 fields where the header has 2,fields without a column: c | d,spring:1:7\n"
        ));
        assert!(
            folder.path().join("a.rejects.csv.bak").exists(),
            "the earlier file is kept"
        );
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            2,
            "no temporary file is left"
        );
    }

    #[test]
    fn without_rejects_there_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let file =
            RejectsFile::create(&folder.path().join("a.rejects.csv"), &[], CSV, None).unwrap();
        assert_eq!(file.finish().unwrap(), 0);
        drop(RejectsFile::create(&folder.path().join("b.rejects.csv"), &[], CSV, None).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

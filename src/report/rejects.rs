//! `<stem>.rejects.csv`: the rows that cannot be sent, to be mended and sent again.
//!
//! All columns of the input, then the row, the reason and a suggestion. The added columns begin with
//! `outreach_`, which intake ignores, so that the mended file can be sent as it is.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::file::NewFile;
use crate::domain::recipient::{JudgedRow, Record, RowProblem, Verdict};
use crate::domain::spreadsheet::guard;

/// Writes the rejects beside their final name, and puts them there at the end.
pub struct RejectsFile {
    path: PathBuf,
    new: NewFile,
    writer: csv::Writer<File>,
    columns: usize,
    rows: u64,
}

impl RejectsFile {
    /// Begins a file with the columns of the input.
    ///
    /// # Errors
    ///
    /// If the temporary file cannot be written in the folder of `path`.
    pub fn create(path: &Path, headers: &[String]) -> Result<Self, ReportError> {
        let (new, file) = NewFile::create(path)?;
        let mut writer = csv::Writer::from_writer(file);
        let added = ["outreach_row", "outreach_reason", "outreach_suggestion"];
        let header = headers
            .iter()
            .map(|header| guard(header))
            .chain(added.map(Into::into));
        writer
            .write_record(header.map(std::borrow::Cow::into_owned))
            .map_err(|error| ReportError::from(error).at(path))?;
        Ok(Self {
            path: path.to_owned(),
            new,
            writer,
            columns: headers.len(),
            rows: 0,
        })
    }

    /// Adds the row if it is invalid; other rows do not belong in this file.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn push(&mut self, row: &JudgedRow) -> Result<(), ReportError> {
        let Verdict::Invalid {
            problem,
            suggestion,
            phone: _,
        } = &row.verdict
        else {
            return Ok(());
        };
        self.rows += 1;
        self.write(row, problem, suggestion.as_deref())
            .map_err(|error| ReportError::from(error).at(&self.path))
    }

    fn write(
        &mut self,
        row: &JudgedRow,
        problem: &RowProblem,
        suggestion: Option<&str>,
    ) -> csv::Result<()> {
        let place = row.position.row.to_string();
        let reason = problem.to_string();
        let surplus = surplus(&row.record, self.columns, problem);
        let hint = surplus.as_deref().or(suggestion).unwrap_or("");
        let input = (0..self.columns).map(|index| row.record.get(index).unwrap_or(""));
        for cell in input.chain([place.as_str(), &reason, hint]) {
            self.writer.write_field(guard(cell).as_bytes())?;
        }
        self.writer.write_record(None::<&[u8]>)
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
            writer,
            rows,
            ..
        } = self;
        if rows == 0 {
            return Ok(0);
        }
        let put = || {
            let mut file = writer
                .into_inner()
                .map_err(|error| io::Error::other(error.to_string()))?;
            file.flush()?;
            if let Some(temporary) = new.temporary()
                && path.exists()
                && !same_content(&path, temporary)?
            {
                let mut backup = path.file_name().unwrap_or_default().to_os_string();
                backup.push(".bak");
                fs::rename(&path, path.with_file_name(backup))?;
            }
            new.publish(&file, || ())
        };
        put().map_err(|error: io::Error| ReportError::from(error).at(&path))?;
        Ok(rows)
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
    use crate::domain::phone::PhoneProblem;
    use crate::domain::recipient::{Position, RowNumber};

    fn row(fields: &[&str], problem: RowProblem) -> JudgedRow {
        JudgedRow {
            position: Position {
                file: 0,
                row: RowNumber::new(7).unwrap(),
            },
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
        let mut file = RejectsFile::create(path, &["name".to_owned(), "phone".to_owned()]).unwrap();
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
            "name,phone,outreach_row,outreach_reason,outreach_suggestion\n\
             '=1+1,777,7,the number has no country code and no country is set for it,+420777123456\n"
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
            "a,b,7,the row has 4 fields where the header has 2,fields without a column: c | d\n"
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
        let file = RejectsFile::create(&folder.path().join("a.rejects.csv"), &[]).unwrap();
        assert_eq!(file.finish().unwrap(), 0);
        drop(RejectsFile::create(&folder.path().join("b.rejects.csv"), &[]).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

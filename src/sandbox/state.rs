//! The accepted messages on disk, so that a sandbox process can be killed and go on.
//!
//! One JSON object a line, appended before the answer leaves. It survives the process, not the
//! machine: there is no fsync. Webhook events and opt-outs are not kept.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::store::check_plain;

/// One accepted message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line<'a> {
    pub(super) channel: &'a str,
    pub(super) number: u64,
    pub(super) id: u64,
    pub(super) sent_ms: u64,
    #[serde(borrow)]
    pub(super) content: &'a RawValue,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<&'a RawValue>,
}

/// The open file.
#[derive(Debug)]
pub(super) struct StateFile(File);

impl StateFile {
    /// Opens or makes the file and hands every line that it holds to `enter`.
    ///
    /// # Errors
    /// If it cannot be opened, or holds a line that is not ours. A last line without its end, which a
    /// kill can leave, is removed: its message was never answered.
    pub(super) fn open(path: &Path, mut enter: impl FnMut(Line)) -> io::Result<Self> {
        check_plain(path)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let mut reader = BufReader::new(&file);
        let (mut text, mut whole) = (String::new(), 0);
        while reader.read_line(&mut text)? > 0 && text.ends_with('\n') {
            enter(serde_json::from_str(&text)?);
            whole += text.len() as u64;
            text.clear();
        }
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self(file))
    }

    /// Appends a message in one write.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.0.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(path: &Path) -> Vec<u64> {
        let mut ids = Vec::new();
        StateFile::open(path, |line| {
            assert_eq!((line.channel, line.number), ("77", 15_550_100_199));
            ids.push(line.id);
        })
        .unwrap();
        ids
    }

    #[test]
    fn what_was_accepted_is_there_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.state");
        let content =
            RawValue::from_string(r#"{"type":"text","payload":"line\nbreak"}"#.to_owned()).unwrap();
        let mut state = StateFile::open(&path, |_| ()).unwrap();
        for id in [5, 6] {
            let line = Line {
                channel: "77",
                number: 15_550_100_199,
                id,
                sent_ms: 1_700_000_000_000,
                content: &content,
                metadata: None,
            };
            state.append(&line).unwrap();
        }
        state.0.write_all(b"{\"channel\":\"77\",\"num").unwrap();
        for _ in 0..2 {
            assert_eq!(ids(&path), [5, 6]);
        }
    }

    #[test]
    fn another_programs_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts.csv");
        std::fs::write(&path, "phone\n+420777123456\n").unwrap();
        assert!(StateFile::open(&path, |_| ()).is_err());
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "phone\n+420777123456\n"
        );
    }
}

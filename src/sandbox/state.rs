//! The accepted messages on disk, so that a sandbox process can be killed and go on.
//!
//! One JSON object a line, appended before the answer leaves. It survives the process, not the
//! machine: there is no fsync. Webhook events and opt-outs are not kept.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::book::{Book, Who, lock};
use super::settings::Channel;

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    channel: &'a str,
    number: u64,
    id: u64,
    sent_ms: u64,
    #[serde(borrow)]
    content: &'a RawValue,
}

/// The open file.
#[derive(Debug)]
pub(super) struct State(Mutex<File>);

impl State {
    /// Opens or makes the file and enters what it holds into the book.
    ///
    /// # Errors
    /// If it cannot be opened, or holds a line that is not ours. A last line without its end, which a
    /// kill can leave, is removed: its message was never answered.
    pub(super) fn open(path: &Path, channels: &[Channel], book: &Book) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let mut reader = BufReader::new(&file);
        let (mut text, mut whole) = (String::new(), 0);
        while reader.read_line(&mut text)? > 0 && text.ends_with('\n') {
            let line: Line = serde_json::from_str(&text)?;
            let index = (0u8..)
                .zip(channels)
                .find(|(_, channel)| channel.id == line.channel);
            if let Some((index, _)) = index {
                book.enter(
                    Who::new(index, line.number),
                    line.id,
                    line.sent_ms,
                    line.content.get(),
                    None,
                );
            }
            whole += text.len() as u64;
            text.clear();
        }
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self(Mutex::new(file)))
    }

    /// Appends a message in one write.
    pub(super) fn keep(
        &self,
        channel: &Channel,
        who: Who,
        id: u64,
        sent_ms: u64,
        content: &RawValue,
    ) -> io::Result<()> {
        let line = Line {
            channel: &channel.id,
            number: who.number(),
            id,
            sent_ms,
            content,
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        lock(&self.0).write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::book::Message;
    use super::*;

    #[test]
    fn what_was_accepted_is_there_again_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sandbox.state");
        let channels = [Channel::new("77", "mobile")];
        let content =
            RawValue::from_string(r#"{"type":"text","payload":"line\nbreak"}"#.to_owned()).unwrap();
        let who = Who::new(0, 15_550_100_199);
        {
            let state = State::open(&path, &channels, &Book::new()).unwrap();
            state
                .keep(&channels[0], who, 5, 1_700_000_000_000, &content)
                .unwrap();
            state
                .keep(&channels[0], who, 6, 1_700_000_000_001, &content)
                .unwrap();
        }
        OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"channel\":\"77\",\"num")
            .unwrap();
        for _ in 0..2 {
            let book = Book::new();
            let state = State::open(&path, &channels, &book).unwrap();
            drop(state);
            assert_eq!(book.repeated.load(Ordering::Relaxed), 1);
            let messages: Option<Vec<Message>> = book.with(who, |person| person.messages.clone());
            let ids: Vec<u64> = messages.unwrap().iter().map(|message| message.id).collect();
            assert_eq!(ids, [5, 6]);
        }
    }

    #[test]
    fn another_programs_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts.csv");
        std::fs::write(&path, "phone\n+420777123456\n").unwrap();
        assert!(State::open(&path, &[], &Book::new()).is_err());
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "phone\n+420777123456\n"
        );
    }
}

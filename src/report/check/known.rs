//! What the checkpoint knows of the people of a list, in words.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::text::on_one_line;
use crate::report::text_table::{Column, TextTable};
use crate::report::words::{grouped, minute, plural};

/// How many batches are named in the text; the JSON has all.
const BATCHES: usize = 3;

/// What the checkpoint knows of the people of a list. Nobody counts twice in a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KnownPeople {
    /// They got a message before.
    pub messaged: KnownLine,
    /// They opted in.
    pub opted_in: KnownLine,
    /// They opted out.
    pub opted_out: KnownLine,
    /// The number had no Messenger when it was tried last.
    pub no_messenger: KnownLine,
    /// It is not known whether they got a message.
    pub unknown: KnownLine,
    /// Whom Facebook lets the page write to; `None` on another channel, where none is named, and where the page knows
    /// nobody of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_window: Option<ReplyWindow>,
}

/// Of the people who would be sent to, those whom the page knows: Facebook takes hardly anything for them that is not
/// sent within 24 hours after they acted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ReplyWindow {
    /// They are contacts on the channel.
    pub contacts: u64,
    /// Of these, who wrote, pressed a button or opted in within 24 hours.
    pub acted: u64,
}

/// One thing that is known of people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct KnownLine {
    /// Of how many.
    pub people: u64,
    /// When it was so last.
    pub last: Option<Timestamp>,
    /// By which batches, the one with most people first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<KnownBatch>,
}

/// A batch of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnownBatch {
    /// Its name.
    pub batch: String,
    /// How many of them.
    pub people: u64,
    /// When it was so last.
    pub last: Timestamp,
}

impl KnownPeople {
    /// A table with a line for each fact that is known of the people, `width` columns wide; empty without any.
    pub(crate) fn lines(&self, width: usize) -> Vec<String> {
        let mut table = TextTable::new(&[
            Column::count("people"),
            Column::text("what is known"),
            Column::text("last").leaves_at(1),
            Column::text("batches").leaves_at(2),
        ]);
        let lines = [
            (&self.messaged, "messaged before"),
            (&self.unknown, "message with an unknown outcome"),
            (&self.opted_in, "opted in"),
            (&self.opted_out, "opted out"),
            (&self.no_messenger, "had no Messenger"),
        ];
        let known = lines.into_iter().filter(|(line, _)| line.people > 0);
        for (line, what) in known.clone() {
            table.row(vec![
                grouped(line.people),
                what.to_owned(),
                line.last.map_or_else(String::new, minute),
                line.batches_text(),
            ]);
        }
        let mut lines = match known.count() {
            0 => Vec::new(),
            _ => table.text(width).lines().map(str::to_owned).collect(),
        };
        lines.extend(self.reply_window.and_then(ReplyWindow::text));
        lines
    }
}

impl ReplyWindow {
    /// Nothing where all may be written to.
    fn text(self) -> Option<String> {
        let late = self.contacts.saturating_sub(self.acted);
        if late == 0 {
            return None;
        }
        let acted = plural(self.acted, "has acted", "have acted");
        let contacts = plural(
            self.contacts,
            "person who would be sent to is a contact on this channel",
            "people who would be sent to are contacts on this channel",
        );
        Some(format!(
            "{contacts}; {acted} within the last 24 hours, after which Facebook takes hardly any message from a page \
             (`outreach man facebook`)."
        ))
    }
}

impl KnownLine {
    /// `spring (1,200), autumn (34) and 2 more`.
    fn batches_text(&self) -> String {
        let named = self.batches.iter().take(BATCHES);
        let named: Vec<String> = named
            .map(|it| format!("{} ({})", on_one_line(&it.batch), grouped(it.people)))
            .collect();
        match self.batches.len().saturating_sub(BATCHES) {
            0 => named.join(", "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }
}

//! What was asked for does not fit what the checkpoint holds, in words for people.

use std::num::NonZeroU32;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::domain::batch_name;
use crate::report::{minute, quoted};

/// What was asked does not fit what the checkpoint holds. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It does not keep how its list was read.
    #[error(
        "batch {0} does not keep how its list was read, so its rows cannot be mended here: mend its rejects file, and send that"
    )]
    NotMendable(String),
    /// No process sends the batch, so that there is nothing to pause.
    #[error("batch {0} is not being sent: there is nothing to pause")]
    NotSent(String),
    /// A second person must approve the batch.
    #[error(
        "{person} {did} this batch, and a second person must start it: that person looks at it on the console, and starts it there; nothing was sent"
    )]
    NeedsAnother {
        /// Who cannot start it.
        person: String,
        /// What that person did to it.
        did: &'static str,
    },
    /// A new batch cannot be called so.
    #[error("a batch cannot be called {0:?}: its name has {rule}", rule = batch_name::RULE)]
    BatchName(String),
    /// Other batches messaged people of the list, and what is to become of them was not said.
    #[error(
        "people of this list have a message from another batch already:{}\n  Say what is meant: --skip-messaged leaves them out (and the other batch leaves out the people whom this one messages), --message-again sends them this message too. Nothing was sent",
        lines(.0)
    )]
    MessagedBefore(Vec<String>),
    /// Two files hold who was messaged.
    #[error(
        "{} in this folder and {} both hold real batches or suppressed numbers, and neither knows whom the other messaged: say with --db which one is meant (or db in the settings file). `outreach man checkpoint` says how one takes in the messages of the other",
        .0.display(), .1.display()
    )]
    TwoCheckpoints(PathBuf, PathBuf),
    /// The list of a night's batch was edited, and the batch goes by what it was.
    #[error(
        "batch {} is sent by a night, and its list {} was edited since it was read: it may refuse people by now. The next `outreach night` reads it again and goes on; to go on by the list as it was read, take that file out of the inbox. Nothing was sent",
        .0, .1.display()
    )]
    ListEdited(String, PathBuf),
    /// Two lists of a night have one name, and the batch of the first is not complete.
    #[error(
        "another list in inbox is called {0} too, and its batch comes first: this one waits until that one is filed away, or has another name"
    )]
    SameListName(String),
    /// No condition chooses an audience.
    #[error(
        "an audience needs a condition: give at least one of --opted-in, --accepted-not-read, --batch-status, --country, --on-channel, --not-within"
    )]
    WhatAudience,
    /// There is nothing to be sent.
    #[error("what should be sent? Give --message TEMPLATE or --content FILE.json")]
    NoMessage,
    /// A list mends rows of several batches.
    #[error(
        "the rows mend rows of several batches ({}): give the rows of each batch in a file of their own, or --batch NAME to send all as a batch of their own; nothing was sent", .0.join(", ")
    )]
    MendsSeveral(Vec<String>),
    /// A batch was restored from results files, which hold no messages.
    #[error(
        "batch {0} was restored from {1}, which holds no messages: nothing was sent. Send its list again, with the same message and channel, and it goes on: those who were messaged are not messaged again"
    )]
    NeedsList(String, String),
    /// A follow-up was restored from results files, which do not say what its people wait for.
    #[error(
        "batch {0} was a follow-up and was restored from {1}, which does not say what its people wait for: nothing was sent. `outreach send --after EVENT --of BATCH`, with its message and channel, makes it again"
    )]
    NeedsFollowUp(String, String),
    /// The rows of the batch are gone: a file that has them is not written over.
    #[error(
        "batch {batch} was pruned on {}: its rows hold no numbers and no fields any more, and {}, which may, is not \
         written over. Nothing was written; name another file with -o",
        minute(*.at), .path.display()
    )]
    Pruned {
        /// The batch.
        batch: String,
        /// When.
        at: Timestamp,
        /// The file.
        path: PathBuf,
    },
    /// A list cannot be added to a batch that is not there.
    #[error("there is no batch `{0}` yet: leave out --add and --update to begin it")]
    NoBatchYet(String),
    /// The name belongs to another batch: what differs, and whether its list could be replaced.
    #[error(
        "batch `{}` was begun with other {}. Leave --batch out (or name another) for a new batch{}",
        .0, .1.join(" and other "), remedy(*.2)
    )]
    OtherDefinition(String, Vec<&'static str>, bool),
    /// A list can join a batch only with the same content and channel.
    #[error(
        "batch `{0}` was begun with another {1}; give that one, or another --batch, or give the batch up with `outreach cancel {name}`",
        name = quoted(.0)
    )]
    OtherMessage(String, &'static str),
    /// A batch keeps how long its messages may be.
    #[error(
        "batch `{batch}` was begun {}: to judge its rows by another limit, give --batch {} --update; nothing was changed",
        kept.map_or_else(|| "without --max-segments".to_owned(), |kept| format!("with --max-segments {kept}")),
        quoted(batch)
    )]
    OtherSegments {
        /// The batch.
        batch: String,
        /// Its limit.
        kept: Option<NonZeroU32>,
    },
    /// A batch keeps its other channels, and their messages.
    #[error(
        "batch `{batch}` was begun {}: its rows hold the messages for these channels. Give the same flags --fallback, --message-for and --content-for as then (further channels may follow them, with the batch's own message), or another --batch; nothing was changed",
        match kept.as_slice() {
            [] => "without messages for other channels".to_owned(),
            kept => format!("with --fallback {}", kept.join(", --fallback ")),
        }
    )]
    OtherFallback {
        /// The batch.
        batch: String,
        /// Its other channels, for people.
        kept: Vec<String>,
    },
    /// A channel is named twice.
    #[error(
        "channel {0} is named twice: --fallback names other channels than --channel, each once"
    )]
    SameChannel(String),
    /// More channels than a batch may have.
    #[error("a batch may have {0} other channels at the most (--fallback)")]
    TooManyChannels(usize),
    /// Another channel needs a message of its own.
    #[error(
        "the message is not plain text: give channel {0} its own with --message-for {0}=TEXT or --content-for {0}=FILE"
    )]
    NoPlainText(String),
    /// There is no other channel.
    #[error("no other channel is named: give --fallback CHANNEL")]
    NoOtherChannel,
    /// The people of a follow-up are those of another batch.
    #[error(
        "batch `{0}` is a follow-up: its people are those of another batch, and no list joins it"
    )]
    FollowUpList(String),
    /// A follow-up that is due when it is too late.
    #[error(
        "nobody would get it: {delay} after the event (--delay) is not before {expires} after it (--expires)"
    )]
    NeverInTime {
        /// The delay, for people.
        delay: String,
        /// The end, for people.
        expires: String,
    },
    /// A list can join a batch only with the same columns.
    #[error(
        "batch {batch} has the columns {}, this file has {}: a batch has the same columns in all its files. {}",
        has.join(", "), file.join(", "), same_columns(batch, has, file)
    )]
    OtherColumns {
        /// The batch.
        batch: String,
        /// Its columns.
        has: Vec<String>,
        /// The columns of the file.
        file: Vec<String>,
    },
    /// A list to be suppressed says of some of its people only that they must not be messaged.
    #[error(
        "{} says who must not be messaged: {refusing} of the numbers in this list, and not the other {others}. \
         --rows refusing puts those on the suppression list of whom it says so, --rows all puts everybody there \
         (`outreach suppress import FILE --rows refusing`). Nothing was changed",
        columns.join(", ")
    )]
    NotAllRefuse {
        /// The columns that say so.
        columns: Vec<String>,
        /// Numbers of whom it says so.
        refusing: usize,
        /// The others.
        others: usize,
    },
    /// The same, and nothing in the list can say so.
    #[error(
        "nothing in this list says who must not be messaged: its columns are {}, and beside no number stands a word for it. If \
         everybody in it must not be messaged, leave out --rows refusing. Nothing was changed",
        columns.join(", ")
    )]
    NobodyCanRefuse {
        /// Its columns.
        columns: Vec<String>,
    },
    /// Opt-outs on a sheet that is not read would be lost.
    #[error(
        "{file} has several sheets with numbers: {}. Import them one after the other, each with --sheet NAME. Nothing was changed",
        names.join(", ")
    )]
    SeveralSheets {
        /// The workbook.
        file: String,
        /// Its sheets with numbers.
        names: Vec<String>,
    },
    /// Messages of a rehearsal must not count as messages to real people.
    #[error("this checkpoint holds rehearsals (batch {0}): name another one with --db")]
    HoldsRehearsals(String),
    /// The same, the other way round.
    #[error("this checkpoint holds real batches ({0}): a rehearsal needs one of its own (--db)")]
    HoldsRealBatches(String),
    /// A rehearsal cannot be continued as a real batch.
    #[error("batch {0} is a rehearsal: continue it with --sandbox")]
    IsRehearsal(String),
    /// A real batch cannot be continued as a rehearsal.
    #[error("batch {0} is a real one: continue it without --sandbox")]
    IsReal(String),
    /// A rehearsal must reach no real person.
    #[error("batch {0} is a rehearsal: it is sent to a sandbox on this machine only")]
    RehearsalElsewhere(String),
    /// What a program on this machine took was never sent to people, and the reverse.
    #[error(
        "batch {batch} went to the API at {before} so far, and would go on at {now}: one of the two is on this machine, such \
         as a sandbox. Give --base-url {before}, or send the list as another batch (--batch NAME)"
    )]
    OtherApi {
        /// The batch.
        batch: String,
        /// Where its requests went.
        before: String,
        /// Where they would go.
        now: String,
    },
    /// A batch has one channel.
    #[error("batch {batch} goes to channel {channel}, not {asked}: a batch has one channel")]
    OtherChannel {
        /// The batch.
        batch: String,
        /// Its channel.
        channel: String,
        /// The channel that was given.
        asked: String,
    },
    /// Its list was not read to its end.
    #[error("the list of batch {0} was not read to its end: run `send` again")]
    NotWhole(String),
    /// There is nothing to continue.
    #[error("no batch is unfinished; `outreach status` lists them all")]
    NoneUnfinished,
    /// One of them must be named.
    #[error("several batches are unfinished, name one: {}", .0.join(", "))]
    SeveralUnfinished(Vec<String>),
    /// There is nobody to give up.
    #[error("nobody of batch {0} is queued: there is nothing to cancel")]
    NobodyQueued(String),
    /// No refusals stopped the batch.
    #[error("batch {0} was not stopped by identical refusals: there is nothing to confirm")]
    NothingToConfirm(String),
    /// Refusals stopped the batch that never mean "no Messenger".
    #[error(
        "the answer that stopped batch {0} is an error, never \"no Messenger\": there is nothing to confirm; mend the cause (template, channel, permission), then `outreach resume {name}` sends to those recipients again",
        name = quoted(.0)
    )]
    NotAboutMessenger(String),
    /// A row of the batch is not one that can be chosen, or is not there.
    #[error(
        "row {row} of batch {batch}{} is not one {wanted}; nothing was changed; \
         `outreach status {} --row {row}` shows what became of it",
        file.as_deref().map(|file| format!(" in {file}")).unwrap_or_default(), quoted(batch)
    )]
    RowNotAmong {
        /// The batch.
        batch: String,
        /// The row.
        row: u32,
        /// Its file, where one was named.
        file: Option<String>,
        /// Which rows can be chosen: "that was refused".
        wanted: &'static str,
    },
    /// A row number stands in several files of the batch: the rows, each with its file.
    #[error(
        "several files of batch {} have a row with this number: say which file with --file; nothing was changed{}",
        .0, lines(.1)
    )]
    AmbiguousRow(String, Vec<String>),
    /// The message of this row is not sent to anybody.
    #[error("the message of {0} cannot be tested: {1}; --row names another row; nothing was sent")]
    NotTestable(String, String),
    /// There is no row with a message.
    #[error(
        "{of} has no {} with a message; nothing was sent",
        row.map_or_else(|| "row".to_owned(), |row| format!("row {row}"))
    )]
    NoSuchRow {
        /// The batch, or the list.
        of: String,
        /// The row that was asked for.
        row: Option<u32>,
    },
    /// No file of the batch, or several, have this name.
    #[error(
        "--file {file} names no single file of batch {batch}; by number, they are:{}",
        lines(files)
    )]
    NoSuchFile {
        /// The batch.
        batch: String,
        /// What was given.
        file: String,
        /// The files of the batch, by number.
        files: Vec<String>,
    },
    /// The sandbox of a rehearsal is gone, and with it its message list.
    #[error(
        "this batch was a rehearsal: the sandbox that took its messages is gone; settle it with --assume-sent or --resend"
    )]
    NoEvidenceOfRehearsal,
}

/// What makes a file join a batch whose columns are others.
fn same_columns(batch: &str, has: &[String], file: &[String]) -> String {
    let of = |columns: &[String], others: &[String]| {
        let missing = columns.iter().filter(|it| !others.contains(it));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        missing.join(", ")
    };
    let (more, fewer) = (of(file, has), of(has, file));
    let how = match (more.is_empty(), fewer.is_empty()) {
        (true, true) => "Put them into that order".to_owned(),
        (false, true) => format!("Take {more} out of the file"),
        (true, false) => format!("Put {fewer} back into the file"),
        (false, false) => format!("Take {more} out of the file and put {fewer} back"),
    };
    let refusals = if more.is_empty() {
        String::new()
    } else {
        "; if a new column says who must not be messaged, `outreach suppress import FILE --rows refusing` with the whole \
             file keeps those people out first"
            .to_owned()
    };
    format!(
        "{how}{refusals}. Or send the file as another batch: another --batch than {batch}, with --skip-messaged nobody gets \
         both. Nothing was changed"
    )
}

/// What can be done about another list.
fn remedy(rows_only: bool) -> &'static str {
    if rows_only {
        "; --update replaces the list of this one, --add adds to it"
    } else {
        ""
    }
}

/// Each on a line of its own.
fn lines(choices: &[String]) -> String {
    choices.iter().flat_map(|choice| ["\n  ", choice]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mismatch_says_what_to_do_next() {
        let other = |rows_only| {
            Mismatch::OtherDefinition("spring".into(), vec!["rows", "columns"], rows_only)
        };
        assert_eq!(
            other(true).to_string(),
            "batch `spring` was begun with other rows and other columns. Leave --batch out (or name \
             another) for a new batch; --update replaces the list of this one, --add adds to it"
        );
        assert!(other(false).to_string().ends_with("for a new batch"));
        let places = vec!["a.csv, row 2".into(), "b.csv, row 2".into()];
        let rows = Mismatch::AmbiguousRow("spring".into(), places);
        assert!(
            rows.to_string()
                .ends_with("\n  a.csv, row 2\n  b.csv, row 2")
        );
    }
}

//! Why a checkpoint is not taken for the one that was last used.

use std::path::PathBuf;

/// Why a checkpoint is not taken for the one that was last used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// It is not there any more.
    #[error(
        "is gone, and {} says that it was there: a new one would message everybody again. Put it back (a copy: then `outreach checkpoint adopt --suppressions FILE`); if it is lost, `outreach history import RESULTS --suppressions FILE` makes a new one of its results files; if nobody was messaged from it, delete {}", .0.display(), .0.display()
    )]
    Gone(PathBuf),
    /// It has several names.
    #[error(
        "has {0} names (hard links): programs that use it by different names do not see each other, and its log belongs to one of them. Remove all names but one"
    )]
    Linked(u64),
    /// It was made on another machine.
    #[error(
        "was last used on another machine. If that one goes on with its own, people are messaged twice; `outreach checkpoint adopt --suppressions FILE` says that this is the one"
    )]
    Machine,
    /// It was written as a backup.
    #[error(
        "is a backup of {0}: it does not know who was messaged since, and who opted out. If the checkpoint that it was made of is still there, use that one; if it is lost, remove what is left of its -wal and -shm, put a copy of the latest backup in its place, and say with `outreach checkpoint adopt --suppressions FILE` that this is the one"
    )]
    Backup(String),
    /// It is a copy, or was moved.
    #[error(
        "is a copy, or was moved or put back: it is not the file that was last used here. If that one is used as well, people are messaged twice; `outreach checkpoint adopt --suppressions FILE` says that this is the one"
    )]
    Copy,
    /// It had another name.
    #[error(
        "was called {0} when it was last used. Give it that name again, or accept it as it is with `outreach checkpoint adopt --suppressions FILE`"
    )]
    Name(String),
    /// The mark beside it is of another checkpoint.
    #[error(
        "is another checkpoint than the one that was last used under this name. Put that one back, or accept it as it is with `outreach checkpoint adopt --suppressions FILE`"
    )]
    Another,
    /// It is made of results files, and does not have all of them yet.
    #[error(
        "is being made of results files, and that was interrupted: it does not know yet who was messaged. Give the same `history import` command again"
    )]
    Rebuilt,
    /// It was adopted, and the opt-outs that were given with it are not in it yet.
    #[error(
        "was adopted, and that was interrupted: the opt-outs that were given with it are not all in it. Give the same `checkpoint adopt` command again"
    )]
    Adopted,
    /// Its mark is gone: what belongs to it was left behind.
    #[error(
        "has lost {}, and with it perhaps its -wal, which held its last changes: it was moved without the files that belong to it, or they were deleted. The people who were messaged last would be messaged again. Put these files back beside it (they may be where it was); or accept it as it is with `outreach checkpoint adopt --suppressions FILE`", .0.display()
    )]
    Unmarked(PathBuf),
    /// Its mark says nothing.
    #[error(
        "may be older than it was: {}, which says how far it had come, is damaged. If an older copy was put in its place, put the latest one back, with its -wal; or accept it as it is with `outreach checkpoint adopt --suppressions FILE`", .0.display()
    )]
    MarkDamaged(PathBuf),
    /// A backup was put over it, with its mark of that time.
    #[error(
        "is older than it was: according to {} it was opened later, and it has no trace of that (a backup was put in its place). People who were messaged since would be messaged again, and opt-outs are lost. Put the latest copy back, with its -wal; or accept it as it is with `outreach checkpoint adopt --suppressions FILE`", .0.display()
    )]
    PutBack(PathBuf),
    /// A results file knows more than it.
    #[error(
        "does not know {messages} messages that are in {}: it is older than it was (a backup was put in its place), or the file is of another checkpoint. Those people would be messaged again, and opt-outs may be lost. Put the latest copy back, with its -wal; or bring the messages in with `outreach history import FILE --suppressions STOPS`; or accept it as it is with `outreach checkpoint adopt --suppressions STOPS`. If the file is of another checkpoint, move it elsewhere", .file.display()
    )]
    Outdated {
        /// The file.
        file: PathBuf,
        /// How many.
        messages: u64,
    },
    /// It lacks what was on disk.
    #[error(
        "is older than it was: the last {0} groups of changes are missing (an older copy was put in its place, or its -wal file was deleted). People who were messaged since would be messaged again. Put the latest copy back, with its -wal; or accept it as it is with `outreach checkpoint adopt --suppressions FILE`"
    )]
    Behind(u64),
}

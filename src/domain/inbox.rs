//! Files that arrive in a folder: which of them are lists, and when one is whole.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::word_list::lists_of;

/// A list that was changed less than this ago may still be written: what uploads a file writes to it more often.
const STILL: SignedDuration = SignedDuration::from_secs(10);

/// A night waits so long for lists that are being written.
pub(crate) const PATIENCE: Duration = Duration::from_mins(10);

lists_of!(struct List in "inbox.txt");

const FORMATS: List = List("formats");
const PACKINGS: List = List("packings");
const PARTIAL: List = List("partial");
const PARTIAL_WITHIN: List = List("partial within");
const CLUTTER: List = List("clutter");

/// What a file is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameOf {
    /// A list: its name ends as that of a format that is read.
    List,
    /// A list that is being written: it gets its own name when it is whole.
    PartialList,
    /// What stands beside a list: a backup, a lock, a hidden file (as the temporary files of rsync and of FTP servers
    /// are), what an editor or an open spreadsheet leaves.
    BesideList,
    /// What systems leave in any folder: it is not reported.
    Clutter,
    /// No name of a list, and none that is known: a person must say what it is.
    Unknown,
}

impl NameOf {
    /// What a file of this name is.
    pub(crate) fn file(name: &str) -> Self {
        let lower = name.to_lowercase();
        // A Macintosh writes `._list.csv` beside each file on a foreign disk.
        if CLUTTER.has(&lower) || lower.starts_with("._") {
            return Self::Clutter;
        }
        if lower.starts_with(['.', '~', '#']) || lower.ends_with(['~', '#']) {
            return Self::BesideList;
        }
        let mut parts: Vec<&str> = lower.split('.').skip(1).collect();
        let Some(last) = parts.pop() else {
            return Self::Unknown;
        };
        if PARTIAL.has(last) {
            return Self::PartialList;
        }
        let is_list = is_format(last) || is_packing(last);
        let mut within = parts.iter().rev().skip_while(|part| is_format(part));
        match within.next() {
            Some(part) if is_list && PARTIAL_WITHIN.has(part) => Self::PartialList,
            _ if is_list => Self::List,
            // `list.csv.bak`, `list.csv.2`, `list.csv.aB3xYz`.
            _ if parts.iter().any(|part| is_format(part)) => Self::BesideList,
            Some(_) | None => Self::Unknown,
        }
    }
}

/// Whether the name of a list may end so, behind its last dot, in lower case.
pub(crate) fn is_format(end: &str) -> bool {
    FORMATS.has(end)
}

/// Whether a list in a packed file may have a name that ends so.
pub(crate) fn is_packing(end: &str) -> bool {
    PACKINGS.has(end)
}

/// The name that a partial list will have, where it is its own with something behind.
pub(crate) fn name_when_whole(partial: &str) -> &str {
    partial.rsplit_once('.').map_or(partial, |(name, _)| name)
}
/// From when on a file counts as whole that was changed at `modified`, and was found as it is at `seen`. A time that has
/// not come yet is that of another clock, and says nothing.
pub(crate) fn whole_from(modified: Option<Timestamp>, seen: Timestamp) -> Timestamp {
    let changed = modified.filter(|at| *at <= seen).unwrap_or(seen);
    changed.checked_add(STILL).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_ends_is_well_formed_and_every_list_in_it_is_used() {
        crate::domain::word_list::tests::check(
            include_str!("inbox.txt"),
            include_str!("inbox.rs"),
            str::to_lowercase,
        );
    }

    #[test]
    fn a_name_says_whether_a_file_is_a_list_and_whole() {
        use NameOf::{BesideList, Clutter, List, PartialList, Unknown};
        for (is, names) in [
            (
                List,
                &[
                    "list.csv",
                    "party.csv",
                    "Template.xlsx",
                    "LIST.CSV",
                    "2026.11.28.txt",
                    "crm.download.csv",
                    "part.csv",
                    "tmp.csv",
                    "list.csv.gz",
                    "list.zip",
                    "list.csv.txt",
                    "a.b.vcf",
                ][..],
            ),
            (
                PartialList,
                &[
                    "list.csv.part",
                    "LIST.CSV.FILEPART",
                    "list.csv.a1b2c3d4.partial",
                    "Unconfirmed 1234.crdownload",
                    "list.tmp",
                    "list.opdownload",
                    "list.csv.aria2",
                    "list.csv.!ut",
                    "list.partial.csv",
                    "list.tmp.csv",
                    "list.tmp.csv.gz",
                ],
            ),
            (
                BesideList,
                &[
                    ".list.csv.aB3xYz",
                    "list.csv.aB3xYz",
                    ".in.list.csv.",
                    "~$list.xlsx",
                    ".~lock.list.ods#",
                    "list.csv~",
                    "list.csv.~1~",
                    "#list.csv#",
                    "list.csv.bak",
                    ".list.csv.swp",
                    "list.csv.swp",
                    "list.csv.lock",
                    "~WRL0001.docx",
                    "list.xlsx.2026-11-28.gpg",
                    ".csv",
                ],
            ),
            (
                Clutter,
                &["Thumbs.db", "desktop.ini", ".DS_Store", "._list.csv"],
            ),
            (Unknown, &["part", "list", "list.pdf", "list.", "4913", ""]),
        ] {
            for name in names {
                assert_eq!(NameOf::file(name), is, "{name}");
            }
        }
    }

    #[test]
    fn what_is_written_beside_a_list_names_it() {
        for (partial, whole) in [
            ("list.csv.part", "list.csv"),
            ("list.csv.aria2", "list.csv"),
            ("list.part", "list"),
        ] {
            assert_eq!(name_when_whole(partial), whole);
        }
    }

    #[test]
    fn a_file_is_whole_once_it_was_still_for_a_while() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (modified, seen, whole) in [
            (Some(0), 1000, 10),
            (Some(1000), 1000, 1010),
            (Some(995), 1000, 1005),
            // By another clock; its time says nothing.
            (Some(5000), 1000, 1010),
            (None, 1000, 1010),
        ] {
            assert_eq!(whole_from(modified.map(at), at(seen)), at(whole));
        }
        assert_eq!(whole_from(None, Timestamp::MAX), Timestamp::MAX);
    }
}

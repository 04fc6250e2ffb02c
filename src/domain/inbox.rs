//! Files that arrive in a folder: which of them are lists, and when one is whole.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A list that was changed less than this ago may still be written: what uploads a file writes to it more often.
const STILL: SignedDuration = SignedDuration::from_secs(10);

/// A night waits so long for lists that are being written.
pub(crate) const PATIENCE: Duration = Duration::from_mins(10);

/// How programs name a file until it is whole, after its own name: `.part` Firefox and KDE, `.crdownload` Chromium,
/// `.download` Safari, `.filepart` WinSCP, `.partial` rclone and Edge; the others are customs of upload scripts.
const PARTIAL: [&str; 10] = [
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".download",
    ".upload",
    ".uploading",
    ".incomplete",
    ".tmp",
    ".temp",
];

/// What a file is by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameOf {
    /// A list.
    List,
    /// A list that is being written: it gets its own name when it is whole.
    PartialList,
    /// No list: hidden (as the temporary files of rsync and of FTP servers are), or what an editor or an open
    /// spreadsheet leaves beside its file.
    Other,
}

impl NameOf {
    /// What a file of this name is.
    pub(crate) fn file(name: &str) -> Self {
        if name.starts_with('.') || name.starts_with("~$") || name.ends_with('~') {
            return Self::Other;
        }
        let lower = name.to_lowercase();
        if PARTIAL.iter().any(|end| lower.ends_with(end)) {
            return Self::PartialList;
        }
        Self::List
    }
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
    fn a_name_says_whether_a_file_is_a_list_and_whole() {
        for (name, is) in [
            ("list.csv", NameOf::List),
            ("party.csv", NameOf::List),
            ("part", NameOf::List),
            ("Template.xlsx", NameOf::List),
            ("list.csv.part", NameOf::PartialList),
            ("LIST.CSV.FILEPART", NameOf::PartialList),
            ("list.csv.a1b2c3d4.partial", NameOf::PartialList),
            ("Unconfirmed 1234.crdownload", NameOf::PartialList),
            ("list.tmp", NameOf::PartialList),
            (".list.csv.aB3xYz", NameOf::Other),
            (".in.list.csv.", NameOf::Other),
            ("~$list.xlsx", NameOf::Other),
            (".~lock.list.ods#", NameOf::Other),
            ("list.csv~", NameOf::Other),
        ] {
            assert_eq!(NameOf::file(name), is, "{name}");
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

//! Whether a checkpoint is the one that was last used: where it lives, and how far it had come.
//!
//! Its home is the machine, its inode with the time of its birth, and its name, kept in the checkpoint itself. A copy
//! that is used beside the original would message everybody twice: so it is refused, until a person says
//! that this is the one ([`adopt`]). The time of birth shows a copy that got the inode of a file that was deleted.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use sha2::{Digest, Sha256};

use super::columns::{from_millis, to_millis};
use super::error::StoreError;
use super::file::{connect, write_ahead};
use super::log::begin_anew;
use super::mark::{self, Mark, Marked, mark_path};
use super::misfit::Misfit;
use super::node;
use super::openings::{self, Openings};
use super::place::Place;
use super::query::Query as _;
use super::schema;
use crate::crash::{CrashPoint, crash_point};

/// Where the home stands in the table `node`.
const HOME: &str = "home";

/// Where it stands when a large checkpoint was found sound, here.
pub(super) const FOUND_SOUND: &str = "found-sound";

/// Where a backup says when it was made, in milliseconds.
const BACKUP: &str = "backup";

/// Stands in a checkpoint that is being made of results files, until all of them are in it.
const REBUILT: &str = "rebuilt";

/// Stands in a checkpoint that is adopted, until the opt-outs that were given with it are in it.
const ADOPTED: &str = "adopted";

/// When a person last said that this is the checkpoint to go on with, in milliseconds.
const ADOPTED_AT: &str = "adopted-at";

/// Machine, inode, birth and name; what is not known says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Home {
    machine: Option<String>,
    inode: Option<u64>,
    /// When the file was made, in nanoseconds since 1970, where the file system keeps it.
    born: Option<u128>,
    name: String,
}

impl Home {
    fn of(path: &Path) -> Self {
        Self {
            machine: machine(),
            inode: inode(path),
            born: born(path),
            name: path
                .file_name()
                .map(OsStr::to_string_lossy)
                .unwrap_or_default()
                .into_owned(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(3, ' ');
        let (machine, file, name) = (words.next()?, words.next()?, words.next()?);
        // Earlier versions kept no birth.
        let (inode, born) = file.split_once('@').unwrap_or((file, "-"));
        Some(Self {
            machine: (machine != "-").then(|| machine.to_owned()),
            inode: inode.parse().ok(),
            born: born.parse().ok(),
            name: name.to_owned(),
        })
    }

    fn text(&self) -> String {
        let machine = self.machine.as_deref().unwrap_or("-");
        let file = match (self.inode, self.born) {
            (Some(inode), Some(born)) => format!("{inode}@{born}"),
            (Some(inode), None) => inode.to_string(),
            (None, _) => "-".to_owned(),
        };
        format!("{machine} {file} {}", self.name)
    }

    /// Why a checkpoint that lived here does not fit the other place.
    fn misfit(&self, now: &Self) -> Option<Misfit> {
        let differ =
            |a: Option<&String>, b: Option<&String>| matches!((a, b), (Some(a), Some(b)) if a != b);
        if differ(self.machine.as_ref(), now.machine.as_ref()) {
            return Some(Misfit::Machine);
        }
        // A new name alone is a rename; with another inode it is a copy.
        match (self.inode, now.inode) {
            (Some(was), Some(is)) if was != is => return Some(Misfit::Copy),
            (Some(_) | None, Some(_) | None) => {}
        }
        match (self.born, now.born) {
            (Some(was), Some(is)) if was != is => Some(Misfit::Copy),
            (Some(_) | None, Some(_) | None) => {
                (self.name != now.name).then(|| Misfit::Name(self.name.clone()))
            }
        }
    }

    /// Whether `here` has a part of it that was not known before.
    fn is_completed_by(&self, here: &Self) -> bool {
        self.born.is_none() && here.born.is_some()
    }
}

/// What the checkpoint itself says of its home.
fn stored(connection: &Connection) -> Result<Option<Home>, StoreError> {
    let text: Option<String> = node::get(connection, HOME)?;
    Ok(text.as_deref().and_then(Home::parse))
}

fn settle_in(connection: &Connection, home: &Home) -> Result<(), StoreError> {
    node::set(connection, HOME, home.text())?;
    node::remove(connection, BACKUP)?;
    // It was not checked on this machine.
    node::remove(connection, FOUND_SOUND)?;
    mark::begin(connection)
}

/// The copy says from now on that it is a backup of that time, in milliseconds; see [`adopt`].
pub(super) fn mark_backup(connection: &Connection, made_at: i64) -> Result<(), StoreError> {
    node::set(connection, BACKUP, made_at)
}

/// Refuses a backup, wherever it lies.
fn check_no_backup(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    match node::get(connection, BACKUP)? {
        Some(made_at) => {
            let made_at = from_millis(made_at)?;
            let made_at = made_at.strftime("%Y-%m-%d %H:%M UTC").to_string();
            Err(refused(Misfit::Backup(made_at), path))
        }
        None => Ok(()),
    }
}

/// Refuses to make a new checkpoint where one was, and one that has several names. Before it is opened.
pub(super) fn check_place(path: &Path) -> Result<(), StoreError> {
    let place = Place::of(path).path;
    // First the mark: another process may be making the checkpoint now.
    let is_marked = mark_path(&place).exists();
    let misfit = match std::fs::metadata(&place) {
        Ok(file) if file.is_file() => match (links(&file), file.len()) {
            (links @ 2.., _) => Some(Misfit::Linked(links)),
            (_, 0) => is_marked.then(|| Misfit::Gone(mark_path(&place))),
            (_, _) => None,
        },
        Ok(_) => None,
        Err(_) => remains(&place).map(Misfit::Gone),
    };
    misfit.map_or(Ok(()), |misfit| Err(refused(misfit, path)))
}

/// The same where a checkpoint may be made of results files: also where one is gone.
pub(super) fn check_place_to_rebuild(path: &Path) -> Result<(), StoreError> {
    match check_place(path) {
        Err(StoreError::Misfit {
            misfit: Misfit::Gone(_),
            ..
        }) => Ok(()),
        other => other,
    }
}

/// Makes a checkpoint, if this file is none yet, that is to be made of results files: it says so from its first moment, so that
/// nothing is sent from one whose import was killed.
pub(super) fn make_to_rebuild(connection: &mut Connection) -> Result<(), StoreError> {
    if schema::version(connection)? > 0 {
        return Ok(());
    }
    write_ahead(connection)?;
    schema::migrate_and(connection, |new| node::set(new, REBUILT, 1))?;
    Ok(())
}

/// Begins a checkpoint that is made of results files, if this one holds nothing yet: nothing is sent from it before
/// [`end_rebuilding`], and the mark of one that is gone is taken over.
pub(super) fn begin_rebuilding(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    crash_point(CrashPoint::Rebuilding);
    let place = Place::of(path).path;
    let marked = Marked::read(&place)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let is_new = stored(&transaction)?.is_none()
        && !transaction.has(
            "SELECT 1 FROM batch UNION ALL SELECT 1 FROM person LIMIT 1",
            [],
        )?;
    if !is_new {
        return Ok(());
    }
    settle_in(&transaction, &Home::of(&place))?;
    node::set(&transaction, REBUILT, 1)?;
    if let Some(marked) = marked {
        marked.outdo(&transaction)?;
    }
    // First the mark: a checkpoint that has a home and no mark lost it.
    Mark::open(&place, &Marked::of(&transaction)?)?;
    crash_point(CrashPoint::Rebuilding);
    transaction.commit()?;
    crash_point(CrashPoint::Rebuilding);
    Ok(())
}

/// The checkpoint holds all that is in the results files.
pub(super) fn end_rebuilding(connection: &Connection) -> Result<(), StoreError> {
    node::remove(connection, REBUILT)
}

/// The checkpoint holds all opt-outs that were given when it was adopted.
pub(super) fn end_adopting(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    node::remove(connection, ADOPTED)?;
    node::set(connection, ADOPTED_AT, to_millis(now))
}

/// When a person last said that this is the checkpoint to go on with.
pub(super) fn adopted_at(connection: &Connection) -> Result<Option<Timestamp>, StoreError> {
    node::get(connection, ADOPTED_AT)?
        .map(from_millis)
        .transpose()
}

/// Refuses a checkpoint that does not hold yet all that is in the results files that it is made of.
pub(super) fn check_rebuilt(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    check_without(REBUILT, Misfit::Rebuilt, path, connection)
}

/// The same, and one that does not hold yet the opt-outs that it was adopted with.
pub(super) fn check_whole(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    check_rebuilt(path, connection)?;
    check_without(ADOPTED, Misfit::Adopted, path, connection)
}

fn check_without(
    key: &str,
    misfit: Misfit,
    path: &Path,
    connection: &Connection,
) -> Result<(), StoreError> {
    if node::has(connection, key)? {
        return Err(refused(misfit, path));
    }
    Ok(())
}

/// A file that says that there was a checkpoint: its mark, or the lock of a process that died.
fn remains(place: &Path) -> Option<PathBuf> {
    let mark = mark_path(place);
    if mark.exists() {
        return Some(mark);
    }
    let mut start = place.file_name()?.to_owned();
    start.push("-");
    let entries = std::fs::read_dir(place.parent()?).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        name.starts_with(start.as_encoded_bytes()) && name.ends_with(b".lock")
    })
}

/// Refuses to make a checkpoint of a file that holds nothing, where the mark says that it held something: its
/// log, which had all of it, was deleted.
pub(super) fn check_empty(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    // First the mark: another process may be making the checkpoint now.
    let place = Place::of(path).path;
    let is_marked = mark_path(&place).exists();
    let marked = Marked::read(&place)?;
    if schema::version(connection)? > 0 {
        return Ok(());
    }
    match marked {
        Some(marked) => Err(refused(Misfit::Behind(marked.groups()), path)),
        None if is_marked => Err(refused(Misfit::MarkDamaged(mark_path(&place)), path)),
        None => Ok(()),
    }
}

/// Compares an open checkpoint with its home and its mark; a new one settles in. Returns its open mark.
pub(super) fn check(path: &Path, connection: &mut Connection) -> Result<Mark, StoreError> {
    check_no_backup(path, connection)?;
    let place = Place::of(path).path;
    // First the mark: another process may commit now, and notes that afterwards.
    let marked = Marked::read(&place)?;
    let own = Marked::of(connection)?;
    let opened = openings::furthest(&place, own.uid());
    let here = Home::of(&place);
    let home = stored(connection)?;
    if let Some(misfit) = home.as_ref().and_then(|home| home.misfit(&here)) {
        return Err(refused(misfit, path));
    }
    if let Some(marked) = &marked {
        if !marked.is_of_same(&own) {
            return Err(refused(Misfit::Another, path));
        }
        if let missing @ 1.. = marked.missing_in(&own) {
            return Err(refused(Misfit::Behind(missing), path));
        }
    }
    // One that has no home yet is new here: it counts on from what stands beside it.
    if let (Some(_), Some((count, file))) = (&home, opened)
        && count > openings::counted(connection)?
    {
        return Err(refused(Misfit::PutBack(file), path));
    }
    // It was on disk before the home was.
    if home.is_some() && marked.is_none() {
        let mark = mark_path(&place);
        let misfit = if mark.exists() {
            Misfit::MarkDamaged(mark)
        } else {
            Misfit::Unmarked(mark)
        };
        return Err(refused(misfit, path));
    }
    let mark = Mark::open(&place, &own)?;
    if home.as_ref().is_none_or(|home| home.is_completed_by(&here)) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        settle_in(&transaction, &here)?;
        // It counts on from what stands beside it, also where nothing is changed now.
        Openings::of(&place, own.uid()).commit(transaction)?;
        // Into the file itself: it must know its home where its log is left behind.
        begin_anew(connection)?;
    }
    Ok(mark)
}

/// A copy that was made to be gone on with lives where it is.
pub(super) fn settle_copy(path: &Path) -> Result<(), StoreError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let place = Place::of(path).path;
    settle_in(&connection, &Home::of(&place))?;
    Mark::open(&place, &Marked::of(&connection)?)?;
    Ok(())
}

fn refused(misfit: Misfit, path: &Path) -> StoreError {
    StoreError::Misfit {
        path: path.to_owned(),
        misfit,
    }
}

/// Makes this place the home of a checkpoint, wherever it comes from; nothing is sent from it before [`end_adopting`].
pub(super) fn adopt(path: &Path, connection: &mut Connection) -> Result<(), StoreError> {
    let place = Place::of(path).path;
    let marked = Marked::read(&place)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    settle_in(&transaction, &Home::of(&place))?;
    node::set(&transaction, ADOPTED, 1)?;
    if let Some(marked) = marked {
        marked.outdo(&transaction)?;
    }
    let own = Marked::of(&transaction)?;
    Openings::of(&place, own.uid()).commit(transaction)?;
    Mark::open(&place, &own)?;
    Ok(())
}

#[cfg(unix)]
fn links(file: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(file)
}

#[cfg(not(unix))]
fn links(_: &std::fs::Metadata) -> u64 {
    1
}

#[cfg(unix)]
fn inode(path: &Path) -> Option<u64> {
    let file = std::fs::metadata(path).ok()?;
    Some(std::os::unix::fs::MetadataExt::ino(&file))
}

#[cfg(not(unix))]
fn inode(_: &Path) -> Option<u64> {
    None
}

/// When the file was made: `created` is that time on Linux, by statx(2), where the file system keeps it.
fn born(path: &Path) -> Option<u128> {
    let born = std::fs::metadata(path).ok()?.created().ok()?;
    Some(born.duration_since(UNIX_EPOCH).ok()?.as_nanos())
}

/// The id of this machine, if it has one, hashed as machine-id(5) asks for. In a debug build a test can name
/// another one.
fn machine() -> Option<String> {
    #[cfg(debug_assertions)]
    if let Ok(other) = std::env::var("OUTREACH_TEST_MACHINE") {
        return Some(other);
    }
    let places = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    let id = places
        .iter()
        .find_map(|place| std::fs::read_to_string(place).ok())?;
    let id = id.trim();
    if id.is_empty() || id == "uninitialized" {
        return None;
    }
    let digest: [u8; 32] = Sha256::digest(format!("outreach checkpoint {id}")).into();
    let first = digest.first_chunk().copied().unwrap_or_default();
    Some(format!("{:016x}", u64::from_be_bytes(first)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(machine: &str, inode: u64, name: &str) -> Home {
        Home {
            machine: (machine != "-").then(|| machine.to_owned()),
            inode: Some(inode),
            born: None,
            name: name.to_owned(),
        }
    }

    #[test]
    fn what_is_not_known_of_a_home_says_nothing() {
        let was = home("a", 7, "outreach.db");
        assert_eq!(was.misfit(&was), None);
        assert_eq!(was.misfit(&home("-", 7, "outreach.db")), None);
        assert_eq!(
            was.misfit(&home("b", 7, "outreach.db")),
            Some(Misfit::Machine)
        );
        assert_eq!(was.misfit(&home("a", 8, "outreach.db")), Some(Misfit::Copy));
        let renamed = Some(Misfit::Name("outreach.db".to_owned()));
        assert_eq!(was.misfit(&home("a", 7, "other.db")), renamed);
        let born = |born| Home {
            born: Some(born),
            ..was.clone()
        };
        for home in [was.clone(), born(9), home("-", 1, "a name with spaces")] {
            assert_eq!(Home::parse(&home.text()), Some(home));
        }
    }

    #[test]
    fn a_copy_that_got_the_inode_of_the_file_that_was_deleted_is_a_copy() {
        let was = home("a", 7, "outreach.db");
        let born = |born| Home {
            born: Some(born),
            ..was.clone()
        };
        assert_eq!(born(1).misfit(&born(2)), Some(Misfit::Copy));
        assert_eq!(born(1).misfit(&born(1)), None);
        // A home of an earlier version, and a file system that keeps no birth.
        assert_eq!((was.misfit(&born(1)), born(1).misfit(&was)), (None, None));
        assert!(was.is_completed_by(&born(1)) && !born(1).is_completed_by(&born(1)));
    }
}

//! An open checkpoint: the writer, and its readers.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, OnceLock};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::file::{connect, create_private, require, tighten};
use super::ids::ChannelId;
use super::keys::HashKey;
use super::lock::{Hold, Holder};
use super::mark::Marked;
use super::misfit::Misfit;
use super::openings::Openings;
use super::place::{FileId, Place};
use super::query::Query as _;
use super::replica::position::is_replica;
use super::replica::{Keeper, Replica, context};
use super::reserve::Reserve;
use super::temporary::{folder_of, remove_left};
use super::upgrade::OldCopy;
use super::writer::{Companions, OpenReplica, Writer};
use super::{home, schema, tuning, upgrade};
use crate::cluster::Access;
use crate::locked::lock;

/// What a checkpoint is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To go on with it.
    Use,
    /// To read results files into it.
    Import,
    /// To complete what a person says of it.
    Adopt,
}

/// An open checkpoint.
#[derive(Debug)]
pub struct Store {
    pub(super) path: PathBuf,
    /// The path from the root: it leads elsewhere once a folder on it is renamed, also where that is the current one.
    whole_path: PathBuf,
    /// The file that was opened.
    id: Option<FileId>,
    /// The write-ahead log and its index.
    log_files: [(PathBuf, Option<FileId>); 2],
    /// Where it was kept, once another file stood in its place.
    kept: OnceLock<PathBuf>,
    /// See [`Self::read_opened`].
    opened_reader: Mutex<Option<Reader>>,
    pub(super) keys: HashKey,
    pub(super) writer: Writer,
    /// The leases on batches, in a cluster.
    keeper: Option<Keeper>,
}

impl Store {
    /// Opens the checkpoint for writing; makes and migrates it as needed.
    ///
    /// The file and its companions are readable by the owner only: they hold phone numbers.
    ///
    /// # Errors
    /// [`StoreError`], whose text says what to do.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_for(path, Purpose::Use).map_err(|error| error.opening(path))
    }

    /// Opens the checkpoint that results files are read into. Where there is none, or one is gone, it is made; nothing
    /// is sent from it before [`Store::end_rebuilding`].
    ///
    /// # Errors
    /// As [`Store::open`], but for a checkpoint that is gone.
    pub(crate) fn open_to_import(path: &Path) -> Result<Self, StoreError> {
        Self::open_for(path, Purpose::Import).map_err(|error| error.opening(path))
    }

    /// The checkpoint holds all that is in the results files that it is made of.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn end_rebuilding(&self) -> Result<(), StoreError> {
        self.writer
            .write_blocking(|tx| home::end_rebuilding(tx.connection))
    }

    /// Brings a checkpoint of an earlier version to that of this program, and does nothing else. Returns the version
    /// that it had, or `None` if nothing was to be done.
    ///
    /// # Errors
    /// [`StoreError`] if there is none, another process has it open, or it fails.
    pub(crate) fn upgrade(path: &Path, copy: OldCopy) -> Result<Option<u32>, StoreError> {
        let upgrade = || {
            home::check_place(path)?;
            require(path)?;
            let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            home::check_empty(path, &connection)?;
            upgrade::migrate(path, &mut connection, copy)
        };
        upgrade().map_err(|error: StoreError| error.opening(path))
    }

    fn open_for(path: &Path, purpose: Purpose) -> Result<Self, StoreError> {
        match purpose {
            Purpose::Use | Purpose::Adopt => home::check_place(path)?,
            Purpose::Import => home::check_place_to_rebuild(path)?,
        }
        create_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = connect(path, flags)?;
        let id = FileId::of(path);
        match purpose {
            Purpose::Use => {
                home::check_empty(path, &connection)?;
                upgrade::migrate(path, &mut connection, OldCopy::Keep)?;
                home::check_whole(path, &connection)?;
            }
            Purpose::Adopt => home::check_rebuilt(path, &connection)?,
            Purpose::Import => {
                home::make_to_rebuild(&mut connection)?;
                upgrade::migrate(path, &mut connection, OldCopy::Keep)?;
                home::begin_rebuilding(path, &mut connection)?;
            }
        }
        // Now that it is known to be a checkpoint, and no other file that was named by mistake.
        tighten(path);
        remove_left(folder_of(path));
        let mark = home::check(path, &mut connection)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What is erased or pruned must not linger in the file.
        connection.pragma_update(None, "secure_delete", true)?;
        tuning::for_lists(&connection)?;
        connection.set_prepared_statement_cache_capacity(128);
        let keys = HashKey::load(&connection)?;
        let companions = Companions {
            openings: Some(Openings::of(&Place::of(path).path, mark.uid())),
            mark: Some(mark),
            reserve: Some(Reserve::make(path)),
        };
        let (replica, keeper) = match access(path, &connection)? {
            Some(access) => in_cluster(path, &access)?,
            None => (None, None),
        };
        let writer = Writer::start(connection, path, companions, replica)?;
        let whole_path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let log_files = log_files(path).map(|path| {
            let id = FileId::of(&path);
            (path, id)
        });
        Ok(Self {
            keeper,
            path: path.to_owned(),
            whole_path,
            id,
            log_files,
            kept: OnceLock::new(),
            opened_reader: Mutex::default(),
            keys,
            writer,
        })
    }

    /// Opens an existing checkpoint; for commands that have nothing to do without one.
    ///
    /// # Errors
    /// [`StoreError::Open`] if there is no such file, else as [`Store::open`].
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        home::check_place(path)?;
        require(path)?;
        Self::open(path)
    }

    /// A person says that this is the checkpoint to go on with, wherever it comes from. Nothing is sent from it before
    /// [`Store::end_adopting`].
    ///
    /// # Errors
    /// [`StoreError`] if there is none, it has several names, or it fails.
    pub(crate) fn adopt(path: &Path) -> Result<Self, StoreError> {
        let adopt = || {
            home::check_place(path)?;
            require(path)?;
            let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            upgrade::migrate(path, &mut connection, OldCopy::Keep)?;
            home::adopt(path, &mut connection)
        };
        adopt().map_err(|error: StoreError| error.opening(path))?;
        Self::open_for(path, Purpose::Adopt).map_err(|error| error.opening(path))
    }

    /// Refuses a path where a checkpoint was and is gone, as what it left behind says: not if it was moved to `other`.
    ///
    /// # Errors
    /// [`StoreError::Misfit`] if it is gone.
    pub(crate) fn refuse_gone(path: &Path, other: Option<&Path>) -> Result<(), StoreError> {
        let was_moved = || {
            let uid = Reader::open(other?).ok()?.uid().ok()?;
            let marked = Marked::read(&Place::of(path).path).ok()??;
            Some(marked.is_of(&uid))
        };
        match home::check_place(path) {
            Err(
                error @ StoreError::Misfit {
                    misfit: Misfit::Gone(_),
                    ..
                },
            ) if was_moved() != Some(true) => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The file; once it was [kept](Self::keep_beside), that copy.
    pub fn path(&self) -> &Path {
        self.kept.get().unwrap_or(&self.path)
    }

    /// The file that was opened, wherever its content is now.
    pub fn original(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to the file that was opened. To be asked often: it costs a `stat`.
    pub fn is_in_place(&self) -> bool {
        FileId::of(&self.whole_path) == self.id
    }

    /// The log of the checkpoint, or the index of that, if it is not the file any more that was opened: another
    /// process that opens the checkpoint now does not see what this one writes.
    pub(super) fn lost_log_file(&self) -> Option<&Path> {
        let lost =
            |(path, id): &&(PathBuf, Option<FileId>)| id.is_some() && FileId::of(path) != *id;
        self.log_files.iter().find(lost).map(|(path, _)| &**path)
    }

    /// Reads the file that was opened, also where it was moved or another one stands in its place: the connection
    /// is kept from the first call on.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read, or what `read` returns.
    pub fn read_opened<T>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut kept = lock(&self.opened_reader);
        match &mut *kept {
            Some(reader) => read(reader),
            none => read(none.insert(Reader::open(&self.path)?)),
        }
    }

    /// Where the file is with its log, if not at its path.
    fn moved_to(&self) -> Option<PathBuf> {
        let moved = self.id.and_then(FileId::whereabouts)?;
        let [log, _] = log_files(&moved);
        (FileId::of(&log) == self.log_files[0].1).then_some(moved)
    }

    /// The path; where its folder is gone, one of this name in the next folder above that is there.
    fn name_that_is_left(&self) -> PathBuf {
        let mut above = self.whole_path.ancestors().skip(1);
        let is_there = self.whole_path.parent().is_some_and(Path::is_dir);
        match (
            is_there,
            above.find(|folder| folder.is_dir()),
            self.path.file_name(),
        ) {
            (false, Some(folder), Some(name)) => folder.join(name),
            (true, _, _) | (_, None, _) | (_, _, None) => self.path.clone(),
        }
    }

    /// Saves what [`Self::read_opened`] reads: as a new checkpoint beside it, unless the file is still there under
    /// another name (its folder was renamed). From now on, readers of this one read there.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read, or no file can be made there.
    pub fn keep_beside(&self) -> Result<PathBuf, StoreError> {
        if let Some(moved) = self.moved_to() {
            return Ok(self.kept.get_or_init(|| moved).clone());
        }
        let kept = free_name(&self.name_that_is_left());
        create_private(&kept)?;
        self.read_opened(|reader| {
            let to = [kept.to_string_lossy()];
            Ok(reader.connection.execute("VACUUM INTO ?1", to)?)
        })?;
        home::settle_copy(&kept)?;
        Ok(self.kept.get_or_init(|| kept).clone())
    }

    /// Whether it is a part of a cluster, whose log knows all that was done.
    pub(crate) fn is_in_cluster(&self) -> bool {
        self.keeper.is_some()
    }

    /// The checkpoint's random id, in hexadecimal digits: it stands in the metadata of every message.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn uid(&self) -> Result<String, StoreError> {
        self.reader()?.uid()
    }

    /// A reader on the same file.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader, StoreError> {
        Reader::open(self.path())
    }

    /// Takes the right to change a batch.
    ///
    /// # Errors
    /// [`StoreError::Held`] if another process has it.
    pub fn hold(&self, batch: &str, now: Timestamp) -> Result<Hold, StoreError> {
        // One file may have many names (a link, a relative path): the lock goes by the file's own.
        let path = std::fs::canonicalize(&self.path).map_err(|source| StoreError::File {
            path: self.path.clone(),
            source,
        })?;
        let since = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let hold = Hold::take(&path, batch, &since)?;
        Ok(match &self.keeper {
            Some(keeper) => hold.with_lease(keeper.take(batch, &since)?),
            None => hold,
        })
    }
}

/// Where the log of the checkpoint is; `None` if it is no replica.
fn access(path: &Path, connection: &Connection) -> Result<Option<Access>, StoreError> {
    if !is_replica(connection)? {
        return Ok(None);
    }
    match context::access(path) {
        Some(access) => Ok(Some(access)),
        None => Err(StoreError::Cluster {
            detail: format!(
                "{} is a replica of a cluster and is written through its log only: give --cluster (or OUTREACH_CLUSTER). `outreach cluster leave` makes it a checkpoint of its own",
                path.display()
            ),
        }),
    }
}

/// What a checkpoint in a cluster has beside its file.
fn in_cluster(
    path: &Path,
    access: &Access,
) -> Result<(Option<OpenReplica>, Option<Keeper>), StoreError> {
    let applied = Arc::new(AtomicI64::new(0));
    let keeper = Keeper::start(access.clone(), path, Arc::clone(&applied))?;
    let (path, access) = (path.to_owned(), access.clone());
    let open: OpenReplica =
        Box::new(move |connection| Replica::open(connection, path, access, applied));
    Ok((Some(open), Some(keeper)))
}

/// The log and its index, of the file itself: a link to it has none.
fn log_files(path: &Path) -> [PathBuf; 2] {
    let place = Place::of(path).path;
    ["-wal", "-shm"].map(|suffix| {
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        place.with_file_name(name)
    })
}

/// `outreach.kept.db`, or with the first number that is free.
pub(super) fn free_name(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = |number: u32| match number {
        1 => format!("{stem}.kept.db"),
        _ => format!("{stem}.kept-{number}.db"),
    };
    (1..u32::MAX)
        .map(|number| path.with_file_name(name(number)))
        .find(|path| std::fs::symlink_metadata(path).is_err())
        .unwrap_or_else(|| path.with_file_name(name(0)))
}

/// A read-only view of the checkpoint, at any time, beside a sending process too.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    pub(super) connection: Connection,
    pub(super) keys: HashKey,
    /// The channel that was asked about last: no channel ever gets another id.
    pub(super) last_channel: RefCell<Option<(String, ChannelId)>>,
}

impl Reader {
    /// Opens an existing checkpoint for reading.
    ///
    /// # Errors
    /// [`StoreError::Open`] if there is none, [`StoreError::Unusable`] if it cannot be read as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_file(path).map_err(|error| error.opening(path))
    }

    fn open_file(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            home::check_place(path)?;
        }
        require(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(path, flags)?;
        match schema::version(&connection)? {
            schema::VERSION => {}
            0 => {
                home::check_place(path)?;
                home::check_empty(path, &connection)?;
                return Err(StoreError::Unfinished);
            }
            found => {
                return Err(StoreError::Older {
                    found,
                    known: schema::VERSION,
                });
            }
        }
        let keys = HashKey::load(&connection)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            keys,
            last_channel: RefCell::default(),
        })
    }
}

impl Reader {
    /// The path that it was opened by.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a read transaction: until the next call, all that is read is as of now, and many small questions cost
    /// half. Call it again now and then, because the write-ahead log is kept meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn begin_read_transaction(&self) -> Result<(), StoreError> {
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("COMMIT")?;
        }
        Ok(self.connection.execute_batch("BEGIN")?)
    }

    /// Prepares for many look-ups of people in no order, by this number of readers: keeps more of the checkpoint in memory.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn expect_many_people(&self, readers: usize) -> Result<(), StoreError> {
        tuning::for_people(&self.connection, readers)
    }

    /// The process that holds the batch, if one does: it sends it, or asks about it.
    pub fn holder(&self, batch: &str) -> Option<Holder> {
        let path = std::fs::canonicalize(self.connection.path()?).ok()?;
        Holder::of(&path, batch).or_else(|| {
            let lease = context::lease(&path, batch)?;
            Some(Holder {
                pid: lease.pid,
                since: lease.since,
                machine: Some(lease.machine),
            })
        })
    }

    /// When a person last said that this is the checkpoint to go on with ([`Store::adopt`]).
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn adopted_at(&self) -> Result<Option<Timestamp>, StoreError> {
        home::adopted_at(&self.connection)
    }

    /// The checkpoint's random id, in hexadecimal digits.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn uid(&self) -> Result<String, StoreError> {
        self.connection
            .value("SELECT lower(hex(uid)) FROM checkpoint", [])
    }
}

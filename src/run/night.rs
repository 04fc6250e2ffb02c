//! A folder of lists that are sent night by night: its lock, its inbox, and where a list is filed away.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;

use super::definition::Definition;
use super::error::RunError;
use super::filed::{
    ChangedList, ListGone, Version, batch_begun_with, batches_of_other_folders, changed_lists,
    enter_sent, leave_inbox, leave_taken, lists_gone, version,
};
use super::files::numbered;
use super::list::List;
use super::mismatch::Mismatch;
use super::plan::{SendPlan, SendSettings};
use crate::domain::inbox::{NameOf, name_when_whole};
use crate::domain::night::{
    BatchOfList, KnownBatch, ListEnd, ListPlace, after_list, batch_of_list,
};
use crate::exit::ExitCode;
use crate::intake::Source;
use crate::report::ReportError;
use crate::store::{Batch, Change, Hold, Place, Reader, Store, StoreError};

/// How many other names are tried for a list whose name is taken.
const NAMES: u32 = 10_000;

/// A folder with `inbox`, `sent`, `refused` and `results`, held by this process.
#[derive(Debug)]
pub struct NightFolder {
    root: PathBuf,
    /// What the lists are called that stay in the inbox.
    staying: Vec<String>,
    _hold: Hold,
}

/// How the batch of a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListRun {
    /// The exit code that it stands for.
    pub exit: ExitCode,
    /// Recipients that are still queued or under way.
    pub queued: u64,
    /// The deadline came, or a person asked to stop.
    pub time_is_over: bool,
    /// What failed is a file of this list alone: [`RunError::is_of_one_list`].
    pub failed_alone: bool,
}

impl ListRun {
    fn decide(self) -> (ListPlace, bool) {
        let end = match end(self.exit) {
            ListEnd::CommonReason if self.failed_alone => ListEnd::OwnReason,
            other => other,
        };
        after_list(end, self.queued, self.time_is_over)
    }
}

impl RunError {
    /// Whether a file failed that belongs to one list, its results or its lock; the checkpoint and the settings, which
    /// the next list would share, did not.
    pub fn is_of_one_list(&self) -> bool {
        if let Self::Store(StoreError::File { path, .. }) = self {
            return path.extension().is_some_and(|it| it == "lock");
        }
        matches!(self, Self::Report(error) if !matches!(error, ReportError::Store(_)))
    }
}

/// What became of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AfterList {
    /// Where it is now; `None` if it stays.
    pub filed: Option<PathBuf>,
    /// Whether the next list follows.
    pub goes_on: bool,
    /// What a person should know.
    pub note: Option<&'static str>,
    /// It is another list by now, and waits for the next night.
    pub was_changed: bool,
}

/// A list in the inbox, as it stood when the night began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxList {
    /// The file.
    pub path: PathBuf,
    /// Why it cannot be a list: it is a folder, a link that leads nowhere, or its name is not that of a list. It stays
    /// where it is.
    pub problem: Option<String>,
    /// Its name, or a file beside it, says that it is still being written.
    pub is_partial: bool,
    /// The file as it was when it was looked at last.
    version: Version,
}

/// What lies in the inbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbox {
    /// The lists, in the order of their names, and what else lies there, with its problem.
    pub lists: Vec<InboxList>,
    /// The names of files that stand beside lists and are none, by their names alone.
    pub left_alone: Vec<String>,
}

impl InboxList {
    /// The file's name.
    pub fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// What its batches are named after.
    pub fn stem(&self) -> String {
        Source::Path(self.path.clone()).stem()
    }

    /// When it was changed last, as far as that is known.
    pub(super) fn modified(&self) -> Option<Timestamp> {
        self.version.1
    }

    /// Looks at the file again: whether it is as it was found; `None` if it is gone.
    pub(super) fn look(&mut self) -> Option<bool> {
        if self.problem.is_some() {
            return Some(true);
        }
        let now = version(&std::fs::metadata(&self.path).ok()?);
        let is_same = now == self.version;
        self.version = now;
        Some(is_same)
    }
}

impl NightFolder {
    /// Takes hold of the folder, and makes the folders in it that are missing.
    ///
    /// # Errors
    /// [`RunError::NightUnderWay`] if another process holds it; else if a folder cannot be made.
    pub fn open(root: &Path, now: Timestamp) -> Result<Self, RunError> {
        let since = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let hold = Hold::take_file(root.join(".outreach-night.lock"), "night", &since);
        let hold = hold.map_err(|error| match error {
            StoreError::Held { pid, since, .. } => RunError::NightUnderWay {
                folder: whole_path(root),
                pid,
                since,
            },
            other => other.into(),
        })?;
        let folder = Self {
            root: root.to_owned(),
            staying: Vec::new(),
            _hold: hold,
        };
        for path in [
            folder.inbox(),
            folder.sent(),
            folder.refused(),
            folder.results(),
        ] {
            std::fs::create_dir_all(&path).map_err(|source| file_error(&path, source))?;
        }
        Ok(folder)
    }

    fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    fn sent(&self) -> PathBuf {
        self.root.join("sent")
    }

    /// Where lists that cannot be used go, and the rows to mend of all lists.
    pub fn refused(&self) -> PathBuf {
        self.root.join("refused")
    }

    /// Where the results files go.
    pub fn results(&self) -> PathBuf {
        self.root.join("results")
    }

    /// What lies in the inbox.
    ///
    /// # Errors
    /// [`RunError`] if the folder cannot be read.
    pub fn lists(&self) -> Result<Inbox, RunError> {
        let inbox = self.inbox();
        let fail = |source| RunError::from(file_error(&inbox, source));
        let mut found = Inbox::default();
        for entry in std::fs::read_dir(&inbox).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let kind = NameOf::file(&name);
            match kind {
                NameOf::List | NameOf::PartialList | NameOf::Unknown => {}
                NameOf::BesideList => {
                    found.left_alone.push(name.into_owned());
                    continue;
                }
                NameOf::Clutter => continue,
            }
            if std::fs::symlink_metadata(&path).is_err() {
                // Gone since the folder was read: an upload gives a list its last name at the end.
                continue;
            }
            found.lists.push(in_inbox(path, kind));
        }
        join_partial(&mut found.lists);
        found.lists.sort_by(|one, other| one.path.cmp(&other.path));
        found.left_alone.sort();
        Ok(found)
    }

    /// Refuses a list, before it is sent, whose name is that of another one whose batch is not complete: this list would
    /// take the place of the other's rows.
    ///
    /// # Errors
    /// [`Mismatch::SameListName`] if there is such a list.
    pub fn refuse_same_name(&self, list: &InboxList) -> Result<(), RunError> {
        let stem = list.stem();
        if self.staying.contains(&stem) {
            return Err(Mismatch::SameListName(stem).into());
        }
        Ok(())
    }

    /// Files the list away by how its batch ended, beside one of the same name if there is one. A list whose batch goes on
    /// stays, and so does one that was changed meanwhile: it is another list then.
    ///
    /// # Errors
    /// [`RunError`] if it cannot be moved.
    pub fn file_away(
        &mut self,
        list: &InboxList,
        run: ListRun,
        checkpoint: &Path,
        batch: Option<&str>,
    ) -> Result<AfterList, RunError> {
        let (place, goes_on) = run.decide();
        let folder = match place {
            ListPlace::Inbox => None,
            ListPlace::Sent => Some(self.sent()),
            ListPlace::Refused => Some(self.refused()),
        };
        let Some(folder) = folder else {
            self.staying.push(list.stem());
            return Ok(AfterList {
                goes_on,
                ..AfterList::default()
            });
        };
        let fail = |source| RunError::from(file_error(&list.path, source));
        let place_in_inbox = Place::of(&list.path);
        let Ok(now) = std::fs::metadata(&list.path) else {
            leave_inbox(checkpoint, &place_in_inbox);
            return Ok(AfterList {
                goes_on,
                note: Some("the file is not there any more: it was moved or deleted meanwhile"),
                ..AfterList::default()
            });
        };
        if version(&now) != list.version {
            return Ok(AfterList {
                goes_on,
                note: Some(
                    "the file was changed meanwhile: it stays, and the next night sends to those who came since",
                ),
                was_changed: true,
                ..AfterList::default()
            });
        }
        let wanted = folder.join(list.path.file_name().unwrap_or_default());
        let mut names = (1..NAMES).map(|number| numbered(&wanted, number));
        let free = names.find(|path| std::fs::symlink_metadata(path).is_err());
        let free = free.unwrap_or(wanted);
        std::fs::rename(&list.path, &free).map_err(fail)?;
        leave_inbox(checkpoint, &place_in_inbox);
        if let (ListPlace::Sent, Some(batch)) = (place, batch) {
            enter_sent(checkpoint, batch, list.version, &free);
        }
        Ok(AfterList {
            filed: Some(free),
            goes_on,
            ..AfterList::default()
        })
    }

    /// The lists in `sent` that are not as they were when they were sent.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint cannot be read.
    pub fn changed_lists(&self, checkpoint: &Path) -> Result<Vec<ChangedList>, RunError> {
        changed_lists(&self.sent(), checkpoint)
    }

    /// Notes which lists somebody took out of the inbox before they were filed away: what comes under their names is
    /// another list. To be asked when a night begins.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint cannot be read.
    pub fn note_taken(&self, checkpoint: &Path) -> Result<(), RunError> {
        leave_taken(&self.inbox(), checkpoint)
    }

    /// The batches whose lists are not in the inbox any more, while people wait in them: no night goes on with one by itself.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint cannot be read.
    pub fn lists_gone(&self, checkpoint: &Path) -> Result<Vec<ListGone>, RunError> {
        lists_gone(&self.inbox(), checkpoint)
    }

    /// As [`Self::file_away`], after a rehearsal: every list stays.
    pub fn after_rehearsal(run: ListRun) -> AfterList {
        AfterList {
            goes_on: run.decide().1,
            ..AfterList::default()
        }
    }
}

/// How many people have the message of a batch, or may have, whom its list refuses by now.
///
/// # Errors
/// [`RunError`] if there is no such batch, or the checkpoint cannot be read.
pub fn refused_since(checkpoint: &Path, batch: &str) -> Result<u64, RunError> {
    let reader = Reader::open(checkpoint)?;
    Ok(reader.refused_since(reader.batch(batch)?.id)?)
}

/// Makes one list of a list that has its name already and of the file beside it that says that it is still being written.
fn join_partial(lists: &mut Vec<InboxList>) {
    let whole = |partial: &InboxList| {
        let name = partial.name();
        partial.path.with_file_name(name_when_whole(&name))
    };
    let partial = lists.iter().filter(|list| list.is_partial);
    let partial: HashSet<PathBuf> = partial.map(whole).collect();
    let named: HashSet<PathBuf> = lists.iter().map(|list| list.path.clone()).collect();
    lists.retain(|list| !list.is_partial || !named.contains(&whole(list)));
    for list in lists {
        list.is_partial |= partial.contains(&list.path);
    }
}

/// What lies in the inbox under that path, and is that by its name. Nothing is opened: a pipe has no end.
fn in_inbox(path: PathBuf, is: NameOf) -> InboxList {
    let (problem, version) = match std::fs::metadata(&path) {
        Ok(there) if there.is_file() && is == NameOf::Unknown => {
            let what = "its name does not end as that of a list does (.csv, .xlsx and the like): give it such a name, or \
                        take it out of inbox/";
            (Some(what.to_owned()), version(&there))
        }
        Ok(there) if there.is_file() => (None, version(&there)),
        Ok(there) if there.is_dir() => {
            let what = "it is a folder: put the lists themselves into the inbox";
            (Some(what.to_owned()), (0, None))
        }
        Ok(_) => {
            let what =
                "it is no file (a pipe, a socket or a device): put the list itself into the inbox";
            (Some(what.to_owned()), (0, None))
        }
        Err(error) if path.is_symlink() => {
            let what = format!("it is a link, and what it leads to cannot be read: {error}");
            (Some(what), (0, None))
        }
        Err(error) => (Some(format!("it cannot be read: {error}")), (0, None)),
    };
    InboxList {
        path,
        problem,
        is_partial: is == NameOf::PartialList,
        version,
    }
}

/// The path from the root; an empty one is the current folder.
fn whole_path(folder: &Path) -> PathBuf {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

fn file_error(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File {
        path: path.to_owned(),
        source,
    }
}

impl SendPlan {
    /// The plan of a list that a night sends which began on `date`: an unfinished batch of the list's name goes on
    /// with the list as it is now, else a new one is named after list and date.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn for_night(
        checkpoint: &Path,
        list: List,
        channel: &str,
        sandbox: bool,
        date: Date,
        now: Timestamp,
    ) -> Result<Self, RunError> {
        let message = list.message.as_ref().ok_or(Mismatch::NoMessage)?;
        let definition = Definition::new(&list.input, message, channel);
        let reader = Store::open(checkpoint)?.reader()?;
        let (batches, stem) = (reader.batches()?, list.input.stem());
        let file = list.input.file_names().next().unwrap_or_default();
        let begun = batch_begun_with(&reader, Path::new(file))?;
        let of_other_folders = batches_of_other_folders(&reader, Path::new(file))?;
        let known: Vec<_> = batches.iter().filter(|it| it.is_whole()).collect();
        let known: Vec<_> = known
            .iter()
            .map(|batch| KnownBatch {
                name: &batch.name,
                state: batch.state,
                is_same: is_of_file(batch, stem)
                    && definition.differences(&batch.definition).is_empty(),
                is_edited: begun.as_ref() == Some(&batch.name)
                    && definition.has_message_of(&batch.definition),
                is_of_other_folder: of_other_folders.contains(&batch.name),
            })
            .collect();
        let (name, change) = match batch_of_list(stem, date, &known) {
            BatchOfList::Continue(name) | BatchOfList::New(name) => (name, None),
            BatchOfList::Update(name) => (name, Some(Change::Update)),
        };
        let settings = SendSettings {
            batch: Some(&name),
            channel,
            change,
            sandbox,
            follow_up: None,
        };
        Self::new(checkpoint, list, &settings, now)
    }
}

fn end(exit: ExitCode) -> ListEnd {
    match exit {
        ExitCode::Complete | ExitCode::CompleteWithProblems | ExitCode::BelowShare => {
            ListEnd::RanOut
        }
        ExitCode::Input => ListEnd::Unusable,
        ExitCode::Usage | ExitCode::Held | ExitCode::Paused => ListEnd::OwnReason,
        ExitCode::Guard | ExitCode::Configuration | ExitCode::Storage | ExitCode::Internal => {
            ListEnd::CommonReason
        }
    }
}

/// Whether the batch began with a file that is called so.
fn is_of_file(batch: &Batch, stem: &str) -> bool {
    let first = batch.files.first();
    first.is_some_and(|file| Source::Path(file.into()).stem() == stem)
}

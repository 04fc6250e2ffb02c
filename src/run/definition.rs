//! What a batch is: its rows, columns, content and channel. Pure: which batch a list belongs to is decided by
//! these values alone.

use std::collections::BTreeMap;

use super::mismatch::Mismatch;
use crate::domain::batch_name;
use crate::domain::content::Template;
use crate::domain::fold;
use crate::domain::retention::{self, CONTENT};
use crate::domain::row_cells::MAPPING;
use crate::domain::text::{digest_of, hex};
use crate::intake::Input;
use crate::store::{Batch, Change, ListChange};

/// The part of a definition that is the digest of the files.
const ROWS: &str = "rows";

/// The lists that were added, by the digest of their rows, and each file of a list of several: the same one is not added
/// again.
const ADDED: &str = "added";

/// What a list, its message and its channel make together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    /// What the digest covers, by name.
    pub(super) parts: BTreeMap<String, String>,
    pub(super) digest: [u8; 32],
    pub(super) channel: String,
    /// The digest of each file.
    files: Vec<String>,
}

/// What is known of a batch that may be the one of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) name: &'a str,
    pub(super) digest: &'a [u8],
    pub(super) definition: &'a BTreeMap<String, String>,
}

impl<'a> From<&'a Batch> for Stored<'a> {
    fn from(batch: &'a Batch) -> Self {
        Self {
            name: &batch.name,
            digest: &batch.digest,
            definition: &batch.definition,
        }
    }
}

/// How a list matches the batch of its name, `B`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchMatch<B> {
    /// The batch is not there yet.
    New,
    /// The batch has this list already, and goes on.
    Continue(B),
    /// A second list becomes part of the batch.
    Change(B, Change),
}

impl<B> BatchMatch<B> {
    /// The batch, if it is there.
    pub(super) fn batch(&self) -> Option<&B> {
        match self {
            Self::New => None,
            Self::Continue(batch) | Self::Change(batch, _) => Some(batch),
        }
    }
}

/// Whether the batch with this definition has the rows of the file with this digest, as it is.
pub(super) fn has_file(definition: &BTreeMap<String, String>, file: &[u8; 32]) -> bool {
    let file = hex(file);
    definition.get(ROWS) == Some(&file) || added(definition, &file)
}

/// Whether both have the same rows.
pub(super) fn has_rows_of(
    definition: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
) -> bool {
    definition.get(ROWS) == other.get(ROWS)
}

/// Whether both have the same message and channel, as far as the message is kept.
pub(super) fn has_message_of(
    definition: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
) -> bool {
    let is_same = |part: &str| {
        definition
            .get(part)
            .is_some_and(|it| other.get(part) == Some(it))
    };
    is_same(CONTENT) && is_same("channel")
}

/// Whether a list or a file of this digest was added to the batch with this definition.
fn added(definition: &BTreeMap<String, String>, digest: &str) -> bool {
    let added = definition.get(ADDED).map_or("", String::as_str);
    added.split(' ').any(|it| it == digest)
}

impl Definition {
    pub(super) fn new(input: &Input, message: &Template, channel: &str) -> Self {
        let mut parts = BTreeMap::from([
            (ROWS.to_owned(), hex(input.digest().bytes())),
            (MAPPING.to_owned(), input.mapping().canonical()),
            (CONTENT.to_owned(), fold::content(message.canonical())),
            ("channel".to_owned(), channel.to_owned()),
        ]);
        let digest = digest(&parts);
        let files: Vec<String> = input.digests().map(|it| hex(it.bytes())).collect();
        if files.len() > 1 {
            parts.insert(ADDED.to_owned(), files.join(" "));
        }
        Self {
            digest,
            parts,
            channel: channel.to_owned(),
            files,
        }
    }

    /// The name of a batch that was given none: another list or message has another one. A batch that was
    /// named so by an earlier version, while white space in its message still counted or any sign could stand
    /// in a name, keeps its name, and is found by it.
    pub(super) fn default_name<'a>(
        &self,
        stem: &str,
        batches: impl Iterator<Item = Stored<'a>> + Clone,
    ) -> String {
        let name = named(stem, &self.digest);
        let is_there = batches.clone().any(|it| it.name == name);
        let mut same = batches.filter(|it| {
            let own = [named(stem, it.digest), formerly_named(stem, it.digest)];
            own.iter().any(|own| it.name == own) && self.differences(it.definition).is_empty()
        });
        match same.next() {
            Some(older) if !is_there => older.name.to_owned(),
            Some(_) | None => name,
        }
    }

    /// What becomes of the batch `name`, which was found with this definition, or not found.
    pub(super) fn compare<B>(
        &self,
        name: &str,
        found: Option<(BTreeMap<String, String>, B)>,
        change: Option<Change>,
    ) -> Result<BatchMatch<B>, Mismatch> {
        let Some((stored, batch)) = found else {
            return match change {
                None => Ok(BatchMatch::New),
                Some(_) => Err(Mismatch::NoBatchYet(name.to_owned())),
            };
        };
        let differing = self.differences(&stored);
        let message_differs = !self.has_message_of(&stored);
        let is_there = match change {
            None => differing.is_empty(),
            // The same list again, or one that was added to it.
            Some(Change::Add) => {
                differing.is_empty() || !message_differs && self.was_added(&stored)
            }
            // Also by the same list everybody is judged anew: a person who was suppressed may be messaged by now, and what
            // was added since goes with the list that is replaced.
            Some(Change::Update) => false,
        };
        if is_there {
            return Ok(BatchMatch::Continue(batch));
        }
        // A batch has one content and one channel, whatever rows it gains.
        let other = differing
            .iter()
            .find(|part| !matches!(**part, ROWS | MAPPING));
        let (name, rows_only) = (name.to_owned(), other.is_none());
        match (change, other) {
            (Some(change), None) => Ok(BatchMatch::Change(batch, change)),
            (Some(_), Some(what)) => Err(Mismatch::OtherMessage(name, part_name(what))),
            (None, _) => {
                let words = |part| match part {
                    MAPPING => self.differing_flags(&stored),
                    other => vec![part_name(other)],
                };
                let differing = differing.into_iter().flat_map(words).collect();
                Err(Mismatch::OtherDefinition(name, differing, rows_only))
            }
        }
    }

    /// Whether message and channel are those of the stored parts.
    pub(super) fn has_message_of(&self, stored: &BTreeMap<String, String>) -> bool {
        let mut differing = self.differences(stored).into_iter();
        differing.all(|part| matches!(part, ROWS | MAPPING))
    }

    /// What differs from the stored parts, the rows first.
    pub(super) fn differences(&self, stored: &BTreeMap<String, String>) -> Vec<&'static str> {
        [ROWS, MAPPING, CONTENT, "channel"]
            .into_iter()
            .filter(|part| !is_same(part, stored.get(*part), self.parts.get(*part)))
            .collect()
    }

    /// The flags by which the rows are read in another way, where nothing but flags differs.
    fn differing_flags(&self, stored: &BTreeMap<String, String>) -> Vec<&'static str> {
        let mapping = |parts: &BTreeMap<String, String>| parts.get(MAPPING).cloned();
        let (Some(was), Some(is)) = (mapping(stored), mapping(&self.parts)) else {
            return vec![part_name(MAPPING)];
        };
        let (was, is) = (split_flags(&was), split_flags(&is));
        if was.columns != is.columns {
            return vec![part_name(MAPPING)];
        }
        let flags = [
            (was.international != is.international, "--international"),
            (was.line_types != is.line_types, "--allow-line-type"),
        ];
        let flags = flags.into_iter().filter(|(differs, _)| *differs);
        flags.map(|(_, flag)| flag).collect()
    }

    fn was_added(&self, stored: &BTreeMap<String, String>) -> bool {
        let is_known = self.parts.get(ROWS).is_some_and(|rows| added(stored, rows));
        is_known || self.files.len() > 1 && self.files.iter().all(|file| self.has(stored, file))
    }

    /// Whether the batch has a file of this digest, read as this list is.
    pub(super) fn has(&self, stored: &BTreeMap<String, String>, file: &str) -> bool {
        let is_its_list = stored.get(ROWS).is_some_and(|rows| rows == file);
        let is_read_so = stored.get(MAPPING) == self.parts.get(MAPPING);
        added(stored, file) || is_its_list && is_read_so
    }

    /// What `batch` is once this list is part of it; `files` are all its files then. Of a batch that was restored,
    /// columns and channel are those of the list too: `restored` are its columns then.
    pub(super) fn change(
        &self,
        batch: &Batch,
        how: Change,
        files: Vec<String>,
        restored: Option<Vec<String>>,
    ) -> ListChange {
        let (definition, digest) = match how {
            Change::Update => (self.parts.clone(), self.digest),
            Change::Add => {
                let stored = <[u8; 32]>::try_from(batch.digest.as_slice());
                let digest = stored.unwrap_or_else(|_| digest(&batch.definition));
                (self.added_to(&batch.definition), digest)
            }
        };
        ListChange {
            how,
            definition,
            digest,
            files,
            channel: restored.is_some().then(|| self.channel.clone()),
            headers: restored,
        }
    }

    /// The stored parts, and that these rows were added.
    fn added_to(&self, stored: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut parts = stored.clone();
        let added = parts.entry(ADDED.to_owned()).or_default();
        let several = self.files.iter().filter(|_| self.files.len() > 1);
        for digest in self.parts.get(ROWS).into_iter().chain(several) {
            if !added.is_empty() {
                added.push(' ');
            }
            added.push_str(digest);
        }
        parts
    }
}

/// The meaning of the columns, without the flags that stand after it, and the flags.
struct MappingFlags<'a> {
    columns: &'a str,
    international: bool,
    line_types: &'a str,
}

/// Takes apart what [`Mapping::canonical`](crate::intake::Mapping::canonical) put together.
fn split_flags(canonical: &str) -> MappingFlags<'_> {
    let (rest, line_types) = canonical
        .rsplit_once(";line_types=")
        .unwrap_or((canonical, ""));
    let columns = rest.strip_suffix(";international=yes");
    MappingFlags {
        columns: columns.unwrap_or(rest),
        international: columns.is_some(),
        line_types,
    }
}

/// Whether a stored part is the one that is wanted. Content is stored as it was typed by older versions.
fn is_same(part: &str, stored: Option<&String>, wanted: Option<&String>) -> bool {
    match (stored, wanted) {
        (Some(stored), Some(wanted)) if part == CONTENT => retention::is_message(stored, wanted),
        (stored, wanted) => stored == wanted,
    }
}

fn named(stem: &str, digest: &[u8]) -> String {
    batch_name::of_file(stem, &short(digest))
}

/// As earlier versions did, whatever the name of the file held.
fn formerly_named(stem: &str, digest: &[u8]) -> String {
    format!("{stem}-{}", short(digest))
}

fn short(digest: &[u8]) -> String {
    hex(digest.get(..4).unwrap_or(digest))
}

fn digest(parts: &BTreeMap<String, String>) -> [u8; 32] {
    digest_of(
        parts
            .iter()
            .flat_map(|(what, value)| [what.as_str(), value]),
    )
}

/// A part in the words of the command line.
fn part_name(part: &'static str) -> &'static str {
    match part {
        MAPPING => "columns",
        CONTENT => "message",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(rows: &str, content: &str) -> Definition {
        let parts = [
            (ROWS, rows),
            (MAPPING, "phone=0"),
            ("content", content),
            ("channel", "7"),
        ];
        let parts = BTreeMap::from(parts.map(|(part, text)| (part.to_owned(), text.to_owned())));
        Definition {
            digest: digest(&parts),
            parts,
            channel: "7".to_owned(),
            files: vec![rows.to_owned()],
        }
    }

    fn compare(
        wanted: &Definition,
        stored: Option<&Definition>,
        change: Option<Change>,
    ) -> Result<BatchMatch<()>, Mismatch> {
        wanted.compare("spring", stored.map(|it| (it.parts.clone(), ())), change)
    }

    #[test]
    fn the_same_list_and_message_continue_the_batch() {
        let list = definition("a", "Hi");
        assert_eq!(compare(&list, None, None), Ok(BatchMatch::New));
        for change in [None, Some(Change::Add)] {
            let batch_match = compare(&list, Some(&list), change);
            assert_eq!(batch_match, Ok(BatchMatch::Continue(())), "{change:?}");
        }
        let batch_match = compare(&list, Some(&list), Some(Change::Update));
        assert_eq!(
            batch_match,
            Ok(BatchMatch::Change((), Change::Update)),
            "judged anew"
        );
        assert!(matches!(
            compare(&list, None, Some(Change::Add)),
            Err(Mismatch::NoBatchYet(_))
        ));
    }

    #[test]
    fn another_list_joins_only_where_that_is_asked_for() {
        let (stored, wanted) = (definition("a", "Hi"), definition("b", "Hi"));
        let refused = compare(&wanted, Some(&stored), None);
        let other = Mismatch::OtherDefinition("spring".to_owned(), vec![ROWS], true);
        assert_eq!(refused, Err(other));
        for change in [Change::Add, Change::Update] {
            let batch_match = compare(&wanted, Some(&stored), Some(change));
            assert_eq!(batch_match, Ok(BatchMatch::Change((), change)));
        }
    }

    #[test]
    fn a_list_that_was_added_is_not_added_again() {
        let (stored, wanted) = (definition("a", "Hi"), definition("b", "Hi"));
        let parts = wanted.added_to(&stored.parts);
        let parts = definition("c", "Hi").added_to(&parts);
        assert_eq!(parts.get(ADDED).map(String::as_str), Some("b c"));
        let first = stored.compare("spring", Some((parts.clone(), ())), Some(Change::Update));
        assert_eq!(
            first,
            Ok(BatchMatch::Change((), Change::Update)),
            "without b and c"
        );
        let other = definition("b", "Hello").compare(
            "spring",
            Some((parts.clone(), ())),
            Some(Change::Add),
        );
        assert!(matches!(other, Err(Mismatch::OtherMessage(..))));
        for rows in ["b", "c"] {
            let again = definition(rows, "Hi");
            let batch_match = again.compare("spring", Some((parts.clone(), ())), Some(Change::Add));
            assert_eq!(batch_match, Ok(BatchMatch::Continue(())));
        }
    }

    #[test]
    fn white_space_in_a_message_makes_no_other_batch_also_where_it_was_stored() {
        let content = |text| format!(r#"{{"content":{{"payload":"{text}","type":"text"}}}}"#);
        let wanted = definition("a", &content("Hi there"));
        let older = definition("a", &content("Hi  there\\n"));
        assert_ne!(older.digest, wanted.digest);
        for change in [None, Some(Change::Add)] {
            let batch_match = compare(&wanted, Some(&older), change);
            assert_eq!(batch_match, Ok(BatchMatch::Continue(())));
        }
        let (old, new) = (named("list", &older.digest), named("list", &wanted.digest));
        let stored = |name, of: &'static Definition| Stored {
            name,
            digest: &of.digest,
            definition: &of.parts,
        };
        let (older, current): (&Definition, &Definition) = (
            Box::leak(Box::new(older)),
            Box::leak(Box::new(wanted.clone())),
        );
        let name = |batches: &[Stored<'_>]| wanted.default_name("list", batches.iter().copied());
        assert_eq!(name(&[]), new);
        assert_eq!(name(&[stored(&old, older)]), old);
        assert_eq!(name(&[stored(&old, older), stored(&new, current)]), new);
        assert_eq!(name(&[stored("spring", older)]), new, "it was given a name");
        let odd = formerly_named("l/ist", &current.digest);
        let batches = [stored(&odd, current)];
        assert_eq!(wanted.default_name("l/ist", batches.into_iter()), odd);
        let other = definition("b", &content("Hi  there"));
        assert_eq!(
            other.default_name("list", [stored(&old, older)].into_iter()),
            named("list", &other.digest)
        );
    }

    #[test]
    fn a_batch_has_one_message() {
        let (stored, wanted) = (definition("a", "Hi"), definition("b", "Hello"));
        assert_eq!(
            compare(&wanted, Some(&stored), Some(Change::Update)),
            Err(Mismatch::OtherMessage("spring".to_owned(), "message"))
        );
        assert!(matches!(
            compare(&wanted, Some(&stored), None),
            Err(Mismatch::OtherDefinition(_, _, false))
        ));
    }

    #[test]
    fn what_differs_is_told_in_the_words_of_the_flags() {
        let (stored, mut wanted) = (definition("a", "Hi"), definition("a", "Hello"));
        wanted.parts.insert(MAPPING.to_owned(), "other".to_owned());
        let message = compare(&wanted, Some(&stored), None)
            .unwrap_err()
            .to_string();
        let words = "batch `spring` was begun with other columns and other message.";
        assert!(message.starts_with(words), "{message}");
        let message = compare(&wanted, Some(&stored), Some(Change::Add))
            .unwrap_err()
            .to_string();
        let words = "was begun with another message; give that one, or another --batch, or give the batch up with `outreach cancel spring`";
        assert!(message.ends_with(words), "{message}");
    }

    #[test]
    fn a_flag_that_alone_differs_is_named() {
        let with = |mapping: &str| {
            let mut definition = definition("a", "Hi");
            definition
                .parts
                .insert(MAPPING.to_owned(), mapping.to_owned());
            definition
        };
        for (was, is, words) in [
            ("p", "p;international=yes", "--international."),
            ("p;line_types=toll-free", "p", "--allow-line-type."),
            ("p;line_types=a", "p;line_types=b", "--allow-line-type."),
            (
                "p",
                "p;international=yes;line_types=a",
                "--international and other --allow-line-type.",
            ),
            ("p", "q;international=yes", "columns."),
        ] {
            let message = compare(&with(is), Some(&with(was)), None).unwrap_err();
            let words = format!("batch `spring` was begun with other {words}");
            assert!(message.to_string().starts_with(&words), "{message}");
        }
    }
}

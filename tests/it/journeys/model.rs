//! The journey's own account: what the lists hold, who said what, and who decided what.
//!
//! It never asks the program. What the API accepted comes from the sandbox.

use std::collections::{BTreeMap, BTreeSet};

use super::api::Accepted;
use super::list::{Entry, PEOPLE};

/// What the metadata says of a batch: a night adds the day to the name of a list. Another batch may be called after that one.
pub(crate) fn key_of(batch: &str) -> &str {
    match batch.split_once('-') {
        Some((key, day)) if !day.contains(' ') => key,
        Some(_) | None => batch,
    }
}

/// One line of a results file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResultRow {
    pub(crate) key: String,
    pub(crate) row: String,
    pub(crate) person: Option<usize>,
    pub(crate) status: String,
    pub(crate) reason: String,
    /// The channel that it went to last.
    pub(crate) channel: Option<usize>,
    pub(crate) has_contact: bool,
}

impl ResultRow {
    pub(crate) fn is(&self, status: &str) -> bool {
        self.status == status
    }
}

/// What a batch sends, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) text: usize,
    pub(crate) channel: usize,
    pub(crate) strict: bool,
    pub(crate) fallback: bool,
}

impl How {
    /// On the first channel, to everybody who is not kept out.
    pub(crate) fn plain(text: usize) -> Self {
        Self {
            text,
            channel: 0,
            strict: false,
            fallback: false,
        }
    }
}

/// One person, on all channels.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that was heard or done"
)]
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    /// Must not be messaged: said STOP, is on the suppression list, or was erased.
    pub(crate) blocked: bool,
    /// It cannot be told whether the person is blocked: both are right.
    pub(crate) murky: bool,
    /// Was erased once.
    pub(crate) forgotten: bool,
    /// Said STOP by a button once.
    pub(crate) pressed: bool,
    /// Said STOP on this channel while the program did not know the contact.
    pub(crate) stop_waits: Option<usize>,
    /// A STOP waited at some time: when it is heard cannot be told.
    pub(crate) stop_waited: bool,
    /// The program knows the contact of this channel.
    pub(crate) contact_known: [bool; 2],
    /// An event told whose the contact of this channel is: the program may know it.
    pub(crate) contact_shown: [bool; 2],
    /// A batch was told that this channel does not reach the person.
    pub(crate) unreached: [bool; 2],
    /// A delivery was told while the outcome of its message was open.
    pub(crate) delivered: bool,
    /// An acceptance was learned by other ways than its answer.
    pub(crate) evidence: bool,
}

impl Person {
    /// An event about one of our messages shows whose the contact is: a STOP that waits, or comes after it, may be heard.
    pub(crate) fn may_show_contact(&mut self, channel: usize) {
        self.contact_shown[channel] = true;
        self.murky |= self.stop_waits == Some(channel);
    }
}

/// The event that people wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    OptIn,
    Delivered,
}

/// Whose people a follow-up is for, and after which event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Follows {
    pub(crate) of: String,
    pub(crate) after: Awaited,
}

/// One batch.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, told or done"
)]
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) name: String,
    /// What the metadata of its messages says.
    pub(crate) key: String,
    /// It is a follow-up.
    pub(crate) follows: Option<Follows>,
    /// Whose event came since it began.
    pub(crate) called: BTreeSet<usize>,
    pub(crate) text: usize,
    pub(crate) channel: usize,
    /// The batch skips who got anything of late (`--not-within`).
    pub(crate) strict: bool,
    /// Whom its channel does not reach gets it on the other one.
    pub(crate) fallback: bool,
    /// Somebody may have been refused by script.
    pub(crate) refused: bool,
    /// The first of it go as a pilot: while one of them waits for another batch, the rest stays queued.
    pub(crate) in_pilot: bool,
    /// The file of its list.
    pub(crate) file: String,
    /// What that file holds.
    pub(crate) base: Vec<Entry>,
    /// The list that the batch began with.
    pub(crate) first: Vec<Entry>,
    /// Files that were added, and what they hold.
    pub(crate) added: Vec<(String, Vec<Entry>)>,
    /// The rows as they are to be: those of the list and of what was added, without the erased.
    pub(crate) entries: Vec<Entry>,
    /// All rows that its lists ever had.
    pub(crate) ever: Vec<Entry>,
    /// Rows without their fields.
    pub(crate) erased: usize,
    /// People whose row had an outcome, or an open one, when it was erased.
    pub(crate) tried_and_erased: BTreeSet<usize>,
    /// The list was replaced by another: rows of the earlier one may still stand there.
    pub(crate) replaced: bool,
    /// All keys that the batch ever had.
    pub(crate) keys: BTreeSet<String>,
    /// The results as they were last seen.
    pub(crate) rows: Vec<ResultRow>,
    /// Who was blocked at some time since then.
    pub(crate) blocked_meanwhile: BTreeSet<usize>,
    /// Decisions to send once more, by person.
    pub(crate) resent: BTreeMap<usize, usize>,
    /// Decisions to count an unknown as sent.
    pub(crate) assumed: BTreeSet<usize>,
    /// People whose outcome was unknown at some time.
    pub(crate) ever_unknown: BTreeSet<usize>,
    /// Those among them whose outcome became unknown in the present step.
    pub(crate) newly_unknown: BTreeSet<usize>,
    /// People who were refused or unknown when the list changed.
    pub(crate) stale: BTreeSet<usize>,
    /// People who were `sent` by the message list's word.
    pub(crate) listed: BTreeSet<usize>,
    /// How often each row was mended.
    pub(crate) mended: BTreeMap<String, usize>,
    /// People who joined by a list while a row of theirs was there.
    pub(crate) rejoined: BTreeSet<usize>,
    /// People whom its list, a results file, calls suppressed because they must not be messaged, or whose message may have gone by it.
    pub(crate) refused_by_list: BTreeSet<usize>,
}

impl Batch {
    pub(crate) fn new(name: &str, text: usize, channel: usize, file: &str, list: &[Entry]) -> Self {
        let mut batch = Self {
            name: name.to_owned(),
            key: key_of(name).to_owned(),
            follows: None,
            called: BTreeSet::new(),
            text,
            channel,
            strict: false,
            fallback: false,
            refused: false,
            in_pilot: false,
            file: String::new(),
            base: Vec::new(),
            first: list.to_vec(),
            added: Vec::new(),
            entries: Vec::new(),
            ever: Vec::new(),
            erased: 0,
            tried_and_erased: BTreeSet::new(),
            replaced: false,
            keys: BTreeSet::new(),
            rows: Vec::new(),
            blocked_meanwhile: BTreeSet::new(),
            resent: BTreeMap::new(),
            assumed: BTreeSet::new(),
            ever_unknown: BTreeSet::new(),
            newly_unknown: BTreeSet::new(),
            stale: BTreeSet::new(),
            listed: BTreeSet::new(),
            mended: BTreeMap::new(),
            rejoined: BTreeSet::new(),
            refused_by_list: BTreeSet::new(),
        };
        batch.replace(file, list);
        batch.replaced = false;
        batch
    }

    pub(crate) fn how(&self) -> How {
        How {
            text: self.text,
            channel: self.channel,
            strict: self.strict,
            fallback: self.fallback,
        }
    }

    /// Whether its people come from a file, which may be given again.
    pub(crate) fn is_of_list(&self) -> bool {
        !self.file.is_empty()
    }

    /// Whether it may use the channel.
    pub(crate) fn uses(&self, channel: usize) -> bool {
        self.fallback || channel == self.channel
    }

    /// The list becomes this one.
    pub(crate) fn replace(&mut self, file: &str, list: &[Entry]) {
        self.note_open_rows(list);
        self.replaced = true;
        file.clone_into(&mut self.file);
        self.base = list.to_vec();
        self.entries = list.to_vec();
        self.added.clear();
        self.keys.extend(list.iter().map(|entry| entry.key.clone()));
        self.ever.extend_from_slice(list);
    }

    /// These rows join.
    pub(crate) fn add(&mut self, file: &str, list: &[Entry]) {
        self.note_open_rows(list);
        self.added.push((file.to_owned(), list.to_vec()));
        self.entries.extend_from_slice(list);
        self.keys.extend(list.iter().map(|entry| entry.key.clone()));
        self.ever.extend_from_slice(list);
    }

    fn note_open_rows(&mut self, list: &[Entry]) {
        let open = |row: &&ResultRow| ["unknown", "error", "no_messenger"].contains(&&*row.status);
        let open = self.rows.iter().filter(open).filter_map(|row| row.person);
        self.stale.extend(open);
        let there: BTreeSet<usize> = self.rows.iter().filter_map(|row| row.person).collect();
        let joins = list.iter().filter_map(|entry| entry.person);
        self.rejoined
            .extend(joins.filter(|person| there.contains(person)));
    }

    /// The person's rows lose their fields, those that are invalid for their message too.
    pub(crate) fn forget(&mut self, person: usize) {
        let tried = |row: &ResultRow| {
            ["sent", "unknown", "error", "no_messenger"]
                .iter()
                .any(|is| row.is(is))
        };
        if self.row_of(person).is_some_and(tried) {
            self.tried_and_erased.insert(person);
        }
        // A row that is invalid, or of a person who was erased before, may show no number.
        let listed = self.ever.iter().filter(|it| it.person == Some(person));
        let keys = listed.map(|it| it.key.clone());
        let keys: BTreeSet<String> = keys.filter(|key| !key.is_empty()).collect();
        let before = self.entries.len();
        self.entries.retain(|entry| entry.person != Some(person));
        // Rows of an earlier list may still stand there.
        let seen = self.rows.iter();
        let rows = seen
            .filter(|row| row.person == Some(person) || keys.contains(&row.key))
            .count();
        self.erased += rows.max(before - self.entries.len());
    }

    /// Whether a row of the person mends what was mended before: it is left out then.
    pub(crate) fn mended_again(&self, person: usize) -> bool {
        let mut of_person = self.ever.iter().filter(|it| it.person == Some(person));
        of_person.any(|it| self.mended.get(&it.key).is_some_and(|times| *times > 1))
    }

    /// What is sent to the person: one content for each of their rows.
    pub(crate) fn contents(&self, person: usize) -> Vec<String> {
        self.contents_in(&self.entries, person)
    }

    /// What may have been sent to the person at any time.
    fn contents_ever(&self, person: usize) -> Vec<String> {
        self.contents_in(&self.ever, person)
    }

    fn contents_in(&self, entries: &[Entry], person: usize) -> Vec<String> {
        entries
            .iter()
            .filter(|entry| entry.person == Some(person))
            .filter_map(|entry| entry.content(self.text))
            .collect()
    }

    pub(crate) fn row_of(&self, person: usize) -> Option<&ResultRow> {
        let mine = |row: &&ResultRow| row.person == Some(person) && !row.is("duplicate");
        self.rows.iter().find(mine)
    }
}

fn shares_channel(one: &Batch, other: &Batch) -> bool {
    one.uses(other.channel) || other.uses(one.channel)
}

/// Everything that a journey knows.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) batches: BTreeMap<String, Batch>,
    /// Batches of which nothing is left but whom they messaged.
    pub(crate) pruned: BTreeMap<String, Batch>,
    pub(crate) people: Vec<Person>,
    pub(crate) account: Vec<Accepted>,
    /// The batch of the latest step.
    pub(crate) latest: Option<String>,
    pub(crate) next_key: u32,
    pub(crate) next_file: u32,
    /// Results files that were written to be imported.
    pub(crate) exports: Vec<String>,
}

impl Model {
    pub(crate) fn new() -> Self {
        Self {
            batches: BTreeMap::new(),
            pruned: BTreeMap::new(),
            people: vec![Person::default(); PEOPLE],
            account: Vec::new(),
            latest: None,
            next_key: 0,
            next_file: 0,
            exports: Vec::new(),
        }
    }

    /// The batch, also once it was pruned.
    pub(crate) fn batch(&self, name: &str) -> Option<&Batch> {
        self.batches.get(name).or_else(|| self.pruned.get(name))
    }

    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.batch(name).is_some()
    }

    /// Whether the metadata of a batch says so.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        let mut batches = self.batches.values().chain(self.pruned.values());
        batches.any(|batch| batch.key == key)
    }

    /// An event about the person came: an opt-in on the channel, or a delivery of that batch's message.
    pub(crate) fn call(&mut self, person: usize, channel: usize, delivered: Option<&str>) {
        for batch in self.batches.values_mut() {
            let is_for = batch.follows.as_ref().is_some_and(|it| match it.after {
                Awaited::OptIn => delivered.is_none() && batch.channel == channel,
                Awaited::Delivered => delivered == Some(it.of.as_str()),
            });
            if is_for {
                batch.called.insert(person);
            }
        }
    }

    pub(crate) fn prune(&mut self, name: &str) {
        if let Some(batch) = self.batches.remove(name) {
            self.pruned.insert(name.to_owned(), batch);
        }
        self.latest.take_if(|latest| latest.as_str() == name);
    }

    /// What the API accepted. Its messages say the keys of their batches.
    pub(crate) fn learn_account(&mut self, mut account: Vec<Accepted>) {
        for message in &mut account {
            let mut batches = self.batches.values().chain(self.pruned.values());
            if let Some(batch) = batches.find(|batch| batch.key == message.batch) {
                batch.name.clone_into(&mut message.batch);
            }
        }
        self.account = account;
    }

    /// Messages of the batch to the person.
    pub(crate) fn of_batch(&self, batch: &str, person: usize) -> usize {
        let mine = |message: &&Accepted| message.batch == batch && message.person == person;
        self.account.iter().filter(mine).count()
    }

    /// Whether this content reached the person on the channel from another batch, or counts as if.
    pub(crate) fn has_elsewhere(&self, batch: &Batch, person: usize) -> bool {
        let contents = batch.contents(person);
        let accepted = self.account.iter().any(|message| {
            message.person == person
                && message.batch != batch.name
                && (batch.strict || batch.uses(message.channel) && contents.contains(&message.text))
        });
        // What was sent again may have been accepted the first time, and an erased row may have been assumed to be sent.
        let erased = self.people[person].forgotten;
        let counts = |other: &Batch| {
            other.assumed.contains(&person)
                || other.resent.contains_key(&person)
                || erased && other.ever_unknown.contains(&person)
        };
        accepted || self.others_with(batch, person, &counts)
    }

    /// Whether it was open at some time if the person got this content from another batch.
    pub(crate) fn open_elsewhere(&self, batch: &Batch, person: usize) -> bool {
        self.others_with(batch, person, &|other| {
            other.ever_unknown.contains(&person) || other.resent.contains_key(&person)
        })
    }

    /// Whether it was open at some time if the person got any message.
    pub(crate) fn may_await_answer(&self, person: usize) -> bool {
        let mut batches = self.batches.values().chain(self.pruned.values());
        let was_open = |it: &Batch| {
            it.ever_unknown.contains(&person)
                || it.resent.contains_key(&person)
                || it.assumed.contains(&person)
        };
        self.people[person].evidence || batches.any(was_open)
    }

    /// Whether the person's row may wait for another batch's, whose outcome is open now.
    pub(crate) fn waits_elsewhere(&self, batch: &Batch, person: usize) -> bool {
        let is_open = |row: &ResultRow| row.is("unknown") || row.is("queued");
        self.others_with(batch, person, &|other| {
            other.row_of(person).is_some_and(is_open)
        })
    }

    /// Whether another batch with the same content for the person is like that.
    pub(crate) fn others_with(
        &self,
        batch: &Batch,
        person: usize,
        is_so: &dyn Fn(&Batch) -> bool,
    ) -> bool {
        let contents = batch.contents(person);
        self.batches
            .values()
            .chain(self.pruned.values())
            .any(|other| {
                let same = || {
                    let earlier = other.contents_ever(person);
                    earlier.iter().any(|content| contents.contains(content))
                };
                other.name != batch.name
                    && is_so(other)
                    && (batch.strict || shares_channel(other, batch) && same())
            })
    }

    pub(crate) fn block(&mut self, person: usize) {
        self.people[person].blocked = true;
        for batch in self.batches.values_mut() {
            batch.blocked_meanwhile.insert(person);
        }
    }

    /// What a run or an event has brought: contacts become known, and a STOP that waited is heard.
    pub(crate) fn learn_contacts(&mut self, channel: usize, rows: &[ResultRow]) {
        for row in rows.iter().filter(|row| row.has_contact) {
            let Some(person) = row.person else {
                continue;
            };
            let channel = row.channel.unwrap_or(channel);
            self.people[person].contact_known[channel] = true;
        }
    }

    /// Whom a channel was found not to reach, by script or in truth: a later batch may begin with its fallback.
    pub(crate) fn learn_unreached(&mut self, first: usize, rows: &[ResultRow]) {
        for row in rows {
            let Some(person) = row.person else {
                continue;
            };
            let last = row.channel.unwrap_or(first);
            let unreached = &mut self.people[person].unreached;
            unreached[first] |= last != first || row.is("no_messenger");
            unreached[last] |= row.is("no_messenger");
        }
    }
}

//! The lists of a night, one after the other. One that may still be written is waited for, while others are sent.

use jiff::Timestamp;

use super::night::InboxList;
use super::observer::{StopHandle, StopRequest};
use crate::clock::{Clock, later};
use crate::domain::inbox::{PATIENCE, whole_from};

/// The next list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// It can be read.
    Whole(InboxList),
    /// It was written to until now, or its name says that it is not whole. It stays where it is.
    BeingWritten(InboxList),
}

/// The lists that were found in the inbox.
#[derive(Debug)]
pub struct Arrivals {
    lists: Vec<Arriving>,
    /// A rehearsal waits for nothing.
    rehearsal: bool,
    /// Until when lists that are being written are waited for.
    until: Option<Timestamp>,
}

/// A list that was found.
#[derive(Debug)]
struct Arriving {
    list: InboxList,
    /// Since when it is as it is, as far as it was looked at.
    seen: Timestamp,
    /// It was not whole when it was looked at.
    is_awaited: bool,
}

impl Arriving {
    /// Looks at the file again. False if it is gone.
    fn look(&mut self, now: Timestamp) -> bool {
        match self.list.look() {
            Some(false) => self.seen = now,
            Some(true) => {}
            None => return false,
        }
        true
    }

    fn whole_from(&self) -> Timestamp {
        match &self.list.problem {
            // It is no list: it is reported at once, as that.
            Some(_) => Timestamp::MIN,
            None => whole_from(self.list.modified(), self.seen),
        }
    }
}

impl Arrivals {
    /// Lists that were found at `now`. In a rehearsal all of them are taken as they are.
    pub fn new(lists: Vec<InboxList>, rehearsal: bool, now: Timestamp) -> Self {
        let lists = lists.into_iter();
        Self {
            lists: lists
                .map(|list| Arriving {
                    list,
                    seen: now,
                    is_awaited: false,
                })
                .collect(),
            rehearsal,
            until: None,
        }
    }

    /// How many are left.
    pub fn left(&self) -> u64 {
        self.lists.len() as u64
    }

    /// The next list, if one is left: the first that is whole. Where none is, the others are waited for, up to ten
    /// minutes in a night, the deadline, or a stop; `waits` is called when that begins.
    pub async fn next(
        &mut self,
        clock: &Clock,
        stop: &StopHandle,
        deadline: Option<Timestamp>,
        waits: &mut dyn FnMut(&InboxList, Timestamp),
    ) -> Option<Arrival> {
        loop {
            let now = clock.now();
            if let Some(next) = self.ready(now) {
                return Some(next);
            }
            let first = self.lists.first()?;
            let begins = self.until.is_none();
            let until = *self.until.get_or_insert_with(|| {
                let until = later(now, PATIENCE);
                deadline.map_or(until, |deadline| deadline.min(until))
            });
            if now >= until {
                return Some(Arrival::BeingWritten(self.lists.remove(0).list));
            }
            if begins {
                waits(&first.list, until);
            }
            let next = self.lists.iter().map(Arriving::whole_from).min();
            let wake = next.map_or(until, |next| next.min(until));
            tokio::select! {
                () = clock.sleep_until_wall(wake) => {}
                () = stop.asked_for(StopRequest::Finish) => self.until = Some(now),
            }
        }
    }

    /// The first whose name is certain now. A list that is gone while it is waited for has its last name now, or was
    /// taken away: it is none any more.
    fn ready(&mut self, now: Timestamp) -> Option<Arrival> {
        let rehearsal = self.rehearsal;
        let mut at = 0;
        while let Some(arriving) = self.lists.get_mut(at) {
            if arriving.list.is_partial {
                return Some(Arrival::BeingWritten(self.lists.remove(at).list));
            }
            if !arriving.look(now) && arriving.is_awaited {
                self.lists.remove(at);
                continue;
            }
            if rehearsal || arriving.whole_from() <= now {
                return Some(Arrival::Whole(self.lists.remove(at).list));
            }
            arriving.is_awaited = true;
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::run::NightFolder;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn at(seconds: i64) -> Timestamp {
        NOW + jiff::SignedDuration::from_secs(seconds)
    }

    /// Writes a list that was changed so many seconds after `NOW`.
    fn write(folder: &Path, name: &str, text: &str, seconds: i64) {
        let path = folder.join("inbox").join(name);
        std::fs::write(&path, text).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::from(at(seconds))).unwrap();
    }

    fn folder() -> (tempfile::TempDir, NightFolder) {
        let root = tempfile::tempdir().unwrap();
        let folder = NightFolder::open(root.path(), NOW).unwrap();
        (root, folder)
    }

    fn name(arrival: Option<Arrival>) -> String {
        match arrival {
            Some(Arrival::Whole(list)) => list.name(),
            Some(Arrival::BeingWritten(list)) => format!("{}, not whole", list.name()),
            None => "none".to_owned(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_written_to_is_waited_for_while_others_are_sent() {
        let (root, night) = folder();
        write(root.path(), "a.csv", "half", -5);
        write(root.path(), "b.csv", "whole", -600);
        write(root.path(), "c.csv.part", "half", -600);
        write(root.path(), "d.csv", "of another clock", 7_200);
        let clock = Clock::paused(NOW);
        let stop = StopHandle::default();
        let mut arrivals = Arrivals::new(night.lists().unwrap().lists, false, clock.now());
        assert_eq!(arrivals.left(), 4);
        let mut told = 0;
        let mut waits = |_: &InboxList, _: Timestamp| told += 1;
        let next = arrivals.next(&clock, &stop, None, &mut waits).await;
        assert_eq!(name(next), "b.csv");
        let next = arrivals.next(&clock, &stop, None, &mut waits).await;
        assert_eq!(name(next), "c.csv.part, not whole");
        // Its writer goes on while the others are sent.
        write(root.path(), "a.csv", "half and more", 0);
        let next = arrivals.next(&clock, &stop, None, &mut waits).await;
        assert_eq!(name(next), "a.csv");
        assert_eq!(clock.now(), at(10), "it was still for so long");
        let next = arrivals.next(&clock, &stop, None, &mut waits).await;
        assert_eq!(name(next), "d.csv");
        assert_eq!(clock.now(), at(10), "since it was seen");
        assert_eq!(arrivals.next(&clock, &stop, None, &mut waits).await, None);
        assert_eq!(told, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_is_written_to_without_end_stays() {
        let (root, night) = folder();
        write(root.path(), "a.csv", "", 0);
        let (clock, stop) = (Clock::paused(NOW), StopHandle::default());
        let mut arrivals = Arrivals::new(night.lists().unwrap().lists, false, clock.now());
        let writer = tokio::spawn({
            let (folder, clock) = (root.path().to_owned(), clock.clone());
            async move {
                for second in (0..).step_by(5) {
                    clock.sleep_until_wall(at(second)).await;
                    let text = "x".repeat(usize::try_from(second).unwrap());
                    write(&folder, "a.csv", &text, second);
                }
            }
        });
        let next = arrivals.next(&clock, &stop, None, &mut |_, _| ()).await;
        writer.abort();
        assert_eq!(name(next), "a.csv, not whole");
        assert_eq!(clock.now(), later(NOW, PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_a_stop_and_a_rehearsal_wait_for_no_list() {
        let (root, night) = folder();
        write(root.path(), "a.csv", "half", 0);
        let (clock, stop) = (Clock::paused(NOW), StopHandle::default());
        let lists = || night.lists().unwrap().lists;
        let waits = &mut |_: &InboxList, _: Timestamp| ();
        let mut arrivals = Arrivals::new(lists(), false, NOW);
        let next = arrivals.next(&clock, &stop, Some(at(5)), waits).await;
        assert_eq!(
            (name(next).as_str(), clock.now()),
            ("a.csv, not whole", at(5))
        );
        let mut arrivals = Arrivals::new(lists(), true, at(5));
        let next = arrivals.next(&clock, &stop, None, waits).await;
        assert_eq!((name(next).as_str(), clock.now()), ("a.csv", at(5)));
        stop.finish();
        let mut arrivals = Arrivals::new(lists(), false, at(5));
        let next = arrivals.next(&clock, &stop, None, waits).await;
        assert_eq!(
            (name(next).as_str(), clock.now()),
            ("a.csv, not whole", at(5))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_gets_another_name_while_it_is_waited_for_is_none() {
        let (root, night) = folder();
        write(root.path(), "a.csv", "half", 0);
        let (clock, stop) = (Clock::paused(NOW), StopHandle::default());
        let mut arrivals = Arrivals::new(night.lists().unwrap().lists, false, NOW);
        let path = root.path().join("inbox/a.csv");
        let waits = &mut |_: &InboxList, _: Timestamp| std::fs::remove_file(&path).unwrap();
        assert_eq!(arrivals.next(&clock, &stop, None, waits).await, None);
        assert!(clock.now() <= later(NOW, Duration::from_secs(30)));
    }
}

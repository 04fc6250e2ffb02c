//! One night over a folder of lists: which batch a list belongs to, and what becomes of the list once its batch has
//! run.

use jiff::civil::Date;

use super::batch_name;
use super::batch_state::BatchState;

/// A batch of the checkpoint, as a list in the inbox sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownBatch<'a> {
    pub(crate) name: &'a str,
    pub(crate) state: BatchState,
    /// Its first file is called as the list is, and list, message and channel are the same.
    pub(crate) is_same: bool,
    /// It was begun with the list in this very place, which was never filed away; message and channel are the same.
    pub(crate) is_edited: bool,
    /// It was begun with a list of another folder of nights, which is still there: its people are others.
    pub(crate) is_of_other_folder: bool,
}

/// The batch that a list is sent as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BatchOfList {
    /// It has this list already.
    Continue(String),
    /// Its list was edited since.
    Update(String),
    /// Not there yet.
    New(String),
}

/// The batch of the list called `stem`, in the night that began on `date`. `batches` are those whose lists were read
/// to their end, the newest first.
///
/// An unfinished batch of the list's name goes on, whatever its day, unless it is another folder's. A list that was sent
/// or given up, and comes again as it was, is that batch: nobody is messaged twice because a file could not be moved. So
/// is one that was edited while it was sent, or before it was filed away.
pub(crate) fn batch_of_list(stem: &str, date: Date, batches: &[KnownBatch<'_>]) -> BatchOfList {
    let waits = |it: &&KnownBatch<'_>| {
        it.state.is_unfinished() && it.state != BatchState::Cancelled && !it.is_of_other_folder
    };
    let unfinished = || batches.iter().filter(waits);
    if let Some(same) = unfinished().find(|it| it.is_same) {
        return BatchOfList::Continue(same.name.to_owned());
    }
    if let Some(edited) = unfinished().find(|it| is_of_night(it.name, stem)) {
        return BatchOfList::Update(edited.name.to_owned());
    }
    if let Some(same) = batches.iter().find(|it| it.is_same) {
        return BatchOfList::Continue(same.name.to_owned());
    }
    let mut edited = batches.iter().filter(|it| it.is_edited);
    if let Some(edited) = edited.find(|it| it.state != BatchState::Cancelled) {
        return BatchOfList::Update(edited.name.to_owned());
    }
    let is_taken = |name: &str| batches.iter().any(|it| it.name == name);
    let first = batch_name::of_file(stem, &date.to_string());
    let more = (2..).map(|number: u64| batch_name::of_file(stem, &format!("{date}-{number}")));
    let mut free = std::iter::once(first.clone()).chain(more);
    BatchOfList::New(free.find(|name| !is_taken(name)).unwrap_or(first))
}

/// Whether a night named a batch so: after the list and a date.
fn is_of_night(name: &str, stem: &str) -> bool {
    let parts = name.char_indices().filter_map(|(at, _)| name.get(at..));
    let mut dated = parts.filter(|part| is_dated(part));
    dated.any(|apart| batch_name::of_file(stem, apart) == name)
}

/// A date, or a date and a number.
fn is_dated(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked("2026-01-31".len()) else {
        return false;
    };
    let number = rest.strip_prefix('-').unwrap_or("0");
    let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    date.parse::<Date>().is_ok() && is_number && (rest.is_empty() || rest.starts_with('-'))
}

/// How the batch of a list ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListEnd {
    /// It ran to its end, reached or not.
    RanOut,
    /// The list cannot be used; nothing of it was sent.
    Unusable,
    /// It did not come to its end, for a reason of this list alone: a question about it, a time that it waits for,
    /// another process that sends it.
    OwnReason,
    /// What stopped it would stop the next one too: a guard, the settings, the storage, a defect.
    CommonReason,
}

/// Where a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListPlace {
    /// It stays, and the next night goes on with it.
    Inbox,
    /// It is complete.
    Sent,
    /// It cannot be used.
    Refused,
}

/// Where the list goes, and whether the next list follows. `queued`: recipients without an outcome. `time_is_over`:
/// the deadline came, or a person asked to stop.
pub(crate) fn after_list(end: ListEnd, queued: u64, time_is_over: bool) -> (ListPlace, bool) {
    let (place, goes_on) = match end {
        ListEnd::RanOut if queued == 0 => (ListPlace::Sent, true),
        // They wait for an outcome that a person has to settle.
        ListEnd::RanOut | ListEnd::OwnReason => (ListPlace::Inbox, true),
        ListEnd::Unusable => (ListPlace::Refused, true),
        ListEnd::CommonReason => (ListPlace::Inbox, false),
    };
    (place, goes_on && !time_is_over)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 28);

    fn batch(name: &str, state: BatchState, is_same: bool) -> KnownBatch<'_> {
        KnownBatch {
            name,
            state,
            is_same,
            is_edited: false,
            is_of_other_folder: false,
        }
    }

    fn of(batches: &[KnownBatch<'_>]) -> BatchOfList {
        batch_of_list("spring", TODAY, batches)
    }

    #[test]
    fn a_list_begins_a_batch_named_after_it_and_the_day() {
        use BatchState::{Cancelled, Complete, Paused};
        let new = |name: &str| BatchOfList::New(name.to_owned());
        assert_eq!(of(&[]), new("spring-2026-11-28"));
        let older = batch("spring-2026-11-27", Complete, false);
        assert_eq!(of(&[older]), new("spring-2026-11-28"), "it is complete");
        let today = batch("spring-2026-11-28", Complete, false);
        assert_eq!(of(&[today, older]), new("spring-2026-11-28-2"));
        let second = batch("spring-2026-11-28-2", Cancelled, false);
        assert_eq!(of(&[second, today]), new("spring-2026-11-28-3"));
        for other in [
            "summer-2026-11-27",
            "spring-441259e9",
            "spring-x-2026-11-27",
            "spring",
            "spring-2026-11-20-",
            "spring-2026-11-20-b",
            "spring-2026-11-202",
            "spring-2026-13-20",
        ] {
            let name = of(&[batch(other, Paused, false)]);
            assert_eq!(name, new("spring-2026-11-28"), "{other} is of another list");
        }
        let odd = batch_of_list("a/b (1)", TODAY, &[]);
        assert_eq!(odd, new("a-b -1--2026-11-28"));
    }

    #[test]
    fn an_unfinished_batch_goes_on_whatever_its_day() {
        use BatchState::{Complete, Paused, Running, Stopped};
        for state in [
            Paused,
            Running,
            Stopped,
            BatchState::Waiting,
            BatchState::Draft,
        ] {
            for name in ["spring-2026-11-20", "spring-2026-11-20-12"] {
                let edited = of(&[batch(name, state, false)]);
                assert_eq!(edited, BatchOfList::Update(name.to_owned()), "{state}");
                let same = of(&[batch(name, state, true)]);
                assert_eq!(same, BatchOfList::Continue(name.to_owned()), "{state}");
            }
        }
        // The list as it was is sent by hand.
        let by_hand = batch("spring-441259e9", Running, true);
        let goes_on = of(&[batch("spring-2026-11-20", Complete, false), by_hand]);
        assert_eq!(goes_on, BatchOfList::Continue("spring-441259e9".to_owned()));
        let back = [
            batch("spring-2026-11-20", Paused, false),
            batch("spring-2026-11-19", Complete, true),
        ];
        assert_eq!(
            of(&back),
            BatchOfList::Update("spring-2026-11-20".to_owned()),
            "the unfinished one first"
        );
    }

    #[test]
    fn a_list_that_was_sent_or_given_up_is_not_sent_again_as_it_was() {
        for state in [BatchState::Complete, BatchState::Cancelled] {
            let same = of(&[batch("spring-2026-11-20", state, true)]);
            let expected = BatchOfList::Continue("spring-2026-11-20".to_owned());
            assert_eq!(same, expected, "{state}");
        }
    }

    #[test]
    fn a_list_that_was_edited_before_it_was_filed_away_is_its_batch_edited() {
        let edited = |state| KnownBatch {
            is_edited: true,
            ..batch("spring-2026-11-27", state, false)
        };
        let update = BatchOfList::Update("spring-2026-11-27".to_owned());
        assert_eq!(of(&[edited(BatchState::Complete)]), update);
        // What was given up does not come back by itself.
        let new = BatchOfList::New("spring-2026-11-28".to_owned());
        assert_eq!(of(&[edited(BatchState::Cancelled)]), new);
        // As it was once more: nothing of it was edited.
        let same = batch("spring-2026-11-26", BatchState::Complete, true);
        let goes_on = BatchOfList::Continue("spring-2026-11-26".to_owned());
        assert_eq!(of(&[edited(BatchState::Complete), same]), goes_on);
    }

    #[test]
    fn an_unfinished_batch_of_another_folder_is_not_this_lists() {
        let other = KnownBatch {
            is_of_other_folder: true,
            ..batch("spring-2026-11-28", BatchState::Paused, false)
        };
        let new = BatchOfList::New("spring-2026-11-28-2".to_owned());
        assert_eq!(of(&[other]), new);
    }

    #[test]
    fn what_becomes_of_a_list_follows_from_how_its_batch_ended() {
        use ListPlace::{Inbox, Refused, Sent};
        for (end, queued, place, goes_on) in [
            (ListEnd::RanOut, 0, Sent, true),
            (ListEnd::RanOut, 1, Inbox, true),
            (ListEnd::OwnReason, 0, Inbox, true),
            (ListEnd::OwnReason, 1, Inbox, true),
            (ListEnd::Unusable, 0, Refused, true),
            (ListEnd::CommonReason, 0, Inbox, false),
            (ListEnd::CommonReason, 1, Inbox, false),
        ] {
            assert_eq!(after_list(end, queued, false), (place, goes_on), "{end:?}");
            assert_eq!(after_list(end, queued, true), (place, false), "{end:?}");
        }
    }
}

//! What waits for the thread that writes, handed over in groups.
//!
//! Many hand in, one takes. The taker is woken once for a group, not for each job. A job may grow while it
//! waits: each piece that joins it counts like a job of its own.
//!
//! While the taker has a group, whoever hands in offers it the processor. Everybody in the group waits for it,
//! and a scheduler lets the thread that runs finish its slice first: a millisecond or more, in which the other
//! processors may run out of work. Where others take what is offered, who offers waits for milliseconds, and
//! it is left alone for a while.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::StoreError;

/// As many jobs as one group takes: bounds the time to the first answer.
pub(super) const GROUP: usize = 1024;

/// The longest wait for a good group. A slow machine under full load needs so long for one; where requests come
/// that slowly for another reason, a group is seldom half a good one, and the next does not wait.
const GATHERING: Duration = Duration::from_millis(5);

/// What is added to a group at the last moment is at least a so-manieth part of a good one: each addition
/// has costs of its own.
const WORTH_ADDING: usize = 8;

/// A processor that comes back so late went to somebody who uses all they get. The writer comes to its commit
/// sooner: of its own, one offer in a thousand takes that long, and one in five beside two busy programs.
const TAKEN_BY_OTHERS: Duration = Duration::from_millis(2);

/// After that, so many hand in without an offer. Beside two busy programs fewer cost more than an offer gains,
/// and on a quiet machine more would give away the gain.
const NO_OFFERS: u32 = 512;

struct Inbox<J> {
    jobs: Vec<J>,
    /// The pieces of work in them.
    pieces: usize,
    /// The thread sleeps until so many pieces are there; 0 from when it is woken until it is done with them.
    wanted: usize,
    /// A group of this size is worth a commit of its own under load.
    good: usize,
    /// So many hand in before the next may offer their processor.
    no_offers: u32,
    /// Nobody can hand in any more: the handle is gone, or the thread.
    closed: bool,
}

/// The queue between many threads and the one that writes.
pub(super) struct Queue<J> {
    inbox: Mutex<Inbox<J>>,
    changed: Condvar,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self {
            inbox: Mutex::new(Inbox {
                jobs: Vec::new(),
                pieces: 0,
                wanted: 0,
                good: 1,
                no_offers: 0,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl<J> Queue<J> {
    fn lock(&self) -> MutexGuard<'_, Inbox<J>> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, under load, a group waits a moment for so many pieces.
    pub(super) fn gather(&self, pieces: usize) {
        self.lock().good = pieces.max(1);
    }

    /// Hands in a job.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] when nobody takes any more.
    pub(super) fn push(&self, job: J) -> Result<(), StoreError> {
        self.add(Some(job))
    }

    /// A piece of work has joined a job that waits.
    ///
    /// # Errors
    /// [`StoreError::Stopped`] when nobody takes any more.
    pub(super) fn one_more(&self) -> Result<(), StoreError> {
        self.add(None)
    }

    fn add(&self, job: Option<J>) -> Result<(), StoreError> {
        let mut inbox = self.lock();
        if inbox.closed {
            return Err(StoreError::Stopped);
        }
        inbox.jobs.extend(job);
        inbox.pieces += 1;
        // The thread is woken once for a group, not for each piece.
        let enough = inbox.wanted > 0 && inbox.pieces >= inbox.wanted;
        if enough {
            inbox.wanted = 0;
        }
        let offer = inbox.wanted == 0 && inbox.no_offers == 0;
        inbox.no_offers = inbox.no_offers.saturating_sub(1);
        drop(inbox);
        if enough {
            self.changed.notify_one();
        }
        if offer {
            self.offer_processor();
        }
        Ok(())
    }

    fn offer_processor(&self) {
        let offered = Instant::now();
        std::thread::yield_now();
        if offered.elapsed() >= TAKEN_BY_OTHERS {
            self.lock().no_offers = NO_OFFERS;
        }
    }

    /// Waits for the next group, and returns how many pieces it has; `before` is that of the last one,
    /// which tells the load. Empty when there will be no more.
    pub(super) fn next_group(&self, group: &mut Vec<J>, before: usize) -> usize {
        let mut inbox = self.lock();
        while inbox.jobs.is_empty() && !inbox.closed {
            inbox.wanted = 1;
            inbox = self
                .changed
                .wait(inbox)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let busy = before >= inbox.good / 2;
        if busy && inbox.pieces < inbox.good && !inbox.closed {
            inbox.wanted = inbox.good;
            let good = inbox.good;
            (inbox, _) = self
                .changed
                .wait_timeout_while(inbox, GATHERING, |inbox| {
                    inbox.pieces < good && !inbox.closed
                })
                .unwrap_or_else(PoisonError::into_inner);
        }
        inbox.wanted = 0;
        let size = inbox.jobs.len().min(GROUP);
        group.extend(inbox.jobs.drain(..size));
        let left = inbox.jobs.len();
        std::mem::replace(&mut inbox.pieces, left).saturating_sub(left)
    }

    /// What has come while a group was worked off, if there is enough of it: it shares the commit, and those
    /// who wait for it need not wait for another one. Returns how many pieces that are.
    pub(super) fn second_helping(&self, group: &mut Vec<J>) -> usize {
        let mut inbox = self.lock();
        let worth_it = inbox.pieces >= (inbox.good / WORTH_ADDING).max(1);
        if !worth_it || group.len() + inbox.jobs.len() > GROUP {
            return 0;
        }
        group.append(&mut inbox.jobs);
        std::mem::take(&mut inbox.pieces)
    }

    /// No more can be handed in; what waits is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }
}

/// Closes the queue when the taker ends, however it ends: nobody waits for a thread that is gone.
pub(super) struct Closing<'a, J>(&'a Queue<J>);

impl<'a, J> Closing<'a, J> {
    pub(super) fn new(queue: &'a Queue<J>) -> Self {
        Self(queue)
    }
}

impl<J> Drop for Closing<'_, J> {
    fn drop(&mut self) {
        self.0.close();
        // Whoever waits for their answers learns that they are not on disk.
        self.0.lock().jobs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(queue: &Queue<u32>, before: usize) -> Vec<u32> {
        let mut group = Vec::new();
        let _ = queue.next_group(&mut group, before);
        group
    }

    #[test]
    fn a_lone_job_does_not_wait_for_others() {
        let queue = Queue::default();
        queue.gather(100);
        queue.push(1).unwrap();
        assert_eq!(take(&queue, 0), [1]);
    }

    #[test]
    fn under_load_a_group_gathers_and_still_ends_when_nobody_comes() {
        let queue = Queue::default();
        queue.gather(3);
        std::thread::scope(|scope| {
            scope.spawn(|| (1..=3).for_each(|job| queue.push(job).unwrap()));
            let mut taken = take(&queue, 3);
            while taken.len() < 3 {
                // The machine was slower than the gathering.
                taken.extend(take(&queue, 3));
            }
            assert_eq!(taken, [1, 2, 3]);
        });
        queue.push(4).unwrap();
        assert_eq!(take(&queue, 3), [4], "two others never come");
    }

    #[test]
    fn pieces_that_join_a_job_count_for_the_group() {
        let queue = Queue::default();
        queue.gather(3);
        queue.push(1).unwrap();
        queue.one_more().unwrap();
        queue.one_more().unwrap();
        let mut group = Vec::new();
        assert_eq!(queue.next_group(&mut group, 3), 3);
        assert_eq!(group, [1]);
        queue.close();
        assert!(matches!(queue.one_more(), Err(StoreError::Stopped)));
    }

    #[test]
    fn a_second_helping_is_taken_where_it_is_worth_it() {
        let queue = Queue::default();
        queue.gather(16);
        queue.push(1).unwrap();
        let mut group = take(&queue, 0);
        assert_eq!(queue.second_helping(&mut group), 0, "nothing has come");
        queue.push(2).unwrap();
        assert_eq!(queue.second_helping(&mut group), 0, "too little has come");
        queue.one_more().unwrap();
        assert_eq!(queue.second_helping(&mut group), 2);
        assert_eq!(group, [1, 2]);
        let many = u32::try_from(GROUP).unwrap();
        (1..many).for_each(|job| queue.push(job).unwrap());
        assert_eq!(
            queue.second_helping(&mut group),
            0,
            "the group has its bound"
        );
        assert_eq!(take(&queue, 0).len(), GROUP - 1, "and nothing is lost");
    }

    #[test]
    fn a_group_has_its_bound_and_a_closed_queue_gives_what_it_has() {
        let queue = Queue::default();
        let many = u32::try_from(GROUP).unwrap() + 1;
        (0..many).for_each(|job| queue.push(job).unwrap());
        queue.close();
        assert!(matches!(queue.push(0), Err(StoreError::Stopped)));
        assert_eq!(take(&queue, 0).len(), GROUP);
        assert_eq!(take(&queue, 0).len(), 1);
        assert!(take(&queue, 0).is_empty());
    }
}

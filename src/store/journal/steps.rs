//! What the workers hand in, gathered for the next group commit and worked off together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Progress;
use super::types::{Claim, Settled, Settlement};
use crate::store::error::StoreError;
use crate::store::writer::{Job, Tx, Writer};

/// What is asked together with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Nothing,
    /// Whether anybody is left at this time.
    Look(Timestamp),
    /// The next recipient, at this time.
    Claim(Timestamp),
}

impl Ask {
    pub(super) const fn claim_at(self) -> Option<Timestamp> {
        match self {
            Self::Claim(at) => Some(at),
            Self::Look(_) | Self::Nothing => None,
        }
    }

    pub(super) const fn look_at(self) -> Option<Timestamp> {
        match self {
            Self::Look(at) => Some(at),
            Self::Claim(_) | Self::Nothing => None,
        }
    }
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlook {
    /// A row is free, or will be in its hours.
    Somebody,
    /// Many rows were suppressed or passed over; look again.
    Unsure,
    /// All are settled or in flight, or for a later run.
    Nobody,
}

/// What became of a step; there is an answer for what was asked.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) settled: Option<Settled>,
    pub(super) claim: Option<Claim>,
    pub(super) outlook: Option<Outlook>,
}

/// A result, a question, and who waits until the result is on disk and the question is answered.
pub(super) struct Step {
    pub(super) settlement: Option<Settlement>,
    pub(super) ask: Ask,
    waiter: oneshot::Sender<Result<Answer, StoreError>>,
    /// Where the waiter is; another executor than Tokio's is served as well.
    home: Option<Handle>,
}

impl Step {
    /// Nothing of it is on disk.
    fn fail(self, failure: &StoreError) {
        if let Some(it) = self.settlement {
            // The checkpoint will call it unknown: what is known goes where a person can find it.
            tracing::error!(
                recipient = it.recipient.seq(),
                outcome = it.outcome.word(),
                message_id = it.receipt.and_then(|receipt| receipt.message_id),
                "the checkpoint failed before this result was on disk"
            );
        }
        // A waiter that went away needs no answer.
        let _ = self.waiter.send(Err(failure.for_waiter()));
    }
}

/// Where the workers hand in their steps, and what the writer knows of the batch.
pub(super) struct Desk {
    /// Invariant: if there are any, a [`Group`] that takes them waits for the writer, or is being handed
    /// to it.
    steps: Mutex<Vec<Step>>,
    /// Once a run is prepared, only the writer's thread locks it.
    progress: Mutex<Progress>,
}

impl Desk {
    pub(super) fn new(progress: Progress) -> Self {
        Self {
            steps: Mutex::default(),
            progress: Mutex::new(progress),
        }
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn steps(&self) -> MutexGuard<'_, Vec<Step>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_steps(&self) -> Vec<Step> {
        let mut steps = self.steps();
        // As much room as was needed now will be needed again.
        let room = Vec::with_capacity(steps.len());
        std::mem::replace(&mut steps, room)
    }

    /// Hands in a step; returns when it is on disk.
    ///
    /// # Errors
    /// [`StoreError`] if nothing of it is.
    pub(super) async fn step(
        self: &Arc<Self>,
        writer: &Writer,
        settlement: Option<Settlement>,
        ask: Ask,
    ) -> Result<Answer, StoreError> {
        let (waiter, answer) = oneshot::channel();
        let step = Step {
            settlement,
            ask,
            waiter,
            home: Handle::try_current().ok(),
        };
        let first = {
            let mut steps = self.steps();
            steps.push(step);
            steps.len() == 1
        };
        if first {
            writer.hand_in(Box::new(Group {
                desk: Arc::clone(self),
                begun: false,
                taken: Vec::new(),
                answers: Vec::new(),
            }))?;
        } else {
            writer.one_more()?;
        }
        answer.await.unwrap_or(Err(StoreError::Stopped))
    }
}

/// All steps that wait when the writer comes to them.
struct Group {
    desk: Arc<Desk>,
    /// The steps are taken; those that are handed in from now on have a group of their own.
    begun: bool,
    taken: Vec<Step>,
    answers: Vec<Answer>,
}

impl Group {
    fn take(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            self.taken = self.desk.take_steps();
        }
    }

    fn fail(&mut self, failure: &StoreError) {
        self.take();
        for step in self.taken.drain(..) {
            step.fail(failure);
        }
    }
}

impl Job for Group {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.take();
        self.answers = self.desk.progress().work_off(tx, &self.taken)?;
        Ok(())
    }

    fn answer(mut self: Box<Self>, failure: Option<StoreError>) {
        if let Some(failure) = failure {
            return self.fail(&failure);
        }
        let answers = std::mem::take(&mut self.answers);
        let steps = std::mem::take(&mut self.taken);
        for post in by_home(steps.into_iter().zip(answers)) {
            post.deliver();
        }
    }
}

/// The answers for the waiters of one runtime.
struct Post {
    home: Option<Handle>,
    answers: Vec<(Step, Answer)>,
}

impl Post {
    fn deliver(self) {
        let Self { home, answers } = self;
        let give = move || {
            for (step, answer) in answers {
                // A waiter that went away does not undo the commit.
                let _ = step.waiter.send(Ok(answer));
            }
        };
        match home {
            // To wake many tasks from outside their runtime is a lock and a signal for each.
            Some(home) => drop(home.spawn(async move { give() })),
            None => give(),
        }
    }
}

/// Sorts the answers by the runtimes of their waiters.
fn by_home(answers: impl Iterator<Item = (Step, Answer)>) -> Vec<Post> {
    let mut posts: Vec<Post> = Vec::new();
    for (mut step, answer) in answers {
        let home = step.home.take();
        let id = home.as_ref().map(Handle::id);
        // Few: a linear look is enough.
        let known = posts
            .iter_mut()
            .find(|post| post.home.as_ref().map(Handle::id) == id);
        match known {
            Some(post) => post.answers.push((step, answer)),
            None => posts.push(Post {
                home,
                answers: vec![(step, answer)],
            }),
        }
    }
    posts
}

impl Drop for Group {
    /// The writer is gone: nobody waits for ever.
    fn drop(&mut self) {
        self.fail(&StoreError::Stopped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_waiter_is_answered_where_it_is() {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
        };
        let (one, other) = (runtime(), runtime());
        let homes = [Some(&one), None, Some(&other), Some(&one)];
        let steps = homes.map(|home| Step {
            settlement: None,
            ask: Ask::Nothing,
            waiter: oneshot::channel().0,
            home: home.map(|runtime| runtime.handle().clone()),
        });
        let answers = steps.into_iter().map(|step| {
            let answer = Answer {
                settled: None,
                claim: None,
                outlook: None,
            };
            (step, answer)
        });
        let found: Vec<_> = by_home(answers)
            .into_iter()
            .map(|post| (post.home.map(|home| home.id()), post.answers.len()))
            .collect();
        let id = |runtime: &tokio::runtime::Runtime| Some(runtime.handle().id());
        assert_eq!(found, [(id(&one), 2), (None, 1), (id(&other), 1)]);
    }
}

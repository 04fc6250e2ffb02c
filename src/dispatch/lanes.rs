//! Lanes: threads on which the workers of a run are at home.
//!
//! A lane is one thread with a runtime and HTTP connections of its own. Its workers share the journal, the pacer
//! and the guards with those of the other lanes, but no connection, so that a message's memory is taken and given
//! back on one thread, and no worker moves from thread to thread: with many workers that costs more than it evens
//! out.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::Sender;

/// Fewer workers than these are no load for a second thread: its groups would only be smaller.
const WORKERS_A_LANE: usize = 64;

/// Where the workers of a run are at home.
pub struct Lanes<S> {
    /// Never empty.
    lanes: Vec<Lane<S>>,
}

/// A thread to send from could not be had.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no thread to send from: {0}")]
pub struct NoLane(#[from] io::Error);

/// One home of workers, and the sender whose connections live there.
pub(super) struct Lane<S> {
    sender: Arc<S>,
    home: Home,
}

enum Home {
    /// The runtime that runs the batch.
    Caller,
    /// A thread of its own.
    Thread(LaneThread),
}

impl<S> std::fmt::Debug for Lanes<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lanes")
            .field("lanes", &self.lanes.len())
            .finish_non_exhaustive()
    }
}

impl<S: Sender> Lanes<S> {
    /// All workers in the runtime that runs the batch.
    pub fn here(sender: S) -> Self {
        let lane = Lane {
            sender: Arc::new(sender),
            home: Home::Caller,
        };
        Self { lanes: vec![lane] }
    }

    /// Threads for so many workers, as this machine has processors for; `sender` is called for each.
    ///
    /// # Errors
    /// [`NoLane`] if the system gives no thread, or what `sender` returns.
    pub fn start<E: From<NoLane>>(
        workers: NonZeroUsize,
        mut sender: impl FnMut() -> Result<S, E>,
    ) -> Result<Self, E> {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = (workers.get() / WORKERS_A_LANE).clamp(1, processors);
        let lane = |_| {
            Ok(Lane {
                sender: Arc::new(sender()?),
                home: Home::Thread(LaneThread::start()?),
            })
        };
        let lanes = (0..threads).map(lane).collect::<Result<_, E>>()?;
        Ok(Self { lanes })
    }

    /// The lanes, over and over: the homes of one worker after the other.
    pub(super) fn in_turn(&self) -> impl Iterator<Item = &Lane<S>> {
        self.lanes.iter().cycle()
    }
}

impl<S> Lane<S> {
    pub(super) fn sender(&self) -> &Arc<S> {
        &self.sender
    }

    /// Starts a worker at its home.
    pub(super) fn spawn<F>(&self, workers: &mut JoinSet<F::Output>, work: F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match &self.home {
            Home::Caller => workers.spawn(work),
            Home::Thread(thread) => workers.spawn_on(work, &thread.runtime),
        };
    }
}

/// A thread that does what is spawned on its runtime. Ends on drop, with all that is left there.
struct LaneThread {
    runtime: Handle,
    /// Dropped to end the thread.
    open: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LaneThread {
    fn start() -> Result<Self, NoLane> {
        let (open, closed) = oneshot::channel::<()>();
        let (ready, handle) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("lane".to_owned())
            .spawn(move || live(&ready, closed))?;
        let gone = || io::Error::other("the thread ended at once");
        let handle: io::Result<Handle> = handle.recv().unwrap_or_else(|_| Err(gone()));
        Ok(Self {
            runtime: handle?,
            open: Some(open),
            thread: Some(thread),
        })
    }
}

/// The life of a lane's thread. The runtime is made here, where it may also be dropped: a thread of another
/// runtime must not do that.
fn live(ready: &mpsc::Sender<io::Result<Handle>>, closed: oneshot::Receiver<()>) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            // Whoever started the thread waits for this.
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(runtime.handle().clone()));
    // An error: the other end is dropped.
    let _ = runtime.block_on(closed);
    // A name that is just being looked up keeps nobody waiting.
    runtime.shutdown_background();
}

impl Drop for LaneThread {
    fn drop(&mut self) {
        drop(self.open.take());
        if let Some(thread) = self.thread.take() {
            // A panic of a worker was told to whoever waited for it.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::thread::ThreadId;

    use super::*;
    use crate::amio::Reply;
    use crate::store::Claimed;

    struct Nobody;

    impl Sender for Nobody {
        async fn send(&self, _: &Claimed) -> Reply {
            std::future::pending().await
        }
    }

    fn lanes(workers: usize) -> Lanes<Nobody> {
        let workers = NonZeroUsize::new(workers).unwrap();
        Lanes::start(workers, || Ok::<_, NoLane>(Nobody)).unwrap()
    }

    async fn homes(lanes: &Lanes<Nobody>, workers: usize) -> BTreeSet<String> {
        let mut tasks = JoinSet::new();
        for lane in lanes.in_turn().take(workers) {
            lane.spawn(&mut tasks, async {
                // A worker that has waited is still at home.
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                format!("{:?}", std::thread::current().id())
            });
        }
        tasks.join_all().await.into_iter().collect()
    }

    fn here() -> ThreadId {
        std::thread::current().id()
    }

    #[tokio::test]
    async fn each_lane_is_a_thread_of_its_own_with_its_share_of_the_workers() {
        let processors = std::thread::available_parallelism().unwrap().get();
        for (workers, threads) in [(1, 1), (127, 1), (128, 2.min(processors))] {
            let homes = homes(&lanes(workers), workers).await;
            assert_eq!(homes.len(), threads, "{workers} workers");
            assert!(!homes.contains(&format!("{:?}", here())));
        }
    }

    #[tokio::test]
    async fn without_lanes_the_workers_stay_with_the_caller() {
        let homes = homes(&Lanes::here(Nobody), 300).await;
        assert_eq!(homes, BTreeSet::from([format!("{:?}", here())]));
    }

    #[tokio::test]
    async fn a_lane_ends_with_what_is_left_on_it() {
        let lanes = lanes(1);
        let alive = Arc::new(());
        let mut tasks = JoinSet::new();
        let held = Arc::clone(&alive);
        lanes.lanes[0].spawn(&mut tasks, async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        assert_eq!(Arc::strong_count(&alive), 2);
        drop(lanes);
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn a_sender_that_cannot_be_had_is_told() {
        let failed = Lanes::<Nobody>::start(NonZeroUsize::MIN, || {
            Err(NoLane(io::Error::other("no address")))
        });
        let told = failed.unwrap_err().to_string();
        assert_eq!(told, "the system gives no thread to send from: no address");
    }
}

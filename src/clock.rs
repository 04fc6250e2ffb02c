//! The one clock that everybody waits on.
//!
//! Two times are kept apart. *Wall* time ([`Clock::now`]) is what the server's Reset and `--until` are
//! given in; it can jump. *Monotonic* time ([`Clock::monotonic`]) measures how long ago something was;
//! it never jumps. On Linux it counts the time that the machine was suspended (`CLOCK_BOOTTIME`); elsewhere
//! it may stand still then. A sleep does stand still, and therefore goes in slices and reads both clocks after
//! each: a machine that was suspended, or whose clock was set, wakes at most one slice late, and never early by
//! the time that matters.
//!
//! Tests replace it: [`Clock::paused`] follows tokio's paused time (an hour passes in no time, on its
//! own), [`Clock::manual`] moves only when a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;

/// The longest sleep without reading both clocks.
const SLICE: Duration = Duration::from_secs(5);

/// One instant, read on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Time since the clock's start; never jumps.
    pub mono: Duration,
    /// Calendar time; can jump.
    pub wall: Timestamp,
}

impl Moment {
    /// The moment `by` later on both clocks (saturating).
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self {
            mono: self.mono.saturating_add(by),
            wall: later(self.wall, by),
        }
    }

    /// True when `deadline` is reached on either clock.
    ///
    /// Either, because both err: monotonic time may stand still in suspend, wall time can be set back.
    pub fn reached(self, deadline: Self) -> bool {
        self.mono >= deadline.mono || self.wall >= deadline.wall
    }
}

/// `at` plus `by`, kept inside what a timestamp can say.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| at.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Time from `from` to `to`; zero when `to` is not later.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// How long the machine runs, suspended or not: a time that nobody sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// Names this start of the machine.
    pub boot: String,
    /// The time since then.
    pub length: Duration,
}

/// A point of the machine's own time.
#[derive(Debug, Clone, Copy)]
struct Running(
    #[cfg(target_os = "linux")] Duration,
    #[cfg(not(target_os = "linux"))] Instant,
);

#[cfg(target_os = "linux")]
impl Running {
    /// Time since the machine was started, suspended or not.
    fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Self(Duration::try_from(time).unwrap_or_default())
    }

    fn elapsed(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

#[cfg(not(target_os = "linux"))]
impl Running {
    fn now() -> Self {
        Self(Instant::now())
    }

    fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// A source of time; clones share it.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    System {
        start: Running,
    },
    Paused {
        name: u64,
        start: Instant,
        wall: Timestamp,
        set: AtomicI64,
    },
    Manual {
        name: u64,
        wall: Timestamp,
        set: AtomicI64,
        mono: watch::Sender<Duration>,
    },
}

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Self {
        Self(Arc::new(Source::System {
            start: Running::now(),
        }))
    }

    /// A clock on tokio's time that shows `wall` now: in a runtime with paused time, sleeping costs
    /// nothing and time passes when every task waits.
    pub fn paused(wall: Timestamp) -> Self {
        Self(Arc::new(Source::Paused {
            name: another(),
            start: Instant::now(),
            wall,
            set: AtomicI64::new(0),
        }))
    }

    /// A clock that shows `wall` and moves only by [`Clock::advance`].
    pub fn manual(wall: Timestamp) -> Self {
        Self(Arc::new(Source::Manual {
            name: another(),
            wall,
            set: AtomicI64::new(0),
            mono: watch::Sender::new(Duration::ZERO),
        }))
    }

    /// Wall time.
    pub fn now(&self) -> Timestamp {
        match &*self.0 {
            Source::System { .. } => Timestamp::now(),
            Source::Paused { wall, set, .. } | Source::Manual { wall, set, .. } => {
                let shown = later(*wall, self.monotonic());
                let jumped = SignedDuration::from_millis(set.load(Ordering::Relaxed));
                shown.checked_add(jumped).unwrap_or(shown)
            }
        }
    }

    /// Time since the clock was made; never goes back.
    pub fn monotonic(&self) -> Duration {
        match &*self.0 {
            Source::System { start } => start.elapsed(),
            Source::Paused { start, .. } => start.elapsed(),
            Source::Manual { mono, .. } => *mono.borrow(),
        }
    }

    /// How long the machine runs; `None` where the machine does not say. A simulated clock says how long it runs.
    pub fn uptime(&self) -> Option<Uptime> {
        match &*self.0 {
            Source::System { .. } => machine_uptime(),
            Source::Paused { name, .. } | Source::Manual { name, .. } => Some(Uptime {
                boot: format!("simulated {name}"),
                length: self.monotonic(),
            }),
        }
    }

    /// Both clocks at once.
    pub fn moment(&self) -> Moment {
        Moment {
            mono: self.monotonic(),
            wall: self.now(),
        }
    }

    /// Sleeps until `deadline` is reached on either clock. Safe to drop at any time.
    pub async fn sleep_until(&self, deadline: Moment) {
        let mut moved = self.moved();
        loop {
            let now = self.moment();
            if now.reached(deadline) {
                return;
            }
            let left = deadline
                .mono
                .saturating_sub(now.mono)
                .min(between(now.wall, deadline.wall));
            slice(&mut moved, left).await;
        }
    }

    /// Sleeps until the wall clock shows `deadline`, wherever it is set meanwhile.
    pub async fn sleep_until_wall(&self, deadline: Timestamp) {
        let mut moved = self.moved();
        loop {
            let now = self.now();
            if now >= deadline {
                return;
            }
            slice(&mut moved, between(now, deadline)).await;
        }
    }

    /// Sleeps for `length` on either clock, whichever passes first.
    pub async fn sleep(&self, length: Duration) {
        self.sleep_until(self.moment().after(length)).await;
    }

    /// Moves a [`Clock::manual`] clock; the others take no notice.
    pub fn advance(&self, by: Duration) {
        match &*self.0 {
            Source::Manual { mono, .. } => mono.send_modify(|at| *at = at.saturating_add(by)),
            Source::System { .. } | Source::Paused { .. } => {}
        }
    }

    /// Sets the wall time of a simulated clock forward or back, as an administrator, a time server
    /// or a suspended machine does; the system's clock takes no notice.
    pub fn jump_wall(&self, by: SignedDuration) {
        match &*self.0 {
            Source::Paused { set, .. } => {
                set.fetch_add(millis(by), Ordering::Relaxed);
            }
            Source::Manual { set, mono, .. } => {
                set.fetch_add(millis(by), Ordering::Relaxed);
                mono.send_modify(|_| {});
            }
            Source::System { .. } => {}
        }
    }

    /// Notice of a manual clock's movements; taken before the clock is read, so that none is missed.
    fn moved(&self) -> Option<watch::Receiver<Duration>> {
        match &*self.0 {
            Source::System { .. } | Source::Paused { .. } => None,
            Source::Manual { mono, .. } => Some(mono.subscribe()),
        }
    }
}

/// Waits for `length` or a slice of it; under a manual clock, until it is moved.
async fn slice(moved: &mut Option<watch::Receiver<Duration>>, length: Duration) {
    match moved {
        None => tokio::time::sleep(length.min(SLICE)).await,
        Some(moved) => {
            if moved.changed().await.is_err() {
                // The clock is gone, and so is everything that could move it.
                std::future::pending::<()>().await;
            }
        }
    }
}

fn millis(by: SignedDuration) -> i64 {
    i64::try_from(by.as_millis()).unwrap_or(0)
}

/// A number for a simulated clock that no other one of this process has.
fn another() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// Linux alone gives these times; other systems have calls of their own, and are not asked.
fn machine_uptime() -> Option<Uptime> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds = uptime.split_whitespace().next()?.parse().ok()?;
    Some(Uptime {
        boot: boot.trim().to_owned(),
        length: Duration::try_from_secs_f64(seconds).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::UNIX_EPOCH;

    #[tokio::test(start_paused = true)]
    async fn an_hour_on_the_paused_clock_passes_at_once_and_exactly() {
        let clock = Clock::paused(NOON);
        clock.sleep(Duration::from_hours(1)).await;
        assert_eq!(clock.now(), NOON + SignedDuration::from_hours(1));
        assert!(clock.monotonic() < Duration::from_millis(3_600_010));
    }

    #[tokio::test(start_paused = true)]
    async fn a_suspended_machine_does_not_oversleep() {
        let clock = Clock::paused(NOON);
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep(Duration::from_hours(1)).await })
        };
        tokio::time::sleep(Duration::from_mins(1)).await;
        // Suspended for an hour: the wall clock went on, the monotonic one stood still.
        clock.jump_wall(SignedDuration::from_hours(1));
        sleeper.await.unwrap();
        assert!(
            clock.monotonic() <= Duration::from_mins(1) + SLICE,
            "woke after {:?}",
            clock.monotonic()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_back_does_not_oversleep() {
        let clock = Clock::paused(NOON);
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep(Duration::from_mins(10)).await })
        };
        tokio::time::sleep(Duration::from_mins(1)).await;
        clock.jump_wall(SignedDuration::from_hours(-5));
        sleeper.await.unwrap();
        assert!(
            clock.monotonic() <= Duration::from_secs(601),
            "woke after {:?}",
            clock.monotonic()
        );
    }

    #[tokio::test]
    async fn the_manual_clock_wakes_its_sleepers_when_it_is_moved_far_enough() {
        let clock = Clock::manual(NOON);
        let sleeper = {
            let clock = clock.clone();
            tokio::spawn(async move { clock.sleep(Duration::from_secs(2)).await })
        };
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }
}

//! When to send.

use jiff::Timestamp;

/// The sending hours and the deadline of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Schedule {
    deadline: Option<Timestamp>,
}

impl Schedule {
    /// When this run must stop claiming.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// When sending may go on; `None` if it may now.
    #[expect(clippy::unused_self, reason = "to come")]
    pub fn closed_until(&self, _now: Timestamp) -> Option<Timestamp> {
        None
    }
}

//! What a results file of this program says of its own rows, where it is sent as a list: whoever must not be messaged by it is
//! not messaged here either, also where the checkpoint is another one.

use super::header::is_named;
use crate::domain::delivery::State;
use crate::domain::recipient::keeps_out;
use crate::domain::text::trimmed;

/// The columns of a results file that say what became of a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct EarlierResults {
    status: usize,
    code: Option<usize>,
    reason: Option<usize>,
    phone: Option<usize>,
}

/// So much of a reason is repeated.
const SHOWN: usize = 80;

impl EarlierResults {
    /// The header of the status.
    pub(super) const STATUS: &str = "outreach_status";

    /// The columns, if these are those of a results file.
    pub(super) fn of(names: &[String]) -> Option<Self> {
        let place = |wanted| names.iter().position(|name| is_named(name, wanted));
        Some(Self {
            status: place(Self::STATUS)?,
            code: place("outreach_reason_code"),
            reason: place("outreach_reason"),
            phone: place("outreach_phone"),
        })
    }

    /// What the row says, if that is that its person must not be messaged.
    pub(super) fn refusal<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Option<String> {
        let of = |column: Option<usize>| column.map_or("", |at| trimmed(cell(at)));
        let status = trimmed(cell(self.status));
        let is_suppressed = status.eq_ignore_ascii_case(State::Suppressed.word());
        if !is_suppressed || !keeps_out(of(self.code)) {
            return None;
        }
        let says = format!("\"{}\" says \"{status}\"", Self::STATUS);
        let reason: String = of(self.reason).chars().take(SHOWN).collect();
        Some(if reason.is_empty() {
            says
        } else {
            format!("{says}: {reason}")
        })
    }

    /// The number that was read then.
    pub(super) fn phone<'a>(&self, cell: impl Fn(usize) -> &'a str) -> Option<&'a str> {
        self.phone.map(cell)
    }
}

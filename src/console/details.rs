//! What all rows of a batch were gone through for.

use super::bar::Part;
use super::plot::CurvesView;
use super::to_mend::Kind;
use crate::run::Counts;
use crate::store::HeldText;

/// What was found.
pub(super) struct Details {
    /// How the batch was then.
    pub(super) counts: Counts,
    /// When.
    pub(super) at: String,
    pub(super) held: Vec<HeldText>,
    /// Count, status, text.
    pub(super) refusals: Vec<(String, String, String)>,
    /// Rows that a number mends.
    pub(super) to_mend: Vec<Kind>,
    pub(super) funnel: Vec<(String, &'static str, Part)>,
    pub(super) curves: Option<CurvesView>,
    pub(super) outages: Vec<(String, String, String)>,
}

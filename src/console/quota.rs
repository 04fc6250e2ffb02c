//! The quota of a batch that is sent, as the saw-tooth that it is.

use super::app::App;
use super::base::Kind;
use super::named::Named;
use super::page::Failure;
use super::quota_view::QuotaView;
use crate::domain::batch_state::BatchState;
use crate::run::saw_tooth;
use crate::store::Reader;

/// That of a batch; `None` if it is not sent, or nothing is known of its quota. A rehearsal has none.
pub(super) fn of(app: &App, named: &Named) -> Result<Option<QuotaView>, Failure> {
    if named.kind == Kind::Rehearsal {
        return Ok(None);
    }
    let now = app.clock.monotonic();
    app.quotas.get(&named.name, now, || read(app, named))
}

fn read(app: &App, named: &Named) -> Result<Option<QuotaView>, Failure> {
    let reader = Reader::open(app.checkpoint(named.kind))?;
    let batch = reader.batch(&named.name)?;
    let is_sent = matches!(batch.state, BatchState::Running | BatchState::Waiting);
    if !is_sent {
        return Ok(None);
    }
    let saw = saw_tooth(&reader, batch.id, &app.clock)?;
    saw.map(|saw| QuotaView::of(&saw, &app.local())).transpose()
}

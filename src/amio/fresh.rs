//! A body that is handed to the connection only while its intent is fresh.
//!
//! A process may stop between the commit of an intent and its request (SIGSTOP, a laptop closed for the night), and
//! other things happen: the window closes, a person decides to send again. The age is asked as late as can be: the
//! connection stands, and asks for the body.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};

use crate::clock::{Clock, Moment};

/// An intent is stale after so long. A connection comes about sooner, or not at all.
pub(super) const STALE: Duration = Duration::from_secs(5);

/// The request was not sent: its intent was too old by then.
#[derive(Debug, thiserror::Error)]
#[error(
    "not sent: the program or the machine stood still for more than {} s after the intent was written",
    STALE.as_secs()
)]
pub(super) struct Stale;

/// The body of a message.
pub(super) struct FreshBody {
    /// Handed out whole, at once.
    json: Option<Bytes>,
    decided: Moment,
    clock: Clock,
}

impl FreshBody {
    /// `decided`: the clocks before the intent was written.
    pub(super) fn new(json: Vec<u8>, decided: Moment, clock: Clock) -> Self {
        Self {
            json: Some(json.into()),
            decided,
            clock,
        }
    }
}

impl Body for FreshBody {
    type Data = Bytes;
    type Error = Stale;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Stale>>> {
        if self.clock.moment().reached(self.decided.after(STALE)) {
            self.json = None;
            return Poll::Ready(Some(Err(Stale)));
        }
        Poll::Ready(self.json.take().map(|json| Ok(Frame::data(json))))
    }

    fn is_end_stream(&self) -> bool {
        self.json.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.json.as_ref().map_or(0, |json| json.len() as u64))
    }
}

//! The words beside the progress bar.

use std::fmt::Write as _;
use std::time::Duration;

use crate::dispatch::ProgressView;
use crate::dispatch::pacer::core::{PacerView, Why};

/// One line: what is done, what is left of the quota, what is being waited for.
pub(super) fn progress_text(
    view: &ProgressView,
    pacer: &PacerView,
    shut_for: Option<Duration>,
) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("sent {}", view.sent);
    for (count, word) in [
        (view.no_messenger, "no Messenger"),
        (view.error, "error"),
        (view.unknown, "unknown"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {word} {count}");
        }
    }
    if let Some(left) = pacer.left {
        let _ = write!(text, ", quota left {left}");
    }
    if let Some(pause) = shut_for {
        let _ = write!(text, ", no answers: next try in {} s", pause.as_secs() + 1);
    } else if let (Some(until), Some(why)) = (pacer.sleeping_until, pacer.why) {
        let zone = jiff::tz::TimeZone::system();
        let at = until.to_zoned(zone).strftime("%H:%M:%S");
        match why {
            Why::Quota | Why::Throttled => {
                let _ = write!(text, ", quota used: waiting until {at}");
            }
            Why::ReserveTakesAll => text.push_str(", the reserve leaves nothing of the quota"),
            Why::Paused | Why::Even | Why::Rate | Why::Probing | Why::Connections => {}
        }
    }
    text
}

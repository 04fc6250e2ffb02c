//! What every command is called with.

use super::console::Console;
use crate::clock::Clock;
use crate::config::Settings;

/// The settings in force, what prints and asks, and the clock.
#[derive(Debug)]
pub(crate) struct Call {
    pub(super) settings: Settings,
    pub(super) console: Console,
    pub(super) clock: Clock,
}

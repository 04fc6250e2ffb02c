//! Faults that the program is known to have. Each entry leaves out one check, or one combination of
//! steps, as narrowly as it can; it is taken out of the list when its fault is mended.

use std::sync::LazyLock;

/// The faults, each with what goes wrong today.
pub(super) const KNOWN_FAULTS: &[(&str, &str)] = &[];

/// Whether the fault is still to be expected. A name that is not listed has been mended; one that
/// `OUTREACH_JOURNEYS_MENDED` lists (parted by commas) is taken as mended.
pub(super) fn known(name: &str) -> bool {
    static MENDED: LazyLock<String> =
        LazyLock::new(|| std::env::var("OUTREACH_JOURNEYS_MENDED").unwrap_or_default());
    KNOWN_FAULTS.iter().any(|(fault, _)| *fault == name)
        && MENDED.split(',').all(|mended| mended != name)
}

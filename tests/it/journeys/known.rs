//! Faults that the program is known to have. Each entry leaves out one check, or one combination of
//! steps, as narrowly as it can; it is taken out of the list when its fault is mended.

use std::sync::LazyLock;

/// The faults, each with what goes wrong today.
pub(super) const KNOWN_FAULTS: &[(&str, &str)] = &[
    (
        "update_after_add",
        "--update with the list that the batch began with is ignored after --add",
    ),
    (
        "added_file_with_other_text",
        "--add of a file that was added before, with another message, ends with 0",
    ),
    (
        "list_proves_for_other_batch",
        "`resolve --from-api` takes another batch's message as a proof",
    ),
    (
        "throttled_with_quota_left",
        "a 429 while the quota has room stops the run until the window ends",
    ),
];

/// Whether the fault is still to be expected. A name that is not listed has been mended; one that
/// `OUTREACH_JOURNEYS_MENDED` lists (parted by commas) is taken as mended.
pub(super) fn known(name: &str) -> bool {
    static MENDED: LazyLock<String> =
        LazyLock::new(|| std::env::var("OUTREACH_JOURNEYS_MENDED").unwrap_or_default());
    KNOWN_FAULTS.iter().any(|(fault, _)| *fault == name)
        && MENDED.split(',').all(|mended| mended != name)
}

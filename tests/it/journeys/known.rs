//! Faults that the program is known to have. Each entry leaves out one check, or one combination of
//! steps, as narrowly as it can; it is taken out of the list when its fault is mended.

use std::sync::LazyLock;

/// The faults, each with what goes wrong today.
pub(super) const KNOWN_FAULTS: &[(&str, &str)] = &[
    (
        "evidence_without_number",
        "an acceptance that is learned by an event, the message list or a decision counts for no guard",
    ),
    (
        "formula_guard",
        "the apostrophe of a guarded cell is taken as content when a results or rejects file is sent",
    ),
    (
        "forget_loses_guards",
        "after `forget` and `suppress remove` nobody knows what the person has got",
    ),
    (
        "requeued_with_old_content",
        "rows that are queued again after --update keep the text, or the place in the list, of before",
    ),
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
        "stop_after_forget",
        "a STOP is dropped while the contact's hash stands as forgotten",
    ),
    (
        "second_postback",
        "a second STOP by a button is dropped as a copy of the first",
    ),
    (
        "stop_before_contact",
        "a STOP that waits for its contact is not applied before the first claim of a run",
    ),
    (
        "suppressed_by_request_under_way",
        "a request that is under way or unknown elsewhere suppresses a row for good",
    ),
    (
        "suppressed_stays",
        "a suppressed or removed row that a new list brings back keeps its earlier reason",
    ),
    (
        "resend_forgets_acceptance",
        "a row that may have been accepted becomes queued, suppressed or refused without a trace of it",
    ),
    (
        "delivery_proves_later_request",
        "a delivery that waits for its message settles a later request to the same number",
    ),
    (
        "erasure_of_invalid_rows",
        "`forget` leaves the number in a row that is invalid for its content",
    ),
    (
        "working_name",
        "a batch called `X (second list)` is deleted by --add and --update to X",
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

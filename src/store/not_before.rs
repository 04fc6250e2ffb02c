//! The column `not_before` of a queued row: a time in milliseconds, or one of these values. Claims take the rows in the
//! order of this column, and of equal ones in row order.

/// The row was never tried, or its wait was ended: it comes after those that came back.
pub(super) const NEVER_TRIED: i64 = 0;

/// The row came back to the queue: it is tried at once, before rows that were never tried.
pub(super) const AT_ONCE: i64 = 1;

/// The row's sending hours do not come before this run must end.
pub(super) const NEXT_RUN: i64 = i64::MAX - 2;

/// The row's sending hours never come.
pub(super) const NEVER: i64 = i64::MAX - 1;

/// The row waits for the outcome of another batch's request.
pub(super) const FOR_AN_OUTCOME: i64 = i64::MAX;

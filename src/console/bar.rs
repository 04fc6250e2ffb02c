//! Counts in words, and as the parts of a bar.

use crate::report::grouped;

/// A count with its share of a bar that is 1000 wide.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part {
    pub(super) class: &'static str,
    pub(super) label: &'static str,
    pub(super) count: String,
    pub(super) x: String,
    pub(super) width: String,
}

/// The parts of a bar; those without a count are left out.
pub(super) fn bar(counts: &[(&'static str, &'static str, u64)]) -> Vec<Part> {
    let total = counts.iter().map(|(.., n)| n).sum::<u64>().max(1) as f64;
    let mut x = 0.0;
    let filled = counts.iter().filter(|(.., n)| *n > 0);
    filled
        .map(|(class, label, n)| {
            let (from, width) = (x, *n as f64 * 1000.0 / total);
            x += width;
            Part {
                class,
                label,
                count: grouped(*n),
                x: format!("{from:.1}"),
                width: format!("{width:.1}"),
            }
        })
        .collect()
}

/// "1 person", "2 people".
pub(super) fn counted_people(count: u64) -> String {
    let word = if count == 1 { "person" } else { "people" };
    format!("{} {word}", grouped(count))
}

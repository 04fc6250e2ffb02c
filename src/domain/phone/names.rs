//! The names of the regions, for cells that say `Germany` where others say `DE`.

use std::sync::LazyLock;

/// ISO code and English name, sorted by code. The engine knows every code here, which a test checks.
pub(super) static NAMES: LazyLock<Vec<(&str, &str)>> = LazyLock::new(|| {
    let lines = include_str!("regions.txt").lines();
    let entries = lines.filter(|line| !line.starts_with('#'));
    entries.filter_map(|line| line.split_once(' ')).collect()
});

/// Other names, with their codes: those of `names.txt`.
pub(super) fn others() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("names.txt").lines();
    let entries = lines.filter_map(|line| line.split_once(": "));
    let entries = entries.filter(|(code, _)| !code.starts_with('#'));
    entries.flat_map(|(code, names)| names.split(", ").map(move |name| (name, code)))
}

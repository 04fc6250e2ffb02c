//! What happened to the messages of a batch over time, as counts that grow.

use std::time::Duration;

use jiff::Timestamp;

/// The points of a curve.
pub(crate) const POINTS: usize = 60;

/// The shortest time between two points.
const SHORTEST: Duration = Duration::from_secs(1);

/// Counts of several kinds of moments, each point with all until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Curves<const KINDS: usize> {
    begin: Timestamp,
    step: Duration,
    counts: [[u64; POINTS]; KINDS],
}

impl<const KINDS: usize> Curves<KINDS> {
    /// No moment yet, of a time that begins and ends then.
    pub(crate) fn new(begin: Timestamp, end: Timestamp) -> Self {
        let length = Duration::try_from(end.duration_since(begin)).unwrap_or_default();
        let points = u32::try_from(POINTS).unwrap_or(u32::MAX);
        Self {
            begin,
            // The last moment is before the last point.
            step: (length / points)
                .saturating_add(Duration::from_millis(1))
                .max(SHORTEST),
            counts: [[0; POINTS]; KINDS],
        }
    }

    /// Takes note of a moment.
    pub(crate) fn count(&mut self, kind: usize, at: Timestamp) {
        let since = Duration::try_from(at.duration_since(self.begin)).unwrap_or_default();
        let place = since.as_millis() / self.step.as_millis().max(1);
        let place = usize::try_from(place).unwrap_or(POINTS).min(POINTS - 1);
        if let Some(counts) = self.counts.get_mut(kind) {
            for count in counts.iter_mut().skip(place) {
                *count += 1;
            }
        }
    }

    /// The time of a point, and how many moments of each kind there were until then.
    pub(crate) fn points(&self) -> impl Iterator<Item = (Timestamp, [u64; KINDS])> {
        (0..POINTS).map(|point| {
            let after = self.step * u32::try_from(point + 1).unwrap_or(u32::MAX);
            let at = self.begin.checked_add(after).unwrap_or(self.begin);
            (at, self.counts.map(|counts| counts[point]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::later;

    #[test]
    fn each_point_has_all_moments_until_then() {
        let begin = Timestamp::UNIX_EPOCH;
        let end = later(begin, Duration::from_mins(10));
        let mut curves = Curves::<2>::new(begin, end);
        for seconds in [0, 5, 300, 600] {
            curves.count(0, later(begin, Duration::from_secs(seconds)));
        }
        curves.count(1, end);
        let points: Vec<_> = curves.points().collect();
        assert_eq!(points.len(), POINTS);
        assert_eq!(points[0].1, [2, 0]);
        assert_eq!(points[28].1, [2, 0]);
        assert_eq!(points[30].1, [3, 0]);
        assert_eq!(points[59].1, [4, 1]);
        assert!(points[59].0 >= end);
        // All at one moment, and what is outside.
        let mut curves = Curves::<1>::new(begin, begin);
        curves.count(0, begin);
        curves.count(0, end);
        let points: Vec<_> = curves.points().collect();
        assert_eq!((points[0].1, points[59].1), ([1], [2]));
    }
}

//! A pilot: the first people of a batch, or some at random, get the message before the rest.

use std::fmt;

use super::text::grouped;

/// What is kept of who paused a batch, if its pilot did.
pub(crate) const BY_PILOT: &str = "pilot";

/// A pilot to begin: `--limit N`, or `--sample N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PilotSettings {
    /// How many people.
    pub size: u32,
    /// Which of those who are queued.
    pub choice: Choice,
}

/// Which of those who are queued are in the pilot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The first, in the order of the rows.
    First,
    /// Some at random.
    AtRandom {
        /// The seed; `None`: any will do.
        seed: Option<u32>,
    },
}

/// The pilot that a batch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pilot {
    /// How many people were asked for.
    pub size: u32,
    /// The seed by which they were chosen; `None`: they are the first.
    pub seed: Option<u32>,
    /// Whether all of them are settled.
    pub is_over: bool,
    /// Whether the list and its message are those with which it began.
    pub is_of_this_list: bool,
}

/// What a run of the batch is, as far as pilots go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PilotStep {
    /// A run of everybody who is queued.
    None,
    /// This pilot begins.
    Begin(Pilot),
    /// The pilot that the batch has goes on.
    GoOn(Pilot),
    /// The pilot is over, and nobody has said that the rest follows.
    Over(Pilot),
}

impl Pilot {
    /// The pilot that is asked for. `bits` are random: the seed, where none is asked for.
    fn begin(asked: PilotSettings, bits: u64) -> Self {
        // Four digits are easy to say and to type.
        let any = || u32::try_from(bits % 10_000).unwrap_or(0);
        Self {
            size: asked.size,
            seed: match asked.choice {
                Choice::First => None,
                Choice::AtRandom { seed } => Some(seed.unwrap_or_else(any)),
            },
            is_over: false,
            is_of_this_list: true,
        }
    }

    /// Whether this pilot is what is asked for.
    fn is(self, asked: PilotSettings) -> bool {
        let same_choice = match asked.choice {
            Choice::First => self.seed.is_none(),
            Choice::AtRandom { seed: None } => self.seed.is_some(),
            Choice::AtRandom { seed } => self.seed == seed,
        };
        same_choice && self.size == asked.size && self.is_of_this_list
    }
}

impl fmt::Display for Pilot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = grouped(self.size.into());
        match self.seed {
            None => write!(f, "the first {size} who were queued"),
            Some(seed) => write!(f, "{size} of the queued at random (seed {seed})"),
        }
    }
}

/// What the next run is.
///
/// `bits` are random: the seed of a sample, where none is asked for. `waits`: the batch was paused by its pilot, and nobody has taken it up since; `resumed`: a person takes it up now.
/// A pilot is kept with its batch: it is finished also by who does not name it.
pub(crate) fn step(
    kept: Option<Pilot>,
    asked: Option<PilotSettings>,
    waits: bool,
    resumed: bool,
    bits: u64,
) -> PilotStep {
    match (kept, asked) {
        (Some(pilot), None) if !pilot.is_over => PilotStep::GoOn(pilot),
        (Some(pilot), None) if waits && !resumed => PilotStep::Over(pilot),
        (None | Some(_), None) => PilotStep::None,
        (Some(pilot), Some(asked)) if pilot.is(asked) => {
            if pilot.is_over {
                PilotStep::Over(pilot)
            } else {
                PilotStep::GoOn(pilot)
            }
        }
        (Some(_) | None, Some(asked)) => PilotStep::Begin(Pilot::begin(asked, bits)),
    }
}

/// Draws `size` of the rows, each with the same chance, in their order. `random` yields random bits.
///
/// Algorithm R: one pass, and no more memory than the sample takes.
pub(crate) fn sample(
    rows: impl Iterator<Item = u32>,
    size: u32,
    mut random: impl FnMut() -> u64,
) -> Vec<u32> {
    let mut drawn: Vec<u32> = Vec::new();
    for (seen, row) in (1_u64..).zip(rows) {
        if drawn.len() < size as usize {
            drawn.push(row);
            continue;
        }
        // From 0 to `seen` - 1: the upper half of the product.
        let place = (u128::from(random()) * u128::from(seen)) >> 64;
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if let Some(replaced) = drawn.get_mut(place) {
            *replaced = row;
        }
    }
    drawn.sort_unstable();
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::mix;

    const TEN: PilotSettings = PilotSettings {
        size: 10,
        choice: Choice::First,
    };

    fn pilot(is_over: bool) -> Pilot {
        Pilot {
            size: 10,
            seed: None,
            is_over,
            is_of_this_list: true,
        }
    }

    fn next(kept: Option<Pilot>, asked: Option<PilotSettings>, waits: bool) -> PilotStep {
        step(kept, asked, waits, false, 70_042)
    }

    #[test]
    fn the_same_command_finishes_the_pilot_and_no_more() {
        assert_eq!(next(None, Some(TEN), false), PilotStep::Begin(pilot(false)));
        let begun = pilot(false);
        assert_eq!(next(Some(begun), Some(TEN), false), PilotStep::GoOn(begun));
        let over = pilot(true);
        for waits in [true, false] {
            assert_eq!(next(Some(over), Some(TEN), waits), PilotStep::Over(over));
        }
    }

    #[test]
    fn a_pilot_that_was_interrupted_is_finished_also_without_the_flag() {
        let begun = pilot(false);
        for resumed in [true, false] {
            assert_eq!(
                step(Some(begun), None, false, resumed, 0),
                PilotStep::GoOn(begun)
            );
        }
    }

    #[test]
    fn the_rest_waits_until_a_person_takes_the_batch_up() {
        let over = pilot(true);
        assert_eq!(next(Some(over), None, true), PilotStep::Over(over));
        assert_eq!(step(Some(over), None, true, true, 0), PilotStep::None);
        assert_eq!(next(Some(over), None, false), PilotStep::None);
    }

    #[test]
    fn another_number_choice_or_list_is_another_pilot() {
        let another = |asked: PilotSettings, kept: Pilot| {
            let begins = next(Some(kept), Some(asked), true);
            assert_eq!(begins, PilotStep::Begin(Pilot::begin(asked, 70_042)));
        };
        another(
            TEN,
            Pilot {
                size: 9,
                ..pilot(true)
            },
        );
        let other_list = Pilot {
            is_of_this_list: false,
            ..pilot(true)
        };
        another(TEN, other_list);
        let at_random = |seed| PilotSettings {
            choice: Choice::AtRandom { seed },
            ..TEN
        };
        another(at_random(None), pilot(true));
        let drawn = Pilot {
            seed: Some(7),
            ..pilot(true)
        };
        another(TEN, drawn);
        another(at_random(Some(8)), drawn);
        for seed in [None, Some(7)] {
            assert_eq!(
                next(Some(drawn), Some(at_random(seed)), true),
                PilotStep::Over(drawn)
            );
        }
    }

    #[test]
    fn a_seed_that_nobody_gave_is_short() {
        let at_random = PilotSettings {
            choice: Choice::AtRandom { seed: None },
            ..TEN
        };
        let begins = Pilot {
            seed: Some(42),
            ..pilot(false)
        };
        assert_eq!(next(None, Some(at_random), false), PilotStep::Begin(begins));
        assert_eq!(begins.to_string(), "10 of the queued at random (seed 42)");
        assert_eq!(pilot(false).to_string(), "the first 10 who were queued");
    }

    #[test]
    fn every_row_has_the_same_chance_to_be_drawn() {
        let mut times = [0_u32; 50];
        for seed in 0..20_000_u64 {
            let mut count = 0;
            let drawn = sample(0..50, 5, || {
                count += 1;
                mix(mix(seed) ^ count)
            });
            assert!(drawn.is_sorted());
            for row in drawn {
                times[row as usize] += 1;
            }
        }
        // 2,000 are expected of each; six standard deviations are 255.
        assert!(times.iter().all(|n| (1745..2255).contains(n)), "{times:?}");
    }

    #[test]
    fn a_sample_of_more_than_there_are_is_everybody() {
        assert_eq!(sample(3..6, 10, || 0), [3, 4, 5]);
        assert!(sample(0..0, 10, || 0).is_empty());
    }
}

//! SIGKILL at random moments: nobody is messaged twice, no row is lost, an unknown is called unknown.

use crate::support::{Engine, Storm, StormReport};

/// Storms until so many kills have struck. The seed of a failing one is in its message.
fn storms(first_seed: u64, kills: u32, rage: impl Fn(&Storm) -> StormReport) {
    let mut struck = 0;
    let mut seed = first_seed;
    while struck < kills {
        struck += rage(&Storm::drawn(seed, 600, 8)).kills;
        seed += 1;
        assert!(
            seed < first_seed + 50,
            "the batches end before anybody can kill them"
        );
    }
}

#[test]
fn a_batch_survives_ten_kills_at_random_moments() {
    storms(1_000, 10, Storm::rage);
}

#[test]
fn it_survives_ten_others() {
    storms(2_000, 10, Storm::rage);
}

#[test]
fn and_ten_more() {
    storms(3_000, 10, Storm::rage);
}

#[test]
fn a_batch_of_a_machine_in_a_cluster_survives_ten_kills_at_random_moments() {
    let Some(engine) = Engine::start() else {
        return;
    };
    storms(4_000, 10, |storm| {
        storm.rage_in(&format!("{}#storm{}", engine.url(), storm.seed))
    });
}

//! SIGKILL at random moments: nobody is messaged twice, no row is lost, an unknown is called unknown.

use crate::support::Storm;

/// Storms until so many kills have struck. The seed of a failing one is in its message.
fn storms(first_seed: u64, kills: u32) {
    let mut struck = 0;
    let mut seed = first_seed;
    while struck < kills {
        struck += Storm::drawn(seed, 600, 8).rage().kills;
        seed += 1;
        assert!(
            seed < first_seed + 50,
            "the batches end before anybody can kill them"
        );
    }
}

#[test]
fn a_batch_survives_ten_kills_at_random_moments() {
    storms(1_000, 10);
}

#[test]
fn it_survives_ten_others() {
    storms(2_000, 10);
}

#[test]
fn and_ten_more() {
    storms(3_000, 10);
}

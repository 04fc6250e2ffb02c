//! Integration tests: statements about the product, by topic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed test may panic")]

mod pacer;
mod pacer_sim;

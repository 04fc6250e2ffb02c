//! Integration tests: statements about the product, by topic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod check;
mod cli_help;
mod config;
mod content;
mod intake;
mod phone_corpus;
mod phone_differential;
mod sandbox;
mod sandbox_webhooks;
mod serve;
mod webhooks;

mod pacer;
mod pacer_sim;

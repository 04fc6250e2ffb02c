//! Integration tests: statements about the product, by topic.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod check;
mod check_command;
mod cli_help;
mod config;
mod content;
mod crash;
mod doctor;
mod exit_codes;
mod fixture;
mod guards;
mod intake;
mod kill;
mod locks;
mod pace;
mod phone_corpus;
mod phone_differential;
mod resolve;
mod results;
mod sandbox;
mod sandbox_webhooks;
mod signals;
mod status;
mod support;
mod suppress;
mod webhooks;

mod pacer;
mod pacer_sim;

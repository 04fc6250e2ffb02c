//! Reach a list of people by phone number, in bulk, correctly.
//!
//! `outreach` reads a contacts file, validates and dedupes the phone numbers, sends one message per
//! number through the Amio API at exactly the pace that the API allows, and accounts for every row.
//!
//! The modules follow the way of a row:
//!
//! ```text
//! contacts file --intake--> checkpoint (store) --dispatch--> Amio --outcome--> checkpoint --report--> results file
//!                                  ^                                               ^
//!                                  |                                               |
//!                          suppression list                                webhook events (serve)
//! ```
//!
//! Imports run downwards only: `commands` -> the stages (`intake`, `dispatch`, `report`, `serve`,
//! `sandbox`) -> `store`, `amio` -> `domain`. The stages do not import each other: they meet in the store.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a failed test may panic"
    )
)]

pub mod amio;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod crash;
pub mod dispatch;
pub mod domain;
pub mod exit;
pub mod intake;
pub mod report;
pub mod sandbox;
pub mod serve;
pub mod store;

//! Reach a list of people by phone number, in bulk, correctly.
//!
//! `outreach` reads a contacts file, validates and dedupes the phone numbers, sends one message per
//! number through the Amio API at exactly the pace that the API allows, and accounts for every row.
//! This is the guide to the code; the README is the guide to the program.
//!
//! # The way of a row
//!
//! ```text
//! contacts file --intake--> checkpoint (store) --dispatch--> Amio --outcome--> checkpoint --report--> results file
//!                                  ^                                               ^
//!                                  |                                               |
//!                          suppression list                                webhook events (serve)
//! ```
//!
//! | module | does | never does |
//! | --- | --- | --- |
//! | [`intake`] | reads a file, finds the columns, judges every row, renders its message once | network |
//! | [`store`] | the checkpoint: the only place with SQL, one writer that commits in groups | decide |
//! | [`dispatch`] | claims, waits for the [pacer](dispatch::pacer), sends, settles; guards and outages | SQL, status codes |
//! | [`amio`] | one request and what came back; webhook events and their signature | pace, retry |
//! | [`report`] | check, rejects, results file, summary, progress | change state |
//! | [`serve`] | takes webhook events, stored before they are answered | send |
//! | [`sandbox`] | plays the API, with quotas, faults and webhooks | be used by a real run |
//! | [`run`] | what every front end calls: a plan for a list, a held batch, a run with an observer | print, ask |
//! | [`domain`] | the decisions, as functions over values | I/O, clock, chance |
//!
//! Around them: [`config`] (each setting, declared once), [`cli`] (the commands and their flags),
//! [`commands`] (one file a subcommand),
//! [`exit`] (the codes), [`clock`] (the one that everybody waits on), [`crash`] (where tests make it die).
//!
//! Imports run downwards only: `commands` -> `run` -> the stages (`intake`, `dispatch`, `report`, `serve`,
//! `sandbox`) -> `store`, `amio` -> `domain`. The stages do not import each other: they meet in the store.
//!
//! # Where the promises live
//!
//! - What a recipient's state may become: [`domain::delivery::next`].
//! - What an answer means: [`domain::outcome`]; nothing else looks at a status code.
//! - At most once: [`store::Journal::settle_and_claim`] returns when the last result and the next intent are on disk.
//! - Exactly the quota: [`dispatch::pacer::core::Pacer`] decides over values, its shell waits.
//! - Stop before harm: [`dispatch::Guards`], and [`intake::IntakeError`] for files.
//! - Rows in = rows out: [`report::write_results`] reads nothing but the checkpoint.
//!
//! # From here
//!
//! `examples/library.rs` goes the whole way without the program, by the functions of [`run`]. Then read [`store::Journal`],
//! [`dispatch`] and [`domain::delivery`], in this order.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a failed test may panic"
    )
)]

mod amio;
#[doc(hidden)]
pub mod cli;
mod clock;
#[doc(hidden)]
pub mod commands;
mod config;
mod crash;
mod dispatch;
mod domain;
mod exit;
mod intake;
#[doc(hidden)]
pub mod internals;
mod report;
pub mod run;
mod sandbox;
mod serve;
mod store;

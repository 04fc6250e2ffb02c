//! Integration tests: statements about the product, by topic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed test may panic"
)]

mod added_lists;
mod after_end_to_end;
mod ambiguity;
mod audience;
mod backup;
mod bounds;
mod cancel;
mod check;
mod check_command;
mod claims;
mod cli_help;
mod clock;
#[cfg(unix)]
mod cluster;
mod commands;
mod config;
mod console;
mod contact_gone;
mod content;
mod crash;
mod dispatcher;
mod doctor;
mod erasure;
mod evidence;
mod exit_codes;
mod exports;
mod fallback;
mod fallback_orders;
mod fallback_runs;
mod files;
mod fixture;
mod follow_up;
mod follow_up_orders;
mod forget;
mod guards;
mod heard;
mod history;
mod home;
mod hostile;
mod hours;
mod identity;
mod imports;
mod intake;
mod journeys;
mod kill;
mod known_people;
mod layers;
mod letters;
mod library;
mod lists;
mod locks;
mod look;
mod mending;
mod model;
mod night;
mod numbers;
mod odd_files;
mod once;
mod opt_outs;
mod output;
mod pace;
mod phone_corpus;
mod phone_differential;
mod picture;
mod pilot;
mod promises;
mod prune;
mod prune_kept;
mod quickstart;
mod readme;
mod refresh;
mod refusals;
mod rehearsal;
mod resolve;
mod results;
mod sandbox;
mod sandbox_webhooks;
mod schema;
mod second_list;
mod serve;
mod serve_end_to_end;
mod signals;
mod sms;
mod source;
mod statements;
mod status;
mod steps;
mod storage;
mod structure;
mod suites;
mod support;
mod suppress;
mod tables;
mod test_message;
mod validation;
mod waits;
mod webhooks;

mod pacer;
mod pacer_sim;

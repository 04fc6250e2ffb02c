//! Reach a list of people by phone number, in bulk, correctly.
//!
//! `outreach` reads a contacts file, validates and dedupes the phone numbers, sends one message per
//! number through the Amio API at exactly the pace that the API allows, and accounts for every row.
//! The library is [`run`]; the program `outreach` is one caller of it. This page is the map of the code, the
//! README is the guide to the program, and [`manual`] has everything else.
//!
//! # A list sent to the sandbox
//!
//! ```
//! use outreach::run::*;
//!
//! let folder = tempfile::tempdir()?;
//! let (list, checkpoint) = (folder.path().join("list.csv"), folder.path().join("outreach.db"));
//! std::fs::write(&list, "phone,first_name\n+420777123456,Eva\n+420777123457,Jan\n")?;
//! let (clock, settings, stop) = (Clock::system(), RunSettings::default(), StopHandle::default());
//! let message = ContentSource::message("Hello {{ first_name }}, your order is ready.");
//! let list = List::open(&[Source::Path(list)], &IntakeSettings::default(), Some(&message))?;
//! let asked = SendSettings { batch: Some("spring"), channel: Rehearsal::CHANNEL, change: None, sandbox: true, follow_up: None };
//! let plan = SendPlan::new(&checkpoint, list, &asked, clock.now())?;
//! let plan = plan.read(&settings, None, clock.now(), &mut |_| ())?;
//! let (batch, _) = plan.carry_out(clock.now())?;
//! let ended = tokio::runtime::Runtime::new()?.block_on(async {
//!     let sandbox = Rehearsal::start(Rehearsal::CHANNEL, None).await?;
//!     batch.send(sandbox.access(), &settings, &clock, &stop, &mut ()).await
//! })?;
//! assert_eq!((ended.end, ended.counts.sent), (RunEnd::Complete, 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/library.rs` is the same with an observer, a results file, and the reason of each step.
//!
//! # Data flow
//!
//! ```text
//! contacts file --intake--> checkpoint (store) --dispatch--> Amio --outcome--> checkpoint --report--> results file
//!                                  ^                                               ^
//!                                  |                                               |
//!                          suppression list                                webhook events (serve)
//! ```
//!
//! # Folders
//!
//! The folders below `run` are private to the crate: `cargo doc --no-deps --document-private-items` shows them.
//!
//! | folder | does | never does |
//! | --- | --- | --- |
//! | `commands` | one file a subcommand: reads settings, calls `run`, prints | decide |
//! | `console` | the page for a team: HTML over `run` and `store` | hold a rule of its own |
//! | `cli` | the commands and their flags | read files, print |
//! | `config` | each setting, declared once; flags, environment, file and defaults in layers | send |
//! | `run` | what every caller uses: a plan for a list, a held batch, a run with an observer | print, ask |
//! | `intake` | reads a file, finds the columns, judges every row, renders its message once | network |
//! | `dispatch` | claims, waits for the pacer, sends, settles; guards and outages | SQL, status codes |
//! | `report` | check report, rejects, results file, summary | change state |
//! | `serve` | stores webhook events before it answers them | send |
//! | `sandbox` | simulates the API, with quotas, faults and webhooks | serve a real run |
//! | `store` | the checkpoint: the only place with SQL, one writer thread that commits in groups | network |
//! | `cluster` | the log that several machines share, on PostgreSQL: append, read, leases | know what a row means |
//! | `amio` | one request and its answer; webhook events and their signature | pace, retry |
//! | `domain` | the decisions, as functions over values | I/O, clock, chance |
//!
//! Beside them: `manual` (the texts of `outreach man`), `exit` (the exit codes), `clock` (the one clock that
//! everything waits on), `locked` (the one way to take a mutex), `crash` (the places where a test can end the
//! process), `internals` (what the tests in `tests/` use; not a part of the library), and `templates` (the HTML of
//! `console` and `report`). Lists of words stand in text files beside the code that reads them. The front pages of
//! `store` and `run`, the largest folders, say where to look in them.
//!
//! Imports run downwards only: `commands`, `console`, `cli`, `config`, `run`, then the stages (`intake`, `dispatch`,
//! `report`, `serve`, `sandbox`), then `store`, `amio`, `cluster`, and at the bottom `domain`, `clock`, `exit`,
//! `locked`, `crash`. The stages do not import each other: they meet in the store. `commands` reach `intake`,
//! `dispatch` and `store` through `run` alone, as every caller of the library does. The exceptions are in
//! `tests/it/structure.rs`, each with its reason.
//!
//! # From `main.rs` to the wire
//!
//! In this order, some ten minutes:
//!
//! 1. `src/main.rs`, `src/commands/mod.rs`: parse, one command, the exit code.
//! 2. `src/commands/send.rs`: settings, questions, and the calls of `run`; `run.rs` beside it: a batch is shown,
//!    confirmed, sent, and accounted for.
//! 3. `src/run/plan.rs`, `read_plan.rs`: a list becomes a batch; `src/intake/judge.rs`: the verdict on a row.
//! 4. `src/run/send.rs`: a held batch becomes a run.
//! 5. `src/dispatch/mod.rs`, `src/dispatch/worker.rs`: claim, send, settle; `admission.rs`: whether a request may leave now.
//! 6. `src/store/journal/mod.rs`, `claim.rs`, `settle.rs`: what is on disk before and after a request.
//! 7. `src/dispatch/pacer/mod.rs`, `core.rs`: when the next request may leave.
//! 8. `src/amio/client.rs`: the request; `src/domain/outcome/classify.rs`: what its answer means.
//! 9. `src/domain/delivery.rs`: what a recipient's state becomes.
//!
//! # Invariants
//!
//! Each is guarded by a test of this name.
//!
//! | what always holds | where | test |
//! | --- | --- | --- |
//! | The intent is on disk before its request leaves; the result goes with the next intent in one commit. | `store/journal` | `before_the_intent_is_committed_nothing_has_left`, `a_batch_survives_ten_kills_at_random_moments` |
//! | A person gets a batch's message once, whatever the order of events. | `store/journal/claim.rs` | `nobody_is_messaged_twice_by_any_order_of_events`, `random_journeys_keep_every_promise` |
//! | In a cluster a transaction is in the log before it is on disk, and a log that is not what it was stops every machine. | `store/replica` | `an_append_that_arrives_after_the_client_gave_up_is_decided_once`, `an_engine_that_forgets_its_last_records_stops_every_machine` |
//! | A request whose answer is lost is `unknown`, and is not sent again by itself. | `domain/delivery.rs` | `a_request_that_is_dropped_at_any_byte_is_undecided_and_never_sent_again_behind_our_back` |
//! | Only a queued recipient is claimed. | `domain/delivery.rs` | `only_a_queued_recipient_is_ever_claimed` |
//! | One classifier decides what an answer means. | `domain/outcome/classify.rs` | `a_cut_refusal_is_undecided_but_a_cut_201_is_sent` |
//! | The quota is used to the last request, and never overrun. | `dispatch/pacer` | `a_fixed_window_is_used_to_the_last_request_and_never_overrun` |
//! | A request leaves only when nothing keeps it back, and the reason of a wait can be shown. | `dispatch/admission.rs` | `a_request_leaves_only_when_nothing_keeps_it_back_and_the_first_reason_is_told` |
//! | A wrong token, channel or message stops the batch before it does harm. | `dispatch/guards.rs` | `a_wrong_token_costs_one_request_and_no_recipient` |
//! | An opt-out counts from the next claim on, also in a running batch. | `store/evidence.rs` | `a_stop_keeps_queued_rows_of_a_running_batch_from_being_sent` |
//! | Every row of the input is one line of the results. | `report/results.rs` | `every_row_of_the_input_is_one_line_with_its_columns_and_ours` |
//! | An erased person leaves no trace but a keyed hash. | `store/forget.rs` | `an_erased_person_leaves_no_trace_and_gets_no_later_message` |
//! | One process at a time works on a batch. | `store/lock.rs` | `twenty_commands_at_once_are_one_batch` |
//! | Decisions are pure; SQL, HTTP, axum and the clock have one owner each. | all | `the_domain_is_pure`, `each_outside_library_has_one_owner`, `the_clock_is_read_in_one_place` |
//! | Imports run downwards, without circles. | all | `imports_between_folders_run_downwards`, `no_files_import_each_other_in_a_circle`, `commands_are_callers_of_run` |
//!
//! # Words
//!
//! - *Batch*: one list with one message to one channel, under a name. *Recipient*: a row of a batch, with a state.
//! - *Plan*: what sending a list would do, before it is done. *Verdict*: what becomes of a row that is read: queued,
//!   invalid, duplicate or suppressed.
//! - *Person*: a phone number and what is known of it in all batches. *Contact*: a person's account on a channel.
//! - *Attempt* or *request*: one message handed to the API; a recipient may have several. *In flight*: a request
//!   whose intent is on disk and whose result is not.
//! - *Claim*: take the next queued recipient and record the intent. *Settle*: record the result.
//! - *Outcome*: what an answer means. *Unknown*: the request may have been accepted, and nothing shows whether.
//! - *Proof*, *evidence*: a webhook event or a message of the API's history that shows what became of a request.
//! - *Request outcome*: what is known of an earlier request to a person: in flight, unknown, or accepted.
//! - *Refusal*: an answer that says no, with its text. *Meaning*: what a refusal's text says of person, message or
//!   channel.
//! - *Wait*: a row stays queued until an outcome elsewhere is known. *Held row*: no claim takes it until the text of
//!   its refusal has a meaning. *Hold*: the lock of one process on a batch.
//! - *Checkpoint*: the SQLite file with everything. *Journal*: the claims and settlements of one batch in it.
//! - *Step*: one of a batch's channels, in their order; a row that falls back goes on to the next. *Follow-up*: a
//!   batch whose people each wait for an event.
//! - *Admission*: the decision whether a request may leave now, over hours, outage and pace. *Pacer*: its part that
//!   knows quota, rate and connections. *Permit*: the permission for one request. *Flight*: that request, from its
//!   start to its answer.
//! - *Guard*: stops a batch whose answers show a mistake. *Gate*: lets one recipient alone, all, or none pass.
//! - *Canary*: the first recipient, sent alone. *Pilot*: the first people of a batch, after whom it pauses. *Outage*:
//!   the API cannot be reached; no recipient is claimed.
//! - *Suppression list*: numbers that are never messaged. *Opt-in*, *opt-out*: what a person asked for by an event.
//! - *Rehearsal*: a batch that is sent to the sandbox.

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
mod cluster;
#[doc(hidden)]
pub mod commands;
mod config;
mod console;
mod crash;
mod dispatch;
mod domain;
mod exit;
mod intake;
#[doc(hidden)]
pub mod internals;
mod locked;
pub mod manual;
mod report;
pub mod run;
mod sandbox;
mod serve;
mod store;

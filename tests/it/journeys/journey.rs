//! A journey from its first step to its end, and the shortest part of it that still fails.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::api::people;
use super::check::{self, Before};
use super::known::known;
use super::list::CHANNELS;
use super::model::ResultRow;
use super::steps::{Journey, Kind, Step, Weather};
use super::world::{Report, World};
use crate::support::Random;

/// How long the shortest failing journey is looked for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A journey that did not hold.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) what: String,
    pub(super) log: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.what)?;
        f.write_str(&self.log)
    }
}

/// Runs the steps, then a last fault-free run of every batch.
pub(super) fn run(journey: &Journey) -> Result<usize, Failure> {
    let mut world = World::new(journey.often);
    let walked = catch_unwind(AssertUnwindSafe(|| walk(&mut world, &journey.steps)));
    let verdict = walked.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
        Err(text.unwrap_or_else(|| "a panic without words".to_owned()))
    });
    match verdict {
        Ok(()) => Ok(world.model.account.len()),
        Err(what) => Err(Failure {
            what,
            log: std::mem::take(&mut world.log),
        }),
    }
}

fn walk(world: &mut World, steps: &[Step]) -> Result<(), String> {
    for step in steps {
        world.note(&format!("# -- {:?}", step.kind));
        let before = Before::of(&world.model);
        let report = act(world, *step)?;
        judge(world, &before, &report)?;
    }
    world.note("# -- the end");
    let names: Vec<String> = world.model.batches.keys().cloned().collect();
    for name in names {
        let before = Before::of(&world.model);
        let Some(batch) = world.model.batches.get(&name).cloned() else {
            continue;
        };
        let weather = Weather::fair();
        let mut done = world.run_in(world.resume_arguments(&name), &weather);
        if batch.in_pilot && done.code == Some(4) {
            done = world.run_in(world.resume_arguments(&name), &weather);
        }
        super::runs::expect_code_of(&batch, &done, &weather, true)?;
        let report = Report::of(&name, done.code, &weather, None);
        judge(world, &before, &report)?;
    }
    Ok(())
}

fn act(world: &mut World, step: Step) -> Result<Report, String> {
    let random = &mut Random::new(step.seed);
    match step.kind {
        Kind::Send => world.send(random),
        Kind::Continue => world.go_on(random, false),
        Kind::Resume => world.go_on(random, true),
        Kind::Update => world.update(random),
        Kind::Add => world.add(random),
        Kind::AddAgain => world.add_again(random),
        Kind::SendResults => world.send_results(random),
        Kind::AddRejects => world.add_rejects(random),
        Kind::OtherText => world.other_text(random),
        Kind::WrongText => world.wrong_text(random),
        Kind::Two => world.two(random),
        Kind::Suppress => world.suppress(random),
        Kind::Lift => world.lift(random),
        Kind::Forget => world.forget(random),
        Kind::Events => world.events(random),
        Kind::EventsMeanwhile => world.events_meanwhile(random),
        Kind::FromApi => world.resolve_from_api(random),
        Kind::AssumeSent => world.decide(random, false),
        Kind::Resend => world.decide(random, true),
        Kind::Rehearse => world.rehearse(random),
        Kind::Retry => world.retry(random),
        Kind::Import => world.import(random),
        Kind::Cancel => world.cancel(random),
        Kind::AddTogether => world.add_together(random),
        Kind::Pilot => world.pilot(random),
        Kind::Worker => world.worker(random),
        Kind::Night => world.night(random),
        Kind::Prune => world.prune(),
        Kind::PutBack => world.put_back(random),
        Kind::Approve => world.approve(random),
        Kind::Audience => world.audience(random),
        Kind::FollowUp => world.follow_up(random),
    }
}

/// Looks at what the API accepted and at the results of all batches that the step touched.
fn judge(world: &mut World, before: &Before, report: &Report) -> Result<(), String> {
    for run in report.runs.iter().filter(|run| run.weather.refuses()) {
        if let Some(batch) = world.model.batches.get_mut(&run.batch) {
            batch.refused = true;
        }
    }
    let account = world.api.account();
    world.model.learn_account(account);
    check::messages(&world.model, before)?;
    let mut names: Vec<String> = report.touched.clone();
    names.extend(report.runs.iter().map(|run| run.batch.clone()));
    names.sort();
    names.dedup();
    let mut exports: Vec<(String, Vec<ResultRow>)> = Vec::new();
    for name in names {
        if world.model.batches.contains_key(&name) {
            let rows = world.export(&name)?;
            exports.push((name, rows));
        }
    }
    if let Some(run) = report.runs.last() {
        world.model.latest = Some(run.batch.clone());
    }
    for (name, rows) in &exports {
        note_unknown(world, name, rows);
        note_false_receipts(world, name, rows, report);
    }
    for (name, rows) in exports {
        let Some(batch) = world.model.batches.get(&name) else {
            continue;
        };
        check::results(&world.model, batch, &rows, report)?;
        let channel = batch.channel;
        world.model.learn_contacts(channel, &rows);
        world.model.learn_unreached(channel, &rows);
        let people = world.model.people.iter().enumerate();
        let blocked = people.filter(|(_, person)| person.blocked);
        let blocked = blocked.map(|(index, _)| index).collect();
        if let Some(batch) = world.model.batches.get_mut(&name) {
            batch.blocked_meanwhile = blocked;
            batch.in_pilot &= rows.iter().any(|row| row.is("queued"));
            batch.rows = rows;
        }
    }
    world.hear_waiting_stops();
    Ok(())
}

/// Whose outcome is open may hold up the rows of other batches.
fn note_unknown(world: &mut World, name: &str, rows: &[ResultRow]) {
    let unknown = rows.iter().filter(|row| row.is("unknown"));
    let unknown: Vec<usize> = unknown.filter_map(|row| row.person).collect();
    if let Some(batch) = world.model.batches.get_mut(name) {
        batch.newly_unknown = unknown
            .iter()
            .copied()
            .filter(|person| !batch.ever_unknown.contains(person))
            .collect();
        batch.ever_unknown.extend(unknown);
    }
}

/// The sandbox says 201 about a message to somebody whom it does not reach: that counts as sent.
fn note_false_receipts(world: &mut World, name: &str, rows: &[ResultRow], report: &Report) {
    let mut runs = report.runs.iter().filter(|run| run.batch == name);
    let garbled = runs.any(|run| run.weather.garbles());
    let Some(batch) = world.model.batches.get_mut(name) else {
        return;
    };
    let everybody = &world.model.people;
    let told = |person: &usize| {
        let unreached = |channel: &usize| !people().reachable(*channel, *person);
        garbled
            && (0..CHANNELS.len())
                .filter(|it| batch.uses(*it))
                .any(|it| unreached(&it))
            || everybody[*person].delivered && known("delivery_proves_later_request")
    };
    let sent = rows.iter().filter(|row| row.is("sent"));
    let told: Vec<usize> = sent.filter_map(|row| row.person).filter(told).collect();
    batch.assumed.extend(told);
}

/// Leaves out steps as long as the rest still fails; returns the rest and how it fails.
pub(super) fn shrink(journey: &Journey, failure: Failure) -> (Journey, Failure) {
    let (mut journey, mut failure) = (journey.clone(), failure);
    let begin = Instant::now();
    let mut size = journey.steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < journey.steps.len() && begin.elapsed() < PATIENCE {
            let mut fewer = journey.clone();
            let end = (at + size).min(fewer.steps.len());
            fewer.steps.drain(at..end);
            match run(&fewer) {
                Ok(_) => at += size,
                Err(shorter) => (journey, failure) = (fewer, shorter),
            }
        }
        size /= 2;
    }
    (journey, failure)
}

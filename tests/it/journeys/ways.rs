//! Other ways to send than one command: a pilot, a worker, a night over a folder.

use super::check::must;
use super::runs::{Stepped, expect_code, expect_code_of};
use super::steps::{Ending, Weather};
use super::world::{Report, World};
use crate::support::Random;

impl World {
    /// The first of a list, then a person says that the rest follows.
    pub(super) fn pilot(&mut self, random: &mut Random) -> Stepped {
        let Some(plan) = self.plan(random) else {
            return Ok(Report::default());
        };
        let (fair, limit) = (Weather::fair(), random.between(1, 3));
        let mut arguments = plan.arguments();
        arguments.extend(["--limit".to_owned(), limit.to_string()]);
        let before = self.api.accepted();
        let done = self.run_in(arguments, &fair);
        self.expect_at_most(limit, before)?;
        if done.code == Some(7) {
            expect_code(&done, &fair, plan.has_valid_rows())?;
            return Ok(self.enter(&plan, done.code, &fair));
        }
        // Whose row waits for another batch is one of the pilot too.
        must(matches!(done.code, Some(0 | 3 | 4)), || {
            format!("a pilot ends with {:?}: {}", done.code, done.said)
        })?;
        self.enter(&plan, done.code, &fair);
        let again = self.run_in(plan.arguments(), &fair);
        must(done.code != Some(4) || again.code == Some(4), || {
            format!("after the pilot: {:?}: {}", again.code, again.said)
        })?;
        if done.code == Some(4) {
            self.expect_at_most(limit, before)?;
        }
        let Some(batch) = self.model.batches.get_mut(&plan.name) else {
            return Ok(Report::default());
        };
        batch.in_pilot = true;
        let batch = batch.clone();
        let weather = Weather::draw(random);
        let mut done = self.run_in(self.resume_arguments(&plan.name), &weather);
        let is_interrupted = matches!(weather.ending, Ending::Interrupted(_));
        if done.code == Some(4) && !is_interrupted {
            // A row of the pilot waited for another batch: that one went first, and the rest follows.
            done = self.run_in(self.resume_arguments(&plan.name), &weather);
        }
        expect_code_of(&batch, &done, &weather, true)?;
        Ok(Report::of(&plan.name, done.code, &weather, Some(plan.list)))
    }

    fn expect_at_most(&self, limit: u64, before: u64) -> Result<(), String> {
        let sent = self.api.accepted() - before;
        must(sent <= limit, || {
            format!("a pilot of {limit} messages {sent} people")
        })
    }

    /// A batch that is left to a worker, which also takes up what a killed run left behind.
    pub(super) fn worker(&mut self, random: &mut Random) -> Stepped {
        let fair = Weather::fair();
        let plan = self.plan(random);
        if let Some(plan) = &plan {
            let mut arguments = plan.arguments();
            arguments.push("--detach".to_owned());
            let before = self.api.accepted();
            let done = self.run_in(arguments, &fair);
            let code = if plan.has_valid_rows() { 0 } else { 7 };
            must(done.code == Some(code), || {
                format!("--detach: {:?}: {}", done.code, done.said)
            })?;
            must(self.api.accepted() == before, || {
                "what is left to a worker is sent".to_owned()
            })?;
            self.enter(plan, done.code, &fair);
        }
        let weather = Weather::draw(random);
        let work = ["worker", "--once"].map(str::to_owned);
        let done = self.run_in(work.into(), &weather);
        // Without a batch to take up there is nothing to kill. A pilot of which rows waited may end.
        let mut batches = self.model.batches.values();
        let ended = match done.code {
            Some(0) => true,
            Some(4) => batches.any(|batch| batch.in_pilot),
            // Rows are held whose refusal nobody knows.
            Some(5) => batches.any(|it| it.fallback && (it.refused || weather.refuses())),
            Some(_) | None => false,
        };
        must(ended || expect_code(&done, &weather, true).is_ok(), || {
            format!("worker: {:?}: {}", done.code, done.said)
        })?;
        // Which of them it took up is seen by their results.
        let mut report = Report::default();
        for name in self.all_batches() {
            let run = Report::of(&name, Some(4), &weather, None);
            report.runs.extend(run.runs);
        }
        report.settles = true;
        Ok(report)
    }

    /// A night over a folder with one list. What it leaves in the inbox is taken out: other commands go on with it.
    pub(super) fn night(&mut self, random: &mut Random) -> Stepped {
        let Some(mut plan) = self.plan(random) else {
            return Ok(Report::default());
        };
        let number = self.model.next_file;
        let list = format!("night/inbox/n{number}.csv");
        for folder in ["night", "night/inbox"] {
            let _ = std::fs::create_dir(self.folder().join(folder));
        }
        self.scratch.write(&list, &self.scratch.read(&plan.file));
        self.scratch.let_rest(&list);
        self.note(&format!(
            "mkdir -p night/inbox; cp {} {list}; touch -d '1 hour ago' {list}",
            plan.file
        ));
        plan.name = format!("n{number}");
        let mut arguments = vec!["night".to_owned(), "night".to_owned()];
        // The flags of `send` but for the list, its batch and what a night does not ask.
        arguments.extend(plan.arguments().into_iter().skip(5));
        let weather = Weather::draw(random);
        let done = self.take_list(arguments, &weather);
        plan.expect_code(&done, &weather)?;
        let _ = std::fs::remove_file(self.folder().join(&list));
        self.note(&format!("rm -f {list}"));
        if done.code == Some(7) {
            return Ok(Report::default());
        }
        let Some(name) = self.new_batch(&format!("{}-", plan.name))? else {
            // It was killed before the list was read.
            return Ok(Report::default());
        };
        plan.name = name;
        Ok(self.enter(&plan, done.code, &weather))
    }

    /// The batch that a command has just made, whose name begins so.
    pub(super) fn new_batch(&mut self, begin: &str) -> Result<Option<String>, String> {
        let status = ["status", "--json"].map(str::to_owned);
        let ended = self.start(&status, None).wait();
        let batches: serde_json::Value = serde_json::from_str(&ended.out).map_err(|error| {
            let (out, said) = (ended.out.clone(), ended.said.clone());
            format!("status --json: {error}: {out}{said}")
        })?;
        let names = batches.as_array().into_iter().flatten();
        let mut names = names.filter_map(|batch| batch["batch"].as_str());
        Ok(names
            .find(|name| name.starts_with(begin) && !self.model.is_taken(name))
            .map(str::to_owned))
    }
}

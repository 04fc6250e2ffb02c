//! Steps that go back to what was: refused rows are queued once more, results files imported, a batch is given up and
//! taken up again.

use super::check::must;
use super::model::ResultRow;
use super::runs::{Stepped, expect_code, expect_code_of};
use super::steps::Weather;
use super::world::{Report, World, results};
use crate::support::Random;

impl World {
    /// `retry` of the rows of a batch that were refused. Whoever may have been reached stays.
    pub(super) fn retry(&mut self, random: &mut Random) -> Stepped {
        let refused = |row: &ResultRow| row.is("error") || row.is("no_messenger");
        let batches = self.model.batches.values();
        let batches: Vec<&str> = batches
            .filter(|batch| batch.rows.iter().any(refused))
            .map(|batch| batch.name.as_str())
            .collect();
        if batches.is_empty() {
            return Ok(Report::default());
        }
        let name = (*random.one_of(&batches)).to_owned();
        let status = *random.one_of(&["error", "no_messenger"]);
        let done = self.run(&["retry", &name, "--status", status, "--yes"]);
        must(done.code == Some(0), || format!("retry: {}", done.said))?;
        Ok(Report {
            touched: vec![name],
            ..Report::default()
        })
    }

    /// `cancel`: nobody is messaged by the command that the batch was begun with, until it is taken up again.
    pub(super) fn cancel(&mut self, random: &mut Random) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let done = self.run(&["cancel", &batch.name, "--yes"]);
        if done.code == Some(2) && done.said.contains("there is nothing to cancel") {
            return Ok(Report::default());
        }
        must(done.code == Some(0), || format!("cancel: {}", done.said))?;
        let how = batch.how();
        let arguments = Self::send_arguments(&batch.name, how, &batch.file, None);
        let done = self.run_in(arguments, &Weather::fair());
        must(done.code == Some(4), || {
            format!("a cancelled batch ends with {:?}: {}", done.code, done.said)
        })?;
        let account = self.api.account();
        must(account.len() == self.model.account.len(), || {
            format!("a cancelled batch sends {:?}", account.last())
        })?;
        let mut arguments = self.resume_arguments(&batch.name);
        arguments.push("--undo-cancel".to_owned());
        let weather = Weather::draw(random);
        let done = self.run_in(arguments, &weather);
        expect_code_of(&batch, &done, &weather, true)?;
        Ok(Report::of(&batch.name, done.code, &weather, None))
    }

    /// A results file of now or of earlier into the checkpoint that it came from: no row changes, for what is known
    /// is never made weaker. Only whom it tells of as suppressed is on the list again.
    pub(super) fn import(&mut self, random: &mut Random) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        if self.model.exports.is_empty() || random.next().is_multiple_of(2) {
            let file = format!("export{}.csv", self.model.exports.len());
            let done = self.run(&["export", &batch.name, "-o", &file]);
            must(done.code == Some(0), || format!("export: {}", done.said))?;
            self.model.exports.push(file);
        }
        let file = random.one_of(&self.model.exports).clone();
        let names = self.all_batches();
        let mut before = Vec::new();
        for name in &names {
            before.push(self.export(name)?);
        }
        let done = self.run(&["history", "import", &file, "--no-suppressions"]);
        must(done.code == Some(0), || {
            format!("history import: {:?}: {}", done.code, done.said)
        })?;
        for (name, before) in names.iter().zip(before) {
            let after = self.export(name)?;
            must(told(&after) == told(&before), || {
                format!("an import of what is known changes {before:?} to {after:?}")
            })?;
        }
        for row in results(&self.scratch.read(&file)) {
            if let Some(person) = row.person.filter(|_| row.is("suppressed")) {
                let somebody = &mut self.model.people[person];
                somebody.murky |= !somebody.blocked;
            }
        }
        Ok(Report {
            touched: names,
            ..Report::default()
        })
    }
}

impl World {
    /// `prune` of all that is finished: whom a pruned batch messaged is still known, and so is a STOP.
    pub(super) fn prune(&mut self) -> Stepped {
        if self.model.batches.is_empty() {
            return Ok(Report::default());
        }
        let arguments = ["prune", "--older-than", "0", "--yes"].map(str::to_owned);
        let ended = self.start(&arguments, None).wait();
        self.note_end(&arguments, ended.code, &ended.said);
        must(ended.code == Some(0), || {
            format!("prune: {:?}: {}", ended.code, ended.said)
        })?;
        for name in self.all_batches() {
            let told = format!("{name}: pruned");
            if ended.out.lines().any(|line| line.starts_with(&told)) {
                self.model.prune(&name);
            }
        }
        // They tell of rows that are no longer there.
        self.model.exports.clear();
        Ok(Report {
            touched: self.all_batches(),
            ..Report::default()
        })
    }

    /// The checkpoint is lost after a batch was sent, and a backup of the time before is put in its place: nothing leaves
    /// before a person says that it is the one; then the results of that batch bring back what they tell.
    pub(super) fn put_back(&mut self, random: &mut Random) -> Stepped {
        if self.model.batches.is_empty() {
            return Ok(Report::default());
        }
        let Some(plan) = self.plan(random) else {
            return Ok(Report::default());
        };
        let n = self.model.next_file;
        let (backup, results) = (format!("backup{n}.db"), format!("lost{n}.csv"));
        let done = self.run(&["backup", &backup]);
        must(done.code == Some(0), || format!("backup: {}", done.said))?;
        let weather = Weather::draw(random);
        let report = self.send_list(&plan, &weather)?;
        let is_there = self.model.batches.contains_key(&plan.name);
        if is_there {
            let done = self.run(&["export", &plan.name, "-o", &results]);
            must(done.code == Some(0), || format!("export: {}", done.said))?;
        }
        for name in ["outreach.db", "outreach.db-wal", "outreach.db-shm"] {
            let _ = std::fs::remove_file(self.folder().join(name));
        }
        let copied = std::fs::copy(
            self.folder().join(&backup),
            self.folder().join("outreach.db"),
        );
        must(copied.is_ok(), || format!("{copied:?}"))?;
        self.note(&format!(
            "rm -f outreach.db outreach.db-wal outreach.db-shm; cp {backup} outreach.db"
        ));
        let done = self.run_in(plan.arguments(), &Weather::fair());
        must(done.code == Some(8), || {
            format!("a backup is used: {:?}: {}", done.code, done.said)
        })?;
        let done = self.run(&["checkpoint", "adopt", "--no-suppressions"]);
        must(done.code == Some(0), || format!("adopt: {}", done.said))?;
        if !is_there {
            return Ok(report);
        }
        let done = self.run(&["history", "import", &results, "--no-suppressions"]);
        must(done.code == Some(0), || {
            format!("history import: {:?}: {}", done.code, done.said)
        })?;
        let fair = Weather::fair();
        let done = self.run_in(plan.arguments(), &fair);
        let holds = plan.fallback && weather.refuses() && done.code == Some(5);
        must(holds || expect_code(&done, &fair, true).is_ok(), || {
            format!("after the import: {:?}: {}", done.code, done.said)
        })?;
        Ok(Report::of(&plan.name, done.code, &weather, None))
    }
}

/// Who stands where. A request that a dead process left under way is unknown from then on: its reason changes.
fn told(rows: &[ResultRow]) -> Vec<(&str, &str, Option<usize>, &str)> {
    let told = rows.iter().map(|row| {
        let (key, at, status) = (row.key.as_str(), row.row.as_str(), row.status.as_str());
        (key, at, row.person, status)
    });
    told.collect()
}

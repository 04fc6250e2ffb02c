//! Steps about people: suppression, erasure, decisions about unknown outcomes; and rehearsals.

use super::check::must;
use super::list::number;
use super::model::{How, ResultRow};
use super::runs::Stepped;
use super::world::{Report, World};
use crate::support::Random;

impl World {
    pub(super) fn all_batches(&self) -> Vec<String> {
        self.model.batches.keys().cloned().collect()
    }

    pub(super) fn suppress(&mut self, random: &mut Random) -> Stepped {
        let person = self.drawer(random).person();
        let done = self.run(&["suppress", "add", &format!("+{}", number(person))]);
        must(done.code == Some(0), || {
            format!("suppress add: {}", done.said)
        })?;
        self.model.block(person);
        self.model.people[person].murky = false;
        Ok(Report::default())
    }

    pub(super) fn lift(&mut self, random: &mut Random) -> Stepped {
        let people = self.model.people.iter().enumerate();
        let listed = people.filter(|(_, person)| person.blocked || person.murky);
        let listed: Vec<usize> = listed.map(|(index, _)| index).collect();
        if listed.is_empty() {
            return Ok(Report::default());
        }
        let person = *random.one_of(&listed);
        let done = self.run(&["suppress", "remove", &format!("+{}", number(person))]);
        let murky = self.model.people[person].murky;
        must(done.code == Some(0) || murky, || {
            format!("suppress remove: {:?}: {}", done.code, done.said)
        })?;
        let taken_off = &mut self.model.people[person];
        taken_off.blocked = false;
        // A STOP that waited may be heard after this.
        taken_off.murky = taken_off.stop_waited;
        Ok(Report::default())
    }

    pub(super) fn forget(&mut self, random: &mut Random) -> Stepped {
        let person = self.drawer(random).person();
        let done = self.run(&["forget", &format!("+{}", number(person)), "--yes"]);
        let batches = self.model.batches.values();
        // An event may have proven a request whose run was killed before it had the answer.
        let under_way = batches
            .filter_map(|batch| batch.row_of(person))
            .any(|row| row.is("unknown") || row.is("sent") && self.model.people[person].evidence);
        if done.code != Some(0) {
            let no_checkpoint = !self.folder().join("outreach.db").exists();
            must(done.code == Some(9) && under_way || no_checkpoint, || {
                format!("forget: {:?}: {}", done.code, done.said)
            })?;
            if !no_checkpoint {
                // Not erased yet, and not messaged any more.
                self.model.block(person);
            }
            return Ok(Report::default());
        }
        self.model.block(person);
        let forgotten = &mut self.model.people[person];
        forgotten.forgotten = true;
        forgotten.murky = false;
        for batch in self.model.batches.values_mut() {
            batch.forget(person);
        }
        Ok(Report {
            touched: self.all_batches(),
            ..Report::default()
        })
    }

    pub(super) fn resolve_from_api(&mut self, random: &mut Random) -> Stepped {
        let Some((batch, unknown)) = self.pick_unknown(random) else {
            return Ok(Report::default());
        };
        let url = self.api.open(Vec::new(), std::time::Duration::ZERO);
        let done = self.run(&["resolve", &batch, "--from-api", "--base-url", &url]);
        must(matches!(done.code, Some(0 | 3)), || {
            format!("resolve --from-api: {:?}: {}", done.code, done.said)
        })?;
        for person in unknown.iter().filter_map(|row| row.person) {
            self.model.people[person].evidence = true;
            if let Some(batch) = self.model.batches.get_mut(&batch) {
                batch.listed.insert(person);
            }
        }
        Ok(Report {
            touched: vec![batch],
            settles: true,
            ..Report::default()
        })
    }

    /// A batch that has unknown rows, and these.
    fn pick_unknown(&self, random: &mut Random) -> Option<(String, Vec<ResultRow>)> {
        let batches = self.model.batches.values().map(|batch| {
            let unknown = batch.rows.iter().filter(|row| row.is("unknown"));
            (batch.name.clone(), unknown.cloned().collect())
        });
        let open: Vec<(String, Vec<ResultRow>)> = batches
            .filter(|(_, rows): &(_, Vec<_>)| !rows.is_empty())
            .collect();
        (!open.is_empty()).then(|| random.one_of(&open).clone())
    }

    /// `--assume-sent` or `--resend`, for all unknown rows or for one.
    pub(super) fn decide(&mut self, random: &mut Random, resend: bool) -> Stepped {
        let Some((name, mut unknown)) = self.pick_unknown(random) else {
            return Ok(Report::default());
        };
        let how = if resend { "--resend" } else { "--assume-sent" };
        let row = random.one_of(&unknown).clone();
        let is_one = unknown.iter().filter(|other| other.row == row.row).count() == 1;
        let done = if is_one && random.next().is_multiple_of(2) {
            unknown.retain(|other| other.row == row.row);
            self.run(&["resolve", &name, how, "--row", &row.row])
        } else {
            self.run(&["resolve", &name, how, "--all"])
        };
        // An event that waited for its contact may have proven the row meanwhile.
        let proven = row.person.is_some_and(|it| self.model.people[it].evidence);
        if done.code == Some(2) && proven {
            return Ok(Report {
                touched: vec![name],
                ..Report::default()
            });
        }
        // Who was erased or taken out is not sent to again.
        let left = done.code == Some(3) && resend && done.said.contains("no longer in the list");
        must(done.code == Some(0) || left, || {
            format!("resolve {how}: {:?}: {}", done.code, done.said)
        })?;
        for person in unknown.iter().filter_map(|row| row.person) {
            if !resend {
                self.model.people[person].evidence = true;
            }
            let Some(batch) = self.model.batches.get_mut(&name) else {
                continue;
            };
            if resend {
                *batch.resent.entry(person).or_default() += 1;
            } else {
                batch.assumed.insert(person);
            }
        }
        Ok(Report {
            touched: vec![name],
            settles: true,
            ..Report::default()
        })
    }

    /// A rehearsal has no part in the real checkpoint, and a real batch is not rehearsed.
    pub(super) fn rehearse(&mut self, random: &mut Random) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        self.model.next_file += 1;
        let rehearsal = format!("rehearsal{}", self.model.next_file);
        let how = How {
            strict: false,
            fallback: false,
            ..batch.how()
        };
        let mut arguments = Self::send_arguments(&rehearsal, how, &batch.file, Some("--sandbox"));
        let url = self.api.open(Vec::new(), std::time::Duration::ZERO);
        arguments.extend(["--base-url", &url].map(str::to_owned));
        let running = self.start(&arguments, None);
        let done = self.end(&arguments, running);
        must(matches!(done.code, Some(0 | 3 | 7)), || {
            format!("a rehearsal ends with {:?}: {}", done.code, done.said)
        })?;
        let done = self.run(&["export", &rehearsal, "--db", "outreach.db", "-o", "-"]);
        must(done.code == Some(2), || {
            format!("the rehearsal is in the real checkpoint: {:?}", done.code)
        })?;
        let done = self.run(&[
            "resume",
            &batch.name,
            "--yes",
            "--sandbox",
            "--base-url",
            &url,
        ]);
        must(matches!(done.code, Some(2 | 8)), || {
            format!(
                "a real batch goes on as a rehearsal: {:?}: {}",
                done.code, done.said
            )
        })?;
        Ok(Report {
            touched: vec![batch.name],
            ..Report::default()
        })
    }
}

//! People of the checkpoint in place of a file: whom another batch left in some status.

use std::collections::BTreeSet;

use super::check::must;
use super::list::{CHANNELS, Entry, TEXTS};
use super::model::{Batch, ResultRow};
use super::runs::{Stepped, expect_code};
use super::steps::Weather;
use super::world::{Report, World};
use crate::support::Random;

/// The one message that needs no name.
const TEXT: usize = TEXTS.len() - 1;

impl World {
    /// Whoever stands so in a batch is messaged, perhaps over another channel; the same command again messages nobody.
    pub(super) fn audience(&mut self, random: &mut Random) -> Stepped {
        let Some(of) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let status = *random.one_of(&["sent", "sent", "no_messenger", "error", "queued"]);
        let channel = usize::from(random.next().is_multiple_of(2));
        let key = format!("{}.{status}.{channel}", of.name.replace(' ', "_"));
        if self.model.has_key(&key) {
            return Ok(Report::default());
        }
        let rows = self.export(&of.name)?;
        let arguments = audience_arguments(&of.name, status, channel, &key);
        let weather = Weather::draw(random);
        let done = self.take_list(arguments.clone(), &weather);
        let Some(name) = self.new_batch("audience-")? else {
            let told = done.code.is_none() || done.said.contains("nobody in this audience");
            let due = self.must_belong(&rows, status);
            must(told && (due.is_empty() || done.code.is_none()), || {
                format!(
                    "an audience without {due:?}: {:?}: {}",
                    done.code, done.said
                )
            })?;
            return Ok(Report::default());
        };
        let members: BTreeSet<usize> = self
            .export(&name)?
            .iter()
            .filter_map(|row| row.person)
            .collect();
        self.right_members(&rows, status, &members)?;
        expect_code(&done, &weather, true)?;
        let entries: Vec<Entry> = members.iter().map(|person| of_person(*person)).collect();
        let mut batch = Batch::new(&name, TEXT, channel, "", &entries);
        batch.key = key;
        self.model.batches.insert(name.clone(), batch);
        let mut report = Report::of(&name, done.code, &weather, None);
        if !weather.stops() {
            let fair = Weather::fair();
            let again = self.run_in(arguments, &fair);
            expect_code(&again, &fair, true)?;
            if again.code == Some(0) && !again.said.contains("Nobody belongs") {
                // It went on with the same people.
                report
                    .runs
                    .extend(Report::of(&name, None, &fair, None).runs);
            }
            must(self.new_batch("audience-")?.is_none(), || {
                format!(
                    "the audience {name} has others a moment later: {}",
                    again.said
                )
            })?;
        }
        Ok(report)
    }

    fn right_members(
        &self,
        rows: &[ResultRow],
        status: &str,
        members: &BTreeSet<usize>,
    ) -> Result<(), String> {
        let people = &self.model.people;
        for person in members {
            let stands = rows
                .iter()
                .any(|row| row.person == Some(*person) && row.is(status));
            let kept_out = people[*person].blocked && !people[*person].murky;
            must(stands && !kept_out, || {
                format!("person {person} belongs to no audience of {status}: {rows:?}")
            })?;
        }
        let due = self.must_belong(rows, status);
        let missing: Vec<&usize> = due.difference(members).collect();
        must(missing.is_empty(), || {
            format!("the audience of {status} lacks {missing:?}: {rows:?}")
        })
    }

    /// Who surely belongs: whom no list keeps out.
    fn must_belong(&self, rows: &[ResultRow], status: &str) -> BTreeSet<usize> {
        let stands = rows.iter().filter(|row| row.is(status));
        let listed = stands.filter_map(|row| row.person);
        let free = |person: &usize| {
            let somebody = &self.model.people[*person];
            let out = |row: &ResultRow| {
                row.person == Some(*person) && (row.is("suppressed") || row.is("invalid"))
            };
            let mut batches = self.model.batches.values();
            let kept_out = batches.any(|batch| {
                batch.rows.iter().any(out)
                    || batch.ever.iter().any(|entry| {
                        entry.person == Some(*person) && entry.valid_person(batch.text).is_none()
                    })
            });
            let is_out = somebody.blocked || somebody.murky || somebody.forgotten;
            !(is_out || kept_out || rows.iter().any(out))
        };
        listed.filter(free).collect()
    }
}

fn of_person(person: usize) -> Entry {
    Entry {
        key: String::new(),
        cell: String::new(),
        person: Some(person),
        name: String::new(),
    }
}

fn audience_arguments(of: &str, status: &str, channel: usize, key: &str) -> Vec<String> {
    let arguments = [
        "send",
        "--audience-from",
        "checkpoint",
        "--yes",
        "--batch-status",
        &format!("{of}={status}"),
        "-m",
        TEXTS[TEXT],
        "--channel",
        CHANNELS[channel].0,
        "--metadata",
        &format!("{}={key}", super::api::BATCH_KEY),
        "--min-valid",
        "1%",
        "--message-again",
    ];
    arguments.map(str::to_owned).into()
}

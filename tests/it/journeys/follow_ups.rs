//! Follow-ups: the people of a batch get a further message after an event about them, each of them once.

use super::api::BATCH_KEY;
use super::check::must;
use super::list::{CHANNELS, Entry, TEXTS};
use super::model::{Awaited, Batch, Follows, ResultRow};
use super::runs::{Stepped, expect_code};
use super::steps::Weather;
use super::world::{Report, World};
use crate::support::Random;

impl World {
    /// A follow-up begins, or its command is given again; perhaps events come, and it is given once more.
    pub(super) fn follow_up(&mut self, random: &mut Random) -> Stepped {
        let Some(of) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let text = usize::try_from(random.next() % TEXTS.len() as u64).unwrap_or(0);
        let follows = Follows {
            of: of.name.clone(),
            after: *random.one_of(&[Awaited::OptIn, Awaited::Delivered]),
        };
        let same = |batch: &&Batch| batch.follows.as_ref() == Some(&follows) && batch.text == text;
        let known = self.model.batches.values().find(same);
        let known = known.map(|batch| (batch.name.clone(), batch.key.clone()));
        let is_new = known.is_none();
        self.model.next_file += 1;
        let key = match &known {
            Some((_, key)) => key.clone(),
            None => format!("f{}", self.model.next_file),
        };
        let rows = self.export(&of.name)?;
        let entries = to_follow(&of, &rows);
        let arguments = follow_up_arguments(&follows, (text, of.channel), &key);
        let weather = Weather::draw(random);
        let done = self.take_list(arguments.clone(), &weather);
        let name = match known {
            Some((name, _)) => Some(name),
            None => self.new_batch("after-")?,
        };
        let Some(name) = name else {
            let valid = entries.iter().any(|it| it.valid_person(text).is_some());
            must(!valid || done.code.is_none(), || {
                format!(
                    "no follow-up of {entries:?}: {:?}: {}",
                    done.code, done.said
                )
            })?;
            return Ok(Report::default());
        };
        if is_new {
            let mut batch = Batch::new(&name, text, of.channel, "", &entries);
            batch.key = key;
            batch.follows = Some(follows);
            self.model.batches.insert(name.clone(), batch);
        }
        expect_code(&done, &weather, true)?;
        let mut report = Report::of(&name, done.code, &weather, None);
        if random.next().is_multiple_of(2) {
            let mut account = self.api.account();
            account.retain(|message| message.batch == of.key);
            for message in &mut account {
                message.batch.clone_from(&of.name);
            }
            self.bring_events(random, &account)?;
            let fair = Weather::fair();
            let done = self.run_in(arguments, &fair);
            expect_code(&done, &fair, true)?;
            report = Report::of(&name, done.code, &weather, None);
            report.touched = self.all_batches();
            report.settles = true;
        }
        Ok(report)
    }
}

/// The rows of a batch that it messages or messaged, as its lists have them.
fn to_follow(of: &Batch, rows: &[ResultRow]) -> Vec<Entry> {
    let out = |row: &&ResultRow| {
        ["invalid", "duplicate", "suppressed"]
            .iter()
            .any(|it| row.is(it))
    };
    let rows = rows.iter().filter(|row| row.person.is_some() && !out(row));
    let entries = rows.filter_map(|row| {
        let mut ever = of.ever.iter().rev();
        ever.find(|entry| entry.key == row.key && entry.person == row.person)
    });
    entries.cloned().collect()
}

fn follow_up_arguments(
    follows: &Follows,
    (text, channel): (usize, usize),
    key: &str,
) -> Vec<String> {
    let after = match follows.after {
        Awaited::OptIn => "opt_in",
        Awaited::Delivered => "delivered",
    };
    let arguments = [
        "send",
        "--after",
        after,
        "--of",
        &follows.of,
        "--yes",
        "-m",
        TEXTS[text],
        "--channel",
        CHANNELS[channel].0,
        "--metadata",
        &format!("{BATCH_KEY}={key}"),
        "--min-valid",
        "1%",
        "--message-again",
    ];
    arguments.map(str::to_owned).into()
}

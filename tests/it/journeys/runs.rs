//! Steps that send: new lists, edited lists, further rows, the same command again, two at once.

use std::time::Duration;

use super::check::must;
use super::known::known;
use super::list::{Drawer, Entry, TEXTS};
use super::model::{Batch, How};
use super::steps::{Ending, Weather};
use super::world::{Done, Report, World};
use crate::support::Random;

/// As many batches as a journey has at the most.
const BATCHES: usize = 8;

pub(crate) type Stepped = Result<Report, String>;

/// What the exit code must be after a run in this weather.
pub(crate) fn expect_code(
    done: &Done,
    weather: &Weather,
    has_valid_rows: bool,
) -> Result<(), String> {
    let dies = matches!(weather.ending, Ending::Killed | Ending::Crash(..));
    let right = match done.code {
        None => dies,
        Some(0 | 3) => has_valid_rows,
        Some(4) => matches!(weather.ending, Ending::Interrupted(_)),
        Some(5) => weather.stops(),
        Some(7) => !has_valid_rows,
        Some(_) => false,
    };
    must(right, || {
        format!("exit code {:?}: {}", done.code, done.said)
    })
}

/// The same for a batch that is there: one whose pilot has just ended waits for a person, and so does one with another
/// channel that holds rows, because nobody knows what their refusals mean.
pub(crate) fn expect_code_of(
    batch: &Batch,
    done: &Done,
    weather: &Weather,
    has_valid_rows: bool,
) -> Result<(), String> {
    let is_pilots = batch.in_pilot && done.code == Some(4);
    let holds = batch.fallback && (batch.refused || weather.refuses()) && done.code == Some(5);
    if is_pilots || holds {
        return Ok(());
    }
    expect_code(done, weather, has_valid_rows)
}

/// A batch as it is about to be made.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) text: usize,
    pub(crate) channel: usize,
    pub(crate) strict: bool,
    pub(crate) fallback: bool,
    pub(crate) file: String,
    pub(crate) list: Vec<Entry>,
}

impl Plan {
    pub(crate) fn arguments(&self) -> Vec<String> {
        let how = How {
            text: self.text,
            channel: self.channel,
            strict: self.strict,
            fallback: self.fallback,
        };
        World::send_arguments(&self.name, how, &self.file, None)
    }

    pub(crate) fn has_valid_rows(&self) -> bool {
        has_valid_rows(&self.list, self.text)
    }

    /// What the exit code of its run must be. Rows whose refusal nobody knows are held, where they would go on to another
    /// channel.
    pub(crate) fn expect_code(&self, done: &Done, weather: &Weather) -> Result<(), String> {
        if self.fallback && weather.refuses() && done.code == Some(5) {
            return Ok(());
        }
        expect_code(done, weather, self.has_valid_rows())
    }
}

fn has_valid_rows(list: &[Entry], text: usize) -> bool {
    list.iter().any(|entry| entry.valid_person(text).is_some())
}

impl World {
    /// A batch of a list, half of the time the one of the latest step.
    pub(crate) fn pick_batch(&self, random: &mut Random) -> Option<Batch> {
        if random.next().is_multiple_of(2)
            && let Some(latest) = &self.model.latest
        {
            let latest = self.model.batches.get(latest);
            return latest.filter(|batch| batch.is_of_list()).cloned();
        }
        let batches = self.model.batches.values();
        let batches: Vec<&Batch> = batches.filter(|batch| batch.is_of_list()).collect();
        (!batches.is_empty()).then(|| (*random.one_of(&batches)).clone())
    }

    /// A batch of any kind.
    fn pick_any(&self, random: &mut Random) -> Option<Batch> {
        let batches: Vec<&Batch> = self.model.batches.values().collect();
        (!batches.is_empty()).then(|| (*random.one_of(&batches)).clone())
    }

    pub(crate) fn drawer<'a>(&'a mut self, random: &'a mut Random) -> Drawer<'a> {
        Drawer {
            random,
            often: self.often,
            next_key: &mut self.model.next_key,
        }
    }

    /// A name that no batch has; `None` if there are enough batches.
    pub(crate) fn new_name(&self, random: &mut Random) -> Option<String> {
        let batches = &self.model.batches;
        if batches.len() >= BATCHES {
            return None;
        }
        let is_free = |name: &String| !self.model.is_taken(name);
        if !known("working_name") && random.next().is_multiple_of(6) {
            let working = batches.keys().map(|name| format!("{name} second list"));
            let mut free = working.filter(is_free);
            if let Some(name) = free.next() {
                return Some(name);
            }
        }
        let names = (1..).map(|n| format!("b{n}"));
        names.into_iter().find(is_free)
    }

    /// A new list for a new batch.
    pub(crate) fn plan(&mut self, random: &mut Random) -> Option<Plan> {
        let name = self.new_name(random)?;
        let text = usize::try_from(random.next() % TEXTS.len() as u64).unwrap_or(0);
        let channel = usize::from(random.next().is_multiple_of(5));
        let strict = random.next().is_multiple_of(8);
        let fallback = random.next().is_multiple_of(6);
        // Few people, short lists.
        let most = if self.often < 5 { 6 } else { 12 };
        let list = self.drawer(random).list(3, most);
        let file = self.write_list("list", &list);
        Some(Plan {
            name,
            text,
            channel,
            strict,
            fallback,
            file,
            list,
        })
    }

    /// Enters a batch that the program has made.
    pub(crate) fn enter(&mut self, plan: &Plan, code: Option<i32>, weather: &Weather) -> Report {
        let taken = matches!(code, None | Some(0 | 3 | 4 | 5));
        if taken {
            let Plan {
                name,
                text,
                channel,
                file,
                list,
                ..
            } = plan;
            let mut batch = Batch::new(name, *text, *channel, file, list);
            batch.strict = plan.strict;
            batch.fallback = plan.fallback;
            self.model.batches.insert(name.clone(), batch);
        }
        let took = taken.then(|| plan.list.clone());
        Report::of(&plan.name, code, weather, took)
    }

    /// Runs `send` with a list. After a crash, which may have come while the list was read, the same
    /// command is given again.
    pub(crate) fn take_list(&mut self, arguments: Vec<String>, weather: &Weather) -> Done {
        let done = self.run_in(arguments.clone(), weather);
        match weather.ending {
            Ending::Crash(..) if done.code.is_none() => self.run_in(arguments, &Weather::fair()),
            Ending::Crash(..) | Ending::Itself | Ending::Killed | Ending::Interrupted(_) => done,
        }
    }

    pub(crate) fn send_plan(&mut self, plan: &Plan, random: &mut Random) -> Stepped {
        // Such a file shows names with an apostrophe in front.
        let by_program = plan.file.starts_with("results");
        if known("formula_guard")
            && by_program
            && plan.text != TEXTS.len() - 1
            && plan.list.iter().any(Entry::is_guarded)
        {
            return Ok(Report::default());
        }
        self.send_list(plan, &Weather::draw(random))
    }

    pub(crate) fn send_list(&mut self, plan: &Plan, weather: &Weather) -> Stepped {
        let done = self.take_list(plan.arguments(), weather);
        plan.expect_code(&done, weather)?;
        Ok(self.enter(plan, done.code, weather))
    }

    pub(crate) fn send(&mut self, random: &mut Random) -> Stepped {
        match self.plan(random) {
            Some(plan) => self.send_plan(&plan, random),
            None => Ok(Report::default()),
        }
    }

    /// The same command again, or `resume`.
    pub(crate) fn go_on(&mut self, random: &mut Random, by_resume: bool) -> Stepped {
        let batch = if by_resume && random.next().is_multiple_of(2) {
            self.pick_any(random)
        } else {
            self.pick_batch(random)
        };
        let Some(batch) = batch else {
            return Ok(Report::default());
        };
        let arguments = if by_resume {
            self.resume_arguments(&batch.name)
        } else {
            let how = batch.how();
            Self::send_arguments(&batch.name, how, &batch.file, None)
        };
        let weather = Weather::draw(random);
        let done = self.run_in(arguments, &weather);
        expect_code_of(&batch, &done, &weather, true)?;
        Ok(Report::of(&batch.name, done.code, &weather, None))
    }

    pub(crate) fn update(&mut self, random: &mut Random) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let list = if random.next().is_multiple_of(4) {
            batch.first.clone()
        } else {
            self.drawer(random).edited(&batch.base)
        };
        let ignored = !batch.added.is_empty() && known("update_after_add");
        // Whether the same list brings an erased row back is not said anywhere.
        if list == batch.base && (ignored || batch.erased > 0) {
            return Ok(Report::default());
        }
        let file = self.write_list("edited", &list);
        let how = batch.how();
        let arguments = Self::send_arguments(&batch.name, how, &file, Some("--update"));
        let weather = Weather::draw(random);
        let done = self.take_list(arguments, &weather);
        expect_code_of(&batch, &done, &weather, has_valid_rows(&list, batch.text))?;
        let mut report = Report::of(&batch.name, done.code, &weather, None);
        if done.code != Some(7)
            && let Some(batch) = self.model.batches.get_mut(&batch.name)
        {
            batch.replace(&file, &list);
            report.runs[0].took = Some(list);
        }
        Ok(report)
    }

    pub(crate) fn add(&mut self, random: &mut Random) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let list = self.drawer(random).list(1, 5);
        let file = self.write_list("more", &list);
        self.add_file(&batch, &file, &list, random)
    }

    pub(crate) fn add_file(
        &mut self,
        batch: &Batch,
        file: &str,
        list: &[Entry],
        random: &mut Random,
    ) -> Stepped {
        self.add_files(batch, &[file], list, random)
    }

    /// The first of the files is the one that joins.
    fn add_files(
        &mut self,
        batch: &Batch,
        files: &[&str],
        list: &[Entry],
        random: &mut Random,
    ) -> Stepped {
        let file = files[0];
        let how = batch.how();
        let mut arguments = Self::send_arguments(&batch.name, how, file, Some("--add"));
        let at = 1 + usize::try_from(random.next() % 2).unwrap_or(0);
        for known in &files[1..] {
            arguments.insert(at, (*known).to_owned());
        }
        let weather = Weather::draw(random);
        let done = self.take_list(arguments, &weather);
        expect_code_of(batch, &done, &weather, has_valid_rows(list, batch.text))?;
        let mut report = Report::of(&batch.name, done.code, &weather, None);
        if done.code != Some(7)
            && let Some(batch) = self.model.batches.get_mut(&batch.name)
        {
            batch.add(file, list);
            report.runs[0].took = Some(list.to_vec());
        }
        Ok(report)
    }

    /// A file that was added before, together with another one: only that one joins.
    pub(crate) fn add_together(&mut self, random: &mut Random) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let Some((known, _)) = batch.added.last().cloned() else {
            return self.add(random);
        };
        let list = self.drawer(random).list(1, 5);
        let file = self.write_list("more", &list);
        self.add_files(&batch, &[&file, &known], &list, random)
    }

    /// A file that was added before adds nothing, and has the batch's message or is refused.
    pub(crate) fn add_again(&mut self, random: &mut Random) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let Some((file, list)) = batch.added.last().cloned() else {
            return Ok(Report::default());
        };
        let other = random.next().is_multiple_of(2);
        let text = (batch.text + usize::from(other)) % TEXTS.len();
        let how = How {
            text,
            ..batch.how()
        };
        let arguments = Self::send_arguments(&batch.name, how, &file, Some("--add"));
        let weather = Weather::fair();
        let done = self.run_in(arguments, &weather);
        if other && !known("added_file_with_other_text") {
            must(done.code == Some(2), || {
                format!("--add with another message: {:?}: {}", done.code, done.said)
            })?;
        } else {
            expect_code_of(&batch, &done, &weather, has_valid_rows(&list, batch.text))?;
        }
        Ok(Report::of(&batch.name, done.code, &weather, None))
    }

    /// A list that was sent before, with another message or on another channel.
    pub(crate) fn other_text(&mut self, random: &mut Random) -> Stepped {
        let (Some(source), Some(name)) = (self.pick_batch(random), self.new_name(random)) else {
            return Ok(Report::default());
        };
        let other_channel = random.next().is_multiple_of(3);
        let plan = Plan {
            name,
            text: (source.text + usize::from(!other_channel)) % TEXTS.len(),
            channel: if other_channel {
                1 - source.channel
            } else {
                source.channel
            },
            strict: false,
            fallback: false,
            file: source.file,
            list: source.base,
        };
        let report = self.send_plan(&plan, random)?;
        if let Some(batch) = self.model.batches.get_mut(&plan.name) {
            batch.refused_by_list.extend(source.refused_by_list);
        }
        Ok(report)
    }

    pub(crate) fn wrong_text(&mut self, random: &mut Random) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let text = (batch.text + 1) % TEXTS.len();
        let how = How {
            text,
            ..batch.how()
        };
        let arguments = Self::send_arguments(&batch.name, how, &batch.file, None);
        let done = self.run_in(arguments, &Weather::fair());
        must(done.code == Some(2), || {
            format!(
                "another message for a batch: {:?}: {}",
                done.code, done.said
            )
        })?;
        Ok(Report {
            touched: vec![batch.name],
            ..Report::default()
        })
    }

    /// Two runs on one checkpoint: of two new batches, or of one batch.
    pub(crate) fn two(&mut self, random: &mut Random) -> Stepped {
        let mut weather = Weather::draw(random);
        weather.ending = Ending::Itself;
        weather.faults.retain(|fault| !fault.starts_with("hang"));
        weather.latency = 4;
        if random.next().is_multiple_of(3) {
            return self.same_batch_twice(random, &weather);
        }
        let Some(first) = self.plan(random) else {
            return self.same_batch_twice(random, &weather);
        };
        let mut second = Plan {
            name: format!("{}b", first.name),
            list: self.drawer(random).edited(&first.list),
            ..first
        };
        let first = Plan {
            name: second.name.trim_end_matches('b').to_owned(),
            list: first.list,
            file: second.file.clone(),
            ..second
        };
        second.file = self.write_list("list", &second.list);
        let done = self.both([first.arguments(), second.arguments()], &weather);
        let mut report = Report::default();
        for (plan, done) in [first, second].iter().zip(done) {
            plan.expect_code(&done, &weather)?;
            report
                .runs
                .extend(self.enter(plan, done.code, &weather).runs);
        }
        Ok(report)
    }

    fn same_batch_twice(&mut self, random: &mut Random, weather: &Weather) -> Stepped {
        let Some(batch) = self.pick_batch(random) else {
            return Ok(Report::default());
        };
        let how = batch.how();
        let send = Self::send_arguments(&batch.name, how, &batch.file, None);
        let resume = self.resume_arguments(&batch.name);
        let mut report = Report::default();
        for done in self.both([send, resume], weather) {
            if done.code != Some(9) {
                expect_code_of(&batch, &done, weather, true)?;
                let run = Report::of(&batch.name, done.code, weather, None);
                report.runs.extend(run.runs);
            }
        }
        must(!report.runs.is_empty(), || {
            "both runs found the batch held".to_owned()
        })?;
        // Only the results after both can be seen.
        if report.runs.len() > 1 {
            report.runs.iter_mut().for_each(|run| run.code = Some(4));
        }
        Ok(report)
    }

    fn both(&mut self, commands: [Vec<String>; 2], weather: &Weather) -> [Done; 2] {
        let latency = Duration::from_millis(weather.latency);
        let url = self.api.open(weather.faults.clone(), latency);
        self.note(&format!("# at once, {:?}", weather.faults));
        let commands = commands.map(|mut arguments| {
            Self::tune(&mut arguments, &url, weather);
            arguments
        });
        let running = [0, 1].map(|index: usize| self.start(&commands[index], None));
        let [first, second] = running;
        [
            self.end(&commands[0], first),
            self.end(&commands[1], second),
        ]
    }
}

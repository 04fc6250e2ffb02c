//! Real processes in a folder of their own, the API beside them, and the model of what must hold.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::api::{Api, BATCH_KEY, poll};
use super::list::{CHANNELS, Entry, TEXTS, channel, csv_text, person};
use super::model::{How, Model, ResultRow, key_of};
use super::steps::{Ending, REFUSAL, Weather};
use crate::support::{Program, Running, Scratch};

/// The secret of the webhooks.
pub(crate) const SECRET: &str = "a-secret-of-the-journey";

/// Longer than any command may take.
const BOUND: Duration = Duration::from_mins(1);

/// A run of a batch in the present step.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) batch: String,
    /// `None` if it was killed.
    pub(crate) code: Option<i32>,
    pub(crate) weather: Weather,
    /// The list that the run took.
    pub(crate) took: Option<Vec<Entry>>,
}

impl Run {
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.code, Some(0 | 3))
    }
}

/// What a step did.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) runs: Vec<Run>,
    /// Batches whose rows may have changed, beside those of the runs.
    pub(crate) touched: Vec<String>,
    /// Events were applied, or decisions made: rows may become `sent`.
    pub(crate) settles: bool,
}

impl Report {
    /// Of one run.
    pub(crate) fn of(
        batch: &str,
        code: Option<i32>,
        weather: &Weather,
        took: Option<Vec<Entry>>,
    ) -> Self {
        let run = Run {
            batch: batch.to_owned(),
            code,
            weather: weather.clone(),
            took,
        };
        Self {
            runs: vec![run],
            ..Self::default()
        }
    }
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
}

/// One journey under way.
pub(crate) struct World {
    pub(crate) scratch: Scratch,
    pub(crate) api: Api,
    pub(crate) model: Model,
    /// How many people stand in most lists.
    pub(crate) often: u64,
    /// The commands and files so far, for people.
    pub(crate) log: String,
}

impl World {
    pub(crate) fn new(often: u64) -> Self {
        let scratch = Scratch::new();
        let api = Api::new(scratch.folder());
        Self {
            scratch,
            api,
            model: Model::new(),
            often,
            log: String::new(),
        }
    }

    pub(crate) fn note(&mut self, text: &str) {
        let _ = writeln!(self.log, "{text}");
    }

    /// Writes a list under a new name.
    pub(crate) fn write_list(&mut self, stem: &str, entries: &[Entry]) -> String {
        self.model.next_file += 1;
        let name = format!("{stem}{}.csv", self.model.next_file);
        let text = csv_text(entries);
        self.scratch.write(&name, &text);
        self.note(&format!("cat > {name} <<EOF\n{text}EOF"));
        name
    }

    pub(crate) fn start(&mut self, arguments: &[String], crash: Option<(&str, u64)>) -> Running {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut program = Program::new(self.scratch.folder(), &words)
            .env("OUTREACH_WEBHOOK_SECRET", SECRET)
            // Lists are short: so they take several steps all the same.
            .env("OUTREACH_TEST_STEP", "3")
            .env("TZ", "UTC");
        if let Some((point, passage)) = crash {
            program = program.crash_at(&format!("{point}:{passage}"));
        }
        program.start()
    }

    /// Waits for the end of a command and notes it.
    pub(crate) fn end(&mut self, arguments: &[String], mut running: Running) -> Done {
        let begin = Instant::now();
        while !running.has_ended() {
            assert!(
                begin.elapsed() < BOUND,
                "the command does not end: {arguments:?}: {}",
                running.said()
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        let ended = running.wait();
        self.note_end(arguments, ended.code, &ended.said);
        Done {
            code: ended.code,
            said: ended.said,
        }
    }

    pub(crate) fn note_end(&mut self, arguments: &[String], code: Option<i32>, said: &str) {
        let quoted = arguments.iter().map(|word| {
            if word.contains([' ', '{', '(', '"']) {
                format!("'{word}'")
            } else {
                word.clone()
            }
        });
        let quoted: Vec<String> = quoted.collect();
        let code = code.map_or("killed".to_owned(), |code| format!("exit {code}"));
        self.note(&format!("outreach {}   # {code}", quoted.join(" ")));
        for line in said.lines().take(4) {
            self.note(&format!("    {line}"));
        }
    }

    pub(crate) fn run(&mut self, arguments: &[&str]) -> Done {
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        let running = self.start(&arguments, None);
        self.end(&arguments, running)
    }

    /// The arguments of `send` for a batch.
    pub(crate) fn send_arguments(
        batch: &str,
        how: How,
        file: &str,
        mode: Option<&str>,
    ) -> Vec<String> {
        let mut arguments: Vec<String> = ["send", file, "--yes", "--batch", batch]
            .map(str::to_owned)
            .into();
        arguments.extend(mode.map(str::to_owned));
        let metadata = format!("{BATCH_KEY}={}", key_of(batch));
        let content = ["-m", TEXTS[how.text], "--channel", CHANNELS[how.channel].0];
        arguments.extend(content.map(str::to_owned));
        if how.fallback {
            let other = ["--fallback", CHANNELS[1 - how.channel].0];
            arguments.extend(other.map(str::to_owned));
        }
        arguments.extend(
            [
                "--metadata",
                &metadata,
                "--min-valid",
                "1%",
                "--message-again",
            ]
            .map(str::to_owned),
        );
        if how.strict {
            arguments.extend(["--not-within", "1d"].map(str::to_owned));
        }
        arguments
    }

    /// The arguments of `resume` for a batch.
    pub(crate) fn resume_arguments(&self, batch: &str) -> Vec<String> {
        let mut arguments: Vec<String> = ["resume", batch, "--yes"].map(str::to_owned).into();
        if self.model.batches.get(batch).is_some_and(|it| it.strict) {
            arguments.extend(["--not-within", "1d"].map(str::to_owned));
        }
        arguments
    }

    /// Adds how to reach the API, and how fast.
    pub(crate) fn tune(arguments: &mut Vec<String>, url: &str, weather: &Weather) {
        let concurrency = weather.concurrency.to_string();
        let common = ["--base-url", url, "--concurrency", &concurrency];
        arguments.extend(common.map(str::to_owned));
        let patient = ["--undecided-in-a-row", "100000", "--timeout", "30s"];
        arguments.extend(patient.map(str::to_owned));
        // A first answer that is lost would hold up the run for seconds.
        if weather.faults.iter().any(|fault| fault.ends_with(":at=1")) {
            arguments.push("--no-canary".to_owned());
        }
        if weather.halts {
            arguments.extend(["--identical-refusals", "2"].map(str::to_owned));
            // Earlier refusals of numbers count as well: what they mean is known, so that a plain `resume` settles them.
            let meaning = format!("no_messenger=HTTP 422: Number {REFUSAL}");
            arguments.extend(["--refusal".to_owned(), meaning]);
        }
    }

    /// Runs `send` or `resume` in this weather.
    pub(crate) fn run_in(&mut self, mut arguments: Vec<String>, weather: &Weather) -> Done {
        let latency = Duration::from_millis(weather.latency);
        let url = self.api.open(weather.faults.clone(), latency);
        Self::tune(&mut arguments, &url, weather);
        if !weather.faults.is_empty() || weather.ending != Ending::Itself {
            self.note(&format!("# {:?} {:?}", weather.faults, weather.ending));
        }
        let crash = match weather.ending {
            Ending::Crash(point, passage) => Some((point, passage)),
            Ending::Itself | Ending::Killed | Ending::Interrupted(_) => None,
        };
        let mut running = self.start(&arguments, crash);
        match weather.ending {
            Ending::Itself | Ending::Crash(..) => {}
            Ending::Killed => {
                if self.wait_for_hang(&mut running) {
                    return self.kill(&arguments, running);
                }
            }
            Ending::Interrupted(after) => {
                let before = self.api.accepted();
                poll("the run has ended or may be interrupted", || {
                    running.has_ended() || self.api.accepted() >= before + after
                });
                if !running.has_ended() {
                    running.signal("INT");
                }
            }
        }
        self.end(&arguments, running)
    }

    /// True once a request waits for an answer that never comes; false if the run ended before.
    pub(crate) fn wait_for_hang(&self, running: &mut Running) -> bool {
        let struck =
            |api: &Api| api.struck("hang-after-accept") + api.struck("hang-before-accept") > 0;
        poll("the run has ended or waits for an answer", || {
            running.has_ended() || struck(&self.api)
        });
        struck(&self.api)
    }

    pub(crate) fn kill(&mut self, arguments: &[String], mut running: Running) -> Done {
        running.kill();
        let said = running.said();
        self.note_end(arguments, None, &said);
        Done { code: None, said }
    }

    /// The results of a batch, as `export` writes them.
    pub(crate) fn export(&mut self, batch: &str) -> Result<Vec<ResultRow>, String> {
        let arguments = ["export", batch, "-o", "-"].map(str::to_owned);
        let ended = self.start(&arguments, None).wait();
        if ended.code != Some(0) {
            let (code, said) = (ended.code, ended.said);
            return Err(format!("`export {batch}` ended with {code:?}: {said}"));
        }
        Ok(results(&ended.out))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.scratch.folder()
    }
}

/// The lines of a results file.
pub(crate) fn results(text: &str) -> Vec<ResultRow> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name);
    let cell = |record: &csv::StringRecord, name: &str| {
        let cell = column(name).and_then(|index| record.get(index));
        cell.unwrap_or_default().to_owned()
    };
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        ResultRow {
            key: cell(&record, "key"),
            row: cell(&record, "outreach_row"),
            person: person(&cell(&record, "outreach_phone")),
            status: cell(&record, "outreach_status"),
            reason: cell(&record, "outreach_reason"),
            channel: channel(&cell(&record, "outreach_channel")),
            has_contact: !cell(&record, "outreach_contact_id").is_empty(),
        }
    });
    rows.collect()
}

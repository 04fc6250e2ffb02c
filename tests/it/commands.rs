//! What the program prints to be typed is typed: every command in its words is one that the program understands, and
//! reaches the same checkpoint, settings and API.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::support::{CHANNEL, Ended, Program, SandboxProcess, Scratch, binary, number};

/// Words that stand for what only a person knows, with something that fits.
const PLACEHOLDERS: [(&str, &str); 5] = [
    ("NUMBER", "+420777000001"),
    ("--suppressions FILE", "--no-suppressions"),
    ("RESULTS", "contacts.csv"),
    ("FILE", "contacts.csv"),
    ("BATCH", "list"),
];

/// The commands in a text: between backticks, and those of a line of their own with what they are for.
fn commands(text: &str) -> BTreeSet<String> {
    let is_command = |text: &&str| text.starts_with("outreach ") || text.starts_with("cd ");
    let quoted = text.split('`').skip(1).step_by(2);
    let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
    let lines = lines.map(|line| line.split("  ").next().unwrap_or(line));
    let found = quoted.chain(lines).filter(is_command);
    found.map(str::to_owned).collect()
}

/// Where commands are pasted.
struct Shell<'a> {
    scratch: &'a Scratch,
    pasted: BTreeSet<String>,
}

impl<'a> Shell<'a> {
    fn in_folder_of(scratch: &'a Scratch) -> Self {
        Self {
            scratch,
            pasted: BTreeSet::new(),
        }
    }

    fn paste(&self, command: &str) -> Ended {
        let folder = binary();
        let folder = folder.parent().unwrap().to_str().unwrap();
        let shell = Program::shell(self.scratch.folder(), command);
        let path = std::env::var("PATH").unwrap_or_default();
        shell.env("PATH", &format!("{folder}:{path}")).run()
    }

    /// Pastes what the program said; none may be a command that it does not understand, or that does not find what it
    /// is about.
    #[track_caller]
    fn paste_all(&mut self, ended: &Ended, expected: &[&str]) {
        let said = format!("{}\n{}", ended.out, ended.said);
        let found = commands(&said);
        for verb in expected {
            let is_it = |command: &String| command.contains(&format!("outreach {verb}"));
            assert!(found.iter().any(is_it), "no `{verb}` in: {said}");
        }
        for printed in found {
            let mut command = printed.clone();
            for (word, value) in PLACEHOLDERS {
                command = command.replace(word, value);
            }
            // It would not end by itself.
            if command.contains("outreach serve") || !self.pasted.insert(command.clone()) {
                continue;
            }
            let pasted = self.paste(&command);
            let is_usage = pasted.said.contains("Usage: ") || pasted.said.contains("no batch `");
            assert!(!is_usage, "{printed}\n{}\nin: {said}", pasted.said);
            // Without a terminal it says no more than that it would ask.
            let asks = pasted.said.contains("there is no terminal to ask on");
            let fails = matches!(pasted.code, Some(2 | 6 | 8) | None);
            // The doctor says what is wrong.
            let asks = asks || command.contains("outreach doctor ");
            assert!(asks || !fails, "{printed}\n{}", pasted.said);
        }
    }
}

/// Names that a shell would take apart, and a checkpoint, settings and token that are not where they are searched for.
fn scattered(sandbox: &SandboxProcess) -> (Scratch, Vec<String>) {
    let scratch = Scratch::new();
    scratch.contacts(6);
    scratch.write(
        "my token",
        outreach::internals::sandbox::Settings::DEFAULT_TOKEN,
    );
    scratch.write("my settings.toml", "timeout = \"20s\"\n");
    let flags = [
        "--db",
        "my checkpoint.db",
        "--base-url",
        sandbox.base_url(),
        "--token-file",
        "my token",
        "--config",
        "my settings.toml",
    ];
    (scratch, flags.map(str::to_owned).to_vec())
}

fn send(scratch: &Scratch, flags: &[String], name: &str) -> Program {
    let message = ["--message", "Hello {{ first_name }}", "--channel", CHANNEL];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let send = scratch.outreach(&["send", "contacts.csv", "--batch", name, "--yes"]);
    send.with(&message).with(&flags).without_env("AMIO_TOKEN")
}

#[test]
fn the_commands_of_a_run_that_was_stopped_and_of_its_status_are_understood() {
    for fault in ["401:from=4", "503:at=2", "400:to=2", "502:from=2"] {
        let sandbox = SandboxProcess::with_faults(&[fault]);
        let (scratch, flags) = scattered(&sandbox);
        let mut shell = Shell::in_folder_of(&scratch);
        let ended = send(&scratch, &flags, "o clock").concurrency(1);
        let ended = ended.with(&["--for", "3s"]).run();
        shell.paste_all(&ended, &[]);
        let quiet = send(&scratch, &flags, "o clock")
            .with(&["-q", "--for", "1s"])
            .run();
        shell.paste_all(&quiet, &[]);
        let of = |arguments: &[&str]| {
            let program = scratch.outreach(arguments);
            program.with(&["--db", "my checkpoint.db"]).run()
        };
        shell.paste_all(&of(&["status"]), &[]);
        shell.paste_all(&of(&["status", "o clock"]), &[]);
        shell.paste_all(&of(&["status", "o clok"]), &[]);
        shell.paste_all(&of(&["resolve", "o clock"]), &[]);
        shell.paste_all(&of(&["cancel", "o clock", "--yes"]), &[]);
        shell.paste_all(&send(&scratch, &flags, "o clock").run(), &[]);
    }
}

#[test]
fn the_commands_about_people_who_are_left_out_are_understood() {
    let sandbox = SandboxProcess::with_faults(&["503:at=3"]);
    let (scratch, flags) = scattered(&sandbox);
    let mut shell = Shell::in_folder_of(&scratch);
    let stop = format!("+{}", number(5));
    let suppress = ["suppress", "add", &stop, "--db", "my checkpoint.db"];
    scratch.outreach(&suppress).run().expect(0);
    shell.paste_all(
        &send(&scratch, &flags, "first").run(),
        &["suppress list", "resolve"],
    );
    // The same people again: one of them waits for the first batch.
    let again = send(&scratch, &flags, "a second").run();
    shell.paste_all(&again, &["contacts show", "resolve first"]);
    let check = [
        "check",
        "contacts.csv",
        "--message",
        "Hello {{ first_name }}",
    ];
    let check = scratch
        .outreach(&check)
        .with(&["--db", "my checkpoint.db", "--channel", CHANNEL]);
    shell.paste_all(&check.run(), &["contacts show", "suppress list"]);
    let status = ["status", "a second", "--db", "my checkpoint.db"];
    shell.paste_all(&scratch.outreach(&status).run(), &["resolve first"]);
}

#[test]
fn the_commands_of_lists_and_settings_that_are_refused_are_understood() {
    let sandbox = SandboxProcess::start(&[]);
    let (scratch, flags) = scattered(&sandbox);
    let mut shell = Shell::in_folder_of(&scratch);
    let mut rows = String::from("phone,first_name\n");
    for row in 0..40 {
        let _ = writeln!(rows, "none {row},Jana");
    }
    scratch.write("junk.csv", &rows);
    shell.paste_all(&scratch.outreach(&["check", "junk.csv"]).run(), &[]);
    shell.paste_all(&scratch.outreach(&["status"]).run(), &[]);
    shell.paste_all(&scratch.outreach(&["resume"]).run(), &[]);
    shell.paste_all(&scratch.outreach(&["config"]).run(), &[]);
    shell.paste_all(
        &scratch
            .outreach(&["doctor"])
            .with(&["--base-url", sandbox.base_url()])
            .run(),
        &[],
    );
    send(&scratch, &flags, "first").run().expect(0);
    // Another list for the batch.
    scratch.contacts(9);
    shell.paste_all(&send(&scratch, &flags, "first").run(), &[]);
    // A copy of the checkpoint.
    std::fs::copy(scratch.path("my checkpoint.db"), scratch.path("copy.db")).unwrap();
    let copy = ["resume", "first", "--yes", "--db", "copy.db"];
    shell.paste_all(&scratch.outreach(&copy).run(), &["checkpoint adopt"]);
}

#[test]
fn the_commands_of_a_night_are_understood_where_it_was_started() {
    let sandbox = SandboxProcess::with_faults(&["503:at=2"]);
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.path("my lists/inbox")).unwrap();
    let settings = format!(
        "channel = \"{CHANNEL}\"\nbase-url = \"{}\"\nmessage = \"Hello\"\ndb = \"own.db\"\n",
        sandbox.base_url()
    );
    scratch.write("my lists/outreach.toml", &settings);
    scratch.contacts(4);
    std::fs::copy(
        scratch.path("contacts.csv"),
        scratch.path("my lists/inbox/a.csv"),
    )
    .unwrap();
    std::fs::copy(
        scratch.path("contacts.csv"),
        scratch.path("my lists/inbox/b b.csv"),
    )
    .unwrap();
    for list in ["a.csv", "b b.csv"] {
        scratch.let_rest(&format!("my lists/inbox/{list}"));
    }
    let mut shell = Shell::in_folder_of(&scratch);
    let night = scratch.outreach(&["night", "my lists"]).run().expect(3);
    shell.paste_all(&night, &["resolve a-20"]);
    let again = scratch.outreach(&["night", "my lists"]).run();
    shell.paste_all(&again, &["resolve"]);
    // Those of a night that cannot begin.
    scratch.write("my lists/outreach.toml", "rate = \"fast\"\n");
    shell.paste_all(&scratch.outreach(&["night", "my lists"]).run(), &[]);
}

#[test]
fn the_commands_of_a_rehearsal_are_understood() {
    let scratch = Scratch::new();
    scratch.contacts(30);
    let mut shell = Shell::in_folder_of(&scratch);
    let list = ["send", "contacts.csv", "--sandbox", "--message", "Hello"];
    let ended = scratch
        .outreach(&list)
        .with(&["--sandbox-quota", "5", "--for", "1s"])
        .run();
    shell.paste_all(&ended.expect(4), &["resume"]);
    let status = scratch.outreach(&["status", "--last"]);
    shell.paste_all(&status.run().expect(0), &[]);
}

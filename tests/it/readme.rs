//! The README and the manual say what the program does: every table, flag and output in them is held against the
//! code.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use clap::{CommandFactory as _, Parser as _};
use outreach::cli::Cli;
use outreach::internals::config::settings;
use outreach::internals::domain::delivery::State;
use outreach::internals::exit::ExitCode;
use outreach::internals::report::COLUMNS;
use outreach::manual::Topic;

use crate::picture;
use crate::support::Scratch;

const README: &str = include_str!("../../README.md");

/// The README, and the manual after it.
static GUIDE: LazyLock<String> = LazyLock::new(|| {
    let topics = Topic::ALL.iter().map(|topic| topic.text());
    [README]
        .into_iter()
        .chain(topics)
        .collect::<Vec<_>>()
        .join("\n")
});

/// Whether the texts are to be written as the program has them.
fn is_update() -> bool {
    std::env::var_os("UPDATE_README").is_some()
}

/// Writes a file of the project anew, with one part in place of another.
fn rewrite(name: &str, old: &str, new: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text.replace(old, new)).unwrap();
}

/// What stands between `<!-- name -->` and `<!-- /name -->`.
fn marked(name: &str) -> &'static str {
    let (start, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let (_, rest) = GUIDE.split_once(&start).expect("the mark begins");
    let (block, _) = rest.split_once(&end).expect("the mark ends");
    assert!(!rest.contains(&start), "{start} stands twice");
    block
}

/// The lines of the fenced block between the marks.
fn fenced(name: &str) -> Vec<&'static str> {
    let lines = marked(name).trim().lines();
    let lines: Vec<_> = lines.filter(|line| !line.starts_with("```")).collect();
    assert!(!lines.is_empty(), "{name} is empty");
    lines
}

/// The cells of the table between the marks, without its head.
fn table(name: &str) -> Vec<Vec<&'static str>> {
    let rows = marked(name).lines().filter(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|row| {
            let cells = row.trim_matches('|').split(" | ");
            cells.map(|cell| cell.trim().trim_matches('`')).collect()
        })
        .collect()
}

/// The words of a command line as a shell would split them; no more of the language than the README uses.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" #").next().unwrap_or(line);
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            c => word.push(c),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// The quickstart as words, from the name of the program.
fn quickstart() -> Vec<String> {
    let [line] = fenced("quickstart")[..] else {
        panic!("the quickstart is one command");
    };
    let typed = words(line);
    let (cargo, arguments) = typed.split_at(4);
    assert_eq!(cargo, ["cargo", "run", "--release", "--"]);
    [&["outreach".to_owned()], arguments].concat()
}

#[test]
fn the_quickstart_is_understood_and_messages_nobody() {
    let typed = Cli::command().try_get_matches_from(quickstart());
    let typed = typed.expect("the quickstart parses");
    let Some(("send", send)) = typed.subcommand() else {
        panic!("the quickstart sends");
    };
    assert!(send.get_flag("sandbox"));
}

#[test]
fn the_output_of_the_quickstart_is_real() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("fixtures")).unwrap();
    let list = include_str!("../../fixtures/contacts.csv");
    scratch.write("fixtures/contacts.csv", list);
    let arguments = quickstart();
    let arguments: Vec<_> = arguments.iter().skip(1).map(String::as_str).collect();
    let said = scratch.outreach(&arguments).run().expect(0).said;
    let (told, picture) = (fenced("quickstart-output").join("\n"), picture_of(&said));
    if is_update() {
        let lines: Vec<_> = said
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        rewrite("src/manual/start.md", &told, &lines.join("\n"));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/terminal.svg");
        std::fs::write(path, picture).unwrap();
        return;
    }
    assert_eq!(timeless(&told), timeless(&said), "\n{said}");
    let drawn = include_str!("../../examples/terminal.svg");
    let hint = "run this test with UPDATE_README=1 to draw it";
    assert_eq!(timeless(drawn), timeless(&picture), "{hint}");
}

/// The command and what it prints, without what it says of single rows, as a picture.
fn picture_of(said: &str) -> String {
    let typed = fenced("quickstart")[0].replace("cargo run --release --", "outreach");
    let (command, message) = typed.split_once(" --message").unwrap();
    let lines: Vec<_> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let begins = |start: &str| {
        lines
            .iter()
            .position(|line| line.starts_with(start))
            .unwrap()
    };
    let (rows, sending) = (begins("Cannot be sent"), begins("Batch "));
    let mut shown = vec![format!("$ {command} \\"), format!("    --message{message}")];
    shown.extend(lines[..rows].iter().map(ToString::to_string));
    shown.push("[...]".to_owned());
    shown.extend(lines[sending..].iter().map(ToString::to_string));
    picture::of_terminal(&shown)
}

/// A text without blank lines, and with every digit of a time as 0.
fn timeless(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let words = line.trim_end().split_inclusive(' ').map(|word| {
            let time =
                word.contains(':') && word.trim().bytes().all(|b| b.is_ascii_digit() || b == b':');
            let date = word.bytes().filter(|b| *b == b'-').count() == 2
                && word.trim().bytes().all(|b| b.is_ascii_digit() || b == b'-');
            if time || date {
                word.replace(|c: char| c.is_ascii_digit(), "0")
            } else {
                word.to_owned()
            }
        });
        out.extend(words);
        out.push('\n');
    }
    out
}

#[test]
fn the_test_command_is_the_one_of_the_gate() {
    assert_eq!(fenced("test-command"), ["tests/all"]);
    let gate = include_str!("../../.ci/run");
    assert!(
        gate.contains("<!-- test-command -->"),
        "the gate reads it from here"
    );
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let told = table("exit-codes");
    let told: Vec<[&str; 3]> = told.iter().map(|row| [row[0], row[1], row[2]]).collect();
    let codes = ExitCode::ALL.map(|exit| exit.code().to_string());
    let real: Vec<[&str; 3]> = ExitCode::ALL
        .iter()
        .zip(&codes)
        .map(|(exit, code)| [code.as_str(), exit.reason(), exit.text()])
        .collect();
    assert_eq!(told, real);
}

#[test]
fn the_result_columns_are_those_of_the_program() {
    let told: Vec<_> = table("columns").iter().map(|row| row[0]).collect();
    assert_eq!(told, COLUMNS);
}

#[test]
fn the_statuses_are_those_of_the_results() {
    // `sending` is a state of the checkpoint alone: results call it unknown. `cancelled` is what is queued in a
    // batch that was given up.
    let real: BTreeSet<_> = State::ALL
        .into_iter()
        .filter(|state| *state != State::Sending)
        .map(State::word)
        .chain(["cancelled"])
        .collect();
    let told: Vec<_> = table("statuses").iter().map(|row| row[0]).collect();
    assert_eq!(told.iter().copied().collect::<BTreeSet<_>>(), real);
    assert_eq!(told.len(), real.len(), "each once");
    assert_eq!(table("statuses-in-readme"), table("statuses"));
}

#[test]
fn what_the_readme_says_of_things_that_go_wrong_stands_in_the_manual() {
    let (_, section) = README.split_once("## When things go wrong").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows: Vec<_> = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .collect();
    assert!(rows.len() > 5, "{rows:?}");
    for row in rows {
        assert!(Topic::Problems.text().contains(row), "{row}");
    }
}

#[test]
fn the_readme_fits_a_first_look_and_names_every_topic_of_the_manual() {
    assert!(README.lines().count() < 180);
    for topic in Topic::ALL {
        let name = clap::ValueEnum::to_possible_value(topic).unwrap();
        let (name, link) = (
            name.get_name(),
            format!("](src/manual/{}.md)", name.get_name()),
        );
        assert!(README.contains(&link), "{name}");
        assert!(topic.text().starts_with("# "), "{name} has a title");
    }
}

/// Flags and their help texts, of all commands but the sandbox, whose flags are its own.
fn flags(command: &clap::Command, found: &mut BTreeMap<String, String>) {
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "sandbox")
    {
        flags(sub, found);
    }
    for argument in command.get_arguments() {
        if let (Some(name), Some(help)) = (argument.get_long(), argument.get_help()) {
            found.insert(name.to_owned(), help.to_string());
        }
    }
}

/// The table of settings as their declarations have it.
fn configuration() -> String {
    let mut text = String::from(
        "| flag | variable | key in `outreach.toml` | default | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for setting in settings() {
        let (key, help) = (setting.key(), setting.help());
        let flag = match key {
            "numbers" => "`--one-per-row`, `--all-numbers`".to_owned(),
            key => format!("`--{key}`"),
        };
        let (meaning, in_words) = match help.split_once(" [default: ") {
            Some((meaning, default)) => (meaning, default.trim_end_matches(']')),
            None => (help.as_str(), "-"),
        };
        let default = match setting.default().as_str() {
            "" => in_words.to_owned(),
            value => format!("`{value}`"),
        };
        let variable = key.replace('-', "_").to_ascii_uppercase();
        let meaning = meaning
            .replace('|', r"\|")
            .replace("{{", "`{{")
            .replace("}}", "}}`");
        writeln!(
            text,
            "| {flag} | `OUTREACH_{variable}` | `{key}` | {default} | {meaning} |"
        )
        .unwrap();
    }
    text
}

#[test]
fn the_settings_are_those_of_the_program() {
    let (told, real) = (marked("configuration").trim(), configuration());
    if is_update() {
        return rewrite("src/manual/settings.md", told, real.trim());
    }
    assert!(
        told == real.trim(),
        "run this test with UPDATE_README=1 to write it:\n{real}"
    );
}

/// Every command line in a fenced block that starts our program.
fn command_lines() -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in GUIDE.lines() {
        if let Some(kind) = line.strip_prefix("```") {
            inside = kind == "sh";
        } else if inside && line.contains("outreach ") {
            let (_, ours) = line.split_once("outreach ").unwrap();
            lines.push(words(&format!("outreach {ours}")));
        }
    }
    lines
}

#[test]
fn every_command_line_is_understood() {
    let lines = command_lines();
    assert!(lines.len() >= 10, "{lines:?}");
    for line in lines {
        if let Err(error) = Cli::try_parse_from(&line) {
            panic!("{}: {error}", line.join(" "));
        }
    }
}

/// The pieces of code in running text that are a command of ours or a lone flag.
fn inline_code() -> Vec<&'static str> {
    let text = GUIDE.split("```").step_by(2);
    text.flat_map(|text| text.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn every_flag_exists_in_the_command_that_it_is_named_with() {
    let root = Cli::command();
    let mut everywhere = BTreeMap::new();
    flags(&root, &mut everywhere);
    let (mut lone, mut with_command) = (0, 0);
    for code in inline_code() {
        let words: Vec<_> = code
            .trim_start_matches("outreach ")
            .split_whitespace()
            .collect();
        let named = words.iter().filter_map(|word| word.strip_prefix("--"));
        let named = named
            .filter(|flag| !flag.is_empty())
            .map(|flag| flag.split('=').next().unwrap());
        match root.find_subcommand(words[0]) {
            Some(command) => {
                let mut of_command = BTreeMap::new();
                flags(command, &mut of_command);
                for flag in named {
                    assert!(
                        of_command.contains_key(flag) || everywhere_global(flag),
                        "`{code}`"
                    );
                    with_command += 1;
                }
            }
            None if code.starts_with("--") => {
                for flag in named {
                    assert!(everywhere.contains_key(flag), "`{code}`");
                    lone += 1;
                }
            }
            None => {}
        }
    }
    assert!(lone > 15 && with_command >= 3, "{lone} {with_command}");
}

fn everywhere_global(flag: &str) -> bool {
    let root = Cli::command();
    root.get_arguments()
        .any(|argument| argument.get_long() == Some(flag))
}

#[test]
fn every_linked_file_is_there() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let targets = README
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let mut files = 0;
    for target in targets.filter(|target| !target.starts_with("http")) {
        assert!(root.join(target).exists(), "{target}");
        files += 1;
    }
    assert!(files > 5);
    // The manual is read without the repository at hand: it names files, and links none.
    let named = inline_code()
        .into_iter()
        .filter(|code| code.starts_with("examples/"));
    let named: BTreeSet<_> = named.collect();
    assert!(named.len() > 5, "{named:?}");
    for name in named {
        assert!(root.join(name).exists(), "{name}");
    }
    for topic in Topic::ALL {
        assert!(!topic.text().contains("]("), "{topic:?}");
    }
}

/// What a newcomer types second: another message, the same list. The sandbox of the first rehearsal is
/// gone, and the contact ids that it gave out are in the checkpoint.
#[test]
fn a_second_rehearsal_in_the_same_folder_goes_as_well_as_the_first() {
    let scratch = Scratch::new();
    scratch.contacts(40);
    let rehearse = |message, channel| {
        scratch
            .outreach(&["send", "contacts.csv", "--sandbox", "--message", message])
            .with(&["--channel", channel])
            .run()
            .expect(0)
    };
    rehearse("Hello {{ first_name }}", crate::support::CHANNEL).says("A rehearsal");
    rehearse("Hello again {{ first_name }}", crate::support::CHANNEL).says("A rehearsal");
    // The channel of the real run does not exist in any sandbox of its own.
    rehearse("Hello {{ first_name }}, from here", "7009").says("A rehearsal");
    scratch
        .outreach(&["resume"])
        .run()
        .expect(8)
        .says("--sandbox");
}

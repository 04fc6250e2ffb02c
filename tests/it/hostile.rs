//! Text that others wrote (cells, headers, names of files, answers of the API, settings) never steers the terminal,
//! the log or the page that shows it.

use crate::support::{CHANNEL, Ended, Receiver, SandboxProcess, Scratch};

/// Clears the screen, in both forms of the control; rings; overwrites the line; turns the direction of writing; and
/// a line that could pass for one of ours.
const HOSTILE: &str = "\u{1b}[2J\u{9b}31m\u{7}\u{8}\r\u{202e}\u{2066}\u{2028}\nFORGED line";

fn is_harmful(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[track_caller]
fn expect_harmless(text: &str) {
    let harmful = text.chars().find(|c| is_harmful(*c));
    assert_eq!(harmful, None, "{text:?}");
    assert!(
        !text.lines().any(|line| line.starts_with("FORGED")),
        "{text}"
    );
}

/// Runs it, and looks at all that it prints.
#[track_caller]
fn run(scratch: &Scratch, arguments: &[&str]) -> Ended {
    let ended = scratch.outreach(arguments).run();
    expect_harmless(&ended.said);
    expect_harmless(&ended.out);
    ended
}

/// A list with hostile text in its name, its headers and its cells; one row can be sent.
fn hostile_list(scratch: &Scratch) -> String {
    let name = format!("list{HOSTILE}.csv");
    let rows = format!(
        "phone,first_name,\"{HOSTILE}\"\n+420777123456,\"Eva {HOSTILE}\",x\n\"12 {HOSTILE}\",Jan,y\n\
         +420777123456,\"Iva{HOSTILE}\",z\n"
    );
    scratch.write(&name, &rows);
    name
}

#[test]
fn a_list_cannot_steer_the_terminal_that_shows_it() {
    let scratch = Scratch::new();
    let list = hostile_list(&scratch);
    let message = format!("Hello {{{{ first_name }}}} {HOSTILE}");
    for more in [&["--html", "page.html"][..], &["--json"]] {
        let check = ["check", &list, "--message", &message];
        run(&scratch, &[&check[..], more].concat()).expect(0);
    }
    expect_harmless(&scratch.read("page.html"));
    let missing = "Hello {{ nobody }}";
    run(&scratch, &["check", &list, "--message", missing]).expect(2);
    let header = format!("phone={HOSTILE}");
    run(&scratch, &["check", &list, "--column", &header]);
    run(
        &scratch,
        &["send", &list, "--sandbox", "--message", &message],
    );
    for arguments in [
        &["status", "--db", "sandbox.db"][..],
        &["status", "--db", "sandbox.db", "--json"],
        &["contacts", "list", "--db", "sandbox.db"],
        &["contacts", "list", "--json", "--db", "sandbox.db"],
        &["contacts", "show", "+420777123456", "--db", "sandbox.db"],
    ] {
        run(&scratch, arguments).expect(0);
    }
}

#[test]
fn an_answer_of_the_api_cannot_steer_the_terminal_that_shows_it() {
    let refuse = format!("refuse={HOSTILE}:from=2");
    let sandbox = SandboxProcess::with_faults(&[&refuse]);
    let scratch = Scratch::new();
    scratch.contacts(3);
    for more in [&[][..], &["--identical-refusals", "1"], &["-vv"]] {
        let ended = scratch.send(&sandbox).with(more).run();
        expect_harmless(&ended.said);
        expect_harmless(&ended.out);
    }
    let results = scratch.read("list.results.csv");
    assert!(results.contains("\\u001b[2J"), "{results}");
    expect_harmless(&results);
    for arguments in [
        &["status"][..],
        &["status", "list"],
        &["status", "list", "--row", "3"],
        &["status", "list", "--json"],
        &["status", "list", "--row", "3", "--json"],
        &["status", "list", "--watch"],
        &["resolve", "list"],
        &["resolve", "list", "--json"],
        &["contacts", "list"],
    ] {
        let ended = run(&scratch, arguments).expect(0);
        let shows_texts = arguments.contains(&"--row");
        assert!(
            !shows_texts || ended.out.contains("\\u001b[2J"),
            "{ended:?}"
        );
    }
    let url = sandbox.base_url();
    run(&scratch, &["resume", "list", "--yes", "--base-url", url]);
    let all = ["--all", "--base-url", url];
    run(
        &scratch,
        &[&["resolve", "list", "--from-api"], &all[..]].concat(),
    );
    run(
        &scratch,
        &["doctor", "--base-url", url, "--channel", CHANNEL],
    );
}

#[test]
fn a_token_that_an_answer_repeats_stands_nowhere() {
    let token = "a-token-of-36-characters-0123456789-ab";
    let text = format!("refuse=headers were Authorization: Bearer {token}, and {token}:from=1");
    let sandbox = SandboxProcess::start(&["--token", token, "--fault", &text]);
    let scratch = Scratch::new();
    scratch.contacts(3);
    let send = scratch.send(&sandbox).env("AMIO_TOKEN", token);
    let ended = send.with(&["-vv", "--summary", "summary.json"]).run();
    assert!(!format!("{ended:?}").contains(token), "{ended:?}");
    for arguments in [
        &["status", "list", "--row", "2"][..],
        &["export", "list", "-o", "-"],
    ] {
        let ended = scratch.outreach(arguments).run().expect(0);
        assert!(ended.out.contains("(token)"), "{}", ended.out);
        assert!(!ended.out.contains(token), "{}", ended.out);
    }
    for file in std::fs::read_dir(scratch.folder()).expect("the folder") {
        let path = file.expect("a file").path();
        let bytes = std::fs::read(&path).expect("its content");
        let holds_it = bytes
            .windows(token.len())
            .any(|part| part == token.as_bytes());
        assert!(!holds_it, "{}", path.display());
    }
}

#[test]
fn what_was_typed_cannot_steer_the_terminal_that_repeats_it() {
    let scratch = Scratch::new();
    scratch.contacts(1);
    let sandbox = SandboxProcess::start(&[]);
    scratch.send(&sandbox).run().expect(0);
    let number = "+420777000000";
    for arguments in [
        &[HOSTILE][..],
        &["status", HOSTILE],
        &["status", HOSTILE, "--json"],
        &["export", HOSTILE],
        &["export", "list", "-o", HOSTILE],
        &["resume", HOSTILE],
        &["resolve", HOSTILE],
        &["check", HOSTILE],
        &["check", "contacts.csv", "--region", HOSTILE],
        &["check", "contacts.csv", "--encoding", HOSTILE],
        &["check", "contacts.csv", "--message", HOSTILE],
        &["check", "contacts.csv", "--message", "Hi", "--tag", HOSTILE],
        &["check", "contacts.csv", "--content", HOSTILE],
        &["check", "contacts.csv", "--html", HOSTILE],
        &["check", "contacts.csv", "--rejects", HOSTILE],
        &["check", "contacts.csv", "--config", HOSTILE],
        &[
            "send",
            "contacts.csv",
            "--sandbox",
            "--batch",
            HOSTILE,
            "--message",
            "Hi",
        ],
        &[
            "send",
            "contacts.csv",
            "--sandbox",
            "--message",
            "Hi",
            "--out",
            HOSTILE,
        ],
        &[
            "send",
            "contacts.csv",
            "--yes",
            "--channel",
            HOSTILE,
            "--message",
            "Hi",
        ],
        &[
            "send",
            "contacts.csv",
            "--yes",
            "--base-url",
            HOSTILE,
            "--message",
            "Hi",
        ],
        &["status", "--db", HOSTILE],
        &["status", "--db", "sandbox.db"],
        &["suppress", "add", HOSTILE],
        &["suppress", "add", number, "--reason", HOSTILE],
        &["suppress", "import", HOSTILE],
        &["suppress", "list"],
        &["suppress", "list", "--json"],
        &["contacts", "show", number],
        &["contacts", "show", HOSTILE],
        &["contacts", "export", "--out", HOSTILE],
        &["forget", HOSTILE],
        &["config", "--base-url", HOSTILE],
        &["config", "--message", HOSTILE],
        &["config", "--message", HOSTILE, "--json"],
        &["doctor", "--db", HOSTILE],
        &["doctor", "--token-file", HOSTILE],
        &["serve", "--listen", HOSTILE],
        &["sandbox", "--fault", HOSTILE],
        &["completions", HOSTILE],
    ] {
        run(&scratch, arguments);
    }
}

#[test]
fn a_settings_file_cannot_steer_the_terminal_that_names_it() {
    let scratch = Scratch::new();
    let escaped = "\\u001b[2J\\u009b31m\\u202e\\nFORGED line";
    for text in [
        format!("\"{escaped}\" = 1\n"),
        format!("rate = \"{escaped}\"\n"),
        format!("message = \"{escaped}\"\n"),
        "rate = \u{1b}[2J\n".to_owned(),
    ] {
        scratch.write("outreach.toml", &text);
        for command in [
            &["config"][..],
            &["doctor"],
            &["status"],
            &["config", "--json"],
        ] {
            run(&scratch, command);
        }
    }
}

#[test]
fn data_for_programs_stays_as_it_is() {
    let scratch = Scratch::new();
    let list = hostile_list(&scratch);
    run(
        &scratch,
        &[
            "send",
            &list,
            "--sandbox",
            "--batch",
            "spring",
            "--message",
            "Hi",
        ],
    );
    let exported = scratch
        .outreach(&["export", "spring", "-o", "-", "--db", "sandbox.db"])
        .run()
        .expect(0);
    assert!(exported.out.contains(HOSTILE), "{}", exported.out);
    let report = scratch
        .outreach(&["check", &list, "--json"])
        .run()
        .expect(0);
    let report: serde_json::Value = serde_json::from_str(&report.out).expect("JSON");
    assert_eq!(report["files"][0], format!("list{HOSTILE}.csv"));
}

#[test]
fn an_event_cannot_steer_the_log_that_tells_of_it() {
    let scratch = Scratch::new();
    scratch.contacts(2);
    let sandbox = SandboxProcess::start(&[]);
    scratch.send(&sandbox).run().expect(0);
    let receiver = Receiver::of(
        scratch
            .outreach(&["serve", "--insecure-no-signature"])
            .with(&["-vv"]),
    );
    for event in [
        serde_json::json!({ "event": HOSTILE, "timestamp": HOSTILE, "data": { "id": HOSTILE } }),
        serde_json::json!({
            "event": "message_failed",
            "timestamp": "2026-05-01T10:00:00Z",
            "data": {
                "id": HOSTILE,
                "channel": { "id": CHANNEL, "type": HOSTILE },
                "contact": { "id": HOSTILE },
                "error": { "code": HOSTILE, "message": HOSTILE },
            },
        }),
        serde_json::json!({
            "event": "message_received",
            "timestamp": HOSTILE,
            "data": { "channel": { "id": CHANNEL }, "content": { "type": "text", "payload": HOSTILE } },
        }),
    ] {
        receiver.post("", &event.to_string());
    }
    receiver.post("", HOSTILE);
    receiver.post("X-Hub-Signature: \u{1b}[2J\r\n", "{}");
    let answer = receiver.metrics();
    let (_, page) = answer.split_once("\r\n\r\n").expect("a body");
    expect_harmless(page);
    expect_harmless(&receiver.said());
    run(&scratch, &["status"]).expect(0);
}

/// Read to its end it would fill the memory, and SIGTERM would not be heard meanwhile.
#[cfg(unix)]
#[test]
fn a_file_that_never_ends_is_given_up() {
    let scratch = Scratch::new();
    scratch.contacts(1);
    let send = ["send", "contacts.csv", "--yes", "--channel", CHANNEL];
    let endless = |flag| [&send[..], &[flag, "/dev/zero"]].concat();
    for (arguments, token) in [
        (endless("--config"), true),
        (
            [&endless("--token-file")[..], &["--message", "Hi"]].concat(),
            false,
        ),
        (endless("--content"), true),
    ] {
        let program = scratch.outreach(&arguments);
        let program = if token {
            program
        } else {
            program.without_env("AMIO_TOKEN")
        };
        let ended = program.run().expect(6);
        assert!(
            ended.said.contains("it is longer than 1 MiB"),
            "{}",
            ended.said
        );
    }
}

/// SQLite would keep the one in memory, and read options in the other.
#[test]
fn a_checkpoint_of_any_name_is_a_file_of_that_name() {
    for name in [
        ":memory:",
        "file:x.db?mode=memory",
        "a%20b.db",
        "?.db",
        "-x.db",
    ] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
        scratch.contacts(3);
        let db = format!("--db={name}");
        scratch.send(&sandbox).with(&[&db]).run().expect(0);
        assert!(scratch.path(name).metadata().unwrap().len() > 0, "{name}");
        scratch.send(&sandbox).with(&[&db]).run().expect(0);
        assert_eq!(sandbox.stats().sends, 3, "{name}");
    }
}

/// Nobody writes to it: the command would wait for ever.
#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_the_settings_is_refused() {
    let scratch = Scratch::new();
    let made = std::process::Command::new("mkfifo")
        .arg(scratch.path("outreach.toml"))
        .status();
    assert!(made.unwrap().success());
    let ended = scratch.outreach(&["status"]).run().expect(6);
    ended.says("outreach.toml").says("it is no file");
}

/// Each such path can be read only once.
#[cfg(unix)]
#[test]
fn pipes_of_the_shell_are_read_once_each() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    scratch.write(
        "token",
        outreach::internals::sandbox::Settings::DEFAULT_TOKEN,
    );
    scratch.write("message.json", "{\"type\":\"text\",\"payload\":\"Hello\"}");
    let line = |list: &str, more: &str| {
        let url = sandbox.base_url();
        format!(
            "\"$OUTREACH\" send {list} --yes --channel {CHANNEL} --base-url {url} --token-file <(cat token) {more}"
        )
    };
    let run = |line: &str| {
        let program = env!("CARGO_BIN_EXE_outreach");
        let typed = format!("exec bash -c '{line}'");
        crate::support::Program::shell(scratch.folder(), &typed)
            .env("OUTREACH", program)
            .without_env("AMIO_TOKEN")
            .run()
    };
    run(&line(
        "<(cat contacts.csv)",
        "--content <(cat message.json)",
    ))
    .expect(0);
    assert_eq!(sandbox.stats().accepted, 3);
    let list = "cat contacts.csv | sed s/77700000/77700100/ |";
    let sent = run(&format!("{list} {}", line("/dev/stdin", "--message Hello")));
    sent.expect(0);
    assert_eq!(sandbox.stats().accepted, 6);
    run("\"$OUTREACH\" suppress import <(echo phone; echo +420777000009)").expect(0);
    let refused = run("\"$OUTREACH\" history import <(cat contacts.csv) --no-suppressions");
    refused.expect(7).says("which can be read only once");
}

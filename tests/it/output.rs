//! What a run says while it lasts and when it ends: progress, the quiet line, the log of each request.

use serde_json::Value;

use crate::support::{CHANNEL, Program, SandboxProcess, Scratch, binary, wait_until};

const TOKEN: &str = outreach::internals::sandbox::Settings::DEFAULT_TOKEN;

#[test]
fn quiet_says_nothing_of_what_went_well_and_one_line_of_all_else() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(5);
    let quiet = scratch.send(&sandbox).with(&["--quiet"]).run().expect(0);
    assert_eq!((quiet.said.as_str(), quiet.out.as_str()), ("", ""));
    for (fault, code, word) in [("400:to=2", 3, "error"), ("401", 5, "stopped by a guard")] {
        let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--fault", fault]));
        scratch.contacts(5);
        let quiet = scratch.send(&sandbox).with(&["--quiet"]).run().expect(code);
        assert_eq!(quiet.said.lines().count(), 1, "{}", quiet.said);
        assert!(quiet.said.starts_with("Batch list: "), "{}", quiet.said);
        assert!(
            quiet.said.contains(word) && quiet.said.contains("Next: `outreach "),
            "{}",
            quiet.said
        );
    }
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "200ms"]),
    );
    scratch.contacts(50);
    let send = scratch
        .send(&sandbox)
        .concurrency(1)
        .with(&["-q", "--for", "1s"]);
    let quiet = send.run().expect(4);
    assert_eq!(quiet.said.lines().count(), 1, "{}", quiet.said);
    assert!(quiet.said.contains("paused (until "), "{}", quiet.said);
    let (_, resume) = quiet.said.split_once("Next: `").unwrap();
    let resume = resume.split_once('`').unwrap().0;
    let words: Vec<&str> = resume.split(' ').skip(1).collect();
    scratch
        .outreach(&words)
        .with(&["--yes", "--concurrency", "20"])
        .run()
        .expect(0);
}

#[test]
fn off_a_terminal_progress_comes_at_the_start_at_each_tenth_and_at_the_end() {
    let (scratch, sandbox) = (
        Scratch::new(),
        SandboxProcess::start(&["--latency", "50ms"]),
    );
    scratch.contacts(200);
    let said = scratch.send(&sandbox).concurrency(4).run().expect(0).said;
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.contains(" of 200: "))
        .collect();
    assert!(lines.first().unwrap().starts_with("0 of 200: "), "{said}");
    assert!(
        lines.last().unwrap().starts_with("200 of 200: sent 200"),
        "{said}"
    );
    // Every tenth that is a second from the one before.
    assert!((3..=12).contains(&lines.len()), "{said}");

    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(5);
    let said = scratch
        .send(&sandbox)
        .with(&["--progress", "never"])
        .run()
        .expect(0)
        .said;
    assert!(!said.contains(" of 5: "), "{said}");
}

#[test]
fn progress_for_programs_is_a_json_object_a_line() {
    let quota = ["--quota", "3", "--window", "1h"];
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&quota));
    scratch.contacts(10);
    let running = scratch.send(&sandbox).with(&["--progress", "json"]).start();
    wait_until("it waits", || {
        running.said().contains("Waiting for the quota until ")
    });
    running.signal("INT");
    let said = running.wait().expect(4).said;
    let lines = said.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() >= 2, "{said}");
    assert_eq!(lines[0]["done"], 0);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["batch"], &last["sent"], &last["queued"]),
        (&"list".into(), &3.into(), &10.into())
    );
}

#[test]
fn each_request_is_logged_where_asked_for_without_token_and_number() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(3);
    let said = scratch.send(&sandbox).with(&["-v"]).run().expect(0).said;
    for row in 2..=4 {
        let line = said
            .lines()
            .find(|line| line.contains(&format!("row={row} ")))
            .unwrap();
        for part in [
            "outcome=\"sent\"",
            "status=201",
            "milliseconds=",
            "+420******",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert!(
        !said.contains("77700000") && !said.contains("content-type"),
        "{said}"
    );

    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&["--quota", "100"]));
    scratch.contacts(3);
    let said = scratch
        .send(&sandbox)
        .with(&["-vv", "--log-format", "json"])
        .run()
        .expect(0)
        .said;
    let entries: Vec<Value> = said
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        entries
            .iter()
            .any(|it| it["message"] == "request" && it["row"] == 2),
        "{said}"
    );
    let headers = |it: &&Value| {
        it["headers"]
            .as_str()
            .is_some_and(|it| it.contains("x-ratelimit"))
    };
    assert!(entries.iter().any(|it| headers(&it)), "{said}");
    assert!(
        !said.contains(TOKEN) && !said.to_lowercase().contains("bearer"),
        "{said}"
    );
}

#[test]
fn colour_comes_where_it_is_wanted_and_nowhere_else() {
    let scratch = Scratch::new();
    scratch.contacts(3);
    let send = [
        "send",
        "contacts.csv",
        "--sandbox",
        "--message",
        "Hi",
        "--batch",
        "list",
    ];
    let plain = scratch.outreach(&send).run();
    assert!(
        !plain.said.contains('\x1b') && !plain.out.contains('\x1b'),
        "{plain:?}"
    );
    let status = || scratch.outreach(&["status", "list"]);
    let plain = status().run().out;
    assert!(!plain.contains('\x1b'));
    for colored in [
        status().with(&["--color", "always"]),
        status().env("CLICOLOR_FORCE", "1"),
    ] {
        let colored = colored.run().out;
        assert!(colored.contains("\x1b["), "{colored}");
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
    }
    for plain_again in [
        status()
            .with(&["--color", "never"])
            .env("CLICOLOR_FORCE", "1"),
        status().env("NO_COLOR", "1"),
    ] {
        assert_eq!(plain_again.run().out, plain);
    }
    let json = status().with(&["--json", "--color", "always"]).run().out;
    assert!(!json.contains('\x1b'), "{json}");
    let error = scratch
        .outreach(&["status", "nobody", "--color", "always"])
        .run();
    assert!(
        error.said.starts_with("\x1b[") && error.said.contains("error:"),
        "{error:?}"
    );
}

/// Nobody answers at this address.
#[test]
fn an_outage_leaves_a_trace_and_what_left_is_told_from_what_did_not() {
    let scratch = Scratch::new();
    scratch.contacts(5);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1", free.local_addr().unwrap());
    drop(free);
    let send = scratch.outreach(&[
        "send",
        "contacts.csv",
        "--yes",
        "--batch",
        "list",
        "--message",
        "Hi",
    ]);
    let channel = outreach::internals::sandbox::Settings::MESSENGER_CHANNEL;
    send.with(&["--base-url", &address, "--channel", channel, "--for", "8s"])
        .run()
        .expect(4);
    let told = scratch.outreach(&["status", "list"]).run().expect(4).out;
    assert!(told.contains("No usable answers from "), "{told}");
    assert!(
        told.contains("0 requests since ") && told.contains(" more that did not leave"),
        "{told}"
    );
    let json = scratch.outreach(&["status", "list", "--json"]).run().out;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["outages"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(json["did_not_leave"], json["requests"], "{json}");
}

#[test]
fn a_number_in_the_text_of_a_message_is_masked_where_the_message_is_shown() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    scratch.contacts(1);
    let message = ["--message", "We call you on {{ phone }}, {{ first_name }}"];
    let to = ["--channel", CHANNEL, "--base-url", sandbox.base_url()];
    let masked = "We call you on +420******000, Name0";
    let check = scratch.outreach(&["check", "contacts.csv"]).with(&message);
    let send = ["send", "contacts.csv", "--batch", "list", "--yes"];
    let send = scratch.outreach(&send).with(&message).with(&to);
    let row = scratch.outreach(&["status", "list", "--row", "2"]);
    let test = ["test", "--batch", "list", "--to", "+420777000009", "--yes"];
    let test = scratch.outreach(&test).with(&to[2..]);
    for command in [check, send, row, test] {
        let ended = command.run().expect(0);
        let shown = format!("{}{}", ended.out, ended.said);
        assert!(shown.contains(masked), "{shown}");
        assert!(!shown.contains("777000000"), "{shown}");
    }
    assert_eq!(
        sandbox.messages()[0]["content"]["payload"],
        "We call you on +420777000000, Name0"
    );
}

#[test]
fn colour_is_never_shown_as_its_codes() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::with_faults(&["503:at=2"]));
    scratch.contacts(5);
    scratch.send(&sandbox).concurrency(1).run().expect(3);
    let stop = ["suppress", "add", "+420777999999"];
    scratch.outreach(&stop).run().expect(0);
    let commands: [&[&str]; 8] = [
        &["status", "list"],
        &["status", "list", "--row", "2"],
        &["resolve", "list"],
        &["retry", "list"],
        &["suppress", "list"],
        &["contacts", "list"],
        &["audience", "--opted-in"],
        &["prune", "--older-than", "0s", "--yes"],
    ];
    for command in commands {
        let colored = scratch.outreach(command).with(&["--color", "always"]);
        let said = colored.run().out;
        assert!(!said.is_empty(), "{command:?}");
        assert!(!said.contains("\\u001b"), "{command:?}: {said}");
    }
}

/// A device that is always full: what was printed is nowhere, and no exit code says otherwise.
#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_a_failure_of_every_command() {
    let scratch = Scratch::new();
    let add = ["suppress", "add", "+420777000001"];
    scratch.outreach(&add).run().expect(0);
    for command in [
        "--help",
        "--version",
        "send --help",
        "help",
        "man",
        "man night",
        "completions bash",
        "config",
        "config --json",
        "suppress list",
        "suppress list --json",
        "suppress replies --json",
        "contacts list --json",
        "status",
        "status --json",
        "doctor",
    ] {
        let line = format!("'{}' {command} > /dev/full", binary().display());
        let full = Program::shell(scratch.folder(), &line).run();
        assert_eq!(full.code, Some(8), "{command}: {}", full.said);
        assert!(
            full.said.contains("No space left"),
            "{command}: {}",
            full.said
        );
    }
    scratch
        .outreach(&["suppress", "remove", "+420777000001"])
        .run()
        .expect(0);
    let none = scratch.outreach(&["suppress", "list"]).run().expect(0);
    assert_eq!(none.out, "");
    none.says("Nobody is on the suppression list.");
}

#[test]
fn a_reader_that_goes_away_does_not_change_how_a_command_ended() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("inbox")).unwrap();
    scratch.write(
        "outreach.toml",
        "channel = \"7001200300400500601\"\nmessage = \"Hello\"\nbase-url = \"http://127.0.0.1:9/v1\"\n",
    );
    for list in 0..60 {
        let name = format!("inbox/a list that nobody can use, number {list}.csv");
        scratch.write(&name, "phone\nnone\n");
        scratch.let_rest(&name);
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = std::process::Command::new(binary())
        .args(["night", "."])
        .current_dir(scratch.folder())
        .env_clear()
        .env("AMIO_TOKEN", TOKEN)
        .env("XDG_DATA_HOME", scratch.folder().parent().unwrap())
        .stdout(writer)
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert_eq!(ended.code(), Some(7));
}

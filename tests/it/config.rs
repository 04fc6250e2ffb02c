//! Every setting exists in all layers.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use outreach::cli::Cli;
use outreach::internals::config::{Environment, Layer, Setting, Settings, settings};

use crate::support::{SandboxProcess, Scratch};

/// Flags that are no settings: they belong to one run, and a file that said them would be a trap.
const RUN_ONLY: &[&str] = &[
    "accepted-not-read",
    "add",
    "after",
    "all",
    "assume-sent",
    "audience-from",
    "batch",
    "batch-status",
    "color",
    "columns",
    "config",
    "country",
    "file",
    "force",
    "from",
    "from-api",
    "harmless",
    "help",
    "html",
    "json",
    "last",
    "log-format",
    "message-again",
    "retired-tag",
    "no-messenger-text",
    "no-copy",
    "no-suppressions",
    "of",
    "on-channel",
    "open-for",
    "number",
    "opt-out",
    "date-column",
    "delay",
    "changed",
    "detach",
    "dry-run",
    "expires",
    "older-than",
    "once",
    "only-unreached",
    "progress",
    "opted-in",
    "purpose",
    "limit",
    "sample",
    "seed",
    "quiet",
    "password-file",
    "reason",
    "rejects",
    "role",
    "resend",
    "row",
    "rows",
    "status",
    "sandbox",
    "sandbox-empty",
    "sandbox-quota",
    "since",
    "skip-messaged",
    "status",
    "summary-subject",
    "suppressions",
    "to",
    "trust-clock",
    "undo-cancel",
    "update",
    "verbose",
    "version",
    "watch",
    "yes",
];

/// The setting `numbers` is given by these two flags.
const NUMBERS: &[&str] = &["one-per-row", "all-numbers"];

fn keys() -> impl Iterator<Item = &'static str> {
    settings().iter().map(Setting::key)
}

fn flags(command: &clap::Command, found: &mut BTreeSet<String>) {
    // The sandbox's flags are its own, for rehearsals and tests.
    for sub in command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "sandbox")
    {
        flags(sub, found);
    }
    found.extend(
        command
            .get_arguments()
            .filter_map(|arg| arg.get_long())
            .map(str::to_owned),
    );
}

#[test]
fn every_flag_is_a_setting_or_a_stated_exception() {
    let mut found = BTreeSet::new();
    flags(&Cli::command(), &mut found);
    let mut expected: BTreeSet<String> = keys()
        .chain(RUN_ONLY.iter().copied())
        .chain(NUMBERS.iter().copied())
        .map(str::to_owned)
        .collect();
    expected.remove("numbers");
    expected.remove("help");
    expected.remove("version");
    found.remove("help");
    found.remove("version");
    assert_eq!(found, expected);
}

/// A value of the right type for a key, in TOML.
fn sample(key: &str) -> &'static str {
    match key {
        "concurrency" | "burst" | "identical-refusals" | "undecided-in-a-row" | "header-row"
        | "max-segments" | "fallback-at-most" => "7",
        "console-behind-proxy"
        | "international"
        | "no-header"
        | "no-canary"
        | "insecure-no-signature"
        | "metrics-names"
        | "sms" => "true",
        "allow-line-type"
        | "column"
        | "content-for"
        | "fallback"
        | "ignore-consent-column"
        | "message-for"
        | "metadata"
        | "opt-out-word"
        | "refusal" => "[\"x\"]",
        _ => "\"x\"",
    }
}

#[test]
fn every_setting_can_be_said_in_the_environment_and_in_the_file() {
    for key in keys() {
        let text = format!("{key} = {}", sample(key));
        let file = Settings::merge(
            Layer::default(),
            Environment::new(),
            Some(("f".into(), text)),
        );
        let plain = sample(key).trim_matches(['[', ']', '"']).to_owned();
        let name = format!("OUTREACH_{}", key.replace('-', "_").to_uppercase());
        let variables = Environment::from([(name, plain.clone())]);
        let environment = Settings::merge(Layer::default(), variables, None);
        for (settings, origin) in [(file, "file"), (environment, "environment")] {
            let lines = settings.unwrap().shown();
            let line = lines.iter().find(|line| line.key == key).unwrap();
            assert_eq!(
                (line.value.as_str(), line.origin.code()),
                (plain.as_str(), origin),
                "{key}"
            );
        }
    }
}

#[test]
fn the_example_file_is_understood_and_names_every_setting() {
    let text = include_str!("../../examples/outreach.toml");
    let settings = Settings::merge(
        Layer::default(),
        Environment::new(),
        Some(("outreach.toml".into(), text.to_owned())),
    )
    .unwrap();
    settings.pace(jiff::Timestamp::UNIX_EPOCH).unwrap();
    settings.intake().unwrap();
    settings.guards().unwrap();
    settings.content().unwrap();
    // With every commented setting switched on it must still be understood.
    let all: Vec<&str> = text
        .lines()
        .map(|line| {
            line.strip_prefix("#")
                .filter(|rest| !rest.starts_with(' '))
                .unwrap_or(line)
        })
        .filter(|line| !line.starts_with("content ="))
        .collect();
    let settings = Settings::merge(
        Layer::default(),
        Environment::new(),
        Some(("all.toml".into(), all.join("\n"))),
    )
    .unwrap();
    settings.pace(jiff::Timestamp::UNIX_EPOCH).unwrap();
    settings.intake().unwrap();
    settings.guards().unwrap();
    for key in keys() {
        assert!(
            text.lines().any(|line| line
                .trim_start_matches('#')
                .starts_with(&format!("{key} ="))),
            "examples/outreach.toml does not name {key}"
        );
    }
}

#[test]
fn a_settings_file_that_nobody_named_does_not_say_where_the_token_goes() {
    let scratch = Scratch::new();
    scratch.contacts(1);
    // A host that is never reached: it does not exist.
    scratch.write(
        "outreach.toml",
        "base-url = \"https://elsewhere.invalid/v1\"\nchannel = \"7001\"\n",
    );
    let send = ["send", "contacts.csv", "--yes", "--message", "Hi"];
    for arguments in [&send[..], &["doctor"], &["resume", "--yes"]] {
        let refused = scratch.outreach(arguments).run().expect(6);
        for word in ["elsewhere.invalid", "--config", "--base-url"] {
            assert!(refused.said.contains(word), "{}", refused.said);
        }
    }
    assert!(!scratch.path("outreach.db").exists(), "nothing was begun");
    // What does not use the address does not mind.
    scratch.outreach(&["check", "contacts.csv"]).run().expect(0);
    scratch.outreach(&["config"]).run().expect(0);
    scratch
        .outreach(&["send", "contacts.csv", "--sandbox", "--message", "Hi"])
        .run()
        .expect(0);
    // Whoever names it is believed.
    let named = [
        scratch.outreach(&["doctor", "--config", "outreach.toml"]),
        scratch
            .outreach(&["doctor"])
            .env("OUTREACH_CONFIG", "outreach.toml"),
        scratch.outreach(&["doctor", "--base-url", "https://elsewhere.invalid/v1"]),
        scratch
            .outreach(&["doctor"])
            .env("OUTREACH_BASE_URL", "https://elsewhere.invalid/v1"),
    ];
    for command in named {
        let tried = command.run();
        assert!(
            !tried.said.contains("would have the token sent"),
            "{}",
            tried.said
        );
    }
}

#[test]
fn a_settings_file_that_nobody_named_may_name_this_machine_and_the_api_itself() {
    let sandbox = SandboxProcess::start(&[]);
    for url in [sandbox.base_url(), "https://api.amio.io:443/v1/"] {
        let scratch = Scratch::new();
        scratch.write("outreach.toml", &format!("base-url = \"{url}\"\n"));
        // The API itself is asked for nothing without a token.
        let doctor = scratch.outreach(&["doctor"]).without_env("AMIO_TOKEN");
        let ended = doctor.run();
        assert!(ended.out.contains("checkpoint"), "{ended:?}");
    }
    for url in [
        "https://api.amio.io.elsewhere.invalid/v1",
        "https://api.amio.io:8443/v1",
    ] {
        let scratch = Scratch::new();
        scratch.write("outreach.toml", &format!("base-url = \"{url}\"\n"));
        scratch.outreach(&["doctor"]).run().expect(6);
    }
}

/// Left out, it would stand for another checkpoint than the one that was meant.
#[cfg(unix)]
#[test]
fn a_variable_of_ours_that_is_no_text_is_refused() {
    let scratch = crate::support::Scratch::new();
    for name in ["OUTREACH_DB", "AMIO_TOKEN_FILE"] {
        let preamble = format!("export {name}=$'\\xff.db'");
        let ended = scratch
            .outreach(&["status"])
            .after(&preamble)
            .run()
            .expect(6);
        assert!(ended.said.contains(name), "{}", ended.said);
    }
}

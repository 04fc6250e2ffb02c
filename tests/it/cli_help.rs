//! The help is part of the product: its text is reviewed when it changes.

use clap::{CommandFactory as _, Parser as _};
use outreach::cli::Cli;

/// The help of a command, 100 columns wide whatever the terminal.
fn help(path: &[&str], long: bool) -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut command = &mut command;
    for name in path {
        command = command.find_subcommand_mut(name).unwrap();
    }
    let text = if long {
        command.render_long_help()
    } else {
        command.render_help()
    };
    let text = text.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn no_flag_takes_the_token() {
    for word in ["--token", "--amio-token", "--access-token", "--secret"] {
        assert!(
            Cli::try_parse_from(["outreach", "send", "x.csv", word, "s"]).is_err(),
            "{word}"
        );
    }
}

#[test]
fn the_top_help() {
    insta::assert_snapshot!("help", help(&[], true));
}

#[test]
fn the_help_of_each_command() {
    for command in [
        "check",
        "send",
        "night",
        "resume",
        "cancel",
        "status",
        "export",
        "resolve",
        "suppress",
        "contacts",
        "forget",
        "backup",
        "serve",
        "doctor",
        "config",
        "completions",
        "man",
    ] {
        insta::assert_snapshot!(
            format!("help_{command}"),
            help(&[command], matches!(command, "send" | "night"))
        );
    }
}

#[test]
fn the_short_help_of_each_command_fits_a_screen() {
    let root = Cli::command();
    for command in root
        .get_subcommands()
        .filter(|it| it.get_name() != "sandbox")
    {
        let text = help(&[command.get_name()], false);
        let lines = text.lines().count();
        assert!(lines <= 40, "{lines} lines:\n{text}");
    }
}

#[test]
fn what_all_commands_take_stands_last() {
    for command in ["send", "status", "check", "night", "doctor"] {
        let text = help(&[command], true);
        let common = text.find("Common options:").unwrap();
        assert!(!text[common..].contains("--db"), "{text}");
        assert!(text.find("-q, --quiet").unwrap() > common, "{text}");
    }
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    for line in [
        "outreach send",
        "outreach send x.csv --message a --content b.json",
        "outreach send x.csv --update",
        "outreach send x.csv --batch b --update --add",
        "outreach send x.csv --one-per-row --all-numbers",
        "outreach send x.csv --pace slow",
        "outreach resolve b --assume-sent --resend",
        "outreach resolve b --row 17",
        "outreach resolve b --assume-sent",
        "outreach resolve b --resend --row 17 --all",
        "outreach resolve b --assume-sent --row 0",
        "outreach status --row 17",
        "outreach suppress add",
        "outreach --quiet --verbose status",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
    for line in [
        "outreach send a.csv b.xlsx - --message a --column phone=Mobile --column first_name=Name --yes",
        "outreach resolve b --assume-sent --row 17 --row 18",
        "outreach resolve b --resend --all",
        "outreach resolve b --from-api",
        "outreach status --json -v",
        "outreach suppress add +420777123456 --reason asked",
    ] {
        Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
    }
}

#[test]
fn completions_and_manual_name_the_commands() {
    let mut man = Vec::new();
    outreach::internals::commands::man::run(None, &mut man).unwrap();
    let mut bash = Vec::new();
    outreach::internals::commands::completions::run(clap_complete::Shell::Bash, &mut bash).unwrap();
    for text in [man, bash] {
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains("resolve") && text.contains("suppress"),
            "{text}"
        );
    }
}

//! Commands that an error suggests, with the flags that this command line must pass on to them: pasted as they are,
//! they reach the same checkpoint, settings and API.

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use crate::report::quoted;

/// What begins a command in a text; it ends at the next backtick.
const START: &str = "`outreach ";

/// The text, with the flags of `cli` added to each command in backticks that takes them and does not have them.
pub(super) fn with_flags(text: &str, cli: &Cli) -> String {
    let mut root = Cli::command();
    root.build();
    let typed = typed(cli);
    let mut pieces = text.split(START);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (command, rest) = piece.split_once('`').unwrap_or((piece, ""));
        out.push_str(START);
        out.push_str(command);
        for (flag, value) in &typed {
            if takes(&root, command, flag) && !command.contains(&format!("--{flag}")) {
                let value = value.as_deref().map(quoted);
                let words = [format!("--{flag}")].into_iter().chain(value);
                out.extend(words.map(|word| format!(" {word}")));
            }
        }
        if piece.len() > command.len() {
            out.push('`');
        }
        out.push_str(rest);
    }
    out
}

/// The flags that were typed and say where checkpoint, settings and API are.
fn typed(cli: &Cli) -> Vec<(&'static str, Option<String>)> {
    let sandbox = matches!(&cli.command, Command::Send(args) if args.asked.sandbox)
        || matches!(&cli.command, Command::Resume(args) if args.asked.sandbox);
    let setting = |key| cli.flags.text(key).map(|text| (key, Some(text.to_owned())));
    let config = cli.global.config.as_ref();
    let config = config.map(|file| ("config", Some(file.to_string_lossy().into_owned())));
    let sandbox = sandbox.then_some(("sandbox", None));
    let settings = ["db", "base-url", "token-file"]
        .into_iter()
        .filter_map(setting);
    sandbox.into_iter().chain(settings).chain(config).collect()
}

/// Whether the command, as it would be typed, takes the flag.
fn takes(root: &clap::Command, command: &str, flag: &str) -> bool {
    let words = command
        .split(' ')
        .map_while(|word| Some(word).filter(|word| !word.starts_with('-')));
    let mut found = root;
    for word in words {
        match found.find_subcommand(word) {
            Some(inner) => found = inner,
            None => break,
        }
    }
    found.get_arguments().any(|it| it.get_long() == Some(flag))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::report::Hints;

    fn shown(typed: &[&str], text: &str) -> String {
        with_flags(text, &Cli::try_parse_from(typed).unwrap())
    }

    #[test]
    fn a_suggested_command_gets_the_flags_that_were_typed_and_that_it_takes() {
        let typed = [
            "outreach",
            "send",
            "x.csv",
            "--db",
            "my file.db",
            "--base-url",
            "http://127.0.0.1:1/v1",
            "--config",
            "c.toml",
        ];
        assert_eq!(
            shown(
                &typed,
                "`outreach resume 'a b' --undo-cancel` takes it up; `outreach status b` shows it"
            ),
            "`outreach resume 'a b' --undo-cancel --db 'my file.db' --base-url http://127.0.0.1:1/v1 --config c.toml` \
             takes it up; `outreach status b --db 'my file.db' --config c.toml` shows it"
        );
        assert_eq!(
            shown(
                &typed,
                "`outreach checkpoint adopt` and `outreach config`, `send`"
            ),
            "`outreach checkpoint adopt --db 'my file.db' --config c.toml` and `outreach config --config c.toml`, `send`"
        );
    }

    #[test]
    fn a_flag_that_a_command_has_is_not_added_again() {
        let typed = ["outreach", "resume", "a", "--sandbox", "--db", "a.db"];
        let text = "`outreach resume a --sandbox --db b.db` and `outreach resume a`";
        assert_eq!(
            shown(&typed, text),
            "`outreach resume a --sandbox --db b.db` and `outreach resume a --sandbox --db a.db`"
        );
    }

    #[test]
    fn without_such_flags_a_text_stays_as_it_is() {
        let text = "`outreach resume a` and an open `outreach status";
        assert_eq!(shown(&["outreach", "status"], text), text);
    }

    #[test]
    fn the_commands_of_a_summary_repeat_what_they_take() {
        let mut root = Cli::command();
        root.build();
        for verb in ["resume", "resolve", "retry", "export", "status", "cancel"] {
            for flag in ["base-url", "token-file", "config"] {
                let flags = vec![(flag, "x".to_owned())];
                let hints = Hints {
                    flags,
                    ..Hints::default()
                };
                let repeated = hints.command(verb, "b", &[]).contains(flag);
                assert_eq!(repeated, takes(&root, verb, flag), "{verb} --{flag}");
            }
        }
    }
}

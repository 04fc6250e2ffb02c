//! Commands that a text suggests, with what this command line must pass on to them: pasted as they are, they reach
//! the same checkpoint, settings and API.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::config::Layer;
use crate::report::quoted;

/// What begins a command in a text; it ends at the next backtick.
const START: &str = "`outreach ";

/// What begins a line that is a command.
const LINE: &str = "  outreach ";

/// The flag of the channel.
const CHANNEL: &str = "channel";

/// What this call says.
static THIS_CALL: OnceLock<TypedFlags> = OnceLock::new();

/// The flags that were typed and say where checkpoint, settings and API are.
#[derive(Debug)]
pub(super) struct TypedFlags {
    root: clap::Command,
    flags: Vec<(&'static str, Option<String>)>,
    /// The folder of a night, where it is not that of the shell.
    folder: Option<PathBuf>,
}

/// The text, with what this call says added to each command in it that takes it and does not have it.
pub(super) fn completed(text: &str) -> Cow<'_, str> {
    match THIS_CALL.get() {
        Some(typed) if text.contains(START) || text.contains(LINE) => typed.complete(text).into(),
        Some(_) | None => text.into(),
    }
}

impl TypedFlags {
    /// What the command line `root` was given: its flags, as they are in `folder` where the commands are meant for one.
    pub(super) fn new(
        root: clap::Command,
        (flags, config): (&Layer, Option<&Path>),
        sandbox: bool,
        folder: Option<PathBuf>,
    ) -> Self {
        let setting = |key| flags.text(key).map(|text| (key, Some(text.to_owned())));
        let config = config.map(|file| ("config", Some(file.to_string_lossy().into_owned())));
        let sandbox = sandbox.then_some(("sandbox", None));
        let keys = ["db", "base-url", "token-file", CHANNEL];
        let cluster = ["cluster", "cluster-password-file"];
        let settings = keys.into_iter().chain(cluster).filter_map(setting);
        Self {
            root,
            flags: sandbox.into_iter().chain(settings).chain(config).collect(),
            folder,
        }
    }

    /// From now on all that is printed is [`completed`] by this.
    pub(super) fn for_this_call(self) {
        // A second call, in tests, changes nothing.
        let _ = THIS_CALL.set(self);
    }

    fn complete(&self, text: &str) -> String {
        let mut root = self.root.clone();
        root.build();
        let go = match &self.folder {
            Some(folder) => format!("cd {} && ", quoted(&folder.to_string_lossy())),
            None => String::new(),
        };
        let mut pieces = text.split(START);
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (command, rest) = piece.split_once('`').unwrap_or((piece, ""));
            // Writing to a String cannot fail.
            let _ = write!(out, "`{go}outreach {command}");
            for (flag, value) in &self.flags {
                // A batch has its channel.
                let wanted = *flag != CHANNEL || command.starts_with("doctor");
                let is_there = command.contains(&format!("--{flag}"));
                if wanted && !is_there && takes(&root, command, flag) {
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
        if go.is_empty() {
            return out;
        }
        // Those of a summary have their flags.
        let lines = out.split('\n').map(|line| match line.strip_prefix(LINE) {
            Some(command) => format!("  {go}outreach {command}"),
            None => line.to_owned(),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
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
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::cli::Cli;
    use crate::report::Hints;

    fn shown(typed: &[&str], text: &str) -> String {
        let cli = Cli::try_parse_from(typed).unwrap();
        let sandbox = typed.contains(&"--sandbox");
        let flags = (&cli.flags, cli.global.config.as_deref());
        TypedFlags::new(Cli::command(), flags, sandbox, None).complete(text)
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
    fn a_command_of_a_night_goes_into_its_folder_first() {
        let (flags, there) = (Layer::default(), "/var/lib/my lists");
        let flags = (&flags, Some(Path::new("outreach.toml")));
        let typed = TypedFlags::new(Cli::command(), flags, false, Some(there.into()));
        let text = "`outreach status`\n  outreach resume a  go on\nan outreach text";
        assert_eq!(
            typed.complete(text),
            "`cd '/var/lib/my lists' && outreach status --config outreach.toml`\n  \
             cd '/var/lib/my lists' && outreach resume a  go on\nan outreach text"
        );
    }

    #[test]
    fn the_commands_of_a_summary_repeat_what_they_take() {
        let mut root = Cli::command();
        root.build();
        for verb in [
            "resume", "resolve", "send", "retry", "export", "status", "cancel",
        ] {
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

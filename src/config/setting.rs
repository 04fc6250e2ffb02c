//! What a declaration says, for all who need it: the command line, the readers of the layers,
//! `outreach config` and the README.

use std::marker::PhantomData;
use std::sync::LazyLock;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::declare::{
    CheckpointFile, Connection, ConsolePage, ContactsFile, Content, DefaultRegion, Guards, History,
    NUMBERS, OtherChannels, Pace, Results, ResultsFormat, Serve, Tls,
};

/// One setting, as it is declared.
#[derive(Debug)]
pub struct Setting(Arg);

/// What the value of a setting is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Switch,
    List,
}

impl Setting {
    /// The key in the settings file, which is also the name of the flag: `repeat-guard`.
    pub fn key(&self) -> &str {
        self.0.get_long().unwrap_or_default()
    }

    /// The help text, without the default.
    pub fn help(&self) -> String {
        let help = self.0.get_help();
        help.map_or_else(String::new, ToString::to_string)
    }

    /// The default as it would be typed; empty if there is none, or if only the help describes it.
    pub fn default(&self) -> String {
        // clap has a default for a switch, but not as something to be shown.
        if self.kind() == Kind::Switch {
            return "false".to_owned();
        }
        let default = self.0.get_default_values().first();
        default.map_or_else(String::new, |text| text.to_string_lossy().into_owned())
    }

    /// The id of its flag in a command, if it has a flag of its name.
    pub(super) fn flag_id(&self) -> Option<&str> {
        (!self.0.is_hide_set()).then(|| self.0.get_id().as_str())
    }

    pub(super) fn kind(&self) -> Kind {
        let names = self.0.get_value_names().unwrap_or_default();
        match self.0.get_action() {
            ArgAction::SetTrue => Kind::Switch,
            ArgAction::Append => Kind::List,
            _ if names.iter().any(|name| name == "N") => Kind::Number,
            _ => Kind::Text,
        }
    }

    /// The flag as a command has it: text, checked later, and without a default, because the other
    /// layers come between. The help names the default all the same.
    fn into_flag(self) -> Arg {
        let is_common = COMMON.contains(&self.key());
        self.into_typed_flag().hide_short_help(!is_common)
    }

    fn into_typed_flag(self) -> Arg {
        let (help, default, kind) = (self.help(), self.default(), self.kind());
        if kind == Kind::Switch {
            return self.0;
        }
        let arg = if default.is_empty() {
            self.0
        } else {
            let help = format!("{help} [default: {default}]");
            self.0.help(help).default_value(None::<&str>)
        };
        if kind == Kind::Number {
            arg.value_parser(value_parser!(u32))
        } else if arg.get_possible_values().is_empty() {
            arg.value_parser(ValueParser::string())
        } else {
            // The declared parser lists its words in the help.
            arg
        }
    }
}

/// The settings that the short help of a command shows: it fits a screen. `--help` shows all.
const COMMON: [&str; 13] = [
    "channel",
    "region",
    "message",
    "db",
    "listen",
    "console-listen",
    "console-behind-proxy",
    "tls-cert",
    "tls-key",
    "webhook-secret-file",
    "opt-out-word",
    "insecure-no-signature",
    "metrics-names",
];

/// The declaration of a group of settings.
pub(super) type Group = fn(Command) -> Command;

/// What a run uses.
pub(super) const RUN_GROUPS: [Group; 9] = [
    Connection::augment_args,
    Pace::augment_args,
    ContactsFile::augment_args,
    Content::augment_args,
    OtherChannels::augment_args,
    History::augment_args,
    Guards::augment_args,
    CheckpointFile::augment_args,
    Results::augment_args,
];

/// All settings, in the order in which they are shown.
pub fn settings() -> &'static [Setting] {
    static SETTINGS: LazyLock<Vec<Setting>> = LazyLock::new(|| {
        let pages: [Group; 3] = [
            Serve::augment_args,
            Tls::augment_args,
            ConsolePage::augment_args,
        ];
        let declared = RUN_GROUPS
            .into_iter()
            .chain(pages)
            .fold(Command::new("settings"), |command, group| group(command));
        let settings = declared.get_arguments().cloned().map(Setting);
        settings
            .filter(|setting| !NUMBERS.contains(&setting.key()))
            .collect()
    });
    &SETTINGS
}

/// The setting of this key.
pub(super) fn setting(key: &str) -> Option<&'static Setting> {
    settings().iter().find(|setting| setting.key() == key)
}

/// One group of settings, or several as a tuple.
pub(crate) trait Groups {
    /// The flags of the settings, in their order.
    fn flags() -> Vec<Arg>;
}

macro_rules! groups {
    ($($group:ident),+) => {$(
        impl Groups for $group {
            fn flags() -> Vec<Arg> {
                // Their order in the help is up to the command that they are added to.
                let declared = Self::augment_args(Command::new("flags").next_display_order(None));
                let shown = declared.get_arguments().filter(|arg| !arg.is_hide_set());
                shown.cloned().map(|arg| Setting(arg).into_flag()).collect()
            }
        }
    )+};
}

groups!(
    CheckpointFile,
    Connection,
    ConsolePage,
    ContactsFile,
    Content,
    DefaultRegion,
    Guards,
    History
);
groups!(OtherChannels, Pace, Results, Serve, Tls, ResultsFormat);

macro_rules! tuples {
    ($($group:ident),+) => {
        impl<$($group: Groups),+> Groups for ($($group,)+) {
            fn flags() -> Vec<Arg> {
                [$($group::flags()),+].concat()
            }
        }
    };
}

tuples!(A, B);
tuples!(A, B, C);
tuples!(A, B, C, D);
tuples!(A, B, C, D, E);
tuples!(A, B, C, D, E, F, G);

/// The flags of groups of settings, for a command that takes them.
///
/// It holds no values: they are collected by [`Layer`](super::Layer).
#[derive(Debug, Clone)]
pub(crate) struct Flags<T>(PhantomData<T>);

impl<T: Groups> Args for Flags<T> {
    fn augment_args(command: Command) -> Command {
        command.args(T::flags())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T> FromArgMatches for Flags<T> {
    fn from_arg_matches(_: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(PhantomData))
    }

    fn update_from_arg_matches(&mut self, _: &ArgMatches) -> Result<(), clap::Error> {
        Ok(())
    }
}

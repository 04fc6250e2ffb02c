//! What is wrong with the settings, all at once: for a check before a night, and for `send`, which would
//! find it one by one.

use clap::{ArgMatches, Args, Command};
use jiff::Timestamp;

use super::declare::Serve;
use super::error::ConfigError;
use super::setting::{Group, RUN_GROUPS, setting};
use super::settings::Settings;

impl Settings {
    /// The values that a run which begins `now` would refuse, in the order in which the settings are shown.
    pub(crate) fn problems(&self, now: Timestamp) -> Vec<ConfigError> {
        let mut found: Vec<ConfigError> = RUN_GROUPS
            .iter()
            .flat_map(|group| self.wrong_values(*group))
            .collect();
        // What several values mean together, once each is understood.
        if found.is_empty() {
            found.extend(self.connection().err());
            found.extend(self.pace(now).err());
            found.extend(self.intake().err());
            found.extend(self.content().err());
            found.extend(self.guards().err());
            found.extend(self.checkpoint().err());
        } else {
            let until = self.text("until").is_some();
            let is_about_time = |it: &ConfigError| {
                matches!(
                    it,
                    ConfigError::Value {
                        key: "timezone" | "window" | "for",
                        ..
                    }
                )
            };
            if until && !found.iter().any(is_about_time) {
                found.extend(self.until_problem(now));
            }
            found.extend(self.column_problem());
        }
        found
    }

    /// The values that `serve` would refuse.
    pub(crate) fn serve_problems(&self) -> Vec<ConfigError> {
        let mut found = self.wrong_values(Serve::augment_args);
        found.extend(self.tls().err());
        found
    }

    /// The values of a group that the declaration does not allow, each by itself.
    fn wrong_values(&self, group: Group) -> Vec<ConfigError> {
        let command = group(Command::new("settings").no_binary_name(true));
        let settings = command
            .get_arguments()
            .filter_map(|arg| setting(arg.get_long()?));
        let tried =
            settings.map(|setting| command.clone().try_get_matches_from(self.flags_of(setting)));
        let wrong = |tried: Result<ArgMatches, clap::Error>| tried.err();
        tried
            .filter_map(wrong)
            .map(|error| self.refused(&error))
            .collect()
    }
}

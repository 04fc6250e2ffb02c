//! The groups of settings as the commands take them: what several settings mean together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::declare::{
    Checkpoint, CheckpointFile, Connection, ConsolePage, ContactsFile, Content, Guards, History,
    MessageSource, OtherChannels, Pace, Results, ResultsFormat, Serve, Tls,
};
use super::error::ConfigError;
use super::folders::data_folder;
use super::layer::unknown_zone;
use super::origin::Origin;
use super::settings::Settings;
use super::values::{AllowedValues as _, name_column};
use crate::clock::later;
use crate::cluster::Access;
use crate::domain::eligibility::HistoryOverrides;
use crate::domain::schedule::{Schedule, parse_until};
use crate::domain::sending::SendingOverrides;
use crate::domain::sms::SmsSettings;
use crate::intake::{self, ColumnChoice, ReadFor};
use crate::run::CheckpointPlace;

/// The checkpoint's name, in whatever folder.
const CHECKPOINT_NAME: &str = "outreach.db";

impl Settings {
    /// How to reach the API.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood or the token file cannot be read.
    pub(crate) fn connection(&self) -> Result<Connection, ConfigError> {
        Ok(Connection {
            token: self.token()?,
            base_url_is_found: self.is_found("base-url"),
            ..self.group()?
        })
    }

    /// How fast, and when, for a run that begins `now`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub fn pace(&self, now: Timestamp) -> Result<Pace, ConfigError> {
        let mut pace: Pace = self.group()?;
        let zone = pace.timezone.clone().unwrap_or_else(TimeZone::system);
        let until = pace.until.as_deref();
        let goes_by_zone = zone.is_unknown() && (pace.window.is_some() || until.is_some());
        if let (true, Some(name)) = (goes_by_zone, unknown_zone(&self.environment)) {
            return Err(ConfigError::UnknownZone(name.to_owned()));
        }
        let until = until.map(|text| self.until(text, now, &zone));
        let after = pace.for_.map(|span| later(now, span));
        pace.schedule = Schedule {
            window: pace.window,
            window_by: pace.window_by,
            // The earlier of the two.
            deadline: [until.transpose()?, after].into_iter().flatten().min(),
            zone,
        };
        Ok(pace)
    }

    fn until(&self, text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, ConfigError> {
        parse_until(text, now, zone).map_err(|error| self.wrong("until", text, error.allowed()))
    }

    /// Whether `until` is wrong by itself, in the zone of this machine.
    pub(super) fn until_problem(&self, now: Timestamp) -> Option<ConfigError> {
        let text = self.text("until")?;
        self.until(text, now, &TimeZone::system()).err()
    }

    /// Whether one of the columns is wrong by itself.
    pub(super) fn column_problem(&self) -> Option<ConfigError> {
        let mut columns = ColumnChoice::default();
        let mut texts = self.texts("column").iter();
        texts.find_map(|text| self.name_column(&mut columns, text).err())
    }

    fn name_column(&self, columns: &mut ColumnChoice, text: &str) -> Result<(), ConfigError> {
        name_column(columns, text).map_err(|allowed| self.wrong("column", text, allowed))
    }

    /// How a contacts file is read.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub fn intake(&self) -> Result<intake::Settings, ConfigError> {
        let file: ContactsFile = self.group()?;
        let mut columns = ColumnChoice::default();
        for text in &file.column {
            self.name_column(&mut columns, text)?;
        }
        Ok(intake::Settings {
            region: file.default.region,
            international: file.default.international,
            line_types: file.allow_line_type,
            columns,
            delimiter: file.delimiter,
            encoding: file.encoding,
            sheet: file.sheet,
            hidden_rows: file.hidden_rows,
            header_row: file.header_row,
            no_header: file.no_header,
            ignore_consent: file.ignore_consent_column,
            read_for: ReadFor::Messages,
            prefer: file.prefer,
            numbers: file.numbers,
            min_valid: file.min_valid,
            corrections: intake::Corrections::default(),
        })
    }

    /// What is sent.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a `KEY=TEMPLATE` has no `=`.
    pub fn content(&self) -> Result<Content, ConfigError> {
        let mut content: Content = self.group()?;
        let (text, file) = (content.text.take(), content.file.take());
        content.message = text
            .map(MessageSource::Message)
            .or(file.map(MessageSource::File));
        content.sms_settings = SmsSettings {
            counted: content.sms,
            max_segments: content.max_segments,
        };
        Ok(content)
    }

    /// Other channels for people whom the channel does not reach.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub(crate) fn other_channels(&self) -> Result<OtherChannels, ConfigError> {
        self.group()
    }

    /// The same, as far as a flag of this command says so: what a batch keeps is changed by no settings file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub(crate) fn typed_other_channels(&self) -> Result<OtherChannels, ConfigError> {
        let mut others: OtherChannels = self.group()?;
        let is_typed = |key| self.origin(key) == Origin::Flag;
        if !is_typed("fallback") {
            others.fallback.clear();
        }
        others.message_for.retain(|_| is_typed("message-for"));
        others.content_for.retain(|_| is_typed("content-for"));
        others.fallback_at_most = others
            .fallback_at_most
            .filter(|_| is_typed("fallback-at-most"));
        others.fallback_on = others.fallback_on.filter(|_| is_typed("fallback-on"));
        Ok(others)
    }

    /// Where state and results are kept.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the name of a file is empty.
    pub(crate) fn checkpoint(&self) -> Result<Checkpoint, ConfigError> {
        let CheckpointFile { db, .. } = self.group()?;
        let Results {
            out,
            summary,
            written: ResultsFormat { dialect },
        } = self.group()?;
        let db_from = self.origin("db");
        let below = self.db_below_flag.clone();
        Ok(Checkpoint {
            place: self.checkpoint_place(db.map(|db| (db, db_from))),
            real: self.checkpoint_place(below),
            cluster: self.cluster()?,
            typed_places: self.typed_places(),
            db_from,
            out,
            out_from: self.origin("out"),
            summary_from: self.origin("summary"),
            summary,
            dialect,
        })
    }

    /// Where the checkpoint is that was named there, or was not named.
    fn checkpoint_place(&self, named: Option<(PathBuf, Origin)>) -> CheckpointPlace {
        let Some((local, from)) = named else {
            return CheckpointPlace::Either {
                local: PathBuf::from(CHECKPOINT_NAME),
                home: data_folder(&self.environment)
                    .map(|folder| folder.join("outreach").join(CHECKPOINT_NAME)),
            };
        };
        // What a settings file names is the same file from every folder.
        match (from, self.file().and_then(Path::parent)) {
            (Origin::File, Some(folder)) if local.is_relative() && folder.join(&local) != local => {
                let home = Some(folder.join(&local));
                CheckpointPlace::Either { local, home }
            }
            (Origin::File | Origin::Default | Origin::Environment | Origin::Flag, _) => {
                CheckpointPlace::Named(local)
            }
        }
    }

    /// The log that the checkpoint is a replica of, if it is one.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood, the password would be seen in the process list or cannot be read,
    /// or a file that merely lies in the folder names the log.
    pub(crate) fn cluster(&self) -> Result<Option<Access>, ConfigError> {
        let file: CheckpointFile = self.group()?;
        let Some(access) = file.cluster else {
            return Ok(None);
        };
        if self.is_found("cluster") {
            return Err(ConfigError::FoundCluster);
        }
        if self.origin("cluster") == Origin::Flag && access.has_password() {
            return Err(ConfigError::ClusterPassword);
        }
        let access = match &file.cluster_password_file {
            Some(path) => access.with_password(&self.secret_in(path)?),
            None => access,
        };
        Ok(Some(access.with_patience(file.cluster_patience)))
    }

    /// When to stop by itself.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub fn guards(&self) -> Result<Guards, ConfigError> {
        let mut guards: Guards = self.group()?;
        guards.history = self.group()?;
        guards.history.not_within = guards.history.not_within.filter(|span| !span.is_zero());
        guards.invalid_pattern = guards.invalid_pattern.filter(|text| !text.is_empty());
        Ok(guards)
    }

    /// Where the console is found.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the value is not understood.
    pub(crate) fn console(&self) -> Result<ConsolePage, ConfigError> {
        self.group()
    }

    /// Certificate chain and private key, as PEM files; `None` without TLS.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if only one of them is named.
    pub(crate) fn tls(&self) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
        let tls: Tls = self.group()?;
        match (tls.tls_cert, tls.tls_key) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(ConfigError::Missing { key: "tls-key" }),
            (None, Some(_)) => Err(ConfigError::Missing { key: "tls-cert" }),
        }
    }

    /// How far back earlier messages and answers count, as far as a flag was typed that says so: a batch keeps the
    /// rest.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub(crate) fn history_asked(&self) -> Result<HistoryOverrides, ConfigError> {
        let history: History = self.group()?;
        let typed = |key, value: Option<Duration>| value.filter(|_| self.is_flag(key));
        Ok(HistoryOverrides {
            repeat_guard: typed("repeat-guard", Some(history.repeat_guard)),
            not_within: typed("not-within", history.not_within),
            no_messenger: typed("skip-no-messenger-within", history.skip_no_messenger_within),
        })
    }

    /// When and how carefully to send, as far as a flag was typed that says so: a batch keeps the rest.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub(crate) fn sending_asked(&self) -> Result<SendingOverrides, ConfigError> {
        let (pace, guards): (Pace, Guards) = (self.group()?, self.group()?);
        let typed = |key| self.is_flag(key).then_some(());
        let zone = pace.timezone.as_ref().and_then(TimeZone::iana_name);
        Ok(SendingOverrides {
            window: typed("window").and(pace.window),
            window_by: typed("window-by").map(|()| pace.window_by),
            zone: typed("timezone").and(zone.map(str::to_owned)),
            undecided: typed("undecided").map(|()| guards.undecided),
            canary: typed("no-canary").map(|()| !guards.no_canary),
        })
    }

    /// How to receive webhooks.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood, a secret cannot be read, there is none, or
    /// unsigned events would be taken from other machines.
    pub(crate) fn serve(&self) -> Result<Serve, ConfigError> {
        let mut serve: Serve = self.group()?;
        serve.secrets = self.webhook_secrets()?;
        if serve.insecure_no_signature && !serve.listen.ip().is_loopback() {
            let allowed = "an address of this machine, since --insecure-no-signature is given";
            let text = self.text("listen").unwrap_or_default();
            return Err(self.wrong("listen", text, allowed));
        }
        if serve.secrets.is_empty() && !serve.insecure_no_signature {
            return Err(ConfigError::Secret {
                place: "OUTREACH_WEBHOOK_SECRET (or the file of webhook-secret-file)".to_owned(),
                reason: "without the channel's webhook secret anybody could send events",
            });
        }
        Ok(serve)
    }
}

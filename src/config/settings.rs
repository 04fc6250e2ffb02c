//! The settings, typed, one struct for each concern.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::values::{
    Allowed, BaseUrl, CellDelimiter, ColumnChoice, DayWindow, EncodingName, Percent, RateCap,
    RegionCode, ReservePart, Span, TimeOfDay, ZoneName,
};
use super::{ConfigError, Origin, Settings};

/// The most simultaneous requests that make sense: more would exhaust a machine's sockets.
const MAX_CONCURRENCY: u16 = 10_000;

/// How to reach the API.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its address, without a slash at the end.
    pub base_url: BaseUrl,
    /// The channel that sends, if one is set; see [`Connection::channel`].
    pub channel: Option<String>,
    /// The token, if there is one; see [`Connection::token`].
    pub token: Option<SecretString>,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// Requests at the same time.
    pub concurrency: NonZeroU16,
}

impl Connection {
    /// The channel.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] if none is set.
    pub fn channel(&self) -> Result<&str, ConfigError> {
        self.channel
            .as_deref()
            .ok_or(ConfigError::Missing { key: "channel" })
    }

    /// The token.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoToken`] if there is none.
    pub fn token(&self) -> Result<&SecretString, ConfigError> {
        self.token.as_ref().ok_or(ConfigError::NoToken)
    }
}

/// How the quota of an hour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaceStyle {
    /// As fast as the connections allow, then sleep until the reset.
    Fast,
    /// Spread evenly.
    Even,
}

/// Whose clock the window goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowBy {
    /// The time zone of the settings.
    Timezone,
    /// The recipient's own, from the number.
    Recipient,
}

/// How fast, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// The user's own cap.
    pub rate: Option<RateCap>,
    /// What of the quota is left to others.
    pub reserve: ReservePart,
    /// Requests that may leave at once; `None` leaves it to the pacer.
    pub burst: Option<NonZeroU32>,
    /// How the quota is used.
    pub pace: PaceStyle,
    /// Stop at this time of day.
    pub until: Option<TimeOfDay>,
    /// Stop after this time.
    pub for_: Option<Duration>,
    /// Send only between these times of day.
    pub window: Option<DayWindow>,
    /// The time zone of `window` and `until`; `None` is this machine's.
    pub timezone: Option<ZoneName>,
    /// Whose clock `window` goes by.
    pub window_by: WindowBy,
    /// How long requests in flight may take to finish after a signal.
    pub grace: Duration,
}

/// Which of several numbers of a row is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefer {
    /// The first valid one.
    First,
    /// The first mobile one.
    Mobile,
}

/// How many messages a row with several numbers makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// One.
    OnePerRow,
    /// One for each number.
    All,
}

/// How a contacts file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intake {
    /// Region of numbers without a plus.
    pub region: Option<RegionCode>,
    /// Which column is what, as far as the user says.
    pub columns: Vec<ColumnChoice>,
    /// What stands between the cells; `None` is to be found out.
    pub delimiter: Option<CellDelimiter>,
    /// The encoding; `None` is to be found out.
    pub encoding: Option<EncodingName>,
    /// The sheet of a workbook; `None` is the first.
    pub sheet: Option<String>,
    /// The first row is a contact, not a header.
    pub no_header: bool,
    /// Which of several numbers.
    pub prefer: Prefer,
    /// How many of several numbers.
    pub numbers: Numbers,
    /// The least share of valid rows.
    pub min_valid: Percent,
}

/// Where the message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageSource {
    /// A text, as a template.
    Message(String),
    /// A file with the content as JSON.
    File(PathBuf),
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The message; `None` if neither `--message` nor `--content` is given.
    pub message: Option<MessageSource>,
    /// The message tag, as typed.
    pub tag: Option<String>,
    /// Further metadata: key and template.
    pub metadata: Vec<(String, String)>,
}

/// Where state and results are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The checkpoint; `None` is the command's own default (`outreach.db`, or the sandbox's).
    pub db: Option<PathBuf>,
    /// The results file; `None` is `<batch>.results.csv`.
    pub out: Option<PathBuf>,
    /// The summary file.
    pub summary: Option<PathBuf>,
    /// `db` comes from the command line.
    db_by_flag: bool,
    /// `out` comes from the command line.
    out_by_flag: bool,
}

impl Checkpoint {
    /// The checkpoint to use outside the sandbox.
    pub fn db(&self) -> &Path {
        self.db.as_deref().unwrap_or(Path::new("outreach.db"))
    }

    /// The same for a rehearsal: only a flag, given for this very run, may name the files. The
    /// checkpoint that the environment or `outreach.toml` names is the real one, and a rehearsal in
    /// it would count as messages to real people.
    #[must_use]
    pub fn for_sandbox(self) -> Self {
        let db = self.db.filter(|_| self.db_by_flag);
        Self {
            db: Some(db.unwrap_or_else(|| PathBuf::from("sandbox.db"))),
            out: self.out.filter(|_| self.out_by_flag),
            ..self
        }
    }
}

/// What to do with a recipient whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undecided {
    /// Nothing until there is evidence, or a decision.
    Hold,
    /// Send again, and risk a double.
    Retry,
}

/// When to stop by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guards {
    /// The first request goes alone.
    pub canary: bool,
    /// Refusals with the same text that stop a batch before its first success; `None` is off.
    pub identical_refusals: Option<NonZeroU32>,
    /// Undecided answers in a row that pause a batch.
    pub undecided_in_a_row: NonZeroU32,
    /// What to do with an unknown outcome.
    pub undecided: Undecided,
    /// Text of refusals that mean an invalid message.
    pub invalid_pattern: Option<String>,
    /// Time within which the same message is not repeated; zero is off.
    pub repeat_guard: Duration,
    /// Time within which nobody is messaged again.
    pub not_within: Option<Duration>,
}

/// The webhook secrets: one for all channels, or one for each.
#[derive(Clone, Default)]
pub struct WebhookSecrets {
    all: Option<SecretString>,
    by_channel: BTreeMap<String, SecretString>,
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecrets")
            .field("all", &self.all.is_some())
            .field("channels", &self.by_channel.keys())
            .finish()
    }
}

impl WebhookSecrets {
    /// The secret of a channel: its own, or else the one for all.
    pub fn of(&self, channel: &str) -> Option<&SecretString> {
        self.by_channel.get(channel).or(self.all.as_ref())
    }

    /// The secret for all channels that have none of their own.
    pub fn any_channel(&self) -> Option<&SecretString> {
        self.all.as_ref()
    }

    /// The channels that have a secret of their own.
    pub fn channels(&self) -> impl Iterator<Item = &str> {
        self.by_channel.keys().map(String::as_str)
    }

    /// True without any secret.
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.by_channel.is_empty()
    }
}

/// How to receive webhooks.
#[derive(Debug, Clone)]
pub struct Serve {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Certificate chain and private key.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The webhook secrets; empty only with `insecure_no_signature`.
    pub secrets: WebhookSecrets,
    /// Further opt-out words.
    pub opt_out_words: Vec<String>,
    /// Take events without a signature; only with a loopback address.
    pub insecure_no_signature: bool,
}

impl Settings {
    /// How to reach the API.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood or the token file cannot be read.
    pub fn connection(&self) -> Result<Connection, ConfigError> {
        let (layer, origins) = (&self.layer, &self.origins);
        let concurrency = layer.concurrency.unwrap_or(3);
        let concurrency = u16::try_from(concurrency)
            .ok()
            .filter(|number| *number <= MAX_CONCURRENCY)
            .and_then(NonZeroU16::new)
            .ok_or_else(|| {
                let allowed = format!("1 to {MAX_CONCURRENCY}");
                ConfigError::value(
                    origins.concurrency,
                    "concurrency",
                    &concurrency.to_string(),
                    allowed,
                )
            })?;
        let channel = layer.channel.clone();
        if let Some(id) = &channel
            && (id.is_empty()
                || !id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
        {
            let allowed = "the id of a channel, as the Amio admin app shows it";
            return Err(ConfigError::value(origins.channel, "channel", id, allowed));
        }
        Ok(Connection {
            base_url: typed(
                layer.base_url.as_ref(),
                "https://api.amio.io/v1",
                origins.base_url,
                "base-url",
            )?,
            channel,
            token: self.token()?,
            timeout: positive(layer.timeout.as_ref(), "30s", origins.timeout, "timeout")?,
            concurrency,
        })
    }

    /// How fast, and when.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub fn pace(&self) -> Result<Pace, ConfigError> {
        let (layer, origins) = (&self.layer, &self.origins);
        Ok(Pace {
            rate: maybe(layer.rate.as_ref(), origins.rate, "rate")?,
            reserve: typed(layer.reserve.as_ref(), "0", origins.reserve, "reserve")?,
            burst: layer
                .burst
                .map(|burst| at_least_one(burst, origins.burst, "burst"))
                .transpose()?,
            pace: word(
                layer.pace.as_ref(),
                origins.pace,
                "pace",
                [("fast", PaceStyle::Fast), ("even", PaceStyle::Even)],
            )?,
            until: maybe(layer.until.as_ref(), origins.until, "until")?,
            for_: match &layer.for_ {
                Some(_) => Some(positive(layer.for_.as_ref(), "", origins.for_, "for")?),
                None => None,
            },
            window: maybe(layer.window.as_ref(), origins.window, "window")?,
            timezone: maybe(layer.timezone.as_ref(), origins.timezone, "timezone")?,
            window_by: word(
                layer.window_by.as_ref(),
                origins.window_by,
                "window-by",
                [
                    ("timezone", WindowBy::Timezone),
                    ("recipient", WindowBy::Recipient),
                ],
            )?,
            grace: typed::<Span>(layer.grace.as_ref(), "30s", origins.grace, "grace")?.0,
        })
    }

    /// How a contacts file is read.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub fn intake(&self) -> Result<Intake, ConfigError> {
        let (layer, origins) = (&self.layer, &self.origins);
        let columns = layer.column.iter().flatten();
        Ok(Intake {
            region: maybe(layer.region.as_ref(), origins.region, "region")?,
            columns: columns
                .map(|text| typed(Some(text), "", origins.column, "column"))
                .collect::<Result<_, _>>()?,
            delimiter: maybe(layer.delimiter.as_ref(), origins.delimiter, "delimiter")?,
            encoding: maybe(layer.encoding.as_ref(), origins.encoding, "encoding")?,
            sheet: layer.sheet.clone(),
            no_header: layer.no_header.unwrap_or(false),
            prefer: word(
                layer.prefer.as_ref(),
                origins.prefer,
                "prefer",
                [("first", Prefer::First), ("mobile", Prefer::Mobile)],
            )?,
            numbers: word(
                layer.numbers.as_ref(),
                origins.numbers,
                "numbers",
                [
                    ("one-per-row", Numbers::OnePerRow),
                    ("all-numbers", Numbers::All),
                ],
            )?,
            min_valid: typed(
                layer.min_valid.as_ref(),
                "50%",
                origins.min_valid,
                "min-valid",
            )?,
        })
    }

    /// What is sent.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a `KEY=TEMPLATE` has no `=`.
    pub fn content(&self) -> Result<Content, ConfigError> {
        let (layer, origins) = (&self.layer, &self.origins);
        let metadata = layer.metadata.iter().flatten();
        Ok(Content {
            message: match (&layer.message, &layer.content) {
                (Some(text), _) => Some(MessageSource::Message(text.clone())),
                (None, Some(path)) => Some(MessageSource::File(PathBuf::from(path))),
                (None, None) => None,
            },
            tag: layer.tag.clone(),
            metadata: metadata
                .map(|text| match text.split_once('=') {
                    Some((key, template)) => Ok((key.trim().to_owned(), template.to_owned())),
                    None => Err(ConfigError::value(
                        origins.metadata,
                        "metadata",
                        text,
                        "KEY=TEMPLATE",
                    )),
                })
                .collect::<Result<_, _>>()?,
        })
    }

    /// Where state and results are kept.
    pub fn checkpoint(&self) -> Checkpoint {
        let path = |text: &Option<String>| text.as_ref().map(PathBuf::from);
        Checkpoint {
            db: path(&self.layer.db),
            out: path(&self.layer.out),
            summary: path(&self.layer.summary),
            db_by_flag: self.origins.db == Origin::Flag,
            out_by_flag: self.origins.out == Origin::Flag,
        }
    }

    /// When to stop by itself.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub fn guards(&self) -> Result<Guards, ConfigError> {
        let (layer, origins) = (&self.layer, &self.origins);
        Ok(Guards {
            canary: !layer.no_canary.unwrap_or(false),
            identical_refusals: NonZeroU32::new(layer.identical_refusals.unwrap_or(20)),
            undecided_in_a_row: at_least_one(
                layer.undecided_in_a_row.unwrap_or(3),
                origins.undecided_in_a_row,
                "undecided-in-a-row",
            )?,
            undecided: word(
                layer.undecided.as_ref(),
                origins.undecided,
                "undecided",
                [("hold", Undecided::Hold), ("retry", Undecided::Retry)],
            )?,
            invalid_pattern: layer
                .invalid_pattern
                .clone()
                .filter(|pattern| !pattern.is_empty()),
            repeat_guard: typed::<Span>(
                layer.repeat_guard.as_ref(),
                "12h",
                origins.repeat_guard,
                "repeat-guard",
            )?
            .0,
            not_within: maybe::<Span>(layer.not_within.as_ref(), origins.not_within, "not-within")?
                .map(|span| span.0)
                .filter(|span| !span.is_zero()),
        })
    }

    /// How to receive webhooks.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood, a secret cannot be read, there is none, or
    /// unsigned events would be taken from other machines.
    pub fn serve(&self) -> Result<Serve, ConfigError> {
        let (layer, origins) = (&self.layer, &self.origins);
        let text = layer.listen.as_deref().unwrap_or("127.0.0.1:8080");
        let listen: SocketAddr = text.parse().map_err(|_| {
            ConfigError::value(
                origins.listen,
                "listen",
                text,
                "an address and a port, such as 127.0.0.1:8080",
            )
        })?;
        let tls = match (&layer.tls_cert, &layer.tls_key) {
            (Some(cert), Some(key)) => Some((PathBuf::from(cert), PathBuf::from(key))),
            (None, None) => None,
            (Some(_), None) => return Err(ConfigError::Missing { key: "tls-key" }),
            (None, Some(_)) => return Err(ConfigError::Missing { key: "tls-cert" }),
        };
        let secrets = self.webhook_secrets()?;
        let insecure_no_signature = layer.insecure_no_signature.unwrap_or(false);
        if insecure_no_signature && !listen.ip().is_loopback() {
            let allowed = "an address of this machine, since --insecure-no-signature is given";
            return Err(ConfigError::value(origins.listen, "listen", text, allowed));
        }
        if secrets.is_empty() && !insecure_no_signature {
            return Err(ConfigError::Secret {
                place: "neither OUTREACH_WEBHOOK_SECRET nor webhook-secret-file".to_owned(),
                reason: "without the channel's webhook secret anybody could send events",
            });
        }
        let opt_out_words = layer.opt_out_word.clone().unwrap_or_default();
        Ok(Serve {
            listen,
            tls,
            secrets,
            opt_out_words,
            insecure_no_signature,
        })
    }

    /// Where the token would come from.
    pub(super) fn token_place(&self) -> Option<(String, Origin)> {
        let origin = self.origins.token_file;
        match &self.layer.token_file {
            Some(path) if origin == Origin::Flag => Some((path.clone(), origin)),
            _ if self.variable("AMIO_TOKEN").is_some() => {
                Some(("AMIO_TOKEN".to_owned(), Origin::Environment))
            }
            Some(path) => Some((path.clone(), origin)),
            None => None,
        }
    }

    fn token(&self) -> Result<Option<SecretString>, ConfigError> {
        let Some((place, _)) = self.token_place() else {
            return Ok(None);
        };
        if place == "AMIO_TOKEN"
            && let Some(token) = self.variable("AMIO_TOKEN")
        {
            return secret(token, place).map(Some);
        }
        let text = read("the token file", Path::new(&place))?;
        secret(&text, place).map(Some)
    }

    /// Where the webhook secrets would come from.
    pub(super) fn webhook_secret_place(&self) -> Option<(String, Origin)> {
        let variable = self.environment.iter().find(|(name, value)| {
            !value.is_empty()
                && (*name == "OUTREACH_WEBHOOK_SECRET"
                    || name.starts_with("OUTREACH_WEBHOOK_SECRET_"))
                && *name != "OUTREACH_WEBHOOK_SECRET_FILE"
        });
        match (&self.layer.webhook_secret_file, variable) {
            (Some(path), _) => Some((path.clone(), self.origins.webhook_secret_file)),
            (None, Some((name, _))) => Some((name.clone(), Origin::Environment)),
            (None, None) => None,
        }
    }

    /// The webhook secrets of file and environment; a variable wins over a line of the file.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if the file cannot be read, or a secret is not usable.
    pub fn webhook_secrets(&self) -> Result<WebhookSecrets, ConfigError> {
        let mut secrets = WebhookSecrets::default();
        if let Some(path) = &self.layer.webhook_secret_file {
            let text = read("the file of webhook secrets", Path::new(path))?;
            let lines = text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty() && !line.starts_with('#'));
            for line in lines {
                match line.split_once('=') {
                    Some((channel, text)) => {
                        let text = secret(text, path.clone())?;
                        secrets.by_channel.insert(channel.trim().to_owned(), text);
                    }
                    None => secrets.all = Some(secret(line, path.clone())?),
                }
            }
        }
        for (name, value) in self
            .environment
            .iter()
            .filter(|(_, value)| !value.is_empty())
        {
            match name.strip_prefix("OUTREACH_WEBHOOK_SECRET") {
                Some("") => secrets.all = Some(secret(value, name.clone())?),
                // That one is a setting: the name of the file.
                Some("_FILE") | None => {}
                Some(rest) => {
                    if let Some(channel) =
                        rest.strip_prefix('_').filter(|channel| !channel.is_empty())
                    {
                        secrets
                            .by_channel
                            .insert(channel.to_owned(), secret(value, name.clone())?);
                    }
                }
            }
        }
        Ok(secrets)
    }
}

fn read(what: &'static str, file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file).map_err(|error| ConfigError::Unreadable {
        what,
        file: file.to_owned(),
        error,
    })
}

/// A secret without the white space around it; it must fit a header.
fn secret(text: &str, place: String) -> Result<SecretString, ConfigError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ConfigError::Secret {
            place,
            reason: "it is empty",
        });
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let reason = "it holds spaces, line breaks or characters outside ASCII";
        return Err(ConfigError::Secret { place, reason });
    }
    Ok(SecretString::from(text))
}

fn typed<T: FromStr<Err = Allowed>>(
    text: Option<&String>,
    default: &str,
    origin: Origin,
    key: &'static str,
) -> Result<T, ConfigError> {
    let text = text.map_or(default, String::as_str);
    text.parse()
        .map_err(|Allowed(allowed)| ConfigError::value(origin, key, text, allowed))
}

fn maybe<T: FromStr<Err = Allowed>>(
    text: Option<&String>,
    origin: Origin,
    key: &'static str,
) -> Result<Option<T>, ConfigError> {
    text.map(|text| typed(Some(text), "", origin, key))
        .transpose()
}

/// A length of time above zero.
fn positive(
    text: Option<&String>,
    default: &str,
    origin: Origin,
    key: &'static str,
) -> Result<Duration, ConfigError> {
    let Span(span) = typed(text, default, origin, key)?;
    if span.is_zero() {
        return Err(ConfigError::value(
            origin,
            key,
            text.map_or(default, String::as_str),
            "a time above 0",
        ));
    }
    Ok(span)
}

fn at_least_one(number: u32, origin: Origin, key: &'static str) -> Result<NonZeroU32, ConfigError> {
    NonZeroU32::new(number)
        .ok_or_else(|| ConfigError::value(origin, key, "0", "a whole number from 1"))
}

/// One of two words; the first is the default.
fn word<T>(
    text: Option<&String>,
    origin: Origin,
    key: &'static str,
    words: [(&'static str, T); 2],
) -> Result<T, ConfigError> {
    let [(first, first_value), (second, second_value)] = words;
    match text.map(String::as_str) {
        None => Ok(first_value),
        Some(text) if text == first => Ok(first_value),
        Some(text) if text == second => Ok(second_value),
        Some(text) => Err(ConfigError::value(
            origin,
            key,
            text,
            format!("{first} or {second}"),
        )),
    }
}

//! From the merged layer to the typed settings.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::values::{ColumnRole, NamedColumn, SaysAllowed, Span};
use super::{
    Checkpoint, ConfigError, Connection, Content, Guards, MessageSource, Origin, Pace, Serve,
    Settings, Undecided,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::amio::BaseUrl;
use crate::clock::later;
use crate::domain::quota;
use crate::domain::schedule::{Schedule, WindowBy, parse_until, parse_zone};
use crate::intake::{self, ColumnChoice, NumbersPerRow};

/// The most simultaneous requests that make sense: more would exhaust a machine's sockets.
const MAX_CONCURRENCY: u16 = 10_000;

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
                BaseUrl::DOCUMENTED,
                origins.base_url,
                "base-url",
            )?,
            channel,
            token: self.token()?,
            timeout: positive(layer.timeout.as_ref(), "30s", origins.timeout, "timeout")?,
            concurrency,
        })
    }

    /// How fast, and when, for a run that begins `now`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub fn pace(&self, now: Timestamp) -> Result<Pace, ConfigError> {
        let (layer, origins) = (&self.layer, &self.origins);
        Ok(Pace {
            rate: maybe(layer.rate.as_ref(), origins.rate, "rate")?,
            reserve: typed(layer.reserve.as_ref(), "0", origins.reserve, "reserve")?,
            burst: layer
                .burst
                .map(|burst| at_least_one(burst, origins.burst, "burst"))
                .transpose()?,
            style: word(
                layer.pace.as_ref(),
                origins.pace,
                "pace",
                [("fast", quota::Pace::Fast), ("even", quota::Pace::Even)],
            )?,
            schedule: self.schedule(now)?,
            grace: typed::<Span>(layer.grace.as_ref(), "30s", origins.grace, "grace")?.0,
        })
    }

    fn schedule(&self, now: Timestamp) -> Result<Schedule, ConfigError> {
        let (layer, origins) = (&self.layer, &self.origins);
        let zone = match &layer.timezone {
            None => TimeZone::system(),
            Some(name) => parse_zone(name).map_err(|_| {
                let allowed = "a time zone such as Europe/Prague or UTC";
                ConfigError::value(origins.timezone, "timezone", name, allowed)
            })?,
        };
        let until = match &layer.until {
            None => None,
            Some(text) => Some(parse_until(text, now, &zone).map_err(|error| {
                ConfigError::value(origins.until, "until", text, error.allowed())
            })?),
        };
        let after = match &layer.for_ {
            None => None,
            Some(_) => Some(later(
                now,
                positive(layer.for_.as_ref(), "", origins.for_, "for")?,
            )),
        };
        Ok(Schedule {
            window: maybe(layer.window.as_ref(), origins.window, "window")?,
            window_by: word(
                layer.window_by.as_ref(),
                origins.window_by,
                "window-by",
                [
                    ("timezone", WindowBy::Sender),
                    ("recipient", WindowBy::Recipient),
                ],
            )?,
            zone,
            // Whichever comes first.
            deadline: [until, after].into_iter().flatten().min(),
        })
    }

    /// How a contacts file is read.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if a value is not understood.
    pub fn intake(&self) -> Result<intake::Settings, ConfigError> {
        let (layer, origins) = (&self.layer, &self.origins);
        Ok(intake::Settings {
            region: maybe(layer.region.as_ref(), origins.region, "region")?,
            columns: self.columns()?,
            delimiter: maybe(layer.delimiter.as_ref(), origins.delimiter, "delimiter")?,
            encoding: maybe(layer.encoding.as_ref(), origins.encoding, "encoding")?,
            sheet: layer.sheet.clone(),
            no_header: layer.no_header.unwrap_or(false),
            prefer: typed(layer.prefer.as_ref(), "first", origins.prefer, "prefer")?,
            numbers: word(
                layer.numbers.as_ref(),
                origins.numbers,
                "numbers",
                [
                    ("one-per-row", NumbersPerRow::One),
                    ("all-numbers", NumbersPerRow::All),
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

    fn columns(&self) -> Result<ColumnChoice, ConfigError> {
        let origin = self.origins.column;
        let mut columns = ColumnChoice::default();
        for text in self.layer.column.iter().flatten() {
            let NamedColumn { role, header } = typed(Some(text), "", origin, "column")?;
            let place = match role {
                ColumnRole::Phone => {
                    columns.phone.push(header);
                    continue;
                }
                ColumnRole::Region => &mut columns.region,
                ColumnRole::FirstName => &mut columns.first_name,
                ColumnRole::LastName => &mut columns.last_name,
                ColumnRole::ContactId => &mut columns.contact_id,
            };
            if place.replace(header).is_some() {
                let allowed = "each column but phone once";
                return Err(ConfigError::value(origin, "column", text, allowed));
            }
        }
        Ok(columns)
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
                place: "OUTREACH_WEBHOOK_SECRET (or the file of webhook-secret-file)".to_owned(),
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
}

fn typed<T: FromStr<Err: SaysAllowed>>(
    text: Option<&String>,
    default: &str,
    origin: Origin,
    key: &'static str,
) -> Result<T, ConfigError> {
    let text = text.map_or(default, String::as_str);
    text.parse()
        .map_err(|error: T::Err| ConfigError::value(origin, key, text, error.allowed()))
}

fn maybe<T: FromStr<Err: SaysAllowed>>(
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

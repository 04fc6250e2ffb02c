//! One layer of settings, as it was written: the same struct for flags, environment and file.
//!
//! The list of settings stands here once; field, key, environment variable and default text come
//! from it. Keys are in kebab-case and are the names of the flags: `--repeat-guard`,
//! `OUTREACH_REPEAT_GUARD`, `repeat-guard = "12h"`.

use serde::Deserialize;

use super::{ConfigError, Origin};

/// How a value is read from an environment variable and shown to people.
pub(super) trait Raw: Sized {
    /// Reads the text of an environment variable; the error says what is allowed.
    fn from_variable(text: &str) -> Result<Self, &'static str>;
    /// Shows the value as it would be typed.
    fn shown(&self) -> String;
}

impl Raw for String {
    fn from_variable(text: &str) -> Result<Self, &'static str> {
        Ok(text.to_owned())
    }

    fn shown(&self) -> String {
        self.clone()
    }
}

impl Raw for u32 {
    fn from_variable(text: &str) -> Result<Self, &'static str> {
        text.trim().parse().map_err(|_| "a whole number")
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Raw for bool {
    fn from_variable(text: &str) -> Result<Self, &'static str> {
        match text.trim() {
            "true" | "1" | "yes" => Ok(true),
            "false" | "0" | "no" => Ok(false),
            _ => Err("true or false"),
        }
    }

    fn shown(&self) -> String {
        self.to_string()
    }
}

impl Raw for Vec<String> {
    fn from_variable(text: &str) -> Result<Self, &'static str> {
        Ok(text
            .split([';', '\n'])
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect())
    }

    fn shown(&self) -> String {
        self.join("; ")
    }
}

macro_rules! settings {
    ($($(#[$doc:meta])* $field:ident: $type:ty, $key:literal, $default:literal;)*) => {
        /// One layer of settings: `None` is "not said here".
        #[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Layer {
            $($(#[$doc])* #[serde(rename = $key)] pub $field: Option<$type>,)*
        }

        /// Where each field of a merged [`Layer`] came from.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub(super) struct Origins {
            $(pub(super) $field: Origin,)*
        }

        /// The keys of all settings, in the order in which they are shown.
        pub const KEYS: &[&str] = &[$($key),*];

        impl Layer {
            /// Reads the settings that `variable` (key to text) gives.
            pub(super) fn from_variables(
                mut variable: impl FnMut(&str) -> Option<String>,
            ) -> Result<Self, ConfigError> {
                let mut layer = Self::default();
                $(if let Some(text) = variable($key) {
                    layer.$field = Some(Raw::from_variable(&text).map_err(|allowed| {
                        ConfigError::value(Origin::Environment, $key, &text, allowed)
                    })?);
                })*
                Ok(layer)
            }

            /// Lays `upper` over this layer: what it says wins, field by field. A list wins whole.
            pub(super) fn lay(&mut self, upper: Self, origin: Origin, origins: &mut Origins) {
                $(if let Some(value) = upper.$field {
                    self.$field = Some(value);
                    origins.$field = origin;
                })*
            }

            /// Key, value as typed (`None` if no layer says it), default and origin of every setting.
            pub(super) fn table(
                &self,
                origins: &Origins,
            ) -> Vec<(&'static str, Option<String>, &'static str, Origin)> {
                vec![$(($key, self.$field.as_ref().map(Raw::shown), $default, origins.$field)),*]
            }
        }
    };
}

settings! {
    /// Id of the channel that sends.
    channel: String, "channel", "";
    /// Address of the API.
    base_url: String, "base-url", "https://api.amio.io/v1";
    /// File that holds the token.
    token_file: String, "token-file", "";
    /// How long to wait for an answer.
    timeout: String, "timeout", "30s";
    /// Requests at the same time.
    concurrency: u32, "concurrency", "3";
    /// The user's own cap on requests.
    rate: String, "rate", "";
    /// Part of the quota left to others.
    reserve: String, "reserve", "0";
    /// Requests that may leave at once.
    burst: u32, "burst", "";
    /// `fast` or `even`.
    pace: String, "pace", "fast";
    /// Time of day at which to stop.
    until: String, "until", "";
    /// Time after which to stop.
    for_: String, "for", "";
    /// Times of day between which to send.
    window: String, "window", "";
    /// Time zone of `window` and `until`.
    timezone: String, "timezone", "";
    /// Whose clock `window` goes by.
    window_by: String, "window-by", "timezone";
    /// How long requests in flight may take after a signal.
    grace: String, "grace", "30s";
    /// Region of numbers without a plus.
    region: String, "region", "";
    /// `WHAT=HEADER` pairs.
    column: Vec<String>, "column", "";
    /// What stands between the cells.
    delimiter: String, "delimiter", "";
    /// Encoding of the text.
    encoding: String, "encoding", "";
    /// Sheet of a workbook.
    sheet: String, "sheet", "";
    /// The first row is a contact.
    no_header: bool, "no-header", "false";
    /// Which of several numbers.
    prefer: String, "prefer", "first";
    /// `one-per-row` or `all-numbers`.
    numbers: String, "numbers", "one-per-row";
    /// The least share of valid rows.
    min_valid: String, "min-valid", "50%";
    /// Text of the message.
    message: String, "message", "";
    /// File with the message as JSON.
    content: String, "content", "";
    /// Message tag.
    tag: String, "tag", "";
    /// `KEY=TEMPLATE` pairs.
    metadata: Vec<String>, "metadata", "";
    /// Time within which the same message is not repeated.
    repeat_guard: String, "repeat-guard", "12h";
    /// Time within which nobody is messaged again.
    not_within: String, "not-within", "";
    /// Same refusals that stop a batch before its first success.
    identical_refusals: u32, "identical-refusals", "20";
    /// Undecided answers in a row that pause a batch.
    undecided_in_a_row: u32, "undecided-in-a-row", "3";
    /// `hold` or `retry`.
    undecided: String, "undecided", "hold";
    /// Text of refusals that mean an invalid message.
    invalid_pattern: String, "invalid-pattern", "";
    /// The first request does not go alone.
    no_canary: bool, "no-canary", "false";
    /// The checkpoint.
    db: String, "db", "outreach.db";
    /// The results file.
    out: String, "out", "";
    /// The summary file.
    summary: String, "summary", "";
    /// Address and port for webhooks.
    listen: String, "listen", "127.0.0.1:8080";
    /// Certificate chain.
    tls_cert: String, "tls-cert", "";
    /// Private key.
    tls_key: String, "tls-key", "";
    /// File with the webhook secrets.
    webhook_secret_file: String, "webhook-secret-file", "";
    /// Further opt-out words.
    opt_out_word: Vec<String>, "opt-out-word", "";
    /// Take events without a signature.
    insecure_no_signature: bool, "insecure-no-signature", "false";
}

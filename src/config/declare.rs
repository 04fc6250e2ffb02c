//! The declarations: every setting of the program stands here, once.
//!
//! The doc comment of a field is its help text, in the terminal and in the README.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use secrecy::SecretString;

use super::error::ConfigError;
use super::origin::Origin;
use super::values::{
    at_least_one, channel_and, channel_id, concurrency, key_and_template, listen_address, one_of,
    only_channel, parsed, whole_number, zero_is_off, zone,
};
use crate::amio::BaseUrl;
use crate::amio::webhook::WebhookSecrets;
use crate::cluster::Access;
use crate::domain::dialect::Dialect;
use crate::domain::percent::Percent;
use crate::domain::phone::{LineType, Region};
use crate::domain::quota::{self, Rate, Reserve};
use crate::domain::refusal::RefusalRule;
use crate::domain::schedule::{DailyWindow, Schedule, WindowBy};
use crate::domain::sending::Undecided;
use crate::domain::sms::SmsSettings;
use crate::domain::span::{above_zero, parse_span};
use crate::intake::{Delimiter, HiddenRows, NumbersPerRow, Prefer, TextEncoding};
use crate::run::{CheckpointPlace, REHEARSALS};

/// How to reach the API.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Id of the Amio channel that sends
    #[arg(long, value_name = "ID", value_parser = channel_id)]
    pub(crate) channel: Option<String>,
    /// Address of the API: https, or http to this machine only
    #[arg(long, value_name = "URL", value_parser = parsed::<BaseUrl>, default_value = BaseUrl::DOCUMENTED)]
    pub(super) base_url: BaseUrl,
    /// File that holds the token and nothing else [default: the token is in AMIO_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// How long to wait for an answer: 30s, 2m
    #[arg(long, value_name = "TIME", value_parser = above_zero, default_value = "30s")]
    pub(crate) timeout: Duration,
    /// Simultaneous requests, 1 to 10000; your plan sets the limit
    #[arg(long, value_name = "N", value_parser = concurrency, default_value = "3")]
    pub(crate) concurrency: NonZeroU16,
    /// The address comes from a settings file that nobody named.
    #[arg(skip)]
    pub(super) base_url_is_found: bool,
    /// The token, if there is one; see [`Connection::token`].
    #[arg(skip)]
    pub(crate) token: Option<SecretString>,
}

impl Connection {
    /// The channel.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Missing`] if none is set.
    pub(crate) fn channel(&self) -> Result<&str, ConfigError> {
        self.channel
            .as_deref()
            .ok_or(ConfigError::Missing { key: "channel" })
    }

    /// Where the token goes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::FoundBaseUrl`] if a file that merely lies in the current folder sends it to another host than
    /// the API's or this machine.
    pub(crate) fn base_url(&self) -> Result<&BaseUrl, ConfigError> {
        if self.base_url_is_found && !self.base_url.is_documented() && !self.base_url.is_loopback()
        {
            return Err(ConfigError::FoundBaseUrl(self.base_url.to_string()));
        }
        Ok(&self.base_url)
    }

    /// The token.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoToken`] if there is none.
    pub(crate) fn token(&self) -> Result<&SecretString, ConfigError> {
        self.token.as_ref().ok_or(ConfigError::NoToken)
    }
}

/// How fast, and when.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(next_help_heading = "Pace")]
pub struct Pace {
    /// At most this many requests: 2000/h, 30/min, 5/s [default: what the API says it allows]
    #[arg(long, value_name = "RATE", value_parser = parsed::<Rate>)]
    pub rate: Option<Rate>,
    /// Part of the API's quota to leave to others who use it: 10%, or a number of requests
    #[arg(long, value_name = "PART", value_parser = parsed::<Reserve>, default_value = "0")]
    pub reserve: Reserve,
    /// Requests that may leave at once after a quiet time [default: 10 ms worth of the rate, at least 1]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub burst: Option<NonZeroU32>,
    /// How to use the quota of an hour: as fast as possible, or spread evenly
    #[arg(id = "pace", long, value_name = "HOW", default_value = "fast",
        value_parser = one_of([("fast", quota::Pace::Fast), ("even", quota::Pace::Even)]))]
    pub style: quota::Pace,
    /// Stop at this time of day, and continue with the next run: 06:00
    #[arg(long, value_name = "HH:MM")]
    pub(super) until: Option<String>,
    /// Stop after this time, and continue with the next run: 5h, 90m
    #[arg(long = "for", value_name = "TIME", value_parser = above_zero)]
    pub(super) for_: Option<Duration>,
    /// Send only between these times of day: 08:00-21:00
    #[arg(long, value_name = "FROM-TO", value_parser = parsed::<DailyWindow>)]
    pub(super) window: Option<DailyWindow>,
    /// Time zone of --window and --until: Europe/Prague [default: this machine's]
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub(super) timezone: Option<TimeZone>,
    /// Whose clock --window uses: --timezone, or the recipient's, from the number
    #[arg(long, value_name = "WHOSE", default_value = "timezone",
        value_parser = one_of([("timezone", WindowBy::Sender), ("recipient", WindowBy::Recipient)]))]
    pub(super) window_by: WindowBy,
    /// After Ctrl-C, how long requests in flight may take to finish: 30s
    #[arg(long, value_name = "TIME", value_parser = parse_span, default_value = "30s")]
    pub grace: Duration,
    /// Sending hours and deadline: the five settings from `until` to `window_by`, for one run.
    #[arg(skip)]
    pub schedule: Schedule,
}

/// The region of numbers without a plus.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DefaultRegion {
    /// Region of numbers without a plus, as ISO code: CZ
    #[arg(long, value_name = "CODE", value_parser = parsed::<Region>)]
    pub(super) region: Option<Region>,
    /// Numbers without a plus begin with their country code: 420777123456
    #[arg(long)]
    pub(super) international: bool,
}

/// How a contacts file is read.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Contacts file")]
pub(crate) struct ContactsFile {
    /// The region of numbers without a plus.
    #[command(flatten)]
    pub(super) default: DefaultRegion,
    /// Which column is what: phone=Mobile; also region, first_name, last_name, contact_id; repeatable
    #[arg(long, value_name = "WHAT=HEADER")]
    pub(super) column: Vec<String>,
    /// Separator of the cells: comma, semicolon, tab, pipe [default: detected]
    #[arg(long, value_name = "CHAR", value_parser = parsed::<Delimiter>)]
    pub(super) delimiter: Option<Delimiter>,
    /// Encoding of the text: utf-8, windows-1250, ... [default: detected]
    #[arg(long, value_name = "NAME", value_parser = parsed::<TextEncoding>)]
    pub(super) encoding: Option<TextEncoding>,
    /// Sheet of a workbook [default: the first with numbers]
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// Rows that are hidden in a sheet, for instance by a filter: skip or send them [default: asked]
    #[arg(long, value_name = "WHAT",
        value_parser = one_of([("skip", HiddenRows::Skip), ("send", HiddenRows::Send)]))]
    pub(super) hidden_rows: Option<HiddenRows>,
    /// Row of the header, as a spreadsheet numbers it [default: detected]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(super) header_row: Option<NonZeroU32>,
    /// The first row is a contact, not a header
    #[arg(long)]
    pub(super) no_header: bool,
    /// Ignore this column, although it looks as if it says who may be messaged; kept in the audit; repeatable
    #[arg(long, value_name = "HEADER")]
    pub(super) ignore_consent_column: Vec<String>,
    /// Of several numbers in a row take the first valid one, or the first mobile one
    #[arg(long, value_name = "WHICH", default_value = "first",
        value_parser = one_of([("first", Prefer::First), ("mobile", Prefer::Mobile)]))]
    pub(super) prefer: Prefer,
    /// One message for each row, or one for each number of a row
    #[arg(long, hide = true, value_name = "WHICH", default_value = "one-per-row",
        value_parser = one_of([("one-per-row", NumbersPerRow::One), ("all-numbers", NumbersPerRow::All)]))]
    pub(super) numbers: NumbersPerRow,
    /// One message for each row, however many numbers it has (the default)
    #[arg(long, conflicts_with = "all_numbers")]
    one_per_row: bool,
    /// One message for each number of a row
    #[arg(long)]
    all_numbers: bool,
    /// Also message lines of this type, which no person answers: toll-free, premium-rate, shared-cost, pager, voicemail, uan; repeatable
    #[arg(long, value_name = "TYPE", value_parser = parsed::<LineType>)]
    pub(super) allow_line_type: Vec<LineType>,
    /// Refuse a file with fewer valid rows than this: 50%
    #[arg(long, value_name = "PERCENT", value_parser = parsed::<Percent>, default_value = "50%")]
    pub(super) min_valid: Percent,
}

/// The two words of the setting `numbers`, which are flags of their own: there is no `--numbers`.
pub(super) const NUMBERS: [&str; 2] = ["one-per-row", "all-numbers"];

/// Where the message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MessageSource {
    /// A text, as a template.
    Message(String),
    /// A file with the content as JSON.
    File(PathBuf),
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Message")]
pub struct Content {
    /// Text of the message: "Hello {{ first_name }}"
    #[arg(
        id = "message",
        long,
        short,
        value_name = "TEMPLATE",
        conflicts_with = "content"
    )]
    pub(super) text: Option<String>,
    /// File with the message as JSON (image, cards, quick replies, ...); every string is a template
    #[arg(id = "content", long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Message tag of Facebook Messenger; all but HUMAN_AGENT were retired in April 2026
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Further metadata of the message; repeatable
    #[arg(long, value_name = "KEY=TEMPLATE", value_parser = key_and_template)]
    pub metadata: Vec<(String, String)>,
    /// The channel sends SMS: count the segments of each message [default: if the channel is known to send SMS]
    #[arg(long)]
    pub(super) sms: bool,
    /// Refuse a row whose message needs more SMS segments; kept with the batch
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(super) max_segments: Option<NonZeroU32>,
    /// What is asked for about SMS.
    #[arg(skip)]
    pub(crate) sms_settings: SmsSettings,
    /// The message; `None` if neither `--message` nor `--content` is given.
    #[arg(skip)]
    pub(crate) message: Option<MessageSource>,
}

/// Other channels for people whom the channel does not reach.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Other channels")]
pub(crate) struct OtherChannels {
    /// Try this channel for people whom the first one does not reach; repeatable, tried in this order
    #[arg(long, value_name = "CHANNEL", value_parser = channel_id)]
    pub(crate) fallback: Vec<String>,
    /// The message for one of these channels, a template as --message takes it; repeatable [default: the message]
    #[arg(long, value_name = "CHANNEL=TEXT", value_parser = channel_and)]
    pub(crate) message_for: Vec<(String, String)>,
    /// The same from a JSON file, as --content takes it; repeatable
    #[arg(long, value_name = "CHANNEL=FILE", value_parser = channel_and)]
    pub(crate) content_for: Vec<(String, String)>,
    /// Ask before more people than this may go on to another channel, which costs money [default: 1000]
    #[arg(long, value_name = "N", value_parser = whole_number)]
    pub(crate) fallback_at_most: Option<u64>,
    /// `channel`: also go on when a channel as a whole is refused, instead of waiting until it is mended
    #[arg(long, value_name = "WHAT", value_parser = only_channel)]
    pub(crate) fallback_on: Option<String>,
}

/// The contacts that earlier batches have reached. The `Default` is "skip none".
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Never twice")]
pub(crate) struct History {
    /// Skip people who got the same message within this time; 0 turns it off
    #[arg(long, value_name = "TIME", value_parser = parse_span, default_value = "12h")]
    pub(crate) repeat_guard: Duration,
    /// Skip people who got any message from us within this time: 30d [default: off]
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub(crate) not_within: Option<Duration>,
    /// Skip people whose number was answered "no Messenger" within this time; with --fallback they begin on the next channel: 90d [default: off]
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub(crate) skip_no_messenger_within: Option<Duration>,
}

/// How often a lost answer is sent again with `--undecided retry`, the first time included.
const RETRY: Undecided = Undecided::Retry { attempts: 3 };

/// When to stop by itself.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Guards")]
pub struct Guards {
    /// Stop after this many refusals with the same text before the first success; 0 turns it off
    // The long path keeps clap from taking the `Option` for "may be left out": `None` is 0, "off".
    #[arg(long, value_name = "N", value_parser = zero_is_off, default_value = "20")]
    pub identical_refusals: std::option::Option<NonZeroU32>,
    /// Pause after this many answers in a row that leave the outcome unknown
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value = "3")]
    pub undecided_in_a_row: NonZeroU32,
    /// When the outcome is unknown: hold the recipient, or retry and risk a second message
    #[arg(long, value_name = "WHAT", default_value = "hold",
        value_parser = one_of([("hold", Undecided::Hold), ("retry", RETRY)]))]
    pub undecided: Undecided,
    /// What refusals with this text mean: no_messenger, person, message, channel, wait, later; * is any text
    #[arg(id = "refusal", long = "refusal", value_name = "MEANING=TEXT", value_parser = parsed::<RefusalRule>)]
    pub refusals: Vec<RefusalRule>,
    /// Old name of --refusal "message=TEXT"
    #[arg(long, value_name = "TEXT")]
    pub invalid_pattern: Option<String>,
    /// Exit code 10 instead of 0 or 3 if fewer than this share of the people who could be sent to ended as sent: 60%
    #[arg(long, value_name = "PERCENT", value_parser = parsed::<Percent>)]
    pub(crate) fail_below: Option<Percent>,
    /// Do not wait for the first answer before sending the others
    #[arg(long)]
    pub no_canary: bool,
    /// The contacts that earlier batches have reached.
    #[arg(skip)]
    pub(crate) history: History,
}

/// Where the console is found.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Listening")]
pub(crate) struct ConsolePage {
    /// Address and port; if others reach it, it needs users, and TLS or a proxy
    #[arg(long, visible_alias = "listen", value_name = "ADDRESS:PORT", value_parser = listen_address, default_value = "127.0.0.1:8088")]
    pub(crate) console_listen: SocketAddr,
    /// A proxy terminates TLS, and others reach the page through it: users sign in
    #[arg(long, visible_alias = "behind-proxy")]
    pub(crate) console_behind_proxy: bool,
}

/// The certificate of `serve` and `console`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Listening")]
pub(crate) struct Tls {
    /// Certificate chain as PEM, for `serve` and `console`; with --tls-key
    #[arg(long, value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,
    /// Private key as PEM; with --tls-cert
    #[arg(long, value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,
}

/// Where the state is kept.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Checkpoint")]
pub(crate) struct CheckpointFile {
    /// The checkpoint: state of all batches, contacts, suppression list [default: outreach/outreach.db in your data folder]
    #[arg(long, value_name = "FILE")]
    pub(super) db: Option<PathBuf>,
    /// The checkpoint is shared by several machines through this log: postgres://USER@HOST/DATABASE [default: one machine]
    #[arg(long, value_name = "URL", value_parser = parsed::<Access>)]
    pub(super) cluster: Option<Access>,
    /// File that holds the password for --cluster and nothing else
    #[arg(long, value_name = "FILE")]
    pub(super) cluster_password_file: Option<PathBuf>,
    /// How long the log of --cluster may be out of reach before a command gives up
    #[arg(long, value_name = "TIME", value_parser = parse_span, default_value = "10m")]
    pub(super) cluster_patience: Duration,
}

/// Where the results go.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Results")]
pub(crate) struct Results {
    /// Results file: one line for each row of the input; .xlsx and .jsonl too [default: BATCH.results.csv]
    #[arg(long, short, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Also write the summary as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) summary: Option<PathBuf>,
    /// How text is written.
    #[command(flatten)]
    pub(super) written: ResultsFormat,
}

/// How files of rows are written.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Results")]
pub(crate) struct ResultsFormat {
    /// How CSV files are written: comma, semicolon, tab or pipe, with +bom for Excel [default: like the list]
    #[arg(long, value_name = "HOW", value_parser = parsed::<Dialect>)]
    pub(super) dialect: Option<Dialect>,
}

/// Where state and results are kept.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    pub(super) place: CheckpointPlace,
    /// Where the real batches are, also where a flag names a checkpoint for a rehearsal.
    pub(super) real: CheckpointPlace,
    /// The log that it is a replica of, if it is one.
    pub(crate) cluster: Option<Access>,
    /// Flags that say where the API and the settings are, with their values: a suggested command must repeat them.
    pub(crate) typed_places: Vec<(&'static str, String)>,
    pub(super) db_from: Origin,
    /// The results file; `None` is `<batch>.results.csv`.
    pub(crate) out: Option<PathBuf>,
    pub(super) out_from: Origin,
    /// How text files of rows are written; `None` is as the list was.
    pub(crate) dialect: Option<Dialect>,
    /// The summary file.
    pub(crate) summary: Option<PathBuf>,
    pub(super) summary_from: Origin,
}

/// Where rehearsals are kept, where a checkpoint of real batches is called [`REHEARSALS`].
const OTHER_REHEARSALS: &str = "rehearsals.db";

impl Checkpoint {
    /// Where the checkpoint is.
    pub(crate) fn place(&self) -> &CheckpointPlace {
        &self.place
    }

    /// Where the checkpoint of the real batches is, for a rehearsal that has one of its own.
    pub(crate) fn real(&self) -> &CheckpointPlace {
        &self.real
    }

    /// Whether any layer names the checkpoint: otherwise it is the command's own default.
    pub(crate) fn is_named(&self) -> bool {
        self.db_from != Origin::Default
    }

    /// The checkpoint, if a flag of this command named it: a suggested command must name it too.
    pub(crate) fn db_by_flag(&self) -> Option<&Path> {
        match &self.place {
            CheckpointPlace::Named(db) if self.db_from == Origin::Flag => Some(db),
            CheckpointPlace::Named(_) | CheckpointPlace::Either { .. } => None,
        }
    }

    /// The same for a rehearsal: only a flag, given for this very run, may name the files. The
    /// checkpoint that the environment or `outreach.toml` names is the real one, and a rehearsal in
    /// it would count as messages to real people.
    #[must_use]
    pub(crate) fn for_sandbox(self) -> Self {
        let db = self.db_by_flag().unwrap_or(Path::new(REHEARSALS));
        let place = CheckpointPlace::Named(db.to_owned());
        self.rehearsing_in(place)
    }

    /// The rehearsals of a command whose own checkpoint, also where a flag names it, is that of the real batches: never
    /// the same file.
    #[must_use]
    pub(crate) fn for_rehearsals_beside(self) -> Self {
        let is_taken = self.db_by_flag().and_then(Path::file_name) == Some(REHEARSALS.as_ref());
        let db = if is_taken {
            OTHER_REHEARSALS
        } else {
            REHEARSALS
        };
        self.rehearsing_in(CheckpointPlace::Named(db.into()))
    }

    fn rehearsing_in(self, place: CheckpointPlace) -> Self {
        Self {
            place,
            // Nobody is messaged: a rehearsal is of this machine alone.
            cluster: None,
            out: self.out.filter(|_| self.out_from == Origin::Flag),
            summary: self.summary.filter(|_| self.summary_from == Origin::Flag),
            ..self
        }
    }
}

/// How to receive webhooks.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Webhooks")]
pub(crate) struct Serve {
    /// Address and port
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// File with the webhook secrets, one per line: CHANNEL=SECRET, or SECRET for all channels
    #[arg(long, value_name = "FILE")]
    pub(super) webhook_secret_file: Option<PathBuf>,
    /// Further words that opt a person out, beside STOP and the like; repeatable
    #[arg(id = "opt_out_word", long = "opt-out-word", value_name = "WORD")]
    pub(crate) opt_out_words: Vec<String>,
    /// Take events without a signature; only on this machine, for tests
    #[arg(long)]
    pub(crate) insecure_no_signature: bool,
    /// Name the batches in /metrics, which anyone who can reach it can read
    #[arg(long)]
    pub(crate) metrics_names: bool,
    /// How often to write the results files of finished batches with new deliveries again: 15m [default: never]
    #[arg(long, value_name = "TIME", value_parser = above_zero)]
    pub(crate) refresh_results: Option<Duration>,
    /// Once a day, prune batches that were finished this long ago: 180d [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub(crate) prune_after: Option<Duration>,
    /// The webhook secrets; empty only with `insecure_no_signature`.
    #[arg(skip)]
    pub(crate) secrets: WebhookSecrets,
}

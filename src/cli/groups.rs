//! Groups of flags that several commands share: each flag is declared once.

#![allow(
    rustdoc::bare_urls,
    reason = "only rustdoc looks at this one, so that it cannot be expected"
)]
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help texts: a terminal shows backticks as they are"
)]

use clap::Args;

/// How to reach the API.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Id of the Amio channel that sends
    #[arg(long, value_name = "ID")]
    pub channel: Option<String>,
    /// Address of the API, https, or http to this machine [default: https://api.amio.io/v1]
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// File that holds the token and nothing else [default: the token is in AMIO_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<String>,
    /// How long to wait for an answer: 30s, 2m [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Requests at the same time; your plan's limit, 1 to 10000 [default: 3]
    #[arg(long, value_name = "N")]
    pub concurrency: Option<u32>,
}

/// How fast, and when.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Pace")]
pub struct PaceArgs {
    /// At most so many requests: 2000/h, 30/min, 5/s [default: what the API says it allows]
    #[arg(long, value_name = "RATE")]
    pub rate: Option<String>,
    /// Part of the API's quota to leave to others who use it: 10%, or a number of requests [default: 0]
    #[arg(long, value_name = "PART")]
    pub reserve: Option<String>,
    /// Requests that may leave at once after a quiet time [default: 10 ms worth of the rate, at least 1]
    #[arg(long, value_name = "N")]
    pub burst: Option<u32>,
    /// How to use the quota of an hour: as fast as it goes, or spread evenly [default: fast]
    #[arg(long, value_name = "HOW", value_parser = ["fast", "even"])]
    pub pace: Option<String>,
    /// Stop at this time of day, and continue with the next run: 06:00
    #[arg(long, value_name = "HH:MM")]
    pub until: Option<String>,
    /// Stop after this time, and continue with the next run: 5h, 90m
    #[arg(long = "for", value_name = "TIME")]
    pub for_: Option<String>,
    /// Send only between these times of day: 08:00-21:00
    #[arg(long, value_name = "FROM-TO")]
    pub window: Option<String>,
    /// Time zone of --window and --until: Europe/Prague [default: this machine's]
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// Whose clock --window goes by: --timezone, or the recipient's, from the number [default: timezone]
    #[arg(long, value_name = "WHOSE", value_parser = ["timezone", "recipient"])]
    pub window_by: Option<String>,
    /// After Ctrl-C, how long requests in flight may take to finish: 30s [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub grace: Option<String>,
}

/// How a contacts file is read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Contacts file")]
pub struct IntakeArgs {
    /// Region of numbers without a plus, as ISO code: CZ
    #[arg(long, value_name = "CODE")]
    pub region: Option<String>,
    /// Which column is what: phone=Mobile; also region, first_name, last_name, contact_id; repeatable
    #[arg(long, value_name = "WHAT=HEADER")]
    pub column: Vec<String>,
    /// What stands between the cells: comma, semicolon, tab, pipe [default: found out]
    #[arg(long, value_name = "CHAR")]
    pub delimiter: Option<String>,
    /// Encoding of the text: utf-8, windows-1250, ... [default: found out]
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// Sheet of a workbook [default: the first]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// The first row is a contact, not a header
    #[arg(long)]
    pub no_header: bool,
    /// Of several numbers in a row take the first valid one, or the first mobile one [default: first]
    #[arg(long, value_name = "WHICH", value_parser = ["first", "mobile"])]
    pub prefer: Option<String>,
    /// One message for each row, however many numbers it has (the default)
    #[arg(long, conflicts_with = "all_numbers")]
    pub one_per_row: bool,
    /// One message for each number of a row
    #[arg(long)]
    pub all_numbers: bool,
    /// Refuse a file with fewer valid rows than this: 50% [default: 50%]
    #[arg(long, value_name = "PERCENT")]
    pub min_valid: Option<String>,
}

/// What is sent.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Message")]
pub struct ContentArgs {
    /// Text of the message: "Hello {{ first_name }}"
    #[arg(long, short, value_name = "TEMPLATE", conflicts_with = "content")]
    pub message: Option<String>,
    /// File with the message as JSON (image, cards, quick replies, ...); every string is a template
    #[arg(long, value_name = "FILE")]
    pub content: Option<String>,
    /// Message tag of Facebook Messenger: ACCOUNT_UPDATE, CONFIRMED_EVENT_UPDATE, POST_PURCHASE_UPDATE
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Further metadata of the message; repeatable
    #[arg(long, value_name = "KEY=TEMPLATE")]
    pub metadata: Vec<String>,
}

/// Whom earlier batches have reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Never twice")]
pub struct HistoryArgs {
    /// Skip who got the same message within this time; 0 turns it off [default: 12h]
    #[arg(long, value_name = "TIME")]
    pub repeat_guard: Option<String>,
    /// Skip who got any message from us within this time: 30d [default: off]
    #[arg(long, value_name = "TIME")]
    pub not_within: Option<String>,
}

/// When to stop by itself.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Guards")]
pub struct GuardArgs {
    /// Stop after so many refusals with the same text before the first success; 0 turns it off [default: 20]
    #[arg(long, value_name = "N")]
    pub identical_refusals: Option<u32>,
    /// Pause after so many answers in a row that leave the outcome unknown [default: 3]
    #[arg(long, value_name = "N")]
    pub undecided_in_a_row: Option<u32>,
    /// When the outcome is unknown: hold the recipient, or retry and risk a double [default: hold]
    #[arg(long, value_name = "WHAT", value_parser = ["hold", "retry"])]
    pub undecided: Option<String>,
    /// Refusals whose text matches mean an invalid message, not "no Messenger"; * stands for any text
    #[arg(long, value_name = "TEXT")]
    pub invalid_pattern: Option<String>,
    /// Do not wait for the first answer before the others leave
    #[arg(long)]
    pub no_canary: bool,
}

/// Where the state is kept.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Checkpoint")]
pub struct CheckpointArgs {
    /// The checkpoint: state of all batches, contacts, suppression list [default: outreach.db]
    #[arg(long, value_name = "FILE")]
    pub db: Option<String>,
}

/// Where the results go.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Results")]
pub struct OutputArgs {
    /// Results file: one line for each row of the input [default: BATCH.results.csv]
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<String>,
    /// Also write the summary as JSON
    #[arg(long, value_name = "FILE")]
    pub summary: Option<String>,
}

/// How to receive webhooks.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Webhooks")]
pub struct ServeFlags {
    /// Address and port [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// Certificate chain as PEM; with --tls-key
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,
    /// Private key as PEM; with --tls-cert
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,
    /// File with the webhook secrets, one a line: CHANNEL=SECRET, or SECRET for all channels
    #[arg(long, value_name = "FILE")]
    pub webhook_secret_file: Option<String>,
    /// Further words that opt a person out, beside STOP and the like; repeatable
    #[arg(long, value_name = "WORD")]
    pub opt_out_word: Vec<String>,
    /// Take events without a signature; only on this machine, for tests
    #[arg(long)]
    pub insecure_no_signature: bool,
}

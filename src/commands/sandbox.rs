//! `outreach sandbox`: the simulated API in a process of its own.

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::console::Console;
use super::error::CommandResult;
use super::process::{runtime, signal};
use crate::domain::span::parse_span;
use crate::exit::ExitCode;
use crate::run::{REHEARSALS, RunError};
use crate::sandbox::{
    Channel, ConnectionLimit, Excess, FaultRule, Headers, Quota, Sandbox, Settings, Share, Texts,
    WebhookSettings, WindowKind,
};

/// Lines of at most 80 characters, so that no terminal wraps them.
const FAULTS: &str = "\
Faults are written KIND or KIND:OPTION,OPTION. The first rule that hits decides.

Kinds:
  400 ... 599         this status; nothing is accepted
  502-after-accept    this status, and the message is accepted all the same
  refuse=TEXT         a refusal with this text in errors[0].message: 422, or status=
  fail-later=CODE     201, later message_failed with this code (not on Messenger)
  slow                the answer comes late
  hang-after-accept, hang-before-accept
                      no answer
  garbage-201, garbage-200
                      an unreadable answer; accepted (201) or not (200)
  close-after-accept, cut-after-accept
                      accepted; the connection closes before or in the answer
  drop-before-read    the connection closes before the request is read
  close-after-answer  the connection closes after the answer
  refuse              the port refuses connections for a while

Options:
  2%, share=0.02      this share of the requests, by chance
  from=N, to=N, at=N, after=N, every=N
                      these requests, counted from 1
  after=N             of refuse=TEXT: once N messages are accepted
  on=all              count and hit all calls, not sends alone
  channel=ID          only sends to this channel
  by=id, by=phone     only sends by contact id, or by phone number
  for=TIME            of refuse and slow: how long or late; of a status and
                      refuse=TEXT: the rule ends this long after its first hit
  status=CODE         of refuse=TEXT
  byte=N              of cut-after-accept: bytes of the answer that arrive
  retry-after=SECONDS of an error answer: its Retry-After header
  text=WORDS          of a status: its error text (the last option)

TEXT may hold commas and colons: options of refuse=TEXT follow after colons.
  --fault 'refuse=(#4) Too many send requests:after=40:status=502:for=30s'";

/// Simulate the Amio API on a local port. Nobody is messaged.
#[derive(Debug, Clone, clap::Args)]
#[command(after_long_help = FAULTS)]
pub(crate) struct SandboxArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8089")]
    listen: SocketAddr,
    /// The seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A token that is accepted (repeatable) [default: sandbox-token]
    #[arg(long, value_name = "TOKEN")]
    token: Vec<String>,
    /// A channel, such as `7001:facebook_messenger` (repeatable) [default: one each of Messenger, mobile, Viber]
    #[arg(long, value_name = "ID:TYPE", value_parser = parse_channel)]
    channel: Vec<Channel>,
    /// Share of numbers that have no Messenger
    #[arg(long, value_name = "SHARE", default_value = "15%")]
    no_messenger: Share,
    /// Share of numbers that have no Viber [default: those that have no Messenger]
    #[arg(long, value_name = "SHARE")]
    no_viber: Option<Share>,
    /// The text of the answer for those that have no Messenger
    #[arg(long, value_name = "TEXT")]
    no_messenger_text: Option<String>,
    /// Say this in every 422, whatever its cause
    #[arg(long, value_name = "TEXT")]
    same_text: Option<String>,
    /// Refuse messages with a retired tag: (#100) Invalid parameter
    #[arg(long)]
    retired_tags: bool,
    /// On Messenger, refuse further messages to a person whose last action is longer ago, such as 24h
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    reply_window: Option<Duration>,
    /// Requests in one window; 0 for no quota
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    quota: u32,
    /// The length of the window
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_span)]
    window: Duration,
    /// How the quota counts
    #[arg(long, value_enum, default_value_t = WindowKind::Fixed)]
    window_kind: WindowKind,
    /// What the quota headers say
    #[arg(long, value_enum, default_value_t = Headers::Honest)]
    headers: Headers,
    /// The highest number of simultaneous connections
    #[arg(long, value_name = "N")]
    connections: Option<NonZeroU32>,
    /// What happens to one connection too many
    #[arg(long, value_enum, default_value_t = Excess::Answer429)]
    excess: Excess,
    /// How long every answer takes
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = parse_span)]
    latency: Duration,
    /// Up to this much more, at random
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = parse_span)]
    jitter: Duration,
    /// A scripted fault, such as `500:2%`, `401:after=500`, `refuse:from=200,for=5s` or `refuse=TEXT:after=40`
    /// (repeatable; --help has all)
    #[arg(long, value_name = "FAULT")]
    fault: Vec<FaultRule>,
    /// Keep accepted messages in this file, to go on after a kill
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Send webhook events to this address; `{channel_id}` in it is replaced
    #[arg(long, value_name = "URL", requires = "webhook_secret")]
    webhook_url: Option<String>,
    /// The secret that signs them
    #[arg(long, value_name = "SECRET", requires = "webhook_url")]
    webhook_secret: Option<String>,
    /// How often each kind of event comes: echo, opt-in, delivered, read, stop, failed, unknown, duplicates, reordered or forged,
    /// such as `opt-in:70%` (repeatable)
    #[arg(long, value_name = "NAME:SHARE", requires = "webhook_url", value_parser = parse_event)]
    webhook: Vec<(String, Share)>,
    /// An opt-out word that people answer (repeatable) [default: STOP]
    #[arg(long, value_name = "WORD", requires = "webhook_url")]
    stop_word: Vec<String>,
    /// The time from a message to its first event
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = parse_span)]
    webhook_delay: Duration,
    /// The time from its first event to the last
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = parse_span)]
    webhook_spread: Duration,
    /// How long a minute of the redelivery schedule (1, 5, 20, 60, 180, 480) lasts
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_span)]
    webhook_minute: Duration,
}

fn parse_event(text: &str) -> Result<(String, Share), String> {
    let (name, share) = text
        .split_once(':')
        .ok_or("write a name and a share, such as opt-in:70%")?;
    let share = share.parse::<Share>().map_err(|error| error.to_string())?;
    if WebhookSettings::new("", "").set_share(name, share) {
        Ok((name.to_owned(), share))
    } else {
        Err(format!("`{name}` is not a name of --webhook"))
    }
}

fn parse_channel(text: &str) -> Result<Channel, String> {
    let wrong = || "write the id and the type, such as 7001:facebook_messenger".to_owned();
    let (id, kind) = text.split_once(':').ok_or_else(wrong)?;
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if is_word(id) && is_word(kind) {
        Ok(Channel::new(id, kind))
    } else {
        Err(wrong())
    }
}

/// What was given, or else the default.
fn given<T: Clone>(values: &[T], default: Vec<T>) -> Vec<T> {
    if values.is_empty() {
        default
    } else {
        values.to_vec()
    }
}

impl SandboxArgs {
    /// What the flags ask for.
    fn settings(&self) -> Settings {
        let default = Settings::default();
        let no_messenger = self.no_messenger_text.clone();
        Settings {
            seed: self.seed,
            tokens: given(&self.token, default.tokens),
            channels: given(&self.channel, default.channels),
            without_messenger: self.no_messenger,
            without_viber: self.no_viber,
            texts: Texts {
                no_messenger: no_messenger.unwrap_or(default.texts.no_messenger),
                every_422: self.same_text.clone(),
            },
            retired_tags: self.retired_tags,
            reply_window: self.reply_window,
            quota: NonZeroU32::new(self.quota).map(|limit| Quota {
                kind: self.window_kind,
                headers: self.headers,
                ..Quota::fixed(limit, self.window)
            }),
            connections: self.connections.map(|limit| ConnectionLimit {
                limit,
                excess: self.excess,
            }),
            latency: self.latency,
            jitter: self.jitter,
            faults: self.fault.clone(),
            webhooks: self.webhooks(),
            state: self.state.clone(),
            ..default
        }
    }

    fn webhooks(&self) -> Option<WebhookSettings> {
        let mut webhooks =
            WebhookSettings::new(self.webhook_url.as_ref()?, self.webhook_secret.as_ref()?);
        for (name, share) in &self.webhook {
            webhooks.set_share(name, *share);
        }
        Some(WebhookSettings {
            stop_words: given(&self.stop_word, webhooks.stop_words),
            delay: self.webhook_delay,
            spread: self.webhook_spread,
            minute: self.webhook_minute,
            ..webhooks
        })
    }
}

/// Serves until Ctrl-C or SIGTERM. The base URL is printed on stdout, alone on the first line, for scripts.
///
/// # Errors
/// [`CommandError`](super::error::CommandError) if the address cannot be listened on.
pub(crate) fn run(args: &SandboxArgs, console: Console, out: &mut dyn Write) -> CommandResult {
    runtime()?.block_on(serve(args, console, out))
}

async fn serve(args: &SandboxArgs, console: Console, out: &mut dyn Write) -> CommandResult {
    let settings = args.settings();
    let channel = settings
        .channels
        .first()
        .map_or_else(String::new, |channel| channel.id.clone());
    let token = settings.tokens.first().cloned().unwrap_or_default();
    let sandbox = Sandbox::start(settings, args.listen).await;
    let sandbox = sandbox.map_err(RunError::from)?;
    let url = sandbox.base_url();
    writeln!(out, "{url}")?;
    out.flush()?;
    console.say("A simulated Amio API; nobody is messaged. Send to it with:");
    // In the checkpoint of the real batches, whom the sandbox took would count as messaged.
    console.say(format_args!(
        "  AMIO_TOKEN={token} outreach send contacts.csv --base-url {url} --channel {channel} --db {REHEARSALS} --message \"Hello\""
    ));
    console.say(format_args!(
        "Its own account: http://{0}/sandbox/stats (also /accepted, /messages, /people). Stop it with Ctrl-C.",
        sandbox.address()
    ));
    signal().await;
    console.say_lines(serde_json::to_string_pretty(&sandbox.stats())?);
    sandbox.stop();
    Ok(ExitCode::Complete)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: SandboxArgs,
    }

    fn settings(flags: &[&str]) -> Settings {
        Cli::try_parse_from([&["sandbox"], flags].concat())
            .unwrap()
            .args
            .settings()
    }

    #[test]
    fn without_flags_it_is_the_quickstart() {
        assert_eq!(
            format!("{:?}", settings(&[])),
            format!("{:?}", Settings::default())
        );
    }

    #[test]
    fn flags_script_it() {
        let settings = settings(&[
            "--quota=5",
            "--window=2s",
            "--window-kind=leaky-bucket",
            "--headers=off",
            "--connections=3",
            "--excess=close",
            "--fault=500:2%",
            "--fault=refuse:from=200,for=5s",
            "--channel=77:mobile",
            "--token=a",
            "--token=b",
        ]);
        let quota = settings.quota.unwrap();
        assert_eq!(
            (quota.limit.get(), quota.window, quota.kind),
            (5, Duration::from_secs(2), WindowKind::LeakyBucket)
        );
        assert_eq!(settings.connections.unwrap().excess, Excess::Close);
        assert_eq!(settings.faults.len(), 2);
        assert_eq!(settings.channels, [Channel::new("77", "mobile")]);
        assert_eq!(settings.tokens, ["a", "b"]);
        assert!(Cli::try_parse_from(["sandbox", "--fault=boom"]).is_err());
    }
}

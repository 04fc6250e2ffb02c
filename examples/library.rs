//! The library without the program: a list is read, sent to a sandbox in this process, and accounted for.
//!
//! ```text
//! cargo run --example library
//! ```
#![expect(clippy::print_stdout, reason = "a program for the command line")]

use std::{collections::BTreeMap, num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use outreach::amio::{Client, ClientSettings, OutgoingMessage, RawJson, Reply};
use outreach::clock::Clock;
use outreach::dispatch::pacer::{Handle, core};
use outreach::dispatch::{DispatchSettings, Dispatcher, GuardSettings, Guards, Sender, Undecided};
use outreach::domain::content::{ContentSource, Template};
use outreach::domain::eligibility::HistorySpan;
use outreach::domain::{outcome, quota::QuotaHeaders, schedule::Schedule};
use outreach::intake::{self, Input, Judge, Source, Unsendable};
use outreach::report::write_results;
use outreach::sandbox::{Sandbox, Settings};
use outreach::store::{Batch, BatchName, ClaimRules, Claimed, Journal, NewBatch, Store};

const CHANNEL: &str = Settings::MESSENGER_CHANNEL;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let store = Arc::new(Store::open(&folder.path().join("outreach.db"))?);
    let clock = Clock::system();
    let _hold = store.hold("spring", clock.now())?;
    let batch = read(&store, "fixtures/contacts.csv", &clock)?;
    tokio::runtime::Runtime::new()?.block_on(send(&store, &batch, clock))?;
    // Every row is accounted for, whatever became of it.
    write_results(&store.reader()?, &batch, std::io::stdout())?;
    Ok(())
}

/// The list goes into the checkpoint: each row with its verdict and its message, rendered and frozen.
fn read(store: &Store, file: &str, clock: &Clock) -> anyhow::Result<Batch> {
    let source = Source::Path(PathBuf::from(file));
    let mut input = Input::open(&[source], &intake::Settings::default())?;
    let message = ContentSource::message("Hello {{ first_name }}, your order is ready.");
    let template = Template::compile(&message, input.headers())?;
    let id = store.create_batch(NewBatch {
        name: BatchName::Named("spring".to_owned()),
        digest: *input.digest().bytes(),
        definition: BTreeMap::new(),
        headers: input.headers().to_vec(),
        files: input.file_names().map(str::to_owned).collect(),
        channel: CHANNEL.to_owned(),
        sandbox: true,
        created_at: clock.now(),
    })?;
    let mut loader = store.loader(id, CHANNEL, clock.now());
    let render = |record: &_, _, _| {
        let rendered = template.render(record);
        rendered.map_err(|problem| Unsendable::Problem(problem.to_string()))
    };
    let judge = Judge {
        render: Some(&render),
        ..Judge::alone()
    };
    input.judge(&judge, &mut |row| {
        loader.push(row, |first| format!("row {}", first.row))
    })?;
    loader.finish()?;
    Ok(store.reader()?.batch("spring")?)
}

/// The batch is sent, as fast as the sandbox's quota allows; every intent is on disk before its request.
async fn send(store: &Arc<Store>, batch: &Batch, clock: Clock) -> anyhow::Result<()> {
    let sandbox = Sandbox::start(Settings::default(), ([127, 0, 0, 1], 0).into()).await?;
    let settings = ClientSettings {
        base_url: sandbox.base_url().parse()?,
        token: Settings::DEFAULT_TOKEN.to_owned().into(),
        timeout: Duration::from_secs(30),
        concurrency: 3,
    };
    let client = Client::new(&settings, clock.clone())?;
    let rules = ClaimRules {
        span: HistorySpan {
            repeat_guard: Duration::from_hours(12),
            not_within: Duration::ZERO,
        },
        token: client.token_fingerprint(),
        window: None,
    };
    let (journal, _) = Journal::start(Arc::clone(store), batch, rules, clock.now()).await?;
    let pacer = Handle::new(
        core::Settings::default(),
        &core::Past::default(),
        clock.clone(),
    );
    let known = store.reader()?.known_refusals()?;
    let guards = Guards::new(GuardSettings::default(), false, known);
    let settings = DispatchSettings {
        concurrency: NonZeroUsize::MIN,
        undecided: Undecided::Hold,
        schedule: Schedule::default(),
        channel_type: None,
        invalid_pattern: None,
        canary: true,
    };
    let jitter = Box::new(|| 0);
    let run = Dispatcher::new(journal, Api(client), pacer, clock, guards, settings, jitter);
    println!("{:?}", run.run().await?);
    Ok(())
}

/// How a message leaves. Another provider would stand here.
struct Api(Client);

impl Sender for Api {
    async fn send(&self, recipient: &Claimed) -> Reply {
        let content = RawJson::new(recipient.content.clone());
        let metadata = RawJson::new(recipient.metadata.clone());
        let (Ok(content), Ok(metadata)) = (content, metadata) else {
            return Reply {
                exchange: outcome::Exchange::Failed {
                    written: outcome::Written::No,
                    detail: "the stored content is no JSON".to_owned(),
                },
                quota: QuotaHeaders::default(),
            };
        };
        let message = OutgoingMessage {
            channel: CHANNEL,
            addressee: &recipient.addressee,
            content: &content,
            metadata: &metadata,
        };
        self.0.send(&message).await
    }
}

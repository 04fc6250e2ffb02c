//! The API of a journey: the sandbox in this process, its faults of the step, and its account.
//!
//! The sandbox echoes every accepted message to a listener in this process. Those echoes are the
//! account: who was messaged, on which channel, with what, and for which batch (a metadata key that
//! the journey gives). They are also the echoes that a journey later brings to `serve`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use outreach::internals::sandbox::{Sandbox, Settings, Share, WebhookSettings};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::list::{CHANNELS, PEOPLE, number};

/// The metadata key that says for which batch a message was meant.
pub(crate) const BATCH_KEY: &str = "journey";

/// Longer than anything that a step waits for.
const BOUND: Duration = Duration::from_secs(20);

/// One message that the API accepted.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    /// Grows from message to message.
    pub(crate) id: u64,
    pub(crate) channel: usize,
    pub(crate) person: usize,
    pub(crate) batch: String,
    pub(crate) text: String,
    /// The `data` of its echo.
    pub(crate) echo: Value,
}

/// What the sandbox holds of the people, the same in every journey.
#[derive(Debug)]
pub(crate) struct People {
    /// By channel and person; `None` where the channel does not reach the person.
    pub(crate) contacts: Vec<Vec<Option<String>>>,
    by_contact: BTreeMap<String, (usize, usize)>,
}

impl People {
    /// Whether the channel reaches the person.
    pub(crate) fn reachable(&self, channel: usize, person: usize) -> bool {
        self.contacts[channel][person].is_some()
    }
}

/// Sends one message to everybody on every channel of a sandbox that nobody else uses.
pub(crate) fn people() -> &'static People {
    static PEOPLE_OF_THE_SANDBOX: OnceLock<People> = OnceLock::new();
    PEOPLE_OF_THE_SANDBOX.get_or_init(|| {
        let runtime = runtime();
        runtime.block_on(async {
            let sandbox = start(Vec::new(), None, None, Duration::ZERO).await;
            let url = format!("{}/messages", sandbox.base_url());
            let client = client();
            let mut contacts = Vec::new();
            let mut by_contact = BTreeMap::new();
            for (channel, (channel_id, _)) in CHANNELS.iter().enumerate() {
                let mut of_channel = Vec::new();
                for person in 0..PEOPLE {
                    let body = json!({
                        "channel": { "id": channel_id },
                        "contact": { "phone_number": number(person).to_string() },
                        "content": { "type": "text", "payload": "probe" },
                    });
                    let request = client.post(&url).bearer_auth(Settings::DEFAULT_TOKEN);
                    let answer = request.body(body.to_string()).send().await.unwrap();
                    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
                    let contact = body["contact"]["id"].as_str().map(str::to_owned);
                    if let Some(contact) = &contact {
                        by_contact.insert(contact.clone(), (channel, person));
                    }
                    of_channel.push(contact);
                }
                contacts.push(of_channel);
            }
            People {
                contacts,
                by_contact,
            }
        })
    })
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

fn client() -> reqwest::Client {
    outreach::internals::amio::http_client()
        .no_proxy()
        .build()
        .unwrap()
}

async fn start(
    faults: Vec<String>,
    state: Option<PathBuf>,
    recorder: Option<&str>,
    latency: Duration,
) -> Sandbox {
    let webhooks = recorder.map(|url| {
        let mut webhooks = WebhookSettings::new(url, "not checked");
        for share in ["opt-in", "delivered", "read", "stop", "failed"] {
            assert!(webhooks.set_share(share, Share::NONE));
        }
        webhooks.delay = Duration::ZERO;
        webhooks.spread = Duration::ZERO;
        webhooks
    });
    let settings = Settings {
        without_messenger: Share::percent(10),
        faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
        latency,
        state,
        webhooks,
        ..Settings::default()
    };
    Sandbox::start(settings, "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap()
}

type Echoes = Arc<Mutex<Vec<Value>>>;

async fn record(State(echoes): State<Echoes>, body: String) {
    let event: Value = serde_json::from_str(&body).unwrap();
    if event["event"] == "message_echo" {
        echoes.lock().unwrap().push(event["data"].clone());
    }
}

/// The API of one journey. Every step has a sandbox of its own, with the messages of those before.
pub(crate) struct Api {
    runtime: Runtime,
    client: reqwest::Client,
    recorder: String,
    echoes: Echoes,
    state: PathBuf,
    sandbox: Option<Sandbox>,
}

impl Api {
    pub(crate) fn new(folder: &Path) -> Self {
        let runtime = runtime();
        let echoes = Echoes::default();
        let router = Router::new()
            .route("/", post(record))
            .with_state(Arc::clone(&echoes));
        let recorder = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            tokio::spawn(async { axum::serve(listener, router).await });
            url
        });
        Self {
            runtime,
            client: client(),
            recorder,
            echoes,
            state: folder.join("api.state"),
            sandbox: None,
        }
    }

    /// Starts the sandbox of a step; returns the base URL.
    pub(crate) fn open(&mut self, faults: Vec<String>, latency: Duration) -> String {
        self.wait_until_quiet();
        self.sandbox = None;
        let state = Some(self.state.clone());
        let recorder = self.recorder.clone();
        let starts = start(faults, state, Some(&recorder), latency);
        let sandbox = self.runtime.block_on(starts);
        let url = sandbox.base_url();
        self.sandbox = Some(sandbox);
        url
    }

    /// How often a fault of this name has struck in this step.
    pub(crate) fn struck(&self, fault: &str) -> u64 {
        let stats = self.sandbox.as_ref().map(Sandbox::stats);
        stats.map_or(0, |stats| stats.faults.get(fault).copied().unwrap_or(0))
    }

    /// How many messages were accepted in the whole journey.
    pub(crate) fn accepted(&self) -> u64 {
        self.sandbox
            .as_ref()
            .map_or(0, |sandbox| sandbox.stats().accepted)
    }

    /// Waits until nothing is under way, and returns the whole account in the order of acceptance.
    pub(crate) fn account(&self) -> Vec<Accepted> {
        self.wait_until_quiet();
        self.account_now()
    }

    /// Of the processes that had connections none is left. A connection of a process that was killed
    /// may be taken a moment later.
    fn wait_until_quiet(&self) {
        let Some(sandbox) = &self.sandbox else {
            return;
        };
        let mut quiet = 0;
        poll("no connection is open", || {
            let is_open = sandbox.stats().connections > 0;
            quiet = if is_open { 0 } else { quiet + 1 };
            quiet >= 3
        });
        self.wait_for_echoes(sandbox);
    }

    fn wait_for_echoes(&self, sandbox: &Sandbox) {
        poll("all echoes have come", || {
            let stats = sandbox.stats();
            let echoes = self.echoes.lock().unwrap().len() as u64;
            stats.webhooks.pending == 0 && stats.accepted == echoes
        });
    }

    /// The account while requests may be under way.
    pub(crate) fn account_now(&self) -> Vec<Accepted> {
        let Some(sandbox) = &self.sandbox else {
            return Vec::new();
        };
        self.wait_for_echoes(sandbox);
        let people = people();
        let mut account: Vec<Accepted> = self
            .echoes
            .lock()
            .unwrap()
            .iter()
            .map(|echo| {
                let contact = echo["contact"]["id"].as_str().unwrap();
                let (channel, person) = people.by_contact[contact];
                Accepted {
                    id: echo["id"].as_str().unwrap().parse().unwrap(),
                    channel,
                    person,
                    batch: echo["metadata"][BATCH_KEY].as_str().unwrap().to_owned(),
                    text: echo["content"]["payload"].as_str().unwrap().to_owned(),
                    echo: echo.clone(),
                }
            })
            .collect();
        account.sort_by_key(|message| message.id);
        account
    }

    /// Brings an event to the receiver; returns the status of its answer.
    pub(crate) fn deliver(&self, url: &str, signature: &str, body: &str) -> u16 {
        let request = self.client.post(format!("{url}/webhooks/amio"));
        let request = request.header("X-Hub-Signature", signature);
        let sent = request.body(body.to_owned()).send();
        self.runtime
            .block_on(sent)
            .map_or(0, |answer| answer.status().as_u16())
    }
}

/// Waits for a condition that comes soon.
pub(crate) fn poll(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < BOUND, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

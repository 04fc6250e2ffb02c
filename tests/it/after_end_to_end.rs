//! A batch with a second channel and a follow-up after opt-in, with real processes that are killed again and again,
//! lost answers, and webhooks doubled and out of order. The sandbox's own account is the judge.

use std::collections::BTreeMap;
use std::net::TcpListener;

use outreach::internals::domain::delivery::State;
use outreach::internals::sandbox::Settings;
use outreach::internals::store::Counts;

use crate::support::{CHANNEL, Program, Row, Running, SandboxProcess, Scratch, number, wait_until};

const SMS: &str = Settings::MOBILE_CHANNEL;
const SECRET: &str = "a-secret-of-the-channel";

/// How many people, where the environment names no other number.
const PEOPLE: u32 = 300;

/// So often the processes are killed.
const KILLS: u64 = 6;

fn people() -> u32 {
    let named = std::env::var("OUTREACH_TEST_AFTER_PEOPLE").ok();
    named.map_or(PEOPLE, |text| text.parse().expect("a number of people"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// All that runs.
struct World {
    scratch: Scratch,
    sandbox: SandboxProcess,
    receiver: Running,
    port: u16,
}

impl World {
    fn new() -> Self {
        let scratch = Scratch::new();
        scratch.contacts(people());
        let port = free_port();
        let url = format!("http://127.0.0.1:{port}/webhooks/amio/{{channel_id}}");
        let sandbox = SandboxProcess::start(&[
            "--no-messenger",
            "33%",
            "--reply-window=24h",
            "--fault=429:1%",
            "--fault=hang-after-accept:1%",
            "--fault=close-after-accept:1%",
            "--webhook-url",
            &url,
            "--webhook-secret",
            SECRET,
            "--webhook=echo:100%",
            "--webhook=delivered:100%",
            "--webhook=failed:5%",
            "--webhook=opt-in:70%",
            "--webhook=stop:3%",
            "--webhook=duplicates:20%",
            "--webhook=reordered:30%",
            "--webhook-minute=40ms",
        ]);
        Self {
            receiver: serve(&scratch, port),
            scratch,
            sandbox,
            port,
        }
    }

    fn with_flags(&self, program: Program) -> Program {
        program
            .with(&["--yes", "--timeout", "1s", "--undecided-in-a-row", "1000"])
            .with(&["--base-url", self.sandbox.base_url()])
            .concurrency(10)
    }

    fn send(&self) -> Program {
        let send = self.scratch.outreach(&["send", "contacts.csv"]);
        self.with_flags(send)
            .with(&["--batch", "list", "--message", "Hello {{ first_name }}"])
            .with(&["--channel", CHANNEL, "--fallback", SMS])
            .with(&["--fallback-at-most", "100000", "--rate", "400/s"])
    }

    fn follow(&self) -> Program {
        let send = self
            .scratch
            .outreach(&["send", "--after", "opt_in", "--of", "list"]);
        self.with_flags(send).with(&[
            "--message",
            "Thank you",
            "--channel",
            CHANNEL,
            "--rate",
            "400/s",
        ])
    }

    fn counts(&self) -> [Counts; 2] {
        let checkpoint = self.scratch.checkpoint();
        let batches = checkpoint.reader.batches().unwrap();
        let follow_up = batches.iter().find(|it| it.follow_up.is_some()).unwrap();
        [checkpoint.counts(), checkpoint.counts_of(&follow_up.name)]
    }

    /// Kills the receiver, and starts it again.
    fn kill_receiver(&mut self) {
        assert!(self.receiver.kill(), "{}", self.receiver.said());
        self.receiver = serve(&self.scratch, self.port);
    }

    /// All events are taken and applied.
    fn hear_everything(&self) {
        wait_until("all events are taken", || {
            self.sandbox.stats().webhooks.pending == 0
        });
        let checkpoint = self.scratch.checkpoint();
        wait_until("no event waits", || {
            checkpoint.reader.waiting_events().unwrap() == 0
        });
    }

    /// Both batches are sent to their ends. Whose request is unknown once all events are heard did not get it.
    fn finish(&self) {
        for _ in 0..10 {
            self.hear_everything();
            let [list, follow_up] = self.counts();
            let left = |counts: &Counts| counts.unknown + counts.queued + counts.sending;
            if left(&list) + left(&follow_up) == 0 {
                return;
            }
            let checkpoint = self.scratch.checkpoint();
            for batch in checkpoint.reader.batches().unwrap() {
                if checkpoint.counts_of(&batch.name).unknown > 0 {
                    let resend = ["resolve", &batch.name, "--resend", "--all"];
                    self.scratch.outreach(&resend).run().expect(0);
                }
            }
            for send in [self.send(), self.follow()] {
                let ended = send.run();
                assert!(matches!(ended.code, Some(0 | 3 | 4)), "{}", ended.said);
            }
        }
        panic!("it does not come to an end: {:?}", self.counts());
    }

    /// How many messages of a text each number has.
    fn messages(&self, text: &str) -> BTreeMap<u64, u64> {
        let mut found = BTreeMap::new();
        for message in self.sandbox.messages() {
            let number = message["number"].as_str().unwrap().parse().unwrap();
            if message["content"]["payload"]
                .as_str()
                .unwrap()
                .starts_with(text)
            {
                *found.entry(number).or_default() += 1;
            }
        }
        found
    }
}

fn serve(scratch: &Scratch, port: u16) -> Running {
    let address = format!("127.0.0.1:{port}");
    scratch
        .outreach(&["serve", "--listen", &address])
        .env("OUTREACH_WEBHOOK_SECRET", SECRET)
        .start()
}

#[test]
fn everybody_has_one_message_of_the_batch_and_at_most_one_follow_up() {
    let mut world = World::new();
    let mut sender = world.send().start();
    let checkpoint = world.scratch.path("outreach.db");
    wait_until("the list is read", || {
        checkpoint.exists() && world.sandbox.stats().sends > 0
    });
    // Somebody may opt in while it ends, or an answer be lost.
    let opened = world.follow().run();
    assert!(matches!(opened.code, Some(0 | 3 | 4)), "{}", opened.said);
    for kill in 1..=KILLS {
        let sends = u64::from(people()) * kill / KILLS;
        wait_until("a part is sent", || {
            sender.has_ended() || world.sandbox.stats().sends >= sends
        });
        sender.kill();
        world.kill_receiver();
        let mut follower = world.follow().start();
        let before = world.sandbox.stats().sends;
        wait_until("some follow-ups are sent", || {
            follower.has_ended() || world.sandbox.stats().sends > before + kill
        });
        follower.kill();
        sender = world.send().start();
    }
    let ended = sender.wait();
    assert!(matches!(ended.code, Some(0 | 3)), "{}", ended.said);
    world.finish();

    let [list, follow_up] = world.counts();
    world.scratch.checkpoint().expect_sound();
    let messages = world.messages("Hello");
    let wrong: Vec<_> = (0..people())
        .filter(|index| messages.get(&number(*index)) != Some(&1))
        .map(|index| world.scratch.checkpoint().attempts(index + 2))
        .collect();
    assert!(wrong.is_empty(), "not exactly one message: {wrong:#?}");
    let rows = world.scratch.checkpoint().rows();
    // It was accepted, and some of the SMS failed later.
    let failed_later = |row: &Row| {
        row.state == State::Error && row.reason_code.as_deref() == Some("delivery_failed")
    };
    let is_told = |row: &&Row| row.state == State::Sent || failed_later(row);
    let others: Vec<_> = rows.iter().filter(|row| !is_told(row)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert_eq!(list.sent + list.error, u64::from(people()));
    assert!(list.sent > list.error * 10, "{list:?}");
    let by_sms = world.sandbox.messages();
    let by_sms = by_sms.iter().filter(|it| it["channel_id"] == SMS).count();
    let third = usize::try_from(people()).unwrap() / 3;
    assert!(by_sms.abs_diff(third) < third / 2, "{by_sms} by SMS");

    let thanks = world.messages("Thank you");
    assert!(thanks.values().all(|count| *count == 1), "{thanks:?}");
    assert_eq!(follow_up.sent, thanks.len() as u64);
    let facts = world.sandbox.people();
    let opted_in = |number: &u64| {
        let number = number.to_string();
        let is_theirs = |it: &&serde_json::Value| it["number"] == number.as_str();
        let mut theirs = facts.iter().filter(is_theirs);
        theirs.any(|it| !it["opted_in_at"].is_null())
    };
    assert!(thanks.keys().all(opted_in));
    assert!(follow_up.sent > u64::from(people()) / 5, "{follow_up:?}");
    let stats = world.sandbox.stats();
    assert_eq!(stats.messaged_after_stop, 0);
    assert!(stats.webhooks.duplicates > 20, "{:?}", stats.webhooks);
    assert_eq!(stats.webhooks.given_up, 0);
    world.receiver.signal("TERM");
    world.receiver.wait().expect(0);
}

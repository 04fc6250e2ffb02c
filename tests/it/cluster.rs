//! Several machines share a checkpoint through a log on PostgreSQL. Each machine is a folder of its own here; the
//! judge is the sandbox's account.

mod away;
mod consoles;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use outreach::internals::domain::delivery::State;

use crate::support::{
    CHANNEL, Checkpoint, Engine, PATIENCE, Program, Random, Running, SandboxProcess, Scratch,
    contacts, wait_until,
};

/// A machine: its folder, and where the log is.
struct Node {
    scratch: Scratch,
    url: String,
}

impl Node {
    fn new(engine: &Engine) -> Self {
        Self {
            scratch: Scratch::new(),
            url: engine.url(),
        }
    }

    fn outreach(&self, arguments: &[&str]) -> Program {
        self.scratch
            .outreach(arguments)
            .env("OUTREACH_CLUSTER", &self.url)
    }

    fn send(&self, sandbox: &SandboxProcess, batch: &str) -> Program {
        self.outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
            .with(&["--message", &format!("Hello {{{{ first_name }}}}, {batch}")])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
            .with(&["--message-again"])
    }

    fn worker(&self, sandbox: &SandboxProcess) -> Program {
        self.outreach(&["worker", "--base-url", sandbox.base_url()])
    }

    fn checkpoint(&self) -> Checkpoint {
        self.scratch.checkpoint()
    }

    fn db(&self) -> PathBuf {
        self.scratch.path("outreach.db")
    }

    /// Applies what it missed.
    fn keep_up(&self) {
        self.outreach(&["status"]).run().expect(0);
    }

    /// All tables but those of one node, as text.
    fn tables(&self) -> Vec<(String, Vec<String>)> {
        let connection = rusqlite::Connection::open(self.db()).unwrap();
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table'
                     AND name NOT IN ('node', 'written_file') AND name NOT LIKE 'sqlite_%' ORDER BY name";
        let mut names = connection.prepare(names).unwrap();
        let names: Vec<String> = names
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let rows = |table: &String| -> Vec<String> {
            let mut select = connection
                .prepare(&format!("SELECT rowid, * FROM {table} ORDER BY rowid"))
                .unwrap();
            let columns = select.column_count();
            select
                .query_map([], |row| {
                    let values = (0..columns).map(|column| row.get_ref(column));
                    let values: Result<Vec<_>, _> = values.collect();
                    Ok(format!("{:?}", values?))
                })
                .unwrap()
                .map(Result::unwrap)
                .collect()
        };
        names
            .into_iter()
            .map(|name| {
                let rows = rows(&name);
                (name, rows)
            })
            .collect()
    }
}

/// A cluster of so many machines, the first of which began it; `None` where PostgreSQL is not installed.
fn cluster(machines: usize) -> Option<(Engine, Vec<Node>)> {
    let engine = Engine::start()?;
    let nodes: Vec<Node> = (0..machines).map(|_| Node::new(&engine)).collect();
    nodes[0].outreach(&["cluster", "init"]).run().expect(0);
    Some((engine, nodes))
}

#[track_caller]
fn expect_equal(nodes: &[Node]) {
    for node in nodes {
        node.keep_up();
    }
    let first = nodes[0].tables();
    assert!(first.len() > 10, "{first:?}");
    for node in &nodes[1..] {
        for (ours, theirs) in first.iter().zip(node.tables()) {
            assert_eq!(ours.1.len(), theirs.1.len(), "rows of {}", ours.0);
            assert!(*ours == theirs, "table {} differs", ours.0);
        }
    }
}

/// Nobody was messaged twice, and of the batch every row is there: sent, or unknown.
#[track_caller]
fn judge(node: &Node, sandbox: &SandboxProcess, batch: &str, rows: u32) -> u64 {
    let stats = sandbox.stats();
    assert_eq!(stats.repeated, 0, "{stats:?}");
    let checkpoint = node.checkpoint();
    checkpoint.expect_sound();
    let found = checkpoint.rows_of(batch);
    assert_eq!(found.len(), rows as usize);
    for row in &found {
        assert!(matches!(row.state, State::Sent | State::Unknown), "{row:?}");
    }
    checkpoint.counts_of(batch).unknown
}

fn starts_to_send(running: &Running, sandbox: &SandboxProcess, least: u64) {
    wait_until("the batch is being sent", || {
        assert!(!running.said().contains("error:"), "{}", running.said());
        sandbox.stats().accepted >= least
    });
}

#[test]
fn what_one_machine_does_every_machine_knows() {
    let Some((_engine, nodes)) = cluster(3) else {
        return;
    };
    let sandbox = SandboxProcess::start(&[]);
    nodes[1]
        .outreach(&["suppress", "add", "+420777000003"])
        .run()
        .expect(0);
    nodes[0].scratch.contacts(200);
    nodes[0]
        .send(&sandbox, "spring")
        .concurrency(16)
        .run()
        .expect(0);
    let counts = nodes[0].checkpoint().counts_of("spring");
    assert_eq!((counts.sent, counts.suppressed), (199, 1));
    expect_equal(&nodes);
    // The same list from another machine is the same batch, and it is complete.
    nodes[2].scratch.contacts(200);
    nodes[2].send(&sandbox, "spring").run().expect(0);
    assert_eq!(sandbox.stats().accepted, 199);
    expect_equal(&nodes);
    nodes[2]
        .outreach(&["forget", "+420777000005", "--yes"])
        .run()
        .expect(0);
    expect_equal(&nodes);
    let status = nodes[1].outreach(&["cluster", "status"]).run().expect(0);
    assert!(status.out.contains("up to date"), "{}", status.out);
    nodes[1].outreach(&["cluster", "verify"]).run().expect(0);
}

#[test]
fn a_checkpoint_in_a_cluster_is_not_written_beside_its_log() {
    let Some((engine, nodes)) = cluster(1) else {
        return;
    };
    nodes[0]
        .scratch
        .outreach(&["suppress", "add", "+420777000003"])
        .run()
        .expect(8)
        .says("is a replica of a cluster");
    let other = Node::new(&engine);
    other
        .scratch
        .outreach(&["suppress", "add", "+420777000003"])
        .run()
        .expect(0);
    other
        .outreach(&["suppress", "list"])
        .run()
        .expect(8)
        .says("is a checkpoint of its own");
    other
        .outreach(&["cluster", "init"])
        .run()
        .expect(8)
        .says("holds a checkpoint already");
    nodes[0]
        .outreach(&["cluster", "leave", "--yes"])
        .run()
        .expect(0);
    nodes[0]
        .scratch
        .outreach(&["suppress", "add", "+420777000003"])
        .run()
        .expect(0);
}

#[test]
fn the_senders_machine_is_gone_for_good_and_another_one_finishes_within_fifteen_seconds() {
    let Some((_engine, mut nodes)) = cluster(3) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "20ms"]);
    let sender = nodes.remove(0);
    sender.scratch.contacts(1_500);
    let workers: Vec<Running> = nodes
        .iter()
        .map(|node| node.worker(&sandbox).concurrency(8).start())
        .collect();
    let mut sending = sender.send(&sandbox, "spring").concurrency(8).start();
    starts_to_send(&sending, &sandbox, 200);
    assert!(sending.kill());
    drop(sender);
    let gone = Instant::now();
    let before = sandbox.stats().accepted;
    wait_until("another machine sends", || {
        sandbox.stats().accepted > before + 8
    });
    assert!(gone.elapsed() < Duration::from_secs(15));
    wait_until("the batch is complete", || {
        nodes[0].checkpoint().counts_of("spring").queued == 0
            && nodes[0].checkpoint().counts_of("spring").sending == 0
    });
    for worker in workers {
        worker.signal("TERM");
        worker.wait();
    }
    expect_equal(&nodes);
    let unknown = judge(&nodes[0], &sandbox, "spring", 1_500);
    assert!(unknown <= 8, "{unknown} unknown");
    assert!(sandbox.stats().accepted + unknown >= 1_500);
}

#[test]
fn a_list_is_left_to_workers_and_sent_by_one_of_them() {
    let Some((_engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&[]);
    nodes[0].scratch.contacts(100);
    nodes[0]
        .send(&sandbox, "spring")
        .with(&["--detach"])
        .run()
        .expect(0)
        .says("wait for a worker");
    assert_eq!(sandbox.stats().accepted, 0);
    // A worker with another token leaves it alone.
    nodes[1]
        .worker(&sandbox)
        .with(&["--once"])
        .env("AMIO_TOKEN", "another")
        .run()
        .expect(0);
    assert_eq!(sandbox.stats().requests, 0);
    nodes[1].worker(&sandbox).with(&["--once"]).run().expect(0);
    assert_eq!(judge(&nodes[1], &sandbox, "spring", 100), 0);
    expect_equal(&nodes);
}

/// Runs without PostgreSQL: the worker is another process on the same file.
#[test]
fn a_worker_goes_on_with_what_a_deadline_paused_and_not_with_what_a_person_stopped() {
    let sandbox = SandboxProcess::start(&["--latency", "20ms"]);
    let scratch = Scratch::new();
    let base = ["--base-url", sandbox.base_url()];
    let send = |batch: &str, first: u32| {
        scratch.write("contacts.csv", &contacts(first..first + 400));
        scratch
            .outreach(&["send", "contacts.csv", "--yes", "--batch", batch])
            .with(&["--message", batch, "--channel", CHANNEL, "--message-again"])
            .with(&base)
    };
    let stopped = send("by-hand", 0).start();
    starts_to_send(&stopped, &sandbox, 10);
    stopped.signal("INT");
    stopped.wait().expect(4);
    send("by-night", 1_000)
        .with(&["--for", "1s"])
        .run()
        .expect(4);
    let before = scratch.checkpoint().counts_of("by-hand").queued;
    assert!(before > 0);
    scratch
        .outreach(&["worker", "--once"])
        .with(&base)
        .run()
        .expect(0);
    let counts = scratch.checkpoint().counts_of("by-night");
    assert_eq!((counts.sent, counts.queued), (400, 0));
    assert_eq!(scratch.checkpoint().counts_of("by-hand").queued, before);
    assert_eq!(sandbox.stats().repeated, 0);
}

#[test]
fn a_worker_that_leaves_a_batch_to_a_second_person_says_so_and_ends_as_paused() {
    let sandbox = SandboxProcess::start(&["--latency", "20ms"]);
    let scratch = Scratch::new();
    scratch.contacts(400);
    let base = ["--base-url", sandbox.base_url()];
    scratch
        .send(&sandbox)
        .with(&["--for", "1s"])
        .run()
        .expect(4);
    let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let required = "INSERT INTO node (key, value) VALUES ('require-approval', 1)";
    file.execute_batch(required).unwrap();
    let worker = || scratch.outreach(&["worker", "--once"]).with(&base).run();
    worker()
        .expect(4)
        .says("list waits for a second person to look at it on the console");
    let approved = "UPDATE batch SET approval = json_object('digest', hex(digest), 'by', 'Jan')";
    file.execute_batch(approved).unwrap();
    worker().expect(0);
    assert_eq!(scratch.checkpoint().counts().sent, 400);
}

#[test]
fn a_worker_names_a_batch_that_waits_for_a_second_person_since_it_was_read() {
    let sandbox = SandboxProcess::start(&[]);
    let scratch = Scratch::new();
    scratch.contacts(3);
    let add = ["suppress", "add", "+420777999999"];
    scratch.outreach(&add).run().expect(0);
    let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
    let required = "INSERT INTO node (key, value) VALUES ('require-approval', 1)";
    file.execute_batch(required).unwrap();
    let worker = || {
        let worker = ["worker", "--once", "--base-url", sandbox.base_url()];
        scratch.outreach(&worker).run()
    };
    worker().expect(0);
    let told = "list waits for a second person to look at it on the console";
    scratch.send(&sandbox).run().expect(4);
    worker().expect(4).says(told);
    let approved = "UPDATE batch SET approval = json_object('digest', hex(digest), 'by', 'Jan')";
    file.execute_batch(approved).unwrap();
    scratch.send(&sandbox).run().expect(0);
    worker().expect(0);
    // Who joins it later was not approved.
    scratch.write("more.csv", &contacts(3..5));
    let add = ["send", "more.csv", "--add", "--detach", "--batch", "list"];
    let add = scratch
        .outreach(&add)
        .with(&["--channel", CHANNEL, "--yes"]);
    let add = add.with(&["--message", "Hello {{ first_name }}"]);
    add.with(&["--base-url", sandbox.base_url()])
        .run()
        .expect(4);
    worker().expect(4).says(told);
    assert_eq!(sandbox.stats().accepted, 3);
}

#[test]
fn workers_that_are_killed_again_and_again_message_nobody_twice() {
    let Some((_engine, nodes)) = cluster(3) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "20ms", "--jitter", "20ms"]);
    for (n, batch) in (0_u32..).zip(["north", "south"]) {
        let list = contacts(n * 1_000..n * 1_000 + 800);
        nodes[0].scratch.write("contacts.csv", &list);
        nodes[0]
            .send(&sandbox, batch)
            .with(&["--detach"])
            .run()
            .expect(0);
    }
    let start = |node: &Node| {
        node.worker(&sandbox)
            .with(&["--once", "--quiet", "--undecided-in-a-row", "100000"])
            .concurrency(6)
            .start()
    };
    let mut random = Random::new(31);
    let mut workers: Vec<Running> = nodes.iter().map(start).collect();
    let (mut kills, begin) = (0_u64, Instant::now());
    let left = || {
        let checkpoint = nodes[0].checkpoint();
        ["north", "south"]
            .map(|batch| checkpoint.counts_of(batch))
            .iter()
            .map(|counts| counts.queued + counts.sending)
            .sum::<u64>()
    };
    loop {
        std::thread::sleep(Duration::from_millis(random.between(50, 600)));
        let at = usize::try_from(random.next() % 3).unwrap();
        if kills < 12 && workers[at].kill() {
            kills += 1;
        }
        for (worker, node) in workers.iter_mut().zip(&nodes) {
            if worker.has_ended() {
                *worker = start(node);
            }
        }
        nodes[0].keep_up();
        if left() == 0 {
            break;
        }
        assert!(begin.elapsed() < PATIENCE * 2, "{} left", left());
    }
    drop(workers);
    expect_equal(&nodes);
    let unknown: u64 = ["north", "south"]
        .map(|batch| judge(&nodes[1], &sandbox, batch, 800))
        .iter()
        .sum();
    assert!(kills >= 6, "{kills} kills");
    assert!(
        unknown <= 6 * kills,
        "{unknown} unknown after {kills} kills"
    );
}

const SECRET: &str = "a-secret-of-the-channel";
const TOKENS: [&str; 2] = ["sandbox-token", "second-token"];

/// A port below those that a connection is given: while nobody listens there, none must take it.
fn port_to_listen() -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (first..32_000).find(is_free).unwrap()
}

/// One for each token, with a quota each; the first tells events.
fn sandboxes(port: u16) -> [SandboxProcess; 2] {
    let url = format!("http://127.0.0.1:{port}/webhooks/amio/{{channel_id}}");
    let quota = ["--quota", "150", "--window", "2s", "--latency", "5ms"];
    let events = [
        "--webhook-url",
        &url,
        "--webhook-secret",
        SECRET,
        "--webhook=stop:0%",
    ];
    let spread = [
        "--webhook-spread=1s",
        "--webhook-minute=60ms",
        "--webhook=duplicates:10%",
    ];
    [
        SandboxProcess::start(&[&quota[..], &events[..], &spread[..]].concat()),
        SandboxProcess::start(&[&quota[..], &["--token", TOKENS[1]]].concat()),
    ]
}

/// What the sandbox told of deliveries, the node knows, but for what it gave up to tell while nobody took it.
fn expect_deliveries(node: &Node, sandbox: &SandboxProcess) {
    let sql = "SELECT count(*) FROM attempt WHERE delivered_at IS NOT NULL";
    let connection = rusqlite::Connection::open(node.db()).unwrap();
    let known: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    let known = u64::try_from(known).unwrap();
    let people = sandbox.people();
    let messages = people
        .iter()
        .flat_map(|it| it["messages"].as_array().unwrap());
    let told = messages.filter(|it| !it["delivered_at"].is_null()).count() as u64;
    let given_up = sandbox.stats().webhooks.given_up;
    assert!(known <= told, "{known} known of {told}");
    assert!(
        told <= known + given_up,
        "{known} known of {told}, {given_up} given up"
    );
}

/// How much the test of two tokens takes on: `OUTREACH_TEST_TORTURE=full` for all of it, some ten minutes.
struct Torture {
    /// Batches of each token, and rows of each batch.
    batches: usize,
    rows: u32,
    /// Kills of nodes and of the server, and how often a node stands still for longer than its lease.
    kills: u64,
    servers: u64,
    pauses: u64,
}

impl Torture {
    fn wanted() -> Self {
        let (batches, rows, kills, servers, pauses) = match std::env::var("OUTREACH_TEST_TORTURE") {
            Ok(wanted) if wanted == "full" => (3, 4_000, 200, 50, 8),
            Ok(_) | Err(_) => (1, 600, 14, 4, 0),
        };
        Self {
            batches,
            rows,
            kills,
            servers,
            pauses,
        }
    }

    /// The batches of a token, and the first number of each.
    fn batches_of(&self, token: usize) -> Vec<(String, u32)> {
        let names = (0..self.batches).map(|n| format!("{}{n}", ["north", "south"][token]));
        let first = |n: u32| u32::try_from(token).unwrap() * 100_000 + n * 10_000;
        (0_u32..)
            .zip(names)
            .map(|(n, name)| (name, first(n)))
            .collect()
    }

    fn leave_to_workers(&self, node: &Node, sandboxes: &[SandboxProcess; 2]) {
        for at in [0, 1] {
            for (batch, first) in self.batches_of(at) {
                let list = contacts(first..first + self.rows);
                node.scratch.write("contacts.csv", &list);
                let detached = node.send(&sandboxes[at], &batch).with(&["--detach"]);
                detached.env("AMIO_TOKEN", TOKENS[at]).run().expect(0);
            }
        }
    }

    /// Each loss of a node that has the token leaves at most its connections open.
    fn judge(&self, node: &Node, sandboxes: &[SandboxProcess; 2], losses: [u64; 2], figures: &str) {
        for at in [0, 1] {
            let batches = self.batches_of(at).into_iter();
            let unknown: u64 = batches
                .map(|(batch, _)| judge(node, &sandboxes[at], &batch, self.rows))
                .sum();
            let stats = sandboxes[at].stats();
            let line = format!("token {at}: {unknown} unknown, {figures}; {stats:?}\n");
            std::io::stderr().write_all(line.as_bytes()).unwrap();
            assert!(unknown <= 4 * losses[at], "{unknown} unknown, {figures}");
            // Who was killed had requests on their way that no answer counts.
            assert!(stats.throttled.quota <= 6 + 4 * losses[at], "{stats:?}");
        }
    }

    fn all_batches(&self) -> Vec<String> {
        let both = [0, 1].into_iter().flat_map(|token| self.batches_of(token));
        both.map(|(name, _)| name).collect()
    }
}

/// Two tokens, each with its quota and its sandbox; a receiver of events; whoever is killed comes back. The file of one
/// of them is gone for good in the middle, and PostgreSQL is killed four times.
#[test]
fn two_tokens_their_quotas_and_their_events_are_kept_by_nodes_that_are_killed() {
    let Some((mut engine, mut nodes)) = cluster(3) else {
        return;
    };
    let port = port_to_listen();
    let sandboxes = sandboxes(port);
    let torture = Torture::wanted();
    torture.leave_to_workers(&nodes[0], &sandboxes);
    // The third has the first token, too; the fourth is the receiver, on the file of the third.
    let start = |at: usize, nodes: &[Node]| match at {
        3 => nodes[2]
            .outreach(&["serve", "--listen", &format!("127.0.0.1:{port}")])
            .env("OUTREACH_WEBHOOK_SECRET", SECRET)
            .start(),
        at => nodes[at]
            .worker(&sandboxes[at % 2])
            .with(&["--quiet", "--undecided-in-a-row", "100000"])
            .env("AMIO_TOKEN", TOKENS[at % 2])
            .concurrency(4)
            .start(),
    };
    let mut random = Random::new(32);
    let mut running: Vec<Running> = (0..4).map(|at| start(at, &nodes)).collect();
    let (mut kills, mut servers, begin) = ([0_u64; 2], 0, Instant::now());
    let witness = Node::new(&engine);
    let left = || {
        witness.keep_up();
        let checkpoint = witness.checkpoint();
        let batches = torture.all_batches();
        let counts = batches.iter().map(|batch| checkpoint.counts_of(batch));
        let queued = counts.map(|it| it.queued + it.sending).sum::<u64>();
        queued + sandboxes[0].stats().webhooks.pending
    };
    let (mut pauses, mut stopped) = (0, None);
    while left() > 0 {
        let patience = PATIENCE * (4 + u32::try_from(torture.kills).unwrap() / 10);
        assert!(begin.elapsed() < patience, "{} left", left());
        std::thread::sleep(Duration::from_millis(random.between(50, 500)));
        let at = usize::try_from(random.next() % 4).unwrap();
        if kills.iter().sum::<u64>() < torture.kills && running[at].kill() {
            kills[at % 2] += u64::from(at < 3);
        }
        if pauses < torture.pauses && stopped.is_none() && random.next().is_multiple_of(20) {
            let at = usize::try_from(random.next() % 3).unwrap();
            if !running[at].has_ended() {
                running[at].signal("STOP");
                (pauses, stopped) = (pauses + 1, Some((at, Instant::now())));
            }
        }
        if let Some((at, since)) = stopped
            && since.elapsed() > Duration::from_secs(10)
        {
            if !running[at].has_ended() {
                running[at].signal("CONT");
            }
            stopped = None;
        }
        if servers < torture.servers && random.next().is_multiple_of(6) {
            servers += 1;
            engine.kill();
            std::thread::sleep(Duration::from_millis(random.between(50, 1_500)));
            engine.go_on();
        }
        if kills[0] == 3 && nodes.len() == 3 {
            // The first machine is gone for good; a new one comes in its place.
            running[0].kill();
            kills[0] += 1;
            nodes.push(Node::new(&engine));
            nodes.swap_remove(0);
        }
        for (at, process) in running.iter_mut().enumerate() {
            if process.has_ended() {
                *process = start(at, &nodes);
            }
        }
    }
    for node in running {
        if stopped.is_some() {
            node.signal("CONT");
        }
        node.signal("TERM");
        node.wait();
    }
    nodes.push(witness);
    expect_equal(&nodes);
    let took = begin.elapsed().as_secs();
    let figures = format!("{kills:?} kills, {servers} of the server, {pauses} pauses, {took} s");
    let losses = kills.map(|kills| kills + pauses);
    torture.judge(&nodes[0], &sandboxes, losses, &figures);
    expect_deliveries(&nodes[0], &sandboxes[0]);
}

#[test]
fn while_the_engine_is_away_sending_waits_and_then_goes_on() {
    let Some((mut engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[0].scratch.contacts(900);
    let sending = nodes[0].send(&sandbox, "spring").concurrency(4).start();
    for round in 1..=3 {
        starts_to_send(&sending, &sandbox, round * 150);
        engine.kill();
        // What is under way is answered; then nothing more leaves.
        wait_until("nothing is sent any more", || {
            let before = sandbox.stats().requests;
            std::thread::sleep(Duration::from_millis(200));
            sandbox.stats().requests == before
        });
        engine.go_on();
    }
    sending.wait().expect(0);
    assert_eq!(judge(&nodes[0], &sandbox, "spring", 900), 0);
    expect_equal(&nodes);
}

#[test]
fn an_engine_that_is_away_for_longer_than_the_patience_ends_the_run() {
    let Some((mut engine, nodes)) = cluster(1) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[0].scratch.contacts(2_000);
    let sending = nodes[0]
        .send(&sandbox, "spring")
        .with(&["--cluster-patience", "1s"])
        .start();
    starts_to_send(&sending, &sandbox, 20);
    engine.kill();
    sending
        .wait()
        .expect(8)
        .says("run the same command again when the engine answers");
    engine.go_on();
    nodes[0].send(&sandbox, "spring").concurrency(8).run();
    let unknown = judge(&nodes[0], &sandbox, "spring", 2_000);
    assert!(unknown <= 3, "{unknown} unknown");
}

#[test]
fn a_machine_that_dies_between_log_and_file_finds_its_own_record() {
    let Some((_engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&[]);
    nodes[0].scratch.contacts(60);
    for passage in [1, 5, 9, 14, 20] {
        nodes[0]
            .send(&sandbox, "spring")
            .crash_at(&format!("after-append:{passage}"))
            .run();
    }
    let ended = nodes[0].send(&sandbox, "spring").run();
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    expect_equal(&nodes);
    judge(&nodes[1], &sandbox, "spring", 60);
}

/// Damages the log while two machines send, between two of their records; both must stop, and send nothing more.
fn lie(sql: &str) {
    let Some((engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    let running: Vec<Running> = (0_u32..)
        .zip(&nodes)
        .map(|(n, node)| {
            let list = contacts(n * 10_000..n * 10_000 + 3_000);
            node.scratch.write("contacts.csv", &list);
            let running = node.send(&sandbox, &format!("batch{n}")).start();
            starts_to_send(&running, &sandbox, u64::from(n) * 20 + 20);
            running
        })
        .collect();
    engine.sql(&format!("BEGIN; {sql}; SELECT pg_sleep(0.02); COMMIT"));
    for running in running {
        let ended = running.wait().expect(8);
        assert!(ended.said.contains("cannot be trusted"), "{}", ended.said);
    }
    let requests = sandbox.stats().requests;
    for node in &nodes {
        node.send(&sandbox, "another").run().expect(8);
    }
    assert_eq!(sandbox.stats().requests, requests);
    assert_eq!(sandbox.stats().repeated, 0);
}

#[test]
fn an_engine_that_forgets_its_last_records_stops_every_machine() {
    lie(
        "DELETE FROM outreach_outreach.log WHERE seq > (SELECT max(seq) - 5 FROM outreach_outreach.log)",
    );
}

#[test]
fn a_machine_that_sends_alone_finds_the_hole_that_the_engine_left_behind_its_last_record() {
    let Some((engine, nodes)) = cluster(1) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[0].scratch.contacts(3_000);
    let running = nodes[0].send(&sandbox, "spring").start();
    starts_to_send(&running, &sandbox, 50);
    // Records are appended between what the deletion sees and its end.
    engine.sql(
        "BEGIN; DELETE FROM outreach_outreach.log WHERE seq > (SELECT max(seq) - 5 FROM outreach_outreach.log);
         SELECT pg_sleep(0.02); COMMIT",
    );
    running.wait().expect(8).says("cannot be trusted");
    let requests = sandbox.stats().requests;
    nodes[0].send(&sandbox, "another").run().expect(8);
    assert_eq!(sandbox.stats().requests, requests);
}

#[test]
fn an_engine_that_alters_a_record_stops_every_machine() {
    lie(
        // Between two records: behind a later one it is `cluster verify` that finds it.
        "LOCK TABLE outreach_outreach.log IN EXCLUSIVE MODE;
         UPDATE outreach_outreach.log SET hash = sha256(hash) WHERE seq >= (SELECT max(seq) FROM outreach_outreach.log)",
    );
}

#[test]
fn a_snapshot_takes_the_place_of_the_log_and_new_machines_join_from_it() {
    let Some((engine, mut nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&[]);
    nodes[0].scratch.contacts(300);
    nodes[0]
        .send(&sandbox, "spring")
        .concurrency(16)
        .run()
        .expect(0);
    nodes[1].keep_up();
    nodes[1]
        .outreach(&["forget", "+420777000005", "--yes"])
        .run()
        .expect(0);
    nodes[1].outreach(&["cluster", "compact"]).run().expect(0);
    assert_eq!(
        engine.sql("SELECT count(*) FROM outreach_outreach.log"),
        "1"
    );
    nodes.push(Node::new(&engine));
    // It was away for long: its old file stays beside.
    nodes[0]
        .outreach(&["suppress", "list"])
        .run()
        .expect(0)
        .says("was made anew from the snapshot");
    assert!(nodes[0].scratch.path("outreach.kept.db").exists());
    expect_equal(&nodes);
}

/// What the engine holds, unpacked: its records and its snapshot.
fn engine_holds(engine: &Engine, what: &str) -> bool {
    let bodies = engine.sql(
        "SELECT encode(substr(body, 3), 'hex') FROM outreach_outreach.log
         UNION ALL (SELECT encode(string_agg(body, '' ORDER BY part), 'hex') FROM outreach_outreach.snapshot_part)",
    );
    bodies.lines().any(|hex| {
        let bytes: Vec<u8> = hex
            .as_bytes()
            .chunks(2)
            .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
            .collect();
        let plain = zstd::decode_all(&bytes[..]).unwrap_or(bytes);
        plain.windows(what.len()).any(|it| it == what.as_bytes())
    })
}

#[test]
fn after_forget_no_record_and_no_snapshot_holds_the_person_and_machines_that_run_go_on() {
    let Some((engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&[]);
    let worker = nodes[1].worker(&sandbox).start();
    wait_until("the worker waits", || worker.said().contains("Waiting"));
    let list = "phone,first_name\n+420777000005,Xaverius-Unique\n+420777000006,Bob\n";
    nodes[0].scratch.write("contacts.csv", list);
    nodes[0].send(&sandbox, "spring").run().expect(0);
    nodes[0].outreach(&["cluster", "compact"]).run().expect(0);
    assert!(
        engine_holds(&engine, "Xaverius-Unique"),
        "it is looked for rightly"
    );
    nodes[0]
        .outreach(&["forget", "+420777000005", "--yes"])
        .run()
        .expect(0)
        .says("in no record of the cluster and no snapshot");
    assert!(!engine_holds(&engine, "Xaverius-Unique"));
    nodes[0].outreach(&["cluster", "verify"]).run().expect(0);
    worker.signal("TERM");
    worker.wait().expect(0);
    expect_equal(&nodes);
}

#[test]
fn a_replica_that_differs_is_found_and_no_snapshot_is_made_of_it() {
    let Some((engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&[]);
    nodes[0].scratch.contacts(50);
    nodes[0].send(&sandbox, "spring").run().expect(0);
    let alone = nodes[0].outreach(&["cluster", "verify"]).run().expect(0);
    assert!(alone.out.contains("No other machine runs"), "{}", alone.out);
    let worker = nodes[1].worker(&sandbox).start();
    // Two processes write one file: one of them answers for it.
    let second = nodes[1].worker(&sandbox).env("AMIO_TOKEN", "another");
    let second = second.start();
    let status = || {
        nodes[0]
            .outreach(&["cluster", "status"])
            .run()
            .expect(0)
            .out
    };
    wait_until("the workers are seen", || {
        status().matches("Node:").count() == 2
    });
    let like = nodes[0].outreach(&["cluster", "verify"]).run().expect(0);
    assert!(
        like.out.contains("Like this file at record"),
        "{}",
        like.out
    );
    let other = rusqlite::Connection::open(nodes[1].db()).unwrap();
    other
        .execute(
            "UPDATE recipient SET attempts = attempts + 1 WHERE rowid % 7 = 0",
            [],
        )
        .unwrap();
    drop(other);
    let differs = nodes[0].outreach(&["cluster", "verify"]).run().expect(8);
    assert!(
        differs.out.contains("NOT like this file"),
        "{}",
        differs.out
    );
    assert!(differs.out.contains("in recipient."), "{}", differs.out);
    let before = engine.sql("SELECT max(seq) FROM outreach_outreach.snapshot");
    nodes[0]
        .outreach(&["cluster", "compact"])
        .run()
        .expect(8)
        .says("no snapshot is made");
    assert_eq!(
        engine.sql("SELECT max(seq) FROM outreach_outreach.snapshot"),
        before
    );
    for worker in [worker, second] {
        worker.signal("TERM");
        worker.wait();
    }
}

#[test]
fn a_long_log_is_cut_by_itself_while_machines_send() {
    let Some((engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    let worker = nodes[1]
        .worker(&sandbox)
        .env("OUTREACH_TEST_LOG_RECORDS", "100")
        .start();
    nodes[0].scratch.contacts(1_500);
    let sending = nodes[0]
        .send(&sandbox, "spring")
        .env("OUTREACH_TEST_LOG_RECORDS", "100")
        .start();
    wait_until("the log is cut", || {
        engine
            .sql("SELECT max(seq) FROM outreach_outreach.snapshot")
            .parse::<u64>()
            .unwrap()
            > 100
    });
    sending.wait().expect(0);
    worker.signal("TERM");
    worker.wait().expect(0);
    assert_eq!(judge(&nodes[0], &sandbox, "spring", 1_500), 0);
    expect_equal(&nodes);
    nodes[0].outreach(&["cluster", "verify"]).run().expect(0);
}

#[test]
fn a_worker_that_waits_for_others_before_it_cuts_the_log_ends_when_it_is_told_to() {
    let Some((engine, nodes)) = cluster(1) else {
        return;
    };
    let add = ["suppress", "add", "+420777000001"];
    nodes[0].outreach(&add).run().expect(0);
    // A machine that lives, and never says how its file looks.
    engine.sql(
        "INSERT INTO outreach_outreach.node (node, pid, machine, place, applied, clock, seen)
         VALUES ('mute', '1', 'elsewhere', 'elsewhere', 0, 0, clock_timestamp() + interval '1 hour')",
    );
    let sandbox = SandboxProcess::start(&[]);
    let worker = nodes[0]
        .worker(&sandbox)
        .env("OUTREACH_TEST_LOG_RECORDS", "0")
        .start();
    wait_until("the log is being cut", || {
        let taken = "SELECT count(*) FROM outreach_outreach.lease WHERE name LIKE '%snapshot'";
        engine.sql(taken) == "1"
    });
    worker.signal("TERM");
    worker.wait().expect(0);
}

#[test]
fn an_append_that_arrives_after_the_client_gave_up_is_decided_once() {
    let Some((engine, mut nodes)) = cluster(2) else {
        return;
    };
    let line = engine.line();
    nodes[0].url = line.url();
    let sandbox = SandboxProcess::start(&["--latency", "5ms"]);
    nodes[0].scratch.contacts(700);
    let sending = nodes[0].send(&sandbox, "spring").concurrency(4).start();
    starts_to_send(&sending, &sandbox, 100);
    // The record reaches the engine late, after it was appended on another connection.
    line.hold();
    wait_until("the node has given the connection up", || {
        sandbox.stats().accepted >= 250
    });
    line.let_go();
    starts_to_send(&sending, &sandbox, 350);
    // The record is in the log, and the node does not hear of it.
    line.lose_answers();
    let ended = sending.wait();
    assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    let unknown = judge(&nodes[0], &sandbox, "spring", 700);
    assert_eq!(unknown, 0);
    expect_equal(&nodes);
}

#[test]
fn a_machine_that_stands_still_for_longer_than_its_lease_messages_nobody_again() {
    let Some((_engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[0].scratch.contacts(1_500);
    let mut sending = nodes[0].send(&sandbox, "spring").concurrency(6).start();
    starts_to_send(&sending, &sandbox, 100);
    sending.signal("STOP");
    let worker = nodes[1].worker(&sandbox).concurrency(2).start();
    let before = sandbox.stats().accepted;
    starts_to_send(&worker, &sandbox, before + 50);
    sending.signal("CONT");
    wait_until("both are done", || {
        let counts = nodes[1].checkpoint().counts_of("spring");
        sending.has_ended() && counts.queued + counts.sending == 0
    });
    worker.signal("TERM");
    worker.wait();
    expect_equal(&nodes);
    let unknown = judge(&nodes[1], &sandbox, "spring", 1_500);
    assert!(unknown <= 6, "{unknown} unknown");
}

/// While a commit waits for the standby, a session that is terminated is told that it is done: on the primary alone.
#[test]
fn a_record_that_only_the_primary_has_is_not_acted_upon() {
    let Some(mut engine) = Engine::start() else {
        return;
    };
    let mut standby = engine.standby();
    let mut nodes = [Node::new(&engine), Node::new(&engine)];
    for node in &mut nodes {
        node.url = engine.url_with(&standby);
    }
    nodes[0].outreach(&["cluster", "init"]).run().expect(0);
    let sandbox = SandboxProcess::start(&["--latency", "5ms"]);
    nodes[0].scratch.contacts(500);
    let sending = nodes[0].send(&sandbox, "spring").concurrency(4).start();
    starts_to_send(&sending, &sandbox, 60);
    standby.kill();
    let quiet = || {
        let before = sandbox.stats().requests;
        std::thread::sleep(Duration::from_millis(500));
        sandbox.stats().requests == before
    };
    wait_until("nothing is sent any more", quiet);
    let before = sandbox.stats().requests;
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let mut terminated = 0;
    wait_until("sessions were terminated while they waited", || {
        terminated += engine.sql(terminate).parse::<u64>().unwrap();
        terminated >= 3
    });
    assert!(quiet());
    assert_eq!(
        sandbox.stats().requests,
        before,
        "nothing leaves on the primary's word alone"
    );
    standby.go_on();
    starts_to_send(&sending, &sandbox, 200);
    // The primary is lost: the standby has all that was acted upon.
    engine.kill();
    standby.sql("ALTER SYSTEM RESET synchronous_standby_names");
    standby.sql("SELECT pg_reload_conf()");
    standby.sql("SELECT pg_promote()");
    sending.wait().expect(0);
    assert_eq!(judge(&nodes[0], &sandbox, "spring", 500), 0);
    expect_equal(&nodes);
}

#[test]
fn an_old_copy_of_the_engines_data_stops_every_machine() {
    let Some((mut engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[0].scratch.contacts(3_000);
    engine.kill();
    engine.keep_copy();
    engine.go_on();
    let sending = nodes[0].send(&sandbox, "spring").start();
    starts_to_send(&sending, &sandbox, 50);
    engine.kill();
    engine.put_copy_back();
    engine.go_on();
    sending.wait().expect(8).says("cannot be trusted");
    let requests = sandbox.stats().requests;
    nodes[1].scratch.contacts(3_000);
    nodes[1]
        .send(&sandbox, "spring")
        .run()
        .expect(8)
        .says("cannot be trusted");
    assert_eq!(sandbox.stats().requests, requests);
}

#[test]
fn after_a_failover_that_forgot_records_the_machine_that_knows_more_speaks_first() {
    let Some((mut engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[1].keep_up();
    engine.kill();
    engine.keep_copy();
    engine.go_on();
    nodes[0].scratch.contacts(100);
    nodes[0].send(&sandbox, "spring").run().expect(0);
    // It lives, and knows the hundred.
    let worker = nodes[0].worker(&sandbox).start();
    wait_until("the worker waits", || worker.said().contains("Waiting"));
    engine.kill();
    engine.put_copy_back();
    engine.becomes_a_standby();
    engine.go_on();
    engine.sql("SELECT pg_promote()");
    // This one knows nothing of them, and would message all of them again.
    nodes[1].scratch.contacts(100);
    nodes[1]
        .send(&sandbox, "spring")
        .run()
        .expect(8)
        .says("cannot be trusted");
    assert_eq!(sandbox.stats().repeated, 0);
    assert_eq!(sandbox.stats().accepted, 100);
    worker.wait().expect(8);
}

#[test]
fn after_the_engine_lost_records_the_machine_that_knows_most_begins_the_log_anew() {
    let Some((mut engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&[]);
    nodes[1].keep_up();
    let accept = |node: &Node, from: &str| {
        node.outreach(&["cluster", "accept", "--from", from, "--yes"])
            .run()
    };
    let name = machine();
    accept(&nodes[0], &name)
        .expect(8)
        .says("the log is in order");
    engine.kill();
    engine.keep_copy();
    engine.go_on();
    nodes[0].scratch.contacts(60);
    nodes[0].send(&sandbox, "spring").run().expect(0);
    engine.kill();
    engine.put_copy_back();
    engine.go_on();
    nodes[0]
        .send(&sandbox, "spring")
        .run()
        .expect(8)
        .says("cluster accept --from");
    let status = nodes[0].outreach(&["cluster", "status"]).run().expect(0);
    assert!(status.out.contains("ahead of the log"), "{}", status.out);
    accept(&nodes[0], "elsewhere")
        .expect(2)
        .says("give the command on elsewhere");
    accept(&nodes[0], &name).expect(0);
    // Nobody is messaged again by the one that knew nothing of it.
    nodes[1].scratch.contacts(60);
    nodes[1]
        .send(&sandbox, "spring")
        .run()
        .expect(0)
        .says("was made anew from the snapshot");
    assert_eq!(
        (sandbox.stats().accepted, sandbox.stats().repeated),
        (60, 0)
    );
    expect_equal(&nodes);
    nodes[0].outreach(&["cluster", "verify"]).run().expect(0);
}

/// The name of this machine, as the program says it.
fn machine() -> String {
    let name = std::process::Command::new("uname")
        .arg("-n")
        .output()
        .unwrap();
    String::from_utf8(name.stdout).unwrap().trim().to_owned()
}

#[test]
fn while_the_engine_is_away_reading_commands_say_what_this_machine_knows_and_writing_ones_wait() {
    let Some((mut engine, nodes)) = cluster(1) else {
        return;
    };
    let sandbox = SandboxProcess::start(&[]);
    nodes[0].scratch.contacts(20);
    nodes[0].send(&sandbox, "spring").run().expect(0);
    engine.kill();
    for reading in [
        &["status", "spring"][..],
        &["export", "spring", "-o", "again.csv"],
        &["suppress", "list"],
        &["contacts", "show", "+420777000003"],
    ] {
        nodes[0]
            .outreach(reading)
            .run()
            .expect(0)
            .says("What this machine knows goes to record");
    }
    let ended = nodes[0].outreach(&["doctor"]).run();
    assert!(ended.out.contains("BAD   cluster"), "{}", ended.out);
    nodes[0]
        .outreach(&[
            "suppress",
            "add",
            "+420777000003",
            "--cluster-patience",
            "1s",
        ])
        .run()
        .expect(8)
        .says("run the same command again when the engine answers");
    let waiting = nodes[0]
        .outreach(&["suppress", "add", "+420777000003"])
        .start();
    wait_until("it waits", || {
        waiting.said().contains("What this machine knows")
    });
    engine.go_on();
    waiting.wait().expect(0);
    let doctor = nodes[0].outreach(&["doctor"]).run();
    for said in ["ok    cluster", "it has no standby", "phone numbers"] {
        assert!(doctor.out.contains(said), "{said}: {}", doctor.out);
    }
}

#[test]
fn a_program_that_is_older_than_a_record_stops_there_with_nothing_half_applied() {
    let Some((engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[1].keep_up();
    nodes[0].scratch.contacts(2_000);
    let sending = nodes[0].send(&sandbox, "spring").start();
    starts_to_send(&sending, &sandbox, 30);
    engine.sql(
        "BEGIN; LOCK TABLE outreach_outreach.log IN EXCLUSIVE MODE;
         INSERT INTO outreach_outreach.log (seq, hash, body)
         SELECT seq + 1, sha256(hash || int8send(seq + 1) || '\\x0200'::bytea), '\\x0200'::bytea
         FROM outreach_outreach.log ORDER BY seq DESC LIMIT 1; COMMIT",
    );
    sending
        .wait()
        .expect(8)
        .says("a newer program writes to the log");
    let requests = sandbox.stats().requests;
    for node in &nodes {
        node.outreach(&["status"])
            .run()
            .expect(8)
            .says("install that one");
    }
    assert_eq!(sandbox.stats().requests, requests);
    // What it has is whole, and can be read.
    let ours = nodes[0].checkpoint();
    ours.expect_sound();
    let counts = ours.counts_of("spring");
    assert!(
        counts.sent + counts.sending >= sandbox.stats().accepted,
        "{counts:?}"
    );
}

#[test]
fn two_checkpoints_on_one_engine_know_nothing_of_each_other() {
    let Some((engine, mut nodes)) = cluster(1) else {
        return;
    };
    let mut other = Node::new(&engine);
    other.url = format!("{}#north", engine.url());
    other.outreach(&["cluster", "init"]).run().expect(0);
    other
        .outreach(&["suppress", "add", "+420777000001"])
        .run()
        .expect(0);
    let list = nodes[0].outreach(&["suppress", "list"]).run().expect(0);
    assert!(!list.out.contains("420777000001"), "{}", list.out);
    // A replica of one is not written through the other.
    nodes[0].url = other.url.clone();
    nodes[0]
        .outreach(&["suppress", "list"])
        .run()
        .expect(8)
        .says("belongs to another log");
}

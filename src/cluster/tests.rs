//! What every engine must do; left out where it is not installed.

use secrecy::SecretString;

use super::log::{Append, Digests, Lease, LogError, NodeRow, Read, Size, Snapshot};
use super::{Entry, Postgres};

#[path = "../../tests/it/support/engine.rs"]
mod engine;

const NODE: &str = "a";

fn snapshot(entry: &Entry) -> Snapshot {
    Snapshot {
        seq: entry.seq,
        hash: entry.hash,
        digest: [7; 32],
    }
}

fn begin(log: &mut Postgres) -> Entry {
    let first = Entry::after(&[0; 32], 1, b"first".to_vec());
    let mut parts = vec![vec![1; 10], vec![2; 20]].into_iter();
    log.begin("id", &first, &snapshot(&first), &mut || Ok(parts.next()))
        .unwrap();
    trust(log);
    first
}

fn trust(log: &mut Postgres) {
    let engine = log.engine().unwrap();
    log.trust(&engine);
}

fn open(engine: &engine::Engine) -> Postgres {
    Postgres::new(engine.url().parse().unwrap()).unwrap()
}

fn entries(read: Read) -> Vec<Entry> {
    match read {
        Read::Entries(entries) => entries,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_is_appended_only_behind_the_one_that_it_names() {
    let Some(engine) = engine::Engine::start() else {
        return;
    };
    let (mut log, mut other) = (open(&engine), open(&engine));
    assert_eq!(log.id().unwrap(), None);
    let first = begin(&mut log);
    assert_eq!(other.id().unwrap().as_deref(), Some("id"));
    let second = Entry::after(&first.hash, 2, vec![9; 100]);
    assert!(matches!(
        other.append("b", &first.hash, &second),
        Append::Moved
    ));
    trust(&mut other);
    assert!(matches!(
        log.append(NODE, &first.hash, &second),
        Append::Done
    ));
    let rival = Entry::after(&first.hash, 2, b"rival".to_vec());
    assert!(matches!(
        other.append("b", &first.hash, &rival),
        Append::Taken
    ));
    // Appended again, it is not there twice.
    assert!(matches!(
        log.append(NODE, &first.hash, &second),
        Append::Taken
    ));
    log.confirm().unwrap();
    let gap = Entry::after(&second.hash, 4, Vec::new());
    assert!(matches!(
        log.append(NODE, &second.hash, &gap),
        Append::Broken
    ));
    let wrong = Entry::after(&rival.hash, 3, Vec::new());
    assert!(matches!(
        log.append(NODE, &rival.hash, &wrong),
        Append::Broken
    ));
    assert_eq!(
        entries(other.read(1, &first.hash).unwrap()),
        std::slice::from_ref(&second)
    );
    assert_eq!(entries(other.read(2, &second.hash).unwrap()), []);
    assert!(matches!(
        other.read(2, &rival.hash).unwrap(),
        Read::Broken(_)
    ));
    assert!(matches!(
        other.read(9, &second.hash).unwrap(),
        Read::Broken(_)
    ));
    assert_eq!(log.last().unwrap(), Some((2, second.hash)));
    assert_eq!(log.first_fault().unwrap(), None);
    engine.sql("UPDATE outreach_outreach.log SET body = 'x' WHERE seq = 2");
    assert_eq!(log.first_fault().unwrap(), Some(2));
    let again = log.begin("x", &first, &snapshot(&first), &mut || Ok(None));
    assert!(matches!(again, Err(LogError::Refused(_))));
}

#[test]
fn a_lease_ends_by_itself_and_a_turn_keeps_others_from_appending() {
    let Some(engine) = engine::Engine::start() else {
        return;
    };
    let (mut log, mut other) = (open(&engine), open(&engine));
    let first = begin(&mut log);
    trust(&mut other);
    let lease = |node: &str, place: &str| Lease {
        name: "spring".to_owned(),
        node: node.to_owned(),
        pid: "1".to_owned(),
        machine: "m".to_owned(),
        place: place.to_owned(),
        since: "now".to_owned(),
    };
    assert_eq!(log.lease(&lease("a", "x")).unwrap(), None);
    assert_eq!(log.lease(&lease("a", "x")).unwrap(), None, "prolonged");
    let holder = other.lease(&lease("b", "y")).unwrap();
    assert_eq!(holder.map(|it| it.node).as_deref(), Some("a"));
    assert_eq!(other.leases().unwrap().len(), 1);
    // The same file: its own lock says that the process is gone.
    assert_eq!(other.lease(&lease("c", "x")).unwrap(), None);
    log.release("spring", "a").unwrap();
    assert_eq!(other.leases().unwrap().len(), 1, "it is another's by now");
    engine.sql("UPDATE outreach_outreach.lease SET until = now() - interval '1 s'");
    assert_eq!(other.leases().unwrap(), []);
    assert_eq!(other.lease(&lease("b", "y")).unwrap(), None);

    assert!(log.take_turn("a").unwrap());
    assert!(!other.take_turn("b").unwrap());
    let second = Entry::after(&first.hash, 2, Vec::new());
    assert!(matches!(
        other.append("b", &first.hash, &second),
        Append::Turn
    ));
    log.end_turn("a").unwrap();
    assert!(matches!(
        other.append("b", &first.hash, &second),
        Append::Done
    ));

    let node = NodeRow {
        node: "a".to_owned(),
        pid: "1".to_owned(),
        machine: "m".to_owned(),
        place: "x".to_owned(),
        applied: 2,
        seen: 0.0,
        clock: 7.5,
    };
    log.see(&node).unwrap();
    let nodes = other.nodes().unwrap();
    assert_eq!((nodes.len(), nodes[0].clock), (1, 7.5));
    log.unsee("a").unwrap();
    assert_eq!(other.nodes().unwrap(), []);
}

#[test]
fn a_snapshot_comes_back_in_its_parts_and_cuts_the_log() {
    let Some(engine) = engine::Engine::start() else {
        return;
    };
    let mut log = open(&engine);
    let first = begin(&mut log);
    assert_eq!(log.snapshot().unwrap(), Some(snapshot(&first)));
    assert_eq!(log.snapshot_part(1, 1).unwrap(), Some(vec![2; 20]));
    assert_eq!(log.snapshot_part(1, 2).unwrap(), None);
    let second = Entry::after(&first.hash, 2, Vec::new());
    assert!(matches!(
        log.append(NODE, &first.hash, &second),
        Append::Done
    ));
    // One that fails in the middle changes nothing.
    let mut parts = vec![
        Ok(Some(vec![3; 5])),
        Err(LogError::Refused("no".to_owned())),
    ]
    .into_iter();
    let failed = log.put_snapshot(&snapshot(&second), &mut || parts.next().unwrap());
    assert!(failed.is_err());
    assert_eq!(log.snapshot().unwrap(), Some(snapshot(&first)));
    let mut parts = vec![vec![3; 5]].into_iter();
    log.put_snapshot(&snapshot(&second), &mut || Ok(parts.next()))
        .unwrap();
    assert_eq!(log.snapshot().unwrap(), Some(snapshot(&second)));
    assert!(matches!(log.read(1, &first.hash).unwrap(), Read::Cut));
    assert_eq!(entries(log.read(2, &second.hash).unwrap()), []);
}

#[test]
fn records_that_went_from_behind_the_last_one_are_found_and_the_log_may_begin_anew() {
    let Some(engine) = engine::Engine::start() else {
        return;
    };
    let mut log = open(&engine);
    let mut before = begin(&mut log);
    for seq in 2..=20 {
        let next = Entry::after(&before.hash, seq, vec![1; 10]);
        assert!(matches!(
            log.append(NODE, &before.hash, &next),
            Append::Done
        ));
        before = next;
    }
    let size = Size {
        records: 19,
        bytes: 195,
        snapshot: 30,
    };
    assert_eq!(log.size().unwrap(), size);
    engine.sql("DELETE FROM outreach_outreach.log WHERE seq BETWEEN 14 AND 16");
    let next = Entry::after(&before.hash, 21, Vec::new());
    assert!(matches!(
        log.append(NODE, &before.hash, &next),
        Append::Broken
    ));
    assert!(matches!(
        log.read(15, &before.hash).unwrap(),
        Read::Broken(_)
    ));
    let anew = Entry::after(&before.hash, 30, b"anew".to_vec());
    let mut parts = vec![vec![3; 5]].into_iter();
    log.begin_anew(&anew, &snapshot(&anew), &mut || Ok(parts.next()))
        .unwrap();
    assert!(matches!(log.read(20, &before.hash).unwrap(), Read::Cut));
    assert_eq!(log.last().unwrap(), Some((30, anew.hash)));
    let next = Entry::after(&anew.hash, 31, Vec::new());
    assert!(matches!(log.append(NODE, &anew.hash, &next), Append::Done));
}

#[test]
fn digests_are_kept_for_the_last_comparison_alone() {
    let Some(engine) = engine::Engine::start() else {
        return;
    };
    let mut log = open(&engine);
    begin(&mut log);
    let digests = |seq, place: &str| Digests {
        seq,
        place: place.to_owned(),
        machine: "m".to_owned(),
        path: "p".to_owned(),
        tables: "{}".to_owned(),
    };
    log.put_digests(&digests(5, "a")).unwrap();
    log.put_digests(&digests(5, "b")).unwrap();
    log.put_digests(&digests(5, "b")).unwrap();
    assert_eq!(log.digests(5).unwrap(), [digests(5, "a"), digests(5, "b")]);
    log.put_digests(&digests(6, "a")).unwrap();
    assert!(log.digests(5).unwrap().is_empty());
    assert_eq!(log.digests(6).unwrap(), [digests(6, "a")]);
    let about = log.about().unwrap();
    assert!(about.engine.contains("PostgreSQL"));
    assert_eq!(
        about.doubts.len(),
        1,
        "it has no standby: {:?}",
        about.doubts
    );
}

#[test]
fn an_engine_that_does_not_flush_or_lets_nobody_in_is_refused() {
    let Some(engine) = engine::Engine::start() else {
        return;
    };
    let mut log = open(&engine);
    begin(&mut log);
    engine.sql("CREATE ROLE stranger LOGIN");
    let url = engine.url().replace("outreach@", "stranger@");
    let access: super::Access = url.parse().unwrap();
    let access = access.with_password(&SecretString::from("hidden-word"));
    let mut stranger = Postgres::new(access).unwrap();
    let refused = stranger.last().unwrap_err().to_string();
    assert!(!refused.contains("hidden-word"), "{refused}");
    engine.sql("ALTER SYSTEM SET fsync = off");
    engine.sql("SELECT pg_reload_conf()");
    let mut again = open(&engine);
    let begin = std::time::Instant::now();
    let refused = loop {
        match again.id() {
            Err(error) => break error,
            // The server reads its settings a moment later.
            Ok(_) => again = open(&engine),
        }
        assert!(begin.elapsed() < engine::PATIENCE);
    };
    assert!(matches!(refused, LogError::Refused(_)), "{refused}");
    assert!(refused.to_string().contains("fsync"), "{refused}");
}

//! A machine that was away, or is not what it seems: it stops nobody else, and messages nobody twice.

use super::{Node, cluster, expect_equal, judge, starts_to_send};
use crate::support::{SandboxProcess, wait_until};

#[test]
fn a_machine_that_stood_still_while_the_log_was_cut_stops_no_other_and_joins_anew() {
    let Some((_engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[0].scratch.contacts(1_000);
    let sending = nodes[0].send(&sandbox, "spring").concurrency(4).start();
    starts_to_send(&sending, &sandbox, 100);
    sending.signal("STOP");
    let suppress = |node: &Node, number: &str| node.outreach(&["suppress", "add", number]).run();
    suppress(&nodes[1], "+420778000001").expect(0);
    // Nobody waits for a machine that does not say any more that it lives.
    nodes[1].outreach(&["cluster", "compact"]).run().expect(0);
    sending.signal("CONT");
    let ended = sending.wait().expect(8).says("joins anew");
    assert!(!ended.said.contains("cannot be trusted"), "{}", ended.said);
    suppress(&nodes[1], "+420778000002").expect(0);
    let again = nodes[0].send(&sandbox, "spring").run();
    assert!(matches!(again.code, Some(0 | 3)), "{again:?}");
    assert!(again.said.contains("was made anew"), "{}", again.said);
    expect_equal(&nodes);
    let unknown = judge(&nodes[1], &sandbox, "spring", 1_000);
    assert!(unknown <= 4, "{unknown} unknown");
}

#[test]
fn a_machine_that_is_cut_off_from_the_engine_is_replaced_and_comes_back() {
    let Some((engine, mut nodes)) = cluster(2) else {
        return;
    };
    let line = engine.line();
    nodes[0].url = line.url();
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[0].scratch.contacts(1_500);
    let mut sending = nodes[0].send(&sandbox, "spring").concurrency(4).start();
    starts_to_send(&sending, &sandbox, 100);
    line.cut();
    let worker = nodes[1].worker(&sandbox).concurrency(4).start();
    let before = sandbox.stats().accepted;
    starts_to_send(&worker, &sandbox, before + 50);
    line.mend();
    wait_until("both are done", || {
        let counts = nodes[1].checkpoint().counts_of("spring");
        sending.has_ended() && counts.queued + counts.sending == 0
    });
    worker.signal("TERM");
    worker.wait();
    expect_equal(&nodes);
    let unknown = judge(&nodes[1], &sandbox, "spring", 1_500);
    assert!(unknown <= 4, "{unknown} unknown");
}

/// What PostgreSQL says then: the statement failed, and the next one may succeed.
#[test]
fn while_the_engines_disk_is_full_sending_waits_and_then_goes_on() {
    let Some((engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "10ms"]);
    nodes[0].scratch.contacts(600);
    let sending = nodes[0].send(&sandbox, "spring").concurrency(4).start();
    starts_to_send(&sending, &sandbox, 100);
    engine.sql(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON outreach_outreach.log
             FOR EACH ROW EXECUTE FUNCTION full_disk()",
    );
    wait_until("nothing is sent any more", || {
        let before = sandbox.stats().requests;
        std::thread::sleep(std::time::Duration::from_millis(300));
        sandbox.stats().requests == before
    });
    assert!(sandbox.stats().accepted < 600);
    engine.sql("DROP TRIGGER full_disk ON outreach_outreach.log");
    sending.wait().expect(0);
    assert_eq!(judge(&nodes[0], &sandbox, "spring", 600), 0);
    expect_equal(&nodes);
}

/// The folder of the user's data is not there yet.
#[test]
fn a_new_machine_joins_with_whichever_command_comes_first() {
    let Some((engine, nodes)) = cluster(1) else {
        return;
    };
    let add = nodes[0].outreach(&["suppress", "add", "+420777000003"]);
    add.run().expect(0);
    for command in [
        &["suppress", "list"][..],
        &["suppress", "add", "+420777000004"],
        &["check", "contacts.csv"],
        &[
            "send",
            "contacts.csv",
            "--yes",
            "--sandbox",
            "--message",
            "Hello",
        ],
        &["status"],
        &["cluster", "verify"],
    ] {
        let new = Node::new(&engine);
        new.scratch.contacts(3);
        let home = new.scratch.path("home/deep/down");
        let home = home.to_str().unwrap();
        new.outreach(command)
            .env("XDG_DATA_HOME", home)
            .run()
            .expect(0);
        let list = new
            .outreach(&["suppress", "list"])
            .env("XDG_DATA_HOME", home);
        assert!(list.run().expect(0).out.contains("420777000003"));
    }
}

/// Copies the folder of a machine to another one.
fn copied(from: &Node) -> Node {
    let copy = Node {
        scratch: crate::support::Scratch::new(),
        url: from.url.clone(),
    };
    for entry in std::fs::read_dir(from.scratch.folder()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let to = copy.scratch.folder().join(entry.file_name());
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
    copy
}

#[test]
fn a_copied_folder_is_no_machine_of_the_cluster_until_it_joins_anew() {
    let Some((_engine, mut nodes)) = cluster(1) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "5ms"]);
    nodes[0].scratch.contacts(600);
    let mut sending = nodes[0].send(&sandbox, "spring").concurrency(4).start();
    starts_to_send(&sending, &sandbox, 60);
    assert!(sending.kill());
    let copy = copied(&nodes[0]);
    let before = sandbox.stats().requests;
    copy.send(&sandbox, "spring")
        .run()
        .expect(8)
        .says("then run the same command: it joins the cluster again");
    copy.worker(&sandbox)
        .with(&["--once"])
        .env("OUTREACH_TEST_MACHINE", "another")
        .run()
        .expect(8)
        .says("another machine");
    assert_eq!(sandbox.stats().requests, before);
    for entry in std::fs::read_dir(copy.scratch.folder()).unwrap().flatten() {
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("outreach.db")
        {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    copy.keep_up();
    nodes.push(copy);
    send_beside_each_other(&nodes, &sandbox);
}

/// A machine is cloned with its disk: nothing in the file tells them apart.
#[test]
fn a_cloned_machine_that_goes_on_beside_its_original_messages_nobody_twice() {
    let Some((_engine, mut nodes)) = cluster(1) else {
        return;
    };
    let sandbox = SandboxProcess::start(&["--latency", "5ms"]);
    nodes[0].scratch.contacts(600);
    let mut sending = nodes[0].send(&sandbox, "spring").concurrency(4).start();
    starts_to_send(&sending, &sandbox, 60);
    assert!(sending.kill());
    let copy = copied(&nodes[0]);
    let file = rusqlite::Connection::open(copy.db()).unwrap();
    // The clone's disk has the same inodes.
    let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(copy.db()).unwrap());
    let home = "SELECT value FROM node WHERE key = 'home'";
    let home: String = file.query_row(home, [], |row| row.get(0)).unwrap();
    let words: Vec<&str> = home.split(' ').collect();
    let home = format!("{} {inode} {}", words[0], words[2]);
    let done = file.execute("UPDATE node SET value = ?1 WHERE key = 'home'", [home]);
    assert_eq!(done, Ok(1));
    drop(file);
    nodes.push(copy);
    send_beside_each_other(&nodes, &sandbox);
}

fn send_beside_each_other(nodes: &[Node], sandbox: &SandboxProcess) {
    let worker = |node: &Node| node.worker(sandbox).concurrency(4).start();
    let workers: Vec<_> = nodes.iter().map(worker).collect();
    wait_until("the batch is complete", || {
        let counts = nodes[0].checkpoint().counts_of("spring");
        counts.queued + counts.sending == 0
    });
    for worker in workers {
        worker.signal("TERM");
        let ended = worker.wait();
        assert!(matches!(ended.code, Some(0 | 3)), "{ended:?}");
    }
    expect_equal(nodes);
    let unknown = judge(&nodes[0], sandbox, "spring", 600);
    assert!(unknown <= 8, "{unknown} unknown");
}

#[test]
fn a_machine_whose_clock_is_wrong_is_named() {
    let Some((engine, nodes)) = cluster(1) else {
        return;
    };
    let seen = |machine: &str, ahead: i32| {
        engine.sql(&format!(
            "INSERT INTO outreach_outreach.node (node, pid, machine, place, applied, seen, clock)
             VALUES ('{machine}', '1', '{machine}', '{machine}', 1, clock_timestamp(),
                     extract(epoch FROM clock_timestamp()) + {ahead})"
        ));
    };
    seen("exact", 0);
    let doctor = || nodes[0].outreach(&["doctor"]).run().out;
    assert!(doctor().contains("ok    clocks"), "{}", doctor());
    seen("fast", 100);
    seen("slow", -3_600);
    let told = doctor();
    for named in [
        "the clock of fast (process 1) is 100 s ahead of the engine's",
        "the clock of slow (process 1) is 3600 s behind the engine's",
    ] {
        assert!(told.contains(named), "{told}");
    }
    assert!(!told.contains("clock of exact"), "{told}");
    let status = nodes[0]
        .outreach(&["cluster", "status"])
        .run()
        .expect(0)
        .out;
    let line = |machine: &str| {
        let mut lines = status.lines();
        lines.find(|it| it.contains(machine)).unwrap().to_owned()
    };
    assert!(line("on fast").contains("its clock is 100 s ahead of the engine's"));
    assert!(!line("on exact").contains("clock"));
}

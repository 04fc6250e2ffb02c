//! The consoles of two machines: what one does the other shows, and may be asked for from either.

use super::{Node, cluster, expect_equal};
use crate::support::{CHANNEL, ConsoleProcess, SandboxProcess, contacts, wait_until};

const PASSWORD: &str = "correct horse battery";

fn add(node: &Node, name: &str, role: &str) {
    node.scratch.write("password", PASSWORD);
    let add = ["console", "user", "add", name, "--role", role];
    let add = node.outreach(&add);
    add.with(&["--password-file", "password"]).run().expect(0);
}

fn console(node: &Node, sandbox: &SandboxProcess, rate: &str) -> ConsoleProcess {
    let pace = ["--rate", rate, "--burst", "1"];
    let arguments = ["--channel", CHANNEL, "--cluster", &node.url];
    ConsoleProcess::of(&node.scratch, sandbox, &[&arguments[..], &pace].concat())
}

#[test]
fn one_prepares_on_one_machine_another_starts_on_the_next_and_either_pauses_it() {
    let Some((_engine, nodes)) = cluster(2) else {
        return;
    };
    let sandbox = SandboxProcess::start(&[]);
    for (node, name, role) in [
        (0, "ada", "admin"),
        (0, "eva", "operator"),
        (1, "jan", "operator"),
    ] {
        add(&nodes[node], name, role);
    }
    // So slow that it is paused in the middle, however slow the machine is.
    let slow = |node| console(node, &sandbox, "2/s");
    let (north, south) = (slow(&nodes[0]), slow(&nodes[1]));
    let (ada, eva) = (north.user("ada", PASSWORD), north.user("eva", PASSWORD));
    let jan = south.user("jan", PASSWORD);
    ada.send("/approval", &[("required", "yes")]).location();
    let list = eva.drop_list("contacts.csv", contacts(0..300).as_bytes());
    let batch = eva.prepare(&list, "Hello {{ first_name }}", &[("name", "list")]);
    // In a cluster the process that read the list may hold it a moment longer.
    eva.wait_for(&batch, "Another person starts it");
    wait_until("the other machine knows it", || {
        jan.get(&batch).status == 200
    });
    jan.send(&format!("{batch}/start"), &[("people", "300")])
        .location();
    wait_until("some were sent", || sandbox.stats().accepted > 5);
    // It is sent on the other machine: who, is told, and it is paused from here.
    let page = eva.wait_for(&batch, "It is sent by process");
    assert!(page.contains("What is under way is finished"), "{page}");
    eva.watch(&format!("{batch}/live"), "event: live");
    let health = ada.wait_for("/health", "holds list");
    assert_eq!(health.matches(">node<").count(), 2, "{health}");
    eva.send(&format!("{batch}/pause"), &[]).location();
    for who in [&jan, &eva] {
        let page = who.wait_for(&batch, "had their turn");
        assert!(page.contains("eva paused it on the console"), "{page}");
    }
    let left = nodes[1].checkpoint().counts_of("list").queued.to_string();
    south.end().expect(0);
    let south = console(&nodes[1], &sandbox, "200/s");
    let jan = south.user("jan", PASSWORD);
    jan.send(&format!("{batch}/start"), &[("people", &left)])
        .location();
    for who in [&eva, &jan] {
        who.wait_for(&batch, "<strong>Complete");
    }
    let page = ada.page(&batch);
    for line in ["Approved by</dt><dd>jan", "Prepared by</dt><dd>eva"] {
        assert!(page.contains(line), "{line}: {page}");
    }
    let accepted = sandbox.accepted();
    assert_eq!(accepted.len(), 300);
    assert!(accepted.values().all(|count| *count == 1), "{accepted:?}");
    north.end().expect(0);
    south.end().expect(0);
    expect_equal(&nodes);
}

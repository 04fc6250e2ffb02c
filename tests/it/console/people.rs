//! A person and the suppression list on the page.

use crate::support::{CHANNEL, ConsoleProcess, SandboxProcess, Scratch, contacts};

#[test]
fn a_person_is_found_suppressed_lifted_and_erased_each_with_a_reason() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let list = visitor.drop_list(
        "list.csv",
        b"phone,first_name\n+420777000001,Eva\n+420777000002,Jan\n+420777000003,Iva\n",
    );
    let batch = visitor.prepare(&list, "Hello {{ first_name }}", &[("name", "may")]);
    visitor
        .send(&format!("{batch}/start"), &[("people", "3")])
        .location();
    visitor.wait_for(&batch, "complete");
    // Not everybody has Messenger.
    let sent = visitor.page(&format!("{batch}/download?what=sent"));
    let sent = sent
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap()
        .to_owned();
    let person = format!("/people?number=%2B{}", &sent[1..]);
    let person = person.as_str();
    let page = visitor.page(person);
    assert!(
        page.contains("message: batch may, row") && page.contains("/rehearsals/may"),
        "{page}"
    );
    let number = ("number", sent.as_str());
    for change in ["suppress", "lift", "forget"] {
        let without = visitor.send(&format!("/people/{change}"), &[number, ("sure", "yes")]);
        assert_eq!(without.status, 409, "{change} without a reason");
    }
    let reason = ("reason", "asked by telephone");
    let back = visitor
        .send("/people/suppress", &[number, reason])
        .location();
    assert_eq!(back, person);
    let page = visitor.page(person);
    assert!(
        page.contains("not messaged any more") && page.contains("asked by telephone"),
        "{page}"
    );
    let found = visitor.page(&format!("/suppression?q={}", &sent[6..]));
    assert!(found.contains(&sent[1..]), "{found}");
    let again = format!("phone\n{sent}\n+420777000009\n");
    let list = visitor.drop_list("again.csv", again.as_bytes());
    assert!(
        visitor
            .page(&list)
            .contains("1 person of 2 rows would be messaged")
    );
    visitor.send("/people/lift", &[number, reason]).location();
    assert!(
        !visitor
            .page(person)
            .contains("not messaged any more</span>")
    );
    let unsure = visitor.send("/people/forget", &[number, reason]);
    assert_eq!(unsure.status, 409);
    visitor
        .send("/people/forget", &[number, reason, ("sure", "yes")])
        .location();
    let page = visitor.page(person);
    assert!(!page.contains("batch may, row"), "{page}");
    let audit = visitor.page("/health");
    for what in [
        "start: 3 people (batch may)",
        "suppress: asked by telephone",
        "suppress-remove: asked",
        "forget: asked",
    ] {
        assert!(audit.contains(what), "{what}: {audit}");
    }
    assert!(!audit.contains(&sent[1..]), "the audit names nobody");
    let page = visitor.page("/people?number=12");
    assert!(page.contains("alarm"), "{page}");
}

#[test]
fn the_suppression_list_is_searched_filled_and_exported() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    assert!(
        visitor
            .page("/suppression")
            .contains("Nobody is on the list")
    );
    let numbers = ("numbers", "+420777000001\r\n+420777000002, +420777000003");
    visitor
        .send("/suppression", &[numbers, ("reason", "complaint")])
        .location();
    let wrong = visitor.send("/suppression", &[("numbers", "+420777000009\n12")]);
    assert_eq!(wrong.status, 409);
    let file = b"phone\n+420777000003\n+420777000004\nx\n";
    let imported = visitor.upload("/suppression/import", &visitor.token(), "stop.csv", file);
    assert_eq!(imported.status, 303, "{}", imported.text());
    let page = visitor.page("/suppression");
    assert!(page.contains("4 numbers never messaged"), "{page}");
    assert!(
        page.contains(
            "2 numbers: 1 new on the list, 1 already on it. 1 row without a certain number"
        ),
        "{page}"
    );
    let found = visitor.page("/suppression?q=complaint");
    assert_eq!(found.matches("<td data-label=\"Reason\">").count(), 3);
    let export = visitor.page("/suppression/export");
    assert_eq!(export.lines().count(), 5, "{export}");
    assert!(export.starts_with(
        "phone,reason,source,added_at,keyed_hash,channel_contact\n+420777000001,complaint,"
    ));
    let uploads = std::fs::read_dir(scratch.path("sandbox.db-uploads")).unwrap();
    assert_eq!(uploads.count(), 0, "the file is gone");
}

/// `--db` names the real batches: rehearsals are kept elsewhere, and no real batch is called one.
#[test]
fn a_real_batch_of_a_checkpoint_that_a_flag_names_is_no_rehearsal() {
    for db in ["mine.db", "sandbox.db"] {
        let scratch = Scratch::new();
        let sandbox = SandboxProcess::start(&[]);
        scratch.contacts(2);
        scratch.send(&sandbox).with(&["--db", db]).run().expect(0);
        let console = ConsoleProcess::of(&scratch, &sandbox, &["--db", db, "--channel", CHANNEL]);
        let visitor = console.visitor();
        let home = visitor.page("/");
        assert!(home.contains("/batches/list"), "{home}");
        assert!(!home.contains("/rehearsals/"), "{home}");
        assert_eq!(visitor.get("/rehearsals/list").status, 404);
        let list = visitor.drop_list("l.csv", contacts(5..7).as_bytes());
        let asked = [("name", "try"), ("how", "rehearse")];
        let batch = visitor.prepare(&list, "Hello", &asked);
        assert_eq!(batch, "/rehearsals/try", "{db}");
        assert!(visitor.page("/").contains("Nobody was messaged by these"));
    }
}

//! The console over real HTTP, against the real program.

mod hostile;
mod mending;
mod pages;
mod people;
mod second_person;
mod together;
mod users;

use std::io::Write as _;
use std::net::TcpStream;

use crate::support::{CHANNEL, ConsoleProcess, SandboxProcess, Scratch, contacts, wait_until};

/// Rows of each kind: two that can be sent, a repeat, one without a number, one that is too short, one without a name.
const LIST: &str = "phone,first_name,order\n+420777000001,Eva,17\n+420777000002,Jan,18\n+420777000001,Eva,19\n,Ota,20\n\
                    +42077,Iva,21\n+420777000003,,22\n";

const MESSAGE: &str = "Hello {{ first_name }}, your order {{ order }} is ready.";

#[test]
fn a_link_signs_in_once_and_another_one_is_printed() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let link = console.link();
    let path = link.split_once(&console.address.to_string()).unwrap().1;
    let visitor = console.visitor();
    assert!(visitor.page("/").contains("Begin with a list"));
    let again = console.stranger().get(path);
    assert_eq!(again.status, 403);
    assert!(again.text().contains("was used before"));
    assert_eq!(again.header("set-cookie"), None);
    // The other one is for another person; both are in.
    let other = console.visitor();
    assert_ne!(other.cookie, visitor.cookie);
    visitor.page("/");
    assert_eq!(other.send("/sign-out", &[]).location(), "/sign-in");
    assert_eq!(other.get("/").status, 401);
    visitor.page("/");
}

#[test]
fn who_is_not_signed_in_sees_and_changes_nothing() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let stranger = console.stranger();
    for path in [
        "/",
        "/people?number=%2B420777123456",
        "/suppression",
        "/suppression/export",
        "/health",
        "/lists/0123456789abcdef",
        "/rehearsals/spring",
        "/rehearsals/spring/live",
        "/rehearsals/spring/download",
        "/nowhere",
    ] {
        let answer = stranger.get(path);
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.text().contains("Sign in"), "{path}");
    }
    let posted = stranger.post("/suppression", &[("numbers", "+420777123456")]);
    assert_eq!(posted.status, 401);
    assert_eq!(
        stranger
            .upload("/lists", "x", "list.csv", b"phone\n")
            .status,
        401
    );
    for guess in ["outreach_1=x", "outreach=", "session=1"] {
        let mut guessing = stranger.clone();
        guessing.cookie = guess.to_owned();
        assert_eq!(guessing.get("/").status, 401);
    }
}

#[test]
fn a_change_from_elsewhere_is_refused() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let token = visitor.token();
    let other = console.visitor().token();
    let numbers = ("numbers", "+420777123456");
    for wrong in ["", "x", &other, &token[1..]] {
        let answer = visitor.post("/suppression", &[("token", wrong), numbers]);
        assert_eq!(answer.status, 403, "{wrong}");
        let answer = visitor.upload("/lists", wrong, "list.csv", LIST.as_bytes());
        assert_eq!(answer.status, 403, "{wrong}");
    }
    let form = format!("token={token}&numbers=%2B420777123456");
    for headers in [
        "Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://evil.example\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\nOrigin: null\r\n",
        "Content-Type: text/plain\r\n",
    ] {
        let answer = visitor.ask("POST /suppression", headers, form.as_bytes());
        assert_eq!(answer.status, 403, "{headers}");
    }
    assert!(visitor.page("/suppression").contains("0 numbers"));
    let own = format!(
        "Content-Type: application/x-www-form-urlencoded\r\nOrigin: http://{}\r\n",
        console.address
    );
    assert_eq!(
        visitor
            .ask("POST /suppression", &own, form.as_bytes())
            .status,
        303
    );
    assert!(visitor.page("/suppression").contains("1 number"));
}

#[test]
fn a_foreign_host_is_refused_and_nothing_comes_from_elsewhere() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let port = console.address.port();
    for host in [
        "evil.example",
        "127.0.0.1",
        &format!("evil.example:{port}"),
        "",
    ] {
        let answer = visitor.ask("GET /", &format!("Host: {host}\r\n"), b"");
        assert_eq!(answer.status, 421, "{host}");
    }
    let answer = visitor.ask("GET /", &format!("Host: localhost:{port}\r\n"), b"");
    assert_eq!(answer.status, 200);
    let policy = answer.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'"),
        "{policy}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let page = answer.text();
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("onclick"));
    for asset in ["console.css", "console.js", "icon.svg"] {
        assert!(page.contains(asset));
        let text = console.stranger().page(&format!("/static/{asset}"));
        assert!(!text.contains("https://") && text.len() < 100_000);
    }
}

#[test]
fn it_does_not_start_where_others_reach_it() {
    let scratch = Scratch::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8088"] {
        let console = scratch.outreach(&["console", "--sandbox", "--listen", address]);
        console.run().expect(2).says("this machine alone");
    }
    assert!(!scratch.path("sandbox.db").exists(), "nothing was made");
}

#[test]
fn a_list_is_looked_at_written_to_and_sent_and_its_results_are_downloaded() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let list = visitor.drop_list("Zákazníci květen.csv", LIST.as_bytes());
    let page = visitor.page(&list);
    for text in [
        "3 people of 6 rows would be messaged",
        "Zákazníci květen.csv",
        "phone: &#34;phone&#34;",
        "Cannot be sent as they stand",
        "+42077",
        "repeat an earlier number",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let rejects = visitor.page(&format!("{list}/rejects"));
    assert!(
        rejects.contains("+42077") && rejects.contains("Ota"),
        "{rejects}"
    );
    visitor.send(&format!("{list}/message"), &[("message", MESSAGE)]);
    let page = visitor.page(&format!("{list}/message"));
    for text in [
        "2 people of 6 rows would be messaged",
        "Hello Eva, your order 17 is ready.",
        "<strong>1 row</strong>: the message cannot be made of this row",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let tried = visitor.send(
        &format!("{list}/preview"),
        &[("message", "Dear {{ first_name }}"), ("row", "3")],
    );
    assert!(tried.text().contains("Dear Jan"), "{}", tried.text());
    let batch = visitor.prepare(&list, MESSAGE, &[("name", "may"), ("purpose", "Orders")]);
    assert_eq!(batch, "/rehearsals/may");
    assert_eq!(visitor.get(&list).status, 404, "the upload is gone");
    let page = visitor.page(&batch);
    assert!(
        page.contains("not started") && page.contains("<strong>2</strong> people have not"),
        "{page}"
    );
    let wrong = visitor.send(&format!("{batch}/start"), &[("people", "3")]);
    assert_eq!(wrong.status, 409);
    assert!(
        wrong.text().contains("the number of people is 2"),
        "{}",
        wrong.text()
    );
    assert!(visitor.page(&batch).contains("not started"));
    let started = visitor.send(&format!("{batch}/start"), &[("people", "2")]);
    assert_eq!(started.location(), batch);
    let page = visitor.wait_for(&batch, "complete");
    assert!(!page.contains("Type the number"), "{page}");
    let results = visitor.page(&format!("{batch}/download?what=results"));
    assert_eq!(results.lines().count(), 7, "{results}");
    let ended = |line: &&str| line.contains(",sent,") || line.contains(",no_messenger,");
    assert_eq!(results.lines().filter(ended).count(), 2, "{results}");
    assert!(results.contains(",Zákazníci květen.csv,"), "{results}");
    let duplicates = visitor.page(&format!("{batch}/download?what=duplicate"));
    assert_eq!(duplicates.lines().count(), 2, "{duplicates}");
    let workbook = visitor.get(&format!("{batch}/download?as=xlsx"));
    assert!(workbook.body.starts_with(b"PK"), "a workbook");
    assert_eq!(visitor.get(&format!("{batch}/download?what=x")).status, 404);
    assert!(visitor.page("/").contains("/rehearsals/may"));
    console.end().expect(0);
}

#[test]
fn a_workbook_is_read_and_what_is_most_wrong_comes_alone() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let fixture = |name: &str| std::fs::read(format!("fixtures/{name}")).unwrap();
    let list = visitor.drop_list("book.xlsx", &fixture("workbook.xlsx"));
    assert!(visitor.page(&list).contains("would be messaged"));
    let list = visitor.drop_list("no-phone.csv", &fixture("no-phone.csv"));
    let page = visitor.page(&list);
    assert!(
        page.contains("No column looks like phone numbers") && page.contains("<select"),
        "{page}"
    );
    assert!(
        !page.contains("would be messaged") && !page.contains("Cannot be sent"),
        "{page}"
    );
    let list = visitor.drop_list(
        "list.csv",
        b"who,mobile,number\nEva,+420777000001,+420777000009\n",
    );
    let read = visitor.send(&list, &[("phone", "number"), ("region", "Czechia")]);
    assert_eq!(read.status, 303);
    let page = visitor.page(&list);
    assert!(page.contains("phone: &#34;number&#34;"), "{page}");
    assert!(page.contains("Czechia (CZ)"), "{page}");
    let nowhere = visitor.send(&list, &[("region", "Atlantis")]);
    assert_eq!(nowhere.status, 409);
    // A column that the message names and the file lacks.
    visitor.send(
        &format!("{list}/message"),
        &[("message", "Hello {{ surname }}")],
    );
    let page = visitor.page(&format!("{list}/message"));
    assert!(
        page.contains("The message does not fit the list") && page.contains("surname"),
        "{page}"
    );
    assert!(!page.contains("Make it a batch"), "{page}");
    assert_eq!(
        visitor.upload("/lists", &visitor.token(), "", b"").status,
        400
    );
}

#[test]
fn a_console_that_is_killed_finds_back_and_nobody_is_messaged_twice() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    // So slow that it is killed in the middle, however slow the machine is.
    let slow = ["--channel", CHANNEL, "--rate", "2/s", "--burst", "1"];
    let mut console = ConsoleProcess::of(&scratch, &sandbox, &slow);
    let visitor = console.visitor();
    let left = visitor.drop_list("left.csv", LIST.as_bytes());
    let list = visitor.drop_list("contacts.csv", contacts(0..200).as_bytes());
    let batch = visitor.prepare(&list, "Hello {{ first_name }}", &[("name", "list")]);
    visitor
        .send(&format!("{batch}/start"), &[("people", "200")])
        .location();
    visitor.watch(&format!("{batch}/live"), "event: live");
    wait_until("some were sent", || sandbox.stats().accepted > 5);
    console.kill();
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let visitor = console.returning(&visitor);
    let page = visitor.page(&batch);
    assert!(
        page.contains("interrupted") && page.contains("Go on"),
        "{page}"
    );
    assert!(
        visitor.page(&left).contains("left.csv"),
        "an upload that was no batch yet is there"
    );
    let left = scratch.checkpoint().counts().queued;
    assert!(
        visitor
            .page(&batch)
            .contains(&format!("<strong>{left}</strong> people have not been"))
    );
    visitor
        .send(&format!("{batch}/start"), &[("people", &left.to_string())])
        .location();
    wait_until("nobody is queued or under way", || {
        let counts = scratch.checkpoint().counts();
        counts.queued == 0 && counts.sending == 0
    });
    let accepted = sandbox.accepted();
    assert!(accepted.values().all(|count| *count == 1), "{accepted:?}");
    let unknown = scratch.checkpoint().counts().unknown;
    assert!(accepted.len() as u64 + unknown >= 200);
    console.end().expect(0);
}

#[test]
fn a_console_that_is_stopped_pauses_what_it_sends() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL, "--rate", "2/s"]);
    let visitor = console.visitor();
    let list = visitor.drop_list("contacts.csv", contacts(0..200).as_bytes());
    let batch = visitor.prepare(&list, "Hello {{ first_name }}", &[("name", "list")]);
    visitor
        .send(&format!("{batch}/start"), &[("people", "200")])
        .location();
    wait_until("some were sent", || sandbox.stats().accepted > 2);
    visitor.send(&format!("{batch}/pause"), &[]).location();
    let page = visitor.wait_for(&batch, "had their turn");
    assert!(
        page.contains("Go on") && page.contains("paused it on the console"),
        "{page}"
    );
    let left = scratch.checkpoint().counts().queued.to_string();
    visitor
        .send(&format!("{batch}/start"), &[("people", &left)])
        .location();
    let before = sandbox.stats().accepted;
    wait_until("more were sent", || sandbox.stats().accepted > before);
    console.end().expect(0);
    let counts = scratch.checkpoint().counts();
    assert_eq!(
        (counts.sending, counts.unknown),
        (0, 0),
        "nothing was cut off"
    );
    assert_eq!(counts.sent, sandbox.stats().accepted);
    assert!(counts.queued > 0);
}

#[test]
fn a_real_console_rehearses_apart_and_needs_a_token_to_send() {
    let scratch = Scratch::new();
    let sandbox = SandboxProcess::start(&[]);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let visitor = console.visitor();
    let list = visitor.drop_list("contacts.csv", contacts(0..3).as_bytes());
    let rehearsal = visitor.prepare(&list, "Hello", &[("name", "one"), ("how", "rehearse")]);
    assert_eq!(rehearsal, "/rehearsals/one");
    visitor
        .send(&format!("{rehearsal}/start"), &[("people", "3")])
        .location();
    visitor.wait_for(&rehearsal, "complete");
    assert_eq!(sandbox.stats().accepted, 0, "nobody was messaged");
    // The list is there yet, to be sent.
    let batch = visitor.prepare(&list, "Hello", &[("name", "one"), ("how", "send")]);
    assert_eq!(batch, "/batches/one");
    let page = visitor.page(&batch);
    assert!(page.contains("Type the number of people"), "{page}");
    visitor.send(&format!("{batch}/cancel"), &[]).location();
    assert!(visitor.page(&batch).contains("cancelled"));
    visitor.send(&format!("{batch}/take-up"), &[]).location();
    visitor
        .send(&format!("{batch}/start"), &[("people", "3")])
        .location();
    visitor.wait_for(&batch, "complete");
    assert_eq!(sandbox.stats().accepted, 3);
}

#[test]
fn an_upload_that_is_cut_off_leaves_nothing_and_others_cannot_read_one() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let (token, uploads) = (visitor.token(), scratch.path("sandbox.db-uploads"));
    let mut stream = TcpStream::connect(console.address).unwrap();
    write!(
        stream,
        "POST /lists?token={token} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nContent-Type: multipart/form-data; \
         boundary=edge\r\nContent-Length: 100000\r\n\r\n--edge\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"list.csv\"\r\n\r\nphone\n+4207",
        console.address, visitor.cookie
    )
    .unwrap();
    let count = || std::fs::read_dir(&uploads).unwrap().count();
    wait_until("it began", || count() == 1);
    drop(stream);
    wait_until("nothing is left", || count() == 0);
    let list = visitor.drop_list("list.csv", LIST.as_bytes());
    let id = list.rsplit('/').next().unwrap();
    let file = uploads.join(id).join("list").join("list.csv");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&uploads)), (0o600, 0o700));
    }
    visitor.send(&format!("{list}/remove"), &[]).location();
    assert!(!file.exists());
    assert_eq!(count(), 0);
}

#[test]
fn numbers_are_mended_on_the_page_and_join_the_batch() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let rows = "phone,first_name\n+420777000001,Eva\n777000002 Jana,Jana\n777000003 Ota,Ota\n+42077,Iva\n,Petr\n\
                +420777000006,Ada\n+420777000007,Ela\n+420777000008,Ivo\n";
    let list = visitor.drop_list("list.csv", rows.as_bytes());
    visitor.send(&list, &[("region", "CZ")]).location();
    let batch = visitor.prepare(&list, "Hello {{ first_name }}", &[("name", "spring")]);
    let page = visitor.page(&batch);
    for text in [
        "Numbers to mend",
        "Accept all 2 suggestions",
        "value=\"+420777000002\"",
        "<code>+42077</code>",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let mend = format!("{batch}/mend");
    assert_eq!(visitor.send(&mend, &[("number.0.5", "")]).status, 409);
    visitor.send(&mend, &[("all", "letters")]).location();
    let page = visitor.page(&batch);
    assert!(
        page.contains("Mended: 2 people can be messaged now."),
        "{page}"
    );
    assert!(
        page.contains("<strong>6</strong> people have not"),
        "{page}"
    );
    let typed = [
        ("number.0.5", "+420777000004"),
        ("number.0.6", "12"),
        ("number.9.9", "+420777000005"),
    ];
    visitor.send(&mend, &typed).location();
    let page = visitor.page(&batch);
    for text in [
        "Mended: 1 person can be messaged now. 1 number not taken:",
        "Not mended:",
        "<strong>7</strong> people have not",
        "(empty)",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(
        !page.contains("<code>+42077</code>"),
        "it is mended: {page}"
    );
    // The same once more changes nothing.
    visitor.send(&mend, &typed[..1]).location();
    visitor
        .send(&format!("{batch}/start"), &[("people", "7")])
        .location();
    visitor.wait_for(&batch, "complete");
    let results = visitor.page(&format!("{batch}/download?what=results"));
    for name in ["Eva", "Jana", "Ota", "Iva"] {
        let settled = |line: &&str| {
            line.contains(name) && (line.contains(",sent,") || line.contains(",no_messenger,"))
        };
        assert_eq!(
            results.lines().filter(settled).count(),
            1,
            "{name}: {results}"
        );
    }
    for file in [",list.csv,", ",mended.csv,", ",mended-2.csv,"] {
        assert!(results.contains(file), "{file}: {results}");
    }
    assert!(!results.contains("uploads"), "where files lie: {results}");
    let report = visitor.page(&format!("{batch}/report"));
    assert!(
        report.contains("Decisions") || report.contains("This batch"),
        "{report}"
    );
    assert!(
        !report.contains("action=\"/rehearsals"),
        "a report has no forms: {report}"
    );
}

#[test]
fn any_row_of_a_long_list_shows_its_message() {
    let scratch = Scratch::new();
    let console = ConsoleProcess::sandbox(&scratch);
    let visitor = console.visitor();
    let list = visitor.drop_list("list.csv", contacts(0..500).as_bytes());
    visitor
        .send(
            &format!("{list}/message"),
            &[("message", "Hello {{ first_name }}")],
        )
        .location();
    for (row, text) in [
        ("3", "Hello Name1<"),
        ("480", "Hello Name478<"),
        ("9000", "no contact in row 9000"),
    ] {
        let page = visitor.page(&format!("{list}/message?row={row}"));
        assert!(page.contains(text), "{text}: {page}");
    }
    let preview = format!("{list}/preview");
    let tried = visitor.send(
        &preview,
        &[("message", "Dear {{ first_name }}"), ("row", "480")],
    );
    assert!(tried.text().contains("Dear Name478<"), "{}", tried.text());
}

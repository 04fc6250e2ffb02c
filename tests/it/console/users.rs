//! Who signs in with a password, what each role may do, and where the console starts.

use crate::support::{CHANNEL, ConsoleProcess, SandboxProcess, Scratch, Visitor, contacts};

pub(super) const PASSWORD: &str = "correct horse battery";

/// Adds a user with [`PASSWORD`].
pub(super) fn add(scratch: &Scratch, name: &str, role: &str) {
    std::fs::write(scratch.path("password"), format!("{PASSWORD}\n")).unwrap();
    let user = ["console", "user", "add", name, "--role", role];
    let add = scratch.outreach(&user);
    add.with(&["--password-file", "password"]).run().expect(0);
}

fn sign_in(visitor: &Visitor, name: &str, password: &str) -> u16 {
    let fields = [("name", name), ("password", password)];
    visitor.post("/sign-in", &fields).status
}

#[test]
fn users_are_kept_in_a_file_without_their_passwords() {
    let scratch = Scratch::new();
    let user = |words: &[&str]| scratch.outreach(&["console", "user"]).with(words).run();
    // Off a terminal nobody can be asked.
    user(&["add", "eva", "--role", "admin"])
        .expect(2)
        .says("--password-file");
    user(&["add", "eva", "--role", "admin", "--password-file", "none"]).expect(2);
    std::fs::write(scratch.path("short"), "seven77\n").unwrap();
    let short = ["add", "eva", "--role", "admin", "--password-file", "short"];
    user(&short).expect(2).says("too short");
    user(&["add", "eva", "--role", "chief", "--password-file", "short"]).expect(2);
    user(&["add", "eva", "secret word", "--role", "admin"]).expect(2);
    user(&[
        "add",
        "eva novak",
        "--role",
        "admin",
        "--password-file",
        "short",
    ])
    .expect(2);
    assert_eq!(user(&["list"]).expect(0).out, "");
    add(&scratch, "eva", "admin");
    add(&scratch, "jan", "viewer");
    let known = [
        "add",
        "eva",
        "--role",
        "viewer",
        "--password-file",
        "password",
    ];
    user(&known).expect(2).says("there is a user eva already");
    assert_eq!(user(&["list"]).expect(0).out, "eva admin\njan viewer\n");
    let file = std::fs::read_to_string(scratch.path("outreach.db-users")).unwrap();
    assert!(
        file.contains("eva admin $argon2id$") && !file.contains(PASSWORD),
        "{file}"
    );
    user(&["remove", "eva"]).expect(0);
    user(&["remove", "eva"]).expect(2).says("no user eva");
    assert_eq!(user(&["list"]).expect(0).out, "jan viewer\n");
    // Who was let in, as what, and who is out again stands in the audit; what was refused does not.
    let console = ConsoleProcess::start(&scratch, &[]);
    let health = console.user("jan", PASSWORD).page("/health");
    for line in [
        "user-add: eva as admin",
        "user-add: jan as viewer",
        "user-remove: eva",
    ] {
        assert_eq!(health.matches(line).count(), 1, "{line}: {health}");
    }
}

#[test]
fn it_starts_where_others_reach_it_only_with_users_and_encrypted() {
    let scratch = Scratch::new();
    let start = |words: &[&str]| {
        scratch
            .outreach(&["console", "--sandbox"])
            .with(words)
            .run()
    };
    let open = ["--listen", "0.0.0.0:0"];
    start(&[&open[..], &["--behind-proxy"]].concat())
        .expect(2)
        .says("user add");
    start(&["--behind-proxy"]).expect(2).says("user add");
    add(&scratch, "eva", "admin");
    start(&open).expect(2).says("--tls-cert");
    start(&[&open[..], &["--tls-cert", "cert.pem"]].concat())
        .expect(6)
        .says("tls-key");
    let both = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    start(&[&open[..], &both].concat())
        .expect(6)
        .says("cert.pem");
    std::fs::write(scratch.path("outreach.db-users"), "eva admin\n").unwrap();
    start(&["--behind-proxy"]).expect(6).says("line 1");
    assert!(!scratch.path("sandbox.db").exists(), "nothing was made");
}

#[test]
fn a_user_signs_in_with_the_password_and_failures_slow_that_down() {
    let scratch = Scratch::new();
    add(&scratch, "eva", "admin");
    let console = ConsoleProcess::start(&scratch, &["--sandbox", "--behind-proxy"]);
    assert!(!console.printed().contains("key="), "no link signs in");
    let stranger = console.stranger();
    let page = stranger.get("/");
    assert_eq!(page.status, 401);
    assert!(page.text().contains("type=\"password\""), "{}", page.text());
    let eva = console.user("eva", PASSWORD);
    assert!(eva.cookie.starts_with("__Host-"), "{}", eva.cookie);
    assert!(eva.page("/").contains("Begin with a list"));
    let other = console.user("eva", PASSWORD);
    assert_ne!(
        other.cookie, eva.cookie,
        "a session is never that of before"
    );
    for (name, password) in [
        ("jan", PASSWORD),
        ("", ""),
        ("eva", "wrong"),
        ("eva", "wrong"),
    ] {
        assert_eq!(sign_in(&stranger, name, password), 403);
    }
    assert_eq!(sign_in(&stranger, "eva", ""), 403);
    let fields = [("name", "eva"), ("password", PASSWORD)];
    let slowed = stranger.post("/sign-in", &fields);
    assert_eq!(slowed.status, 429);
    assert!(slowed.text().contains("Try again in"), "{}", slowed.text());
    assert_eq!(slowed.header("set-cookie"), None);
    eva.page("/");
    // A form of another page signs nobody in.
    let form = format!("name=eva&password={PASSWORD}");
    for from in [
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Origin: https://evil.example",
    ] {
        let head = format!("Content-Type: application/x-www-form-urlencoded\r\n{from}\r\n");
        assert_eq!(
            stranger.ask("POST /sign-in", &head, form.as_bytes()).status,
            403,
            "{from}"
        );
    }
}

#[test]
fn a_session_ends_at_sign_out_and_with_its_user_or_password_and_lasts_over_a_restart() {
    let scratch = Scratch::new();
    add(&scratch, "eva", "admin");
    add(&scratch, "jan", "operator");
    let mut console = ConsoleProcess::start(&scratch, &["--sandbox"]);
    let (eva, jan) = (console.user("eva", PASSWORD), console.user("jan", PASSWORD));
    let again = console.user("eva", PASSWORD);
    assert_eq!(again.send("/sign-out", &[]).location(), "/sign-in");
    assert_eq!(again.get("/").status, 401, "who has the cookie yet is out");
    console.kill();
    let console = ConsoleProcess::start(&scratch, &["--sandbox"]);
    let (eva, jan) = (console.returning(&eva), console.returning(&jan));
    assert_eq!(console.returning(&again).get("/").status, 401);
    jan.page("/");
    scratch
        .outreach(&["console", "user", "remove", "jan"])
        .run()
        .expect(0);
    assert_eq!(jan.get("/").status, 401);
    // Another password, or another role, ends the session that began before.
    add(&scratch, "jan", "admin");
    assert_eq!(jan.get("/").status, 401);
    eva.page("/");
    // The secret is on no disk.
    let (_, secret) = eva.cookie.split_once('=').unwrap();
    for file in ["sandbox.db", "sandbox.db-wal"] {
        let bytes = std::fs::read(scratch.path(file)).unwrap_or_default();
        assert!(
            !bytes
                .windows(secret.len())
                .any(|it| it == secret.as_bytes()),
            "{file}"
        );
    }
    // Without its users the console lets in nobody who is signed in, and no link signs in by surprise.
    std::fs::write(scratch.path("outreach.db-users"), "broken\n").unwrap();
    assert_eq!(eva.get("/").status, 401);
}

fn expect_audit(admin: &Visitor) {
    let health = admin.page("/health");
    for line in [
        "otto</td><td data-label=\"What\">start",
        "ada</td><td data-label=\"What\">suppress-remove",
    ] {
        assert!(health.contains(line), "{line}: {health}");
    }
}

#[test]
fn a_viewer_looks_and_sees_no_number_and_an_operator_erases_nobody() {
    let scratch = Scratch::new();
    for (name, role) in [("vera", "viewer"), ("otto", "operator"), ("ada", "admin")] {
        add(&scratch, name, role);
    }
    let sandbox = SandboxProcess::start(&[]);
    let console = ConsoleProcess::of(&scratch, &sandbox, &["--channel", CHANNEL]);
    let user = |name| console.user(name, PASSWORD);
    let (viewer, operator, admin) = (user("vera"), user("otto"), user("ada"));
    let list = operator.drop_list("contacts.csv", contacts(0..3).as_bytes());
    let batch = operator.prepare(&list, "Hello", &[("name", "one")]);
    operator
        .send(&format!("{batch}/start"), &[("people", "3")])
        .location();
    operator.wait_for(&batch, "complete");
    let number = sandbox.accepted().into_keys().next().unwrap().to_string();
    operator
        .send(
            "/suppression",
            &[("numbers", &format!("+{number}")), ("reason", "asked")],
        )
        .location();
    let person = format!("/people?number=%2B{number}");
    for path in ["/", "/health", "/suppression", &batch, &person] {
        let page = viewer.page(path);
        let own = page.replace(&format!("value=\"+{number}\""), "");
        assert!(!own.contains(&number), "{path}: {own}");
        for form in own
            .split("<form")
            .skip(1)
            .filter(|it| it.contains("method=\"post\""))
        {
            assert!(form.contains("action=\"/sign-out\""), "{path}: {form}");
        }
    }
    let found = viewer.page(&format!("/suppression?q={}", &number[4..]));
    assert!(
        found.contains("Nothing was found"),
        "digits find nothing: {found}"
    );
    for path in [
        "/lists/0123456789abcdef",
        "/lists/0123456789abcdef/message",
        "/lists/0123456789abcdef/rejects",
        "/lists/0123456789abcdef/prepare",
        "/suppression/export",
        &format!("{batch}/download"),
    ] {
        assert_eq!(viewer.get(path).status, 403, "{path}");
    }
    let id = "/lists/0123456789abcdef";
    let mut changes = vec![
        "/suppression".to_owned(),
        "/people/suppress".to_owned(),
        "/health".to_owned(),
        id.to_owned(),
        "/approval".to_owned(),
    ];
    changes.extend(
        [
            "remove", "message", "test", "preview", "prepare", "mend", "join", "alone",
        ]
        .map(|it| format!("{id}/{it}")),
    );
    let of_batch = [
        "start", "pause", "cancel", "take-up", "resolve", "meaning", "mend",
    ];
    changes.extend(of_batch.map(|it| format!("{batch}/{it}")));
    let admins = ["/people/lift", "/people/forget"];
    for path in changes.iter().map(String::as_str).chain(admins) {
        let answer = viewer.send(path, &[("number", &format!("+{number}"))]);
        assert_eq!(answer.status, 403, "{path}");
        assert!(
            answer.text().contains("Not allowed"),
            "{path}: {}",
            answer.text()
        );
    }
    assert_eq!(
        viewer
            .upload("/lists", &viewer.token(), "x.csv", b"phone\n")
            .status,
        403
    );
    for path in admins {
        let fields = [
            ("number", &*format!("+{number}")),
            ("reason", "x"),
            ("sure", "yes"),
        ];
        assert_eq!(operator.send(path, &fields).status, 403, "{path}");
    }
    let lifted = admin.send(
        "/people/lift",
        &[("number", &format!("+{number}")), ("reason", "x")],
    );
    assert_eq!(lifted.status, 303);
    // Each change stands in the audit with its user.
    expect_audit(&admin);
}

#[tokio::test]
async fn the_page_comes_over_tls_too() {
    let scratch = Scratch::new();
    add(&scratch, "eva", "admin");
    for file in ["localhost.pem", "localhost.key"] {
        std::fs::copy(format!("fixtures/tls/{file}"), scratch.path(file)).unwrap();
    }
    let tls = [
        "--sandbox",
        "--tls-cert",
        "localhost.pem",
        "--tls-key",
        "localhost.key",
    ];
    let console = ConsoleProcess::start(&scratch, &tls);
    let url = console.printed();
    assert_eq!(url.trim(), format!("https://{}/sign-in", console.address));
    let client = outreach::internals::amio::http_client()
        .tls_danger_accept_invalid_certs(true)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let form = format!("name=eva&password={}", PASSWORD.replace(' ', "+"));
    let sent = client
        .post(url.trim())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("origin", format!("https://{}", console.address))
        .body(form);
    let answer = sent.send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.contains("; Secure") && cookie.starts_with("__Host-"),
        "{cookie}"
    );
    let page = client
        .get(format!("https://{}/", console.address))
        .header("cookie", cookie.split(';').next().unwrap());
    assert_eq!(page.send().await.unwrap().status(), 200);
}

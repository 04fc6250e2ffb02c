//! One account of who was messaged, wherever one stands.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::most;
use crate::support::{CHANNEL, Checkpoint, Program, SandboxProcess, Scratch};

/// Two folders of one user, and a list.
struct User {
    home: Scratch,
    list: PathBuf,
}

impl User {
    fn new() -> Self {
        let home = Scratch::new();
        for folder in ["one", "two"] {
            std::fs::create_dir(home.path(folder)).expect("a folder");
        }
        let list = home.contacts(3);
        Self { home, list }
    }

    /// A command that is typed in a folder of the user's.
    fn command(&self, folder: &str, arguments: &[&str]) -> Program {
        Program::new(&self.home.path(folder), arguments)
            .env("XDG_DATA_HOME", &text(&self.home.path("data")))
            .env("XDG_CONFIG_HOME", &text(&self.home.path("config")))
    }

    fn send(&self, folder: &str, sandbox: &SandboxProcess) -> Program {
        self.command(folder, &["send", &text(&self.list), "--yes"])
            .with(&["--message", "Hello"])
            .with(&["--base-url", sandbox.base_url(), "--channel", CHANNEL])
    }

    fn own(&self) -> PathBuf {
        self.home.path("data/outreach/outreach.db")
    }

    fn settings(&self, file: &str, settings: &str) {
        let path = self.home.path(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, settings).expect("a file");
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path").to_owned()
}

#[test]
fn the_same_command_from_another_folder_reaches_nobody_twice() {
    let (user, sandbox) = (User::new(), SandboxProcess::start(&[]));
    user.send("one", &sandbox).run().expect(0);
    user.send("two", &sandbox).run().expect(0);
    user.send("two", &sandbox)
        .with(&["--batch", "other"])
        .run()
        .expect(0);
    assert_eq!((sandbox.accepted().len(), most(&sandbox)), (3, 1));
    assert!(!user.home.path("two/outreach.db").exists());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&user.own()), 0o600);
    assert_eq!(mode(user.own().parent().unwrap()), 0o700);
}

#[test]
fn every_command_finds_the_same_checkpoint_from_every_folder() {
    let (user, sandbox) = (User::new(), SandboxProcess::start(&[]));
    user.send("one", &sandbox)
        .with(&["--batch", "list"])
        .run()
        .expect(0);
    let phone = "+420777000001";
    for (arguments, word) in [
        (&["status"][..], "list"),
        (&["export", "list", "-o", "-"], phone),
        (&["contacts", "show", phone], "list"),
        (
            &["doctor", "--base-url", sandbox.base_url()],
            "/data/outreach/outreach.db",
        ),
        (
            &["check", &text(&user.list), "--message", "Hello"],
            "3  would be sent",
        ),
    ] {
        let done = user.command("two", arguments).run();
        assert!(done.out.contains(word), "{arguments:?}: {done:?}");
    }
    let resume = ["resume", "list", "--yes", "--base-url", sandbox.base_url()];
    user.command("two", &resume).run().expect(0);
    user.command("two", &["suppress", "add", phone])
        .run()
        .expect(0);
    let listed = user.command("one", &["suppress", "list"]).run().expect(0);
    assert!(listed.out.contains(phone));
    user.command("two", &["forget", phone, "--yes"])
        .run()
        .expect(0);
    let own = Checkpoint::open(&user.own());
    assert!(
        own.rows()
            .iter()
            .all(|row| row.number != Some(420_777_000_001))
    );
    for folder in ["one", "two"] {
        assert!(!user.home.path(folder).join("outreach.db").exists());
    }
}

#[test]
fn two_accounts_of_who_was_messaged_are_refused_until_one_is_named() {
    let (user, sandbox) = (User::new(), SandboxProcess::start(&[]));
    user.send("one", &sandbox).run().expect(0);
    user.send("two", &sandbox)
        .with(&["--db", "outreach.db"])
        .run()
        .expect(0);
    let asked = sandbox.stats().requests;
    let phone = "+420777000001";
    let list = text(&user.list);
    for arguments in [
        &["status"][..],
        &["export", "list"],
        &["resume", "list", "--yes"],
        &["resolve", "list"],
        &["suppress", "add", phone],
        &["suppress", "list"],
        &["contacts", "list"],
        &["forget", phone, "--yes"],
        &["serve", "--insecure-no-signature"],
        &["check", &list],
    ] {
        user.command("two", arguments).run().expect(2).says("--db");
    }
    user.send("two", &sandbox).run().expect(2).says("--db");
    let doctor = user.command("two", &["doctor"]).run();
    assert!(doctor.out.contains("--db"), "{doctor:?}");
    assert_eq!(sandbox.stats().requests, asked, "nobody was messaged");
    for db in ["outreach.db", &text(&user.own())] {
        user.command("two", &["status", "--db", db]).run().expect(0);
    }
    user.settings("two/outreach.toml", "db = 'outreach.db'\n");
    user.send("two", &sandbox).run().expect(0);
    assert_eq!(sandbox.stats().requests, asked);
}

#[test]
fn a_checkpoint_of_the_folder_that_is_gone_is_no_reason_to_take_another() {
    let (user, sandbox) = (User::new(), SandboxProcess::start(&[]));
    user.send("one", &sandbox)
        .with(&["--db", "outreach.db"])
        .run()
        .expect(0);
    let file = user.home.path("one/outreach.db");
    std::fs::rename(&file, user.home.path("away.db")).expect("a move");
    user.send("one", &sandbox)
        .run()
        .expect(8)
        .says("outreach.db is gone");
    assert_eq!(most(&sandbox), 1);
    // It is now where it is found from all folders.
    std::fs::create_dir_all(user.own().parent().expect("a folder")).expect("a folder");
    std::fs::rename(user.home.path("away.db"), user.own()).expect("a move");
    let mark = |db: &Path| db.with_extension("db-mark");
    std::fs::rename(mark(&file), mark(&user.own())).expect("a move");
    user.send("one", &sandbox).run().expect(0);
    assert_eq!(most(&sandbox), 1);
}

#[test]
fn a_checkpoint_of_the_folder_that_alone_is_in_use_stays_in_use() {
    let (user, sandbox) = (User::new(), SandboxProcess::start(&[]));
    user.send("one", &sandbox)
        .with(&["--db", "outreach.db"])
        .run()
        .expect(0);
    user.send("one", &sandbox)
        .run()
        .expect(0)
        .says("other folders");
    assert_eq!(most(&sandbox), 1);
    assert!(!user.own().exists());
}

#[test]
fn rehearsals_stay_in_their_folder() {
    let user = User::new();
    let list = text(&user.list);
    let rehearse = ["send", &list, "--sandbox", "--message", "Hello"];
    user.command("one", &rehearse).run().expect(0);
    assert!(user.home.path("one/sandbox.db").exists());
    assert!(!user.own().exists());
    user.command("one", &["status"]).run().expect(0);
    user.command("two", &["status"]).run().expect(8);
}

#[test]
fn without_a_home_a_real_send_asks_for_the_name_of_its_checkpoint() {
    let (user, sandbox) = (User::new(), SandboxProcess::start(&[]));
    let homeless = || user.send("one", &sandbox).without_env("XDG_DATA_HOME");
    homeless().run().expect(6).says("--db");
    homeless().env("XDG_DATA_HOME", "data").run().expect(6);
    homeless().with(&["--db", "mine.db"]).run().expect(0);
    let home = text(&user.home.path("home"));
    let own = user.home.path("home/.local/share/outreach/outreach.db");
    homeless()
        .env("HOME", &home)
        .with(&["--batch", "b"])
        .run()
        .expect(0);
    assert!(own.exists());
}

#[test]
fn the_first_settings_file_that_is_found_counts_alone() {
    let (user, sandbox) = (User::new(), SandboxProcess::start(&[]));
    let region = |folder: &str, more: &[&str]| {
        let shown = user.command(folder, &["config"]).with(more).run().expect(0);
        let line = shown.out.lines().find(|line| line.starts_with("region"));
        line.unwrap_or_default().to_owned()
    };
    user.settings(
        "config/outreach/outreach.toml",
        "region = 'CZ'\nconcurrency = 1\n",
    );
    assert!(region("one", &[]).contains("CZ"));
    user.settings("two/outreach.toml", "concurrency = 2\n");
    assert!(!region("two", &[]).contains("CZ"), "the user's is not read");
    user.settings("more/any.toml", "region = 'DE'\n");
    let named = text(&user.home.path("more/any.toml"));
    assert!(region("two", &["--config", &named]).contains("DE"));
    // The checkpoint that the user's settings name is one file from every folder.
    user.settings("config/outreach/outreach.toml", "db = 'mine.db'\n");
    std::fs::remove_file(user.home.path("two/outreach.toml")).unwrap();
    user.send("one", &sandbox).run().expect(0);
    user.send("two", &sandbox).run().expect(0);
    assert_eq!((sandbox.accepted().len(), most(&sandbox)), (3, 1));
    assert!(user.home.path("config/outreach/mine.db").exists());
}

//! A PostgreSQL server of its own, where its programs are installed, and a line to it that can be held up.

#![allow(
    dead_code,
    reason = "the tests of the log and of the program use different parts"
)]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longer than anything here may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A running server. Killed when dropped.
pub(crate) struct Engine {
    server: Option<Child>,
    bin: PathBuf,
    port: u16,
    folder: tempfile::TempDir,
}

/// The folder of the server's programs; `None` if they are not installed.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = versions.flatten().map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    debian
        .chain(path)
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// The server refuses to run as root: then it runs as the user that its package made.
fn user() -> Option<u32> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let out = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(out.stdout).ok()?.trim().parse().ok()
    };
    match id(&["-u"]) {
        Some(0) => Some(id(&["-u", "postgres"]).expect("root needs the user `postgres`")),
        _ => None,
    }
}

fn as_user(command: &mut Command, folder: &Path) {
    command.current_dir(folder).stdin(Stdio::null());
    if let Some(user) = user() {
        command.uid(user);
    }
}

impl Engine {
    /// Starts one; `None` where it is not installed: then the test is left out.
    pub(crate) fn start() -> Option<Self> {
        let mut engine = Self::stopped(programs()?);
        let mut initdb = Command::new(engine.bin.join("initdb"));
        initdb
            .args([
                "--auth=trust",
                "--username=outreach",
                "--no-sync",
                "--encoding=UTF8",
            ])
            .args(["--locale=C", "--pgdata"])
            .arg(engine.folder.path().join("data"))
            .stdout(Stdio::null());
        as_user(&mut initdb, engine.folder.path());
        assert!(initdb.status().expect("initdb").success(), "initdb");
        engine.go_on();
        Some(engine)
    }

    /// A standby of it; from now on each commit waits until it has it.
    pub(crate) fn standby(&self) -> Self {
        let mut standby = Self::stopped(self.bin.clone());
        let from = format!(
            "host=127.0.0.1 port={} user=outreach application_name=standby1",
            self.port
        );
        let mut copy = Command::new(self.bin.join("pg_basebackup"));
        copy.args([
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
        ])
        .args(["--dbname", &from, "--pgdata"])
        .arg(standby.folder.path().join("data"));
        as_user(&mut copy, standby.folder.path());
        assert!(copy.status().expect("pg_basebackup").success());
        standby.go_on();
        self.sql("ALTER SYSTEM SET synchronous_standby_names = 'standby1'");
        self.sql("SELECT pg_reload_conf()");
        standby
    }

    /// What `--cluster` takes: whichever of the two is the primary.
    pub(crate) fn url_with(&self, other: &Self) -> String {
        format!(
            "postgres://outreach@127.0.0.1:{},127.0.0.1:{}/postgres?target_session_attrs=read-write",
            self.port, other.port
        )
    }

    fn stopped(bin: PathBuf) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("engine")
            .tempdir_in("/tmp")
            .expect("a folder");
        if let Some(user) = user() {
            std::os::unix::fs::chown(folder.path(), Some(user), None).expect("the folder's owner");
        }
        // Taken by the server at once; free until then.
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        Self {
            server: None,
            bin,
            port,
            folder,
        }
    }

    /// Starts the server again.
    pub(crate) fn go_on(&mut self) {
        let mut server = Command::new(self.bin.join("postgres"));
        server
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args([
                "-p",
                &self.port.to_string(),
                "-k",
                "",
                "-c",
                "listen_addresses=127.0.0.1",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        as_user(&mut server, self.folder.path());
        self.server = Some(server.spawn().expect("the server starts"));
        let begin = Instant::now();
        while self.try_sql("SELECT 1").is_none() {
            assert!(begin.elapsed() < PATIENCE, "the server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `kill -9` of the server and its sessions.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            // SIGQUIT is PostgreSQL's "immediate": as after a loss of power.
            let _ = Command::new("kill")
                .args(["-QUIT", &server.id().to_string()])
                .status();
            let _ = server.wait();
        }
    }

    /// What `--cluster` takes.
    pub(crate) fn url(&self) -> String {
        format!("postgres://outreach@127.0.0.1:{}/postgres", self.port)
    }

    /// Copies its data, while it does not run.
    pub(crate) fn keep_copy(&self) {
        assert!(self.server.is_none(), "it runs");
        self.copy("data", "copy");
    }

    /// Puts the copy back, while it does not run.
    pub(crate) fn put_copy_back(&self) {
        assert!(self.server.is_none(), "it runs");
        self.copy("copy", "data");
    }

    fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.folder.path().join(from), self.folder.path().join(to));
        let _ = std::fs::remove_dir_all(&to);
        let done = Command::new("cp").arg("-a").args([from, to]).status();
        assert!(done.expect("cp").success(), "cp");
    }

    /// The server that starts next is a standby, which becomes the primary when it is promoted.
    pub(crate) fn becomes_a_standby(&self) {
        let signal = self.folder.path().join("data/standby.signal");
        std::fs::write(&signal, "").expect("a file");
        if let Some(user) = user() {
            std::os::unix::fs::chown(&signal, Some(user), None).expect("its owner");
        }
    }

    /// A line to it that can be held up.
    pub(crate) fn line(&self) -> Line {
        Line::to(self.port)
    }

    fn try_sql(&self, sql: &str) -> Option<String> {
        let psql = Command::new(self.bin.join("psql"))
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-U",
                "outreach",
            ])
            .args(["-d", "postgres", "-Atqc", sql])
            .stderr(Stdio::null())
            .output()
            .ok()?;
        psql.status
            .success()
            .then(|| String::from_utf8_lossy(&psql.stdout).trim().to_owned())
    }

    /// Asks the server.
    #[track_caller]
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.try_sql(sql).unwrap_or_else(|| panic!("{sql}"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A line between a machine and the engine.
pub(crate) struct Line {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// How many connections were made.
    connections: AtomicU64,
    /// What is said on the connections before this one reaches the engine only when it is let go.
    held_before: AtomicU64,
    /// What is answered on the connections before this one is lost.
    lost_before: AtomicU64,
    /// There is no way through.
    is_cut: AtomicBool,
    /// Both ends of what goes through.
    ends: Mutex<Vec<TcpStream>>,
}

impl Line {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let number = shared.connections.fetch_add(1, Ordering::SeqCst);
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                    continue;
                };
                let ends = [&client, &server].map(|it| it.try_clone().expect("a socket"));
                shared.ends().extend(ends);
                let pump = |from: &TcpStream, to: &TcpStream, asks: bool| {
                    let (from, to) = (from.try_clone(), to.try_clone());
                    let (from, to) = (from.expect("a socket"), to.expect("a socket"));
                    let state = Arc::clone(&shared);
                    std::thread::spawn(move || carry(from, to, number, asks, &state));
                };
                pump(&client, &server, true);
                pump(&server, &client, false);
            }
        });
        Self { port: own, state }
    }

    /// What `--cluster` takes.
    pub(crate) fn url(&self) -> String {
        format!("postgres://outreach@127.0.0.1:{}/postgres", self.port)
    }

    fn now(&self) -> u64 {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// What is said from now on, on the connections that there are, reaches the engine late.
    pub(crate) fn hold(&self) {
        self.state.held_before.store(self.now(), Ordering::SeqCst);
    }

    /// What was held reaches the engine.
    pub(crate) fn let_go(&self) {
        self.state.held_before.store(0, Ordering::SeqCst);
    }

    /// Nothing goes through any more.
    pub(crate) fn cut(&self) {
        self.state.is_cut.store(true, Ordering::SeqCst);
        for end in self.state.ends().drain(..) {
            // One that is closed already needs no closing.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// What is said on new connections goes through again.
    pub(crate) fn mend(&self) {
        self.state.is_cut.store(false, Ordering::SeqCst);
    }

    /// What is answered from now on, on the connections that there are, is lost.
    pub(crate) fn lose_answers(&self) {
        self.state.lost_before.store(self.now(), Ordering::SeqCst);
    }
}

impl State {
    fn ends(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, number: u64, asks: bool, state: &State) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        // A client that went away has said what it said all the same.
        let length = from.read(&mut bytes).unwrap_or(0);
        while asks && number < state.held_before.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let is_lost = !asks && number < state.lost_before.load(Ordering::SeqCst);
        if length == 0 {
            let _ = to.shutdown(Shutdown::Write);
            return;
        }
        if !is_lost && to.write_all(&bytes[..length]).is_err() && asks {
            return;
        }
    }
}

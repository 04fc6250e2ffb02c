//! A PostgreSQL server of its own, where its programs are installed.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running server. Killed when dropped.
pub(crate) struct Engine {
    server: Option<Child>,
    bin: PathBuf,
    port: u16,
    folder: tempfile::TempDir,
}

/// The folder of the server's programs; `None` if they are not installed.
pub(crate) fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
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
        let bin = programs()?;
        let folder = tempfile::Builder::new()
            .prefix("engine")
            .tempdir_in("/tmp")
            .expect("a folder");
        if let Some(user) = user() {
            std::os::unix::fs::chown(folder.path(), Some(user), None).expect("the folder's owner");
        }
        let mut initdb = Command::new(bin.join("initdb"));
        initdb
            .args(["--auth=trust", "--username=outreach", "--no-sync", "--encoding=UTF8"])
            .args(["--locale=C", "--pgdata"])
            .arg(folder.path().join("data"))
            .stdout(Stdio::null());
        as_user(&mut initdb, folder.path());
        assert!(initdb.status().expect("initdb").success(), "initdb");
        // Taken by the server at once; free until then.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let mut engine = Self {
            server: None,
            bin,
            port,
            folder,
        };
        engine.go_on();
        Some(engine)
    }

    /// Starts the server again.
    pub(crate) fn go_on(&mut self) {
        let mut server = Command::new(self.bin.join("postgres"));
        server
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-p", &self.port.to_string(), "-k", "", "-c", "listen_addresses=127.0.0.1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        as_user(&mut server, self.folder.path());
        self.server = Some(server.spawn().expect("the server starts"));
        let begin = Instant::now();
        while self.try_sql("SELECT 1").is_none() {
            assert!(begin.elapsed() < super::PATIENCE, "the server does not start");
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

    fn try_sql(&self, sql: &str) -> Option<String> {
        let psql = Command::new(self.bin.join("psql"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "outreach"])
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

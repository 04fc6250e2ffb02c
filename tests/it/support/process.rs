//! The real binary as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::PATIENCE;

/// The program under test: the one that cargo built for the tests, or the one beside an example.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = option_env!("CARGO_BIN_EXE_outreach") {
        return PathBuf::from(path);
    }
    let own = std::env::current_exe().expect("a path of its own");
    let folder = own.ancestors().nth(2).expect("target/PROFILE/examples");
    folder.join("outreach")
}

/// A command line of the program.
pub(crate) struct Program {
    command: Command,
    folder: PathBuf,
}

impl Program {
    pub(crate) fn new(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command.args(arguments);
        Self::of(folder, command)
    }

    fn of(folder: &Path, mut command: Command) -> Self {
        command
            .current_dir(folder)
            .env_clear()
            .env(
                "AMIO_TOKEN",
                outreach::internals::sandbox::Settings::DEFAULT_TOKEN,
            )
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("XDG_DATA_HOME", super::home_in(folder))
            // Times for people are local.
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        Self {
            command,
            folder: folder.to_owned(),
        }
    }

    /// A line that somebody typed into a shell.
    pub(crate) fn shell(folder: &Path, line: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        Self::of(folder, command)
    }

    /// The same command line under a shell that first runs `preamble` (a limit, for instance).
    pub(crate) fn after(self, preamble: &str) -> Self {
        let mut shell = Command::new("bash");
        shell
            .arg("-c")
            .arg(format!("{preamble}; exec \"$0\" \"$@\""))
            .arg(self.command.get_program())
            .args(self.command.get_args());
        Self::of(&self.folder, shell)
    }

    pub(crate) fn with(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn concurrency(self, n: u32) -> Self {
        self.with(&["--concurrency", &n.to_string()])
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Makes it die at a crash point: `name` or `name:passage`.
    pub(crate) fn crash_at(self, point: &str) -> Self {
        self.env("OUTREACH_TEST_CRASH_AT", point)
    }

    pub(crate) fn start(mut self) -> Running {
        // Into files: nobody has to read pipes while the test does something else.
        let out = tempfile::NamedTempFile::new().expect("a file for the output");
        let err = tempfile::NamedTempFile::new().expect("a file for the words");
        let open = |file: &tempfile::NamedTempFile| -> File { file.reopen().expect("the file") };
        let child = self
            .command
            .stdout(open(&out))
            .stderr(open(&err))
            .spawn()
            .expect("the program starts");
        Running { child, out, err }
    }

    pub(crate) fn run(self) -> Ended {
        self.start().wait()
    }
}

/// A process that runs. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    out: tempfile::NamedTempFile,
    err: tempfile::NamedTempFile,
}

impl Running {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .stderr(Stdio::null())
            .status()
            .expect("kill");
        assert!(status.success(), "signal {name}");
    }

    /// `kill -9`. False if it had ended before.
    pub(crate) fn kill(&mut self) -> bool {
        if self.has_ended() {
            return false;
        }
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
        true
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// What it printed on stdout so far.
    pub(crate) fn printed(&self) -> String {
        std::fs::read_to_string(self.out.path()).unwrap_or_default()
    }

    /// What it said on stderr so far.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.err.path()).unwrap_or_default()
    }

    pub(crate) fn wait(mut self) -> Ended {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return Ended {
                    code: status.code(),
                    out: std::fs::read_to_string(self.out.path()).unwrap_or_default(),
                    said: self.said(),
                };
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "the program does not end: {}",
                self.said()
            );
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) said: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.said);
        self
    }

    /// It died by a signal, as at a crash point.
    #[track_caller]
    pub(crate) fn expect_crash(self) -> Self {
        assert_eq!(self.code, None, "it should have died: {}", self.said);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.said.contains(text), "no `{text}` in: {}", self.said);
        self
    }
}

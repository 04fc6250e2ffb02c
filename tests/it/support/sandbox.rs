//! The sandbox as a process of its own: it outlives a program that is killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use outreach::internals::sandbox::Stats;

use super::process::binary;

/// A running sandbox. Killed when dropped.
pub(crate) struct SandboxProcess {
    child: Child,
    base_url: String,
}

impl SandboxProcess {
    /// Everybody has Messenger, the quota never ends; `arguments` say otherwise, or script faults.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(binary());
        command.args(["sandbox", "--listen", "127.0.0.1:0"]);
        for default in [["--no-messenger", "0%"], ["--quota", "1000000000"]] {
            if !arguments.contains(&default[0]) {
                command.args(default);
            }
        }
        let mut child = command
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the sandbox starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out)
            .read_line(&mut line)
            .expect("its address");
        assert!(line.starts_with("http://"), "the sandbox did not start");
        Self {
            child,
            base_url: line.trim().to_owned(),
        }
    }

    /// One whose faults are given, each as one word.
    pub(crate) fn with_faults(faults: &[&str]) -> Self {
        let arguments: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
        Self::start(&arguments)
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    fn get(&self, path: &str) -> String {
        let address = self
            .base_url
            .trim_start_matches("http://")
            .trim_end_matches("/v1");
        let mut stream = TcpStream::connect(address).expect("the sandbox listens");
        write!(stream, "GET {path} HTTP/1.0\r\nHost: sandbox\r\n\r\n").expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        body.to_owned()
    }

    /// Its account.
    pub(crate) fn stats(&self) -> Stats {
        serde_json::from_str(&self.get("/sandbox/stats")).expect("the account")
    }

    /// What it knows of every person whom it messaged.
    pub(crate) fn people(&self) -> Vec<serde_json::Value> {
        let line = |line: &str| serde_json::from_str(line).expect("a line");
        self.get("/sandbox/people").lines().map(line).collect()
    }

    /// The messages that it accepted.
    pub(crate) fn messages(&self) -> Vec<serde_json::Value> {
        let line = |line: &str| serde_json::from_str(line).expect("a line");
        self.get("/sandbox/messages").lines().map(line).collect()
    }

    /// How many messages each number got.
    pub(crate) fn accepted(&self) -> BTreeMap<u64, u64> {
        let body = self.get("/sandbox/accepted");
        let line = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line");
            let number = line["number"].as_str().expect("a number");
            (
                number.parse().expect("digits"),
                line["count"].as_u64().expect("a count"),
            )
        };
        body.lines().map(line).collect()
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

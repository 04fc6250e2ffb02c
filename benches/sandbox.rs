//! How many sends a second the sandbox answers: it must not be what limits a benchmark of the sender.
//!
//! `cargo bench --bench sandbox`, or against a sandbox process: `cargo bench --bench sandbox -- ADDRESS`.
//! The client is as bare as it gets: it writes a request, and reads up to the announced length.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark talks and may panic"
)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use outreach::internals::sandbox::{Sandbox, Settings, Share};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MEASURED: Duration = Duration::from_secs(5);

fn main() {
    let given = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let address = given.unwrap_or_else(in_process);
    for connections in [10, 64, 256] {
        let rate = measure(address, connections);
        println!("{connections:>4} connections: {rate:>8.0} sends/s");
    }
}

/// A sandbox on one thread of this process.
fn in_process() -> SocketAddr {
    let (sender, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let settings = Settings {
                without_messenger: Share::NONE,
                quota: None,
                ..Settings::default()
            };
            let sandbox = Sandbox::start(settings, "127.0.0.1:0".parse().unwrap())
                .await
                .unwrap();
            sender.send(sandbox.address()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    address.recv().unwrap()
}

fn measure(address: SocketAddr, connections: u64) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (answers, done) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    runtime.block_on(async {
        let tasks: Vec<_> = (0..connections)
            .map(|connection| {
                tokio::spawn(drive(
                    address,
                    connection,
                    Arc::clone(&answers),
                    Arc::clone(&done),
                ))
            })
            .collect();
        let start = Instant::now();
        tokio::time::sleep(MEASURED).await;
        let rate = answers.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
        done.store(true, Ordering::Relaxed);
        for task in tasks {
            task.await.unwrap();
        }
        rate
    })
}

async fn drive(
    address: SocketAddr,
    connection: u64,
    answers: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 4096];
    let mut number = 100_000_000_000 + connection * 1_000_000_000;
    while !done.load(Ordering::Relaxed) {
        number += 1;
        let body = format!(
            r#"{{"channel":{{"id":"{}"}},"contact":{{"phone_number":"+{number}"}},"content":{{"type":"text","payload":"Your table is ready."}},"metadata":{{"batch":"bench","row":"{number}"}}}}"#,
            Settings::MESSENGER_CHANNEL
        );
        let request = format!(
            "POST /v1/messages HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            Settings::DEFAULT_TOKEN,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        read_answer(&mut stream, &mut buffer).await;
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.unwrap();
        assert!(read > 0, "the sandbox closed the connection");
        filled += read;
        let text = std::str::from_utf8(&buffer[..filled]).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("HTTP/1.1 201"), "{head}");
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                return;
            }
        }
    }
}

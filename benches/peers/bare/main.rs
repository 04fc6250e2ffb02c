//! The limit: reqwest alone sends so many messages, and keeps nothing. `peers.py` runs it beside the others.
//!
//! usage: bare URL CHANNEL MESSAGES CONNECTIONS

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [url, channel, messages, connections] = given.as_slice() else {
        panic!("usage: bare URL CHANNEL MESSAGES CONNECTIONS");
    };
    let (messages, connections): (u32, u32) = (messages.parse().unwrap(), connections.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(send(url, channel, messages, connections));
}

async fn send(url: &str, channel: &str, messages: u32, connections: u32) {
    let client = reqwest::Client::new();
    let token = std::env::var("AMIO_TOKEN").unwrap();
    let next = Arc::new(AtomicU32::new(0));
    let mut workers = Vec::new();
    for _ in 0..connections {
        let (client, next) = (client.clone(), Arc::clone(&next));
        let (token, channel) = (token.clone(), channel.to_owned());
        let url = format!("{url}/messages");
        workers.push(tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= messages {
                    break;
                }
                let body = format!(
                    r#"{{"channel":{{"id":"{channel}"}},"contact":{{"phone_number":"+42077{n:07}"}},"content":{{"type":"text","payload":"Hello Jana"}}}}"#
                );
                let request = client.post(&url).bearer_auth(&token);
                let request = request.header("Content-Type", "application/json");
                let answer = request.body(body).send().await.unwrap();
                answer.bytes().await.unwrap();
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
}

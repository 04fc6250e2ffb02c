//! What "surely not written" means, against a server that drops the connection at every byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use outreach::internals::amio::{
    Addressee, Client, ClientSettings, OutgoingMessage, RawJson, Reply,
};
use outreach::internals::clock::{Clock, Moment};
use outreach::internals::domain::outcome::{Address, Exchange, Outcome, Written, classify};
use outreach::internals::domain::phone::PhoneNumber;
use outreach::internals::domain::refusal::RefusalRules;

const ACCEPTED: &str = "HTTP/1.1 201 Created\r\nLocation: /v1/messages/9\r\nContent-Type: application/json\r\nContent-Length: 92\r\n\r\n{\"id\":\"9\",\"channel\":{\"id\":\"1\",\"type\":\"facebook_messenger\"},\"contact\":{\"id\":\"5\"},\"content\":{}}";

/// How a connection goes.
#[derive(Debug, Clone)]
struct Script {
    /// The first request gets its whole answer, and what follows is about the second.
    after_one: bool,
    /// So many bytes of the request are read; `None` for all of it.
    read: Option<usize>,
    /// What is answered to a request that was read to its end.
    answer: String,
    /// So many bytes of the answer are written.
    write: usize,
}

/// What the server saw of the requests that the script is about.
#[derive(Debug, Default)]
struct Seen {
    connections: usize,
    /// Requests of which a byte arrived.
    begun: usize,
    /// Requests that arrived to their last byte.
    whole: usize,
    /// The length of the last whole one.
    length: usize,
}

struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let account = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut fresh = script.after_one;
            for stream in listener.incoming() {
                let (mut stream, account, script) =
                    (stream.unwrap(), Arc::clone(&account), script.clone());
                account.lock().unwrap().connections += 1;
                let answers_one = std::mem::take(&mut fresh);
                std::thread::spawn(move || {
                    if answers_one && read_request(&mut stream, None) > 0 {
                        let _ = stream.write_all(ACCEPTED.as_bytes());
                    }
                    play(&mut stream, &script, &account);
                });
            }
        });
        Self { address, seen }
    }

    fn client(&self) -> Client {
        client(&format!("http://{}/v1", self.address))
    }
}

fn play(stream: &mut TcpStream, script: &Script, account: &Mutex<Seen>) {
    if script.read == Some(0) {
        return;
    }
    let read = read_request(stream, script.read);
    {
        let mut seen = account.lock().unwrap();
        seen.begun += usize::from(read > 0);
        if script.read.is_none() && read > 0 {
            seen.whole += 1;
            seen.length = read;
        }
    }
    if script.read.is_none() && read > 0 {
        let _ = stream.write_all(&script.answer.as_bytes()[..script.write]);
    }
}

/// Reads so many bytes of a request, or all of it; returns how many there were.
fn read_request(stream: &mut TcpStream, limit: Option<usize>) -> usize {
    let mut bytes = Vec::new();
    let mut byte = [0];
    loop {
        if limit.is_some_and(|limit| bytes.len() >= limit) {
            return bytes.len();
        }
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            _ => return bytes.len(),
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap();
            let length: usize = length.lines().next().unwrap().parse().unwrap();
            if body.len() >= length {
                return bytes.len();
            }
        }
    }
}

fn client(base_url: &str) -> Client {
    let settings = ClientSettings {
        base_url: base_url.parse().unwrap(),
        token: "token".to_owned().into(),
        timeout: Duration::from_secs(5),
        concurrency: 1,
    };
    Client::new(&settings, Clock::system()).unwrap()
}

async fn send(client: &Client) -> Reply {
    send_decided(client, Clock::system().moment()).await
}

async fn send_decided(client: &Client, decided: Moment) -> Reply {
    let addressee = Addressee::Phone {
        phone: PhoneNumber::from_e164(420_777_123_456).unwrap(),
        first_name: None,
        last_name: None,
    };
    let json = |text: &str| RawJson::new(text.to_owned()).unwrap();
    let message = OutgoingMessage {
        channel: "1",
        addressee: &addressee,
        content: &json(r#"{"type":"text","payload":"Hi"}"#),
        metadata: &json("{}"),
        decided,
    };
    client.send(&message).await
}

fn outcome(reply: &Reply) -> Outcome {
    classify(
        &reply.exchange,
        Address::PhoneOnMessenger,
        &RefusalRules::default(),
    )
}

fn written(reply: &Reply) -> Option<Written> {
    match &reply.exchange {
        Exchange::Failed { written, .. } => Some(*written),
        Exchange::Answered(_) => None,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn script() -> Script {
    Script {
        after_one: false,
        read: None,
        answer: ACCEPTED.to_owned(),
        write: ACCEPTED.len(),
    }
}

async fn request_length() -> usize {
    let server = Server::start(script());
    assert!(matches!(
        outcome(&send(&server.client()).await),
        Outcome::Sent(_)
    ));
    let seen = server.seen.lock().unwrap();
    assert_eq!((seen.connections, seen.whole), (1, 1));
    seen.length
}

#[test]
fn a_request_that_is_dropped_at_any_byte_is_undecided_and_never_sent_again_behind_our_back() {
    block_on(async {
        let length = request_length().await;
        for after_one in [false, true] {
            for bytes in 0..length {
                let server = Server::start(Script {
                    after_one,
                    read: Some(bytes),
                    ..script()
                });
                let client = server.client();
                if after_one {
                    assert!(matches!(outcome(&send(&client).await), Outcome::Sent(_)));
                }
                let reply = send(&client).await;
                let case = format!("{bytes} bytes, reused {after_one}: {reply:?}");
                assert_eq!(written(&reply), Some(Written::Maybe), "{case}");
                assert!(
                    matches!(outcome(&reply), Outcome::Undecided { .. }),
                    "{case}"
                );
                let seen = server.seen.lock().unwrap();
                assert!(seen.begun <= 1, "{case} {seen:?}");
                assert_eq!(seen.whole, 0, "{case} {seen:?}");
            }
        }
    });
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn an_answer_that_is_cut_at_any_byte_is_never_taken_for_more_than_it_says() {
    let refusal = r#"{"errors":[{"message":"No matching user"}],"status":{"code":422}}"#;
    // What the status says counts where the text says nothing that is known.
    let odd = r#"{"errors":[{"message":"Nobody knows this"}],"status":{"code":422}}"#;
    let chunked =
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"id\":9}\r\n0\r\n\r\n";
    // From which byte on: the head is enough (success, 401, 429), or the whole is needed.
    let answers = [
        (ACCEPTED.to_owned(), "sent", "head"),
        (chunked.to_owned(), "sent", "head"),
        (answer("401 Unauthorized", refusal), "fatal", "head"),
        (
            answer("429 Too Many Requests", refusal),
            "throttled",
            "head",
        ),
        (
            answer("422 Unprocessable Entity", refusal),
            "no_messenger",
            "whole",
        ),
        (answer("404 Not Found", refusal), "no_messenger", "whole"),
        (answer("404 Not Found", odd), "fatal", "whole"),
        (answer("400 Bad Request", odd), "rejected", "whole"),
        (answer("503 Service Unavailable", odd), "undecided", "whole"),
    ];
    block_on(async {
        for (answer, word, needs) in answers {
            let enough = match needs {
                "head" => answer.find("\r\n\r\n").unwrap() + 4,
                _ => answer.len(),
            };
            for bytes in 0..=answer.len() {
                let server = Server::start(Script {
                    answer: answer.clone(),
                    write: bytes,
                    ..script()
                });
                let reply = send(&server.client()).await;
                let case = format!("{bytes} bytes of {answer:?}: {reply:?}");
                assert_ne!(written(&reply), Some(Written::No), "{case}");
                let expected = if bytes >= enough { word } else { "undecided" };
                assert_eq!(outcome(&reply).word().word(), expected, "{case}");
                let seen = server.seen.lock().unwrap();
                assert_eq!((seen.connections, seen.whole), (1, 1), "{case}");
            }
        }
    });
}

#[test]
fn a_tls_handshake_that_fails_at_any_byte_means_not_sent() {
    block_on(async {
        for bytes in [0, 1, 5, 6, 40, 120, 200] {
            for words in [
                "",
                "HTTP/1.1 400 Bad Request\r\n\r\n",
                "\u{15}\u{3}\u{3}\0\u{2}\u{2}(",
            ] {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = listener.local_addr().unwrap();
                std::thread::spawn(move || {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut hello = vec![0; bytes];
                    let _ = stream.read_exact(&mut hello);
                    let _ = stream.write_all(words.as_bytes());
                });
                let reply = send(&client(&format!("https://{address}/v1"))).await;
                assert_eq!(
                    written(&reply),
                    Some(Written::No),
                    "{bytes} {words:?}: {reply:?}"
                );
                assert!(matches!(outcome(&reply), Outcome::NotSent { .. }));
            }
        }
    });
}

#[test]
fn where_nobody_listens_nothing_was_sent() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for scheme in ["http", "https"] {
        let reply = block_on(send(&client(&format!("{scheme}://{address}/v1"))));
        assert_eq!(written(&reply), Some(Written::No), "{reply:?}");
    }
}

#[test]
fn a_connection_that_the_server_closed_while_idle_is_not_used_again() {
    block_on(async {
        let server = Server::start(Script {
            after_one: true,
            read: Some(0),
            ..script()
        });
        let client = server.client();
        assert!(matches!(outcome(&send(&client).await), Outcome::Sent(_)));
        // Long enough for the close to arrive.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let _ = send(&client).await;
        let seen = server.seen.lock().unwrap();
        assert_eq!(seen.connections, 2, "a new connection: {seen:?}");
    });
}

#[test]
fn an_answer_that_does_not_come_in_time_is_undecided() {
    block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let settings = ClientSettings {
            base_url: format!("http://{}/v1", listener.local_addr().unwrap())
                .parse()
                .unwrap(),
            token: "token".to_owned().into(),
            timeout: Duration::from_millis(100),
            concurrency: 1,
        };
        let client = Client::new(&settings, Clock::system()).unwrap();
        let reply = send(&client).await;
        assert_eq!(written(&reply), Some(Written::Maybe), "{reply:?}");
        let outcome = outcome(&reply);
        let Outcome::Undecided { text, .. } = &outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(text.matches("timed out").count(), 1, "{text}");
    });
}

#[test]
fn an_intent_that_is_too_old_is_not_sent() {
    block_on(async {
        let server = Server::start(Script {
            after_one: false,
            read: None,
            answer: ACCEPTED.to_owned(),
            write: ACCEPTED.len(),
        });
        let settings = ClientSettings {
            base_url: format!("http://{}/v1", server.address).parse().unwrap(),
            token: "token".to_owned().into(),
            timeout: Duration::from_secs(5),
            concurrency: 1,
        };
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let client = Client::new(&settings, clock.clone()).unwrap();
        let stopped = clock.moment();
        clock.advance(Duration::from_secs(5));
        let suspended = clock.moment();
        // The machine's own time stood still, the calendar did not.
        clock.jump_wall(SignedDuration::from_hours(9));
        for decided in [stopped, suspended] {
            let reply = send_decided(&client, decided).await;
            assert_eq!(written(&reply), Some(Written::No), "{reply:?}");
            let Outcome::NotSent { text } = outcome(&reply) else {
                panic!("{reply:?}");
            };
            assert!(text.contains("stood still for more than 5 s"), "{text}");
        }
        let fresh = clock.moment();
        clock.advance(Duration::from_millis(4_999));
        let reply = send_decided(&client, fresh).await;
        assert!(matches!(outcome(&reply), Outcome::Sent(_)), "{reply:?}");
        assert_eq!(server.seen.lock().unwrap().whole, 1);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_connection_that_does_not_come_about_in_time_means_not_sent() {
    block_on(async {
        // Nobody takes the connections: the queue of two is full, and further ones wait for ever.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(Ok(stream)) = tokio::time::timeout(
            Duration::from_millis(200),
            tokio::net::TcpStream::connect(address),
        )
        .await
        {
            waiting.push(stream);
            assert!(waiting.len() < 100);
        }
        let settings = ClientSettings {
            base_url: format!("http://{address}/v1").parse().unwrap(),
            token: "token".to_owned().into(),
            timeout: Duration::from_secs(3),
            concurrency: 1,
        };
        let client = Client::new(&settings, Clock::system()).unwrap();
        let reply = send(&client).await;
        assert_eq!(written(&reply), Some(Written::No), "{reply:?}");
    });
}

/// The answer to one request, as it is scripted.
async fn answered(answer: String) -> Outcome {
    let server = Server::start(Script {
        after_one: false,
        read: None,
        write: answer.len(),
        answer,
    });
    let reply = send(&server.client()).await;
    classify(
        &reply.exchange,
        Address::ContactId,
        &RefusalRules::default(),
    )
}

#[tokio::test]
async fn a_refusal_with_a_huge_or_deeply_nested_body_is_a_refusal_with_a_short_text() {
    let text = "x".repeat(20_000_000);
    let huge = format!("{{\"errors\":[{{\"message\":\"no such thing {text}\"}}]}}");
    let nested = format!("{{\"deep\":{}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    for body in [&huge, &nested] {
        let answer = |status: &str| {
            format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let outcome = answered(answer("422 Unprocessable Entity")).await;
        assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
        assert!(format!("{outcome:?}").len() < 700, "a long text");
        let outcome = answered(answer("502 Bad Gateway")).await;
        assert!(matches!(outcome, Outcome::Undecided { .. }), "{outcome:?}");
    }
}

//! An answer that is made while it is sent.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// How many pieces may wait for the reader.
const WAITING: usize = 8;

/// Bytes that are sent at once.
const PIECE: usize = 32 * 1024;

/// What was made so far; an error cuts the answer off, so that nobody takes it for whole.
struct Made(mpsc::Receiver<io::Result<Bytes>>);

impl HttpBody for Made {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = self.0.poll_recv(context);
        piece.map(|it| it.map(|it| it.map(Frame::data)))
    }
}

/// The other end of an answer.
pub(super) type Pieces = mpsc::Sender<io::Result<Bytes>>;

/// An answer, and where its pieces go.
pub(super) fn channel() -> (Pieces, Body) {
    let (pieces, made) = mpsc::channel(WAITING);
    (pieces, Body::new(Made(made)))
}

/// Writes an answer from a thread that may wait.
pub(super) struct Answer {
    pieces: Pieces,
    buffer: Vec<u8>,
}

impl Answer {
    fn send(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        let sent = self.pieces.blocking_send(Ok(piece));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Answer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}

/// An answer that `write` makes on a thread that may wait for the disk.
pub(super) fn written<E: std::fmt::Display>(
    write: impl FnOnce(&mut Answer) -> Result<(), E> + Send + 'static,
) -> Body {
    let (pieces, body) = channel();
    tokio::task::spawn_blocking(move || {
        let mut answer = Answer {
            pieces: pieces.clone(),
            buffer: Vec::new(),
        };
        let result = write(&mut answer).map_err(|error| io::Error::other(error.to_string()));
        if let Err(error) = result.and_then(|()| answer.flush()) {
            if error.kind() != io::ErrorKind::BrokenPipe {
                tracing::error!("a download was cut off: {error}");
            }
            // A browser that left gets nothing.
            let _ = pieces.blocking_send(Err(error));
        }
    });
    body
}

//! The connection as the faults need it: it can end in the middle of an answer, or before a request is read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use hyper::rt::ReadBufCursor;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::app::App;

/// What the handler of a request asks of its connection.
#[derive(Debug)]
pub(super) struct Link {
    /// Bytes that may still be written.
    budget: AtomicU64,
    /// True while the next byte read belongs to a new request.
    fresh: AtomicBool,
    /// True once the connection ends as soon as nothing is left to write.
    closing: AtomicBool,
    /// True if the connection is above the limit: its requests are refused.
    pub(super) excess: AtomicBool,
}

impl Link {
    pub(super) fn new() -> Self {
        Self {
            budget: AtomicU64::new(u64::MAX),
            fresh: AtomicBool::new(true),
            closing: AtomicBool::new(false),
            excess: AtomicBool::new(false),
        }
    }

    /// Ends the connection after so many further bytes of answer.
    pub(super) fn cut_after(&self, bytes: u64) {
        self.budget.store(bytes, Ordering::Release);
    }

    /// Ends the connection after the answer, without having announced it.
    pub(super) fn close_after_answer(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// The request has been read to its end.
    pub(super) fn request_read(&self) {
        self.fresh.store(true, Ordering::Release);
    }
}

/// A TCP stream that obeys its [`Link`].
#[derive(Debug)]
pub(super) struct Wire {
    /// Wrapped, because reading into hyper's buffer otherwise takes unsafe code.
    stream: TokioIo<TcpStream>,
    link: Arc<Link>,
    /// Only if a rule needs to see a request before it is read.
    guard: Option<Arc<App>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, link: Arc<Link>, app: &Arc<App>) -> Self {
        let guard = app.settings.drops_before_read().then(|| Arc::clone(app));
        Self {
            stream: TokioIo::new(stream),
            link,
            guard,
        }
    }

    /// Waits for the first byte of a request and decides whether it will be read at all.
    fn poll_first_byte(&self, app: &App, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut byte = [0];
        let seen = ready!(
            self.stream
                .inner()
                .poll_peek(cx, &mut ReadBuf::new(&mut byte))
        )?;
        if seen == 0 {
            return Poll::Ready(Ok(()));
        }
        self.link.fresh.store(false, Ordering::Release);
        // The kernel answers unread bytes of a closed connection with a reset.
        if app.account().drops_arrival(&app.settings, app.elapsed()) {
            Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
        } else {
            Poll::Ready(Ok(()))
        }
    }
}

impl hyper::rt::Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.link.closing.load(Ordering::Acquire) {
            // Nothing read means that the peer is done, so that hyper closes.
            return Poll::Ready(Ok(()));
        }
        if let Some(app) = self
            .guard
            .as_ref()
            .filter(|_| self.link.fresh.load(Ordering::Acquire))
        {
            ready!(self.poll_first_byte(app, cx))?;
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl hyper::rt::Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let budget = self.link.budget.load(Ordering::Acquire);
        if budget == u64::MAX {
            return Pin::new(self.stream.inner_mut()).poll_write(cx, buf);
        }
        if budget == 0 {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let allowed = usize::try_from(budget).map_or(buf.len(), |budget| budget.min(buf.len()));
        let part = buf.get(..allowed).unwrap_or(buf);
        let written = ready!(Pin::new(self.stream.inner_mut()).poll_write(cx, part))?;
        self.link
            .budget
            .store(budget - written as u64, Ordering::Release);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.inner_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.inner_mut()).poll_shutdown(cx)
    }
}

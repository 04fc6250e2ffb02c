//! What each request is answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::count::{Counters, Refused};
use super::metrics;
use super::settings::Limits;
use crate::amio::webhook::WebhookSecrets;
use crate::amio::webhook::{Notification, SIGNATURE_HEADER, Signature, channel_of};
use crate::clock::Clock;
use crate::domain::event::OptOutWords;
use crate::store::{Incoming, Reader, Store, Taken};

/// What answers the requests: the state that all of them share.
#[derive(Debug)]
pub(super) struct Handler {
    pub(super) store: Arc<Store>,
    pub(super) clock: Clock,
    /// `None` takes events unsigned.
    pub(super) secrets: Option<WebhookSecrets>,
    pub(super) words: OptOutWords,
    /// `/metrics` shows the names of batches.
    pub(super) names: bool,
    pub(super) limits: Limits,
    pub(super) counters: Counters,
    /// The last request was refused.
    pub(super) refusing: AtomicBool,
}

type Shared = State<Arc<Handler>>;

/// The paths.
pub(super) fn router(handler: Arc<Handler>) -> Router {
    Router::new()
        .route("/webhooks/amio", post(any_channel))
        .route("/webhooks/amio/{channel_id}", post(one_channel))
        .route("/healthz", get(healthz))
        .route("/metrics", get(figures))
        .with_state(handler)
}

async fn any_channel(State(handler): Shared, request: Request) -> StatusCode {
    handler.answer(None, request).await
}

async fn one_channel(
    State(handler): Shared,
    Path(channel): Path<String>,
    request: Request,
) -> StatusCode {
    handler.answer(Some(&channel), request).await
}

/// Healthy means that the checkpoint can be read.
async fn healthz(State(handler): Shared) -> Response {
    match read(&handler, Reader::waiting_events).await {
        Some(_) => "ok\n".into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn figures(State(handler): Shared) -> Response {
    let Some(figures) = read(&handler, Reader::metrics).await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let text = metrics::text(
        &handler.counters,
        &figures,
        handler.names,
        handler.clock.now(),
    );
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Reads from the checkpoint on a thread that may block; `None` if that fails.
async fn read<T: Send + 'static>(
    handler: &Arc<Handler>,
    read: impl FnOnce(&Reader) -> Result<T, crate::store::StoreError> + Send + 'static,
) -> Option<T> {
    let handler = Arc::clone(handler);
    let reading = tokio::task::spawn_blocking(move || read(&handler.store.reader()?)).await;
    match reading {
        Ok(Ok(read)) => Some(read),
        Ok(Err(error)) => {
            tracing::error!("the checkpoint cannot be read: {error}");
            None
        }
        Err(_) => None,
    }
}

impl Handler {
    async fn answer(&self, channel: Option<&str>, request: Request) -> StatusCode {
        let began = Instant::now();
        match self.receive(channel, request).await {
            Ok(()) => {
                self.counters.answered(began.elapsed());
                self.refusing.store(false, Ordering::Relaxed);
                StatusCode::OK
            }
            Err(refused) => {
                self.counters.refused(refused);
                // Once for a run of them: the figures count the others.
                if !self.refusing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "a webhook request was refused ({}): `/metrics` counts these until one is taken; if \
                         they come from the API, compare the webhook secret with that of the channel",
                        refused.word()
                    );
                }
                refused.status()
            }
        }
    }

    async fn receive(&self, channel: Option<&str>, request: Request) -> Result<(), Refused> {
        let (head, body) = request.into_parts();
        // Without a signature the body need not be read.
        let signature = match &self.secrets {
            Some(_) => Some(signature(&head.headers)?),
            None => None,
        };
        let body = self.body(&head.headers, body).await?;
        if let (Some(secrets), Some(signature)) = (&self.secrets, signature) {
            let secret = secret(secrets, channel, &body).ok_or(Refused::UnknownChannel)?;
            if !signature.is_of(&body, secret.expose_secret().as_bytes()) {
                return Err(Refused::WrongSignature);
            }
        }
        let received_at = self.clock.now();
        let notification =
            Notification::parse(&body, &self.words, received_at).map_err(|_| Refused::NoEvent)?;
        let foreign = |of: &str| {
            notification
                .pieces
                .iter()
                .any(|it| it.event.channel != of && !it.event.channel.is_empty())
        };
        if channel.is_some_and(foreign) {
            // Signed for one channel, and about another.
            return Err(Refused::UnknownChannel);
        }
        let lag = notification
            .sent_at
            .map(|at| crate::clock::between(at, received_at));
        self.counters.event(&notification.kind, lag);
        if let Some(oddity) = &notification.oddity {
            tracing::warn!(
                "a webhook event `{}` could not be read in full, and is kept: {oddity}",
                notification.kind
            );
        }
        let incoming = Incoming {
            // JSON is UTF-8, or it would not have been read.
            body: String::from_utf8_lossy(&body).into_owned(),
            notification,
            received_at,
        };
        match self.store.take_event(incoming).await {
            Ok(taken) if self.store.is_in_place() => {
                self.taken(&taken);
                Ok(())
            }
            Ok(_) => {
                tracing::error!(
                    "the checkpoint was deleted or replaced: the event will be sent again"
                );
                Err(Refused::NotStored)
            }
            Err(error) => {
                tracing::error!("a webhook event is not stored, and will be sent again: {error}");
                Err(Refused::NotStored)
            }
        }
    }

    fn taken(&self, taken: &Taken) {
        self.counters.taken(taken);
        for problem in &taken.problems {
            tracing::warn!("{problem}");
        }
    }

    async fn body(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Refused> {
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > self.limits.body) {
            return Err(Refused::TooLarge);
        }
        match timeout(self.limits.body_time, to_bytes(body, self.limits.body)).await {
            Err(_) => Err(Refused::TooSlow),
            Ok(Ok(bytes)) => Ok(bytes),
            // Cut off, or longer than it may be.
            Ok(Err(_)) => Err(if announced.is_some() {
                Refused::CutOff
            } else {
                Refused::TooLarge
            }),
        }
    }
}

fn signature(headers: &HeaderMap) -> Result<Signature, Refused> {
    let header = headers.get(SIGNATURE_HEADER).ok_or(Refused::NoSignature)?;
    Signature::parse(header.as_bytes()).ok_or(Refused::WrongSignature)
}

/// The secret of the channel that the path names, or else of the one that the body claims.
fn secret<'a>(
    secrets: &'a WebhookSecrets,
    channel: Option<&str>,
    body: &[u8],
) -> Option<&'a SecretString> {
    if let Some(channel) = channel {
        return secrets.of(channel);
    }
    if secrets.channels().next().is_none() {
        return secrets.any_channel();
    }
    match channel_of(body) {
        Some(channel) => secrets.of(&channel),
        None => secrets.any_channel(),
    }
}

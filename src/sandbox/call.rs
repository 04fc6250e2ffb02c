//! One call, from the request line to the answer: connection limit, token, quota, faults, work.

use std::convert::Infallible;
use std::future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::{Body, Bytes};
use hyper::body::{Body as _, Incoming};
use hyper::header::{AUTHORIZATION, CONNECTION, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::service::Service;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::service::TowerToHyperService;

use super::answer;
use super::app::{App, Phase};
use super::fault::{Fault, FaultRule};
use super::quota::Grant;
use super::send;
use super::wire::Link;

/// What a connection needs to answer its requests.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) app: Arc<App>,
    pub(super) link: Arc<Link>,
    pub(super) router: TowerToHyperService<Router>,
}

/// Marks a request as being answered, for as long as it lives.
struct Busy<'a>(&'a App);

impl<'a> Busy<'a> {
    fn new(app: &'a App) -> Self {
        let level = app.counters.in_flight.rise();
        app.counters.in_flight.note_peak(level);
        Self(app)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.counters.in_flight.fall();
    }
}

/// The part of a call that decides about faults.
struct Numbers {
    call: u64,
    send: Option<u64>,
}

impl Caller {
    pub(super) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let (parts, body) = request.into_parts();
        if parts.uri.path().starts_with("/sandbox") {
            // Reading the account is free: no token, no quota, no fault.
            self.link.request_read();
            return self
                .router
                .call(Request::from_parts(parts, Body::new(body)))
                .await;
        }
        let app = &*self.app;
        let _busy = Busy::new(app);
        let is_send = parts.method == Method::POST && parts.uri.path() == "/v1/messages";
        let numbers = Numbers {
            call: app.counters.requests.fetch_add(1, Ordering::Relaxed) + 1,
            send: is_send.then(|| app.counters.sends.fetch_add(1, Ordering::Relaxed) + 1),
        };
        let Some(response) = self.gate(&numbers, parts, body).await else {
            app.counters.unanswered.fetch_add(1, Ordering::Relaxed);
            return future::pending().await;
        };
        app.counters.answered(response.status().as_u16());
        Ok(response)
    }

    /// Everything up to the quota; `None` for an answer that never comes.
    async fn gate(
        &self,
        numbers: &Numbers,
        parts: Parts,
        body: Incoming,
    ) -> Option<Response<Body>> {
        let app = &*self.app;
        if self.link.excess.load(Ordering::Relaxed) {
            app.counters
                .throttled_connections
                .fetch_add(1, Ordering::Relaxed);
            let text = "Too many simultaneous connections.";
            return Some(closing(answer::error(
                app,
                StatusCode::TOO_MANY_REQUESTS,
                text,
            )));
        }
        let Some(body) = read(body, app.settings.max_body).await else {
            let text = "The request body is too large.";
            return Some(closing(answer::error(
                app,
                StatusCode::PAYLOAD_TOO_LARGE,
                text,
            )));
        };
        self.link.request_read();
        let latency = app.latency(numbers.call);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let authorization = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        if !app.knows_token(authorization, parts.uri.query()) {
            return Some(answer::error(
                app,
                StatusCode::UNAUTHORIZED,
                "Wrong accessToken.",
            ));
        }
        let grant = app.admit();
        if grant.is_some_and(|grant| !grant.granted) {
            app.counters.throttled_quota.fetch_add(1, Ordering::Relaxed);
            let refused = answer::error(
                app,
                StatusCode::TOO_MANY_REQUESTS,
                "Request quota exceeded.",
            );
            return Some(self.with_quota(refused, grant));
        }
        let response = match app.fault_for(numbers.call, numbers.send) {
            None => self.work(numbers, parts, &body).await,
            Some(rule) => {
                app.counters.fault(rule.fault.name());
                self.work_with(rule, numbers, parts, &body).await?
            }
        };
        Some(self.with_quota(response, grant))
    }

    async fn work(&self, numbers: &Numbers, parts: Parts, body: &Bytes) -> Response<Body> {
        if numbers.send.is_some() {
            return send::send(&self.app, body);
        }
        match self
            .router
            .call(Request::from_parts(parts, Body::from(body.clone())))
            .await
        {
            Ok(response) => response,
            Err(impossible) => match impossible {},
        }
    }

    /// The work with a fault before, after or instead of it; `None` for an answer that never comes.
    async fn work_with(
        &self,
        rule: &FaultRule,
        numbers: &Numbers,
        parts: Parts,
        body: &Bytes,
    ) -> Option<Response<Body>> {
        let app = &*self.app;
        match rule.fault {
            Fault::Status { code, accepted } => {
                if accepted {
                    self.work(numbers, parts, body).await;
                }
                Some(scripted_error(app, rule, code))
            }
            Fault::Garbage { accepted } => {
                if accepted {
                    self.work(numbers, parts, body).await;
                }
                let status = if accepted {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                };
                Some(answer::json_text(status, &b"<html>\xff{\"id\": 70012"[..]))
            }
            Fault::Hang { accepted } => {
                if accepted {
                    self.work(numbers, parts, body).await;
                }
                None
            }
            Fault::CutAfterAccept { byte } => {
                let response = self.work(numbers, parts, body).await;
                self.link.cut_after(byte);
                app.counters.unanswered.fetch_add(1, Ordering::Relaxed);
                Some(response)
            }
            Fault::CloseAfterAnswer => {
                let response = self.work(numbers, parts, body).await;
                self.link.close_after_answer();
                Some(response)
            }
            Fault::Refuse { period } => {
                let response = self.work(numbers, parts, body).await;
                app.phase.send_replace(Phase::Refusing(period));
                Some(response)
            }
            Fault::Slow { delay } => {
                tokio::time::sleep(delay).await;
                Some(self.work(numbers, parts, body).await)
            }
            // Decided by the connection, before anything was read.
            Fault::DropBeforeRead => Some(self.work(numbers, parts, body).await),
        }
    }

    fn with_quota(&self, mut response: Response<Body>, grant: Option<Grant>) -> Response<Body> {
        if let (Some(quota), Some(grant)) = (&self.app.settings.quota, grant) {
            answer::quota_headers(&self.app, quota, grant, response.headers_mut());
        }
        response
    }
}

fn closing(mut response: Response<Body>) -> Response<Body> {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn scripted_error(app: &App, rule: &FaultRule, code: u16) -> Response<Body> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let known = match code {
        401 => "Wrong accessToken.",
        403 => "Access denied.",
        404 => "Channel not found.",
        405 => "Method not allowed.",
        _ => "This failure was scripted in the sandbox.",
    };
    let mut response = answer::error(app, status, rule.text.as_deref().unwrap_or(known));
    if let Some(seconds) = rule.retry_after {
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The whole body, without a copy where it came in one piece; `None` if it is too large or breaks off.
async fn read(mut body: Incoming, limit: usize) -> Option<Bytes> {
    let mut whole = Bytes::new();
    let mut pieces: Vec<u8> = Vec::new();
    while let Some(frame) = future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame.ok()?.into_data() else {
            continue;
        };
        if whole.len() + pieces.len() + data.len() > limit {
            return None;
        }
        if whole.is_empty() && pieces.is_empty() {
            whole = data;
            continue;
        }
        pieces.extend_from_slice(&std::mem::take(&mut whole));
        pieces.extend_from_slice(&data);
    }
    Some(if pieces.is_empty() {
        whole
    } else {
        pieces.into()
    })
}

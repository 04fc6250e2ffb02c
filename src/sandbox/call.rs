//! One call, from the request line to the answer: connection limit, token, quota, faults, work.

use std::convert::Infallible;
use std::future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONNECTION, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use super::account::{Account, Call};
use super::answer;
use super::app::{App, Phase};
use super::fault::{Fault, FaultRule};
use super::read;
use super::report;
use super::send;
use super::wire::Link;

/// What a connection needs to answer its requests.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) app: Arc<App>,
    pub(super) link: Arc<Link>,
}

/// What becomes of a call.
struct Outcome {
    /// `None` for an answer that never comes.
    response: Option<Response<Body>>,
    delay: Duration,
}

/// Counts a call as in flight until it is dropped.
struct InFlight<'a>(&'a App);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.account().stats.in_flight -= 1;
    }
}

impl Caller {
    pub(super) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let app = &*self.app;
        let (parts, body) = request.into_parts();
        if let Some(page) = parts.uri.path().strip_prefix("/sandbox/") {
            // Reading the account is free: no token, no quota, no fault.
            self.link.request_read();
            return Ok(report::page(&self.app, page));
        }
        let is_send = parts.method == Method::POST && parts.uri.path() == "/v1/messages";
        let call = app.account().begin(is_send);
        let _in_flight = InFlight(app);
        let Outcome { response, delay } = match self.read(call, body).await {
            Ok(body) => self.handle(call, &parts, &body),
            Err(refused) => refused.into(),
        };
        pause(delay).await;
        let Some(response) = response else {
            app.account().stats.unanswered += 1;
            return future::pending().await;
        };
        let status = response.status().as_u16();
        *app.account().stats.by_status.entry(status).or_default() += 1;
        Ok(response)
    }

    /// The body, after the scripted latency; an answer if the call is refused before it is handled.
    async fn read(&self, call: Call, body: Incoming) -> Result<Bytes, Response<Body>> {
        let app = &*self.app;
        let refuse = |status, text| {
            let mut refused = answer::error(app, status, text);
            let close = HeaderValue::from_static("close");
            refused.headers_mut().insert(CONNECTION, close);
            refused
        };
        if self.link.excess.load(Ordering::Relaxed) {
            app.account().stats.throttled.connections += 1;
            let text = "Too many simultaneous connections.";
            return Err(refuse(StatusCode::TOO_MANY_REQUESTS, text));
        }
        let body = axum::body::to_bytes(Body::new(body), app.settings.max_body)
            .await
            .map_err(|_| {
                refuse(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "The request body is too large.",
                )
            })?;
        self.link.request_read();
        pause(app.settings.latency_of(call.number)).await;
        Ok(body)
    }

    /// Decides about a call and enters its effects, under one lock.
    fn handle(&self, call: Call, parts: &Parts, body: &[u8]) -> Outcome {
        let app = &*self.app;
        if !has_token(app, parts) {
            return answer::error(app, StatusCode::UNAUTHORIZED, "Wrong accessToken.").into();
        }
        let mut account = app.account();
        let now = app.elapsed();
        let grant = account.admit(now);
        let mut outcome: Outcome = if grant.is_some_and(|grant| !grant.granted) {
            let text = "Request quota exceeded.";
            answer::error(app, StatusCode::TOO_MANY_REQUESTS, text).into()
        } else {
            let aimed = app.settings.faults.iter().any(FaultRule::is_aimed);
            let target = (aimed && call.send.is_some()).then(|| send::target(body));
            let fault = account.fault(&app.settings, call, target.flatten().as_ref(), now);
            self.work(&mut account, call, parts, body, fault)
        };
        if let (Some(quota), Some(grant), Some(response)) =
            (&app.settings.quota, grant, &mut outcome.response)
        {
            answer::quota_headers(app, quota, grant, response.headers_mut());
        }
        outcome
    }

    /// The work with what the fault adds to it, or makes of it.
    fn work(
        &self,
        account: &mut Account,
        call: Call,
        parts: &Parts,
        body: &[u8],
        rule: Option<&FaultRule>,
    ) -> Outcome {
        let app = &*self.app;
        let fault = rule.map(|rule| &rule.fault);
        let mut outcome = Outcome::from(match (fault.is_none_or(Fault::accepts), call.send) {
            (false, _) => None,
            (true, Some(_)) => Some(send::send(app, account, body, fault)),
            (true, None) => Some(read::read(app, account, parts)),
        });
        let Some(rule) = rule else {
            return outcome;
        };
        // What was refused was not accepted, and no answer says so.
        let status = outcome.response.as_ref().map(Response::status);
        if rule.fault.answers_as_accepted() && status.is_some_and(|it| !it.is_success()) {
            return outcome;
        }
        match &rule.fault {
            Fault::Status { code, text, .. } => {
                outcome = error_of(app, rule, *code, text.as_deref()).into();
            }
            Fault::Garbage { accepted } => {
                let status = if *accepted {
                    StatusCode::CREATED
                } else {
                    StatusCode::OK
                };
                outcome = answer::json_text(status, &b"<html>\xff{\"id\": 70012"[..]).into();
            }
            Fault::Hang { .. } => outcome.response = None,
            Fault::CutAfterAccept { byte } => {
                self.link.cut_after(*byte);
                account.stats.unanswered += 1;
            }
            Fault::CloseAfterAnswer => self.link.close_after_answer(),
            Fault::Outage => {
                let period = rule.period.unwrap_or(Duration::from_secs(5));
                app.phase.send_replace(Phase::Outage(period));
            }
            Fault::Slow => outcome.delay = rule.period.unwrap_or(Duration::from_secs(1)),
            // Decided by the connection before anything was read, and by the send.
            Fault::DropBeforeRead | Fault::FailLater { .. } => {}
        }
        outcome
    }
}

impl From<Response<Body>> for Outcome {
    fn from(response: Response<Body>) -> Self {
        Some(response).into()
    }
}

impl From<Option<Response<Body>>> for Outcome {
    fn from(response: Option<Response<Body>>) -> Self {
        Self {
            response,
            delay: Duration::ZERO,
        }
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// True if the token is in the header, or in the query where there is no header.
fn has_token(app: &App, parts: &Parts) -> bool {
    let given = match parts.headers.get(AUTHORIZATION) {
        Some(header) => header.as_bytes().strip_prefix(b"Bearer "),
        None => read::query_value(&parts.uri, "access_token").map(str::as_bytes),
    };
    let tokens = &app.settings.tokens;
    given.is_some_and(|given| tokens.iter().any(|token| token.as_bytes() == given))
}

fn error_of(app: &App, rule: &FaultRule, code: u16, text: Option<&str>) -> Response<Body> {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let usual = match code {
        401 => "Wrong accessToken.",
        403 => "Access denied.",
        404 => "Channel not found.",
        405 => "Method not allowed.",
        _ => "This failure was scripted in the sandbox.",
    };
    let mut response = answer::error(app, status, text.unwrap_or(usual));
    if let Some(seconds) = rule.retry_after {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

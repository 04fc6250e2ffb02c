//! Answers: the error envelope, JSON bodies, and the quota headers.

use std::time::Duration;

use axum::body::{Body, Bytes};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::app::App;
use super::quota::Grant;
use super::settings::{CodeForm, Headers, Quota};

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// An answer with a JSON text as its body.
pub(super) fn json_text(status: StatusCode, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// An error in the documented envelope.
pub(super) fn error(app: &App, status: StatusCode, text: &str) -> Response<Body> {
    let text = match &app.settings.texts.every_422 {
        Some(same) if status == StatusCode::UNPROCESSABLE_ENTITY => same,
        Some(_) | None => text,
    };
    let as_text = match app.settings.code_form {
        CodeForm::AsRecorded => status == StatusCode::TOO_MANY_REQUESTS,
        CodeForm::Number => false,
        CodeForm::Text => true,
    };
    let code = if as_text {
        Value::from(status.as_str())
    } else {
        Value::from(status.as_u16())
    };
    let reason = status.canonical_reason().unwrap_or("Error");
    let body = json!({
        "timestamp": time_text(app.now_ms()),
        "status": { "code": code, "message": reason },
        "errors": [{ "message": text }],
    });
    json_text(status, body.to_string())
}

/// Epoch milliseconds as RFC 3339.
pub(super) fn time_text(epoch_ms: u64) -> String {
    let time = i64::try_from(epoch_ms)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(String::new, |time| format!("{time:.3}"))
}

/// The same, or null where 0 stands for never.
pub(super) fn time_or_null(epoch_ms: u64) -> Value {
    match epoch_ms {
        0 => Value::Null,
        ms => Value::from(time_text(ms)),
    }
}

/// Adds the quota headers, true or false as the settings want them.
pub(super) fn quota_headers(app: &App, quota: &Quota, grant: Grant, headers: &mut HeaderMap) {
    let honest = app.epoch(grant.reset);
    let rounded_up = honest.as_secs() + u64::from(honest.subsec_nanos() > 0);
    let now = Duration::from_millis(app.now_ms());
    let (remaining, reset) = match quota.headers {
        Headers::Off => return,
        Headers::Honest => (grant.remaining, rounded_up),
        Headers::ResetEarly => (grant.remaining, honest.as_secs()),
        Headers::ResetRemaining => (grant.remaining, rounded_up.saturating_sub(now.as_secs())),
        Headers::ResetPast => (grant.remaining, now.as_secs().saturating_sub(3600)),
        Headers::RemainingHigh => (quota.limit.get() - 1, rounded_up),
        Headers::RemainingZero => (0, rounded_up),
    };
    headers.insert(LIMIT, HeaderValue::from(quota.limit.get()));
    headers.insert(REMAINING, HeaderValue::from(remaining));
    headers.insert(RESET, HeaderValue::from(reset));
}

//! Who may come in: the Host header, the session, the role, and the token of each change.
//!
//! A session's cookie is not sent along by other sites (SameSite=Strict), and no script can read it (HttpOnly).

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest as _, FromRequestParts, Query, Request, State};
use axum::http::header::{HOST, HeaderName, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::app::App;
use super::page::{Failure, Frame, SignInPage, sign_in_page};
use super::session::{Session, is_same};
use crate::domain::role::Role;

/// What every answer says: nothing from elsewhere, in no frame, kept nowhere.
const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // With "no-referrer" a browser would call its own forms those of nobody (`Origin: null`).
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// The request of a user who is signed in.
pub(super) struct Visit {
    pub(super) app: Arc<App>,
    pub(super) session: Session,
}

/// A user with a session: what all requests share, and who it is.
pub(super) struct Actor<'a> {
    app: &'a Arc<App>,
    /// Who it is, for the audit.
    pub(super) person: &'a str,
}

impl Deref for Actor<'_> {
    type Target = App;

    fn deref(&self) -> &App {
        self.app
    }
}

/// The fields of a form, its token checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// What a field says, without white space around it; empty if it is not there.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(at, _)| at == name);
        found.map_or("", |(_, text)| text.trim())
    }

    /// The same; `None` for an empty one.
    pub(super) fn filled(&self, name: &str) -> Option<String> {
        Some(self.get(name))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    /// All that fields of this name say.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(at, _)| at == name);
        found.map(|(_, text)| text.clone()).collect()
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(at, _)| at == name)
    }
}

impl<'a> Actor<'a> {
    /// A user whose request goes on in a job of its own.
    pub(super) fn new(app: &'a Arc<App>, person: &'a str) -> Self {
        Self { app, person }
    }

    /// What all requests share, for work that goes on by itself.
    pub(super) fn shared(&self) -> Arc<App> {
        Arc::clone(self.app)
    }
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let session = parts.extensions.get::<Session>();
        let session = session.cloned().ok_or_else(Failure::not_signed_in)?;
        Ok(Self {
            app: Arc::clone(app),
            session,
        })
    }
}

impl FromRequestParts<Arc<App>> for Fields {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Failure> {
        Ok(parts.extensions.remove::<Self>().unwrap_or_default())
    }
}

impl Visit {
    /// The frame of a page at this place.
    pub(super) fn frame(&self, place: &'static str) -> Frame {
        Frame {
            place,
            sandbox: self.app.settings.sandbox,
            token: self.session.token.clone(),
            flash: self.app.take_flash(&self.session.hash),
            person: self.session.person.clone(),
            role: Some(self.session.role),
        }
    }

    /// Whether numbers are masked.
    pub(super) fn sees_masked(&self) -> bool {
        self.session.role < Role::Operator
    }

    /// Runs what waits for the disk, on a thread that may, in the name of the person who asks for it.
    pub(super) async fn act<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Actor<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let person = self.session.person.clone();
        let work = move |app: &Arc<App>| {
            let person = person.as_str();
            work(&Actor { app, person })
        };
        self.app.blocking(work).await
    }

    /// Says something on the next page, which is that one.
    pub(super) fn go_to(&self, path: &str, said: impl Into<String>) -> Response {
        let said = said.into();
        if !said.is_empty() {
            self.app.flash(&self.session.hash, said);
        }
        Redirect::to(path).into_response()
    }
}

/// Lets a request in, or answers it; and says on every answer what a browser may do with it.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match admit(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(response) => *response,
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry("cache-control")
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn admit(app: &Arc<App>, mut request: Request) -> Result<Request, Box<Response>> {
    let headers = request.headers();
    let host = headers.get(HOST).and_then(|it| it.to_str().ok());
    if !host.is_some_and(|host| app.gate.is_ours(host)) {
        let status = StatusCode::MISDIRECTED_REQUEST;
        let words = "This is not the address of this console.\n";
        return Err(Box::new((status, words).into_response()));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let forged = || Box::new(Failure::forged().into_response());
    if !reads && is_from_elsewhere(app, headers) {
        return Err(forged());
    }
    let path = request.uri().path();
    if path.starts_with("/static/") || path == "/sign-in" {
        return Ok(request);
    }
    let (ours, now, headers) = (Arc::clone(app), app.clock.now(), headers.clone());
    let found = tokio::task::spawn_blocking(move || ours.gate.session(&headers, now)).await;
    let Some(session) = found.ok().flatten() else {
        return Err(Box::new(sign_in_page(
            app.settings.sandbox,
            app.gate.has_users(),
            SignInPage::Asked,
        )));
    };
    request.extensions_mut().insert(session.clone());
    if reads {
        return Ok(request);
    }
    with_token(request, &session).await.ok_or_else(forged)
}

/// Whether the page that asks is not of this console. Browsers say so themselves; old ones name the page's origin.
fn is_from_elsewhere(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|it| it.to_str().unwrap_or_default());
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some("same-origin" | "none") => false,
        Some(_) => true,
        None => text(ORIGIN).is_some_and(|origin| {
            let host = origin.strip_prefix(app.gate.scheme());
            !host.is_some_and(|host| app.gate.is_ours(host) && is_named(headers, host))
        }),
    }
}

/// Whether the request was sent to this host. The names of this machine are one.
fn is_named(headers: &HeaderMap, host: &str) -> bool {
    let asked = headers.get(HOST).and_then(|it| it.to_str().ok());
    asked.is_some_and(|asked| asked.eq_ignore_ascii_case(host))
}

/// Lets in who may at least do that.
pub(super) async fn operators(request: Request, next: Next) -> Response {
    at_least(Role::Operator, request, next).await
}

/// The same for what an admin alone may do.
pub(super) async fn admins(request: Request, next: Next) -> Response {
    at_least(Role::Admin, request, next).await
}

async fn at_least(role: Role, request: Request, next: Next) -> Response {
    let session = request.extensions().get::<Session>();
    if session.is_some_and(|session| session.role >= role) {
        return next.run(request).await;
    }
    Failure::not_allowed(role).into_response()
}

/// The request with its fields, if it carries the session's token: in a field, or, where a file follows, in its
/// address.
async fn with_token(request: Request, session: &Session) -> Option<Request> {
    let is_form = request.headers().get("content-type").is_some_and(|it| {
        it.to_str()
            .is_ok_and(|it| it.starts_with("application/x-www-form-urlencoded"))
    });
    if !is_form {
        let Query(query) = Query::<HashMap<String, String>>::try_from_uri(request.uri()).ok()?;
        let token = query.get("token")?;
        return is_same(token, &session.token).then_some(request);
    }
    let (parts, body) = request.into_parts();
    let form = Request::from_parts(parts.clone(), body);
    let Form(fields) = Form::<Vec<(String, String)>>::from_request(form, &())
        .await
        .ok()?;
    let fields = Fields(fields);
    if !is_same(fields.get("token"), &session.token) {
        return None;
    }
    let mut request = Request::from_parts(parts, Body::empty());
    request.extensions_mut().insert(fields);
    Some(request)
}

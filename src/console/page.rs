//! A page, or why there is none.

use std::fmt;

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, REFRESH};
use axum::response::{IntoResponse, Response};

use crate::domain::role::Role;
use crate::domain::text::{digest_of, hex, visible};
use crate::exit::ExitCode;
use crate::run::RunError;
use crate::store::StoreError;

/// What every page has around its own part.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// Which entry of the navigation it belongs to.
    pub(super) place: &'static str,
    /// Nobody is messaged.
    pub(super) sandbox: bool,
    /// The token of each change; empty where nobody is signed in.
    pub(super) token: String,
    /// What was just done.
    pub(super) flash: Option<String>,
    /// Who is signed in.
    pub(super) person: String,
    /// What that person may do.
    pub(super) role: Option<Role>,
}

impl Frame {
    /// Whether batches and lists can be worked on.
    pub(super) fn is_operator(&self) -> bool {
        self.role >= Some(Role::Operator)
    }

    /// Whether decisions that outlast a batch can be made.
    pub(super) fn is_admin(&self) -> bool {
        self.role >= Some(Role::Admin)
    }
}

/// A template as a page. What cannot be seen in it is made visible.
pub(super) fn page(template: &impl Template) -> Result<Response, Failure> {
    let text = template
        .render()
        .map_err(|error| Failure::internal(&error))?;
    let html = visible(&text).into_owned();
    Ok(([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

/// The same, loaded again after a second.
pub(super) fn page_again(template: &impl Template) -> Result<Response, Failure> {
    Ok(([(REFRESH, "1")], page(template)?).into_response())
}

/// Why there is no page.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    title: &'static str,
    text: String,
}

#[derive(Template)]
#[template(path = "console/failure.html", config = "src/templates/askama.toml")]
struct FailurePage<'a> {
    frame: Frame,
    title: &'static str,
    text: &'a str,
}

impl Failure {
    pub(super) fn new(status: StatusCode, title: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            title,
            text: text.into(),
        }
    }

    /// What was asked for does not fit.
    pub(super) fn refused(text: impl fmt::Display) -> Self {
        let title = "That cannot be done";
        Self::new(StatusCode::CONFLICT, title, text.to_string())
    }

    pub(super) fn not_found(what: &str) -> Self {
        let text = format!(
            "There is no {what} here. It may have been removed, or the address is mistyped."
        );
        Self::new(StatusCode::NOT_FOUND, "Not found", text)
    }

    pub(super) fn internal(error: &dyn fmt::Display) -> Self {
        Self::broken(format!(
            "An internal failure ended this request. Please report it: {error}"
        ))
    }

    pub(super) fn broken(text: String) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Something failed", text)
    }

    /// What it says.
    pub(super) fn text(self) -> String {
        self.text
    }

    pub(super) fn not_signed_in() -> Self {
        let text = "Sign in first.";
        Self::new(StatusCode::FORBIDDEN, "Not signed in", text)
    }

    pub(super) fn not_allowed(role: Role) -> Self {
        let text = format!(
            "Only a user with the role {role} may do that. Nothing was changed; ask the person who runs this console."
        );
        Self::new(StatusCode::FORBIDDEN, "Not allowed", text)
    }

    pub(super) fn forged() -> Self {
        let text = "The request did not come from a page of this console, or that page was too old. Nothing was changed. \
                    Load the page again, and repeat what you did.";
        Self::new(StatusCode::FORBIDDEN, "Nothing was changed", text)
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error.exit() {
            ExitCode::Internal => Self::internal(&error),
            ExitCode::Storage => Self::broken(error.to_string()),
            ExitCode::Complete
            | ExitCode::Usage
            | ExitCode::CompleteWithProblems
            | ExitCode::Paused
            | ExitCode::Guard
            | ExitCode::Configuration
            | ExitCode::Input
            | ExitCode::Held
            | ExitCode::BelowShare => Self::refused(error),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoBatch { .. } => Self::not_found("batch of this name"),
            error => RunError::from(error).into(),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::broken(format!("A file cannot be read or written: {error}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!("{}: {}", self.title, self.text);
        }
        let shown = page(&FailurePage {
            frame: Frame::default(),
            title: self.title,
            text: &self.text,
        });
        let page = shown.unwrap_or_else(|failure| failure.text.into_response());
        (self.status, page).into_response()
    }
}

/// Why the page to sign in on is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SignInPage {
    /// Nobody is signed in.
    Asked,
    /// The link was used before, or is an old one.
    Used,
    /// Name and password do not go together.
    Wrong,
    /// Too many tries failed: another one is looked at after so many seconds.
    Wait(u64),
}

#[derive(Template)]
#[template(path = "console/sign-in.html", config = "src/templates/askama.toml")]
struct SignIn {
    frame: Frame,
    users: bool,
    why: SignInPage,
}

/// How to sign in; `users`: by their passwords.
pub(super) fn sign_in_page(sandbox: bool, users: bool, why: SignInPage) -> Response {
    let frame = Frame {
        sandbox,
        ..Frame::default()
    };
    let status = match why {
        SignInPage::Asked => StatusCode::UNAUTHORIZED,
        SignInPage::Used | SignInPage::Wrong => StatusCode::FORBIDDEN,
        SignInPage::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
    };
    let page = page(&SignIn { frame, users, why });
    (status, page.unwrap_or_else(Failure::into_response)).into_response()
}

/// What a page has shown, as a digest that its form sends back: something else may stand there by then.
pub(super) fn digest_of_shown<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    hex(&digest_of(texts)[..16])
}

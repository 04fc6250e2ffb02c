//! In and out: by the password of a user, or by the key of a link.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::app::App;
use super::gate::Visit;
use super::page::{Failure, SignInPage, sign_in_page};
use super::session::SignIn;

#[derive(Debug, Deserialize)]
pub(super) struct Key {
    #[serde(default)]
    key: String,
}

/// Signs in by the key of the link.
pub(super) async fn by_link(
    State(app): State<Arc<App>>,
    Query(Key { key }): Query<Key>,
) -> Result<Response, Failure> {
    let exchange = move |app: &Arc<App>| {
        if key.is_empty() {
            return Ok(Err(SignInPage::Asked));
        }
        let secret = app.gate.exchange(&key, app.clock.now())?;
        if secret.is_some() {
            (app.settings.new_link)(&app.gate.link(&app.url()));
        }
        Ok(secret.ok_or(SignInPage::Used))
    };
    Ok(signed_in(&app, app.blocking(exchange).await?))
}

#[derive(Deserialize)]
pub(super) struct Password {
    name: String,
    password: String,
}

/// Signs in by name and password.
pub(super) async fn by_password(
    State(app): State<Arc<App>>,
    Form(Password { name, password }): Form<Password>,
) -> Result<Response, Failure> {
    let check = move |app: &Arc<App>| {
        let tried = app
            .gate
            .try_password(name.trim(), &password, app.clock.now())?;
        Ok(match tried {
            SignIn::Session(secret) => Ok(secret),
            SignIn::Wrong => Err(SignInPage::Wrong),
            SignIn::Wait(wait) => Err(SignInPage::Wait(wait.as_secs() + 1)),
        })
    };
    Ok(signed_in(&app, app.blocking(check).await?))
}

fn signed_in(app: &App, secret: Result<String, SignInPage>) -> Response {
    match secret {
        Ok(secret) => {
            let cookie = app.gate.cookie(Some(&secret));
            ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        Err(why) => sign_in_page(app.settings.sandbox, app.gate.has_users(), why),
    }
}

/// Ends the session.
pub(super) async fn out(visit: Visit) -> Result<Response, Failure> {
    let hash = visit.session.hash.clone();
    let end = move |app: &Arc<App>| Ok(app.gate.end(&hash)?);
    visit.app.blocking(end).await?;
    let cookie = visit.app.gate.cookie(None);
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response())
}

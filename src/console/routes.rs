//! The addresses.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::sync::watch;

use super::app::App;
use super::{
    assets, batch, download, gate, health, home, list, live, mend, message, page, people, prepare,
    sign_in, suppression, test_send, upload,
};

/// The longest form: a message and some names of columns.
const FORM: usize = 512 * 1024;

/// Each address stands under the least role that may use it.
pub(super) fn router(app: Arc<App>, stopped: watch::Receiver<bool>) -> Router {
    let files = Router::new()
        .route("/lists", post(upload::list))
        .route("/suppression/import", post(upload::suppressions))
        .layer(DefaultBodyLimit::disable())
        .route_layer(from_fn(gate::operators));
    let operators = operators().route_layer(from_fn(gate::operators));
    let admins = Router::new()
        .route("/people/lift", post(people::lift))
        .route("/people/forget", post(people::forget))
        .route("/approval", post(health::approval))
        .route_layer(from_fn(gate::admins));
    let pages = operators
        .merge(admins)
        .merge(everybody())
        .fallback(async || page::Failure::not_found("page"))
        .layer(DefaultBodyLimit::max(FORM));
    files
        .merge(pages)
        .layer(from_fn_with_state(Arc::clone(&app), gate::guard))
        .layer(axum::Extension(live::Streams::new(stopped)))
        .with_state(app)
}

fn everybody() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(home::show))
        .route("/static/console.css", get(assets::css))
        .route("/static/console.js", get(assets::script))
        .route("/static/icon.svg", get(assets::icon))
        .route("/sign-in", get(sign_in::by_link).post(sign_in::by_password))
        .route("/sign-out", post(sign_in::out))
        .route("/people", get(people::show))
        .route("/suppression", get(suppression::show))
        .route("/health", get(health::show))
        .route("/{kind}/{name}", get(batch::show))
        .route("/{kind}/{name}/live", get(live::events))
        .route("/{kind}/{name}/report", get(batch::report))
}

fn operators() -> Router<Arc<App>> {
    Router::new()
        .route("/lists/{id}", get(list::show).post(list::change))
        .route("/lists/{id}/remove", post(list::remove))
        .route("/lists/{id}/rejects", get(list::rejects))
        .route("/lists/{id}/mend", post(mend::correct))
        .route("/lists/{id}/join", post(prepare::join))
        .route("/lists/{id}/alone", post(list::alone))
        .route(
            "/lists/{id}/message",
            get(message::show).post(message::change),
        )
        .route("/lists/{id}/test", post(test_send::send))
        .route("/lists/{id}/preview", post(message::preview))
        .route(
            "/lists/{id}/prepare",
            get(prepare::show).post(prepare::begin),
        )
        .route("/people/suppress", post(people::suppress))
        .route("/suppression", post(suppression::add))
        .route("/suppression/export", get(suppression::export))
        .route("/health", post(health::check))
        .route("/{kind}/{name}/start", post(batch::start))
        .route("/{kind}/{name}/pause", post(batch::pause))
        .route("/{kind}/{name}/cancel", post(batch::cancel))
        .route("/{kind}/{name}/take-up", post(batch::take_up))
        .route("/{kind}/{name}/resolve", post(batch::resolve))
        .route("/{kind}/{name}/meaning", post(batch::meaning))
        .route("/{kind}/{name}/mend", post(mend::mend))
        .route("/{kind}/{name}/download", get(download::results))
}

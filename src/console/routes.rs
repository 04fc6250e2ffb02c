//! The addresses.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use tokio::sync::watch;

use super::app::App;
use super::{
    assets, batch, download, gate, health, home, list, live, message, page, people, prepare,
    suppression, test_send, upload,
};

/// The longest form: a message and some names of columns.
const FORM: usize = 512 * 1024;

pub(super) fn router(app: Arc<App>, stopped: watch::Receiver<bool>) -> Router {
    let files = Router::new()
        .route("/lists", post(upload::list))
        .route("/suppression/import", post(upload::suppressions))
        .layer(DefaultBodyLimit::disable());
    let pages = Router::new()
        .route("/", get(home::show))
        .route("/static/console.css", get(assets::css))
        .route("/static/console.js", get(assets::script))
        .route("/static/icon.svg", get(assets::icon))
        .route("/sign-in", get(gate::sign_in))
        .route("/sign-out", post(gate::sign_out))
        .route("/lists/{id}", get(list::show).post(list::change))
        .route("/lists/{id}/remove", post(list::remove))
        .route("/lists/{id}/rejects", get(list::rejects))
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
        .route("/people", get(people::show))
        .route("/people/suppress", post(people::suppress))
        .route("/people/lift", post(people::lift))
        .route("/people/forget", post(people::forget))
        .route(
            "/suppression",
            get(suppression::show).post(suppression::add),
        )
        .route("/suppression/export", get(suppression::export))
        .route("/health", get(health::show).post(health::check))
        .route("/{kind}/{name}", get(batch::show))
        .route("/{kind}/{name}/live", get(live::events))
        .route("/{kind}/{name}/start", post(batch::start))
        .route("/{kind}/{name}/pause", post(batch::pause))
        .route("/{kind}/{name}/cancel", post(batch::cancel))
        .route("/{kind}/{name}/take-up", post(batch::take_up))
        .route("/{kind}/{name}/resolve", post(batch::resolve))
        .route("/{kind}/{name}/meaning", post(batch::meaning))
        .route("/{kind}/{name}/download", get(download::results))
        .fallback(async || page::Failure::not_found("page"))
        .layer(DefaultBodyLimit::max(FORM));
    files
        .merge(pages)
        .layer(from_fn_with_state(Arc::clone(&app), gate::guard))
        .layer(axum::Extension(live::Stopped(stopped)))
        .with_state(app)
}

//! The console: the page on which a team works. HTML over [`run`](crate::run) and the checkpoint; it holds no rule of
//! its own.
//!
//! - It listens on this machine alone, or by TLS for users with passwords; see [`gate`] and [`session`].
//! - Each change is one request that names what is changed, carries the session's token, and answers with a redirect.
//! - What takes long (a list that is read, a batch that is made) is a job of its own: a page shows how far it is. A
//!   batch that is sent has a thread of its own, as it would have a process on the command line.
//! - What the page must know again after `kill -9` is on disk: batches, decisions and sessions in the checkpoint,
//!   uploaded lists with what was said of them beside it.
//! - All reading works without the script.

mod act;
mod app;
mod assets;
mod audit;
mod bar;
mod base;
mod batch;
mod batch_view;
mod checked;
mod details;
mod download;
mod draft;
mod gate;
mod health;
mod home;
mod job;
mod list;
mod list_view;
mod live;
mod mend;
mod menus;
mod message;
mod more;
mod named;
mod page;
mod people;
mod plot;
mod prepare;
mod quota;
mod quota_view;
mod routes;
mod runs;
mod session;
mod settings;
mod sign_in;
mod slowed;
mod stream;
mod suppression;
mod test_send;
mod to_mend;
mod upload;
mod users;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::serve::{Acceptor, Limits, accept, acceptor};

use app::App;
pub(crate) use settings::{ConsoleError, ConsoleSettings};
pub(crate) use users::{UserError, UserFile, add_user, remove_user};

/// A console that listens.
pub(crate) struct ConsoleServer {
    app: Arc<App>,
    listener: TcpListener,
    tls: Option<Acceptor>,
}

impl ConsoleServer {
    /// Opens the port and the checkpoint.
    ///
    /// # Errors
    /// [`ConsoleError`] if one of them cannot be opened.
    pub(crate) async fn bind(
        settings: ConsoleSettings,
        clock: Clock,
    ) -> Result<Self, ConsoleError> {
        settings.check()?;
        let tls = settings.tls.as_ref();
        let tls = tls.map(|(certificate, key)| acceptor(certificate, key));
        let tls = tls.transpose()?;
        let fail = |source| ConsoleError::Listen {
            address: settings.listen,
            source,
        };
        let listener = TcpListener::bind(settings.listen).await.map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        Ok(Self {
            app: Arc::new(App::new(settings, address, clock)?),
            listener,
            tls,
        })
    }

    /// Where it is found, without a key.
    pub(crate) fn url(&self) -> String {
        self.app.url()
    }

    /// Where to sign in: a link that does so once, or the page on which users do.
    pub(crate) fn link(&self) -> String {
        self.app.gate.link(&self.app.url())
    }

    /// Whether users sign in by their passwords.
    pub(crate) fn has_users(&self) -> bool {
        self.app.gate.has_users()
    }

    /// Serves until `stop` ends. Then batches that are sent here pause, and requests under way are finished.
    pub(crate) async fn run(self, stop: impl Future<Output = &'static str>) {
        let (stopping, stopped) = watch::channel(false);
        let sweep = tokio::spawn(draft::sweep(Arc::clone(&self.app)));
        let router = routes::router(Arc::clone(&self.app), stopped.clone());
        let accept = tokio::spawn(accept(
            self.listener,
            self.tls,
            Limits::default(),
            router,
            || (),
            stopped,
        ));
        let why = stop.await;
        self.app.runs.stop_all(why);
        let _ = stopping.send(true);
        // Their own limits end them.
        let _ = accept.await;
        self.app.runs.all_ended().await;
        sweep.abort();
    }
}

//! A connection to PostgreSQL that is made anew when it is lost.
//!
//! Every statement goes as one message with an unnamed statement, so that a pooler may stand between. Nothing is
//! cancelled on the server: where the answer does not come in time, the connection is dropped, which cancels nothing.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls;

use super::access::Access;
use super::log::LogError;

/// How long an answer is waited for.
pub(super) const ANSWER: Duration = Duration::from_secs(3);

/// How long an answer may take that holds much.
pub(super) const LONG: Duration = Duration::from_secs(30);

/// The connection for one checkpoint.
pub(super) struct Connection {
    access: Access,
    runtime: Runtime,
    session: Option<Session>,
    /// A transaction is open: a new connection would know nothing of it.
    in_transaction: bool,
    schema: String,
}

struct Session {
    client: Client,
    /// The server gave a warning: for instance that it no longer waits for its synchronous standby.
    warned: Arc<AtomicBool>,
    /// Which server, and which of its lives.
    engine: String,
    /// The server's session is not this connection's alone.
    is_pooled: bool,
}

/// A timeline is known by the name of the log's file: what `pg_control_checkpoint()` says lags behind a failover.
/// On a standby it fails, which is right.
const ENGINE: &str = "SELECT current_setting('fsync'),
    system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8),
    coalesce(current_setting('outreach.session', true), '') <> '' FROM pg_control_system()";

/// A value and its type.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

impl Connection {
    /// Connects with the first call that needs the engine.
    ///
    /// # Errors
    /// [`LogError`] if this machine gives no runtime.
    pub(super) fn new(access: Access) -> Result<Self, LogError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| LogError::Away(error.to_string()))?;
        Ok(Self {
            schema: format!("outreach_{}", access.name()),
            access,
            runtime,
            session: None,
            in_transaction: false,
        })
    }

    fn connect(&mut self) -> Result<(), LogError> {
        if let Some(session) = &self.session
            && !session.client.is_closed()
        {
            return Ok(());
        }
        self.session = None;
        if self.in_transaction {
            return Err(self.silent());
        }
        let tls = MakeRustlsConnect::new(tls(&self.access)?);
        let config = self.access.config();
        let opened = self.runtime.block_on(async {
            tokio::time::timeout(ANSWER, async {
                let (client, mut connection) = config.connect(tls).await?;
                let warned = Arc::new(AtomicBool::new(false));
                let flag = Arc::clone(&warned);
                tokio::spawn(async move {
                    let messages =
                        std::future::poll_fn(move |context| connection.poll_message(context));
                    drive(messages, &flag).await;
                });
                let row = client.query_typed_one(ENGINE, &[]).await?;
                let fsync: String = row.try_get(0)?;
                let (engine, is_pooled) = (row.try_get(1)?, row.try_get(2)?);
                // Appends are never cancelled by the server, and are durable when they are answered. What is set in a
                // session is found by the next one only where a pooler stands between.
                client
                    .batch_execute(
                        "SET synchronous_commit = on; SET statement_timeout = 0; SET lock_timeout = 0; \
                         SET application_name = 'outreach'; SET client_min_messages = warning; \
                         SET outreach.session = 'taken'",
                    )
                    .await?;
                let session = Session {
                    client,
                    warned,
                    engine,
                    is_pooled,
                };
                Ok::<_, tokio_postgres::Error>((session, fsync))
            })
            .await
        });
        let (session, fsync) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(error)) => return Err(self.failed(&error)),
            Err(_) => return Err(self.silent()),
        };
        if fsync == "off" {
            return Err(LogError::Refused(format!(
                "{} runs with fsync = off: what it acknowledges is lost with its power; switch it on",
                self.access
            )));
        }
        self.session = Some(session);
        Ok(())
    }

    pub(super) fn silent(&self) -> LogError {
        LogError::Away(format!("{} does not answer", self.access))
    }

    fn failed(&self, error: &tokio_postgres::Error) -> LogError {
        let text = match error.as_db_error() {
            Some(db) => format!("{}: {}", self.access, db.message()),
            None => format!("{}: {}", self.access, chain(error)),
        };
        let refused = [
            SqlState::INVALID_PASSWORD,
            SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            SqlState::INVALID_CATALOG_NAME,
            SqlState::INSUFFICIENT_PRIVILEGE,
            SqlState::UNDEFINED_TABLE,
            SqlState::INVALID_SCHEMA_NAME,
        ];
        match error.code() {
            Some(code) if refused.contains(code) => LogError::Refused(text),
            None if is_distrusted(error) => LogError::Refused(format!(
                "{text}; ?sslrootcert=FILE in the address names the authority that signed its certificate"
            )),
            Some(_) | None => LogError::Away(text),
        }
    }

    /// Does one statement; where it fails without a word of the server, the connection is dropped.
    pub(super) fn ask(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        within: Duration,
    ) -> Result<Vec<Row>, Failure> {
        self.connect().map_err(Failure::NotAsked)?;
        let Some(session) = &self.session else {
            return Err(Failure::NotAsked(self.silent()));
        };
        session.warned.store(false, Ordering::SeqCst);
        let sql = sql.replace("$$", &self.schema);
        let answer = self.runtime.block_on(async {
            tokio::time::timeout(within, session.client.query_typed(&sql, params)).await
        });
        match answer {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => {
                let failed = self.failed(&error);
                if error.as_db_error().is_none() {
                    self.session = None;
                }
                Err(Failure::Asked(error, failed))
            }
            Err(_) => {
                self.session = None;
                Err(Failure::NotAnswered(self.silent()))
            }
        }
    }

    pub(super) fn rows(
        &mut self,
        sql: &str,
        params: &[Param<'_>],
        within: Duration,
    ) -> Result<Vec<Row>, LogError> {
        self.ask(sql, params, within).map_err(Failure::into_error)
    }

    /// The server gave a warning since the last statement was sent.
    pub(super) fn was_warned(&self) -> bool {
        self.session
            .as_ref()
            .is_none_or(|session| session.warned.load(Ordering::SeqCst))
    }

    /// All of it, or nothing.
    pub(super) fn in_transaction(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        self.rows("BEGIN", &[], ANSWER)?;
        self.in_transaction = true;
        let done = self
            .rows("SET LOCAL synchronous_commit = on", &[], ANSWER)
            .and_then(|_| work(self))
            .and_then(|()| self.rows("COMMIT", &[], LONG).map(drop));
        self.in_transaction = false;
        if done.is_err() {
            // The server undoes what its client leaves.
            self.session = None;
        }
        done
    }

    /// Which engine answers.
    pub(super) fn engine(&mut self) -> Result<String, LogError> {
        self.connect()?;
        let session = self.session.as_ref();
        session
            .map(|session| session.engine.clone())
            .ok_or_else(|| self.silent())
    }

    /// Whether a pooler gives this connection sessions of the server that others have, too. Another connection must be
    /// open.
    pub(super) fn is_pooled(&mut self) -> Result<bool, LogError> {
        self.connect()?;
        Ok(self.session.as_ref().is_some_and(|it| it.is_pooled))
    }

    /// Its address, for people.
    pub(super) fn access(&self) -> &Access {
        &self.access
    }
}

/// How a statement failed.
pub(super) enum Failure {
    NotAsked(LogError),
    Asked(tokio_postgres::Error, LogError),
    NotAnswered(LogError),
}

impl Failure {
    pub(super) fn into_error(self) -> LogError {
        match self {
            Self::NotAsked(error) | Self::Asked(_, error) | Self::NotAnswered(error) => error,
        }
    }
}

/// Keeps the connection going; notes warnings.
async fn drive<F>(mut message: F, warned: &AtomicBool)
where
    F: Future<Output = Option<Result<AsyncMessage, tokio_postgres::Error>>> + Unpin,
{
    loop {
        match (&mut message).await {
            Some(Ok(AsyncMessage::Notice(_))) => warned.store(true, Ordering::SeqCst),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return,
        }
    }
}

/// Whether the server's certificate is not to be trusted.
fn is_distrusted(error: &dyn std::error::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        if inner.is_some_and(|it| {
            matches!(
                it.downcast_ref::<rustls::Error>(),
                Some(rustls::Error::InvalidCertificate(_))
            )
        }) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An error with its causes, as one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.ends_with(&next_text) {
            text.push_str(": ");
            text.push_str(&next_text);
        }
        cause = next.source();
    }
    text
}

/// What is trusted: the machine's certificate authorities, or the one that the address names.
fn tls(access: &Access) -> Result<rustls::ClientConfig, LogError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    use rustls_platform_verifier::ConfigVerifierExt as _;
    let refused = |text: String| LogError::Refused(text);
    let Some(root) = access.root() else {
        return rustls::ClientConfig::with_platform_verifier()
            .map_err(|error| refused(format!("TLS cannot be set up: {error}")));
    };
    let mut roots = rustls::RootCertStore::empty();
    let unreadable = |error: String| refused(format!("sslrootcert {}: {error}", root.display()));
    for certificate in
        CertificateDer::pem_file_iter(root).map_err(|error| unreadable(error.to_string()))?
    {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth())
}

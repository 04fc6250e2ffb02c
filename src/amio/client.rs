//! The HTTP client: the only owner of reqwest.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::fresh::{FreshBody, Stale};
use super::mask::Mask;
use super::wire::{self, Channel, ListedMessage, OutgoingMessage};
use crate::clock::Clock;
use crate::domain::masking::{hide_numbers, without_numbers};
use crate::domain::outcome::{Answer, Exchange, Written};
use crate::domain::quota::{QuotaHeaders, parse_retry_after};

/// Bodies are read up to here: no documented answer comes near it.
const BODY_LIMIT: usize = 256 * 1024;

/// Idle connections are dropped before common servers drop them (Node closes after 5 s, nginx
/// after 75 s): a request written into a connection that the server just closed is a lost answer.
const IDLE_CONNECTION: Duration = Duration::from_secs(4);

/// A connection has so long to come about.
const CONNECT: Duration = Duration::from_secs(4);

/// Where the API is. HTTPS, or plain HTTP to this machine only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why an address cannot be the API's.
#[derive(Debug, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an address at all.
    #[error("`{0}` is not an address; the API's is https://api.amio.io/v1")]
    NotAnAddress(String),
    /// Plain HTTP beyond this machine would show the token and the numbers to everybody on the way.
    #[error(
        "`{0}` is not encrypted: use https, or http to this machine only (127.0.0.1, ::1, localhost)"
    )]
    NotEncrypted(String),
    /// Credentials or parameters in an address end up in logs.
    #[error("the base URL must not carry credentials, a query or a fragment")]
    CarriesSecrets,
}

impl BaseUrl {
    /// The documented address.
    pub const DOCUMENTED: &'static str = "https://api.amio.io/v1";

    /// True for an address of this machine.
    pub fn is_loopback(&self) -> bool {
        self.0.host_str().is_some_and(is_loopback_host)
    }

    /// True for the host of the documented address.
    pub(crate) fn is_documented(&self) -> bool {
        Url::parse(Self::DOCUMENTED).is_ok_and(|documented| {
            let host = |url: &Url| {
                let name = url.host_str().map(str::to_owned);
                (url.scheme().to_owned(), name, url.port_or_known_default())
            };
            host(&self.0) == host(&documented)
        })
    }

    fn join(&self, path: &str) -> Result<Url, ClientError> {
        let base = self.0.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}/{path}")).map_err(|_| ClientError::Setup {
            detail: format!("`{path}` is not a path of the API"),
        })
    }
}

fn is_loopback_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| BaseUrlError::NotAnAddress(text.to_owned()))?;
        let host = url
            .host_str()
            .ok_or_else(|| BaseUrlError::NotAnAddress(text.to_owned()))?;
        let carries_secrets = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        if carries_secrets {
            return Err(BaseUrlError::CarriesSecrets);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback_host(host) => Ok(Self(url)),
            _ => Err(BaseUrlError::NotEncrypted(text.to_owned())),
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// What the client needs to know.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Where the API is.
    pub base_url: BaseUrl,
    /// The organisation's token.
    pub token: SecretString,
    /// How long a whole exchange may take.
    pub timeout: Duration,
    /// How many connections are kept for the next request.
    pub concurrency: usize,
}

/// A client that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The token cannot stand in a header.
    #[error(
        "the token contains characters that a token cannot have; copy it again from the API settings page"
    )]
    Token,
    /// TLS or address setup failed.
    #[error("the HTTP client cannot be set up: {detail}")]
    Setup {
        /// What went wrong.
        detail: String,
    },
}

/// A read (channel, message list) that gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No whole answer.
    #[error("no answer from the API: {}", without_numbers(detail))]
    NoAnswer {
        /// What went wrong.
        detail: String,
    },
    /// Another status than 200.
    #[error("the API answered {status}{}", text.as_deref().map(|text| format!(": {}", without_numbers(text))).unwrap_or_default())]
    Refused {
        /// HTTP status.
        status: u16,
        /// The API's text.
        text: Option<String>,
    },
    /// A 200 whose body is not what is documented.
    #[error(
        "the API's answer is not what its documentation says: {}",
        without_numbers(detail)
    )]
    Unreadable {
        /// Where it differs.
        detail: String,
    },
}

/// What came back for a page of a contact's messages, with what it said about the quota.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The messages.
    pub(crate) messages: Result<Vec<ListedMessage>, ApiError>,
    /// The rate-limit headers, empty if there was no answer.
    pub(crate) quota: QuotaHeaders,
    /// Its `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
}

/// One exchange, with what it said about the quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What came back.
    pub exchange: Exchange,
    /// The rate-limit headers, empty if there was no answer.
    pub quota: QuotaHeaders,
}

/// A client to be set up. reqwest brings no cryptography: rustls takes ring's for the whole process.
pub fn http_client() -> reqwest::ClientBuilder {
    // An error says that it is installed already.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}

/// The API client. Cheap to clone: clones share the connections.
#[derive(Debug, Clone)]
pub struct Client {
    /// Replaced where connections are not kept any more, or again: what the one before kept is closed.
    http: Arc<RwLock<reqwest::Client>>,
    settings: ClientSettings,
    messages: Url,
    base_url: BaseUrl,
    token_fingerprint: i64,
    mask: Mask,
    clock: Clock,
}

impl Client {
    /// Prepares a client; sends nothing.
    ///
    /// # Errors
    /// [`ClientError`] if the token cannot be a header or TLS cannot be set up.
    pub fn new(settings: &ClientSettings, clock: Clock) -> Result<Self, ClientError> {
        Ok(Self {
            http: Arc::new(RwLock::new(Self::http(settings, true)?)),
            settings: settings.clone(),
            messages: settings.base_url.join("messages")?,
            base_url: settings.base_url.clone(),
            token_fingerprint: token_fingerprint(&settings.token),
            mask: Mask::new(&settings.token),
            clock,
        })
    }

    /// `keep`: connections stay open for the next request.
    fn http(settings: &ClientSettings, keep: bool) -> Result<reqwest::Client, ClientError> {
        let kept = if keep { settings.concurrency.max(1) } else { 0 };
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {}", settings.token.expose_secret()))
                .map_err(|_| ClientError::Token)?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, bearer);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        // Shorter than the whole, so that a connection that never came about is known as such, and than the age at
        // which an intent is stale.
        let connect_timeout = (settings.timeout / 2).min(CONNECT);
        let mut builder = http_client()
            .user_agent(concat!("outreach/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            // A POST is never repeated behind our back: not by a retry, not by a redirect.
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            // One request a connection: a client has no more connections than it had requests in flight.
            .http1_only()
            .pool_idle_timeout(IDLE_CONNECTION)
            .pool_max_idle_per_host(kept)
            .tcp_nodelay(true)
            .connect_timeout(connect_timeout)
            .timeout(settings.timeout);
        if settings.base_url.is_loopback() {
            // A proxy cannot stand between this machine and itself, and no certificate is needed.
            builder = builder.no_proxy().tls_certs_only([]);
        }
        builder.build().map_err(|error| ClientError::Setup {
            detail: chain(&error),
        })
    }

    /// From now on connections stay open for the next request, or not; those that are open and unused are closed.
    pub(crate) fn keep_connections(&self, keep: bool) {
        match Self::http(&self.settings, keep) {
            Ok(http) => *self.http.write().unwrap_or_else(PoisonError::into_inner) = http,
            // It was set up before in the same way.
            Err(error) => tracing::warn!("the connections stay as they are: {error}"),
        }
    }

    fn request(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        let http = self.http.read().unwrap_or_else(PoisonError::into_inner);
        http.request(method, url)
    }

    /// See [`token_fingerprint`].
    pub(crate) fn token_fingerprint(&self) -> i64 {
        self.token_fingerprint
    }

    /// Sends one message, once; not at all if its intent is too old when the connection asks for it.
    pub async fn send(&self, message: &OutgoingMessage<'_>) -> Reply {
        let body = match message.to_body() {
            Ok(body) => body,
            Err(error) => return Reply::not_written(format!("the message is no JSON: {error}")),
        };
        let request = self
            .request(Method::POST, self.messages.clone())
            .header(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )
            .body(reqwest::Body::wrap(FreshBody::new(
                body,
                message.decided,
                self.clock.clone(),
            )));
        self.reply(request).await
    }

    /// One page of a contact's message history. Sort order and completeness are not documented.
    pub(crate) async fn list_messages(&self, channel: &str, contact: &str, offset: u32) -> Listed {
        let path =
            format!("channels/{channel}/contacts/{contact}/messages?max=100&offset={offset}");
        let reply = self.get(&path).await;
        let retry_after = match &reply.exchange {
            Exchange::Answered(answer) => answer.retry_after,
            Exchange::Failed { .. } => None,
        };
        Listed {
            quota: reply.quota,
            retry_after,
            messages: read(reply),
        }
    }

    /// The channel's properties.
    ///
    /// # Errors
    /// [`ApiError`] if there is no readable channel.
    pub(crate) async fn channel(&self, channel: &str) -> Result<(Channel, QuotaHeaders), ApiError> {
        let reply = self.get(&format!("channels/{channel}")).await;
        let quota = reply.quota;
        Ok((read(reply)?, quota))
    }

    async fn get(&self, path: &str) -> Reply {
        let url = match self.base_url.join(path) {
            Ok(url) => url,
            Err(error) => return Reply::not_written(error.to_string()),
        };
        self.reply(self.request(Method::GET, url)).await
    }

    async fn reply(&self, request: reqwest::RequestBuilder) -> Reply {
        match request.send().await {
            Ok(response) => {
                log_headers(&response, &self.mask);
                read_reply(response, &self.mask, self.clock.now()).await
            }
            Err(error) => Reply::failed(&error),
        }
    }
}

/// The headers of an answer, where they were asked for; the token never.
fn log_headers(response: &reqwest::Response, mask: &Mask) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let headers = response.headers().iter();
    let shown: Vec<String> = headers
        .filter(|(name, _)| **name != header::SET_COOKIE)
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            // Its times are counts of seconds.
            if name.as_str().contains("ratelimit") {
                format!("{name}: {value}")
            } else {
                format!("{name}: {}", hide_numbers(&value))
            }
        })
        .collect();
    let headers = mask.text(shown.join("; "));
    tracing::debug!(
        status = response.status().as_u16(),
        headers = &*headers,
        "answer"
    );
}

/// The value that a whole 200 holds.
fn read<T: serde::de::DeserializeOwned>(reply: Reply) -> Result<T, ApiError> {
    match reply.exchange {
        Exchange::Failed { detail, .. } => Err(ApiError::NoAnswer { detail }),
        Exchange::Answered(answer) if answer.status == 200 && answer.complete => {
            serde_json::from_str(&answer.body).map_err(|error| ApiError::Unreadable {
                detail: error.to_string(),
            })
        }
        Exchange::Answered(answer) => Err(ApiError::Refused {
            status: answer.status,
            text: answer.error_text,
        }),
    }
}

/// The first 8 bytes of the token's SHA-256: distinguishes tokens, and cannot be turned back.
pub fn token_fingerprint(token: &SecretString) -> i64 {
    let digest = Sha256::digest(token.expose_secret().as_bytes());
    let mut fingerprint = [0; 8];
    fingerprint.copy_from_slice(&digest[..8]);
    i64::from_le_bytes(fingerprint)
}

impl Reply {
    fn failed(error: &reqwest::Error) -> Self {
        Self {
            exchange: Exchange::Failed {
                written: written(error),
                detail: chain(error),
            },
            quota: QuotaHeaders::default(),
        }
    }

    fn not_written(detail: String) -> Self {
        Self {
            exchange: Exchange::Failed {
                written: Written::No,
                detail,
            },
            quota: QuotaHeaders::default(),
        }
    }
}

/// Whether a request that failed can have reached the server: the one place that decides it.
///
/// Surely not written are failures of the connector (name resolution, refused or timed-out connect, TLS
/// handshake): there was no connection to write to; and a body that was not handed out, because its intent was
/// stale. A pooled connection that the
/// server had closed is found out by the pool before anything is written, and another one is
/// taken; when it is found out later, the bytes may have been read, and the answer is `Maybe`.
fn written(error: &reqwest::Error) -> Written {
    if error.is_connect() || error.is_builder() || is_stale(error) {
        Written::No
    } else {
        Written::Maybe
    }
}

fn is_stale(error: &reqwest::Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(error) = next {
        if error.is::<Stale>() {
            return true;
        }
        next = error.source();
    }
    false
}

async fn read_reply(mut response: reqwest::Response, mask: &Mask, received_at: Timestamp) -> Reply {
    let status = response.status().as_u16();
    let headers = response.headers();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let quota = QuotaHeaders::parse(
        text("x-ratelimit-limit"),
        text("x-ratelimit-remaining"),
        text("x-ratelimit-reset"),
        text("date"),
    );
    let retry_after = text("retry-after").and_then(|value| parse_retry_after(value, received_at));
    let location = text("location").map(str::to_owned);
    let mut body = Vec::new();
    let complete = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= BODY_LIMIT => body.extend(chunk),
            Ok(None) => break true,
            // Too large. Of a refusal the status line says enough, and the text is cut here.
            Ok(Some(_)) => break response.status().is_client_error(),
            // The connection broke.
            Err(_) => break false,
        }
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    let (receipt, error_text) = if response.status().is_success() {
        (wire::receipt(&body, location.as_deref()), None)
    } else {
        (None, wire::error_text(&body))
    };
    let answer = Answer {
        status,
        body: mask.text(body),
        complete,
        retry_after,
        receipt: receipt.map(|receipt| mask.receipt(receipt)),
        error_text: error_text.map(|text| mask.text(text)),
    };
    Reply {
        exchange: Exchange::Answered(answer),
        quota,
    }
}

/// The error with its causes, each said once, without the address (it could carry what must not be logged).
fn chain(error: &reqwest::Error) -> String {
    const TIMED_OUT: &str = "timed out";
    let mut parts: Vec<String> = Vec::new();
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        source = cause.source();
    }
    // Some timeouts have no cause that says so.
    if error.is_timeout() && !parts.iter().any(|part| part.contains(TIMED_OUT)) {
        parts.insert(0, TIMED_OUT.to_owned());
    }
    if parts.is_empty() {
        "the request failed".to_owned()
    } else {
        parts.join(": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for good in [
            "https://api.amio.io/v1",
            "http://127.0.0.1:8080/v1",
            "http://localhost:1/v1",
            "http://[::1]:1/v1",
        ] {
            assert!(good.parse::<BaseUrl>().is_ok(), "{good}");
        }
        for bad in [
            "http://api.amio.io/v1",
            "http://127.0.0.1.example.org/v1",
            "ftp://127.0.0.1/",
            "nonsense",
            "https://user:secret@api.amio.io/v1",
            "https://api.amio.io/v1?access_token=x",
        ] {
            assert!(bad.parse::<BaseUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_token_shows_in_no_debug_output() {
        let settings = ClientSettings {
            base_url: "http://127.0.0.1:1/v1".parse().unwrap(),
            token: SecretString::from("very-secret".to_owned()),
            timeout: Duration::from_secs(1),
            concurrency: 1,
        };
        let client = Client::new(&settings, Clock::system()).unwrap();
        assert!(!format!("{settings:?}{client:?}").contains("very-secret"));
    }
}

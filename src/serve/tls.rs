//! TLS from PEM files.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::settings::ServeError;
use crate::store::check_plain;

/// Makes encrypted connections of plain ones.
pub(crate) type Acceptor = TlsAcceptor;

/// Reads the certificate chain and its key.
///
/// # Errors
/// [`ServeError`] if a file cannot be read, or the two do not go together.
pub(crate) fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, ServeError> {
    let pem = |path: &Path| {
        let path = path.to_owned();
        move |error: PemError| ServeError::Pem {
            path,
            detail: match error {
                PemError::NoItemsFound => "there is no such PEM section in it".to_owned(),
                other => other.to_string(),
            },
        }
    };
    for path in [certificate, key] {
        // A pipe with a name would be waited for without end.
        check_plain(path).map_err(PemError::Io).map_err(pem(path))?;
    }
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(pem(certificate))?;
    if chain.is_empty() {
        return Err(pem(certificate)(PemError::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(pem(key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ServeError::Certificate(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| ServeError::Certificate(error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

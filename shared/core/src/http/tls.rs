//! Which certificate authorities are trusted.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::error::HttpError;
use super::settings::Settings;
use crate::pem::{self, PemError};

const EXPECTED: &str =
    "expected PEM (-----BEGIN CERTIFICATE----- ...), found no certificate. Set CA_CERT_FILE to read a file";

/// The compiled-in roots or those given instead, and the additional authorities.
pub(super) fn config(settings: &Settings) -> Result<ClientConfig, HttpError> {
    let mut roots = RootCertStore::empty();
    match &settings.roots_pem {
        Some(pem) => {
            // Public bundles hold a few old ones that rustls can't use; the rest counts.
            let blocks = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
            if roots.add_parsable_certificates(blocks).0 == 0 {
                return Err(HttpError::settings(format!("the root certificates: {EXPECTED}"), None));
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    if let Some(pem) = &settings.ca_pem {
        add(&mut roots, pem)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| HttpError::settings("TLS", Some(&error)))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Every added certificate has to be valid. Other blocks in the text don't matter.
fn add(roots: &mut RootCertStore, pem: &str) -> Result<(), HttpError> {
    let mut count = 0;
    let blocks = match pem::blocks(pem) {
        Ok(blocks) => blocks,
        Err(PemError::Absent) => Vec::new(),
        Err(error) => return Err(HttpError::settings(format!("the CA certificate: {error}"), None)),
    };
    for block in blocks.into_iter().filter(|block| block.label == "CERTIFICATE") {
        count += 1;
        roots.add(block.bytes.into()).map_err(|error| {
            HttpError::settings(format!("the CA certificate: block {count} is not a certificate"), Some(&error))
        })?;
    }
    if count == 0 {
        return Err(HttpError::settings(format!("the CA certificate: {EXPECTED}"), None));
    }
    Ok(())
}

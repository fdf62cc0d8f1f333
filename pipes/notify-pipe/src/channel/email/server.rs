//! The SMTP server: its connection, its trust, and the meaning of its answers.

use std::time::Duration;

use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use pipe_core::http::is_unknown_host;
use secrecy::{ExposeSecret, SecretString};

use crate::post::Undelivered;

/// The server and how to speak with it.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: Security,
    pub(super) credentials: Option<(String, SecretString)>,
    pub(super) ca_pem: Option<String>,
    pub(super) roots_pem: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    StartTls,
    Implicit,
    None,
}

impl Server {
    pub(super) fn transport(&self, limit: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, Undelivered> {
        let tls = match self.tls {
            Security::None => Tls::None,
            Security::StartTls => Tls::Required(self.trust()?),
            Security::Implicit => Tls::Wrapper(self.trust()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(self.host.as_str())
            .port(self.port)
            .tls(tls)
            .timeout(Some(limit.min(Duration::from_secs(30))));
        if let Some((user, password)) = &self.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(builder.build())
    }

    fn trust(&self) -> Result<TlsParameters, Undelivered> {
        let refused = |error: lettre::transport::smtp::Error| {
            Undelivered::Refused(format!("failed to set up TLS for {}: {}", self.host, chain(&error)))
        };
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(pem) = &self.roots_pem {
            builder = builder.certificate_store(CertificateStore::None);
            builder = builder.add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(refused)?);
        }
        if let Some(pem) = &self.ca_pem {
            builder = builder.add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(refused)?);
        }
        builder.build().map_err(refused)
    }

    /// What an answer of the server, or none, means.
    pub(super) fn failure(&self, error: &lettre::transport::smtp::Error) -> Undelivered {
        let text = format!("{}:{}: {}", self.host, self.port, chain(error));
        // 5yz of RFC 5321, no trust, and what we can't or won't do: no authentication in common, no STARTTLS.
        if error.is_permanent() || error.is_tls() || error.is_client() || is_tls(error) {
            return Undelivered::Refused(text);
        }
        if is_unknown_host(&text) {
            return Undelivered::Refused(format!("{text}. Set EMAIL_SMTP_HOST to a name that exists"));
        }
        Undelivered::Unreachable(text)
    }
}

/// No trust in the server, or none of the protocol: lettre calls it a connection that failed.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>() || inside.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        next = error.source();
    }
    false
}

/// An error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(&format!(": {words}"));
        }
        cause = inner.source();
    }
    text
}

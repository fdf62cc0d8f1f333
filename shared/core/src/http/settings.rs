//! What a client is built from.

use std::time::Duration;

use secrecy::SecretString;

use crate::redact::Redactor;

/// What a client is built from; [`Settings::default`] has the usual limits.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `http://[user:password@]host:port`; `https` URLs go through it by CONNECT.
    pub https_proxy: Option<SecretString>,
    /// The same for `http` URLs, in absolute form.
    pub http_proxy: Option<SecretString>,
    /// Comma-separated hosts that need no proxy: a name with all names below it, an address, a network
    /// (`10.0.0.0/8`), or `*`.
    pub no_proxy: Option<String>,
    /// Certificate authorities to trust in addition to the roots, in PEM.
    pub ca_pem: Option<String>,
    /// The roots to trust instead of the compiled-in ones, in PEM: the content of `SSL_CERT_FILE`.
    pub roots_pem: Option<String>,
    /// Who we say we are.
    pub user_agent: String,
    /// For a connection including name lookup and TLS handshake.
    pub connect_timeout: Duration,
    /// For the answer's beginning, and then between any two pieces of its body.
    pub read_timeout: Duration,
    /// For a request as a whole, with all attempts, waits and redirects.
    pub total_timeout: Duration,
    /// How often a request is sent at most.
    pub attempts: u32,
    /// How long may be waited between attempts, in total.
    pub retry_budget: Duration,
    /// The most that the first such wait can be; it doubles from there.
    pub backoff: Duration,
    /// Bytes of a response's body that are accepted.
    pub max_body: u64,
    /// Gets to know every credential before it is sent.
    pub redactor: Redactor,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            https_proxy: None,
            http_proxy: None,
            no_proxy: None,
            ca_pem: None,
            roots_pem: None,
            user_agent: concat!("pipewright/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(300),
            attempts: 4,
            retry_budget: Duration::from_secs(60),
            backoff: Duration::from_millis(500),
            max_body: 32 * 1024 * 1024,
            redactor: Redactor::new(),
        }
    }
}

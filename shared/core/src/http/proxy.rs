//! Which requests go through a proxy.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{NoProxy, Proxy, Url};
use secrecy::{ExposeSecret, SecretString};

use super::error::HttpError;
use super::settings::Settings;

/// The proxies of a client.
#[derive(Debug)]
pub(super) struct Proxies {
    https: Option<SecretString>,
    http: Option<SecretString>,
    none: String,
    /// The rules that reqwest applies too, to be able to say that it was the proxy that failed.
    rules: Matcher,
}

impl Proxies {
    /// Fails on a value that names no proxy, without showing it: reqwest would go direct instead.
    pub(super) fn new(settings: &Settings) -> Result<Proxies, HttpError> {
        let https = checked("https", settings.https_proxy.as_ref())?;
        let http = checked("http", settings.http_proxy.as_ref())?;
        let none = exceptions(settings.no_proxy.as_deref().unwrap_or_default());
        let exposed = |proxy: &Option<SecretString>| proxy.as_ref().map(|url| url.expose_secret().to_owned());
        let rules = Matcher::builder()
            .https(exposed(&https).unwrap_or_default())
            .http(exposed(&http).unwrap_or_default())
            .no(none.clone())
            .build();
        Ok(Proxies { https, http, none, rules })
    }

    pub(super) fn of_reqwest(&self) -> Result<Vec<Proxy>, HttpError> {
        let https = self.https.iter().map(|url| Proxy::https(url.expose_secret()));
        let http = self.http.iter().map(|url| Proxy::http(url.expose_secret()));
        https
            .chain(http)
            .map(|proxy| match proxy {
                Ok(proxy) => Ok(proxy.no_proxy(NoProxy::from_string(&self.none))),
                Err(_) => Err(HttpError::settings("the proxy can't be used", None)),
            })
            .collect()
    }

    pub(super) fn apply_to(&self, url: &Url) -> bool {
        url.as_str().parse().is_ok_and(|uri| self.rules.intercept(&uri).is_some())
    }
}

/// The proxy's URL, with `http://` where no scheme was typed.
fn checked(scheme: &str, proxy: Option<&SecretString>) -> Result<Option<SecretString>, HttpError> {
    let Some(text) = proxy.map(|proxy| proxy.expose_secret().trim()).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    match Url::parse(&full) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(full.into())),
        _ => Err(HttpError::settings(
            format!("the {scheme} proxy: expected http://host:port or https://host:port"),
            None,
        )),
    }
}

/// `NO_PROXY` as people type it, for a library that knows names, addresses and networks: `*.host` is `.host`, `*` is
/// addresses too, a port is left out, blanks separate too.
fn exceptions(list: &str) -> String {
    let entries = list.split([',', ' ', ';']).map(str::trim).filter(|entry| !entry.is_empty());
    let entries = entries.map(|entry| {
        if entry == "*" {
            return "*,0.0.0.0/0,::/0";
        }
        let entry = if entry.starts_with("*.") { &entry[1..] } else { entry };
        match entry.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => entry.trim_matches(['[', ']']),
        }
    });
    entries.collect::<Vec<_>>().join(",")
}

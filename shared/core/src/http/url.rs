//! URLs in messages.

use reqwest::Url;

/// A URL for people: no user, no fragment, and of the query only the keys.
pub(super) fn without_secrets(url: &Url) -> String {
    let mut clean = url.clone();
    // Fails for URLs without a host only, which have no user either.
    let _ = clean.set_username("").and_then(|()| clean.set_password(None));
    clean.set_fragment(None);
    clean.set_query(None);
    let keys = |pair: &str| pair.split_once('=').map_or("***".to_owned(), |(key, _)| format!("{key}=***"));
    match url.query() {
        None | Some("") => clean.into(),
        Some(query) => format!("{clean}?{}", query.split('&').map(keys).collect::<Vec<_>>().join("&")),
    }
}

//! The manifests that refer to another one: from the list of the registry, or from the index at the fallback tag.
//!
//! Source: the OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema".

use std::collections::HashSet;

use bytes::Bytes;
use pipe_core::http::{Request, Response};
use serde_json::{Map, Value, json};

use crate::auth::Access;
use crate::client::{Fetched, Registry};
use crate::error::{Error, ErrorKind};
use crate::types::media_type;
use crate::update::Edit;
use crate::{Descriptor, Digest, Index, Manifest, Reference, Repository};

/// The size limit of all pages of a list, in manifests of the largest size.
const MAX_DOCUMENTS: u64 = 4;

/// A manifest with a subject that was written.
#[derive(Debug, Clone)]
pub struct Attached {
    /// Media type, digest and size in bytes of the manifest.
    pub descriptor: Descriptor,
    /// The tag with the index that lists it. `None` if the registry lists referrers itself.
    pub fallback_tag: Option<String>,
}

/// The manifests that refer to one.
#[derive(Debug, Clone)]
pub struct Referrers {
    /// Each once and in order.
    pub listed: Vec<Descriptor>,
    /// The fallback tag and why it could not be read. It may list more.
    pub unread: Option<(String, Error)>,
}

impl Registry {
    /// The descriptors of all manifests that refer to `subject`, each once and in order: the list of the registry and the
    /// index at the fallback tag. Both are read, because a registry that began to support referrers later does not list
    /// older entries of the tag.
    ///
    /// # Errors
    /// The registry did not answer, or a list is incomplete or invalid. An unreadable list is never an empty one.
    pub async fn referrers(&self, repository: &Repository, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let Referrers { listed, unread } = self.readable_referrers(repository, subject).await?;
        match unread {
            None => Ok(listed),
            Some((_, error)) => Err(error),
        }
    }

    /// The same without the fallback tag if the registry lists referrers itself and does not return the tag: some
    /// registries answer 403 for tags that do not exist. What could not be read is named in the result.
    ///
    /// # Errors
    /// As [`Registry::referrers`].
    pub async fn readable_referrers(&self, repository: &Repository, subject: &Digest) -> Result<Referrers, Error> {
        let mut found = ReferrerList::default();
        let supported = self.listed(repository, subject, &mut found).await?;
        let tag = fallback(repository, subject);
        let fetched = match self.manifest(&tag).await {
            Ok(fetched) => index(&tag, &fetched),
            Err(error) if error.is_not_found() => Ok(Index::default()),
            Err(error) => Err(error),
        };
        let unread = match fetched {
            Ok(index) => {
                found.add(index.manifests);
                None
            }
            Err(error) if supported => Some((tag.tag.unwrap_or_default(), error)),
            Err(error) => return Err(error),
        };
        Ok(Referrers { listed: found.entries, unread })
    }

    /// Adds the list of the registry. `false` if it does not support the API.
    async fn listed(&self, repository: &Repository, subject: &Digest, found: &mut ReferrerList) -> Result<bool, Error> {
        let what = format!("failed to list the referrers of {repository}@{subject}");
        let malformed = |why: &str| Err(Error::new(ErrorKind::Malformed, format!("{what}: {why}")));
        let limit = self.settings.max_manifest.saturating_mul(MAX_DOCUMENTS);
        let mut url = self.url(repository, &format!("referrers/{subject}"));
        let mut seen = HashSet::new();
        let mut bytes = 0;
        loop {
            seen.insert(url.clone());
            let get = Request::get(&url).header("Accept", media_type::INDEX).max_body(self.settings.max_manifest);
            let first = seen.len() == 1;
            // Registries before 1.1 answer with one of these statuses.
            let get = if first { get.accept(404).accept(405).accept(400) } else { get };
            let answer = self.send(get, &what, repository, &[(repository, Access::Pull)]).await;
            let response = match answer {
                // A missing page is not an empty list.
                Err(error) if error.is_not_found() => {
                    return malformed(&format!("page {} of the list was not found", seen.len()));
                }
                answer => answer?,
            };
            if first && matches!(response.status, 400 | 404 | 405) {
                return Ok(false);
            }
            let page: Index = match serde_json::from_slice(&response.body) {
                Ok(page) => page,
                // The page of a proxy or a registry for unknown paths.
                Err(_) if first && is_page(&response) => return Ok(false),
                Err(error) => return malformed(&format!("invalid list: {error}")),
            };
            if let Some(other) = page.media_type.filter(|kind| !media_type::is_index(kind)) {
                return malformed(&format!("the response is a {other:?} and not an index"));
            }
            found.add(page.manifests);
            bytes += response.body.len() as u64;
            let next = match next_page(&response) {
                NextPage::At(next) => next,
                NextPage::None => return Ok(true),
                NextPage::Unreadable => return malformed("the link to the next page is invalid"),
            };
            let Some(next) = self.onward(&response, &next) else {
                return malformed("the URL of the next page is invalid");
            };
            if next.origin() != response.url.origin() {
                return malformed("the next page is at another host");
            }
            url = next.into();
            if seen.contains(&url) {
                return malformed("the pages link to each other in a circle");
            }
            if seen.len() >= self.settings.max_pages {
                return Err(Error::new(ErrorKind::TooLarge, format!("{what}: more than {} pages", seen.len())));
            }
            if bytes >= limit {
                return Err(Error::new(ErrorKind::TooLarge, format!("{what}: larger than {limit} bytes")));
            }
        }
    }

    /// Whether the list of the registry contains `digest`.
    async fn is_listed(&self, repository: &Repository, subject: &Digest, digest: &Digest) -> Result<bool, Error> {
        let mut list = ReferrerList::default();
        self.listed(repository, subject, &mut list).await?;
        Ok(list.seen.contains(digest))
    }

    /// Writes a manifest with a subject, so that [`Registry::referrers`] of the subject lists it. The blobs that it names
    /// have to exist already.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if it has no subject or the registry does not have it afterwards, [`ErrorKind::Lost`] if another writer overwrote the entry at the
    /// fallback tag, or the reason why the registry refused it or did not answer.
    pub async fn attach(&self, repository: &Repository, manifest: &Manifest) -> Result<Attached, Error> {
        let unwritable =
            |why: &str| Error::new(ErrorKind::Malformed, format!("invalid manifest for {repository}: {why}"));
        let subject = manifest.subject.as_ref().ok_or_else(|| unwritable("it has no subject"))?;
        let bytes = serde_json::to_vec(manifest).map_err(|error| unwritable(&error.to_string()))?;
        let digest = Digest::of(&bytes);
        let kind = manifest.media_type.as_deref().unwrap_or(media_type::MANIFEST);
        let pushed = self.push_manifest(repository, &digest.to_string(), kind, bytes.into()).await?;
        self.keeps(repository, &digest).await?;
        // Some registries list referrers but do not send the header `OCI-Subject`.
        if pushed.subject_accepted || self.is_listed(repository, &subject.digest, &digest).await? {
            return Ok(Attached { descriptor: pushed.descriptor, fallback_tag: None });
        }
        let artifact_type = manifest.artifact_type.clone().unwrap_or_else(|| manifest.config.media_type.clone());
        let entry = Descriptor {
            artifact_type: Some(artifact_type),
            annotations: manifest.annotations.clone(),
            ..pushed.descriptor.clone()
        };
        let tag = fallback(repository, &subject.digest);
        let edit = |current: Option<&Fetched>| {
            let unwritable = |error: serde_json::Error| unwritable(&error.to_string());
            let entry = serde_json::to_value(&entry).map_err(unwritable)?;
            let manifest = serde_json::to_vec(&extended(&tag, current, entry)?).map_err(unwritable)?;
            Ok(Edit { blobs: Vec::new(), media_type: media_type::INDEX, manifest: Bytes::from(manifest) })
        };
        let present = |fetched: &Fetched| lists(fetched, &entry.digest);
        self.update_tag(&tag, edit, present).await?;
        Ok(Attached { descriptor: pushed.descriptor, fallback_tag: tag.tag })
    }
}

/// Descriptors, each once and in order.
#[derive(Default)]
struct ReferrerList {
    entries: Vec<Descriptor>,
    seen: HashSet<Digest>,
}

impl ReferrerList {
    fn add(&mut self, descriptors: Vec<Descriptor>) {
        let new = descriptors.into_iter().filter(|descriptor| self.seen.insert(descriptor.digest.clone()));
        self.entries.extend(new);
    }
}

/// The fallback tag: the algorithm and at most 64 characters of the hash.
fn fallback(repository: &Repository, subject: &Digest) -> Reference {
    let hash = subject.hex();
    let tag = format!("{}-{}", subject.algorithm(), &hash[..hash.len().min(64)]);
    Reference { repository: repository.clone(), tag: Some(tag), digest: None }
}

fn index(tag: &Reference, fetched: &Fetched) -> Result<Index, Error> {
    if !media_type::is_index(&fetched.descriptor.media_type) {
        let text = format!("{tag} is a {:?} and not an index of referrers", fetched.descriptor.media_type);
        return Err(Error::new(ErrorKind::Malformed, text));
    }
    fetched.json().map_err(|error| error.about(&tag.to_string()))
}

/// The index with one more entry. Everything else stays, even fields and entries of an unknown form.
fn extended(tag: &Reference, current: Option<&Fetched>, entry: Value) -> Result<Value, Error> {
    let Some(fetched) = current else {
        return Ok(json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [entry] }));
    };
    let damaged = || Error::new(ErrorKind::Malformed, format!("{tag} is not an index of referrers: it has no list"));
    if !media_type::is_index(&fetched.descriptor.media_type) {
        index(tag, fetched)?;
    }
    let mut document: Map<String, Value> = fetched.json().map_err(|error| error.about(&tag.to_string()))?;
    // It becomes an OCI index even if it was a Docker list.
    document.insert("mediaType".to_owned(), media_type::INDEX.into());
    match document.get_mut("manifests") {
        Some(Value::Array(manifests)) => manifests.push(entry),
        Some(manifests @ Value::Null) => *manifests = json!([entry]),
        _ => return Err(damaged()),
    }
    Ok(document.into())
}

/// Whether an index has an entry for a digest. Other entries may have any form.
fn lists(fetched: &Fetched, digest: &Digest) -> bool {
    let document = fetched.json::<Value>().unwrap_or_default();
    let manifests = document["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    manifests.iter().any(|entry| entry["digest"].as_str() == Some(&digest.to_string()))
}

/// Whether a response is a page for people and not JSON.
fn is_page(response: &Response) -> bool {
    !response.header("content-type").unwrap_or_default().contains("json")
}

/// The next page of a list, from the header `Link`.
#[derive(Debug, PartialEq, Eq)]
enum NextPage {
    At(String),
    None,
    /// The header is damaged, so that there may be more pages.
    Unreadable,
}

fn next_page(response: &Response) -> NextPage {
    for header in response.headers.get_all("link") {
        match header.to_str().map_or(NextPage::Unreadable, next_of) {
            NextPage::None => {}
            link => return link,
        }
    }
    NextPage::None
}

/// The target of `<...>; rel="next"` (RFC 8288), which may contain commas and semicolons.
fn next_of(header: &str) -> NextPage {
    let mut rest = header.trim();
    while !rest.is_empty() {
        let Some((target, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) else {
            return NextPage::Unreadable;
        };
        let mut links = pieces(after, ',');
        let parameters = links.next().unwrap_or_default();
        let next = pieces(parameters, ';').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
            let mut relations = value.trim().trim_matches('"').split_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        if next {
            return NextPage::At(target.trim().to_owned());
        }
        rest = after[parameters.len()..].trim_start_matches([',', ' ', '\t']);
    }
    NextPage::None
}

/// Splits at separators outside quotes.
fn pieces(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests;

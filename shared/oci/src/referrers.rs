//! What refers to a manifest: by the registry's own list, or by the index at a tag that clients keep where there is none.
//!
//! Source: the OCI distribution specification 1.1, "Listing Referrers" and "Referrers Tag Schema".

use std::collections::HashSet;

use bytes::Bytes;
use pipe_core::http::{Request, Response, Url};

use crate::auth::Access;
use crate::client::{Fetched, Registry};
use crate::error::{Error, Kind};
use crate::types::media_type;
use crate::update::Edit;
use crate::{Descriptor, Digest, Index, Manifest, Reference, Repository};

/// The registry's own list may be this many times [`Settings::max_manifest`](crate::Settings::max_manifest) long, over all
/// its pages.
const LISTS: u64 = 4;

/// What became of a manifest with a subject.
#[derive(Debug, Clone)]
pub struct Attached {
    pub descriptor: Descriptor,
    /// The tag whose index lists it, where the registry keeps no list itself.
    pub fallback_tag: Option<String>,
}

impl Registry {
    /// Everything that refers to `subject`: the registry's list and what is in the index at the fallback tag, which a
    /// registry that learnt to list later doesn't know of. Each once, in their order.
    ///
    /// # Errors
    /// The registry can't be asked, or a list can't be read: that is never taken for "none".
    pub async fn referrers(&self, repository: &Repository, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let mut found = Found::default();
        self.listed(repository, subject, &mut found).await?;
        let tag = fallback(repository, subject);
        match self.manifest(&tag).await {
            Ok(fetched) => found.add(index(&tag, &fetched)?.manifests),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        Ok(found.descriptors)
    }

    /// Adds the registry's own list; nothing where it keeps none.
    async fn listed(&self, repository: &Repository, subject: &Digest, found: &mut Found) -> Result<(), Error> {
        let what = format!("the referrers of {repository}@{subject}");
        let mut url = self.url(repository, &format!("referrers/{subject}"));
        let mut seen = vec![url.clone()];
        let mut left = self.settings.max_manifest.saturating_mul(LISTS);
        loop {
            let limit = self.settings.max_manifest.min(left);
            let get = Request::get(&url).header("Accept", media_type::INDEX).max_body(limit);
            let first = seen.len() == 1;
            // Before 1.1 that is how "no such thing" looks, 400 and 405 included.
            let get = if first { get.accept(404).accept(405).accept(400) } else { get };
            let answer = self.send(get, &what, repository, &[(repository, Access::Pull)]).await;
            let response = answer.map_err(|error| match error.kind() {
                // The rest of a list is missing, which is something else than a list that is not there.
                Kind::NotFound => Error::new(Kind::Malformed, format!("{what}: page {} of them is gone", seen.len())),
                Kind::TooLarge => {
                    let most = self.settings.max_manifest;
                    let text =
                        format!("{what} are more than {most} bytes a page or {} in all", most.saturating_mul(LISTS));
                    Error::new(Kind::TooLarge, text)
                }
                _ => error,
            })?;
            if response.status != 200 {
                return Ok(());
            }
            left = left.saturating_sub(response.body.len() as u64);
            let page: Index = match serde_json::from_slice(&response.body) {
                Ok(page) => page,
                // A proxy's or a registry's page for everything it doesn't know.
                Err(_) if first && !response.header("content-type").unwrap_or_default().contains("json") => {
                    return Ok(());
                }
                Err(error) => return Err(Error::new(Kind::Malformed, format!("{what} can't be read: {error}"))),
            };
            found.add(page.manifests);
            let Some(next) = next_page(&response) else { return Ok(()) };
            let next: Url = response
                .url
                .join(&next)
                .map_err(|_| Error::new(Kind::Malformed, format!("{what}: the next page is at no URL")))?;
            if next.origin() != response.url.origin() {
                return Err(Error::new(Kind::Malformed, format!("{what}: the next page is at another host")));
            }
            url = next.into();
            if seen.contains(&url) {
                return Err(Error::new(Kind::Malformed, format!("{what}: the pages go round in circles")));
            }
            if seen.len() >= self.settings.max_pages {
                return Err(Error::new(Kind::TooLarge, format!("{what} have more than {} pages", seen.len())));
            }
            seen.push(url.clone());
        }
    }

    /// Writes a manifest with a subject, so that [`Registry::referrers`] of the subject lists it. Its blobs are there
    /// already.
    ///
    /// # Errors
    /// The registry refuses it or can't be asked, or the entry at the fallback tag was lost to another writer.
    pub async fn attach(&self, repository: &Repository, manifest: &Manifest) -> Result<Attached, Error> {
        let unwritable = |why: &str| Error::new(Kind::Malformed, format!("a manifest for {repository} {why}"));
        let subject = manifest.subject.as_ref().ok_or_else(|| unwritable("has no subject"))?;
        let bytes = serde_json::to_vec(manifest).map_err(|error| unwritable(&error.to_string()))?;
        let digest = Digest::of(&bytes);
        let kind = manifest.media_type.as_deref().unwrap_or(media_type::MANIFEST);
        let pushed = self.push_manifest(repository, &digest.to_string(), kind, bytes.into()).await?;
        if pushed.subject_accepted {
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
            let mut index = current.map(|fetched| index(&tag, fetched)).transpose()?.unwrap_or_default();
            index.manifests.push(entry.clone());
            // It is written as this, whatever it was: Docker's own kind of list has no artifact types.
            index.media_type = Some(media_type::INDEX.to_owned());
            let manifest = serde_json::to_vec(&index).map_err(|error| unwritable(&error.to_string()))?;
            // One that nobody can read back would hide what it lists already.
            let (size, most) = (manifest.len(), self.settings.max_manifest);
            if size as u64 > most {
                let text = format!("the list at {tag} would have {size} bytes, and at most {most} are read");
                return Err(Error::new(Kind::TooLarge, text));
            }
            Ok(Edit { blobs: Vec::new(), media_type: media_type::INDEX, manifest: Bytes::from(manifest) })
        };
        let present = |fetched: &Fetched| {
            index(&tag, fetched).is_ok_and(|index| index.manifests.iter().any(|known| known.digest == entry.digest))
        };
        self.update_tag(&tag, edit, present).await?;
        Ok(Attached { descriptor: pushed.descriptor, fallback_tag: tag.tag })
    }
}

/// The tag at which clients keep the list.
fn fallback(repository: &Repository, subject: &Digest) -> Reference {
    Reference { repository: repository.clone(), tag: Some(subject.tag_prefix()), digest: None }
}

fn index(tag: &Reference, fetched: &Fetched) -> Result<Index, Error> {
    if !media_type::is_index(&fetched.descriptor.media_type) {
        let text = format!("{tag} should list what refers to an image, and is a {}", fetched.descriptor.media_type);
        return Err(Error::new(Kind::Malformed, text));
    }
    fetched.json()
}

/// Descriptors in the order in which they came, each digest once.
#[derive(Default)]
struct Found {
    descriptors: Vec<Descriptor>,
    digests: HashSet<Digest>,
}

impl Found {
    fn add(&mut self, descriptors: Vec<Descriptor>) {
        let digests = &mut self.digests;
        self.descriptors.extend(descriptors.into_iter().filter(|new| digests.insert(new.digest.clone())));
    }
}

/// Where the next page is, by any of an answer's `Link` headers.
fn next_page(response: &Response) -> Option<String> {
    response.headers.get_all("link").iter().find_map(|header| next_link(header.to_str().ok()?))
}

/// The target of `<...>; rel="next"` (RFC 8288).
fn next_link(header: &str) -> Option<String> {
    pieces(header, ',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let next = pieces(parameters, ';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let mut relations = value.trim().trim_matches('"').split_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
        });
        next.then(|| target.to_owned())
    })
}

/// Splits where a separator stands neither in quotes nor in a target.
fn pieces(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped, mut target) = (false, false, false);
    text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !target => quoted = !quoted,
            '<' if !quoted => target = true,
            '>' if !quoted => target = false,
            _ => return c == separator && !quoted && !target,
        }
        false
    })
}

#[cfg(test)]
mod tests;

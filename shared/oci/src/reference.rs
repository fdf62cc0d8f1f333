//! Names of images, in the syntax of Docker.

use std::fmt;
use std::str::FromStr;

use crate::Digest;

/// The registry of names without a host.
const DOCKER_HUB: &str = "docker.io";

/// A repository at a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Repository {
    /// Host and port: `ghcr.io`, `localhost:5000`; `docker.io` for Docker Hub.
    pub registry: String,
    /// `library/alpine`
    pub repository: String,
}

/// An image: a repository with a tag, a digest or both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The repository of the image.
    pub repository: Repository,
    /// The tag. Set to `latest` by [`Reference::parse`] if the text has neither tag nor digest.
    pub tag: Option<String>,
    /// The digest. It takes precedence over the tag.
    pub digest: Option<Digest>,
}

/// Text that is not the name of an image. The message says what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReferenceError(String);

impl Repository {
    /// The name in signatures. As in cosign, Docker Hub is `index.docker.io`.
    pub fn name_for_identity(&self) -> String {
        match self.registry.as_str() {
            DOCKER_HUB => format!("index.docker.io/{}", self.repository),
            registry => format!("{registry}/{}", self.repository),
        }
    }

    /// The host that serves the API of the registry.
    pub(crate) fn host(&self) -> &str {
        if self.registry == DOCKER_HUB { "registry-1.docker.io" } else { &self.registry }
    }

    /// Whether the registry is on this machine.
    pub fn is_local(&self) -> bool {
        let host = self.host();
        let bare = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next(),
            None => host.split(':').next(),
        };
        bare.is_some_and(is_loopback)
    }

    fn parse(text: &str) -> Result<Repository, ReferenceError> {
        let wrong = |why: &str| ReferenceError(why.to_owned());
        if text.contains("://") {
            return Err(wrong("expected an image name without http:// or https://"));
        }
        let (registry, path) = match text.split_once('/') {
            Some((first, rest))
                if first.contains(['.', ':']) || first.eq_ignore_ascii_case("localhost") || first.starts_with('[') =>
            {
                // Host names are case-insensitive.
                (first.to_ascii_lowercase(), rest.to_owned())
            }
            Some(_) => (DOCKER_HUB.to_owned(), text.to_owned()),
            None => (DOCKER_HUB.to_owned(), format!("library/{text}")),
        };
        let registry = match registry.as_str() {
            "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" => DOCKER_HUB.to_owned(),
            _ => registry,
        };
        if path.contains([':', '@']) {
            return Err(wrong("expected a repository without tag and digest"));
        }
        let path = match path.split_once('/') {
            None if registry == DOCKER_HUB => format!("library/{path}"),
            _ => path,
        };
        if !is_host(&registry) {
            return Err(ReferenceError(format!("{registry:?} is not the host and port of a registry")));
        }
        if path.is_empty() {
            return Err(wrong("the repository is missing"));
        }
        if path.len() > 255 {
            return Err(wrong("the repository name is longer than 255 characters"));
        }
        if let Some(part) = path.split('/').find(|part| !is_path_component(part)) {
            let lower = path.to_ascii_lowercase();
            // Owners on GitHub may have capital letters, and images may not.
            let why = match lower != path && lower.split('/').all(is_path_component) {
                true => format!(", because it has capital letters. Use {registry}/{lower}"),
                false => String::new(),
            };
            return Err(ReferenceError(format!("{part:?} is not valid in a repository name{why}")));
        }
        Ok(Repository { registry, repository: path })
    }
}

impl Reference {
    /// `alpine`, `org/app:1.2`, `localhost:5000/app@sha256:...`
    ///
    /// # Errors
    /// The text is not a valid name (OCI distribution specification 1.1, "Pulling manifests", for repositories and tags).
    pub fn parse(text: &str) -> Result<Reference, ReferenceError> {
        let text = text.trim();
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => {
                let digest = Digest::parse(digest).map_err(|error| ReferenceError(error.to_string()))?;
                (name, Some(digest))
            }
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            // A colon before a slash belongs to a port.
            Some((before, tag)) if !tag.contains('/') => (before, Some(tag)),
            _ => (name, None),
        };
        if let Some(tag) = tag
            && !is_tag(tag)
        {
            return Err(ReferenceError(format!("{tag:?} is not a valid tag")));
        }
        if name.is_empty() {
            return Err(ReferenceError("the name is missing".to_owned()));
        }
        let repository = Repository::parse(name)?;
        let tag = match (tag, &digest) {
            (Some(tag), _) => Some(tag.to_owned()),
            (None, Some(_)) => None,
            (None, None) => Some("latest".to_owned()),
        };
        Ok(Reference { repository, tag, digest })
    }

    /// The same image by digest.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Reference {
        Reference { digest: Some(digest), ..self.clone() }
    }

    /// The last part of the URL: the digest if there is one, otherwise the tag.
    pub(crate) fn key(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }
}

/// Letters, digits and `-` in parts between dots, or an address in brackets; a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) => {
                return address.parse::<std::net::Ipv6Addr>().is_ok()
                    && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
            }
            None => return false,
        },
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    host.split('.').all(part) && port.is_none_or(is_port)
}

/// Hosts that are this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Lowercase letters and digits, separated by `.`, `_`, `__` or dashes.
fn is_path_component(text: &str) -> bool {
    let bytes = text.as_bytes();
    let word = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !word(first) || !word(last) {
        return false;
    }
    text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|byte| byte == b'-'))
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

/// `docker.io/library/alpine`
impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Repository, ReferenceError> {
        Repository::parse(text.trim())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Reference, ReferenceError> {
        Reference::parse(text)
    }
}

#[cfg(test)]
mod tests;

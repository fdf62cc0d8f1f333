//! The rule for the identity in a certificate.

use regex_automata::meta::Regex;

use super::Refusal;
use crate::certificate::{CertificateIdentity, Subject};

/// A text or a regular expression.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// The whole text.
    Exact(String),
    /// A regular expression. As in cosign, it matches anywhere in the text unless it is anchored.
    Regex {
        /// The pattern as it was written.
        source: String,
        /// The compiled pattern.
        regex: Box<Regex>,
    },
}

impl Pattern {
    /// A pattern that matches only `text`.
    pub fn exact(text: impl Into<String>) -> Pattern {
        Pattern::Exact(text.into())
    }

    /// A regular expression in the syntax of the `regex` crate.
    ///
    /// # Errors
    /// The reason why it is not valid, as a fragment with the position.
    pub fn regex(source: &str) -> Result<Pattern, String> {
        /// The most bytes of a compiled pattern. One of a few hundred characters needs a tenth of it.
        const MAX_SIZE: usize = 1 << 20;
        let config = Regex::config().nfa_size_limit(Some(MAX_SIZE));
        let regex = Regex::builder().configure(config).build(source);
        let regex = regex.map_err(|error| format!("not a valid regular expression: {error}"))?;
        Ok(Pattern::Regex { source: source.to_owned(), regex: Box::new(regex) })
    }

    /// Whether `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Exact(expected) => expected == text,
            Pattern::Regex { regex, .. } => regex.is_match(text),
        }
    }
}

/// `https://github.com/org/app/...` or `/^https:.../`
impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Pattern::Exact(text) => f.write_str(text),
            Pattern::Regex { source, .. } => write!(f, "/{source}/"),
        }
    }
}

/// The certificates that are accepted. Parts that are `None` accept any value.
#[derive(Debug, Clone)]
pub struct IdentityRule {
    /// The subject: the URI of a workflow, or an email address.
    pub identity: Option<Pattern>,
    /// The issuer of the OIDC token.
    pub issuer: Option<Pattern>,
    /// The repository it was built from: its URL, or `owner/name` at its host.
    pub repository: Option<String>,
    /// The branch or tag it was built from: `refs/heads/main`, or `main`.
    pub git_ref: Option<String>,
    /// The commit it was built from.
    pub commit: Option<String>,
    /// The name of the workflow. Only certificates of GitHub have it.
    pub workflow: Option<String>,
    /// The event that started the run: `push`.
    pub trigger: Option<String>,
}

impl IdentityRule {
    /// A rule that accepts every certificate of a trusted authority.
    pub fn any() -> IdentityRule {
        IdentityRule {
            identity: None,
            issuer: None,
            repository: None,
            git_ref: None,
            commit: None,
            workflow: None,
            trigger: None,
        }
    }

    /// Whether the rule says who signs: an identity or a repository. The other parts alone accept certificates of strangers.
    pub fn names_signer(&self) -> bool {
        self.identity.is_some() || self.repository.is_some()
    }

    /// Whether the rule accepts every certificate of a trusted authority.
    pub fn accepts_all(&self) -> bool {
        let IdentityRule { identity, issuer, repository, git_ref, commit, workflow, trigger } = self;
        let texts = [repository, git_ref, commit, workflow, trigger];
        identity.is_none() && issuer.is_none() && texts.iter().all(|text| text.is_none())
    }

    pub(super) fn check(&self, certificate: &CertificateIdentity) -> Result<(), Refusal> {
        let refuse = |what, variable, expected: String, found: Option<&str>| {
            let found = found.map_or("not set".to_owned(), |found| format!("{found:?}"));
            Err(Refusal::Identity { what, variable, expected, found })
        };
        let claims = &certificate.claims;
        let old = &claims.deprecated_github;
        let subject = certificate.subject.as_ref().map(Subject::as_str);
        if let Some(pattern) = &self.identity
            && !subject.is_some_and(|subject| pattern.matches(subject))
        {
            return refuse("identity", "CERTIFICATE_IDENTITY", pattern.to_string(), subject);
        }
        let issuer = certificate.issuer.as_deref();
        if let Some(pattern) = &self.issuer
            && !issuer.is_some_and(|issuer| pattern.matches(issuer))
        {
            return refuse("issuer", "CERTIFICATE_OIDC_ISSUER", pattern.to_string(), issuer);
        }
        let repository = either(&claims.source_repository_uri, &old.workflow_repository);
        if let Some(expected) = &self.repository
            && !repository.is_some_and(|found| same_repository(expected, found))
        {
            return refuse("source repository", "CERTIFICATE_REPOSITORY", expected.clone(), repository);
        }
        let git_ref = either(&claims.source_repository_ref, &old.workflow_ref);
        if let Some(expected) = &self.git_ref
            && !git_ref.is_some_and(|found| same_ref(expected, found))
        {
            return refuse("source ref", "CERTIFICATE_REF", expected.clone(), git_ref);
        }
        let plain = [
            (
                "source commit",
                "CERTIFICATE_COMMIT",
                &self.commit,
                either(&claims.source_repository_digest, &old.workflow_sha),
            ),
            ("workflow", "CERTIFICATE_WORKFLOW_NAME", &self.workflow, old.workflow_name.as_deref()),
            ("trigger", "CERTIFICATE_TRIGGER", &self.trigger, either(&claims.build_trigger, &old.workflow_trigger)),
        ];
        for (what, variable, expected, found) in plain {
            if let Some(expected) = expected
                && found != Some(expected)
            {
                return refuse(what, variable, expected.clone(), found);
            }
        }
        Ok(())
    }
}

/// The current extension, or the one that it replaced.
fn either<'a>(new: &'a Option<String>, old: &'a Option<String>) -> Option<&'a str> {
    new.as_deref().or(old.as_deref())
}

/// `org/app` matches the repository of that path at any host. A URL matches only itself.
fn same_repository(expected: &str, found: &str) -> bool {
    let trim = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_owned();
    let (expected, found) = (trim(expected), trim(found));
    if expected.contains("://") {
        return expected == found;
    }
    let path =
        found.split_once("://").map_or(found.as_str(), |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    path == expected
}

/// `main` is the branch; tags and other refs are given in full.
fn same_ref(expected: &str, found: &str) -> bool {
    if expected.starts_with("refs/") { expected == found } else { found.strip_prefix("refs/heads/") == Some(expected) }
}

#[cfg(test)]
mod tests {
    use super::{same_ref, same_repository};

    #[test]
    fn repositories_and_refs_are_named_in_short_or_in_full() {
        assert!(same_repository("org/app", "https://github.com/org/app"));
        assert!(same_repository("https://github.com/org/app.git", "https://github.com/org/app"));
        assert!(!same_repository("org/app", "https://github.com/other/org/app"));
        assert!(!same_repository("app", "https://github.com/org/app"));
        assert!(!same_repository("https://gitlab.com/org/app", "https://github.com/org/app"));
        assert!(same_repository("org/app", "org/app"), "the form of older certificates");
        assert!(same_ref("main", "refs/heads/main"));
        assert!(!same_ref("main", "refs/tags/main"));
        assert!(same_ref("refs/tags/v1", "refs/tags/v1"));
        assert!(!same_ref("v1", "refs/tags/v1"));
    }
}

//! The images of a run, and what comes of each.

use pipe_evidence::statement::predicate;
use pipe_evidence::verify::Signatory;
use pipe_oci::{Descriptor, Reference};
use serde::Serialize;

/// Images that are dealt with at the same time.
pub(crate) const AT_ONCE: usize = 8;

/// An image by digest.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// With the digest, and the tag where it was typed.
    pub(crate) image: Reference,
    pub(crate) descriptor: Descriptor,
    /// Where it is one of an index's: `linux/arm64`.
    pub(crate) platform: Option<String>,
}

/// What came of an image; the report's entry.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    pub(crate) image: String,
    pub(crate) digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<String>,
    /// Signed by this run, before or now.
    pub(crate) signed: bool,
    /// The predicate types that this run attached, before or now, or that were verified.
    pub(crate) attestations: Vec<String>,
    pub(crate) written: Vec<Entry>,
    /// `None` where nothing was verified.
    pub(crate) verified: Option<bool>,
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) refused: Vec<Refused>,
    /// What was left out, and why.
    pub(crate) skipped: Vec<String>,
    /// The verdict is no.
    pub(crate) failed: Vec<String>,
    /// Could not be done or found out.
    pub(crate) unable: Vec<String>,
}

/// One signature or attestation of this run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    pub(crate) predicate_type: String,
    pub(crate) format: &'static str,
    pub(crate) repository: String,
    /// The digest of a referrer, or a tag.
    pub(crate) place: String,
    /// An equal one was there, so nothing was written.
    pub(crate) existed: bool,
    pub(crate) log_index: Option<u64>,
}

/// Evidence that counts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Accepted {
    pub(crate) predicate_type: String,
    pub(crate) place: String,
    #[serde(flatten)]
    pub(crate) by: By,
    /// RFC 3339; when somebody vouches for it.
    pub(crate) signed_at: Option<String>,
    pub(crate) log_index: Option<u64>,
}

/// Who signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct By {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source_ref: Option<String>,
}

impl By {
    pub(crate) fn of(signatory: &Signatory) -> By {
        match signatory {
            Signatory::Key(key) => By { key: Some(key.to_string()), ..By::default() },
            Signatory::Certificate(certificate) => By {
                key: None,
                identity: certificate.subject.as_ref().map(ToString::to_string),
                issuer: certificate.issuer.clone(),
                source_repository: certificate.claims.source_repository_uri.clone(),
                source_ref: certificate.claims.source_repository_ref.clone(),
            },
        }
    }

    /// For people.
    pub(crate) fn words(&self) -> String {
        match (&self.key, &self.identity) {
            (Some(key), _) => key.clone(),
            (None, Some(identity)) => identity.clone(),
            (None, None) => "an unnamed certificate".to_owned(),
        }
    }
}

/// Evidence that doesn't count.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Refused {
    pub(crate) place: String,
    pub(crate) why: String,
}

impl Outcome {
    pub(crate) fn new(subject: &Subject) -> Outcome {
        Outcome {
            image: subject.image.to_string(),
            digest: subject.descriptor.digest.to_string(),
            platform: subject.platform.clone(),
            signed: false,
            attestations: Vec::new(),
            written: Vec::new(),
            verified: None,
            accepted: Vec::new(),
            refused: Vec::new(),
            skipped: Vec::new(),
            failed: Vec::new(),
            unable: Vec::new(),
        }
    }

    pub(crate) fn attested(&mut self, predicate_type: &str) {
        if predicate_type != predicate::SIGNATURE && !self.attestations.iter().any(|known| known == predicate_type) {
            self.attestations.push(predicate_type.to_owned());
        }
    }
}

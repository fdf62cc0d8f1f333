//! The results of a run, for each image and file: what the report holds and the console shows.

use pipe_evidence::statement::predicate;
use pipe_evidence::verify::Signatory;
use serde::Serialize;

use crate::file::File;
use crate::resolve::ResolvedImage;

/// The results of a run so far.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) images: Vec<ImageResult>,
    pub(crate) files: Vec<FileResult>,
}

/// The result for an image: an entry of the report's `images`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ImageResult {
    pub(crate) image: String,
    pub(crate) digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<String>,
    /// Signed by this run, before or now.
    pub(crate) signed: bool,
    /// The predicate types that this run attached, before or now, or that were verified.
    pub(crate) attestations: Vec<String>,
    pub(crate) written: Vec<StoredEvidence>,
    /// `None` if nothing was verified.
    pub(crate) verified: Option<bool>,
    pub(crate) accepted: Vec<AcceptedEvidence>,
    pub(crate) refused: Vec<RefusedEvidence>,
    /// The attestations that were left out, with the reason.
    pub(crate) skipped: Vec<String>,
    /// Why the verdict is no.
    pub(crate) failed: Vec<String>,
    /// Why something could not be done or found out.
    pub(crate) unable: Vec<String>,
}

/// One signature or attestation of this run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StoredEvidence {
    pub(crate) predicate_type: String,
    /// `bundle` or `legacy`.
    pub(crate) format: &'static str,
    pub(crate) repository: String,
    /// The digest of a referrer, or a tag.
    pub(crate) place: String,
    /// An equal one existed, so nothing was written.
    pub(crate) existed: bool,
    pub(crate) log_index: Option<u64>,
}

/// Evidence that was accepted.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AcceptedEvidence {
    pub(crate) predicate_type: String,
    pub(crate) place: String,
    #[serde(flatten)]
    pub(crate) by: SignedBy,
    /// RFC 3339; `None` if no log and no timestamp authority vouches for the time.
    pub(crate) signed_at: Option<String>,
    pub(crate) log_index: Option<u64>,
}

/// Evidence that was refused.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RefusedEvidence {
    pub(crate) place: String,
    pub(crate) why: String,
}

/// The signer of accepted evidence: a key, or the identity in a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SignedBy {
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

/// The result for a file: an entry of the report's `files`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FileResult {
    pub(crate) file: String,
    pub(crate) digest: Option<String>,
    pub(crate) bundle: String,
    pub(crate) signed: bool,
    pub(crate) log_index: Option<u64>,
    pub(crate) verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<SignedBy>,
    pub(crate) failed: Vec<String>,
    pub(crate) unable: Vec<String>,
}

impl Results {
    /// Results in which nothing is done yet.
    pub(crate) fn new(images: &[ResolvedImage], files: &[File]) -> Results {
        Results {
            images: images.iter().map(ImageResult::new).collect(),
            files: files.iter().map(FileResult::new).collect(),
        }
    }

    /// How many images and files there are.
    pub(crate) fn len(&self) -> usize {
        self.images.len() + self.files.len()
    }

    /// How many images and how many files are signed.
    pub(crate) fn signed(&self) -> (usize, usize) {
        (self.images.iter().filter(|image| image.signed).count(), self.files.iter().filter(|file| file.signed).count())
    }

    /// How many images and how many files are verified.
    pub(crate) fn verified(&self) -> (usize, usize) {
        (
            self.images.iter().filter(|image| image.verified == Some(true)).count(),
            self.files.iter().filter(|file| file.verified == Some(true)).count(),
        )
    }
}

impl ImageResult {
    pub(crate) fn new(image: &ResolvedImage) -> ImageResult {
        ImageResult {
            image: image.reference.to_string(),
            digest: image.descriptor.digest.to_string(),
            platform: image.platform.clone(),
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

    /// Adds a predicate type to the attestations, unless it is a signature or known.
    pub(crate) fn attested(&mut self, predicate_type: &str) {
        if predicate_type != predicate::SIGNATURE && !self.attestations.iter().any(|known| known == predicate_type) {
            self.attestations.push(predicate_type.to_owned());
        }
    }

    /// Whether it was signed before this run, which then wrote no signature.
    pub(crate) fn signed_before(&self) -> bool {
        let mut signatures = self.written.iter().filter(|one| one.predicate_type == predicate::SIGNATURE);
        self.signed && signatures.all(|one| one.existed)
    }
}

impl FileResult {
    pub(crate) fn new(file: &File) -> FileResult {
        FileResult {
            file: file.name.clone(),
            digest: None,
            bundle: file.bundle.display().to_string(),
            signed: false,
            log_index: None,
            verified: None,
            by: None,
            failed: Vec::new(),
            unable: Vec::new(),
        }
    }
}

impl SignedBy {
    pub(crate) fn of(signatory: &Signatory) -> SignedBy {
        match signatory {
            Signatory::Key(key) => SignedBy { key: Some(key.to_string()), ..SignedBy::default() },
            Signatory::Certificate(certificate) => SignedBy {
                key: None,
                identity: certificate.subject.as_ref().map(ToString::to_string),
                issuer: certificate.issuer.clone(),
                source_repository: certificate.claims.source_repository_uri.clone(),
                source_ref: certificate.claims.source_repository_ref.clone(),
            },
        }
    }

    /// The key or the identity.
    pub(crate) fn words(&self) -> String {
        match (&self.key, &self.identity) {
            (Some(key), _) => key.clone(),
            (None, Some(identity)) => identity.clone(),
            (None, None) => "a certificate without an identity".to_owned(),
        }
    }
}

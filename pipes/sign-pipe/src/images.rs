//! One image after another: signed, attested, verified.

use bytes::Bytes;
use jiff::Timestamp;
use pipe_core::Context;
use pipe_evidence::find::{self, Place};
use pipe_evidence::legacy::{Kind, Layer, Payload};
use pipe_evidence::policy::{Judgement, Requirement};
use pipe_evidence::sign::{SignError, Signed, Signing};
use pipe_evidence::statement::{Statement, Subject as Named, predicate};
use pipe_evidence::store;
use pipe_evidence::verify::{Signatory, Verifier, What};
use pipe_oci::{Descriptor, Digest, Reference, Registry, Repository};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::attestation::{About, Attestation, Lacking, Predicate};
use crate::identity::Claims;
use crate::signing::Formats;

/// Images that are dealt with at the same time.
pub(crate) const AT_ONCE: usize = 8;

/// A document from this size on is dealt with alone, so that memory is bounded by the largest one.
const LARGE: usize = 1 << 20;

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

    fn attested(&mut self, predicate_type: &str) {
        if predicate_type != predicate::SIGNATURE && !self.attestations.iter().any(|known| known == predicate_type) {
            self.attestations.push(predicate_type.to_owned());
        }
    }
}

/// How this run signs images.
pub(crate) struct Maker<'a> {
    pub(crate) ctx: &'a Context,
    pub(crate) registry: &'a Registry,
    pub(crate) elsewhere: Option<&'a Repository>,
    pub(crate) signing: &'a Signing,
    /// Recognises what this run's signer made before.
    pub(crate) own: &'a Verifier,
    pub(crate) formats: Formats,
    pub(crate) annotations: &'a Map<String, Value>,
    pub(crate) attestations: &'a [Box<dyn Attestation>],
    pub(crate) claims: Option<&'a Claims>,
    pub(crate) started_at: &'a str,
    pub(crate) memory: &'a Semaphore,
}

/// Why an image is not signed, with what was done before.
enum Trouble {
    Oci(pipe_oci::Error),
    Sign(SignError),
    Json(serde_json::Error),
}

impl From<pipe_oci::Error> for Trouble {
    fn from(error: pipe_oci::Error) -> Trouble {
        Trouble::Oci(error)
    }
}

impl From<SignError> for Trouble {
    fn from(error: SignError) -> Trouble {
        Trouble::Sign(error)
    }
}

impl From<serde_json::Error> for Trouble {
    fn from(error: serde_json::Error) -> Trouble {
        Trouble::Json(error)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Oci(error) => error.fmt(f),
            Trouble::Sign(error) => error.fmt(f),
            Trouble::Json(error) => error.fmt(f),
        }
    }
}

impl Maker<'_> {
    /// Signs and attests one image; what fails is in the outcome.
    pub(crate) async fn make(&self, subject: &Subject, outcome: &mut Outcome) {
        let place = self.place(subject);
        let existing = match self.existing(subject, place).await {
            Ok(existing) => existing,
            Err(error) => return outcome.unable.push(format!("looking for earlier signatures: {error}")),
        };
        if let Err(trouble) = self.sign(subject, &existing, outcome).await {
            outcome.unable.push(format!("not signed: {trouble}"));
            return;
        }
        outcome.signed = true;
        for attestation in self.attestations {
            self.attest(attestation.as_ref(), subject, &existing, outcome).await;
        }
    }

    fn place<'a>(&'a self, subject: &'a Subject) -> &'a Repository {
        self.elsewhere.unwrap_or(&subject.image.repository)
    }

    /// What this run's signer made before, and is still good.
    async fn existing(&self, subject: &Subject, place: &Repository) -> Result<Vec<Known>, pipe_oci::Error> {
        let digest = &subject.descriptor.digest;
        let mut existing = Vec::new();
        find::find(self.registry, place, digest, |place, evidence| {
            let verified = evidence.ok().and_then(|evidence| self.own.verify(digest, &evidence).ok());
            existing.extend(verified.map(|verified| Known { place, saying: Saying::of(&verified.what) }));
        })
        .await?;
        Ok(existing)
    }

    async fn sign(&self, subject: &Subject, existing: &[Known], outcome: &mut Outcome) -> Result<(), Trouble> {
        let digest = &subject.descriptor.digest;
        let saying = Saying::Signature(self.annotations.clone());
        if self.formats.bundle {
            match saying.find(existing, true) {
                Some(place) => self.existed(subject, "bundle", predicate::SIGNATURE, place, outcome),
                None => {
                    let named =
                        Named { name: String::new(), digest: digest.clone(), annotations: self.annotations.clone() };
                    let empty = RawValue::from_string("{}".to_owned())?;
                    let statement = Statement::new(named, predicate::SIGNATURE, empty);
                    let signed = self.signing.statement(statement.to_bytes()?).await?;
                    self.write_bundle(subject, &signed, predicate::SIGNATURE, outcome).await?;
                }
            }
        }
        if self.formats.legacy {
            match saying.find(existing, false) {
                Some(place) => self.existed(subject, "legacy", predicate::SIGNATURE, place, outcome),
                None => {
                    let name = subject.image.repository.name_for_identity();
                    let payload = Payload::new(&name, digest, self.annotations).to_bytes()?;
                    let signed = self.signing.message(&payload).await?;
                    let layer = Layer::signature(payload, signed.annotations());
                    self.write_legacy(subject, Kind::Signatures, layer, &signed, predicate::SIGNATURE, outcome).await?;
                }
            }
        }
        Ok(())
    }

    async fn attest(
        &self,
        attestation: &dyn Attestation,
        subject: &Subject,
        existing: &[Known],
        outcome: &mut Outcome,
    ) {
        let digest = &subject.descriptor.digest;
        let about = About { ctx: self.ctx, digest, claims: self.claims, started_at: self.started_at };
        let predicates = match attestation.predicates(&about) {
            Ok(predicates) => predicates,
            Err(Lacking::Skipped(why)) => {
                return outcome.skipped.push(format!("{} not attested: {why}", attestation.name()));
            }
            Err(Lacking::Contradicts(why)) => {
                return outcome.failed.push(format!("{} not attested: {why}", attestation.name()));
            }
            Err(Lacking::Unable(why)) => {
                return outcome.unable.push(format!("{} not attested: {why}", attestation.name()));
            }
        };
        for predicate in predicates {
            if let Err(trouble) = self.attest_one(predicate, subject, existing, outcome).await {
                outcome.unable.push(format!("{} not attested: {trouble}", attestation.name()));
            }
        }
    }

    async fn attest_one(
        &self,
        predicate: Predicate,
        subject: &Subject,
        existing: &[Known],
        outcome: &mut Outcome,
    ) -> Result<(), Trouble> {
        let Predicate { predicate_type, predicate } = predicate;
        let saying = Saying::Attestation(predicate_type.clone(), Digest::of(predicate.get().as_bytes()));
        let (bundle, legacy) = (saying.find(existing, true), saying.find(existing, false));
        if let (true, Some(place)) = (self.formats.bundle, bundle) {
            self.existed(subject, "bundle", &predicate_type, place, outcome);
        }
        if let (true, Some(place)) = (self.formats.legacy, legacy) {
            self.existed(subject, "legacy", &predicate_type, place, outcome);
        }
        let (bundle, legacy) = (self.formats.bundle && bundle.is_none(), self.formats.legacy && legacy.is_none());
        if bundle || legacy {
            let share = if predicate.get().len() >= LARGE { AT_ONCE } else { 1 };
            let _share = self.memory.acquire_many(u32::try_from(share).unwrap_or(1)).await;
            let named = Named::new(subject.image.repository.name_for_identity(), subject.descriptor.digest.clone());
            let statement = Statement::new(named, &predicate_type, predicate).to_bytes()?;
            let signed = self.signing.statement(statement).await?;
            if bundle {
                self.write_bundle(subject, &signed, &predicate_type, outcome).await?;
            }
            if legacy && let Some(envelope) = signed.envelope_json() {
                let mut notes = signed.annotations();
                notes.remove("dev.cosignproject.cosign/signature");
                let layer = Layer::attestation(envelope?, &predicate_type, notes);
                self.write_legacy(subject, Kind::Attestations, layer, &signed, &predicate_type, outcome).await?;
            }
        }
        outcome.attested(&predicate_type);
        Ok(())
    }

    async fn write_bundle(
        &self,
        subject: &Subject,
        signed: &Signed,
        predicate_type: &str,
        outcome: &mut Outcome,
    ) -> Result<(), Trouble> {
        let repository = self.place(subject);
        let bundle = Bytes::from(signed.to_json()?);
        let written = store::attach(self.registry, repository, &subject.descriptor, bundle, predicate_type).await?;
        outcome.written.push(Entry {
            predicate_type: predicate_type.to_owned(),
            format: "bundle",
            repository: repository.to_string(),
            place: written.to_string(),
            existed: false,
            log_index: signed.log_index(),
        });
        Ok(())
    }

    async fn write_legacy(
        &self,
        subject: &Subject,
        kind: Kind,
        layer: Layer,
        signed: &Signed,
        predicate_type: &str,
        outcome: &mut Outcome,
    ) -> Result<(), Trouble> {
        let repository = self.place(subject);
        let written = store::add(self.registry, repository, &subject.descriptor.digest, kind, layer).await?;
        outcome.written.push(Entry {
            predicate_type: predicate_type.to_owned(),
            format: "legacy",
            repository: repository.to_string(),
            place: written.to_string(),
            existed: false,
            log_index: signed.log_index(),
        });
        Ok(())
    }

    fn existed(
        &self,
        subject: &Subject,
        format: &'static str,
        predicate_type: &str,
        place: &Place,
        outcome: &mut Outcome,
    ) {
        outcome.written.push(Entry {
            predicate_type: predicate_type.to_owned(),
            format,
            repository: self.place(subject).to_string(),
            place: place.to_string(),
            existed: true,
            log_index: None,
        });
    }
}

/// Something that was there before.
struct Known {
    place: Place,
    saying: Saying,
}

/// What makes a signature or attestation another one.
#[derive(PartialEq, Eq)]
enum Saying {
    Signature(Map<String, Value>),
    /// The type and the digest of the predicate's text.
    Attestation(String, Digest),
}

impl Saying {
    fn of(what: &What) -> Saying {
        match what {
            What::Signature { annotations } => Saying::Signature(annotations.clone()),
            What::Attestation(statement) => {
                Saying::Attestation(statement.predicate_type.clone(), Digest::of(statement.predicate.get().as_bytes()))
            }
        }
    }

    /// Where the same is said already, in a bundle or in the older form.
    fn find<'a>(&self, existing: &'a [Known], bundle: bool) -> Option<&'a Place> {
        let fits = |known: &&Known| matches!(known.place, Place::Referrer(_)) == bundle && known.saying == *self;
        existing.iter().find(fits).map(|known| &known.place)
    }
}

/// How this run verifies images.
pub(crate) struct Checker<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) elsewhere: Option<&'a Repository>,
    pub(crate) verifier: &'a Verifier,
    pub(crate) requirements: &'a [Requirement],
}

impl Checker<'_> {
    /// Verifies one image; the verdict is in the outcome.
    pub(crate) async fn check(&self, subject: &Subject, outcome: &mut Outcome) {
        let digest: &Digest = &subject.descriptor.digest;
        let place = self.elsewhere.unwrap_or(&subject.image.repository);
        let now = Timestamp::now();
        let (mut accepted, mut refused) = (Vec::new(), Vec::new());
        let mut signed = false;
        let mut judgements: Vec<Vec<Judgement>> = vec![Vec::new(); self.requirements.len()];
        let found = find::find(self.registry, place, digest, |place, evidence| {
            let verified = evidence
                .and_then(|evidence| self.verifier.verify(digest, &evidence).map_err(|refusal| refusal.to_string()));
            match verified {
                Ok(one) => {
                    signed |= matches!(one.what, What::Signature { .. });
                    for (requirement, judgements) in self.requirements.iter().zip(&mut judgements) {
                        judgements.extend(requirement.judge(digest, &one, now));
                    }
                    accepted.push(Accepted {
                        predicate_type: one.what.predicate_type().to_owned(),
                        place: place.to_string(),
                        by: By::of(&one.by),
                        signed_at: one.time.map(|time| time.to_string()),
                        log_index: one.log_index,
                    });
                }
                Err(why) => refused.push(Refused { place: place.to_string(), why }),
            }
        });
        if let Err(error) = found.await {
            outcome.unable.push(format!("not verified: {error}"));
            return;
        }
        for one in &accepted {
            outcome.attested(&one.predicate_type);
        }
        (outcome.accepted, outcome.refused) = (accepted, refused);
        let before = outcome.failed.len();
        // Attestations that were asked for prove as much: each is signed itself.
        if !signed && self.requirements.is_empty() {
            outcome.failed.push(match outcome.refused.as_slice() {
                [] if outcome.accepted.is_empty() => "there is no signature".to_owned(),
                [] => "there is no signature, only attestations".to_owned(),
                [one] => format!("the one signature or attestation is not accepted: {}", one.why),
                several => {
                    format!("none of {} signatures and attestations is accepted: {}", several.len(), worst(several))
                }
            });
        }
        for (requirement, judgements) in self.requirements.iter().zip(&judgements) {
            if let Err(why) = requirement.decide(judgements) {
                outcome.failed.push(format!("{} is required: {why}", requirement.name));
            }
        }
        outcome.verified = Some(outcome.failed.len() == before);
    }
}

/// The reasons, each once.
fn worst(refused: &[Refused]) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    for one in refused {
        if !reasons.contains(&one.why.as_str()) {
            reasons.push(&one.why);
        }
    }
    reasons.truncate(3);
    reasons.join("; ")
}

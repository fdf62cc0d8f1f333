//! Signing and attesting an image.

use bytes::Bytes;
use pipe_core::Context;
use pipe_evidence::find::{self, Location};
use pipe_evidence::legacy::{Layer, Payload, TagKind};
use pipe_evidence::sign::{BundleSigner, SignError, SignedBundle};
use pipe_evidence::statement::{Statement, Subject as Named, predicate};
use pipe_evidence::store;
use pipe_evidence::verify::{Content, Verifier};
use pipe_oci::{Digest, Registry, Repository};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::attestation::{About, Attestation, Lacking, Predicate};
use crate::identity::Claims;
use crate::images::{AT_ONCE, Entry, Outcome, Subject};
use crate::signing::Formats;

/// A document from this size on is dealt with alone, so that memory is bounded by the largest one.
const LARGE: usize = 1 << 20;

/// How this run signs images.
pub(crate) struct Maker<'a> {
    pub(crate) ctx: &'a Context,
    pub(crate) registry: &'a Registry,
    pub(crate) elsewhere: Option<&'a Repository>,
    pub(crate) signing: &'a BundleSigner,
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
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum Trouble {
    Oci(#[from] pipe_oci::Error),
    Sign(#[from] SignError),
    Json(#[from] serde_json::Error),
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
            existing.extend(verified.map(|verified| Known { place, saying: Saying::of(&verified.content) }));
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
                    self.write_legacy(subject, TagKind::Signatures, layer, &signed, predicate::SIGNATURE, outcome)
                        .await?;
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
                self.write_legacy(subject, TagKind::Attestations, layer, &signed, &predicate_type, outcome).await?;
            }
        }
        outcome.attested(&predicate_type);
        Ok(())
    }

    async fn write_bundle(
        &self,
        subject: &Subject,
        signed: &SignedBundle,
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
        kind: TagKind,
        layer: Layer,
        signed: &SignedBundle,
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
        place: &Location,
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
    place: Location,
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
    fn of(what: &Content) -> Saying {
        match what {
            Content::Signature { annotations } => Saying::Signature(annotations.clone()),
            Content::Attestation(statement) => {
                Saying::Attestation(statement.predicate_type.clone(), Digest::of(statement.predicate.get().as_bytes()))
            }
        }
    }

    /// Where the same is said already, in a bundle or in the older form.
    fn find<'a>(&self, existing: &'a [Known], bundle: bool) -> Option<&'a Location> {
        let fits = |known: &&Known| matches!(known.place, Location::Referrer(_)) == bundle && known.saying == *self;
        existing.iter().find(fits).map(|known| &known.place)
    }
}

//! Signing and attesting the images and files of a run.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use pipe_evidence::find::{self, Location};
use pipe_evidence::legacy::{Layer, Payload, TagKind};
use pipe_evidence::memory;
use pipe_evidence::sign::SignedBundle;
use pipe_evidence::statement::{self, Subject, predicate};
use pipe_evidence::store::{self, StoredLocation};
use pipe_evidence::verify::{Content, Verifier};
use pipe_oci::Digest;
use serde_json::{Map, Value};

use crate::attestation::{About, Attestation, NotAttested, Predicate};
use crate::error::Error;
use crate::file_bundle;
use crate::plan::SigningPlan;
use crate::resolve::{AT_ONCE, ResolvedImage};
use crate::results::{ImageResult, Results, StoredEvidence};
use crate::run::Run;
use crate::signer::Signer;

/// The signing of everything in a run.
pub(crate) struct SigningRun<'a> {
    run: &'a Run<'a>,
    plan: &'a SigningPlan,
    signer: &'a Signer,
    /// Recognises the earlier signatures of this run's signer.
    own: Verifier,
    /// RFC 3339.
    started_at: String,
}

impl<'a> SigningRun<'a> {
    /// `own` recognises the earlier signatures of `signer`.
    pub(crate) fn new(run: &'a Run<'a>, plan: &'a SigningPlan, signer: &'a Signer, own: Verifier) -> SigningRun<'a> {
        let started_at = run.report.started_at();
        SigningRun { run, plan, signer, own, started_at }
    }

    /// Signs and attests every image, several at a time, then signs every file. Failures are in the results.
    pub(crate) async fn sign_all(&self, images: &[ResolvedImage], results: &mut Results) {
        let mut signed = stream::iter(images.iter().enumerate())
            .map(|(index, image)| async move {
                let mut result = ImageResult::new(image);
                self.sign_image(image, &mut result).await;
                (index, result)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((index, result)) = signed.next().await {
            results.images[index] = result;
            self.run.record(results);
        }
        drop(signed);
        for (index, file) in self.run.plan.files.iter().enumerate() {
            file_bundle::sign(file, &self.signer.signing, &mut results.files[index]).await;
            self.run.record(results);
        }
    }

    async fn sign_image(&self, image: &ResolvedImage, result: &mut ImageResult) {
        let existing = match self.existing(image).await {
            Ok(existing) => existing,
            Err(error) => return result.unable.push(Error::NotLookedUp(Box::new(error.into())).to_string()),
        };
        if let Err(error) = self.sign(image, &existing, result).await {
            return result.unable.push(Error::NotSigned(Box::new(error)).to_string());
        }
        result.signed = true;
        for attestation in &self.plan.attestations {
            self.attest(attestation.as_ref(), image, &existing, result).await;
        }
    }

    /// The valid signatures and attestations that this run's signer made before.
    async fn existing(&self, image: &ResolvedImage) -> Result<Vec<Existing>, pipe_oci::Error> {
        let digest = &image.descriptor.digest;
        let mut existing = Vec::new();
        find::find(&self.run.registry, self.run.evidence_repository(image), digest, |place, evidence| {
            let verified = evidence.ok().and_then(|evidence| self.own.verify(digest, &evidence).ok());
            existing.extend(verified.map(|verified| Existing { place, claim: Claim::of(&verified.content) }));
        })
        .await?;
        Ok(existing)
    }

    async fn sign(&self, image: &ResolvedImage, existing: &[Existing], result: &mut ImageResult) -> Result<(), Error> {
        let digest = &image.descriptor.digest;
        let annotations = &self.plan.annotations;
        let claim = Claim::Signature(annotations.clone());
        if self.plan.formats.bundle {
            if let Some(place) = claim.find(existing, true) {
                result.written.push(self.existed(image, "bundle", predicate::SIGNATURE, place));
            } else {
                let subject = Subject { name: String::new(), digest: digest.clone(), annotations: annotations.clone() };
                let statement = statement::payload(&subject, predicate::SIGNATURE, "{}")?;
                let signed = self.signer.signing.statement(statement).await?;
                self.write_bundle(image, &signed, predicate::SIGNATURE, result).await?;
            }
        }
        if self.plan.formats.legacy {
            if let Some(place) = claim.find(existing, false) {
                result.written.push(self.existed(image, "legacy", predicate::SIGNATURE, place));
            } else {
                let name = image.reference.repository.name_for_identity();
                let payload = Payload::new(&name, digest, annotations).to_bytes()?;
                let signed = self.signer.signing.message(&payload).await?;
                let layer = Layer::signature(payload, signed.annotations());
                self.write_legacy(image, (TagKind::Signatures, layer), &signed, predicate::SIGNATURE, result).await?;
            }
        }
        Ok(())
    }

    async fn attest(
        &self,
        attestation: &dyn Attestation,
        image: &ResolvedImage,
        existing: &[Existing],
        result: &mut ImageResult,
    ) {
        let name = attestation.name();
        let not_attested = |why: String| Error::NotAttested { attestation: name, why }.to_string();
        let about = About {
            ctx: self.run.ctx,
            digest: &image.descriptor.digest,
            claims: self.signer.claims.as_ref(),
            started_at: &self.started_at,
        };
        // Until it is written, since it is in memory so long.
        let _turn = memory::turn(attestation.size()).await;
        let predicate = match attestation.predicate(&about) {
            Ok(predicate) => predicate,
            Err(NotAttested::Skipped(why)) => return result.skipped.push(not_attested(why)),
            Err(NotAttested::Contradicts(why)) => return result.failed.push(not_attested(why)),
            Err(NotAttested::Unable(why)) => return result.unable.push(not_attested(why)),
        };
        if let Err(error) = self.attest_one(predicate, image, existing, result).await {
            result.unable.push(not_attested(error.to_string()));
        }
    }

    async fn attest_one(
        &self,
        predicate: Predicate,
        image: &ResolvedImage,
        existing: &[Existing],
        result: &mut ImageResult,
    ) -> Result<(), Error> {
        let Predicate { predicate_type, json, digest } = predicate;
        let claim = Claim::Attestation(predicate_type.clone(), digest);
        let mut missing = self.plan.formats;
        if let (true, Some(place)) = (missing.bundle, claim.find(existing, true)) {
            result.written.push(self.existed(image, "bundle", &predicate_type, place));
            missing.bundle = false;
        }
        if let (true, Some(place)) = (missing.legacy, claim.find(existing, false)) {
            result.written.push(self.existed(image, "legacy", &predicate_type, place));
            missing.legacy = false;
        }
        if missing.bundle || missing.legacy {
            let subject = Subject::new(image.reference.repository.name_for_identity(), image.descriptor.digest.clone());
            let statement = statement::payload(&subject, &predicate_type, &json)?;
            drop(json);
            let signed = self.signer.signing.statement(statement).await?;
            if missing.bundle {
                self.write_bundle(image, &signed, &predicate_type, result).await?;
            }
            if missing.legacy
                && let Some(envelope) = signed.envelope_json()
            {
                let mut notes = signed.annotations();
                notes.remove("dev.cosignproject.cosign/signature");
                let layer = Layer::attestation(envelope?, &predicate_type, notes);
                self.write_legacy(image, (TagKind::Attestations, layer), &signed, &predicate_type, result).await?;
            }
        }
        result.attested(&predicate_type);
        Ok(())
    }

    async fn write_bundle(
        &self,
        image: &ResolvedImage,
        signed: &SignedBundle,
        predicate_type: &str,
        result: &mut ImageResult,
    ) -> Result<(), Error> {
        let repository = self.run.evidence_repository(image);
        let bundle = Bytes::from(signed.to_json()?);
        let written = store::attach(&self.run.registry, repository, &image.descriptor, bundle, predicate_type).await?;
        result.written.push(self.stored(image, "bundle", predicate_type, &written, signed));
        Ok(())
    }

    async fn write_legacy(
        &self,
        image: &ResolvedImage,
        (kind, layer): (TagKind, Layer),
        signed: &SignedBundle,
        predicate_type: &str,
        result: &mut ImageResult,
    ) -> Result<(), Error> {
        let repository = self.run.evidence_repository(image);
        let written = store::add(&self.run.registry, repository, &image.descriptor.digest, kind, layer).await?;
        result.written.push(self.stored(image, "legacy", predicate_type, &written, signed));
        Ok(())
    }

    fn stored(
        &self,
        image: &ResolvedImage,
        format: &'static str,
        predicate_type: &str,
        written: &StoredLocation,
        signed: &SignedBundle,
    ) -> StoredEvidence {
        StoredEvidence {
            predicate_type: predicate_type.to_owned(),
            format,
            repository: self.run.evidence_repository(image).to_string(),
            place: written.to_string(),
            existed: false,
            log_index: signed.log_index(),
        }
    }

    fn existed(
        &self,
        image: &ResolvedImage,
        format: &'static str,
        predicate_type: &str,
        place: &Location,
    ) -> StoredEvidence {
        StoredEvidence {
            predicate_type: predicate_type.to_owned(),
            format,
            repository: self.run.evidence_repository(image).to_string(),
            place: place.to_string(),
            existed: true,
            log_index: None,
        }
    }
}

/// Evidence that existed before this run.
struct Existing {
    place: Location,
    claim: Claim,
}

/// What a signature or attestation says. Two with equal claims are equal.
#[derive(PartialEq, Eq)]
enum Claim {
    /// With these annotations.
    Signature(Map<String, Value>),
    /// The predicate's type, and the digest of its text.
    Attestation(String, Digest),
}

impl Claim {
    fn of(content: &Content) -> Claim {
        match content {
            Content::Signature { annotations } => Claim::Signature(annotations.clone()),
            Content::Attestation(statement) => {
                Claim::Attestation(statement.predicate_type.clone(), Digest::of(statement.predicate.get().as_bytes()))
            }
        }
    }

    /// The place of an equal claim: in a bundle, or in the older form.
    fn find<'a>(&self, existing: &'a [Existing], bundle: bool) -> Option<&'a Location> {
        let equal = |one: &&Existing| matches!(one.place, Location::Referrer(_)) == bundle && one.claim == *self;
        existing.iter().find(equal).map(|one| &one.place)
    }
}

//! Verifying the images and files of a run.

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use pipe_core::text::plural;
use pipe_evidence::find::{self, Defect, Evidence};
use pipe_evidence::policy::Judgement;
use pipe_evidence::verify::{Content, Refusal, Verified, Verifier};
use pipe_oci::Digest;

use crate::error::Error;
use crate::file_bundle;
use crate::plan::{SigningDecision, VerificationPlan};
use crate::resolve::{AT_ONCE, ResolvedImage};
use crate::results::{AcceptedEvidence, ImageResult, RefusedEvidence, Results, SignedBy};
use crate::run::Run;

/// The verification of everything in a run.
pub(crate) struct VerificationRun<'a> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) plan: &'a VerificationPlan,
    pub(crate) verifier: Verifier,
}

impl VerificationRun<'_> {
    /// Verifies every image, several at a time, then every file. The verdicts are in the results. What this run failed to
    /// sign is not verified.
    pub(crate) async fn verify_all(&self, images: &[ResolvedImage], results: &mut Results) {
        let only_verifies = matches!(self.run.plan.signing, SigningDecision::Skip { .. });
        let pending: Vec<(usize, ImageResult)> =
            results.images.iter().cloned().enumerate().filter(|(_, result)| only_verifies || result.signed).collect();
        let mut verified = stream::iter(pending)
            .map(|(index, mut result)| async move {
                self.verify_image(&images[index], &mut result).await;
                (index, result)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((index, result)) = verified.next().await {
            results.images[index] = result;
        }
        drop(verified);
        for (file, result) in self.run.plan.files.iter().zip(&mut results.files) {
            if only_verifies || result.signed {
                file_bundle::verify(file, &self.verifier, self.plan.accept.variables(), result);
            }
        }
    }

    async fn verify_image(&self, image: &ResolvedImage, result: &mut ImageResult) {
        let digest = &image.descriptor.digest;
        let requirements = &self.plan.requirements;
        let now = Timestamp::now();
        let (mut accepted, mut refused, mut unread) = (Vec::new(), Vec::new(), None);
        let mut signed = false;
        let mut judgements: Vec<Vec<Judgement>> = vec![Vec::new(); requirements.len()];
        let repository = self.run.evidence_repository(image);
        let found = find::find(&self.run.registry, repository, digest, |place, evidence| {
            if let Err(Defect::Unreadable(error)) = &evidence {
                unread.get_or_insert_with(|| error.clone());
            }
            let verified = evidence
                .map_err(|defect| defect.to_string())
                .and_then(|evidence| self.verify_one(digest, &evidence).map_err(|refusal| refusal.to_string()));
            match verified {
                Ok(one) => {
                    signed |= matches!(one.content, Content::Signature { .. });
                    for (requirement, judgements) in requirements.iter().zip(&mut judgements) {
                        judgements.extend(requirement.judge(digest, &one, now));
                    }
                    accepted.push(AcceptedEvidence {
                        predicate_type: one.content.predicate_type().to_owned(),
                        place: place.to_string(),
                        by: SignedBy::of(&one.by),
                        signed_at: one.time.map(|time| time.to_string()),
                        log_index: one.log_index,
                    });
                }
                Err(why) => refused.push(RefusedEvidence { place: place.to_string(), why }),
            }
        });
        if let Err(error) = found.await {
            return result.unable.push(Error::NotVerified(Box::new(error.into())).to_string());
        }
        for one in &accepted {
            result.attested(&one.predicate_type);
        }
        let (mut missing, mut failed) = (Vec::new(), Vec::new());
        // Attestations that are required prove as much: each is signed itself. They have no annotations.
        if !signed && (requirements.is_empty() || !self.plan.annotations.is_empty()) {
            missing.push(self.no_signature(&accepted, &refused).to_string());
        }
        for (requirement, judgements) in requirements.iter().zip(&judgements) {
            if let Err(why) = requirement.decide(judgements) {
                let why = Error::RequirementNotMet { name: requirement.name.clone(), why }.to_string();
                if judgements.is_empty() { missing.push(why) } else { failed.push(why) }
            }
        }
        (result.accepted, result.refused) = (accepted, refused);
        result.verified = Some(missing.is_empty() && failed.is_empty());
        match unread {
            // What is missing may be what could not be read.
            Some(error) if !missing.is_empty() => {
                result.verified = (!failed.is_empty()).then_some(false);
                result.unable.push(Error::NotVerified(Box::new(error.into())).to_string());
            }
            _ => failed.extend(missing),
        }
        result.failed.extend(failed);
    }

    fn verify_one(&self, digest: &Digest, evidence: &Evidence) -> Result<Verified, Refusal> {
        let verified = self.verifier.verify(digest, evidence)?;
        verified.content.require_annotations(&self.plan.annotations)?;
        Ok(verified)
    }

    fn no_signature(&self, accepted: &[AcceptedEvidence], refused: &[RefusedEvidence]) -> Error {
        let variables = self.plan.accept.variables();
        match refused {
            [] if accepted.is_empty() => Error::NoSignature,
            [] => Error::OnlyAttestations,
            [one] => Error::NotAccepted { why: one.why.clone(), variables },
            several => {
                let mut reasons: Vec<&str> = several.iter().map(|one| one.why.as_str()).collect();
                reasons.sort_unstable();
                reasons.dedup();
                let others = match reasons.len() - 1 {
                    0 => String::new(),
                    others => format!(" ({} in the report)", plural(others, "other reason")),
                };
                Error::NoneAccepted { count: several.len(), others, why: several[0].why.clone(), variables }
            }
        }
    }
}

//! Verifying an image.

use jiff::Timestamp;
use pipe_evidence::find;
use pipe_evidence::policy::{Judgement, Requirement};
use pipe_evidence::verify::{Content, Verifier};
use pipe_oci::{Digest, Registry, Repository};

use crate::images::{Accepted, By, Outcome, Refused, Subject};

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
                    signed |= matches!(one.content, Content::Signature { .. });
                    for (requirement, judgements) in self.requirements.iter().zip(&mut judgements) {
                        judgements.extend(requirement.judge(digest, &one, now));
                    }
                    accepted.push(Accepted {
                        predicate_type: one.content.predicate_type().to_owned(),
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
                    format!("none of {} signatures and attestations is accepted: {}", several.len(), reasons(several))
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

/// Three reasons at most, each once.
fn reasons(refused: &[Refused]) -> String {
    let mut reasons: Vec<&str> = Vec::new();
    for one in refused {
        if !reasons.contains(&one.why.as_str()) {
            reasons.push(&one.why);
        }
    }
    reasons.truncate(3);
    reasons.join("; ")
}

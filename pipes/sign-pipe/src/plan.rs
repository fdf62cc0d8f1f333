//! What a run does, as data: what `DRY_RUN` prints, and what `execute` consumes.

mod effects;
mod work;

use pipe_core::Context;
use pipe_core::plan::{Effects, Planned};
use serde::{Serialize, Serializer};

use crate::config::Config;

pub(crate) use work::{
    AcceptedSigner, Action, KeyPlan, RunPlan, SignerPlan, SigningDecision, SigningPlan, VerificationPlan,
};

/// Everything that a run signs, attests and verifies, what becomes public by it, and its effects.
pub struct Plan {
    pub(crate) action: Action,
    effects: Effects,
    /// Servers whose names only an answer gives.
    open_hosts: Vec<String>,
}

impl Plan {
    pub(crate) fn new(config: &Config, ctx: &Context) -> Plan {
        let action = Action::decide(config, ctx);
        let (effects, open_hosts) = effects::of(&action, config, ctx);
        Plan { action, effects, open_hosts }
    }
}

impl Planned for Plan {
    fn effects(&self) -> &Effects {
        &self.effects
    }
}

/// The plan in the words of `DRY_RUN`.
#[derive(Serialize)]
struct Words<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    generate_key_pair: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_platform: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sign_files: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    formats: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attest: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures_in: Option<String>,
    /// What becomes public for good; empty if nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    becomes_public: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    require: Vec<&'a str>,
    #[serde(flatten)]
    effects: &'a Effects,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    hosts_named_by_answers: &'a [String],
}

impl<'a> Words<'a> {
    fn of(plan: &'a Plan) -> Words<'a> {
        let mut words = Words {
            generate_key_pair: None,
            skipped: None,
            images: Vec::new(),
            expected_digest: None,
            every_platform: None,
            sign_files: Vec::new(),
            sign: None,
            formats: Vec::new(),
            annotations: Vec::new(),
            attest: Vec::new(),
            signatures_in: None,
            becomes_public: None,
            verify: None,
            require: Vec::new(),
            effects: &plan.effects,
            hosts_named_by_answers: &plan.open_hosts,
        };
        match &plan.action {
            Action::GenerateKeyPair { dir } => words.generate_key_pair = Some(dir.display().to_string()),
            Action::Skip { why } => words.skipped = Some(why),
            Action::Run(run) => words.run(run),
        }
        words
    }

    fn run(&mut self, run: &'a RunPlan) {
        self.images = run.images.iter().map(ToString::to_string).collect();
        self.expected_digest = run.expected_digest.as_ref().map(ToString::to_string);
        self.every_platform = run.every_platform.then_some(true);
        self.sign_files = run.files.iter().map(|file| file.name.as_str()).collect();
        self.signatures_in = run.signature_repository.as_ref().map(ToString::to_string);
        match &run.signing {
            SigningDecision::Skip { why, .. } => self.sign = Some(format!("nothing: {why}")),
            SigningDecision::Sign(signing) => {
                self.sign = Some(signing.words.clone());
                self.formats = signing.formats.words();
                let pair = |(name, value): (&String, &serde_json::Value)| {
                    format!("{name}={}", value.as_str().unwrap_or_default())
                };
                self.annotations = signing.annotations.iter().map(pair).collect();
                self.attest = signing.attestations.iter().map(|attestation| attestation.plan()).collect();
                self.becomes_public = Some(&signing.becomes_public);
            }
        }
        self.verify = Some(run.verification.as_ref().map_or_else(|| "nothing".to_owned(), |plan| plan.accept.words()));
        let requirements = run.verification.iter().flat_map(|verification| &verification.requirements);
        self.require = requirements.map(|requirement| requirement.name.as_str()).collect();
    }
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Words::of(self).serialize(serializer)
    }
}

//! What will be done, as data: what `DRY_RUN` prints.

use pipe_core::plan::{Effects, Planned};
use serde::Serialize;

use crate::config::Config;

/// Everything that would be signed, attested and verified, and what the world would learn.
#[derive(Serialize)]
pub struct Plan {
    #[serde(skip_serializing_if = "Option::is_none")]
    generate_key_pair: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every_platform: Option<bool>,
    sign: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    formats: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attest: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signatures_in: Option<String>,
    /// What becomes public for good.
    becomes_public: Vec<String>,
    verify: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    require: Vec<String>,
    #[serde(flatten)]
    effects: Effects,
}

impl Plan {
    pub(crate) fn new(config: &Config) -> Plan {
        let targets = &config.targets;
        let (sign, becomes_public, formats, attest) = match &config.not_signed {
            Some(why) => (format!("nothing: {why}"), Vec::new(), Vec::new(), Vec::new()),
            None => {
                let (how, public) = config.signing.plan(&config.keyless, &config.cloud);
                let attest = config.attestations.iter().map(|attestation| attestation.plan()).collect();
                (how, public, config.signing.formats.words(), attest)
            }
        };
        let verify = match &config.verification {
            None => "nothing".to_owned(),
            Some(verification) => match (&verification.key, verification.names_identity()) {
                (Some(key), _) => format!("signatures by the key {key}"),
                (None, true) => "signatures with a certificate as described".to_owned(),
                (None, false) => "what was signed".to_owned(),
            },
        };
        let requirements = config.verification.iter().flat_map(|verification| &verification.requirements);
        Plan {
            generate_key_pair: config.generate.as_ref().map(|generate| generate.dir.display().to_string()),
            images: targets.images.iter().map(ToString::to_string).collect(),
            files: targets.files.iter().map(|file| file.name.clone()).collect(),
            every_platform: targets.recursive.then_some(true),
            sign,
            formats,
            attest,
            signatures_in: config.access.elsewhere.as_ref().map(ToString::to_string),
            becomes_public,
            verify,
            require: requirements.map(|requirement| requirement.name.clone()).collect(),
            effects: Effects { steps: steps(config), ..Effects::default() },
        }
    }
}

fn steps(config: &Config) -> Vec<String> {
    let steps = match (&config.generate, &config.not_signed, &config.verification) {
        (Some(_), ..) => &["generate-key-pair"][..],
        (None, None, None) => &["resolve", "signer", "sign"],
        (None, None, Some(_)) => &["resolve", "signer", "sign", "verify"],
        (None, Some(_), Some(verification)) if verification.key.is_some() || verification.names_identity() => {
            &["sign", "resolve", "verify"]
        }
        (None, Some(_), _) => &["sign"],
    };
    steps.iter().map(|step| (*step).to_owned()).collect()
}

impl Planned for Plan {
    fn effects(&self) -> &Effects {
        &self.effects
    }
}

//! The effects of a run, named before it begins.

use pipe_core::Context;
use pipe_core::http::Url;
use pipe_core::plan::Effects;
use pipe_oci::Repository;

use super::work::{AcceptedSigner, Action, KeyPlan, RunPlan, SigningDecision, SigningPlan, VerificationPlan};
use crate::config::Config;
use crate::key_pair;

/// The effects of an action, and the servers whose names only an answer gives.
pub(super) fn of(action: &Action, config: &Config, ctx: &Context) -> (Effects, Vec<String>) {
    let mut listing = Listing { config, effects: Effects::default(), open_hosts: Vec::new() };
    match action {
        Action::GenerateKeyPair { dir } => {
            listing.step("generate-key-pair");
            let path = |name: &str| ctx.workspace.relative(&dir.join(name));
            listing.effects.files = vec![path(key_pair::PRIVATE), path(key_pair::PUBLIC)];
        }
        Action::Skip { .. } => listing.step("sign"),
        Action::Run(run) => listing.run(run, ctx),
    }
    (listing.effects, listing.open_hosts)
}

/// Effects on their way into a list.
struct Listing<'a> {
    config: &'a Config,
    effects: Effects,
    open_hosts: Vec<String>,
}

impl Listing<'_> {
    fn run(&mut self, run: &RunPlan, ctx: &Context) {
        if !run.signs() {
            self.step("sign");
        }
        for repository in run.repositories() {
            self.registry(repository);
        }
        if !run.images.is_empty() {
            self.step("resolve");
        }
        if let SigningDecision::Sign(signing) = &run.signing {
            self.step("signer");
            self.step("sign");
            self.signer(signing);
            let own = run.images.iter().map(|image| &image.repository);
            let repositories: Vec<&Repository> = match &run.signature_repository {
                Some(repository) if !run.images.is_empty() => vec![repository],
                _ => own.collect(),
            };
            for repository in repositories {
                self.evidence(repository, signing);
            }
            self.effects.files.extend(run.files.iter().map(|file| ctx.workspace.relative(&file.bundle)));
        }
        if let Some(verification) = &run.verification {
            self.step("verify");
            let signing = match &run.signing {
                SigningDecision::Sign(signing) => Some(signing.as_ref()),
                SigningDecision::Skip { .. } => None,
            };
            self.verifier(verification, signing);
        }
    }

    /// Reading from a registry, and logging in to it.
    fn registry(&mut self, repository: &Repository) {
        self.host(&self.config.access.origin(repository));
        match repository.registry.as_str() {
            "docker.io" => self.host("https://auth.docker.io"),
            "registry.gitlab.com" => self.host("https://gitlab.com"),
            _ => {}
        }
        if !self.config.access.knows(repository) {
            for (url, writes) in self.config.cloud.login_calls(&repository.registry) {
                self.call(&url, writes);
            }
        }
        if !repository.is_local() {
            self.open(format!("the token service and the storage that {} names", repository.registry));
        }
    }

    /// Writing signatures and attestations.
    fn evidence(&mut self, repository: &Repository, signing: &SigningPlan) {
        let base = format!("{}/v2/{}", self.config.access.origin(repository), repository.repository);
        self.write("POST", &format!("{base}/blobs/uploads/"));
        if signing.attestations.iter().any(|attestation| attestation.size() / 3 * 4 >= self.config.access.piece()) {
            self.write("PATCH", &format!("{base}/blobs/uploads/*"));
        }
        self.write("PUT", &format!("{base}/blobs/uploads/*"));
        self.write("PUT", &format!("{base}/manifests/*"));
    }

    /// The job's token, the certificate, the key, the log and the timestamps.
    fn signer(&mut self, signing: &SigningPlan) {
        let sigstore = &self.config.sigstore;
        if let Some(url) = sigstore.token_url() {
            self.host(url);
        }
        if let Some(KeyPlan::Kms(key)) = signing.key() {
            for (url, writes) in self.config.cloud.key_calls(key) {
                self.call(&url, writes);
            }
        }
        let keyless = signing.may_be_keyless();
        if !keyless && !signing.logs_key() {
            return;
        }
        let services = sigstore.expected_services(keyless && signing.formats.legacy);
        if let (true, Ok(fulcio)) = (keyless, services.fulcio()) {
            self.call(fulcio, false);
            self.write("POST", &join(fulcio, "/api/v2/signingCert"));
        }
        if let (true, Ok(rekor)) = (!keyless || signing.logs_keyless(), services.rekor()) {
            self.write("POST", &join(&rekor.url, rekor.version.entries_path()));
        }
        if let Ok(tsa) = services.tsa() {
            self.write("POST", tsa);
        }
        if let Some(tuf) = sigstore.services_repository() {
            self.host(&tuf);
            self.open(format!("the services that the TUF repository {tuf} names"));
        }
        // Recognises earlier signatures.
        self.trust();
    }

    /// The trusted root, where one is needed to verify.
    fn verifier(&mut self, verification: &VerificationPlan, signing: Option<&SigningPlan>) {
        let certificates = match (&verification.accept, signing) {
            (AcceptedSigner::Keys(_), _) => false,
            (AcceptedSigner::Certificate(_), _) => true,
            (AcceptedSigner::ThisRun, signing) => signing.is_some_and(|signing| signing.may_be_keyless()),
        };
        if certificates || verification.require_log == Some(true) {
            self.trust();
        }
    }

    fn trust(&mut self) {
        if let Some(tuf) = self.config.sigstore.trust_repository() {
            self.host(&tuf);
        }
    }

    fn step(&mut self, name: &str) {
        self.effects.steps.push(name.to_owned());
    }

    /// `host` or `host:port` of a URL.
    fn host(&mut self, url: &str) {
        let Ok(url) = Url::parse(url) else { return };
        let Some(host) = url.host_str() else { return };
        add(&mut self.effects.hosts, url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")));
    }

    fn write(&mut self, method: &str, url: &str) {
        self.host(url);
        add(&mut self.effects.writes, format!("{method} {url}"));
    }

    /// A request that only reads, or a POST.
    fn call(&mut self, url: &str, post: bool) {
        if post { self.write("POST", url) } else { self.host(url) }
    }

    fn open(&mut self, text: String) {
        add(&mut self.open_hosts, text);
    }
}

fn add(list: &mut Vec<String>, item: String) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn join(base: &str, path: &str) -> String {
    format!("{}{path}", base.trim().trim_end_matches('/'))
}

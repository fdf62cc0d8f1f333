//! pipe-evidence behind the command line of the Sigstore conformance suite (`docs/cli_protocol.md` there):
//!
//!     sign-bundle [--staging] [--in-toto] --identity-token T --bundle F [--trusted-root F] [--signing-config F] FILE
//!     verify-bundle [--staging] --bundle F (--certificate-identity I --certificate-oidc-issuer U | --key F)
//!                   [--trusted-root F] FILE|sha256:HEX
//!
//! Exit 0 is "signed" or "accepted", anything else is not, with the reason on standard error.
#![expect(clippy::print_stderr, reason = "a tool of tests")]

use std::collections::HashMap;
use std::process::ExitCode;

use pipe_core::http::{Client, Settings};
use pipe_evidence::find::{Evidence, Location};
use pipe_evidence::fulcio::Fulcio;
use pipe_evidence::key::{PrivateKey, PublicKey};
use pipe_evidence::rekor::Rekor;
use pipe_evidence::sign::BundleSigner;
use pipe_evidence::timestamp::TimestampAuthority;
use pipe_evidence::token::IdToken;
use pipe_evidence::trust::{ServiceOverrides, Services, SigstoreInstance, Trust};
use pipe_evidence::verify::{Authority, IdentityRule, Pattern, VerificationOptions, Verifier};
use pipe_oci::Digest;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let (mut options, mut rest) = (HashMap::new(), Vec::new());
    while let Some(arg) = args.next() {
        match arg.strip_prefix("--") {
            Some(flag @ ("staging" | "in-toto")) => drop(options.insert(flag.to_owned(), String::new())),
            Some(name) => drop(options.insert(name.to_owned(), args.next().unwrap_or_default())),
            None => rest.push(arg),
        }
    }
    let outcome = match (command.as_str(), rest.as_slice()) {
        ("verify-bundle", [what]) => verify(&options, what),
        ("sign-bundle", [file]) => sign(&options, file),
        _ => Err("usage: sign-bundle ... FILE | verify-bundle ... FILE|sha256:HEX".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn needed<'a>(options: &'a HashMap<String, String>, name: &str) -> Result<&'a String, String> {
    options.get(name).ok_or_else(|| format!("--{name} is missing"))
}

/// The given root, or the embedded one of an instance.
fn trust(options: &HashMap<String, String>) -> Result<Trust, Box<dyn std::error::Error>> {
    let config = options.get("signing-config").map(std::fs::read_to_string).transpose()?;
    match options.get("trusted-root") {
        Some(path) => Ok(Trust::from_json(&std::fs::read_to_string(path)?, config.as_deref())?),
        None if options.contains_key("staging") => Ok(Trust::embedded(SigstoreInstance::Staging)?),
        None => Ok(Trust::embedded(SigstoreInstance::PublicGood)?),
    }
}

fn verify(options: &HashMap<String, String>, what: &str) -> Outcome {
    let trust = trust(options)?;
    let authority = match options.get("key") {
        Some(path) => Authority::Keys(vec![PublicKey::from_pem(&std::fs::read_to_string(path)?)?]),
        None => Authority::Identity(Box::new(IdentityRule {
            identity: Some(Pattern::exact(needed(options, "certificate-identity")?)),
            issuer: Some(Pattern::exact(needed(options, "certificate-oidc-issuer")?)),
            ..IdentityRule::any()
        })),
    };
    let demands = VerificationOptions { log: true, sct: options.get("key").is_none() };
    let verifier = Verifier::new(authority, Some(&trust), demands)?;
    let bundle = std::fs::read(needed(options, "bundle")?)?;
    let evidence = Evidence::from_bundle(Location::File(what.to_owned()), &bundle)?;
    match Digest::parse(what) {
        Ok(digest) => verifier.verify(&digest, &evidence)?,
        Err(_) => {
            let content = std::fs::read(what)?;
            verifier.verify(&Digest::of(&content), &evidence.of_file(content))?
        }
    };
    Ok(())
}

fn sign(options: &HashMap<String, String>, file: &str) -> Outcome {
    let content = std::fs::read(file)?;
    let token = IdToken::parse(needed(options, "identity-token")?.clone().into())?;
    let trust = trust(options)?;
    let services = Services::choose(trust.signing_config(), &ServiceOverrides::default(), jiff::Timestamp::now());
    let http = Client::new(&Settings::default(), tokio_util::sync::CancellationToken::new())?;
    let signed = async {
        let key = PrivateKey::generate()?;
        let certificate = Fulcio::new(http.clone(), services.fulcio()?).certificate(&token, &key).await?;
        let rekor = services.rekor()?;
        let mut signing =
            BundleSigner::new(key).certified(certificate).logged(Rekor::new(http.clone(), &rekor.url, rekor.version));
        if let Ok(tsa) = services.tsa() {
            signing = signing.timestamped(TimestampAuthority::new(http, tsa));
        }
        let signed = if options.contains_key("in-toto") {
            signing.statement(content).await
        } else {
            signing.message(&content).await
        };
        Ok::<_, Box<dyn std::error::Error>>(signed?.to_json()?)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::fs::write(needed(options, "bundle")?, runtime.block_on(signed)?)?;
    Ok(())
}

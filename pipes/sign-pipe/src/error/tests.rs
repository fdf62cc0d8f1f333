use pipe_core::exit::Ending;
use pipe_evidence::keyless::KeylessError;
use pipe_evidence::sign::SignError;
use pipe_oci::ErrorKind;

use super::Error;

/// One of each variant, in their order. Those around other errors stand once for each advice.
fn samples() -> Vec<Error> {
    let text = |text: &str| text.to_owned();
    let registry = |kind, text: &str| Error::Registry(pipe_oci::Error::new(kind, text));
    let json = serde_json::from_str::<()>("{").unwrap_err();
    vec![
        Error::KeyFileExists { path: text("keys/cosign.key") },
        Error::KeyFileNotWritten { path: text("keys/cosign.key"), why: text("permission denied") },
        Error::KeyNotMade { why: text("no random numbers") },
        registry(ErrorKind::Unauthorized, "no credentials for reg.example, which requires them"),
        Error::OtherDigest { image: text("reg.example/app:1"), digest: text("sha256:1"), expected: text("sha256:2") },
        Error::TokenContradicted { name: "GITHUB_SHA", value: text("1"), claimed: text("2") },
        Error::TokenNotAccepted { issuer: text("https://issuer.example") },
        Error::NoSigner,
        Error::NoCertificate,
        Error::NoTimestamp,
        Error::Sigstore(KeylessError::Logged { host: text("rekor.example") }),
        Error::TrustedRoot { why: text("the trusted root can't be used") },
        Error::KmsKey { why: text("AWS kms: NotFoundException"), credentials: "AWS_ROLE_ARN or AWS_ACCESS_KEY_ID" },
        Error::NoAwsCredentials,
        Error::NoVault,
        Error::EcrLogin { host: text("reg.example"), why: text("AccessDeniedException") },
        Error::Network(text("CA_CERT holds no certificate")),
        Error::NotLookedUp(Box::new(registry(ErrorKind::Unavailable, "the referrers of reg.example/app: status 503"))),
        Error::NotSigned(Box::new(Error::NoSigner)),
        Error::Sign(SignError::Refused(text("the certificate has expired"))),
        Error::Sign(SignError::Unavailable(text("Vault: status 503"))),
        Error::Json(json),
        Error::NotAttested { attestation: "SBOM", why: text("sbom.json is not an SBOM. Check SBOM_FILE.") },
        Error::NoAuthority,
        Error::NotVerified(Box::new(registry(ErrorKind::NotFound, "the manifest of reg.example/app:1: status 404"))),
        Error::NoSignature,
        Error::OnlyAttestations,
        Error::NotAccepted { why: text("it is signed by another key"), variables: "COSIGN_PUBLIC_KEY" },
        Error::NoneAccepted {
            count: 2,
            others: text(" (1 other reason in the report)"),
            why: text("it is signed by another key"),
            variables: "COSIGN_PUBLIC_KEY",
        },
        Error::RequirementNotMet { name: text("sbom"), why: text("the SBOM lists no components. Check SBOM_FILE.") },
        Error::FileNotRead { path: text("dist/app.tgz"), why: text("permission denied") },
        Error::BundleNotWritten { path: text("dist/app.tgz.sigstore.json"), why: text("permission denied") },
        Error::NoBundle { path: text("dist/app.tgz.sigstore.json") },
        Error::BundleNotRead { path: text("dist/app.tgz.sigstore.json"), why: text("permission denied") },
        Error::FileNotAccepted { why: text("it is signed by another key"), variables: "COSIGN_PUBLIC_KEY" },
    ]
}

/// A new error without advice is seen here.
#[test]
fn each_error_ends_with_the_way_out() {
    let samples: Vec<String> = samples().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(samples.join("\n"), @r#"
    keys/cosign.key already exists and is not overwritten. Move it away, or set KEY_DIR to another directory.
    failed to write keys/cosign.key: permission denied. Set KEY_DIR to a directory that can be written.
    failed to make a key: no random numbers. Please report this at https://github.com/pipewright/pipewright/issues.
    no credentials for reg.example, which requires them. Set DOCKER_USERNAME and DOCKER_PASSWORD.
    reg.example/app:1 is sha256:1, but the digest sha256:2 was expected. Push the expected image again, or correct EXPECTED_DIGEST.
    the environment contradicts the job's token: GITHUB_SHA is "1", and the job's token says "2". Remove the line that sets GITHUB_SHA.
    the certificate authority does not accept tokens of https://issuer.example, and no signing key is configured. Set COSIGN_PRIVATE_KEY or KMS_KEY.
    the job has no identity token to sign with. Set COSIGN_PRIVATE_KEY, KMS_KEY or SIGSTORE_ID_TOKEN.
    the CERTIFICATE_ variables and REQUIRE_SCT are about certificates, and this run signs with a key. Unset them, or set SIGNING_MODE=keyless.
    a keyless signature needs a log entry or a timestamp, and TLOG_UPLOAD=false without a timestamp authority gives neither. Set TSA_URL, or remove TLOG_UPLOAD.
    Rekor at rekor.example already holds this signature but does not return its entry. Run the job again.
    the trusted root can't be used. Check TRUSTED_ROOT.
    failed to open the signing key: AWS kms: NotFoundException. Check KMS_KEY and AWS_ROLE_ARN or AWS_ACCESS_KEY_ID.
    no AWS credentials are configured. Set AWS_ROLE_ARN, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    no Vault is configured. Set VAULT_ADDR and VAULT_TOKEN.
    failed to log in to reg.example: AccessDeniedException. Check AWS_ROLE_ARN, or set DOCKER_USERNAME.
    CA_CERT holds no certificate. Check CA_CERT and HTTPS_PROXY.
    failed to look for earlier signatures: the referrers of reg.example/app: status 503. Run the job again.
    not signed: the job has no identity token to sign with. Set COSIGN_PRIVATE_KEY, KMS_KEY or SIGSTORE_ID_TOKEN.
    the certificate has expired. Run the pipe again, or check KMS_KEY.
    Vault: status 503. Run the pipe again, or check KMS_KEY.
    failed to write a document: invalid type: map, expected unit at line 1 column 0. Please report this at https://github.com/pipewright/pipewright/issues.
    SBOM not attested: sbom.json is not an SBOM. Check SBOM_FILE.
    no trusted key or identity is configured. Set COSIGN_PUBLIC_KEY or CERTIFICATE_IDENTITY.
    not verified: the manifest of reg.example/app:1: status 404. Check the name and the tag, and that DOCKER_USERNAME can read the repository.
    no signature found. Sign it first, or check SIGNATURE_REPOSITORY.
    no signature found, only attestations. To accept attestations alone, name them in REQUIRE_ATTESTATIONS.
    the one signature or attestation is not accepted: it is signed by another key. Check COSIGN_PUBLIC_KEY.
    none of 2 signatures and attestations is accepted (1 other reason in the report): it is signed by another key. Check COSIGN_PUBLIC_KEY.
    sbom is required: the SBOM lists no components. Check SBOM_FILE.
    failed to read dist/app.tgz: permission denied. Check FILES.
    failed to write the bundle dist/app.tgz.sigstore.json: permission denied. Set BUNDLE_DIR to a directory that can be written.
    no signature found: dist/app.tgz.sigstore.json does not exist. Sign the file first, or check BUNDLE_DIR.
    failed to read the bundle dist/app.tgz.sigstore.json: permission denied. Check BUNDLE_DIR.
    the signature is not accepted: it is signed by another key. Check COSIGN_PUBLIC_KEY.
    "#);
}

#[test]
fn the_list_has_every_variant() {
    let name = |error: &Error| {
        let debug = format!("{error:?}");
        debug.split(['(', ' ']).next().unwrap_or_default().to_owned()
    };
    let mut listed: Vec<String> = samples().iter().map(name).collect();
    listed.dedup();
    assert_eq!(listed.len(), include_str!("../error.rs").matches("#[error(").count(), "{listed:?}");
}

#[test]
fn a_contradiction_is_a_no_and_a_cancellation_is_an_interruption() {
    let digest = || "sha256:1".to_owned();
    let other = Error::OtherDigest { image: "app".to_owned(), digest: digest(), expected: digest() };
    assert!(matches!(Ending::from(other), Ending::Failed(_)));
    let cancelled = pipe_oci::Error::new(ErrorKind::Cancelled, "cancelled");
    assert_eq!(Ending::from(Error::Registry(cancelled)), Ending::Interrupted);
    assert_eq!(Ending::from(Error::Sigstore(KeylessError::Interrupted)), Ending::Interrupted);
    assert!(matches!(Ending::from(Error::NoSigner), Ending::Unable(_)));
}

//! Signatures and attestations of images and files: sign, store, find, verify.
//!
//! Evidence is a signature, or an attestation: a signed statement about a digest, such as its SBOM or its provenance.
//! sign-pipe creates and verifies it, and other pipes verify it before they use an image.
//!
//! ```no_run
//! use pipe_core::http::{Client, Settings};
//! use pipe_evidence::find::find;
//! use pipe_evidence::key::PrivateKey;
//! use pipe_evidence::sign::BundleSigner;
//! use pipe_evidence::statement::{Subject, payload, predicate};
//! use pipe_evidence::store;
//! use pipe_evidence::verify::{Authority, VerificationOptions, Verifier};
//! use pipe_oci::{Credentials, Reference, Registry, RegistrySettings};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let http = Client::new(&Settings::default(), tokio_util::sync::CancellationToken::new())?;
//! let registry = Registry::new(http, Credentials::default(), RegistrySettings::default());
//! let image = Reference::parse("ghcr.io/org/app:1.2.3")?;
//! let subject = registry.manifest(&image).await?.descriptor;
//!
//! // Attest an SBOM. Its bytes do not change.
//! let key = PrivateKey::from_pem(&std::fs::read_to_string("cosign.key")?.into(), Some(&"password".into()))?;
//! let public = key.public_key().clone();
//! let sbom = std::fs::read_to_string("sbom.json")?;
//! let named = Subject::new(image.repository.name_for_identity(), subject.digest.clone());
//! let statement = payload(&named, predicate::CYCLONEDX, &sbom)?;
//! let signed = BundleSigner::new(key).statement(statement).await?;
//! let bundle = signed.to_json()?.into();
//! store::attach(&registry, &image.repository, &subject, bundle, predicate::CYCLONEDX).await?;
//!
//! // Verify it later, elsewhere.
//! let options = VerificationOptions { log: false, sct: false };
//! let verifier = Verifier::new(Authority::Keys(vec![public]), None, options)?;
//! find(&registry, &image.repository, &subject.digest, |location, evidence| match evidence {
//!     Ok(evidence) => match verifier.verify(&subject.digest, &evidence) {
//!         Ok(verified) => println!("{location}: {}", verified.content.predicate_type()),
//!         Err(refusal) => println!("{location}: not accepted: {refusal}"),
//!     },
//!     Err(why) => println!("{location}: {why}"),
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Signing
//!
//! A [`sign::Signer`] is a key in memory ([`key::PrivateKey`]) or in a key management service ([`kms`]). A
//! [`sign::BundleSigner`] adds the proofs to each signature: a certificate ([`fulcio`]), an entry in a transparency log
//! ([`rekor`]), a timestamp ([`timestamp`]).
//!
//! Keyless signing uses a new key for each run, with a certificate that Fulcio issues for the identity token of the CI job
//! ([`token`], [`github`]). The services and the trusted keys come from files, from a TUF repository, or from this release
//! ([`trust`]). [`keyless`] holds what requests to all services have in common.
//!
//! # Formats
//!
//! The signed document is an in-toto statement ([`statement`]). It is stored in a Sigstore bundle of version 0.3 that refers
//! to the image, as cosign 3 does, or in the tags of cosign 2 ([`legacy`]). [`store`] writes both. [`find::find`] reads both.
//! It opens every referrer and passes on one piece of evidence after another, so that large ones are not in memory at the
//! same time.
//!
//! # Verification
//!
//! A [`verify::Verifier`] has a [`verify::Authority`]: keys, or a rule for certificates. It returns the content, the signer
//! and the time, or one [`verify::Refusal`] with the first reason against the evidence. It needs no network. Evidence that
//! is damaged, about another digest, or without a required proof is never accepted. [`policy`] decides whether verified
//! attestations say what is required.
//!
//! # Errors
//!
//! Requests to registries return [`pipe_oci::Error`], requests to the services of Sigstore [`keyless::KeylessError`]. Keys
//! and certificates have errors of their modules. No message contains a secret. Messages are fragments that end with the
//! variable or the command that resolves the problem.
//!
//! # Libraries
//!
//! The crates of the sigstore organisation verify bundles, certificates and TUF metadata. Only this crate uses them. Its
//! interface shows none of their types but [`trust::SigstoreInstance`], the documents in [`trust::Trust`] and the claims of
//! a certificate.

#![deny(missing_docs)]

pub mod certificate;
pub mod find;
pub mod fulcio;
pub mod github;
pub mod key;
pub mod keyless;
pub mod kms;
pub mod legacy;
pub mod memory;
pub mod policy;
pub mod rekor;
pub mod sbom;
pub mod sign;
pub mod statement;
pub mod store;
pub mod timestamp;
pub mod token;
pub mod trust;
pub mod verify;

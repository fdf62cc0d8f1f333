//! Signatures and attestations of images and files: made, stored, found and verified.
//!
//! ```no_run
//! use pipe_core::http::{Client, Settings};
//! use pipe_evidence::find::find;
//! use pipe_evidence::key::PrivateKey;
//! use pipe_evidence::sign::BundleSigner;
//! use pipe_evidence::statement::{Statement, Subject, predicate};
//! use pipe_evidence::store;
//! use pipe_evidence::verify::{Authority, VerificationOptions, Verifier};
//! use pipe_oci::{Credentials, Reference, Registry, RegistrySettings};
//! use serde_json::value::RawValue;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let http = Client::new(&Settings::default(), tokio_util::sync::CancellationToken::new())?;
//! let registry = Registry::new(http, Credentials::default(), RegistrySettings::default());
//! let image = Reference::parse("ghcr.io/org/app:1.2.3")?;
//! let subject = registry.resolve(&image).await?;
//!
//! // Attest an SBOM, byte for byte as it is.
//! let key = PrivateKey::from_pem(&std::fs::read_to_string("cosign.key")?.into(), Some(&"password".into()))?;
//! let public = key.public_key().clone();
//! let sbom = RawValue::from_string(std::fs::read_to_string("sbom.json")?)?;
//! let named = Subject::new(image.repository.name_for_identity(), subject.digest.clone());
//! let statement = Statement::new(named, predicate::CYCLONEDX, sbom);
//! let signed = BundleSigner::new(key).statement(statement.to_bytes()?).await?;
//! let bundle = signed.to_json()?.into();
//! store::attach(&registry, &image.repository, &subject, bundle, predicate::CYCLONEDX).await?;
//!
//! // Somebody else, later.
//! let demands = VerificationOptions { log: false, sct: false };
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
//! A [`sign::Signer`] is a key in memory ([`key::PrivateKey`]) or one that a service keeps ([`kms`]). [`sign::BundleSigner`] adds what
//! bears witness to its signatures: a certificate ([`fulcio`]), a transparency log ([`rekor`]), a timestamp authority
//! ([`timestamp`]). Keyless signing is a fresh key with a certificate for a job's token ([`token`]); which services to ask,
//! and whom to trust, comes from a file, from a TUF repository or from this release ([`trust`]).
//!
//! # Forms
//!
//! What is signed is an in-toto statement ([`statement`]) in a Sigstore bundle of version 0.3 that refers to the image, as
//! cosign 3 has it, or else cosign 2's payloads at tags ([`legacy`]). [`store`] writes either; [`find::find`] reads both,
//! opens every referrer, and hands over one piece of evidence after another, so that large ones need not be in memory at
//! the same time.
//!
//! # Verifying
//!
//! A [`verify::Verifier`] has an [`verify::Authority`], keys or a rule for certificates, and answers with what was said, by
//! whom and when, or with the one [`verify::Refusal`] that says why not. It needs no network. [`policy`] judges what
//! verified attestations say.
//!
//! All crates of the sigstore organisation are used in here and are no part of this interface, but for
//! [`trust::SigstoreInstance`] and the claims of a certificate.

pub mod certificate;
pub mod find;
pub mod fulcio;
pub mod github;
pub mod key;
pub mod keyless;
pub mod kms;
pub mod legacy;
pub mod policy;
pub mod rekor;
pub mod sign;
pub mod statement;
pub mod store;
pub mod timestamp;
pub mod token;
pub mod trust;
pub mod verify;

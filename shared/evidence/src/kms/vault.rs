//! HashiCorp Vault's transit engine, and OpenBao's.
//!
//! Source: the engine's API documentation, "Read key" and "Sign data".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::http::{Client, HttpError, Kind, Request};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::signature::{checked, digest};
use crate::key::{Algorithm, PublicKey};
use crate::sign::{SignError, SignatureFuture, Signer};

/// A server with the token for it.
#[derive(Clone)]
pub struct Vault {
    http: Client,
    address: String,
    token: SecretString,
    /// The path of the transit engine: `transit`.
    mount: String,
}

/// A key of the engine, in the version that was the newest when it was opened. Later rotations do not change it.
pub struct VaultKey {
    vault: Vault,
    key: String,
    version: u64,
    public: PublicKey,
}

impl Vault {
    /// Vault at `address`, with the transit engine mounted at `mount`. Nothing is requested yet.
    pub fn new(http: Client, address: &str, token: SecretString, mount: &str) -> Vault {
        let address = address.trim_end_matches('/').to_owned();
        Vault { http, address, token, mount: mount.trim_matches('/').to_owned() }
    }

    async fn ask(&self, request: Request) -> Result<Value, SignError> {
        let response = self.http.send(request.secret_header("x-vault-token", &self.token).idempotent()).await;
        let response = response.map_err(|error| failed(&error))?;
        let answer: Value = response
            .json()
            .map_err(|_| SignError::Unavailable("Vault: the response is not JSON. Check VAULT_ADDR.".to_owned()))?;
        Ok(answer["data"].clone())
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/v1/{}/{rest}", self.address, self.mount)
    }
}

impl VaultKey {
    /// Reads the public half of the newest version of `key`.
    ///
    /// # Errors
    /// [`SignError::Refused`] if Vault refuses or the type of the key is not supported, [`SignError::Unavailable`] if it
    /// does not answer.
    pub async fn open(vault: Vault, key: &str) -> Result<VaultKey, SignError> {
        let data = vault.ask(Request::get(&vault.url(&format!("keys/{key}")))).await?;
        let unsupported = || {
            SignError::Refused(format!(
                "Vault: the type of the key {key} is not supported. Set KMS_KEY to a P-256, P-384, Ed25519 or RSA key."
            ))
        };
        let version = data["latest_version"].as_u64().ok_or_else(unsupported)?;
        let public = data["keys"][version.to_string()]["public_key"].as_str().ok_or_else(unsupported)?;
        let public = match data["type"].as_str() {
            // The key alone, in base64.
            Some("ed25519") => STANDARD.decode(public).ok().and_then(|raw| PublicKey::from_ed25519(&raw)),
            _ => PublicKey::from_pem(public).ok(),
        };
        Ok(VaultKey { key: key.to_owned(), version, public: public.ok_or_else(unsupported)?, vault })
    }

    async fn request(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let (path, body) = match self.public.algorithm() {
            Algorithm::Ed25519 => {
                (String::new(), json!({ "input": STANDARD.encode(message), "key_version": self.version }))
            }
            other => {
                let hash = if other == Algorithm::EcdsaP384 { "/sha2-384" } else { "/sha2-256" };
                let body = json!({
                    "input": STANDARD.encode(digest(other, message)),
                    "key_version": self.version,
                    "prehashed": true,
                    "marshaling_algorithm": "asn1",
                    "signature_algorithm": "pkcs1v15",
                });
                (hash.to_owned(), body)
            }
        };
        let url = self.vault.url(&format!("sign/{}{path}", self.key));
        let data = self.vault.ask(Request::post(&url).json(&body)).await?;
        // `vault:v1:MEUC...`
        let signature = data["signature"].as_str().and_then(|text| STANDARD.decode(text.rsplit(':').next()?).ok());
        let signature = signature.ok_or_else(|| {
            SignError::Unavailable("Vault: the response has no signature. Check VAULT_ADDR.".to_owned())
        })?;
        checked(&self.public, message, signature)
    }
}

impl Signer for VaultKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
        Box::pin(self.request(message))
    }
}

fn failed(error: &HttpError) -> SignError {
    let text = error.explain();
    let text = text.trim_end_matches('.');
    match error.kind() {
        Kind::Status { status: 400 | 403 | 404, .. } => {
            SignError::Refused(format!("Vault: {text}. Check KMS_KEY, VAULT_TOKEN and VAULT_TRANSIT_PATH."))
        }
        _ => SignError::Unavailable(format!("Vault: {text}. Check VAULT_ADDR.")),
    }
}

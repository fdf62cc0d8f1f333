//! AWS KMS.
//!
//! Source: the service's API reference, `GetPublicKey` and `Sign`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::aws::{Aws, AwsError};
use serde_json::{Value, json};

use super::signature::{checked, digest};
use crate::key::{Algorithm, PublicKey};
use crate::sign::{SignError, SignatureFuture, Signer};

/// The most bytes of a message that the service accepts and hashes itself (`Sign`, parameter `Message`).
const MAX_RAW_MESSAGE: usize = 4096;

/// An asymmetric key for signing.
pub struct AwsKey {
    aws: Aws,
    key: String,
    public: PublicKey,
}

impl AwsKey {
    /// Reads the public half of `key`: an id, `alias/NAME`, or an ARN.
    ///
    /// # Errors
    /// [`SignError::Refused`] if AWS refuses or the key is not for signing, [`SignError::Unavailable`] if AWS does not
    /// answer.
    pub async fn open(aws: Aws, key: &str) -> Result<AwsKey, SignError> {
        let answer = aws.call("kms", "TrentService.GetPublicKey", &json!({ "KeyId": key })).await.map_err(failed)?;
        if answer["KeyUsage"] != "SIGN_VERIFY" {
            return Err(SignError::Refused(format!(
                "the key {key} is not for signing. Set KMS_KEY to a key with the usage SIGN_VERIFY."
            )));
        }
        let public = bytes(&answer["PublicKey"]).and_then(|der| PublicKey::from_der(der).ok());
        let public = public.ok_or_else(|| {
            SignError::Refused(format!(
                "the type of the key {key} is not supported. Set KMS_KEY to a P-256, P-384, Ed25519 or RSA key."
            ))
        })?;
        Ok(AwsKey { aws, key: key.to_owned(), public })
    }

    async fn request(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let algorithm = match self.public.algorithm() {
            Algorithm::EcdsaP256 => "ECDSA_SHA_256",
            Algorithm::EcdsaP384 => "ECDSA_SHA_384",
            Algorithm::Rsa => "RSASSA_PKCS1_V1_5_SHA_256",
            // Of longer messages the service signs no digest.
            Algorithm::Ed25519 => "ED25519_SHA_512",
        };
        let (kind, message_or_digest) = match self.public.algorithm() {
            other if message.len() > MAX_RAW_MESSAGE && other != Algorithm::Ed25519 => {
                ("DIGEST", digest(other, message))
            }
            _ => ("RAW", message.to_vec()),
        };
        let body = json!({
            "KeyId": self.key,
            "Message": STANDARD.encode(message_or_digest),
            "MessageType": kind,
            "SigningAlgorithm": algorithm,
        });
        let answer = self.aws.call("kms", "TrentService.Sign", &body).await.map_err(failed)?;
        let signature = bytes(&answer["Signature"]).ok_or_else(|| {
            SignError::Unavailable("AWS kms: the response has no signature. Run the job again.".to_owned())
        })?;
        checked(&self.public, message, signature)
    }
}

impl Signer for AwsKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
        Box::pin(self.request(message))
    }
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok()
}

fn failed(error: AwsError) -> SignError {
    match error {
        AwsError::Refused { .. } => SignError::Refused(error.to_string()),
        AwsError::Unavailable { .. } => SignError::Unavailable(error.to_string()),
    }
}

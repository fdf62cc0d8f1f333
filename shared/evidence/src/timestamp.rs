//! Timestamps of an authority (RFC 3161), requested over HTTP (section 3.4).

use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{Int, OctetString};
use der::oid::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use pipe_core::http::{Client, Request};
use sha2::{Digest as _, Sha256};
use sigstore_types::TimestampToken;
use x509_cert::spki::AlgorithmIdentifier;
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

use crate::keyless::{Endpoint, KeylessError, Service};
use pipe_core::text::line_excerpt;

const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// The most bytes of a response that are read.
const MAX_ANSWER: u64 = 256 * 1024;

/// An authority at its complete URL, such as `https://timestamp.sigstore.dev/api/v1/timestamp`.
#[derive(Debug, Clone)]
pub struct TimestampAuthority {
    endpoint: Endpoint,
}

impl TimestampAuthority {
    /// The authority at `url`. Nothing is requested yet.
    pub fn new(http: Client, url: &str) -> TimestampAuthority {
        TimestampAuthority { endpoint: Endpoint::new(Service::TimestampAuthority, http, url) }
    }

    /// Requests a timestamp for a signature: a signed statement that these bytes exist now. The result is the complete
    /// response, which bundles contain. The hash and the nonce are checked here. The signature of the authority is
    /// verified by [`crate::verify`] with the trusted root.
    ///
    /// # Errors
    /// [`KeylessError::Refused`], [`KeylessError::Unavailable`], or [`KeylessError::Malformed`] for a timestamp of
    /// another request.
    pub(crate) async fn timestamp(&self, signature: &[u8]) -> Result<TimestampToken, KeylessError> {
        let imprint = imprint(signature);
        let nonce = nonce();
        let (Some(imprint), Some(nonce)) = (imprint, nonce) else {
            return Err(KeylessError::Unsupported("no randomness is available".to_owned()));
        };
        let query = TimeStampReq {
            version: TspVersion::V1,
            message_imprint: imprint.clone(),
            req_policy: None,
            nonce: Some(nonce.clone()),
            cert_req: true,
            extensions: None,
        };
        let query = query.to_der().map_err(|error| KeylessError::Unsupported(error.to_string()))?;
        let request = Request::post(&self.endpoint.url(""))
            .body("application/timestamp-query", query)
            .header("Accept", "application/timestamp-reply")
            .idempotent()
            .max_body(MAX_ANSWER);
        let response = self.endpoint.send(request, None).await?;
        match read(&response.body) {
            Ok(info) if info.message_imprint.hashed_message != imprint.hashed_message => {
                Err(self.endpoint.malformed("the timestamp is for another signature"))
            }
            Ok(info) if info.message_imprint.hash_algorithm.oid != SHA256 => {
                Err(self.endpoint.malformed("the timestamp uses another hash"))
            }
            Ok(info) if info.nonce != Some(nonce) => {
                Err(self.endpoint.malformed("the timestamp is for another request"))
            }
            Ok(_) => Ok(TimestampToken::new(response.body)),
            Err(Unread::Refused(reason)) => Err(self.endpoint.refused(reason)),
            Err(Unread::Malformed(what)) => Err(self.endpoint.malformed(what)),
        }
    }
}

enum Unread {
    Refused(String),
    Malformed(String),
}

fn read(answer: &[u8]) -> Result<TstInfo, Unread> {
    let malformed = |error: der::Error| Unread::Malformed(format!("not a timestamp: {error}"));
    let answer = TimeStampResp::from_der(answer).map_err(malformed)?;
    let status = answer.status.status as u32;
    // granted, and granted with modifications
    if status > 1 {
        let texts = answer.status.status_string.unwrap_or_default();
        let texts: Vec<String> = texts.iter().map(|text| plain(text.as_str())).collect();
        let text = if texts.is_empty() { String::new() } else { format!("{} ", texts.join(", ")) };
        return Err(Unread::Refused(format!("{text}(PKI status {status})")));
    }
    let token: ContentInfo =
        answer.time_stamp_token.ok_or_else(|| Unread::Malformed("it has no timestamp".to_owned()))?;
    if token.content_type != SIGNED_DATA {
        return Err(Unread::Malformed("the timestamp is not signed".to_owned()));
    }
    let signed: SignedData = token.content.decode_as().map_err(malformed)?;
    let content = signed.encap_content_info;
    match content.econtent {
        Some(info) if content.econtent_type == TST_INFO => {
            let info: OctetString = info.decode_as().map_err(malformed)?;
            TstInfo::from_der(info.as_bytes()).map_err(malformed)
        }
        _ => Err(Unread::Malformed("the signed data is not a timestamp".to_owned())),
    }
}

fn imprint(signature: &[u8]) -> Option<MessageImprint> {
    let hashed_message = OctetString::new(Sha256::digest(signature).to_vec()).ok()?;
    Some(MessageImprint { hash_algorithm: AlgorithmIdentifier { oid: SHA256, parameters: None }, hashed_message })
}

/// A random number of 62 bits. It begins with 01 in bits, so that its DER is as short as can be, and positive.
fn nonce() -> Option<Int> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Int::new(&bytes).ok()
}

/// On one line, and at most 200 characters.
fn plain(text: &str) -> String {
    line_excerpt(text, 200)
}

#[cfg(test)]
mod tests;

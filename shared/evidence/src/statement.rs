//! in-toto statements (in-toto Attestation Framework, "Statement" 1.0): claims about digests.

use pipe_oci::Digest;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The media type of statements in DSSE envelopes.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The version of statements that is written; [`Statement::parse`] reads 0.1 too.
const TYPE: &str = "https://in-toto.io/Statement/v1";

const TYPE_0_1: &str = "https://in-toto.io/Statement/v0.1";

/// The predicate types that have a short name.
pub mod predicate {
    /// A signature in the form of cosign 3: a statement with an empty predicate.
    pub const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
    /// A CycloneDX SBOM.
    pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
    /// An SPDX SBOM.
    pub const SPDX: &str = "https://spdx.dev/Document";
    /// SLSA provenance 1.0.
    pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
    /// SLSA provenance 0.2.
    pub const PROVENANCE_0_2: &str = "https://slsa.dev/provenance/v0.2";
    /// The result of a vulnerability scan (cosign's `COSIGN_VULN_ATTESTATION_SPEC.md`).
    pub const VULNERABILITIES: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
    /// An OpenVEX document.
    pub const OPENVEX: &str = "https://openvex.dev/ns";
    /// An in-toto link.
    pub const LINK: &str = "https://in-toto.io/Link/v1";
    /// Any other document (cosign's custom predicate).
    pub const CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";

    /// The short names of cosign, and those that its users expect.
    const NAMES: [(&str, &str); 11] = [
        ("cyclonedx", CYCLONEDX),
        ("spdx", SPDX),
        ("spdxjson", SPDX),
        ("slsaprovenance", PROVENANCE_0_2),
        ("slsaprovenance02", PROVENANCE_0_2),
        ("slsaprovenance1", PROVENANCE),
        ("vuln", VULNERABILITIES),
        ("openvex", OPENVEX),
        ("link", LINK),
        ("custom", CUSTOM),
        ("signature", SIGNATURE),
    ];

    /// The URI of a short name, or the URI itself. `None` for an unknown name.
    pub fn uri(name: &str) -> Option<&str> {
        let known = NAMES.iter().find(|(short, _)| *short == name).map(|(_, uri)| *uri);
        known.or_else(|| name.contains(':').then_some(name))
    }

    /// The short name of a URI, or the URI itself if it has none.
    pub fn name(uri: &str) -> &str {
        let last = |(_, known): &&(&str, &str)| *known == uri;
        NAMES.iter().find(last).map_or(uri, |(short, _)| short)
    }
}

/// A statement as in an envelope. The predicate keeps its bytes.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The digests that it is about.
    pub subjects: Vec<Subject>,
    /// The type of the predicate, a URI.
    pub predicate_type: String,
    /// The predicate, byte for byte.
    pub predicate: Box<RawValue>,
}

/// A digest that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// `host/repository` for images, the name of a file for files. It may be empty.
    pub name: String,
    /// The digest of the image or the file.
    pub digest: Digest,
    /// The annotations of a signature. Empty for attestations.
    pub annotations: Map<String, Value>,
}

impl Subject {
    /// A subject without annotations.
    pub fn new(name: impl Into<String>, digest: Digest) -> Subject {
        Subject { name: name.into(), digest, annotations: Map::new() }
    }
}

impl Statement {
    /// Reads a payload. Digests other than SHA-256 and SHA-512 are left out.
    ///
    /// # Errors
    /// The reason why it is not a statement of version 0.1 or 1, as a fragment.
    pub fn parse(payload: &[u8]) -> Result<Statement, String> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(rename = "_type")]
            kind: String,
            #[serde(default)]
            subject: Vec<WireSubject>,
            #[serde(rename = "predicateType")]
            predicate_type: String,
            predicate: Option<Box<RawValue>>,
        }
        #[derive(Deserialize)]
        struct WireSubject {
            #[serde(default)]
            name: String,
            digest: Map<String, Value>,
            #[serde(default)]
            annotations: Option<Map<String, Value>>,
        }
        let wire: Wire =
            serde_json::from_slice(payload).map_err(|_| "the payload is not an in-toto statement".to_owned())?;
        if wire.kind != TYPE && wire.kind != TYPE_0_1 {
            return Err(format!("the type of the payload is {:?}, expected an in-toto statement", wire.kind));
        }
        let subjects = wire.subject.into_iter().flat_map(|subject| {
            let digests: Vec<Digest> = subject
                .digest
                .iter()
                .filter_map(|(algorithm, hex)| Digest::parse(&format!("{algorithm}:{}", hex.as_str()?)).ok())
                .collect();
            digests.into_iter().map(move |digest| Subject {
                name: subject.name.clone(),
                digest,
                annotations: subject.annotations.clone().unwrap_or_default(),
            })
        });
        let predicate = match wire.predicate {
            Some(predicate) => predicate,
            None => RawValue::from_string("null".to_owned()).map_err(|error| error.to_string())?,
        };
        Ok(Statement { subjects: subjects.collect(), predicate_type: wire.predicate_type, predicate })
    }

    /// Whether one of the subjects has this digest.
    pub(crate) fn is_about(&self, digest: &Digest) -> bool {
        self.subjects.iter().any(|subject| subject.digest == *digest)
    }
}

/// The payload of an envelope: a statement about one subject. `predicate` is a JSON document, which keeps its bytes. It may
/// be large and is not read again here.
///
/// # Errors
/// Serialization failed.
pub fn payload(subject: &Subject, predicate_type: &str, predicate: &str) -> serde_json::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Head<'a> {
        #[serde(rename = "_type")]
        kind: &'static str,
        subject: [&'a Subject; 1],
        #[serde(rename = "predicateType")]
        predicate_type: &'a str,
    }
    const PREDICATE: &[u8] = b",\"predicate\":";
    let mut payload = serde_json::to_vec(&Head { kind: TYPE, subject: [subject], predicate_type })?;
    // The last member goes before the closing brace.
    payload.pop();
    payload.reserve_exact(PREDICATE.len() + predicate.len() + 1);
    payload.extend_from_slice(PREDICATE);
    payload.extend_from_slice(predicate.as_bytes());
    payload.push(b'}');
    Ok(payload)
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut subject = serializer.serialize_map(None)?;
        if !self.name.is_empty() {
            subject.serialize_entry("name", &self.name)?;
        }
        subject.serialize_entry("digest", &serde_json::json!({ self.digest.algorithm(): self.digest.hex() }))?;
        if !self.annotations.is_empty() {
            subject.serialize_entry("annotations", &self.annotations)?;
        }
        subject.end()
    }
}

#[cfg(test)]
mod tests {
    use pipe_oci::Digest;
    use serde_json::json;

    use super::{Statement, Subject, payload, predicate};

    #[test]
    fn a_predicate_keeps_its_bytes() {
        let subject = Subject {
            annotations: [("a \"b\"".to_owned(), json!("c"))].into_iter().collect(),
            ..Subject::new("reg.example/app", Digest::of(b"image"))
        };
        for document in ["{}", "null", " {\"b\" : [1e400, \"\\ud800\"],\n\"b\":2}"] {
            let payload = payload(&subject, predicate::CUSTOM, document).unwrap();
            let read = Statement::parse(&payload).unwrap();
            assert_eq!(read.predicate.get(), document.trim());
            assert_eq!((read.predicate_type.as_str(), read.subjects), (predicate::CUSTOM, vec![subject.clone()]));
        }
    }
}

//! in-toto statements: what is said of which digests.

use pipe_oci::Digest;
use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The media type of statements in DSSE envelopes.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The version of statements that is written; [`Statement::parse`] reads 0.1 too.
const TYPE: &str = "https://in-toto.io/Statement/v1";

const TYPE_0_1: &str = "https://in-toto.io/Statement/v0.1";

/// The predicate types with a name, each in the field's spelling.
pub mod predicate {
    /// A signature as cosign 3 makes it: a statement that says no more than that the subject was signed.
    pub const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
    pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
    pub const SPDX: &str = "https://spdx.dev/Document";
    pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
    pub const PROVENANCE_0_2: &str = "https://slsa.dev/provenance/v0.2";
    pub const VULNERABILITIES: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
    pub const OPENVEX: &str = "https://openvex.dev/ns";
    pub const LINK: &str = "https://in-toto.io/Link/v1";
    pub const CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";

    /// cosign's short names, and its users' habits.
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

    /// The URI that a short name stands for, or the URI itself.
    pub fn uri(name: &str) -> Option<&str> {
        let known = NAMES.iter().find(|(short, _)| *short == name).map(|(_, uri)| *uri);
        known.or_else(|| name.contains(':').then_some(name))
    }

    /// The short name of a URI, for people.
    pub fn name(uri: &str) -> &str {
        let last = |(_, known): &&(&str, &str)| *known == uri;
        NAMES.iter().find(last).map_or(uri, |(short, _)| short)
    }
}

/// A statement, as it is in an envelope. The predicate is kept as it was written.
#[derive(Debug, Clone)]
pub struct Statement {
    pub subjects: Vec<Subject>,
    pub predicate_type: String,
    pub predicate: Box<RawValue>,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// `host/repository` for images, a file's name for files; may be empty.
    pub name: String,
    pub digest: Digest,
    /// Annotations of a signature.
    pub annotations: Map<String, Value>,
}

impl Subject {
    pub fn new(name: impl Into<String>, digest: Digest) -> Subject {
        Subject { name: name.into(), digest, annotations: Map::new() }
    }
}

impl Statement {
    /// `predicate` stays byte for byte what it is.
    pub fn new(subject: Subject, predicate_type: &str, predicate: Box<RawValue>) -> Statement {
        Statement { subjects: vec![subject], predicate_type: predicate_type.to_owned(), predicate }
    }

    /// The payload of an envelope.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// Reads a payload; digests of kinds that no registry uses are passed over.
    ///
    /// # Errors
    /// No statement of version 0.1 or 1, in words.
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
            serde_json::from_slice(payload).map_err(|_| "the payload is no in-toto statement".to_owned())?;
        if wire.kind != TYPE && wire.kind != TYPE_0_1 {
            return Err(format!("the payload is a {:?}, not an in-toto statement", wire.kind));
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

    pub fn is_about(&self, digest: &Digest) -> bool {
        self.subjects.iter().any(|subject| subject.digest == *digest)
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut statement = serializer.serialize_map(Some(4))?;
        statement.serialize_entry("_type", TYPE)?;
        statement.serialize_entry("subject", &self.subjects)?;
        statement.serialize_entry("predicateType", &self.predicate_type)?;
        statement.serialize_entry("predicate", &self.predicate)?;
        statement.end()
    }
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

//! Private keys in files that are no text: key stores and keys in DER, by name and by their first bytes.

use std::path::Path;
use std::sync::Arc;

use pipe_core::severity::Severity;
use sha2::{Digest, Sha256};

use super::remedy::{NAME, remedy};
use crate::finding::{self, Container, Finding, Kind, Location, Precision, Rule, Span, Status};
use crate::source::Entry;
use crate::words::pascal;

/// A kind of file that holds a private key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyStore {
    id: &'static str,
    title: &'static str,
    severity: Severity,
    doc: &'static str,
}

const PRIVATE_KEY: KeyStore = KeyStore {
    id: "private-key-der",
    title: "Private key in DER",
    severity: Severity::Critical,
    doc: "https://www.rfc-editor.org/rfc/rfc5958",
};
const ENCRYPTED_KEY: KeyStore = KeyStore {
    id: "private-key-der-encrypted",
    title: "Private key in DER, encrypted with a passphrase",
    severity: Severity::Medium,
    doc: "https://www.rfc-editor.org/rfc/rfc5958",
};
const PKCS12: KeyStore = KeyStore {
    id: "pkcs12-key-store",
    title: "Key store (PKCS #12)",
    severity: Severity::High,
    doc: "https://www.rfc-editor.org/rfc/rfc7292",
};
const JAVA: KeyStore = KeyStore {
    id: "java-key-store",
    title: "Key store of Java",
    severity: Severity::High,
    doc: "https://docs.oracle.com/en/java/javase/21/docs/specs/man/keytool.html",
};
const KEYTAB: KeyStore = KeyStore {
    id: "kerberos-keytab",
    title: "Keys of Kerberos (keytab)",
    severity: Severity::High,
    doc: "https://web.mit.edu/kerberos/krb5-latest/doc/basic/keytab_def.html",
};
const PASSWORDS: KeyStore = KeyStore {
    id: "password-database",
    title: "Password database",
    severity: Severity::Medium,
    doc: "https://keepass.info/help/kb/kdbx.html",
};
const BLOB: KeyStore = KeyStore {
    id: "private-key-blob",
    title: "Private key of Windows (PVK or strong name)",
    severity: Severity::Medium,
    doc: "https://learn.microsoft.com/windows/win32/seccrypto/base-provider-key-blobs",
};
const OPENPGP: KeyStore = KeyStore {
    id: "openpgp-secret-key",
    title: "Secret key of OpenPGP",
    severity: Severity::High,
    doc: "https://www.rfc-editor.org/rfc/rfc9580",
};

/// What the file at `path` is. `content` is its beginning, or all of it, `size` its bytes.
pub(super) fn find(path: &str, content: &[u8], size: u64, is_text: bool) -> Option<&'static KeyStore> {
    by_content(path, content, size).or_else(|| by_name(path).filter(|_| !is_text && !content.is_empty()))
}

fn by_content(path: &str, content: &[u8], size: u64) -> Option<&'static KeyStore> {
    match content {
        [0x30, ..] => der(content, size),
        // JKS and JCEKS.
        [0xFE, 0xED, 0xFE, 0xED, rest @ ..] | [0xCE, 0xCE, 0xCE, 0xCE, rest @ ..] => holds_a_key(rest).then_some(&JAVA),
        [0x05, 0x01 | 0x02, ..] if has_end(path, &["keytab"]) => Some(&KEYTAB),
        [0x03, 0xD9, 0xA2, 0x9A, 0x65..=0x67, 0xFB, 0x4B, 0xB5, ..] => Some(&PASSWORDS),
        // `kych`: a keychain of macOS.
        [b'k', b'y', b'c', b'h', 0, ..] => Some(&PASSWORDS),
        [0x1E, 0xF1, 0xB5, 0xB0, ..] => Some(&BLOB),
        [0x07, 0x02, 0, 0, _, _, 0, 0, b'R', b'S', b'A', b'2', ..] => Some(&BLOB),
        // A packet of tag 5, version 4 or 6: a transferable secret key.
        [0x94, _, 4 | 6, ..]
        | [0x95, _, _, 4 | 6, ..]
        | [0x96, _, _, _, _, 4 | 6, ..]
        | [0xC5, _, 4 | 6, ..]
        | [0xC5, _, _, 4 | 6, ..]
            if has_end(path, &["gpg", "pgp", "skr", "key", "sec"]) =>
        {
            Some(&OPENPGP)
        }
        _ => None,
    }
}

/// Names that say so. What is in these files is encrypted or of many versions.
fn by_name(path: &str) -> Option<&'static KeyStore> {
    let ends: [(&[&str], &KeyStore); 4] = [
        (&["p12", "pfx", "pkcs12"], &PKCS12),
        (&["jceks", "bks", "bcfks", "ubr", "keystore"], &JAVA),
        (&["kdbx", "kdb", "keychain", "keychain-db"], &PASSWORDS),
        (&["pvk"], &BLOB),
    ];
    ends.into_iter().find(|(ends, _)| has_end(path, ends)).map(|(_, store)| store)
}

fn has_end(path: &str, ends: &[&str]) -> bool {
    let path = Path::new(path);
    let end = path.extension().or(path.file_name()).and_then(|end| end.to_str()).unwrap_or_default();
    ends.iter().any(|known| end.eq_ignore_ascii_case(known))
}

/// Whether a Java key store has an entry that is not a certificate. One that can't be read to its end may have.
fn holds_a_key(after_magic: &[u8]) -> bool {
    fn skip<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = bytes.split_at_checked(count)?;
        *bytes = rest;
        Some(taken)
    }
    let number = |bytes: &[u8]| bytes.iter().fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
    let only_certificates = || {
        let mut rest = after_magic;
        let version = number(skip(&mut rest, 4)?);
        let entries = number(skip(&mut rest, 4)?);
        for _ in 0..entries {
            if number(skip(&mut rest, 4)?) != 2 {
                return None;
            }
            let alias = number(skip(&mut rest, 2)?);
            skip(&mut rest, alias + 8)?;
            if version == 2 {
                let kind = number(skip(&mut rest, 2)?);
                skip(&mut rest, kind)?;
            }
            let certificate = number(skip(&mut rest, 4)?);
            skip(&mut rest, certificate)?;
        }
        Some(())
    };
    only_certificates().is_none()
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// A sequence that fills the file and begins as a private key or a PKCS #12 store does.
fn der(content: &[u8], size: u64) -> Option<&'static KeyStore> {
    let (outer, length) = element(content)?;
    // A line end may follow. BER gives no length.
    let fills = length.is_none_or(|length| length as u64 <= size && size - length as u64 <= 2);
    let mut inner = outer.content;
    let first = next(&mut inner)?;
    let second = next(&mut inner)?;
    let has_id = |sequence: &Element<'_>, id: &[u8]| {
        sequence.tag == SEQUENCE
            && element(sequence.content)
                .is_some_and(|(first, _)| first.tag == OBJECT_ID && first.content.starts_with(id))
    };
    // 1.2.840.113549.1.7: data of PKCS #7.
    if first.is_number(3) && has_id(&second, b"\x2A\x86\x48\x86\xF7\x0D\x01\x07") {
        return Some(&PKCS12);
    }
    if !fills {
        return None;
    }
    let third = next(&mut inner);
    let is = |element: &Option<Element<'_>>, tag| element.as_ref().is_some_and(|element| element.tag == tag);
    // PKCS #8, then SEC 1, then PKCS #1 and DSA: five numbers and more after the version.
    if (first.is_number(0) || first.is_number(1)) && has_id(&second, b"") && is(&third, OCTETS) {
        return Some(&PRIVATE_KEY);
    }
    if first.is_number(1) && second.tag == OCTETS && second.content.len() >= 16 {
        return Some(&PRIVATE_KEY);
    }
    let is_long = second.tag == INTEGER && second.content.len() >= 32;
    if first.is_number(0) && is_long && is(&third, INTEGER) && is(&next(&mut inner), INTEGER) {
        return Some(&PRIVATE_KEY);
    }
    // Schemes of PKCS #5 and #12 that encrypt by a password.
    let encrypted = [b"\x2A\x86\x48\x86\xF7\x0D\x01\x05".as_slice(), b"\x2A\x86\x48\x86\xF7\x0D\x01\x0C"];
    (encrypted.iter().any(|id| has_id(&first, id)) && second.tag == OCTETS && third.is_none()).then_some(&ENCRYPTED_KEY)
}

struct Element<'b> {
    tag: u8,
    content: &'b [u8],
}

impl Element<'_> {
    fn is_number(&self, number: u8) -> bool {
        self.tag == INTEGER && self.content == [number]
    }
}

/// The element that `bytes` begin with, perhaps cut off, and its length with its header, if it is given.
fn element(bytes: &[u8]) -> Option<(Element<'_>, Option<usize>)> {
    let [tag, first, rest @ ..] = bytes else { return None };
    let (header, length) = match *first {
        0x80 => return Some((Element { tag: *tag, content: rest }, None)),
        short @ 0..0x80 => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7F);
            let digits = rest.get(..count).filter(|_| count <= 4)?;
            (2 + count, digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    };
    let end = bytes.len().min(header + length);
    Some((Element { tag: *tag, content: bytes.get(header..end)? }, Some(header + length)))
}

fn next<'b>(bytes: &mut &'b [u8]) -> Option<Element<'b>> {
    let (element, length) = element(bytes)?;
    *bytes = &bytes[length.unwrap_or(bytes.len()).min(bytes.len())..];
    Some(element)
}

impl KeyStore {
    pub(super) fn finding(&self, container: &Container, file: &Entry, content: &[u8]) -> Finding {
        // As many bits as distinguish another key in the same place.
        let hash = Sha256::digest(content);
        let bits = format!("{:02x}{:02x}{:x}", hash[0], hash[1], hash[2] >> 4);
        Finding {
            scanner: NAME,
            rule: Arc::new(Rule {
                id: self.id.to_owned(),
                ids: Vec::new(),
                name: pascal(self.id).into(),
                title: self.title.to_owned(),
                explanation: None,
                link: Some(self.doc.to_owned()),
                tags: vec!["secret".into()],
                precision: Precision::High,
            }),
            kind: Kind::Secret { prefix: None },
            severity: Some(self.severity),
            severity_source: format!("rule {}", self.id),
            location: Location { path: file.path.clone(), span: Span::line(1), container: container.clone() },
            remedy: |_| remedy(),
            fingerprint: finding::fingerprint(&[NAME, self.id, &file.path, &bits]),
            inline_allow: None,
            status: Status::New,
            gated: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOB, ENCRYPTED_KEY, JAVA, KEYTAB, OPENPGP, PASSWORDS, PKCS12, PRIVATE_KEY, find};

    fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], length.as_slice(), &content].concat()
    }

    fn number(value: &[u8]) -> Vec<u8> {
        tagged(0x02, &[value])
    }

    fn small(value: u8) -> Vec<u8> {
        vec![0x02, 1, value]
    }

    fn id(bytes: &[u8]) -> Vec<u8> {
        tagged(0x30, &[&[6, u8::try_from(bytes.len()).unwrap()], bytes])
    }

    #[test]
    fn keys_and_stores_are_known_by_their_first_bytes() {
        let rsa: Vec<Vec<u8>> = (0..8).map(|_| number(&[0x71; 128])).collect();
        let rsa: Vec<&[u8]> = rsa.iter().map(Vec::as_slice).collect();
        let pkcs1 = tagged(0x30, &[&small(0), &rsa.concat()]);
        let pkcs8 = tagged(0x30, &[&small(0), &id(b"\x2A\x86\x48\xCE\x3D\x02\x01"), &tagged(4, &[&[7; 64]])]);
        let sec1 = tagged(0x30, &[&small(1), &tagged(4, &[&[7; 32]])]);
        let encrypted = tagged(0x30, &[&id(b"\x2A\x86\x48\x86\xF7\x0D\x01\x05\x0D"), &tagged(4, &[&[7; 64]])]);
        let store = tagged(0x30, &[&small(3), &id(b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01"), &[7; 64]]);
        let streamed = [b"\x30\x80\x02\x01\x03".as_slice(), &id(b"\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01")].concat();
        let java = |tag: u8| {
            [
                b"\xFE\xED\xFE\xED\0\0\0\x02\0\0\0\x01\0\0\0".as_slice(),
                &[tag],
                b"\0\x01a\0\0\0\0\0\0\0\0\0\x05X.509\0\0\0\x02ab",
            ]
            .concat()
        };
        for (name, content, kind) in [
            ("a.der", pkcs1.clone(), Some(&PRIVATE_KEY)),
            ("a", [pkcs8.clone(), b"\n".to_vec()].concat(), Some(&PRIVATE_KEY)),
            ("a.bin", sec1, Some(&PRIVATE_KEY)),
            ("a.p8", encrypted, Some(&ENCRYPTED_KEY)),
            ("a", store, Some(&PKCS12)),
            ("a", streamed, Some(&PKCS12)),
            ("a.PFX", vec![1, 2, 3, 4], Some(&PKCS12)),
            ("a.dat", java(1), Some(&JAVA)),
            ("cacerts", java(2), None),
            ("a.dat", java(2)[..20].to_vec(), Some(&JAVA)),
            ("etc/krb5.keytab", vec![5, 2, 0, 0], Some(&KEYTAB)),
            ("a.kdbx", vec![3, 0xD9, 0xA2, 0x9A, 0x67, 0xFB, 0x4B, 0xB5], Some(&PASSWORDS)),
            ("a.snk", b"\x07\x02\0\0\0\x24\0\0RSA2\0\x04".to_vec(), Some(&BLOB)),
            ("secring.gpg", vec![0x95, 3, 0xC6, 4, 1, 2, 3], Some(&OPENPGP)),
            // A key that is not all of the file, a certificate, a public key, and what only begins alike.
            ("a.der", [pkcs8, vec![0; 9]].concat(), None),
            ("a.der", tagged(0x30, &[&tagged(0x30, &[&[0xA0, 3], &small(2)]), &id(b"\x2A"), &[3, 1, 0]]), None),
            ("a.der", tagged(0x30, &[&id(b"\x2A\x86\x48\xCE\x3D\x02\x01"), &tagged(3, &[&[7; 64]])]), None),
            ("a.der", pkcs1[..3].to_vec(), None),
            ("a.pfx", Vec::new(), None),
        ] {
            assert_eq!(find(name, &content, content.len() as u64, false), kind, "{name} {content:?}");
        }
        assert_eq!(find("a.p12", b"see the vault", 13, true), None, "text");
    }
}

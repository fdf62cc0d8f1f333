//! Private keys in PEM and its relatives: real key material or only the form of it.

use super::candidate::decode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Clear,
    Encrypted,
}

/// Shorter material is not a key. Base64 characters; an Ed25519 key in PKCS #8 has 64.
const MIN_MATERIAL: usize = 60;

/// `block` from `-----BEGIN` to the footer, perhaps quoted, commented or with written-out line ends. `None` where the
/// lines between are no key (dots, a placeholder, prose).
pub(super) fn inspect(block: &[u8]) -> Option<Key> {
    let text = String::from_utf8_lossy(block);
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let (_, after) = text.split_once("-----BEGIN ")?;
    let (label, after) = after.split_once("-----")?;
    if !label.trim_end_matches(" BLOCK").ends_with("PRIVATE KEY") {
        return None;
    }
    let body = after.split("-----END").next()?;
    let (mut material, mut encrypted) = (String::new(), label.starts_with("ENCRYPTED"));
    for line in body.lines().map(strip).filter(|line| !line.is_empty()) {
        if line.starts_with('=') && label.starts_with("PGP") {
            continue; // the armour's checksum
        }
        if let Some((name, value)) = line.split_once(':') {
            encrypted |= name == "Proc-Type" && value.contains("ENCRYPTED");
        } else if line.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')) {
            material.push_str(line);
        } else if line.chars().any(|c| !c.is_whitespace()) {
            return None;
        }
    }
    let bytes = decode(material.as_bytes()).filter(|_| material.len() >= MIN_MATERIAL)?;
    let formed = match label {
        _ if encrypted => true,
        _ if label.starts_with("OPENSSH") => bytes.starts_with(b"openssh-key-v1\0"),
        // RFC 9580: the first bit of a packet's tag is set.
        _ if label.starts_with("PGP") => bytes[0] & 0x80 != 0,
        // Everything else is DER, whose outermost element is a sequence.
        _ => bytes[0] == 0x30,
    };
    // PROTOCOL.key of OpenSSH: the cipher's name follows the magic, with its length before it.
    encrypted |= label.starts_with("OPENSSH") && bytes.get(15..23) != Some(b"\0\0\0\x04none");
    let varied = bytes.iter().collect::<std::collections::HashSet<_>>().len() >= 16;
    (formed && varied).then_some(if encrypted { Key::Encrypted } else { Key::Clear })
}

/// Whether the file of an unencrypted PuTTY key holds one: 32 bytes and more after the count of its private lines.
pub(super) fn is_putty(file: &[u8]) -> bool {
    let text = String::from_utf8_lossy(file);
    let private = text.split_once("Private-Lines: ").and_then(|(_, rest)| rest.split_once("Private-MAC"));
    let material: String = private.map(|(lines, _)| lines.lines().skip(1).collect()).unwrap_or_default();
    decode(material.as_bytes()).is_some_and(|key| key.len() >= 32)
}

/// What of a line is the key's: quoted lines of source code, comments and continuations lose their dressing.
fn strip(line: &str) -> &str {
    let line = line.trim();
    let quotes = ['"', '\'', '`'];
    let line = match (line.find(quotes), line.rfind(quotes)) {
        (Some(first), Some(last)) if first < last => &line[first + 1..last],
        // Either the end of a literal and the sign that joins it to the next, or the beginning of one.
        (Some(0), _) if line[1..].trim_matches([' ', '+', ',', ';', ')', '.', '\\']).is_empty() => "",
        (Some(0), _) => &line[1..],
        (Some(first), _) => &line[..first],
        _ => line,
    };
    line.trim_start_matches("//").trim_start_matches(['#', '*', '>', ' ', '\t']).trim_end_matches('\\').trim()
}

#[cfg(test)]
mod tests {
    use super::{Key, inspect};
    use base64::prelude::{BASE64_STANDARD, Engine as _};

    fn block(label: &str, headers: &str, bytes: &[u8]) -> String {
        let body = BASE64_STANDARD.encode(bytes);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
        format!("-----BEGIN {label}-----\n{headers}{}\n-----END {label}-----", lines.join("\n"))
    }

    fn der() -> Vec<u8> {
        [0x30, 0x5c].into_iter().chain(7..100).collect()
    }

    #[test]
    fn key_material_is_told_from_the_form_of_it() {
        let key = ["RSA PRIVATE", "KEY"].join(" ");
        assert_eq!(inspect(block(&key, "", &der()).as_bytes()), Some(Key::Clear));
        let quoted = block(&key, "", &der()).replace('\n', "\\n\" +\n  \"");
        assert_eq!(inspect(quoted.as_bytes()), Some(Key::Clear));
        let escaped = block(&key, "", &der()).replace('\n', "\\n");
        assert_eq!(inspect(escaped.as_bytes()), Some(Key::Clear));
        let form = format!("-----BEGIN {key}-----\nMIIEpAIBAAKCAQEA...\n-----END {key}-----");
        assert_eq!(inspect(form.as_bytes()), None);
        assert_eq!(inspect(block(&key, "", &[7; 96]).as_bytes()), None);
        assert_eq!(inspect(block(&key, "", &der()[..30]).as_bytes()), None);
    }

    #[test]
    fn encrypted_keys_are_known_in_all_three_forms() {
        let key = ["PRIVATE", "KEY"].join(" ");
        let headers = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n";
        assert_eq!(inspect(block(&format!("RSA {key}"), headers, &der()[2..]).as_bytes()), Some(Key::Encrypted));
        assert_eq!(inspect(block(&format!("ENCRYPTED {key}"), "", &der()).as_bytes()), Some(Key::Encrypted));
        let openssh = |cipher: &[u8]| {
            let length = [0, 0, 0, u8::try_from(cipher.len()).unwrap()];
            let bytes = [b"openssh-key-v1\0".as_slice(), &length, cipher, &der()].concat();
            inspect(block(&format!("OPENSSH {key}"), "", &bytes).as_bytes())
        };
        assert_eq!(openssh(b"none"), Some(Key::Clear));
        assert_eq!(openssh(b"aes256-ctr"), Some(Key::Encrypted));
    }
}

//! Random literals, and literals that a person wrote.

use super::candidate::decode;
use super::placeholder::{contains_any, entropy};

/// Bits a character.
const ENTROPY: f32 = 3.5;
/// The same for hexadecimal digits, of which there are only sixteen.
const ENTROPY_HEX: f32 = 3.0;

/// Parts of values that a person wrote.
const WRITTEN: &str = "\
    test demo default secret password passwd passphrase token credential apikey api-key api_key foobar null \
    undefined function return http sha256 sha512 base64 localhost string kubernetes .com .org .io/ abc123 123456";

pub(super) fn looks_random(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let odd = |byte: &u8| !byte.is_ascii_graphic() || b"(){}[]<>,;`\"'\\".contains(byte);
    digits >= 2
        && letters >= 2
        && !value.iter().any(odd)
        && entropy(value) >= if is_hex(value) { ENTROPY_HEX } else { ENTROPY }
        && !is_path_or_reference(value)
        && !is_uuid(value)
        && !is_worded(value)
        && !contains_any(value, WRITTEN)
}

/// Base64 of text that a person wrote, as in the manifests of Kubernetes, or a token whose own rule did not hold.
pub(super) fn is_text_in_base64(value: &[u8]) -> bool {
    let inner = decode(value).filter(|inner| inner.iter().all(|byte| matches!(byte, b'\t' | b'\n' | 0x20..=0x7e)));
    value.starts_with(b"eyJ") || inner.is_some_and(|inner| !looks_random(inner.trim_ascii()))
}

/// A path, a URL, a date or something to be filled in.
fn is_path_or_reference(value: &[u8]) -> bool {
    let starts: [&[u8]; 9] = [b"/", b"./", b"../", b"~", b"$", b"%", b"@", b"!", b"#"];
    let separators = value.iter().filter(|byte| matches!(byte, b'/')).count();
    starts.iter().any(|start| value.starts_with(start))
        || memchr::memmem::find(value, b"://").is_some()
        || value.contains(&b'$')
        || matches!(value, [b'1' | b'2', b'0'..=b'9', _, _, b'-', _, _, b'-', _, _, b'T', ..])
        || (separators >= 2 && !value.contains(&b'+') && !value.ends_with(b"=") && value.len() < 40)
}

fn is_hex(value: &[u8]) -> bool {
    value.len() >= 32 && value.iter().all(u8::is_ascii_hexdigit)
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Made of words and short numbers (`my-app-v2`, `eu-west-1.compute`, `RSA2048Key`), as names are. Drawn text changes
/// between letters, digits and case every other character or so, and what it spells by chance is short.
fn is_worded(value: &[u8]) -> bool {
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 0_u8,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let changes = value.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    let apart = value.iter().any(|byte| matches!(byte, b'_' | b'-' | b'.'));
    let vowel = |byte: &u8| b"aeiouyAEIOUY".contains(byte);
    let humps = value.chunk_by(|a, b| {
        a.is_ascii_alphabetic() && b.is_ascii_lowercase() || a.is_ascii_uppercase() && b.is_ascii_uppercase()
    });
    let spelled: usize = humps.filter(|hump| hump.len() >= 4 && hump.iter().any(vowel)).map(<[u8]>::len).sum();
    changes * 5 < value.len() || changes < 3 || spelled * if apart { 20 } else { 16 } >= value.len() * 10
}

#[cfg(test)]
mod tests {
    use super::super::samples::Samples;
    use super::looks_random;

    #[test]
    fn random_literals_are_distinguished_from_written_ones() {
        let hex = format!("{}{}", "9f86d081884c7d65", "9a2feaa0c55ad015");
        for value in [&hex, "q8Zr2-LmT0v_Xk4NcB", "h4Jw9sPd7aQeT!x", "Zm9vYmFyMTIzQkFSIQ9k2L=="] {
            assert!(looks_random(value.as_bytes()), "{value}");
        }
        let uuid = ["123e4567", "e89b", "12d3", "a456", "426614174000"].join("-");
        for value in [
            &uuid,
            "my-application-v12",
            "2016-09-08T21:47:36Z",
            "/etc/a1/b2/c3d4",
            "getenv(A1b2C3)",
            "https://a1b2.c3d4e5",
            "argocd-repo-creds-2021",
            "Sup3rLongSentenceHere1",
        ] {
            assert!(!looks_random(value.as_bytes()), "{value}");
        }
    }

    /// What nearly all random secrets are: letters and digits of both cases, of one, hex, base64.
    #[test]
    fn nearly_all_random_literals_are_recognised() {
        for (alphabet, at_least) in [
            ("[A-Za-z0-9]{32}", 95),
            ("[A-Za-z0-9]{20}", 90),
            ("[a-z0-9]{32}", 85),
            ("[a-f0-9]{32}", 90),
            ("[A-Za-z0-9+/]{40}", 90),
        ] {
            let values = (0..100).map(|seed| Samples::new(seed).draw(alphabet));
            let known = values.filter(|value| looks_random(value.as_bytes())).count();
            assert!(known >= at_least, "{alphabet}: {known}");
        }
    }
}

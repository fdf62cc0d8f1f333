//! Names that hold a secret, and names that only speak of one.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words of a name after which the value is about a secret and not one.
const ABOUT: &str = "\
    name names id ids path file filename dir url uri endpoint host type kind class hash hashed sha sha1 sha256 md5 \
    digest checksum length len size ttl expiry expires expiration policy field label ref reference regex pattern \
    prefix suffix count max min limit algorithm version arn header param parameter env var variable selector \
    provider mode enabled required method group placeholder message error text title description input format \
    public author authors integrity commit next page continuation cursor starting etag fingerprint template \
    tokenizer word position index issuer scope scopes";

static ABOUT_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| ABOUT.split(' ').collect());

/// Words that say secret.
const SECRET: &str = "\
    password passwords passwd passphrase passwort pwd secret secrets token tokens credential credentials auth \
    authorization apikey";

/// Words that do so only together.
const KEYS: &str = "\
    apikey accesskey secretkey privatekey authkey encryptionkey signingkey masterkey accountkey clientkey";

/// Whether the words of `API_token`, `clientSecret`, `db.password` say that this is the secret itself. The keyword that
/// led here has to be a word of the name, not a part of one (`tokenize`, `authored`).
pub(super) fn names_a_secret(name: &[u8]) -> bool {
    let words = words(name);
    let whole = words.concat();
    let has = |word: &str| words.iter().any(|one| one == word);
    let ends = |end: &str| whole.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(end);
    let about = words.iter().any(|word| ABOUT_WORDS.contains(word.as_str()));
    let secret = || SECRET.split(' ').any(|word| has(word) || ends(word));
    let keys = || KEYS.split(' ').any(|key| whole.contains(key));
    !about && (secret() || keys())
}

/// The words of a name in lower case: split at punctuation and where the case rises.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = b'_';
    for &byte in name {
        let rises = byte.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
        if !byte.is_ascii_alphanumeric() || rises {
            words.push(String::new());
        }
        if byte.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        before = byte;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::names_a_secret;

    #[test]
    fn names_that_hold_a_secret_are_told_from_names_about_one() {
        for name in [
            "password",
            "DB_PASSWORD",
            "apiKey",
            "x-api-key",
            "clientSecret",
            "GITHUB_TOKEN2",
            "aws.secret-access-key",
            "dbpassword",
        ] {
            assert!(names_a_secret(name.as_bytes()), "{name}");
        }
        for name in
            ["tokenizer", "author", "secretName", "password_hash", "TOKEN_URL", "publicKey", "keyboard", "authority"]
        {
            assert!(!names_a_secret(name.as_bytes()), "{name}");
        }
    }
}

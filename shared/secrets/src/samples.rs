//! Positive samples: drawn from each rule's own pattern with a fixed seed and completed by what its check asks for, so
//! that no literal token stands in the repository.

use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use proptest::strategy::{Strategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::checks;
use super::checks::{Check, in_base};
use super::rule::{Mode, Rule};

/// Draws values; equal seeds draw equal ones.
pub(super) struct Samples(TestRunner);

impl Samples {
    pub(super) fn new(seed: u8) -> Samples {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
        Samples(TestRunner::new_with_rng(Config::default(), rng))
    }

    /// Text that `pattern` matches.
    pub(super) fn draw(&mut self, pattern: &str) -> String {
        let strategy = string_regex(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        strategy.new_tree(&mut self.0).unwrap().current()
    }

    /// A line (lines, for a key) of a file that holds a secret of `rule`.
    pub(super) fn of(&mut self, rule: &Rule) -> String {
        match rule.id.as_str() {
            "private-key" => self.key("PRIVATE KEY"),
            "private-key-encrypted" => self.key("ENCRYPTED PRIVATE KEY"),
            "private-key-base64" => BASE64_STANDARD_NO_PAD.encode(self.key("PRIVATE KEY")),
            "gcp-service-account-key" => {
                format!("\"private_key\": \"{}\"", self.key("PRIVATE KEY").replace('\n', "\\n"))
            }
            "age-secret-key" => self.age(),
            "putty-private-key" => self.putty(),
            "jwt" => self.jwt(),
            "github-app-token-stateless" => format!("ghs_{}_{}", self.draw("[1-9][0-9]{6}"), self.jwt()),
            "gitlab-job-token-jwt" => format!("glcbt-{}", self.jwt()),
            "discord-bot-token" => {
                let id = BASE64_STANDARD_NO_PAD.encode(self.draw("[1-9][0-9]{17}"));
                format!("{id}.{}", self.draw("[A-Za-z0-9]{6}[.][A-Za-z0-9]{38}"))
            }
            "azure-sas-signature" => {
                format!("sv=2024-11-04&sig={}%3D", self.draw("([A-Za-z0-9]{10}%2B){3}[A-Za-z0-9]{10}"))
            }
            "azure-logic-app-url" => {
                let place =
                    "https://prod-01.westeurope.logic.azure.com:443/workflows/0a1b2c/triggers/manual/paths/invoke";
                format!("{place}?api-version=2016-10-01&sv=1.0&sig={}", self.draw("[A-Za-z0-9_-]{43}"))
            }
            "generic-secret" => format!("session_secret: '{}'", self.draw("([a-z][0-9][A-Z]){9}")),
            "authorization-basic" => format!("Authorization: Basic {}", self.pair()),
            "registry-auth" => format!("\"auth\": \"{}\"", self.pair()),
            "registry-auth-escaped" => format!(r#"\"auth\": \"{}\""#, self.pair()),
            "sql-connection-string" => format!("Server=db;Password={};Database=x", self.password()),
            id if id.ends_with("-url") && rule.check == Some(Check::Password) => {
                let scheme = rule.keywords[0].trim_end_matches("://");
                format!("{scheme}://app:{}@db.internal/x", self.password())
            }
            _ => self.by_pattern(rule),
        }
    }

    fn by_pattern(&mut self, rule: &Rule) -> String {
        // Assertions and flags that the generator does not know say nothing about the text here.
        let pattern = rule.pattern.replace("(?i:", "(?:");
        let token = complete(rule.check, self.draw(&pattern));
        match rule.mode {
            Mode::Assigned => format!("{} = \"{token}\"", rule.keywords[0].to_uppercase().replace('-', "_")),
            Mode::Token | Mode::Inside => token,
        }
    }

    fn password(&mut self) -> String {
        self.draw("([G-P][2-9][t-z]){4}")
    }

    fn pair(&mut self) -> String {
        BASE64_STANDARD.encode(format!("ci:{}", self.password()))
    }

    fn key(&mut self, label: &str) -> String {
        let body = self.draw("MII[A-Za-z0-9+/]{61}\n([A-Za-z0-9+/]{64}\n){4}");
        format!("-----BEGIN {label}-----\n{body}-----END {label}-----")
    }

    fn putty(&mut self) -> String {
        let lines = self.draw("AAAA[A-Za-z0-9+/]{60}\nPrivate-Lines: 1\n[A-Za-z0-9+/]{48}");
        let mac = self.draw("[0-9a-f]{64}");
        let head = "-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: ops\nPublic-Lines: 1\n";
        format!("PuTTY{head}{lines}\nPrivate-MAC: {mac}")
    }

    fn age(&mut self) -> String {
        let prefix = bech32::Hrp::parse("age-secret-key-").unwrap();
        bech32::encode_upper::<bech32::Bech32>(prefix, self.draw("[ -~]{32}").as_bytes()).unwrap()
    }

    fn jwt(&mut self) -> String {
        let part = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
        let payload = format!("{{\"sub\":\"{}\"}}", self.draw("[a-z]{12}"));
        format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#), part(&payload), self.draw("[A-Za-z0-9_-]{43}"))
    }
}

/// `token` with the checksum that belongs to it.
fn complete(check: Option<Check>, token: String) -> String {
    let body = |sum: usize| &token[..token.len() - sum];
    let hash = |text: &str| crc32fast::hash(text.as_bytes());
    let digits = |number, alphabet: &[u8], width| String::from_utf8(in_base(number, alphabet, width)).unwrap();
    match check {
        Some(Check::Base62Crc) => {
            let random = body(6).rsplit('_').next().unwrap();
            format!("{}{}", body(6), digits(hash(random), checks::BASE62, 6))
        }
        Some(Check::GitlabCrc) if token.contains('.') => {
            format!("{}{}", body(7), digits(hash(body(7)), &checks::BASE36, 7))
        }
        Some(Check::GrafanaCrc) => {
            let sum = hash(body(8).trim_end_matches('_')).to_le_bytes();
            format!("{}{}", body(8), sum.map(|byte| format!("{byte:02x}")).concat())
        }
        _ => token,
    }
}

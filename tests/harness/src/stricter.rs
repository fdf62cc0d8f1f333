//! The variables of sign-pipe that can only make a verdict stricter, for the tests that none of them is ever dropped.

/// Each with a value that no evidence of the tests meets.
pub const STRICTER: &[(&str, &str)] = &[
    ("EXPECTED_DIGEST", "sha256:0000000000000000000000000000000000000000000000000000000000000000"),
    ("SIGNATURE_ANNOTATIONS", "release=never"),
    (
        "COSIGN_PUBLIC_KEY",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n",
    ),
    ("CERTIFICATE_IDENTITY", "https://never.example"),
    ("CERTIFICATE_IDENTITY_REGEXP", "^never$"),
    ("CERTIFICATE_OIDC_ISSUER", "https://never.example"),
    ("CERTIFICATE_OIDC_ISSUER_REGEXP", "^never$"),
    ("CERTIFICATE_REPOSITORY", "never/never"),
    ("CERTIFICATE_REF", "refs/heads/never"),
    ("CERTIFICATE_COMMIT", "0000000000000000000000000000000000000000"),
    ("CERTIFICATE_WORKFLOW_NAME", "Never"),
    ("CERTIFICATE_TRIGGER", "never"),
    ("REQUIRE_TLOG", "true"),
    ("REQUIRE_SCT", "true"),
    ("REQUIRE_ATTESTATIONS", "https://never.example/predicate"),
    ("MAX_AGE_DAYS", "1"),
    ("FAIL_ON_CRITICAL", "true"),
    ("FAIL_ON_HIGH", "true"),
];

/// Those that other pipes and tools of a job read as well: for their bare names a warning is enough.
pub const SHARED: &[&str] = &["COSIGN_PUBLIC_KEY", "FAIL_ON_CRITICAL", "FAIL_ON_HIGH"];

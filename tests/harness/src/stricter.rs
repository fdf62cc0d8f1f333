//! The variables that can only make a verdict stricter, for the tests that none of them is ever dropped.

/// Those of security-pipe, each with its strictest value.
pub const OF_SECURITY: &[(&str, &str)] = &[
    ("FAIL_ON_CRITICAL", "true"),
    ("FAIL_ON_HIGH", "true"),
    ("FAIL_ON_MEDIUM", "true"),
    ("FAIL_ON_SECRETS", "true"),
    ("CVSS_THRESHOLD", "0.1"),
    ("UNSCORED_SEVERITY", "critical"),
    ("INFORMATIONAL_SEVERITY", "critical"),
    ("DB_STALE", "fail"),
];

/// Those of sign-pipe, each with a value that no evidence of the tests meets.
pub const OF_SIGN: &[(&str, &str)] = &[
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

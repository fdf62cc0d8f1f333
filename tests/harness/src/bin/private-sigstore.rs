//! A private Sigstore for scripts: prints sign-pipe's variables for it and its Rekor 1, with a token of the workflow that
//! examples/admission names, and runs until its input ends.
#![expect(clippy::print_stdout, clippy::expect_used, reason = "a tool of scripts")]

use std::io::Read;

use pipewright_harness::components::Sigstore;
use pipewright_harness::keyless::COMMIT;

fn main() {
    let sigstore = Sigstore::start();
    println!("FULCIO_URL={}", sigstore.fulcio_url());
    println!("REKOR_URL={}", sigstore.rekor1_url());
    println!("REKOR_VERSION=1");
    println!("TRUSTED_ROOT_FILE={}", sigstore.trusted_root().display());
    println!("CERTIFICATE_OIDC_ISSUER={}", sigstore.issuer("github"));
    println!("SIGSTORE_ID_TOKEN={}", sigstore.github_token("org/app", "refs/heads/main", COMMIT));
    std::io::stdin().read_to_end(&mut Vec::new()).expect("standard input can be read");
}

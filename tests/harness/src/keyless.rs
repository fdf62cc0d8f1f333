//! sign-pipe on a private Sigstore, as the tests of keyless signing run it.

use std::path::Path;

use crate::components::Sigstore;
use crate::{Outcome, Pipe};

/// The commit that [`signing`]'s job runs for.
pub const COMMIT: &str = "0123456789012345678901234567890123456789";

/// Who [`signing`]'s certificate names.
pub const WORKFLOW: &str = "https://github.com/org/app/.github/workflows/release.yml@refs/heads/main";

/// sign-pipe with the instance's services by URL: Rekor 2.
pub fn pipe(dir: &Path, sigstore: &Sigstore) -> Pipe {
    Pipe::new("sign-pipe", dir)
        .env("FULCIO_URL", sigstore.fulcio_url())
        .env("REKOR_URL", sigstore.rekor_url())
        .env("TSA_URL", sigstore.tsa_url())
        .env("TRUSTED_ROOT_FILE", sigstore.trusted_root())
}

/// The same with Rekor 1, whose word for the time is enough.
pub fn pipe1(dir: &Path, sigstore: &Sigstore) -> Pipe {
    Pipe::new("sign-pipe", dir)
        .env("FULCIO_URL", sigstore.fulcio_url())
        .env("REKOR_URL", sigstore.rekor1_url())
        .env("REKOR_VERSION", "1")
        .env("TRUSTED_ROOT_FILE", sigstore.trusted_root())
}

/// `pipe` signs an image as [`WORKFLOW`].
pub fn signing(pipe: Pipe, sigstore: &Sigstore, image: &str) -> Pipe {
    let token = sigstore.github_token("org/app", "refs/heads/main", COMMIT);
    pipe.env("IMAGE", image).env("SIGSTORE_ID_TOKEN", token).env("SIGNING_MODE", "keyless")
}

/// sign-pipe verifies what GitHub's issuer vouched for; whom to accept is to be added.
pub fn verifying(dir: &Path, sigstore: &Sigstore, image: &str) -> Pipe {
    Pipe::new("sign-pipe", dir)
        .env("SIGN", "false")
        .env("IMAGE", image)
        .env("TRUSTED_ROOT_FILE", sigstore.trusted_root())
        .env("CERTIFICATE_OIDC_ISSUER", sigstore.issuer("github"))
}

/// Why the first piece of evidence was not accepted.
pub fn refusal(outcome: &Outcome) -> String {
    outcome.report()["images"][0]["refused"][0]["why"].as_str().unwrap_or_else(|| panic!("{outcome:?}")).to_owned()
}

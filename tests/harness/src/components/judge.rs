//! The judge of requirements files, and judges of bundles that share no code with ours; sigstore-go's verdict on identities is [`Sigstore::judge`].

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Sigstore, program};
use crate::root;

/// The pip of one version as a judge: reads cases from its standard input and writes its verdicts (`components/pip.py`).
/// Nothing of this machine's environment reaches it.
pub fn pip() -> Command {
    let mut command = Command::new(program("pip/bin/python"));
    command.env_clear().args(["-I", "-X", "utf8"]).arg(root().join("tests/components/pip.py"));
    command
}

/// Whether sigstore-go accepts a bundle about a digest, signed with the private half of a key in PEM.
pub fn judge_key(bundle: &Path, digest: &str, key: &Path) -> Result<(), String> {
    verdict(Command::new(program("components/helper")).arg("judge-key").arg(bundle).arg(digest).arg(key))
}

/// Whether sigstore-python accepts a file's bundle, signed by `identity`, without asking any server.
pub fn judge_python(
    sigstore: &Sigstore,
    bundle: &Path,
    file: &Path,
    identity: &str,
    issuer: &str,
) -> Result<(), String> {
    let home = tempfile::tempdir().unwrap();
    let document = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let mut root = document(&sigstore.trusted_root());
    // It insists on a name, which Fulcio's own authority has not, and then looks only at the certificates.
    for authority in root["certificateAuthorities"].as_array_mut().unwrap() {
        authority["subject"]["commonName"] = json!("test");
    }
    // It takes both documents in one.
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": root,
        "signingConfig": document(&sigstore.signing_config()),
    });
    let path = home.path().join("trust.json");
    std::fs::write(&path, config.to_string()).unwrap();
    let mut command = Command::new(program("sigstore-python/bin/sigstore"));
    command.env_clear().env("HOME", home.path()).arg("--trust-config").arg(path);
    command.args(["verify", "identity", "--offline", "--cert-identity", identity, "--cert-oidc-issuer", issuer]);
    verdict(command.arg("--bundle").arg(bundle).arg(file))
}

fn verdict(command: &mut Command) -> Result<(), String> {
    let judged = command.output().unwrap();
    if judged.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&judged.stderr).into_owned()) }
}

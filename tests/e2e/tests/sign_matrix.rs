//! Who can verify what who signed: sign-pipe and both cosigns, in both forms, with every kind of key.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::path::Path;
use std::thread;

use pipewright_harness::components::{Cosign, KeyKind, KeyPair, PASSWORD, Registry, machine};
use pipewright_harness::{Pipe, Repo};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Ours,
    Cosign2,
    Cosign3,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Bundle,
    Legacy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Image,
    Index,
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    signer: Tool,
    form: Form,
    key: KeyKind,
    what: What,
    attest: bool,
}

const SBOM: &str =
    r#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{"type":"library","name":"a"}]}"#;

impl Cell {
    /// What `verifier` has to say to it, and why where that is no.
    fn expected(self, verifier: Tool) -> bool {
        let bundle = self.form == Form::Bundle;
        match (self.signer, verifier, self.key) {
            // cosign 2 doesn't see bundles.
            (_, Tool::Cosign2, _) if bundle => false,
            // cosign 3 signs with Ed25519ph, which nobody verifies, itself included.
            (Tool::Cosign3, _, KeyKind::Ed25519) => false,
            // cosign 2 can't be told of SHA-384 for attestations.
            (signer, Tool::Cosign2, KeyKind::P384) if self.attest => signer == Tool::Cosign2,
            _ => true,
        }
    }

    fn sign(self, image: &str, key: &KeyPair, dir: &Path) {
        let format = if self.form == Form::Bundle { "bundle" } else { "legacy" };
        let key_file = |path: &Path| path.display().to_string();
        if self.signer == Tool::Ours {
            let sbom = if self.attest { "true" } else { "false" };
            Pipe::new("sign-pipe", dir)
                .env("IMAGE", image)
                .env("COSIGN_PRIVATE_KEY_FILE", &key.private)
                .env("COSIGN_PASSWORD", PASSWORD)
                .env("SIGNATURE_FORMAT", format)
                .env("ATTEST_SBOM", sbom)
                .env("VERIFY", "false")
                .run()
                .expect(0);
            return;
        }
        let flag = format!("--key={}", key_file(&key.cosign));
        let mut args =
            vec![if self.attest { "attest" } else { "sign" }, "--yes", "--tlog-upload=false", "--allow-http-registry"];
        args.push(&flag);
        if self.attest {
            args.extend(["--type=cyclonedx", "--predicate=sbom.json"]);
        }
        let cosign = match (self.signer, self.form) {
            (Tool::Cosign3, Form::Bundle) => {
                args.push("--use-signing-config=false");
                Cosign::v3()
            }
            (Tool::Cosign3, Form::Legacy) => {
                args.extend(["--use-signing-config=false", "--new-bundle-format=false"]);
                Cosign::v3()
            }
            _ => Cosign::v2(),
        };
        args.push(image);
        cosign.args(args).env("COSIGN_PASSWORD", PASSWORD).dir(dir).run().expect_success();
    }

    fn verify(self, verifier: Tool, image: &str, key: &KeyPair, dir: &Path) -> (bool, String) {
        if verifier == Tool::Ours {
            let mut pipe = Pipe::new("sign-pipe", dir)
                .env("SIGN", "false")
                .env("IMAGE", image)
                .env("COSIGN_PUBLIC_KEY_FILE", &key.public);
            if self.attest {
                pipe = pipe.env("REQUIRE_ATTESTATIONS", "cyclonedx");
            }
            let outcome = pipe.run();
            assert!(matches!(outcome.code, Some(0 | 1)), "{outcome:?}");
            return (outcome.code == Some(0), outcome.stdout);
        }
        let flag = format!("--key={}", key.public.display());
        let mut args = vec![if self.attest { "verify-attestation" } else { "verify" }];
        args.extend(["--insecure-ignore-tlog", "--allow-http-registry", &flag]);
        if self.attest {
            args.push("--type=cyclonedx");
        }
        // What sign-pipe and cosign 3 hash with for this curve; cosign assumes SHA-256 otherwise.
        if self.key == KeyKind::P384 && self.signer != Tool::Cosign2 && !(self.attest && verifier == Tool::Cosign2) {
            args.push("--signature-digest-algorithm=sha384");
        }
        args.push(image);
        let cosign = if verifier == Tool::Cosign2 { Cosign::v2() } else { Cosign::v3() };
        let outcome = cosign.args(args).dir(dir).run();
        (outcome.succeeded(), outcome.stderr)
    }
}

/// Every form that a tool writes with every kind of key, each for one of: image or index, signed or attested, so that any
/// two of all these meet. With `WHOLE_MATRIX` (`make test-all`) all of them, and P-384 keys too.
fn cells() -> Vec<Cell> {
    let signers = [
        (Tool::Ours, Form::Bundle),
        (Tool::Ours, Form::Legacy),
        (Tool::Cosign2, Form::Legacy),
        (Tool::Cosign3, Form::Bundle),
        (Tool::Cosign3, Form::Legacy),
    ];
    let keys = [KeyKind::Cosign, KeyKind::P256, KeyKind::Rsa, KeyKind::Ed25519, KeyKind::P384];
    let whole = machine("WHOLE_MATRIX").is_some();
    let keys = &keys[..if whole { 5 } else { 4 }];
    let mut cells = Vec::new();
    for (row, (signer, form)) in signers.into_iter().enumerate() {
        for (column, key) in keys.iter().copied().enumerate() {
            for (number, (what, attest)) in
                [(What::Image, false), (What::Index, true), (What::Image, true), (What::Index, false)]
                    .into_iter()
                    .enumerate()
            {
                // Each pair of signer and kind, kind of image and so on is met, not each combination of all.
                if whole || number == (row + column) % 4 {
                    cells.push(Cell { signer, form, key, what, attest });
                }
            }
        }
    }
    cells
}

#[test]
#[ignore = "needs docker-registry and cosign: make test"]
fn everybody_verifies_what_everybody_signs() {
    let dir = Repo::plain();
    dir.write("sbom.json", SBOM);
    let keys: Vec<KeyPair> = [KeyKind::Cosign, KeyKind::P256, KeyKind::P384, KeyKind::Rsa, KeyKind::Ed25519]
        .into_iter()
        .map(|kind| KeyPair::new(kind, dir.path()))
        .collect();
    let registries = [Registry::with_referrers(), Registry::without_referrers()];
    let cells = cells();
    let run = |number: usize, cell: Cell| -> Vec<String> {
        let registry = &registries[number % 2];
        let key = keys.iter().find(|key| key.kind == cell.key).unwrap();
        let (name, content) = (format!("cell{number}"), number.to_string());
        match cell.what {
            What::Image => registry.push_image(&name, "1", &content),
            What::Index => registry.push_index(&name, "1", &content, &["amd64", "arm64"]),
        };
        let image = format!("{}/{name}:1", registry.host());
        // Reports of runs side by side must not meet.
        let own = Repo::plain();
        own.write("sbom.json", SBOM);
        cell.sign(&image, key, own.path());
        let mut wrong = Vec::new();
        for verifier in [Tool::Ours, Tool::Cosign2, Tool::Cosign3] {
            let (accepted, told) = cell.verify(verifier, &image, key, own.path());
            if accepted != cell.expected(verifier) {
                let last = told.lines().last().unwrap_or_default().to_owned();
                wrong.push(format!("{cell:?} by {verifier:?}: accepted {accepted}: {last}"));
            }
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let (run, cells) = (&run, &cells);
        let halves: Vec<_> = (0..2)
            .map(|half| {
                scope.spawn(move || {
                    let mine = cells.iter().enumerate().filter(move |(number, _)| number % 2 == half);
                    mine.flat_map(|(number, cell)| run(number, *cell)).collect::<Vec<_>>()
                })
            })
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cells.len() >= 20, "{}", cells.len());
}

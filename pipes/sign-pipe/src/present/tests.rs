use std::fmt::Write as _;

use pipe_core::exit::Ending;
use pipe_oci::{Descriptor, Digest, Reference};
use serde_json::Map;

use super::{lines, table, verdict};
use crate::file::File;
use crate::plan::{AcceptedSigner, RunPlan, SigningDecision, SigningPlan, VerificationPlan};
use crate::resolve::ResolvedImage;
use crate::results::{AcceptedEvidence, FileResult, ImageResult, Results, SignedBy, StoredEvidence};

const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";
const SBOM: &str = "https://cyclonedx.org/bom";

#[derive(Clone, Copy)]
struct Mode {
    sign: bool,
    verify: bool,
}

const BOTH: Mode = Mode { sign: true, verify: true };
const SIGN: Mode = Mode { sign: true, verify: false };
const VERIFY: Mode = Mode { sign: false, verify: true };

fn plan(mode: Mode) -> RunPlan {
    let signing = if mode.sign {
        SigningDecision::Sign(Box::new(SigningPlan::sample()))
    } else {
        SigningDecision::Skip { why: "SIGN=false".to_owned(), notice: false }
    };
    let verification = VerificationPlan {
        accept: AcceptedSigner::ThisRun,
        require_log: None,
        require_sct: None,
        requirements: Vec::new(),
        annotations: Map::new(),
    };
    RunPlan {
        images: Vec::new(),
        expected_digest: None,
        every_platform: false,
        files: Vec::new(),
        signature_repository: None,
        signing,
        verification: mode.verify.then_some(verification),
    }
}

fn by() -> SignedBy {
    SignedBy { key: Some("ECDSA P-256 SHA256:1f0c".to_owned()), ..SignedBy::default() }
}

fn stored(predicate_type: &str, existed: bool) -> StoredEvidence {
    StoredEvidence {
        predicate_type: predicate_type.to_owned(),
        format: "bundle",
        repository: "reg.example/app".to_owned(),
        place: "sha256:2".to_owned(),
        existed,
        log_index: None,
    }
}

fn accepted(predicate_type: &str) -> AcceptedEvidence {
    AcceptedEvidence {
        predicate_type: predicate_type.to_owned(),
        place: "sha256:2".to_owned(),
        by: by(),
        signed_at: None,
        log_index: None,
    }
}

/// An image that nothing was done with.
fn untouched(name: &str) -> ImageResult {
    let digest = format!("sha256:{}", "6c3c624b58db".repeat(5));
    let digest = Digest::parse(&format!("{digest}6c3c")).unwrap();
    ImageResult::new(&ResolvedImage {
        reference: Reference::parse(&format!("reg.example/{name}:1@{digest}")).unwrap(),
        descriptor: Descriptor::new("application/vnd.oci.image.manifest.v1+json", digest, 2),
        platform: None,
    })
}

/// An image with a signature and an SBOM; `existed` for each.
fn image(name: &str, mode: Mode, existed: [bool; 2]) -> ImageResult {
    let mut image = ImageResult { attestations: vec![SBOM.to_owned()], ..untouched(name) };
    if mode.sign {
        image.signed = true;
        image.written = vec![stored(SIGNATURE, existed[0]), stored(SBOM, existed[1])];
    }
    if mode.verify {
        image.verified = Some(true);
        image.accepted = vec![accepted(SBOM), accepted(SIGNATURE)];
    }
    image
}

fn file(name: &str, mode: Mode) -> FileResult {
    let (path, bundle) = (name.into(), format!("{name}.sigstore.json").into());
    FileResult {
        digest: Some("sha256:3".to_owned()),
        signed: mode.sign,
        verified: mode.verify.then_some(true),
        by: mode.verify.then(by),
        ..FileResult::new(&File { name: name.to_owned(), path, bundle })
    }
}

/// Everything that a person reads of these results.
fn shown(mode: Mode, images: Vec<ImageResult>, files: Vec<FileResult>) -> String {
    let (plan, results) = (plan(mode), Results { images, files });
    let mut text = String::new();
    for line in lines(&results) {
        writeln!(text, "{:<8} {}", line.label, line.text).unwrap();
    }
    let verdict = match verdict(&plan, &results, &[]) {
        Ok(Ending::Passed(why)) => format!("PASSED   {why}"),
        Ok(Ending::Warned(why)) => format!("WARNED   {why}"),
        Ok(Ending::Skipped(why)) => format!("SKIPPED  {why}"),
        Err(Ending::Failed(why)) => format!("FAILED   {why}"),
        Err(Ending::Unable(why)) => format!("ERROR    {why}"),
        Ok(other) | Err(other) => format!("{other:?}"),
    };
    writeln!(text, "{verdict}").unwrap();
    let rows = table(plan.signs(), &results, str::to_owned);
    text + &rows.lines().skip(2).collect::<Vec<_>>().join("\n")
}

#[test]
fn images_signed_now() {
    insta::assert_snapshot!(shown(BOTH, vec![image("a", BOTH, [false; 2])], vec![]), @r"
    signed   reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx
    verified reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    PASSED   1 image signed and verified
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | yes |
    ");
    insta::assert_snapshot!(shown(SIGN, vec![image("a", SIGN, [false; 2]), image("b", SIGN, [false; 2])], vec![]), @r"
    signed   reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx
    signed   reg.example/b:1@sha256:6c3c624b58db  signature, cyclonedx
    PASSED   2 images signed
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | - |
    | reg.example/b:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | - |
    ");
}

#[test]
fn images_signed_before() {
    insta::assert_snapshot!(shown(BOTH, vec![image("a", BOTH, [true; 2])], vec![]), @r"
    signed   reg.example/a:1@sha256:6c3c624b58db  nothing new (already there: signature, cyclonedx)
    verified reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    PASSED   1 image already signed, now verified
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | yes |
    ");
    insta::assert_snapshot!(shown(SIGN, vec![image("a", SIGN, [true, false])], vec![]), @r"
    signed   reg.example/a:1@sha256:6c3c624b58db  cyclonedx (already there: signature)
    PASSED   1 image already signed
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | - |
    ");
    let mixed = vec![image("a", BOTH, [true; 2]), image("b", BOTH, [false; 2])];
    insta::assert_snapshot!(shown(BOTH, mixed, vec![]), @r"
    signed   reg.example/a:1@sha256:6c3c624b58db  nothing new (already there: signature, cyclonedx)
    verified reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    signed   reg.example/b:1@sha256:6c3c624b58db  signature, cyclonedx
    verified reg.example/b:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    PASSED   2 images signed and verified (1 was already signed)
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | yes |
    | reg.example/b:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | yes |
    ");
    let mixed = vec![image("a", SIGN, [true; 2]), image("b", SIGN, [true; 2]), image("c", SIGN, [false; 2])];
    insta::assert_snapshot!(shown(SIGN, mixed, vec![]), @r"
    signed   reg.example/a:1@sha256:6c3c624b58db  nothing new (already there: signature, cyclonedx)
    signed   reg.example/b:1@sha256:6c3c624b58db  nothing new (already there: signature, cyclonedx)
    signed   reg.example/c:1@sha256:6c3c624b58db  signature, cyclonedx
    PASSED   3 images signed (2 were already signed)
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | - |
    | reg.example/b:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | - |
    | reg.example/c:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | - |
    ");
}

#[test]
fn images_that_are_only_verified() {
    insta::assert_snapshot!(shown(VERIFY, vec![image("a", VERIFY, [false; 2])], vec![]), @r"
    verified reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    PASSED   1 image verified
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | - | cyclonedx | yes |
    ");
    let child = ImageResult { platform: Some("linux/arm64".to_owned()), ..image("a", VERIFY, [false; 2]) };
    insta::assert_snapshot!(shown(VERIFY, vec![image("a", VERIFY, [false; 2]), child], vec![file("f", VERIFY)]), @r"
    verified reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    verified reg.example/a:1@sha256:6c3c624b58db (linux/arm64)  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    verified f  by ECDSA P-256 SHA256:1f0c
    PASSED   2 images and 1 file verified
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | - | cyclonedx | yes |
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | - | cyclonedx | yes |
    | f | sha256:3 | - | - | yes |
    ");
}

#[test]
fn files_alone_and_with_images() {
    insta::assert_snapshot!(shown(BOTH, vec![], vec![file("dist/app.tgz", BOTH)]), @r"
    signed   dist/app.tgz  dist/app.tgz.sigstore.json
    verified dist/app.tgz  by ECDSA P-256 SHA256:1f0c
    PASSED   1 file signed and verified
    | dist/app.tgz | sha256:3 | yes | - | yes |
    ");
    insta::assert_snapshot!(shown(SIGN, vec![], vec![file("a", SIGN), file("b", SIGN)]), @r"
    signed   a  a.sigstore.json
    signed   b  b.sigstore.json
    PASSED   2 files signed
    | a | sha256:3 | yes | - | - |
    | b | sha256:3 | yes | - | - |
    ");
    insta::assert_snapshot!(shown(VERIFY, vec![], vec![file("a", VERIFY), file("b", VERIFY)]), @r"
    verified a  by ECDSA P-256 SHA256:1f0c
    verified b  by ECDSA P-256 SHA256:1f0c
    PASSED   2 files verified
    | a | sha256:3 | - | - | yes |
    | b | sha256:3 | - | - | yes |
    ");
    insta::assert_snapshot!(shown(BOTH, vec![image("a", BOTH, [false; 2])], vec![file("f", BOTH)]), @r"
    signed   reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx
    verified reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    signed   f  f.sigstore.json
    verified f  by ECDSA P-256 SHA256:1f0c
    PASSED   1 image and 1 file signed and verified
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | yes |
    | f | sha256:3 | yes | - | yes |
    ");
}

#[test]
fn attestations_that_are_left_out() {
    let skipped = |count: usize| ImageResult {
        skipped: vec!["scan result not attested: it is of another run".to_owned(); count],
        ..image("a", BOTH, [false; 2])
    };
    insta::assert_snapshot!(shown(BOTH, vec![skipped(1)], vec![]), @r"
    skipped  reg.example/a:1@sha256:6c3c624b58db  scan result not attested: it is of another run
    signed   reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx
    verified reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    WARNED   1 image signed and verified, 1 attestation skipped
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | yes |
    ");
    insta::assert_snapshot!(shown(BOTH, vec![skipped(2)], vec![]), @r"
    skipped  reg.example/a:1@sha256:6c3c624b58db  scan result not attested: it is of another run
    skipped  reg.example/a:1@sha256:6c3c624b58db  scan result not attested: it is of another run
    signed   reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx
    verified reg.example/a:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    WARNED   1 image signed and verified, 2 attestations skipped
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | yes | cyclonedx | yes |
    ");
}

#[test]
fn a_single_error_stands_in_the_verdict_alone() {
    let failed = ImageResult { failed: vec!["no signature found".to_owned()], verified: Some(false), ..untouched("a") };
    insta::assert_snapshot!(shown(VERIFY, vec![failed], vec![]), @r"
    FAILED   reg.example/a:1@sha256:6c3c624b58db: no signature found
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | - | - | no |
    ");
    let unable = ImageResult { unable: vec!["not signed: status 503".to_owned()], ..untouched("a") };
    insta::assert_snapshot!(shown(BOTH, vec![unable], vec![]), @r"
    ERROR    reg.example/a:1@sha256:6c3c624b58db: not signed: status 503
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | no | - | - |
    ");
    let failed =
        FileResult { failed: vec!["no signature found".to_owned()], verified: Some(false), ..file("f", VERIFY) };
    insta::assert_snapshot!(shown(VERIFY, vec![], vec![failed]), @r"
    FAILED   f: no signature found
    | f | sha256:3 | - | - | no |
    ");
}

#[test]
fn of_several_errors_the_verdict_has_the_first_no() {
    let failed = ImageResult { failed: vec!["no signature found".to_owned()], verified: Some(false), ..untouched("a") };
    let unable = ImageResult { unable: vec!["not verified: status 503".to_owned()], ..untouched("b") };
    let good = image("c", VERIFY, [false; 2]);
    insta::assert_snapshot!(shown(VERIFY, vec![unable.clone(), failed, good], vec![]), @r"
    error    reg.example/b:1@sha256:6c3c624b58db  not verified: status 503
    error    reg.example/a:1@sha256:6c3c624b58db  no signature found
    verified reg.example/c:1@sha256:6c3c624b58db  signature, cyclonedx by ECDSA P-256 SHA256:1f0c
    FAILED   reg.example/a:1@sha256:6c3c624b58db: no signature found
    | reg.example/b:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | - | - | - |
    | reg.example/a:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | - | - | no |
    | reg.example/c:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | - | cyclonedx | yes |
    ");
    insta::assert_snapshot!(shown(VERIFY, vec![unable.clone(), unable], vec![]), @r"
    error    reg.example/b:1@sha256:6c3c624b58db  not verified: status 503
    error    reg.example/b:1@sha256:6c3c624b58db  not verified: status 503
    ERROR    reg.example/b:1@sha256:6c3c624b58db: not verified: status 503 (and 1 more)
    | reg.example/b:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | - | - | - |
    | reg.example/b:1 | sha256:6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c624b58db6c3c | - | - | - |
    ");
}

#[test]
fn long_results_end_with_a_count() {
    let images = |count: usize| (0..count).map(|number| image(&number.to_string(), SIGN, [false; 2])).collect();
    let last = |count: usize| shown(SIGN, images(count), vec![]).lines().nth(18).unwrap_or_default().to_owned();
    insta::assert_snapshot!([last(18), last(19), last(30)].join("\n"), @r"
    PASSED   18 images signed
             and 1 more line in the report
             and 12 more lines in the report
    ");
}

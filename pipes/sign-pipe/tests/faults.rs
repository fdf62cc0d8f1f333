//! Registries with troubles, and many who write at once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use common::{Keys, base64_decode, signing, verifying};
use pipewright_harness::{MemoryRegistry, Reply, Repo, Request};
use serde_json::Value;

/// Signs `image` with eight keys at once; all succeed, and each signature is there.
fn eight_at_once(registry: &MemoryRegistry, formats: &str) {
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let keys: Vec<Keys> = (0..8).map(|_| Keys::new()).collect();
    let dirs: Vec<Repo> = keys.iter().map(|_| Repo::plain()).collect();
    let running: Vec<_> = keys
        .iter()
        .zip(&dirs)
        .map(|(keys, dir)| signing(dir.path(), keys, &image).env("SIGNATURE_FORMAT", formats).spawn())
        .collect();
    for one in running {
        one.finish().expect(0);
    }
    for keys in &keys {
        let outcome = verifying(dirs[0].path(), keys, &image).run().expect(0);
        let accepted = outcome.report()["images"][0]["accepted"].as_array().unwrap().len();
        assert_eq!(accepted, formats.split(',').count());
    }
}

/// cosign keeps 6 of 8 at a fallback tag and 1 of 8 at `.sig`, and each says that it succeeded.
#[test]
fn eight_writers_lose_nothing() {
    let slow = |_: &Request| {
        thread::sleep(Duration::from_millis(u64::from(fastrand::u32(0..15))));
        None
    };
    eight_at_once(&MemoryRegistry::with(false, slow), "bundle,legacy");
    eight_at_once(&MemoryRegistry::start(), "bundle");
}

/// It answers 201, and 404 ever after. No other client wrote.
#[test]
fn a_registry_that_keeps_nothing_is_told_and_soon() {
    let registry = MemoryRegistry::with(false, |request| {
        let tag = request.path.contains("/manifests/sha256-");
        (tag && request.method != "PUT").then(|| Reply::json(404, "{}"))
    });
    registry.push_image("app", "1", "one");
    let (dir, keys) = (Repo::plain(), Keys::new());
    let outcome = signing(dir.path(), &keys, &format!("{}/app:1", registry.host())).run().expect(3);
    assert!(outcome.stdout.contains("the registry accepted"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("and does not have it"), "{}", outcome.stdout);
    assert!(outcome.elapsed < Duration::from_secs(10), "{:?}", outcome.elapsed);
    assert_eq!(outcome.report()["images"][0]["signed"], false);
}

/// Answers `status` to the first two requests of each method and path.
fn twice(reply: impl Fn() -> Reply + Send + Sync + 'static) -> impl Fn(&Request) -> Option<Reply> + Send + Sync {
    let seen: Mutex<HashMap<String, u32>> = Mutex::default();
    move |request: &Request| {
        let path = request.path.split('?').next().unwrap_or_default();
        // Uploads have a new path each time.
        let key = format!("{} {}", request.method, path.split("/uploads/").next().unwrap_or_default());
        let mut seen = seen.lock().unwrap();
        let count = seen.entry(key).or_default();
        *count += 1;
        (*count <= 2).then(&reply)
    }
}

#[test]
fn a_registry_that_is_busy_or_breaks_is_asked_again() {
    let replies: [fn() -> Reply; 3] = [
        || Reply::Send(429, vec![("retry-after", "0".to_owned())], Vec::new()),
        || Reply::json(500, r#"{"errors":[{"code":"UNKNOWN","message":"try later"}]}"#),
        || Reply::Drop,
    ];
    for reply in replies {
        let registry = MemoryRegistry::with(true, twice(reply));
        registry.push_image("app", "1", "one");
        let (dir, keys) = (Repo::plain(), Keys::new());
        signing(dir.path(), &keys, &format!("{}/app:1", registry.host())).env("TIMEOUT", "55s").run().expect(0);
    }
}

#[test]
fn a_registry_that_stays_busy_is_3_in_time() {
    let registry =
        MemoryRegistry::with(true, |_| Some(Reply::Send(429, vec![("retry-after", "900".to_owned())], Vec::new())));
    let (dir, keys) = (Repo::plain(), Keys::new());
    let outcome = signing(dir.path(), &keys, &format!("{}/app:1", registry.host())).run().expect(3);
    assert!(outcome.stdout.contains("429") && outcome.stdout.contains("asks to wait"), "{}", outcome.stdout);
    assert!(outcome.elapsed < Duration::from_secs(5), "{:?}", outcome.elapsed);
}

#[test]
fn a_read_that_lags_behind_loses_nothing() {
    // The first reads of a tag that was just written still have nothing.
    let lag = AtomicU32::new(0);
    let registry = MemoryRegistry::with(false, move |request| {
        if !request.path.contains("/manifests/sha256-") {
            return None;
        }
        if request.method == "PUT" {
            lag.store(2, Ordering::SeqCst);
            return None;
        }
        let stale = lag.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        stale.then(|| Reply::json(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#))
    });
    let digest = registry.push_image("app", "1", "one");
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/app:1", registry.host());
    signing(dir.path(), &keys, &image).env("VERIFY", "false").run().expect(0);
    let index = registry.manifest("app", &digest.replace(':', "-")).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1, "written once, however often it was looked at");
}

#[test]
fn a_gigantic_manifest_is_refused_without_being_read() {
    let registry = MemoryRegistry::with(true, |request| {
        let manifest = request.path.contains("/manifests/");
        // Announced as 1 GB; the connection ends long before.
        manifest.then(|| {
            Reply::Send(
                200,
                vec![("content-type", "application/vnd.oci.image.index.v1+json".to_owned())],
                vec![b' '; 8 << 20],
            )
        })
    });
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/app:1", registry.host());
    let outcome = verifying(dir.path(), &keys, &image).run().expect(3);
    assert!(outcome.stdout.contains("larger than"), "{}", outcome.stdout);
    assert!(outcome.peak_kb < 64 * 1024, "{} kB", outcome.peak_kb);
}

#[test]
fn a_registry_that_lies_about_digests_is_not_believed() {
    let registry = MemoryRegistry::with(true, |request| {
        let by_digest = request.path.contains("/manifests/sha256:") && request.method == "GET";
        by_digest.then(|| Reply::Send(200, Vec::new(), b"{\"schemaVersion\":2}".to_vec()))
    });
    registry.push_index("app", "1", "one", &["amd64"]);
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/app:1", registry.host());
    let outcome = signing(dir.path(), &keys, &image).env("RECURSIVE", "true").run().expect(3);
    assert!(outcome.stdout.contains("does not match the digest"), "{}", outcome.stdout);
}

/// A cache in front of a registry still answers HEAD with the old, signed image, or with a digest of nothing at all.
#[test]
fn a_stale_head_decides_neither_what_is_verified_nor_what_is_signed() {
    let old: Arc<Mutex<Option<String>>> = Arc::default();
    let stale = Arc::clone(&old);
    let registry = MemoryRegistry::with(true, move |request| {
        let digest = stale.lock().unwrap().clone().filter(|_| request.method == "HEAD")?;
        let kind = "application/vnd.oci.image.manifest.v1+json".to_owned();
        let headers = vec![("docker-content-digest", digest), ("content-type", kind)];
        request.path.ends_with("/manifests/1").then(|| Reply::Send(200, headers, Vec::new()))
    });
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/app:1", registry.host());
    let signed = registry.push_image("app", "1", "old");
    signing(dir.path(), &keys, &image).run().expect(0);
    let unsigned = registry.push_image("app", "1", "new");
    *old.lock().unwrap() = Some(signed);
    let outcome = verifying(dir.path(), &keys, &image).run().expect(1);
    assert_eq!(outcome.report()["images"][0]["digest"], unsigned.as_str());
    *old.lock().unwrap() = Some(format!("sha256:{}", "9".repeat(64)));
    let outcome = signing(dir.path(), &keys, &image).run().expect(0);
    assert_eq!(outcome.report()["images"][0]["digest"], unsigned.as_str());
}

/// An index may list what its registry does not have, or what another registry serves in its place.
#[test]
fn an_image_of_an_index_that_the_registry_does_not_have_is_neither_signed_nor_verified() {
    for reply in [|| Reply::json(404, "{}"), || Reply::json(200, "{\"schemaVersion\":2}")] {
        let gone: Arc<Mutex<Option<String>>> = Arc::default();
        let missing = Arc::clone(&gone);
        let registry = MemoryRegistry::with(true, move |request| {
            let digest = missing.lock().unwrap().clone()?;
            request.path.ends_with(&format!("/manifests/{digest}")).then(reply)
        });
        let top = registry.push_index("app", "1", "one", &["amd64", "arm64"]);
        let (dir, keys) = (Repo::plain(), Keys::new());
        let image = format!("{}/app:1", registry.host());
        signing(dir.path(), &keys, &image).env("RECURSIVE", "true").run().expect(0);
        let index = registry.manifest("app", &top).unwrap();
        let child = index["manifests"][1]["digest"].as_str().unwrap().to_owned();
        *gone.lock().unwrap() = Some(child.clone());
        for run in [signing(dir.path(), &Keys::new(), &image), verifying(dir.path(), &keys, &image)] {
            let outcome = run.env("RECURSIVE", "true").run().expect(3);
            assert!(outcome.stdout.contains(&child), "{}", outcome.stdout);
        }
        assert_eq!(registry.referrers("app", &child).len(), 1, "only the first run signed it");
    }
}

/// Beside a good signature: a blob that is gone, a manifest that is refused, tags that are refused.
#[test]
fn evidence_that_cannot_be_read_hinders_no_other() {
    const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let missing = pipewright_harness::digest(b"gone");
    let refused = pipewright_harness::digest(b"refused");
    // A referrer whose blob or manifest is not there, and a layer at a tag of cosign 2.
    let referrer = |registry: &MemoryRegistry, subject: &str, status: u16| {
        let layer = serde_json::json!({ "mediaType": BUNDLE, "digest": missing, "size": 4 });
        let config = registry.push_blob("app", b"{}");
        let config =
            serde_json::json!({ "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 });
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest = serde_json::json!({ "schemaVersion": 2, "mediaType": kind, "artifactType": BUNDLE,
            "config": config, "layers": [layer], "note": status,
            "subject": { "mediaType": kind, "digest": subject, "size": 3 } });
        registry.push_manifest("app", None, kind, serde_json::to_vec(&manifest).unwrap())
    };
    let layer = |registry: &MemoryRegistry, subject: &str| {
        let layer =
            serde_json::json!({ "mediaType": "application/vnd.dsse.envelope.v1+json", "digest": missing, "size": 4 });
        let config = serde_json::json!({ "mediaType": "application/vnd.oci.image.config.v1+json", "digest": refused, "size": 2 });
        let kind = "application/vnd.oci.image.manifest.v1+json";
        let manifest =
            serde_json::json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer] });
        let tag = format!("{}.att", subject.replace(':', "-"));
        registry.push_manifest("app", Some(&tag), kind, serde_json::to_vec(&manifest).unwrap());
    };
    for case in ["a blob", "a layer", "a manifest that is refused", "tags that are refused"] {
        let spoiled: Arc<Mutex<Option<String>>> = Arc::default();
        let target = Arc::clone(&spoiled);
        let registry = MemoryRegistry::with(true, move |request| {
            let target = target.lock().unwrap().clone()?;
            (request.method != "PUT" && request.path.contains(&target)).then(|| Reply::json(403, "{}"))
        });
        let subject = registry.push_image("app", "1", "one");
        let (dir, keys) = (Repo::plain(), Keys::new());
        let image = format!("{}/app:1", registry.host());
        let sign = || signing(dir.path(), &keys, &image);
        sign().run().expect(0);
        match case {
            "a blob" => drop(referrer(&registry, &subject, 404)),
            "a layer" => layer(&registry, &subject),
            "tags that are refused" => *spoiled.lock().unwrap() = Some("/manifests/sha256-".to_owned()),
            _ => *spoiled.lock().unwrap() = Some(referrer(&registry, &subject, 403)),
        }
        // An accepted signature is enough, and an equal one is not added.
        let outcome = verifying(dir.path(), &keys, &image).run().expect(0);
        assert!(!outcome.report()["images"][0]["refused"].as_array().unwrap().is_empty(), "{case} is in the report");
        let before = registry.referrers("app", &subject).len();
        sign().run().expect(0);
        assert_eq!(registry.referrers("app", &subject).len(), before, "{case}");
        // Nothing acceptable: it may be what could not be read.
        let outcome = verifying(dir.path(), &Keys::new(), &image).run().expect(3);
        assert!(outcome.stdout.contains("not verified: failed to fetch"), "{case}: {}", outcome.stdout);
        let required = verifying(dir.path(), &keys, &image).env("REQUIRE_ATTESTATIONS", "sbom").run();
        required.expect(3);
    }
}

/// A registry that is not available is not many pieces of evidence that are not.
#[test]
fn a_registry_that_breaks_down_in_the_middle_is_not_asked_for_everything() {
    let down: Arc<Mutex<bool>> = Arc::default();
    let broken = Arc::clone(&down);
    let registry = MemoryRegistry::with(true, move |request| {
        (*broken.lock().unwrap() && request.path.contains("/blobs/")).then(|| Reply::json(503, "{}"))
    });
    registry.push_image("app", "1", "one");
    let (dir, image) = (Repo::plain(), format!("{}/app:1", registry.host()));
    for _ in 0..40 {
        signing(dir.path(), &Keys::new(), &image).env("VERIFY", "false").run().expect(0);
    }
    *down.lock().unwrap() = true;
    let before = registry.requests().len();
    verifying(dir.path(), &Keys::new(), &image).run().expect(3);
    let blobs = registry.requests()[before..].iter().filter(|request| request.path.contains("/blobs/")).count();
    assert!(blobs < 80, "{blobs} of 40 referrers, each tried four times");
}

/// Bitbucket kills at once: what was written is there, and the next run goes on from it.
#[test]
fn a_killed_run_is_resumed() {
    let registry = Arc::new(MemoryRegistry::with(true, |_| {
        thread::sleep(Duration::from_millis(15));
        None
    }));
    let images: Vec<String> = (0..20)
        .map(|number| {
            registry.push_image(&format!("app{number}"), "1", &number.to_string());
            format!("{}/app{number}:1", registry.host())
        })
        .collect();
    let (dir, keys) = (Repo::plain(), Keys::new());
    let running = signing(dir.path(), &keys, &images.join(",")).spawn();
    thread::sleep(Duration::from_millis(450));
    running.signal("KILL");
    let outcome = running.finish();
    assert_eq!(outcome.code, None);
    let report = outcome.report();
    assert_eq!((&report["verdict"], &report["reason"]), (&"error".into(), &"did not finish".into()));
    let done =
        report["images"].as_array().map_or(0, |images| images.iter().filter(|one| one["signed"] == true).count());
    signing(dir.path(), &keys, &images.join(",")).run().expect(0);
    for number in 0..20 {
        let name = format!("app{number}");
        let digest = digest_of(&registry, &name);
        assert_eq!(registry.referrers(&name, &digest).len(), 1, "{name}, {done} were done");
    }
}

fn digest_of(registry: &MemoryRegistry, name: &str) -> String {
    let manifest: Value = registry.manifest(name, "1").unwrap();
    pipewright_harness::digest(&serde_json::to_vec(&manifest).unwrap())
}

#[test]
fn an_interrupted_run_ends_soon_and_says_what_is_done() {
    let registry =
        MemoryRegistry::with(true, |request| (request.method == "PUT").then(|| Reply::Hang(Duration::from_secs(20))));
    registry.push_image("app", "1", "one");
    let (dir, keys) = (Repo::plain(), Keys::new());
    let running = signing(dir.path(), &keys, &format!("{}/app:1", registry.host())).spawn();
    thread::sleep(Duration::from_millis(600));
    running.signal("TERM");
    let outcome = running.finish().expect(143);
    assert!(outcome.elapsed < Duration::from_millis(2600), "{:?}", outcome.elapsed);
    assert_eq!(outcome.report()["images"][0]["signed"], false);
}

/// A registry repeats each credential in its refusal. Neither the output nor the report shows one, whatever its source.
#[test]
fn a_registry_that_repeats_credentials_shows_none() {
    let secrets = ["pw-Xq7Lw2Rt9Vb4Ns", "id-Kd8Fm3Zp6Yc1Hg", "tk-Tj5Bn0Qs7Wx2Le"];
    let [password, identity, token] = secrets;
    let echo = move |request: &Request| {
        let reply = |status, headers, text: &str| Some(Reply::Send(status, headers, text.as_bytes().to_vec()));
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let given = request.header("authorization").unwrap_or_default().to_owned();
        let host = request.header("host").unwrap_or_default();
        if request.path.starts_with("/token") {
            return match body.contains("refresh_token") {
                true => refusal(400, &format!("no: {body} {given}")),
                false => reply(200, Vec::new(), &serde_json::json!({ "token": token }).to_string()),
            };
        }
        if given.is_empty() {
            let realm = format!("Bearer realm=\"http://{host}/token\",service=\"x\"");
            let basic = "Basic realm=\"x\"".to_owned();
            let challenge = if request.path.contains("/basic/") { basic } else { realm };
            return reply(401, vec![("www-authenticate", challenge)], "{}");
        }
        let plain = given.strip_prefix("Basic ").map(|text| String::from_utf8_lossy(&base64_decode(text)).into_owned());
        refusal(400, &format!("bad login {given} {}", plain.unwrap_or_default()))
    };
    let registry = MemoryRegistry::with(true, echo);
    let host = registry.host();
    let auth = base64(&format!("u:{password}"));
    let empty = base64("u:");
    for (repository, entry) in [
        ("basic/app", serde_json::json!({ "auth": auth })),
        ("bearer/app", serde_json::json!({ "auth": auth })),
        ("basic/app", serde_json::json!({ "auth": empty, "identitytoken": identity })),
        ("bearer/app", serde_json::json!({ "auth": empty, "identitytoken": identity })),
        ("bearer/app", serde_json::json!({ "username": "u", "password": password })),
    ] {
        let config = serde_json::json!({ "auths": { &host: entry } }).to_string();
        let image = format!("{host}/{repository}:1");
        for home in [true, false] {
            let (dir, keys) = (Repo::plain(), Keys::new());
            dir.write(if home { ".docker/config.json" } else { "docker/config.json" }, &config);
            let pipe = signing(dir.path(), &keys, &image);
            let (name, place) = if home { ("HOME", dir.path().to_owned()) } else { ("DOCKER_CONFIG", "docker".into()) };
            let outcome = pipe.env(name, place).env("RETRIES", "0").run();
            assert_ne!(outcome.code, Some(0));
            let shown = outcome.output() + &outcome.report().to_string();
            assert!(shown.contains("***"), "the registry repeats it: {shown}");
            for secret in secrets {
                for form in [secret.to_owned(), base64(secret), auth.clone()] {
                    assert!(!shown.contains(&form), "{repository} {form}: {shown}");
                }
            }
        }
    }
}

fn refusal(status: u16, message: &str) -> Option<Reply> {
    let body = serde_json::json!({ "errors": [{ "code": "DENIED", "message": message }] });
    Some(Reply::json(status, body.to_string()))
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

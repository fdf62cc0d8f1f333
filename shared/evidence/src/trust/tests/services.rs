use jiff::Timestamp;

use super::*;

const NOW: &str = "2026-06-01T00:00:00Z";

fn service(url: &str, version: u32, start: &str, end: Option<&str>, operator: &str) -> serde_json::Value {
    json!({
        "url": url, "majorApiVersion": version, "validFor": { "start": start, "end": end }, "operator": operator,
    })
}

fn current(url: &str, version: u32) -> serde_json::Value {
    service(url, version, "2025-01-01T00:00:00Z", None, "example")
}

/// A config with one service of each kind, changed.
fn config(change: impl Fn(&mut serde_json::Value)) -> SigningConfig {
    let mut config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": [current("https://fulcio", 1)],
        "oidcUrls": [current("https://oidc", 1)],
        "rekorTlogUrls": [current("https://rekor", 1)],
        "rekorTlogConfig": { "selector": "ANY" },
        "tsaUrls": [current("https://tsa", 1)],
        "tsaConfig": { "selector": "ANY" },
    });
    change(&mut config);
    SigningConfig::from_json(&config.to_string()).unwrap()
}

fn choose(config: Option<&SigningConfig>, overrides: &ServiceOverrides) -> Services {
    Services::choose(config, overrides, NOW.parse::<Timestamp>().unwrap())
}

fn chosen(change: impl Fn(&mut serde_json::Value)) -> Services {
    choose(Some(&config(change)), &ServiceOverrides::default())
}

fn log(url: &str, version: RekorVersion) -> RekorService {
    RekorService { url: url.to_owned(), version }
}

#[test]
fn each_service_is_found() {
    let services = chosen(|_| ());
    assert_eq!(services.fulcio().unwrap(), "https://fulcio");
    assert_eq!(services.oidc().unwrap(), "https://oidc");
    assert_eq!(services.tsa().unwrap(), "https://tsa");
    assert_eq!(services.rekor().unwrap(), &log("https://rekor", RekorVersion::V1));
}

#[test]
fn the_highest_version_and_of_it_the_newest_is_taken() {
    let services = chosen(|config| {
        config["rekorTlogUrls"] = json!([
            current("https://one", 1),
            service("https://older", 2, "2025-01-01T00:00:00Z", None, "example"),
            service("https://newer", 2, "2025-06-01T00:00:00Z", None, "example"),
            service("https://same", 2, "2025-06-01T00:00:00Z", None, "example"),
            current("https://unknown", 3),
            service("https://future", 2, "2027-01-01T00:00:00Z", None, "example"),
            service("https://ended", 2, "2025-07-01T00:00:00Z", Some("2026-05-31T00:00:00Z"), "example"),
        ]);
    });
    assert_eq!(services.rekor().unwrap(), &log("https://newer", RekorVersion::V2));
}

#[test]
fn a_version_can_be_asked_for() {
    let config =
        config(|config| config["rekorTlogUrls"] = json!([current("https://two", 2), current("https://one", 1)]));
    let rekor = |version| {
        let overrides = ServiceOverrides { rekor_version: Some(version), ..ServiceOverrides::default() };
        choose(Some(&config), &overrides).rekor().unwrap().clone()
    };
    assert_eq!(rekor(RekorVersion::V1), log("https://one", RekorVersion::V1));
    assert_eq!(rekor(RekorVersion::V2), log("https://two", RekorVersion::V2));
    let overrides = ServiceOverrides { rekor_version: Some(RekorVersion::V2), ..ServiceOverrides::default() };
    let error = choose(Some(&super::services::config(|_| ())), &overrides).rekor().unwrap_err().to_string();
    let expected =
        "no transparency log (Rekor) in the signing config is valid now with API version 2 (1 listed). Set REKOR_URL.";
    assert_eq!(error, expected);
}

#[test]
fn what_is_not_there_says_so_when_it_is_needed() {
    let services = chosen(|config| {
        config["caUrls"] = json!([]);
        config["oidcUrls"] =
            json!([service("https://ended", 1, "2020-01-01T00:00:00Z", Some("2021-01-01T00:00:00Z"), "x")]);
    });
    let error = services.fulcio().unwrap_err();
    assert!(matches!(error, KeylessError::Unsupported(_)));
    assert_eq!(
        error.to_string(),
        "no certificate authority (Fulcio) in the signing config is valid now with API version 1 (0 listed). Set FULCIO_URL."
    );
    assert!(services.oidc().unwrap_err().to_string().contains("with API version 1 (1 listed)"));
    services.rekor().unwrap();

    let none = choose(None, &ServiceOverrides::default());
    let error = none.tsa().unwrap_err().to_string();
    assert_eq!(
        error,
        "no timestamp authority: neither a signing config nor its URL is set. Set SIGNING_CONFIG or TSA_URL."
    );
}

#[test]
fn own_urls_go_first_whatever_the_config_wants() {
    let overrides = ServiceOverrides {
        fulcio: Some("https://f".to_owned()),
        rekor: Some(log("https://r", RekorVersion::V2)),
        rekor_version: None,
        tsa: Some("https://t".to_owned()),
        oidc: Some("https://o".to_owned()),
    };
    let strict = config(|config| {
        config["rekorTlogConfig"] = json!({ "selector": "EXACT", "count": 2 });
        config["tsaConfig"] = json!({ "selector": "SERVICE_SELECTOR_UNDEFINED" });
    });
    for config in [None, Some(&strict)] {
        let services = choose(config, &overrides);
        assert_eq!(services.fulcio().unwrap(), "https://f");
        assert_eq!(services.rekor().unwrap(), &log("https://r", RekorVersion::V2));
        assert_eq!(services.tsa().unwrap(), "https://t");
        assert_eq!(services.oidc().unwrap(), "https://o");
    }
}

#[test]
fn what_one_service_does_not_satisfy_is_an_error() {
    let rekor = |rule: serde_json::Value, urls: serde_json::Value| {
        chosen(|config| {
            config["rekorTlogConfig"] = rule.clone();
            config["rekorTlogUrls"] = urls.clone();
        })
        .rekor()
        .map(|log| log.url.clone())
        .map_err(|error| error.to_string())
    };
    let one = json!([current("https://a", 1)]);
    let of_one = json!([current("https://a", 1), current("https://b", 1)]);
    let of_two = json!([current("https://a", 1), service("https://b", 1, "2020-01-01T00:00:00Z", None, "other")]);
    assert!(rekor(json!({ "selector": "EXACT", "count": 1 }), of_two.clone()).is_ok());
    assert!(rekor(json!({}), of_two.clone()).is_ok());
    assert!(rekor(json!({ "selector": "ALL" }), one.clone()).is_ok());
    assert!(rekor(json!({ "selector": "ALL" }), of_one).is_ok());
    assert_eq!(
        rekor(json!({ "selector": "ALL" }), of_two.clone()).unwrap_err(),
        "no transparency log (Rekor): the signing config requires signatures of all 2, and this program uses one. Set REKOR_URL."
    );
    assert_eq!(
        rekor(json!({ "selector": "EXACT", "count": 2 }), of_two).unwrap_err(),
        "no transparency log (Rekor): the signing config requires signatures of exactly 2, and this program uses one. Set REKOR_URL."
    );
    assert!(rekor(json!({ "selector": "SERVICE_SELECTOR_UNDEFINED" }), one).is_err());
}

#[test]
fn a_log_without_times_needs_a_timestamp_authority() {
    let services = chosen(|config| {
        config["rekorTlogUrls"] = json!([current("https://rekor", 2)]);
        config["tsaUrls"] = json!([]);
    });
    let error = services.rekor().unwrap_err().to_string();
    assert!(error.starts_with("Rekor v2 needs a timestamp authority: no timestamp"), "{error}");
}

#[test]
fn the_embedded_configs_have_what_signing_needs() {
    for instance in [SigstoreInstance::PublicGood, SigstoreInstance::Staging] {
        let trust = Trust::embedded(instance).unwrap();
        let now = "2026-07-01T00:00:00Z".parse().unwrap();
        let services = Services::choose(trust.signing_config(), &ServiceOverrides::default(), now);
        services.fulcio().unwrap();
        services.rekor().unwrap();
        services.tsa().unwrap();
        services.oidc().unwrap();
    }
}

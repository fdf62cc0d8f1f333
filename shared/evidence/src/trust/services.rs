//! The services of an instance, chosen as its signing config wants.
//!
//! Source: `SigningConfig` in protobuf-specs' `sigstore_trustroot.proto`: of the services that are valid now and speak a
//! known version, the highest version, and of these the one that began last.

use jiff::Timestamp;
use sigstore_trust_root::{ServiceConfiguration, ServiceEndpoint, ServiceSelector, SigningConfig};

use crate::keyless::KeylessError;
use crate::rekor::RekorVersion;

/// Services that are chosen by hand, whatever the signing config says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceOverrides {
    pub fulcio: Option<String>,
    pub rekor: Option<RekorService>,
    /// The version of the log to choose from the signing config.
    pub rekor_version: Option<RekorVersion>,
    /// The whole URL.
    pub tsa: Option<String>,
    pub oidc: Option<String>,
}

/// A log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RekorService {
    pub url: String,
    pub version: RekorVersion,
}

/// What signing asks. A service that is not there matters when it is needed, and says then why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    fulcio: Result<String, String>,
    rekor: Result<RekorService, String>,
    tsa: Result<String, String>,
    oidc: Result<String, String>,
}

impl Services {
    /// Chooses the services to use at `now`.
    pub fn choose(config: Option<&SigningConfig>, overrides: &ServiceOverrides, now: Timestamp) -> Services {
        let url = |own: &Option<String>, what: &'static str, list: fn(&SigningConfig) -> Listed<'_>, known: &[u32]| {
            own.as_ref().map_or_else(|| Ok(pick(config, what, list, known, now)?.url.clone()), |url| Ok(url.clone()))
        };
        let versions: &[u32] = match overrides.rekor_version {
            Some(RekorVersion::V1) => &[1],
            Some(RekorVersion::V2) => &[2],
            None => &[1, 2],
        };
        let rekor = || {
            let log = pick(config, "transparency log (Rekor)", logs, versions, now)?;
            let version = RekorVersion::from_major(log.major_api_version).ok_or("a log of an unknown version")?;
            Ok(RekorService { url: log.url.clone(), version })
        };
        Services {
            fulcio: url(&overrides.fulcio, "certificate authority (Fulcio)", |config| (&config.ca_urls, None), &[1]),
            rekor: overrides.rekor.clone().map_or_else(rekor, Ok),
            tsa: url(
                &overrides.tsa,
                "timestamp authority",
                |config| (&config.tsa_urls, Some(&config.tsa_config)),
                &[1],
            ),
            oidc: url(&overrides.oidc, "identity provider", |config| (&config.oidc_urls, None), &[1]),
        }
    }

    /// # Errors
    /// There is none.
    pub fn fulcio(&self) -> Result<&str, KeylessError> {
        found(&self.fulcio).map(String::as_str)
    }

    /// The log; one of version 2 only with a timestamp authority, without which nothing tells when it logged.
    ///
    /// # Errors
    /// There is none.
    pub fn rekor(&self) -> Result<&RekorService, KeylessError> {
        let log = found(&self.rekor)?;
        match &self.tsa {
            Err(why) if log.version == RekorVersion::V2 => Err(KeylessError::Unsupported(format!(
                "Rekor v2 gives no time, and there is no timestamp authority: {why}"
            ))),
            _ => Ok(log),
        }
    }

    /// # Errors
    /// There is none.
    pub fn tsa(&self) -> Result<&str, KeylessError> {
        found(&self.tsa).map(String::as_str)
    }

    /// # Errors
    /// There is none.
    pub fn oidc(&self) -> Result<&str, KeylessError> {
        found(&self.oidc).map(String::as_str)
    }
}

type Listed<'a> = (&'a [ServiceEndpoint], Option<&'a ServiceConfiguration>);

fn logs(config: &SigningConfig) -> Listed<'_> {
    (&config.rekor_tlog_urls, Some(&config.rekor_tlog_config))
}

fn found<T>(service: &Result<T, String>) -> Result<&T, KeylessError> {
    service.as_ref().map_err(|why| KeylessError::Unsupported(why.clone()))
}

fn pick<'a>(
    config: Option<&'a SigningConfig>,
    what: &str,
    list: impl Fn(&'a SigningConfig) -> Listed<'a>,
    versions: &[u32],
    now: Timestamp,
) -> Result<&'a ServiceEndpoint, String> {
    let config = config.ok_or_else(|| format!("no {what}: there is no signing config, and no URL of it is set"))?;
    let (services, rule) = list(config);
    let usable: Vec<&ServiceEndpoint> = services
        .iter()
        .filter(|service| service.valid_for.contains(now) && versions.contains(&service.major_api_version))
        .collect();
    if let Some(rule) = rule {
        one_is_enough(rule, &usable).map_err(|why| format!("no {what}: the signing config wants {why}"))?;
    }
    // The first of those that are equal, as the list's author prefers.
    let best = usable.into_iter().rev().max_by_key(|service| (service.major_api_version, service.valid_for.start));
    best.ok_or_else(|| {
        let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
        let versions = versions.join(" or ");
        format!("no {what}: of {} in the signing config none is valid now with version {versions}", services.len())
    })
}

/// Whether asking one service does what the config wants. A signature with fewer entries than its readers look for must
/// not look like a success.
fn one_is_enough(rule: &ServiceConfiguration, usable: &[&ServiceEndpoint]) -> Result<(), String> {
    match (rule.selector, rule.count) {
        (ServiceSelector::Any, _) | (ServiceSelector::Exact, Some(1)) => Ok(()),
        (ServiceSelector::All, _) if of_one_operator(usable) => Ok(()),
        (ServiceSelector::All, _) => Err(format!("all of its {}, and one is asked here", usable.len())),
        (ServiceSelector::Exact, count) => Err(format!("exactly {}, and one is asked here", count.unwrap_or_default())),
        _ => Err("a number of them that it does not say".to_owned()),
    }
}

/// Of several services of one operator, which are versions of the same, one is asked anyway.
fn of_one_operator(usable: &[&ServiceEndpoint]) -> bool {
    match usable {
        [] | [_] => true,
        [first, others @ ..] => {
            first.operator.is_some() && others.iter().all(|service| service.operator == first.operator)
        }
    }
}

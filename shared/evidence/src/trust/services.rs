//! The services of an instance, chosen as its signing config wants.
//!
//! Source: `SigningConfig` in protobuf-specs' `sigstore_trustroot.proto`: of the services that are valid now and speak a
//! known version, the highest version, and of these the one that began last.

use jiff::Timestamp;
use sigstore_trust_root::{ServiceConfiguration, ServiceEndpoint, ServiceSelector, SigningConfig};

use crate::keyless::KeylessError;
use crate::rekor::RekorVersion;

/// Services from the configuration. They take precedence over the signing config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceOverrides {
    /// The URL of Fulcio.
    pub fulcio: Option<String>,
    /// The log.
    pub rekor: Option<RekorService>,
    /// The API version of the log that is chosen from the signing config.
    pub rekor_version: Option<RekorVersion>,
    /// The complete URL of the timestamp authority.
    pub tsa: Option<String>,
    /// The URL of the OpenID Connect provider.
    pub oidc: Option<String>,
}

/// A log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RekorService {
    /// The URL.
    pub url: String,
    /// The API that it speaks.
    pub version: RekorVersion,
}

/// The services that signing uses. A missing one is an error only when it is needed.
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
        let url = |own: &Option<String>,
                   (what, variable): (&'static str, &'static str),
                   list: fn(&SigningConfig) -> Listed<'_>,
                   known: &[u32]| {
            own.as_ref().map_or_else(
                || Ok(pick(config, (what, variable), list, known, now)?.url.clone()),
                |url| Ok(url.clone()),
            )
        };
        let versions: &[u32] = match overrides.rekor_version {
            Some(RekorVersion::V1) => &[1],
            Some(RekorVersion::V2) => &[2],
            None => &[1, 2],
        };
        let rekor = || {
            let log = pick(config, ("transparency log (Rekor)", "REKOR_URL"), logs, versions, now)?;
            let version =
                RekorVersion::from_major(log.major_api_version).ok_or("the API version of the log is unknown")?;
            Ok(RekorService { url: log.url.clone(), version })
        };
        Services {
            fulcio: url(
                &overrides.fulcio,
                ("certificate authority (Fulcio)", "FULCIO_URL"),
                |config| (&config.ca_urls, None),
                &[1],
            ),
            rekor: overrides.rekor.clone().map_or_else(rekor, Ok),
            tsa: url(
                &overrides.tsa,
                ("timestamp authority", "TSA_URL"),
                |config| (&config.tsa_urls, Some(&config.tsa_config)),
                &[1],
            ),
            oidc: url(
                &overrides.oidc,
                ("identity provider", "SIGNING_CONFIG"),
                |config| (&config.oidc_urls, None),
                &[1],
            ),
        }
    }

    /// The URL of Fulcio.
    ///
    /// # Errors
    /// [`KeylessError::Unsupported`] with the reason why there is none.
    pub fn fulcio(&self) -> Result<&str, KeylessError> {
        found(&self.fulcio).map(String::as_str)
    }

    /// The log. A log of version 2 also needs a timestamp authority, since its entries have no time.
    ///
    /// # Errors
    /// [`KeylessError::Unsupported`] with the reason why there is none.
    pub fn rekor(&self) -> Result<&RekorService, KeylessError> {
        let log = found(&self.rekor)?;
        match &self.tsa {
            Err(why) if log.version == RekorVersion::V2 => {
                Err(KeylessError::Unsupported(format!("Rekor v2 needs a timestamp authority: {why}")))
            }
            _ => Ok(log),
        }
    }

    /// The complete URL of the timestamp authority.
    ///
    /// # Errors
    /// [`KeylessError::Unsupported`] with the reason why there is none.
    pub fn tsa(&self) -> Result<&str, KeylessError> {
        found(&self.tsa).map(String::as_str)
    }

    /// The URL of the OpenID Connect provider.
    ///
    /// # Errors
    /// [`KeylessError::Unsupported`] with the reason why there is none.
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
    (what, variable): (&str, &str),
    list: impl Fn(&'a SigningConfig) -> Listed<'a>,
    versions: &[u32],
    now: Timestamp,
) -> Result<&'a ServiceEndpoint, String> {
    let config = config.ok_or_else(|| {
        format!("no {what}: neither a signing config nor its URL is set. Set SIGNING_CONFIG or {variable}.")
    })?;
    let (services, rule) = list(config);
    let usable: Vec<&ServiceEndpoint> = services
        .iter()
        .filter(|service| service.valid_for.contains(now) && versions.contains(&service.major_api_version))
        .collect();
    if let Some(rule) = rule {
        one_is_enough(rule, &usable)
            .map_err(|why| format!("no {what}: the signing config requires {why}. Set {variable}."))?;
    }
    // The first of equal services, in the order of the list.
    let best = usable.into_iter().rev().max_by_key(|service| (service.major_api_version, service.valid_for.start));
    best.ok_or_else(|| {
        let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
        let versions = versions.join(" or ");
        format!(
            "no {what} in the signing config is valid now with API version {versions} ({} listed). Set {variable}.",
            services.len()
        )
    })
}

/// Checks that a signature of one service satisfies the config. A signature with fewer entries than verifiers expect must
/// not count as a success.
fn one_is_enough(rule: &ServiceConfiguration, usable: &[&ServiceEndpoint]) -> Result<(), String> {
    match (rule.selector, rule.count) {
        (ServiceSelector::Any, _) | (ServiceSelector::Exact, Some(1)) => Ok(()),
        (ServiceSelector::All, _) if of_one_operator(usable) => Ok(()),
        (ServiceSelector::All, _) => Err(format!("signatures of all {}, and this program uses one", usable.len())),
        (ServiceSelector::Exact, count) => {
            Err(format!("signatures of exactly {}, and this program uses one", count.unwrap_or_default()))
        }
        _ => Err("an unknown number of services".to_owned()),
    }
}

/// Whether all services belong to one operator. Those are versions of one service, so one signature is enough.
fn of_one_operator(usable: &[&ServiceEndpoint]) -> bool {
    match usable {
        [] | [_] => true,
        [first, others @ ..] => {
            first.operator.is_some() && others.iter().all(|service| service.operator == first.operator)
        }
    }
}

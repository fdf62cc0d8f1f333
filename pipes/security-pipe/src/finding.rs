//! A finding: what every scanner yields, the gate decides on, and every report shows.
//!
//! A finding says itself what it is. The scanner that makes it supplies the [`Rule`] and the [`Remedy`], so gate and
//! reports only judge and lay out. Where something must be decided by [`Kind`], the match is exhaustive, and the
//! compiler lists what a new kind has to answer.

mod location;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::civil::Date;
use pipe_core::severity::Severity;
use pipe_packages::package::Scope;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

pub(crate) use location::{Container, Location, Span};

/// What fired. Findings of one rule share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// As ignore files, baselines and reports name it: a secret rule's id, an advisory's id.
    pub(crate) id: String,
    /// Every id that an advisory is known by, `id` first. Empty if there is only `id`.
    pub(crate) ids: Vec<String>,
    /// In the style of other tools' rules: `VulnerableDependency`.
    pub(crate) name: Cow<'static, str>,
    /// One line for a person.
    pub(crate) title: String,
    /// Sentences about why it matters, the same wherever the rule fires. If `None`, the title says all.
    pub(crate) explanation: Option<Cow<'static, str>>,
    /// The page that describes it.
    pub(crate) link: Option<String>,
    /// What viewers filter by, beside the scanner's name and the ids.
    pub(crate) tags: Vec<Cow<'static, str>>,
    pub(crate) precision: Precision,
}

/// How often a rule is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    High,
    /// A guess, such as entropy alone.
    Medium,
}

/// What a person does about a finding, at the three lengths that reports have room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remedy {
    /// The end of a line on a terminal: `fix: 2.0 (poetry update requests)`.
    pub(crate) brief: Cow<'static, str>,
    /// A clause of an annotation: `fixed in 2.0: poetry update requests`.
    pub(crate) clause: Cow<'static, str>,
    /// Sentences.
    pub(crate) text: Cow<'static, str>,
    /// The part of `text` that is a command, which pages show as code.
    pub(crate) command: Option<String>,
}

/// What sort of thing was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// A credential in a file.
    Secret {
        /// The provider's public prefix and an ellipsis; never more of the secret.
        prefix: Option<String>,
    },
    /// An advisory about an installed package.
    Vulnerability(Vulnerability),
    /// An installed package that does harm on purpose. No score, fix or scope makes it better, and no setting about
    /// them applies.
    Malware(AffectedPackage),
    /// A setting that weakens what is built or run.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "no scanner of settings yet; the example scanner of the tests has it")
    )]
    Misconfiguration,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Vulnerability {
    pub(crate) package: AffectedPackage,
    /// The CVSS base score.
    pub(crate) score: Option<f32>,
    /// `unmaintained`, `unsound` or `notice`: advice rather than a vulnerability.
    pub(crate) informational: Option<String>,
}

/// The package an advisory is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AffectedPackage {
    pub(crate) ecosystem: &'static str,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) purl: String,
    pub(crate) scope: Scope,
    pub(crate) direct: Option<bool>,
    /// Versions that are no longer affected, lowest first.
    pub(crate) fixed: Vec<String>,
    /// The command that upgrades to the first of them.
    pub(crate) upgrade: Option<String>,
    /// The folders that this version is installed in, relative to the lockfile's, sorted; empty if the lockfile does
    /// not say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) places: Vec<String>,
    #[serde(skip)]
    pub(crate) identity: Identity,
}

/// By what the finding of an advisory is known again after the id that is shown has changed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// What SARIF calls `pipewright/v2`, as a number: over package and place, and the advisory's id that stays.
    pub(crate) stable: u128,
    /// [`Finding::fingerprint`] as it is, or was, under each of the advisory's ids, as a number.
    pub(crate) under_any_id: Box<[u128]>,
}

/// Why a finding does or doesn't count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub(crate) enum Status {
    New,
    /// In the baseline.
    Known,
    /// By an entry of the ignore file, which may let many pass and is kept once, or an inline comment.
    Ignored {
        #[serde(serialize_with = "shared")]
        reason: Arc<str>,
        until: Option<Date>,
    },
}

fn shared<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// What the gate made of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "gate", content = "because")]
pub(crate) enum Gated {
    /// Fails the run; the setting that says so.
    Fails(Cow<'static, str>),
    /// Reported only, and why.
    Passes(Cow<'static, str>),
}

/// How bad a finding is, from the least to the worst. An unscored one stands between medium and high: it may be
/// either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rating {
    Informational,
    Low,
    Medium,
    Unscored,
    High,
    Critical,
}

#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// The name of the scanner that made it.
    pub(crate) scanner: &'static str,
    pub(crate) rule: Arc<Rule>,
    pub(crate) kind: Kind,
    /// `None` if it has no score.
    pub(crate) severity: Option<Severity>,
    /// Who says so, e.g. `CVSS 3.1 9.8`.
    pub(crate) severity_source: String,
    pub(crate) location: Location,
    /// Made anew each time it is asked for: a run may have very many findings.
    pub(crate) remedy: fn(&Finding) -> Remedy,
    /// 32 hexadecimal digits that survive moved lines.
    pub(crate) fingerprint: String,
    /// A hash of the line with an inline `gitleaks:allow`, to ask whether it stood in the target branch. Never reported.
    pub(crate) inline_allow: Option<String>,
    pub(crate) status: Status,
    pub(crate) gated: Option<Gated>,
}

impl Rating {
    /// Worst first.
    pub(crate) const ALL: [Rating; 6] =
        [Rating::Critical, Rating::High, Rating::Unscored, Rating::Medium, Rating::Low, Rating::Informational];

    /// `CRITICAL`, or `UNSCORED`, or `INFO`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Rating::Informational => "INFO",
            Rating::Low => "LOW",
            Rating::Medium => "MEDIUM",
            Rating::Unscored => "UNSCORED",
            Rating::High => "HIGH",
            Rating::Critical => "CRITICAL",
        }
    }
}

impl Finding {
    pub(crate) fn is_open(&self) -> bool {
        self.status == Status::New
    }

    pub(crate) fn fails(&self) -> bool {
        self.failed_by().is_some()
    }

    /// The setting by which it fails the run.
    pub(crate) fn failed_by(&self) -> Option<&str> {
        match &self.gated {
            Some(Gated::Fails(setting)) => Some(setting),
            _ => None,
        }
    }

    pub(crate) fn rating(&self) -> Rating {
        if self.is_malware() {
            return Rating::Critical;
        }
        match (self.informational(), self.severity) {
            (Some(_), _) => Rating::Informational,
            (None, Some(Severity::Critical)) => Rating::Critical,
            (None, Some(Severity::High)) => Rating::High,
            (None, Some(Severity::Medium)) => Rating::Medium,
            (None, Some(Severity::Low)) => Rating::Low,
            (None, None) => Rating::Unscored,
        }
    }

    /// What an advisory is about.
    pub(crate) fn package(&self) -> Option<&AffectedPackage> {
        match &self.kind {
            Kind::Vulnerability(vulnerability) => Some(&vulnerability.package),
            Kind::Malware(package) => Some(package),
            Kind::Secret { .. } | Kind::Misconfiguration => None,
        }
    }

    pub(crate) fn is_malware(&self) -> bool {
        matches!(self.kind, Kind::Malware(_))
    }

    /// The fingerprint that neither a new alias nor a lockfile in another form changes.
    pub(crate) fn fingerprint_v2(&self) -> Cow<'_, str> {
        match self.package() {
            Some(package) => in_digits(package.identity.stable).into(),
            None => self.fingerprint.as_str().into(),
        }
    }

    /// Whether it has this fingerprint, of any version and under any of its ids.
    pub(crate) fn has_fingerprint(&self, fingerprint: &str) -> bool {
        self.fingerprint == fingerprint
            || self.fingerprint_v2() == fingerprint
            || self.former_fingerprints().any(|former| former == fingerprint)
    }

    /// [`Identity::under_any_id`], as fingerprints are written.
    pub(crate) fn former_fingerprints(&self) -> impl Iterator<Item = String> {
        let former = self.package().map_or(&[][..], |package| &package.identity.under_any_id);
        former.iter().map(|number| in_digits(*number))
    }

    pub(crate) fn remedy(&self) -> Remedy {
        (self.remedy)(self)
    }

    /// Whether a rule or an advisory of this name, in any case, made it.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.rule.id.eq_ignore_ascii_case(id) || self.rule.ids.iter().any(|known| known.eq_ignore_ascii_case(id))
    }

    pub(crate) fn score(&self) -> Option<f32> {
        self.vulnerability().and_then(|vulnerability| vulnerability.score)
    }

    pub(crate) fn informational(&self) -> Option<&str> {
        self.vulnerability().and_then(|vulnerability| vulnerability.informational.as_deref())
    }

    fn vulnerability(&self) -> Option<&Vulnerability> {
        match &self.kind {
            Kind::Vulnerability(vulnerability) => Some(vulnerability),
            Kind::Secret { .. } | Kind::Malware(_) | Kind::Misconfiguration => None,
        }
    }

    /// The public prefix of a secret.
    pub(crate) fn prefix(&self) -> Option<&str> {
        match &self.kind {
            Kind::Secret { prefix } => prefix.as_deref(),
            Kind::Vulnerability(_) | Kind::Malware(_) | Kind::Misconfiguration => None,
        }
    }

    /// What it is about, in a word or two: `requests 2.19.0`, or the rule.
    pub(crate) fn subject(&self) -> String {
        match self.package() {
            Some(package) => format!("{} {}", package.name, package.version),
            None => self.rule.id.clone(),
        }
    }

    /// The advisory's ids, the shown one first; the rule's id if it has no other.
    pub(crate) fn names(&self) -> String {
        match self.rule.ids.as_slice() {
            [] => self.rule.id.clone(),
            ids => ids.join(", "),
        }
    }

    /// Worst first: what fails, then what is open, malware before the rest, by rating, then by place.
    pub(crate) fn sort(findings: &mut [Finding]) {
        // Without a buffer for half of them. Two that are equal in all of this are shown alike.
        findings.sort_unstable_by(|a, b| {
            let rank = |finding: &Finding| (finding.fails(), finding.is_open(), finding.is_malware(), finding.rating());
            rank(b)
                .cmp(&rank(a))
                .then_with(|| a.location.path.cmp(&b.location.path))
                .then_with(|| a.location.span.line.cmp(&b.location.span.line))
                .then_with(|| a.rule.id.cmp(&b.rule.id))
                .then_with(|| a.fingerprint.cmp(&b.fingerprint))
        });
    }
}

/// 32 hexadecimal digits over `parts`, the scanner's name first. A part that moves or changes without the finding
/// being another one (a line, a version) must not be among them.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    in_digits(fingerprint_number(parts))
}

/// [`fingerprint`] as a number.
pub(crate) fn fingerprint_number(parts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hash: [u8; 32] = hash.finalize().into();
    hash.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

pub(crate) fn in_digits(number: u128) -> String {
    format!("{number:032x}")
}

#[cfg(test)]
pub(crate) mod tests;

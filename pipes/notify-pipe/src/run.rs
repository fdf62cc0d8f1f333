//! The pipeline run that a notification is about, as facts for machines: what templates, events and metrics carry.

use jiff::{Timestamp, Unit};
use pipe_core::redact::MASK;
use serde::Serialize;

/// Everything that is not known is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Run {
    /// `bitbucket`, `github`, `gitlab`, another CI's name, or `none`.
    pub(crate) provider: String,
    /// `org/app`
    pub(crate) repository: Option<String>,
    pub(crate) repository_url: Option<String>,
    /// Hexadecimal, whole.
    pub(crate) commit: Option<String>,
    pub(crate) commit_url: Option<String>,
    /// The commit message's first line.
    pub(crate) subject: Option<String>,
    pub(crate) author: Option<Person>,
    pub(crate) branch: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) pull_request: Option<Pull>,
    /// The pipeline's or workflow's name.
    pub(crate) pipeline: Option<String>,
    /// A repository has only one pipeline on this CI, which therefore has no name.
    #[serde(skip)]
    pub(crate) has_one_pipeline: bool,
    /// The same for all jobs of the run.
    pub(crate) id: Option<String>,
    pub(crate) number: Option<String>,
    /// The run's page.
    pub(crate) url: Option<String>,
    /// Who caused it.
    pub(crate) actor: Option<String>,
    pub(crate) environment: Option<String>,
    pub(crate) started_at: Option<Timestamp>,
    /// When the run ended, or when this notification was made.
    pub(crate) finished_at: Timestamp,
    /// Where the run deployed something.
    pub(crate) deployment: Option<Deployment>,
    /// Which facts of its [`Run::identity`] other runs may seem to share: those in which a secret was hidden, and the pull
    /// request if the CI does not say whether there is one.
    #[serde(skip)]
    pub(crate) unsure: Vec<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) email: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Pull {
    /// Without `#` or `!`.
    pub(crate) id: String,
    pub(crate) target: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) title: Option<String>,
    /// `!` on GitLab, where `#41` is an issue, and `#` elsewhere.
    #[serde(skip)]
    pub(crate) mark: &'static str,
}

/// What the four DORA figures are computed from.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Deployment {
    pub(crate) environment: String,
    /// What was deployed, by its name; the repository's where nothing else is known.
    pub(crate) service: String,
    pub(crate) version: Option<String>,
    /// `registry/name@sha256:...`
    pub(crate) image: Option<String>,
    /// The release's revision.
    pub(crate) revision: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) previous_commit: Option<String>,
    /// The commits it brought, newest first.
    pub(crate) commits: Vec<DeployedCommit>,
    /// An earlier state was restored, by the deployment itself or by deploying an older commit.
    pub(crate) rollback: bool,
    pub(crate) reason: Option<String>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DeployedCommit {
    pub(crate) commit: String,
    pub(crate) committed_at: Timestamp,
}

/// This moment, with milliseconds: what services show, and no more than a clock knows.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    now.round(Unit::Millisecond).unwrap_or(now)
}

impl Run {
    /// From its start to this notification, in seconds.
    pub(crate) fn seconds(&self) -> Option<u64> {
        let started = self.started_at?;
        u64::try_from(self.finished_at.as_second() - started.as_second()).ok()
    }

    /// Sets when the run started. A deployment whose start is unknown started then, too.
    pub(crate) fn started(&mut self, at: Timestamp) {
        self.started_at = Some(at);
        if let Some(deployment) = &mut self.deployment {
            deployment.started_at = deployment.started_at.or(Some(at));
        }
    }

    /// The commit's first seven digits.
    pub(crate) fn short_commit(&self) -> Option<String> {
        self.commit.as_ref().map(|commit| commit.chars().take(7).collect())
    }

    /// The tag, the pull request or the branch, as a title names it.
    pub(crate) fn ref_name(&self) -> Option<String> {
        let pull = self.pull_request.as_ref().filter(|pull| !pull.id.is_empty()).map(|pull| match pull.mark {
            "!" => format!("MR !{}", pull.id),
            _ => format!("PR {}", pull.id),
        });
        self.tag.clone().or(pull).or_else(|| self.branch.clone())
    }

    /// What stays the same from a failure of this pipeline to its success, and is shared with no other pipeline: by it an
    /// alert is closed, a metric is replaced and the last status is found. The environment is a part of it if there is
    /// one.
    ///
    /// # Errors
    /// The facts that are missing or shared with other runs, each a word.
    pub(crate) fn identity(&self) -> Result<Vec<String>, Vec<&'static str>> {
        // The branch of a pull request may have any name, that of one of ours too.
        let has_id = self.pull_request.as_ref().is_none_or(|pull| !pull.id.is_empty());
        let needed = [
            ("number of the pull request", has_id.then(String::new)),
            ("repository", self.repository.clone()),
            ("pipeline", self.pipeline.clone().or_else(|| self.has_one_pipeline.then(String::new))),
            ("branch", self.ref_name()),
        ];
        let absent = needed.iter().filter(|(_, fact)| fact.is_none()).map(|(name, _)| *name);
        let missing: Vec<&str> = absent.chain(self.unsure.iter().copied()).collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let known = needed.into_iter().filter_map(|(_, fact)| fact).chain(self.environment.clone());
        Ok(known.filter(|fact| !fact.is_empty()).collect())
    }

    /// Makes every text fit to be sent by `clean`, which hides secrets. It may be called again.
    pub(super) fn clean(&mut self, clean: &impl Fn(&mut String)) {
        let facts = [
            ("repository", &self.repository),
            ("pipeline", &self.pipeline),
            ("branch", &self.tag),
            ("branch", &self.branch),
            ("environment", &self.environment),
        ];
        for (name, fact) in facts {
            let Some(text) = fact else { continue };
            let mut cleaned = text.clone();
            clean(&mut cleaned);
            let masks = |text: &str| text.matches(MASK).count();
            if masks(&cleaned) > masks(text) && !self.unsure.contains(&name) {
                self.unsure.push(name);
            }
        }
        for number in [&mut self.id, &mut self.number] {
            let Some(text) = number else { continue };
            let before = text.clone();
            clean(text);
            // One that holds a secret would be that of other runs as well.
            if *text != before {
                *number = None;
            }
        }
        let texts = [
            &mut self.repository,
            &mut self.repository_url,
            &mut self.commit_url,
            &mut self.subject,
            &mut self.branch,
            &mut self.tag,
            &mut self.pipeline,
            &mut self.url,
            &mut self.actor,
            &mut self.environment,
        ];
        texts.into_iter().flatten().for_each(clean);
        if let Some(author) = &mut self.author {
            clean(&mut author.name);
            clean(&mut author.email);
        }
        if let Some(pull) = &mut self.pull_request {
            clean(&mut pull.id);
            [&mut pull.target, &mut pull.url, &mut pull.title].into_iter().flatten().for_each(clean);
        }
        if let Some(deployment) = &mut self.deployment {
            clean(&mut deployment.environment);
            clean(&mut deployment.service);
            let texts = [&mut deployment.version, &mut deployment.image, &mut deployment.reason];
            texts.into_iter().flatten().for_each(clean);
        }
    }
}

impl Deployment {
    /// How long it took, in seconds.
    pub(crate) fn seconds(&self) -> Option<u64> {
        let (started, finished) = (self.started_at?, self.finished_at?);
        u64::try_from(finished.as_second() - started.as_second()).ok()
    }
}

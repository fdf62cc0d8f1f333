//! The form of a row.

use super::template::variables;

/// The alternatives for one fact: the first whose variables are all set counts.
///
/// `{X}` is the value of `X`. `{X<refs/tags/}` is that value without this beginning, and unset without it; `{X<*/}` loses
/// everything to the first slash. `{X=true}` is empty, and unset if `X` has another value. `{X=}` is empty, and unset if `X`
/// has a value.
pub type Field = &'static [&'static str];

/// By what a CI is recognised.
#[derive(Debug, Clone, Copy)]
pub enum Marker {
    /// The variable is set.
    Set(&'static str),
    /// The variable has this value.
    Is(&'static str, &'static str),
    /// The path exists.
    Mount(&'static str),
}

/// Where a CI says that a pull request is from another repository.
#[derive(Debug, Clone, Copy)]
pub enum Fork {
    /// It does not.
    Unsaid,
    /// It runs none of these.
    Never,
    /// The first variable is set for forks only, by those who set the second one for every pull request.
    Set(&'static str, &'static str),
    /// The variable is `true` or `false`.
    Flag(&'static str),
    /// The two name different repositories.
    Differ(&'static str, &'static str),
}

/// One CI.
#[derive(Debug)]
pub struct Row {
    /// As reports name it: `circleci`.
    pub id: &'static str,
    /// As its vendor spells it.
    pub title: &'static str,
    /// The page that lists its variables.
    pub docs: &'static str,
    /// One of them is enough.
    pub markers: &'static [Marker],
    /// One of these is set whenever it is known whether a run is for a pull request. Empty if the CI does not say.
    pub says: Field,
    /// `owner/name`.
    pub repository: Field,
    /// The address of the repository for Git, for its name and page if nothing else gives them.
    pub remote: Field,
    /// The page of the repository.
    pub repository_url: Field,
    /// The name of the pipeline or workflow.
    pub pipeline: Field,
    /// The name of the job or step.
    pub job: Field,
    /// The branch that a push is for.
    pub branch: Field,
    /// The tag that the run is for.
    pub tag: Field,
    /// The commit that the run is for.
    pub commit: Field,
    /// The default branch of the repository.
    pub default_branch: Field,
    /// The run, the same for all its jobs and attempts.
    pub run_id: Field,
    /// The number of the run, as the CI shows it.
    pub number: Field,
    /// Which attempt of the run or job this is.
    pub attempt: Field,
    /// The page of the run.
    pub url: Field,
    /// How the job stands, in the CI's words.
    pub status: Field,
    /// Who caused the run.
    pub actor: Field,
    /// The deployment environment.
    pub environment: Field,
    /// Each of these says that the run is for a pull request, as does [`Row::pull_request`].
    pub is_pull_request: Field,
    /// The id of the pull request; an address that ends with it counts as well.
    pub pull_request: Field,
    /// What Git calls the commit of the run. A name that forges give pull requests says that it is one.
    pub reference: Field,
    /// The page of the pull request.
    pub pull_request_url: Field,
    /// The branch with the change.
    pub source_branch: Field,
    /// The branch that the change is proposed for.
    pub target_branch: Field,
    /// A commit of the target branch.
    pub target_commit: Field,
    /// The tip of the source branch.
    pub head_commit: Field,
    /// Whether the pull request is from a fork.
    pub fork: Fork,
}

impl Row {
    pub(super) const EMPTY: Row = Row {
        id: "",
        title: "",
        docs: "",
        markers: &[],
        says: &[],
        repository: &[],
        remote: &[],
        repository_url: &[],
        pipeline: &[],
        job: &[],
        branch: &[],
        tag: &[],
        commit: &[],
        default_branch: &[],
        run_id: &[],
        number: &[],
        attempt: &[],
        url: &[],
        status: &[],
        actor: &[],
        environment: &[],
        is_pull_request: &[],
        pull_request: &[],
        reference: &[],
        pull_request_url: &[],
        source_branch: &[],
        target_branch: &[],
        target_commit: &[],
        head_commit: &[],
        fork: Fork::Unsaid,
    };

    /// Every fact with its name for a reader.
    pub fn facts(&self) -> [(&'static str, Field); 22] {
        [
            ("Repository", self.repository),
            ("Address for Git", self.remote),
            ("Page of the repository", self.repository_url),
            ("Pipeline", self.pipeline),
            ("Job", self.job),
            ("Branch", self.branch),
            ("Tag", self.tag),
            ("Commit", self.commit),
            ("Default branch", self.default_branch),
            ("Run", self.run_id),
            ("Number", self.number),
            ("Attempt", self.attempt),
            ("Page of the run", self.url),
            ("Status", self.status),
            ("Actor", self.actor),
            ("Environment", self.environment),
            ("Pull request", self.pull_request),
            ("Page of the pull request", self.pull_request_url),
            ("Source branch", self.source_branch),
            ("Target branch", self.target_branch),
            ("Target commit", self.target_commit),
            ("Head commit", self.head_commit),
        ]
    }

    /// Whether the CI itself uses this variable.
    pub fn reads(&self, variable: &str) -> bool {
        self.variables().any(|name| name == variable)
    }

    /// Every variable that is read, those by which the CI is recognised first.
    pub fn variables(&self) -> impl Iterator<Item = &'static str> {
        let markers = self.markers.iter().filter_map(|marker| match marker {
            Marker::Set(name) | Marker::Is(name, _) => Some(*name),
            Marker::Mount(_) => None,
        });
        let fork = match self.fork {
            Fork::Unsaid | Fork::Never => Vec::new(),
            Fork::Flag(name) => vec![name],
            Fork::Set(left, right) | Fork::Differ(left, right) => vec![left, right],
        };
        let fields = self.facts().map(|(_, field)| field);
        let all = fields.into_iter().chain([self.says, self.is_pull_request, self.reference]).flatten();
        let mut seen = Vec::new();
        let names = markers.chain(all.flat_map(|template| variables(template))).chain(fork);
        names.filter(move |name| !seen.contains(name) && (seen.push(name), true).1)
    }
}

//! What a run does outside its own process, named before it starts.
//!
//! A pipe's plan holds its [`Effects`], and `execute` does what the plan holds. `DRY_RUN` prints the plan with the effects
//! that every pipe has (the report, the CI's pages) added, and a contract test compares that with a real run.

use reqwest::Url;
use serde::Serialize;
use serde_json::{Value, json};

use crate::context::Context;

/// Everything that a run does outside its own process. The four lists stand in the plan's JSON under these names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Effects {
    /// The names of the report's steps, in order.
    pub steps: Vec<String>,
    /// `host` or `host:port` of every server that is contacted.
    pub hosts: Vec<String>,
    /// `METHOD URL` of every request that changes something. `*` stands for an id that only an answer gives.
    pub writes: Vec<String>,
    /// Every file that is written, relative to the repository's root. A file outside of it has its absolute path.
    pub files: Vec<String>,
}

impl Effects {
    /// Adds the effects of another part of the run. A host, a write or a file that is already named is not repeated.
    pub fn add(&mut self, other: Effects) {
        self.steps.extend(other.steps);
        for (list, more) in
            [(&mut self.hosts, other.hosts), (&mut self.writes, other.writes), (&mut self.files, other.files)]
        {
            for item in more {
                if !list.contains(&item) {
                    list.push(item);
                }
            }
        }
    }
}

/// The server of a URL as [`Effects::hosts`] names it: `api.example.com`, with the port if it is not the scheme's own.
/// Empty if `url` has no host.
pub fn host(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A plan that names its effects.
pub trait Planned {
    /// What the pipe itself does. [`crate::run()`] adds the report and the CI's pages.
    fn effects(&self) -> &Effects;

    /// Whether the result is a judgement of the code, for the pages that a platform has for such: Code Insights, code
    /// quality. False unless a plan says otherwise.
    fn about_code(&self) -> bool {
        false
    }
}

/// The plan as indented JSON without secrets, with the effects of the pipe and `others` under the names of [`Effects`].
pub(crate) fn print<P: Serialize + Planned>(plan: &P, others: Effects, ctx: &Context) -> String {
    let unwritten = ctx.workspace.no_reports.then(|| format!("{}/", ctx.workspace.relative(&ctx.workspace.reports)));
    let mut document = document(plan, others, unwritten.as_deref());
    ctx.redactor.json(&mut document);
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// `unwritten` is the beginning of the paths of files that are not written.
fn document<P: Serialize + Planned>(plan: &P, others: Effects, unwritten: Option<&str>) -> Value {
    let mut effects = plan.effects().clone();
    effects.add(others);
    effects.files.retain(|file| unwritten.is_none_or(|folder| !file.starts_with(folder)));
    let mut document = serde_json::to_value(plan).unwrap_or_default();
    if let Value::Object(map) = &mut document {
        for (name, list) in
            [("steps", effects.steps), ("hosts", effects.hosts), ("writes", effects.writes), ("files", effects.files)]
        {
            map.insert(name.to_owned(), json!(list));
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::json;

    use super::{Effects, Planned, document};

    #[derive(Serialize)]
    struct Plan {
        image: &'static str,
        #[serde(flatten)]
        effects: Effects,
    }

    impl Planned for Plan {
        fn effects(&self) -> &Effects {
            &self.effects
        }
    }

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn the_effects_of_every_pipe_are_added_to_its_plan() {
        let own = Effects { steps: list(&["sign"]), hosts: list(&["reg.example"]), ..Effects::default() };
        let plan = Plan { image: "reg.example/app:1", effects: own };
        let others = Effects {
            hosts: list(&["reg.example", "api.bitbucket.org"]),
            files: list(&["security-reports/test-pipe-report.json"]),
            ..Effects::default()
        };
        let without_reports = document(&plan, others.clone(), Some("security-reports/"));
        assert_eq!(without_reports["files"], json!([]));
        assert_eq!(
            document(&plan, others, None),
            json!({
                "image": "reg.example/app:1",
                "steps": ["sign"],
                "hosts": ["reg.example", "api.bitbucket.org"],
                "writes": [],
                "files": ["security-reports/test-pipe-report.json"],
            })
        );
    }
}

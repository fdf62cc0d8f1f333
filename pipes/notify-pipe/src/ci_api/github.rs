//! GitHub: a run of a workflow, its attempts, its jobs, and the runs before it.

use serde_json::Value;

use super::{Answers, Api, Jobs, NoAnswer, Questions, failed, time};
use crate::http::encode;
use crate::post::Post;
use crate::status::Status;

impl Api {
    pub(super) async fn github(&self, post: &Post, questions: Questions) -> Result<Answers, NoAnswer> {
        let page = format!("{}/runs/{}", self.project, self.run);
        let run = self.get(post, &page).await?;
        let previous_status = if questions.previous_status {
            self.before(post, &page, &run).await.map_err(|why| why.text().to_owned())
        } else {
            Err("it was not needed".to_owned())
        };
        let jobs = if questions.failed_jobs {
            let jobs = self.all(post, &format!("{page}/jobs?filter=latest"), "jobs").await;
            Jobs::of(jobs.map(|jobs| failed(&jobs, "conclusion")))
        } else {
            Jobs::NotAsked
        };
        Ok(Answers { started_at: time(&run["run_started_at"]), previous_status, jobs })
    }

    /// How the attempt before this one ended, or the run before it. `None` if this is the first.
    async fn before(&self, post: &Post, page: &str, run: &Value) -> Result<Option<Status>, NoAnswer> {
        // What was announced last is the attempt before, whatever run came before that.
        for attempt in (1..run["run_attempt"].as_u64().unwrap_or(1)).rev() {
            let earlier = self.get(post, &format!("{page}/attempts/{attempt}")).await?;
            let status = earlier["conclusion"].as_str().and_then(Status::parse);
            if let Some(status) = status.filter(|status| status.went_well().is_some()) {
                return Ok(Some(status));
            }
        }
        let workflow = run["workflow_id"].as_u64().ok_or_else(|| NoAnswer::failed("the API names no workflow"))?;
        let number = run["run_number"].as_u64().ok_or_else(|| NoAnswer::failed("the API numbers no run"))?;
        let event = run["event"].as_str().ok_or_else(|| NoAnswer::failed("the API names no event"))?;
        let branch = run["head_branch"].as_str().unwrap_or(&self.reference);
        let home = run["head_repository"]["full_name"].as_str();
        let home = home.ok_or_else(|| NoAnswer::failed("the API names no repository of the change"))?;
        let url = format!(
            "{}/workflows/{workflow}/runs?branch={}&event={}&status=completed",
            self.project,
            encode(branch),
            encode(event),
        );
        // A pull request of a fork may come from a branch with the name of one of ours. Only runs of the same kind, for
        // the same repository, say anything about this one.
        self.newest(post, &url, "workflow_runs", |other| {
            let same = other["event"] == event
                && (other["head_branch"].is_null() || other["head_branch"] == branch)
                && other["head_repository"]["full_name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case(home));
            let earlier = other["run_number"].as_u64().filter(|other| *other < number && same)?;
            Some((earlier, other["conclusion"].as_str()?.to_owned()))
        })
        .await
    }
}

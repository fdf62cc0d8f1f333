//! GitLab: a pipeline, its jobs and child pipelines, and the pipelines before it.

use serde_json::Value;

use super::{Answers, Api, Jobs, NoAnswer, Questions, failed, time};
use crate::http::encode;
use crate::post::Post;
use crate::status::Status;

impl Api {
    pub(super) async fn gitlab(&self, post: &Post, questions: Questions) -> Result<Answers, NoAnswer> {
        let page = format!("{}/pipelines/{}", self.project, self.run);
        let own = self.get(post, &page).await?;
        let previous_status = if questions.previous_status {
            self.pipeline_before(post, &own).await.map_err(|why| why.text().to_owned())
        } else {
            Err("it was not needed".to_owned())
        };
        let jobs = if questions.failed_jobs { Jobs::of(self.failed_jobs(post, &page).await) } else { Jobs::NotAsked };
        Ok(Answers { started_at: time(&own["created_at"]), previous_status, jobs })
    }

    async fn pipeline_before(&self, post: &Post, own: &Value) -> Result<Option<Status>, NoAnswer> {
        let reference = own["ref"].as_str().ok_or_else(|| NoAnswer::failed("the API names no branch"))?;
        let number: u64 = self.run.parse().map_err(|_| NoAnswer::failed("the pipeline has no number"))?;
        // Pushes, schedules and merge requests are not compared with each other.
        let source = own["source"].as_str().map(|source| format!("&source={}", encode(source))).unwrap_or_default();
        let reference = encode(reference);
        let url = format!("{}/pipelines?ref={reference}{source}&order_by=id&sort=desc", self.project);
        self.newest(post, &url, "", |other| {
            let is_here = other["ref"].is_null() || other["ref"] == own["ref"];
            let same = is_here && (own["source"].is_null() || other["source"] == own["source"]);
            let earlier = other["id"].as_u64().filter(|other| *other < number && same)?;
            Some((earlier, other["status"].as_str()?.to_owned()))
        })
        .await
    }

    /// The names of the jobs that failed, and of those that started a pipeline that failed.
    async fn failed_jobs(&self, post: &Post, page: &str) -> Result<Vec<String>, NoAnswer> {
        let mut jobs = self.all(post, &format!("{page}/jobs?include_retried=false"), "").await?;
        for mut bridge in self.all(post, &format!("{page}/bridges?include_retried=false"), "").await? {
            // Without `strategy: depend` the job that starts a pipeline succeeds at once.
            if bridge["downstream_pipeline"]["status"] == "failed" {
                bridge["status"] = Value::from("failed");
            }
            jobs.push(bridge);
        }
        jobs.retain(|job| job["allow_failure"] != true);
        Ok(failed(&jobs, "status"))
    }
}

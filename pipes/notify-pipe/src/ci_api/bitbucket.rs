//! Bitbucket: a pipeline and the pipelines before it.

use serde_json::Value;

use super::{Answers, Api, Jobs, MAX_PAGES, NoAnswer, PAGE, Questions, ended, time};
use crate::http::encode;
use crate::post::Post;
use crate::status::Status;

impl Api {
    pub(super) async fn bitbucket(&self, post: &Post, questions: Questions) -> Result<Answers, NoAnswer> {
        let pipelines = format!("{}/pipelines", self.project);
        let own = self.get(post, &format!("{pipelines}/{}", self.run)).await?;
        let previous_status = match (questions.previous_status, self.again) {
            (true, false) => self.build_before(post, &pipelines, &own).await.map_err(|why| why.text().to_owned()),
            // The API keeps no earlier result of a step that was run again, and that is what was announced last.
            (true, true) => Err("this step was run again".to_owned()),
            (false, _) => Err("it was not needed".to_owned()),
        };
        let jobs = if questions.failed_jobs {
            Jobs::of(self.failed_steps(post, &format!("{pipelines}/{}", self.run)).await)
        } else {
            Jobs::NotAsked
        };
        Ok(Answers { started_at: time(&own["created_on"]), previous_status, jobs })
    }

    /// The names of the steps that failed: of those that run in parallel, each knows only its own end.
    async fn failed_steps(&self, post: &Post, page: &str) -> Result<Vec<String>, NoAnswer> {
        let mut failed = Vec::new();
        for number in 1.. {
            let document = self.get(post, &format!("{page}/steps/?pagelen={PAGE}&page={number}")).await?;
            let steps =
                document["values"].as_array().ok_or_else(|| NoAnswer::failed("the CI's API returned no list"))?;
            let word = |step: &Value| step["state"]["result"]["name"].as_str().and_then(Status::parse);
            let named = |step: &Value| step["name"].as_str().unwrap_or("a step").to_owned();
            failed.extend(steps.iter().filter(|step| word(step) == Some(Status::Error)).map(named));
            match (steps.len(), document["next"].is_null()) {
                (0, false) => return Err(NoAnswer::failed("the CI's API returned only a part of a list")),
                (..PAGE, true) => break,
                _ => {}
            }
        }
        Ok(failed)
    }

    async fn build_before(&self, post: &Post, pipelines: &str, own: &Value) -> Result<Option<Status>, NoAnswer> {
        let number: u64 = self.run.parse().map_err(|_| NoAnswer::failed("the pipeline has no number"))?;
        let target = &own["target"];
        // A pull request's target may have no name, and a list for another name says nothing about it.
        if !target["type"].is_null() && target["ref_name"] != self.reference.as_str() {
            return Err(NoAnswer::failed("the API lists no earlier pipelines of a pull request"));
        }
        let reference = encode(&self.reference);
        for page in 1..=MAX_PAGES {
            let url = format!("{pipelines}/?target.ref_name={reference}&sort=-created_on&pagelen={PAGE}&page={page}");
            let document = self.get(post, &url).await?;
            let list =
                document["values"].as_array().ok_or_else(|| NoAnswer::failed("the CI's API returned no list"))?;
            // A pull request is not compared with a push, nor a custom pipeline with another one.
            let same = |other: &Value| {
                let here = &other["target"]["ref_name"];
                (here.is_null() || *here == self.reference.as_str())
                    && ["type", "selector"]
                        .iter()
                        .all(|field| target.is_null() || other["target"][field] == target[field])
            };
            let status = ended(list.iter().filter_map(|other| {
                let earlier = other["build_number"].as_u64().filter(|other| *other < number)?;
                let word = other["state"]["result"]["name"].as_str()?;
                same(other).then(|| (earlier, word.to_owned()))
            }));
            if status.is_some() || (list.len() < PAGE && document["next"].is_null()) {
                return Ok(status);
            }
        }
        Err(NoAnswer::failed("no pipeline among the last 500 says how it ended"))
    }
}

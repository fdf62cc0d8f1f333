//! A file at the target commit, by the platform's API: for clones too shallow to hold it.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::context::Context;
use crate::http::{Authorization, Request, Url};
use crate::platform::Provider;

/// For the request of one file.
const MAX_TIME: Duration = Duration::from_secs(20);
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The bytes of the file, or `None` if it does not exist. Outer `None` if no token is available.
pub(super) async fn read(ctx: &Context, commit: Option<&str>, path: &str) -> Option<Result<Option<Vec<u8>>, String>> {
    let target = ctx.ci.pull_request.as_ref()?.target_branch.clone();
    let reference = commit.map(str::to_owned).or(target)?;
    let request = request(ctx, &reference, path)?.accept(404).total_timeout(MAX_TIME);
    let client = match ctx.http() {
        Ok(client) => client,
        Err(error) => return Some(Err(error.explain())),
    };
    Some(match client.send(request).await {
        Ok(response) if response.status == 404 => Ok(None),
        Ok(response) => Ok(Some(response.body)),
        Err(error) => Err(error.explain()),
    })
}

fn request(ctx: &Context, reference: &str, path: &str) -> Option<Request> {
    let encode = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
    let segments = path.split('/').map(encode).collect::<Vec<_>>().join("/");
    let (workspace, repository) = (encode(ctx.ci.workspace.as_deref()?), encode(ctx.ci.repository.as_deref()?));
    let reference = encode(reference);
    let api = ctx.ci.api_url.as_deref()?.trim_end_matches('/');
    let (url, authorization, accept) = match ctx.ci.provider {
        Provider::GitHub => (
            format!("{api}/repos/{workspace}/{repository}/contents/{segments}?ref={reference}"),
            Authorization::Bearer(ctx.tokens.github.clone()?),
            "application/vnd.github.raw+json",
        ),
        Provider::GitLab => {
            // The pipeline of a fork's merge request may be in the fork, which need not have the target commit.
            let target = ctx.ci.pull_request.as_ref().and_then(|pull| pull.repository.clone());
            let project = encode(&target.or_else(|| ctx.ci.full_name.clone())?);
            let url = format!("{api}/projects/{project}/repository/files/{}/raw?ref={reference}", encode(path));
            (url, Authorization::Bearer(ctx.tokens.gitlab.clone()?), "*/*")
        }
        Provider::Bitbucket => (
            format!("{api}/repositories/{workspace}/{repository}/src/{reference}/{segments}"),
            ctx.tokens.bitbucket_authorization()?,
            "*/*",
        ),
        Provider::Other(_) | Provider::None => return None,
    };
    let host = Url::parse(api).ok()?.authority().to_owned();
    Some(Request::get(&url).authorize(&authorization, &host).header("accept", accept))
}

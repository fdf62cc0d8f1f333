//! Where advisories come from: a database, or the API. What OSV_DB_COMPILE asks for.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use pipe_advisories::{self as osv, Coverage, Lookup, Query};
use pipe_core::Context;
use pipe_core::advice::with_advice;
use pipe_core::console::Console;
use pipe_core::env::Vars;
use pipe_core::http::{Client, Request, Settings};
use pipe_core::plan::{Effects, host};
use pipe_core::spec::{Kind as VarKind, Var};
use pipe_core::text::{count, thousands};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::age::day;

/// A person who waits longer is shown what for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) const OSV_SOURCE: Var = Var::choice("OSV_SOURCE", &["auto", "db", "api"], "Sets the source of advisories.")
    .values(&[
        ("auto", "uses OSV_DB_PATH if it is set, and OSV_API_URL otherwise"),
        ("db", "uses OSV_DB_PATH"),
        ("api", "uses OSV_API_URL"),
    ])
    .default("auto");
pub(crate) const OSV_DB_PATH: Var = Var::path(
    "OSV_DB_PATH",
    "Reads advisories from this folder of OSV's published zips (`<any name>/all.zip`), or from an index that \
     OSV_DB_COMPILE wrote.",
)
.unset("there is no database, and nothing is kept between runs")
.example("/advisories");
pub(crate) const OSV_DB_COMPILE: Var = Var::path(
    "OSV_DB_COMPILE",
    "Writes the zips of OSV_DB_PATH as one small index file to this path, and does nothing else.",
)
.unset("the run scans")
.example("advisories.idx");
pub(crate) const OSV_API_URL: Var = Var::new(
    "OSV_API_URL",
    VarKind::Url,
    "Sets the OSV API. It receives names and versions of public packages, and nothing else.",
)
.default("https://api.osv.dev");

/// Where advisories come from, as configured.
#[derive(Debug, Clone)]
pub(super) enum AdvisorySource {
    /// A folder of zips, or an index.
    Database(PathBuf),
    /// The API's address, without a slash at its end.
    Api(String),
}

impl AdvisorySource {
    pub(super) fn from_vars(vars: &mut Vars) -> Option<AdvisorySource> {
        let source = vars.choice(&OSV_SOURCE);
        let path = vars.path(&OSV_DB_PATH);
        let api = vars.text(&OSV_API_URL).map(|url| url.trim_end_matches('/').to_owned());
        match (source, path) {
            (Some("api"), _) | (_, None) if source != Some("db") => api.map(AdvisorySource::Api),
            (_, Some(path)) => Some(AdvisorySource::Database(path)),
            (_, None) => {
                vars.problem(&OSV_SOURCE, "db needs OSV_DB_PATH, a folder of OSV's zips or a compiled index");
                None
            }
        }
    }

    pub(super) fn effects(&self) -> Effects {
        match self {
            AdvisorySource::Database(_) => Effects::default(),
            AdvisorySource::Api(url) => Effects { hosts: vec![host(url)], ..Effects::default() },
        }
    }

    /// # Errors
    /// The database can't be read, or the API did not answer every query.
    pub(super) fn lookup(&self, queries: &[Query<'_>], network: &Network) -> anyhow::Result<Lookup> {
        match self {
            AdvisorySource::Database(path) => Ok(osv::open(path)?.lookup(queries, &|| network.cancel.is_cancelled())?),
            AdvisorySource::Api(url) => {
                let client = Client::new(&network.settings, network.cancel.clone())?;
                let asking = || {
                    let packages = count(queries.len() as u64, "package");
                    network.console.line(format!("asking {} about {packages}", host(url)));
                };
                let api = Api { client: &client, url };
                Handle::current().block_on(patiently(osv::lookup_api(&api, queries), asking))
            }
        }
    }

    /// Why [`AdvisorySource::lookup`] found nothing out, with the variable that helps.
    pub(super) fn not_reached(&self, error: &anyhow::Error) -> String {
        let why = format!("no advisories: {error:#}");
        match self {
            AdvisorySource::Database(_) => with_advice(why, "Check OSV_DB_PATH"),
            // A network without a way out is the usual cause, whatever the connection suggests.
            AdvisorySource::Api(_) => {
                format!("{}. Set OSV_DB_PATH to use a database instead of the API", why.trim_end_matches('.'))
            }
        }
    }

    /// How old the advisories are, for the second line. `dates` are those of the ecosystems that were asked for.
    pub(super) fn age_in_words(&self, coverage: &Coverage, dates: &[(&str, &str)]) -> String {
        if let AdvisorySource::Api(url) = self {
            return format!("from {}, now", host(url));
        }
        // One that is stale must not hide behind another.
        match (dates.first(), dates.last()) {
            (Some((oldest, ecosystem)), Some((newest, _))) if oldest != newest => {
                format!("of {oldest} ({ecosystem}) to {newest}")
            }
            (Some((date, _)), _) => format!("of {date}"),
            _ => coverage.date.as_deref().map_or("of an unknown date".to_owned(), |date| format!("of {}", day(date))),
        }
    }
}

/// What a look-up by the API needs.
pub(super) struct Network {
    pub(super) settings: Settings,
    pub(super) cancel: CancellationToken,
    pub(super) console: std::sync::Arc<Console>,
}

/// Waits for `future`, and calls `say` once if that takes longer than [`PATIENCE`].
async fn patiently<T>(future: impl Future<Output = T>, say: impl FnOnce()) -> T {
    let mut future = std::pin::pin!(future);
    match tokio::time::timeout(PATIENCE, &mut future).await {
        Ok(result) => result,
        Err(_) => {
            say();
            future.await
        }
    }
}

struct Api<'a> {
    client: &'a Client,
    url: &'a str,
}

impl osv::Transport for Api<'_> {
    async fn post(&self, path: &str, body: String) -> anyhow::Result<Vec<u8>> {
        let request = Request::post(&format!("{}{path}", self.url)).body("application/json", body).idempotent();
        Ok(self.client.send(request).await?.body)
    }

    async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        Ok(self.client.send(Request::get(&format!("{}{path}", self.url))).await?.body)
    }
}

/// What OSV_DB_COMPILE asks for: an index instead of a scan.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Compile {
    from: PathBuf,
    pub(crate) to: PathBuf,
}

impl Compile {
    /// Paths are absolute.
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Compile> {
        let to = vars.path(&OSV_DB_COMPILE)?;
        let from = vars.path(&OSV_DB_PATH).filter(|_| vars.choice(&OSV_SOURCE) != Some("api"));
        if from.is_none() {
            vars.problem(&OSV_DB_COMPILE, "needs OSV_DB_PATH, a folder of OSV's zips to compile");
        }
        let dir = &ctx.workspace.dir;
        Some(Compile { from: dir.join(from?), to: dir.join(to) })
    }

    /// Compiles, and says what came out as a sentence.
    ///
    /// # Errors
    /// The zips can't be read, or the index can't be written.
    pub(crate) fn run(&self) -> anyhow::Result<String> {
        let summary =
            osv::compile(&self.from, &self.to).with_context(|| format!("can't compile {}", self.from.display()))?;
        let date = summary.coverage.date.as_deref().map_or("an unknown date", day);
        Ok(format!(
            "{} advisories of {date} for {}, {} KB",
            thousands(summary.coverage.records),
            count(summary.packages, "package"),
            thousands(summary.bytes.div_ceil(1024))
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::patiently;

    #[tokio::test(start_paused = true)]
    async fn a_long_wait_says_what_it_waits_for_and_a_short_one_does_not() {
        for (seconds, lines) in [(1, 0), (4, 0), (6, 1), (60, 1)] {
            let said = Cell::new(0);
            let wait = tokio::time::sleep(Duration::from_secs(seconds));
            patiently(wait, || said.set(said.get() + 1)).await;
            assert_eq!(said.get(), lines, "{seconds} s");
        }
    }
}

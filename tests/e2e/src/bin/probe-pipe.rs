//! A pipe with no other purpose than to meet every way a run can end, for the tests of what all pipes share.

use std::time::Duration;

use pipe_core::Pipe;
use pipe_core::context::Context;
use pipe_core::env::Vars;
use pipe_core::exit::Ending;
use pipe_core::http::Request;
use pipe_core::plan::{Effects, Planned, host};
use pipe_core::report::Recorder;
use pipe_core::spec::{Group, Spec, Var};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

const DEED: Var = Var::choice(
    "DEED",
    &[
        "pass",
        "warn",
        "skip",
        "fail",
        "unable",
        "roll-back",
        "panic",
        "scanner-panic",
        "sleep",
        "ignore-cancel",
        "steps",
        "leak",
        "effects",
    ],
    "What to do.",
)
.default("pass");
const API_PASSWORD: Var = Var::secret("API_PASSWORD", "A secret.").example("a token");
const NEEDS_SECRET: Var = Var::flag("NEEDS_SECRET", "Requires API_PASSWORD.").default("false");
const SERVER: Var =
    Var::text("SERVER", "What DEED=effects writes to.").unset("it writes to nothing").example("http://127.0.0.1:8000");
const UNPLANNED: Var = Var::choice("UNPLANNED", EFFECTS, "What DEED=effects does and the plan lacks.").default("none");
const INVENTED: Var = Var::choice("INVENTED", EFFECTS, "What the plan of DEED=effects names in vain.").default("none");
const EFFECTS: &[&str] = &["none", "steps", "hosts", "writes", "files"];
const SLOW: Var = Var::flag("SLOW_CONFIG", "Takes a minute to read the configuration.").default("false");
const SAST_SCAN: Var = Var::flag("SAST_SCAN", "Something of a later version.").default("false").later();

static SPEC: Spec = Spec {
    name: "probe-pipe",
    summary: "Meets every way a run can end",
    category: "Testing",
    version: env!("CARGO_PKG_VERSION"),
    groups: &[Group {
        title: "Probe",
        vars: &[&DEED, &API_PASSWORD, &NEEDS_SECRET, &SERVER, &UNPLANNED, &INVENTED, &SLOW, &SAST_SCAN],
    }],
    outputs: &[],
    timeout: "30s",
    grace: Duration::from_millis(500),
};

struct Probe;

struct Config {
    deed: &'static str,
    server: Option<String>,
    unplanned: &'static str,
    invented: &'static str,
    password: Option<SecretString>,
}

#[derive(Serialize)]
struct Plan {
    deed: &'static str,
    #[serde(flatten)]
    effects: Effects,
}

impl Planned for Plan {
    fn effects(&self) -> &Effects {
        &self.effects
    }
}

impl Pipe for Probe {
    const SPEC: &'static Spec = &SPEC;
    type Config = Config;
    type Plan = Plan;

    fn config(vars: &mut Vars, ctx: &Context) -> Option<Config> {
        if vars.flag(&SLOW) {
            std::thread::sleep(Duration::from_secs(60));
        }
        let deed = vars.choice(&DEED);
        let untrusted = ctx.ci.pull_request.as_ref().is_some_and(|pull| pull.fork == Some(true) || pull.bot);
        let password = if vars.flag(&NEEDS_SECRET) {
            vars.require_secret(&API_PASSWORD, untrusted)
        } else {
            vars.choice(&pipe_core::spec::common::ON_MISSING_SECRET);
            vars.secret(&API_PASSWORD)
        };
        let (unplanned, invented) = (vars.choice(&UNPLANNED), vars.choice(&INVENTED));
        Some(Config { deed: deed?, server: vars.text(&SERVER), unplanned: unplanned?, invented: invented?, password })
    }

    fn plan(config: &Config, _: &Context) -> anyhow::Result<Plan> {
        if config.deed == "effects" {
            return Ok(Plan { deed: config.deed, effects: effects(config) });
        }
        let steps = match config.deed {
            "scanner-panic" => vec!["the other".to_owned()],
            "sleep" => vec!["sleep".to_owned()],
            _ => Vec::new(),
        };
        Ok(Plan { deed: config.deed, effects: Effects { steps, ..Effects::default() } })
    }

    async fn execute(config: &Config, plan: Plan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
        let why = || plan.deed.to_owned();
        match plan.deed {
            "warn" => Ok(Ending::Warned(why())),
            "skip" => Ok(Ending::Skipped(why())),
            "fail" => Err(Ending::Failed(why())),
            "unable" => Err(Ending::Unable(why())),
            "roll-back" => Err(Ending::RolledBack(why())),
            "panic" => panic!("with {}", config.password.as_ref().map_or("", |password| password.expose_secret())),
            "scanner-panic" => {
                report.bug("one part of several");
                report.step("the other").ran("all the same");
                Err(Ending::Failed(why()))
            }
            "sleep" => {
                let _step = report.step("sleep");
                ctx.console.line("sleeping");
                ctx.cancel.cancelled().await;
                Err(Ending::Interrupted)
            }
            "ignore-cancel" => {
                ctx.console.line("sleeping");
                std::future::pending().await
            }
            "steps" => {
                for number in 0..100_000 {
                    report.step(format!("step {number}")).ran("done");
                    tokio::task::yield_now().await;
                    if ctx.cancel.is_cancelled() {
                        break;
                    }
                }
                Ok(Ending::Passed(why()))
            }
            "effects" => {
                let unable = |error: &dyn std::fmt::Display| Ending::Unable(error.to_string());
                report.step("write").ran("done");
                if let Some(server) = &config.server {
                    let http = ctx.http().map_err(|error| unable(&error))?;
                    let url = format!("{server}/things/7");
                    http.send(Request::put(&url)).await.map_err(|error| unable(&error))?;
                }
                std::fs::write(ctx.workspace.reports.join("thing.txt"), "7").map_err(|error| unable(&error))?;
                Ok(Ending::Passed(why()))
            }
            "leak" => {
                leak(config, ctx, report);
                Ok(Ending::Passed(why()))
            }
            _ => Ok(Ending::Passed(why())),
        }
    }
}

/// What DEED=effects does, less what is not to be planned, with what is to be invented.
fn effects(config: &Config) -> Effects {
    let mut effects = Effects {
        steps: vec!["write".to_owned()],
        hosts: config.server.iter().map(|server| host(server)).collect(),
        writes: config.server.iter().map(|server| format!("PUT {server}/things/*")).collect(),
        files: vec!["security-reports/thing.txt".to_owned()],
    };
    let lists = |effects: &mut Effects, name: &str, change: &dyn Fn(&mut Vec<String>)| match name {
        "steps" => change(&mut effects.steps),
        "hosts" => change(&mut effects.hosts),
        "writes" => change(&mut effects.writes),
        "files" => change(&mut effects.files),
        _ => {}
    };
    lists(&mut effects, config.unplanned, &Vec::clear);
    lists(&mut effects, config.invented, &|list| list.push("GET http://invented.example/thing.txt".to_owned()));
    effects
}

/// Tries every way out.
fn leak(config: &Config, ctx: &Context, report: &Recorder) {
    use base64::Engine;
    let password = config.password.as_ref().map_or("", |password| password.expose_secret());
    let base64 = base64::engine::general_purpose::STANDARD.encode(format!("user:{password}"));
    let quoted = serde_json::json!({ "password": password }).to_string();
    for text in [password, &base64, &quoted] {
        ctx.console.line(text);
        ctx.console.error(text);
        ctx.console.debug(text);
        report.notice(text);
        report.step(text).failed(text);
        report.section("leak", serde_json::json!({ text: [text] }));
    }
}

fn main() -> std::process::ExitCode {
    pipe_core::run::<Probe>()
}

//! `docs/ci/`: a page for each CI of the table, made of its row and of a template for its syntax.

use std::collections::BTreeSet;
use std::fs;

use pipe_core::platform::table::{Fork, Marker, Row, rows};
use pipewright_harness::root;

const FOLDER: &str = "tests/e2e/tests/generated/ci";
const IMAGE: &str = "ghcr.io/pipewright";
const WIDTH: usize = 120;

/// An example in the syntax of a CI, and what is to say of it.
pub(crate) struct Template {
    /// The file that the example is.
    file: String,
    pub(crate) language: String,
    /// The name of its JSON schema in check-jsonschema with the options that it needs, if there is one.
    pub(crate) schema: Option<String>,
    /// What makes the CI announce a failure.
    pub(crate) after_failure: String,
    /// Variables of the example that are neither the pipes' nor in the row.
    pub(crate) also: Vec<String>,
    /// How the syntax writes a dollar sign that is the shell's.
    dollar: String,
    pub(crate) example: String,
    notes: String,
}

/// Several CIs take the same file.
fn template_name(row: &Row) -> &str {
    match row.id {
        "forgejo" => "gitea",
        "cloudflare-pages" | "cloudflare-workers" | "netlify" | "render" | "vercel" | "xcode-cloud" => "host",
        id => id,
    }
}

impl Template {
    pub(crate) fn of(row: &Row) -> Template {
        let path = root().join(FOLDER).join(format!("{}.txt", template_name(row)));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (head, rest) = text.split_once("\n---\n").expect("a head");
        let (example, notes) = rest.rsplit_once("\n---\n- ").expect("notes");
        let get =
            |key: &str| head.lines().find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(": ")?.to_owned()));
        let mut template = Template {
            file: get("file").expect("file"),
            language: get("lang").unwrap_or_else(|| "yaml".to_owned()),
            schema: get("schema"),
            after_failure: get("after-failure").expect("after-failure"),
            also: get("also").map(|names| names.split(' ').map(str::to_owned).collect()).unwrap_or_default(),
            dollar: get("dollar").unwrap_or_else(|| "$".to_owned()),
            example: String::new(),
            notes: notes.split("\n- ").map(|note| wrap(&note.replace("<<title>>", row.title), "- ", "  ")).collect(),
        };
        template.example = template.fill(example, row);
        template
    }

    /// The example and what is said of it.
    pub(crate) fn text(&self) -> String {
        format!("{}\n{}", self.example, self.notes)
    }

    /// The example with the commands that run the pipes.
    fn fill(&self, example: &str, row: &Row) -> String {
        let status: String = ["STATUS", "JOB_STATUS"]
            .iter()
            .filter(|name| example.contains(&format!(" {name}=")) || example.contains(&format!("\"{name}=")))
            .map(|name| format!("-e {name} "))
            .collect();
        let secrets = "-e COSIGN_PRIVATE_KEY -e COSIGN_PASSWORD -e DOCKER_USERNAME -e DOCKER_PASSWORD";
        let mut filled = String::new();
        for line in example.lines() {
            let indent = &line[..line.len() - line.trim_start().len()];
            let command = match line.trim() {
                "<<pass>>" => pass(row, WIDTH - indent.len()),
                "<<scan>>" => run("security-pipe", ""),
                "<<sign>>" => run("sign-pipe", &format!("-e IMAGE {secrets} ")),
                "<<announce>>" => run("notify-pipe", &format!("{status}-e SLACK_WEBHOOK_URL ")),
                _ => vec![line.replace("<<image>>", IMAGE).replace("<<version>>", env!("CARGO_PKG_VERSION"))],
            };
            let is_command = line.trim().starts_with("<<") && line.trim().ends_with(">>");
            for part in command {
                let part = if is_command { format!("{indent}{}", part.replace('$', &self.dollar)) } else { part };
                filled.push_str(part.trim_end());
                filled.push('\n');
            }
        }
        filled
    }
}

/// What the user may have to say of a run in this CI.
fn unsaid(row: &Row) -> Vec<&'static str> {
    let mut names = Vec::new();
    let mut add = |missing: bool, name| names.extend(missing.then_some(name));
    add(row.repository.is_empty() && row.remote.is_empty(), "PIPEWRIGHT_REPOSITORY");
    add(row.pipeline.is_empty(), "PIPEWRIGHT_PIPELINE");
    add(row.branch.is_empty(), "PIPEWRIGHT_BRANCH");
    add(!always_says(row), "PULL_REQUEST");
    add(row.target_branch.is_empty() && row.target_commit.is_empty(), "TARGET_BRANCH");
    names
}

/// The CIs that say it of some of their runs only.
const SOMETIMES: [&str; 4] = ["circleci", "codebuild", "jenkins", "sourcehut"];

/// Whether each run says if it is for a pull request.
fn always_says(row: &Row) -> bool {
    !row.says.is_empty() && !SOMETIMES.contains(&row.id)
}

/// A file of names, each of which Docker gives the value that it has here.
fn pass(row: &Row, width: usize) -> Vec<String> {
    let mut lines = vec!["echo".to_owned()];
    for name in row.variables().chain(unsaid(row)) {
        if lines.last().is_some_and(|line| line.len() + name.len() + 3 > width) {
            lines.last_mut().expect("not empty").push_str(" \\");
            lines.push(" ".to_owned());
        }
        let line = lines.last_mut().expect("not empty");
        line.push(' ');
        line.push_str(name);
    }
    lines.last_mut().expect("not empty").push_str(" |");
    lines.push("  tr ' ' '\\n' >/tmp/ci.env".to_owned());
    lines
}

fn run(pipe: &str, variables: &str) -> Vec<String> {
    let first = "docker run --rm --env-file /tmp/ci.env -v \"$PWD:/work\" -w /work \\";
    let image = format!("{IMAGE}/{pipe}:{}", env!("CARGO_PKG_VERSION"));
    match variables.trim_end() {
        "" => vec![first.to_owned(), format!("  {image}")],
        variables => vec![first.to_owned(), format!("  {variables} \\"), format!("  {image}")],
    }
}

/// `X`, `A/B`, or `X=value`, as code.
fn shown(template: &str) -> String {
    let mut text = String::new();
    for (index, part) in template.split(['{', '}']).enumerate() {
        match (index % 2, part.split_once('<')) {
            (1, Some((name, prefix))) if prefix.ends_with('/') => text.push_str(name),
            (1, Some((name, prefix))) => text.push_str(&format!("{name}={prefix}…")),
            (1, None) if part.contains('=') && template.ends_with(&format!("{{{part}}}")) => text.push_str(part),
            (1, None) if part.contains('=') => {}
            _ => text.push_str(part),
        }
    }
    format!("`{text}`")
}

fn list(field: &[&str]) -> String {
    let mut all: Vec<String> = Vec::new();
    for text in field.iter().map(|template| shown(template)) {
        if !all.contains(&text) {
            all.push(text);
        }
    }
    all.join(", ")
}

/// Facts that are not in a variable of the table.
fn elsewhere(row: &Row, fact: &str) -> Option<&'static str> {
    match (row.id, fact) {
        ("forgejo" | "gitea" | "github", "fork") => Some("the event's file"),
        ("forgejo" | "gitea" | "github", "status") => Some("the input `job_status`, which the action sets"),
        ("codebuild", "status") => Some("`CODEBUILD_BUILD_SUCCEEDING`"),
        _ => None,
    }
}

fn fork(row: &Row) -> Option<String> {
    match row.fork {
        Fork::Unsaid => elsewhere(row, "fork").map(str::to_owned),
        Fork::Never => Some("no pipeline runs for a fork".to_owned()),
        Fork::Set(name, _) => Some(format!("`{name}` is set")),
        Fork::Flag(name) => Some(format!("`{name}=true`")),
        Fork::Differ(left, right) => Some(format!("`{left}` differs from `{right}`")),
    }
}

/// The facts, where each is from, and what gives it if the CI does not.
fn facts(row: &Row) -> Vec<(&'static str, String, &'static str)> {
    let pull_request: Vec<&str> = row.pull_request.iter().chain(row.is_pull_request).copied().collect();
    let pull_request = list(&pull_request);
    let repository = [list(row.repository), list(row.remote)].into_iter().filter(|it| !it.is_empty());
    vec![
        (
            "repository",
            repository.collect::<Vec<_>>().join(", "),
            "`PIPEWRIGHT_REPOSITORY`, or the remote of the checkout",
        ),
        ("pipeline", list(row.pipeline), "`PIPEWRIGHT_PIPELINE`"),
        ("job", list(row.job), "–"),
        ("branch", list(row.branch), "`PIPEWRIGHT_BRANCH`, or the checkout"),
        ("tag", list(row.tag), "the checkout"),
        ("commit", list(row.commit), "the checkout"),
        ("run", list(row.run_id), "–"),
        ("attempt", list(row.attempt), "–"),
        (
            "status",
            elsewhere(row, "status").map_or_else(|| list(row.status), str::to_owned),
            "`STATUS` or `JOB_STATUS`",
        ),
        ("environment", list(row.environment), "`ENVIRONMENT`"),
        ("pull request", pull_request, "`PULL_REQUEST`"),
        ("source branch", list(row.source_branch), "the checkout"),
        ("target branch", list(row.target_branch), "`TARGET_BRANCH`, or the default branch of the checkout"),
        ("target commit", list(row.target_commit), "`TARGET_COMMIT`, or the tip of the target branch"),
        ("fork", fork(row).unwrap_or_default(), "`ON_MISSING_SECRET=skip`"),
    ]
}

fn recognised(row: &Row) -> String {
    let marks: Vec<String> = row
        .markers
        .iter()
        .map(|marker| match marker {
            Marker::Set(name) => format!("`{name}`"),
            Marker::Is(name, value) => format!("`{name}={value}`"),
            Marker::Mount(path) => format!("the folder `{path}`"),
        })
        .collect();
    marks.join(" or ")
}

/// What is to know of pull requests, forks and secrets, by what the row knows of them.
fn changes(row: &Row) -> Vec<String> {
    let title = row.title;
    let mut lines = Vec::new();
    if !always_says(row) {
        let when = match row.says {
            [] => format!("{title} does not say whether a run is for a pull request."),
            says => format!("A run without {} may be for a pull request.", list(says).replace(", ", " and ")),
        };
        lines.push(format!(
            "{when} Policy files and comments with `gitleaks:allow` of the working tree do not apply in such a run. Set \
             `PULL_REQUEST=false` in a job for pushes and schedules. In a job for pull requests set `PULL_REQUEST` to the \
             id, and `TARGET_BRANCH` or `TARGET_COMMIT`."
        ));
    }
    lines.push(match row.fork {
        Fork::Unsaid if fork(row).is_none() => format!(
            "{title} does not say whether a pull request is from a fork. If forks get no secrets, set \
             `ON_MISSING_SECRET=skip` in the jobs for pull requests, or sign and announce in other jobs only."
        ),
        Fork::Never => "No pipeline runs for a pull request from a fork, so none lacks secrets.".to_owned(),
        _ => "A pull request from a fork that gets no secrets is not signed and not announced. The run is skipped with a \
              notice (`ON_MISSING_SECRET=auto`)."
            .to_owned(),
    });
    lines.push(
        "Policy files are read from the target branch, whose commits must be in the checkout. A shallow clone lacks them."
            .to_owned(),
    );
    lines
}

/// The words of a text. A piece of code is one of them.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in text.split_whitespace() {
        match words.last_mut().filter(|word| word.matches('`').count() % 2 == 1) {
            Some(code) => code.push_str(&format!(" {part}")),
            None => words.push(part.to_owned()),
        }
    }
    words
}

/// Prose in lines that fit the page.
fn wrap(text: &str, first: &str, rest: &str) -> String {
    let mut wrapped = first.to_owned();
    let mut width = first.len();
    for (index, word) in words(text).iter().enumerate() {
        if index > 0 && width + 1 + word.chars().count() > WIDTH {
            wrapped.push_str(&format!("\n{rest}"));
            width = rest.len();
        } else if index > 0 {
            wrapped.push(' ');
            width += 1;
        }
        wrapped.push_str(word);
        width += word.chars().count();
    }
    wrapped.push('\n');
    wrapped
}

fn page(row: &Row) -> String {
    let template = Template::of(row);
    let Template { file, language, example, notes, .. } = &template;
    let mut page =
        format!("# {}\n\n<!-- Generated by `make generate`; changes here are overwritten. -->\n\n", row.title);
    let known = format!(
        "{} is recognised by {}. Its [documentation]({}) describes its variables.",
        row.title,
        recognised(row),
        row.docs
    );
    page.push_str(&wrap(&known, "", ""));
    page.push_str(&format!("\n## Example\n\n`{file}`:\n\n```{language}\n{example}```\n\n{notes}"));
    page.push_str("\n## Pull requests, forks and secrets\n\n");
    for line in changes(row) {
        page.push_str(&wrap(&line, "- ", "  "));
    }
    page.push_str("\n## Facts\n\n| fact | from | otherwise |\n|---|---|---|\n");
    for (fact, from, otherwise) in facts(row) {
        let (from, otherwise) = if from.is_empty() { ("not reported", otherwise) } else { (from.as_str(), "") };
        page.push_str(&format!("| {fact} | {from} | {otherwise} |\n"));
    }
    page.push_str(
        "\nA variable that contradicts what the CI says of a pull request or its target exits with 2. In a CI that is \
         recognised,\n`REPOSITORY`, `PIPELINE` and `BRANCH` count with the prefix `PIPEWRIGHT_` only. [All \
         variables](../variables.md)\n",
    );
    page
}

fn index() -> String {
    let mut page = String::from(
        "# CIs\n\n<!-- Generated by `make generate`; changes here are overwritten. -->\n\n\
         Each page has a complete example that scans, signs and announces, and lists what the CI reports. In a CI that is not\n\
         here, run the images with `docker run` and set `PULL_REQUEST`, `TARGET_BRANCH`, `REPOSITORY`, `PIPELINE`, `BRANCH` and\n\
         `STATUS`.\n\n\
         | CI | recognised by | pull requests | forks | status |\n|---|---|---|---|---|\n",
    );
    for row in rows() {
        let pull_requests = match (always_says(row), row.says) {
            (true, _) => "reported",
            (false, []) => "set `PULL_REQUEST`",
            (false, _) => "reported, or set `PULL_REQUEST`",
        };
        page.push_str(&format!(
            "| [{}]({}.md) | {} | {pull_requests} | {} | {} |\n",
            row.title,
            row.id,
            recognised(row),
            match (row.fork, fork(row)) {
                (Fork::Never, _) => "do not run",
                (_, Some(_)) => "reported",
                (_, None) => "–",
            },
            match (row.status.is_empty(), elsewhere(row, "status")) {
                (true, None) => "set `STATUS`",
                _ => "read",
            },
        ));
    }
    page
}

#[test]
fn pages_of_cis_are_fresh() {
    let folder = root().join("docs/ci");
    fs::create_dir_all(&folder).unwrap();
    let mut expected = BTreeSet::from(["README.md".to_owned()]);
    super::fresh(&folder.join("README.md"), &index());
    let counted = format!("A page for each of {} CIs", rows().count());
    assert!(fs::read_to_string(root().join("README.md")).unwrap().contains(&counted), "{counted}");
    for row in rows() {
        super::fresh(&folder.join(format!("{}.md", row.id)), &page(row));
        expected.insert(format!("{}.md", row.id));
    }
    let names = |path: &str| -> BTreeSet<String> {
        fs::read_dir(root().join(path)).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("docs/ci"), expected, "a page of a CI that is not in the table");
    let used: BTreeSet<String> = rows().map(|row| format!("{}.txt", template_name(row))).collect();
    assert_eq!(names(FOLDER), used, "a template that nothing uses");
}

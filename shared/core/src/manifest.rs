//! Everything users read about a pipe's variables, made from its [`Spec`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::iter;

use serde_json::{Map, Value, json};

use crate::spec::{Kind, Spec, Var};

/// Where the images are published.
const IMAGES: &str = "ghcr.io/pipewright";
/// Where the sources are published.
pub const REPOSITORY: &str = "https://github.com/pipewright/pipewright";
const GENERATED: &str = "# Generated from the pipe's variables (`make generate`); changes here are overwritten.\n";

/// The variable list below `--help`.
pub fn help(spec: &Spec) -> String {
    let mut text = wrapped(
        "All configuration comes from environment variables. GitHub inputs and Bitbucket variables have the same names.",
        0,
    );
    text.push('\n');
    for (title, vars) in documented(spec) {
        let _ = write!(text, "\n{title}:\n");
        for var in vars {
            let aliases: String = var.aliases.iter().map(|alias| format!(", {alias}")).collect();
            let _ = writeln!(text, "  {}{aliases}\n{}", var.name, wrapped(&sentences(spec, var), 6));
        }
    }
    let codes = "Exit codes: 0 passed, warned or skipped; 1 failed; 2 configuration error; 3 a check or an action could not be \
                 carried out; 4 rolled back; 70 internal error; 130 and 143 cancelled.";
    let _ = writeln!(text, "\n{}", wrapped(codes, 0));
    let _ = write!(text, "Documentation: {REPOSITORY}/tree/main/pipes/{}", spec.name);
    text
}

/// Lines of at most 80 columns with this indent. A longer word has its own line.
fn wrapped(text: &str, indent: usize) -> String {
    const COLUMNS: usize = 80;
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && indent + last + 1 + word.chars().count() > COLUMNS {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let margin = " ".repeat(indent);
    lines.iter().map(|line| format!("{margin}{line}")).collect::<Vec<_>>().join("\n")
}

/// The groups of variables that users read about, by title: those that this version honours.
fn documented(spec: &Spec) -> impl Iterator<Item = (&'static str, Vec<&'static Var>)> {
    spec.groups()
        .map(|group| (group.title, group.vars.iter().copied().filter(|var| spec.honours(var)).collect::<Vec<_>>()))
        .filter(|(_, vars)| !vars.is_empty())
}

fn documented_vars(spec: &Spec) -> impl Iterator<Item = &'static Var> {
    documented(spec).flat_map(|(_, vars)| vars)
}

/// The metadata of a GitHub container action. It carries no defaults but [`Var::github`]: one there would always be present
/// and hide the job's own `env:`.
pub fn action_yml(spec: &Spec) -> String {
    let mut text = String::from(GENERATED);
    let _ = writeln!(text, "name: Pipewright {}", spec.name);
    let _ = writeln!(text, "description: {}", quote(spec.summary));
    text.push_str("branding:\n  icon: shield\n  color: blue\ninputs:\n");
    inputs(&mut text, spec);
    text.push_str("outputs:\n");
    for output in spec.outputs() {
        let _ = writeln!(text, "  {}:\n    description: {}", output.name, quote(output.description));
    }
    let _ = writeln!(text, "runs:\n  using: docker\n  image: docker://{IMAGES}/{}:{}", spec.name, spec.version);
    text
}

fn inputs(text: &mut String, spec: &Spec) {
    for var in documented_vars(spec) {
        for (name, description) in names(spec, var) {
            input(text, &name, &description);
            if let Some(expression) = var.github.filter(|_| name == var.name) {
                let _ = writeln!(text, "    default: ${{{{ {expression} }}}}");
            }
        }
    }
}

fn input(text: &mut String, name: &str, description: &str) {
    let _ = writeln!(text, "  {}:\n    description: {}", name.to_lowercase(), quote(description));
}

/// Every name by which a manifest offers the variable, with what to say of it: its own, its aliases, and the files that
/// hold the value. Names of inputs have no case, so that an alias in another case is the same.
fn names(spec: &Spec, var: &Var) -> Vec<(String, String)> {
    let aliases = var.aliases.iter().filter(|alias| !alias.eq_ignore_ascii_case(var.name));
    let alias = |alias: &&str| ((*alias).to_owned(), format!("Another name of {}.", var.name));
    let values: Vec<_> = iter::once((var.name.to_owned(), summary(spec, var))).chain(aliases.map(alias)).collect();
    let file = |(name, _): &(String, String)| {
        (format!("{name}_FILE"), format!("Names a file in the checkout with the value of {}.", var.name))
    };
    let files: Vec<_> = values.iter().filter(|_| var.takes_file()).map(file).collect();
    values.into_iter().chain(files).collect()
}

/// The root action: `pipe` chooses one, every other input is handed on. An input that it does not declare would be dropped,
/// and the job would pass, so it declares what no version honours yet as well.
pub fn root_action_yml(specs: &[&Spec]) -> String {
    let pipes: Vec<_> = specs.iter().map(|spec| spec.name).collect();
    let mut text = String::from(GENERATED);
    text.push_str(
        "# This action is for the GitHub Marketplace, which lists the one at the root. It adds nothing to the actions in\n\
         # pipes/NAME, and a workflow that uses one of these is shorter.\n",
    );
    text.push_str("name: Pipewright\ndescription: \"Scan, sign and announce a change with one small image each\"\n");
    text.push_str("branding:\n  icon: shield\n  color: blue\ninputs:\n");
    let _ = writeln!(
        text,
        "  pipe:\n    description: {}\n    required: true",
        quote(&format!("One of: {}", pipes.join(", ")))
    );
    let declared = root_inputs(specs);
    for (name, description) in &declared {
        input(&mut text, name, description);
    }
    root_outputs(&mut text, specs);
    text.push_str("runs:\n  using: composite\n  steps:\n");
    // A composite whose steps are all skipped succeeds, and GitHub does not enforce `required`.
    let list = serde_json::to_string(&pipes).unwrap_or_default();
    let _ = writeln!(text, "    - if: ${{{{ !contains(fromJSON('{list}'), inputs.pipe) }}}}\n      shell: sh");
    let expected = crate::text::enumerate(&pipes);
    let _ = writeln!(text, "      run: |\n        echo '::error::pipe: expected {expected}'\n        exit 2");
    for spec in specs {
        let path = REPOSITORY.trim_start_matches("https://github.com/");
        let _ = writeln!(text, "    - id: {}\n      if: inputs.pipe == '{}'", spec.name, spec.name);
        let _ = writeln!(text, "      uses: {path}/pipes/{}@v{}\n      with:", spec.name, spec.version);
        let mut own = BTreeSet::new();
        for var in documented_vars(spec) {
            for (name, _) in names(spec, var) {
                let input = name.to_lowercase();
                let fallback = var.github.filter(|_| name == var.name).map(|expression| format!(" || {expression}"));
                let _ = writeln!(text, "        {input}: ${{{{ inputs.{input}{} }}}}", fallback.unwrap_or_default());
                own.insert(name);
            }
        }
        // The pipe's action does not declare these, and the pipe refuses them: what this version does not honour, and
        // what another pipe reads. Under `with`, the runner would warn about each of them in every run.
        text.push_str("      env:\n");
        for (name, _) in declared.iter().filter(|(name, _)| !own.contains(name)) {
            let _ = writeln!(text, "        INPUT_{name}: ${{{{ inputs.{} }}}}", name.to_lowercase());
        }
    }
    text
}

/// The names of all pipes' variables, each once, with the words of a pipe that honours it.
fn root_inputs(specs: &[&Spec]) -> Vec<(String, String)> {
    let honoured = specs.iter().flat_map(|spec| documented_vars(spec).flat_map(move |var| names(spec, var)));
    let words: BTreeMap<String, String> = honoured.fold(BTreeMap::new(), |mut words, (name, description)| {
        words.entry(name).or_insert(description);
        words
    });
    let mut inputs: Vec<(String, String)> = Vec::new();
    for (spec, var) in specs.iter().flat_map(|spec| spec.vars().map(move |var| (spec, var))) {
        for (name, _) in names(spec, var) {
            if !inputs.iter().any(|(known, _)| *known == name) {
                let description = words.get(&name).cloned().unwrap_or_else(|| not_honoured(spec, var));
                inputs.push((name, description));
            }
        }
    }
    inputs
}

/// The outputs of all pipes, each from the step that ran.
fn root_outputs(text: &mut String, specs: &[&Spec]) {
    text.push_str("outputs:\n");
    let mut seen: Vec<&str> = Vec::new();
    for output in specs.iter().flat_map(|spec| spec.outputs()) {
        if seen.contains(&output.name) {
            continue;
        }
        seen.push(output.name);
        let have = specs.iter().filter(|spec| spec.outputs().any(|other| other.name == output.name));
        let values: Vec<String> = have.map(|spec| format!("steps.{}.outputs.{}", spec.name, output.name)).collect();
        let (name, description) = (output.name, quote(output.description));
        let _ =
            writeln!(text, "  {name}:\n    description: {description}\n    value: ${{{{ {} }}}}", values.join(" || "));
    }
}

/// The metadata of a Bitbucket pipe.
pub fn pipe_yml(spec: &Spec) -> String {
    let mut text = String::from(GENERATED);
    let _ = writeln!(text, "name: Pipewright {}", spec.name);
    let _ = writeln!(text, "image: {IMAGES}/{}:{}", spec.name, spec.version);
    let _ = writeln!(text, "description: {}", quote(spec.summary));
    let _ = writeln!(text, "category: {}", spec.category);
    let _ = writeln!(text, "repository: {REPOSITORY}");
    let _ = writeln!(text, "vendor:\n  name: Pipewright\n  website: {REPOSITORY}");
    let _ = writeln!(text, "maintainer:\n  name: Pipewright\n  website: {REPOSITORY}");
    let _ = writeln!(text, "tags: [{}, pipewright]\nvariables:", spec.category.to_lowercase());
    for (name, _) in documented_vars(spec).flat_map(|var| names(spec, var)) {
        let _ = writeln!(text, "  - name: {name}");
    }
    text
}

/// The table of variables for the README and `docs/variables.md`.
pub fn table(spec: &Spec) -> String {
    let mut text = String::new();
    for (title, vars) in documented(spec) {
        let _ = write!(text, "\n### {title}\n\n| Variable | Default | Effect |\n|---|---|---|\n");
        for var in vars {
            let default = match spec.default_of(var) {
                Some(value) => format!("`{value}`"),
                None => "–".to_owned(),
            };
            let mut effect = cell(&described(var, var.sentences(None)));
            if let Some(example) = var.example {
                let _ = write!(effect, " Example: `{example}`.");
            }
            let _ = writeln!(text, "| `{}`{} | {default} | {effect} |", var.name, marks(var));
        }
    }
    let prefix = spec.name.to_uppercase().replace('-', "_");
    let _ = write!(
        text,
        "\n### Outputs\n\nThese are the names on GitHub. On Bitbucket and GitLab, outputs are variables such as \
         `{prefix}_VERDICT`.\n\n| Output | Value |\n|---|---|\n"
    );
    for output in spec.outputs() {
        let _ = writeln!(text, "| `{}` | {} |", output.name, cell(output.description));
    }
    text
}

fn marks(var: &Var) -> String {
    let mut marks = String::new();
    for alias in var.aliases {
        let _ = write!(marks, ", `{alias}`");
    }
    if var.is_secret() {
        marks.push_str(" (secret)");
    }
    marks
}

/// What the root action says about a variable that this version does not honour.
fn not_honoured(spec: &Spec, var: &Var) -> String {
    match var.part_of {
        Some(of) => format!("Not available in this version of {}. Configures {of}.", spec.name),
        None => format!("Not available in this version of {}. A run that sets it exits with 3.", spec.name),
    }
}

/// What the variable does, with its default.
fn sentences(spec: &Spec, var: &Var) -> String {
    var.sentences(spec.default_of(var))
}

/// [`sentences`], and what else a reader needs: when it is required, what it expects, its file.
fn summary(spec: &Spec, var: &Var) -> String {
    described(var, sentences(spec, var))
}

fn described(var: &Var, mut text: String) -> String {
    if let Some(when) = var.required {
        let _ = write!(text, " Required {when}.");
    }
    match var.kind {
        // Each word stands in its own sentence already.
        Kind::Choice(words) if var.values.len() == words.len() => {}
        Kind::Choice(_) | Kind::Choices(..) | Kind::Number { .. } | Kind::Integer { .. } => {
            let _ = write!(text, " Expects {}.", var.expectation());
        }
        _ => {}
    }
    if var.takes_file() {
        let _ = write!(text, " `{}_FILE` names a file with the value.", var.name);
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The names that the pipes answer to, without a prefix, one a line: `env/family.txt`.
pub fn family(specs: &[&Spec]) -> String {
    let names = specs.iter().flat_map(|spec| spec.vars()).flat_map(crate::env::accepted_names);
    let names: BTreeSet<String> = names.collect();
    names.into_iter().map(|name| name + "\n").collect()
}

/// A JSON Schema of the environment, for editors and policy checks. Values are texts, as environments carry them.
pub fn schema(spec: &Spec) -> String {
    let mut properties = Map::new();
    for var in documented_vars(spec) {
        let mut property = json!({ "type": "string", "description": summary(spec, var) });
        if let Some(default) = spec.default_of(var) {
            property["default"] = json!(default);
        }
        if let Some(example) = var.example {
            property["examples"] = json!([example]);
        }
        if let Some(pattern) = pattern(var.kind) {
            property["pattern"] = json!(pattern);
        }
        if var.is_secret() {
            property["writeOnly"] = json!(true);
        }
        for name in std::iter::once(&var.name).chain(var.aliases) {
            properties.insert((*name).to_owned(), property.clone());
            if var.takes_file() {
                let description = format!("A file with the value of {name}.");
                properties.insert(format!("{name}_FILE"), json!({ "type": "string", "description": description }));
            }
        }
    }
    let schema: Value = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Variables of {}", spec.name),
        "type": "object",
        "properties": properties,
        // GitLab keeps variables below `variables`, a ConfigMap of Kubernetes below `data`.
        "patternProperties": { "^(variables|data)$": { "$ref": "#" } },
        "additionalProperties": true,
    });
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn pattern(kind: Kind) -> Option<String> {
    let any_case = |words: &[&str]| {
        let words: Vec<String> = words
            .iter()
            .map(|word| {
                word.chars()
                    .map(|c| {
                        if c.is_ascii_alphabetic() {
                            format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase())
                        } else {
                            c.to_string()
                        }
                    })
                    .collect()
            })
            .collect();
        format!("^\\s*({})?\\s*$", words.join("|"))
    };
    match kind {
        Kind::Bool => Some(any_case(&["true", "false", "1", "0", "yes", "no", "on", "off"])),
        Kind::Choice(words) => Some(any_case(words)),
        Kind::Integer { .. } => Some("^\\s*[0-9]*\\s*$".to_owned()),
        Kind::Number { .. } => Some("^\\s*([0-9]*\\.?[0-9]+([eE][+-]?[0-9]+)?)?\\s*$".to_owned()),
        Kind::Duration => Some("^\\s*([0-9]+(\\.[0-9]+)?|([0-9]+(\\.[0-9]+)?([mM][sS]|[sSmMhHdD]))+)?\\s*$".to_owned()),
        Kind::Url => Some("^\\s*([hH][tT][tT][pP][sS]?://.+)?$".to_owned()),
        Kind::Text | Kind::Path | Kind::List | Kind::Choices(..) | Kind::Secret | Kind::Secrets => None,
    }
}

/// A double-quoted YAML scalar.
fn quote(text: &str) -> String {
    // JSON strings are YAML strings.
    Value::from(text).to_string()
}

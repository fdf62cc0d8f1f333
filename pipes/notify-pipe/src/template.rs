//! The user's own words around what is known: TEMPLATE for the message, WEBHOOK_PAYLOAD_TEMPLATE for a body.
//!
//! Only the variable that is a template is one: values are never read as templates, whatever is in them. The context is
//! closed (no environment, no files, no other templates), and fuel and recursion are limited. What they do not count, the
//! size of lists that are added and of lists that share their parts, [`sandbox`] limits.

mod sandbox;

use std::time::Duration;

use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, context};
use serde::{Deserialize, Serialize};

use crate::message::Message;

/// Instructions and bytes a template may use: some hundred times what a large message needs.
const FUEL: u64 = 200_000;
/// How deep macros may call each other.
const RECURSION: usize = 64;

/// What a rendered value stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    /// Plain text: values as they are.
    Text,
    /// A JSON document: values are escaped as the inside of a JSON string; `{{ x | tojson }}` writes a whole value.
    Json,
}

/// A template whose syntax and names have been checked.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    source: String,
    form: Form,
}

impl Template {
    /// # Errors
    /// A mistake in its syntax, or a name that there will be no value for.
    pub(crate) fn new(source: String, form: Form) -> Result<Template, String> {
        let environment = environment(form);
        let template = environment.template_from_str(&source).map_err(|error| describe(&error))?;
        let known: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        let mut unknown: Vec<String> = template
            .undeclared_variables(false)
            .into_iter()
            .filter(|name| !known.contains(name) && !is_builtin(&environment, name))
            .collect();
        unknown.sort();
        if !unknown.is_empty() {
            return Err(format!("unknown name {}; the names are {}", unknown.join(", "), NAMES.join(", ")));
        }
        drop(template);
        Ok(Template { source, form })
    }

    /// Renders it for a plan, which waits.
    ///
    /// # Errors
    /// It can't be rendered: an operation that does not fit its value, or too much work.
    pub(crate) fn render(&self, message: &Message) -> Result<String, String> {
        self.order(message).in_sandbox(sandbox::TIME)
    }

    /// [`Template::render`] beside everything else that a run waits for, such as a signal.
    ///
    /// # Errors
    /// As those of [`Template::render`].
    pub(crate) async fn render_aside(&self, message: &Message, limit: Duration) -> Result<String, String> {
        let order = self.order(message);
        let rendering = tokio::task::spawn_blocking(move || order.in_sandbox(limit.min(sandbox::TIME)));
        rendering.await.unwrap_or_else(|error| Err(error.to_string()))
    }

    fn order(&self, message: &Message) -> Order {
        Order { source: self.source.clone(), form: self.form, values: values(message) }
    }
}

/// What the process that renders is given.
#[derive(Serialize, Deserialize)]
struct Order {
    source: String,
    form: Form,
    values: Value,
}

impl Order {
    fn in_sandbox(&self, limit: Duration) -> Result<String, String> {
        // The binary of unit tests is not the pipe.
        if cfg!(test) { self.render() } else { sandbox::render(self, limit) }
    }

    fn render(&self) -> Result<String, String> {
        let environment = environment(self.form);
        let template = environment.template_from_str(&self.source).map_err(|error| describe(&error))?;
        template.render(&self.values).map_err(|error| describe(&error))
    }
}

/// Renders the template on standard input, if this process was started for that.
pub fn renderer() -> Option<std::process::ExitCode> {
    sandbox::renderer(|input| {
        let order: Order = serde_json::from_reader(input).map_err(|error| error.to_string())?;
        order.render()
    })
}

/// Every name a template may use. The capitals are those of older pipelines' templates.
const NAMES: [&str; 33] = [
    "title",
    "message",
    "status",
    "icon",
    "environment",
    "repository",
    "branch",
    "tag",
    "pull_request",
    "commit",
    "short_commit",
    "subject",
    "author",
    "actor",
    "pipeline",
    "build_number",
    "build_url",
    "duration",
    "priority",
    "fields",
    "findings",
    "links",
    "run",
    "deployment",
    "MESSAGE",
    "TITLE",
    "STATUS",
    "ENVIRONMENT",
    "REPOSITORY",
    "BRANCH",
    "COMMIT",
    "BUILD_NUMBER",
    "BUILD_URL",
];

fn values(message: &Message) -> Value {
    let run = &message.run;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let deployment = run.deployment.as_ref();
    let environment = run.environment.clone().or_else(|| deployment.map(|it| it.environment.clone()));
    let duration = run.seconds().map(crate::text::duration).unwrap_or_default();
    context! {
        title => &message.title,
        message => &message.text,
        status => message.status.name(),
        icon => message.status.icon(),
        environment => text(&environment),
        repository => text(&run.repository),
        branch => text(&run.branch),
        tag => text(&run.tag),
        pull_request => run.pull_request.as_ref().map(|pull| pull.id.clone()).unwrap_or_default(),
        commit => text(&run.commit),
        short_commit => text(&run.short_commit()),
        subject => text(&run.subject),
        author => run.author.as_ref().map(|author| author.name.clone()).unwrap_or_default(),
        actor => text(&run.actor),
        pipeline => text(&run.pipeline),
        build_number => text(&run.number),
        build_url => text(&run.url),
        duration,
        priority => Serde(message.priority),
        fields => Serde(&message.fields),
        findings => Serde(&message.findings),
        links => Serde(&message.links),
        run => Serde(run),
        deployment => Serde(&run.deployment),
        MESSAGE => &message.text,
        TITLE => &message.title,
        STATUS => message.status.name(),
        ENVIRONMENT => text(&environment),
        REPOSITORY => text(&run.repository),
        BRANCH => text(&run.branch),
        COMMIT => text(&run.commit),
        BUILD_NUMBER => text(&run.number),
        BUILD_URL => text(&run.url),
    }
}

fn environment(form: Form) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    // It writes out everything there is.
    environment.remove_global("debug");
    environment.set_recursion_limit(RECURSION);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    match form {
        Form::Text => environment.set_auto_escape_callback(|_| AutoEscape::None),
        Form::Json => {
            environment.set_auto_escape_callback(|_| AutoEscape::Custom("json string".into()));
            environment.set_formatter(inside_json_string);
        }
    }
    environment
}

/// Writes a value as it may stand between the quotes of a JSON string. What is marked safe (`tojson`) is written as it
/// is.
fn inside_json_string(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        return minijinja::escape_formatter(out, state, value);
    }
    let text = if value.is_none() { String::new() } else { value.to_string() };
    if value.is_safe() {
        return out.write_str(&text).map_err(Error::from);
    }
    let quoted = serde_json::to_string(&text).unwrap_or_default();
    out.write_str(&quoted[1..quoted.len() - 1]).map_err(Error::from)
}

fn is_builtin(environment: &Environment<'_>, name: &str) -> bool {
    environment.globals().any(|(known, _)| known == name)
}

/// Where and what, without the template's text.
fn describe(error: &Error) -> String {
    let place = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let what = match error.kind() {
        ErrorKind::OutOfFuel => sandbox::TOO_MUCH.to_owned(),
        kind => error.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    };
    format!("{place}{what}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Form, Template};
    use crate::message::example;

    fn json(source: &str) -> Result<Template, String> {
        Template::new(source.to_owned(), Form::Json)
    }

    #[test]
    fn the_placeholders_of_older_pipelines_work_and_are_escaped() {
        let mut message = example();
        message.text = "a \"quoted\"\nline \\ {{ title }}".to_owned();
        let template =
            json(r#"{"text": "{{MESSAGE}}", "tags": ["env:{{ENVIRONMENT}}", "status:{{STATUS}}"]}"#).unwrap();
        let rendered = template.render(&message).unwrap();
        let value: serde_json::Value = serde_json::from_str(&rendered).unwrap();
        assert_eq!(value["text"], message.text.as_str(), "values are never templates");
        assert_eq!(value["tags"][1], "status:success");
    }

    #[test]
    fn whole_values_can_be_written() {
        let template = json(r#"{"run": {{ run | tojson }}, "n": "{{ fields | length }}"}"#).unwrap();
        let value: serde_json::Value = serde_json::from_str(&template.render(&example()).unwrap()).unwrap();
        assert_eq!(value["run"]["repository"], "org/shop");
    }

    #[test]
    fn mistakes_are_reported_before_anything_is_sent() {
        assert!(json("{{ MESAGE }}").unwrap_err().starts_with("unknown name MESAGE; the names are title"));
        assert!(json("line\n{{ title ").unwrap_err().starts_with("line 2: "));
        assert!(Template::new("{{ debug() }}".to_owned(), Form::Text).is_err());
        let env = Template::new("{{ env.HOME }}".to_owned(), Form::Text);
        assert!(env.unwrap_err().contains("unknown name env"));
    }

    #[test]
    fn no_template_takes_the_machine() {
        for source in [
            "{% for a in range(9999) %}{% for b in range(9999) %}{{ a * b }}{% endfor %}{% endfor %}",
            "{{ 'x' * 1000000000 }}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        ] {
            let started = std::time::Instant::now();
            let rendered = Template::new(source.to_owned(), Form::Text).and_then(|it| it.render(&example()));
            assert!(rendered.is_err(), "{source}");
            assert!(started.elapsed().as_secs() < 5, "{source}");
        }
    }

    proptest! {
        #[test]
        fn any_text_stays_inside_its_json_string(text in "\\PC*|[\\x00-\\x20\"\\\\]{0,40}") {
            let mut message = example();
            message.text = text;
            let rendered = json(r#"{"text": "{{ message }}"}"#).unwrap().render(&message).unwrap();
            let value: serde_json::Value = serde_json::from_str(&rendered).unwrap();
            prop_assert_eq!(value["text"].as_str(), Some(message.text.as_str()));
        }
    }
}

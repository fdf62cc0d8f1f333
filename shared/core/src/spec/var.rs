//! One variable: its name, what it must look like, and the sentences about it.

use crate::text::enumerate;

/// Variables that belong together on a page.
#[derive(Debug)]
pub struct Group {
    /// The heading.
    pub title: &'static str,
    /// In the order of the page.
    pub vars: &'static [&'static Var],
}

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A path, without NUL.
    Path,
    /// `https://` or `http://` and a host.
    Url,
    /// true/false, 1/0, yes/no, on/off in any case.
    Bool,
    /// Whole numbers, bounds included.
    Integer {
        /// The smallest value.
        min: u64,
        /// The largest value.
        max: u64,
    },
    /// Decimal numbers, bounds included.
    Number {
        /// The smallest value.
        min: f64,
        /// The largest value.
        max: f64,
    },
    /// `300` (seconds), `300s`, `500ms`, `10m`, `1h30m`.
    Duration,
    /// Exactly one of these words, in any case.
    Choice(&'static [&'static str]),
    /// `X_COUNT` and `X_0`..., a JSON array, or separated by commas or newlines.
    List,
    /// A list whose items are of these words; a pair is an alias and the word it stands for.
    Choices(&'static [&'static str], &'static [(&'static str, &'static str)]),
    /// Never shown; `X_FILE` names a file that holds it.
    Secret,
    /// A list whose items are never shown.
    Secrets,
}

/// One variable, built in `const` context.
///
/// Its sentences go to people in five places (README table, `action.yml`, `--help`, JSON Schema, `DRY_RUN`), so each is
/// written once and in one form:
///
/// - `effect` says what setting it does, as a sentence that begins with a verb: "Looks up the packages of every
///   lockfile." Of a flag, it is what `true` does.
/// - [`Var::or`] says what `false` does, and [`Var::values`] what each word of a choice does. The value itself is the
///   subject, so the text begins with a verb in lower case and has no full stop: "looks up nothing".
/// - [`Var::unset`] is for a variable without a default: what happens if it is unset, as a clause without a full stop.
/// - The default is never written: "Default: `text`." is made from [`Var::default`].
///
/// ```
/// use pipe_core::spec::Var;
///
/// const SCA_SCAN: Var = Var::flag("SCA_SCAN", "Looks up the packages of every lockfile.")
///     .or("looks up nothing")
///     .default("true");
/// assert_eq!(
///     SCA_SCAN.sentences(Some("true")),
///     "Looks up the packages of every lockfile. `false` looks up nothing. Default: `true`."
/// );
/// assert_eq!(SCA_SCAN.effect_of("false"), "Looks up nothing");
///
/// const LOG_FORMAT: Var = Var::choice("LOG_FORMAT", &["text", "json"], "Sets the form of log lines.")
///     .values(&[("text", "prints lines of text"), ("json", "prints one JSON object a line")]);
/// assert_eq!(LOG_FORMAT.effect_of("json"), "Prints one JSON object a line");
///
/// const CA_CERT: Var = Var::text("CA_CERT", "Adds certificate authorities to trust, in PEM.")
///     .unset("only the public ones are trusted");
/// assert_eq!(
///     CA_CERT.sentences(None),
///     "Adds certificate authorities to trust, in PEM. If unset, only the public ones are trusted."
/// );
/// ```
#[derive(Debug)]
pub struct Var {
    /// `UPPER_SNAKE`.
    pub name: &'static str,
    /// Older or other names that mean the same.
    pub aliases: &'static [&'static str],
    /// What a value must look like.
    pub kind: Kind,
    /// The value if it is unset, as text.
    pub default: Option<&'static str>,
    /// When it must be set, as a clause: `when CONTAINER_SCAN is true`.
    pub required: Option<&'static str>,
    /// What setting it does, as a sentence. Of a flag, what `true` does.
    pub effect: &'static str,
    /// What each value does, as a clause whose subject is the value: `("json", "prints one JSON object a line")`.
    pub values: &'static [(&'static str, &'static str)],
    /// Further words of a choice, in lower case, each with the value that it means.
    pub synonyms: &'static [(&'static str, &'static str)],
    /// What other tools call it. These names are not accepted: they are only what a person is led to this one from.
    pub elsewhere: &'static [&'static str],
    /// What `false` does, if it is a flag, as such a clause.
    pub otherwise: Option<&'static str>,
    /// What happens if it is unset and has no default, as a clause.
    pub unset: Option<&'static str>,
    /// A value for the documentation.
    pub example: Option<&'static str>,
    /// `X_FILE` is accepted although the value is not secret.
    pub file: bool,
    /// A word that job-wide environments often carry for their own ends: a bare value that makes no sense here is
    /// ignored with a notice; the prefixed forms are strict.
    pub common_word: bool,
    /// Other pipes or tools of a job read the bare name as well, so that it may be set for them.
    pub shared: bool,
    /// Declared, so that pipelines keep working, but not honoured by this version: a run that sets it exits with 3.
    pub later: bool,
    /// The variable that switches on what this one configures, e.g. `IAC_SCAN` for the path of a chart.
    pub part_of: Option<&'static str>,
    /// The expression that a GitHub action passes where the user gives nothing, e.g. `github.token`. Only for what a
    /// container can't see otherwise: such a default hides the job's own `env:` of that name.
    pub github: Option<&'static str>,
}

impl Var {
    /// A variable of any kind. The other constructors are short forms.
    pub const fn new(name: &'static str, kind: Kind, effect: &'static str) -> Var {
        Var {
            name,
            aliases: &[],
            kind,
            default: None,
            required: None,
            effect,
            values: &[],
            synonyms: &[],
            elsewhere: &[],
            otherwise: None,
            unset: None,
            example: None,
            file: false,
            common_word: false,
            shared: false,
            later: false,
            part_of: None,
            github: None,
        }
    }

    /// A boolean. `effect` is what `true` does, [`Var::or`] what `false` does.
    pub const fn flag(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Bool, effect)
    }

    /// Any text.
    pub const fn text(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Text, effect)
    }

    /// A path.
    pub const fn path(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Path, effect)
    }

    /// A list of texts.
    pub const fn list(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::List, effect)
    }

    /// A text that is never shown. `X_FILE` names a file with it.
    pub const fn secret(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Secret, effect)
    }

    /// A list of texts that are never shown.
    pub const fn secrets(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Secrets, effect)
    }

    /// A URL.
    pub const fn url(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Url, effect)
    }

    /// Exactly one of `words`, in any case. [`Var::values`] says what each does.
    pub const fn choice(name: &'static str, words: &'static [&'static str], effect: &'static str) -> Var {
        Var::new(name, Kind::Choice(words), effect)
    }

    /// What `false` does: "looks up nothing". See [`Var`] for the form.
    pub const fn or(self, otherwise: &'static str) -> Var {
        Var { otherwise: Some(otherwise), ..self }
    }

    /// What each word of a choice does: `("json", "prints one JSON object a line")`. See [`Var`] for the form.
    pub const fn values(self, values: &'static [(&'static str, &'static str)]) -> Var {
        Var { values, ..self }
    }

    /// The names that other tools give it, for the hint on a variable that is not declared.
    pub const fn elsewhere(self, names: &'static [&'static str]) -> Var {
        Var { elsewhere: names, ..self }
    }

    /// Words of other programs that a choice takes as well, in any case.
    pub const fn synonyms(self, synonyms: &'static [(&'static str, &'static str)]) -> Var {
        Var { synonyms, ..self }
    }

    /// What happens without a value and without a default: "only the public ones are trusted".
    pub const fn unset(self, unset: &'static str) -> Var {
        Var { unset: Some(unset), ..self }
    }

    /// The value if it is unset, as text.
    pub const fn default(self, default: &'static str) -> Var {
        Var { default: Some(default), ..self }
    }

    /// Other names that mean the same.
    pub const fn aliases(self, aliases: &'static [&'static str]) -> Var {
        Var { aliases, ..self }
    }

    /// When it must be set, as a clause: `when CONTAINER_SCAN is true`.
    pub const fn required(self, when: &'static str) -> Var {
        Var { required: Some(when), ..self }
    }

    /// A value for the documentation.
    pub const fn example(self, example: &'static str) -> Var {
        Var { example: Some(example), ..self }
    }

    /// `X_FILE` may name a file with the value.
    pub const fn file(self) -> Var {
        Var { file: true, ..self }
    }

    /// A word that job-wide environments often carry for their own ends: see the field.
    pub const fn common_word(self) -> Var {
        Var { common_word: true, ..self }
    }

    /// Other pipes or tools of a job read the bare name as well: see the field.
    pub const fn shared(self) -> Var {
        Var { shared: true, ..self }
    }

    /// Declared but not honoured by this version: setting it ends a run with 3.
    pub const fn later(self) -> Var {
        Var { later: true, ..self }
    }

    /// Only configures what the variable of this name switches on.
    pub const fn part_of(self, name: &'static str) -> Var {
        Var { part_of: Some(name), ..self }
    }

    /// The expression that the GitHub action passes if the user gives nothing.
    pub const fn github(self, expression: &'static str) -> Var {
        Var { github: Some(expression), ..self }
    }

    /// Whether its value is never shown.
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Secrets)
    }

    /// Whether `NAME_FILE` may name a file that holds the value.
    pub fn takes_file(&self) -> bool {
        self.file || self.is_secret()
    }

    /// What it does, for every value and without one: the text of `--help`, `action.yml` and the JSON Schema. `default` is
    /// left out where a column shows it.
    pub fn sentences(&self, default: Option<&str>) -> String {
        let mut text = self.effect.to_owned();
        if !text.ends_with('.') {
            text.push('.');
        }
        for (word, does) in self.otherwise.iter().map(|does| ("false", *does)).chain(self.values.iter().copied()) {
            text.push_str(&format!(" `{word}` {does}."));
        }
        if let Some(unset) = self.unset {
            text.push_str(&format!(" If unset, {unset}."));
        }
        if let Some(default) = default {
            text.push_str(&format!(" Default: `{default}`."));
        }
        text
    }

    /// What this value does, without a full stop. `value` is as a report shows it: `true`, `false`, a word of the
    /// choice.
    pub fn effect_of(&self, value: &str) -> String {
        let does = match self.otherwise {
            Some(does) if self.kind == Kind::Bool && value == "false" => does,
            _ => self.values.iter().find(|(word, _)| *word == value).map_or(self.effect, |(_, does)| does),
        };
        upper_first(does.trim_end_matches('.'))
    }

    /// What a reader would miss: a value without words, or none about what happens if it is unset.
    pub fn missing_words(&self) -> Option<String> {
        let words: &[&str] = match self.kind {
            Kind::Choice(words) => words,
            _ => &[],
        };
        let described = |word: &&&str| self.values.iter().any(|(known, _)| known == *word);
        if let Some(word) = words.iter().find(|word| !described(word)) {
            return Some(format!("{}: say what `{word}` does, by `values`", self.name));
        }
        if self.kind == Kind::Bool && self.otherwise.is_none() {
            return Some(format!("{}: say what `false` does, by `or`", self.name));
        }
        // The default of TIMEOUT belongs to the pipe.
        let settled = self.default.is_some() || self.unset.is_some() || self.required.is_some();
        if !settled && self.name != "TIMEOUT" {
            return Some(format!("{}: say what happens if it is unset, by `unset`", self.name));
        }
        self.effect.contains("f unset").then(|| format!("{}: the effect speaks of `unset` and `default`", self.name))
    }

    /// What was expected, for a message: `expected low, medium, high or critical`.
    pub fn expectation(&self) -> String {
        match self.kind {
            Kind::Text | Kind::Secret => "text".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Url => "a URL that begins with https:// or http://".to_owned(),
            Kind::Bool => "true or false".to_owned(),
            Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Number { min, max } => format!("a number from {min} to {max}"),
            Kind::Duration => "a duration such as 300, 90s, 10m or 1h30m".to_owned(),
            Kind::Choice(words) => enumerate(words),
            Kind::List | Kind::Secrets => "a list, separated by commas or newlines".to_owned(),
            Kind::Choices(words, _) => format!("a list of {}", enumerate(words)),
        }
    }
}

fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Var;

    const SCAN: Var = Var::flag("SCAN", "Looks up packages.").or("looks up nothing").default("true");
    const MODE: Var = Var::choice("MODE", &["warn", "fail"], "Sets what a finding does.")
        .values(&[("warn", "prints a warning"), ("fail", "fails the run")])
        .default("fail");

    #[test]
    fn each_value_has_its_own_sentence() {
        assert_eq!(SCAN.effect_of("true"), "Looks up packages");
        assert_eq!(SCAN.effect_of("false"), "Looks up nothing");
        assert_eq!(MODE.effect_of("warn"), "Prints a warning");
        assert_eq!(MODE.effect_of("fail"), "Fails the run");
        assert_eq!(MODE.sentences(None), "Sets what a finding does. `warn` prints a warning. `fail` fails the run.");
        assert_eq!(SCAN.sentences(Some("true")), "Looks up packages. `false` looks up nothing. Default: `true`.");
    }

    #[test]
    fn a_value_without_words_is_noticed() {
        let missing = |var: Var| var.missing_words().unwrap_or_default();
        assert_eq!(missing(SCAN), "");
        assert!(missing(Var::flag("SCAN", "Looks up packages.").default("true")).contains("`false`"));
        assert!(missing(MODE.values(&[("warn", "prints a warning")])).contains("`fail`"));
        assert!(missing(Var::text("NAME", "Sets a name.")).contains("unset"));
        assert!(missing(Var::text("NAME", "Sets a name; if unset, none.").unset("none is set")).contains("unset"));
    }
}

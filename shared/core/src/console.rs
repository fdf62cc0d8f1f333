//! The one way text leaves a run: redacted, coloured or not, as lines of text or of JSON.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::platform::escape;
use crate::redact::Redactor;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The result; goes to standard output.
    Info,
    /// A detail, printed if DEBUG is set.
    Debug,
    /// Worth knowing, needs no action.
    Notice,
    /// Something that a person should look at.
    Warning,
    /// What went wrong.
    Error,
}

/// A colour a word may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Failed, errors, critical findings.
    Red,
    /// Warnings.
    Yellow,
    /// Passed.
    Green,
    /// Notices.
    Blue,
    /// Headings.
    Bold,
    /// Details.
    Dim,
}

/// How lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Words are coloured.
    pub color: bool,
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Details are printed.
    pub debug: bool,
}

impl Style {
    /// Colours are forced in a CI, whose logs render them although they are no terminal, and are off whenever
    /// `NO_COLOR` says so.
    ///
    /// `plain` is a terminal that knows no colours: `TERM=dumb`.
    pub fn choose(json: bool, no_color: bool, ci: bool, plain: bool, debug: bool) -> Style {
        let color = !json && !no_color && !plain && (ci || io::stdout().is_terminal());
        Style { color, json, debug }
    }
}

/// Standard output and error of a run.
pub struct Console {
    pipe: &'static str,
    redactor: Redactor,
    style: Style,
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
}

impl Console {
    /// Over the process's standard output and error. `pipe` is named in lines of JSON.
    pub fn new(pipe: &'static str, redactor: Redactor, style: Style) -> Console {
        Console::to(pipe, redactor, style, Box::new(io::stdout()), Box::new(io::stderr()))
    }

    /// [`Console::new`] over any two writers.
    pub fn to(
        pipe: &'static str,
        redactor: Redactor,
        style: Style,
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
    ) -> Console {
        Console { pipe, redactor, style, out: Mutex::new(out), err: Mutex::new(err) }
    }

    /// Text from outside, made harmless for a line of this console. Secrets are hidden first, since they are not found in
    /// escaped text; everything else that is printed is redacted as it is written.
    pub fn escape(&self, text: &str) -> String {
        escape::terminal(&self.redactor.text(text))
    }

    /// The colour codes around `text`, or `text` alone. Text from outside must have been through [`Console::escape`].
    pub fn paint(&self, color: Color, text: &str) -> String {
        if !self.style.color {
            return text.to_owned();
        }
        let code = match color {
            Color::Red => 31,
            Color::Yellow => 33,
            Color::Green => 32,
            Color::Blue => 34,
            Color::Bold => 1,
            Color::Dim => 2,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Prints a line of the result, to standard output.
    pub fn line(&self, text: impl AsRef<str>) {
        self.print(Level::Info, text.as_ref());
    }

    /// Prints a line of the result, to standard output. With `LOG_FORMAT=json` it is an event of this level, with a
    /// field for each of its facts.
    pub fn event(&self, level: Level, text: impl AsRef<str>, fields: Value) {
        if self.style.json {
            self.print_json(level, Level::Info, text.as_ref(), fields);
        } else {
            self.line(text);
        }
    }

    /// Prints something worth knowing that needs no action.
    pub fn notice(&self, text: impl AsRef<str>) {
        self.print(Level::Notice, text.as_ref());
    }

    /// Prints something that a person should look at.
    pub fn warning(&self, text: impl AsRef<str>) {
        self.print(Level::Warning, text.as_ref());
    }

    /// Prints what went wrong.
    pub fn error(&self, text: impl AsRef<str>) {
        self.print(Level::Error, text.as_ref());
    }

    /// Prints a detail, if DEBUG is set.
    pub fn debug(&self, text: impl AsRef<str>) {
        if self.style.debug {
            self.print(Level::Debug, text.as_ref());
        }
    }

    /// A workflow command for GitHub's runner, passed on as it is. The value of `::add-mask::` is the one exemption
    /// from redaction: the runner has to know it to hide it.
    pub fn command(&self, command: &str) {
        if command.starts_with("::add-mask::") {
            self.write(Level::Info, command);
        } else {
            self.write(Level::Info, &self.redactor.text(command));
        }
    }

    fn print(&self, level: Level, text: &str) {
        if self.style.json {
            self.print_json(level, level, text, Value::Null);
            return;
        }
        let text = self.redactor.text(text);
        let prefix = match level {
            Level::Info => String::new(),
            Level::Debug => self.paint(Color::Dim, "debug: "),
            Level::Notice => self.paint(Color::Blue, "notice: "),
            Level::Warning => self.paint(Color::Yellow, "warning: "),
            Level::Error => self.paint(Color::Red, "error: "),
        };
        for (index, line) in text.lines().enumerate() {
            let prefix = if index == 0 { prefix.as_str() } else { "" };
            // Results have colours, and text from outside in them was escaped before. Messages have names of files.
            let line = match level {
                Level::Info => line.into(),
                Level::Debug | Level::Notice | Level::Warning | Level::Error => escape::terminal(line),
            };
            self.write(level, &format!("{prefix}{}", escape::no_command(&line)));
        }
    }

    /// One object a line, to the stream of `to`.
    fn print_json(&self, level: Level, to: Level, text: &str, fields: Value) {
        let word = match level {
            Level::Info => "info",
            Level::Debug => "debug",
            Level::Notice => "notice",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let time = jiff::Timestamp::now().to_string();
        let mut line = json!({ "time": time, "level": word, "pipe": self.pipe, "message": text });
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            for (name, value) in fields {
                line.entry(name).or_insert(value);
            }
        }
        self.redactor.json(&mut line);
        self.write(to, &escape::no_command(&line.to_string()));
    }

    fn write(&self, level: Level, line: &str) {
        let stream = if level == Level::Info { &self.out } else { &self.err };
        let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody reads any more: the verdict is in the report and in the exit code.
        drop(writeln!(stream, "{line}").and_then(|()| stream.flush()));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::{Color, Console, Level, Style};
    use crate::redact::Redactor;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Buffer {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn console(style: Style) -> (Console, Buffer, Buffer) {
        let (out, err) = (Buffer::default(), Buffer::default());
        let redactor = Redactor::default();
        redactor.add("hunter2-hunter2");
        let console = Console::to("test-pipe", redactor, style, Box::new(out.clone()), Box::new(err.clone()));
        (console, out, err)
    }

    #[test]
    fn the_result_goes_out_and_the_rest_to_standard_error() {
        let (console, out, err) = console(Style::default());
        console.line("all well");
        console.warning("look\nhere");
        console.debug("only when asked");
        assert_eq!(out.text(), "all well\n");
        assert_eq!(err.text(), "warning: look\nhere\n");
    }

    #[test]
    fn a_name_in_a_message_does_nothing_to_the_terminal() {
        let name = "a\u{1b}[2K\u{1b}[1A\u{9b}31m\u{202e}\r\tz";
        let (console, out, err) = console(Style { debug: true, color: true, ..Style::default() });
        console.notice(name);
        console.warning(name);
        console.error(name);
        console.debug(name);
        let text = err.text();
        assert_eq!(text.matches("a\\u{1b}[2K\\u{1b}[1A\\u{9b}31m\\u{202e}\\u{d}\\u{9}z\n").count(), 4, "{text}");
        assert_eq!(text.matches('\u{1b}').count(), 8, "the colours of the words before it: {text}");
        assert_eq!(out.text(), "");
    }

    #[test]
    fn every_line_is_redacted_also_as_json() {
        for json in [false, true] {
            let (console, out, err) = console(Style { json, debug: true, ..Style::default() });
            console.line("key hunter2-hunter2");
            console.error("key hunter2-hunter2");
            console.debug("key aHVudGVyMi1odW50ZXIy");
            console.command("::notice::hunter2-hunter2");
            let text = out.text() + &err.text();
            assert!(!text.contains("hunter2") && !text.contains("aHVudGVy"), "{text}");
            assert_eq!(text.matches("***").count(), 4);
        }
    }

    #[test]
    fn a_line_of_json_is_an_object_with_level_and_message() {
        let (console, out, _) = console(Style { json: true, ..Style::default() });
        console.line("two\nlines");
        let line: serde_json::Value = serde_json::from_str(out.text().trim()).unwrap();
        assert_eq!((line["level"].as_str(), line["message"].as_str()), (Some("info"), Some("two\nlines")));
        assert_eq!(line["pipe"], "test-pipe");
    }

    #[test]
    fn an_event_has_its_level_and_its_fields() {
        let fields =
            || serde_json::json!({ "severity": "critical", "path": "hunter2-hunter2/a", "line": 3, "level": "x" });
        let (as_json, out, err) = console(Style { json: true, ..Style::default() });
        as_json.event(Level::Error, "CRITICAL  x", fields());
        let line: serde_json::Value = serde_json::from_str(out.text().trim()).unwrap();
        assert_eq!((&line["level"], &line["line"], &line["path"]), (&"error".into(), &3.into(), &"***/a".into()));
        assert_eq!(err.text(), "", "findings are the result");
        let (plain, out, _) = console(Style::default());
        plain.event(Level::Error, "CRITICAL  x", fields());
        assert_eq!(out.text(), "CRITICAL  x\n");
    }

    #[test]
    fn no_ci_finds_a_command_in_text() {
        let anywhere =
            ["##vso[task.setvariable variable=x]y", "##[add-mask]z", "##teamcity[x]", "##octopus[x]", "###[x]"];
        let at_start = [
            "::set-env name=PATH::x",
            "  ::stop-commands::y",
            "section_start:1:a",
            "travis_fold:start:a",
            "--- x",
            "+++ x",
        ];
        let is_command = |line: &str| {
            let plain = line.trim_start();
            ["##vso[", "##[", "##teamcity[", "##octopus["].iter().any(|command| line.contains(command))
                || ["::", "section_", "travis_", "--- ", "+++ "].iter().any(|command| plain.starts_with(command))
        };
        assert!(anywhere.iter().chain(&at_start).all(|line| is_command(line)));
        for json in [false, true] {
            let (console, out, err) = console(Style { json, ..Style::default() });
            for text in anywhere {
                console.line(format!("file {text}"));
                console.warning(text);
            }
            for text in at_start {
                console.line(text);
                console.line(format!("a\r{text}"));
                console.error(format!("two lines\n{text}"));
            }
            for line in (out.text() + &err.text()).split(['\n', '\r']) {
                assert!(!is_command(line), "{line}");
            }
            console.line("a ## b [c] ::d --- e");
            assert!(out.text().contains("a ## b [c] ::d --- e"), "what is not a command stays");
            console.command("::error::real");
            assert!(out.text().ends_with("::error::real\n"));
        }
    }

    #[test]
    fn colours_appear_only_where_wanted() {
        let (plain, ..) = console(Style::default());
        assert_eq!(plain.paint(Color::Red, "x"), "x");
        let (coloured, ..) = console(Style { color: true, ..Style::default() });
        assert_eq!(coloured.paint(Color::Red, "x"), "\u{1b}[31mx\u{1b}[0m");
        assert!(!Style::choose(false, true, true, false, false).color);
        assert!(Style::choose(false, false, true, false, false).color);
        assert!(!Style::choose(true, false, true, false, false).color);
        assert!(!Style::choose(false, false, true, true, false).color);
    }
}

//! The four options. Everything else comes from the environment.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::manifest;
use crate::spec::Spec;

#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
struct Options {
    /// Only checks the configuration, and exits with 0 if it is valid and with 2 if not
    #[arg(long)]
    check: bool,
    /// Prints a file generated from the pipe's variables
    #[arg(long, value_name = "WHAT", value_parser = ["action.yml", "pipe.yml", "schema", "variables.md"], conflicts_with = "check")]
    print: Option<String>,
}

pub(super) enum Request {
    Run,
    Check,
    Print(String),
}

pub(super) struct Args {
    pub(super) request: Request,
}

impl Args {
    /// The process's arguments, or the exit code after help, version or a usage error was printed.
    pub(super) fn for_pipe(spec: &'static Spec) -> Result<Args, ExitCode> {
        // CI starts a pipe without any, and the help text takes longer to lay out than all other options.
        if std::env::args_os().len() <= 1 {
            return Ok(Args { request: Request::Run });
        }
        let command = Options::command()
            .name(spec.name)
            // In an image, the program is called `/pipe`.
            .bin_name(spec.name)
            .version(spec.version)
            .about(spec.summary)
            .after_help(manifest::help(spec));
        let parsed = command.try_get_matches().and_then(|matches| Options::from_arg_matches(&matches));
        let options = parsed.map_err(|error| {
            drop(error.print());
            ExitCode::from(u8::from(error.use_stderr()) * 2)
        })?;
        let request = match options.print.as_deref() {
            Some("action.yml") => Request::Print(manifest::action_yml(spec)),
            Some("pipe.yml") => Request::Print(manifest::pipe_yml(spec)),
            Some("schema") => Request::Print(manifest::schema(spec)),
            Some(_) => Request::Print(manifest::table(spec)),
            None if options.check => Request::Check,
            None => Request::Run,
        };
        Ok(Args { request })
    }
}

pub(super) fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(3),
    }
}

/// For what goes wrong before there is a console.
pub(super) fn fail(message: &str) -> ExitCode {
    drop(writeln!(io::stderr(), "error: {message}"));
    ExitCode::from(3)
}

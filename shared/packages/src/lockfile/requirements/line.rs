//! One logical line of a requirements file.

use super::options::{self, Options};
use super::target::{self, Wanted};

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// One package, and the `--hash` options with it. pip passes over every other option of such a line.
    Requirement { wanted: Wanted, editable: bool, hashes: Vec<String> },
    /// `-r FILE`
    Include(String),
    /// `-c FILE`
    Constraints(String),
    /// What holds for the whole installation.
    Options(Options),
}

/// Reads a line without its comment. The error is what is wrong, and quotes nothing of the line.
pub(super) fn read(text: &str) -> Result<Line, String> {
    let (requirement, options) = split(text);
    let mut options = options::read(options)?;
    let editable = !options.editables.is_empty();
    let wanted = match options.editables.first() {
        Some(_) if !requirement.is_empty() => target::editable(requirement, true)?,
        Some(first) => target::editable(first, false)?,
        None if !requirement.is_empty() => target::read(requirement)?,
        // of several on one line, pip reads the first, and prefers requirements to constraints
        None => {
            let mut included = options.requirements.drain(..).map(Line::Include);
            let mut constraints = options.constraints.drain(..).map(Line::Constraints);
            let file = included.next().or_else(|| constraints.next());
            drop((included, constraints));
            return Ok(file.unwrap_or(Line::Options(options)));
        }
    };
    Ok(Line::Requirement { wanted, editable, hashes: options.hashes })
}

/// The requirement ends at the first word that begins with `-`; only spaces separate words here.
fn split(text: &str) -> (&str, &str) {
    if text.starts_with('-') {
        return ("", text);
    }
    text.find(" -").and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_ends_at_the_first_option() {
        for text in [
            "vuln==1.0.0 -f https://x.example/t.html",
            "vuln==1.0.0 --find-links https://x.example/t.html",
            "vuln==1.0.0 -C a=b --hash=sha256:aa",
            "vuln==1.0.0 ; os_name != '-f' -r base.txt",
            "vuln==1.0.0 --",
        ] {
            let Ok(Line::Requirement { wanted, editable: false, .. }) = read(text) else { panic!("{text}") };
            assert_eq!((wanted.name.as_deref(), wanted.pin.as_deref()), (Some("vuln"), Some("1.0.0")), "{text}");
        }
        for text in
            ["vuln==1.0.0 -x", "vuln==1.0.0 --shiny", "vuln==1.0.0\t-f x", "vuln==1.0.0 -f", "vuln==1.0.0 - f 'x"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn of_several_files_the_first_counts() {
        assert_eq!(read("-r a.txt -r b.txt"), Ok(Line::Include("a.txt".into())));
        assert_eq!(read("-c c.txt -r a.txt"), Ok(Line::Include("a.txt".into())));
        assert_eq!(read("-c c.txt --pre"), Ok(Line::Constraints("c.txt".into())));
        assert!(matches!(read("-r a.txt -e ./x"), Ok(Line::Requirement { editable: true, .. })));
        assert!(matches!(read("--pre vuln==1.0"), Ok(Line::Options(_))));
    }

    #[test]
    fn hashes_are_taken_and_never_part_of_the_version() {
        let Ok(Line::Requirement { wanted, hashes, .. }) =
            read("a==1.0 --hash=sha256:aa --hash sha256:bb --config-settings x=y")
        else {
            panic!()
        };
        assert_eq!(
            (wanted.pin.as_deref(), hashes),
            (Some("1.0"), vec!["sha256:aa".to_owned(), "sha256:bb".to_owned()])
        );
    }

    #[test]
    fn what_is_nothing_is_refused() {
        for text in ["<<<<<<< HEAD", "=======", "some prose", "-r", "---", "a=1", "-e ''"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}

//! Git's ignore rules (<https://git-scm.com/docs/gitignore>): one file of them, and what it says of a path.
//!
//! Our own, because the crates for it read files without a bound, know other patterns than Git, or take exponential time
//! for a pattern such as `**/a/**/a/**/a`.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::glob;

/// Bytes of one line. No path is longer.
const MAX_LINE: usize = 4096;
/// What a rule takes in memory beside its text, in bytes.
const OVERHEAD: usize = 96;
/// The same for one with wildcards, which is compared with every path: it counts for more than it takes.
const OVERHEAD_OF_GLOB: usize = 1024;

/// The rules of one file, for what is below one folder.
#[derive(Debug)]
pub(super) struct Rules {
    base: PathBuf,
    /// Rules without wildcards for the name of a file, and those for a path below `base`, by their text.
    names: HashMap<Box<[u8]>, Last>,
    paths: HashMap<Box<[u8]>, Last>,
    globs: Vec<Glob>,
    size: usize,
}

/// Where in its file a rule is, and whether it ignores or excepts.
type Place = (usize, bool);

/// The last rule of the same text.
#[derive(Debug, Default)]
struct Last {
    any: Option<Place>,
    folder: Option<Place>,
}

#[derive(Debug)]
struct Glob {
    text: Box<[u8]>,
    /// The bytes before the first wildcard.
    literal: usize,
    /// Whether it is matched against the path below `base` instead of the name.
    path: bool,
    folder: bool,
    place: Place,
}

/// The rules take more memory than they may, or one of them is longer than any path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Rules {
    /// Reads a file of rules for what is below `base`. `budget` is what they may take in memory, in bytes;
    /// those that take time count for more.
    ///
    /// # Errors
    /// They take more.
    pub(super) fn parse(base: &Path, text: &[u8], budget: usize) -> Result<Rules, TooMany> {
        let mut rules =
            Rules { base: base.to_owned(), names: HashMap::new(), paths: HashMap::new(), globs: Vec::new(), size: 0 };
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // Git's lines are strings of C.
            let line = line.split(|byte| *byte == 0).next().unwrap_or_default();
            let rule = without_spaces(line);
            let overhead = if has_wildcard(rule) { OVERHEAD_OF_GLOB } else { OVERHEAD };
            rules.size += rule.len() + overhead;
            if rule.len() > MAX_LINE || rules.size > budget {
                return Err(TooMany);
            }
            rules.add(number, rule);
        }
        Ok(rules)
    }

    /// What the rules take in memory, about, in bytes.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    fn add(&mut self, number: usize, rule: &[u8]) {
        let (ignores, rule) = match rule.strip_prefix(b"!") {
            Some(rest) => (false, rest),
            None => (true, rule),
        };
        let (folder, rule) = match rule.strip_suffix(b"/") {
            Some(rest) => (true, rest),
            None => (false, rule),
        };
        let path = rule.contains(&b'/');
        let rule = rule.strip_prefix(b"/").unwrap_or(rule);
        let place = (number, ignores);
        let literal = rule.iter().position(is_wildcard).unwrap_or(rule.len());
        if literal < rule.len() {
            self.globs.push(Glob { text: rule.into(), literal, path, folder, place });
            return;
        }
        let known = if path { &mut self.paths } else { &mut self.names }.entry(rule.into()).or_default();
        *(if folder { &mut known.folder } else { &mut known.any }) = Some(place);
    }

    /// Whether these rules ignore a path below their folder, or except it; `None` if they don't speak of it.
    pub(super) fn verdict(&self, path: &Path, is_folder: bool) -> Option<bool> {
        let path = path.strip_prefix(&self.base).ok()?.as_os_str().as_bytes();
        let name = path.rsplit(|byte| *byte == b'/').next()?;
        let known = [self.names.get(name), self.paths.get(path)].into_iter().flatten();
        let known = known.flat_map(|last| [last.any, last.folder.filter(|_| is_folder)]).flatten().max();
        let after = |glob: &&Glob| known.is_none_or(|known| glob.place > known);
        let glob = self.globs.iter().rev().take_while(after).find(|glob| {
            let subject = if glob.path { path } else { name };
            let (literal, rest) = glob.text.split_at(glob.literal);
            (is_folder || !glob.folder)
                && subject.strip_prefix(literal).is_some_and(|subject| glob::matches(rest, subject))
        });
        glob.map(|glob| glob.place).or(known).map(|(_, ignores)| ignores)
    }
}

fn is_wildcard(byte: &u8) -> bool {
    b"*?[\\".contains(byte)
}

fn has_wildcard(rule: &[u8]) -> bool {
    rule.iter().any(is_wildcard)
}

/// Without the spaces at the end, of which a backslash keeps one. Tabs stay.
fn without_spaces(line: &[u8]) -> &[u8] {
    let (mut end, mut at) = (0, 0);
    while let Some(byte) = line.get(at) {
        match byte {
            b' ' => at += 1,
            b'\\' if at + 1 == line.len() => return line,
            b'\\' => {
                at += 2;
                end = at;
            }
            _ => {
                at += 1;
                end = at;
            }
        }
    }
    line.get(..end).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;

    use super::{Rules, TooMany};

    fn ignores(rules: &[u8], path: &str) -> bool {
        let base = Path::new("/r");
        let rules = Rules::parse(base, rules, 1 << 20).unwrap();
        // as a walk does: nothing below an ignored folder is asked for
        let is_folder = |below: &str| below.len() < path.len();
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.map(|end| &path[..end]).any(|below| rules.verdict(&base.join(below), is_folder(below)) == Some(true))
    }

    /// Which of the paths Git ignores. None of them need exist, but the folders do.
    fn git(dir: &Path, rules: &[u8], paths: &[String]) -> Vec<bool> {
        std::fs::write(dir.join(".gitignore"), rules).unwrap();
        for path in paths {
            std::fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
        }
        let mut git = Command::new("git")
            .args(["-c", "core.excludesFile=", "check-ignore", "-z", "--no-index", "--stdin"])
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input: String = paths.iter().map(|path| format!("{path}\0")).collect();
        git.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let out = git.wait_with_output().unwrap();
        let named: Vec<&[u8]> = out.stdout.split(|byte| *byte == 0).collect();
        paths.iter().map(|path| named.contains(&path.as_bytes())).collect()
    }

    fn repository() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        assert!(Command::new("git").args(["init", "-q"]).current_dir(dir.path()).status().unwrap().success());
        dir
    }

    #[test]
    fn rules_that_other_tools_read_differently() {
        let dir = repository();
        for (rules, path) in [
            ("*.{env,txt}", "s.env"),
            ("[a\\-z].env", "b.env"),
            ("s.env\t", "s.env"),
            ("s.env ", "s.env"),
            ("s.env\\ ", "s.env"),
            ("x[/]s.env", "x/s.env"),
            ("a**/b", "ax/y/b"),
            ("**/b", "b"),
            ("a/**/b", "a/b"),
            ("a/**", "a"),
            ("a**b", "axb"),
            ("[[:digit:]]", "1"),
            ("[[:nope:]]", "n"),
            ("[]a]", "]"),
            ("[", "["),
            ("\\", "\\"),
            ("\\#a", "#a"),
            ("\\!a", "!a"),
            ("s.env\0x", "s.env"),
            ("s.env\r\n", "s.env"),
            ("\u{feff}s.env", "s.env"),
            ("*\n!s.env", "s.env"),
            ("/", "a"),
            ("!", "a"),
            ("a/", "a"),
            ("/a/b/", "a/b/c"),
        ] {
            let want = git(dir.path(), rules.as_bytes(), &[path.to_owned()]);
            assert_eq!(ignores(rules.as_bytes(), path), want[0], "{rules:?} {path}");
            std::fs::remove_dir_all(dir.path().join("a")).ok();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

        #[test]
        fn git_ignores_the_same(
            lines in prop::collection::vec("!?/?([ab]|\\*|\\*\\*|\\?|/|\\[[]!^ab-]{1,3}\\]|\\\\[ab*]|[ \t\\[\\]!#{}\\\\]){1,7}/?", 1..5),
            paths in prop::collection::vec("([ab]{1,3}/){0,3}[]ab \\[!#{},*-]{1,4}", 12),
        ) {
            let dir = repository();
            let rules = lines.join("\n");
            // a name must not be a folder for one path and a file for another
            let mut kept: Vec<String> = Vec::new();
            for (number, path) in paths.iter().enumerate() {
                kept.push(path.replace('/', &format!("{}/", if number % 2 == 0 { "" } else { "a" })));
            }
            kept.retain(|path| !paths.iter().any(|other| other.starts_with(&format!("{path}/"))));
            let kept: Vec<String> = kept.iter().filter(|path| {
                !kept.iter().any(|other| other.starts_with(&format!("{path}/")))
            }).cloned().collect();
            let want = git(dir.path(), rules.as_bytes(), &kept);
            for (path, want) in kept.iter().zip(want) {
                prop_assert_eq!(ignores(rules.as_bytes(), path), want, "{:?} {:?}", rules, path);
            }
        }
    }

    #[test]
    fn the_rules_of_a_file_are_bounded() {
        let many = "a\n".repeat(1000);
        let parse = |text: &str| Rules::parse(Path::new("/"), text.as_bytes(), 50_000).map(|rules| rules.size());
        assert_eq!(parse(&many), Err(TooMany));
        assert!(parse(&many[..200]).is_ok());
        assert_eq!(parse(&"*".repeat(5000)), Err(TooMany));
        assert!(parse(&"a\n".repeat(100)).is_ok());
        assert_eq!(parse(&"*a\n".repeat(100)), Err(TooMany), "each is compared with every path");
    }

    #[test]
    fn a_crafted_rule_takes_no_time() {
        let rule = format!("{}b", "**/a/".repeat(500));
        assert!(!ignores(rule.as_bytes(), &format!("{}a", "a/".repeat(600))));
        assert!(!ignores(format!("{}b", "*a".repeat(120)).as_bytes(), &"a".repeat(250)));
    }
}

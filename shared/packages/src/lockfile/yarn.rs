//! `yarn.lock` of Yarn 1 and of Yarn 2 and later. Both list packages by the patterns that ask for them. What the project
//! itself asks for is in `package.json`: that of Yarn 1 says nothing of it, and the later ones not what it is for.

mod berry;
mod classic;
mod parts;
mod read;
mod settings;
mod syntax;
mod table;

use super::{Format, Input, ParseError, Parsed, shell};
use crate::package::Locked;
use read::Dialect;

/// Its version is only known from the file.
#[derive(Debug)]
pub(crate) struct Yarn(Version);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    Classic,
    Berry,
}

static CLASSIC: Yarn = Yarn(Version::Classic);
static BERRY: Yarn = Yarn(Version::Berry);

impl Yarn {
    pub(super) const ANY: Yarn = Yarn(Version::Classic);
}

impl Format for Yarn {
    fn name(&self) -> &'static str {
        "yarn.lock"
    }

    fn matches(&self, file_name: &str, _parent: &str) -> bool {
        file_name == "yarn.lock"
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        let (dialect, format): (&dyn Dialect, _) = match is_classic(input.body()) {
            true => (&classic::Classic::new(input), &CLASSIC),
            false => (&berry::Berry::new(input), &BERRY),
        };
        let (mut parsed, mut lock, mut parts) = read::entries(dialect, input)?;
        let project = parts::manifest(input, "");
        if let Some(project) = &project {
            lock.forced = parts::forced(project);
            if parts.is_empty() {
                parts = parts::by_manifest(project, input);
            }
        }
        read::link(&lock, input, &mut parsed, &mut parts)?;
        parts::assign(&lock, input, &parts, &mut parsed);
        parsed.root = project.and_then(|project| Some((project.name?, project.version.unwrap_or_default())));
        Ok(Parsed { format: Some(format), ..parsed })
    }

    fn upgrade(&self, package: &Locked<'_>, fixed: &str, _lockfile: &str) -> String {
        let wanted = || shell::word(&format!("{}@{fixed}", package.name));
        match (self.0, package.direct) {
            (Version::Classic, Some(true)) => format!("yarn upgrade {}", wanted()),
            // Yarn 1 upgrades what the project asks for only
            (Version::Classic, _) => {
                let setting = shell::word(&format!("resolutions[{}]={fixed}", package.name));
                format!("npm pkg set {setting} && yarn install")
            }
            (Version::Berry, Some(true)) => format!("yarn up {}", wanted()),
            (Version::Berry, _) => format!("yarn up -R {}", shell::word(package.name)),
        }
    }
}

/// Yarn takes a file for one of Yarn 1 by this line among the comments at its start. Very old ones have neither it nor
/// the metadata of the later versions.
fn is_classic(text: &str) -> bool {
    let comments = text.lines().take_while(|line| line.starts_with('#') || line.trim().is_empty());
    let mut comments = comments.map(|line| line.trim_start_matches('#').trim());
    comments.any(|line| line.eq_ignore_ascii_case("yarn lockfile v1"))
        || !text.lines().any(|line| line.starts_with("__metadata:"))
}

#[cfg(test)]
mod tests;

//! Which registry a package without an address came from: `.npmrc` and `.yarnrc` for Yarn 1, `.yarnrc.yml` later.

use super::super::Sibling;
use super::super::npm::npmrc::Registries;

/// `.yarnrc` has the keys of `.npmrc`, with values after a space and in quotes.
pub(super) fn classic(sibling: &dyn Fn(&str) -> Sibling) -> Registries {
    let mut registries = Registries::read(sibling);
    for line in read(".yarnrc", sibling, &mut registries).lines() {
        let Some((key, value)) = line.trim().split_once([' ', '\t']) else { continue };
        let (key, value) = (bare(key), bare(value));
        match key.strip_suffix(":registry") {
            Some(scope) if scope.starts_with('@') => registries.set(Some(scope), value),
            None if key == "registry" => registries.set(None, value),
            _ => {}
        }
    }
    registries
}

/// `npmRegistryServer`, for all packages and by scope. In a form that this reader of lines does not know, the settings
/// are not read.
pub(super) fn berry(sibling: &dyn Fn(&str) -> Sibling) -> Registries {
    const KEY: &str = "npmRegistryServer";
    let mut registries = Registries::default();
    // the keys that the line stands under, with their indentation
    let mut above: Vec<(usize, &str)> = Vec::new();
    let text = read(".yarnrc.yml", sibling, &mut registries);
    for line in text.lines() {
        let trimmed = line.trim_start_matches(' ');
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let indent = line.len() - trimmed.len();
        above.retain(|(outer, _)| *outer < indent);
        let (key, value) = trimmed.split_once(':').unwrap_or((trimmed, ""));
        let key = bare(key);
        let value = bare(value.split(" #").next().unwrap_or(value));
        match (key, above.as_slice()) {
            (KEY, []) => registries.set(None, value),
            (KEY, [(_, "npmScopes"), (_, scope)]) => registries.set(Some(&format!("@{scope}")), value),
            // credentials by registry
            (_, [(_, "npmRegistries"), ..]) => {}
            _ if value.contains(KEY) => registries.set_unread(),
            _ => {}
        }
        above.push((indent, key));
    }
    registries
}

/// The settings of a file, or none.
fn read(name: &str, sibling: &dyn Fn(&str) -> Sibling, registries: &mut Registries) -> String {
    sibling(name)
        .decoded()
        .unwrap_or_else(|_| {
            registries.set_unread();
            None
        })
        .unwrap_or_default()
}

fn bare(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

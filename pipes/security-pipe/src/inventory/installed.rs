//! Folders into which package managers unpack packages. A lockfile below one of them says what the authors of a
//! package used, and not what is installed here.

use std::path::{Component, Path};

/// Nothing but a package manager gives a folder these names.
const ALWAYS: [&str; 7] = [
    "node_modules",
    "bower_components",
    "jspm_packages",
    "site-packages",
    "dist-packages",
    "__pypackages__",
    "elm-stuff",
];

/// `vendor` is a common word. These files are beside such a folder, or in it, if a package manager made it.
const BESIDE_VENDOR: [&str; 4] = ["go.mod", "composer.json", "Gemfile", "Cargo.toml"];
const IN_VENDOR: [&str; 3] = ["modules.txt", "autoload.php", "bundle"];

/// Whether the file at `path` (with `/`) is below an installed package. `exists` answers for another path of the tree.
pub(super) fn is_installed(path: &str, exists: &dyn Fn(&str) -> bool) -> bool {
    let parts: Vec<&str> = Path::new(path)
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let Some((_, folders)) = parts.split_last() else { return false };
    folders.iter().enumerate().any(|(at, folder)| {
        let (above, below) = (&folders[..at], &folders[at + 1..]);
        let join = |names: &[&str], name: &str| names.iter().chain([&name]).copied().collect::<Vec<_>>().join("/");
        match *folder {
            // What is beside the packages, such as npm's own `.package-lock.json`, belongs to none of them.
            name if ALWAYS.contains(&name) => !below.is_empty(),
            // A module in Go's folder is called by its path, which begins with a host.
            "vendor" if below.is_empty() => false,
            "vendor" => {
                below[0].contains('.')
                    || below[0] == "bundle"
                    || BESIDE_VENDOR.iter().any(|name| exists(&join(above, name)))
                    || IN_VENDOR.iter().any(|name| exists(&join(&folders[..=at], name)))
            }
            "Checkouts" => above.last() == Some(&"Carthage") && !below.is_empty(),
            "Pods" => exists(&join(above, "Podfile")) && !below.is_empty(),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::is_installed;

    #[test]
    fn only_what_a_package_manager_unpacked_is_installed() {
        let tree = ["go.mod", "api/composer.json", "ios/Podfile", "dep/vendor/modules.txt"];
        let exists = |path: &str| tree.contains(&path);
        for path in [
            "node_modules/x/package-lock.json",
            "web/node_modules/@a/b/Cargo.lock",
            "vendor/example.com/x/go.mod",
            "other/vendor/example.com/x/go.mod",
            "vendor/x/Cargo.lock",
            "api/vendor/acme/tool/package-lock.json",
            "dep/vendor/x/go.mod",
            "lib/python3.12/site-packages/x/requirements.txt",
            "vendor/bundle/ruby/gems/x/package-lock.json",
            "ios/Pods/x/package-lock.json",
        ] {
            assert!(is_installed(path, &exists), "{path}");
        }
        for path in [
            "package-lock.json",
            "node_modules/.package-lock.json",
            "portal/vendor/api/requirements.txt",
            "vendors/example.com/x/go.mod",
            "Pods/x/package-lock.json",
            "portal/vendor/requirements.txt",
            "node_modules_test/x/package-lock.json",
            "",
        ] {
            assert!(!is_installed(path, &exists), "{path}");
        }
    }
}

//! What the project's own dependencies reach.

use std::collections::HashMap;

use super::ParseError;
use super::text::excerpt;
use crate::package::{Package, Scope};

/// The most entries of one name. Real lockfiles stay far below; a name that stands for thousands would make every
/// mention of it thousands of edges.
const MOST_OF_ONE_NAME: usize = 64;

/// The packages the project itself names, by what they are for; indices into the lockfile's packages.
#[derive(Debug, Default)]
pub(super) struct Roots {
    pub(super) production: Vec<usize>,
    /// For production if a feature or an extra asks for it.
    pub(super) optional: Vec<usize>,
    pub(super) development: Vec<usize>,
    /// Named by a part of the project whose manifest isn't there.
    pub(super) unknown: Vec<usize>,
}

/// Gives each package its scope by what reaches it: production wins over not known, and that over development. What
/// nothing reaches is not known. Only what optional roots alone reach is optional. `own` packages are parts of the project: each one's dependencies are in `roots`
/// already, sorted by purpose, so the walk doesn't go through them.
pub(super) fn assign_scopes(packages: &mut [Package], roots: &Roots, own: &[usize]) {
    let mut scopes = vec![None; packages.len()];
    for index in own {
        if let Some(scope) = scopes.get_mut(*index) {
            *scope = Some((Scope::Production, false));
        }
    }
    for (start, scope) in [
        (&roots.production, (Scope::Production, false)),
        (&roots.optional, (Scope::Production, true)),
        (&roots.unknown, (Scope::Unknown, false)),
        (&roots.development, (Scope::Development, false)),
    ] {
        let mut open = start.clone();
        while let Some(index) = open.pop() {
            if let (Some(place @ None), Some(package)) = (scopes.get_mut(index), packages.get(index)) {
                *place = Some(scope);
                open.extend(&package.dependencies);
            }
        }
    }
    for (package, scope) in packages.iter_mut().zip(scopes) {
        let (scope, optional) = scope.unwrap_or((Scope::Unknown, false));
        package.scope = scope;
        package.optional |= optional;
    }
}

/// Marks the packages in `roots` as named by the project and all others as brought in.
pub(super) fn assign_direct(packages: &mut [Package], roots: &Roots, own: &[usize]) {
    for package in packages.iter_mut() {
        package.direct = Some(false);
    }
    let named = [&roots.production, &roots.optional, &roots.development, &roots.unknown].into_iter().flatten();
    for index in named.chain(own) {
        if let Some(package) = packages.get_mut(*index) {
            package.direct = Some(true);
        }
    }
}

/// Adds an entry, by its index, to those of its name.
///
/// # Errors
/// When there are too many of them.
pub(super) fn note<'a>(
    by_name: &mut HashMap<&'a str, Vec<usize>>,
    name: &'a str,
    index: usize,
    line: u32,
) -> Result<(), ParseError> {
    let same = by_name.entry(name).or_default();
    if same.len() == MOST_OF_ONE_NAME {
        return Err(ParseError::at(line, format!("`{}` is there more than {MOST_OF_ONE_NAME} times", excerpt(name))));
    }
    same.push(index);
    Ok(())
}

/// A dependency that no entry is for.
pub(super) fn missing(name: &str, line: impl Into<Option<u32>>) -> ParseError {
    let message = format!("dependency `{}` is not in the file: it is cut off or badly merged", excerpt(name));
    ParseError { line: line.into(), message }
}

/// An entry, or a part of one, that is there already.
pub(super) fn twice(name: &str, line: u32) -> ParseError {
    ParseError::at(line, format!("`{}` is there twice: badly merged", excerpt(name)))
}

/// Sorted, without duplicates, and without the package itself.
pub(super) fn edges(mut edges: Vec<usize>, own: usize) -> Vec<usize> {
    edges.retain(|edge| *edge != own);
    edges.sort_unstable();
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::{Ecosystem, Source};

    fn packages(edges: &[&[usize]]) -> Vec<Package> {
        let package = |(index, edges): (usize, &&[usize])| Package {
            ecosystem: Ecosystem::Npm,
            name: format!("p{index}"),
            version: "1".into(),
            source: Source::Registry,
            line: 1,
            scope: Scope::Unknown,
            direct: None,
            dependencies: edges.to_vec(),
            hashes: Vec::new(),
            optional: false,
            folder: None,
        };
        edges.iter().enumerate().map(package).collect()
    }

    #[test]
    fn production_wins_and_cycles_end() {
        // 0 -> 1 -> 0, 2 -> 1 and 2 -> 3, 4 is reached by nothing, 5 only from what is not known, 6 -> 7 and 6 -> 1 by an
        // extra
        let mut all = packages(&[&[1], &[0], &[1, 3], &[], &[], &[3], &[1, 7], &[]]);
        let roots = Roots { production: vec![0], optional: vec![6], development: vec![2, 99, 7], unknown: vec![5] };
        assign_scopes(&mut all, &roots, &[]);
        let scopes: Vec<Scope> = all.iter().map(|package| package.scope).collect();
        use Scope::{Development, Production, Unknown};
        assert_eq!(scopes, [Production, Production, Development, Unknown, Unknown, Unknown, Production, Production]);
        let optional: Vec<usize> = (0..all.len()).filter(|index| all[*index].optional).collect();
        assert_eq!(optional, [6, 7]);
        assign_direct(&mut all, &roots, &[]);
        let direct: Vec<bool> = all.iter().map(|package| package.direct == Some(true)).collect();
        assert_eq!(direct, [true, false, true, false, false, true, true, true]);
    }

    #[test]
    fn one_name_has_a_limit() {
        let mut by_name = HashMap::new();
        for index in 0..MOST_OF_ONE_NAME {
            note(&mut by_name, "a", index, 1).unwrap();
        }
        assert_eq!(note(&mut by_name, "a", 99, 7).unwrap_err().line, Some(7));
        note(&mut by_name, "b", 99, 7).unwrap();
    }

    #[test]
    fn a_member_does_not_pass_its_development_dependencies_on() {
        // 0 uses the member 1, which uses 2 for its tests only
        let mut all = packages(&[&[1], &[2], &[]]);
        let roots = Roots { production: vec![0, 1], development: vec![2], ..Roots::default() };
        assign_scopes(&mut all, &roots, &[1]);
        assert_eq!(all[2].scope, Scope::Development);
    }
}

//! The packages found so far: one each, however many lines name it.

use std::collections::HashMap;

use super::super::text::word;
use super::super::{ParseError, graph, hash, python};
use super::files::Item;
use crate::package::{Ecosystem, Package, Scope, Source};

#[derive(Default)]
pub(super) struct Found {
    pub(super) packages: Vec<Package>,
    /// By name and version; the sources distinguish them.
    known: HashMap<(String, String), Vec<usize>>,
    /// Package and the normalised name of one that brought it in.
    via: Vec<(usize, String)>,
}

impl Found {
    /// Adds a package, or what a further line says of one that is there: for other extras, or in an included file.
    ///
    /// # Errors
    /// For a name or version that can't be one.
    pub(super) fn add(&mut self, item: &Item, name: &str, version: &str, source: Source) -> Result<(), ParseError> {
        word("name", name, item.line)?;
        let address = matches!(source, Source::Git(_) | Source::Url(_) | Source::Path(_));
        if !version.is_empty() || !address {
            word("version", version, item.line)?;
        }
        let name = python::normalise(name);
        let same = self.known.entry((name.clone(), version.to_owned())).or_default();
        let known = same.iter().find(|index| self.packages.get(**index).is_some_and(|known| known.source == source));
        let index = known.copied().unwrap_or(self.packages.len());
        if index == self.packages.len() {
            // no real file names one version at more places, and a hostile one must not take long
            if same.len() < 16 {
                same.push(index);
            }
            self.packages.push(Package {
                ecosystem: Ecosystem::PyPi,
                name,
                version: version.to_owned(),
                source,
                line: item.line,
                // a file's name may say what it is for, its content doesn't
                scope: Scope::Unknown,
                direct: None,
                dependencies: Vec::new(),
                hashes: Vec::new(),
                optional: false,
                folder: None,
            });
        }
        if let Some(package) = self.packages.get_mut(index) {
            package.hashes.extend(item.hashes.iter().filter_map(|text| hash::tagged(text)));
            package.direct = package.direct.max(item.via.as_ref().map(|via| via.direct));
        }
        self.via.extend(item.via.iter().flat_map(|via| &via.parents).map(|parent| (index, parent.clone())));
        Ok(())
    }

    /// Edges from the comments of pip-compile and uv.
    pub(super) fn link(&mut self) {
        let by_name: HashMap<&str, usize> =
            self.packages.iter().enumerate().map(|(index, package)| (package.name.as_str(), index)).collect();
        let mut edges: Vec<Vec<usize>> = vec![Vec::new(); self.packages.len()];
        for (child, parent) in &self.via {
            if let Some(edges) = by_name.get(parent.as_str()).and_then(|parent| edges.get_mut(*parent)) {
                edges.push(*child);
            }
        }
        for (index, (package, edges)) in self.packages.iter_mut().zip(edges).enumerate() {
            package.dependencies = graph::edges(edges, index);
        }
    }
}

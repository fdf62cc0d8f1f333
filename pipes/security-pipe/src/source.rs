//! What is scanned, as a list of files that can be opened: the checkout today; a layer, a commit or an archive is another
//! implementation of [`Source`].

use std::io::Read;

use crate::finding::Container;

/// One regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// With `/`, relative to the repository's root (or to that of what the source reads); what reports show.
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size: u64,
    /// How the source finds its content.
    pub(crate) at: usize,
}

/// Files to scan. Shared between the scanners' threads.
pub(crate) trait Source: Send + Sync {
    /// What holds the files, as findings name it.
    fn container(&self) -> Container;

    /// In the order of their paths.
    fn entries(&self) -> &[Entry];

    /// Links that are called like lockfiles or manifests, and lead to a file of the repository. Only readers of lockfiles look
    /// at them.
    fn links(&self) -> &[Entry] {
        &[]
    }

    /// Paths of lockfiles that are not among the entries because Git ignores them.
    fn ignored_lockfiles(&self) -> &[String] {
        &[]
    }

    /// The whole of a file, or `None` if it holds more than `limit` bytes.
    ///
    /// # Errors
    /// It can't be read.
    fn open(&self, entry: &Entry, limit: u64) -> anyhow::Result<Option<Vec<u8>>>;

    /// A file of any size, to be read in parts; `None` if the source can give it as a whole only.
    ///
    /// # Errors
    /// It can't be read.
    fn stream(&self, entry: &Entry) -> anyhow::Result<Option<Box<dyn Read>>>;

    /// The file of this name (relative, perhaps with `/` and `..`) in the folder of `entry`, whether or not it is one of
    /// the entries; `None` if it is absent.
    ///
    /// # Errors
    /// It is outside of what is scanned, no regular file, unreadable, or holds more than `limit` bytes.
    fn beside(&self, entry: &Entry, name: &str, limit: u64) -> anyhow::Result<Option<Vec<u8>>>;
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Entry, Source};
    use crate::finding::Container;

    /// Files in memory, as if they were in a layer of an image.
    #[derive(Default)]
    pub(crate) struct Memory {
        entries: Vec<Entry>,
        contents: Vec<Vec<u8>>,
    }

    pub(crate) const LAYER: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    impl Memory {
        pub(crate) fn new(files: &[(&str, &str)]) -> Memory {
            let entry = |(at, (path, text)): (usize, &(&str, &str))| Entry {
                path: (*path).to_owned(),
                size: text.len() as u64,
                at,
            };
            Memory {
                entries: files.iter().enumerate().map(entry).collect(),
                contents: files.iter().map(|(_, text)| text.as_bytes().to_vec()).collect(),
            }
        }
    }

    impl Source for Memory {
        fn container(&self) -> Container {
            Container::Layer(LAYER.to_owned())
        }

        fn entries(&self) -> &[Entry] {
            &self.entries
        }

        fn stream(&self, entry: &Entry) -> anyhow::Result<Option<Box<dyn std::io::Read>>> {
            Ok(Some(Box::new(std::io::Cursor::new(self.contents[entry.at].clone()))))
        }

        fn open(&self, entry: &Entry, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
            Ok(Some(self.contents[entry.at].clone()).filter(|content| content.len() as u64 <= limit))
        }

        fn beside(&self, entry: &Entry, name: &str, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
            let folder = entry.path.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
            let wanted = format!("{folder}{name}");
            let entry = self.entries.iter().find(|entry| entry.path == wanted);
            entry.map_or(Ok(None), |entry| self.open(entry, limit))
        }
    }
}

//! Where a finding is: in what, in which file, on which lines.

/// What holds the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Container {
    /// The working tree.
    Checkout,
    /// A commit of the history, by its id.
    #[cfg_attr(not(test), expect(dead_code, reason = "no scanner of the history yet; a test holds how it is shown"))]
    Commit(String),
    /// A layer of an image, by its digest.
    #[cfg_attr(not(test), expect(dead_code, reason = "no scanner of images yet; a test holds how it is shown"))]
    Layer(String),
    /// An archive in the working tree, by its path.
    #[cfg_attr(not(test), expect(dead_code, reason = "no scanner of archives yet; a test holds how it is shown"))]
    Archive(String),
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    /// With `/`: relative to the repository's root, or to the root of what `container` names.
    pub(crate) path: String,
    pub(crate) span: Span,
    pub(crate) container: Container,
}

/// Lines and columns from 1. Columns are in code points; the end column is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) line: u32,
    pub(crate) end_line: Option<u32>,
    pub(crate) column: Option<u32>,
    pub(crate) end_column: Option<u32>,
}

impl Span {
    /// A whole line.
    pub(crate) fn line(line: u32) -> Span {
        Span { line, end_line: None, column: None, end_column: None }
    }
}

impl Location {
    #[cfg(test)]
    pub(crate) fn in_checkout(path: &str, span: Span) -> Location {
        Location { path: path.to_owned(), span, container: Container::Checkout }
    }

    /// The path that a platform can link to; `None` if the file is not in the working tree.
    pub(crate) fn checkout_path(&self) -> Option<&str> {
        (self.container == Container::Checkout).then_some(self.path.as_str())
    }

    /// `commit 4f2c1aa`, `layer sha256:0123456789ab`, `archive dist/app.zip`; `None` for the working tree.
    pub(crate) fn container(&self) -> Option<String> {
        let short = |id: &str, digits: usize| id.chars().take(digits).collect::<String>();
        match &self.container {
            Container::Checkout => None,
            Container::Commit(id) => Some(format!("commit {}", short(id, 7))),
            Container::Layer(digest) => Some(format!("layer {}", short(digest, "sha256:".len() + 12))),
            Container::Archive(path) => Some(format!("archive {path}")),
        }
    }

    /// `poetry.lock:412`, `etc/app.env:3 in layer sha256:0123456789ab`.
    pub(crate) fn shown(&self) -> String {
        let container = self.container().map(|container| format!(" in {container}")).unwrap_or_default();
        format!("{}:{}{container}", self.path, self.span.line)
    }
}

#[cfg(test)]
mod tests {
    use super::{Container, Location, Span};

    #[test]
    fn a_place_names_what_holds_the_file() {
        let shown = |container| {
            let location = Location { path: "etc/app.env".to_owned(), span: Span::line(3), container };
            (location.shown(), location.checkout_path().map(str::to_owned))
        };
        assert_eq!(shown(Container::Checkout), ("etc/app.env:3".to_owned(), Some("etc/app.env".to_owned())));
        assert_eq!(
            shown(Container::Commit("4f2c1aa0123".to_owned())),
            ("etc/app.env:3 in commit 4f2c1aa".to_owned(), None)
        );
        assert_eq!(
            shown(Container::Layer(format!("sha256:{}", "01".repeat(32)))),
            ("etc/app.env:3 in layer sha256:010101010101".to_owned(), None)
        );
        assert_eq!(
            shown(Container::Archive("dist/app.zip".to_owned())),
            ("etc/app.env:3 in archive dist/app.zip".to_owned(), None)
        );
    }
}

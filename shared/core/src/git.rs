//! What the checkout's Git objects say.
//!
//! A repository is read in isolation: with its own configuration only, without running anything of it, and whatever the
//! owner of the files (`safe.directory`). It is opened anew for each question, which costs well under a
//! millisecond, because a handle can't be shared between threads.

mod dirty;
pub mod history;
mod remote;
#[cfg(test)]
pub(crate) mod tests;
mod tracked;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use gix::bstr::{BStr, ByteSlice};
use gix::{ObjectId, Repository};

pub use remote::Remote;
pub use tracked::{Objects, Tracked, TrackedKind};

/// The repository around a directory.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
    git: PathBuf,
}

/// The commit that is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Hexadecimal.
    pub commit: String,
    /// `None` where HEAD is detached.
    pub branch: Option<String>,
    /// Tags that point to the commit, by name.
    pub tags: Vec<String>,
    /// As the commit has it, without surrounding spaces.
    pub author_name: String,
    /// As the commit has it, without surrounding spaces.
    pub author_email: String,
    /// RFC 3339 with the author's offset; the epoch where the commit has none that makes sense.
    pub author_time: String,
    /// The same for the committer.
    pub committer_time: String,
    /// The message's first line.
    pub subject: String,
    /// Also those that a shallow clone lacks.
    pub parents: Vec<String>,
}

impl Checkout {
    /// The repository that `from` is in, looked for up to the filesystem's root. A broken one is found all the same:
    /// [`Checkout::check`] says what is wrong, and every other question is answered with `None` or an error. A `.git`
    /// with nothing of a repository in it is passed by, as Git does.
    pub fn discover(from: &Path) -> Option<Checkout> {
        let from = from.canonicalize().ok()?;
        from.ancestors().find_map(|dir| {
            let git = [dir.join(".git"), dir.to_owned()].into_iter().find(|git| looks_like_git(git))?;
            Some(Checkout { root: dir.to_owned(), git })
        })
    }

    /// The top of the working tree, absolute and without links; of a bare repository, the repository itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the repository can be read at all.
    ///
    /// # Errors
    /// It can't; the text says why, e.g. that a linked worktree's repository is elsewhere and not mounted.
    pub fn check(&self) -> anyhow::Result<()> {
        self.open().map(drop)
    }

    /// What is checked out; `None` on a branch without commits, or where the commit can't be read.
    pub fn head(&self) -> Option<Head> {
        let repo = self.open().ok()?;
        let mut head = describe(&repo, &repo.head_commit().ok()?)?;
        head.branch = repo.head_name().ok().flatten().and_then(|name| branch_name(name.as_bstr()));
        Some(head)
    }

    /// Any other commit, by what [`Checkout::resolve`] understands, without a branch.
    pub fn commit(&self, spec: &str) -> Option<Head> {
        let repo = self.open().ok()?;
        let commit = repo.find_commit(resolve(&repo, spec)?).ok()?;
        describe(&repo, &commit)
    }

    /// Where `origin` is, without credentials.
    pub fn remote(&self) -> Option<Remote> {
        let url = self.open().ok()?.config_snapshot().string("remote.origin.url")?;
        Remote::parse(&url.to_str_lossy())
    }

    /// [`Checkout::remote`] as it was written, less credentials.
    pub fn remote_url(&self) -> Option<String> {
        self.remote().map(|remote| remote.url)
    }

    /// The branch that `origin` had checked out when it was cloned.
    pub fn default_branch(&self) -> Option<String> {
        let repo = self.open().ok()?;
        let head = repo.try_find_reference("refs/remotes/origin/HEAD").ok().flatten()?;
        let target = head.target().try_name()?.as_bstr().to_str_lossy().into_owned();
        target.strip_prefix("refs/remotes/origin/").map(str::to_owned)
    }

    /// Whether history was cut off by `--depth`.
    pub fn is_shallow(&self) -> bool {
        self.open().and_then(|repo| repo.is_shallow().map_err(anyhow::Error::from)).unwrap_or(false)
    }

    /// Whether tracked files, or submodules that were fetched, differ from HEAD; `None` if that cannot be determined
    /// without running a filter, reading very much, or at all. Untracked files don't count.
    pub fn is_dirty(&self) -> Option<bool> {
        if self.is_bare() {
            return None;
        }
        let open = |root: &Path| {
            let inner = Checkout::discover(root).filter(|inner| inner.root() == root)?;
            Some(inner.open())
        };
        dirty::is_dirty(&self.open().ok()?, &self.root, &open).ok().flatten()
    }

    /// The commit that a commit id (at least seven digits of it), a full reference name (`refs/remotes/origin/main`), a
    /// branch, or a tag stands for, if its object is in this checkout. Ids are looked up first.
    pub fn resolve(&self, spec: &str) -> Option<String> {
        resolve(&self.open().ok()?, spec).map(|id| id.to_string())
    }

    /// The best common ancestor of two commits within the history that was fetched.
    pub fn merge_base(&self, a: &str, b: &str) -> Option<String> {
        let repo = self.open().ok()?;
        let base = repo.merge_base(resolve(&repo, a)?, resolve(&repo, b)?);
        base.ok().flatten().map(|id| id.to_string())
    }

    /// A file as it is in a commit: `path` from the root, with `/`. `None` if it does not exist, or is a
    /// folder, a link or a submodule.
    ///
    /// # Errors
    /// The commit or its objects are not here, or the file has more than `max` bytes.
    pub fn read_at(&self, commit: &str, path: &str, max: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let repo = self.open()?;
        let id = by_id(&repo, commit).with_context(|| format!("commit {commit} is not in this checkout"))?;
        let tree =
            repo.find_commit(id)?.tree().with_context(|| format!("failed to read the files of commit {commit}"))?;
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        let Some(entry) = tree.lookup_entry(parts.map(str::as_bytes))? else { return Ok(None) };
        if !entry.mode().is_blob() {
            return Ok(None);
        }
        let size = repo.find_header(entry.object_id())?.size();
        if size > max {
            bail!("{path} has {size} bytes in commit {commit}, more than {max}. Split it");
        }
        Ok(Some(repo.find_blob(entry.object_id())?.take_data()))
    }

    fn open(&self) -> anyhow::Result<Repository> {
        let options =
            gix::open::Options::isolated().with(gix::sec::Trust::Full).open_path_as_is(true).config_overrides([
                // Would let a fetched reference stand in for another object.
                "core.useReplaceRefs=false",
                // A cache that saves little here and can be wrong.
                "core.commitGraph=false",
                "gitoxide.objects.allocLimit=536870912",
            ]);
        match options.open(&self.git) {
            Ok(repo) => Ok(repo.to_thread_local()),
            Err(error) => Err(anyhow::Error::from(error).context(self.why_not())),
        }
    }

    /// `.git` may be a file that names a place this container doesn't have.
    fn why_not(&self) -> String {
        let points = std::fs::read_to_string(&self.git).ok();
        match points.as_deref().and_then(|text| text.strip_prefix("gitdir:")).map(str::trim) {
            Some(place) if !self.root.join(place).exists() => {
                format!("the repository of this worktree or submodule is not here. Mount {place} as well")
            }
            _ => format!("failed to read the Git repository in {}", self.git.display()),
        }
    }
}

/// Whether there is a repository, be it broken.
fn looks_like_git(path: &Path) -> bool {
    let Ok(meta) = path.metadata() else { return false };
    let named = path.file_name().is_some_and(|name| name == ".git");
    if meta.is_file() {
        return named;
    }
    let has = |name: &str| path.join(name).exists();
    if named { has("HEAD") || has("index") || has("objects") } else { has("HEAD") && has("objects") && has("refs") }
}

fn resolve(repo: &Repository, spec: &str) -> Option<ObjectId> {
    if let Some(id) = by_id(repo, spec) {
        return Some(id);
    }
    let names = match spec.strip_prefix("refs/") {
        Some(_) => vec![spec.to_owned()],
        None => ["heads", "remotes/origin", "tags"].iter().map(|kind| format!("refs/{kind}/{spec}")).collect(),
    };
    names.iter().find_map(|name| {
        let mut reference = repo.try_find_reference(name.as_str()).ok().flatten()?;
        Some(reference.peel_to_commit().ok()?.id)
    })
}

fn by_id(repo: &Repository, hex: &str) -> Option<ObjectId> {
    let digits = repo.object_hash().len_in_hex();
    if !(7..=digits).contains(&hex.len()) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let id = if hex.len() == digits {
        ObjectId::from_hex(hex.as_bytes()).ok()?
    } else {
        // Bitbucket gives twelve digits. What is ambiguous is not there.
        repo.objects.lookup_prefix(gix::hash::Prefix::from_hex(hex).ok()?, None).ok()??.ok()?
    };
    Some(repo.find_object(id).ok()?.peel_to_commit().ok()?.id)
}

fn describe(repo: &Repository, commit: &gix::Commit<'_>) -> Option<Head> {
    let decoded = commit.decode().ok()?;
    let (author, committer) = (decoded.author().ok()?, decoded.committer().ok()?);
    Some(Head {
        commit: commit.id.to_string(),
        branch: None,
        tags: tags(repo, commit.id),
        author_name: author.name.trim().to_str_lossy().into_owned(),
        author_email: author.email.trim().to_str_lossy().into_owned(),
        author_time: time(author),
        committer_time: time(committer),
        subject: decoded.message.lines().next().unwrap_or_default().to_str_lossy().trim().to_owned(),
        parents: decoded.parents().map(|parent| parent.to_string()).collect(),
    })
}

fn tags(repo: &Repository, commit: ObjectId) -> Vec<String> {
    let Ok(platform) = repo.references() else { return Vec::new() };
    let Ok(tags) = platform.tags() else { return Vec::new() };
    tags.filter_map(Result::ok)
        .filter_map(|mut tag| {
            let name = tag.name().shorten().to_str_lossy().into_owned();
            (tag.peel_to_id().ok()?.detach() == commit).then_some(name)
        })
        .collect()
}

fn branch_name(full: &BStr) -> Option<String> {
    full.strip_prefix(b"refs/heads/").map(|name| name.to_str_lossy().into_owned())
}

fn time(who: gix::actor::SignatureRef<'_>) -> String {
    who.time().unwrap_or_default().format_or_unix(gix::date::time::format::ISO8601_STRICT)
}

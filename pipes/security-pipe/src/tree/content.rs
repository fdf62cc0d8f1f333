//! What the walk has to know of a file or folder before a scanner reads it.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use memchr::memmem;
use pipe_core::fs::{self, Links};
use rustix::fs::statfs;

/// The largest pointer that Git LFS writes, in bytes (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>). Those
/// of git-annex hold one name.
pub(super) const MAX_POINTER: u64 = 1024;
/// The shortest one is of git-annex. Bytes.
pub(super) const MIN_POINTER: u64 = 24;

/// What keeps the content of files elsewhere and leaves a pointer in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pointer {
    /// Git LFS.
    Lfs,
    /// git-annex (<https://git-annex.branchable.com/internals/pointer_file/>).
    Annex,
}

impl Pointer {
    /// Whether this is the text of a pointer.
    pub(super) fn of(text: &[u8]) -> Option<Pointer> {
        let lfs = [&b"version https://git-lfs.github.com/spec/"[..], b"version https://hawser.github.com/spec/"];
        let line = text.split(|byte| *byte == b'\n').next()?;
        if text.len() as u64 > MAX_POINTER {
            None
        } else if lfs.iter().any(|version| text.starts_with(version)) && memmem::find(text, b"\noid ").is_some() {
            Some(Pointer::Lfs)
        } else if line.starts_with(b"/annex/objects/") && memmem::find(line, b"--").is_some() {
            Some(Pointer::Annex)
        } else {
            None
        }
    }

    /// The same for a file on the disk.
    pub(super) fn in_file(path: &Path, size: u64) -> Option<Pointer> {
        if !(MIN_POINTER..=MAX_POINTER).contains(&size) {
            return None;
        }
        Pointer::of(&fs::read_bounded(path, MAX_POINTER, Links::Refuse).ok()?)
    }

    /// Whether a link is what git-annex puts in the place of a file.
    pub(super) fn in_link(path: &Path) -> Option<Pointer> {
        let target = std::fs::read_link(path).ok()?;
        memmem::find(target.as_os_str().as_bytes(), b".git/annex/objects/").map(|_| Pointer::Annex)
    }
}

/// File systems that the kernel makes up: they hold no files of a project. Magic numbers of `linux/magic.h`.
const PSEUDO: [i64; 16] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x1cd1,      // devpts
    0x2_7e0eb,   // cgroup
    0x6367_7270, // cgroup2
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x7363_6673, // securityfs
    0xf97c_ff8c, // selinuxfs
    0x6165_676c, // pstore
    0xde5e_81e4, // efivarfs
    0xcafe_4a11, // bpf
    0x6265_6570, // configfs
    0x4249_4e4d, // binfmt_misc
    0x1980_0202, // mqueue
    0x6e73_6673, // nsfs
];

/// Whether a folder is in a file system such as `proc`. One that can't be asked is not.
pub(super) fn is_pseudo(folder: &Path) -> bool {
    #[expect(clippy::useless_conversion, reason = "the type differs between architectures")]
    statfs(folder).is_ok_and(|about| PSEUDO.contains(&i64::from(about.f_type)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MAX_POINTER, MIN_POINTER, Pointer, is_pseudo};

    #[test]
    fn pointers_are_recognised() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let dir = tempfile::tempdir().unwrap();
        for (text, pointer) in [
            (format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 1\n"), Pointer::Lfs),
            (format!("/annex/objects/SHA256E-s12--{oid}.env\n"), Pointer::Annex),
            (format!("/annex/objects/MD5--{oid}"), Pointer::Annex),
        ] {
            assert_eq!(Pointer::of(text.as_bytes()), Some(pointer), "{text}");
            assert!((MIN_POINTER..=MAX_POINTER).contains(&(text.len() as u64)));
            std::fs::write(dir.path().join("a"), &text).unwrap();
            assert_eq!(Pointer::in_file(&dir.path().join("a"), text.len() as u64), Some(pointer));
            let long = format!("{text}{}", " ".repeat(1024));
            assert_eq!(Pointer::of(long.as_bytes()), None);
        }
        for other in
            ["", "version https://git-lfs.github.com/spec/v1\n", "version 1\noid sha256:x\n", "/annex/objects/\n--"]
        {
            assert_eq!(Pointer::of(other.as_bytes()), None, "{other}");
        }
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(format!("../.git/annex/objects/a/b/MD5--{oid}/MD5--{oid}"), &link).unwrap();
        assert_eq!(Pointer::in_link(&link), Some(Pointer::Annex));
        assert_eq!(Pointer::in_link(&dir.path().join("a")), None);
    }

    #[test]
    fn file_systems_of_the_kernel_are_recognised() {
        assert!(is_pseudo(Path::new("/proc")) && is_pseudo(Path::new("/proc/self/fd")));
        assert!(!is_pseudo(tempfile::tempdir().unwrap().path()));
        assert!(!is_pseudo(Path::new("/nonexistent")));
    }
}

//! What the walk has to know of a file or folder before a scanner reads it.

use std::path::Path;

use pipe_core::fs::{self, Links};
use rustix::fs::statfs;

/// The largest LFS pointer, in bytes (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
pub(super) const MAX_POINTER: u64 = 1024;
/// The shortest one names a version, an object of 64 digits, and a size. Bytes.
pub(super) const MIN_POINTER: u64 = 100;

/// Whether this is the text of a Git LFS pointer.
pub(super) fn is_lfs_pointer(text: &[u8]) -> bool {
    let begins = [&b"version https://git-lfs.github.com/spec/"[..], b"version https://hawser.github.com/spec/"]
        .iter()
        .any(|version| text.starts_with(version));
    begins && text.len() as u64 <= MAX_POINTER && memchr::memmem::find(text, b"\noid ").is_some()
}

/// The same for a file on the disk.
pub(super) fn holds_lfs_pointer(path: &Path, size: u64) -> bool {
    (MIN_POINTER..=MAX_POINTER).contains(&size)
        && fs::read_bounded(path, MAX_POINTER, Links::Refuse).is_ok_and(|text| is_lfs_pointer(&text))
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

    use super::{MAX_POINTER, MIN_POINTER, holds_lfs_pointer, is_lfs_pointer, is_pseudo};

    #[test]
    fn a_pointer_of_git_lfs_is_recognised() {
        let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
        let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 1\n");
        assert!(is_lfs_pointer(pointer.as_bytes()));
        assert!((MIN_POINTER..=MAX_POINTER).contains(&(pointer.len() as u64)));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), &pointer).unwrap();
        assert!(holds_lfs_pointer(&dir.path().join("a"), pointer.len() as u64));
        for other in ["", "version https://git-lfs.github.com/spec/v1\n", "version 1\noid sha256:x\n"] {
            assert!(!is_lfs_pointer(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn file_systems_of_the_kernel_are_recognised() {
        assert!(is_pseudo(Path::new("/proc")) && is_pseudo(Path::new("/proc/self/fd")));
        assert!(!is_pseudo(tempfile::tempdir().unwrap().path()));
        assert!(!is_pseudo(Path::new("/nonexistent")));
    }
}

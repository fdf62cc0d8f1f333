//! Archives by their first bytes: what is in them is not looked at.

/// Where the bytes stand, the bytes, and what has them.
const ARCHIVES: &[(usize, &[u8])] = &[
    // zip, also empty, split, and what is made of it: jar, whl, docx, apk, nupkg
    (0, b"PK\x03\x04"),
    (0, b"PK\x05\x06"),
    (0, b"PK\x07\x08"),
    (0, b"\x1F\x8B"),           // gzip
    (0, b"BZh"),                // bzip2
    (0, b"\xFD7zXZ\0"),         // xz
    (0, b"\x5D\0\0"),           // lzma
    (0, b"LZIP"),               // lzip
    (0, b"\x28\xB5\x2F\xFD"),   // zstd
    (0, b"\x04\x22\x4D\x18"),   // lz4
    (0, b"\xFF\x06\0\0sNaPpY"), // snappy
    (0, b"\x1F\x9D"),           // compress
    (0, b"7z\xBC\xAF\x27\x1C"), // 7z
    (0, b"Rar!\x1A\x07"),       // rar
    (257, b"ustar"),            // tar
    (0, b"!<arch>\n"),          // ar, deb
    (0, b"\xED\xAB\xEE\xDB"),   // rpm
    (0, b"MSCF"),               // cab
    (0, b"xar!"),               // xar, pkg
    (0, b"\xC7\x71"),           // cpio
    (0, b"070701"),             // cpio, new
    (0, b"hsqs"),               // squashfs
    (0x8001, b"CD001"),         // iso
];

/// Whether a file that begins with `content` is an archive or compressed.
pub(super) fn is_archive(content: &[u8]) -> bool {
    ARCHIVES.iter().any(|(at, magic)| content.get(*at..).is_some_and(|rest| rest.starts_with(magic)))
}

#[cfg(test)]
mod tests {
    use super::is_archive;

    #[test]
    fn archives_are_known_by_their_first_bytes() {
        let tar = [vec![b'a'; 257], b"ustar\0".to_vec()].concat();
        for archive in [b"PK\x03\x04...".as_slice(), b"\x1F\x8B\x08", b"BZh9", b"7z\xBC\xAF\x27\x1C", &tar] {
            assert!(is_archive(archive));
        }
        for other in [b"".as_slice(), b"PK", b"plain text", &[0; 300]] {
            assert!(!is_archive(other));
        }
    }
}

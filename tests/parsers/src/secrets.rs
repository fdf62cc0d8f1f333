//! The engine that looks for secrets.

use std::sync::LazyLock;

use pipe_secrets::{Engine, MAX_MATCHES, inline_allows};

/// The first line is the file's path, the rest its content. After an `r` all of it is reversed: no seed holds a text that
/// the scan of this repository finds.
pub(crate) fn scan(data: &[u8]) -> bool {
    static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::new);
    let reversed = data.strip_prefix(b"r").map(|rest| rest.iter().rev().copied().collect::<Vec<u8>>());
    let data = reversed.as_deref().unwrap_or(data);
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (path, content) = data.split_at(end);
    let content = content.get(1..).unwrap_or_default();
    let Some(path) = super::text(path) else { return false };
    let _ = ENGINE.scan_name(path);
    let streamed = ENGINE.scan_stream(path, &mut &*content, &|| true).expect("memory is read");
    let _ = inline_allows(content);
    let found = ENGINE.scan(path, content);
    assert!(found.len() <= MAX_MATCHES);
    assert_eq!(streamed.matches.len(), found.len(), "the same in windows");
    for found in &found {
        let _ = format!("{found:?}");
    }
    !found.is_empty()
}

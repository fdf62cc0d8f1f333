//! The redactor as a filter in front of another writer.

use std::io::{self, Write};

use super::Redactor;
use super::matcher::Stream;

/// Bytes handled at once, so that one enormous write doesn't need a copy as large as itself.
const PIECE: usize = 64 * 1024;

/// Passes on what it is given without secrets. At most the bytes that could begin a secret are held back (never more
/// than 128), also by `flush`; [`RedactingWriter::finish`] or dropping it lets them go.
///
/// It knows registered secrets. Tokens by their form alone, and passwords in URLs, need a whole text:
/// [`Redactor::text`].
pub struct RedactingWriter<W: Write> {
    redactor: Redactor,
    stream: Stream,
    /// `None` once finished.
    inner: Option<W>,
}

impl<W: Write> RedactingWriter<W> {
    /// In front of `inner`. Secrets that are added to the redactor later are hidden as well.
    pub fn new(redactor: Redactor, inner: W) -> RedactingWriter<W> {
        RedactingWriter { redactor, stream: Stream::default(), inner: Some(inner) }
    }

    /// Writes what was held back, flushes, and gives the inner writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.pass(&[], true)?;
        let mut inner = self.inner.take().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))?;
        inner.flush()?;
        Ok(inner)
    }

    #[cfg(test)]
    pub(super) fn inner(&self) -> Option<&W> {
        self.inner.as_ref()
    }

    fn pass(&mut self, bytes: &[u8], last: bool) -> io::Result<()> {
        let Some(inner) = &mut self.inner else { return Ok(()) };
        match self.redactor.matcher() {
            None => inner.write_all(bytes),
            Some(matcher) => {
                let mut out = Vec::with_capacity(bytes.len());
                self.stream.feed(&matcher, bytes, last, &mut out);
                inner.write_all(&out)
            }
        }
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = &bytes[..bytes.len().min(PIECE)];
        self.pass(piece, false)?;
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl<W: Write> Drop for RedactingWriter<W> {
    fn drop(&mut self) {
        // Nobody is left to tell; who cares about the last bytes calls `finish`.
        let _ = self.pass(&[], true);
    }
}

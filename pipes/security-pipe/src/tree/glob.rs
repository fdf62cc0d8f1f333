//! Git's patterns for paths (`wildmatch.c` with `WM_PATHNAME`), in polynomial time.

/// Whether `text` matches `pattern`: `*` and `?` and classes end at a `/`, and `**` between slashes does not.
///
/// Only the last `*` and the last `**` before a mismatch are tried further. What precedes them has ended as early as it
/// can, so that another way to match it would leave less.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut pos) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    let mut deep: Option<(usize, usize, bool)> = None;
    loop {
        let rest = pattern.get(at..).unwrap_or_default();
        let stars = rest.iter().take_while(|byte| **byte == b'*').count();
        if stars > 0 {
            let next = rest.get(stars..).unwrap_or_default();
            let begins = at == 0 || pattern.get(at - 1) == Some(&b'/');
            at += stars;
            if stars > 1 && begins && next.is_empty() {
                return true;
            } else if stars > 1 && begins && next.starts_with(b"/") {
                // also no folder at all
                at += 1;
                (star, deep) = (None, Some((at, pos, true)));
            } else if stars > 1 && begins && next.starts_with(b"\\/") {
                (star, deep) = (None, Some((at, pos, false)));
            } else {
                star = Some((at, pos));
            }
            continue;
        }
        match text.get(pos) {
            None if rest.is_empty() => return true,
            Some(byte) if let Some(length) = one(rest, *byte) => {
                at += length;
                pos += 1;
                continue;
            }
            _ => {}
        }
        if let Some((after, from)) = star
            && text.get(from).is_some_and(|byte| *byte != b'/')
        {
            (at, pos) = (after, from + 1);
            star = Some((at, pos));
        } else if let Some((after, from, folders)) = deep {
            let ahead = text.get(from..).unwrap_or_default();
            let skipped =
                if folders { ahead.iter().position(|byte| *byte == b'/') } else { (!ahead.is_empty()).then_some(0) };
            let Some(skipped) = skipped else { return false };
            (at, pos) = (after, from + skipped + 1);
            (star, deep) = (None, Some((at, pos, folders)));
        } else {
            return false;
        }
    }
}

/// How many bytes the first part of `pattern` has, if it matches `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match *pattern.first()? {
        b'?' => (byte != b'/').then_some(1),
        b'\\' => (*pattern.get(1)? == byte).then_some(2),
        b'[' => class(pattern, byte),
        literal => (literal == byte).then_some(1),
    }
}

/// The same for `[a-z]`. One without an end matches nothing.
fn class(pattern: &[u8], byte: u8) -> Option<usize> {
    let negated = matches!(pattern.get(1)?, b'!' | b'^');
    let mut at = 1 + usize::from(negated);
    let (mut matched, mut previous) = (false, 0);
    loop {
        let mut this = *pattern.get(at)?;
        if this == b'\\' {
            at += 1;
            this = *pattern.get(at)?;
            matched |= this == byte;
        } else if this == b'-' && previous != 0 && *pattern.get(at + 1)? != b']' {
            at += 1;
            if *pattern.get(at)? == b'\\' {
                at += 1;
            }
            matched |= (previous..=*pattern.get(at)?).contains(&byte);
            this = 0;
        } else if this == b'[' && *pattern.get(at + 1)? == b':' {
            let start = at + 2;
            let inner = pattern.get(start..)?;
            let end = inner.iter().position(|byte| *byte == b']')?;
            match inner.get(..end)?.strip_suffix(b":") {
                Some(name) => {
                    matched |= named(name, byte)?;
                    at = start + end;
                    this = 0;
                }
                None => matched |= byte == b'[',
            }
        } else {
            matched |= this == byte;
        }
        previous = this;
        at += 1;
        if *pattern.get(at)? == b']' {
            return (matched != negated && byte != b'/').then_some(at + 1);
        }
    }
}

/// Whether a byte is of a class such as `alpha`; `None` for a class that Git does not know.
fn named(class: &[u8], byte: u8) -> Option<bool> {
    Some(match class {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => return None,
    })
}

//! The ways in which a value may be written.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A form is recognised by this many bytes and followed from there while the text agrees with it. So a long secret
/// that was cut off (an excerpt, a truncated log line) is still taken out, nothing longer is ever held back by a writer,
/// and the automaton stays small. More than the fixed part of any webhook URL, which is not secret.
const ANCHOR: usize = 128;

/// The same for the lines of a value that has very many.
const ANCHOR_OF_MANY: usize = 16;

/// A form that shows only a part of the value is looked for from this many bytes on. A shorter one shows nothing of the
/// value and stands in any text: a `3` is what base64 keeps of one byte out of four.
const PARTIAL: usize = 4;

/// One written form of a value. Only its beginning is kept; the rest is written when that beginning was met.
pub(super) struct Form {
    value: Arc<str>,
    encoding: Encoding,
    anchor: Box<[u8]>,
    /// Bytes of the whole form.
    len: usize,
    whole: OnceLock<Vec<u8>>,
}

impl Form {
    pub(super) fn anchor(&self) -> &[u8] {
        &self.anchor
    }

    /// Whether there is more of it after the anchor.
    pub(super) fn goes_on(&self) -> bool {
        self.len > self.anchor.len()
    }

    /// All of it.
    pub(super) fn whole(&self) -> &[u8] {
        self.whole.get_or_init(|| self.encoding.write(&self.value))
    }
}

/// The distinct forms of `value`, which is not empty; only itself where not `thorough`.
pub(super) fn of(value: &Arc<str>, thorough: bool) -> Vec<Form> {
    let (encodings, anchor) = if thorough { (encodings(), ANCHOR) } else { (vec![Encoding::Raw], ANCHOR_OF_MANY) };
    // Hashes, since all forms of a large value together are 25 times its size.
    let (hasher, mut seen) = (RandomState::new(), HashSet::new());
    let mut forms = Vec::new();
    for encoding in encodings {
        let written = encoding.write(value);
        let shows_nothing = encoding.is_partial() && written.len() < PARTIAL;
        if written.is_empty() || shows_nothing || !seen.insert(hasher.hash_one(&written)) {
            continue;
        }
        forms.push(Form {
            value: value.clone(),
            encoding,
            anchor: written[..written.len().min(anchor)].into(),
            len: written.len(),
            whole: OnceLock::new(),
        });
    }
    forms
}

/// The forms of a value of which only the beginning is known, each with whether its last character holds bits of what
/// follows. Few, since there are many such values: nearly all are made of characters that no encoder changes.
pub(super) fn of_head(head: &str, thorough: bool) -> Vec<(Vec<u8>, bool)> {
    let mut forms = vec![(head.as_bytes().to_vec(), false)];
    if !thorough {
        return forms;
    }
    let plain = head.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let of_plain = || open_base64().into_iter().chain([Encoding::Markdown]).collect();
    for encoding in if plain { of_plain() } else { encodings() } {
        let is_open = matches!(encoding, Encoding::Base64 { .. });
        if matches!(encoding, Encoding::Base64 { end: End::Unpadded | End::Padded, .. }) {
            continue;
        }
        let form = encoding.write(head);
        if !forms.iter().any(|(known, _)| *known == form) {
            forms.push((form, is_open));
        }
    }
    forms
}

#[derive(Clone, Copy)]
enum Hex {
    Lower,
    Upper,
}

#[derive(Clone, Copy)]
enum Encoding {
    Raw,
    Json(Json),
    /// JSON inside a JSON string.
    JsonTwice,
    Percent(Percent, Hex),
    /// Every byte as two digits, as dumps and key tools print it.
    Hex(Hex),
    Html(Html),
    /// With backslashes before what is markup.
    Markdown,
    /// As part of a base64 text, `offset` bytes after a multiple of three.
    Base64 {
        offset: usize,
        end: End,
        alphabet: Alphabet,
    },
}

/// What an encoder of JSON strings does beyond the characters that must be escaped.
#[derive(Clone, Copy)]
struct Json {
    /// Hex digits of `\uXXXX` for everything outside ASCII; `None` leaves it as it is.
    ascii: Option<Hex>,
    /// `/` as `\/` (PHP).
    slash: bool,
    /// `<`, `>`, `&`, U+2028 and U+2029 as `\uXXXX` (Go).
    html: bool,
}

/// How an encoder of HTML writes both quotes, which it may leave as they are.
#[derive(Clone, Copy)]
struct Html {
    double: &'static str,
    single: &'static str,
}

/// Python, Go, PHP, JavaScript and Java libraries, XML, and text between tags.
const HTML: [Html; 7] = [
    Html { double: "&quot;", single: "&#x27;" },
    Html { double: "&#34;", single: "&#39;" },
    Html { double: "&quot;", single: "&#039;" },
    Html { double: "&quot;", single: "&#39;" },
    Html { double: "&quot;", single: "&apos;" },
    Html { double: "&quot;", single: "'" },
    Html { double: "\"", single: "'" },
];

/// What an encoder leaves unchanged in addition to letters and digits, and whether it writes a space as `+`.
#[derive(Clone, Copy)]
struct Percent {
    keeps: &'static str,
    plus: bool,
    every: bool,
}

/// How a base64 text goes on after the value.
#[derive(Clone, Copy)]
enum End {
    /// With other bytes, so that a last character which holds some of their bits is not ours.
    Open,
    Unpadded,
    Padded,
}

#[derive(Clone, Copy)]
enum Alphabet {
    Standard,
    UrlSafe,
    /// The standard one inside a query or a form.
    Escaped(Hex),
}

const fn percent(keeps: &'static str, plus: bool) -> Percent {
    Percent { keeps, plus, every: false }
}

/// Sets of encoders in use; most values come out the same from all of them.
const PERCENT: [Percent; 10] = [
    // RFC 3986 unreserved: most libraries' "component".
    percent("-._~", false),
    percent("-._~", true),
    // WHATWG application/x-www-form-urlencoded, Java's URLEncoder.
    percent("*-._", true),
    // JavaScript: encodeURIComponent, encodeURI.
    percent("-._~!'()*", false),
    percent("-._~!'()*;,/?:@&=+$#", false),
    // Python's quote().
    percent("-._~/", false),
    // Go's PathEscape.
    percent("-._~$&+=:@", false),
    // WHATWG: path and user info.
    percent("-._~!$&'()*+,;=:@/[]\\^|%", false),
    percent("-._~!$&'()*+,%", false),
    Percent { keeps: "", plus: false, every: true },
];

fn encodings() -> Vec<Encoding> {
    let mut all = vec![Encoding::Raw];
    for ascii in [None, Some(Hex::Lower), Some(Hex::Upper)] {
        for (slash, html) in [(false, false), (true, false), (false, true), (true, true)] {
            all.push(Encoding::Json(Json { ascii, slash, html }));
        }
    }
    all.push(Encoding::JsonTwice);
    for hex in [Hex::Lower, Hex::Upper] {
        all.extend(PERCENT.map(|set| Encoding::Percent(set, hex)));
        all.push(Encoding::Hex(hex));
    }
    all.extend(HTML.map(Encoding::Html));
    all.push(Encoding::Markdown);
    let alphabets =
        [Alphabet::Standard, Alphabet::UrlSafe, Alphabet::Escaped(Hex::Lower), Alphabet::Escaped(Hex::Upper)];
    for offset in 0..3 {
        for end in [End::Open, End::Unpadded, End::Padded] {
            all.extend(alphabets.map(|alphabet| Encoding::Base64 { offset, end, alphabet }));
        }
    }
    all
}

/// At each offset, in the alphabets that differ.
fn open_base64() -> Vec<Encoding> {
    let of = |alphabet| (0..3).map(move |offset| Encoding::Base64 { offset, end: End::Open, alphabet });
    [Alphabet::Standard, Alphabet::UrlSafe].into_iter().flat_map(of).collect()
}

impl Encoding {
    /// Whether some bits of the value are left out, since they share a character with its neighbours.
    fn is_partial(self) -> bool {
        matches!(self, Encoding::Base64 { offset: 1.., .. } | Encoding::Base64 { end: End::Open, .. })
    }

    fn write(self, value: &str) -> Vec<u8> {
        match self {
            Encoding::Raw => value.as_bytes().to_vec(),
            Encoding::Json(json) => json.write(value).into_bytes(),
            Encoding::JsonTwice => {
                let plain = Json { ascii: None, slash: false, html: false };
                plain.write(&plain.write(value)).into_bytes()
            }
            Encoding::Percent(set, hex) => set.write(value.as_bytes(), hex),
            Encoding::Hex(hex) => value.bytes().flat_map(|byte| hex.digits(byte)).collect(),
            Encoding::Html(html) => html.write(value).into_bytes(),
            Encoding::Markdown => {
                let is_markup = |byte: &u8| b"\\`*_{}[]()#+!|~".contains(byte);
                value.bytes().flat_map(|byte| is_markup(&byte).then_some(b'\\').into_iter().chain([byte])).collect()
            }
            Encoding::Base64 { offset, end, alphabet } => base64(value, offset, end, alphabet),
        }
    }
}

impl Hex {
    fn digits(self, byte: u8) -> [u8; 2] {
        let digits: &[u8; 16] = match self {
            Hex::Lower => b"0123456789abcdef",
            Hex::Upper => b"0123456789ABCDEF",
        };
        [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]
    }
}

impl Html {
    fn write(self, value: &str) -> String {
        let plain = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        plain.replace('"', self.double).replace('\'', self.single)
    }
}

impl Json {
    fn write(self, value: &str) -> String {
        let mut out = String::with_capacity(value.len());
        for c in value.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '/' if self.slash => out.push_str("\\/"),
                '\0'..='\x1f' => self.escape(c, &mut out),
                '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if self.html => self.escape(c, &mut out),
                _ if !c.is_ascii() && self.ascii.is_some() => self.escape(c, &mut out),
                _ => out.push(c),
            }
        }
        out
    }

    fn escape(self, c: char, out: &mut String) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&match self.ascii {
                Some(Hex::Upper) => format!("\\u{unit:04X}"),
                Some(Hex::Lower) | None => format!("\\u{unit:04x}"),
            });
        }
    }
}

impl Percent {
    fn write(self, value: &[u8], hex: Hex) -> Vec<u8> {
        let mut out = Vec::with_capacity(value.len());
        for &byte in value {
            if !self.every && (byte.is_ascii_alphanumeric() || self.keeps.as_bytes().contains(&byte)) {
                out.push(byte);
            } else if self.plus && byte == b' ' {
                out.push(b'+');
            } else {
                out.push(b'%');
                out.extend(hex.digits(byte));
            }
        }
        out
    }
}

fn base64(value: &str, offset: usize, end: End, alphabet: Alphabet) -> Vec<u8> {
    let mut input = vec![0; offset];
    input.extend_from_slice(value.as_bytes());
    let mut text = STANDARD.encode(&input).into_bytes();
    let bits = input.len() * 8;
    match end {
        End::Open => text.truncate(bits / 6),
        End::Unpadded => text.truncate(bits.div_ceil(6)),
        End::Padded => {}
    }
    // The first characters hold bits of what stands before.
    text.drain(..text.len().min((offset * 8).div_ceil(6)));
    match alphabet {
        Alphabet::Standard => text,
        Alphabet::UrlSafe => {
            for byte in &mut text {
                match byte {
                    b'+' => *byte = b'-',
                    b'/' => *byte = b'_',
                    _ => {}
                }
            }
            text
        }
        Alphabet::Escaped(hex) => PERCENT[0].write(&text, hex),
    }
}

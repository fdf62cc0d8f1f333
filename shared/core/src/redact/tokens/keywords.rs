//! The keywords of all forms, looked up at every place of a text at once.

use std::ops::Range;
use std::sync::LazyLock;

use super::form::{FORMS, Form};
use super::sequence::Runs;

pub(super) struct Known {
    /// For each two bytes, one more than the place in `groups` of the keywords that begin with them, and [`SECOND`]; zero
    /// for nearly all.
    places: Box<[u16; 1 << 16]>,
    groups: Vec<Vec<Keyword>>,
}

/// Stands in [`Known::places`] where a keyword may have begun one byte before.
pub(super) const SECOND: u16 = 1 << 15;

impl Known {
    pub(super) fn place(&self, two: [u8; 2]) -> u16 {
        self.places[usize::from(u16::from_be_bytes(two))]
    }

    /// The keywords that begin at this place.
    pub(super) fn at(&self, text: &[u8], at: usize) -> impl Iterator<Item = &Keyword> {
        let rest = text.get(at..).unwrap_or_default();
        let group = rest.first_chunk().map_or(0, |two| usize::from(self.place(*two) & !SECOND));
        let group = group.checked_sub(1).and_then(|group| self.groups.get(group)).map_or(&[][..], Vec::as_slice);
        let head = if group.is_empty() { 0 } else { head(rest) };
        let is_met = move |keyword: &&Keyword| head & keyword.mask == keyword.head;
        group.iter().filter(is_met).filter(|keyword| rest.starts_with(keyword.text.as_bytes()))
    }
}

pub(super) struct Keyword {
    form: &'static Form,
    text: &'static str,
    /// The first four bytes of it, and which bits these are: most places are settled by them.
    head: u32,
    mask: u32,
}

impl Keyword {
    /// The token whose keyword stands at this place: the id of its rule, and where the token stands.
    pub(super) fn token(&self, text: &[u8], at: usize, runs: &mut Runs) -> Option<(&'static str, Range<usize>)> {
        let range = self.form.around(text, &(at..at + self.text.len()), runs)?;
        Some((self.form.rule, range))
    }
}

/// The first four bytes, in the order of the text; zeros behind its end.
fn head(text: &[u8]) -> u32 {
    match text {
        [a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]),
        [a, b, c] => u32::from_be_bytes([*a, *b, *c, 0]),
        [a, b] => u32::from_be_bytes([*a, *b, 0, 0]),
        _ => 0,
    }
}

pub(super) static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let places = vec![0; 1 << 16].into_boxed_slice().try_into();
    let mut known = Known { places: places.unwrap_or_else(|_| Box::new([0; 1 << 16])), groups: Vec::new() };
    for form in FORMS.iter() {
        for text in form.keywords.split(' ') {
            let bytes = text.as_bytes();
            let [first, second, rest @ ..] = bytes else { continue };
            for third in rest.first().map_or(0..=u8::MAX, |third| *third..=*third) {
                known.places[usize::from(u16::from_be_bytes([*second, third]))] |= SECOND;
            }
            let place = &mut known.places[usize::from(u16::from_be_bytes([*first, *second]))];
            if *place & !SECOND == 0 {
                known.groups.push(Vec::new());
                *place |= u16::try_from(known.groups.len()).unwrap_or(0);
            }
            let mask = u32::MAX << (32 - 8 * bytes.len().min(4));
            known.groups[usize::from(*place & !SECOND) - 1].push(Keyword { form, text, head: head(bytes), mask });
        }
    }
    known
});

//! Values that are kept once, by number.
//!
//! Room for the most that a store keeps is set aside when the first value comes. The system gives no memory for what is
//! not used of it, and nothing is ever moved, which would leave holes as large as what was moved.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Values of one type.
#[derive(Debug)]
pub(super) struct Distinct<T> {
    items: Vec<T>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    most: usize,
}

impl<T: Hash + Eq> Distinct<T> {
    /// Room for `most` values; more are kept as well.
    pub(super) fn new(most: usize) -> Distinct<T> {
        Distinct { items: Vec::new(), index: HashTable::new(), hasher: DefaultHashBuilder::default(), most }
    }

    /// The number of `item`, from 0 on, and whether it is new.
    pub(super) fn insert(&mut self, item: T) -> (u32, bool) {
        let hash = self.hasher.hash_one(&item);
        if let Some(id) = self.index.find(hash, |id| self.items.get(*id as usize) == Some(&item)) {
            return (*id, false);
        }
        if self.items.is_empty() {
            self.items.reserve_exact(self.most);
        }
        // A store stops far below.
        let id = self.items.len() as u32;
        self.items.push(item);
        let Distinct { items, index, hasher, .. } = self;
        index.insert_unique(hash, id, |id| items.get(*id as usize).map_or(0, |item| hasher.hash_one(item)));
        (id, true)
    }

    /// Forgets which values are there: any other would be new.
    pub(super) fn seal(&mut self) {
        self.index = HashTable::new();
    }

    pub(super) fn get(&self, id: u32) -> Option<&T> {
        self.items.get(id as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }
}

/// Byte strings, one after another in one buffer.
#[derive(Debug)]
pub(super) struct Texts {
    bytes: Vec<u8>,
    /// Where each ends in `bytes`, that of the empty one first.
    ends: Vec<u32>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    most: usize,
}

impl Texts {
    /// Room for `most` bytes.
    pub(super) fn new(most: usize) -> Texts {
        Texts {
            bytes: Vec::new(),
            ends: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            most,
        }
    }

    /// The number of `text`, from 1 on, and whether it is new. 0 is the empty one.
    pub(super) fn insert(&mut self, text: &[u8]) -> (u32, bool) {
        if text.is_empty() {
            return (0, false);
        }
        let hash = self.hasher.hash_one(text);
        if let Some(id) = self.index.find(hash, |id| self.get(*id) == text) {
            return (*id, false);
        }
        if self.ends.is_empty() {
            self.bytes.reserve_exact(self.most);
            // The least that a text takes is a few bytes, but for the empty one.
            self.ends.reserve_exact(self.most / 8);
            self.ends.push(0);
        }
        let id = self.ends.len() as u32;
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as u32);
        let Texts { bytes, ends, index, hasher, .. } = self;
        index.insert_unique(hash, id, |id| hasher.hash_one(slice(bytes, ends, *id)));
        (id, true)
    }

    /// Forgets which texts are there: any other would be new.
    pub(super) fn seal(&mut self) {
        self.index = HashTable::new();
    }

    /// Empty for a number that [`Texts::insert`] did not give.
    pub(super) fn get(&self, id: u32) -> &[u8] {
        slice(&self.bytes, &self.ends, id)
    }
}

fn slice<'a>(bytes: &'a [u8], ends: &[u32], id: u32) -> &'a [u8] {
    let ends = (id as usize).checked_sub(1).and_then(|before| Some((*ends.get(before)?, *ends.get(before + 1)?)));
    ends.and_then(|(start, end)| bytes.get(start as usize..end as usize)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Distinct, Texts};

    #[test]
    fn a_text_is_kept_once() {
        let mut texts = Texts::new(0);
        let ids: Vec<_> = ["", "a", "ab", "a", "", "b"].map(|text| texts.insert(text.as_bytes())).to_vec();
        assert_eq!(ids, [(0, false), (1, true), (2, true), (1, false), (0, false), (3, true)]);
        assert_eq!([0, 1, 2, 3].map(|id| texts.get(id)), [&b""[..], b"a", b"ab", b"b"]);
        assert_eq!(texts.get(9), b"");
        for n in 0..1000_u32 {
            let (id, is_new) = texts.insert(n.to_string().as_bytes());
            assert!(is_new);
            assert_eq!(texts.get(id), n.to_string().as_bytes());
        }
    }

    #[test]
    fn a_value_is_kept_once() {
        let mut values = Distinct::new(3);
        let ids: Vec<_> = (0..1000).chain(0..1000).map(|n| values.insert(n % 500)).collect();
        assert!(ids.iter().zip((0..500).cycle()).all(|((id, _), n)| *id == n));
        assert_eq!(ids.iter().filter(|(_, is_new)| *is_new).count(), 500);
        assert_eq!((values.len(), values.get(499), values.get(500)), (500, Some(&499), None));
    }
}

//! Messages that fit: made smaller in steps until the service takes them.

/// What [`fit`] tries: everything, then each text at a half, a quarter, ... of its size.
const SCALES: [usize; 7] = [1, 2, 4, 8, 16, 64, 256];

/// The first of ever smaller versions that is within `limit`, by `size`; the smallest one if none is. `build` gets what
/// to divide its own limits of texts and numbers by.
pub(crate) fn fit<T>(limit: usize, build: impl Fn(usize) -> T, size: impl Fn(&T) -> usize) -> T {
    let mut smallest = build(SCALES[0]);
    for scale in &SCALES[1..] {
        if size(&smallest) <= limit {
            break;
        }
        smallest = build(*scale);
    }
    smallest
}

//! What is stored, without the records themselves: a whole store is seen once and need not fit into memory.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, Digest, SHA256};
use jiff::Timestamp;
use simulator::Expected;
use storage::StoredRecord;

use super::{Found, Ledger, compare};

/// What was seen of a store so far.
#[derive(Debug, Default)]
pub struct Inventory {
    found: Vec<Found>,
    kinds: BTreeMap<&'static str, KindSummary>,
    prints: Vec<[u8; 32]>,
}

/// How many records of a kind are stored, and from when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindSummary {
    /// How many.
    pub count: u64,
    /// The oldest one's instant; `None` for kinds without one.
    pub oldest: Option<Timestamp>,
    /// The newest one's instant.
    pub newest: Option<Timestamp>,
}

impl KindSummary {
    fn add(&mut self, instant: Option<Timestamp>) {
        self.count += 1;
        self.newest = self.newest.max(instant);
        self.oldest = match (self.oldest, instant) {
            (Some(oldest), Some(instant)) => Some(oldest.min(instant)),
            (oldest, instant) => oldest.or(instant),
        };
    }
}

impl Inventory {
    /// Takes note of a record.
    pub fn add(&mut self, stored: &StoredRecord) {
        let kind = stored.key.kind.name();
        let instant = stored.record.happened_at();
        self.kinds.entry(kind).or_default().add(instant);
        self.prints.push(print(stored));
        self.found.push(Found::from(stored));
    }

    /// Returns how many records there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.found.len() as u64
    }

    /// Returns what is stored, by kind.
    #[must_use]
    pub fn by_kind(&self) -> &BTreeMap<&'static str, KindSummary> {
        &self.kinds
    }

    /// Returns a fingerprint of the store's content: keys and bodies, but neither ids of our own nor when it was fetched
    /// nor in which order it was seen.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut prints: Vec<_> = self.prints.iter().collect();
        prints.sort_unstable();
        let mut context = Context::new(&SHA256);
        for print in prints {
            context.update(print);
        }
        let digest = context.finish();
        digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Compares what was seen with what must be there.
    #[must_use]
    pub fn compare(self, expected: &[Expected]) -> Ledger {
        compare(expected, self.found)
    }
}

fn print(stored: &StoredRecord) -> [u8; 32] {
    let (kind, key) = (stored.key.kind.name(), &stored.key);
    let facets = stored.details.iter();
    let facets = facets.flat_map(|(facet, text)| [facet.name(), text]);
    let mut context = Context::new(&SHA256);
    for part in [kind, &key.bucket, &key.sort, &stored.body]
        .into_iter()
        .chain(facets)
    {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    bytes(&context.finish())
}

/// A SHA-256 digest has 32 bytes.
fn bytes(digest: &Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTS: [[u8; 32]; 3] = [[1; 32], [2; 32], [3; 32]];

    fn digest_of(prints: &[[u8; 32]]) -> String {
        let prints = prints.to_vec();
        Inventory {
            prints,
            ..Inventory::default()
        }
        .digest()
    }

    #[test]
    fn the_order_of_records_does_not_matter_but_each_of_them_does() {
        let [a, b, c] = PRINTS;
        assert_eq!(digest_of(&[a, b, c]), digest_of(&[c, a, b]));
        assert_ne!(digest_of(&[a, b, c]), digest_of(&[a, b]));
        assert_ne!(digest_of(&[a, b, c]), digest_of(&[a, b, b]));
    }

    #[test]
    fn a_kind_spans_from_its_oldest_to_its_newest() {
        let instants = [5, 3, 9].map(|s| Timestamp::from_second(s).unwrap());
        let mut summary = KindSummary::default();
        for instant in instants {
            summary.add(Some(instant));
        }
        summary.add(None);
        let expected = (4, Some(instants[1]), Some(instants[2]));
        assert_eq!((summary.count, summary.oldest, summary.newest), expected);
    }
}

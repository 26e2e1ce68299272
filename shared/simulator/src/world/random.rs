//! Random numbers that stay the same for ever: `SplitMix64`, written out so that no crate upgrade can change a world.
//!
//! Every part of the world draws from its own stream, named by numbers (seed, day, project ...), so that one day's life does
//! not depend on how much was drawn for another.

use jiff::SignedDuration;
use uuid::{Builder, Uuid};

/// One stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// The stream with the given name; equal names give equal streams.
    pub(crate) fn stream(name: &[u64]) -> Self {
        Self(name.iter().fold(STEP, |state, part| {
            mix(state.rotate_left(17) ^ part.wrapping_mul(STEP))
        }))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The high half of the product is below `bound`, so nothing is cut.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// An index into a collection of `len` elements.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high.abs_diff(low) + 1) as i64
    }

    /// A duration between two numbers of microseconds, as fine as the service's clocks: in steps of 100 ns.
    pub(crate) fn duration(&mut self, low_micros: i64, high_micros: i64) -> SignedDuration {
        SignedDuration::from_nanos(100 * self.between(10 * low_micros, 10 * high_micros))
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A count with the given mean in thousandths: the whole part, one more with the probability of the rest, and now and then
    /// a busy or an idle turn.
    pub(crate) fn count(&mut self, mean_thousandths: u32) -> u32 {
        let swing = [0, 1, 1, 1, 2][self.index(5)];
        let mean = mean_thousandths.saturating_mul(swing);
        mean / 1_000 + u32::from(self.below(1_000) < u64::from(mean % 1_000))
    }

    /// One element of a non-empty slice.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.next().to_be_bytes());
        bytes[8..].copy_from_slice(&self.next().to_be_bytes());
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_give_equal_streams_and_others_do_not() {
        let draw = |name: &[u64]| {
            (0..4)
                .map(|_| 0)
                .scan(Random::stream(name), |r, _: i32| Some(r.next()))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(&[1, 2]), draw(&[1, 2]));
        assert_ne!(draw(&[1, 2]), draw(&[2, 1]));
    }

    #[test]
    fn draws_stay_in_their_bounds() {
        let mut random = Random::stream(&[3]);
        for _ in 0..1_000 {
            assert!(random.below(7) < 7);
            assert!((-3..=3).contains(&random.between(-3, 3)));
        }
    }

    #[test]
    fn counts_have_the_asked_mean() {
        let mut random = Random::stream(&[4]);
        let total: u32 = (0..10_000).map(|_| random.count(1_500)).sum();
        assert!((14_000..16_000).contains(&total), "{total}");
    }
}

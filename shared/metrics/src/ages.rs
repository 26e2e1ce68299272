//! The instant as of which something is told that has no moment of its own.

use jiff::{Timestamp, ToSpan};

use crate::Context;

/// Now, or the last instant of the range if that is over; `None` if the range has not begun.
pub(crate) fn as_of(context: &Context) -> Option<Timestamp> {
    let last = context.range.to - 1.microseconds();
    let at = last.min(context.now);
    context.range.contains(at).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{at, context};

    #[test]
    fn a_range_that_is_over_is_told_as_of_its_end() {
        let mut asked = context();
        assert_eq!(as_of(&asked), Some(asked.now));
        asked.range.to = at("2026-11-20T00:00:00Z");
        assert_eq!(as_of(&asked), Some(at("2026-11-19T23:59:59.999999Z")));
        asked.range.from = at("2026-12-01T00:00:00Z");
        asked.range.to = at("2026-12-02T00:00:00Z");
        assert_eq!(as_of(&asked), None);
    }
}

//! Where a list goes on, as a word that callers pass back and do not read.

use std::fmt::Write as _;

use entrypoint::problem::Problem;

/// The word for a place.
pub fn encode(place: &str) -> String {
    let mut word = String::with_capacity(2 * place.len());
    for byte in place.bytes() {
        // Writing to a text cannot fail.
        let _ = write!(word, "{byte:02x}");
    }
    word
}

/// The place that a word stands for.
///
/// # Errors
/// The word is none of ours.
pub fn decode(word: &str) -> Result<String, Problem> {
    let invalid = || {
        Problem::field(
            "cursor",
            "this is no cursor; pass back what `next` of an earlier answer says, or nothing for the beginning",
        )
    };
    if !word.is_ascii() || !word.len().is_multiple_of(2) {
        return Err(invalid());
    }
    let digits = (0..word.len()).step_by(2).map(|at| &word[at..at + 2]);
    let bytes: Option<Vec<u8>> = digits
        .map(|digits| {
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_hex.then(|| u8::from_str_radix(digits, 16).ok())?
        })
        .collect();
    let place = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    place.ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_for_the_place_that_it_was_made_of() {
        for place in ["", "PASS#2026-11-23T12:00:00Z#x", "stra\u{df}e"] {
            assert_eq!(decode(&encode(place)).unwrap(), place);
        }
    }

    #[test]
    fn another_word_is_refused_with_its_field() {
        for word in ["x", "0", "+f", "0g", "ff", "\u{e4}\u{e4}"] {
            assert_eq!(
                decode(word).unwrap_err().field.as_deref(),
                Some("cursor"),
                "{word}"
            );
        }
    }
}

//! Long texts over several items, because an item of DynamoDB holds 400 KB.
//!
//! The parts are written before the item that counts them, under sort keys that carry the text's digest: a reader
//! sees the old text or the new one, never a mixture, and a crash in between loses nothing.

/// What one item may hold of texts; the rest of the 400 KB is for keys and the other attributes.
const ITEM_BYTES: usize = 350 * 1024;

/// How many texts of one record share its item: the body, and at most three facets.
const SHARES: usize = 4;

/// Sorts after everything that a record's own sort key can be followed by.
const MARK: char = '\u{7f}';

/// The sort key of a part.
pub(super) fn part_key(sort: &str, name: &str, digest: &str, index: usize) -> String {
    format!("{sort}{MARK}{name}{MARK}{digest}{MARK}{index:04}")
}

/// Whether a sort key is that of a part.
pub(super) fn is_part(sort: &str) -> bool {
    sort.contains(MARK)
}

/// Whether a text is too long to stand in the item itself; the body and the facets share it.
pub(super) fn is_long(text: &str) -> bool {
    text.len() > ITEM_BYTES / SHARES
}

/// The text in parts that fit, cut between characters.
pub(super) fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(ITEM_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fit_and_join_to_the_text() {
        let text = "é✓x".repeat(300_000);
        let parts = split(&text);
        assert!(parts.len() > 4 && parts.iter().all(|part| part.len() <= ITEM_BYTES));
        assert_eq!(parts.concat(), text);
    }

    #[test]
    fn a_part_is_told_from_a_record() {
        assert!(is_part(&part_key("p#1", "body", "00", 0)));
        assert!(!is_part("p#1"));
    }
}

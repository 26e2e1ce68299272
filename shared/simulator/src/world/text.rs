//! Titles and descriptions.

const VERBS: [&str; 10] = [
    "Fix",
    "Add",
    "Remove",
    "Speed up",
    "Document",
    "Übersetze",
    "Retry",
    "Validate",
    "Log",
    "Simplify",
];
const THINGS: [&str; 12] = [
    "checkout",
    "the login page",
    "invoice export",
    "search \"as you type\"",
    "the nightly import",
    "payment retries",
    "le panier",
    "address validation",
    "the <header> layout",
    "audit trail & logs",
    "モバイル通知",
    "cache keys",
];
const SENTENCE: &str =
    "Customers reported this twice; see the thread with support. Zażółć gęślą jaźń. ";

/// A title for a number.
pub(crate) fn title(number: u32) -> String {
    let verb = VERBS[number as usize % VERBS.len()];
    let thing = THINGS[(number / 16) as usize % THINGS.len()];
    format!("{verb} {thing}")
}

/// A word fit for a branch name.
pub(crate) fn slug(number: u32) -> &'static str {
    ["checkout", "login", "export", "search", "import", "retries"][number as usize % 6]
}

/// Prose of exactly `length` characters.
pub(crate) fn prose(length: usize) -> String {
    SENTENCE.chars().cycle().take(length).collect()
}

/// The first `length` characters of a text, and whether anything was cut.
pub(crate) fn cut(text: &str, length: usize) -> (String, bool) {
    let cut: String = text.chars().take(length).collect();
    let is_cut = cut.len() < text.len();
    (cut, is_cut)
}

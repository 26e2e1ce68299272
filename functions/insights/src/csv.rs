//! Rows as CSV (RFC 4180) that no spreadsheet takes for a formula.

use metrics::Dimension;

use crate::answer::RowView;

/// A line of names, then a line for each row.
pub(crate) fn write(columns: &[Dimension], rows: &[RowView]) -> String {
    let mut text = String::from("at,value,link");
    for dimension in columns {
        text.push(',');
        text.push_str(dimension.name());
    }
    for row in rows {
        // An instant, a number and an address are ours and begin with none of the dangerous characters but a minus.
        text.push_str(&format!("\r\n{},{},", row.at, row.value));
        text.push_str(&cell(row.link.as_deref().unwrap_or("")));
        for dimension in columns {
            text.push(',');
            text.push_str(&cell(
                row.dimensions.get(dimension).map_or("", String::as_str),
            ));
        }
    }
    text.push_str("\r\n");
    text
}

/// A text that came from people: what a spreadsheet would calculate gets an apostrophe before it, as OWASP advises:
/// <https://owasp.org/www-community/attacks/CSV_Injection>.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let safe = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if is_formula || safe.contains(['"', ',', '\r', '\n', ';']) {
        format!("\"{}\"", safe.replace('"', "\"\""))
    } else {
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts() {
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        for start in ["=", "+", "-", "@", "\t", "\r", "\n"] {
            assert!(cell(&format!("{start}1")).starts_with("\"'"), "{start:?}");
        }
    }

    #[test]
    fn texts_with_commas_and_quotes_are_one_cell() {
        assert_eq!(cell("main"), "main");
        assert_eq!(cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
    }
}

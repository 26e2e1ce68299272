//! The files of the console, compressed when the program was built, and which coding a browser gets.

use axum::http::{HeaderMap, header};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file in the codings in which it can be sent.
#[derive(Debug)]
pub(crate) struct Content {
    plain: &'static [u8],
    gzip: &'static [u8],
    brotli: &'static [u8],
}

impl Content {
    /// The smallest form that the client takes, and the name of its coding; `None` for the file as it is.
    pub(crate) fn negotiate(&self, headers: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
        let accepted = headers
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if accepts(accepted, "br") {
            (Some("br"), self.brotli)
        } else if accepts(accepted, "gzip") {
            (Some("gzip"), self.gzip)
        } else {
            (None, self.plain)
        }
    }
}

/// The file at this path below the directory of the assets.
pub(crate) fn find(path: &str) -> Option<&'static Content> {
    let found = ASSETS.iter().find(|(own, _)| *own == path)?;
    Some(&found.1)
}

/// What a file is, by its ending.
pub(crate) fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

/// Whether a list such as `gzip, br;q=0.8` has a coding with a quality above 0.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3>
fn accepts(list: &str, coding: &str) -> bool {
    list.split(',').any(|entry| {
        let (name, parameters) = entry.split_once(';').unwrap_or((entry, ""));
        let quality = parameters.trim().strip_prefix("q=").map(str::parse::<f32>);
        let refused = matches!(quality, Some(Ok(quality)) if quality <= 0.0);
        name.trim().eq_ignore_ascii_case(coding) && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_taken_unless_it_is_refused() {
        for (list, expected) in [
            ("gzip, deflate, br, zstd", true),
            ("BR", true),
            ("br;q=0.5", true),
            ("br;q=0", false),
            ("gzip;q=1.0, br; q=0.0", false),
            ("brotli", false),
            ("", false),
        ] {
            assert_eq!(accepts(list, "br"), expected, "{list}");
        }
    }

    #[test]
    fn every_coding_holds_the_same_file() {
        use std::io::Read as _;

        for (path, content) in ASSETS {
            let mut gzip = Vec::new();
            let mut brotli = Vec::new();
            flate2::read::GzDecoder::new(content.gzip)
                .read_to_end(&mut gzip)
                .unwrap();
            brotli::BrotliDecompress(&mut &content.brotli[..], &mut brotli).unwrap();
            assert_eq!(gzip, content.plain, "{path}");
            assert_eq!(brotli, content.plain, "{path}");
        }
    }

    #[test]
    fn modules_import_what_is_there() {
        for (path, content) in ASSETS.iter().filter(|(path, _)| path.ends_with(".js")) {
            let text = std::str::from_utf8(content.plain).unwrap();
            let text = text.replace("from \"", "from\"");
            for import in text.split("from\"").skip(1) {
                let specifier = import.split('"').next().unwrap_or_default();
                // A comment may say "from", too.
                if specifier.starts_with('.') {
                    let target = resolve(path, specifier);
                    assert!(find(&target).is_some(), "{path} imports {specifier}");
                }
            }
        }
    }

    fn resolve(from: &str, specifier: &str) -> String {
        let mut parts: Vec<&str> = from.split('/').collect();
        parts.pop();
        for part in specifier.split('/') {
            match part {
                "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        parts.join("/")
    }
}

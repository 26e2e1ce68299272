//! The figures of a measurement, for a document.

use std::time::Duration;

use super::Report;
use super::text::seconds;
use crate::cli::queries::{Measured, percentile};
use crate::cli::traffic::{Share, Traffic};

impl Report {
    pub(super) fn markdown(&self) -> String {
        let mut lines = vec![
            format!("| `{}`, {} | |", self.scale, build()),
            "|---|---|".to_owned(),
        ];
        let figures = [
            self.of_the_store(),
            self.of_time(),
            self.of_memory(),
            self.of_the_end(),
        ];
        for (name, figure) in figures.into_iter().flatten() {
            lines.push(format!("| {name} | {figure} |"));
        }
        for (title, traffic) in [
            ("Requests of the first synchronization", &self.requests),
            ("Requests of a pass with nothing new", &self.idle),
        ] {
            lines.extend(traffic.iter().flat_map(|own| requests(title, own)));
        }
        if !self.queries.is_empty() {
            lines.extend(questions(&self.queries));
        }
        lines.join("\n") + "\n"
    }

    fn of_the_end(&self) -> Vec<(String, String)> {
        let end = self.departure.iter();
        end.flat_map(|own| {
            [
                ("deleting the connection".to_owned(), seconds(own.ms)),
                ("items deleted".to_owned(), own.items.to_string()),
                ("items left".to_owned(), own.left.len().to_string()),
            ]
        })
        .collect()
    }

    fn of_the_store(&self) -> Vec<(String, String)> {
        let mut figures = vec![("records".to_owned(), self.count().to_string())];
        if let Some(ledger) = &self.ledger {
            let wrong = format!(
                "{} / {} / {} / {}",
                ledger.missing, ledger.duplicate, ledger.stale, ledger.foreign
            );
            figures.push(("missing / duplicate / stale / foreign".to_owned(), wrong));
        }
        if let Some(own) = &self.throttling {
            let inside = own.requests_inside_retry_after.to_string();
            figures.push(("requests inside a Retry-After".to_owned(), inside));
        }
        figures
    }

    fn of_time(&self) -> Vec<(String, String)> {
        let per_record = |time: Duration| {
            let each = self.us_per_record(time);
            each.map_or("-".to_owned(), |us| format!("{us} us"))
        };
        let first = self.first_record_ms.map_or("-".to_owned(), seconds);
        [
            ("first record", first),
            ("everything stored", seconds(self.sync_ms)),
            (
                "processor time per record, functions only",
                per_record(self.usage.functions_cpu()),
            ),
            (
                "the same with tables, queues and simulator",
                per_record(self.usage.cpu()),
            ),
        ]
        .map(|(name, figure)| (name.to_owned(), figure))
        .into()
    }

    fn of_memory(&self) -> Vec<(String, String)> {
        let functions = self.usage.functions.iter();
        functions
            .filter(|(_, used)| used.peak_rss_bytes > 0)
            .map(|(function, used)| {
                let megabytes = used.peak_rss_bytes as f64 / f64::from(1 << 20);
                (
                    format!("peak memory of `{function}`"),
                    format!("{megabytes:.1} MB"),
                )
            })
            .collect()
    }
}

/// How the program was built decides the times.
fn build() -> &'static str {
    if cfg!(debug_assertions) {
        "a debug build"
    } else {
        "an optimized build"
    }
}

/// In the handler, and without the time in which DynamoDB, here an embedded one, was waited for.
fn questions(measured: &[Measured]) -> Vec<String> {
    let ms = |sorted: &[f64], share: f64| {
        let value = percentile(sorted, share);
        value.map_or("-".to_owned(), |own| format!("{own:.1} ms"))
    };
    let line = |own: &Measured| {
        format!(
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            own.question,
            own.handler.len(),
            own.records,
            ms(&own.handler, 0.5),
            ms(&own.handler, 0.99),
            ms(&own.own, 0.5),
            ms(&own.own, 0.99),
        )
    };
    let mut lines = vec![
        "\n| Question about 90 days | asked | records | handler p50 | p99 | without DynamoDB p50 | p99 |"
            .to_owned(),
        "|---|---:|---:|---:|---:|---:|---:|".to_owned(),
    ];
    lines.extend(measured.iter().map(line));
    lines
}

fn requests(title: &str, traffic: &Traffic) -> Vec<String> {
    let ratio = |share: Share| {
        share
            .ratio()
            .map_or("-".to_owned(), |own| format!("{own:.2}"))
    };
    let line = |name: &str, share: Share| {
        let (sent, floor) = (share.sent, share.floor);
        format!("| {name} | {sent} | {floor} | {} |", ratio(share))
    };
    let mut lines = vec![
        format!("\n| {title} | sent | floor | ratio |"),
        "|---|---:|---:|---:|".to_owned(),
    ];
    let rows = traffic.rows();
    lines.extend(rows.map(|(resource, share)| line(&format!("`{resource}`"), share)));
    lines.extend([
        line("in all", traffic.total()),
        line("without threads", traffic.without_threads()),
        line("lists only", traffic.lists()),
    ]);
    lines
}

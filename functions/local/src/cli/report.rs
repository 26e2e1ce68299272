//! The result, for people and for scripts.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::Throttling;

use crate::stack::DeadLetter;
use crate::verify::{KindSummary, Ledger};

/// What a run found in the end.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) organization: String,
    pub(super) records: BTreeMap<&'static str, KindSummary>,
    pub(super) requests: Option<BTreeMap<String, u64>>,
    /// How the functions got along with upstream's limits.
    pub(super) throttling: Option<Throttling>,
    pub(super) ledger: Option<Ledger>,
    pub(super) dead_letters: Vec<DeadLetter>,
    pub(super) first_record_ms: Option<u128>,
    pub(super) duration_ms: u128,
    pub(super) peak_rss_bytes: Option<u64>,
    /// Of the hungriest process of each function.
    pub(super) function_peak_rss_bytes: BTreeMap<String, u64>,
    pub(super) digest: String,
}

impl Report {
    /// Returns whether everything upstream is stored and no message is dead.
    pub(super) fn is_good(&self) -> bool {
        self.dead_letters.is_empty() && self.ledger.as_ref().is_none_or(Ledger::is_clean)
    }

    #[expect(clippy::print_stdout, reason = "this is the program's result")]
    pub(super) fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", self.json());
        } else {
            print!("{}", self.text());
        }
    }

    fn json(&self) -> Value {
        let counts: BTreeMap<_, _> = self
            .records
            .iter()
            .map(|(kind, summary)| (kind, summary.count))
            .collect();
        let requests = self.requests.as_ref().map(|by_resource| {
            json!({ "total": by_resource.values().sum::<u64>(), "by_resource": by_resource })
        });
        json!({
            "organization": self.organization,
            "records": counts,
            "requests": requests,
            "throttling": self.throttling,
            "ledger": self.ledger,
            "dead_letters": self.dead_letters.len(),
            "first_record_ms": self.first_record_ms,
            "duration_ms": self.duration_ms,
            "peak_rss_bytes": self.peak_rss_bytes,
            "function_peak_rss_bytes": self.function_peak_rss_bytes,
            "digest": self.digest,
        })
    }

    fn text(&self) -> String {
        let mut lines = vec![format!("{}\n", self.organization)];
        lines.push(format!(
            "  {:<22}{:>9}  {:<12}{:<12}",
            "records", "", "oldest", "newest"
        ));
        for (kind, summary) in &self.records {
            let day = |instant: Option<jiff::Timestamp>| {
                instant.map_or("-".to_owned(), model::record::day)
            };
            let (oldest, newest) = (day(summary.oldest), day(summary.newest));
            lines.push(format!(
                "  {kind:<22}{:>9}  {oldest:<12}{newest:<12}",
                summary.count
            ));
        }
        if let Some(by_resource) = &self.requests {
            lines.push(format!(
                "\n  {:<22}{:>9}",
                "requests",
                by_resource.values().sum::<u64>()
            ));
            lines.extend(
                by_resource
                    .iter()
                    .map(|(resource, count)| format!("  {resource:<22}{count:>9}")),
            );
        }
        lines.extend(
            self.throttling
                .as_ref()
                .map(|own| limits(own, self.duration_ms)),
        );
        lines.push(format!(
            "\n  first record after {}",
            self.first_record_ms.map_or("-".to_owned(), seconds)
        ));
        lines.push(format!(
            "  done after         {}",
            seconds(self.duration_ms)
        ));
        lines.push(format!("  {}", self.verdict()));
        lines.extend(
            self.dead_letters
                .iter()
                .map(|letter| format!("  dead in {}: {}", letter.queue, letter.body)),
        );
        lines.join("\n") + "\n"
    }

    fn verdict(&self) -> String {
        let dead = self.dead_letters.len();
        match &self.ledger {
            Some(ledger) if ledger.is_clean() && dead == 0 => {
                format!(
                    "everything upstream is stored: {} records, none missing, duplicate, stale or foreign",
                    ledger.expected
                )
            }
            Some(ledger) => format!(
                "NOT complete: of {} records {} missing, {} duplicate, {} stale, {} foreign; {dead} dead messages",
                ledger.expected, ledger.missing, ledger.duplicate, ledger.stale, ledger.foreign
            ),
            None => format!("{dead} dead messages"),
        }
    }
}

/// How the limits were kept and used.
fn limits(own: &Throttling, duration_ms: u128) -> String {
    let mut text = format!(
        "\n  {} requests inside a Retry-After, {} refused with 429, {} delayed",
        own.requests_inside_retry_after, own.throttled_429, own.delayed
    );
    if own.bound_ms > 0 {
        text += &format!(
            "\n  {} units take at least {}; the whole took {:.2} times as long",
            own.tstu_spent,
            seconds(u128::from(own.bound_ms)),
            duration_ms as f64 / own.bound_ms as f64
        );
    }
    text
}

fn seconds(ms: u128) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use simulator::Tstu;

    use super::*;

    fn report(missing: u64, dead: usize) -> Report {
        let letter = DeadLetter {
            queue: "Dead".to_owned(),
            body: "{}".to_owned(),
        };
        Report {
            organization: "fabrikam".to_owned(),
            records: BTreeMap::from([(
                "run",
                KindSummary {
                    count: 2,
                    oldest: None,
                    newest: None,
                },
            )]),
            requests: Some(BTreeMap::from([
                ("builds".to_owned(), 3),
                ("timeline".to_owned(), 4),
            ])),
            throttling: None,
            ledger: Some(Ledger {
                expected: 2 + missing,
                missing,
                ..Ledger::default()
            }),
            dead_letters: vec![letter; dead],
            first_record_ms: Some(1_234),
            duration_ms: 5_678,
            peak_rss_bytes: None,
            function_peak_rss_bytes: BTreeMap::new(),
            digest: "d".to_owned(),
        }
    }

    #[test]
    fn only_a_clean_ledger_without_dead_messages_is_good() {
        assert!(report(0, 0).is_good());
        assert!(!report(1, 0).is_good());
        assert!(!report(0, 1).is_good());
    }

    #[test]
    fn the_json_has_the_promised_fields() {
        let json = report(1, 1).json();
        assert_eq!(json["records"], json!({ "run": 2 }));
        assert_eq!(
            json["requests"],
            json!({ "total": 7, "by_resource": { "builds": 3, "timeline": 4 } })
        );
        assert_eq!(json["ledger"]["missing"], 1);
        assert_eq!(
            (&json["dead_letters"], &json["first_record_ms"]),
            (&json!(1), &json!(1_234))
        );
    }

    #[test]
    fn the_time_stands_beside_what_the_limits_allow() {
        let mut report = report(0, 0);
        report.throttling = Some(Throttling {
            requests_inside_retry_after: 1,
            throttled_429: 2,
            delayed: 3,
            tstu_spent: Tstu::units(400),
            bound_ms: 5_000,
        });
        assert_eq!(report.json()["throttling"]["tstu_spent"], 400.0);
        let text = report.text();
        for part in [
            "1 requests inside a Retry-After, 2 refused with 429, 3 delayed",
            "400 units take at least 5.000 s; the whole took 1.14 times as long",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn the_text_says_what_is_wrong() {
        assert!(
            report(0, 0)
                .text()
                .contains("everything upstream is stored: 2 records")
        );
        let text = report(1, 1).text();
        assert!(
            text.contains("NOT complete: of 3 records 1 missing")
                && text.contains("dead in Dead: {}"),
            "{text}"
        );
        assert!(text.contains("first record after 1.234 s"), "{text}");
    }
}

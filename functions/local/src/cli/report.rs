//! The result, for people and for scripts.

mod markdown;
mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use simulator::Throttling;

use super::departure::Departure;
use super::processes::Usage;
use super::queries::Measured;
use super::traffic::Traffic;
use crate::stack::DeadLetter;
use crate::verify::{KindSummary, Ledger};

/// How a result is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For a person at a terminal.
    Text,
    /// For a script: one JSON object.
    Json,
    /// For a document: the figures of a measurement.
    Markdown,
}

/// What a run found in the end.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) organization: String,
    /// How large the organization is: the scale of a simulated one.
    pub(super) scale: &'static str,
    pub(super) records: BTreeMap<&'static str, KindSummary>,
    /// Only the simulator counts requests and knows how few would do.
    pub(super) requests: Option<Traffic>,
    /// The requests of a pass with nothing new, if there was one.
    pub(super) idle: Option<Traffic>,
    /// How long questions took, if they were asked.
    pub(super) queries: Vec<Measured>,
    /// How the functions got along with upstream's limits.
    pub(super) throttling: Option<Throttling>,
    pub(super) ledger: Option<Ledger>,
    pub(super) dead_letters: Vec<DeadLetter>,
    pub(super) first_record_ms: Option<u128>,
    /// Until nothing was left to do.
    pub(super) sync_ms: u128,
    /// The same, and the reading back.
    pub(super) duration_ms: u128,
    /// What the synchronization used, without the reading back.
    pub(super) usage: Usage,
    pub(super) digest: String,
    /// What the end took, if the connection was deleted.
    pub(super) departure: Option<Departure>,
}

impl Report {
    /// Returns whether everything upstream is stored, no message is dead, and nothing is left of what was deleted.
    pub(super) fn is_good(&self) -> bool {
        self.dead_letters.is_empty()
            && self.ledger.as_ref().is_none_or(Ledger::is_clean)
            && self.departure.as_ref().is_none_or(Departure::is_complete)
    }

    #[expect(clippy::print_stdout, reason = "this is the program's result")]
    pub(super) fn print(&self, form: Form) {
        match form {
            Form::Text => print!("{}", self.text()),
            Form::Json => println!("{}", self.json()),
            Form::Markdown => print!("{}", self.markdown()),
        }
    }

    fn json(&self) -> Value {
        let counts = self.records.iter();
        let counts: BTreeMap<_, _> = counts.map(|(kind, own)| (kind, own.count)).collect();
        let functions = self.usage.functions.iter();
        let peaks: BTreeMap<_, _> = functions
            .filter(|(_, used)| used.peak_rss_bytes > 0)
            .map(|(function, used)| (function, used.peak_rss_bytes))
            .collect();
        json!({
            "organization": self.organization,
            "records": counts,
            "requests": self.requests.as_ref().map(Traffic::json),
            "idle_pass": self.idle.as_ref().map(Traffic::json),
            "throttling": self.throttling,
            "ledger": self.ledger,
            "dead_letters": self.dead_letters.len(),
            "first_record_ms": self.first_record_ms,
            "sync_ms": self.sync_ms,
            "duration_ms": self.duration_ms,
            "cpu_us_per_record": self.us_per_record(self.usage.cpu()),
            "functions_cpu_us_per_record": self.us_per_record(self.usage.functions_cpu()),
            "peak_rss_bytes": self.usage.runner.map(|used| used.peak_rss_bytes),
            "function_peak_rss_bytes": peaks,
            "deletion": self.departure.as_ref().map(Departure::json),
            "digest": self.digest,
        })
    }

    fn count(&self) -> u64 {
        self.records.values().map(|summary| summary.count).sum()
    }

    /// Returns a time's share of each record, in whole microseconds; `None` without records.
    fn us_per_record(&self, time: Duration) -> Option<u128> {
        time.as_micros().checked_div(u128::from(self.count()))
    }
}

#[cfg(test)]
mod tests {
    use simulator::{Floors, Tstu};

    use super::*;
    use crate::cli::processes::Used;

    /// Three seconds of processor time, two of them in a function.
    fn usage() -> Usage {
        let used = |s, peak_rss_bytes| Used {
            cpu: Duration::from_secs(s),
            peak_rss_bytes,
        };
        Usage {
            runner: Some(used(1, 9)),
            functions: BTreeMap::from([("FetchBoards".to_owned(), used(2, 3 << 20))]),
        }
    }

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
            scale: "small",
            requests: Some(Traffic::new(
                BTreeMap::from([("builds".to_owned(), 3), ("timeline".to_owned(), 4)]),
                Floors::new(),
            )),
            queries: Vec::new(),
            idle: None,
            throttling: None,
            ledger: Some(Ledger {
                expected: 2 + missing,
                missing,
                ..Ledger::default()
            }),
            dead_letters: vec![letter; dead],
            first_record_ms: Some(1_234),
            sync_ms: 5_000,
            duration_ms: 5_678,
            usage: usage(),
            departure: None,
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
    fn a_deletion_that_left_something_is_not_good() {
        for left in [vec![], vec!["RecordsTable a b".to_owned()]] {
            let is_complete = left.is_empty();
            let departure = Some(Departure {
                ms: 1,
                items: 3,
                left,
            });
            let report = Report {
                departure,
                ..report(0, 0)
            };
            assert_eq!(report.is_good(), is_complete);
            assert_eq!(report.text().contains("nothing is left"), is_complete);
        }
    }

    #[test]
    fn the_json_has_the_promised_fields() {
        let json = report(1, 1).json();
        assert_eq!(json["records"], json!({ "run": 2 }));
        assert_eq!(json["requests"]["total"], 7);
        let by_resource = json!({ "builds": 3, "timeline": 4 });
        assert_eq!(json["requests"]["by_resource"], by_resource);
        assert_eq!(json["functions_cpu_us_per_record"], 1_000_000);
        assert_eq!(json["cpu_us_per_record"], 1_500_000);
        assert_eq!(
            json["function_peak_rss_bytes"],
            json!({ "FetchBoards": 3 << 20 })
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
            bound_ms: 4_000,
        });
        assert_eq!(report.json()["throttling"]["tstu_spent"], 400.0);
        let text = report.text();
        for part in [
            "1 requests inside a Retry-After, 2 refused with 429, 3 delayed",
            "400 units take at least 4.000 s; the whole took 1.25 times as long",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn the_figures_for_a_document_name_scale_and_cost() {
        let mut report = report(0, 0);
        report.idle = report.requests.clone();
        let text = report.markdown();
        for part in [
            "| `small`, ",
            "| everything stored | 5.000 s |",
            "| processor time per record, functions only | 1000000 us |",
            "| peak memory of `FetchBoards` | 3.0 MB |",
            "| Requests of a pass with nothing new | sent | floor | ratio |",
            "| `builds` | 3 | 0 | - |",
        ] {
            assert!(text.contains(part), "no {part} in {text}");
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

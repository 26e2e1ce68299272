//! The result for a person at a terminal.

use simulator::Throttling;

use super::Report;
use crate::cli::departure::Departure;

impl Report {
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!("{}\n", self.organization)];
        lines.push(format!(
            "  {:<22}{:>9}  {:<12}newest",
            "records", "", "oldest"
        ));
        for (kind, summary) in &self.records {
            let day = |instant: Option<jiff::Timestamp>| {
                instant.map_or("-".to_owned(), model::record::day)
            };
            let (oldest, newest) = (day(summary.oldest), day(summary.newest));
            lines.push(format!(
                "  {kind:<22}{:>9}  {oldest:<12}{newest}",
                summary.count
            ));
        }
        if let Some(requests) = &self.requests {
            lines.extend(requests.lines("requests"));
        }
        if let Some(idle) = &self.idle {
            lines.extend(idle.lines("with nothing new"));
        }
        lines.extend(
            self.throttling
                .as_ref()
                .map(|own| limits(own, self.sync_ms)),
        );
        lines.push(format!(
            "\n  first record after {}",
            self.first_record_ms.map_or("-".to_owned(), seconds)
        ));
        lines.push(format!("  done after         {}", seconds(self.sync_ms)));
        lines.push(format!(
            "  read back after    {}",
            seconds(self.duration_ms)
        ));
        lines.push(format!("  {}", self.verdict()));
        lines.extend(self.departure.iter().map(end));
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

/// What the deletion did.
fn end(own: &Departure) -> String {
    let text = format!(
        "  deleted after      {}: {} items",
        seconds(own.ms),
        own.items
    );
    match own.left.as_slice() {
        [] => text + ", nothing is left",
        left => format!("{text}, NOT everything: {}", left.join(", ")),
    }
}

/// How the limits were kept and used.
fn limits(own: &Throttling, sync_ms: u128) -> String {
    let mut text = format!(
        "\n  {} requests inside a Retry-After, {} refused with 429, {} delayed",
        own.requests_inside_retry_after, own.throttled_429, own.delayed
    );
    if own.bound_ms > 0 {
        text += &format!(
            "\n  {} units take at least {}; the whole took {:.2} times as long",
            own.tstu_spent,
            seconds(u128::from(own.bound_ms)),
            sync_ms as f64 / own.bound_ms as f64
        );
    }
    text
}

pub(super) fn seconds(ms: u128) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}

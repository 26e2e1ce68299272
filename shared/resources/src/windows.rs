//! Lists by time that answer for a week at most: a pass goes from window to window. Pure.

use std::time::Duration;

use ado::{Host, Paging, Position, Request};
use jiff::Timestamp;

use crate::{
    Map, OVERLAP, Target,
    plan::{Cursor, Pass, Since, address},
};

/// The widest window: <https://learn.microsoft.com/rest/api/azure/devops/test/runs/query>.
const WIDEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long a project is left alone that had nothing, give or take the minutes between two ticks.
const QUIET: Duration = Duration::from_secs(23 * 3600);

/// A list by time that must be asked for in windows.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// Where the API is.
    pub host: Host,
    /// The path after the organization, with `{project}`.
    pub path: &'static str,
    /// The fixed part of the query.
    pub query: &'static [(&'static str, &'static str)],
    /// The parameter for the earliest time.
    pub from: &'static str,
    /// The parameter for the latest time.
    pub until: &'static str,
    /// The query that tells whether there is anything at all, so that a project without any costs one request and not
    /// one for each week.
    pub probe: &'static [(&'static str, &'static str)],
    /// The key of the items in the answer.
    pub items: &'static str,
    /// How a window continues.
    pub paging: Paging,
    /// What an item becomes.
    pub map: Map,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask whether there is anything at all.
    Probe,
    /// Nothing: there was nothing when it was last asked, and that is not long ago.
    Rest,
    /// Read this page of this window.
    Read(Pass),
}

impl Cursor {
    /// What comes next in a list by windows.
    pub fn next_window(&self, window_start: Timestamp, now: Timestamp) -> Next {
        match (&self.pass, &self.since) {
            (Some(pass), _) => Next::Read(pass.clone()),
            (None, Since::Nothing(at)) if now < *at + QUIET => Next::Rest,
            (None, Since::Nothing(at) | Since::Time(at)) => {
                let from = at.checked_sub(OVERLAP).unwrap_or(*at);
                Next::Read(window(from.max(window_start), None))
            }
            (None, _) => Next::Probe,
        }
    }

    /// The cursor behind a probe.
    #[must_use]
    pub fn probed(self, is_empty: bool, window_start: Timestamp, now: Timestamp) -> Self {
        match is_empty {
            true => Self {
                since: Since::Nothing(now),
                pass: None,
            },
            false => Self {
                since: self.since,
                pass: Some(window(window_start, None)),
            },
        }
    }

    /// The cursor behind a page of a window, and whether it was the last one. `clock` is the service's, as it was when
    /// the window was first asked for: what changes later belongs to the next pass.
    #[must_use]
    pub fn behind_window(
        self,
        pass: Pass,
        next: Option<Position>,
        newest: Option<Timestamp>,
        clock: Timestamp,
    ) -> (Self, bool) {
        let newest = pass.newest.max(newest);
        if let Some(position) = next {
            let pass = Pass {
                position,
                newest,
                ..pass
            };
            let since = self.since;
            return (
                Self {
                    since,
                    pass: Some(pass),
                },
                false,
            );
        }
        let end = pass.until.unwrap_or(clock);
        // A window that ends behind the service's present is the last: our clock may be slow, and decides nothing.
        if end >= clock {
            let had_any = newest.is_some() || matches!(self.since, Since::Time(_));
            let reached = end.min(clock);
            let since = match had_any {
                true => Since::Time(reached),
                false => Since::Nothing(reached),
            };
            return (Self { since, pass: None }, true);
        }
        let pass = Some(window(end, newest));
        let since = self.since;
        (Self { since, pass }, false)
    }
}

/// The window that begins at an instant.
fn window(from: Timestamp, newest: Option<Timestamp>) -> Pass {
    let until = from.checked_add(WIDEST).unwrap_or(Timestamp::MAX);
    Pass {
        position: Position::Start,
        from,
        until: Some(until),
        newest,
        ids: None,
        listed: crate::open::Places::default(),
    }
}

/// The request that tells whether there is anything at all.
pub fn probe_request(windows: &Windows, target: &Target<'_>) -> Request {
    let mut request = address((windows.host, windows.path), target, None);
    for (name, value) in windows.probe {
        request = request.query(*name, *value);
    }
    request
}

/// The request for a page of a window.
pub fn window_request(windows: &Windows, target: &Target<'_>, pass: &Pass) -> Request {
    let mut request = address((windows.host, windows.path), target, None);
    for (name, value) in windows.query {
        request = request.query(*name, *value);
    }
    // The service reads no more than seven digits of a second, and whole ones lose nothing: windows overlap.
    let text = |at: Timestamp| {
        Timestamp::from_second(at.as_second())
            .unwrap_or(at)
            .to_string()
    };
    request = request.query(windows.from, text(pass.from));
    request = request.query(windows.until, text(pass.until.unwrap_or(pass.from)));
    windows.paging.apply(&pass.position, &mut request);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The windows of a pass in which something is found or not.
    fn read(mut cursor: Cursor, now: &str, newest: Option<Timestamp>) -> (Vec<Pass>, Cursor) {
        let (start, now) = (at("2026-08-25T12:00:00Z"), at(now));
        let mut windows = Vec::new();
        while let Next::Read(pass) = cursor.next_window(start, now) {
            windows.push(pass.clone());
            let (next, is_last) = cursor.behind_window(pass, None, newest, now);
            cursor = next;
            if is_last {
                break;
            }
        }
        (windows, cursor)
    }

    const NOW: &str = "2026-11-23T12:00:00Z";

    #[test]
    fn ninety_days_are_thirteen_windows_without_a_gap() {
        let cursor = Cursor::default().probed(false, at("2026-08-25T12:00:00Z"), at(NOW));
        let (windows, cursor) = read(cursor, NOW, Some(at(NOW)));
        assert_eq!(windows.len(), 13);
        for pair in windows.windows(2) {
            assert_eq!(pair[0].until, Some(pair[1].from));
        }
        assert_eq!(cursor.since, Since::Time(at(NOW)));
    }

    #[test]
    fn a_project_without_any_is_asked_once_and_left_alone_for_a_day() {
        let start = at("2026-08-25T12:00:00Z");
        assert_eq!(Cursor::default().next_window(start, at(NOW)), Next::Probe);
        let nothing = Cursor::default().probed(true, start, at(NOW));
        assert!(nothing.is_backfilled());
        assert_eq!(
            nothing.next_window(start, at("2026-11-23T13:00:00Z")),
            Next::Rest
        );
        let (windows, cursor) = read(nothing, "2026-11-24T12:00:00Z", None);
        assert_eq!(windows.len(), 1);
        assert_eq!(cursor.since, Since::Nothing(at("2026-11-24T12:00:00Z")));
    }

    #[test]
    fn a_later_pass_reaches_back_a_little_and_a_first_find_ends_the_rest() {
        let nothing = Cursor {
            since: Since::Nothing(at(NOW)),
            pass: None,
        };
        let (windows, found) = read(nothing, "2026-11-24T12:00:00Z", Some(at(NOW)));
        assert_eq!(windows[0].from, at("2026-11-23T11:50:00Z"));
        assert_eq!(found.since, Since::Time(at("2026-11-24T12:00:00Z")));
        let (windows, _) = read(found, "2026-11-24T12:05:00Z", None);
        assert_eq!(windows.len(), 1, "no rest where there are tests");
    }

    #[test]
    fn the_cursor_never_passes_the_clock_of_the_service() {
        let cursor = Cursor {
            since: Since::Time(at(NOW)),
            pass: None,
        };
        let now = at("2026-11-23T12:30:00Z");
        let Next::Read(pass) = cursor.next_window(at("2026-08-25T12:00:00Z"), now) else {
            panic!("a pass reads");
        };
        let clock = at("2026-11-23T12:20:00Z");
        let (cursor, is_last) = cursor.behind_window(pass, None, None, clock);
        assert_eq!((cursor.since, is_last), (Since::Time(clock), true));
    }
}

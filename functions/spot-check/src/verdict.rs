//! What kind of difference there is, why, and when it goes by itself. Pure.

use jiff::Timestamp;
use model::{Record, Retention};
use serde::Serialize;

use crate::{
    compare::Field,
    find::{Known, Live},
};

/// Everything that the verdict rests on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) stored: Option<Stored<'a>>,
    pub(crate) live: &'a Live,
    pub(crate) fields: &'a [Field],
    pub(crate) known: &'a Known,
    pub(crate) retention: Retention,
    pub(crate) now: Timestamp,
}

/// A record that is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'a> {
    pub(crate) record: &'a Record,
    /// When it expires; `None` while the thing is open.
    pub(crate) expires_at: Option<Timestamp>,
}

/// What came of the look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    /// In one word.
    pub(crate) verdict: Outcome,
    /// What is behind it; `null` where there is nothing to explain.
    pub(crate) why: Option<Why>,
    /// Both in words.
    pub(crate) explanation: String,
    /// When the next pass over what brings it begins, if that will change the verdict; it may be due already.
    pub(crate) follows_at: Option<Timestamp>,
}

/// How the sides stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// They say the same.
    Equal,
    /// Azure DevOps has a newer state.
    StoredIsOlder,
    /// Azure DevOps gave an older state than the stored one.
    StoredIsNewer,
    /// It is the same state, with other values.
    Differs,
    /// Azure DevOps shows it, and it is not stored.
    MissingHere,
    /// It is stored, and Azure DevOps does not show it.
    MissingUpstream,
    /// It is on neither side.
    Nowhere,
    /// The credential may not look.
    NotReadable,
    /// Azure DevOps gave no answer that could be used.
    Unavailable,
}

/// What is behind an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// It has changed, or came up, since the last pass.
    SinceLastPass,
    /// No pass has seen everything yet.
    FirstPass,
    /// What brings it fails.
    PassFails,
    /// It could not be understood when it came.
    SetAside,
    /// It was over before the time that is kept.
    OutsideWindow,
    /// The connection leaves out what it belongs to.
    Excluded,
    /// A user has paused what reads it.
    Paused,
    /// Something that it names was renamed; that changes nothing of the thing itself.
    Renamed,
    /// It was deleted upstream, and that is known here.
    DeletedKnown,
    /// It was deleted upstream, or is hidden from the credential.
    DeletedOrHidden,
    /// Nothing explains it.
    Unexplained,
}

/// The verdict.
pub(crate) fn judge(situation: &Situation<'_>) -> Verdict {
    match (situation.stored, situation.live) {
        (_, Live::NotReadable { reason }) => said(Outcome::NotReadable, None, reason.clone()),
        (_, Live::Unavailable { reason }) => said(Outcome::Unavailable, None, reason.clone()),
        (None, Live::Missing) => said(
            Outcome::Nowhere,
            None,
            "Neither is it stored, nor does Azure DevOps show it: the id is wrong, or it lies somewhere else.".to_owned(),
        ),
        (Some(stored), Live::Missing) => gone(stored),
        (None, Live::Found(live)) => missing_here(situation, live),
        (Some(stored), Live::Found(live)) => both(situation, stored.record, live),
    }
}

fn said(verdict: Outcome, why: Option<Why>, explanation: String) -> Verdict {
    Verdict {
        verdict,
        why,
        explanation,
        follows_at: None,
    }
}

/// Stored, and not shown upstream.
fn gone(stored: Stored<'_>) -> Verdict {
    let is_known = match stored.record {
        Record::WorkItem(item) => !item.is_there(),
        Record::Run(run) => run.gone_at.is_some(),
        _ => false,
    };
    let until = match stored.expires_at {
        Some(at) => format!("The record stays until {at}."),
        _ => "The record stays as long as the thing counts as open.".to_owned(),
    };
    if is_known {
        let explanation =
            format!("It was deleted in Azure DevOps, and is stored as deleted. {until}");
        return said(
            Outcome::MissingUpstream,
            Some(Why::DeletedKnown),
            explanation,
        );
    }
    let explanation = format!(
        "Azure DevOps does not show it any more: it was deleted, or is hidden from the credential of the connection. Absence \
         deletes nothing here. {until}"
    );
    said(
        Outcome::MissingUpstream,
        Some(Why::DeletedOrHidden),
        explanation,
    )
}

/// Shown upstream, and not stored.
fn missing_here(situation: &Situation<'_>, live: &Record) -> Verdict {
    let known = situation.known;
    let verdict = |why, explanation: String| said(Outcome::MissingHere, Some(why), explanation);
    let expired = live
        .last_event()
        .filter(|at| situation.retention.expires_at(*at) <= situation.now.as_second());
    if let Some(at) = expired {
        let days = situation.retention.as_days();
        let explanation =
            format!("It was over at {at}; a record is kept for {days} days after its last event.");
        return verdict(Why::OutsideWindow, explanation);
    }
    if known.is_excluded {
        let explanation =
            "The connection leaves out the project, repository or pipeline that it belongs to.";
        return verdict(Why::Excluded, explanation.to_owned());
    }
    if let Some(reason) = &known.set_aside {
        let explanation = format!("It came, and could not be stored: {reason}.");
        return verdict(Why::SetAside, explanation);
    }
    if let Some(verdict) = held_up(situation, Outcome::MissingHere) {
        return verdict;
    }
    match known.stream.completed_at {
        None => follows(
            situation,
            (Outcome::MissingHere, Why::FirstPass),
            "The first pass over what brings it is not over yet.",
        ),
        Some(at) if changed_at(live).is_none_or(|changed| changed >= at) => follows(
            situation,
            (Outcome::MissingHere, Why::SinceLastPass),
            "It is younger than the last pass.",
        ),
        Some(at) => verdict(
            Why::Unexplained,
            format!(
                "It should be here: it is older than the last complete pass, at {at}. Synchronize now, and if it is still \
                 missing then, this is a defect."
            ),
        ),
    }
}

/// On both sides.
fn both(situation: &Situation<'_>, stored: &Record, live: &Record) -> Verdict {
    let differing = situation
        .fields
        .iter()
        .filter(|own| own.difference.matters());
    let count = differing.count();
    if count == 0 {
        let explanation = "What is stored is what Azure DevOps says.".to_owned();
        return said(Outcome::Equal, None, explanation);
    }
    match age(stored, live) {
        Age::Older if situation.known.is_excluded => said(
            Outcome::StoredIsOlder,
            Some(Why::Excluded),
            "It has changed, and the connection leaves out by now what it belongs to: what is stored stays as it is until it \
             expires, and is not counted."
                .to_owned(),
        ),
        Age::Older => held_up(situation, Outcome::StoredIsOlder).unwrap_or_else(|| {
            follows(
                situation,
                (Outcome::StoredIsOlder, Why::SinceLastPass),
                "It has changed since the last pass.",
            )
        }),
        Age::Newer => said(
            Outcome::StoredIsNewer,
            None,
            "Azure DevOps gave an older state than the one that is stored; look again in a minute.".to_owned(),
        ),
        Age::Same => said(
            Outcome::Differs,
            Some(Why::Renamed),
            "It is the same state of the thing with other values: something that it names, such as a person or a pipeline, is \
             called otherwise now. What is stored is as it was when it was fetched, and follows when the thing itself changes."
                .to_owned(),
        ),
    }
}

/// What keeps the thing from coming, if what brings it fails.
fn held_up(situation: &Situation<'_>, outcome: Outcome) -> Option<Verdict> {
    if situation.known.is_paused {
        let explanation = "A user has paused what reads it; it follows when that is resumed.";
        return Some(said(outcome, Some(Why::Paused), explanation.to_owned()));
    }
    let error = situation.known.stream.last_error.as_ref()?;
    let because = format!("What brings it fails: {error}.");
    Some(follows(situation, (outcome, Why::PassFails), &because))
}

/// A verdict that changes by itself.
fn follows(situation: &Situation<'_>, (verdict, why): (Outcome, Why), because: &str) -> Verdict {
    let due = situation.known.stream.due_at;
    let due = due.filter(|at| at.as_second() < Timestamp::MAX.as_second());
    let when = match due {
        Some(at) if at > situation.now => format!("The next pass begins at {at}."),
        _ => "The next pass is due.".to_owned(),
    };
    Verdict {
        verdict,
        why: Some(why),
        explanation: format!("{because} {when}"),
        follows_at: due,
    }
}

/// How old the stored state is beside the live one.
enum Age {
    Older,
    Same,
    Newer,
}

/// Pull requests have no version: an open one is read with every pass, so any difference is one of time; one that was closed
/// changes by being closed another time.
fn age(stored: &Record, live: &Record) -> Age {
    let (stored, live) = match (stored, live) {
        (Record::PullRequest(stored), Record::PullRequest(live)) => {
            let is_older = live.closed_at.is_none() || stored.closed_at < live.closed_at;
            return match (is_older, stored.closed_at > live.closed_at) {
                (true, _) => Age::Older,
                (false, true) => Age::Newer,
                (false, false) => Age::Same,
            };
        }
        (stored, live) => (stored.version(), live.version()),
    };
    match stored.cmp(&live) {
        std::cmp::Ordering::Less => Age::Older,
        std::cmp::Ordering::Equal => Age::Same,
        std::cmp::Ordering::Greater => Age::Newer,
    }
}

/// When the thing came into the state in which Azure DevOps shows it, as far as it says.
fn changed_at(live: &Record) -> Option<Timestamp> {
    match live {
        Record::WorkItem(item) => Some(item.changed_at),
        Record::Run(run) => Some(run.changed_at()),
        Record::PullRequest(own) => own.closed_at.or(Some(own.created_at)),
        record => record.happened_at(),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use serde_json::{Value, json};
    use storage::Stream;

    use super::*;
    use crate::compare::{
        compare,
        tests::{pull_request, run, work_item},
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// One look at 12:00 on 2026-11-29: the last complete pass was at 11:00, the next is at 12:15.
    struct Look {
        stored: Option<Record>,
        live: Live,
        known: Known,
    }

    impl Look {
        fn new(stored: Option<Record>, live: Option<Record>) -> Self {
            let stream = Stream {
                completed_at: Some(at("2026-11-29T11:00:00Z")),
                due_at: Some(at("2026-11-29T12:15:00Z")),
                ..Stream::default()
            };
            Self {
                stored,
                live: live.map_or(Live::Missing, |live| Live::Found(Box::new(live))),
                known: Known {
                    stream,
                    ..Known::default()
                },
            }
        }

        fn verdict(&self) -> Verdict {
            let fields = compare(self.stored.as_ref(), self.live.record()).unwrap();
            let kept = SignedDuration::from_hours(24 * 90);
            judge(&Situation {
                stored: self.stored.as_ref().map(|record| Stored {
                    record,
                    expires_at: record.last_event().map(|at| at + kept),
                }),
                live: &self.live,
                fields: &fields,
                known: &self.known,
                retention: Retention::days(90),
                now: at("2026-11-29T12:00:00Z"),
            })
        }

        fn outcome(&self) -> (Outcome, Option<Why>) {
            let verdict = self.verdict();
            (verdict.verdict, verdict.why)
        }
    }

    /// A run that upstream touched last at an instant.
    fn run_at(instant: &str, result: &str) -> Record {
        run(|body| {
            body["last_changed_at"] = json!(instant);
            body["result"] = json!(result);
        })
    }

    #[test]
    fn equal_sides_need_no_explanation() {
        let look = Look::new(Some(run(|_| {})), Some(run(|_| {})));
        assert_eq!(look.outcome(), (Outcome::Equal, None));
        assert_eq!(look.verdict().follows_at, None);
    }

    #[test]
    fn a_newer_state_upstream_follows_with_the_next_pass() {
        let (old, new) = ("2026-11-02T10:05:00Z", "2026-11-29T11:30:00Z");
        let look = Look::new(Some(run_at(old, "succeeded")), Some(run_at(new, "failed")));
        let since = (Outcome::StoredIsOlder, Some(Why::SinceLastPass));
        assert_eq!(look.outcome(), since);
        let verdict = look.verdict();
        assert_eq!(verdict.follows_at, Some(at("2026-11-29T12:15:00Z")));
        assert!(verdict.explanation.contains("2026-11-29T12:15:00Z"));
        let back = Look::new(Some(run_at(new, "failed")), Some(run_at(old, "succeeded")));
        assert_eq!(back.outcome().0, Outcome::StoredIsNewer);
        let mut excluded = Look::new(Some(run_at(old, "succeeded")), Some(run_at(new, "failed")));
        excluded.known.is_excluded = true;
        let expected = (Outcome::StoredIsOlder, Some(Why::Excluded));
        assert_eq!(excluded.outcome(), expected);
        let rev = |rev: u32| work_item(|body| body["rev"] = json!(rev));
        assert_eq!(Look::new(Some(rev(4)), Some(rev(5))).outcome(), since);
    }

    #[test]
    fn other_values_of_the_same_state_do_not_follow() {
        let renamed = run(|body| body["requested_for"]["name"] = json!("Anne"));
        let look = Look::new(Some(run(|_| {})), Some(renamed));
        assert_eq!(look.outcome(), (Outcome::Differs, Some(Why::Renamed)));
        assert_eq!(look.verdict().follows_at, None);
    }

    #[test]
    fn a_pull_request_is_as_old_as_its_end() {
        let closed = |instant: Option<&str>, title: &str| {
            pull_request(|body| {
                body["closed_at"] = instant.map_or(Value::Null, |at| json!(at));
                body["title"] = json!(title);
            })
        };
        let (one, two) = (Some("2026-11-20T10:00:00Z"), Some("2026-11-21T10:00:00Z"));
        for (stored, live, expected) in [
            (None, None, Outcome::StoredIsOlder),
            (None, one, Outcome::StoredIsOlder),
            (one, two, Outcome::StoredIsOlder),
            (one, None, Outcome::StoredIsOlder),
            (one, one, Outcome::Differs),
            (two, one, Outcome::StoredIsNewer),
        ] {
            let look = Look::new(Some(closed(stored, "a")), Some(closed(live, "b")));
            assert_eq!(look.outcome().0, expected, "{stored:?} {live:?}");
        }
    }

    #[test]
    fn what_is_missing_here_is_explained_by_the_first_cause_that_holds() {
        let old = run(|body| {
            for field in ["queued_at", "started_at", "finished_at", "last_changed_at"] {
                body[field] = json!("2026-08-01T10:00:00Z");
            }
        });
        let missing = |why| (Outcome::MissingHere, Some(why));
        let here = |live: Record| Look::new(None, Some(live));
        assert_eq!(here(old).outcome(), missing(Why::OutsideWindow));
        let new = here(run_at("2026-11-29T11:30:00Z", "failed"));
        assert_eq!(new.outcome(), missing(Why::SinceLastPass));
        let mut look = here(run(|_| {}));
        assert_eq!(look.outcome(), missing(Why::Unexplained));
        look.known.stream.completed_at = None;
        assert_eq!(look.outcome(), missing(Why::FirstPass));
        look.known.stream.last_error = Some("vsrm refused access".to_owned());
        assert_eq!(look.outcome(), missing(Why::PassFails));
        assert!(look.verdict().explanation.contains("vsrm refused access"));
        look.known.is_paused = true;
        assert_eq!(look.outcome(), missing(Why::Paused));
        look.known.set_aside = Some("a field is missing".to_owned());
        assert_eq!(look.outcome(), missing(Why::SetAside));
        look.known.is_excluded = true;
        assert_eq!(look.outcome(), missing(Why::Excluded));
    }

    #[test]
    fn what_upstream_does_not_show_stays_and_is_told_until_when() {
        let look = Look::new(Some(run(|_| {})), None);
        let unknown = (Outcome::MissingUpstream, Some(Why::DeletedOrHidden));
        assert_eq!(look.outcome(), unknown);
        assert!(look.verdict().explanation.contains("2027-01-31T10:05:00Z"));
        let open = Look::new(Some(work_item(|_| {})), None);
        assert_eq!(open.outcome(), unknown);
        assert!(open.verdict().explanation.contains("as long as"));
        let deleted = work_item(|body| body["is_deleted"] = json!(true));
        let gone = run(|body| body["gone_at"] = json!("2026-11-20T10:00:00Z"));
        for known in [deleted, gone] {
            let expected = (Outcome::MissingUpstream, Some(Why::DeletedKnown));
            assert_eq!(Look::new(Some(known), None).outcome(), expected);
        }
        assert_eq!(Look::new(None, None).outcome(), (Outcome::Nowhere, None));
    }

    #[test]
    fn no_answer_is_never_taken_for_an_absence() {
        let reason = "refused".to_owned();
        for (live, expected) in [
            (
                Live::NotReadable {
                    reason: reason.clone(),
                },
                Outcome::NotReadable,
            ),
            (Live::Unavailable { reason }, Outcome::Unavailable),
        ] {
            for stored in [None, Some(run(|_| {}))] {
                let look = Look {
                    live: live.clone(),
                    ..Look::new(stored, None)
                };
                assert_eq!(look.verdict().verdict, expected);
                assert_eq!(look.verdict().explanation, "refused");
            }
        }
    }

    #[test]
    fn a_time_that_never_comes_is_not_promised() {
        let mut look = Look::new(None, Some(run_at("2026-11-29T11:30:00Z", "failed")));
        look.known.stream.due_at = Some(Timestamp::MAX);
        let verdict = look.verdict();
        assert_eq!(verdict.follows_at, None);
        assert!(
            !verdict.explanation.contains("9999"),
            "{}",
            verdict.explanation
        );
    }
}

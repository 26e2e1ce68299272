//! From a cursor to the next request, and from a page to the next cursor. Pure.
//!
//! A [`Cursor`] has two parts: where the next pass begins, and where a pass under way stands. The first part moves only
//! when a pass has seen everything, so that a pass that is given up loses nothing; for tokens and ids, which follow
//! upstream's own order, every page moves it.

use std::{collections::BTreeMap, time::Duration};

use ado::{Body, Host, Page, Position, Request};
use jiff::Timestamp;
use model::{Child, Record};
use serde::{Deserialize, Serialize};

use crate::gone_work_items::Missing;
pub use crate::open::{Open, Places};
use crate::{BatchOf, CursorRule, DetailsOf, Each, List, Target, event_time};

/// Where a stream stands. Stored as JSON; a page is the unit of progress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Where the next pass begins.
    pub since: Since,
    /// Where the pass under way stands; `None` between passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
}

/// Where a pass begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// At the beginning of the retention window: there was no pass yet.
    #[default]
    Window,
    /// A little before the newest thing seen.
    Time(Timestamp),
    /// Behind this token.
    Token(String),
    /// Behind this id.
    Id(u64),
    /// At the beginning again: the list is always read whole.
    Whole,
    /// A little before this time, at which there had never been anything.
    Nothing(Timestamp),
    /// At the beginning again, knowing what was open.
    Open(Open),
    /// At the beginning again, with what the pass before did not find.
    Missing(Missing),
    /// At the beginning again, with what was open at the end of the pass before.
    OpenRuns(OpenRuns),
}

/// The runs of a project that had not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenRuns {
    /// When each was queued, by its id: its key follows from both.
    pub runs: BTreeMap<u64, Timestamp>,
    /// Whether the service has to be asked for one state at a time.
    #[serde(default, skip_serializing_if = "is_false")]
    pub one_by_one: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A pass under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// The next page.
    pub position: Position,
    /// Where the pass began; every page asks for the same.
    pub from: Timestamp,
    /// The end of the list while it is paged, on the service's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The newest time seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Timestamp>,
    /// The ids seen, where a pass goes from list to list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Ids>,
    /// What was seen of a list of what is open.
    #[serde(default, skip_serializing_if = "Places::is_empty")]
    pub listed: Places,
}

/// The ids of some records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// The highest.
    pub highest: Option<u64>,
    /// The lowest.
    pub lowest: Option<u64>,
    /// The lowest of those that are not over.
    pub lowest_open: Option<u64>,
    /// Whether each was lower than the one before it.
    pub descending: bool,
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            highest: None,
            lowest: None,
            lowest_open: None,
            descending: true,
        }
    }
}

impl Ids {
    /// The ids of records in the order in which they came.
    pub fn of(records: &[Record]) -> Self {
        let ids = || records.iter().filter_map(id);
        let open = |record: &&Record| record.last_event().is_none();
        Self {
            highest: ids().max(),
            lowest: ids().min(),
            lowest_open: records.iter().filter(open).filter_map(id).min(),
            descending: ids().zip(ids().skip(1)).all(|(one, next)| one > next),
        }
    }

    /// These and those, in any order.
    #[must_use]
    pub fn and(self, more: &Self) -> Self {
        let lower = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
        Self {
            highest: self.highest.max(more.highest),
            lowest: lower(self.lowest, more.lowest),
            lowest_open: lower(self.lowest_open, more.lowest_open),
            descending: self.descending && more.descending,
        }
    }
}

/// What the records of a page say of where a stream stands, so that the records need not be kept until the cursor moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The highest id.
    highest: Option<u64>,
    /// The newest time.
    newest: Option<Timestamp>,
    /// Where the things are that a list of open ones holds.
    listed: Places,
}

impl Marks {
    /// Takes in some more records of the page.
    pub fn add(&mut self, records: &[Record]) {
        self.highest = self.highest.max(records.iter().filter_map(id).max());
        let newest = records.iter().filter_map(event_time).max();
        self.newest = self.newest.max(newest);
        self.listed.extend(records);
    }
}

/// What a page was, as far as the cursor is concerned.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The page.
    pub page: &'a Page<'a>,
    /// The answer that it came in.
    pub body: &'a Body,
    /// What its records say of where the stream stands.
    pub marks: &'a Marks,
    /// The service's clock.
    pub server_time: Option<Timestamp>,
}

/// The next cursor, and whether the pass is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What to store once the page is durable.
    pub cursor: Cursor,
    /// Whether nothing newer is left.
    pub dry: bool,
}

impl Cursor {
    /// Whether a pass has seen everything once.
    pub fn is_backfilled(&self) -> bool {
        self.since != Since::Window
    }

    /// The pass under way, or the beginning of a new one.
    fn pass(&self, rule: &CursorRule, window_start: Timestamp) -> Pass {
        self.pass.clone().unwrap_or_else(|| {
            let (overlap, reach) = match rule {
                CursorRule::Time { overlap, reach, .. } => (*overlap, *reach),
                _ => (Duration::ZERO, Duration::ZERO),
            };
            let from = match self.since {
                Since::Time(newest) => newest.checked_sub(overlap).unwrap_or(newest),
                _ => window_start.checked_sub(reach).unwrap_or(window_start),
            };
            let position = match &self.since {
                Since::Token(token) => Position::Token(token.clone()),
                _ => Position::Start,
            };
            Pass {
                position,
                from,
                until: None,
                newest: None,
                ids: None,
                listed: Places::default(),
            }
        })
    }

    /// The sort key of the record whose list was read last in a pass that goes from list to list.
    pub fn done(&self) -> Option<&str> {
        match &self.pass.as_ref()?.position {
            Position::Token(sort) => Some(sort),
            _ => None,
        }
    }

    /// The cursor behind the list of the record with this sort key.
    #[must_use]
    pub fn behind(self, sort: &str, seen: Ids, now: Timestamp) -> Self {
        let before = self.pass.and_then(|pass| pass.ids).unwrap_or_default();
        Self {
            since: self.since,
            pass: Some(Pass {
                position: Position::Token(sort.to_owned()),
                from: now,
                until: None,
                newest: None,
                ids: Some(before.and(&seen)),
                listed: Places::default(),
            }),
        }
    }

    /// The cursor behind the last list: a later pass reads back to the lowest id that was not over, or that was new.
    #[must_use]
    pub fn concluded(self) -> Self {
        let ids = self.pass.and_then(|pass| pass.ids).unwrap_or_default();
        let before = match self.since {
            Since::Id(before) => before,
            _ => 0,
        };
        let floor = ids.lowest_open.or(ids.highest).unwrap_or(before);
        Self {
            since: Since::Id(floor),
            pass: None,
        }
    }

    /// The request for the next page of a list.
    pub fn request(&self, list: &List, target: &Target<'_>, window_start: Timestamp) -> Request {
        let pass = self.pass(&list.cursor, window_start);
        let mut request = address((list.host, list.path), target, None);
        for (name, value) in list.query {
            request = request.query(*name, *value);
        }
        let mut criteria: Vec<(&str, String)> = Vec::new();
        match list.cursor {
            CursorRule::Whole | CursorRule::Open { .. } => {}
            CursorRule::Time { from, until, .. } => {
                criteria.push((from, pass.from.to_string()));
                if let (Some(name), Some(until)) = (until, pass.until) {
                    criteria.push((name, until.to_string()));
                }
            }
            CursorRule::Token { start } => {
                if pass.position == Position::Start {
                    criteria.push((start, pass.from.to_string()));
                }
            }
            CursorRule::Id { from, start } => match self.since {
                Since::Id(newest) => criteria.push((from, (newest + 1).to_string())),
                _ => criteria.push((start, pass.from.to_string())),
            },
        }
        match list.body {
            None => {
                for (name, value) in criteria {
                    request = request.query(name, value);
                }
            }
            Some(fixed) => {
                request.method = ado::Method::Post;
                request.body = Some(document(fixed, &criteria));
            }
        }
        list.paging.apply(&pass.position, &mut request);
        request
    }

    /// The cursor behind a page.
    ///
    /// # Errors
    /// The page does not say how its list continues.
    pub fn after(
        &self,
        list: &List,
        seen: &Seen<'_>,
        window_start: Timestamp,
    ) -> Result<Step, ado::Error> {
        let pass = self.pass(&list.cursor, window_start);
        match list.cursor {
            CursorRule::Token { .. } => self.after_token(list, seen, &pass),
            CursorRule::Id { .. } => Ok(self.after_id(seen)),
            CursorRule::Whole | CursorRule::Open { .. } | CursorRule::Time { .. } => {
                self.after_page(list, seen, pass)
            }
        }
    }

    fn after_token(&self, list: &List, seen: &Seen<'_>, pass: &Pass) -> Result<Step, ado::Error> {
        let next = list.paging.next(&pass.position, seen.page, seen.body);
        // At the end of the list the service may well give the token that was sent: nothing has changed since.
        let idle = seen.page.is_last_batch == Some(true);
        let dry = match next {
            Ok(next) => next.is_none(),
            Err(_) if idle => true,
            Err(error) => return Err(error),
        };
        let since = match &seen.page.token {
            Some(token) => Since::Token(token.clone()),
            None => self.since.clone(),
        };
        Ok(Step {
            cursor: Self { since, pass: None },
            dry,
        })
    }

    /// Ids rise over the whole organization, so raising the lowest one is immune to what is added meanwhile, and only
    /// an empty page is the end.
    fn after_id(&self, seen: &Seen<'_>) -> Step {
        let newest = seen.marks.highest;
        let before = match self.since {
            Since::Id(before) => Some(before),
            _ => None,
        };
        let since = match newest.max(before) {
            Some(newest) => Since::Id(newest),
            None => self.since.clone(),
        };
        // A page that brings nothing behind the cursor is empty for us, even if the service takes bounds as inclusive.
        let dry = newest.is_none_or(|newest| Some(newest) <= before);
        Step {
            cursor: Self { since, pass: None },
            dry,
        }
    }

    fn after_page(&self, list: &List, seen: &Seen<'_>, mut pass: Pass) -> Result<Step, ado::Error> {
        pass.newest = pass.newest.max(seen.marks.newest);
        if let CursorRule::Open { .. } = list.cursor {
            pass.listed.join(&seen.marks.listed);
        }
        match list.paging.next(&pass.position, seen.page, seen.body)? {
            Some(next) => {
                pass.position = next;
                // The `Date` header has whole seconds, so the end is the next one: too many items can only repeat.
                let end = seen.server_time.map(|time| time + Duration::from_secs(1));
                pass.until = pass.until.or(end);
                Ok(Step {
                    cursor: Self {
                        since: self.since.clone(),
                        pass: Some(pass),
                    },
                    dry: false,
                })
            }
            None => {
                let before = match self.since {
                    Since::Time(before) => Some(before),
                    _ => None,
                };
                if let CursorRule::Open { .. } = list.cursor {
                    let since = Since::Open(Open::after(&self.since, pass.listed));
                    let cursor = Self { since, pass: None };
                    return Ok(Step { cursor, dry: true });
                }
                let since = match (list.cursor, pass.newest.max(before)) {
                    (CursorRule::Time { .. }, Some(newest)) => Since::Time(newest),
                    (CursorRule::Time { .. }, None) => Since::Time(pass.from),
                    _ => Since::Whole,
                };
                Ok(Step {
                    cursor: Self { since, pass: None },
                    dry: true,
                })
            }
        }
    }
}

/// The request for the details of one parent.
pub fn details_request(details: &DetailsOf, target: &Target<'_>, child: &Child) -> Request {
    let mut request = address((details.host, details.path), target, Some(child));
    for (name, value) in details.query {
        request = request.query(*name, *value);
    }
    request
}

/// The request for one thing of a list, by its id.
pub fn one_request(list: &List, path: &str, target: &Target<'_>, child: &Child) -> Request {
    let request = address((list.host, path), target, Some(child));
    request.query(crate::API_VERSION.0, crate::API_VERSION.1)
}

/// The request for the parent itself, where reading it proves something.
pub fn parent_request(details: &DetailsOf, target: &Target<'_>, child: &Child) -> Option<Request> {
    let mut request = address((details.host, details.parent?), target, Some(child));
    for (name, value) in details.query {
        request = request.query(*name, *value);
    }
    Some(request)
}

/// The request for a facet of many parents.
pub fn batch_request(batch: &BatchOf, target: &Target<'_>, children: &[Child]) -> Request {
    let mut request = address((batch.host, batch.path), target, None);
    for (name, value) in batch.query {
        request = request.query(*name, *value);
    }
    request.method = ado::Method::Post;
    request.body = Some((batch.body)(target, children));
    request
}

/// The request for a page of the list that a record has.
pub fn each_request(
    each: &Each,
    target: &Target<'_>,
    parent: &Child,
    position: &Position,
) -> Request {
    let mut request = address((each.host, each.path), target, Some(parent));
    for (name, value) in each.query {
        request = request.query(*name, *value);
    }
    each.paging.apply(position, &mut request);
    request
}

/// The address with its holes filled by ids, never by names.
pub(crate) fn address(
    (host, path): (Host, &str),
    target: &Target<'_>,
    child: Option<&Child>,
) -> Request {
    let mut request = Request::get(&target.organization.name, "").on(host);
    request.path.clear();
    for part in path.split('/') {
        let repository = target
            .scope
            .repository()
            .or_else(|| child.and_then(|child| child.repository));
        let filled = match part {
            "{project}" => target.scope.project().map(|id| id.to_string()),
            "{repository}" => repository.map(|id| id.to_string()),
            "{id}" => child.map(|child| child.id.clone()),
            fixed => Some(fixed.to_owned()),
        };
        // A hole without a filling is left as it is: no such address exists, and the answer will say so.
        request = request.segment(filled.unwrap_or_else(|| part.to_owned()));
    }
    request
}

/// A JSON object of members that are JSON already, and of texts.
fn document(fixed: &[(&str, &str)], texts: &[(&str, String)]) -> String {
    let fixed = fixed
        .iter()
        .map(|(name, json)| format!("\"{name}\":{json}"));
    let texts = texts
        .iter()
        .map(|(name, text)| format!("\"{name}\":\"{text}\""));
    format!("{{{}}}", fixed.chain(texts).collect::<Vec<_>>().join(","))
}

fn id(record: &Record) -> Option<u64> {
    match record {
        Record::Changeset(changeset) => Some(changeset.id),
        Record::WorkItem(item) => Some(item.id),
        Record::EnvironmentDeployment(deployment) => Some(deployment.id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ado::{Paging, parse_page};
    use model::{
        Organization, OrganizationId, OrganizationName, ProjectId, RepositoryId, Scope,
        record::{Changeset, Push},
    };
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::{Fetch, Resource, find};

    fn window_start() -> Timestamp {
        "2026-08-25T00:00:00Z".parse().unwrap()
    }

    fn organization() -> Organization {
        let name: OrganizationName = "fabrikam".parse().unwrap();
        Organization {
            id: OrganizationId(Uuid::nil()),
            name,
        }
    }

    fn scope() -> Scope {
        let (project, repository) = (ProjectId(Uuid::nil()), RepositoryId(Uuid::max()));
        Scope::Repository {
            project,
            repository,
        }
    }

    fn list(name: &str) -> List {
        match find(name).map(|resource: &Resource| resource.fetch) {
            Some(Fetch::List(list)) => list,
            other => panic!("{name} is {other:?}"),
        }
    }

    fn request(name: &str, cursor: &Cursor) -> Request {
        let (organization, scope) = (organization(), scope());
        let target = Target {
            organization: &organization,
            scope: &scope,
        };
        cursor.request(&list(name), &target, window_start())
    }

    fn sent(request: &Request, name: &str) -> Option<String> {
        let found = request.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone())
    }

    fn push(second: i64) -> Record {
        Record::Push(Push {
            id: second.unsigned_abs(),
            project: ProjectId(Uuid::nil()),
            repository: RepositoryId(Uuid::nil()),
            at: Timestamp::from_second(window_start().as_second() + second).unwrap(),
            by: None,
            ref_updates: Vec::new(),
        })
    }

    fn changeset(id: u64) -> Record {
        Record::Changeset(Changeset {
            organization: OrganizationId(Uuid::nil()),
            id,
            created_at: window_start(),
            author: None,
            checked_in_by: None,
            comment: String::new(),
            comment_truncated: false,
        })
    }

    /// The step behind a page of this text.
    fn step(
        name: &str,
        cursor: &Cursor,
        text: &str,
        token: Option<&str>,
        records: &[Record],
    ) -> Step {
        let body = Body {
            bytes: text.to_owned().into(),
            continuation: token.map(str::to_owned),
        };
        let list = list(name);
        let page = parse_page(&body.bytes, list.items).unwrap();
        let server_time = "2026-11-23T12:00:00Z".parse().ok();
        let mut marks = Marks::default();
        marks.add(records);
        let seen = Seen {
            page: &page,
            body: &body,
            marks: &marks,
            server_time,
        };
        cursor.after(&list, &seen, window_start()).unwrap()
    }

    #[test]
    fn a_first_pass_begins_with_the_window_and_a_later_one_before_the_newest_thing() {
        let first = Cursor::default();
        assert_eq!(
            sent(&request("builds", &first), "minTime").unwrap(),
            "2026-08-25T00:00:00Z"
        );
        let newest = window_start() + Duration::from_secs(3600);
        let later = Cursor {
            since: Since::Time(newest),
            pass: None,
        };
        assert_eq!(
            sent(&request("builds", &later), "minTime").unwrap(),
            "2026-08-25T00:50:00Z"
        );
    }

    #[test]
    fn commits_are_asked_for_from_a_month_before_the_window() {
        let request = request("commits", &Cursor::default());
        assert_eq!(request.method, ado::Method::Post);
        assert_eq!(
            request.body.as_deref(),
            Some(
                r#"{"includePushData":true,"includeWorkItems":true,"fromDate":"2026-07-26T00:00:00Z"}"#
            )
        );
        assert!(
            request.path.contains(&Uuid::max().to_string()),
            "{:?}",
            request.path
        );
    }

    #[test]
    fn a_time_cursor_moves_only_when_the_pass_is_over() {
        let more = r#"{"value":[{}]}"#;
        let first = step("builds", &Cursor::default(), more, Some("t1"), &[push(50)]);
        assert!(!first.dry);
        assert_eq!(first.cursor.since, Since::Window);
        let last = step("builds", &first.cursor, more, None, &[push(20)]);
        assert!(last.dry);
        let newest = window_start() + Duration::from_secs(50);
        assert_eq!(
            last.cursor,
            Cursor {
                since: Since::Time(newest),
                pass: None
            }
        );
    }

    #[test]
    fn a_list_that_is_paged_by_skipping_is_frozen_from_the_second_page_on() {
        let name = "pull_requests_completed";
        assert_eq!(
            sent(&request(name, &Cursor::default()), "searchCriteria.maxTime"),
            None
        );
        let page = format!(r#"{{"value":[{}]}}"#, vec!["{}"; 1000].join(","));
        let second = step(name, &Cursor::default(), &page, None, &[]).cursor;
        let request = request(name, &second);
        assert_eq!(
            sent(&request, "searchCriteria.maxTime").unwrap(),
            "2026-11-23T12:00:01Z"
        );
        assert_eq!(sent(&request, "$skip").unwrap(), "1000");
    }

    #[test]
    fn every_page_of_a_token_stream_is_kept() {
        let name = "work_item_revisions";
        assert!(sent(&request(name, &Cursor::default()), "startDateTime").is_some());
        let text = r#"{"values":[],"continuationToken":"813;1;1","isLastBatch":false}"#;
        let next = step(name, &Cursor::default(), text, None, &[]);
        assert!(!next.dry, "an empty batch is not the last one");
        let request = request(name, &next.cursor);
        assert_eq!(sent(&request, "continuationToken").unwrap(), "813;1;1");
        assert_eq!(sent(&request, "startDateTime"), None);
        let text = r#"{"values":[],"continuationToken":"813;1;1","isLastBatch":true}"#;
        let idle = step(name, &next.cursor, text, None, &[]);
        assert!(idle.dry, "the same token at the end is no news");
        assert_eq!(idle.cursor, next.cursor);
    }

    #[test]
    fn ids_end_with_a_page_that_brings_nothing_new_whether_bounds_are_inclusive_or_not() {
        let text = r#"{"value":[{}]}"#;
        let first = step(
            "changesets",
            &Cursor::default(),
            text,
            None,
            &[changeset(7)],
        );
        assert_eq!((first.dry, &first.cursor.since), (false, &Since::Id(7)));
        let request = request("changesets", &first.cursor);
        assert_eq!(sent(&request, "searchCriteria.fromId").unwrap(), "8");
        let repeated = step("changesets", &first.cursor, text, None, &[changeset(7)]);
        assert!(repeated.dry);
        let empty = step("changesets", &first.cursor, r#"{"value":[]}"#, None, &[]);
        assert_eq!((empty.dry, empty.cursor.since), (true, Since::Id(7)));
    }

    #[test]
    fn an_empty_organization_is_read_whole_at_once() {
        let step = step("pushes", &Cursor::default(), r#"{"value":[]}"#, None, &[]);
        assert!(step.dry && step.cursor.is_backfilled());
    }

    #[test]
    fn no_name_of_a_user_ever_fills_a_hole_of_an_address() {
        for resource in crate::CATALOG {
            let Fetch::List(list) = resource.fetch else {
                continue;
            };
            let request = request(resource.name, &Cursor::default());
            assert!(
                request.path.iter().all(|part| !part.contains(['{', '}'])),
                "{}",
                list.path
            );
        }
    }

    proptest! {
        #[test]
        fn a_cursor_reads_back_as_it_was_written(second in 0_i64..9_000_000, skip in any::<u32>(), token in "\\PC*") {
            let from = window_start() + Duration::from_secs(second.unsigned_abs());
            for position in [Position::Start, Position::Token(token.clone()), Position::Skip { items: skip, longest: 7 }] {
                for since in [Since::Window, Since::Time(from), Since::Token(token.clone()), Since::Id(9), Since::Whole] {
                    let pass = Some(Pass { position: position.clone(), from, until: Some(from), newest: None, ids: None, listed: Places::default() });
                    let cursor = Cursor { since, pass };
                    let text = serde_json::to_string(&cursor).unwrap();
                    prop_assert_eq!(serde_json::from_str::<Cursor>(&text).unwrap(), cursor);
                }
            }
        }

        /// Other tools stop at 101 pull requests: the page that is served when none is asked for.
        #[test]
        fn every_pull_request_is_read_in_no_more_pages_than_there_must_be(count in 0_usize..3_500) {
            let mut cursor = Cursor::default();
            let (mut read, mut pages) = (0, 0);
            loop {
                let top = sent(&request("pull_requests_active", &cursor), "$top").unwrap();
                let page = top.parse::<usize>().unwrap().min(1_000).min(count - read);
                let text = format!(r#"{{"value":[{}]}}"#, vec!["{}"; page].join(","));
                let step = step("pull_requests_active", &cursor, &text, None, &[]);
                (read, pages, cursor) = (read + page, pages + 1, step.cursor);
                if step.dry {
                    break;
                }
            }
            prop_assert_eq!((read, pages), (count, count / 1_000 + 1));
        }

        /// Whatever the size of the pages, a stream of ids is read once and whole.
        #[test]
        fn any_page_size_reads_every_id(ids in prop::collection::btree_set(1_u64..500, 0..60), size in 1_usize..20) {
            let mut cursor = Cursor::default();
            let mut read = Vec::new();
            loop {
                let from = sent(&request("changesets", &cursor), "searchCriteria.fromId");
                let from: u64 = from.map_or(0, |from| from.parse().unwrap());
                let page: Vec<u64> = ids.range(from..).take(size).copied().collect();
                let records: Vec<Record> = page.iter().map(|id| changeset(*id)).collect();
                let text = format!(r#"{{"value":[{}]}}"#, vec!["{}"; page.len()].join(","));
                let step = step("changesets", &cursor, &text, None, &records);
                read.extend(page);
                cursor = step.cursor;
                if step.dry {
                    break;
                }
            }
            prop_assert_eq!(read, ids.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_list_has_a_paging_style_that_fits_its_cursor() {
        for resource in crate::CATALOG {
            let Fetch::List(list) = resource.fetch else {
                continue;
            };
            let fits = match list.cursor {
                CursorRule::Token { .. } => list.paging == Paging::BodyToken,
                CursorRule::Id { .. } => list.paging == Paging::None,
                CursorRule::Whole | CursorRule::Open { .. } | CursorRule::Time { .. } => {
                    list.paging != Paging::BodyToken
                }
            };
            assert!(fits, "{}", resource.name);
        }
    }
}

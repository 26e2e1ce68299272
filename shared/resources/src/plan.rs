//! From a cursor to the next request, and from a page to the next cursor. Pure.
//!
//! A [`Cursor`] has two parts: where the next pass begins, and where a pass under way stands. The first part moves only
//! when a pass has seen everything, so that a pass that is given up loses nothing; for tokens and ids, which follow
//! upstream's own order, every page moves it.

use std::time::Duration;

use ado::{Body, Page, Position, Request};
use jiff::Timestamp;
use model::{Child, Record};
use serde::{Deserialize, Serialize};

use crate::{CursorRule, DetailsOf, List, Target, event_time};

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
}

/// What a page was, as far as the cursor is concerned.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The page.
    pub page: &'a Page<'a>,
    /// The answer that it came in.
    pub body: &'a Body,
    /// Its records.
    pub records: &'a [Record],
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
            }
        })
    }

    /// The request for the next page of a list.
    pub fn request(&self, list: &List, target: &Target<'_>, window_start: Timestamp) -> Request {
        let pass = self.pass(&list.cursor, window_start);
        let mut request = address(list.path, target, None);
        for (name, value) in list.query {
            request = request.query(*name, *value);
        }
        let mut criteria: Vec<(&str, String)> = Vec::new();
        match list.cursor {
            CursorRule::Whole => {}
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
            CursorRule::Whole | CursorRule::Time { .. } => self.after_page(list, seen, pass),
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
        let newest = seen.records.iter().filter_map(id).max();
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
        pass.newest = pass
            .newest
            .max(seen.records.iter().filter_map(event_time).max());
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
    let mut request = address(details.path, target, Some(child));
    for (name, value) in details.query {
        request = request.query(*name, *value);
    }
    request
}

/// The address with its holes filled by ids, never by names.
pub(crate) fn address(path: &str, target: &Target<'_>, child: Option<&Child>) -> Request {
    let mut request = Request::get(&target.organization.name, "");
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
        _ => None,
    }
}

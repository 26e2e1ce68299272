//! What happened in a pull request: comments, votes with their time, pushes, changes of status.

use std::collections::BTreeMap;

use ado::Host;
use jiff::Timestamp;
use model::{
    Facet, Kind, Service,
    record::pull_request::{Event, Happened, PullRequestActivity},
};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::{
    API_VERSION, DetailsOf, Every, FanOut, Fetch, MapError, Resource, When,
    wire::{IdentityRef, Text, Time, is},
};

/// The threads of each pull request whose list item has changed: one request tells what otherwise takes four
/// (reviewers, iterations, statuses, comments).
/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads/list>
pub(crate) static PULL_REQUEST_THREADS: Resource = Resource {
    name: "pull_request_threads",
    service: Service::Repos,
    kind: Kind::PullRequest,
    fan_out: FanOut::Children {
        of: &[
            "pull_requests_active",
            "pull_requests_completed",
            "pull_requests_abandoned",
        ],
        when: When::Stale(Facet::Threads),
    },
    every: Every::Period,
    fetch: Fetch::Details(DetailsOf {
        host: Host::Core,
        facet: Facet::Threads,
        path: "{project}/_apis/git/repositories/{repository}/pullRequests/{id}/threads",
        query: &[API_VERSION],
        items: "value",
        map,
    }),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(default)]
    id: Option<u64>,
    #[serde(default)]
    published_date: Time,
    #[serde(borrow, default)]
    comments: Option<Vec<WireComment<'a>>>,
    #[serde(borrow, default)]
    properties: Option<BTreeMap<Text<'a>, Property>>,
    #[serde(borrow, default)]
    identities: Option<BTreeMap<Text<'a>, IdentityRef<'a>>>,
    #[serde(default)]
    thread_context: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    is_deleted: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireComment<'a> {
    #[serde(borrow, default)]
    author: Option<IdentityRef<'a>>,
    #[serde(default)]
    parent_comment_id: Option<u64>,
    #[serde(default)]
    published_date: Time,
    #[serde(borrow, default)]
    comment_type: Option<Text<'a>>,
    #[serde(default)]
    is_deleted: Option<bool>,
}

/// A property of a thread, which is `{"$type": ..., "$value": ...}`, or the bare value in older answers.
#[derive(Default)]
struct Property(String);

impl<'de> Deserialize<'de> for Property {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value<'a> {
            Number(f64),
            Boolean(bool),
            Text(#[serde(borrow)] Text<'a>),
            Typed {
                #[serde(borrow, rename = "$value")]
                value: Scalar<'a>,
            },
            Other(serde::de::IgnoredAny),
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Scalar<'a> {
            Number(f64),
            Boolean(bool),
            Text(#[serde(borrow)] Text<'a>),
            Other(serde::de::IgnoredAny),
        }
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::Number(number)
            | Value::Typed {
                value: Scalar::Number(number),
            } => number.to_string(),
            Value::Boolean(switch)
            | Value::Typed {
                value: Scalar::Boolean(switch),
            } => switch.to_string(),
            Value::Text(text)
            | Value::Typed {
                value: Scalar::Text(text),
            } => text.owned(),
            Value::Other(_)
            | Value::Typed {
                value: Scalar::Other(_),
            } => String::new(),
        }))
    }
}

fn map(items: &[&RawValue]) -> Result<String, MapError> {
    let mut activity = PullRequestActivity {
        threads: u32::try_from(items.len()).unwrap_or(u32::MAX),
        events: Vec::new(),
    };
    for item in items {
        let thread: Wire<'_> = serde_json::from_str(item.get())?;
        match thread.property("CodeReviewThreadType") {
            Some(kind) => activity.events.extend(thread.system_event(kind)),
            None => thread.comments_into(&mut activity.events),
        }
    }
    activity
        .events
        .sort_by(|a, b| (a.at, &a.by).cmp(&(b.at, &b.by)));
    Ok(serde_json::to_string(&activity)?)
}

impl Wire<'_> {
    fn property(&self, name: &str) -> Option<&str> {
        let properties = self.properties.as_ref()?;
        let (_, value) = properties.iter().find(|(key, _)| is(&key.0, name))?;
        Some(value.0.as_str()).filter(|value| !value.is_empty())
    }

    /// The id of the identity that a property names by its key in the thread's own list.
    fn person(&self, property: &str) -> Option<String> {
        let key = self.property(property)?;
        let identities = self.identities.as_ref()?;
        let (_, identity) = identities.iter().find(|(name, _)| name.0 == key)?;
        identity.clone().identity()?.id
    }

    fn time(&self) -> Option<Timestamp> {
        let first = self
            .comments
            .iter()
            .flatten()
            .find_map(|comment| comment.published_date.0);
        self.published_date.0.or(first)
    }

    /// What a thread that the service wrote says.
    fn system_event(&self, kind: &str) -> Option<Event> {
        let (what, by) = match kind {
            "VoteUpdate" => {
                let vote = self.property("CodeReviewVoteResult")?.parse().ok()?;
                (
                    Happened::Vote(vote),
                    self.person("CodeReviewVotedByIdentity"),
                )
            }
            "RefUpdate" => {
                let commits = self.property("CodeReviewRefNewCommitsCount");
                let commits = commits.and_then(|count| count.parse().ok());
                let listed = self
                    .property("CodeReviewRefNewCommits")
                    .map(|commits| commits.split(';').filter(|id| !id.is_empty()).count());
                let commits = commits.or(listed.and_then(|count| u32::try_from(count).ok()));
                let by = self.person("CodeReviewRefUpdatedByIdentity");
                (
                    Happened::Push {
                        commits: commits.unwrap_or(0),
                    },
                    by,
                )
            }
            "StatusUpdate" => {
                let status = self.property("CodeReviewStatus")?.to_ascii_lowercase();
                (
                    Happened::Status(status),
                    self.person("CodeReviewStatusUpdatedByIdentity"),
                )
            }
            "IsDraftUpdate" => {
                let draft = self
                    .property("CodeReviewIsDraft")
                    .or(self.property("IsDraft"));
                let draft = draft.is_some_and(|text| is(text, "true") || text == "1");
                (
                    Happened::Draft(draft),
                    self.person("CodeReviewDraftUpdatedByIdentity"),
                )
            }
            other => (Happened::Other(other.to_owned()), None),
        };
        Some(Event {
            at: self.time()?,
            by,
            what,
        })
    }

    /// The comments that people wrote. What was deleted is not counted.
    fn comments_into(self, events: &mut Vec<Event>) {
        if self.is_deleted == Some(true) {
            return;
        }
        let (thread, on_code) = (self.id.unwrap_or(0), self.thread_context.is_some());
        for comment in self.comments.unwrap_or_default() {
            let kind = comment
                .comment_type
                .as_ref()
                .map_or("text", |kind| kind.0.as_ref());
            let (Some(at), false) = (comment.published_date.0, comment.is_deleted == Some(true))
            else {
                continue;
            };
            if is(kind, "system") {
                continue;
            }
            events.push(Event {
                at,
                by: comment
                    .author
                    .and_then(IdentityRef::identity)
                    .and_then(|who| who.id),
                what: Happened::Comment {
                    thread,
                    reply: comment.parent_comment_id.unwrap_or(0) > 0,
                    on_code,
                },
            });
        }
    }
}

//! What happened in a pull request: comments, votes with their time, pushes, changes of status.

use std::collections::BTreeMap;

use ado::Host;
use jiff::Timestamp;
use model::{
    Facet, Kind, ProjectId, Service,
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
        more: None,
        parent: None,
        map,
    }),
};

/// The threads of open pull requests again, once a day: a comment alone does not change the list item. When a pull request
/// is closed its threads are read for the last time anyway, so nothing is lost without this; it is only earlier.
pub(crate) static PULL_REQUEST_COMMENTS: Resource = Resource {
    name: "pull_request_comments",
    service: Service::Repos,
    kind: Kind::PullRequest,
    fan_out: FanOut::ProjectAfter("pull_requests_active"),
    every: Every::Day,
    fetch: Fetch::Again {
        open: "pull_requests_active",
        details: "pull_request_threads",
    },
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
    #[serde(borrow, default)]
    status: Option<Text<'a>>,
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
        ..PullRequestActivity::default()
    };
    for item in items {
        let thread: Wire<'_> = serde_json::from_str(item.get())?;
        match thread.property("CodeReviewThreadType") {
            Some(kind) => thread.system_events(kind, &mut activity.events),
            None => thread.discussion_into(&mut activity),
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

    /// The id of the identity that a property names: by its key in the thread's own list, or itself, as older threads do.
    /// `what` is `CodeReviewVotedBy` for `CodeReviewVotedByIdentity` and `CodeReviewVotedByTfId`.
    fn person(&self, what: &str) -> Option<String> {
        let listed = || {
            let key = self.property(&format!("{what}Identity"))?;
            let identities = self.identities.as_ref()?;
            let (_, identity) = identities.iter().find(|(name, _)| name.0 == key)?;
            identity.clone().identity()?.id
        };
        let named = || {
            let id = self.property(&format!("{what}TfId"))?;
            // Some are written without hyphens.
            let id: ProjectId = id.parse().ok()?;
            Some(id.to_string())
        };
        listed().or_else(named)
    }

    fn time(&self) -> Option<Timestamp> {
        let first = self
            .comments
            .iter()
            .flatten()
            .find_map(|comment| comment.published_date.0);
        self.published_date.0.or(first)
    }

    fn is_set(&self, property: &str) -> bool {
        self.property(property)
            .is_some_and(|text| is(text, "true") || text == "1")
    }

    /// Adds what a thread that the service wrote says. The names are those that Microsoft's own web page reads.
    fn system_events(&self, kind: &str, events: &mut Vec<Event>) {
        let Some(at) = self.time() else { return };
        let Some((what, by)) = self.happened(kind) else {
            return;
        };
        let is_bypass = matches!(what, Happened::Status(_)) && self.is_set("BypassPolicy");
        if is_bypass {
            let (by, what) = (by.clone(), Happened::PolicyBypassed);
            events.push(Event { at, by, what });
        }
        events.push(Event { at, by, what });
    }

    fn happened(&self, kind: &str) -> Option<(Happened, Option<String>)> {
        let text = |name: &str| self.property(name).unwrap_or_default().to_owned();
        Some(match kind {
            "VoteUpdate" => {
                let vote = self.property("CodeReviewVoteResult")?.parse().ok()?;
                (Happened::Vote(vote), self.person("CodeReviewVotedBy"))
            }
            "ResetAllVotes" => {
                let by = self.person("CodeReviewResetAllVotesInitiator");
                (Happened::VotesReset, by)
            }
            "ResetMultipleVotes" => {
                let by = self.person("CodeReviewResetMultipleVotesInitiator");
                (Happened::VotesReset, by)
            }
            "RefUpdate" => (self.push(), self.person("CodeReviewRefUpdatedBy")),
            "StatusUpdate" => {
                let status = self.property("CodeReviewStatus")?.to_ascii_lowercase();
                (
                    Happened::Status(status),
                    self.person("CodeReviewStatusUpdatedBy"),
                )
            }
            "IsDraftUpdate" => (
                Happened::Draft(self.is_set("CodeReviewIsDraftNowSet")),
                self.person("CodeReviewIsDraftUpdatedBy"),
            ),
            "AutoCompleteUpdate" => (
                Happened::AutoComplete(self.is_set("CodeReviewAutoCompleteNowSet")),
                self.person("CodeReviewAutoCompleteUpdatedBy"),
            ),
            "ReviewersUpdate" => (
                Happened::Reviewers {
                    added: self.person("CodeReviewReviewersUpdatedAdded"),
                    removed: self.person("CodeReviewReviewersUpdatedRemoved"),
                },
                self.person("CodeReviewReviewersUpdatedBy"),
            ),
            "MergeAttempt" => {
                let status = text("CodeReviewMergeStatus");
                (Happened::Merge { status }, None)
            }
            "TargetChanged" => {
                let by = self.person("CodeReviewTargetChangedBy");
                (Happened::Retargeted, by)
            }
            "PolicyStatusUpdate" => (Happened::Policy(text("CodeReviewPolicyType")), None),
            "AssociatedStatusUpdate" => (
                Happened::CheckPosted(text("CodeReviewAssociatedStatus").to_ascii_lowercase()),
                self.person("CodeReviewAssociatedStatusUpdatedBy"),
            ),
            other => (Happened::Other(other.to_owned()), None),
        })
    }

    fn push(&self) -> Happened {
        let commits = self.property("CodeReviewRefNewCommitsCount");
        let commits = commits.and_then(|count| count.parse().ok());
        let listed = self
            .property("CodeReviewRefNewCommits")
            .map(|commits| commits.split(';').filter(|id| !id.is_empty()).count());
        let commits = commits.or(listed.and_then(|count| u32::try_from(count).ok()));
        Happened::Push {
            commits: commits.unwrap_or(0),
            head: self
                .property("CodeReviewRefNewHeadCommit")
                .map(str::to_owned),
        }
    }

    /// The comments that people wrote. What was deleted is not counted.
    fn discussion_into(self, activity: &mut PullRequestActivity) {
        if self.is_deleted == Some(true) {
            return;
        }
        let status = self.status.as_ref().map(|status| status.0.as_ref());
        match status {
            Some(text) if is(text, "active") || is(text, "pending") => {
                activity.open_discussions += 1;
            }
            Some(text) if !is(text, "unknown") => activity.settled_discussions += 1,
            _ => {}
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
            activity.events.push(Event {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(threads: &[String]) -> PullRequestActivity {
        let raw: Vec<Box<RawValue>> = threads
            .iter()
            .map(|thread| RawValue::from_string(thread.clone()).unwrap())
            .collect();
        let items: Vec<&RawValue> = raw.iter().map(AsRef::as_ref).collect();
        serde_json::from_str(&map(&items).unwrap()).unwrap()
    }

    /// A thread of the service with these properties; `1` is Ada.
    fn system(minute: u32, properties: &[(&str, &str)]) -> String {
        let properties: Vec<String> = properties
            .iter()
            .map(|(name, value)| {
                format!(r#""{name}":{{"$type":"System.String","$value":"{value}"}}"#)
            })
            .collect();
        format!(
            r#"{{"id":1,"publishedDate":"2026-11-20T10:{minute:02}:00Z","properties":{{{}}},
                "identities":{{"1":{{"id":"ada"}},"2":{{"id":"bo"}}}},
                "comments":[{{"commentType":"system","publishedDate":"2026-11-20T10:00:00Z"}}]}}"#,
            properties.join(",")
        )
    }

    fn happened(properties: &[(&str, &str)]) -> Vec<(Happened, Option<String>)> {
        let events = activity(&[system(1, properties)]).events.into_iter();
        events.map(|event| (event.what, event.by)).collect()
    }

    #[test]
    fn every_kind_of_system_thread_says_what_happened_and_who_did_it() {
        let ada = || Some("ada".to_owned());
        let kind = |kind| ("CodeReviewThreadType", kind);
        let vote = [
            kind("VoteUpdate"),
            ("CodeReviewVoteResult", "-5"),
            ("CodeReviewVotedByIdentity", "1"),
        ];
        assert_eq!(happened(&vote), [(Happened::Vote(-5), ada())]);
        let reset = [
            kind("ResetAllVotes"),
            ("CodeReviewResetAllVotesInitiatorIdentity", "1"),
        ];
        assert_eq!(happened(&reset), [(Happened::VotesReset, ada())]);
        let draft = [kind("IsDraftUpdate"), ("CodeReviewIsDraftNowSet", "0")];
        assert_eq!(happened(&draft), [(Happened::Draft(false), None)]);
        let automatic = [
            kind("AutoCompleteUpdate"),
            ("CodeReviewAutoCompleteNowSet", "1"),
        ];
        assert_eq!(happened(&automatic), [(Happened::AutoComplete(true), None)]);
        let target = [kind("TargetChanged")];
        assert_eq!(happened(&target), [(Happened::Retargeted, None)]);
        let merge = [kind("MergeAttempt"), ("CodeReviewMergeStatus", "Conflicts")];
        let status = "Conflicts".to_owned();
        assert_eq!(happened(&merge), [(Happened::Merge { status }, None)]);
        let news = [kind("SomethingNew")];
        assert_eq!(
            happened(&news),
            [(Happened::Other("SomethingNew".to_owned()), None)]
        );
    }

    #[test]
    fn a_completion_against_a_policy_is_told() {
        let events = happened(&[
            ("CodeReviewThreadType", "StatusUpdate"),
            ("CodeReviewStatus", "Completed"),
            ("CodeReviewStatusUpdatedByIdentity", "2"),
            ("BypassPolicy", "True"),
        ]);
        let bo = Some("bo".to_owned());
        let completed = Happened::Status("completed".to_owned());
        assert_eq!(
            events,
            [(Happened::PolicyBypassed, bo.clone()), (completed, bo)]
        );
    }

    #[test]
    fn people_of_older_threads_are_named_by_their_id() {
        let reviewers = happened(&[
            ("CodeReviewThreadType", "ReviewersUpdate"),
            (
                "CodeReviewReviewersUpdatedAddedTfId",
                "2428198325304a9caeb788d60d57acfd",
            ),
            (
                "CodeReviewReviewersUpdatedByTfId",
                "b335b0d4-578f-4944-b94c-a45216eb1a1a",
            ),
        ]);
        let added = Some("24281983-2530-4a9c-aeb7-88d60d57acfd".to_owned());
        let by = Some("b335b0d4-578f-4944-b94c-a45216eb1a1a".to_owned());
        assert_eq!(
            reviewers,
            [(
                Happened::Reviewers {
                    added,
                    removed: None
                },
                by
            )]
        );
    }

    #[test]
    fn a_discussion_counts_by_its_status_and_its_comments_by_their_authors() {
        let discussion = |status: &str, deleted: bool| {
            format!(
                r#"{{"id":7,"status":"{status}","isDeleted":{deleted},"threadContext":{{}},"comments":[
                    {{"author":{{"id":"ada"}},"parentCommentId":0,"publishedDate":"2026-11-20T10:00:00Z"}},
                    {{"author":{{"id":"bo"}},"parentCommentId":1,"publishedDate":"2026-11-20T11:00:00Z"}},
                    {{"author":{{"id":"bo"}},"parentCommentId":1,"publishedDate":"2026-11-20T12:00:00Z","isDeleted":true}}]}}"#
            )
        };
        let threads =
            ["active", "pending", "fixed", "byDesign"].map(|status| discussion(status, false));
        let found = activity(&[threads.as_slice(), &[discussion("active", true)]].concat());
        let counts = (
            found.threads,
            found.open_discussions,
            found.settled_discussions,
        );
        assert_eq!((counts, found.events.len()), ((5, 2, 2), 8));
        let (first, last) = (&found.events[0], &found.events[7]);
        let comment = |reply| Happened::Comment {
            thread: 7,
            reply,
            on_code: true,
        };
        assert_eq!(
            (&first.what, first.by.as_deref()),
            (&comment(false), Some("ada"))
        );
        assert_eq!(
            (&last.what, last.by.as_deref()),
            (&comment(true), Some("bo"))
        );
    }
}

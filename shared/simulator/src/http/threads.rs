//! Threads of a pull request: its discussions and its whole event log.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-threads/list>

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::http::{identity, pull_requests, repositories};
use crate::world::git::Sha;
use crate::world::people::PersonId;
use crate::world::pull_requests::{Event, EventKind, PullRequest};
use crate::world::text;

/// The type of policy that wants reviewers:
/// <https://learn.microsoft.com/rest/api/azure/devops/policy/configurations/create#approval-count-policy>.
pub(crate) const REVIEWERS_POLICY: &str = "fa4e907d-c16b-4a4c-9dfa-4906e5d171dd";

/// `GET git/repositories/{repository}/pullRequests/{id}/threads`: everything in one answer.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let own = pull_requests::find_in_repository(call)?;
    // Thread ids restart in every pull request.
    Ok(Reply::list(
        (1..)
            .zip(&own.events)
            .map(|(id, event)| body(call, own, id, event)),
    ))
}

fn body(call: &Call<'_>, own: &PullRequest, id: u32, event: &Event) -> Value {
    let repository = repositories::url(call, &call.world.repositories[own.repository]);
    let mut body = json!({
        "pullRequestThreadContext": null,
        "id": id,
        "publishedDate": event.at,
        "lastUpdatedDate": event.at,
        "threadContext": null,
        "properties": {},
        "identities": null,
        "isDeleted": false,
        "_links": {
            "self": { "href": format!("{repository}/pullRequests/{}/threads/{id}", own.id) },
            "repository": { "href": repository },
        },
    });
    match &event.kind {
        EventKind::Discussion {
            on_file,
            replies,
            is_fixed,
        } => {
            discussion(call, &mut body, event, replies);
            body["status"] = if *is_fixed { "fixed" } else { "active" }.into();
            if *on_file {
                put_on_file(&mut body);
            }
        }
        kind => system(call, &mut body, own, event, kind),
    }
    body
}

fn discussion(call: &Call<'_>, body: &mut Value, event: &Event, replies: &[(Timestamp, PersonId)]) {
    let first = comment(call, 1, 0, event.at, event.by, "text", text::prose(90));
    let others = (2..)
        .zip(replies)
        .map(|(id, (at, by))| comment(call, id, 1, *at, *by, "text", text::prose(40)));
    body["comments"] = std::iter::once(first).chain(others).collect();
    body["lastUpdatedDate"] = replies
        .last()
        .map_or(event.at, |(at, _)| *at)
        .to_string()
        .into();
}

fn put_on_file(body: &mut Value) {
    body["threadContext"] = json!({
        "filePath": "/src/checkout/Cart.cs",
        "rightFileStart": { "line": 12, "offset": 1 },
        "rightFileEnd": { "line": 12, "offset": 40 },
    });
    body["pullRequestThreadContext"] = json!({
        "iterationContext": { "firstComparingIteration": 1, "secondComparingIteration": 1 },
        "changeTrackingId": 1,
    });
}

fn system(call: &Call<'_>, body: &mut Value, own: &PullRequest, event: &Event, kind: &EventKind) {
    let name = &call.world.people.get(event.by).display_name;
    let mut properties = Properties::default();
    let mut identities = vec![event.by];
    let content = match kind {
        EventKind::ReviewerAdded(person) => {
            identities.push(*person);
            properties.text("CodeReviewThreadType", "ReviewersUpdate");
            properties.number("CodeReviewReviewersUpdatedNumAdded", 1);
            properties.number("CodeReviewReviewersUpdatedNumRemoved", 0);
            properties.text("CodeReviewReviewersUpdatedByIdentity", "1");
            properties.text("CodeReviewReviewersUpdatedAddedIdentity", "2");
            format!(
                "{name} added {} as a reviewer",
                call.world.people.get(*person).display_name
            )
        }
        EventKind::Vote(vote) => {
            properties.text("CodeReviewThreadType", "VoteUpdate");
            properties.text("CodeReviewVoteResult", &vote.to_string());
            properties.text("CodeReviewVotedByIdentity", "1");
            format!("{name} voted {vote}")
        }
        EventKind::Pushed { commits } => {
            let tip = own.tips.iter().rev().find(|(at, _)| *at <= event.at);
            properties.text("CodeReviewThreadType", "RefUpdate");
            properties.text("CodeReviewRefName", &own.branch);
            properties.number("CodeReviewRefNewCommitsCount", i64::from(*commits));
            properties.text(
                "CodeReviewRefNewHeadCommit",
                &tip.map(|(_, tip)| tip.to_string()).unwrap_or_default(),
            );
            properties.text("CodeReviewRefUpdatedByIdentity", "1");
            format!(
                "{name} pushed {commits} commit{}",
                if *commits == 1 { "" } else { "s" }
            )
        }
        EventKind::Status(status) => {
            let status = capitalized(status.name());
            properties.text("CodeReviewThreadType", "StatusUpdate");
            properties.text("CodeReviewStatus", &status);
            properties.text("CodeReviewStatusUpdatedByIdentity", "1");
            format!("{name} updated the pull request status to {status}")
        }
        EventKind::Published => {
            properties.text("CodeReviewThreadType", "IsDraftUpdate");
            properties.text("CodeReviewIsDraftNowSet", "0");
            properties.text("CodeReviewIsDraftUpdatedByIdentity", "1");
            format!("{name} published the pull request")
        }
        EventKind::MergeAttempt => {
            let commit = |tip: Option<Sha>| tip.map(|tip| tip.to_string()).unwrap_or_default();
            let tip = own.tips.iter().rev().find(|(at, _)| *at <= event.at);
            let source = tip.map(|(_, tip)| *tip);
            properties.text("CodeReviewThreadType", "MergeAttempt");
            properties.text("CodeReviewMergeStatus", "Succeeded");
            properties.text("CodeReviewSourceCommit", &commit(source));
            properties.text("CodeReviewTargetCommit", &commit(own.target));
            identities.clear();
            "The pull request is mergable".to_owned()
        }
        EventKind::Policy => {
            properties.text("CodeReviewThreadType", "PolicyStatusUpdate");
            properties.text("CodeReviewPolicyType", REVIEWERS_POLICY);
            identities.clear();
            "The minimum number of reviewers is not reached".to_owned()
        }
        EventKind::VotesReset => {
            properties.text("CodeReviewThreadType", "ResetAllVotes");
            properties.text("CodeReviewResetAllVotesReason", "NewIteration");
            properties.text("CodeReviewResetAllVotesInitiatorIdentity", "1");
            format!("{name} reset all votes")
        }
        EventKind::AutoComplete => {
            properties.text("CodeReviewThreadType", "AutoCompleteUpdate");
            properties.text("CodeReviewAutoCompleteNowSet", "1");
            properties.text("CodeReviewAutoCompleteUpdatedByIdentity", "1");
            format!("{name} set auto-complete")
        }
        EventKind::Retargeted => {
            let id = call.world.people.get(event.by).id.to_string();
            properties.text("CodeReviewThreadType", "TargetChanged");
            properties.text("CodeReviewTargetChangedByTfId", &id);
            identities.clear();
            format!("{name} changed the target branch")
        }
        EventKind::Discussion { .. } => return,
    };
    let system = call.world.people.system();
    body["comments"] = json!([comment(call, 1, 0, event.at, system, "system", content)]);
    body["properties"] = Value::Object(properties.0);
    let named = (1..)
        .zip(identities)
        .map(|(key, person): (u32, _)| (key.to_string(), identity::reference(call.world, person)));
    body["identities"] = Value::Object(named.collect());
}

fn comment(
    call: &Call<'_>,
    id: u32,
    parent: u32,
    at: Timestamp,
    by: PersonId,
    kind: &str,
    content: String,
) -> Value {
    json!({
        "id": id,
        "parentCommentId": parent,
        "author": identity::reference(call.world, by),
        "content": content,
        "publishedDate": at,
        "lastUpdatedDate": at,
        "lastContentUpdatedDate": at,
        "commentType": kind,
        "usersLiked": [],
    })
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    format!("{}{rest}", first.to_ascii_uppercase())
}

#[derive(Default)]
struct Properties(Map<String, Value>);

impl Properties {
    fn text(&mut self, name: &str, value: &str) {
        self.0.insert(
            name.to_owned(),
            json!({ "$type": "System.String", "$value": value }),
        );
    }

    fn number(&mut self, name: &str, value: i64) {
        self.0.insert(
            name.to_owned(),
            json!({ "$type": "System.Int32", "$value": value }),
        );
    }
}

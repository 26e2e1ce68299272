//! Who approves whose pull requests.

use model::{
    people::AccountKind,
    record::{PullRequest, PullRequestActivity, pull_request::Reviewer},
};

use super::{
    BOTS, OF_PULL_REQUESTS, PEOPLE, REPOSITORIES, REVIEWED, dimensions_of, link_to,
    story::{APPROVED, Story},
};
use crate::{Context, Dimension, Fact, Form, Measure, Metric, Row, Rows, Who};

/// How pull requests were approved, and by whom.
pub(crate) const METRICS: &[Metric] = &[COLLABORATION, REVIEWS];

/// Closed pull requests by how they were approved. One that its author opened, asked Ann to review, and Ann approved is
/// `assigned_peer`; approved by Bob, who joined by himself, it is `unassigned_peer`.
const COLLABORATION: Metric = Metric {
    name: "review_collaboration",
    definition: "How many pull requests were closed in the range, by how they were approved (`approval`): `assigned_peer` (somebody else approved who was asked by a person), `unassigned_peer` (somebody else who joined by himself or was added by a service), `self_reviewed` (only the author approved, others commented or voted), `self` (only the author approved), `unapproved` (nobody did). What counts is the vote that stood at the end; a group's vote counts as those of its members.",
    formula: "1 for each closed pull request",
    measure: Measure::Count,
    inputs: &[REVIEWED, REPOSITORIES, PEOPLE],
    dimensions: &{
        let [a, b, c, d, e, f, g] = OF_PULL_REQUESTS;
        [
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            Dimension::Approval,
            Dimension::Approver,
        ]
    },
    settings: &[BOTS],
    form: Form::HeatMap,
    rows: Rows::Each(collaboration),
};

/// Reviewers of closed pull requests. A pull request with a required reviewer who approved and an optional one who did not
/// vote has two.
const REVIEWS: Metric = Metric {
    name: "review_count",
    definition: "How many reviewers pull requests had that were closed in the range, each with the vote that stood at the end (`result`) and what he was (`role`): `required`, `optional`, `group` (a group itself), or `group_member` (somebody whose vote counted for a group).",
    formula: "1 for each reviewer of a closed pull request",
    dimensions: &{
        let [a, b, c, d, e, f, g] = OF_PULL_REQUESTS;
        use Dimension::{Result, Reviewer, Role};
        [a, b, c, d, e, f, g, Reviewer, Role, Result]
    },
    rows: Rows::Each(reviews),
    ..COLLABORATION
};

fn collaboration(fact: &Fact, context: &Context) -> Vec<Row> {
    let Fact::PullRequest(own, Some(activity), _) = fact else {
        return Vec::new();
    };
    let Some(at) = own.closed_at else {
        return Vec::new();
    };
    let (approval, approver) = approval(own, activity, context);
    let mut dimensions = dimensions_of(own, context);
    dimensions.push((Dimension::Approval, approval.to_owned()));
    let name = approver.map(|who| context.known.people.name_of(&who));
    dimensions.extend(name.map(|name| (Dimension::Approver, name)));
    vec![Row {
        at,
        value: 1.0,
        dimensions,
        link: link_to(own),
        evidence: Vec::new(),
    }]
}

/// How it was approved, and by whom: by the first of those who were asked, else of the others, in the order of the list.
fn approval(
    own: &PullRequest,
    activity: &PullRequestActivity,
    context: &Context,
) -> (&'static str, Option<Who>) {
    let people = &context.known.people;
    let story = Story::new(own, activity, context);
    let with_bots = context.settings.is_on(&BOTS);
    let approvers = own
        .reviewers
        .iter()
        .filter(|own| own.vote >= APPROVED && !own.is_group);
    let approvers = approvers.filter_map(|own| people.who(&own.identity));
    let (own, peers): (Vec<Who>, Vec<Who>) =
        approvers.partition(|who| Some(who) == story.author.as_ref());
    let counts = |who: &&Who| with_bots || people.kind(who) == AccountKind::Human;
    let peers: Vec<&Who> = peers.iter().filter(counts).collect();
    if let Some(peer) = peers.iter().find(|who| is_assigned(&story, who, context)) {
        ("assigned_peer", Some((*peer).clone()))
    } else if let Some(peer) = peers.first() {
        ("unassigned_peer", Some((*peer).clone()))
    } else if let Some(author) = own.first() {
        let is_reviewed = story.reviews().next().is_some();
        let approval = if is_reviewed { "self_reviewed" } else { "self" };
        (approval, Some(author.clone()))
    } else {
        ("unapproved", None)
    }
}

/// Whether a person asked for the review: somebody who joins adds himself, and policies add reviewers by a service. Where no
/// event tells how a reviewer came, he was there from the beginning.
fn is_assigned(story: &Story<'_>, reviewer: &Who, context: &Context) -> bool {
    let by = story.added_by(reviewer, context);
    by.is_none_or(|by| by != reviewer && context.known.people.kind(by) == AccountKind::Human)
}

fn reviews(fact: &Fact, context: &Context) -> Vec<Row> {
    let Fact::PullRequest(own, ..) = fact else {
        return Vec::new();
    };
    let Some(at) = own.closed_at else {
        return Vec::new();
    };
    let row = |reviewer: &Reviewer| {
        let mut dimensions = dimensions_of(own, context);
        let name = context.known.people.name(&reviewer.identity)?;
        dimensions.push((Dimension::Reviewer, name));
        dimensions.push((Dimension::Role, role(reviewer).to_owned()));
        dimensions.push((Dimension::Result, vote(reviewer).to_owned()));
        Some(Row {
            at,
            value: 1.0,
            dimensions,
            link: link_to(own),
            evidence: Vec::new(),
        })
    };
    own.reviewers.iter().filter_map(row).collect()
}

fn role(reviewer: &Reviewer) -> &'static str {
    match reviewer {
        own if own.is_group => "group",
        own if !own.voted_for.is_empty() => "group_member",
        own if own.is_required => "required",
        _ => "optional",
    }
}

/// <https://learn.microsoft.com/rest/api/azure/devops/git/pull-request-reviewers/list#identityrefwithvote>
fn vote(reviewer: &Reviewer) -> &'static str {
    match reviewer.vote {
        10 => "approved",
        5 => "approved_with_suggestions",
        -5 => "waiting_for_author",
        -10 => "rejected",
        _ if reviewer.has_declined => "declined",
        _ => "no_vote",
    }
}

#[cfg(test)]
mod tests {
    use model::record::pull_request::Happened;

    use super::*;
    use crate::samples::{context, identity, reviewed, rows};

    fn reviewer(id: &str, vote: i8) -> Reviewer {
        Reviewer {
            identity: identity(id),
            vote,
            is_required: false,
            is_group: false,
            has_declined: false,
            is_flagged: false,
            voted_for: Vec::new(),
        }
    }

    fn approval_of(votes: &[(&str, i8)], acts: &[(&str, &str, Happened)]) -> String {
        let mut fact = reviewed("10:00", Some("11:00"), acts);
        if let Fact::PullRequest(own, ..) = &mut fact {
            own.reviewers = votes.iter().map(|(id, vote)| reviewer(id, *vote)).collect();
        }
        let found = rows(&COLLABORATION, &[fact], &context());
        found[0].dimension(Dimension::Approval).unwrap().to_owned()
    }

    fn added(by: &'static str) -> (&'static str, &'static str, Happened) {
        let added = Some("peer".to_owned());
        let what = Happened::Reviewers {
            added,
            removed: None,
        };
        ("10:01", by, what)
    }

    #[test]
    fn there_are_five_ways_to_be_approved() {
        let comment = Happened::Comment {
            thread: 1,
            reply: false,
            on_code: false,
        };
        assert_eq!(
            approval_of(&[("peer", 10)], &[added("author")]),
            "assigned_peer"
        );
        assert_eq!(approval_of(&[("peer", 10)], &[]), "assigned_peer");
        assert_eq!(
            approval_of(&[("peer", 5)], &[added("peer")]),
            "unassigned_peer"
        );
        assert_eq!(approval_of(&[("author", 10)], &[]), "self");
        let reviewed = [("10:05", "peer", comment)];
        assert_eq!(approval_of(&[("author", 10)], &reviewed), "self_reviewed");
        assert_eq!(approval_of(&[("peer", -5)], &reviewed), "unapproved");
    }

    #[test]
    fn a_reviewer_whom_a_service_added_was_not_asked() {
        let mut acts = [added("bot")];
        let mut asked = context();
        asked.settings.choose(&BOTS, "true").unwrap();
        let mut fact = reviewed("10:00", Some("11:00"), &acts);
        if let Fact::PullRequest(own, ..) = &mut fact {
            own.reviewers = vec![reviewer("peer", 10)];
        }
        let found = rows(&COLLABORATION, &[fact], &asked);
        assert_eq!(
            found[0].dimension(Dimension::Approval),
            Some("unassigned_peer")
        );
        assert_eq!(found[0].dimension(Dimension::Approver), Some("peer"));
        acts[0].1 = "author";
        assert_eq!(
            approval_of(&[("bot", 10)], &acts),
            "unapproved",
            "a bot is no peer"
        );
    }

    #[test]
    fn reviewers_are_told_apart_by_what_they_are() {
        let mut fact = reviewed("10:00", Some("11:00"), &[]);
        if let Fact::PullRequest(own, ..) = &mut fact {
            let plain = reviewer("peer", 0);
            own.reviewers = vec![
                Reviewer {
                    is_required: true,
                    vote: 10,
                    ..plain.clone()
                },
                Reviewer {
                    has_declined: true,
                    ..plain.clone()
                },
                Reviewer {
                    is_group: true,
                    is_required: true,
                    vote: 5,
                    ..plain.clone()
                },
                Reviewer {
                    voted_for: vec!["g".into()],
                    vote: -10,
                    ..plain
                },
            ];
        }
        let found = rows(&REVIEWS, &[fact], &context());
        let of = |row: &Row| {
            let of = |own| row.dimension(own).unwrap().to_owned();
            (of(Dimension::Role), of(Dimension::Result))
        };
        let expected = [
            ("required", "approved"),
            ("optional", "declined"),
            ("group", "approved_with_suggestions"),
            ("group_member", "rejected"),
        ];
        let expected = expected.map(|(role, vote)| (role.to_owned(), vote.to_owned()));
        assert_eq!(found.iter().map(of).collect::<Vec<_>>(), expected);
    }
}

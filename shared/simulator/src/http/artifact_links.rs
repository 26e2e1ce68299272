//! Links to commits, pull requests, branches, runs and changesets, as work items show them.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/wit/work-items/get-work-items-batch#workitemrelation>

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::world::artifacts::{Artifact, ArtifactLink};
use crate::world::work_items::WorkItem;

/// The links of an item that stand, whoever may see what they lead to.
pub(crate) fn relations(call: &Call<'_>, item: &WorkItem) -> Vec<Value> {
    let links = (1_u32..).zip(item.artifacts());
    links
        .map(|(n, link)| relation(call, item.id * 100 + n, link))
        .collect()
}

fn relation(call: &Call<'_>, id: u32, link: &ArtifactLink) -> Value {
    json!({
        "rel": "ArtifactLink",
        "url": uri(call, &link.artifact),
        "attributes": {
            "authorizedDate": link.made,
            "id": id,
            "resourceCreatedDate": link.made,
            "resourceModifiedDate": link.made,
            "revisedDate": "9999-01-01T00:00:00Z",
            "name": name(&link.artifact),
        },
    })
}

fn name(artifact: &Artifact) -> &'static str {
    match artifact {
        Artifact::Commit(..) => "Fixed in Commit",
        Artifact::PullRequest(..) => "Pull Request",
        Artifact::Branch(..) => "Branch",
        Artifact::Build(_) => "Build",
        Artifact::Changeset(_) => "Fixed in Changeset",
        Artifact::GitHub(..) => "GitHub Pull Request",
    }
}

/// The artifact's URI. The service writes `%2F` and `%2f`, whichever tool made the link.
fn uri(call: &Call<'_>, artifact: &Artifact) -> String {
    let git = |kind: &str, repository: usize, tail: &str| {
        let own = &call.world.repositories[repository];
        let project = call.world.projects[usize::from(own.project)].id;
        format!("vstfs:///Git/{kind}/{project}%2F{}%2F{tail}", own.id)
    };
    match artifact {
        Artifact::Commit(repository, sha) => git("Commit", *repository, &sha.to_string()),
        Artifact::PullRequest(repository, id) => {
            git("PullRequestId", *repository, &id.to_string()).replace("%2F", "%2f")
        }
        Artifact::Branch(repository, name) => git(
            "Ref",
            *repository,
            &format!("GB{}", name.replace('/', "%2F")),
        ),
        Artifact::Build(id) => format!("vstfs:///Build/Build/{id}"),
        Artifact::Changeset(id) => format!("vstfs:///VersionControl/Changeset/{id}"),
        Artifact::GitHub(connection, number) => {
            format!("vstfs:///GitHub/PullRequest/{connection}%2F{number}")
        }
    }
}

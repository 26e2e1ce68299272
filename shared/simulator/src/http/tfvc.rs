//! TFVC beside its changesets: branches, labels, shelvesets.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/tfvc/>

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::identity;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::tfvc_facts::Branch;

/// `GET tfvc/branches`: the roots, with what was branched from them when asked for.
pub(crate) fn branches(call: &Call<'_>) -> Result<Reply, Refusal> {
    let with_children = call.query.flag("includeChildren")?;
    let with_deleted = call.query.flag("includeDeleted")?;
    let projects = (0_u16..).zip(&call.world.projects);
    let roots = projects
        .filter(|(project, _)| call.covers(*project))
        .flat_map(|(project, _)| call.world.tfvc_branches(project));
    Ok(Reply::list(roots.map(|own| {
        branch(call, &own, None, (with_children, with_deleted))
    })))
}

fn branch(
    call: &Call<'_>,
    own: &Branch,
    parent: Option<&str>,
    (with_children, with_deleted): (bool, bool),
) -> Value {
    let mut body = json!({
        "path": own.path,
        "description": "Where it is built.",
        "owner": identity::reference(call.world, own.owner),
        "createdDate": own.created,
        "url": format!("{}/_apis/tfvc/branches/{}", call.base(), own.path),
        "relatedBranches": [],
        "mappings": [],
    });
    if own.is_deleted {
        body["isDeleted"] = true.into();
    }
    if let Some(path) = parent {
        body["parent"] = json!({ "path": path });
    }
    if with_children {
        let children = own.children.iter();
        body["children"] = children
            .filter(|child| with_deleted || !child.is_deleted)
            .map(|child| branch(call, child, Some(&own.path), (true, with_deleted)))
            .collect();
    }
    body
}

/// `GET tfvc/labels`: `$top` and `$skip`, 100 unless asked otherwise.
pub(crate) fn labels(call: &Call<'_>) -> Result<Reply, Refusal> {
    let top = call.query.number(&["$top"])?.unwrap_or(100);
    let skip = call.query.number(&["$skip"])?.unwrap_or(0);
    let labels = call.world.tfvc_labels().into_iter();
    let found = labels.filter(|own| call.covers(own.project));
    Ok(Reply::list(found.skip(skip).take(top).map(|own| {
        json!({
            "id": own.id,
            "name": own.name,
            "description": "What was shipped.",
            "labelScope": format!("$/{}", call.world.projects[usize::from(own.project)].name),
            "modifiedDate": own.modified,
            "owner": identity::reference(call.world, own.owner),
            "url": format!("{}/_apis/tfvc/labels/{}", call.base(), own.id),
        })
    })))
}

/// `GET tfvc/shelvesets`: those of everybody, or of one owner.
pub(crate) fn shelvesets(call: &Call<'_>) -> Result<Reply, Refusal> {
    let owner = call.query.text(&["requestData.owner"]);
    let shelvesets = call.world.shelvesets().into_iter();
    let found = shelvesets.filter(|own| {
        let person = call.world.people.get(own.owner);
        call.covers(own.project)
            && owner
                .is_none_or(|wanted| wanted == person.display_name || wanted == person.unique_name)
    });
    Ok(Reply::list(found.map(|own| {
        let id = call.world.shelveset_id(&own);
        json!({
            "name": own.name,
            "id": id,
            "owner": identity::reference(call.world, own.owner),
            "createdDate": own.created,
            "comment": "Half of the new importer.",
            "url": format!("{}/_apis/tfvc/shelvesets/{id}", call.base()),
        })
    })))
}

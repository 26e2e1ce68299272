//! Areas and iterations.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/wit/classification-nodes/get-root-nodes>

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::classification::Node;

/// `GET wit/classificationnodes`: both roots, or the nodes with the given ids; children down to `$depth`.
pub(crate) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let depth = call.query.number(&["$depth"])?.unwrap_or(0);
    let trees = trees(call)?;
    let Some(ids) = call.query.list(&["ids"]) else {
        return Ok(Reply::list(
            trees
                .iter()
                .map(|root| body(call, root, &Place::root(root), depth)),
        ));
    };
    let found = ids.iter().map(|id| {
        let places = trees
            .iter()
            .flat_map(|root| places(root, Place::root(root)));
        let node = places
            .into_iter()
            .find(|(node, _)| node.id.to_string() == **id);
        node.map(|(node, place)| body(call, node, &place, depth))
            .ok_or_else(|| missing(id))
    });
    Ok(Reply::list(found.collect::<Result<Vec<_>, _>>()?))
}

/// `GET wit/classificationnodes/{group}/{path}`.
pub(crate) fn get(call: &Call<'_>) -> Result<Reply, Refusal> {
    let depth = call.query.number(&["$depth"])?.unwrap_or(0);
    let [areas, iterations] = trees(call)?;
    let root = match call.captured[0].to_ascii_lowercase().as_str() {
        "areas" => areas,
        "iterations" => iterations,
        other => return Err(Refusal::bad_value("structureGroup", other)),
    };
    let (mut node, mut place) = (root, Place::root(root));
    for name in call.captured[1].split('\\').filter(|name| !name.is_empty()) {
        node = node
            .children
            .iter()
            .find(|child| child.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| missing(name))?;
        place = place.below(node);
    }
    Ok(Reply::json(&body(call, node, &place, depth)))
}

fn trees<'a>(call: &'a Call<'_>) -> Result<&'a [Node; 2], Refusal> {
    let project = call.project.ok_or_else(|| Refusal::no_such_project(""))?;
    Ok(&call.world.classification[usize::from(project)])
}

fn missing(name: &str) -> Refusal {
    Refusal::not_found(
        "ClassificationNodeNotFoundException",
        format!(
            "VS402485: The area/iteration '{name}' does not exist or you do not have permission to access it."
        ),
    )
}

/// Where a node stands: the path in bodies and the one in addresses.
struct Place {
    path: String,
    address: String,
}

impl Place {
    fn root(root: &Node) -> Self {
        let (group, plural) = if root.is_area {
            ("Area", "Areas")
        } else {
            ("Iteration", "Iterations")
        };
        Self {
            path: format!("\\{}\\{group}", root.name),
            address: plural.to_owned(),
        }
    }

    fn below(&self, child: &Node) -> Self {
        let segment: String = url::form_urlencoded::byte_serialize(child.name.as_bytes()).collect();
        Self {
            path: format!("{}\\{}", self.path, child.name),
            address: format!("{}/{}", self.address, segment.replace('+', "%20")),
        }
    }
}

fn places(node: &Node, place: Place) -> Vec<(&Node, Place)> {
    let mut all: Vec<_> = node
        .children
        .iter()
        .flat_map(|child| places(child, place.below(child)))
        .collect();
    all.insert(0, (node, place));
    all
}

fn body(call: &Call<'_>, node: &Node, place: &Place, depth: u32) -> Value {
    let project = call.project.map_or(String::new(), |project| {
        call.world.projects[usize::from(project)].id.to_string()
    });
    let url = format!(
        "{}/{project}/_apis/wit/classificationNodes/{}",
        call.base(),
        place.address
    );
    let mut body = json!({
        "id": node.id,
        "identifier": node.identifier,
        "name": node.name,
        "structureType": if node.is_area { "area" } else { "iteration" },
        "hasChildren": !node.children.is_empty(),
        "path": place.path,
        "_links": { "self": { "href": url } },
        "url": url,
    });
    if let Some((start, finish)) = node.dates {
        body["attributes"] = json!({ "startDate": start, "finishDate": finish });
    }
    if depth > 0 && !node.children.is_empty() {
        body["children"] = node
            .children
            .iter()
            .map(|child| self::body(call, child, &place.below(child), depth - 1))
            .collect();
    }
    body
}

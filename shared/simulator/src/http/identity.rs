//! Identities as bodies carry them.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/graph/users/get>

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use crate::world::World;
use crate::world::people::{Person, PersonId, PersonKind};

/// The subject descriptor, `aad.`, `vssgp.` or `svc.` and an encoded id.
pub(crate) fn descriptor(person: &Person) -> String {
    let prefix = match person.kind {
        PersonKind::Human => "aad",
        PersonKind::Group => "vssgp",
        PersonKind::Service => "svc",
    };
    format!("{prefix}.{}", STANDARD_NO_PAD.encode(person.id.to_string()))
}

/// An `IdentityRef`.
pub(crate) fn reference(world: &World, person: PersonId) -> Value {
    let person = world.people.get(person);
    let descriptor = descriptor(person);
    let avatar = format!(
        "https://dev.azure.com/{}/_apis/GraphProfile/MemberAvatars/{descriptor}",
        world.organization
    );
    let mut value = json!({
        "displayName": person.display_name,
        "url": format!("https://spsprodcus1.vssps.visualstudio.com/A{}/_apis/Identities/{}", world.instance_id, person.id),
        "_links": { "avatar": { "href": avatar } },
        "id": person.id,
        "uniqueName": person.unique_name,
        "imageUrl": avatar,
        "descriptor": descriptor,
    });
    if person.kind == PersonKind::Group {
        value["isContainer"] = Value::Bool(true);
    }
    value
}

/// The form that the reporting endpoints use unless `includeIdentityRef=true`: `Name <mail>`.
pub(crate) fn combined(world: &World, person: PersonId) -> String {
    let person = world.people.get(person);
    format!("{} <{}>", person.display_name, person.unique_name)
}

//! Who am I, what is where.

use serde_json::{Value, json};

use crate::http::call::Call;
use crate::http::identity;
use crate::http::locations::{LOCATIONS, Location};
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::people::PersonId;

/// Resource areas that the official clients look for before anything else, all on the organization's own host.
const AREAS: [(&str, &str); 6] = [
    ("79134c72-4a58-4b42-976c-04e7115f32bf", "core"),
    ("5264459e-e5e0-4bd8-b118-0985e68a4ec5", "wit"),
    ("4e080c62-fa21-4fbc-8fef-2a10a2b38049", "git"),
    ("965220d5-5bb9-42cf-8d67-9b146df2a5a4", "Build"),
    ("8aa40520-446d-40e6-89f6-9c9f9ce44c48", "tfvc"),
    ("1d4f49f9-02b9-4e26-b826-2cdb6195f2a9", "work"),
];

/// `OPTIONS /{organization}/_apis`: the resource locations, of one area if it is named.
pub(crate) fn locations(call: &Call<'_>) -> Result<Reply, Refusal> {
    let area = call.captured.first();
    let is_wanted = |own: &&Location| area.is_none_or(|area| own.area.eq_ignore_ascii_case(area));
    Ok(Reply::list(
        LOCATIONS.iter().filter(is_wanted).map(location),
    ))
}

fn location(location: &Location) -> Value {
    json!({
        "id": location.id,
        "area": location.area,
        "resourceName": location.resource,
        "routeTemplate": location.route,
        "resourceVersion": location.resource_version,
        "minVersion": "1.0",
        "maxVersion": "7.2",
        "releasedVersion": location.released,
    })
}

/// `GET /{organization}/_apis/resourceAreas`.
pub(crate) fn resource_areas(call: &Call<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::list(
        AREAS.iter().map(|area| resource_area_of(call, area)),
    ))
}

/// `GET /{organization}/_apis/resourceAreas/{areaId}`.
pub(crate) fn resource_area(call: &Call<'_>) -> Result<Reply, Refusal> {
    let wanted = &call.captured[0];
    let area = AREAS.iter().find(|(id, _)| id.eq_ignore_ascii_case(wanted));
    // The service answers null for an area it does not know.
    Ok(Reply::json(
        &area.map_or(Value::Null, |area| resource_area_of(call, area)),
    ))
}

fn resource_area_of(call: &Call<'_>, (id, name): &(&str, &str)) -> Value {
    json!({ "id": id, "name": name, "locationUrl": format!("{}/{}/", call.origin, call.world.organization) })
}

/// `GET /{organization}/_apis/connectionData`: whose credential this is and which organization.
///
/// The one thing anonymous callers get, with the anonymous identity.
pub(crate) fn connection_data(call: &Call<'_>) -> Result<Reply, Refusal> {
    let user = call.pat.map_or_else(anonymous, |pat| user(call, pat.owner));
    let mut services = json!({
        "serviceOwner": "00025394-6065-48ca-87d9-7f5672854ef7",
        "defaultAccessMappingMoniker": "PublicAccessMapping",
        "lastChangeId": 424_239_147,
        "lastChangeId64": 424_239_147,
    });
    if call
        .query
        .text(&["connectOptions"])
        .is_some_and(|options| options.eq_ignore_ascii_case("IncludeServices"))
    {
        services["serviceDefinitions"] = LOCATIONS.iter().map(service_definition).collect();
    }
    Ok(Reply::json(&json!({
        "authenticatedUser": user,
        "authorizedUser": user,
        "instanceId": call.world.instance_id,
        "deploymentId": "ed30ce5c-9d0a-f73c-3580-4315c7f84d83",
        "deploymentType": "hosted",
        "locationServiceData": services,
    })))
}

fn service_definition(location: &Location) -> Value {
    json!({
        "serviceType": location.area,
        "identifier": location.id,
        "displayName": location.resource,
        "relativeToSetting": "fullyQualified",
        "relativePath": format!("/{}", location.route),
        "resourceVersion": location.resource_version,
        "minVersion": "1.0",
        "maxVersion": "7.2",
        "releasedVersion": location.released,
    })
}

fn user(call: &Call<'_>, owner: uuid::Uuid) -> Value {
    let position = call
        .world
        .people
        .all
        .iter()
        .position(|person| person.id == owner);
    let known = position
        .and_then(|position| PersonId::try_from(position).ok())
        .map(|id| call.world.people.get(id));
    let (name, account) = known.map_or(("Unlisted User", "unlisted@fabrikam.example"), |person| {
        (&person.display_name, &person.unique_name)
    });
    json!({
        "id": owner,
        "descriptor": format!("Microsoft.IdentityModel.Claims.ClaimsIdentity;72f988bf-86f1-41af-91ab-2d7cd011db47\\{account}"),
        "subjectDescriptor": known.map(identity::descriptor),
        "providerDisplayName": name,
        "customDisplayName": name,
        "isActive": true,
        "properties": { "Account": { "$type": "System.String", "$value": account } },
        "resourceVersion": 2,
        "metaTypeId": 0,
    })
}

fn anonymous() -> Value {
    json!({
        "id": "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
        "descriptor": "System:PublicAccess;aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa",
        "subjectDescriptor": "sys.UHVibGljQWNjZXNzO2FhYWFhYWFhLWFhYWEtYWFhYS1hYWFhLWFhYWFhYWFhYWFhYQ",
        "providerDisplayName": "Anonymous",
        "isActive": true,
        "properties": {},
        "resourceVersion": 2,
        "metaTypeId": 0,
    })
}

//! What a sign-in is begun for.

use connections::signed_in::{self, Details};
use entrypoint::problem::Problem;
use model::{ConnectionId, DirectoryId, OrganizationName, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use validate_pat::form;

/// The field that says that another person's sign-in is meant, as in `connections`.
const CONFIRM: &str = "confirm_identity_change";

/// What a sign-in is begun for. It is kept while the browser is away; nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wish {
    /// The directory that has to be signed in to.
    pub(crate) directory: Option<DirectoryId>,
    pub(crate) purpose: Purpose,
}

/// What becomes of the sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// A new connection.
    Connect {
        name: Option<String>,
        services: Vec<Service>,
        /// Where; everywhere that the person is in if there is none, also in organizations that appear later.
        organizations: Vec<OrganizationName>,
        /// What else is said of it.
        #[serde(default)]
        details: Box<Details>,
    },
    /// A new credential of a connection that there is.
    Reauthenticate {
        connection: ConnectionId,
        /// Whether it may be somebody else's.
        confirmed: bool,
    },
}

impl Wish {
    /// Reads a request.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let mut fields = form::fields(body)?;
        let directory = match fields.remove("tenant_id") {
            None | Some(Value::Null) => None,
            given => Some(DirectoryId(form::id("tenant_id", given)?)),
        };
        let purpose = match fields.remove("connection") {
            Some(id) => Purpose::Reauthenticate {
                connection: connection(&id)?,
                confirmed: match fields.remove(CONFIRM) {
                    None | Some(Value::Null) => false,
                    Some(Value::Bool(confirmed)) => confirmed,
                    Some(_) => return Err(Problem::field(CONFIRM, "true or false is needed")),
                },
            },
            None => Purpose::Connect {
                name: signed_in::name(&mut fields)?,
                services: form::services(fields.remove("services"))?,
                organizations: form::some_organizations(fields.remove("organizations"))?,
                details: Box::new(Details::take(&mut fields)?),
            },
        };
        form::nothing_else(&fields)?;
        Ok(Self { directory, purpose })
    }
}

fn connection(id: &Value) -> Result<ConnectionId, Problem> {
    let id = id.as_str().and_then(|id| id.parse().ok());
    id.ok_or_else(|| {
        Problem::field(
            "connection",
            "the id of a connection is needed, or nothing for a new one",
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: &Value) -> Result<Wish, Problem> {
        Wish::parse(body.to_string().as_bytes())
    }

    #[test]
    fn nothing_at_all_means_everything_everywhere() {
        let everything = Purpose::Connect {
            name: None,
            services: Service::ALL.to_vec(),
            organizations: Vec::new(),
            details: Box::default(),
        };
        let wish = parse(&json!({})).unwrap();
        assert_eq!((wish.directory, wish.purpose), (None, everything));
    }

    #[test]
    fn a_wish_is_read_back_as_it_was_kept() {
        let id = "c0ffee00-1d2e-4f3a-8b4c-5d6e7f809a1b";
        for body in [
            json!({ "name": "x", "services": ["tfvc"], "organizations": ["fabrikam"], "tenant_id": id }),
            json!({ "connection": id, "confirm_identity_change": true }),
            json!({ "description": "x", "tags": ["a"], "selection": { "projects": { "include": ["a*"] } }, "story_points_field": "Custom.Size" }),
        ] {
            let wish = parse(&body).unwrap();
            let kept = serde_json::to_string(&wish).unwrap();
            assert_eq!(serde_json::from_str::<Wish>(&kept).unwrap(), wish);
        }
    }

    #[test]
    fn the_wrong_field_is_named() {
        let id = "c0ffee00-1d2e-4f3a-8b4c-5d6e7f809a1b";
        for (body, field) in [
            (json!({ "tenant_id": "contoso" }), "tenant_id"),
            (json!({ "connection": "mine" }), "connection"),
            (json!({ "connection": id, "name": "x" }), "name"),
            (json!({ "connection": id, CONFIRM: "yes" }), CONFIRM),
            (json!({ "name": "\u{7}" }), "name"),
            (json!({ "services": [] }), "services"),
            (json!({ "organizations": "fabrikam" }), "organizations"),
            (json!({ "organizations": ["a b"] }), "organizations[0]"),
            (json!({ "pat": "x" }), "pat"),
            (json!({ "tags": "a" }), "tags"),
            (
                json!({ "selection": { "projects": { "include": [""] } } }),
                "selection.projects.include[0]",
            ),
            (json!({ "connection": id, "tags": [] }), "tags"),
        ] {
            let problem = parse(&body).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{body}");
        }
    }
}

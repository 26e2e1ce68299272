//! Reading the request, and saying which field is wrong.
//!
//! Fields are taken out one by one instead of by a derived `Deserialize`: its messages quote what they cannot read, and
//! here that can be a token in the wrong field.

mod credentials;
mod selection;

use entrypoint::problem::Problem;
use model::{OrganizationName, Service};
use serde_json::{Map, Value};

pub use self::credentials::{Given, GivenFor, given_for, id};
pub use self::selection::selection;

/// A request that makes sense.
#[derive(Debug)]
pub struct Form {
    /// What it gives to authenticate with.
    pub given: Given,
    /// Where that is for, at least one.
    pub organizations: Vec<OrganizationName>,
    /// What is wanted of it, at least one.
    pub services: Vec<Service>,
}

/// More than anybody types into a form; it bounds the requests that one call can cause.
const MOST_ORGANIZATIONS: usize = 20;

impl Form {
    /// Reads the fields of a request, of which a caller may have taken its own.
    ///
    /// # Errors
    /// The first thing that is wrong with them, without quoting any of it but names of fields.
    pub fn from_fields(mut fields: Map<String, Value>) -> Result<Self, Problem> {
        let GivenFor {
            given,
            organizations,
        } = credentials::take(&mut fields)?;
        let form = Self {
            given,
            organizations,
            services: services(fields.remove("services"))?,
        };
        nothing_else(&fields)?;
        Ok(form)
    }
}

/// The request as a whole makes no sense, so that there is no field to name.
pub fn unreadable(why: &str) -> Problem {
    Problem::unreadable(why)
}

/// Refuses fields that nobody asked for: a misspelt name must not be taken for a field that was left out.
///
/// # Errors
/// There is one.
pub fn nothing_else(fields: &Map<String, Value>) -> Result<(), Problem> {
    match fields.keys().next() {
        Some(unknown) => Err(Problem::field(unknown, "there is no such field")),
        None => Ok(()),
    }
}

/// Takes a request apart into its fields.
///
/// # Errors
/// It is no JSON object.
pub fn fields(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::unreadable(&format!(
            "it is no json object (line {line}, column {column})"
        ))
    })
}

fn organizations(fields: &mut Map<String, Value>) -> Result<Vec<OrganizationName>, Problem> {
    match (
        fields.remove("organization"),
        fields.remove("organizations"),
    ) {
        (Some(_), Some(_)) => Err(Problem::field(
            "organization",
            "give either `organization` or `organizations`",
        )),
        (Some(one), None) => Ok(vec![organization("organization", &one)?]),
        (None, Some(Value::Array(names))) => distinct_organizations(&names),
        (None, Some(_)) => Err(Problem::field("organizations", "a list of names is needed")),
        (None, None) => Err(Problem::field(
            "organizations",
            "at least one organization is needed",
        )),
    }
}

/// Reads a list of organizations that may be left out.
///
/// # Errors
/// It is none.
pub fn some_organizations(value: Option<Value>) -> Result<Vec<OrganizationName>, Problem> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(names)) => distinct_organizations(&names),
        Some(_) => Err(Problem::field("organizations", "a list of names is needed")),
    }
}

fn distinct_organizations(names: &[Value]) -> Result<Vec<OrganizationName>, Problem> {
    if names.is_empty() {
        return Err(Problem::field(
            "organizations",
            "at least one organization is needed",
        ));
    }
    if names.len() > MOST_ORGANIZATIONS {
        let most = format!("at most {MOST_ORGANIZATIONS} organizations can be asked at once");
        return Err(Problem::field("organizations", most));
    }
    let mut organizations: Vec<OrganizationName> = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let field = format!("organizations[{index}]");
        let name = organization(&field, name)?;
        if organizations
            .iter()
            .any(|other| other.as_str().eq_ignore_ascii_case(name.as_str()))
        {
            return Err(Problem::field(field, "this organization is named twice"));
        }
        organizations.push(name);
    }
    Ok(organizations)
}

fn organization(field: &str, value: &Value) -> Result<OrganizationName, Problem> {
    let Value::String(name) = value else {
        return Err(Problem::field(field, "a name is needed"));
    };
    name.parse()
        .map_err(|error: model::InvalidOrganizationName| Problem::field(field, error.to_string()))
}

/// Reads a list of services; none means all.
///
/// # Errors
/// It is none.
pub fn services(value: Option<Value>) -> Result<Vec<Service>, Problem> {
    let names = match value {
        None | Some(Value::Null) => return Ok(Service::ALL.to_vec()),
        Some(Value::Array(names)) if !names.is_empty() => names,
        Some(_) => {
            return Err(Problem::field(
                "services",
                "a list of services is needed, or none for all",
            ));
        }
    };
    names
        .iter()
        .enumerate()
        .map(|(index, name)| service(index, name))
        .collect()
}

fn service(index: usize, name: &Value) -> Result<Service, Problem> {
    let service = Service::ALL
        .into_iter()
        .find(|service| name == service.name());
    service.ok_or_else(|| {
        let names = Service::ALL.map(Service::name).join(", ");
        Problem::field(
            format!("services[{index}]"),
            format!("a service is one of {names}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PAT: &str = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst";

    fn parse(body: &Value) -> Result<Form, Problem> {
        parse_text(&body.to_string())
    }

    fn parse_text(body: &str) -> Result<Form, Problem> {
        Form::from_fields(fields(body.as_bytes())?)
    }

    /// The field and the sentence that a request is refused with.
    fn refusal(body: &Value) -> (String, String) {
        let problem = parse(body).unwrap_err();
        assert_eq!(
            (problem.status, problem.kind),
            (400, "/problems/invalid-field")
        );
        (problem.field.unwrap(), problem.detail)
    }

    #[test]
    fn a_request_names_organizations_and_means_all_services() {
        let form = parse(&json!({ "organizations": ["fabrikam", "contoso"], "pat": PAT })).unwrap();
        let names: Vec<_> = form
            .organizations
            .iter()
            .map(OrganizationName::as_str)
            .collect();
        assert_eq!(names, ["fabrikam", "contoso"]);
        assert_eq!(form.services, Service::ALL);
    }

    #[test]
    fn one_organization_and_some_services_will_do() {
        let body =
            json!({ "organization": "fabrikam", "pat": PAT.repeat(2), "services": ["tfvc"] });
        let form = parse(&body).unwrap();
        assert_eq!(form.organizations.len(), 1);
        assert_eq!(form.services, [Service::Tfvc]);
    }

    #[test]
    fn the_wrong_field_is_named() {
        let rows = [
            (json!({ "pat": PAT }), "organizations"),
            (json!({ "organizations": [], "pat": PAT }), "organizations"),
            (
                json!({ "organizations": "fabrikam", "pat": PAT }),
                "organizations",
            ),
            (
                json!({ "organizations": vec!["x"; 21], "pat": PAT }),
                "organizations",
            ),
            (
                json!({ "organizations": ["ok", "a b"], "pat": PAT }),
                "organizations[1]",
            ),
            (
                json!({ "organizations": ["ok", "OK"], "pat": PAT }),
                "organizations[1]",
            ),
            (
                json!({ "organizations": [7], "pat": PAT }),
                "organizations[0]",
            ),
            (json!({ "organization": "", "pat": PAT }), "organization"),
            (
                json!({ "organization": "a", "organizations": ["b"], "pat": PAT }),
                "organization",
            ),
            (json!({ "organization": "a" }), "pat"),
            (json!({ "organization": "a", "pat": null }), "pat"),
            (json!({ "organization": "a", "pat": 7 }), "pat"),
            (json!({ "organization": "a", "pat": " \n" }), "pat"),
            (
                json!({ "organization": "a", "pat": format!("{} {}", &PAT[..9], &PAT[9..]) }),
                "pat",
            ),
            (
                json!({ "organization": "a", "pat": format!("{PAT}.") }),
                "pat",
            ),
            (json!({ "organization": "a", "pat": &PAT[1..] }), "pat"),
            (
                json!({ "organization": "a", "pat": PAT, "services": [] }),
                "services",
            ),
            (
                json!({ "organization": "a", "pat": PAT, "services": "boards" }),
                "services",
            ),
            (
                json!({ "organization": "a", "pat": PAT, "services": ["boards", "x"] }),
                "services[1]",
            ),
            (
                json!({ "organization": "a", "pat": PAT, "service": "boards" }),
                "service",
            ),
        ];
        for (body, field) in rows {
            assert_eq!(refusal(&body).0, field, "{body}");
        }
    }

    #[test]
    fn what_is_no_object_has_no_field_to_name() {
        for body in ["", "[]", "null", "{\"pat\":", "pat=x"] {
            let problem = parse_text(body).unwrap_err();
            assert_eq!(problem.kind, "/problems/unreadable-request", "{body}");
            assert_eq!((problem.status, problem.field), (400, None));
        }
    }

    #[test]
    fn an_address_is_answered_with_the_name_to_use() {
        let body = json!({ "organizations": ["https://dev.azure.com/fabrikam"], "pat": PAT });
        let (field, detail) = refusal(&body);
        assert_eq!(field, "organizations[0]");
        assert!(detail.contains("`fabrikam`"), "{detail}");
    }

    #[test]
    fn a_refusal_never_quotes_a_token_wherever_it_was_put() {
        for body in [
            json!({ "organization": "a", "pat": [PAT] }),
            json!({ "organization": "a", "pat": format!("{PAT} x") }),
            json!({ "organization": PAT, "pat": "x" }),
            json!({ "organizations": PAT, "pat": "x" }),
            json!({ "organization": "a", "pat": PAT, "services": [PAT] }),
            json!(PAT),
        ] {
            let problem = parse(&body).unwrap_err();
            assert!(!format!("{problem:?}").contains(PAT), "{problem:?}");
        }
        let cut = parse_text(&format!("{{\"pat\":\"{PAT}")).unwrap_err();
        assert!(!format!("{cut:?}").contains(PAT));
    }

    #[test]
    fn a_form_in_a_log_hides_its_token() {
        let form = parse(&json!({ "organization": "a", "pat": PAT })).unwrap();
        assert!(!format!("{form:?}").contains(PAT));
    }
}

//! Reading what a request gives to authenticate with: one token, one for each organization, or an application.

use ado::Credential;
use auth::{
    Authority, Certificate, Entra, Grant, InvalidCertificate, Pats, Principal, Proof, Secret,
};
use entrypoint::problem::Problem;
use jiff::{Timestamp, Unit, civil::Date, tz::TimeZone};
use model::{Expiry, GLOBAL_PATS_END, Method, OrganizationName};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{MOST_ORGANIZATIONS, organization, organizations};

/// What a request gives to authenticate with.
#[derive(Debug)]
pub struct Given {
    /// The secret, as it is to be kept.
    pub secret: Secret,
    /// When parts of it end, as the request says or Microsoft has announced.
    pub expiries: Vec<Expiry>,
}

/// What a request gives, and where it is for.
#[derive(Debug)]
pub struct GivenFor {
    /// What it gives.
    pub given: Given,
    /// The organizations that it names.
    pub organizations: Vec<OrganizationName>,
}

impl Given {
    /// The credential for an organization of the request.
    pub fn credential(&self, organization: &OrganizationName) -> Option<Credential> {
        self.secret.credential(organization)
    }

    /// The field of a request that it stands in.
    pub fn field(&self) -> &'static str {
        match self.secret.method() {
            Method::Pat => "pat",
            Method::OAuth => "organizations",
            Method::ServicePrincipal => "service_principal",
        }
    }

    /// The same with an access token, if it needs one to ask anything.
    ///
    /// # Errors
    /// Entra ID gives none.
    pub async fn signed_in(self, entra: &Entra, now: Timestamp) -> Result<Self, auth::Error> {
        let Secret::Principal(principal) = self.secret else {
            return Ok(self);
        };
        let authority = Authority::Directory(principal.directory);
        let asked = (authority, principal.client, &principal.proof);
        let issued = entra.redeem(asked, Grant::Application, now).await?;
        Ok(Self {
            secret: Secret::Principal(Principal {
                access: Some(issued.access),
                ..principal
            }),
            ..self
        })
    }

    /// What is good to know although the request makes sense.
    pub fn warnings(&self, now: Timestamp) -> Vec<String> {
        let mut warnings: Vec<String> = self
            .expiries
            .iter()
            .filter_map(|expiry| ends_soon(expiry, now))
            .collect();
        if let Secret::Pats(pats) = &self.secret
            && pats.has_global()
        {
            warnings.push(format!(
                "One token for several organizations is a global one, and Microsoft ends those on {GLOBAL_PATS_END}: \
                 make one token for each organization, and give them as `pats`."
            ));
        }
        warnings
    }
}

/// From how many days before its end a credential is warned of.
const SOON_DAYS: i64 = 30;

/// Says that a credential has ended, or will within a month.
fn ends_soon(Expiry { organization, on }: &Expiry, now: Timestamp) -> Option<String> {
    let today = TimeZone::UTC.to_datetime(now).date();
    let left = on.since((Unit::Day, today)).ok()?.get_days();
    let where_ = match organization {
        Some(organization) => format!(" for {organization}"),
        None => String::new(),
    };
    match i64::from(left) {
        ..=0 => Some(format!(
            "The credential{where_} ends on {on}, which is over: make a new one."
        )),
        1..=SOON_DAYS => Some(format!(
            "The credential{where_} ends on {on}: make a new one before, and reauthenticate the connection with it."
        )),
        _ => None,
    }
}

/// Takes the credentials out of a request, with the organizations that they are for.
pub(super) fn take(fields: &mut Map<String, Value>) -> Result<GivenFor, Problem> {
    match fields.remove("pats") {
        Some(list) if fields.contains_key("pat") => {
            drop(list);
            Err(Problem::field("pat", "give either `pat` or `pats`"))
        }
        Some(list) => several(&list),
        None => {
            let organizations = organizations(fields)?;
            let given = given_for(fields, &organizations)?;
            Ok(GivenFor {
                given,
                organizations,
            })
        }
    }
}

/// Takes the credentials out of a request for organizations that are known already.
///
/// # Errors
/// The first thing that is wrong with them, without quoting any of it but names of fields.
pub fn given_for(
    fields: &mut Map<String, Value>,
    organizations: &[OrganizationName],
) -> Result<Given, Problem> {
    if let Some(list) = fields.remove("pats") {
        let GivenFor {
            given,
            organizations: named,
        } = several(&list)?;
        return match organizations.iter().find(|known| !names(&named, known)) {
            Some(left_out) => Err(Problem::field(
                "pats",
                format!("there is no token for the organization {left_out}"),
            )),
            None => Ok(given),
        };
    }
    if let Some(value) = fields.remove("service_principal") {
        if fields.contains_key("pat") {
            let detail = "give either `pat` or `service_principal`";
            return Err(Problem::field("pat", detail));
        }
        return principal(value);
    }
    let token = pat("pat", fields.remove("pat"))?;
    let on = date("expires_on", fields.remove("expires_on"))?;
    Ok(match organizations {
        [one] => {
            let mut pats = Pats::default();
            pats.insert(one, token);
            let organization = Some(one.clone());
            Given {
                secret: Secret::Pats(pats),
                expiries: on
                    .map(|on| Expiry { organization, on })
                    .into_iter()
                    .collect(),
            }
        }
        // A token is for one organization or for all: <https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate#create-a-pat>.
        _ => Given {
            secret: Secret::Pats(Pats::global(token)),
            expiries: vec![Expiry {
                organization: None,
                on: on.map_or(GLOBAL_PATS_END, |on| on.min(GLOBAL_PATS_END)),
            }],
        },
    })
}

/// Reads `[{ "organization": "fabrikam", "pat": "...", "expires_on": "2027-01-31" }, ...]`.
fn several(list: &Value) -> Result<GivenFor, Problem> {
    let entries = match list {
        Value::Array(entries) if !entries.is_empty() => entries,
        _ => return Err(Problem::field("pats", "a list of tokens is needed")),
    };
    if entries.len() > MOST_ORGANIZATIONS {
        let most = format!("at most {MOST_ORGANIZATIONS} organizations can be asked at once");
        return Err(Problem::field("pats", most));
    }
    let (mut pats, mut expiries, mut organizations) = (Pats::default(), Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        let field = |name: &str| format!("pats[{index}].{name}");
        let Value::Object(entry) = entry else {
            let detail =
                "a token is given with its organization: {\"organization\": ..., \"pat\": ...}";
            return Err(Problem::field(format!("pats[{index}]"), detail));
        };
        let mut entry = entry.clone();
        let name = entry.remove("organization").unwrap_or(Value::Null);
        let name = organization(&field("organization"), &name)?;
        if names(&organizations, &name) {
            let detail = "this organization is named twice";
            return Err(Problem::field(field("organization"), detail));
        }
        pats.insert(&name, pat(&field("pat"), entry.remove("pat"))?);
        if let Some(on) = date(&field("expires_on"), entry.remove("expires_on"))? {
            let organization = Some(name.clone());
            expiries.push(Expiry { organization, on });
        }
        if let Some(unknown) = entry.keys().next() {
            return Err(Problem::field(field(unknown), "there is no such field"));
        }
        organizations.push(name);
    }
    Ok(GivenFor {
        given: Given {
            secret: Secret::Pats(pats),
            expiries,
        },
        organizations,
    })
}

/// Reads `{ "tenant_id": ..., "client_id": ..., "client_secret": ... }`, or `certificate` instead of the secret.
fn principal(value: Value) -> Result<Given, Problem> {
    let field = |name: &str| format!("service_principal.{name}");
    let Value::Object(mut given) = value else {
        let detail =
            "an object is needed, with tenant_id, client_id and client_secret or certificate";
        return Err(Problem::field("service_principal", detail));
    };
    let directory = id(&field("tenant_id"), given.remove("tenant_id"))?;
    let client = id(&field("client_id"), given.remove("client_id"))?;
    let proof = match (given.remove("client_secret"), given.remove("certificate")) {
        (Some(_), Some(_)) => {
            let detail = "give either `client_secret` or `certificate`";
            return Err(Problem::field(field("certificate"), detail));
        }
        (_, Some(pem)) => Proof::Certificate(certificate(&field("certificate"), pem)?),
        (secret, None) => Proof::Secret(client_secret(&field("client_secret"), secret)?),
    };
    let on = date(&field("expires_on"), given.remove("expires_on"))?;
    if let Some(unknown) = given.keys().next() {
        return Err(Problem::field(field(unknown), "there is no such field"));
    }
    Ok(Given {
        secret: Secret::Principal(Principal {
            directory: model::DirectoryId(directory),
            client: model::ApplicationId(client),
            proof,
            access: None,
        }),
        expiries: on
            .map(|on| Expiry {
                organization: None,
                on,
            })
            .into_iter()
            .collect(),
    })
}

/// Reads an id of Entra ID.
///
/// # Errors
/// It is none.
pub fn id(field: &str, value: Option<Value>) -> Result<Uuid, Problem> {
    let text = value.as_ref().and_then(Value::as_str).map(str::trim);
    text.and_then(|text| Uuid::parse_str(text).ok())
        .ok_or_else(|| {
            let detail = "an id is needed, as the overview of the app registration shows it: 00000000-0000-0000-0000-000000000000";
            Problem::field(field, detail)
        })
}

/// A secret has no blanks and is no id: pasting its *Secret ID* is the usual mistake.
/// <https://learn.microsoft.com/entra/identity-platform/how-to-add-credentials#add-a-credential-to-your-application>
fn client_secret(field: &str, value: Option<Value>) -> Result<SecretString, Problem> {
    let invalid = |detail: &str| Err(Problem::field(field, detail));
    let Some(Value::String(pasted)) = value else {
        return invalid("the value of a client secret is needed, or a certificate");
    };
    let pasted = SecretString::from(pasted);
    let text = pasted.expose_secret().trim();
    if text.is_empty() || text.len() > 1024 || text.chars().any(char::is_whitespace) {
        return invalid("the client secret is empty or has a blank inside; paste its value");
    }
    if Uuid::parse_str(text).is_ok() {
        return invalid("this is the id of a client secret; its value is needed");
    }
    Ok(text.to_owned().into())
}

fn certificate(field: &str, value: Value) -> Result<Certificate, Problem> {
    let Value::String(pem) = value else {
        return Err(Problem::field(field, "a pem text is needed"));
    };
    Certificate::from_pem(pem.into())
        .map_err(|error: InvalidCertificate| Problem::field(field, error.to_string()))
}

fn names(organizations: &[OrganizationName], wanted: &OrganizationName) -> bool {
    organizations
        .iter()
        .any(|name| name.as_str().eq_ignore_ascii_case(wanted.as_str()))
}

/// Reads a token, without the blanks that copying leaves around it.
///
/// A token has the shape that Microsoft gives it: letters and digits, 84 of them today and 52 before. The length is not
/// held against a longer one, because it has grown before:
/// <https://learn.microsoft.com/azure/devops/organizations/accounts/use-personal-access-tokens-to-authenticate#changes-to-format>.
fn pat(field: &str, value: Option<Value>) -> Result<SecretString, Problem> {
    const SHORTEST: usize = 52;
    const LONGEST: usize = 1024;
    let invalid = |detail: &str| Err(Problem::field(field, detail));
    let Some(Value::String(pat)) = value else {
        return invalid("a personal access token is needed, as text");
    };
    let pasted = SecretString::from(pat);
    let text = pasted.expose_secret().trim();
    if text.is_empty() {
        return invalid("the token is empty; paste the personal access token");
    }
    if text.chars().any(char::is_whitespace) {
        return invalid(
            "the token contains a space or a line break inside; copy it again as a whole",
        );
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric()) {
        return invalid(
            "this is no personal access token of azure devops: they have letters and digits only",
        );
    }
    if !(SHORTEST..=LONGEST).contains(&text.len()) {
        return invalid(
            "this is no whole personal access token of azure devops: they have 84 characters, older ones 52",
        );
    }
    Ok(text.to_owned().into())
}

/// Reads a day such as `2027-01-31`.
fn date(field: &str, value: Option<Value>) -> Result<Option<Date>, Problem> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text.trim().parse().map(Some).map_err(|_| {
            Problem::field(field, "a day is needed, written as 2027-01-31, or nothing")
        }),
        Some(_) => Err(Problem::field(field, "a day is needed, as text")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst";
    const OTHER: &str = "bbcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst";

    fn read(body: &Value) -> Result<GivenFor, Problem> {
        take(&mut body.as_object().unwrap().clone())
    }

    fn token(given: &Given, organization: &str) -> Option<String> {
        match given.credential(&organization.parse().unwrap())? {
            Credential::Pat(token) => Some(token.expose_secret().to_owned()),
            Credential::Bearer(_) | Credential::Application(_) => None,
        }
    }

    #[test]
    fn the_wrong_part_of_an_application_is_named_and_never_quoted() {
        let good = json!({
            "tenant_id": "72f988bf-86f1-41af-91ab-2d7cd011db47",
            "client_id": "00000003-0000-0000-c000-000000000000",
            "client_secret": " 8Q~secret ",
        });
        for (field, value) in [
            ("tenant_id", json!("contoso")),
            ("client_id", json!(7)),
            (
                "client_secret",
                json!("72f988bf-86f1-41af-91ab-2d7cd011db48"),
            ),
            ("client_secret", json!("8Q~sec ret")),
            ("certificate", json!("8Q~secret")),
            ("object_id", json!("8Q~secret")),
        ] {
            let mut principal = good.clone();
            principal[field] = value;
            let body = json!({ "organization": "a", "service_principal": principal });
            let problem = read(&body).unwrap_err();
            assert_eq!(problem.field, Some(format!("service_principal.{field}")));
            assert!(!format!("{problem:?}").contains("8Q~"));
        }
        let body = json!({ "organization": "a", "service_principal": good });
        let given = read(&body).unwrap().given;
        assert_eq!(given.secret.method(), Method::ServicePrincipal);
        assert!(!format!("{given:?}").contains("8Q~"));
    }

    #[test]
    fn blanks_around_a_token_are_not_part_of_it() {
        let body = json!({ "organization": "a", "pat": format!(" {ONE}\r\n") });
        let given = read(&body).unwrap().given;
        assert_eq!(token(&given, "a").as_deref(), Some(ONE));
    }

    #[test]
    fn each_organization_gets_its_own_token() {
        let found = read(&json!({ "pats": [
            { "organization": "fabrikam", "pat": ONE, "expires_on": "2027-01-31" },
            { "organization": "contoso", "pat": OTHER },
        ] }))
        .unwrap();
        assert_eq!(token(&found.given, "fabrikam").as_deref(), Some(ONE));
        assert_eq!(token(&found.given, "contoso").as_deref(), Some(OTHER));
        assert_eq!(token(&found.given, "tailspin"), None);
        let expiry = Expiry {
            organization: Some("fabrikam".parse().unwrap()),
            on: jiff::civil::date(2027, 1, 31),
        };
        assert_eq!(found.given.expiries, [expiry]);
        assert!(found.given.warnings(Timestamp::UNIX_EPOCH).is_empty());
    }

    #[test]
    fn one_token_for_two_organizations_is_global_and_ends_when_those_do() {
        for (given, ends) in [(None, "2026-12-01"), (Some("2026-11-30"), "2026-11-30")] {
            let body = json!({ "organizations": ["a", "b"], "pat": ONE, "expires_on": given });
            let given = read(&body).unwrap().given;
            assert_eq!(given.expiries[0].on.to_string(), ends);
            assert!(given.warnings(Timestamp::UNIX_EPOCH)[0].contains("2026-12-01"));
        }
    }

    #[test]
    fn the_wrong_part_of_the_list_is_named() {
        for (body, field) in [
            (json!({ "pats": [] }), "pats"),
            (json!({ "pats": ONE }), "pats"),
            (json!({ "pats": [ONE] }), "pats[0]"),
            (json!({ "pats": [{ "pat": ONE }] }), "pats[0].organization"),
            (json!({ "pats": [{ "organization": "a" }] }), "pats[0].pat"),
            (
                json!({ "pats": [{ "organization": "a", "pat": ONE }, { "organization": "A", "pat": ONE }] }),
                "pats[1].organization",
            ),
            (
                json!({ "pats": [{ "organization": "a", "pat": ONE, "expires_on": "soon" }] }),
                "pats[0].expires_on",
            ),
            (
                json!({ "pats": [{ "organization": "a", "pat": ONE, "expires": "2027-01-31" }] }),
                "pats[0].expires",
            ),
            (
                json!({ "pats": [{ "organization": "a", "pat": ONE }], "pat": ONE }),
                "pat",
            ),
            (
                json!({ "organization": "a", "pat": ONE, "expires_on": 7 }),
                "expires_on",
            ),
        ] {
            let problem = read(&body).unwrap_err();
            assert_eq!(problem.field.as_deref(), Some(field), "{body}");
            assert!(!format!("{problem:?}").contains(ONE));
        }
    }

    #[test]
    fn known_organizations_must_all_get_a_token() {
        let known = ["a".parse().unwrap(), "b".parse().unwrap()];
        let body = json!({ "pats": [{ "organization": "a", "pat": ONE }] });
        let problem = given_for(&mut body.as_object().unwrap().clone(), &known).unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("pats"));
        assert!(problem.detail.contains("organization b"));
    }
}

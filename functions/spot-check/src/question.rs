//! The question: which thing of which organization.

use entrypoint::problem::Problem;
use model::{Connection, Kind, OrganizationName};
use resources::single::{Id, Single};
use url::form_urlencoded;

use crate::kind_names;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// What kind of thing it is.
    pub(crate) which: Single,
    /// Which one.
    pub(crate) id: Id,
    /// Of which organization.
    pub(crate) organization: OrganizationName,
    /// In which project, by name or id.
    pub(crate) project: Option<String>,
    /// In which repository, by name or id.
    pub(crate) repository: Option<String>,
}

const PARAMETERS: [&str; 5] = ["kind", "id", "organization", "project", "repository"];

impl Question {
    /// Reads the query string of a request.
    ///
    /// # Errors
    /// It does not say which thing is meant.
    pub(crate) fn parse(text: &str, connection: &Connection) -> Result<Self, Problem> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        if let Some((name, _)) = pairs
            .iter()
            .find(|(name, _)| !PARAMETERS.contains(&name.as_str()))
        {
            let detail = format!(
                "there is no such parameter; there are {}",
                PARAMETERS.join(", ")
            );
            return Err(Problem::field(name, detail));
        }
        let one = |name: &str| {
            let mut values = pairs.iter().filter(|(own, _)| own == name);
            let value = values.next_back().map(|(_, value)| value.trim());
            value.filter(|value| !value.is_empty())
        };
        let which = kind(one("kind"))?;
        Ok(Self {
            which,
            id: id(which, one("id"))?,
            organization: organization(one("organization"), connection)?,
            project: one("project").map(str::to_owned),
            repository: one("repository").map(str::to_owned),
        })
    }
}

fn kind(name: Option<&str>) -> Result<Single, Problem> {
    let kind = name.and_then(Kind::from_name);
    let known = Single::ALL
        .into_iter()
        .find(|which| Some(which.kind()) == kind);
    known.ok_or_else(|| Problem::field("kind", format!("one of {} is needed", kind_names())))
}

fn id(which: Single, text: Option<&str>) -> Result<Id, Problem> {
    text.and_then(|text| Id::parse(which, text)).ok_or_else(|| {
        let detail = match which {
            Single::Commit => "the whole hash of the commit is needed, 40 hexadecimal digits",
            _ => "a number is needed, as Azure DevOps shows it",
        };
        Problem::field("id", detail)
    })
}

fn organization(name: Option<&str>, connection: &Connection) -> Result<OrganizationName, Problem> {
    let mut all = connection.organizations.iter();
    let found = match name {
        Some(name) => all.find(|own| own.as_str().eq_ignore_ascii_case(name)),
        None => all.next().filter(|_| connection.organizations.len() == 1),
    };
    found.cloned().ok_or_else(|| {
        let names: Vec<String> = (connection.organizations.iter())
            .map(|own| format!("`{own}`"))
            .collect();
        let detail = format!(
            "an organization of the connection is needed: {}",
            names.join(", ")
        );
        Problem::field("organization", detail)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn connection(organizations: &[&str]) -> Connection {
        let stored = r#"{"tenant":"t","id":"6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b11","name":"Fabrikam","method":"pat",
            "organizations":[],"status":"active","created_at":"2026-11-01T00:00:00Z"}"#;
        let connection: Connection = serde_json::from_str(stored).unwrap();
        let names = organizations.iter().map(|name| name.parse().unwrap());
        Connection {
            organizations: names.collect(),
            ..connection
        }
    }

    fn field(text: &str, organizations: &[&str]) -> Option<String> {
        let problem = Question::parse(text, &connection(organizations)).unwrap_err();
        assert_eq!(problem.status, 400);
        problem.field
    }

    #[test]
    fn the_organization_may_be_left_out_where_there_is_one() {
        let text = "kind=run&id=17&project=Fiber+Optics";
        let question = Question::parse(text, &connection(&["fabrikam"])).unwrap();
        assert_eq!(question.id, Id::Number(17));
        assert_eq!(question.organization.as_str(), "fabrikam");
        assert_eq!(question.project.as_deref(), Some("Fiber Optics"));
        let two = ["fabrikam", "contoso"];
        assert_eq!(field(text, &two).as_deref(), Some("organization"));
        let named = format!("{text}&organization=Contoso");
        let question = Question::parse(&named, &connection(&two)).unwrap();
        assert_eq!(question.organization.as_str(), "contoso");
    }

    #[test]
    fn what_makes_no_sense_is_answered_with_the_field() {
        for (text, expected) in [
            ("", "kind"),
            ("kind=team&id=1", "kind"),
            ("kind=run", "id"),
            ("kind=run&id=x", "id"),
            ("kind=commit&id=abc", "id"),
            ("kind=run&id=1&organization=northwind", "organization"),
            ("kind=run&id=1&projekt=x", "projekt"),
        ] {
            assert_eq!(
                field(text, &["fabrikam"]).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }
}

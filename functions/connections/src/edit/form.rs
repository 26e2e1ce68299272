//! Reading what a connection shall be, and saying which field is wrong.

use entrypoint::problem::Problem;
use model::{Connection, Integration, Selection, Service};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use validate_pat::form;

/// The longest description.
const DESCRIPTION_CHARACTERS: usize = 1_000;
/// The most tags, and the longest one.
const TAGS: (usize, usize) = (20, 50);
/// The longest reference name of a field:
/// <https://learn.microsoft.com/azure/devops/organizations/settings/work/rename-field#field-reference-names>.
const FIELD_CHARACTERS: usize = 70;

/// What a connection shall be; `None` for what stays as it is. What was kept and is read back takes nothing away, which a new
/// connection does not need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wish {
    pub(crate) name: Option<String>,
    /// `Some(None)` takes it away.
    pub(crate) description: Option<Option<String>>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) selection: Option<Selection>,
    /// `Some(None)` takes it away.
    pub(crate) story_points_field: Option<Option<String>>,
}

/// Reads the body of a request.
///
/// # Errors
/// The first thing that is wrong with it.
pub(crate) fn of_body(body: &[u8]) -> Result<Wish, Problem> {
    let mut fields = form::fields(body)?;
    if fields.get("name").is_some_and(Value::is_null) {
        return Err(Problem::field("name", "a connection always has a name"));
    }
    let name = crate::create::name(&mut fields)?;
    let wish = Wish {
        name,
        ..Wish::take(&mut fields)?
    };
    form::nothing_else(&fields)?;
    Ok(wish)
}

impl Wish {
    /// Takes what a connection may have besides its name out of a form.
    ///
    /// # Errors
    /// A field is wrong.
    pub fn take(fields: &mut Map<String, Value>) -> Result<Self, Problem> {
        Ok(Self {
            name: None,
            description: fields.remove("description").map(description).transpose()?,
            tags: fields.remove("tags").map(tags).transpose()?,
            selection: fields
                .remove("selection")
                .map(form::selection)
                .transpose()?,
            story_points_field: fields
                .remove("story_points_field")
                .map(story_points_field)
                .transpose()?,
        })
    }

    /// The names of the fields that get another value.
    pub(crate) fn changes(
        &self,
        connection: &Connection,
        integrations: &[Integration],
    ) -> Vec<String> {
        let mut edited = connection.clone();
        self.apply(&mut edited);
        let mut boards = integrations
            .iter()
            .filter(|own| own.service == Service::Boards);
        let is_field_new = boards.any(|own| {
            let wished = self.story_points_field.as_ref();
            wished.is_some_and(|wished| *wished != own.story_points_field)
        });
        // Whoever was broken off before may have renamed the connection only.
        let mut named = integrations.iter().cloned();
        let is_misnamed = named.any(|mut own| {
            let before = own.name.clone();
            self.apply_to(&edited.name, &mut own);
            own.name != before
        });
        [
            ("name", is_misnamed || edited.name != connection.name),
            ("description", edited.description != connection.description),
            ("tags", edited.tags != connection.tags),
            ("selection", edited.selection != connection.selection),
            ("story_points_field", is_field_new),
        ]
        .into_iter()
        .filter(|(_, is_new)| *is_new)
        .map(|(name, _)| name.to_owned())
        .collect()
    }

    /// Makes a connection what is wished.
    pub(crate) fn apply(&self, connection: &mut Connection) {
        if let Some(name) = &self.name {
            connection.name.clone_from(name);
        }
        if let Some(description) = &self.description {
            connection.description.clone_from(description);
        }
        if let Some(tags) = &self.tags {
            connection.tags.clone_from(tags);
        }
        if let Some(selection) = &self.selection {
            connection.selection.clone_from(selection);
        }
    }

    /// Makes an integration what is wished of its connection, which is called `name` now.
    pub(crate) fn apply_to(&self, name: &str, integration: &mut Integration) {
        if self.name.is_some() {
            integration.name = format!("{name} - {}", integration.service.title());
        }
        if let Some(field) = &self.story_points_field
            && integration.service == Service::Boards
        {
            integration.story_points_field.clone_from(field);
        }
    }
}

fn description(value: Value) -> Result<Option<String>, Problem> {
    let wrong = || {
        let detail = format!(
            "a text of at most {DESCRIPTION_CHARACTERS} characters is needed, or `null` for none"
        );
        Problem::field("description", detail)
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.chars().count() <= DESCRIPTION_CHARACTERS => {
            let text = text.trim();
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        _ => Err(wrong()),
    }
}

fn tags(value: Value) -> Result<Vec<String>, Problem> {
    let (most, longest) = TAGS;
    let Value::Array(values) = value else {
        return Err(Problem::field("tags", "a list of words is needed"));
    };
    if values.len() > most {
        return Err(Problem::field(
            "tags",
            format!("at most {most} tags are kept"),
        ));
    }
    let mut tags: Vec<String> = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let given = value.as_str();
        let given = given.filter(|given| given.chars().count() <= longest);
        let tag = given
            .map(str::trim)
            .filter(|tag| !tag.is_empty() && !tag.chars().any(|c| c.is_control() || c == ','));
        let tag = tag.ok_or_else(|| {
            let detail = format!(
                "a tag has 1 to {longest} characters, none of them a comma or a control character"
            );
            Problem::field(format!("tags[{index}]"), detail)
        })?;
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    Ok(tags)
}

fn story_points_field(value: Value) -> Result<Option<String>, Problem> {
    let is_name = |text: &str| {
        text.contains('.')
            && text.chars().count() <= FIELD_CHARACTERS
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    match value {
        Value::Null => Ok(None),
        Value::String(text) if is_name(&text) => Ok(Some(text)),
        _ => {
            let detail = "the reference name of a field is needed, such as `Custom.Size`, or `null` for the one of the process";
            Err(Problem::field("story_points_field", detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn connection() -> Connection {
        let stored = r#"{"tenant":"t","id":"6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b11","name":"Fabrikam","method":"pat",
            "organizations":["fabrikam"],"status":"active","created_at":"2026-11-01T00:00:00Z"}"#;
        serde_json::from_str(stored).unwrap()
    }

    fn integrations() -> Vec<Integration> {
        let one = |(service, title): (&str, &str)| {
            let stored = json!({
                "tenant": "t", "id": "6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b13", "name": format!("Fabrikam - {title}"),
                "connection": "6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b11", "service": service, "status": "active",
            });
            serde_json::from_value(stored).unwrap()
        };
        [("boards", "Boards"), ("repos", "Repos")].map(one).to_vec()
    }

    fn wish(body: &Value) -> Result<Wish, Problem> {
        of_body(body.to_string().as_bytes())
    }

    fn changes(body: &Value) -> Vec<String> {
        wish(body).unwrap().changes(&connection(), &integrations())
    }

    #[test]
    fn an_integration_that_was_not_renamed_is_renamed_by_the_same_wish() {
        let same = wish(&json!({ "name": "Fabrikam" })).unwrap();
        let mut integrations = integrations();
        let none: [&str; 0] = [];
        assert_eq!(same.changes(&connection(), &integrations), none);
        integrations[1].name = "Before - Repos".to_owned();
        assert_eq!(same.changes(&connection(), &integrations), ["name"]);
    }

    #[test]
    fn only_what_is_given_changes() {
        assert_eq!(changes(&json!({})), [] as [&str; 0]);
        assert_eq!(
            changes(&json!({ "name": "Fabrikam", "tags": [] })),
            [] as [&str; 0]
        );
        let all = json!({
            "name": "Contoso", "description": " What is it for? ", "tags": ["a", "a", "b"],
            "selection": { "projects": { "exclude": ["Old*"] } }, "story_points_field": "Custom.Size",
        });
        let names = [
            "name",
            "description",
            "tags",
            "selection",
            "story_points_field",
        ];
        assert_eq!(changes(&all), names);
        let (mut edited, wish) = (connection(), wish(&all).unwrap());
        wish.apply(&mut edited);
        assert_eq!(edited.description.as_deref(), Some("What is it for?"));
        assert_eq!(edited.tags, ["a", "b"]);
        assert!(!edited.selection.projects.select("old stuff"));
        let [mut boards, mut repos] = <[Integration; 2]>::try_from(integrations()).unwrap();
        wish.apply_to("Contoso", &mut boards);
        wish.apply_to("Contoso", &mut repos);
        assert_eq!(
            (boards.name.as_str(), repos.name.as_str()),
            ("Contoso - Boards", "Contoso - Repos")
        );
        assert_eq!(boards.story_points_field.as_deref(), Some("Custom.Size"));
        assert_eq!(repos.story_points_field, None);
    }

    #[test]
    fn what_is_null_is_taken_away() {
        let mut full = connection();
        full.description = Some("x".to_owned());
        full.selection = wish(&json!({ "selection": { "projects": { "include": ["a"] } } }))
            .unwrap()
            .selection
            .unwrap();
        let nothing = wish(&json!({ "description": null, "selection": null })).unwrap();
        nothing.apply(&mut full);
        assert_eq!(full, connection());
    }

    #[test]
    fn the_wrong_field_is_named() {
        let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        for (body, field) in [
            (json!({ "name": null }), "name"),
            (json!({ "name": " " }), "name"),
            (json!({ "name": format!(" {}", "x".repeat(100)) }), "name"),
            (
                json!({ "tags": [format!("{} ", "x".repeat(50))] }),
                "tags[0]",
            ),
            (json!({ "description": 7 }), "description"),
            (json!({ "description": "x".repeat(1_001) }), "description"),
            (json!({ "tags": "a" }), "tags"),
            (json!({ "tags": many }), "tags"),
            (json!({ "tags": ["ok", ""] }), "tags[1]"),
            (json!({ "tags": ["web, eu"] }), "tags[0]"),
            (json!({ "selection": [] }), "selection"),
            (
                json!({ "story_points_field": "Size" }),
                "story_points_field",
            ),
            (
                json!({ "story_points_field": "Custom.A b" }),
                "story_points_field",
            ),
            (json!({ "pat": "x" }), "pat"),
        ] {
            let problem = wish(&body).unwrap_err();
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (400, Some(field)),
                "{body}"
            );
        }
        assert_eq!(of_body(b"[]").unwrap_err().field, None);
    }
}

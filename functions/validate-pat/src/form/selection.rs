//! Reading which projects, repositories and pipelines are wanted, and saying which pattern is wrong.

use entrypoint::problem::Problem;
use model::{Pattern, Patterns, Selection};
use serde_json::{Map, Value};

/// The most patterns of one list.
const PATTERNS: usize = 100;

/// Reads what of the organizations is to be read; `null` for everything.
///
/// # Errors
/// It makes no sense; the pattern or the member that is wrong is named.
pub fn selection(value: Value) -> Result<Selection, Problem> {
    let mut members = match value {
        Value::Null => Map::new(),
        Value::Object(members) => members,
        _ => {
            let detail = "an object with `projects`, `repositories` and `pipelines` is needed";
            return Err(Problem::field("selection", detail));
        }
    };
    let mut of = |name: &str| patterns(&format!("selection.{name}"), members.remove(name));
    let selection = Selection {
        projects: of("projects")?,
        repositories: of("repositories")?,
        pipelines: of("pipelines")?,
    };
    no_other("selection", &members)?;
    Ok(selection)
}

fn patterns(field: &str, value: Option<Value>) -> Result<Patterns, Problem> {
    let mut members = match value {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(members)) => members,
        Some(_) => {
            let detail = "an object with `include` and `exclude` is needed";
            return Err(Problem::field(field, detail));
        }
    };
    let mut of = |name: &str| list(&format!("{field}.{name}"), members.remove(name));
    let patterns = Patterns {
        include: of("include")?,
        exclude: of("exclude")?,
    };
    no_other(field, &members)?;
    Ok(patterns)
}

fn list(field: &str, value: Option<Value>) -> Result<Vec<Pattern>, Problem> {
    let values = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(values)) if values.len() <= PATTERNS => values,
        Some(_) => {
            let detail = format!("a list of at most {PATTERNS} patterns is needed");
            return Err(Problem::field(field, detail));
        }
    };
    let one = |(index, value): (usize, &Value)| {
        let field = format!("{field}[{index}]");
        let text = value.as_str();
        let text = text.ok_or_else(|| Problem::field(&field, "a text is needed"))?;
        text.parse()
            .map_err(|error: model::InvalidPattern| Problem::field(&field, error.to_string()))
    };
    values.iter().enumerate().map(one).collect()
}

fn no_other(field: &str, members: &Map<String, Value>) -> Result<(), Problem> {
    match members.keys().next() {
        Some(name) => Err(Problem::field(
            format!("{field}.{name}"),
            "there is no such field",
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_wanted_and_left_out_by_patterns() {
        let given = json!({ "projects": { "exclude": ["Old*"] }, "pipelines": null });
        let selection = selection(given).unwrap();
        assert!(!selection.projects.select("old stuff"));
        assert!(selection.repositories.is_everything() && selection.pipelines.is_everything());
        assert!(super::selection(Value::Null).unwrap().is_everything());
    }

    #[test]
    fn the_wrong_pattern_is_named() {
        for (value, field) in [
            (json!([]), "selection"),
            (json!({ "project": {} }), "selection.project"),
            (json!({ "projects": [] }), "selection.projects"),
            (
                json!({ "projects": { "only": [] } }),
                "selection.projects.only",
            ),
            (
                json!({ "projects": { "include": "a" } }),
                "selection.projects.include",
            ),
            (
                json!({ "pipelines": { "exclude": ["a", " "] } }),
                "selection.pipelines.exclude[1]",
            ),
            (
                json!({ "repositories": { "exclude": [7] } }),
                "selection.repositories.exclude[0]",
            ),
        ] {
            let problem = selection(value.clone()).unwrap_err();
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (400, Some(field)),
                "{value}"
            );
        }
    }
}

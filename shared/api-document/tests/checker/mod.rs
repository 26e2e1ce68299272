//! The document as a judge of requests and answers. Included by path from other test crates, so it depends on
//! `jsonschema` and `serde_json` only.
//!
//! Whoever calls has to expect more fields than the document has; a test must not. So every object of which the document
//! says some fields is closed here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// The document, ready to judge.
pub(crate) struct Document {
    /// With its objects closed.
    root: Value,
    operations: Vec<Operation>,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

/// One method of one path.
pub(crate) struct Operation {
    pub(crate) method: String,
    pub(crate) path: String,
    /// What the document says of it.
    pub(crate) says: Value,
    /// Where each parameter is in the document, those of its path first.
    parameters: Vec<String>,
    /// Where it is itself.
    pointer: String,
}

/// An answer, as far as the document speaks of it.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    /// The header as it is; empty if there is none.
    pub(crate) content_type: &'a str,
    pub(crate) body: &'a [u8],
}

impl Operation {
    /// Its method and path.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Document {
    /// Reads the document.
    pub(crate) fn parse(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).expect("the document is JSON");
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().expect("it has paths") {
            let place = format!("/paths/{}", escaped(path));
            let shared = places(&document, &format!("{place}/parameters"));
            for (method, says) in item.as_object().expect("a path has methods") {
                if method == "parameters" {
                    continue;
                }
                let pointer = format!("{place}/{method}");
                let own = places(&document, &format!("{pointer}/parameters"));
                operations.push(Operation {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    says: says.clone(),
                    parameters: shared.iter().cloned().chain(own).collect(),
                    pointer,
                });
            }
        }
        Self {
            root: closed(&document),
            operations,
            compiled: Mutex::default(),
        }
    }

    /// Every method of every path.
    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// What is at a place; references are followed.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        self.root.pointer(&followed(&self.root, pointer))
    }

    /// What a request asks for; fixed segments go before parameters.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<&Operation> {
        let fits = |own: &&Operation| own.method == method && fits(&own.path, path);
        let parameters = |own: &&Operation| own.path.matches('{').count();
        self.operations.iter().filter(fits).min_by_key(parameters)
    }

    /// Says what is wrong with the query of a request.
    pub(crate) fn query_problems(
        &self,
        operation: &Operation,
        query: &[(String, String)],
    ) -> Vec<String> {
        let known = operation
            .parameters
            .iter()
            .filter_map(|place| Some((place, self.root.pointer(place)?)));
        let known: Vec<_> = known.filter(|(_, own)| own["in"] == "query").collect();
        let (open, named): (Vec<_>, Vec<_>) = known
            .into_iter()
            .partition(|(_, own)| own["explode"] == Value::Bool(true));
        let mut problems = Vec::new();
        for (name, text) in query {
            match named.iter().find(|(_, own)| own["name"] == **name) {
                Some((place, own)) => {
                    let value = value_of(&own["schema"], text);
                    let wrong = self.problems(&format!("{place}/schema"), &value);
                    problems.extend(
                        wrong
                            .into_iter()
                            .map(|problem| format!("{name}: {problem}")),
                    );
                }
                None => {
                    let is_allowed = open.iter().any(|(place, _)| {
                        let place = followed(&self.root, &format!("{place}/schema"));
                        let schema = &self.root.pointer(&place).expect("it was followed")["properties"][name];
                        let whole = json!({ name: value_of(schema, text) });
                        self.problems(&place, &whole).is_empty()
                    });
                    if !is_allowed {
                        problems.push(format!(
                            "{} has no parameter {name}={text}",
                            operation.name()
                        ));
                    }
                }
            }
        }
        problems
    }

    /// Says what is wrong with the body of a request.
    pub(crate) fn body_problems(&self, operation: &Operation, body: Option<&Value>) -> Vec<String> {
        let place = format!(
            "{}/requestBody/content/application~1json/schema",
            operation.pointer
        );
        match (self.root.pointer(&place), body) {
            (Some(_), Some(body)) => self.problems(&place, body),
            (Some(_), None) => vec![format!("{} needs a body", operation.name())],
            // Nobody looks at it.
            (None, _) => Vec::new(),
        }
    }

    /// Says what is wrong with an answer: its status, its media type, its body.
    pub(crate) fn answer_problems(
        &self,
        operation: &Operation,
        answer: &Answer<'_>,
    ) -> Vec<String> {
        let name = operation.name();
        let place = format!("{}/responses/{}", operation.pointer, answer.status);
        let place = followed(&self.root, &place);
        let Some(declared) = self.root.pointer(&place) else {
            return vec![format!(
                "{name} does not declare the status {}",
                answer.status
            )];
        };
        let media_type = answer
            .content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        let Some(content) = declared.get("content").and_then(Value::as_object) else {
            let is_empty = answer.body.is_empty();
            let problem = || {
                format!(
                    "{name} has a body with {}, which is declared without",
                    answer.status
                )
            };
            return (!is_empty).then(problem).into_iter().collect();
        };
        if !content.contains_key(media_type) {
            return vec![format!(
                "{name} does not declare `{media_type}` for {}",
                answer.status
            )];
        }
        let place = format!("{place}/content/{}/schema", escaped(media_type));
        let problems = |place: &str, text: &[u8]| match serde_json::from_slice(text) {
            Ok(value) => self.problems(place, &value),
            Err(error) => vec![format!("it is no JSON: {error}")],
        };
        let problems = match media_type {
            "application/json" | "application/problem+json" => problems(&place, answer.body),
            "application/x-ndjson" => {
                let lines = answer
                    .body
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty());
                lines
                    .flat_map(|line| problems("/components/schemas/ExportLine", line))
                    .collect()
            }
            _ => Vec::new(),
        };
        let said = |problem| format!("{name}, {}: {problem}", answer.status);
        problems.into_iter().map(said).collect()
    }

    /// Says how a value differs from the schema at a place.
    pub(crate) fn problems(&self, place: &str, value: &Value) -> Vec<String> {
        let errors = self.validator(place);
        let errors = errors.iter_errors(value).take(5);
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    fn validator(&self, place: &str) -> Arc<Validator> {
        let mut compiled = self
            .compiled
            .lock()
            .expect("no test panics while compiling");
        let make = || {
            // Everything that a schema refers to is a component.
            let mut schema = self
                .root
                .pointer(place)
                .cloned()
                .unwrap_or_else(|| panic!("{place}"));
            schema["components"] = self.root["components"].clone();
            let options = jsonschema::options()
                .with_draft(Draft::Draft202012)
                .should_validate_formats(true);
            Arc::new(
                options
                    .build(&schema)
                    .unwrap_or_else(|error| panic!("{place}: {error}")),
            )
        };
        Arc::clone(compiled.entry(place.to_owned()).or_insert_with(make))
    }
}

/// The text of a parameter as the value that its schema speaks of.
fn value_of(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer") => text
            .parse::<i64>()
            .map_or_else(|_| text.into(), Value::from),
        Some("array") => text.split(',').collect(),
        _ => text.into(),
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(own, segment)| match own.starts_with('{') {
                true => !segment.is_empty(),
                false => own == segment,
            })
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Where a place leads to if it is a reference.
fn followed(document: &Value, pointer: &str) -> String {
    let mut pointer = pointer.to_owned();
    while let Some(target) = document
        .pointer(&pointer)
        .and_then(|own| own["$ref"].as_str())
    {
        pointer = target.trim_start_matches('#').to_owned();
    }
    pointer
}

/// Where the elements of a list are.
fn places(document: &Value, list: &str) -> Vec<String> {
    let count = document
        .pointer(list)
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    (0..count)
        .map(|index| followed(document, &format!("{list}/{index}")))
        .collect()
}

/// The document with objects that have no other fields than it says.
fn closed(document: &Value) -> Value {
    let mut root = document.clone();
    for section in ["paths", "components"] {
        close_below(&mut root[section], document);
    }
    root
}

/// Looks for the schemas of contents, and for those that have a name.
fn close_below(value: &mut Value, document: &Value) {
    match value {
        Value::Object(map) => {
            for (name, own) in map {
                match name.as_str() {
                    "schema" => close(own, document, true),
                    "schemas" => {
                        let named = own.as_object_mut().into_iter().flat_map(Map::values_mut);
                        named.for_each(|own| close(own, document, false));
                    }
                    _ => close_below(own, document),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|own| close_below(own, document)),
        _ => {}
    }
}

/// Closes a schema where it is used, and what is used in it. The parts that a schema is put together of stay open: only the
/// whole knows all fields.
fn close(schema: &mut Value, document: &Value, is_whole: bool) {
    let has_fields = has_fields(schema, document);
    let Value::Object(map) = schema else { return };
    for (name, own) in map.iter_mut() {
        match (name.as_str(), own) {
            ("properties", Value::Object(fields)) => {
                fields
                    .values_mut()
                    .for_each(|own| close(own, document, true));
            }
            ("items" | "additionalProperties", own) => close(own, document, true),
            ("allOf" | "oneOf" | "anyOf", Value::Array(parts)) => {
                parts.iter_mut().for_each(|own| close(own, document, false));
            }
            _ => {}
        }
    }
    if is_whole && has_fields {
        map.insert("unevaluatedProperties".to_owned(), Value::Bool(false));
    }
}

/// Whether a schema says any field.
fn has_fields(schema: &Value, document: &Value) -> bool {
    if let Some(target) = schema["$ref"].as_str() {
        let target = document.pointer(target.trim_start_matches('#'));
        return target.is_some_and(|own| has_fields(own, document));
    }
    let parts = ["allOf", "oneOf", "anyOf"]
        .into_iter()
        .filter_map(|name| schema[name].as_array());
    schema.get("properties").is_some() || parts.flatten().any(|own| has_fields(own, document))
}

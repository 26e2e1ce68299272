//! Microsoft's OpenAPI files as an oracle: does a request name an operation that exists, and does a body have its shape?
//!
//! The relaxations are those that real answers need (null everywhere, open enums, loose dates, any value where the files say a
//! bare object; list answers wrapped in `{count, value}`; paths without regard to case; `{project}` and `{team}` optional).
//! Included by path from other test crates, so it depends on `jsonschema` and `serde_json` only.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// Areas that have no OpenAPI file.
const UNDESCRIBED: [&str; 2] = ["connectiondata", "resourceareas"];

/// Parameters of an operation that shares its path with another one, whose parameters took their place in the files:
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/branches/get-branches#uri-parameters>.
const LOST: [(&str, &str); 1] = [("/_apis/tfvc/branches", "includeChildren")];
/// Parameters that only the other operation of a shared path must have:
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/branches/get#uri-parameters>,
/// <https://learn.microsoft.com/rest/api/azure/devops/tfvc/shelvesets/get#uri-parameters>.
const FOREIGN: [&str; 2] = ["scopePath", "shelvesetId"];
/// The host of a path that names none.
const CORE: &str = "dev.azure.com";

/// All operations of a folder of OpenAPI files.
pub(crate) struct Specs {
    documents: Vec<Value>,
    operations: Vec<Operation>,
    compiled: Mutex<HashMap<String, std::sync::Arc<Validator>>>,
}

/// One method of one path.
pub(crate) struct Operation {
    /// File, method and path, to name it in messages.
    pub(crate) name: String,
    method: String,
    host: String,
    segments: Vec<String>,
    document: usize,
    parameters: Vec<Value>,
    response: Option<Value>,
}

impl Specs {
    /// Reads every file of the folder; `None` when there is no such folder.
    pub(crate) fn load(folder: &Path) -> Option<Self> {
        let mut specs = Self {
            documents: Vec::new(),
            operations: Vec::new(),
            compiled: Mutex::default(),
        };
        let mut files: Vec<_> = fs::read_dir(folder)
            .ok()?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        files.sort();
        for file in files.iter().filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "json")
        }) {
            let text = fs::read_to_string(file).expect("an OpenAPI file can be read");
            let document: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
                .expect("an OpenAPI file is JSON");
            specs.add(
                &file.file_name().unwrap_or_default().to_string_lossy(),
                &document,
            );
        }
        Some(specs)
    }

    /// How many operations are known.
    pub(crate) fn len(&self) -> usize {
        self.operations.len()
    }

    fn add(&mut self, file: &str, document: &Value) {
        let definitions = document
            .get("definitions")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        let relaxed: Map<String, Value> = definitions
            .iter()
            .map(|(name, schema)| (name.clone(), overridden(name, relax(schema))))
            .collect();
        self.documents.push(Value::Object(relaxed));
        for section in ["paths", "x-ms-paths"] {
            for (path, methods) in document
                .get(section)
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                for (method, operation) in methods.as_object().into_iter().flatten() {
                    self.add_operation(file, document, path, method, operation);
                }
            }
        }
    }

    fn add_operation(
        &mut self,
        file: &str,
        document: &Value,
        path: &str,
        method: &str,
        operation: &Value,
    ) {
        let Some(declared) = operation.get("parameters").and_then(Value::as_array) else {
            return;
        };
        let resolve = |parameter: &Value| match parameter.get("$ref").and_then(Value::as_str) {
            Some(pointer) => document
                .pointer(pointer.trim_start_matches('#'))
                .cloned()
                .unwrap_or_default(),
            None => parameter.clone(),
        };
        let template = path.split('?').next().unwrap_or(path);
        let host = document.get("host").and_then(Value::as_str);
        let host = host.unwrap_or(CORE);
        self.operations.push(Operation {
            name: format!("{file} {} {path}", method.to_uppercase()),
            method: method.to_uppercase(),
            host: host.to_owned(),
            segments: template
                .split('/')
                .filter(|part| !part.is_empty())
                .map(str::to_lowercase)
                .collect(),
            document: self.documents.len() - 1,
            parameters: declared.iter().map(resolve).collect(),
            response: operation.pointer("/responses/200/schema").cloned(),
        });
    }

    /// Checks a request: method, path, required and known query names, enums and, for a body, its shape and property names.
    ///
    /// # Errors
    /// What is wrong with the request under the operation that fits best.
    pub(crate) fn check_request(
        &self,
        method: &str,
        path: &str,
        query: &[(String, String)],
        body: &str,
    ) -> Result<Option<&Operation>, Vec<String>> {
        if is_undescribed(method, path) {
            return Ok(None);
        }
        let mut best: Option<Vec<String>> = None;
        for operation in self.matching(method, path) {
            let problems = self.request_problems(operation, query, body);
            if problems.is_empty() {
                return Ok(Some(operation));
            }
            if best.as_ref().is_none_or(|own| problems.len() < own.len()) {
                best = Some(problems);
            }
        }
        Err(best.unwrap_or_else(|| vec![format!("no operation for {method} {path}")]))
    }

    /// Checks the body of a 200 answer to a request.
    ///
    /// # Errors
    /// Where the body differs from the schema of the operation.
    pub(crate) fn check_answer(
        &self,
        operation: &Operation,
        body: &Value,
    ) -> Result<(), Vec<String>> {
        let Some(schema) = &operation.response else {
            return Ok(());
        };
        let is_list = schema.get("type").and_then(Value::as_str) == Some("array");
        let value = if is_list {
            body.get("value")
                .ok_or_else(|| vec!["a list has no `value`".to_owned()])?
        } else {
            body
        };
        if is_list
            && body.get("count").and_then(Value::as_u64)
                != value.as_array().map(|list| list.len() as u64)
        {
            return Err(vec![
                "`count` is not the number of items in this page".to_owned(),
            ]);
        }
        self.validate(operation, "200", schema, value)
    }

    fn validate(
        &self,
        operation: &Operation,
        role: &str,
        schema: &Value,
        value: &Value,
    ) -> Result<(), Vec<String>> {
        let validator = self.validator(operation, role, schema);
        let problems: Vec<String> = validator
            .iter_errors(value)
            .take(5)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn validator(
        &self,
        operation: &Operation,
        role: &str,
        schema: &Value,
    ) -> std::sync::Arc<Validator> {
        let mut compiled = self
            .compiled
            .lock()
            .expect("no test panics while compiling");
        let key = format!("{role} {}", operation.name);
        let make = || {
            let whole = json!({ "definitions": self.documents[operation.document], "allOf": [relax(schema)] });
            let validator = jsonschema::options()
                .with_draft(Draft::Draft4)
                .build(&whole);
            std::sync::Arc::new(validator.expect("the relaxed schema compiles"))
        };
        std::sync::Arc::clone(compiled.entry(key).or_insert_with(make))
    }

    fn matching(&self, method: &str, path: &str) -> Vec<&Operation> {
        let (host, path) = on_host(path);
        let segments: Vec<String> = path
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_lowercase)
            .collect();
        let mut found: Vec<&Operation> = self
            .operations
            .iter()
            .filter(|own| own.method == method && own.host == host)
            .filter(|own| fits(&own.segments, &segments))
            .collect();
        // A literal segment beats a placeholder.
        found.sort_by_key(|own| {
            own.segments
                .iter()
                .filter(|part| part.starts_with('{'))
                .count()
        });
        found
    }

    fn request_problems(
        &self,
        operation: &Operation,
        query: &[(String, String)],
        body: &str,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        let in_query: Vec<&Value> = operation
            .parameters
            .iter()
            .filter(|own| text(own, "in") == "query")
            .collect();
        for parameter in in_query
            .iter()
            .filter(|own| own.get("required") == Some(&Value::Bool(true)))
            .filter(|own| !FOREIGN.contains(&text(own, "name")))
        {
            if !query
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(text(parameter, "name")))
            {
                problems.push(format!("{} is required", text(parameter, "name")));
            }
        }
        for (name, value) in query {
            let is_lost = |(path, lost): &(&str, &str)| {
                operation.name.ends_with(path) && lost.eq_ignore_ascii_case(name)
            };
            if LOST.iter().any(is_lost) {
                continue;
            }
            match in_query
                .iter()
                .find(|own| text(own, "name").eq_ignore_ascii_case(name))
            {
                None => problems.push(format!("{} does not know {name}", operation.name)),
                Some(parameter) => problems.extend(value_problem(parameter, value)),
            }
        }
        if let Some(parameter) = operation
            .parameters
            .iter()
            .find(|own| text(own, "in") == "body")
        {
            problems.extend(self.body_problems(operation, &parameter["schema"], body));
        }
        problems
    }

    fn body_problems(&self, operation: &Operation, schema: &Value, body: &str) -> Vec<String> {
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            return vec!["the body is not JSON".to_owned()];
        };
        let mut problems = self
            .validate(operation, "body", schema, &value)
            .err()
            .unwrap_or_default();
        let name = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|pointer| pointer.rsplit('/').next());
        let known = name.and_then(|name| {
            self.documents[operation.document].pointer(&format!("/{name}/properties"))
        });
        if let (Some(known), Some(sent)) = (known.and_then(Value::as_object), value.as_object()) {
            let known: BTreeSet<String> = known.keys().map(|name| name.to_lowercase()).collect();
            let unknown = sent
                .keys()
                .filter(|name| !known.contains(&name.to_lowercase()));
            problems
                .extend(unknown.map(|name| format!("the body has the unknown property {name}")));
        }
        problems
    }
}

/// The host that a path of the simulator means, and the path there.
fn on_host(path: &str) -> (&str, &str) {
    let other = path.strip_prefix("/_host/");
    other
        .and_then(|rest| rest.split_once('/'))
        .unwrap_or((CORE, path))
}

fn is_undescribed(method: &str, path: &str) -> bool {
    let lower = path.to_lowercase();
    let after = lower
        .split("/_apis")
        .nth(1)
        .unwrap_or_default()
        .trim_matches('/')
        .to_owned();
    method == "OPTIONS"
        || UNDESCRIBED
            .iter()
            .any(|area| after == *area || after.starts_with(&format!("{area}/")))
}

/// Whether a path fits a template; `{project}`, `{team}` and `{timelineId}` may be left out, and a last placeholder takes the rest.
fn fits(template: &[String], path: &[String]) -> bool {
    match (template.split_first(), path.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((part, rest)), _) if is_optional(part) && fits(rest, path) => true,
        (Some((part, rest)), Some((segment, others))) => {
            let is_placeholder = part.starts_with('{');
            let fits_here = if is_placeholder {
                segment != "_apis"
            } else {
                part == segment
            };
            fits_here && (fits(rest, others) || (rest.is_empty() && part == "{path}"))
        }
        (Some(_), None) => false,
    }
}

fn is_optional(part: &str) -> bool {
    matches!(part, "{project}" | "{team}" | "{timelineid}" | "{path}")
}

fn value_problem(parameter: &Value, value: &str) -> Option<String> {
    let name = text(parameter, "name");
    let allowed = parameter.get("enum").and_then(Value::as_array);
    if let Some(allowed) = allowed {
        let is_allowed = |part: &str| {
            allowed
                .iter()
                .filter_map(Value::as_str)
                .any(|own| own.eq_ignore_ascii_case(part))
        };
        let wrong = value
            .split(',')
            .map(str::trim)
            .find(|part| !is_allowed(part));
        return wrong.map(|part| format!("{part} is no value of {name}"));
    }
    let is_well_typed = match text(parameter, "type") {
        "integer" => value.parse::<i64>().is_ok(),
        "boolean" => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        _ => true,
    };
    (!is_well_typed).then(|| format!("{value} is not of the type of {name}"))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Rewrites a schema by the relaxation rules.
fn relax(schema: &Value) -> Value {
    match schema {
        Value::Array(list) => list.iter().map(relax).collect(),
        Value::Object(map) if is_bare_object(map) => json!({}),
        Value::Object(map) => relax_object(map),
        other => other.clone(),
    }
}

fn is_bare_object(map: &Map<String, Value>) -> bool {
    let has = |name: &str| map.contains_key(name);
    map.get("type").and_then(Value::as_str) == Some("object")
        && !has("properties")
        && !has("additionalProperties")
        && !has("allOf")
}

fn relax_object(map: &Map<String, Value>) -> Value {
    let mut relaxed = Map::new();
    for (name, value) in map {
        match name.as_str() {
            "enum" | "format" | "readOnly" | "description" | "discriminator" | "example"
            | "required" => {}
            other if other.starts_with("x-ms") => {}
            "type" => {
                relaxed.insert(name.clone(), json!([value, "null"]));
            }
            // Property names are not keywords.
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                relaxed.insert(
                    name.clone(),
                    properties
                        .map(|(own, schema)| (own.clone(), relax(schema)))
                        .collect(),
                );
            }
            _ => {
                relaxed.insert(name.clone(), relax(value));
            }
        }
    }
    if map.get("format").and_then(Value::as_str) == Some("date-time") {
        relaxed.insert(
            "pattern".to_owned(),
            "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}".into(),
        );
    }
    Value::Object(relaxed)
}

/// What the generator of the files mistyped.
fn overridden(name: &str, mut schema: Value) -> Value {
    let mistyped = match name {
        "StreamedBatch" => "/properties/values",
        "TfvcChange" | "GitChange" | "Change" => "/properties/item",
        _ => return schema,
    };
    if let Some(place) = schema.pointer_mut(mistyped) {
        *place = json!({});
    }
    schema
}

//! The document against the template, the names in the code, and itself.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

#[expect(
    dead_code,
    reason = "other crates ask it about requests and answers, too"
)]
mod checker;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use checker::{Document, Operation};
use metrics::{Dimension, Interval, Values};
use model::{Facet, Kind, Service};
use serde_json::Value;

const TEMPLATE: &str = include_str!("../../../template.yaml");
const SCHEMAS: &str = "/components/schemas";

fn document() -> Document {
    Document::parse(api_document::JSON)
}

/// The routes of the template that are for programs, and whether they need a token.
fn routes() -> BTreeMap<String, bool> {
    let template: yaml_serde::Value = yaml_serde::from_str(TEMPLATE).unwrap();
    let mut routes = BTreeMap::new();
    for resource in template["Resources"].as_mapping().unwrap().values() {
        let events = resource["Properties"]
            .get("Events")
            .and_then(|own| own.as_mapping());
        for event in events.into_iter().flat_map(|own| own.values()) {
            let of = |name: &str| event["Properties"].get(name).and_then(|own| own.as_str());
            let (Some(method), Some(path)) = (of("Method"), of("Path")) else {
                continue;
            };
            if path.starts_with("/api/") || path.starts_with("/oauth/") {
                let authorizer = event["Properties"]
                    .get("Auth")
                    .map(|own| own["Authorizer"].as_str());
                routes.insert(format!("{method} {path}"), authorizer != Some(Some("NONE")));
            }
        }
    }
    routes
}

/// The words that a schema allows.
fn words(document: &Document, name: &str) -> BTreeSet<String> {
    let place = format!("{SCHEMAS}/{name}/enum");
    let words = document
        .at(&place)
        .unwrap_or_else(|| panic!("{place}"))
        .as_array()
        .unwrap();
    words
        .iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

fn assert_words<'a>(name: &str, code: impl Iterator<Item = &'a str>) {
    let (found, code) = (
        words(&document(), name),
        code.map(str::to_owned).collect::<BTreeSet<_>>(),
    );
    let (new, old): (Vec<_>, Vec<_>) = (
        code.difference(&found).collect(),
        found.difference(&code).collect(),
    );
    assert!(
        new.is_empty() && old.is_empty(),
        "the schema `{name}` below shared/api-document/document lacks {new:?}, and has {old:?}, which are gone"
    );
}

#[test]
fn every_route_of_the_template_is_described_and_no_other() {
    let document = document();
    let described: BTreeSet<String> = document.operations().iter().map(Operation::name).collect();
    let routes = routes();
    assert!(routes.len() >= 25, "{routes:?}");
    let missing: Vec<_> = routes
        .keys()
        .filter(|own| !described.contains(*own))
        .collect();
    assert!(
        missing.is_empty(),
        "template.yaml has routes that the API's document does not describe: {missing:#?}\n\
         Add each to the file of its area in shared/api-document/document: its path and method under `paths`, with \
         operationId, tags, summary, `security: [{{ token: [viewer] }}]` or `[admin]`, parameters, requestBody, and every status \
         that it answers with the schema of its body. A path with `{{connection}}` next to it in connections.yaml is a good one \
         to copy; fields that answers already have got belong into the schemas there."
    );
    let gone: Vec<_> = described
        .iter()
        .filter(|own| !routes.contains_key(*own))
        .collect();
    assert!(
        gone.is_empty(),
        "the document describes what template.yaml does not have: {gone:#?}"
    );
}

#[test]
fn what_needs_a_token_says_which_role() {
    let (document, routes) = (document(), routes());
    for operation in document.operations() {
        let name = operation.name();
        let security = operation.says["security"].to_string();
        let needs_token = routes.get(&name).is_none_or(|own| *own);
        let roles = [r#"[{"token":["viewer"]}]"#, r#"[{"token":["admin"]}]"#];
        let is_told = if needs_token {
            roles.contains(&security.as_str())
        } else {
            security == "[]"
        };
        assert!(
            is_told,
            "{name} needs a token: {needs_token}, and says {security}"
        );
    }
}

#[test]
fn every_operation_declares_what_every_one_of_its_kind_answers() {
    let document = document();
    for operation in document.operations() {
        let has = |name: &str| operation.says.get(name).is_some();
        let mut expected = vec!["429", "500", "503"];
        if operation.says["security"] != serde_json::json!([]) {
            expected.extend(["401", "403"]);
        }
        if has("requestBody") {
            expected.extend(["400", "413"]);
        }
        let is_read = has("parameters") && operation.path != "/api/v1/openapi.json";
        if is_read || operation.path.contains('{') {
            expected.push("400");
        }
        if operation.path.contains("{connection}") || operation.path.contains("{integration}") {
            expected.push("404");
        }
        for status in expected {
            let is_declared = operation.says["responses"].get(status).is_some();
            assert!(
                is_declared,
                "{} does not declare {status}",
                operation.name()
            );
        }
        for name in ["operationId", "summary", "tags"] {
            assert!(has(name), "{} has no {name}", operation.name());
        }
    }
}

#[test]
fn names_are_those_of_the_code() {
    assert_words("MetricName", metrics::all().map(|metric| metric.name));
    assert_words("KindName", Kind::ALL.iter().map(|kind| kind.name()));
    assert_words("Service", Service::ALL.iter().map(|service| service.name()));
    let metric = |name: &str| format!("Metric/properties/{name}");
    assert_words(
        &metric("measure"),
        metrics::all()
            .map(|own| own.measure.name())
            .chain(["amount"]),
    );
    assert_words(
        &metric("unit"),
        metrics::all().map(|own| own.measure.unit()),
    );
    let document = document();
    let at = |place: &str| {
        document
            .at(place)
            .unwrap_or_else(|| panic!("{place}"))
            .clone()
    };
    let interval = at("/components/parameters/Interval")["schema"]["enum"].clone();
    assert_eq!(
        interval,
        serde_json::json!(Interval::ALL.map(Interval::name))
    );
    let facets =
        at("/components/schemas/ExportLine")["properties"]["details"]["propertyNames"]["enum"]
            .clone();
    assert_eq!(facets, serde_json::json!(Facet::ALL.map(Facet::name)));
}

#[test]
fn every_dimension_is_one_that_can_be_asked_for() {
    assert_words(
        "DimensionName/anyOf/0",
        Dimension::ALL.iter().map(|own| own.name()),
    );
    let document = document();
    for dimension in Dimension::ALL
        .iter()
        .map(|own| own.name())
        .chain(["field:Custom.Customer"])
    {
        for comparison in ["", "!", "^", "*"] {
            let filter = Value::from(format!("{dimension}{comparison}"));
            let problems = document.problems("/components/schemas/FilterName", &filter);
            assert!(problems.is_empty(), "{filter}: {problems:?}");
        }
    }
    for other in ["colour", "stage!!", "Stage"] {
        let problems = document.problems("/components/schemas/FilterName", &other.into());
        assert!(!problems.is_empty(), "{other}");
    }
}

#[test]
fn every_setting_can_be_chosen_as_in_the_code() {
    let document = document();
    let choices = document.at("/components/schemas/SettingChoices").unwrap()["properties"].clone();
    let choices = choices.as_object().unwrap();
    let settings: Vec<_> = metrics::all().flat_map(|metric| metric.settings).collect();
    let names: BTreeSet<&str> = settings.iter().map(|own| own.name).collect();
    let described: BTreeSet<&str> = choices.keys().map(String::as_str).collect();
    assert_eq!(
        described, names,
        "of SettingChoices in shared/api-document/document/metrics.yaml"
    );
    for name in names {
        let own = settings.iter().filter(|own| own.name == name);
        let (mut allowed, mut numbers, mut is_text) = (BTreeSet::new(), None, false);
        for setting in own {
            match setting.values {
                Values::OneOf(own) => allowed.extend(own.iter().copied()),
                Values::Number(least, most) => {
                    let (own_least, own_most) = numbers.unwrap_or((least, most));
                    numbers = Some((least.min(own_least), most.max(own_most)));
                }
                Values::Text | Values::Field | Values::Profile => is_text = true,
            }
        }
        let schema = &choices[name];
        let said: BTreeSet<&str> = schema["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(said, allowed, "{name}");
        let said = schema["minimum"].as_u64().zip(schema["maximum"].as_u64());
        assert_eq!(
            said,
            numbers.map(|(least, most)| (least.into(), most.into())),
            "{name}"
        );
        assert_eq!(
            schema["type"],
            if numbers.is_some() {
                "integer"
            } else {
                "string"
            },
            "{name}"
        );
        assert_eq!(is_text, allowed.is_empty() && numbers.is_none(), "{name}");
    }
}

/// The Rust files below a folder.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|own| own == "rs")
            && path.components().any(|own| own.as_os_str() == "src")
        {
            found.push(path);
        }
    }
}

#[test]
fn every_kind_of_problem_is_described() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for folder in ["functions", "shared"] {
        sources(&root.join(folder), &mut files);
    }
    let mut kinds = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let parts = text.split("kind: \"/problems/").skip(1);
        kinds.extend(parts.map(|part| format!("/problems/{}", part.split('"').next().unwrap())));
    }
    assert!(kinds.len() >= 8, "{kinds:?}");
    assert_words("Problem/properties/type", kinds.iter().map(String::as_str));
}

#[test]
fn every_example_is_one() {
    let document = document();
    let mut examples = 0;
    let whole: Value = serde_json::from_str(api_document::JSON).unwrap();
    each_example(&whole, "", &mut |place, example| {
        let problems = document.problems(&format!("{place}/schema"), example);
        assert!(problems.is_empty(), "{place}: {problems:?}");
        examples += 1;
    });
    assert!(examples >= 5, "{examples}");
}

fn each_example(value: &Value, place: &str, found: &mut impl FnMut(&str, &Value)) {
    if let Value::Object(map) = value {
        if let (Some(example), true) = (map.get("example"), map.contains_key("schema")) {
            found(place, example);
        }
        for (name, own) in map {
            let name = name.replace('~', "~0").replace('/', "~1");
            each_example(own, &format!("{place}/{name}"), found);
        }
    }
}

#[test]
fn everything_that_is_referred_to_is_there_and_nothing_else() {
    let document: Value = serde_json::from_str(api_document::JSON).unwrap();
    let text = document.to_string();
    let parts = text.split("\"$ref\":\"#").skip(1);
    let wanted: BTreeSet<&str> = parts.map(|part| part.split('"').next().unwrap()).collect();
    let mut found = BTreeSet::new();
    for (section, components) in document["components"].as_object().unwrap() {
        if section != "securitySchemes" {
            let names = components.as_object().unwrap().keys();
            found.extend(names.map(|name| format!("/components/{section}/{name}")));
        }
    }
    // What the lines of an export are has no place in a schema, and is said in words.
    found.remove("/components/schemas/ExportLine");
    assert_eq!(wanted, found.iter().map(String::as_str).collect());
}

#[test]
fn it_names_no_host() {
    assert!(!api_document::JSON.contains("://"));
}

#[test]
fn fields_that_are_not_described_are_noticed() {
    let document = document();
    let operation = document.find("GET", "/api/v1/connections").unwrap();
    let problems = |body: &str| {
        let answer = checker::Answer {
            status: 200,
            content_type: "application/json",
            body: body.as_bytes(),
        };
        document.answer_problems(operation, &answer)
    };
    assert!(problems(r#"{"connections":[]}"#).is_empty());
    assert_eq!(problems(r#"{"connections":[],"colour":"red"}"#).len(), 1);
    assert!(!problems(r#"{"connections":[{}]}"#).is_empty());
    let budgets = r#"{"organization":"a","paused_until":null,"capped":false,"metered":false"#;
    let report = document
        .find("GET", "/api/v1/connections/x/report")
        .unwrap();
    let problems = |budget: &str| {
        let body = format!(r#"{{"integrations":[],"request_budgets":[{budget}]}}"#);
        let answer = checker::Answer {
            status: 200,
            content_type: "application/json",
            body: body.as_bytes(),
        };
        document.answer_problems(report, &answer)
    };
    assert!(problems(&format!("{budgets}}}")).is_empty());
    assert!(problems(&format!("{budgets},\"colour\":1}}"))[0].contains("colour"));
}

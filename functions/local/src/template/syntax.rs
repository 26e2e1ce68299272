//! From YAML with AWS' short tags to plain JSON with their long forms: `!Ref X` becomes `{"Ref": "X"}`.

use serde_json::{Map, Value};

use super::TemplateError;

/// Parses a template's text; afterwards every intrinsic function is an object with one key.
pub(super) fn parse(path: &str, text: &str) -> Result<Value, TemplateError> {
    let yaml: yaml_serde::Value =
        yaml_serde::from_str(text).map_err(|source| TemplateError::Yaml {
            path: path.into(),
            source,
        })?;
    to_json(&yaml).map_err(|problem| TemplateError::invalid(path, problem))
}

fn to_json(yaml: &yaml_serde::Value) -> Result<Value, String> {
    Ok(match yaml {
        yaml_serde::Value::Null => Value::Null,
        yaml_serde::Value::Bool(value) => Value::Bool(*value),
        yaml_serde::Value::Number(number) => number_to_json(number)?,
        yaml_serde::Value::String(text) => Value::String(text.clone()),
        yaml_serde::Value::Sequence(items) => {
            Value::Array(items.iter().map(to_json).collect::<Result<_, _>>()?)
        }
        yaml_serde::Value::Mapping(mapping) => Value::Object(
            mapping
                .iter()
                .map(|(key, value)| Ok((key_to_text(key)?, to_json(value)?)))
                .collect::<Result<Map<_, _>, String>>()?,
        ),
        yaml_serde::Value::Tagged(tagged) => {
            long_form(&tagged.tag.to_string(), to_json(&tagged.value)?)?
        }
    })
}

fn number_to_json(number: &yaml_serde::Number) -> Result<Value, String> {
    if let Some(whole) = number.as_i64() {
        return Ok(whole.into());
    }
    if let Some(whole) = number.as_u64() {
        return Ok(whole.into());
    }
    number
        .as_f64()
        .and_then(serde_json::Number::from_f64)
        .map(Value::Number)
        .ok_or_else(|| format!("the number {number} cannot be expressed in JSON"))
}

fn key_to_text(key: &yaml_serde::Value) -> Result<String, String> {
    match key {
        yaml_serde::Value::String(text) => Ok(text.clone()),
        yaml_serde::Value::Number(number) => Ok(number.to_string()),
        yaml_serde::Value::Bool(value) => Ok(value.to_string()),
        other => Err(format!(
            "a mapping has the key {other:?}, which is not text"
        )),
    }
}

fn long_form(tag: &str, value: Value) -> Result<Value, String> {
    let name = tag.trim_start_matches('!');
    let (key, value) = match (name, value) {
        ("Ref" | "Condition", value) => (name.to_owned(), value),
        ("GetAtt", Value::String(text)) => {
            let (resource, attribute) = text
                .split_once('.')
                .ok_or_else(|| format!("!GetAtt {text} names no attribute"))?;
            (
                "Fn::GetAtt".to_owned(),
                Value::from(vec![resource, attribute]),
            )
        }
        ("GetAtt" | "Sub" | "If" | "Join" | "Equals" | "Not" | "And" | "Or", value)
        // Of networks, which exist only in AWS.
        | ("Select" | "Cidr" | "GetAZs", value) => (format!("Fn::{name}"), value),
        _ => {
            return Err(format!(
                "the intrinsic function {tag} is not one the local runner knows"
            ));
        }
    };
    Ok(Value::Object(Map::from_iter([(key, value)])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn short_tags_become_their_long_forms() {
        let value = parse(
            "t",
            "a: !Ref X\nb: !GetAtt Y.Arn\nc: !Sub '${X}/z'\nd: !If [C, 1, 2]",
        )
        .unwrap();
        assert_eq!(
            value,
            json!({"a": {"Ref": "X"}, "b": {"Fn::GetAtt": ["Y", "Arn"]}, "c": {"Fn::Sub": "${X}/z"}, "d": {"Fn::If": ["C", 1, 2]}})
        );
    }

    #[test]
    fn an_unknown_tag_is_named() {
        let error = parse("t", "a: !Split x").unwrap_err().to_string();
        assert!(error.contains("!Split"), "{error}");
    }

    #[test]
    fn broken_yaml_says_where() {
        let error = parse("template.yaml", "Resources:\n  a: [1\n")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("template.yaml") && error.contains("line"),
            "{error}"
        );
    }
}

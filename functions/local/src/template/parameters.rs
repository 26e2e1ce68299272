//! The template's parameters: defaults, overrides, and the limits that AWS would enforce.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{TemplateError, intrinsics::scalar, place::Place};

/// Returns every declared parameter's value.
///
/// # Errors
/// An override that is not declared, a parameter without value, and a value outside the declared limits.
pub(super) fn values(
    declared: &Map<String, Value>,
    overrides: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Value>, TemplateError> {
    let root = Place::root("Parameters");
    if let Some(unknown) = overrides.keys().find(|name| !declared.contains_key(*name)) {
        return Err(root
            .at(unknown)
            .invalid("a value was given, but the template declares no such parameter"));
    }
    declared
        .iter()
        .map(|(name, declaration)| {
            let value = value(&root.at(name), declaration, overrides.get(name))?;
            Ok((name.clone(), value))
        })
        .collect()
}

fn value(
    place: &Place,
    declaration: &Value,
    given: Option<&String>,
) -> Result<Value, TemplateError> {
    let value = match (given, declaration.get("Default")) {
        (Some(given), _) => given.clone(),
        (None, Some(default)) => scalar(default),
        (None, None) => return Err(place.invalid("it has no default and no value was given")),
    };
    check_allowed(place, declaration, &value)?;
    match declaration.get("Type").and_then(Value::as_str) {
        Some("Number") => check_number(place, declaration, &value)?,
        Some("CommaDelimitedList") => {
            return Ok(value.split(',').map(str::trim).collect::<Vec<_>>().into());
        }
        Some(_) => {}
        None => return Err(place.invalid("it has no Type")),
    }
    Ok(value.into())
}

fn check_allowed(place: &Place, declaration: &Value, value: &str) -> Result<(), TemplateError> {
    match declaration.get("AllowedValues").and_then(Value::as_array) {
        Some(allowed) if !allowed.iter().any(|candidate| scalar(candidate) == value) => {
            Err(place.invalid(format!("{value:?} is not one of its AllowedValues")))
        }
        _ => Ok(()),
    }
}

fn check_number(place: &Place, declaration: &Value, value: &str) -> Result<(), TemplateError> {
    let number: f64 = value
        .parse()
        .map_err(|_| place.invalid(format!("{value:?} is not a number")))?;
    let limit = |name: &str| {
        declaration
            .get(name)
            .and_then(|limit| scalar(limit).parse::<f64>().ok())
    };
    if limit("MinValue").is_some_and(|least| number < least)
        || limit("MaxValue").is_some_and(|most| number > most)
    {
        return Err(place.invalid(format!("{value} is outside its MinValue and MaxValue")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(
        declaration: Value,
        given: &[(&str, &str)],
    ) -> Result<BTreeMap<String, Value>, String> {
        let overrides = given
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        values(
            json!({ "Days": declaration }).as_object().unwrap(),
            &overrides,
        )
        .map_err(|error| error.to_string())
    }

    #[test]
    fn an_override_wins_over_the_default() {
        let values = check(json!({"Type": "Number", "Default": 90}), &[("Days", "30")]).unwrap();
        assert_eq!(values["Days"], "30");
        assert_eq!(
            check(json!({"Type": "Number", "Default": 90}), &[]).unwrap()["Days"],
            "90"
        );
    }

    #[test]
    fn limits_and_missing_values_name_the_parameter() {
        let limited = json!({"Type": "Number", "Default": 90, "MinValue": 1, "MaxValue": 400});
        for (declaration, given) in [
            (limited.clone(), vec![("Days", "0")]),
            (limited.clone(), vec![("Days", "many")]),
            (json!({"Type": "String"}), vec![]),
            (
                json!({"Type": "String", "AllowedValues": ["a"]}),
                vec![("Days", "b")],
            ),
        ] {
            let error = check(declaration, &given).unwrap_err();
            assert!(error.contains("Parameters.Days"), "{error}");
        }
    }

    #[test]
    fn an_undeclared_override_is_refused() {
        let error = check(json!({"Type": "String", "Default": ""}), &[("Dais", "1")]).unwrap_err();
        assert!(error.contains("Parameters.Dais"), "{error}");
    }
}

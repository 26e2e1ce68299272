//! Evaluates AWS' intrinsic functions to the values that the embedded services will have.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{TemplateError, parameters, place::Place};

/// What a template's references are resolved against.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// `AWS::StackName`, also the prefix of every physical name.
    pub stack_name: String,
    /// `AWS::Region`.
    pub region: String,
    /// `AWS::AccountId`.
    pub account: String,
    /// Base of every queue URL; the account and the queue's name follow.
    pub queue_base_url: String,
    /// Parameter values that win over the template's defaults.
    pub parameters: BTreeMap<String, String>,
}

/// Resolves intrinsics of one template.
pub(super) struct Resolver<'a> {
    surroundings: &'a Surroundings,
    parameters: BTreeMap<String, Value>,
    conditions: &'a Map<String, Value>,
    resources: &'a Map<String, Value>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(
        surroundings: &'a Surroundings,
        declared: &'a Map<String, Value>,
        conditions: &'a Map<String, Value>,
        resources: &'a Map<String, Value>,
    ) -> Result<Self, TemplateError> {
        let parameters = parameters::values(declared, &surroundings.parameters)?;
        Ok(Self {
            surroundings,
            parameters,
            conditions,
            resources,
        })
    }

    /// Returns `value` without intrinsics; `None` stands for `AWS::NoValue`.
    pub(super) fn resolve(
        &self,
        place: &Place,
        value: &Value,
    ) -> Result<Option<Value>, TemplateError> {
        match value {
            Value::Object(map) => match as_function(map) {
                Some((name, argument)) => self.call(place, name, argument),
                None => self
                    .resolve_map(place, map)
                    .map(|map| Some(Value::Object(map))),
            },
            Value::Array(items) => {
                let items = items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| self.resolve(&place.at(&i.to_string()), item));
                Ok(Some(Value::Array(
                    items
                        .filter_map(Result::transpose)
                        .collect::<Result<_, _>>()?,
                )))
            }
            plain => Ok(Some(plain.clone())),
        }
    }

    fn resolve_map(
        &self,
        place: &Place,
        map: &Map<String, Value>,
    ) -> Result<Map<String, Value>, TemplateError> {
        let mut resolved = Map::new();
        for (key, value) in map {
            if let Some(value) = self.resolve(&place.at(key), value)? {
                resolved.insert(key.clone(), value);
            }
        }
        Ok(resolved)
    }

    fn call(
        &self,
        place: &Place,
        name: &str,
        argument: &Value,
    ) -> Result<Option<Value>, TemplateError> {
        match (name, argument) {
            ("Ref", Value::String(name)) if name == "AWS::NoValue" => Ok(None),
            ("Ref", Value::String(name)) => self.reference(place, name).map(Some),
            ("Fn::GetAtt", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(resource), Value::String(attribute)] => self
                    .attribute(place, resource, attribute)
                    .map(|text| Some(text.into())),
                _ => Err(place.invalid("GetAtt needs a resource and an attribute")),
            },
            ("Fn::Sub", argument) => self
                .substitute(place, argument)
                .map(|text| Some(text.into())),
            ("Fn::If", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(condition), yes, no] => {
                    let branch = if self.condition(place, condition)? {
                        yes
                    } else {
                        no
                    };
                    self.resolve(place, branch)
                }
                _ => Err(place.invalid("If needs a condition and two values")),
            },
            ("Fn::Join", Value::Array(parts)) => {
                self.join(place, parts).map(|text| Some(text.into()))
            }
            _ => Err(place.invalid(format!(
                "{name} is not used in a way the local runner knows"
            ))),
        }
    }

    fn reference(&self, place: &Place, name: &str) -> Result<Value, TemplateError> {
        if let Some(value) = self.parameters.get(name) {
            return Ok(value.clone());
        }
        let surroundings = self.surroundings;
        let text = match name {
            "AWS::Region" => surroundings.region.clone(),
            "AWS::AccountId" => surroundings.account.clone(),
            "AWS::StackName" => surroundings.stack_name.clone(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            // SAM's name for the stage that it makes for an API.
            _ if name
                .strip_suffix(".Stage")
                .is_some_and(|api| self.resources.contains_key(api)) =>
            {
                "$default".to_owned()
            }
            _ => match self.resource_type(place, name)? {
                "AWS::SQS::Queue" => self.queue_url(name),
                _ => self.physical_name(name),
            },
        };
        Ok(text.into())
    }

    fn attribute(
        &self,
        place: &Place,
        resource: &str,
        attribute: &str,
    ) -> Result<String, TemplateError> {
        let kind = self.resource_type(place, resource)?;
        let name = self.physical_name(resource);
        match (kind, attribute) {
            ("AWS::SQS::Queue", "QueueUrl") => Ok(self.queue_url(resource)),
            ("AWS::SQS::Queue", "QueueName") => Ok(name),
            ("AWS::SQS::Queue", "Arn") => Ok(self.arn("sqs", &name)),
            ("AWS::DynamoDB::Table", "Arn") => Ok(self.arn("dynamodb", &format!("table/{name}"))),
            ("AWS::Serverless::Function", "Arn") => {
                Ok(self.arn("lambda", &format!("function:{name}")))
            }
            ("AWS::SQS::Queue" | "AWS::DynamoDB::Table" | "AWS::Serverless::Function", _) => {
                Err(place.invalid(format!(
                    "{resource} ({kind}) has no attribute {attribute} locally"
                )))
            }
            // Everything else (roles, alarms, keys) exists only in AWS; the value is passed around and never looked at.
            _ => Ok(self.arn(
                &kind.split("::").nth(1).unwrap_or_default().to_lowercase(),
                &name,
            )),
        }
    }

    fn resource_type(&self, place: &Place, name: &str) -> Result<&'a str, TemplateError> {
        self.resources
            .get(name)
            .and_then(|resource| resource.get("Type")?.as_str())
            .ok_or_else(|| {
                place.invalid(format!(
                    "{name} is neither a parameter nor a resource of this template"
                ))
            })
    }

    /// Returns the name that a resource has in the embedded services.
    pub(super) fn physical_name(&self, logical_id: &str) -> String {
        format!("{}-{logical_id}", self.surroundings.stack_name)
    }

    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:aws:{service}:{}:{}:{resource}",
            self.surroundings.region, self.surroundings.account
        )
    }

    fn queue_url(&self, logical_id: &str) -> String {
        let Surroundings {
            queue_base_url,
            account,
            ..
        } = self.surroundings;
        format!(
            "{queue_base_url}/{account}/{}",
            self.physical_name(logical_id)
        )
    }

    fn join(&self, place: &Place, parts: &[Value]) -> Result<String, TemplateError> {
        let [Value::String(separator), Value::Array(items)] = parts else {
            return Err(place.invalid("Join needs a separator and a list"));
        };
        let items = items
            .iter()
            .map(|item| self.text(place, item))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(items.join(separator))
    }

    fn substitute(&self, place: &Place, argument: &Value) -> Result<String, TemplateError> {
        let none = Map::new();
        let (mut rest, local) = match argument {
            Value::String(text) => (text.as_str(), &none),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(text), Value::Object(local)] => (text.as_str(), local),
                _ => return Err(place.invalid("Sub needs a text and a mapping")),
            },
            _ => return Err(place.invalid("Sub needs a text")),
        };
        let mut result = String::new();
        while let Some(start) = rest.find("${") {
            let end = rest[start..]
                .find('}')
                .ok_or_else(|| place.invalid("Sub has a `${` that is never closed"))?
                + start;
            result.push_str(&rest[..start]);
            result.push_str(&self.variable(place, &rest[start + 2..end], local)?);
            rest = &rest[end + 1..];
        }
        Ok(result + rest)
    }

    fn variable(
        &self,
        place: &Place,
        name: &str,
        local: &Map<String, Value>,
    ) -> Result<String, TemplateError> {
        if let Some(literal) = name.strip_prefix('!') {
            return Ok(format!("${{{literal}}}"));
        }
        if let Some(value) = local.get(name) {
            return self.text(place, value);
        }
        match name.split_once('.') {
            Some((resource, attribute)) => self.attribute(place, resource, attribute),
            None => self.reference(place, name).map(|value| scalar(&value)),
        }
    }

    fn text(&self, place: &Place, value: &Value) -> Result<String, TemplateError> {
        Ok(self
            .resolve(place, value)?
            .map(|value| scalar(&value))
            .unwrap_or_default())
    }

    /// Evaluates a named condition.
    pub(super) fn condition(&self, place: &Place, name: &str) -> Result<bool, TemplateError> {
        let condition = self
            .conditions
            .get(name)
            .ok_or_else(|| place.invalid(format!("the condition {name} is not declared")))?;
        self.truth(&Place::root("Conditions").at(name), condition)
    }

    fn truth(&self, place: &Place, value: &Value) -> Result<bool, TemplateError> {
        let Some((name, argument)) = value.as_object().and_then(as_function) else {
            return Err(place.invalid("a condition must be a condition function"));
        };
        match (name, argument) {
            ("Condition", Value::String(name)) => self.condition(place, name),
            ("Fn::Equals", Value::Array(sides)) if sides.len() == 2 => {
                Ok(self.text(place, &sides[0])? == self.text(place, &sides[1])?)
            }
            ("Fn::Not", Value::Array(items)) if items.len() == 1 => {
                Ok(!self.truth(place, &items[0])?)
            }
            ("Fn::And", Value::Array(items)) => items
                .iter()
                .try_fold(true, |all, item| Ok(self.truth(place, item)? && all)),
            ("Fn::Or", Value::Array(items)) => items
                .iter()
                .try_fold(false, |any, item| Ok(self.truth(place, item)? || any)),
            _ => Err(place.invalid(format!(
                "{name} is not a condition function the local runner knows"
            ))),
        }
    }

    /// Checks every reference below `value`, also in places that nothing local evaluates.
    pub(super) fn check_references(
        &self,
        place: &Place,
        value: &Value,
    ) -> Result<(), TemplateError> {
        match value {
            Value::Object(map) => match as_function(map) {
                // What the other branch refers to need not exist.
                Some(("Fn::If", argument)) => {
                    self.call(place, "Fn::If", argument)?;
                    match argument.as_array().map(Vec::as_slice) {
                        Some([Value::String(condition), yes, no]) => {
                            let is_yes = self.condition(place, condition)?;
                            self.check_references(place, if is_yes { yes } else { no })
                        }
                        _ => Ok(()),
                    }
                }
                Some(("Ref" | "Fn::GetAtt" | "Fn::Sub" | "Fn::Join", _)) => {
                    self.resolve(place, value).map(drop)
                }
                Some(("Condition", Value::String(name))) => self.condition(place, name).map(drop),
                _ => map
                    .iter()
                    .try_for_each(|(key, value)| self.check_references(&place.at(key), value)),
            },
            Value::Array(items) => items
                .iter()
                .try_for_each(|item| self.check_references(place, item)),
            _ => Ok(()),
        }
    }
}

/// Returns the function's name and argument if this object is an intrinsic function.
fn as_function(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = map.iter().next().filter(|_| map.len() == 1)?;
    let is_condition = name == "Condition" && argument.is_string();
    (name == "Ref" || is_condition || name.starts_with("Fn::")).then_some((name, argument))
}

/// Returns a scalar as AWS would put it into text.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

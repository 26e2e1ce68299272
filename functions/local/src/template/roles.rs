//! Reads what the role of a function grants in the services that exist locally.

use serde_json::{Map, Value};

use super::intrinsics::Resolver;
use super::place::{Node, Place};
use super::{Grant, TemplateError};

/// The services that the runner provides; what is granted in others cannot be used here.
const LOCAL: [&str; 3] = ["dynamodb:", "secretsmanager:", "sqs:"];

impl Grant {
    /// Returns whether this allows an action on a resource.
    #[must_use]
    pub fn covers(&self, action: &str, resource: &str) -> bool {
        matches(&self.action, action) && matches(&self.resource, resource)
    }
}

/// Whether a text is what a pattern with `*` describes.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len()).any(|at| text.is_char_boundary(at) && matches(rest, &text[at..]))
        }),
    }
}

/// Returns what the role at `role` grants; `None` if it is no role of this template.
pub(super) fn grants(
    resolver: &Resolver<'_>,
    resources: &Map<String, Value>,
    role: Option<&Value>,
) -> Result<Option<Vec<Grant>>, TemplateError> {
    let id = role.and_then(|role| role.pointer("/Fn::GetAtt/0")?.as_str());
    let Some((id, role)) = id.and_then(|id| Some((id, resources.get(id)?))) else {
        return Ok(None);
    };
    let place = Place::root(id).at("Properties");
    let properties = resolver.resolve(&place, role.get("Properties").unwrap_or(&Value::Null))?;
    let properties = properties.unwrap_or_default();
    let node = Node {
        place,
        value: &properties,
    };
    let mut grants = Vec::new();
    if let Some(policies) = node.child("Policies") {
        for policy in policies.list()? {
            document(&policy.need("PolicyDocument")?, &mut grants)?;
        }
    }
    if let Some(policies) = node.child("ManagedPolicyArns") {
        for policy in policies.list()? {
            managed(resolver, resources, &policy, &mut grants)?;
        }
    }
    Ok(Some(grants))
}

/// Reads a policy of the template that a role refers to; AWS' own are about services that do not exist here.
fn managed(
    resolver: &Resolver<'_>,
    resources: &Map<String, Value>,
    policy: &Node<'_>,
    grants: &mut Vec<Grant>,
) -> Result<(), TemplateError> {
    let name = policy.text()?;
    let own = resources
        .iter()
        .find(|(id, _)| resolver.physical_name(id) == name);
    let Some((id, resource)) = own else {
        return Ok(());
    };
    let place = Place::root(id).at("Properties");
    let properties =
        resolver.resolve(&place, resource.get("Properties").unwrap_or(&Value::Null))?;
    let properties = properties.unwrap_or_default();
    let node = Node {
        place,
        value: &properties,
    };
    document(&node.need("PolicyDocument")?, grants)
}

fn document(document: &Node<'_>, grants: &mut Vec<Grant>) -> Result<(), TemplateError> {
    for statement in document.need("Statement")?.list()? {
        let actions = texts(&statement.need("Action")?)?;
        let local = |action: &String| LOCAL.iter().any(|service| action.starts_with(service));
        if !actions.iter().any(local) {
            continue;
        }
        if statement.need("Effect")?.text()? != "Allow" || statement.child("Condition").is_some() {
            let problem = "only statements that allow without a condition are known locally";
            return Err(statement.place.invalid(problem));
        }
        let resources = texts(&statement.need("Resource")?)?;
        for action in actions.iter().filter(|action| local(action)) {
            grants.extend(resources.iter().map(|resource| Grant {
                action: action.clone(),
                resource: resource.clone(),
            }));
        }
    }
    Ok(())
}

/// IAM takes one text or a list of them.
fn texts(node: &Node<'_>) -> Result<Vec<String>, TemplateError> {
    match node.value {
        Value::Array(_) => node.list()?.iter().map(Node::text).collect(),
        _ => Ok(vec![node.text()?]),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a/*", "a/b/c", true),
            ("a/*", "a", false),
            ("a/*-?", "a/x-?", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}

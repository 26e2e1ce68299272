//! Reads tables, queues and the HTTP API from their resolved properties.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::intrinsics::Resolver;
use super::place::{Node, Place};
use super::{Authorizer, Queue, Redrive, Table, Template, TemplateError, functions};

/// Reads all that the embedded services provide.
pub(super) fn read(
    resolver: &Resolver<'_>,
    globals: &Map<String, Value>,
    resources: &Map<String, Value>,
) -> Result<Template, TemplateError> {
    let mut template = Template::default();
    let mut apis = BTreeMap::new();
    for (id, resource) in resources {
        let place = Place::root(id).at("Properties");
        let empty = Value::Object(Map::new());
        let resolved = |value: &Value| {
            resolver
                .resolve(&place, value)
                .map(Option::unwrap_or_default)
        };
        let properties = resource.get("Properties").unwrap_or(&empty);
        match resource.get("Type").and_then(Value::as_str) {
            Some("AWS::DynamoDB::Table") => {
                let value = resolved(properties)?;
                template.tables.push(table(
                    resolver,
                    id,
                    &Node {
                        place,
                        value: &value,
                    },
                )?);
            }
            Some("AWS::SQS::Queue") => {
                let value = resolved(properties)?;
                template.queues.push(queue(
                    resolver,
                    id,
                    &Node {
                        place,
                        value: &value,
                    },
                )?);
            }
            Some("AWS::Serverless::HttpApi") => {
                let value = resolved(properties)?;
                apis.insert(
                    id.clone(),
                    api(
                        &Node {
                            place,
                            value: &value,
                        },
                        &mut template,
                    )?,
                );
            }
            _ => {}
        }
    }
    functions::read(resolver, globals, resources, &apis, &mut template)?;
    Ok(template)
}

/// What SAM encrypts, backs up and bills is not looked at locally, but a misspelt name is refused.
const TABLE_PROPERTIES: &[&str] = &[
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "OnDemandThroughput",
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "TableClass",
    "Tags",
    "TimeToLiveSpecification",
];

fn table(resolver: &Resolver<'_>, id: &str, node: &Node<'_>) -> Result<Table, TemplateError> {
    node.only(TABLE_PROPERTIES)?;
    node.need("KeySchema")?.list()?;
    node.need("AttributeDefinitions")?.list()?;
    let name = resolver.physical_name(id);
    let mut create = Map::from_iter([("TableName".to_owned(), name.clone().into())]);
    for key in [
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
    ] {
        if let Some(child) = node.child(key) {
            create.insert(key.to_owned(), child.value.clone());
        }
    }
    let ttl_attribute = match node.child("TimeToLiveSpecification") {
        Some(ttl) if ttl.need("Enabled")?.value == &Value::Bool(true) => {
            Some(ttl.need("AttributeName")?.text()?)
        }
        _ => None,
    };
    Ok(Table {
        logical_id: id.to_owned(),
        name,
        create: Value::Object(create),
        ttl_attribute,
    })
}

const QUEUE_PROPERTIES: &[&str] = &[
    "DelaySeconds",
    "KmsMasterKeyId",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "Tags",
    "VisibilityTimeout",
];

fn queue(resolver: &Resolver<'_>, id: &str, node: &Node<'_>) -> Result<Queue, TemplateError> {
    node.only(QUEUE_PROPERTIES)?;
    let name = resolver.physical_name(id);
    let redrive = node
        .child("RedrivePolicy")
        .map(|policy| redrive(&policy))
        .transpose()?;
    // The defaults and limits are those of CreateQueue.
    let seconds = |key, default, least, most| {
        node.number_or(key, default, least, most)
            .map(Duration::from_secs)
    };
    Ok(Queue {
        logical_id: id.to_owned(),
        arn: resolver.arn("sqs", &name),
        name,
        visibility_timeout: seconds("VisibilityTimeout", 30, 0, 43_200)?,
        delay: seconds("DelaySeconds", 0, 0, 900)?,
        retention: seconds("MessageRetentionPeriod", 345_600, 60, 1_209_600)?,
        receive_wait: seconds("ReceiveMessageWaitTimeSeconds", 0, 0, 20)?,
        redrive,
    })
}

fn redrive(policy: &Node<'_>) -> Result<Redrive, TemplateError> {
    let arn = policy.need("deadLetterTargetArn")?.text()?;
    let count = policy.need("maxReceiveCount")?;
    let max_receive_count = count.number()?;
    if !(1..=1000).contains(&max_receive_count) {
        return Err(count.place.invalid("it must be between 1 and 1000"));
    }
    Ok(Redrive {
        dead_letter_queue: name_of(&arn),
        max_receive_count: max_receive_count as u32,
    })
}

/// Returns the last part of an ARN.
pub(super) fn name_of(arn: &str) -> String {
    arn.rsplit(':').next().unwrap_or_default().to_owned()
}

/// An HTTP API's default authorizer, if it has one.
pub(super) type DefaultAuthorizer = Option<String>;

fn api(node: &Node<'_>, template: &mut Template) -> Result<DefaultAuthorizer, TemplateError> {
    let Some(auth) = node.child("Auth") else {
        return Ok(None);
    };
    for (name, authorizer) in auth.need("Authorizers")?.children()? {
        let jwt = authorizer.need("JwtConfiguration")?;
        let audience = jwt
            .need("audience")?
            .list()?
            .iter()
            .map(Node::text)
            .collect::<Result<_, _>>()?;
        if let Some(source) = authorizer.child("IdentitySource")
            && source.text()? != "$request.header.Authorization"
        {
            return Err(source
                .place
                .invalid("only $request.header.Authorization is known locally"));
        }
        let authorizer = Authorizer {
            issuer: jwt.need("issuer")?.text()?,
            audience,
        };
        template.authorizers.insert(name.to_owned(), authorizer);
    }
    let Some(default) = auth.child("DefaultAuthorizer") else {
        return Ok(None);
    };
    let name = default.text()?;
    if !template.authorizers.contains_key(&name) {
        return Err(default
            .place
            .invalid(format!("the authorizer {name} is not declared")));
    }
    Ok(Some(name))
}

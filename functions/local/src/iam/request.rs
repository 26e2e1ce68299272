//! From a request to the actions that IAM asks about, which are not always named like the operation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Need;

/// Where the resources of requests are: region and account.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) region: &'static str,
    pub(crate) account: &'static str,
}

impl Places {
    fn arn(&self, service: &str, resource: &str) -> String {
        let Self { region, account } = self;
        format!("arn:aws:{service}:{region}:{account}:{resource}")
    }
}

/// Of a body only what names resources; what is written is not read.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Body<'a> {
    #[serde(borrow)]
    table_name: Option<Cow<'a, str>>,
    request_items: Option<BTreeMap<String, IgnoredAny>>,
    transact_items: Vec<BTreeMap<String, Part>>,
    statement: Option<String>,
    statements: Vec<Part>,
    transact_statements: Vec<Part>,
    queue_url: Option<String>,
    secret_id: Option<String>,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Part {
    table_name: String,
    statement: String,
}

/// Returns what a request of this target (`DynamoDB_20120810.GetItem`) needs; nothing where the body cannot be read, because then
/// the service refuses it anyway.
pub(crate) fn needs(places: &Places, target: &str, body: &[u8]) -> Vec<Need> {
    let Some((service, operation)) = target.split_once('.') else {
        return Vec::new();
    };
    let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else {
        return Vec::new();
    };
    match service {
        "AmazonSQS" => vec![queue(places, operation, &body)],
        "secretsmanager" => vec![secret(places, operation, &body)],
        _ => tables(places, operation, &body),
    }
}

fn tables(places: &Places, operation: &str, body: &Body<'_>) -> Vec<Need> {
    let need = |action: &str, table: &str| Need {
        action: format!("dynamodb:{action}"),
        resource: places.arn("dynamodb", &format!("table/{table}")),
    };
    let statements = || {
        let several = body.statements.iter().chain(&body.transact_statements);
        let several = several.map(|part| part.statement.as_str());
        body.statement.as_deref().into_iter().chain(several)
    };
    match operation {
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body.request_items.iter().flat_map(BTreeMap::keys);
            tables.map(|table| need(operation, table)).collect()
        }
        // The parts are asked about, not the transaction:
        // https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
        "TransactWriteItems" | "TransactGetItems" => {
            let parts = body.transact_items.iter().flatten();
            parts
                .map(|(kind, part)| match kind.as_str() {
                    "ConditionCheck" => need("ConditionCheckItem", &part.table_name),
                    _ => need(&format!("{kind}Item"), &part.table_name),
                })
                .collect()
        }
        "ExecuteStatement" | "BatchExecuteStatement" | "ExecuteTransaction" => {
            statements().map(|text| partiql(text, need)).collect()
        }
        _ => vec![need(operation, body.table_name.as_deref().unwrap_or("*"))],
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html>
fn partiql(statement: &str, need: impl Fn(&str, &str) -> Need) -> Need {
    let verb = statement.split_whitespace().next().unwrap_or_default();
    let action = match verb.to_ascii_uppercase().as_str() {
        "INSERT" => "PartiQLInsert",
        "UPDATE" => "PartiQLUpdate",
        "DELETE" => "PartiQLDelete",
        _ => "PartiQLSelect",
    };
    need(action, statement.split('"').nth(1).unwrap_or("*"))
}

/// The operations on several messages have no actions of their own:
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html>
fn queue(places: &Places, operation: &str, body: &Body<'_>) -> Need {
    let url = body.queue_url.as_deref().unwrap_or("*");
    let name = url.rsplit('/').next().unwrap_or(url);
    Need {
        action: format!("sqs:{}", operation.trim_end_matches("Batch")),
        resource: places.arn("sqs", name),
    }
}

/// A secret that has only a name is asked about with any six characters behind it.
fn secret(places: &Places, operation: &str, body: &Body<'_>) -> Need {
    let id = body.secret_id.as_ref().or(body.name.as_ref());
    let id = id.map_or("*", String::as_str);
    let resource = match id.starts_with("arn:") {
        true => id.to_owned(),
        false => places.arn("secretsmanager", &format!("secret:{id}-??????")),
    };
    Need {
        action: format!("secretsmanager:{operation}"),
        resource,
    }
}

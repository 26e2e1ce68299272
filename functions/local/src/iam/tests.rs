use axum::http::HeaderValue;
use serde_json::{Value, json};

use super::*;

const PLACES: Places = Places {
    region: "eu-west-1",
    account: "000000000000",
};

/// What a request needs, as texts.
fn asked(target: &str, body: &Value) -> Vec<String> {
    let needs = needs(&PLACES, target, body.to_string().as_bytes());
    needs
        .into_iter()
        .map(|need| {
            let resource = need.resource.replace(":eu-west-1:000000000000", "");
            format!("{} {resource}", need.action)
        })
        .collect()
}

#[test]
fn an_operation_needs_the_actions_that_aws_asks_about() {
    let table = json!({ "TableName": "t", "Key": {} });
    let transaction = json!({ "TransactItems": [
        { "Put": { "TableName": "a" } }, { "ConditionCheck": { "TableName": "b" } },
    ] });
    let statements = json!({ "Statements": [
        { "Statement": "INSERT INTO \"t\" VALUE {'pk': ?}" }, { "Statement": "update \"u\" set x = ?" },
    ] });
    for (target, body, expected) in [
        (
            "DynamoDB_20120810.GetItem",
            &table,
            vec!["dynamodb:GetItem arn:aws:dynamodb:table/t"],
        ),
        (
            "DynamoDB_20120810.BatchWriteItem",
            &json!({ "RequestItems": { "t": [{ "PutRequest": {} }] } }),
            vec!["dynamodb:BatchWriteItem arn:aws:dynamodb:table/t"],
        ),
        (
            "DynamoDB_20120810.TransactWriteItems",
            &transaction,
            vec![
                "dynamodb:PutItem arn:aws:dynamodb:table/a",
                "dynamodb:ConditionCheckItem arn:aws:dynamodb:table/b",
            ],
        ),
        (
            "DynamoDB_20120810.BatchExecuteStatement",
            &statements,
            vec![
                "dynamodb:PartiQLInsert arn:aws:dynamodb:table/t",
                "dynamodb:PartiQLUpdate arn:aws:dynamodb:table/u",
            ],
        ),
        (
            "AmazonSQS.SendMessageBatch",
            &json!({ "QueueUrl": "http://127.0.0.1:1/000000000000/q" }),
            vec!["sqs:SendMessage arn:aws:sqs:q"],
        ),
        (
            "secretsmanager.CreateSecret",
            &json!({ "Name": "stack/a", "SecretString": "x" }),
            vec!["secretsmanager:CreateSecret arn:aws:secretsmanager:secret:stack/a-??????"],
        ),
    ] {
        assert_eq!(asked(target, body), expected, "{target}");
    }
}

fn iam() -> Iam {
    let grant = |action: &str, resource: &str| Grant {
        action: action.to_owned(),
        resource: resource.to_owned(),
    };
    let grants = vec![
        grant("sqs:SendMessage", "arn:q"),
        grant("secretsmanager:GetSecretValue", "arn:secret:stack/*"),
    ];
    Iam(Arc::new(Inner {
        grants: [("F".to_owned(), Some(grants)), ("Free".to_owned(), None)].into(),
        used: Mutex::default(),
        refused: Mutex::default(),
    }))
}

fn signed_by(key: &str) -> HeaderMap {
    let value = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20261129/eu-west-1/sqs/aws4_request, SignedHeaders=host"
    );
    HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::try_from(value).unwrap())])
}

#[test]
fn what_a_role_does_not_grant_is_refused_and_written_down() {
    let iam = iam();
    let need = |action: &str, resource: &str| {
        vec![Need {
            action: action.to_owned(),
            resource: resource.to_owned(),
        }]
    };
    let ours = signed_by("function.F");
    iam.check(&ours, &need("sqs:SendMessage", "arn:q")).unwrap();
    let secret = need(
        "secretsmanager:GetSecretValue",
        "arn:secret:stack/t/c-??????",
    );
    iam.check(&ours, &secret).unwrap();
    for refused in [
        need("sqs:SendMessage", "arn:q2"),
        need("sqs:ReceiveMessage", "arn:q"),
        need(
            "secretsmanager:GetSecretValue",
            "arn:secret:stack2/t-??????",
        ),
    ] {
        let error = iam.check(&ours, &refused).unwrap_err();
        assert_eq!(error.code(), "AccessDeniedException");
        assert!(error.message().contains(&refused[0].action), "{error}");
        for free in ["function.Free", "local"] {
            iam.check(&signed_by(free), &refused).unwrap();
        }
    }
    assert_eq!(iam.used(), iam.granted());
    assert_eq!(iam.refused().len(), 3);
}

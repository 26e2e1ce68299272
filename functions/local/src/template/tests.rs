use super::*;

const SMALL: &str = r"
Parameters:
  Stage: { Type: String, Default: dev }
  Issuer: { Type: String }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Globals:
  Function: { Timeout: 10, Environment: { Variables: { STAGE: !Ref Stage } } }
Resources:
  Items:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      TimeToLiveSpecification: { AttributeName: expires_at, Enabled: true }
  Jobs:
    Type: AWS::SQS::Queue
    Properties: { VisibilityTimeout: 60, RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3 } }
  Dead: { Type: AWS::SQS::Queue }
  Alarm: { Type: AWS::CloudWatch::Alarm, Condition: IsProd, Properties: { X: !Ref Missing } }
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        DefaultAuthorizer: Token
        Authorizers: { Token: { JwtConfiguration: { issuer: !Ref Issuer, audience: [me] } } }
  Worker:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: worker } }
    Properties:
      Environment: { Variables: { TABLE: !Ref Items, QUEUE: !Ref Jobs, TEXT: !Sub '${AWS::StackName}/${Jobs.QueueName}' } }
      Events:
        Jobs: { Type: SQS, Properties: { Queue: !GetAtt Jobs.Arn, BatchSize: 5, FunctionResponseTypes: [ReportBatchItemFailures] } }
        Tick: { Type: ScheduleV2, Properties: { ScheduleExpression: rate(5 minutes), Input: '{}' } }
        Open: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: get, Path: /open, Auth: { Authorizer: NONE } } }
        Closed: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: POST, Path: '/closed/{id}' } }
";

fn surroundings() -> Surroundings {
    Surroundings {
        stack_name: "stack".to_owned(),
        region: "eu-west-1".to_owned(),
        account: "000000000000".to_owned(),
        queue_base_url: "http://sqs".to_owned(),
        parameters: BTreeMap::from([("Issuer".to_owned(), "http://issuer".to_owned())]),
    }
}

fn resolve(text: &str) -> Result<Template, String> {
    let document = Document::parse("template.yaml", text).map_err(|error| error.to_string())?;
    document
        .resolve(&surroundings())
        .map_err(|error| error.to_string())
}

/// Resolves the small template after replacing one text, and returns the error.
fn broken(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "the template has no {from}");
    resolve(&SMALL.replace(from, to)).unwrap_err()
}

#[test]
fn references_are_resolved_and_globals_merged() {
    let template = resolve(SMALL).unwrap();
    let worker = &template.functions["Worker"];
    assert_eq!(worker.timeout, Duration::from_secs(10));
    assert_eq!(worker.environment["STAGE"], "dev");
    assert_eq!(worker.environment["TABLE"], "stack-Items");
    assert_eq!(
        worker.environment["QUEUE"],
        "http://sqs/000000000000/stack-Jobs"
    );
    assert_eq!(worker.environment["TEXT"], "stack/stack-Jobs");
}

#[test]
fn tables_queues_and_events_are_read() {
    let template = resolve(SMALL).unwrap();
    assert_eq!(
        template.tables[0].ttl_attribute.as_deref(),
        Some("expires_at")
    );
    let jobs = template
        .queues
        .iter()
        .find(|queue| queue.logical_id == "Jobs")
        .unwrap();
    assert_eq!(
        jobs.redrive.as_ref().unwrap().dead_letter_queue,
        "stack-Dead"
    );
    assert_eq!(jobs.redrive.as_ref().unwrap().max_receive_count, 3);
    let mapping = &template.mappings[0];
    assert_eq!(
        (
            mapping.queue.as_str(),
            mapping.batch_size,
            mapping.reports_failures
        ),
        ("stack-Jobs", 5, true)
    );
    assert_eq!(template.schedules[0].name, "WorkerTick");
    assert_eq!(template.schedules[0].every, Duration::from_secs(300));
    assert_eq!(template.schedules[0].input.as_deref(), Some("{}"));
}

#[test]
fn a_route_has_the_default_authorizer_unless_it_says_none() {
    let template = resolve(SMALL).unwrap();
    let authorizer = |path: &str| {
        template
            .routes
            .iter()
            .find(|route| route.path == path)
            .unwrap()
            .authorizer
            .clone()
    };
    assert_eq!(authorizer("/open"), None);
    assert_eq!(authorizer("/closed/{id}").as_deref(), Some("Token"));
    assert_eq!(template.authorizers["Token"].issuer, "http://issuer");
    assert_eq!(
        Document::parse("t", SMALL).unwrap().issuer_parameters(),
        ["Issuer"]
    );
}

#[test]
fn every_mistake_is_named_by_resource_and_property() {
    for (from, to, expected) in [
        (
            "TABLE: !Ref Items",
            "TABLE: !Ref Itmes",
            "Worker.Properties.Environment.Variables.TABLE: Itmes",
        ),
        (
            "QUEUE: !Ref Jobs",
            "QUEUE: !GetAtt Jobs.Nothing",
            "Jobs (AWS::SQS::Queue) has no attribute Nothing",
        ),
        (
            "Timeout: 10",
            "Timeout: 11",
            "Jobs.Properties.VisibilityTimeout: 60 s is less than the 66 s",
        ),
        (
            "Timeout: 10",
            "Timeout: ten",
            "Worker.Properties.Timeout: ten is not a whole number",
        ),
        ("BatchSize: 5", "BatchSize: 50", "BatchSize above 10"),
        (
            "BatchSize: 5",
            "BatchSise: 5",
            "Worker.Properties.Events.Jobs.Properties.BatchSise",
        ),
        (
            "VisibilityTimeout: 60",
            "VisibilityTimeuot: 60",
            "Jobs.Properties.VisibilityTimeuot",
        ),
        (
            ", RedrivePolicy: { deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3 }",
            "",
            "no RedrivePolicy",
        ),
        (
            "rate(5 minutes)",
            "rate(5 moons)",
            "Worker.Properties.Events.Tick.Properties.ScheduleExpression",
        ),
        (
            "DefaultAuthorizer: Token",
            "DefaultAuthorizer: Tokn",
            "Api.Properties.Auth.DefaultAuthorizer",
        ),
        (
            "Metadata: { BuildProperties: { Binary: worker } }",
            "",
            "Worker: Metadata is missing",
        ),
        (
            "Path: /open",
            "Path: '/closed/{id}', Method: POST",
            "duplicate",
        ),
        (
            "Condition: IsProd",
            "Condition: IsPord",
            "the condition IsPord is not declared",
        ),
    ] {
        let error = broken(from, to);
        assert!(error.contains(expected), "{to}: {error}");
        assert!(!error.contains('\n'), "one sentence: {error}");
    }
}

#[test]
fn references_of_resources_that_do_not_exist_are_not_looked_at_unless_they_do() {
    resolve(SMALL).unwrap();
    let error = broken("Default: dev", "Default: prod");
    assert!(error.contains("Alarm.Properties.X: Missing"), "{error}");
}

#[test]
fn a_file_that_is_no_template_is_one_sentence() {
    for text in [
        "",
        "just text",
        "- a\n- b",
        "Resources: []",
        "Resources:\n  A: {}",
    ] {
        let error = resolve(text).unwrap_err();
        assert!(
            !error.is_empty() && !error.contains('\n'),
            "{text}: {error}"
        );
    }
}

#[test]
fn the_projects_own_template_is_understood() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let document = Document::read(Path::new(path)).unwrap();
    let mut surroundings = surroundings();
    surroundings.parameters = document
        .required_parameters()
        .into_iter()
        .map(|name| (name, "https://example.org".to_owned()))
        .collect();
    let template = document.resolve(&surroundings).unwrap();
    assert!(
        template
            .functions
            .values()
            .all(|function| !function.binary.is_empty())
    );
    assert!(
        !template.tables.is_empty() && !template.routes.is_empty() && !template.mappings.is_empty()
    );
}

#[test]
fn the_projects_own_template_is_whole_with_everything_that_is_optional_too() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let document = Document::read(Path::new(path)).unwrap();
    let parameters = [
        ("TokenIssuer", "x"),
        ("TokenAudience", "x"),
        ("FixedAddress", "yes"),
        ("DomainName", "lens.example.org"),
        (
            "DomainCertificate",
            "arn:aws:acm:eu-west-1:000000000000:certificate/x",
        ),
        ("DomainZone", "Z1"),
    ];
    let mut surroundings = surroundings();
    surroundings.parameters = parameters
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let template = document.resolve(&surroundings);
    assert!(template.unwrap().functions.len() > 5);
}

#[test]
fn what_is_not_there_may_stand_where_it_is_not_wanted() {
    let one = "  Alarm: { Type: AWS::CloudWatch::Alarm, Condition: IsProd, Properties: { X: !Ref Missing } }\n";
    let more = "  Other: { Type: AWS::SNS::Topic, Properties: { X: !If [IsProd, !Ref Alarm, !Ref Items] } }\n";
    let outputs = "Outputs:\n  A: { Condition: IsProd, Value: !Ref Alarm }\n";
    let whole = format!("{}{outputs}", SMALL.replace(one, &format!("{one}{more}")));
    assert!(resolve(&whole).is_ok());
    let wanted = whole.replace(
        "[IsProd, !Ref Alarm, !Ref Items]",
        "[IsProd, !Ref Items, !Ref Alarm]",
    );
    assert!(resolve(&wanted).unwrap_err().contains("Alarm"));
    let unconditional = whole.replace("A: { Condition: IsProd, ", "A: { ");
    assert!(resolve(&unconditional).unwrap_err().contains("Alarm"));
}

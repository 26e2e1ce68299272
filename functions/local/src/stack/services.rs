//! Starts the services of a stack, each as soon as the addresses that it needs are known.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::{Options, StackError};
use crate::activity::Activity;
use crate::aws_json::{self, Services};
use crate::data_dir::DataDir;
use crate::dynamodb::{DynamoDb, Entrance};
use crate::gateway::Gateway;
use crate::gateway::issuer::Issuer;
use crate::gateway::sign_in::SignIn;
use crate::iam::{Iam, Places};
use crate::lambda::{self, Lambda, queues, schedules};
use crate::secrets::Secrets;
use crate::server::{Server, bind, url_of};
use crate::sqs::Sqs;
use crate::template::{Document, Surroundings, Template};

pub(super) const STACK_NAME: &str = "local";
const REGION: &str = "us-east-1";
const ACCOUNT: &str = "000000000000";

/// How long AWS lets an environment initialise.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// The running services.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) url: String,
    pub(super) aws_environment: BTreeMap<String, String>,
    pub(super) sqs: Sqs,
    pub(super) lambda: Lambda,
    pub(super) dynamodb: DynamoDb,
    pub(super) iam: Iam,
    pub(super) secrets: Secrets,
    pub(super) issuer: Arc<Issuer>,
    pub(super) servers: [Server; 3],
    pub(super) data_dir: DataDir,
}

struct Listeners {
    gateway: TcpListener,
    services: TcpListener,
    dynamodb: TcpListener,
    runtime: TcpListener,
}

pub(super) async fn start(
    options: &Options,
    activity: &Activity,
    tasks: &mut JoinSet<()>,
) -> Result<(Template, Running), StackError> {
    let document = Document::read(&options.template)?;
    let listeners = listen(options.port).await?;
    let url = url_of(&listeners.gateway).map_err(StackError::Listen)?;
    let services_url = url_of(&listeners.services).map_err(StackError::Listen)?;
    let dynamodb_url = url_of(&listeners.dynamodb).map_err(StackError::Listen)?;
    let runtime_url = url_of(&listeners.runtime).map_err(StackError::Listen)?;
    let issuer_url = format!("{url}/.local-issuer");
    let template = document.resolve(&surroundings(
        options,
        &document,
        &services_url,
        (&url, &issuer_url),
    ))?;

    let iam = Iam::new(&template);
    let places = Places {
        region: REGION,
        account: ACCOUNT,
    };
    let gate = match options.roles {
        true => Some((
            iam.clone(),
            places.clone(),
            bind(0).await.map_err(StackError::Listen)?,
        )),
        false => None,
    };
    let data_dir = DataDir::open(options.data_dir.as_deref(), options.fresh)?;
    let dynamodb = DynamoDb::start(
        &template.tables,
        data_dir.kept_file("dynamodb.sqlite").as_deref(),
        Entrance {
            listener: listeners.dynamodb,
            gate,
        },
    )?;
    let sqs = Sqs::open(
        &template.queues,
        data_dir.kept_file("sqs.sqlite").as_deref(),
        activity.clone(),
    )?;
    let secrets = Secrets::open(
        data_dir.kept_file("secrets.json").as_deref(),
        REGION,
        ACCOUNT,
    )?;
    let aws_environment = aws_environment(&dynamodb_url, &services_url);
    let config = lambda::Config {
        runtime_url,
        programs: options.programs.clone(),
        logs: data_dir.file("logs"),
        environment: aws_environment.clone(),
        concurrency: options.concurrency.max(1),
        init_timeout: INIT_TIMEOUT,
    };
    let lambda = Lambda::new(template.functions.clone(), config, activity.clone());
    let issuer = Arc::new(Issuer::new(issuer_url, data_dir.file("issuer.key")));
    let gateway = Gateway::new(
        template.routes.clone(),
        template.authorizers.clone(),
        lambda.clone(),
    );
    let audience = template
        .authorizers
        .values()
        .find_map(|authorizer| authorizer.audience.first());
    let sign_in = Arc::new(SignIn::new(
        issuer.clone(),
        &url,
        audience.cloned().unwrap_or_default(),
    ));
    let servers = [
        Server::start(
            listeners.services,
            aws_json::router(Services {
                sqs: sqs.clone(),
                secrets: secrets.clone(),
                iam: iam.clone(),
                places,
            }),
        ),
        Server::start(listeners.runtime, lambda::router(lambda.clone())),
        Server::start(listeners.gateway, gateway.router(issuer.clone(), sign_in)),
    ];
    let running = Running {
        url,
        aws_environment,
        sqs,
        lambda,
        dynamodb,
        iam,
        secrets,
        issuer,
        servers,
        data_dir,
    };
    start_sources(options, &template, &running, tasks);
    Ok((template, running))
}

async fn listen(port: u16) -> Result<Listeners, StackError> {
    let gateway = bind(port).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => StackError::PortInUse(port),
        _ => StackError::Listen(error),
    })?;
    let any = || async { bind(0).await.map_err(StackError::Listen) };
    Ok(Listeners {
        gateway,
        services: any().await?,
        dynamodb: any().await?,
        runtime: any().await?,
    })
}

/// The local issuer is the token issuer unless another one is given.
fn surroundings(
    options: &Options,
    document: &Document,
    services_url: &str,
    (url, issuer_url): (&str, &str),
) -> Surroundings {
    let mut parameters = options.parameters.clone();
    // Where a sign-in comes back is known only now that the port is.
    if document.declares("OAuthRedirectUri") {
        parameters
            .entry("OAuthRedirectUri".to_owned())
            .or_insert_with(|| format!("{url}/oauth/callback"));
    }
    for name in document.issuer_parameters() {
        parameters
            .entry(name)
            .or_insert_with(|| issuer_url.to_owned());
    }
    for name in document.audience_parameters() {
        parameters.entry(name).or_insert_with(|| "local".to_owned());
    }
    Surroundings {
        stack_name: STACK_NAME.to_owned(),
        region: REGION.to_owned(),
        account: ACCOUNT.to_owned(),
        queue_base_url: services_url.to_owned(),
        parameters,
    }
}

fn aws_environment(dynamodb: &str, services: &str) -> BTreeMap<String, String> {
    [
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
        ("AWS_ENDPOINT_URL_SQS", services),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", services),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

fn start_sources(
    options: &Options,
    template: &Template,
    running: &Running,
    tasks: &mut JoinSet<()>,
) {
    running.dynamodb.keep_sweeping(tasks);
    for mapping in &template.mappings {
        let queue_arn = template
            .queues
            .iter()
            .find(|queue| queue.name == mapping.queue)
            .map(|queue| queue.arn.clone());
        let source = queues::Source {
            mapping: mapping.clone(),
            queue_arn: queue_arn.unwrap_or_default(),
            region: REGION.to_owned(),
            sqs: running.sqs.clone(),
            lambda: running.lambda.clone(),
        };
        queues::start(&source, options.concurrency.max(1), tasks);
    }
    if options.schedules {
        for schedule in &template.schedules {
            schedules::start(schedule.clone(), running.lambda.clone(), tasks);
        }
    }
}

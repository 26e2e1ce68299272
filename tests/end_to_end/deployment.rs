//! A deployment on this machine, with a simulated organization behind it.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::AttributeValue,
};
use jiff::Timestamp;
use local::{
    lambda::Programs,
    stack::{Options, Stack},
    verify::{self, Found, Ledger},
};
use model::{Facet, Retention, RowKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use simulator::{Config, Simulator};
use storage::{Control, Records, StoredRecord};

use crate::{PATIENCE, described};

/// Everything that runs, and the token of its administrator.
pub(crate) struct Deployment {
    pub(crate) simulator: Simulator,
    pub(crate) stack: Stack,
    http: reqwest::Client,
}

/// The real function binaries, built once for all tests of this process.
fn programs() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            let mut command = Command::new(env!("CARGO"));
            command
                .args(["build", "--workspace", "--bins", "--quiet", "--offline"])
                .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
            assert!(
                command.status().unwrap().success(),
                "the functions do not build"
            );
            // A test's own program is in `deps`, beside the programs that were just built.
            let test = std::env::current_exe().unwrap();
            test.parent().unwrap().parent().unwrap().to_owned()
        })
        .clone()
}

/// Where `.ci/run` wants to know what roles grant and what of it was used: a line of JSON for each deployment.
const GRANTS_LOG: &str = "GRANTS_LOG";

impl Drop for Deployment {
    fn drop(&mut self) {
        let Some(log) = std::env::var_os(GRANTS_LOG) else {
            return;
        };
        let iam = self.stack.iam();
        let listed = |uses: std::collections::BTreeSet<local::iam::Use>| -> Vec<[String; 3]> {
            uses.into_iter()
                .map(|used| [used.function, used.grant.action, used.grant.resource])
                .collect()
        };
        let line = json!({ "granted": listed(iam.granted()), "used": listed(iam.used()) });
        // One write of one line: tests run side by side.
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log);
        file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
            .unwrap();
    }
}

impl Deployment {
    /// Starts the product for an organization whose history ends at midnight: then nothing lies near the border of the
    /// window, and the seconds between two looks move nothing over it.
    pub(crate) async fn start(config: Config) -> Self {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
        Self::start_from(config, template.as_ref()).await
    }

    /// The same from another template.
    pub(crate) async fn start_from(config: Config, template: &Path) -> Self {
        Self::start_with(config, template, |options| options).await
    }

    /// The same with other options.
    pub(crate) async fn start_with(
        config: Config,
        template: &Path,
        change: impl FnOnce(Options) -> Options,
    ) -> Self {
        Self::start_ago(0, config, template, change).await
    }

    /// The same for an organization whose history ended so many days before midnight: then days can pass in it without its clock
    /// getting ahead of the functions'.
    async fn start_ago(
        days: i64,
        config: Config,
        template: &Path,
        change: impl FnOnce(Options) -> Options,
    ) -> Self {
        let midnight = Timestamp::now().as_second() / 86_400 * 86_400;
        let epoch = Timestamp::from_second(midnight - days * 86_400).unwrap();
        let simulator = Simulator::new(Config { epoch, ..config });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = simulator.clone();
        tokio::spawn(async move { server.serve(listener).await });
        let options =
            Options::new(template, Programs::Separate(programs())).parameter("AzureDevOpsUrl", url);
        let stack = Stack::start(change(options)).await.unwrap();
        Self {
            simulator,
            stack,
            http: reqwest::Client::new(),
        }
    }

    /// The same, connected and synchronized.
    pub(crate) async fn synchronized(config: Config) -> Self {
        Self::synchronized_ago(0, config).await
    }

    /// The same for an organization whose history ended so many days ago.
    pub(crate) async fn synchronized_ago(days: i64, config: Config) -> Self {
        let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
        let deployment = Self::start_ago(days, config, template.as_ref(), |options| options).await;
        let (status, answer) = deployment.connect(deployment.simulator.default_pat()).await;
        assert_eq!(status, 201, "{answer}");
        deployment.settle().await;
        deployment
    }

    /// Sends a request to the API as a user of a tenant.
    pub(crate) async fn call(
        &self,
        (tenant, roles): (&str, &[&str]),
        (method, path): (reqwest::Method, &str),
        body: Option<Value>,
    ) -> (u16, Value) {
        let token = self.stack.token(tenant, roles).unwrap();
        let url = format!("{}{path}", self.stack.url());
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answered = described::send(&self.http, request).await;
        (answered.status, answered.json())
    }

    /// Reads a text of the API as a viewer, and where it says that it goes on.
    pub(crate) async fn text(&self, path: &str) -> (Option<String>, String) {
        let token = self.stack.token("contoso", &["viewer"]).unwrap();
        let request = self.http.get(format!("{}{path}", self.stack.url()));
        let answered = described::send(&self.http, request.bearer_auth(token)).await;
        assert_eq!(answered.status, 200, "{path}");
        let next = Some(answered.header("x-next-cursor").to_owned());
        (next.filter(|next| !next.is_empty()), answered.text())
    }

    /// Connects the organization with a token.
    pub(crate) async fn connect(&self, pat: SecretString) -> (u16, Value) {
        let organization = self.simulator.organization();
        let form = json!({ "organizations": [organization], "pat": pat.expose_secret() });
        self.create(form).await
    }

    /// Connects the organization as the simulated application.
    pub(crate) async fn connect_application(&self) -> (u16, Value) {
        let organization = self.simulator.organization();
        let principal = crate::credentials::application(&self.simulator);
        let form = json!({ "organizations": [organization], "service_principal": principal });
        self.create(form).await
    }

    async fn create(&self, form: Value) -> (u16, Value) {
        let create = (reqwest::Method::POST, "/api/v1/connections");
        self.call(("contoso", &["admin"]), create, Some(form)).await
    }

    /// The one connection, as its viewers see it.
    pub(crate) async fn connection(&self) -> Value {
        let list = (reqwest::Method::GET, "/api/v1/connections");
        let (status, answer) = self.call(("contoso", &["viewer"]), list, None).await;
        assert_eq!(status, 200, "{answer}");
        answer["connections"][0].clone()
    }

    /// Has every stream visited now, and waits until nothing is left to do.
    pub(crate) async fn synchronize(&self) {
        self.ask_for("sync").await;
    }

    /// Has the streams visited now that the schedule visits every period, and waits until nothing is left to do.
    pub(crate) async fn look_for_news(&self) {
        self.ask_for("sync?only=news").await;
    }

    async fn ask_for(&self, what: &str) {
        let id = self.connection().await["id"].as_str().unwrap().to_owned();
        let path = format!("/api/v1/connections/{id}/{what}");
        let sync = (reqwest::Method::POST, path.as_str());
        let (status, answer) = self.call(("contoso", &["admin"]), sync, None).await;
        assert_eq!(status, 202, "{answer}");
        self.settle().await;
    }

    /// Waits until nothing is left to do, letting delays of the queues pass at once.
    pub(crate) async fn settle(&self) {
        let settled = async {
            loop {
                tokio::select! {
                    () = self.stack.idle() => return,
                    () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {
                        // Messages that nobody is handling wait for a time to come.
                        let visible: usize =
                            self.stack.depths().values().map(|depth| depth.visible).sum();
                        let dead = self.stack.dead_letters().len();
                        if visible == dead && self.stack.lambda().is_quiet() {
                            self.stack.advance_queues(std::time::Duration::from_secs(60));
                        }
                    }
                }
            }
        };
        if tokio::time::timeout(PATIENCE, settled).await.is_err() {
            panic!("still busy: {:?}\n{}", self.stack.depths(), self.logs());
        }
    }

    /// What the functions wrote.
    pub(crate) fn logs(&self) -> String {
        let functions = [
            "ValidatePat",
            "Connections",
            "FanOut",
            "Insights",
            "OAuth",
            "SpotCheck",
            "FetchBoards",
            "FetchPipelines",
            "FetchRepos",
            "FetchTfvc",
        ];
        functions.map(|function| self.stack.log(function)).concat()
    }

    fn client(&self) -> Client {
        let endpoint = &self.stack.aws_environment()["AWS_ENDPOINT_URL_DYNAMODB"];
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("x", "x", None, None, "test"))
            .endpoint_url(endpoint)
            .build();
        Client::from_conf(config)
    }

    /// The control table, as functions use it.
    pub(crate) fn control(&self) -> Control {
        let name = self.stack.table_name("ControlTable").unwrap();
        Control::new(self.client(), name.to_owned())
    }

    /// Makes the streams of a resource due, as if their time had come, and gives them this cursor, if any.
    pub(crate) async fn age(&self, resource: &str, cursor: Option<&str>) {
        let name = self.stack.table_name("ControlTable").unwrap();
        let mut items = self
            .client()
            .scan()
            .table_name(name)
            .into_paginator()
            .items()
            .send();
        let mut aged = 0;
        while let Some(item) = items.next().await {
            let item = item.unwrap();
            let sort = item["sk"].as_s().unwrap().clone();
            if !sort.starts_with("STREAM#") || !sort.contains(&format!("#{resource}#")) {
                continue;
            }
            let known = item["cursor_json"].as_s().unwrap();
            self.client()
                .update_item()
                .table_name(name)
                .key("pk", item["pk"].clone())
                .key("sk", AttributeValue::S(sort))
                .update_expression("SET due_at = :now, cursor_json = :cursor")
                .expression_attribute_values(":now", AttributeValue::N("0".to_owned()))
                .expression_attribute_values(
                    ":cursor",
                    AttributeValue::S(cursor.unwrap_or(known).to_owned()),
                )
                .send()
                .await
                .unwrap();
            aged += 1;
        }
        assert!(aged > 0, "no stream of {resource}");
    }

    /// Lets the ten minutes pass that every sign-in under way has.
    pub(crate) async fn age_sign_ins(&self) {
        let name = self.stack.table_name("ControlTable").unwrap();
        let query = self
            .client()
            .query()
            .table_name(name)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S("SIGN_IN".to_owned()));
        for mut item in query.send().await.unwrap().items.unwrap() {
            let mut body: Value = serde_json::from_str(item["body"].as_s().unwrap()).unwrap();
            body["expires_at"] = json!(Timestamp::now());
            item.insert("body".to_owned(), AttributeValue::S(body.to_string()));
            let put = self.client().put_item().table_name(name);
            put.set_item(Some(item)).send().await.unwrap();
        }
    }

    /// Lets the day pass in which nobody looks for new organizations again.
    pub(crate) async fn forget_looks(&self) {
        let name = self.stack.table_name("ControlTable").unwrap();
        let scan = self.client().scan().table_name(name);
        let mut items = scan.into_paginator().items().send();
        while let Some(item) = items.next().await {
            let item = item.unwrap();
            if item["sk"].as_s().unwrap() == "#ORGANIZATIONS" {
                let delete = self.client().delete_item().table_name(name);
                let delete = delete.key("pk", item["pk"].clone());
                delete.key("sk", item["sk"].clone()).send().await.unwrap();
            }
        }
    }

    /// Lets the pauses pass that organizations have asked for.
    pub(crate) async fn forget_pauses(&self) {
        let name = self.stack.table_name("ControlTable").unwrap();
        let scan = self.client().scan().table_name(name);
        let mut items = scan.into_paginator().items().send();
        while let Some(item) = items.next().await {
            let item = item.unwrap();
            if item["pk"].as_s().unwrap().starts_with("THROTTLE#") {
                let delete = self.client().delete_item().table_name(name);
                let delete = delete.key("pk", item["pk"].clone());
                delete.key("sk", item["sk"].clone()).send().await.unwrap();
            }
        }
    }

    /// Takes a table away, and everything in it.
    pub(crate) async fn drop_table(&self, table: &str) {
        let name = self.stack.table_name(table).unwrap();
        let delete = self.client().delete_table().table_name(name);
        delete.send().await.unwrap();
    }

    /// A client of the stack's Secrets Manager.
    pub(crate) fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
        let endpoint = &self.stack.aws_environment()["AWS_ENDPOINT_URL_SECRETS_MANAGER"];
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("x", "x", None, None, "test"))
            .endpoint_url(endpoint)
            .build();
        aws_sdk_secretsmanager::Client::from_conf(config)
    }

    /// What Secrets Manager holds.
    pub(crate) async fn secrets(&self) -> Vec<String> {
        let client = self.secrets_manager();
        let list = client.list_secrets().send().await.unwrap();
        let mut texts = Vec::new();
        for secret in list.secret_list() {
            let get = client.get_secret_value().secret_id(secret.name().unwrap());
            texts.push(get.send().await.unwrap().secret_string.unwrap());
        }
        texts
    }

    /// Everything that is stored.
    pub(crate) async fn stored(&self) -> Vec<StoredRecord> {
        let table = self.stack.table_name("RecordsTable").unwrap().to_owned();
        Records::new(self.client(), table)
            .all(Timestamp::now())
            .await
            .unwrap()
    }

    /// The partition and sort keys of everything in a table.
    pub(crate) async fn keys(&self, table: &str) -> Vec<(String, String)> {
        let scan = self.client().scan();
        let name = self.stack.table_name(table).unwrap();
        let items = scan.table_name(name).into_paginator().items().send();
        let items = items.try_collect().await.unwrap();
        let key = |item: &std::collections::HashMap<String, AttributeValue>, name: &str| {
            item[name].as_s().unwrap().clone()
        };
        items
            .iter()
            .map(|item| (key(item, "pk"), key(item, "sk")))
            .collect()
    }

    /// The names of all secrets.
    pub(crate) fn secret_names(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.stack.data_file("secrets.json"));
        let secrets: Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
        let names = secrets.as_object().into_iter().flat_map(|all| all.keys());
        names.cloned().collect()
    }

    /// The text of every item of both tables.
    pub(crate) async fn tables(&self) -> String {
        let mut text = String::new();
        for table in ["ControlTable", "RecordsTable"] {
            let name = self.stack.table_name(table).unwrap();
            let mut pages = self
                .client()
                .scan()
                .table_name(name)
                .into_paginator()
                .send();
            while let Some(page) = pages.next().await {
                text.push_str(&format!("{:?}", page.unwrap().items));
            }
        }
        text
    }

    /// What is stored, by key.
    pub(crate) async fn contents(&self) -> BTreeMap<RowKey, (String, BTreeMap<Facet, String>)> {
        let stored = self.stored().await.into_iter();
        stored
            .map(|record| (record.key, (record.body, record.details)))
            .collect()
    }

    /// The store against the organization's own truth.
    pub(crate) async fn ledger(&self) -> Ledger {
        self.ledger_at_least(1000).await
    }

    async fn ledger_at_least(&self, records: usize) -> Ledger {
        let since = Retention::default().window_start(Timestamp::now());
        let expected = self.simulator.ledger(since, &self.simulator.default_pat());
        assert!(
            expected.len() > records,
            "a truth of {} records proves little",
            expected.len()
        );
        verify::compare(&expected, self.stored().await.iter().map(Found::from))
    }

    /// Fails unless the store is exactly as it must be and no message is dead.
    pub(crate) async fn assert_complete(&self) {
        self.assert_complete_at_least(1000).await;
    }

    /// The same for an organization that is smaller than usual.
    pub(crate) async fn assert_complete_at_least(&self, records: usize) {
        let ledger = self.ledger_at_least(records).await;
        assert!(ledger.is_clean(), "{ledger:?}\n{}", self.logs());
        let dead = self.stack.dead_letters();
        assert!(dead.is_empty(), "{dead:?}");
    }
}

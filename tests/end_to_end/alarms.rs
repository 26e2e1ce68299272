//! The alarms of the template, over what the functions measured while something was wrong on purpose.
//!
//! Nothing on this machine evaluates alarms, so the rule is applied here, as CloudWatch's documentation has it:
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html>. The functions' own metrics are
//! read from the lines that they wrote. What AWS itself would measure is counted where it happens: messages in a queue,
//! invocations, their errors, answers of the API.

use std::{collections::BTreeMap, path::Path};

use local::{sqs::NewMessage, template::Document};
use model::{ConnectionStatus, TenantId};
use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};
use telemetry::{DIMENSIONS, Metric, NAMESPACE};

use crate::{deployment::Deployment, regressions::tiny};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
const RUNBOOK: &str = include_str!("../../docs/operations.md");
/// What a runbook says of an alarm that no test can cause.
const NOT_HERE: &str = "cannot be caused without AWS";

fn template() -> Document {
    Document::read(Path::new(TEMPLATE)).unwrap()
}

/// An alarm of the template over one metric.
struct Alarm(Value);

impl Alarm {
    fn named(name: &str) -> Self {
        Self(template().properties("AWS::CloudWatch::Alarm")[name].clone())
    }

    fn text(&self, property: &str) -> &str {
        self.0[property].as_str().unwrap()
    }

    /// What is left of the values of one period; `None` if there are none.
    fn statistic(&self, values: &[f64]) -> Option<f64> {
        match self.text("Statistic") {
            "Sum" => values.iter().copied().reduce(|sum, value| sum + value),
            "Maximum" => values.iter().copied().reduce(f64::max),
            other => panic!("{other}"),
        }
    }

    /// Whether it fires after these periods, the last as many as it looks at.
    fn fires(&self, periods: &[Vec<f64>]) -> bool {
        let looked_at = self.0["EvaluationPeriods"].as_u64().unwrap() as usize;
        assert_eq!(periods.len(), looked_at, "as many periods as it looks at");
        let threshold = self.0["Threshold"].as_f64().unwrap();
        let breaches = |value: f64| match self.text("ComparisonOperator") {
            "GreaterThanThreshold" => value > threshold,
            "LessThanThreshold" => value < threshold,
            other => panic!("{other}"),
        };
        let breaching = periods
            .iter()
            .filter(|period| match self.statistic(period) {
                Some(value) => breaches(value),
                None => self.text("TreatMissingData") == "breaching",
            });
        let enough = self.0["DatapointsToAlarm"].as_u64();
        breaching.count() >= enough.map_or(looked_at, |enough| enough as usize)
    }

    /// The same for a metric of the functions, each period being what they wrote in it.
    fn fires_over(&self, periods: &[&str]) -> bool {
        assert_eq!(self.text("Namespace"), NAMESPACE);
        let name = self.text("MetricName");
        let periods = periods.iter().map(|logs| measured(logs, name));
        self.fires(&periods.collect::<Vec<_>>())
    }
}

/// The values of a metric in what functions wrote.
fn measured(logs: &str, metric: &str) -> Vec<f64> {
    documents(logs)
        .iter()
        .filter_map(|document| document[metric].as_f64())
        .collect()
}

/// The documents of the embedded metric format among the lines of a log: each is a line of its own.
fn documents(logs: &str) -> Vec<Value> {
    let lines = logs.lines().filter(|line| line.contains("\"_aws\""));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What was written since; each function's log only grows.
async fn during(deployment: &Deployment, work: impl Future<Output = ()>) -> String {
    let before = deployment.logs();
    let before: Vec<&str> = before.lines().collect();
    work.await;
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for line in before {
        *seen.entry(line).or_default() += 1;
    }
    let after = deployment.logs();
    let new = after.lines().filter(|line| match seen.get_mut(line) {
        Some(left) if *left > 0 => {
            *left -= 1;
            false
        }
        _ => true,
    });
    new.map(|line| format!("{line}\n")).collect()
}

/// The schedule comes by; `false` if its function fails.
async fn tick(deployment: &Deployment) -> bool {
    let schedule = deployment.stack.schedules().next().unwrap().to_owned();
    deployment.stack.run_schedule_now(&schedule).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alarm_fires_when_its_condition_is_there_and_not_before() {
    let mut fired = Vec::new();
    let mut seen = |name: &'static str, quiet: bool, loud: bool| {
        assert!(!quiet, "{name} fires although nothing is wrong");
        assert!(loud, "{name} does not fire");
        fired.push(name);
    };
    let deployment = Deployment::start(tiny()).await;
    let simulator = &deployment.simulator;
    // Nobody was invoked yet, for three periods; afterwards once in each.
    let silence = Alarm::named("SilenceAlarm");
    assert_eq!(deployment.stack.log("FanOut"), "");
    let nobody = silence.fires(&[vec![], vec![], vec![]]);

    let healthy = during(&deployment, async {
        assert_eq!(deployment.connect_application().await.0, 201);
        deployment.settle().await;
        assert!(tick(&deployment).await);
        deployment.settle().await;
    })
    .await;
    seen(
        "SilenceAlarm",
        silence.fires(&[vec![1.0], vec![], vec![]]),
        nobody,
    );
    assert_only_bounded(&healthy);
    // What was measured is what was done.
    let stored = deployment.stored().await.len() as f64;
    assert!(measured(&healthy, "Records").iter().sum::<f64>() >= stored);
    let requests = measured(&healthy, "Requests").iter().sum::<f64>();
    let all = simulator.requests().len() as f64;
    assert!(
        requests > all / 2.0 && requests <= all,
        "{requests} of {all}"
    );

    let quarantined = Alarm::named("QuarantinedAlarm");
    let blank = during(&deployment, async {
        simulator.inject(Fault {
            matching: "builds".to_owned(),
            after: 0,
            times: 1,
            kind: FaultKind::BlankItem,
        });
        deployment.synchronize().await;
    })
    .await;
    seen(
        "QuarantinedAlarm",
        quarantined.fires_over(&[&healthy]),
        quarantined.fires_over(&[&blank]),
    );

    let dead = Alarm::named("DeadLettersAlarm");
    let visible = || deployment.stack.depths()["DeadLetterQueue"].visible as f64;
    let before = dead.fires(&[vec![visible()]]);
    let buried = during(&deployment, async {
        let queue = deployment.stack.queue_name("BoardsQueue").unwrap();
        let message = NewMessage {
            body: "poison".to_owned(),
            ..NewMessage::default()
        };
        deployment.stack.sqs().send(queue, message).unwrap();
        deployment.settle().await;
    })
    .await;
    seen("DeadLettersAlarm", before, dead.fires(&[vec![visible()]]));
    assert_eq!(measured(&buried, "DeadLetters"), [1.0]);

    let lag = Alarm::named("LagAlarm");
    let mut late = Vec::new();
    for _ in 0..3 {
        let period = during(&deployment, async {
            deployment.age("builds", None).await;
            assert!(tick(&deployment).await);
            deployment.settle().await;
        });
        late.push(period.await);
    }
    let late: Vec<&str> = late.iter().map(String::as_str).collect();
    seen(
        "LagAlarm",
        lag.fires_over(&[late[0], late[1], healthy.as_str()]),
        lag.fires_over(&late),
    );

    let waits = during(&deployment, async {
        simulator.inject(Fault {
            matching: "builds".to_owned(),
            after: 0,
            times: 1,
            kind: FaultKind::TooManyRequests429 {
                retry_after: Some(2),
            },
        });
        deployment.synchronize().await;
    })
    .await;
    assert!(measured(&healthy, "ThrottleWait").is_empty());
    assert!(measured(&waits, "ThrottleWait").iter().sum::<f64>() > 1.0);

    // Once may be what heals by itself, so the same comes again.
    let refresh = Alarm::named("RefreshFailuresAlarm");
    let entra = simulator.entra();
    let application = entra.application();
    entra.put_application(simulator::Application {
        secrets: Vec::new(),
        certificates: BTreeMap::new(),
        ..application
    });
    entra.revoke_access_tokens();
    let connection = deployment.connection().await;
    let connection = connection["id"].as_str().unwrap().parse().unwrap();
    let (control, tenant) = (deployment.control(), TenantId::new("contoso").unwrap());
    let mut refused = Vec::new();
    for _ in 0..2 {
        let active = ConnectionStatus::Active;
        let believed = control.set_connection_status(&tenant, connection, active);
        believed.await.unwrap();
        control.forget_token_failures(connection).await.unwrap();
        refused.push(during(&deployment, deployment.synchronize()).await);
    }
    let [first, second] = [0, 1].map(|index| refused[index].as_str());
    seen(
        "RefreshFailuresAlarm",
        refresh.fires_over(&[first, &waits, &waits, &waits]),
        refresh.fires_over(&[&waits, first, &waits, second]),
    );

    // By then it waits for a person.
    let unauthorized = Alarm::named("UnauthorizedAlarm");
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let period = during(&deployment, async { assert!(tick(&deployment).await) });
        waiting.push(period.await);
    }
    let waiting: Vec<&str> = waiting.iter().map(String::as_str).collect();
    seen(
        "UnauthorizedAlarm",
        unauthorized.fires_over(&[&healthy, waiting[0], waiting[1]]),
        unauthorized.fires_over(&waiting),
    );

    // Without its table nothing works any more: the tick fails, and so does the API.
    let list = || async {
        let list = (Method::GET, "/api/v1/connections");
        let (status, _) = deployment.call(("contoso", &["viewer"]), list, None).await;
        f64::from(u8::from(status >= 500))
    };
    let (works, answers) = (f64::from(u8::from(!tick(&deployment).await)), list().await);
    deployment.settle().await;
    deployment.drop_table("ControlTable").await;
    let (mut errors, mut answered) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        errors.push(vec![f64::from(u8::from(!tick(&deployment).await))]);
    }
    for _ in 0..2 {
        let mut period = Vec::new();
        for _ in 0..6 {
            period.push(list().await);
        }
        answered.push(period);
    }
    seen(
        "TickAlarm",
        Alarm::named("TickAlarm").fires(&[vec![works], vec![1.0], vec![1.0]]),
        Alarm::named("TickAlarm").fires(&errors),
    );
    seen(
        "ApiAlarm",
        Alarm::named("ApiAlarm").fires(&[vec![answers; 6], answered[0].clone()]),
        Alarm::named("ApiAlarm").fires(&answered),
    );

    // And of every other one the runbook says why not.
    let template = template();
    for (name, alarm) in template.properties("AWS::CloudWatch::Alarm") {
        let section = alarm["AlarmDescription"].as_str().unwrap();
        let section = section.split(['#', ':']).nth(1).unwrap().replace('-', " ");
        let mut sections = RUNBOOK.split("\n### ");
        let text = sections.find(|text| text.to_lowercase().starts_with(&section));
        let text = text.unwrap();
        let text = text.split("\n## ").next().unwrap();
        assert_eq!(
            text.contains(NOT_HERE),
            !fired.contains(&name),
            "{name}: {text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_late_is_told_though_nobody_can_say_what_there_is() {
    let deployment = Deployment::start(tiny()).await;
    let pat = deployment.simulator.default_pat();
    assert_eq!(deployment.connect(pat).await.0, 201);
    deployment.settle().await;
    let connection = deployment.connection().await;
    let connection = connection["id"].as_str().unwrap().parse().unwrap();
    let organization = deployment.simulator.organization().parse().unwrap();

    // A day later the lists of the organization are read again, and that fails.
    let control = deployment.control();
    let known = control.discovery(connection, &organization).await.unwrap();
    let long_ago = model::Discovery {
        at: "2026-01-01T00:00:00Z".parse().unwrap(),
        ..known.unwrap()
    };
    control.put_discovery(connection, &long_ago).await.unwrap();
    deployment.age("builds", None).await;
    deployment.simulator.inject(Fault {
        matching: "projects".to_owned(),
        after: 0,
        times: 3,
        kind: FaultKind::Stopped503,
    });
    let mut late = Vec::new();
    for _ in 0..3 {
        let period = during(&deployment, async {
            assert!(tick(&deployment).await);
            deployment.settle().await;
        });
        late.push(period.await);
    }
    for period in &late {
        assert!(period.contains("the organization is switched off"));
    }
    let late: Vec<&str> = late.iter().map(String::as_str).collect();
    assert!(Alarm::named("LagAlarm").fires_over(&late));
}

/// Nothing tells values apart but the stack and its functions, and nobody is named.
fn assert_only_bounded(logs: &str) {
    let documents = documents(logs);
    assert!(documents.len() > 10);
    for document in documents {
        let names = document.as_object().unwrap().keys().map(String::as_str);
        let known = |name: &str| {
            Metric::ALL.iter().any(|metric| metric.name() == name)
                || DIMENSIONS.contains(&name)
                || ["_aws", "level", "timestamp"].contains(&name)
        };
        assert_eq!(names.filter(|name| !known(name)).count(), 0, "{document}");
        let function = document["Function"].as_str().unwrap();
        assert!(function.starts_with("Fetch") || function == "FanOut");
        assert_eq!(document["Stack"], "local");
    }
}

#[test]
fn the_dashboard_and_the_alarms_look_at_what_is_measured() {
    let template = template();
    let dashboard = template.properties("AWS::CloudWatch::Dashboard")["Dashboard"]
        .pointer("/DashboardBody/Fn::Sub")
        .unwrap()
        .as_str()
        .unwrap();
    let dashboard: Value = serde_json::from_str(dashboard).unwrap();
    let mut shown = Vec::new();
    for widget in dashboard["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            if metric[0] != NAMESPACE {
                continue;
            }
            shown.push(metric[1].as_str().unwrap());
            assert_eq!(metric[2], "Stack", "{metric}");
            assert_eq!(metric[3], "${AWS::StackName}", "{metric}");
            let second = &metric[4];
            assert!(second.is_object() || second == "Function", "{metric}");
        }
    }
    for metric in Metric::ALL {
        assert!(shown.contains(&metric.name()), "{metric:?} is not shown");
    }
    let is_measured = |name: &&str| Metric::ALL.iter().any(|metric| metric.name() == *name);
    assert!(shown.iter().all(is_measured), "{shown:?}");
    for (name, alarm) in template.properties("AWS::CloudWatch::Alarm") {
        if alarm["Namespace"] != NAMESPACE {
            continue;
        }
        let metric = alarm["MetricName"].as_str().unwrap();
        assert!(is_measured(&metric), "{name}");
        let stack = json!([{ "Name": "Stack", "Value": { "Ref": "AWS::StackName" } }]);
        assert_eq!(alarm["Dimensions"], stack, "{name}");
    }
}

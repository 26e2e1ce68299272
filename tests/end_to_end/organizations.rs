//! Connections for more than one organization.

use std::collections::BTreeSet;

use jiff::Timestamp;
use local::verify::{self, Found};
use model::Retention;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use simulator::{AccessLevel, Config, Member, Simulator};
use uuid::Uuid;

use crate::{deployment::Deployment, oauth::Browser};

const ADMIN: (&str, &[&str]) = ("contoso", &["admin"]);

/// Another organization of the same directory, with a life of its own.
fn northwind(deployment: &Deployment) -> Simulator {
    let midnight = Timestamp::now().as_second() / 86_400 * 86_400;
    let config = Config {
        organization: "northwind".to_owned(),
        seed: 2,
        epoch: Timestamp::from_second(midnight).unwrap(),
        ..Config::default()
    };
    let directory = deployment.simulator.entra().directory();
    deployment.simulator.add_organization(config, directory)
}

/// Makes the person who signs in a member of an organization.
fn admit(organization: &Simulator) {
    let entra = organization.entra();
    let mut own = entra.organization(organization.organization()).unwrap();
    let member = Member {
        identity: Uuid::from_u128(4),
        access: AccessLevel::Basic,
        denied_projects: BTreeSet::new(),
    };
    own.members.insert(entra.account().id, member);
    entra.put_organization(own);
}

async fn tick(deployment: &Deployment) {
    for schedule in deployment.stack.schedules() {
        deployment.stack.run_schedule_now(schedule).await.unwrap();
    }
    deployment.settle().await;
}

/// What a connection reads, by its name.
async fn organizations(deployment: &Deployment, name: &str) -> Value {
    let list = (Method::GET, "/api/v1/connections");
    let (_, answer) = deployment.call(ADMIN, list, None).await;
    let mut all = answer["connections"].as_array().unwrap().iter();
    let found = all.find(|connection| connection["name"] == name);
    found.unwrap()["organizations"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_reads_what_was_chosen_or_everything_that_there_will_be() {
    let browser = Browser::start().await;
    let deployment = &browser.deployment;
    for wish in [
        json!({ "name": "all", "services": ["tfvc"] }),
        json!({ "name": "one", "services": ["tfvc"], "organizations": ["Fabrikam"] }),
    ] {
        let (status, page) = browser.sign_in(wish).await;
        assert_eq!(status, 200, "{page}");
    }
    deployment.settle().await;

    // It appears, and the person is no member yet: that must not harm anything.
    let northwind = northwind(deployment);
    tick(deployment).await;
    assert_eq!(organizations(deployment, "all").await, json!(["fabrikam"]));
    admit(&northwind);
    // It was looked for today.
    tick(deployment).await;
    assert_eq!(organizations(deployment, "all").await, json!(["fabrikam"]));
    deployment.forget_looks().await;
    tick(deployment).await;
    assert_eq!(
        organizations(deployment, "all").await,
        json!(["fabrikam", "northwind"])
    );
    assert_eq!(organizations(deployment, "one").await, json!(["Fabrikam"]));
    let asked = northwind.request_counts();
    assert!(asked.contains_key("changesets"), "{asked:?}");
    assert!(deployment.stack.dead_letters().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_has_a_token_for_each_of_its_organizations() {
    let deployment = Deployment::start(Config::default()).await;
    let northwind = northwind(&deployment);
    let (ours, theirs) = (deployment.simulator.default_pat(), northwind.default_pat());
    let form = |first: &str, second: &str| {
        json!({ "name": "Both", "pats": [
            { "organization": "fabrikam", "pat": first, "expires_on": "2099-01-31" },
            { "organization": "northwind", "pat": second },
        ] })
    };
    let create = || (Method::POST, "/api/v1/connections");

    // The wrong way round, the answer says for which organization a token is wrong.
    let swapped = form(theirs.expose_secret(), ours.expose_secret());
    let (status, problem) = deployment.call(ADMIN, create(), Some(swapped)).await;
    assert_eq!(status, 422, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("fabrikam does not accept"), "{detail}");

    let right = form(ours.expose_secret(), theirs.expose_secret());
    let (status, answer) = deployment.call(ADMIN, create(), Some(right)).await;
    assert_eq!(status, 201, "{answer}");
    deployment.settle().await;
    let since = Retention::default().window_start(Timestamp::now());
    let mut expected = deployment.simulator.ledger(since, &ours);
    expected.extend(northwind.ledger(since, &theirs));
    let ledger = verify::compare(&expected, deployment.stored().await.iter().map(Found::from));
    assert!(ledger.is_clean(), "{ledger:?}");
    assert!(deployment.stack.dead_letters().is_empty());
}

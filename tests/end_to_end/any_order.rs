//! The way does not matter: any page size, any order and number of jobs and any number of workers give the same store, and
//! any answer to what Microsoft leaves open gives a complete one.

use std::collections::{BTreeMap, BTreeSet};

use model::{Facet, RowKey};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestRng, TestRunner};
use simulator::{Config, PageCap, PageCaps, Unverified};

use crate::{deployment::Deployment, regressions::tiny};

/// What is stored, by key: bodies and details.
type Store = BTreeMap<RowKey, (String, BTreeMap<Facet, String>)>;

/// One way to the same store.
#[derive(Clone, Debug)]
struct Way {
    pages: PageCaps,
    contrary: bool,
    shuffle: u64,
    workers: usize,
    repeats: usize,
}

fn cap() -> impl Strategy<Value = PageCap> {
    (1_usize..12).prop_map(|max| PageCap::new(max, max))
}

fn pages() -> impl Strategy<Value = PageCaps> {
    let pull_requests = (1_usize..12).prop_map(|served| PageCap::new(served, 1_000));
    let activities = (20_usize..500).prop_map(|max| PageCap::new(max, max));
    let caps = (cap(), cap(), cap(), cap(), pull_requests, activities);
    caps.prop_map(
        |(builds, changesets, revisions, links, pull_requests, activities)| PageCaps {
            activities,
            builds,
            changesets,
            revisions,
            revisions_expanded: revisions,
            links,
            pull_requests,
            ..PageCaps::undocumented(1)
        },
    )
}

fn way() -> impl Strategy<Value = Way> {
    let all = (pages(), any::<bool>(), any::<u64>(), 1_usize..4, 0_usize..3);
    all.prop_map(|(pages, contrary, shuffle, workers, repeats)| Way {
        pages,
        contrary,
        shuffle,
        workers,
        repeats,
    })
}

/// The store at the end of this way, which must be complete.
async fn arrive(way: &Way) -> Store {
    let config = Config {
        pages: way.pages,
        unverified: if way.contrary {
            Unverified::contrary()
        } else {
            Unverified::default()
        },
        ..tiny()
    };
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");
    let deployment = Deployment::start_with(config, template.as_ref(), |mut options| {
        options.concurrency = way.workers;
        options
    })
    .await;
    deployment.stack.sqs().shuffle(way.shuffle);
    let (status, answer) = deployment.connect(deployment.simulator.default_pat()).await;
    assert_eq!(status, 201, "{answer}");
    let id = answer["id"].as_str().unwrap();
    for _ in 0..way.repeats {
        // More jobs for streams that are being read, from their beginning, at the same time.
        let path = format!("/api/v1/connections/{id}/sync");
        let sync = (reqwest::Method::POST, path.as_str());
        let (status, answer) = deployment.call(("contoso", &["admin"]), sync, None).await;
        assert_eq!(status, 202, "{answer}");
    }
    deployment.settle().await;
    deployment.assert_complete_at_least(200).await;
    deployment.contents().await
}

/// The first few records that two stores do not share.
fn difference(one: &Store, other: &Store) -> String {
    let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let differing = keys
        .into_iter()
        .filter(|key| one.get(*key) != other.get(*key))
        .map(|key| format!("{key:?}\n  {:?}\n  {:?}\n", one.get(key), other.get(key)));
    differing.take(3).collect()
}

#[test]
fn every_way_leads_to_the_same_store() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let straight = Way {
        pages: PageCaps::default(),
        contrary: false,
        shuffle: 0,
        workers: 2,
        repeats: 0,
    };
    let store = runtime.block_on(arrive(&straight));
    // A case is a whole synchronization; more of them, and other ones, with PROPTEST_CASES=100.
    let mut cases = Cases {
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Cases::default()
    };
    let mut runner = if std::env::var_os("PROPTEST_CASES").is_some() {
        TestRunner::new(cases)
    } else {
        cases.cases = 3;
        let always_the_same = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        TestRunner::new_with_rng(cases, always_the_same)
    };
    let result = runner.run(&way(), |way| {
        println!("{way:?}");
        let other = runtime.block_on(arrive(&way));
        // Contrary answers may tell something else; then the ledger alone says whether everything is there.
        prop_assert!(
            way.contrary || store == other,
            "{}",
            difference(&store, &other)
        );
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

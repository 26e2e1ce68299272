//! What a credential may see changes: projects come into sight, are hidden, and come back.

use std::collections::BTreeSet;

use jiff::Timestamp;
use local::verify::{self, Found, Ledger};
use model::Retention;
use simulator::Pat;
use uuid::Uuid;

use crate::{deployment::Deployment, regressions::tiny};

/// A deployment that reads with a token whose owner may see a part of the organization.
struct Sight {
    deployment: Deployment,
    pat: Pat,
    /// All projects but one.
    others: BTreeSet<Uuid>,
}

impl Sight {
    async fn start() -> Self {
        let deployment = Deployment::start(tiny()).await;
        let projects = deployment.simulator.projects();
        let others: BTreeSet<Uuid> = projects.iter().skip(1).map(|(id, _)| *id).collect();
        let pat = Pat {
            denied_projects: others.clone(),
            ..deployment.simulator.make_pat(7)
        };
        deployment.simulator.add_pat(pat.clone());
        Self {
            deployment,
            pat,
            others,
        }
    }

    /// Lets the token's owner see everything, or all but those projects.
    fn hide(&mut self, projects: BTreeSet<Uuid>) {
        self.pat.denied_projects = projects;
        self.deployment.simulator.add_pat(self.pat.clone());
    }

    /// What may be seen now against what is stored, and how much it is.
    async fn ledger(&self) -> (Ledger, usize) {
        let since = Retention::default().window_start(Timestamp::now());
        let expected = self.deployment.simulator.ledger(since, &self.pat.token);
        let stored = self.deployment.stored().await;
        let ledger = verify::compare(&expected, stored.iter().map(Found::from));
        (ledger, expected.len())
    }
}

/// A list of the whole organization goes on from where it stood, and tells nothing of what happened out of sight.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_that_comes_into_sight_is_read_over_its_gap() {
    let mut sight = Sight::start().await;
    let (status, answer) = sight.deployment.connect(sight.pat.token.clone()).await;
    assert_eq!(status, 201, "{answer}");
    sight.deployment.settle().await;
    let (ledger, few) = sight.ledger().await;
    assert!(ledger.is_clean(), "{ledger:?}");

    sight.hide(BTreeSet::new());
    sight.deployment.synchronize().await;
    let (ledger, all) = sight.ledger().await;
    assert!(ledger.is_clean(), "{ledger:?}");
    assert!(all > few * 2, "{few} of {all}");

    // Nobody reads what happens behind the curtain, and nothing of what is stored goes.
    sight.hide(sight.others.clone());
    sight.deployment.simulator.advance(3);
    sight.deployment.synchronize().await;
    sight.hide(BTreeSet::new());
    sight.deployment.synchronize().await;
    let (ledger, later) = sight.ledger().await;
    assert!(ledger.is_clean(), "{ledger:?}");
    assert!(later > all, "{all}, then {later}");
    let dead = sight.deployment.stack.dead_letters();
    assert!(dead.is_empty(), "{dead:?}");
}

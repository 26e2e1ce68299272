//! What a deployment is: chosen by whoever asks, because every company has its own.

use model::{Facet, Kind};

use crate::{Input, Reach, Setting, Settings, Values};

/// From what deployments are read.
pub(crate) const SOURCE: Setting = Setting {
    name: "source",
    meaning: "What a deployment is: `environments` (jobs of YAML pipelines that deployed to an environment), `releases` (deployments of classic releases), `deployments` (both of these), `stages` (stages of runs), `runs` (whole runs), `pull_requests` (merges), `tags` (tags that were pushed) or `work_items` (work items that were closed); given again, each of them.",
    default: "deployments",
    values: Values::OneOf(&[
        "deployments",
        "environments",
        "releases",
        "stages",
        "runs",
        "pull_requests",
        "tags",
        "work_items",
    ]),
};

/// Where to.
pub(crate) const PLACE: Setting = Setting {
    name: "place",
    meaning: "What the name of the environment or stage has in it, whatever the case; `^prod` for what it begins with; given again, one is enough; empty for all. Means nothing for runs, pull requests, tags and work items.",
    default: "prod",
    values: Values::Text,
};

/// Which pipelines.
pub(crate) const PIPELINE: Setting = Setting {
    name: "pipeline_pattern",
    meaning: "What the name of the pipeline has in it, as with `place`.",
    default: "",
    values: Values::Text,
};

/// Which branches or tags.
pub(crate) const BRANCH: Setting = Setting {
    name: "branch_pattern",
    meaning: "What the branch of a run, the target branch of a pull request or the name of a tag has in it, as with `place`.",
    default: "",
    values: Values::Text,
};

/// Which labels.
pub(crate) const LABEL: Setting = Setting {
    name: "label_pattern",
    meaning: "What the labels of a pull request or the tags of a work item have in them, as with `place`.",
    default: "",
    values: Values::Text,
};

/// Which types of work items.
pub(crate) const TYPE: Setting = Setting {
    name: "type_pattern",
    meaning: "What the type of a work item has in it, as with `place`.",
    default: "",
    values: Values::Text,
};

/// What a failure is.
pub(crate) const FAILURE: Setting = Setting {
    name: "failure",
    meaning: "How a deployment is known to have failed: by its `result`; because it was taken back by a `rollback`, which is the next deployment to the same place if it brings an older version or is a redeployment; because the next one is a `hotfix`; because a bug was `linked_bug` to its run as found in it; given again, one is enough.",
    default: "result",
    values: Values::OneOf(&["result", "rollback", "hotfix", "linked_bug"]),
};

/// What a hotfix is.
pub(crate) const HOTFIX: Setting = Setting {
    name: "hotfix_pattern",
    meaning: "What the branch, the title or the labels of a hotfix have in them, as with `place`.",
    default: "hotfix",
    values: Values::Text,
};

/// The settings by which deployments are chosen.
pub(crate) const CHOICE: [Setting; 6] = [SOURCE, PLACE, PIPELINE, BRANCH, LABEL, TYPE];

/// Whether deployments are read from this source.
pub(crate) fn reads(settings: &Settings, source: &str) -> bool {
    let is_it = |chosen: &&str| {
        let both = *chosen == "deployments";
        *chosen == source || (both && matches!(source, "environments" | "releases"))
    };
    settings.texts(&SOURCE).iter().any(is_it)
}

/// Whether failures are known in this way.
pub(crate) fn fails_by(settings: &Settings, way: &str) -> bool {
    settings.texts(&FAILURE).contains(&way)
}

/// Whether a name fits one of the patterns of a setting.
pub(crate) fn fits(settings: &Settings, setting: &Setting, name: &str) -> bool {
    let name = name.to_lowercase();
    let is_it = |pattern: &&str| {
        let pattern = pattern.to_lowercase();
        match pattern.strip_prefix('^') {
            Some(start) => name.starts_with(start),
            None => name.contains(&pattern),
        }
    };
    settings.texts(setting).iter().any(is_it)
}

/// A deployment may have failed a month before it was restored, and may be taken back a month after it.
const REACH: Reach = Reach::DaysAround(31, 31);

/// What deployments can be read from, and what tells how they failed.
pub(crate) const INPUTS: [Input; 11] = [
    Input::new(Kind::EnvironmentDeployment, REACH).when(|own| reads(own, "environments")),
    Input::new(Kind::Deployment, REACH).when(|own| reads(own, "releases")),
    Input::new(Kind::Run, Reach::DaysAround(62, 31))
        .when(|own| !reads(own, "stages") && (reads(own, "runs") || reads(own, "environments"))),
    Input::new(Kind::Run, REACH)
        .with(&[Facet::Timeline])
        .when(|own| reads(own, "stages")),
    Input::new(Kind::PullRequest, Reach::DaysAround(365, 31))
        .when(|own| reads(own, "pull_requests")),
    Input::new(Kind::Push, REACH).when(|own| reads(own, "tags")),
    Input::new(Kind::WorkItem, Reach::Hashed)
        .with(&[Facet::Links])
        .when(|own| reads(own, "work_items") || fails_by(own, "linked_bug")),
    Input::new(Kind::Environment, Reach::Known).when(|own| reads(own, "environments")),
    Input::new(Kind::Definition, Reach::Known).when(|own| reads(own, "environments")),
    Input::new(Kind::GitRepository, Reach::Known)
        .when(|own| reads(own, "pull_requests") || reads(own, "tags")),
    Input::new(Kind::WorkItemType, Reach::Known).when(|own| reads(own, "work_items")),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(values: &[(&Setting, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (setting, value) in values {
            settings.choose(setting, value).unwrap();
        }
        settings
    }

    #[test]
    fn only_what_is_chosen_is_read() {
        let kinds = |settings: &Settings| {
            let needed = INPUTS.iter().filter(|input| (input.is_needed)(settings));
            needed.map(|input| input.kind).collect::<Vec<_>>()
        };
        use Kind::{Definition, Deployment, Environment, EnvironmentDeployment, Run};
        let by_default = [
            EnvironmentDeployment,
            Deployment,
            Run,
            Environment,
            Definition,
        ];
        assert_eq!(kinds(&Settings::default()), by_default);
        assert_eq!(kinds(&chosen(&[(&SOURCE, "releases")])), [Deployment]);
        let both = chosen(&[(&SOURCE, "stages"), (&SOURCE, "runs")]);
        assert_eq!(kinds(&both), [Run], "runs are read once");
        let linked = chosen(&[(&SOURCE, "releases"), (&FAILURE, "linked_bug")]);
        assert_eq!(kinds(&linked), [Deployment, Kind::WorkItem]);
    }

    #[test]
    fn a_pattern_is_a_part_of_the_name_or_its_beginning() {
        let fit = |patterns: &[&str], name: &str| {
            let values: Vec<_> = patterns.iter().map(|own| (&PLACE, *own)).collect();
            fits(&chosen(&values), &PLACE, name)
        };
        assert!(fit(&[], "EU-Production"), "by default");
        assert!(!fit(&[], "staging"));
        assert!(fit(&["stag", "prod"], "staging"));
        assert!(fit(&["^PROD"], "production") && !fit(&["^prod"], "pre-production"));
        assert!(fit(&[""], "anything"));
    }
}

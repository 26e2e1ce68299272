//! The code coverage of a run.
//!
//! <https://learn.microsoft.com/rest/api/azure/devops/testresults/codecoverage/get>

use serde_json::{Value, json};

use crate::config::CoverageAbsence;
use crate::http::call::Call;
use crate::http::refusal::Refusal;
use crate::http::reply::Reply;
use crate::world::tests;

/// `GET testresults/codecoverage`.
pub(crate) fn of_run(call: &Call<'_>) -> Result<Reply, Refusal> {
    let id: u32 = call
        .query
        .number(&["buildId"])?
        .ok_or_else(|| Refusal::bad_value("buildId", ""))?;
    let builds = &call.world.builds;
    let is_own = |position: &usize| call.covers(call.world.project_of(&builds[*position]));
    let position = builds.iter().position(|own| own.id == id).filter(is_own);
    let position = position.ok_or_else(|| missing(id))?;
    let touched = tests::coverage(call.world, position);
    let absence = call.config().unverified.coverage_absence;
    if touched.is_empty() && absence == CoverageAbsence::NotFound404 {
        return Err(missing(id));
    }
    let stats: Vec<Value> = touched
        .iter()
        .map(|own| {
            json!({
                "label": own.label,
                "position": 4,
                "total": own.total,
                "covered": own.covered,
                "isDeltaAvailable": false,
                "delta": 0.0,
            })
        })
        .collect();
    let data =
        json!({ "buildFlavor": "Release", "buildPlatform": "Any CPU", "coverageStats": stats });
    let is_there = !touched.is_empty();
    Ok(Reply::json(&json!({
        "coverageData": if is_there { vec![data] } else { Vec::new() },
        "build": { "id": id.to_string() },
        "deltaBuild": null,
        "status": if is_there { "finalized" } else { "none" },
        "coverageDetailedSummaryStatus": if is_there { "finalized" } else { "noCodeCoverageTask" },
    })))
}

fn missing(id: u32) -> Refusal {
    Refusal::not_found(
        "TestObjectNotFoundException",
        format!("The build {id} was not found."),
    )
}

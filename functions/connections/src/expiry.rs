//! Warnings before a credential ends: 30 days, 7 days and 1 day ahead.

use jiff::civil::Date;
use model::{Connection, OrganizationName};
use serde::Serialize;

/// How many days ahead a warning grows louder.
const STEPS: [i32; 3] = [1, 7, 30];

/// What a person should do before something stops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Warning {
    kind: &'static str,
    /// The organization that the credential is for; `None` for all.
    organization: Option<OrganizationName>,
    /// The first day on which it does not work.
    on: Date,
    /// How many days are left; 0 if it has ended.
    days_left: i32,
    /// Which step is reached: 30, 7, 1, or 0 if it has ended.
    step: i32,
    detail: String,
}

/// The warnings of a connection on a day, the most urgent first.
pub(crate) fn warnings(connection: &Connection, today: Date) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = connection
        .expiries
        .iter()
        .filter_map(|expiry| {
            let days_left = (expiry.on - today).get_days().max(0);
            let step = match days_left {
                0 => 0,
                _ => STEPS.into_iter().find(|step| days_left <= *step)?,
            };
            Some(Warning {
                kind: "credential_expires",
                organization: expiry.organization.clone(),
                on: expiry.on,
                days_left,
                step,
                detail: detail(expiry.organization.as_ref(), expiry.on, days_left),
            })
        })
        .collect();
    warnings.sort_by_key(|warning| warning.days_left);
    warnings
}

fn detail(organization: Option<&OrganizationName>, on: Date, days_left: i32) -> String {
    let whose = match organization {
        Some(organization) => format!("the credential for {organization}"),
        None => "the credential".to_owned(),
    };
    let what = match days_left {
        0 => format!("{whose} has ended on {on}"),
        1 => format!("{whose} ends tomorrow, on {on}"),
        _ => format!("{whose} ends in {days_left} days, on {on}"),
    };
    format!(
        "{what}; make a new one and give it by `reauthenticate`, nothing has to be fetched again"
    )
}

#[cfg(test)]
mod tests {
    use model::Expiry;

    use super::*;

    fn connection(expiries: Vec<Expiry>) -> Connection {
        let mut connection: Connection = serde_json::from_str(
            r#"{"tenant":"t","id":"6affcbef-37b1-4d7c-a5a6-0f0f6d4a3b11","name":"Fabrikam","method":"pat",
                "organizations":["fabrikam"],"status":"active","created_at":"2026-11-01T00:00:00Z"}"#,
        )
        .unwrap();
        connection.expiries = expiries;
        connection
    }

    #[test]
    fn a_warning_comes_30_days_ahead_and_grows_louder() {
        let on: Date = "2026-12-31".parse().unwrap();
        let connection = connection(vec![Expiry {
            organization: None,
            on,
        }]);
        for (today, expected) in [
            ("2026-11-30", None),
            ("2026-12-01", Some((30, 30))),
            ("2026-12-23", Some((8, 30))),
            ("2026-12-24", Some((7, 7))),
            ("2026-12-29", Some((2, 7))),
            ("2026-12-30", Some((1, 1))),
            ("2026-12-31", Some((0, 0))),
            ("2027-02-01", Some((0, 0))),
        ] {
            let found = warnings(&connection, today.parse().unwrap());
            let found = found
                .first()
                .map(|warning| (warning.days_left, warning.step));
            assert_eq!(found, expected, "{today}");
        }
    }

    #[test]
    fn the_most_urgent_comes_first_and_names_its_organization() {
        let expiry = |organization: &str, on: &str| Expiry {
            organization: Some(organization.parse().unwrap()),
            on: on.parse().unwrap(),
        };
        let connection = connection(vec![
            expiry("later", "2026-12-20"),
            expiry("sooner", "2026-12-02"),
        ]);
        let found = warnings(&connection, "2026-12-01".parse().unwrap());
        assert_eq!(found.len(), 2);
        assert!(
            found[0].detail.contains("sooner ends tomorrow"),
            "{}",
            found[0].detail
        );
    }
}

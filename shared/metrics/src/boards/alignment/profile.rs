//! Which category work belongs to.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Dimension, FieldName, Filter, Match, Row};

/// Ranked categories: work belongs to the first that fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    categories: Vec<Category>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Category {
    name: String,
    /// One of these is enough; all filters of it have to accept.
    filters: Vec<Vec<Filter>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireProfile {
    categories: Vec<WireCategory>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCategory {
    name: String,
    filters: Vec<BTreeMap<String, Vec<String>>>,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// It is no JSON of this form, or names what rows of work items do not have; the text says what.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wire: WireProfile = serde_json::from_str(text).map_err(|error| {
            format!("the profile is not {{\"categories\":[{{\"name\":...,\"filters\":[{{\"type\":[...]}}]}}]}}: {error}")
        })?;
        let categories = wire.categories.into_iter().map(|own| {
            let filters = own.filters.into_iter();
            let filters = filters.map(|all| all.into_iter().map(filter).collect());
            Ok(Category {
                name: own.name,
                filters: filters.collect::<Result<_, String>>()?,
            })
        });
        let categories = categories.collect::<Result<_, String>>()?;
        Ok(Self { categories })
    }

    /// The category of a row; `None` if none fits.
    pub(crate) fn category(&self, row: &Row) -> Option<&str> {
        let fits = |category: &&Category| {
            let mut filters = category.filters.iter();
            filters.any(|all| all.iter().all(|filter| filter.accepts(row)))
        };
        self.categories
            .iter()
            .find(fits)
            .map(|own| own.name.as_str())
    }
}

/// `type`, `type!`, `type^`, `type*`: a comparison is the last character of the name, as in parameters.
fn filter((name, values): (String, Vec<String>)) -> Result<Filter, String> {
    let (name, rule) = Match::of_parameter(&name);
    let known = Dimension::from_name(name);
    let known = known.filter(|own| super::OF_ITEMS.contains(own) && *own != Dimension::AnyField);
    let dimension = known.ok_or_else(|| match FieldName::reference_name_in(name) {
        Some(_) => format!("a profile cannot ask for `{name}`: single fields are no part of it"),
        None => {
            let names: Vec<&str> = super::OF_ITEMS.iter().map(|own| own.name()).collect();
            format!(
                "the profile names `{name}`, which is none of {}",
                names.join(", ")
            )
        }
    })?;
    Ok(Filter {
        dimension,
        rule,
        values,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::row;

    #[test]
    fn the_first_category_that_fits_wins() {
        let text = r#"{"categories":[
            {"name":"Customer","filters":[{"type":["Bug"],"tags*":["customer"]},{"area^":["Shop\\Support"]}]},
            {"name":"Bugs","filters":[{"type":["bug"]}]}
        ]}"#;
        let profile = Profile::parse(text).unwrap();
        let of = |dimensions: &[(Dimension, &str)]| {
            let row = row(1.0, "2026-11-20T00:00:00Z", dimensions);
            profile.category(&row).map(str::to_owned)
        };
        let bug = (Dimension::Type, "Bug");
        assert_eq!(
            of(&[bug, (Dimension::Tags, "v2; customer")]).as_deref(),
            Some("Customer")
        );
        assert_eq!(of(&[bug]).as_deref(), Some("Bugs"));
        assert_eq!(
            of(&[(Dimension::Area, "Shop\\Support\\Web")]).as_deref(),
            Some("Customer")
        );
        assert_eq!(of(&[(Dimension::Type, "Epic")]), None);
    }

    #[test]
    fn what_means_nothing_is_refused_with_what_would_do() {
        let cases = [
            ("", "categories"),
            (r#"{"categories":[{"name":"x"}]}"#, "filters"),
            (
                r#"{"categories":[{"name":"x","filters":[{"colour":["red"]}]}]}"#,
                "board_lane",
            ),
            (
                r#"{"categories":[{"name":"x","filters":[{"field:Custom.A":["y"]}]}]}"#,
                "field:Custom.A",
            ),
        ];
        for (text, expected) in cases {
            let refused = Profile::parse(text).unwrap_err();
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }
}

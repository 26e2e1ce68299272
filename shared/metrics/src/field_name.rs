//! Fields of work items as dimensions.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// What the names of fields begin with in the API.
const PREFIX: &str = "field:";

/// The reference name of a field of work items, such as `Custom.Customer`, as a dimension: `field:Custom.Customer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldName(&'static str);

impl FieldName {
    /// The dimension of a field. Names are kept as long as the program runs, each once, so that rows need no copies of them:
    /// make one of fields that exist, not of whatever somebody asks for.
    pub fn of(reference_name: &str) -> Self {
        static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let name = format!("{PREFIX}{reference_name}");
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name.as_str()) {
            return Self(known);
        }
        let name: &'static str = Box::leak(name.into_boxed_str());
        names.insert(name);
        Self(name)
    }

    /// The reference name in the name of a dimension; `None` if that is another dimension.
    pub fn reference_name_in(dimension: &str) -> Option<&str> {
        dimension.strip_prefix(PREFIX)
    }

    /// The name as a dimension.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// The name in Azure DevOps.
    pub fn reference_name(self) -> &'static str {
        self.0.strip_prefix(PREFIX).unwrap_or(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_one_name_in_the_api_and_one_in_azure_devops() {
        let customer = FieldName::of("Custom.Customer");
        assert_eq!(customer.name(), "field:Custom.Customer");
        assert_eq!(customer.reference_name(), "Custom.Customer");
        let again = FieldName::of("Custom.Customer");
        assert!(std::ptr::eq(customer.name(), again.name()), "kept once");
        let found = FieldName::reference_name_in("field:Custom.Region");
        assert_eq!(found, Some("Custom.Region"));
        assert_eq!(FieldName::reference_name_in("area"), None);
    }
}

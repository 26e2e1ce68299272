//! Where in the template a value stands, and typed reading that names that place when it is wrong.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::{TemplateError, intrinsics::scalar};

/// A path such as `FetchBoards.Properties.Timeout`.
#[derive(Clone, Debug)]
pub(super) struct Place(String);

impl Place {
    pub(super) fn root(name: &str) -> Self {
        Self(name.to_owned())
    }

    pub(super) fn at(&self, key: &str) -> Self {
        Self(format!("{}.{key}", self.0))
    }

    pub(super) fn invalid(&self, problem: impl Into<String>) -> TemplateError {
        TemplateError::invalid(&self.0, problem)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A resolved value together with its place.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    pub(super) place: Place,
    pub(super) value: &'a Value,
}

impl<'a> Node<'a> {
    /// Returns a child; an absent and a null child are the same.
    pub(super) fn child(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Node {
            place: self.place.at(key),
            value,
        })
    }

    pub(super) fn need(&self, key: &str) -> Result<Node<'a>, TemplateError> {
        self.child(key)
            .ok_or_else(|| self.place.invalid(format!("{key} is missing")))
    }

    pub(super) fn text(&self) -> Result<String, TemplateError> {
        match self.value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) => Ok(scalar(self.value)),
            _ => Err(self.place.invalid("it must be a text")),
        }
    }

    /// Reads a whole number; AWS accepts it as text too.
    pub(super) fn number(&self) -> Result<u64, TemplateError> {
        scalar(self.value).parse().map_err(|_| {
            self.place
                .invalid(format!("{} is not a whole number", scalar(self.value)))
        })
    }

    /// Reads an optional whole number that has to lie between two limits.
    pub(super) fn number_or(
        &self,
        key: &str,
        default: u64,
        least: u64,
        most: u64,
    ) -> Result<u64, TemplateError> {
        let Some(node) = self.child(key) else {
            return Ok(default);
        };
        let number = node.number()?;
        if !(least..=most).contains(&number) {
            return Err(node
                .place
                .invalid(format!("{number} is not between {least} and {most}")));
        }
        Ok(number)
    }

    pub(super) fn map(&self) -> Result<&'a Map<String, Value>, TemplateError> {
        self.value
            .as_object()
            .ok_or_else(|| self.place.invalid("it must be a mapping"))
    }

    pub(super) fn list(&self) -> Result<Vec<Node<'a>>, TemplateError> {
        let items = self
            .value
            .as_array()
            .ok_or_else(|| self.place.invalid("it must be a list"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(i, value)| Node {
                place: self.place.at(&i.to_string()),
                value,
            })
            .collect())
    }

    pub(super) fn children(&self) -> Result<Vec<(&'a str, Node<'a>)>, TemplateError> {
        let children = self.map()?.iter();
        Ok(children
            .map(|(key, value)| {
                (
                    key.as_str(),
                    Node {
                        place: self.place.at(key),
                        value,
                    },
                )
            })
            .collect())
    }

    pub(super) fn texts(&self) -> Result<BTreeMap<String, String>, TemplateError> {
        self.children()?
            .into_iter()
            .map(|(key, node)| Ok((key.to_owned(), node.text()?)))
            .collect()
    }

    /// Refuses keys outside `known`: a misspelt property would silently have its default.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), TemplateError> {
        match self
            .map()?
            .keys()
            .find(|key| !known.contains(&key.as_str()))
        {
            Some(key) => Err(self
                .place
                .at(key)
                .invalid("the local runner does not know this property")),
            None => Ok(()),
        }
    }
}

//! Who an answer names, wherever it names them: there is no request for people, because every answer embeds them.
//!
//! An object with an `id` and a sign-in name or descriptor is an identity
//! (<https://learn.microsoft.com/rest/api/azure/devops/git/pull-requests/get-pull-requests-by-project#identityref>), one with
//! a `name` and an `email` is how Git names somebody
//! (<https://learn.microsoft.com/rest/api/azure/devops/git/commits/get-commits-batch#gituserdate>). Teams, projects and
//! pipelines have names and ids too, but neither sign in nor have mail.

use std::{borrow::Cow, fmt};

use memchr::memmem;
use model::people::Sighting;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};

/// Calls `see` for everybody whom a body names, as often as it does. A body that is no JSON names those before the defect.
pub fn sightings<'a>(body: &'a [u8], mut see: impl FnMut(Sighting<'a>)) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // Most of what is large has nobody in it, and finding that out costs next to nothing.
    let names = |key| memmem::find(body, key).is_some();
    if !names(b"\"uniqueName\"") && !names(b"\"email\"") && !names(b"\"descriptor\"") {
        return;
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    // What cannot be read is said by those who map the body.
    let _ = deserializer.deserialize_any(Walk(&mut see));
}

/// Walks a value for its effect; returns the text if it is one.
struct Walk<'s, F>(&'s mut F);

impl<'de, F: FnMut(Sighting<'de>)> DeserializeSeed<'de> for Walk<'_, F> {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Sighting<'de>)> Visitor<'de> for Walk<'_, F> {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element_seed(Walk(&mut *self.0))?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::default();
        while let Some(key) = entries.next_key::<Key>()? {
            match key {
                Key::Other => {
                    entries.next_value_seed(Walk(&mut *self.0))?;
                }
                Key::IsContainer => object.is_group = entries.next_value_seed(Flag)?,
                Key::Id => object.id = entries.next_value_seed(Walk(&mut *self.0))?,
                Key::Descriptor => {
                    object.descriptor = entries.next_value_seed(Walk(&mut *self.0))?
                }
                Key::UniqueName => {
                    object.unique_name = entries.next_value_seed(Walk(&mut *self.0))?
                }
                Key::DisplayName => {
                    object.display_name = entries.next_value_seed(Walk(&mut *self.0))?
                }
                Key::Name => object.name = entries.next_value_seed(Walk(&mut *self.0))?,
                Key::Email => object.email = entries.next_value_seed(Walk(&mut *self.0))?,
            }
        }
        if let Some(sighting) = object.sighting() {
            (self.0)(sighting);
        }
        Ok(None)
    }
}

/// The members by which objects name somebody.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Key {
    Id,
    Descriptor,
    UniqueName,
    DisplayName,
    Name,
    Email,
    IsContainer,
    #[serde(other)]
    Other,
}

/// A switch; anything else is off.
struct Flag;

impl<'de> DeserializeSeed<'de> for Flag {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        let raw = <&serde_json::value::RawValue>::deserialize(deserializer)?;
        Ok(raw.get() == "true")
    }
}

#[derive(Default)]
struct Object<'a> {
    id: Option<Cow<'a, str>>,
    descriptor: Option<Cow<'a, str>>,
    unique_name: Option<Cow<'a, str>>,
    display_name: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    email: Option<Cow<'a, str>>,
    is_group: bool,
}

impl<'a> Object<'a> {
    /// Whom the object names, if it names anybody.
    fn sighting(self) -> Option<Sighting<'a>> {
        let signs_in = self.unique_name.is_some() || self.descriptor.is_some();
        if self.id.is_some() && signs_in {
            return Some(Sighting {
                id: self.id,
                descriptor: self.descriptor,
                unique_name: self.unique_name,
                name: self.display_name,
                is_group: self.is_group,
                ..Sighting::default()
            });
        }
        (self.name.is_some() && self.email.is_some()).then(|| Sighting {
            name: self.name,
            mail: self.email,
            ..Sighting::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(body: &str) -> Vec<String> {
        let mut all = Vec::new();
        sightings(body.as_bytes(), |seen| {
            let texts = [seen.id, seen.unique_name, seen.mail, seen.name];
            let group = if seen.is_group { ["group"] } else { ["-"] };
            let texts: Vec<_> = texts
                .iter()
                .map(|text| text.as_deref().unwrap_or("-"))
                .collect();
            all.push([texts.as_slice(), &group].concat().join(" "));
        });
        all
    }

    #[test]
    fn identities_are_found_at_any_depth_and_in_one_another() {
        let body = r#"{"value":[{"pullRequestId":7,"createdBy":{"displayName":"Zo\u00eb","id":"1","uniqueName":"z@x.example"},
            "reviewers":[{"id":"2","uniqueName":"vstfs:///g","displayName":"All","isContainer":true,"vote":10},
                         {"id":"3","descriptor":"aad.3","votedFor":[{"id":"2","uniqueName":"vstfs:///g","displayName":"All"}]}]}]}"#;
        let expected = [
            "1 z@x.example - Zoë -",
            "2 vstfs:///g - All group",
            "2 vstfs:///g - All -",
            "3 - - - -",
        ];
        assert_eq!(seen(body), expected);
    }

    #[test]
    fn git_names_people_by_name_and_address() {
        let body = r#"[{"commitId":"ab","author":{"name":"Ada","email":"Ada@x.example","date":"2026-06-30T18:11:18Z"}}]"#;
        assert_eq!(seen(body), ["- - Ada@x.example Ada -"]);
        assert_eq!(
            seen(&format!("\u{feff}{body}")),
            ["- - Ada@x.example Ada -"]
        );
    }

    #[test]
    fn what_has_a_name_and_does_not_sign_in_is_nobody() {
        let body = r#"{"uniqueName":"x","project":{"id":"1","name":"Fiber"},"type":{"id":"2","displayName":"Reviewers"},
            "email":7,"descriptor":null}"#;
        assert_eq!(seen(body), [] as [&str; 0]);
    }

    #[test]
    fn a_cut_body_and_odd_shapes_are_survived() {
        let body = r#"[{"id":{"id":"9","uniqueName":"deep"},"uniqueName":["x"],"isContainer":"yes"},{"id":"1","uni"#;
        assert_eq!(seen(&format!("{body}queName\":")), ["9 deep - - -"]);
    }
}

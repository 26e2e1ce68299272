//! What else can be chosen of a metric: the rules by which its rows are made.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Profile;

/// A rule of a metric that whoever asks can choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The parameter; no metric has a dimension of the same name.
    pub name: &'static str,
    /// What it decides.
    pub meaning: &'static str,
    /// What holds if nothing is chosen.
    pub default: &'static str,
    /// What can be chosen.
    pub values: Values,
}

/// What a setting can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A whole number from the first to the second.
    Number(u32, u32),
    /// Any text; given again, each of the texts will do.
    Text,
    /// The reference name of a field of work items; given again, each of the fields. Whoever asks checks that there is one.
    Field,
    /// A [`Profile`] as JSON.
    Profile,
}

/// What a switch can be.
pub const SWITCH: Values = Values::OneOf(&["true", "false"]);

impl Setting {
    /// Whether it can be this.
    ///
    /// # Errors
    /// It cannot; the text says what it can be.
    pub fn check(&self, value: &str) -> Result<(), String> {
        match self.values {
            Values::OneOf(words) if !words.contains(&value) => {
                Err(format!("`{value}` is none of {}", words.join(", ")))
            }
            Values::Number(least, most) => {
                let number = value.parse().ok();
                let fits = number.is_some_and(|own: u32| least <= own && own <= most);
                let refused = || format!("`{value}` is no whole number from {least} to {most}");
                fits.then_some(()).ok_or_else(refused)
            }
            Values::Profile => Profile::parse(value).map(drop),
            Values::OneOf(_) | Values::Text | Values::Field => Ok(()),
        }
    }
}

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Settings(BTreeMap<&'static str, Vec<String>>);

impl Settings {
    /// Chooses a value, besides those that were chosen before.
    ///
    /// # Errors
    /// The setting cannot be this; the text says what it can be.
    pub fn choose(&mut self, setting: &Setting, value: &str) -> Result<(), String> {
        setting.check(value)?;
        let chosen = self.0.entry(setting.name).or_default();
        chosen.push(value.to_owned());
        Ok(())
    }

    /// The value that was chosen last, or the default.
    pub fn text<'a>(&'a self, setting: &'a Setting) -> &'a str {
        let chosen = self.0.get(setting.name).and_then(|values| values.last());
        chosen.map_or(setting.default, String::as_str)
    }

    /// Every value that was chosen, or the default.
    pub fn texts<'a>(&'a self, setting: &'a Setting) -> Vec<&'a str> {
        match self.0.get(setting.name) {
            Some(values) => values.iter().map(String::as_str).collect(),
            None => vec![setting.default],
        }
    }

    /// Whether a switch is on.
    pub fn is_on(&self, setting: &Setting) -> bool {
        self.text(setting) == "true"
    }

    /// The number that was chosen, or the default.
    pub fn number(&self, setting: &Setting) -> u32 {
        self.text(setting).parse().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: Setting = Setting {
        name: "days",
        meaning: "After how many days.",
        default: "3",
        values: Values::Number(1, 30),
    };

    const BOTS: Setting = Setting {
        name: "bots",
        meaning: "Whether bots count.",
        default: "false",
        values: SWITCH,
    };

    #[test]
    fn what_was_not_chosen_is_the_default() {
        let mut settings = Settings::default();
        assert_eq!(settings.number(&DAYS), 3);
        assert!(!settings.is_on(&BOTS));
        settings.choose(&DAYS, "5").unwrap();
        settings.choose(&BOTS, "true").unwrap();
        assert_eq!(settings.number(&DAYS), 5);
        assert!(settings.is_on(&BOTS));
    }

    #[test]
    fn what_cannot_be_chosen_is_told_with_what_can() {
        let mut settings = Settings::default();
        for bad in ["0", "31", "-1", "x", ""] {
            let refused = settings.choose(&DAYS, bad).unwrap_err();
            assert!(refused.contains("from 1 to 30"), "{refused}");
        }
        let refused = settings.choose(&BOTS, "yes").unwrap_err();
        assert!(refused.contains("true, false"), "{refused}");
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn texts_that_are_given_again_all_hold() {
        let branch = Setting {
            name: "branch_pattern",
            default: "main",
            values: Values::Text,
            ..BOTS
        };
        let mut settings = Settings::default();
        assert_eq!(settings.texts(&branch), ["main"]);
        settings.choose(&branch, "a").unwrap();
        settings.choose(&branch, "b").unwrap();
        assert_eq!(settings.texts(&branch), ["a", "b"]);
        assert_eq!(settings.text(&branch), "b");
    }
}

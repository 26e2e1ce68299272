//! Which projects, repositories and pipelines are read: by name, by patterns that a user writes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What a user wants read of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Projects; what lies in a project that is left out is left out, too.
    #[serde(default, skip_serializing_if = "Patterns::is_everything")]
    pub projects: Patterns,
    /// Git repositories.
    #[serde(default, skip_serializing_if = "Patterns::is_everything")]
    pub repositories: Patterns,
    /// Build pipelines.
    #[serde(default, skip_serializing_if = "Patterns::is_everything")]
    pub pipelines: Patterns,
}

impl Selection {
    /// Whether nothing is left out.
    pub fn is_everything(&self) -> bool {
        self.projects.is_everything()
            && self.repositories.is_everything()
            && self.pipelines.is_everything()
    }
}

/// Names that are wanted, and names that are not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patterns {
    /// Only what one of these matches; everything, if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<Pattern>,
    /// Of that, nothing that one of these matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<Pattern>,
}

impl Patterns {
    /// Whether every name is wanted.
    pub fn is_everything(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Whether a name is wanted.
    pub fn select(&self, name: &str) -> bool {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        (self.include.is_empty() || matches(&self.include)) && !matches(&self.exclude)
    }
}

impl Patterns {
    /// Whether certainly no name is wanted here that is not wanted there.
    pub fn is_within(&self, other: &Self) -> bool {
        let all_in = |some: &[Pattern], others: &[Pattern]| {
            some.iter().all(|pattern| others.contains(pattern))
        };
        let named = !self.include.is_empty() && all_in(&self.include, &other.include);
        (other.include.is_empty() || named) && all_in(&other.exclude, &self.exclude)
    }

    /// Whether something is wanted whose name may not be known: then only if nothing is named that is wanted.
    pub fn select_known(&self, name: Option<&str>) -> bool {
        name.map_or(self.include.is_empty(), |name| self.select(name))
    }
}

/// How many things a selection takes and leaves out, with the first names of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// How many are read.
    pub included: usize,
    /// How many are not.
    pub excluded: usize,
    /// The first [`Self::SAMPLE`] that are read.
    pub included_sample: Vec<String>,
    /// The first [`Self::SAMPLE`] that are not.
    pub excluded_sample: Vec<String>,
}

impl Share {
    /// How many names are shown of each side.
    pub const SAMPLE: usize = 10;

    /// Counts one of them.
    pub fn count(&mut self, name: &str, is_included: bool) {
        let (number, sample) = match is_included {
            true => (&mut self.included, &mut self.included_sample),
            false => (&mut self.excluded, &mut self.excluded_sample),
        };
        *number += 1;
        if sample.len() < Self::SAMPLE {
            sample.push(name.to_owned());
        }
    }
}

/// A pattern for names: `*` stands for any number of characters, `?` for one, everything else for itself. Upper and lower
/// case are the same, as they are in names of Azure DevOps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// A text that is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pattern has 1 to {LONGEST} characters, none of them a control character")]
pub struct InvalidPattern;

/// The longest pattern; names in Azure DevOps are shorter.
const LONGEST: usize = 256;

impl Pattern {
    /// Whether a name matches.
    pub fn matches(&self, name: &str) -> bool {
        let pattern: Vec<char> = self.0.chars().flat_map(char::to_lowercase).collect();
        let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
        // The last `*` that was met may take one character more whenever what follows it does not fit.
        let (mut at, mut place, mut star) = (0, 0, None);
        while place < name.len() {
            match pattern.get(at) {
                Some('*') => {
                    star = Some((at, place));
                    at += 1;
                }
                Some(expected) if *expected == '?' || *expected == name[place] => {
                    at += 1;
                    place += 1;
                }
                _ => {
                    let Some((star_at, taken)) = star else {
                        return false;
                    };
                    star = Some((star_at, taken + 1));
                    (at, place) = (star_at + 1, taken + 1);
                }
            }
        }
        pattern[at..].iter().all(|rest| *rest == '*')
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let is_too_long = text.chars().count() > LONGEST;
        let text = text.trim();
        let is_usable = !is_too_long && !text.is_empty() && !text.chars().any(char::is_control);
        is_usable
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidPattern)
    }
}

impl TryFrom<String> for Pattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(include: &[&str], exclude: &[&str]) -> Patterns {
        let parse = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Patterns {
            include: parse(include),
            exclude: parse(exclude),
        }
    }

    #[test]
    fn a_pattern_matches_whole_names_whatever_their_case() {
        for (pattern, name, expected) in [
            ("web", "Web", true),
            ("web", "web-api", false),
            ("web*", "web-api", true),
            ("*api", "Web-API", true),
            ("*-*-*", "a-b", false),
            ("*-*-*", "a-b-c-d", true),
            ("?eb", "web", true),
            ("?eb", "eb", false),
            ("*", "", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("stra\u{df}e*", "STRA\u{df}E 7", true),
            (".*", "web", false),
        ] {
            let parsed: Pattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn what_is_excluded_is_left_out_even_if_it_is_included() {
        let some = patterns(&["web*", "app"], &["*-old"]);
        let wanted = ["web", "web-old", "app", "other"].map(|name| some.select(name));
        assert_eq!(wanted, [true, false, true, false]);
        assert!(patterns(&[], &["x"]).select("y"));
        assert!(!patterns(&[], &["x"]).select("X"));
    }

    #[test]
    fn less_is_within_more() {
        let all = patterns(&[], &[]);
        let (web, some) = (patterns(&["web"], &[]), patterns(&["web", "app"], &[]));
        let (without, with_less) = (patterns(&[], &["old"]), patterns(&[], &["old", "x"]));
        for (less, more) in [
            (&web, &all),
            (&web, &some),
            (&without, &all),
            (&with_less, &without),
            (&web, &web),
        ] {
            assert!(less.is_within(more), "{less:?} {more:?}");
            assert_eq!(more.is_within(less), less == more, "{more:?} {less:?}");
        }
        assert!(!web.is_within(&without), "it may be called old");
    }

    #[test]
    fn both_sides_are_counted_and_their_first_ones_named() {
        let mut share = Share::default();
        for number in 0..25 {
            share.count(&number.to_string(), number % 2 == 0);
        }
        assert_eq!((share.included, share.excluded), (13, 12));
        assert_eq!(share.included_sample.len(), Share::SAMPLE);
        assert_eq!(share.excluded_sample[..2], ["1", "3"]);
    }

    #[test]
    fn an_empty_pattern_is_none() {
        for text in ["", "  ", "a\nb"] {
            assert_eq!(text.parse::<Pattern>(), Err(InvalidPattern), "{text:?}");
        }
        for text in ["x".repeat(LONGEST + 1), format!(" {}", "x".repeat(LONGEST))] {
            assert!(text.parse::<Pattern>().is_err());
        }
    }
}

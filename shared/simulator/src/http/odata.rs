//! The part of the query language of Analytics that the simulator understands; the rest is refused.
//!
//! <https://learn.microsoft.com/azure/devops/report/extend-analytics/analytics-query-parts>

use crate::http::refusal::Refusal;

/// A navigation property with the columns that are selected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expansion {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
}

/// A comparison of a column with a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) column: String,
    pub(crate) comparison: Comparison,
    pub(crate) number: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    pub(crate) fn holds(&self, number: i64) -> bool {
        match self.comparison {
            Comparison::Equal => number == self.number,
            Comparison::Less => number < self.number,
            Comparison::LessOrEqual => number <= self.number,
            Comparison::Greater => number > self.number,
            Comparison::GreaterOrEqual => number >= self.number,
        }
    }
}

/// The columns of `A,B`.
pub(crate) fn columns(text: &str) -> Vec<String> {
    let columns = text.split(',').map(str::trim);
    columns.map(str::to_owned).collect()
}

/// The parts of `A($select=B,C),D($select=E)`.
pub(crate) fn expansions(text: &str) -> Result<Vec<Expansion>, Refusal> {
    let refused = || invalid(format!("'{text}' is not an $expand with a $select each."));
    let mut rest = text.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once("($select=").ok_or_else(refused)?;
        let (selected, behind) = behind.split_once(')').ok_or_else(refused)?;
        found.push(Expansion {
            name: name.trim().to_owned(),
            columns: columns(selected),
        });
        rest = match behind.trim() {
            "" => "",
            more => more.strip_prefix(',').ok_or_else(refused)?.trim(),
        };
    }
    Ok(found)
}

/// The conditions of `A ge 1 and B lt 2`.
pub(crate) fn conditions(text: &str) -> Result<Vec<Condition>, Refusal> {
    text.split(" and ").map(condition).collect()
}

fn condition(text: &str) -> Result<Condition, Refusal> {
    let refused = || invalid(format!("Syntax error in '{text}'."));
    let mut words = text.split_whitespace();
    let mut word = || words.next().ok_or_else(refused);
    let condition = Condition {
        column: word()?.to_owned(),
        comparison: match word()? {
            "eq" => Comparison::Equal,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            _ => return Err(refused()),
        },
        number: word()?.parse().map_err(|_| refused())?,
    };
    if words.next().is_some() {
        return Err(refused());
    }
    Ok(condition)
}

/// A query that the service does not take.
pub(crate) fn invalid(problem: impl std::fmt::Display) -> Refusal {
    Refusal::bad_request(format!(
        "The query specified in the URI is not valid. {problem}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions_are_told_apart_and_need_a_selection() {
        let found =
            expansions("PipelineJob($select=StageName,JobName), Pipeline($select=PipelineId)");
        let found = found.expect("expansions");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].columns, ["StageName", "JobName"]);
        assert_eq!(
            (found[1].name.as_str(), found[1].columns.len()),
            ("Pipeline", 1)
        );
        assert!(expansions("PipelineJob").is_err());
        assert!(expansions("A($select=B)C($select=D)").is_err());
    }

    #[test]
    fn conditions_compare_columns_with_numbers() {
        let found = conditions("PipelineRunId ge 7 and PipelineRunId lt 9").expect("conditions");
        let holds = |number| found.iter().all(|condition| condition.holds(number));
        assert_eq!((6..=9).filter(|n| holds(*n)).collect::<Vec<_>>(), [7, 8]);
        for text in ["A like 7", "A ge seven", "A ge 7 or B ge 8", ""] {
            assert!(conditions(text).is_err(), "{text}");
        }
    }
}

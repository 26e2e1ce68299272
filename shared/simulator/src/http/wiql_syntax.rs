//! Reading WIQL text: `SELECT [System.Id] FROM WorkItems WHERE clause AND clause ... ORDER BY [System.Id]`.
//!
//! <https://learn.microsoft.com/azure/devops/boards/queries/wiql-syntax>

use std::cmp::Ordering;

/// A query taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// All must hold.
    pub(crate) clauses: Vec<Clause>,
    pub(crate) is_descending: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) field: String,
    pub(crate) operator: Operator,
    pub(crate) values: Vec<Literal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    /// `@project`, `@today - 3`; without the at sign.
    Macro(String),
}

impl Literal {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Macro(name) => format!("@{name}"),
        }
    }
}

impl Operator {
    /// Whether a comparison of the field with the value holds.
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal | Self::In => order.is_eq(),
            Self::NotEqual | Self::NotIn => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }

    /// Whether membership in a list of names holds.
    pub(crate) fn holds_any(self, own: &str, names: &[String]) -> bool {
        let is_in = names.iter().any(|name| name.eq_ignore_ascii_case(own));
        is_in != matches!(self, Self::NotEqual | Self::NotIn)
    }
}

impl Query {
    /// Reads a query, or says what is not understood.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut words = Words(tokens(text)?.into_iter().peekable());
        words.expect("select")?;
        while !words.take("from") {
            words.next().ok_or("FROM is missing")?;
        }
        words.expect("workitems")?;
        let mut clauses = Vec::new();
        if words.take("where") {
            clauses.push(words.clause()?);
            while words.take("and") {
                clauses.push(words.clause()?);
            }
        }
        let is_descending = words.order()?;
        match words.next() {
            None => Ok(Self {
                clauses,
                is_descending,
            }),
            Some(rest) => Err(format!("unexpected {rest:?}")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Field(String),
    Text(String),
    Macro(String),
    Symbol(String),
}

struct Words(std::iter::Peekable<std::vec::IntoIter<Token>>);

impl Words {
    fn next(&mut self) -> Option<Token> {
        self.0.next()
    }

    fn take(&mut self, word: &str) -> bool {
        self.0
            .next_if(|token| matches!(token, Token::Word(own) if own.eq_ignore_ascii_case(word)))
            .is_some()
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        self.0
            .next_if(|token| matches!(token, Token::Symbol(own) if own == symbol))
            .is_some()
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.take(word) {
            Ok(())
        } else {
            Err(format!("{} is missing", word.to_uppercase()))
        }
    }

    fn clause(&mut self) -> Result<Clause, String> {
        let Some(Token::Field(field)) = self.next() else {
            return Err("a [Field] is missing".to_owned());
        };
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => vec![self.value()?],
        };
        Ok(Clause {
            field,
            operator,
            values,
        })
    }

    fn operator(&mut self) -> Result<Operator, String> {
        match self.next() {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("in") => Ok(Operator::In),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") => {
                self.expect("in").map(|()| Operator::NotIn)
            }
            Some(Token::Symbol(symbol)) => match symbol.as_str() {
                "=" => Ok(Operator::Equal),
                "<>" => Ok(Operator::NotEqual),
                "<" => Ok(Operator::Less),
                "<=" => Ok(Operator::LessOrEqual),
                ">" => Ok(Operator::Greater),
                ">=" => Ok(Operator::GreaterOrEqual),
                other => Err(format!("unknown operator {other}")),
            },
            other => Err(format!("an operator is missing before {other:?}")),
        }
    }

    fn values(&mut self) -> Result<Vec<Literal>, String> {
        if !self.take_symbol("(") {
            return Err("a list in parentheses is missing".to_owned());
        }
        let mut values = vec![self.value()?];
        while self.take_symbol(",") {
            values.push(self.value()?);
        }
        if self.take_symbol(")") {
            Ok(values)
        } else {
            Err("a closing parenthesis is missing".to_owned())
        }
    }

    fn value(&mut self) -> Result<Literal, String> {
        match self.next() {
            Some(Token::Text(text) | Token::Word(text)) => Ok(Literal::Text(text)),
            Some(Token::Macro(name)) => Ok(Literal::Macro(name)),
            other => Err(format!("a value is missing before {other:?}")),
        }
    }

    /// Reads `ORDER BY [System.Id] asc|desc`; nothing else can be sorted by.
    fn order(&mut self) -> Result<bool, String> {
        if !self.take("order") {
            return Ok(false);
        }
        self.expect("by")?;
        match self.next() {
            Some(Token::Field(field)) if field.eq_ignore_ascii_case("System.Id") => {}
            other => {
                return Err(format!(
                    "the simulator sorts by [System.Id] only, not by {other:?}"
                ));
            }
        }
        Ok(!self.take("asc") && self.take("desc"))
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '[' => {
                let end = rest.find(']').ok_or("a field name is not closed")?;
                (Token::Field(rest[1..end].to_owned()), end + 1)
            }
            '\'' | '"' => quoted(rest, first)?,
            '@' => macro_name(rest),
            '(' | ')' | ',' => (Token::Symbol(first.to_string()), 1),
            '=' | '<' | '>' => {
                let length = rest
                    .find(|c| !matches!(c, '=' | '<' | '>'))
                    .unwrap_or(rest.len());
                (Token::Symbol(rest[..length].to_owned()), length)
            }
            _ => {
                let length = rest
                    .find(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')))
                    .unwrap_or(rest.len());
                if length == 0 {
                    return Err(format!("unexpected {first}"));
                }
                (Token::Word(rest[..length].to_owned()), length)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// A quoted text; a doubled quote stands for one.
fn quoted(rest: &str, quote: char) -> Result<(Token, usize), String> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((position, character)) = characters.next() {
        if character != quote {
            text.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            text.push(quote);
        } else {
            return Ok((Token::Text(text), position + 1));
        }
    }
    Err("a text is not closed".to_owned())
}

/// A macro with the number of days it may carry, as in `@today - 90`.
fn macro_name(rest: &str) -> (Token, usize) {
    let name = rest[1..]
        .find(|c: char| !c.is_alphanumeric())
        .map_or(rest.len(), |end| end + 1);
    let tail = &rest[name..];
    let sign = tail.trim_start();
    let digits = sign.strip_prefix(['-', '+']).map(str::trim_start);
    let count = digits.map_or(0, |digits| {
        digits
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(digits.len())
    });
    let length = match digits {
        Some(digits) if count > 0 => rest.len() - digits.len() + count,
        _ => name,
    };
    (Token::Macro(rest[1..length].to_owned()), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_of_a_sync_is_understood() {
        let text = "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.Id] > 300 \
                    AND [System.State] NOT IN ('Closed', 'Won''t do') AND [System.ChangedDate] >= '2026-06-01T00:00:00Z' \
                    ORDER BY [System.Id]";
        let query = Query::parse(text).expect("query");
        assert_eq!(query.clauses.len(), 4);
        assert_eq!(
            query.clauses[0].values,
            [Literal::Macro("project".to_owned())]
        );
        assert_eq!(query.clauses[1].operator, Operator::Greater);
        assert_eq!(
            query.clauses[2].values[1],
            Literal::Text("Won't do".to_owned())
        );
        assert!(!query.is_descending);
    }

    #[test]
    fn macros_carry_their_days() {
        let query = Query::parse(
            "select [System.Id] from WorkItems where [System.ChangedDate] < @today - 90",
        )
        .expect("query");
        assert_eq!(
            query.clauses[0].values,
            [Literal::Macro("today - 90".to_owned())]
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for text in [
            "",
            "SELECT [System.Id] FROM WorkItemLinks",
            "SELECT [System.Id] FROM WorkItems WHERE [System.Id] > 3 OR [System.Id] < 2",
            "SELECT [System.Id] FROM WorkItems WHERE [System.State] IN 'New'",
            "SELECT [System.Id] FROM WorkItems ORDER BY [System.Title]",
            "SELECT [System.Id] FROM WorkItems WHERE [System.Title] = 'x",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}

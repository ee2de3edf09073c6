//! The rule of a composite alarm: a boolean expression over the states of other alarms.
//!
//! `ALARM(x)`, `OK(x)`, `INSUFFICIENT_DATA(x)`, `TRUE`, `FALSE`, `NOT`, `AND`, `OR` and parentheses (botocore's model,
//! `PutCompositeAlarmInput$AlarmRule`). A name may stand in quotes or bare, and may be an ARN. `NOT` binds closest,
//! then `AND`, then `OR`.

use super::alarm::State;

/// A parsed rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    Constant(bool),
    Is(State, String),
    Not(Box<Rule>),
    All(Vec<Rule>),
    Any(Vec<Rule>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {what}")]
pub struct RuleError {
    /// Counted from 1.
    pub at: usize,
    pub what: String,
}

/// Expressions nest at most this deep, so that a hostile rule cannot exhaust the stack.
const DEPTH_MAX: usize = 50;

impl Rule {
    pub fn parse(source: &str) -> Result<Self, RuleError> {
        let mut parser = Parser { source, at: 0, depth: 0 };
        let rule = parser.any()?;
        parser.space();
        if parser.at < source.len() {
            return Err(parser.error("AND, OR or the end of the rule is expected"));
        }
        Ok(rule)
    }

    /// The names of the alarms in the rule, in the order in which they stand, each once.
    pub fn children(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect(&mut names);
        names
    }

    fn collect<'r>(&'r self, names: &mut Vec<&'r str>) {
        match self {
            Self::Constant(_) => {}
            Self::Is(_, name) => {
                if !names.contains(&name.as_str()) {
                    names.push(name);
                }
            }
            Self::Not(rule) => rule.collect(names),
            Self::All(rules) | Self::Any(rules) => rules.iter().for_each(|rule| rule.collect(names)),
        }
    }

    /// Whether the rule holds; an alarm without a state is in none.
    pub fn holds(&self, state: &impl Fn(&str) -> Option<State>) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::Is(wanted, name) => state(name) == Some(*wanted),
            Self::Not(rule) => !rule.holds(state),
            Self::All(rules) => rules.iter().all(|rule| rule.holds(state)),
            Self::Any(rules) => rules.iter().any(|rule| rule.holds(state)),
        }
    }
}

struct Parser<'s> {
    source: &'s str,
    at: usize,
    depth: usize,
}

impl<'s> Parser<'s> {
    fn error(&self, what: &str) -> RuleError {
        RuleError { at: self.source[..self.at].chars().count() + 1, what: what.to_owned() }
    }

    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn space(&mut self) {
        self.at = self.source.len() - self.rest().trim_start().len();
    }

    fn symbol(&mut self, symbol: char) -> bool {
        self.space();
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len_utf8();
        }
        found
    }

    /// A keyword, which no letter, digit or underscore may follow.
    fn keyword(&mut self, keyword: &str) -> bool {
        self.space();
        let found = self
            .rest()
            .strip_prefix(keyword)
            .is_some_and(|tail| !tail.starts_with(|c: char| c.is_alphanumeric() || c == '_'));
        if found {
            self.at += keyword.len();
        }
        found
    }

    fn any(&mut self) -> Result<Rule, RuleError> {
        let mut rules = vec![self.all()?];
        while self.keyword("OR") {
            rules.push(self.all()?);
        }
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::Any(rules) })
    }

    fn all(&mut self) -> Result<Rule, RuleError> {
        let mut rules = vec![self.one()?];
        while self.keyword("AND") {
            rules.push(self.one()?);
        }
        Ok(if rules.len() == 1 { rules.remove(0) } else { Rule::All(rules) })
    }

    fn one(&mut self) -> Result<Rule, RuleError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.error("the rule nests too deep"));
        }
        let rule = self.one_inner();
        self.depth -= 1;
        rule
    }

    fn one_inner(&mut self) -> Result<Rule, RuleError> {
        if self.keyword("NOT") {
            return Ok(Rule::Not(Box::new(self.one()?)));
        }
        if self.symbol('(') {
            let rule = self.any()?;
            return if self.symbol(')') { Ok(rule) } else { Err(self.error("a closing parenthesis is expected")) };
        }
        for (word, value) in [("TRUE", true), ("FALSE", false)] {
            if self.keyword(word) {
                return Ok(Rule::Constant(value));
            }
        }
        for state in [State::Alarm, State::Ok, State::InsufficientData] {
            if self.keyword(state.name()) {
                return Ok(Rule::Is(state, self.argument()?));
            }
        }
        Err(self.error("ALARM, OK, INSUFFICIENT_DATA, TRUE, FALSE, NOT or a parenthesis is expected"))
    }

    fn argument(&mut self) -> Result<String, RuleError> {
        if !self.symbol('(') {
            return Err(self.error("an opening parenthesis is expected after the function"));
        }
        self.space();
        let (name, length) = match self.rest().strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some((name, _)) => (name, name.len() + 2),
                None => return Err(self.error("a closing quote is expected")),
            },
            None => {
                let end = self.rest().find(')').unwrap_or(self.rest().len());
                let name = &self.rest()[..end];
                (name.trim_end(), name.len())
            }
        };
        if name.is_empty() {
            return Err(self.error("an alarm's name or ARN is expected"));
        }
        self.at += length;
        if !self.symbol(')') {
            return Err(self.error("a closing parenthesis is expected after the alarm's name"));
        }
        // An ARN names the alarm after `:alarm:`.
        let name = name.split_once(":alarm:").filter(|_| name.starts_with("arn:")).map_or(name, |(_, name)| name);
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: &str) -> bool {
        Rule::parse(rule).unwrap().holds(&|name| match name {
            "a" => Some(State::Alarm),
            "o" | "with space" => Some(State::Ok),
            "i" => Some(State::InsufficientData),
            _ => None,
        })
    }

    #[test]
    fn constants_hold_or_do_not() {
        assert!(holds("TRUE"));
        assert!(!holds("FALSE"));
    }

    #[test]
    fn rules_are_read_as_documented() {
        let cases = [
            ("ALARM(a)", true),
            ("ALARM(\"a\")", true),
            ("ALARM(o)", false),
            ("OK(\"with space\")", true),
            ("OK( with space )", true),
            ("INSUFFICIENT_DATA(i)", true),
            ("ALARM(arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a)", true),
            ("NOT ALARM(a) OR OK(o)", true),
            ("NOT (ALARM(a) OR OK(o))", false),
            ("TRUE OR TRUE AND FALSE", true),
            ("(TRUE OR TRUE) AND FALSE", false),
            ("ALARM(a)AND(OK(o))", true),
            ("ALARM(unknown) OR OK(unknown) OR INSUFFICIENT_DATA(unknown)", false),
        ];
        for (rule, expected) in cases {
            assert_eq!(holds(rule), expected, "{rule}");
        }
    }

    #[test]
    fn the_children_are_named_once_each() {
        let rule = Rule::parse("ALARM(b) AND (ALARM(a) OR NOT OK(b))").unwrap();
        assert_eq!(rule.children(), ["b", "a"]);
    }

    #[test]
    fn a_bad_rule_is_refused_where_it_is_bad() {
        let cases = [
            ("", 1),
            ("ALARM a", 7),
            ("ALARM(a) ALARM(b)", 10),
            ("(TRUE", 6),
            ("ALARM(\"a)", 7),
            ("ALARM()", 7),
            ("TRUEX", 1),
        ];
        for (rule, at) in cases {
            assert_eq!(Rule::parse(rule).unwrap_err().at, at, "{rule}");
        }
        assert!(Rule::parse(&"(".repeat(5000)).unwrap_err().what.contains("deep"));
    }
}

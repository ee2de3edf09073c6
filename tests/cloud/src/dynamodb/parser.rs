//! The grammar of DynamoDB's expressions: conditions, updates, projections. Errors carry the service's wording.

use std::iter::Peekable;
use std::vec::IntoIter;

use crate::call::ApiError;

use super::bad;
use super::condition::{Comparison, Condition, Operand};
use super::lexer::{Token, is_reserved};
use super::params::{Params, Path, Step};
use super::update::{Source, Term, Update};
use super::value::Attr;

/// How deep parentheses may nest; it bounds the parser's recursion.
const DEPTH_MAX: usize = 50;

/// Reads one expression; names and values are resolved as they are met.
pub struct Parser<'p, 'a> {
    member: &'static str,
    tokens: Peekable<IntoIter<Token>>,
    params: &'p mut Params<'a>,
    last: String,
    depth: usize,
}

impl<'p, 'a> Parser<'p, 'a> {
    pub fn new(member: &'static str, tokens: Vec<Token>, params: &'p mut Params<'a>) -> Self {
        Self { member, tokens: tokens.into_iter().peekable(), params, last: String::new(), depth: 0 }
    }

    /// A condition and nothing after it.
    pub fn whole_condition(&mut self) -> Result<Condition, ApiError> {
        let condition = self.either()?;
        self.end().map(|()| condition)
    }

    /// A projection and nothing after it.
    pub fn whole_projection(&mut self) -> Result<Vec<Path>, ApiError> {
        let mut paths = vec![self.path()?];
        while self.take_sign(",") {
            paths.push(self.path()?);
        }
        self.end()?;
        super::update::check_no_overlap(self.member, &paths.iter().collect::<Vec<_>>())?;
        Ok(paths)
    }

    /// An update and nothing after it: each of SET, REMOVE, ADD and DELETE at most once.
    pub fn whole_update(&mut self) -> Result<Update, ApiError> {
        let mut update = Update::default();
        let mut seen: Vec<String> = Vec::new();
        while self.tokens.peek().is_some() {
            let clause = self.next_text().to_ascii_uppercase();
            if seen.contains(&clause) {
                return Err(bad(format!(
                    "Invalid UpdateExpression: The \"{clause}\" section can only be used once in an update expression;"
                )));
            }
            loop {
                match clause.as_str() {
                    "SET" => {
                        let path = self.path()?;
                        self.expect_sign("=")?;
                        let source = self.source()?;
                        update.set.push((path, source));
                    }
                    "REMOVE" => update.remove.push(self.path()?),
                    "ADD" => update.add.push((self.path()?, self.aliased_value()?)),
                    "DELETE" => update.delete.push((self.path()?, self.aliased_value()?)),
                    _ => return Err(self.syntax()),
                }
                if !self.take_sign(",") {
                    break;
                }
            }
            seen.push(clause);
        }
        update.check()?;
        Ok(update)
    }

    fn source(&mut self) -> Result<Source, ApiError> {
        let left = self.term()?;
        if self.take_sign("+") {
            return Ok(Source::Sum(left, self.term()?));
        }
        if self.take_sign("-") {
            return Ok(Source::Difference(left, self.term()?));
        }
        Ok(Source::Plain(left))
    }

    fn term(&mut self) -> Result<Term, ApiError> {
        if let Some(Token::Value(_)) = self.tokens.peek() {
            return self.aliased_value().map(Term::Value);
        }
        if self.take_sign("(") {
            let inner = self.nested(Self::term)?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        let Some(function) = self.function_ahead() else { return self.path().map(Term::Path) };
        match function.as_str() {
            "if_not_exists" => {
                let path = self.path()?;
                self.expect_sign(",")?;
                let other = self.nested(Self::term)?;
                self.expect_sign(")")?;
                Ok(Term::IfNotExists(path, Box::new(other)))
            }
            "list_append" => {
                let first = self.nested(Self::term)?;
                self.expect_sign(",")?;
                let second = self.nested(Self::term)?;
                self.expect_sign(")")?;
                Ok(Term::ListAppend(Box::new(first), Box::new(second)))
            }
            _ => Err(self.unknown_function(&function)),
        }
    }

    fn either(&mut self) -> Result<Condition, ApiError> {
        let mut condition = self.both()?;
        while self.take_word("OR") {
            condition = Condition::Or(Box::new(condition), Box::new(self.both()?));
        }
        Ok(condition)
    }

    fn both(&mut self) -> Result<Condition, ApiError> {
        let mut condition = self.negated()?;
        while self.take_word("AND") {
            condition = Condition::And(Box::new(condition), Box::new(self.negated()?));
        }
        Ok(condition)
    }

    fn negated(&mut self) -> Result<Condition, ApiError> {
        if self.take_word("NOT") {
            return self.nested(Self::negated).map(|inner| Condition::Not(Box::new(inner)));
        }
        if self.take_sign("(") {
            let inner = self.nested(Self::either)?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Condition, ApiError> {
        if let Some(function) = self.function_ahead() {
            if function == "size" {
                let size = self.size()?;
                return self.compared(size);
            }
            return self.function(&function);
        }
        let left = self.operand()?;
        self.compared(left)
    }

    fn function(&mut self, function: &str) -> Result<Condition, ApiError> {
        let condition = match function {
            "attribute_exists" => Condition::Exists(self.path()?),
            "attribute_not_exists" => Condition::Not(Box::new(Condition::Exists(self.path()?))),
            "attribute_type" => {
                let path = self.path()?;
                self.expect_sign(",")?;
                match self.aliased_value()? {
                    Attr::S(kind) => Condition::HasType(path, kind),
                    other => return Err(self.wrong_operand("attribute_type", other.type_name())),
                }
            }
            "begins_with" | "contains" => {
                let left = self.operand()?;
                self.expect_sign(",")?;
                let right = self.operand()?;
                if function == "contains" {
                    Condition::Contains(left, right)
                } else {
                    Condition::BeginsWith(left, right)
                }
            }
            other => return Err(self.unknown_function(other)),
        };
        self.expect_sign(")")?;
        Ok(condition)
    }

    fn compared(&mut self, left: Operand) -> Result<Condition, ApiError> {
        if self.take_word("BETWEEN") {
            let low = self.operand()?;
            if !self.take_word("AND") {
                return Err(self.syntax());
            }
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        if self.take_word("IN") {
            self.expect_sign("(")?;
            let mut all = vec![self.operand()?];
            while self.take_sign(",") {
                all.push(self.operand()?);
            }
            self.expect_sign(")")?;
            return Ok(Condition::In(left, all));
        }
        let comparison = match self.next_text().as_str() {
            "=" => Comparison::Equal,
            "<>" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return Err(self.syntax()),
        };
        Ok(Condition::Compare(left, comparison, self.operand()?))
    }

    fn operand(&mut self) -> Result<Operand, ApiError> {
        if let Some(Token::Value(_)) = self.tokens.peek() {
            return self.aliased_value().map(Operand::Value);
        }
        match self.function_ahead() {
            Some(function) if function == "size" => self.size(),
            Some(function) => Err(self.unknown_function(&function)),
            None => self.path().map(Operand::Path),
        }
    }

    /// The rest of `size(path)`.
    fn size(&mut self) -> Result<Operand, ApiError> {
        let path = self.path()?;
        self.expect_sign(")")?;
        Ok(Operand::Size(path))
    }

    fn path(&mut self) -> Result<Path, ApiError> {
        let mut path = vec![self.member_step()?];
        loop {
            if self.take_sign(".") {
                path.push(self.member_step()?);
            } else if self.take_sign("[") {
                let Some(Token::Index(index)) = self.tokens.peek() else { return Err(self.syntax()) };
                path.push(Step::Element(*index));
                self.next_text();
                self.expect_sign("]")?;
            } else {
                return Ok(path);
            }
        }
    }

    fn member_step(&mut self) -> Result<Step, ApiError> {
        match self.tokens.next() {
            Some(Token::Name(alias)) => {
                self.last.clone_from(&alias);
                self.params.name(self.member, &alias).map(Step::Member)
            }
            Some(Token::Word(word)) => {
                if is_reserved(&word) {
                    return Err(bad(format!(
                        "Invalid {}: Attribute name is a reserved keyword; reserved keyword: {word}",
                        self.member
                    )));
                }
                self.last.clone_from(&word);
                Ok(Step::Member(word))
            }
            other => {
                self.last = other.map_or_else(|| "<EOF>".to_owned(), |token| token.text());
                Err(self.syntax())
            }
        }
    }

    fn aliased_value(&mut self) -> Result<Attr, ApiError> {
        match self.tokens.next() {
            Some(Token::Value(alias)) => {
                self.last.clone_from(&alias);
                self.params.value(self.member, &alias)
            }
            other => {
                self.last = other.map_or_else(|| "<EOF>".to_owned(), |token| token.text());
                Err(self.syntax())
            }
        }
    }

    /// Takes `word (` and gives the word; takes nothing where no call of a function follows.
    fn function_ahead(&mut self) -> Option<String> {
        let mut ahead = self.tokens.clone();
        let (Some(Token::Word(word)), Some(Token::Sign("("))) = (ahead.next(), ahead.next()) else { return None };
        self.tokens = ahead;
        self.last = "(".to_owned();
        Some(word)
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, ApiError>) -> Result<T, ApiError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(bad(format!("Invalid {}: The expression is nested too deeply", self.member)));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn take_sign(&mut self, sign: &'static str) -> bool {
        let taken = self.tokens.next_if_eq(&Token::Sign(sign)).is_some();
        if taken {
            sign.clone_into(&mut self.last);
        }
        taken
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.tokens.next_if(|token| matches!(token, Token::Word(w) if w.eq_ignore_ascii_case(word)));
        if found.is_some() {
            word.clone_into(&mut self.last);
        }
        found.is_some()
    }

    fn expect_sign(&mut self, sign: &'static str) -> Result<(), ApiError> {
        if self.take_sign(sign) {
            return Ok(());
        }
        self.next_text();
        Err(self.syntax())
    }

    fn next_text(&mut self) -> String {
        self.last = self.tokens.next().map_or_else(|| "<EOF>".to_owned(), |token| token.text());
        self.last.clone()
    }

    fn end(&mut self) -> Result<(), ApiError> {
        if self.tokens.peek().is_none() {
            return Ok(());
        }
        self.next_text();
        Err(self.syntax())
    }

    fn syntax(&self) -> ApiError {
        bad(format!("Invalid {}: Syntax error; token: \"{}\"", self.member, self.last))
    }

    fn unknown_function(&self, function: &str) -> ApiError {
        bad(format!("Invalid {}: Invalid function name; function: {function}", self.member))
    }

    fn wrong_operand(&self, function: &str, kind: &str) -> ApiError {
        bad(format!(
            "Invalid {}: Incorrect operand type for operator or function; operator or function: {function}, operand \
             type: {kind}",
            self.member
        ))
    }
}

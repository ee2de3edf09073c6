//! Updates: what they are, and what they make of an item. All operands are read from the item as it was before.

use crate::call::ApiError;

use super::bad;
use super::condition::look_up;
use super::params::{Path, Step, shown};
use super::value::{Attr, Item};

/// A single operand of SET.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    Path(Path),
    Value(Attr),
    IfNotExists(Path, Box<Term>),
    ListAppend(Box<Term>, Box<Term>),
}

/// The right side of SET.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    Plain(Term),
    Sum(Term, Term),
    Difference(Term, Term),
}

/// A whole update expression.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    pub set: Vec<(Path, Source)>,
    pub remove: Vec<Path>,
    pub add: Vec<(Path, Attr)>,
    pub delete: Vec<(Path, Attr)>,
}

impl Term {
    fn value(&self, item: &Item) -> Result<Attr, ApiError> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::Path(path) => look_up(item, path)
                .cloned()
                .ok_or_else(|| bad("The provided expression refers to an attribute that does not exist in the item")),
            Self::IfNotExists(path, other) => {
                look_up(item, path).map_or_else(|| other.value(item), |value| Ok(value.clone()))
            }
            Self::ListAppend(first, second) => match (first.value(item)?, second.value(item)?) {
                (Attr::L(mut first), Attr::L(second)) => {
                    first.extend(second);
                    Ok(Attr::L(first))
                }
                _ => Err(wrong_type()),
            },
        }
    }
}

impl Source {
    fn value(&self, item: &Item) -> Result<Attr, ApiError> {
        let (left, right, negate) = match self {
            Self::Plain(term) => return term.value(item),
            Self::Sum(left, right) => (left, right, false),
            Self::Difference(left, right) => (left, right, true),
        };
        match (left.value(item)?, right.value(item)?) {
            (Attr::N(left), Attr::N(right)) => left.plus(if negate { right.negated() } else { right }).map(Attr::N),
            _ => Err(wrong_type()),
        }
    }
}

fn wrong_type() -> ApiError {
    bad("An operand in the update expression has an incorrect data type")
}

fn wrong_path() -> ApiError {
    bad("The document path provided in the update expression is invalid for update")
}

impl Update {
    /// Every path that it writes.
    pub fn paths(&self) -> Vec<&Path> {
        let valued = self.add.iter().chain(&self.delete).map(|(path, _)| path);
        self.set.iter().map(|(path, _)| path).chain(&self.remove).chain(valued).collect()
    }

    /// The top-level attributes that it touches, in the order of the alphabet.
    pub fn attributes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .paths()
            .into_iter()
            .filter_map(|path| match path.first() {
                Some(Step::Member(name)) => Some(name.as_str()),
                _ => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What can be refused without an item: overlapping paths, and ADD or DELETE with a value that they cannot take.
    pub fn check(&self) -> Result<(), ApiError> {
        check_no_overlap("UpdateExpression", &self.paths())?;
        let refuse = |operator: &str, value: &Attr| {
            bad(format!(
                "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: {operator}, operand \
                 type: {}",
                value.type_name()
            ))
        };
        let is_set = |value: &Attr| matches!(value, Attr::Ss(_) | Attr::Ns(_) | Attr::Bs(_));
        if let Some((_, value)) = self.add.iter().find(|(_, value)| !is_set(value) && !matches!(value, Attr::N(_))) {
            return Err(refuse("ADD", value));
        }
        match self.delete.iter().find(|(_, value)| !is_set(value)) {
            Some((_, value)) => Err(refuse("DELETE", value)),
            None => Ok(()),
        }
    }

    /// The item after the update.
    pub fn apply(&self, before: &Item) -> Result<Item, ApiError> {
        let mut after = before.clone();
        for (path, source) in &self.set {
            put(&mut after, path, source.value(before)?)?;
        }
        for (path, value) in &self.add {
            let sum = match look_up(before, path) {
                None => value.clone(),
                Some(old) => added(old, value)?,
            };
            put(&mut after, path, sum)?;
        }
        for (path, value) in &self.delete {
            let Some(old) = look_up(before, path) else { continue };
            match without(old, value)? {
                Some(rest) => put(&mut after, path, rest)?,
                None => take(&mut after, path)?,
            }
        }
        // From the greatest path to the least, so that removing one element does not move another one before its turn.
        let mut removals: Vec<&Path> = self.remove.iter().collect();
        removals.sort();
        for path in removals.into_iter().rev() {
            take(&mut after, path)?;
        }
        Ok(after)
    }
}

/// Refuses two paths of which one holds the other.
pub fn check_no_overlap(member: &str, paths: &[&Path]) -> Result<(), ApiError> {
    for (index, one) in paths.iter().enumerate() {
        if let Some(other) = paths[index + 1..].iter().find(|other| one.starts_with(other) || other.starts_with(one)) {
            return Err(bad(format!(
                "Invalid {member}: Two document paths overlap with each other; must remove or rewrite one of these paths; \
                 path one: {}, path two: {}",
                shown(one),
                shown(other)
            )));
        }
    }
    Ok(())
}

fn added(old: &Attr, value: &Attr) -> Result<Attr, ApiError> {
    match (old, value) {
        (Attr::N(old), Attr::N(value)) => old.plus(*value).map(Attr::N),
        (Attr::Ss(old), Attr::Ss(value)) => Ok(Attr::Ss(old | value)),
        (Attr::Ns(old), Attr::Ns(value)) => Ok(Attr::Ns(old | value)),
        (Attr::Bs(old), Attr::Bs(value)) => Ok(Attr::Bs(old | value)),
        _ => Err(wrong_type()),
    }
}

/// The set without the given elements; none where nothing is left, for an empty set does not exist.
fn without(old: &Attr, value: &Attr) -> Result<Option<Attr>, ApiError> {
    let rest = match (old, value) {
        (Attr::Ss(old), Attr::Ss(value)) => Attr::Ss(old - value),
        (Attr::Ns(old), Attr::Ns(value)) => Attr::Ns(old - value),
        (Attr::Bs(old), Attr::Bs(value)) => Attr::Bs(old - value),
        _ => return Err(wrong_type()),
    };
    Ok((rest.length() != Some(0)).then_some(rest))
}

/// The parent of a path in the item, to write into.
fn parent<'a>(item: &'a mut Item, path: &[Step]) -> Result<&'a mut Attr, ApiError> {
    let Some((Step::Member(first), rest)) = path.split_first() else { return Err(wrong_path()) };
    rest.iter().try_fold(item.get_mut(first).ok_or_else(wrong_path)?, |at, step| match (at, step) {
        (Attr::M(members), Step::Member(name)) => members.get_mut(name).ok_or_else(wrong_path),
        (Attr::L(parts), Step::Element(index)) => parts.get_mut(*index).ok_or_else(wrong_path),
        _ => Err(wrong_path()),
    })
}

fn put(item: &mut Item, path: &Path, value: Attr) -> Result<(), ApiError> {
    if let [Step::Member(name)] = path.as_slice() {
        item.insert(name.clone(), value);
        return Ok(());
    }
    let Some((last, above)) = path.split_last() else { return Err(wrong_path()) };
    match (parent(item, above)?, last) {
        (Attr::M(members), Step::Member(name)) => {
            members.insert(name.clone(), value);
        }
        (Attr::L(parts), Step::Element(index)) => match parts.get_mut(*index) {
            Some(part) => *part = value,
            None => parts.push(value),
        },
        _ => return Err(wrong_path()),
    }
    Ok(())
}

fn take(item: &mut Item, path: &Path) -> Result<(), ApiError> {
    if let [Step::Member(name)] = path.as_slice() {
        item.remove(name);
        return Ok(());
    }
    let Some((last, above)) = path.split_last() else { return Err(wrong_path()) };
    match (parent(item, above)?, last) {
        (Attr::M(members), Step::Member(name)) => {
            members.remove(name);
        }
        (Attr::L(parts), Step::Element(index)) if *index < parts.len() => {
            parts.remove(*index);
        }
        (Attr::L(_), Step::Element(_)) => {}
        _ => return Err(wrong_path()),
    }
    Ok(())
}

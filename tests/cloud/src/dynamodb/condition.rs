//! Conditions: what they are, and whether an item meets them.

use super::number::Number;
use super::params::{Path, Step};
use super::value::{Attr, Item};

/// What a comparison compares.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    Path(Path),
    Value(Attr),
    Size(Path),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A condition, a filter or a key condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare(Operand, Comparison, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    HasType(Path, String),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
}

/// The value at a path of an item.
pub fn look_up<'a>(item: &'a Item, path: &[Step]) -> Option<&'a Attr> {
    let (first, rest) = path.split_first()?;
    let Step::Member(name) = first else { return None };
    rest.iter().try_fold(item.get(name)?, |at, step| match (at, step) {
        (Attr::M(members), Step::Member(name)) => members.get(name),
        (Attr::L(parts), Step::Element(index)) => parts.get(*index),
        _ => None,
    })
}

impl Operand {
    fn value(&self, item: &Item) -> Option<Attr> {
        match self {
            Self::Value(value) => Some(value.clone()),
            Self::Path(path) => look_up(item, path).cloned(),
            Self::Size(path) => {
                let length = look_up(item, path)?.length()?;
                Number::parse(&length.to_string()).ok().map(Attr::N)
            }
        }
    }
}

impl Comparison {
    /// Compares two values. Order exists only within strings, numbers and binaries; equality within every type.
    fn holds(self, left: &Attr, right: &Attr) -> bool {
        let ordered =
            matches!((left, right), (Attr::S(_), Attr::S(_)) | (Attr::N(_), Attr::N(_)) | (Attr::B(_), Attr::B(_)));
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => ordered && left < right,
            Self::LessOrEqual => ordered && left <= right,
            Self::Greater => ordered && left > right,
            Self::GreaterOrEqual => ordered && left >= right,
        }
    }
}

impl Condition {
    /// Whether the item meets it. A comparison with an absent attribute never holds, except `<>`.
    pub fn holds(&self, item: &Item) -> bool {
        match self {
            Self::And(left, right) => left.holds(item) && right.holds(item),
            Self::Or(left, right) => left.holds(item) || right.holds(item),
            Self::Not(inner) => !inner.holds(item),
            Self::Exists(path) => look_up(item, path).is_some(),
            Self::HasType(path, kind) => look_up(item, path).is_some_and(|value| value.type_name() == kind),
            Self::Compare(left, comparison, right) => match (left.value(item), right.value(item)) {
                (Some(left), Some(right)) => comparison.holds(&left, &right),
                _ => *comparison == Comparison::NotEqual,
            },
            Self::Between(value, low, high) => match (value.value(item), low.value(item), high.value(item)) {
                (Some(value), Some(low), Some(high)) => {
                    Comparison::GreaterOrEqual.holds(&value, &low) && Comparison::LessOrEqual.holds(&value, &high)
                }
                _ => false,
            },
            Self::In(value, all) => {
                let wanted = value.value(item);
                wanted.is_some() && all.iter().any(|one| one.value(item) == wanted)
            }
            Self::BeginsWith(value, prefix) => match (value.value(item), prefix.value(item)) {
                (Some(Attr::S(value)), Some(Attr::S(prefix))) => value.starts_with(&prefix),
                (Some(Attr::B(value)), Some(Attr::B(prefix))) => value.starts_with(&prefix),
                _ => false,
            },
            Self::Contains(whole, part) => match (whole.value(item), part.value(item)) {
                (Some(whole), Some(part)) => contains(&whole, &part),
                _ => false,
            },
        }
    }

    /// The names of the top-level attributes that it looks at.
    pub fn attributes(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a str>) {
        let mut operands: Vec<&'a Operand> = Vec::new();
        let mut paths: Vec<&'a Path> = Vec::new();
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.collect(found);
                right.collect(found);
            }
            Self::Not(inner) => inner.collect(found),
            Self::Exists(path) | Self::HasType(path, _) => paths.push(path),
            Self::Compare(left, _, right) | Self::BeginsWith(left, right) | Self::Contains(left, right) => {
                operands.extend([left, right]);
            }
            Self::Between(value, low, high) => operands.extend([value, low, high]),
            Self::In(value, all) => operands.extend(std::iter::once(value).chain(all)),
        }
        paths.extend(operands.into_iter().filter_map(|operand| match operand {
            Operand::Path(path) | Operand::Size(path) => Some(path),
            Operand::Value(_) => None,
        }));
        found.extend(paths.into_iter().filter_map(|path| match path.first() {
            Some(Step::Member(name)) => Some(name.as_str()),
            _ => None,
        }));
    }
}

fn contains(whole: &Attr, part: &Attr) -> bool {
    match (whole, part) {
        (Attr::S(whole), Attr::S(part)) => whole.contains(part.as_str()),
        (Attr::B(whole), Attr::B(part)) => part.is_empty() || whole.windows(part.len()).any(|window| window == part),
        (Attr::Ss(all), Attr::S(one)) => all.contains(one),
        (Attr::Ns(all), Attr::N(one)) => all.contains(one),
        (Attr::Bs(all), Attr::B(one)) => all.contains(one),
        (Attr::L(all), one) => all.contains(one),
        _ => false,
    }
}

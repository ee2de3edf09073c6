//! An event flattened to its leaves, each with the array elements in which it lies.
//!
//! It must never decide what matches; that is the pattern's.

use serde_json::Value;

/// One scalar of an event.
#[derive(Debug)]
pub(super) struct Leaf<'e> {
    pub path: Vec<&'e str>,
    pub value: &'e Value,
    /// For each array around the leaf that holds objects: the array's number and the element.
    elements: Vec<(usize, usize)>,
}

impl Leaf<'_> {
    /// Whether both leaves can be meant at once: never two different elements of one array.
    pub fn shares_elements_with(&self, other: &Leaf<'_>) -> bool {
        self.elements.iter().all(|(array, element)| other.elements.iter().all(|(of, at)| of != array || at == element))
    }
}

/// All leaves of an event. Objects and arrays without content have none.
pub(super) fn flatten(event: &Value) -> Vec<Leaf<'_>> {
    let mut walk = Walk { leaves: Vec::new(), arrays: 0 };
    walk.visit(event, &mut Vec::new(), &mut Vec::new());
    walk.leaves
}

struct Walk<'e> {
    leaves: Vec<Leaf<'e>>,
    arrays: usize,
}

impl<'e> Walk<'e> {
    fn visit(&mut self, value: &'e Value, path: &mut Vec<&'e str>, elements: &mut Vec<(usize, usize)>) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    path.push(name);
                    self.visit(inner, path, elements);
                    path.pop();
                }
            }
            Value::Array(values) => {
                self.arrays += 1;
                let array = self.arrays;
                for (index, inner) in values.iter().enumerate() {
                    // A scalar element binds nothing: only objects have fields that must come from one element.
                    let binds = inner.is_object() || inner.is_array();
                    if binds {
                        elements.push((array, index));
                    }
                    self.visit(inner, path, elements);
                    if binds {
                        elements.pop();
                    }
                }
            }
            _ => self.leaves.push(Leaf { path: path.clone(), value, elements: elements.clone() }),
        }
    }
}

//! A stack without some of its functions: for a stage that has not built them all.
//!
//! | of a function that is left out | on the stage |
//! |---|---|
//! | the function, its role, its schedules, mappings, permissions and its configuration of retries | are not there |
//! | alarms that watch it alone | are not there: silence would make them speak |
//! | its log group, its bucket, outputs, rules that would wake it and others | are there |

use std::collections::BTreeSet;

use super::stack::{FunctionSpec, Stack};

impl Stack {
    /// Takes out the functions with these binaries, and what is there for them alone.
    pub fn leave_out(&mut self, binaries: &BTreeSet<String>) {
        let left_out: Vec<FunctionSpec> =
            self.functions.extract_if(.., |function| binaries.contains(&function.binary)).collect();
        let is = |given: &str| left_out.iter().any(|function| function.name == given || function.arn == given);
        self.roles.retain(|role| !left_out.iter().any(|function| function.role_arn == role.arn));
        self.schedules.retain(|schedule| !is(&schedule.target.arn));
        self.mappings.retain(|mapping| !is(&mapping.function));
        self.permissions.retain(|grant| !is(&grant.function_arn));
        self.invoke_configs.retain(|config| !is(&config.function));
        let short: Vec<&str> = left_out.iter().filter_map(|function| self.short_name(&function.name)).collect();
        self.alarms.retain(|alarm| {
            let dimensions = alarm.properties["Dimensions"].as_array();
            !dimensions.into_iter().flatten().any(|dimension| {
                let value = dimension["Value"].as_str().unwrap_or_default();
                match dimension["Name"].as_str() {
                    Some("FunctionName") => is(value),
                    // pitcrew's own metrics name a function without the stack.
                    Some("Function") => short.contains(&value),
                    _ => false,
                }
            })
        });
    }

    fn short_name<'n>(&self, function: &'n str) -> Option<&'n str> {
        function.strip_prefix(&self.name)?.strip_prefix('-')
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::interpret;
    use super::super::tests::inputs;
    use super::*;
    use crate::stage::TEMPLATE;

    #[test]
    fn nothing_that_is_there_for_one_function_alone_stays_and_all_else_does() {
        let whole = interpret(TEMPLATE, &inputs(&[("Autonomy", "act")])).unwrap();
        let mut part = whole.clone();
        part.leave_out(&BTreeSet::from(["pitcrew-certificates".to_owned()]));
        let counts = |stack: &Stack| {
            let Stack { functions, roles, schedules, mappings, permissions, invoke_configs, alarms, .. } = stack;
            [
                functions.len(),
                roles.len(),
                schedules.len(),
                mappings.len(),
                permissions.len(),
                invoke_configs.len(),
                alarms.len(),
            ]
        };
        let fewer: Vec<usize> = counts(&whole).iter().zip(counts(&part)).map(|(all, left)| all - left).collect();
        assert_eq!(fewer, [1, 1, 1, 1, 1, 1, 2], "{whole:#?}");
        assert_eq!((&part.rules, &part.buckets, &part.outputs), (&whole.rules, &whole.buckets, &whole.outputs));
        let names: Vec<&Value> = part.alarms.iter().map(|alarm| &alarm.properties["AlarmName"]).collect();
        assert!(!names.iter().any(|name| *name == "s-certificates-sweep"), "{names:?}");
        let mut same = whole.clone();
        same.leave_out(&BTreeSet::new());
        assert_eq!(same, whole);
    }
}

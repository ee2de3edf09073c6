//! Answers of AWS as facts of the audit. Unlike a decision, an audit does not stop for what may pass by itself: the wire has
//! waited and tried again already, and what could not be read by then is not checked, and said so.

use pitcrew_aws::error::{AwsError, Kind};
use pitcrew_core::fact::Fact;

use crate::cache::Read;

/// The fact: what was read, or why it was not.
pub(crate) fn settled<T>(answer: Result<T, AwsError>) -> Fact<T> {
    match answer {
        Ok(value) => Fact::Known(value),
        Err(error) => {
            tracing::warn!(operation = error.operation, error = error.line(), "a fact cannot be read");
            Fact::Unavailable(reason(&error))
        }
    }
}

/// The same, of a read that others may share.
pub(crate) fn shared<T>(answer: Result<T, AwsError>) -> Read<Fact<T>> {
    let lasting = lasts(&answer);
    Read { value: settled(answer), lasting }
}

/// Whether the answer would be the same the next time.
pub(crate) fn lasts<T>(answer: &Result<T, AwsError>) -> bool {
    answer.as_ref().err().is_none_or(|error| !matches!(error.kind, Kind::Transient | Kind::Unknown))
}

/// Why it could not be read, in one line: `ec2:DescribeSubnets is denied to arn:aws:sts::123456789012:assumed-role/audit/x`.
pub(crate) fn reason(error: &AwsError) -> String {
    if error.kind != Kind::Denied {
        return error.line();
    }
    match user(&error.message) {
        Some(user) => format!("{} is denied to {user}", error.operation),
        None => format!("{} is denied", error.operation),
    }
}

/// Whom a refusal names: `User: arn:aws:sts::... is not authorized to perform: ...`.
fn user(message: &str) -> Option<&str> {
    message.split("User: ").nth(1)?.split_whitespace().next()
}

/// The fact for what hangs on another one that is missing.
pub(crate) fn likewise<T, U>(fact: &Fact<T>) -> Fact<U> {
    match fact {
        Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
        Fact::Known(_) | Fact::Unread => Fact::Unread,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(message: &str) -> AwsError {
        let mut error = AwsError::broken("ec2:DescribeSubnets", message);
        error.kind = Kind::Denied;
        error
    }

    #[test]
    fn a_refusal_names_the_permission_and_who_lacks_it() {
        let message = "You are not authorized to perform this operation. User: \
                       arn:aws:sts::123456789012:assumed-role/audit/x is not authorized to perform: ec2:DescribeSubnets";
        let Fact::Unavailable(why) = settled::<()>(Err(denied(message))) else { panic!("it is known") };
        assert_eq!(why, "ec2:DescribeSubnets is denied to arn:aws:sts::123456789012:assumed-role/audit/x");
        assert_eq!(reason(&denied("no")), "ec2:DescribeSubnets is denied");
    }

    #[test]
    fn what_may_pass_by_itself_does_not_last() {
        assert!(lasts(&Ok(())) && lasts::<()>(&Err(denied("no"))));
        assert!(!shared::<()>(Err(AwsError::again("iam:GetRole", "later"))).lasting);
        assert!(shared::<()>(Err(denied("no"))).lasting);
    }

    #[test]
    fn another_failure_says_what_aws_said() {
        let why = reason(&AwsError::again("ec2:DescribeSubnets", "later"));
        assert_eq!(why, "ec2:DescribeSubnets failed: unfinished: later");
    }
}

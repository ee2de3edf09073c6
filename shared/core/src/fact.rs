//! What is known of one thing: a decision asks for facts one by one, and one that cannot be had is a fact too.

/// One fact: not read yet, read, or not to be had (and why).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fact<T> {
    #[default]
    Unread,
    Known(T),
    Unavailable(String),
}

impl<T> Fact<T> {
    /// The value or why there is none; `None` where it was not read yet.
    pub fn get(&self) -> Option<Result<&T, &str>> {
        match self {
            Self::Unread => None,
            Self::Known(value) => Some(Ok(value)),
            Self::Unavailable(why) => Some(Err(why)),
        }
    }
}

//! What follows a record: how the one path of a subject goes on.

/// What to do once the record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Decide again with what is known.
    Again,
    /// Read the live state again, then decide: an intent was written.
    Reread,
    /// End; look again after so many seconds where a number is given.
    Stop { wake_after_secs: Option<u32> },
}

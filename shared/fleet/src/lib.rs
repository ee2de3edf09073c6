//! Reads an App Runner fleet into the facts of the audit.

//! What is said of a setting that cannot be understood.

/// A setting that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{value}\" is no {what}: write {allowed}")]
pub struct BadSetting {
    value: String,
    what: &'static str,
    allowed: &'static str,
}

impl BadSetting {
    pub(crate) fn new(value: &str, what: &'static str, allowed: &'static str) -> Self {
        Self {
            value: value.to_owned(),
            what,
            allowed,
        }
    }

    /// What may be written instead, in words.
    pub fn allowed(&self) -> &'static str {
        self.allowed
    }
}

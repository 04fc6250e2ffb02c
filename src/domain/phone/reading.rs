//! How the numbers of a text are read that have no plus.

use super::region::Region;

/// What is known of numbers without a plus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// The country that national numbers belong to.
    pub region: Option<Region>,
    /// The row itself names that country: it is no default.
    pub row_names_region: bool,
    /// Numbers begin with their country code. A number that is valid in `region` too, and another one there,
    /// is refused, unless it is a mobile of that country and no mobile without the code.
    pub international: bool,
}

impl From<Option<Region>> for Reading {
    fn from(region: Option<Region>) -> Self {
        Self {
            region,
            ..Self::default()
        }
    }
}

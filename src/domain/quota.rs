//! placeholder until the pacer lands
/// Parsed headers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaHeaders;
impl QuotaHeaders {
    /// parse
    pub fn parse(_: Option<&str>, _: Option<&str>, _: Option<&str>) -> Self {
        Self
    }
}

//! What is sent: a template, compiled once, rendered once for each row and frozen.

/// The content of one message, rendered: the JSON of the API's `content` object, as it will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The JSON text of `content`.
    pub content: String,
    /// The JSON text of the caller's own metadata (`--tag`, `--metadata`); `{}` if there is none.
    pub metadata: String,
}

//! A content that was checked once, and makes the message of each row.

use serde_json::json;

use super::compile::{Compiler, canonical, metadata_of};
use super::names::Role;
use super::part::{Part, push_quoted};
use super::problem::{ContentError, Notice, RenderProblem};
use super::shape;
use super::source::{Body, CONTENT_MAX, ContentSource};
use super::text::Engine;
use crate::domain::record::Record;

/// The content of one message, rendered: the JSON of the API's `content` object, as it will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The JSON text of `content`.
    pub content: String,
    /// The JSON text of the caller's own metadata (`--tag`, `--metadata`); `{}` if there is none.
    pub metadata: String,
}

/// A content that was checked against the columns of a file, ready to be rendered on any thread.
#[derive(Debug)]
pub struct Template {
    engine: Engine,
    content: Vec<Part>,
    metadata: Vec<Part>,
    notices: Vec<Notice>,
    canonical: String,
}

impl Template {
    /// Checks the content against the columns of the file and prepares it.
    ///
    /// `columns` are the headers in the order of the fields of the [`Record`]s to come.
    ///
    /// # Errors
    ///
    /// [`ContentError`] if the content is not of a documented shape, a template is not well formed or
    /// names a column that is not there, or a tag or metadata key is refused.
    pub fn compile(source: &ContentSource, columns: &[String]) -> Result<Self, ContentError> {
        Self::compile_with_roles(source, columns, &[])
    }

    /// As [`Self::compile`]; a name that is no column's may be what a column was taken for.
    ///
    /// # Errors
    ///
    /// As [`Self::compile`].
    pub(crate) fn compile_with_roles(
        source: &ContentSource,
        columns: &[String],
        roles: &[Role],
    ) -> Result<Self, ContentError> {
        let (body, root) = body_of(source);
        shape::check(&body)?;
        let (metadata, notices) = metadata_of(source)?;
        let canonical = canonical(&body, &metadata);
        let mut compiler = Compiler {
            engine: Engine::new(columns, roles)?,
            parts: Vec::new(),
        };
        compiler.content(&body, root)?;
        let content = std::mem::take(&mut compiler.parts);
        compiler.metadata(&metadata)?;
        let Compiler {
            engine,
            parts: metadata,
        } = compiler;
        Ok(Self {
            engine,
            content,
            metadata,
            notices,
            canonical,
        })
    }

    /// [`Self::canonical`] of a content whose columns are not known yet.
    ///
    /// # Errors
    ///
    /// [`ContentError`] if a tag or metadata key is refused.
    pub(crate) fn canonical_of(source: &ContentSource) -> Result<String, ContentError> {
        let (body, _) = body_of(source);
        let (metadata, _) = metadata_of(source)?;
        Ok(canonical(&body, &metadata))
    }

    /// Checks all that can be checked without a list: what is wrong whatever its columns are. Returns what the user
    /// should know.
    ///
    /// # Errors
    ///
    /// As [`Self::compile`], but for columns that are not there.
    pub(crate) fn check(source: &ContentSource) -> Result<Vec<Notice>, ContentError> {
        let mut columns: Vec<String> = Vec::new();
        loop {
            match Self::compile(source, &columns) {
                // A list may have it. The next name, or what is wrong beyond it, comes then.
                Err(ContentError::UnknownColumn { name, .. }) if !columns.contains(&name) => {
                    columns.push(name);
                }
                Ok(template) => return Ok(template.notices),
                // Whether a name is a column's, and which, is said when the list is there.
                Err(
                    ContentError::AmbiguousColumn { .. }
                    | ContentError::UnknownColumn { .. }
                    | ContentError::ForeignPlaceholder { .. },
                ) => {
                    return Ok(Vec::new());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes the message of one row.
    ///
    /// # Errors
    ///
    /// [`RenderProblem`] if this row lacks what the template needs.
    pub fn render(&self, record: &Record) -> Result<Rendered, RenderProblem> {
        Ok(Rendered {
            content: self.write(&self.content, record)?,
            metadata: self.write(&self.metadata, record)?,
        })
    }

    /// True if the message of a row is made with the column.
    pub(crate) fn uses(&self, column: usize) -> bool {
        let parts = self.content.iter().chain(&self.metadata);
        parts.into_iter().any(|part| match part {
            Part::Json(_) => false,
            Part::Text { text, .. } => self.engine.uses(text, column),
        })
    }

    /// What the user should read before the first send.
    pub(crate) fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The content, tag and metadata as one text, for the digest of a batch. Two contents with the same
    /// meaning have the same text: `--message X` and its JSON, with the keys in any order.
    pub(crate) fn canonical(&self) -> &str {
        &self.canonical
    }

    fn write(&self, parts: &[Part], record: &Record) -> Result<String, RenderProblem> {
        let mut out = String::with_capacity(128);
        for part in parts {
            match part {
                Part::Json(json) => out.push_str(json),
                Part::Text { text, place, rule } => {
                    let text = self.engine.render(text, place, record)?;
                    rule.check(&text, place)?;
                    push_quoted(&mut out, &text);
                }
            }
            if out.len() > CONTENT_MAX {
                return Err(RenderProblem::TooLarge { found: out.len() });
            }
        }
        Ok(out)
    }
}

/// The JSON of the content with its templates, and what it is called in errors.
fn body_of(source: &ContentSource) -> (serde_json::Value, &'static str) {
    match &source.body {
        Body::Message(text) => (json!({ "type": "text", "payload": text }), "message"),
        Body::Json(value) => (value.clone(), "content"),
    }
}

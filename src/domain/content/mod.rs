//! What is sent: a template, compiled once, rendered once for each row and frozen.
//!
//! A [`ContentSource`] is what the user gave (`--message` or `--content`, `--tag`, `--metadata`).
//! [`Template::compile`] checks all of it against the columns of the file before any row is read: the
//! content has a documented shape, every name stands for a column, the tag is a documented one.
//! [`Template::render`] then makes one row's message, or says what that row lacks.
//!
//! # In a template
//!
//! - `{{ first_name }}` is the cell of the column `First Name`: headers become names in lower case,
//!   with one underscore for every run of other characters than letters and digits. The header as it
//!   stands works too: `{{ row["First Name"] }}`.
//! - A row whose cell is empty or blank is refused, unless the template says what then:
//!   `{{ first_name | default("there") }}` or `{% if first_name %}...{% endif %}`.
//! - Nothing is escaped: cells arrive as they are, in valid JSON, whatever they hold.
//! - In `--content` every string is a template; keys, numbers and the top `type` are not.

mod compile;
mod names;
mod problem;
mod shape;
mod tags;
mod text;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use serde_json::{Value, json};

pub use self::problem::{ContentError, Notice, RenderProblem};

use self::compile::{Compiler, canonical, metadata_of};
use self::text::{Engine, Text, is_blank};
use super::recipient::Record;

/// Keys of a message's metadata that are ours: they tell batch and row, and no user may set them.
pub const OWN_METADATA_KEYS: [&str; 3] = [BATCH_KEY, ROW_KEY, RECIPIENT_KEY];

/// Metadata: the batch's name.
pub const BATCH_KEY: &str = "outreach_batch";
/// Metadata: the row in the contacts file, as a spreadsheet numbers it.
pub const ROW_KEY: &str = "outreach_row";
/// Metadata: the recipient's place in the batch, which finds it again.
pub const RECIPIENT_KEY: &str = "outreach_recipient";

/// The most characters that `platform_metadata` may have, by the API's documentation.
pub const PLATFORM_METADATA_MAX: usize = 1_000;

/// What the user asks to be sent, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentSource {
    /// The message itself.
    pub body: Body,
    /// `--tag`, in any case.
    pub tag: Option<String>,
    /// `--metadata KEY=TEMPLATE`, in the order given.
    pub metadata: Vec<(String, String)>,
}

/// The two ways to give a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// `--message TEMPLATE`: a text.
    Message(String),
    /// `--content FILE.json`: the API's `content` object, every string of it a template.
    Json(Value),
}

impl ContentSource {
    /// A plain text message without tag and metadata.
    pub fn message(template: impl Into<String>) -> Self {
        Self {
            body: Body::Message(template.into()),
            tag: None,
            metadata: Vec::new(),
        }
    }

    /// A content object without tag and metadata.
    pub fn json(content: Value) -> Self {
        Self {
            body: Body::Json(content),
            tag: None,
            metadata: Vec::new(),
        }
    }
}

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

/// A stretch of the JSON to write.
#[derive(Debug)]
enum Part {
    /// JSON text, as it is.
    Json(String),
    /// A JSON string: the rendered text, quoted.
    Text {
        text: Text,
        place: String,
        rule: Rule,
    },
}

/// What a rendered string must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Any,
    /// The text or the link that makes the message.
    NotBlank,
    /// `platform_metadata`.
    Short,
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
        let (body, root) = match &source.body {
            Body::Message(text) => (json!({ "type": "text", "payload": text }), "message"),
            Body::Json(value) => (value.clone(), "content"),
        };
        shape::check(&body)?;
        let (metadata, notices) = metadata_of(source)?;
        let canonical = canonical(&body, &metadata);
        let mut compiler = Compiler {
            engine: Engine::new(columns)?,
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

    /// What is to be told on screen before the first send.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// The content, tag and metadata as one text, the same for whatever means the same: `--message X`
    /// and the JSON that it stands for, whatever the order of the keys. For the digest of a batch.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    fn write(&self, parts: &[Part], record: &Record) -> Result<String, RenderProblem> {
        let mut out = String::with_capacity(128);
        for part in parts {
            match part {
                Part::Json(json) => out.push_str(json),
                // The common case goes from the cell into the JSON without a copy between.
                Part::Text {
                    text: Text::Simple(pieces),
                    rule: Rule::Any | Rule::NotBlank,
                    ..
                } => {
                    out.push('"');
                    for piece in pieces {
                        push_escaped(&mut out, self.engine.piece(piece, record)?);
                    }
                    out.push('"');
                }
                Part::Text { text, place, rule } => {
                    let text = self.engine.render(text, place, record)?;
                    rule.check(&text, place)?;
                    out.push('"');
                    push_escaped(&mut out, &text);
                    out.push('"');
                }
            }
        }
        Ok(out)
    }
}

impl Rule {
    fn check(self, text: &str, place: &str) -> Result<(), RenderProblem> {
        match self {
            Self::Any => Ok(()),
            Self::NotBlank => {
                if is_blank(text) {
                    return Err(RenderProblem::Blank {
                        place: place.to_owned(),
                    });
                }
                Ok(())
            }
            Self::Short => match text.chars().count() {
                0..=PLATFORM_METADATA_MAX => Ok(()),
                found => Err(RenderProblem::TooLong { found }),
            },
        }
    }
}

/// Appends `text` as the inside of a JSON string.
fn push_escaped(out: &mut String, text: &str) {
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1F => "",
            _ => continue,
        };
        // All escaped bytes are ASCII, so both ends of the slice are character boundaries.
        out.push_str(text.get(clean..at).unwrap_or_default());
        if escape.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
        clean = at + 1;
    }
    out.push_str(text.get(clean..).unwrap_or_default());
}

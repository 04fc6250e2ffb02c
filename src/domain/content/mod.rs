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

mod names;
mod shape;
mod tags;
mod text;

#[cfg(test)]
mod tests;

use std::fmt::{self, Write as _};

use serde_json::{Map, Value, json};
use thiserror::Error;

use self::text::{Engine, Text, is_blank};
use super::recipient::{Record, RowProblem};

/// Keys of a message's metadata that are ours: they tell batch and row, and no user may set them.
pub const OWN_METADATA_KEYS: [&str; 2] = ["outreach_batch", "outreach_row"];

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

/// Why a content cannot be used at all. Nothing has been sent when this is told.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContentError {
    /// The content object is not of a documented shape.
    #[error("the content {0}")]
    Shape(String),
    /// A template is not well formed, or uses a filter that does not exist.
    #[error("the template in {place}{line} cannot be read: {message}")]
    Syntax {
        /// Which string: `message`, `content.payload.title`, `metadata.campaign`.
        place: String,
        /// `, line 3`, or empty.
        line: String,
        /// What is wrong.
        message: String,
    },
    /// A template names a column that the file does not have.
    #[error(
        "the template in {place} names the column `{name}`, which the file does not have{hint}"
    )]
    UnknownColumn {
        /// Which string.
        place: String,
        /// The name as written.
        name: String,
        /// What was probably meant, as the end of a sentence; may be empty.
        hint: String,
    },
    /// A template names a variable that two headers would give.
    #[error(
        "the template in {place} names `{name}`, which could be the column {first:?} or the column \
         {second:?}: write row[{first:?}] or row[{second:?}]"
    )]
    AmbiguousColumn {
        /// Which string.
        place: String,
        /// The name as written.
        name: String,
        /// The first header.
        first: String,
        /// The second header.
        second: String,
    },
    /// The message is blank whatever the row.
    #[error("the message is empty: nothing would be sent; give --message a text")]
    Empty,
    /// The tag is not in the API's documentation.
    #[error("the tag {tag:?} is not one that the API knows{hint}")]
    UnknownTag {
        /// The tag as given.
        tag: String,
        /// The near match, as the end of a sentence; may be empty.
        hint: String,
    },
    /// The one tag that is documented without saying what becomes of it.
    #[error(
        "the tag NON_PROMOTIONAL_SUBSCRIPTION is refused: Facebook stopped accepting it in 2020, and \
         what Amio makes of it is not documented, so nobody can say whether the messages would arrive; \
         use ACCOUNT_UPDATE, CONFIRMED_EVENT_UPDATE or POST_PURCHASE_UPDATE, whichever is true"
    )]
    UnmappedTag,
    /// `type` and `tag` exclude each other.
    #[error("--tag and --metadata type=... exclude each other: leave one out")]
    TypeAndTag,
    /// A metadata key that may not be set so.
    #[error("--metadata {key}=...: {reason}")]
    Metadata {
        /// The key.
        key: String,
        /// Why not, and what to do.
        reason: String,
    },
}

impl ContentError {
    fn syntax(place: &str, error: &minijinja::Error) -> Self {
        Self::Syntax {
            place: place.to_owned(),
            line: error
                .line()
                .map(|line| format!(", line {line}"))
                .unwrap_or_default(),
            message: error
                .detail()
                .map_or_else(|| error.kind().to_string(), str::to_owned),
        }
    }
}

/// Why one row's message cannot be made. Tells the column, never the text of the cell.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderProblem {
    /// A cell that the template needs is empty.
    #[error(
        "the column {column:?} is empty in this row, and the message needs it (fill the cell, or give \
         the template a default)"
    )]
    MissingValue {
        /// The header of the column.
        column: String,
    },
    /// A cell holds characters that no text may hold.
    #[error(
        "the column {column:?} holds characters that are not text (U+FDD0 to U+FDEF): remove them"
    )]
    Noncharacter {
        /// The header of the column.
        column: String,
    },
    /// The message would be blank.
    #[error("the message would be empty for this row ({place})")]
    Blank {
        /// Which string came out blank.
        place: String,
    },
    /// `platform_metadata` is over its documented limit.
    #[error(
        "`platform_metadata` would have {found} characters, and the API takes {PLATFORM_METADATA_MAX}"
    )]
    TooLong {
        /// Characters that it would have.
        found: usize,
    },
    /// The template engine refused this row's values.
    #[error("the template in {place} cannot be filled in for this row: {message}")]
    Template {
        /// Which string.
        place: String,
        /// What the engine says.
        message: String,
    },
}

impl From<RenderProblem> for RowProblem {
    fn from(problem: RenderProblem) -> Self {
        Self::Content {
            message: problem.to_string(),
        }
    }
}

/// Something to tell the user on screen before the first send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Amio turns the tag into another one.
    TagRewritten {
        /// The tag as it is sent.
        tag: String,
        /// The tag that it becomes.
        becomes: &'static str,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TagRewritten { tag, becomes } => {
                write!(
                    f,
                    "the tag {tag} is an old one: Amio sends the messages as {becomes}"
                )
            }
        }
    }
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

/// Turns values into parts.
struct Compiler {
    engine: Engine,
    parts: Vec<Part>,
}

impl Compiler {
    fn content(&mut self, body: &Value, root: &str) -> Result<(), ContentError> {
        let Value::Object(object) = body else {
            return Ok(());
        };
        self.object(object, |this, key, value| {
            let place = if root == "message" {
                root.to_owned()
            } else {
                format!("{root}.{key}")
            };
            match (key, value) {
                // `shape` has checked it against the list of types; it is no template.
                ("type", value) => {
                    this.json(&value.to_string());
                    Ok(())
                }
                ("payload", Value::String(text)) => this.text(text, place, Rule::NotBlank),
                ("payload", Value::Object(payload)) => this.object(payload, |this, key, value| {
                    let place = format!("{place}.{key}");
                    match (key, value) {
                        ("url", Value::String(url)) => this.text(url, place, Rule::NotBlank),
                        _ => this.value(value, place),
                    }
                }),
                _ => this.value(value, place),
            }
        })
    }

    fn metadata(&mut self, metadata: &Map<String, Value>) -> Result<(), ContentError> {
        self.object(metadata, |this, key, value| {
            let place = format!("metadata.{key}");
            match (key, value) {
                ("tag" | "type", value) => {
                    this.json(&value.to_string());
                    Ok(())
                }
                ("platform_metadata", Value::String(text)) => this.text(text, place, Rule::Short),
                _ => this.value(value, place),
            }
        })
    }

    fn value(&mut self, value: &Value, place: String) -> Result<(), ContentError> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.json(&value.to_string());
                Ok(())
            }
            Value::String(text) => self.text(text, place, Rule::Any),
            Value::Array(items) => {
                self.json("[");
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.json(",");
                    }
                    self.value(item, format!("{place}[{index}]"))?;
                }
                self.json("]");
                Ok(())
            }
            Value::Object(object) => self.object(object, |this, key, value| {
                this.value(value, format!("{place}.{key}"))
            }),
        }
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        mut member: impl FnMut(&mut Self, &str, &Value) -> Result<(), ContentError>,
    ) -> Result<(), ContentError> {
        self.json("{");
        for (index, (key, value)) in object.iter().enumerate() {
            let mut name = String::from(if index > 0 { ",\"" } else { "\"" });
            push_escaped(&mut name, key);
            name.push_str("\":");
            self.json(&name);
            member(self, key, value)?;
        }
        self.json("}");
        Ok(())
    }

    fn text(&mut self, source: &str, place: String, rule: Rule) -> Result<(), ContentError> {
        let text = self.engine.compile(source, &place)?;
        if let Text::Literal(literal) = &text {
            match rule.check(literal, &place) {
                Ok(()) => {}
                Err(RenderProblem::Blank { .. }) if place == "message" => {
                    return Err(ContentError::Empty);
                }
                Err(RenderProblem::Blank { .. }) => {
                    return Err(ContentError::Shape(format!("has an empty `{place}`")));
                }
                Err(problem) => {
                    return Err(ContentError::Metadata {
                        key: place.trim_start_matches("metadata.").to_owned(),
                        reason: problem.to_string(),
                    });
                }
            }
            let mut quoted = String::from("\"");
            push_escaped(&mut quoted, literal);
            quoted.push('"');
            self.json(&quoted);
            return Ok(());
        }
        self.parts.push(Part::Text { text, place, rule });
        Ok(())
    }

    /// Appends JSON text, to the last part where that is JSON too.
    fn json(&mut self, json: &str) {
        if let Some(Part::Json(last)) = self.parts.last_mut() {
            last.push_str(json);
        } else {
            self.parts.push(Part::Json(json.to_owned()));
        }
    }
}

/// The metadata object that the user asks for, checked, with the tag in it.
fn metadata_of(source: &ContentSource) -> Result<(Map<String, Value>, Vec<Notice>), ContentError> {
    let mut metadata = Map::new();
    let mut notices = Vec::new();
    if let Some(tag) = &source.tag {
        let (tag, notice) = tags::check(tag)?;
        notices.extend(notice);
        metadata.insert("tag".to_owned(), Value::String(tag));
    }
    for (key, template) in &source.metadata {
        let refuse = |reason: &str| ContentError::Metadata {
            key: key.clone(),
            reason: reason.to_owned(),
        };
        match key.as_str() {
            "" => return Err(refuse("the key is empty; write KEY=TEMPLATE")),
            "tag" => return Err(refuse("use --tag for the message tag")),
            key if OWN_METADATA_KEYS.contains(&key) => {
                return Err(refuse(
                    "this key is ours: it finds the row again; choose another",
                ));
            }
            "type" if source.tag.is_some() => return Err(ContentError::TypeAndTag),
            "type" if !matches!(template.as_str(), "response" | "update") => {
                return Err(refuse("must be `response` or `update`"));
            }
            _ => {}
        }
        if metadata
            .insert(key.clone(), Value::String(template.clone()))
            .is_some()
        {
            return Err(refuse("the key is given twice"));
        }
    }
    Ok((metadata, notices))
}

/// JSON with the keys of every object in order.
fn canonical(body: &Value, metadata: &Map<String, Value>) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let mut members: Vec<_> = object.iter().collect();
                members.sort_by_key(|(key, _)| *key);
                members
                    .into_iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect()
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    sorted(&json!({ "content": body, "metadata": metadata })).to_string()
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

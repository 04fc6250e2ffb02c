//! Why a content cannot be used, why a row's message cannot be made, and notices to the user.

use std::fmt;

use thiserror::Error;

use super::no_text::NoText;
use super::source::{CONTENT_MAX, PLATFORM_METADATA_MAX};

/// Why a content cannot be used at all. It is found before anything is sent.
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
    /// A template does far more than a message needs, whatever the row.
    #[error(
        "the template in {place} does far more work than a message needs (loops in loops, texts that double): it is \
         given up"
    )]
    TooMuch {
        /// Which string.
        place: String,
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
    /// A text is a placeholder in other programs: it would be sent as it stands.
    #[error(
        "the template in {place} has `{text}`, which would be sent as it stands: write {instead}"
    )]
    ForeignPlaceholder {
        /// Which string.
        place: String,
        /// The text as written.
        text: String,
        /// What to write, as the end of a sentence.
        instead: String,
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
    /// `misspelt` is what stands in the place of a name, and how the name is written.
    pub(super) fn syntax(
        place: &str,
        error: &minijinja::Error,
        misspelt: Option<(String, String)>,
    ) -> Self {
        let hint = misspelt.map_or_else(String::new, |(written, name)| {
            format!("; write `{{{{ {name} }}}}` in place of `{written}`")
        });
        let message = error
            .detail()
            .map_or_else(|| error.kind().to_string(), str::to_owned);
        Self::Syntax {
            place: place.to_owned(),
            line: error
                .line()
                .map(|line| format!(", line {line}"))
                .unwrap_or_default(),
            message: message + &hint,
        }
    }
}

/// Why one row's message cannot be made. Names the column, never the text of the cell.
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
    /// A cell that the template needs holds no text for people.
    #[error(
        "in this row the column {column:?}, which the message needs, holds {what}: fill the cell, or give the template a \
         default"
    )]
    NoText {
        /// The header of the column.
        column: String,
        /// What it holds.
        what: NoText,
    },
    /// A cell holds characters that no text may hold.
    #[error(
        "the column {column:?} holds characters that are not text (U+FDD0 to U+FDEF): remove them"
    )]
    Noncharacter {
        /// The header of the column.
        column: String,
    },
    /// Letters were lost before the list came here: the message would have the sign for that.
    #[error(
        "letters of the column {column:?} were lost when the list was saved or converted (\u{fffd} stands for them): type \
         them again, or export the list in UTF-8"
    )]
    LostLetters {
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
    /// The template does far more than a message needs.
    #[error(
        "the template in {place} does far more work than a message needs with this row's values: it is given up"
    )]
    TooMuch {
        /// Which string.
        place: String,
    },
    /// The message is larger than any that could be sent.
    #[error(
        "the message would have {found} bytes for this row: more than {CONTENT_MAX} are not sent"
    )]
    TooLarge {
        /// Bytes that it would have.
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

/// Something that the user should read before the first send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Facebook refuses messages with the tag.
    RetiredTag {
        /// The tag as it is sent.
        tag: String,
        /// The tag that Amio makes of it.
        becomes: &'static str,
    },
    /// The tag is for a person's own answer.
    HumanAgent,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RetiredTag { tag, becomes } => {
                write!(f, "the tag {tag} ")?;
                if tag != becomes {
                    write!(f, "(Amio sends it as {becomes}) ")?;
                }
                f.write_str(
                    "was retired by Facebook on 27 April 2026: messages with it are refused, to everybody",
                )
            }
            Self::HumanAgent => f.write_str(
                "the tag HUMAN_AGENT is for a person's own answer within 7 days of the other's message, after \
                 Meta reviewed the app; apps that used it in bulk were rejected",
            ),
        }
    }
}

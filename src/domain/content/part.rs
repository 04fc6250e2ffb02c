//! The pieces of JSON that a message is written from, and what a piece must hold.

use std::fmt::Write as _;

use super::problem::RenderProblem;
use super::source::PLATFORM_METADATA_MAX;
use super::text::Text;
use crate::domain::text::is_blank;

/// A stretch of the JSON to write.
#[derive(Debug)]
pub(super) enum Part {
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
pub(super) enum Rule {
    Any,
    /// The text or the link that makes the message.
    NotBlank,
    /// `platform_metadata`.
    Short,
}

impl Rule {
    pub(super) fn check(self, text: &str, place: &str) -> Result<(), RenderProblem> {
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

/// Appends `text` as a JSON string.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
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
    out.push('"');
}

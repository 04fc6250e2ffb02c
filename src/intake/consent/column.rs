//! A column that says who may be messaged.

use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;

use super::answers::{CellConsent, answers_no, answers_yes};
use super::legend::Legend;
use super::says::{ColumnKind, says};
use crate::domain::text::trimmed;
use crate::domain::word_list::{Beginnings, WordList};
use crate::intake::column::Column;
use crate::intake::words::{DOUBTFUL_STATUS, IN_ANY_CELL, NO_CONTACT, OPTED_OUT, REFUSES};

/// A longer cell is no refusal as a whole.
pub(super) const LONGEST_REFUSAL: usize = 60;

/// A longer cell is no "yes" and no "no", in bytes.
const LONGEST_ANSWER: usize = 16;

/// A column that says who may be messaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentColumn {
    /// The column.
    #[serde(flatten)]
    pub column: Column,
    /// What it is about.
    #[serde(skip)]
    pub(in crate::intake) kind: ColumnKind,
    /// What its header says of its cells.
    #[serde(skip)]
    pub(super) legend: Legend,
    /// The columns beside it whose cells are no answers: an answer there was meant for this one.
    #[serde(skip)]
    pub(super) beside: Vec<usize>,
}

impl ConsentColumn {
    /// What a cell of the column says.
    pub(super) fn says(&self, cell: &str, now: Option<Timestamp>) -> CellConsent {
        says(self.kind, self.legend.read(trimmed(cell)), now)
    }

    /// Whether a cell of the column keeps its person out, or may mean it.
    pub(in crate::intake) fn keeps_out(&self, cell: &str, now: Option<Timestamp>) -> bool {
        match self.says(cell, now) {
            CellConsent::MustNot | CellConsent::MayMeanNo => true,
            CellConsent::Nothing | CellConsent::May | CellConsent::NotUnderstood => false,
        }
    }

    /// Whether a cell beside it is its "no" in words, and its own none: a comma too many in a row moves what stands behind it.
    pub(super) fn is_moved(&self, cell: &str, beside: &str) -> bool {
        let letters = beside.chars().filter(|it| it.is_alphabetic()).count();
        let is_word = letters > 1 && beside.len() <= LONGEST_ANSWER || ["x", "X"].contains(&beside);
        if !is_word || cell.contains(char::is_alphabetic) {
            return false;
        }
        match self.kind {
            ColumnKind::Consent | ColumnKind::ConsentDate => answers_no(beside),
            ColumnKind::Refusal => answers_yes(beside),
            ColumnKind::RefusalIfTicked(_)
            | ColumnKind::ConsentFrom
            | ColumnKind::ConsentUntil
            | ColumnKind::RefusalUntil
            | ColumnKind::UnclearConsent
            | ColumnKind::UnclearRefusal
            | ColumnKind::Ambiguous
            | ColumnKind::OnlyNo
            | ColumnKind::LegalBasis
            | ColumnKind::ConsentDetail
            | ColumnKind::Status
            | ColumnKind::Preference
            | ColumnKind::PreferredChannel
            | ColumnKind::Remark
            | ColumnKind::Name
            | ColumnKind::Thing
            | ColumnKind::Other => false,
        }
    }

    /// Whether it says something where it is empty, too: a column of remarks says nothing then.
    pub fn says_when_empty(&self) -> bool {
        match self.use_of() {
            Use::Consent
            | Use::ConsentThatBegins
            | Use::ConsentThatEnds
            | Use::RefusalThatEnds
            | Use::Refusals => true,
            Use::OptOuts | Use::Unclear => false,
        }
    }

    /// Whether a cell of a column that says nothing of consent is to be looked at: most are not.
    pub(in crate::intake) fn may_refuse(&self, cell: &[u8]) -> bool {
        static IN_ANY: LazyLock<Beginnings> =
            LazyLock::new(|| WordList::beginnings(&[&IN_ANY_CELL]));
        static WHOLE: LazyLock<Beginnings> =
            LazyLock::new(|| WordList::beginnings(&[&OPTED_OUT, &NO_CONTACT, &DOUBTFUL_STATUS]));
        static REFUSING: LazyLock<Beginnings> = LazyLock::new(|| WordList::beginnings(&[&REFUSES]));
        IN_ANY.may_be_in(cell)
            || self.kind == ColumnKind::Name && WHOLE.may_be_in(cell)
            || self.kind == ColumnKind::Other
                && cell.len() <= LONGEST_REFUSAL
                && (WHOLE.may_begin(cell) || REFUSING.may_be_in(cell))
    }

    /// Whether a cell of the column may be a refusal whatever it holds.
    pub(in crate::intake) fn is_of_refusal(&self) -> bool {
        matches!(
            self.kind,
            ColumnKind::Refusal | ColumnKind::RefusalIfTicked(_) | ColumnKind::UnclearRefusal
        )
    }

    /// Whether the column holds remarks.
    pub(in crate::intake) fn is_of_remarks(&self) -> bool {
        self.kind == ColumnKind::Remark
    }

    /// What is done by the column, as the beginning of a line.
    pub(in crate::intake) fn use_of(&self) -> Use {
        match self.kind {
            ColumnKind::Consent
            | ColumnKind::ConsentDate
            | ColumnKind::Refusal
            | ColumnKind::RefusalIfTicked(_)
            | ColumnKind::Ambiguous => Use::Consent,
            ColumnKind::ConsentFrom => Use::ConsentThatBegins,
            ColumnKind::ConsentUntil => Use::ConsentThatEnds,
            ColumnKind::RefusalUntil => Use::RefusalThatEnds,
            ColumnKind::OnlyNo => Use::Refusals,
            ColumnKind::Status
            | ColumnKind::Preference
            | ColumnKind::PreferredChannel
            | ColumnKind::LegalBasis
            | ColumnKind::ConsentDetail
            | ColumnKind::Remark
            | ColumnKind::Name
            | ColumnKind::Thing
            | ColumnKind::Other => Use::OptOuts,
            ColumnKind::UnclearConsent | ColumnKind::UnclearRefusal => Use::Unclear,
        }
    }
}

/// What is done by a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum Use {
    /// It says who may be messaged.
    Consent,
    /// It says from when on.
    ConsentThatBegins,
    /// It says until when.
    ConsentThatEnds,
    /// It says until when a person must not be messaged.
    RefusalThatEnds,
    /// It is about consent, and most of its cells are no answers.
    Refusals,
    /// A status, tags or remarks: they say nothing of consent but in the words of an opt-out.
    OptOuts,
    /// It may say so, and is not relied on.
    Unclear,
}

impl Use {
    pub(in crate::intake) const ALL: [Self; 7] = [
        Self::Consent,
        Self::ConsentThatBegins,
        Self::ConsentThatEnds,
        Self::RefusalThatEnds,
        Self::Refusals,
        Self::OptOuts,
        Self::Unclear,
    ];

    /// In words, before the columns.
    pub(in crate::intake) fn words(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::ConsentThatBegins => "consent from the date in it on",
            Self::ConsentThatEnds => "consent until the date in it, left out from then on",
            Self::RefusalThatEnds => "left out until the date in it",
            Self::Refusals => {
                "left out where it says \"no\", and its other cells are ignored, because most are not understood as consent"
            }
            Self::OptOuts => "left out where it says \"unsubscribed\" or the like",
            Self::Unclear => "messaged whatever it says, because that may not be about messages",
        }
    }
}

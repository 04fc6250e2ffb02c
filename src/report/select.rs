//! Which rows and columns of a batch a file of results has.

use super::error::ReportError;
use super::table::{Column, Kind};
use crate::domain::delivery::State;
use crate::domain::fold;
use crate::domain::worded::worded_enum;

worded_enum! {
    /// A column that this program writes, in the order of the file.
    pub(super) enum ResultsColumn: "a column of results" {
        Row = "outreach_row",
        Phone = "outreach_phone",
        Status = "outreach_status",
        Reason = "outreach_reason",
        MessageId = "outreach_message_id",
        ContactId = "outreach_contact_id",
        Attempts = "outreach_attempts",
        FinishedAt = "outreach_finished_at",
        DeliveredAt = "outreach_delivered_at",
        ReadAt = "outreach_read_at",
        OptedInAt = "outreach_opted_in_at",
        ReasonCode = "outreach_reason_code",
        Batch = "outreach_batch",
        File = "outreach_file",
        Channel = "outreach_channel",
        Content = "outreach_content",
    }
}

impl ResultsColumn {
    fn kind(self) -> Kind {
        match self {
            Self::Row | Self::Attempts => Kind::Count,
            Self::Reason => Kind::LongText,
            Self::Phone
            | Self::Status
            | Self::MessageId
            | Self::ContactId
            | Self::FinishedAt
            | Self::DeliveredAt
            | Self::ReadAt
            | Self::OptedInAt
            | Self::ReasonCode
            | Self::Batch
            | Self::File
            | Self::Channel
            | Self::Content => Kind::Text,
        }
    }
}

/// Our columns, behind those of the input.
pub const COLUMNS: [&str; ResultsColumn::ALL.len()] = {
    let mut names = [""; ResultsColumn::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ResultsColumn::ALL[at].word();
        at += 1;
    }
    names
};

/// Which rows and columns of a batch are written. The default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Rows with one of these statuses; none means all.
    pub statuses: Vec<String>,
    /// Only rows whose person did not get the message: refused, invalid and not mended since, or not sent yet.
    /// Not those that may have arrived (unknown), and not those that must not be messaged.
    pub only_unreached: bool,
    /// The columns by their headers, in this order; none means all.
    pub columns: Vec<String>,
}

/// A column that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    /// A column of the input.
    Input(usize),
    Results(ResultsColumn),
}

impl Chosen {
    pub(super) fn column(self, headers: &[String]) -> Column<'_> {
        match self {
            Self::Input(index) => Column {
                name: headers.get(index).map_or("", String::as_str),
                kind: Kind::Text,
            },
            Self::Results(ours) => Column {
                name: ours.word(),
                kind: ours.kind(),
            },
        }
    }
}

impl Selection {
    /// True if some rows or columns may be left out.
    pub(crate) fn is_partial(&self) -> bool {
        *self != Self::default()
    }

    /// Whether a row belongs to it that has this word for its status.
    pub(super) fn has(&self, state: State, word: &str, mended: bool) -> bool {
        (self.statuses.is_empty() || self.statuses.iter().any(|it| it == word))
            && (!self.only_unreached || (state.is_unreached() && !mended))
    }

    /// The columns of a file for a list with these headers; several of one name are all meant.
    pub(super) fn columns_of(&self, headers: &[String]) -> Result<Vec<Chosen>, ReportError> {
        let all: Vec<Chosen> = (0..headers.len())
            .map(Chosen::Input)
            .chain(ResultsColumn::ALL.map(Chosen::Results))
            .collect();
        if self.columns.is_empty() {
            return Ok(all);
        }
        let mut chosen = Vec::new();
        for wanted in &self.columns {
            let folded = fold::header(wanted);
            let before = chosen.len();
            let named = |it: &&Chosen| fold::header(it.column(headers).name) == folded;
            chosen.extend(all.iter().filter(named));
            if chosen.len() == before {
                return Err(ReportError::NoColumn {
                    column: wanted.clone(),
                    present: all
                        .iter()
                        .map(|it| it.column(headers).name)
                        .collect::<Vec<_>>()
                        .join(", "),
                });
            }
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_chosen_by_their_headers_in_the_order_asked_for() {
        let headers = ["Jméno".to_owned(), "Phone".to_owned(), "phone".to_owned()];
        let choose = |columns: &[&str]| {
            let columns = columns.iter().map(ToString::to_string).collect();
            let selection = Selection {
                columns,
                ..Selection::default()
            };
            selection.columns_of(&headers)
        };
        assert_eq!(choose(&[]).unwrap().len(), 3 + COLUMNS.len());
        assert_eq!(
            choose(&["outreach_status", "PHONE", "jmeno"]).unwrap(),
            [
                Chosen::Results(ResultsColumn::Status),
                Chosen::Input(1),
                Chosen::Input(2),
                Chosen::Input(0)
            ]
        );
        let error = choose(&["fone"]).unwrap_err().to_string();
        assert!(error.contains("fone") && error.contains("Jméno"), "{error}");
    }

    #[test]
    fn who_was_not_reached_is_neither_who_may_have_been_nor_who_must_not_be() {
        let unreached = Selection {
            only_unreached: true,
            ..Selection::default()
        };
        for state in State::ALL {
            let wanted = matches!(
                state,
                State::NoMessenger | State::Error | State::Invalid | State::Queued
            );
            assert_eq!(unreached.has(state, state.word(), false), wanted, "{state}");
            assert!(Selection::default().has(state, state.word(), true));
        }
        assert!(
            !unreached.has(State::Invalid, "invalid", true),
            "another row counts"
        );
        let unknown = Selection {
            statuses: vec!["unknown".to_owned()],
            ..Selection::default()
        };
        assert!(
            unknown.has(State::Sending, "unknown", false)
                && !unknown.has(State::Sent, "sent", false)
        );
    }
}

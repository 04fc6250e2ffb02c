//! One row of a contacts file, and what intake decided about it.

use std::fmt;

use super::content::{RenderProblem, Rendered};
use super::phone::{PhoneNumber, PhoneProblem};

pub use super::record::{Mends, Position, Record, RowNumber};

/// Why a row cannot be sent as it stands. The text for people is its `Display`; `code` groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowProblem {
    /// The phone cell holds no number that can be messaged.
    Phone(PhoneProblem),
    /// The row has more or fewer fields than the header.
    UnevenLength {
        /// Fields in the header.
        expected: usize,
        /// Fields in this row.
        found: usize,
    },
    /// A spreadsheet rounded the contact id: what is left may be another person's.
    RoundedContactId {
        /// The id as it stands in the file.
        id: String,
    },
    /// The contact id is known to belong to another number.
    ContactIdOfAnother {
        /// The id.
        id: String,
    },
    /// The content template cannot be rendered for this row.
    Content {
        /// What is missing or wrong, naming the column.
        message: String,
    },
    /// The message needs more SMS segments than are allowed.
    Segments {
        /// What it needs, what is allowed, and why.
        message: String,
    },
}

/// The word for a row with more or fewer fields than the header.
pub(crate) const UNEVEN: &str = "uneven_row";

impl RowProblem {
    /// Whether what has this word is wrong with the number, and mended by another one.
    pub(crate) fn is_of_number(code: &str) -> bool {
        ![
            UNEVEN,
            "rounded_contact_id",
            "contact_id_of_another",
            "content",
            "segments",
        ]
        .contains(&code)
    }

    /// A stable word for grouping in reports and in `--json`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Phone(problem) => problem.code(),
            Self::UnevenLength { .. } => UNEVEN,
            Self::RoundedContactId { .. } => "rounded_contact_id",
            Self::ContactIdOfAnother { .. } => "contact_id_of_another",
            Self::Content { .. } => "content",
            Self::Segments { .. } => "segments",
        }
    }
}

impl From<RenderProblem> for RowProblem {
    fn from(problem: RenderProblem) -> Self {
        Self::Content {
            message: problem.to_string(),
        }
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phone(problem) => problem.fmt(f),
            Self::UnevenLength { expected, found } => {
                write!(
                    f,
                    "the row has {found} fields where the header has {expected}"
                )
            }
            Self::RoundedContactId { id } => {
                write!(
                    f,
                    "a spreadsheet rounded the contact id {id}: its last digits are lost"
                )
            }
            Self::ContactIdOfAnother { id } => {
                write!(f, "the contact id {id} belongs to another number")
            }
            Self::Content { message } | Self::Segments { message } => f.write_str(message),
        }
    }
}

/// Why a valid number is not messaged. The text for people is its `Display`; `code` groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suppression {
    /// The number is on the suppression list.
    Listed {
        /// Why it was put there, as the user gave it.
        reason: String,
    },
    /// The same content went to the same number on the same channel within the repeat guard.
    RepeatGuard {
        /// The batch that sent it.
        batch: String,
        /// When, as RFC 3339.
        at: String,
        /// Whether it was accepted for certain.
        sure: bool,
    },
    /// The number got any message from us within `--not-within`.
    NotWithin {
        /// The batch that sent it.
        batch: String,
        /// When, as RFC 3339.
        at: String,
        /// Whether it was accepted for certain.
        sure: bool,
    },
    /// The number was answered "no Messenger" on the channel within `--skip-no-messenger-within`.
    NoMessengerWithin {
        /// When it was answered, as RFC 3339.
        at: String,
    },
    /// Another row of the same batch has the message already.
    SameBatch {
        /// The other row.
        row: u32,
        /// When, as RFC 3339.
        at: String,
    },
    /// Another number of the row, which is of the same person, is one that must not be messaged.
    OtherNumber {
        /// That number.
        phone: PhoneNumber,
        /// Why not.
        cause: Box<Suppression>,
    },
    /// The list itself says that the person must not be messaged.
    NoConsent {
        /// What its answer is.
        answer: ListAnswer,
        /// Which column, what it says, and in which row.
        says: String,
    },
    /// The person got another message from a batch whose people are left out.
    OtherMessage {
        /// The batch that sent it.
        batch: String,
        /// When, as people read it.
        at: String,
        /// Whether it was accepted for certain.
        sure: bool,
    },
    /// The list is a results file that says that this message went to the number; the checkpoint does not know of it.
    SentByList {
        /// Whether it was accepted for certain.
        sure: bool,
    },
    /// What the person wrote, or may have written, may ask not to be messaged, and nobody has read it.
    UnreadReply,
    /// It mends a row that another one mended before.
    MendedBefore {
        /// The row that is mended, and what mended it, in words.
        by: String,
    },
    /// The number is no longer in the list that `--update` brought.
    Removed,
    /// The person was erased by `forget`.
    Forgotten,
    /// The window is never open in all zones of the person's country at once.
    WindowNeverOpens,
    /// The follow-up was not sent in the time that its event leaves.
    WindowClosed,
    /// The follow-up takes nobody any more, and the event that it waited for did not come.
    NoEvent,
}

/// The answer of a list for a person who gets no message for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListAnswer {
    /// That the person must not be messaged.
    No,
    /// What is not understood, and none to rely on.
    NotUnderstood,
}

/// The words for reasons that are about one message or a time: what is suppressed for them may have another message.
const NOT_FOR_GOOD: [&str; 10] = [
    "repeat_guard",
    "not_within",
    "no_messenger_within",
    "same_batch",
    "other_message",
    "sent_by_list",
    "mended_before",
    "window_never_opens",
    "window_closed",
    "no_event",
];

/// Whether what is suppressed for the reason with this word gets no message, whatever the list and the checkpoint. One that
/// is not known does not either.
pub(crate) fn keeps_out(code: &str) -> bool {
    !NOT_FOR_GOOD.contains(&code)
}

/// The reason on the suppression list of a person who opted out.
pub(crate) const OPTED_OUT: &str = "the person asked not to be messaged";

/// The reason on the suppression list of a person whose unread reply is in another checkpoint.
pub(crate) const UNREAD: &str = "what the person wrote, or may have written, may ask not to be messaged, and nobody has read it";

/// The word for that the list refuses the person.
pub(crate) const NO_CONSENT: &str = "no_consent";

/// The word for that the list has the person no more.
pub(crate) const REMOVED: &str = "removed_by_update";

/// The word for why a row is a duplicate of one for the same person with another number.
pub(crate) const SAME_PERSON: &str = "same_person";

/// The word for why a row of an erased person shows no number.
pub(crate) const ERASED: &str = "erased";

impl Suppression {
    /// Whether the person opted out, and was not put on the list otherwise.
    pub(crate) fn is_opt_out(&self) -> bool {
        matches!(self.of_person(), Self::Listed { reason } if reason == OPTED_OUT)
    }

    /// Whether the row is held only because its consent is not understood.
    pub(crate) fn is_not_understood(&self) -> bool {
        matches!(
            self.of_person(),
            Self::NoConsent {
                answer: ListAnswer::NotUnderstood,
                ..
            }
        )
    }

    /// Why the person is not messaged, whichever number says so.
    fn of_person(&self) -> &Self {
        if let Self::OtherNumber { cause, .. } = self {
            return cause.of_person();
        }
        self
    }

    /// A stable word for grouping in reports and in `--json`: for what another number says, that of what it says.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::OtherNumber { cause, .. } => cause.code(),
            Self::Listed { .. } => "suppression_list",
            Self::RepeatGuard { .. } => "repeat_guard",
            Self::NotWithin { .. } => "not_within",
            Self::NoMessengerWithin { .. } => "no_messenger_within",
            Self::SameBatch { .. } => "same_batch",
            Self::NoConsent { .. } => NO_CONSENT,
            Self::OtherMessage { .. } => "other_message",
            Self::SentByList { .. } => "sent_by_list",
            Self::UnreadReply => "unread_reply",
            Self::MendedBefore { .. } => "mended_before",
            Self::Removed => REMOVED,
            Self::Forgotten => "forgotten",
            Self::WindowNeverOpens => "window_never_opens",
            Self::WindowClosed => "window_closed",
            Self::NoEvent => "no_event",
        }
    }
}

impl fmt::Display for Suppression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listed { reason } => write!(f, "on the suppression list: {reason}"),
            Self::RepeatGuard { batch, at, sure } => {
                let went = went(*sure);
                write!(
                    f,
                    "the same message {went} to this number at {at} (batch {batch})"
                )
            }
            Self::NotWithin { batch, at, sure } => {
                let got = if *sure { "got" } else { "may have got" };
                write!(f, "this number {got} a message at {at} (batch {batch})")
            }
            Self::OtherMessage { batch, at, sure } => {
                let went = went(*sure);
                write!(
                    f,
                    "another message {went} to this number at {at} (batch {batch}; --skip-messaged)"
                )
            }
            Self::SentByList { sure } => {
                let went = went(*sure);
                write!(
                    f,
                    "the list itself says that this message {went} to this number (outreach_status)"
                )
            }
            Self::NoMessengerWithin { at } => write!(
                f,
                "nobody was found for this number at {at} (--skip-no-messenger-within)"
            ),
            Self::SameBatch { row, at } => {
                write!(f, "this number got the message at {at} (row {row})")
            }
            Self::OtherNumber { phone, cause } => {
                write!(f, "{}: {cause}", other_number(*phone))
            }
            Self::NoConsent { says, .. } => write!(f, "no consent: {says}"),
            Self::UnreadReply => write!(f, "{UNREAD} (outreach suppress replies)"),
            Self::MendedBefore { by } => write!(f, "a row is mended once: {by}"),
            Self::Removed => f.write_str("no longer in the list (--update)"),
            Self::Forgotten => f.write_str("erased at the person's request"),
            Self::WindowNeverOpens => f.write_str("window never opens where the person lives"),
            Self::WindowClosed => {
                f.write_str("window closed: too long after the event (--expires)")
            }
            Self::NoEvent => f.write_str("the event that it waited for did not come (--open-for)"),
        }
    }
}

/// How a number is named that is not the one that the row would be sent to.
pub(crate) fn other_number(phone: PhoneNumber) -> String {
    format!("another number of the row ({})", phone.masked())
}

fn went(sure: bool) -> &'static str {
    if sure { "went" } else { "may have gone" }
}

/// What intake decided about one row. Every row gets exactly one verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// To be sent.
    Queued(Accepted),
    /// Cannot be sent as it stands.
    Invalid {
        /// What is wrong.
        problem: RowProblem,
        /// What the cell should probably say, where that is known.
        suggestion: Option<String>,
        /// The number, where it is not what is wrong: a person who is erased is found by it.
        phone: Option<PhoneNumber>,
    },
    /// The number stood in an earlier row, which is the one that counts.
    Duplicate {
        /// The number.
        phone: PhoneNumber,
        /// The row that counts.
        first: Position,
        /// The number that the two rows share is not the one that both would be sent to: it is this one.
        other: Option<PhoneNumber>,
    },
    /// Valid, but must not be messaged.
    Suppressed {
        /// The number.
        phone: PhoneNumber,
        /// Why not.
        cause: Suppression,
    },
}

/// A row that will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The recipient's number.
    pub phone: PhoneNumber,
    /// How the cell's text was mended to yield the number, for people; `None` if it was not.
    pub mended: Option<String>,
    /// Given names, where the file has them: they help the match.
    pub first_name: Option<String>,
    /// Family names, likewise.
    pub last_name: Option<String>,
    /// The contact's Amio id, where the file has a column for it.
    pub contact_id: Option<String>,
    /// What will be sent, rendered and frozen; `None` where no content was given (`check` alone).
    pub content: Option<Rendered>,
}

/// One row after intake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedRow {
    /// Where the row stands.
    pub position: Position,
    /// The row whose place it takes, if a rejects file of ours says so.
    pub mends: Option<Mends>,
    /// All fields of the row as they were typed, in the order of the header.
    pub record: Record,
    /// The text of the phone cell as typed, for messages.
    pub typed: String,
    /// What was decided.
    pub verdict: Verdict,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_whether_the_earlier_message_surely_went() {
        let at = "10:00";
        let guard = |sure| Suppression::RepeatGuard {
            batch: "spring".into(),
            at: at.to_owned(),
            sure,
        };
        let told = "to this number at 10:00 (batch spring)";
        for (sure, went) in [(true, "went"), (false, "may have gone")] {
            assert_eq!(
                guard(sure).to_string(),
                format!("the same message {went} {told}")
            );
        }
    }

    #[test]
    fn a_reason_that_is_about_the_person_keeps_it_out_of_every_list() {
        let (at, batch) = (String::new(), String::new());
        let all = [
            (
                true,
                Suppression::Listed {
                    reason: String::new(),
                },
            ),
            (
                true,
                Suppression::NoConsent {
                    answer: ListAnswer::No,
                    says: String::new(),
                },
            ),
            (true, Suppression::UnreadReply),
            (true, Suppression::Removed),
            (true, Suppression::Forgotten),
            (false, Suppression::NoMessengerWithin { at: at.clone() }),
            (
                false,
                Suppression::SameBatch {
                    row: 2,
                    at: at.clone(),
                },
            ),
            (
                false,
                Suppression::RepeatGuard {
                    batch: batch.clone(),
                    at: at.clone(),
                    sure: true,
                },
            ),
            (
                false,
                Suppression::NotWithin {
                    batch: batch.clone(),
                    at: at.clone(),
                    sure: true,
                },
            ),
            (
                false,
                Suppression::OtherMessage {
                    batch,
                    at,
                    sure: true,
                },
            ),
            (false, Suppression::SentByList { sure: true }),
            (false, Suppression::MendedBefore { by: String::new() }),
            (false, Suppression::WindowNeverOpens),
            (false, Suppression::WindowClosed),
            (false, Suppression::NoEvent),
        ];
        for (keeps, cause) in &all {
            assert_eq!(keeps_out(cause.code()), *keeps, "{}", cause.code());
        }
        assert!(keeps_out("") && keeps_out("a_later_word"));
        let passing = all.iter().filter(|(keeps, _)| !keeps).count();
        assert_eq!(passing, NOT_FOR_GOOD.len());
    }

    #[test]
    fn an_opt_out_is_told_from_an_entry_of_a_list() {
        let listed = |reason: &str| Suppression::Listed {
            reason: reason.to_owned(),
        };
        assert!(listed(OPTED_OUT).is_opt_out());
        assert!(!listed("asked by letter").is_opt_out());
        assert!(!Suppression::Forgotten.is_opt_out());
        // Another number of the person says so.
        let of_another = |cause| Suppression::OtherNumber {
            phone: PhoneNumber::from_e164(420_777_123_456).unwrap(),
            cause: Box::new(cause),
        };
        assert!(of_another(listed(OPTED_OUT)).is_opt_out());
        assert!(!of_another(Suppression::Forgotten).is_opt_out());
        let unread = Suppression::NoConsent {
            answer: ListAnswer::NotUnderstood,
            says: String::new(),
        };
        assert!(of_another(unread).is_not_understood());
    }
}

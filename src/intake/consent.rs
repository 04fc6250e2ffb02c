//! The columns that tell who may be messaged: found by their headers, read in each row.
//!
//! A "no" in any row of a list wins for its number, whatever other rows say. An empty cell is no "no". A cell that
//! is not understood is none to rely on: the row is held back, and the user can say that the column is to be
//! ignored.

mod says;

use serde::Serialize;

use super::column::{Column, share_of_cells};
use super::words::{
    BESIDE_CONSENT, CONSENTS, FACT, MESSAGES, MOBILE, NO, OTHER_WAY, OUR_WAY, PHONE, REFUSALS,
    REMARK, STATUS, TIME, WEAK_REFUSALS, YES, words,
};
use crate::domain::event::{OptOutWords, OptRequest};
use crate::domain::text::trimmed;
pub(super) use says::YesMeaning;
use says::{CellConsent, has_negation, says};

/// A column that says who may be messaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentColumn {
    /// The column.
    #[serde(flatten)]
    pub column: Column,
    /// What "yes" means in it.
    #[serde(skip)]
    pub(super) yes: YesMeaning,
}

impl ConsentColumn {
    /// A status, tags or remarks: they say nothing of consent but in the words of an opt-out.
    pub(super) fn is_status(&self) -> bool {
        self.yes == YesMeaning::Nothing || self.yes == YesMeaning::Remark
    }
}

/// The columns that say who may be messaged.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) columns: Vec<ConsentColumn>,
    /// Those whose cells are no answers: they are ignored, and reported.
    pub(super) unread: Vec<String>,
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meaning {
    yes: YesMeaning,
    /// The header alone says what the column is for; else its cells must be answers, too.
    is_certain: bool,
}

/// Finds the columns that tell who may be messaged. `rows` are the first rows.
pub(super) fn find(headers: &[String], rows: &[Vec<String>], taken: &[usize]) -> Found {
    let mut found = Found::default();
    for (index, name) in headers.iter().enumerate() {
        if taken.contains(&index) {
            continue;
        }
        let of_answers = || names_channel(name) && are_answers(index, rows);
        let meaning = meaning(name).or_else(|| {
            let denied = has_negation(&words(name));
            of_answers().then_some(Meaning {
                yes: if denied {
                    YesMeaning::MustNot
                } else {
                    YesMeaning::May
                },
                is_certain: false,
            })
        });
        let Some(Meaning { yes, is_certain }) = meaning else {
            continue;
        };
        let understood = |cell: &str| says(yes, cell) != CellConsent::NotUnderstood;
        // A column with other cells is about something else. An empty one may say "no" further down.
        let is_empty = share_of_cells(index, rows, |_| true) == 0.0;
        if is_certain || is_empty || share_of_cells(index, rows, understood) >= 0.5 {
            let column = Column {
                index,
                name: name.clone(),
            };
            found.columns.push(ConsentColumn { column, yes });
        } else if yes == YesMeaning::May {
            found.unread.push(name.clone());
        }
    }
    found
}

/// Whether the header names a way to reach a person and nothing else (`SMS`, `WhatsApp (ano/ne)`), or is a question about
/// messages.
fn names_channel(header: &str) -> bool {
    let folded = words(header);
    let other = [FACT, BESIDE_CONSENT, OTHER_WAY];
    if MESSAGES.is_in(&folded) && !other.iter().any(|list| list.is_in(&folded)) {
        return true;
    }
    let mut words = folded.split(' ');
    words.all(|word| {
        let mut lists = [OUR_WAY, MESSAGES, MOBILE, PHONE, YES, NO].iter();
        lists.any(|list| list.has(word))
    })
}

/// Whether the cells of a column are answers, and none is a number: then it holds no phones, whatever its header.
pub(super) fn are_answers(index: usize, rows: &[Vec<String>]) -> bool {
    let is_answer = |cell: &str| {
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        digits < 5 && says(YesMeaning::May, cell) != CellConsent::NotUnderstood
    };
    share_of_cells(index, rows, is_answer) >= 1.0
}

/// What a header says; `None` where it says nothing about who may be messaged.
fn meaning(header: &str) -> Option<Meaning> {
    let folded = words(header);
    let certain = |yes| {
        Some(Meaning {
            yes,
            is_certain: true,
        })
    };
    let uncertain = |yes| {
        Some(Meaning {
            yes,
            is_certain: false,
        })
    };
    let has = |words: &[&str]| folded.split(' ').any(|word| words.contains(&word));
    let is_mail = OTHER_WAY.is_in(&folded) || has_phrase(&folded, &["e mail", "e posta", "e post"]);
    if is_mail && !OUR_WAY.is_in(&folded) || has(&["double"]) {
        return None;
    }
    let is_beside =
        BESIDE_CONSENT.is_in(&folded) || has_phrase(&folded, &["consent text", "opt in text"]);
    if REFUSALS.is_in(&folded) {
        return if is_beside {
            None
        } else {
            certain(YesMeaning::MustNot)
        };
    }
    if REMARK.is_in(&folded) && !CONSENTS.is_in(&folded) {
        return certain(YesMeaning::Remark);
    }
    if is_beside {
        return None;
    }
    if STATUS.has(&folded) {
        return certain(YesMeaning::Nothing);
    }
    if CONSENTS.is_in(&folded) && !TIME.is_in(&folded) {
        return if has_negation(&folded) {
            certain(YesMeaning::MustNot)
        } else if MESSAGES.is_in(&folded) && !has(&["status", "state", "stav", "statut", "stato"]) {
            certain(YesMeaning::May)
        } else {
            uncertain(YesMeaning::May)
        };
    }
    if WEAK_REFUSALS.is_in(&folded) {
        return uncertain(YesMeaning::MustNot);
    }
    None
}

/// Whether the words of one of the phrases stand in the text one after the other.
fn has_phrase(folded: &str, phrases: &[&str]) -> bool {
    let text = format!(" {folded} ");
    phrases
        .iter()
        .any(|phrase| text.contains(&format!(" {phrase} ")))
}

/// What the columns of a row say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Consent {
    /// There is no such column, or one says that the person may be messaged and none that not.
    Given,
    /// All cells are empty.
    Silent,
    /// A column says that the person must not be messaged, or is not understood: which, and what it says.
    Refused(String),
    /// No column says so, but a remark may mean it: which, and what it says.
    Doubtful(String),
}

impl Consent {
    /// What a remark says that may mean a "no".
    pub(super) fn doubt(self) -> Option<String> {
        match self {
            Self::Doubtful(says) => Some(says),
            Self::Given | Self::Silent | Self::Refused(_) => None,
        }
    }
}

/// What the columns of a row say together. A "no" wins.
pub(super) fn of_row<'a>(
    columns: &[ConsentColumn],
    cell: impl Fn(usize) -> Option<&'a str>,
) -> Consent {
    let mut silent = columns.iter().any(|column| !column.is_status());
    let mut doubt = None;
    for ConsentColumn { column, yes } in columns {
        let cell = trimmed(cell(column.index).unwrap_or(""));
        let shown: String = cell.chars().take(40).collect();
        match says(*yes, cell) {
            CellConsent::Nothing => {}
            CellConsent::May => silent = false,
            CellConsent::MustNot => {
                return Consent::Refused(format!("\"{}\" says \"{shown}\"", column.name));
            }
            CellConsent::MayMeanNo => {
                doubt.get_or_insert_with(|| format!("\"{}\" says \"{shown}\"", column.name));
            }
            CellConsent::NotUnderstood => {
                return Consent::Refused(format!(
                    "\"{}\" says \"{shown}\", which is not understood as consent",
                    column.name
                ));
            }
        }
    }
    match doubt {
        Some(doubt) => Consent::Doubtful(doubt),
        None if silent => Consent::Silent,
        None => Consent::Given,
    }
}

/// Whether the words beside the number of a cell ask for no message, or say that the number is wrong. What may mean it
/// counts too.
pub(super) fn is_refusal_beside_number(cell: &str) -> bool {
    if !cell.contains(char::is_alphabetic) {
        return false;
    }
    let of_link = |token: &&str| token.contains("://") || token.contains('@');
    let tokens: Vec<&str> = cell
        .split_whitespace()
        .filter(|token| !of_link(token))
        .collect();
    let words = tokens.join(" ");
    let words = words.replace(|c: char| c.is_ascii_digit() || c == '+', " ");
    if !words.contains(char::is_alphabetic) {
        return false;
    }
    match says(YesMeaning::Remark, &words) {
        CellConsent::MustNot | CellConsent::MayMeanNo => true,
        CellConsent::Nothing | CellConsent::May | CellConsent::NotUnderstood => {
            OptOutWords::default().wish(&words) != OptRequest::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yes(header: &str) -> Option<YesMeaning> {
        meaning(header).map(|meaning| meaning.yes)
    }

    #[test]
    fn headers_that_tell_who_may_be_messaged_are_known_in_many_languages() {
        for header in [
            "Accepts SMS Marketing",
            "SMS consent",
            "Marketing consent",
            "sms_opt_in",
            "Opted In",
            "Subscribed",
            "GDPR",
            "Subscription status",
            "Email/SMS consent",
            "Souhlas se zasíláním SMS",
            "Marketingový souhlas",
            "Súhlas",
            "Einwilligung",
            "Zgoda marketingowa",
            "Consentimiento",
            "Consentement SMS",
            "Consentimento",
            "Consenso",
            "acceptsMarketing",
        ] {
            assert_eq!(yes(header), Some(YesMeaning::May), "{header}");
        }
        for header in [
            "unsubscribed",
            "Do not contact",
            "DND",
            "Opted out",
            "opt-out",
            "SMS Opt Out",
            "Do Not Call",
            "Unsubscribed at",
            "Opt-out date",
            "Nekontaktovat",
            "Odhlášen",
            "Abgemeldet",
            "Nicht kontaktieren",
            "Werbesperre",
            "No contactar",
            "Baja",
            "Désabonné",
            "Ne pas contacter",
            "Nie kontaktować",
            "Wypisany",
            "Não contactar",
            "Non contattare",
            "Do not text",
            "doNotContact",
        ] {
            assert_eq!(yes(header), Some(YesMeaning::MustNot), "{header}");
        }
        for header in [
            "Accepts Email Marketing",
            "Email opt-out",
            "Unsubscribed from all email",
            "Has Opted Out of Email",
            "Fax Opt Out",
            "Do not mail",
            "Newsletter",
            "Newsletter subscribed",
            "E-mail consent",
            "Consent date",
            "Consent source",
            "Opt-in IP",
            "Opt-out reason",
            "DOUBLE_OPT-IN",
            "Phone",
            "Name",
            "Stopover",
        ] {
            assert_eq!(yes(header), None, "{header}");
        }
    }

    #[test]
    fn a_refusal_beside_a_number_is_heard() {
        for cell in [
            "777100012 STOP",
            "STOP 777100012",
            "777100012; stop",
            "777100012 (nevolat)",
            "777100012 NEPSAT!",
            "777100012 - do not call",
            "do not contact +420777100012",
            "777100012 wrong number",
            "777100012 deceased",
            "777100012 unsubscribed",
            "777100012 odhlášen",
        ] {
            assert!(is_refusal_beside_number(cell), "{cell}");
        }
        for cell in [
            "777100012",
            "tel: 777100012",
            "No. 777100012",
            "NO 91234567",
            "777100012 mobil",
            "Jana 777100012",
            "602333444 (Poland)",
            "420777123456@c.us",
            "https://wa.me/420777123456?text=Stop",
        ] {
            assert!(!is_refusal_beside_number(cell), "{cell}");
        }
    }

    #[test]
    fn cells_say_yes_no_or_nothing() {
        for (cell, says_of_consent, says_of_refusal) in [
            ("yes", CellConsent::May, CellConsent::MustNot),
            ("TRUE", CellConsent::May, CellConsent::MustNot),
            ("1", CellConsent::May, CellConsent::MustNot),
            ("1.0", CellConsent::May, CellConsent::MustNot),
            ("Ano", CellConsent::May, CellConsent::MustNot),
            ("x", CellConsent::May, CellConsent::MustNot),
            ("Yes, by SMS", CellConsent::May, CellConsent::MustNot),
            ("no", CellConsent::MustNot, CellConsent::May),
            ("FALSE", CellConsent::MustNot, CellConsent::May),
            ("0", CellConsent::MustNot, CellConsent::May),
            ("Nein", CellConsent::MustNot, CellConsent::May),
            ("não", CellConsent::MustNot, CellConsent::May),
            ("❌", CellConsent::MustNot, CellConsent::May),
            ("", CellConsent::Nothing, CellConsent::Nothing),
            (" \u{a0}", CellConsent::Nothing, CellConsent::Nothing),
            ("n/a", CellConsent::Nothing, CellConsent::Nothing),
            ("unsubscribed", CellConsent::MustNot, CellConsent::MustNot),
            ("Not subscribed", CellConsent::MustNot, CellConsent::MustNot),
            ("Subscribed", CellConsent::May, CellConsent::May),
            ("pending", CellConsent::MustNot, CellConsent::MustNot),
            ("2024-05-01 10:00", CellConsent::May, CellConsent::MustNot),
            ("SMS", CellConsent::NotUnderstood, CellConsent::MustNot),
            ("Email", CellConsent::NotUnderstood, CellConsent::May),
            (
                "maybe",
                CellConsent::NotUnderstood,
                CellConsent::NotUnderstood,
            ),
        ] {
            assert_eq!(says(YesMeaning::May, cell), says_of_consent, "{cell}");
            assert_eq!(says(YesMeaning::MustNot, cell), says_of_refusal, "{cell}");
        }
    }
}

//! The columns that tell who may be messaged: found by their headers, read in each row.
//!
//! A "no" in any row of a list wins for its number, whatever other rows say. An empty cell is no "no". A cell that
//! is not understood is none to rely on: the row is held back, and the user can say that the column is to be
//! ignored.

mod says;

use jiff::Timestamp;
use serde::Serialize;

use super::column::{Column, share_of_cells};
use super::words::{
    ACTIVE, BESIDE_CONSENT, CONSENTS, FACT, MESSAGES, MOBILE, NO, OTHER_WAY, OUR_WAY, PHONE,
    REFUSALS, REFUSED_CONTACT, REMARK, SENDS, STATUS, TIME, UNTIL, WEAK_REFUSALS, WITHDRAWN, YES,
    words,
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
    /// What is done by the column, as the beginning of a line.
    pub(super) fn use_of(&self) -> Use {
        match self.yes {
            YesMeaning::May | YesMeaning::MustNot => Use::Consent,
            YesMeaning::Until => Use::ConsentThatEnds,
            YesMeaning::Nothing | YesMeaning::Remark => Use::OptOuts,
            YesMeaning::Perhaps => Use::Told,
        }
    }
}

/// What is done by a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It says who may be messaged.
    Consent,
    /// It says until when.
    ConsentThatEnds,
    /// A status, tags or remarks: they say nothing of consent but in the words of an opt-out.
    OptOuts,
    /// It may say so, and is not relied on.
    Told,
}

impl Use {
    pub(super) const ALL: [Self; 4] = [
        Self::Consent,
        Self::ConsentThatEnds,
        Self::OptOuts,
        Self::Told,
    ];

    /// In words, before the columns.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::ConsentThatEnds => "consent until the date in it, left out from then on",
            Self::OptOuts => "left out where it says \"unsubscribed\" or the like",
            Self::Told => {
                "messaged also where it says \"no\", because that may not be about messages"
            }
        }
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
        let by_whole = || by_whole_header(name).filter(|_| are_answers(index, rows));
        let meaning = meaning(name).or_else(by_whole).or_else(|| {
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
        // Whether a cell is a date does not depend on today's.
        let today = Some(Timestamp::UNIX_EPOCH);
        let understood = |cell: &str| says(yes, cell, today) != CellConsent::NotUnderstood;
        // A column with other cells is about something else. An empty one may say "no" further down.
        let is_empty = share_of_cells(index, rows, |_| true) == 0.0;
        if is_certain || is_empty || share_of_cells(index, rows, understood) >= 0.5 {
            let column = Column {
                index,
                name: name.clone(),
            };
            found.columns.push(ConsentColumn { column, yes });
        } else if yes == YesMeaning::May || yes == YesMeaning::Until {
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
    let names = |word: &str| {
        let mut lists = [OUR_WAY, MESSAGES, MOBILE, PHONE].iter();
        lists.any(|list| list.has(word))
    };
    // `X` and `Y` are answers, and no question.
    let mut words = folded.split(' ');
    words.clone().any(names) && words.all(|word| names(word) || YES.has(word) || NO.has(word))
}

/// What a header says that may be about something else, where it has no other word.
fn by_whole_header(header: &str) -> Option<Meaning> {
    let folded = words(header);
    let yes = if SENDS.has(&folded) {
        YesMeaning::May
    } else if ACTIVE.has(&folded) {
        YesMeaning::Perhaps
    } else {
        return None;
    };
    Some(Meaning {
        yes,
        is_certain: false,
    })
}

/// Whether the cells of a column are answers, and none is a number: then it holds no phones, whatever its header.
pub(super) fn are_answers(index: usize, rows: &[Vec<String>]) -> bool {
    let is_answer = |cell: &str| {
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        digits < 5 && says(YesMeaning::May, cell, None) != CellConsent::NotUnderstood
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
    // The word of consent beside it says nothing then: a "yes" is to its end.
    if WITHDRAWN.is_in(&folded) {
        if CONSENTS.is_in(&folded) {
            return certain(YesMeaning::MustNot);
        }
        if REFUSED_CONTACT.is_in(&folded) {
            return uncertain(YesMeaning::MustNot);
        }
    }
    if CONSENTS.is_in(&folded) && UNTIL.is_in(&folded) && !has_negation(&folded) {
        return uncertain(YesMeaning::Until);
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
    now: Option<Timestamp>,
) -> Consent {
    let asks = |column: &ConsentColumn| match column.use_of() {
        Use::Consent | Use::ConsentThatEnds => true,
        Use::OptOuts | Use::Told => false,
    };
    let mut silent = columns.iter().any(asks);
    let mut doubt = None;
    for ConsentColumn { column, yes } in columns {
        let cell = trimmed(cell(column.index).unwrap_or(""));
        let shown: String = cell.chars().take(40).collect();
        match says(*yes, cell, now) {
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
    match says(YesMeaning::Remark, &words, None) {
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

    /// A consent that was withdrawn, as lists call it: a "yes" there is a "no".
    const WITHDRAWN_HEADERS: &str = "
        Consent withdrawn|Consent Withdrawn?|Has withdrawn consent|Withdrew consent|Consent revoked|Consent denied
        Consent refused|Consent declined|Consent missing|Missing consent|Consent expired|Consent lapsed|Consent void
        Consent invalid|Permission revoked|Permission denied|Opt-in revoked|Opt-in withdrawn|Opt-in declined
        Subscription cancelled|Subscription ended|GDPR delete|GDPR erase|GDPR výmaz|Consent withdrawn on
        Consent revoked at|Consent withdrawn until|Souhlas odvolán|Souhlas odvolán dne|Souhlas zrušen|Souhlas vypršel
        Souhlas neudělen|Souhlas neplatný|Odvolal souhlas|Odvolaný souhlas|Zrušený souhlas|Vzal zpět souhlas
        Súhlas odvolaný|Súhlas zrušený|Einwilligung zurückgezogen|Einwilligung fehlt|Einwilligung abgelehnt
        Einwilligung verweigert|Einwilligung erloschen|Einwilligung ungültig|Einwilligung widerrufen am
        Consentement retiré|Retrait du consentement|Consenso revocato|Consenso negato|Zgoda wycofana|Zgoda cofnięta
        Consentimiento revocado|Consentimiento retirado|Consentimento revogado|Согласие отозвано|Отзыв согласия
        Згода відкликана|Hozzájárulás visszavonva|Toestemming ingetrokken|Samtycke återkallat
        Samtykke trukket tilbage|Suostumus peruttu|Onay iptal|Onay geri çekildi|Privola povučena|Acord retras
        Съгласие оттеглено|SMS forbidden|SMS disabled|SMS zakázáno|Marketing refused|Marketing rejected
        Marketing disabled|Rejects marketing|Refuses SMS|Nesmí se kontaktovat|Kontakt zakázán|Kontakt verboten
        Contact interdit|Contact forbidden|Werbung abgelehnt|Objected|Objection|Námitka|Revoked|Not interested";

    #[test]
    fn a_consent_that_was_withdrawn_is_none_whatever_its_column_is_called() {
        let headers = WITHDRAWN_HEADERS.split(['|', '\n']).map(str::trim);
        for header in headers.filter(|header| !header.is_empty()) {
            let found = meaning(header).map(|it| it.yes);
            assert_eq!(found, Some(YesMeaning::MustNot), "{header}");
        }
        for cell in [
            "yes",
            "x",
            "1",
            "TRUE",
            "1.2.2026",
            "2026-02-01",
            "2026-02-01T10:00:00Z",
        ] {
            assert_eq!(
                says(YesMeaning::MustNot, cell, None),
                CellConsent::MustNot,
                "{cell}"
            );
        }
        for header in [
            "Consent given",
            "Souhlas",
            "SMS ano/ne",
            "Consent (yes/no)",
            "Contact",
        ] {
            assert_ne!(
                meaning(header).map(|it| it.yes),
                Some(YesMeaning::MustNot),
                "{header}"
            );
        }
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
            assert_eq!(says(YesMeaning::May, cell, None), says_of_consent, "{cell}");
            let refusal = says(YesMeaning::MustNot, cell, None);
            assert_eq!(refusal, says_of_refusal, "{cell}");
        }
    }

    #[test]
    fn consent_is_known_in_more_languages_and_words() {
        for header in [
            "הסכמה",
            "موافقة",
            "同意",
            "同意接收短信",
            "동의",
            "수신동의",
            "Đồng ý",
            "Persetujuan",
            "ความยินยอม",
            "May we contact you?",
            "Can we text you",
            "Kann kontaktiert werden",
            "Můžeme Vás kontaktovat?",
            "Pouvons-nous vous contacter ?",
            "¿Podemos contactarle?",
            "Możemy się kontaktować",
        ] {
            assert_eq!(yes(header), Some(YesMeaning::May), "{header}");
        }
        for header in [
            "Deceased",
            "Zemřel",
            "Zemřel(a)",
            "Zomrela",
            "Verstorben",
            "Décédé",
            "Fallecido",
            "Date of death",
        ] {
            assert_eq!(yes(header), Some(YesMeaning::MustNot), "{header}");
        }
        for (header, cell, said) in [
            ("Souhlas", "ne", CellConsent::MustNot),
            ("הסכמה", "לא", CellConsent::MustNot),
            ("הסכמה", "כן", CellConsent::May),
            ("موافقة", "لا", CellConsent::MustNot),
            ("موافقة", "غير موافق", CellConsent::MustNot),
            ("موافقة", "نعم", CellConsent::May),
            ("同意", "否", CellConsent::MustNot),
            ("同意", "不同意", CellConsent::MustNot),
            ("同意", "是", CellConsent::May),
            ("同意", "同意", CellConsent::May),
            ("同意", "いいえ", CellConsent::MustNot),
            ("동의", "아니오", CellConsent::MustNot),
            ("동의", "미동의", CellConsent::MustNot),
            ("동의", "예", CellConsent::May),
            ("Đồng ý", "không", CellConsent::MustNot),
            ("Đồng ý", "có", CellConsent::May),
            ("Persetujuan", "tidak", CellConsent::MustNot),
            ("Persetujuan", "ya", CellConsent::May),
            ("Zemřel", "ano", CellConsent::MustNot),
            ("Zemřel", "ne", CellConsent::May),
            ("Zemřel", "1.5.2020", CellConsent::MustNot),
            ("Deceased", "yes", CellConsent::MustNot),
        ] {
            assert_eq!(
                says(yes(header).unwrap(), cell, None),
                said,
                "{header} {cell}"
            );
        }
    }

    /// What the only column of this header and these cells is taken for.
    fn found(header: &str, cells: &[&str]) -> (Vec<YesMeaning>, usize) {
        let rows: Vec<Vec<String>> = cells.iter().map(|cell| vec![(*cell).to_owned()]).collect();
        let found = find(&[header.to_owned()], &rows, &[]);
        let columns = found.columns.iter().map(|it| it.yes).collect();
        (columns, found.unread.len())
    }

    #[test]
    fn a_header_that_may_be_about_something_else_needs_answers_below_it() {
        for header in ["Send", "Poslat", "Odeslat", "Senden", "Envoyer", "To send"] {
            assert_eq!(
                found(header, &["yes", "no"]),
                (vec![YesMeaning::May], 0),
                "{header}"
            );
            assert_eq!(
                found(header, &["Monday", "by post"]),
                (vec![], 0),
                "{header}"
            );
        }
        for header in ["Active", "Aktivní", "aktiv", "Is active"] {
            assert_eq!(
                found(header, &["yes", "no"]),
                (vec![YesMeaning::Perhaps], 0),
                "{header}"
            );
        }
        assert_eq!(
            says(YesMeaning::Perhaps, "ne", None),
            CellConsent::MayMeanNo
        );
        assert_eq!(says(YesMeaning::Perhaps, "ano", None), CellConsent::Nothing);
        for header in ["X", "Y", "x", "T", "E", "N", "1", "OK", "Ano", "Yes", "F"] {
            for cells in [["0", "1"], ["n", "y"], ["f", "t"], ["e", "h"]] {
                assert_eq!(found(header, &cells), (vec![], 0), "{header} {cells:?}");
            }
        }
        assert_eq!(found("SMS (ano/ne)", &["ano", "ne"]).0, [YesMeaning::May]);
    }

    #[test]
    fn a_consent_that_ends_counts_until_its_date() {
        let now: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
        for header in [
            "Souhlas platný do",
            "Souhlas do",
            "Platnost souhlasu",
            "Súhlas platný do",
            "Consent expires",
            "Consent valid until",
            "Consent expiry date",
            "Opt-in expires on",
            "Permission valid to",
            "SMS consent end date",
            "Einwilligung gültig bis",
            "Zustimmung läuft ab",
            "Ablauf der Einwilligung",
            "Consentement valable jusqu'au",
            "Consentimiento válido hasta",
            "Consentimento válido até",
            "Consenso valido fino al",
            "Zgoda ważna do",
            "Hozzájárulás lejárata",
            "Toestemming geldig tot",
            "Samtycke giltigt till",
            "Согласие действует до",
            "Згода дійсна до",
        ] {
            assert_eq!(
                found(header, &["1.1.2020"]),
                (vec![YesMeaning::Until], 0),
                "{header}"
            );
        }
        for (cell, said) in [
            ("1.1.2020", CellConsent::MustNot),
            ("2020-01-01", CellConsent::MustNot),
            ("31/12/2025", CellConsent::MustNot),
            ("1. 1. 2030", CellConsent::May),
            ("2030-01-01", CellConsent::May),
            ("2030-01-01T00:00:00Z", CellConsent::May),
            ("9999-12-31", CellConsent::May),
            ("31.12.9999", CellConsent::May),
            ("28.11.2026", CellConsent::May),
            ("27.11.2026", CellConsent::MustNot),
            // The eleventh of December, or the twelfth of November.
            ("11/12/2026", CellConsent::MustNot),
            // The days of a spreadsheet.
            ("43831", CellConsent::MustNot),
            ("47484", CellConsent::May),
            ("", CellConsent::Nothing),
            ("no", CellConsent::MustNot),
            ("expired", CellConsent::MustNot),
            ("yes", CellConsent::May),
            ("1 Jan 2020", CellConsent::NotUnderstood),
            ("12/2020", CellConsent::NotUnderstood),
            ("ano, 31. prosince 2020", CellConsent::NotUnderstood),
            ("soon", CellConsent::NotUnderstood),
        ] {
            assert_eq!(says(YesMeaning::Until, cell, Some(now)), said, "{cell}");
        }
        assert_eq!(
            says(YesMeaning::Until, "1.1.2030", None),
            CellConsent::NotUnderstood
        );
        // When it was given is no end of it.
        assert_eq!(found("Consent given at", &["2020-01-01"]).0, []);
        assert_eq!(found("Souhlas", &["2020-01-01"]).0, [YesMeaning::May]);
    }
}

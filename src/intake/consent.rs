//! The columns that tell who may be messaged: found by their headers, read in each row.
//!
//! A "no" in any row of a list wins for its number, whatever other rows say. An empty cell is no "no". A cell that
//! is not understood is none to rely on: the row is held back, and the user can say that the column is to be
//! ignored.

use serde::Serialize;

use super::column::{Column, share_of_cells};
use super::words::words;
use crate::domain::fold;
use crate::domain::text::trimmed;

/// A column that tells who may be messaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentColumn {
    /// The column.
    #[serde(flatten)]
    pub column: Column,
    /// What "yes" means in it.
    #[serde(skip)]
    pub(super) yes: Yes,
}

/// What "yes" means in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Yes {
    /// May be messaged: `Accepts SMS Marketing`.
    May,
    /// Must not be messaged: `Do not contact`.
    MustNot,
}

/// What a cell says of the row's person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Nothing,
    May,
    MustNot,
    NotUnderstood,
}

/// Phrases of headers under which "yes" means that the person must not be messaged.
const REFUSALS: &[&str] = &[
    "do not contact",
    "do not call",
    "do not text",
    "do not sms",
    "do not message",
    "do not disturb",
    "do not market",
    "do not send",
    "donotcontact",
    "dont contact",
    "dont call",
    "don t contact",
    "don t call",
    "dnc",
    "dnd",
    "no contact",
    "no sms",
    "no marketing",
    "no messages",
    "opt out",
    "opted out",
    "optout",
    "optedout",
    "opts out",
    "unsubscribe",
    "unsubscribed",
    "unsubscribes",
    "blacklisted",
    "blacklist",
    "blocklisted",
    "blocklist",
    "suppressed",
    "stop",
    "stopped",
    "declined",
    "nekontaktovat",
    "nevolat",
    "neposilat",
    "neoslovovat",
    "neobtezovat",
    "odhlasen",
    "odhlasena",
    "odhlaseno",
    "odhlaseni",
    "odhlaseny",
    "nesouhlas",
    "nesouhlasi",
    "bez souhlasu",
    "odmita",
    "neposielat",
    "neoslovovat",
    "nesuhlas",
    "nesuhlasi",
    "nicht kontaktieren",
    "nicht anrufen",
    "nicht anschreiben",
    "keine werbung",
    "kein kontakt",
    "kontaktsperre",
    "werbesperre",
    "werbeverbot",
    "abgemeldet",
    "abbestellt",
    "widerspruch",
    "widersprochen",
    "widerrufen",
    "robinson",
    "no contactar",
    "no llamar",
    "no molestar",
    "no enviar",
    "baja",
    "de baja",
    "desuscrito",
    "dado de baja",
    "rechaza",
    "ne pas contacter",
    "ne pas appeler",
    "ne pas deranger",
    "ne pas envoyer",
    "desabonne",
    "desinscrit",
    "desinscription",
    "desabonnement",
    "stop sms",
    "nie kontaktowac",
    "nie kontaktuj",
    "nie dzwonic",
    "nie wysylac",
    "wypisany",
    "wypisana",
    "rezygnacja",
    "sprzeciw",
    "brak zgody",
    "nao contactar",
    "nao contatar",
    "nao ligar",
    "nao perturbe",
    "nao enviar",
    "descadastrado",
    "descadastrou",
    "cancelou inscricao",
    "non contattare",
    "non chiamare",
    "non disturbare",
    "disiscritto",
    "disiscritta",
    "disiscrizione",
    "niet contacteren",
    "niet bellen",
    "uitgeschreven",
    "afgemeld",
    "leiratkozott",
    "не беспокоить",
    "не звонить",
    "отписан",
    "отписался",
    "не турбувати",
];

/// Phrases of headers under which "yes" means that the person may be messaged.
const CONSENTS: &[&str] = &[
    "accepts sms",
    "accepts marketing",
    "accept marketing",
    "accepts messages",
    "accepts whatsapp",
    "sms marketing",
    "marketing consent",
    "consent",
    "consents",
    "consented",
    "opt in",
    "opted in",
    "optin",
    "optedin",
    "opts in",
    "subscribed",
    "subscription",
    "subscription status",
    "permission",
    "permissions",
    "gdpr",
    "allow sms",
    "allows sms",
    "allow marketing",
    "sms allowed",
    "receive sms",
    "agrees",
    "agreed",
    "can contact",
    "may contact",
    "can be contacted",
    "contactable",
    "souhlas",
    "souhlasi",
    "suhlas",
    "suhlasi",
    "einwilligung",
    "zustimmung",
    "einverstandnis",
    "einverstaendnis",
    "einverstanden",
    "werbeerlaubnis",
    "werbung erlaubt",
    "kontakt erlaubt",
    "consentimiento",
    "acepta",
    "acepta marketing",
    "autoriza",
    "autorizacion",
    "suscrito",
    "consentement",
    "accepte",
    "abonne",
    "autorisation",
    "zgoda",
    "zgody",
    "wyraza zgode",
    "consentimento",
    "aceita",
    "autorizacao",
    "inscrito",
    "consenso",
    "accetta",
    "iscritto",
    "autorizzazione",
    "toestemming",
    "hozzajarulas",
    "consimtamant",
    "согласие",
    "згода",
    "samtycke",
    "samtykke",
    "suostumus",
    "privola",
    "soglasje",
    "izin",
    "onay",
];

/// Words of a header that is about another way to reach a person.
const OTHER_WAYS: &[&str] = &[
    "email",
    "emails",
    "mail",
    "mails",
    "newsletter",
    "newsletters",
    "mailing",
    "correo",
    "courriel",
    "posta",
    "poste",
    "fax",
    "post",
    "postal",
    "direct",
    "double",
];

/// Words of a header that is about our way.
const OUR_WAYS: &[&str] = &[
    "sms",
    "text",
    "phone",
    "mobile",
    "whatsapp",
    "viber",
    "messenger",
    "message",
    "messages",
    "tel",
    "telefon",
];

/// Words of a header that tells something beside the consent: when, where, how.
const BESIDE: &[&str] = &[
    "source", "ip", "method", "reason", "by", "url", "version", "text", "id", "type", "name",
    "note", "notes", "channel", "language", "level", "count", "zdroj", "duvod", "quelle", "grund",
    "origen", "motivo", "origine", "raison", "zrodlo", "powod", "link", "form",
];

/// Words of a header that tells when.
const TIMES: &[&str] = &[
    "date",
    "at",
    "on",
    "time",
    "timestamp",
    "datum",
    "kdy",
    "fecha",
    "data",
    "am",
    "le",
    "updated",
    "since",
];

const ANSWERS_YES: &[&str] = &[
    "yes",
    "y",
    "true",
    "t",
    "1",
    "on",
    "x",
    "ok",
    "ano",
    "a",
    "ja",
    "j",
    "si",
    "s",
    "sim",
    "oui",
    "o",
    "vrai",
    "tak",
    "prawda",
    "igen",
    "da",
    "evet",
    "wahr",
    "verdadero",
    "verdadeiro",
    "vero",
    "да",
    "так",
    "joo",
    "kylla",
];

const ANSWERS_NO: &[&str] = &[
    "no", "n", "false", "f", "0", "off", "ne", "nie", "nein", "non", "nao", "nee", "nej", "nei",
    "faux", "falsch", "falso", "falsz", "nem", "nu", "hayir", "нет", "ні", "не", "ei",
];

/// What says in any column that a person must not be messaged.
const STATES_MUST_NOT: &[&str] = &[
    "unsubscribed",
    "not subscribed",
    "never subscribed",
    "opted out",
    "opt out",
    "optout",
    "not opted in",
    "declined",
    "denied",
    "withdrawn",
    "revoked",
    "refused",
    "rejected",
    "blocked",
    "blacklisted",
    "blocklisted",
    "stop",
    "stopped",
    "do not contact",
    "do not call",
    "do not disturb",
    "dnc",
    "dnd",
    "no contact",
    "no consent",
    "not given",
    "not granted",
    "not allowed",
    "inactive",
    "pending",
    "unconfirmed",
    "not confirmed",
    "never",
    "odhlasen",
    "odhlasena",
    "odhlaseno",
    "nesouhlas",
    "nesouhlasi",
    "odmita",
    "neudelen",
    "odvolan",
    "nekontaktovat",
    "abgemeldet",
    "abgelehnt",
    "widerrufen",
    "nicht erteilt",
    "nicht kontaktieren",
    "de baja",
    "baja",
    "rechazado",
    "desabonne",
    "refuse",
    "desinscrit",
    "odmowa",
    "brak",
    "wypisany",
    "wypisana",
    "wycofana",
    "descadastrado",
    "recusado",
    "rifiutato",
    "disiscritto",
    "negato",
    "odhlaseny",
    "nesuhlasi",
];

/// What says in any column that a person may be messaged.
const STATES_MAY: &[&str] = &[
    "subscribed",
    "opted in",
    "opt in",
    "optin",
    "granted",
    "given",
    "accepted",
    "agreed",
    "confirmed",
    "active",
    "allowed",
    "consented",
    "explicit",
    "implied",
    "souhlas",
    "souhlasi",
    "udelen",
    "prihlasen",
    "prihlasena",
    "erteilt",
    "angemeldet",
    "zugestimmt",
    "aceptado",
    "suscrito",
    "accepte",
    "abonne",
    "zgoda",
    "wyrazona",
    "aceito",
    "inscrito",
    "accettato",
    "iscritto",
    "suhlasi",
    "udeleny",
];

/// Finds the columns that tell who may be messaged. `rows` are the first rows.
pub(super) fn find(
    headers: &[String],
    rows: &[Vec<String>],
    taken: &[usize],
) -> Vec<ConsentColumn> {
    let free = headers
        .iter()
        .enumerate()
        .filter(|(at, _)| !taken.contains(at));
    free.filter_map(|(index, header)| {
        let yes = meaning(header)?;
        let understood = |cell: &str| says(yes, cell) != Says::NotUnderstood;
        let is_empty = share_of_cells(index, rows, |_| true) == 0.0;
        // A column with other cells is about something else. An empty one may say "no" further down.
        let column = Column {
            index,
            name: header.clone(),
        };
        (is_empty || share_of_cells(index, rows, understood) >= 0.5)
            .then_some(ConsentColumn { column, yes })
    })
    .collect()
}

/// What "yes" means under a header; `None` where it tells nothing of who may be messaged.
fn meaning(header: &str) -> Option<Yes> {
    let folded = words(header);
    let has = |list: &[&str]| folded.split(' ').any(|word| list.contains(&word));
    let has_phrase = |phrases: &[&str]| {
        phrases
            .iter()
            .any(|phrase| contains_phrase(&folded, phrase))
    };
    let is_mail = has(OTHER_WAYS) || contains_phrase(&folded, "e mail");
    if is_mail && !has(OUR_WAYS) || has(&["double"]) {
        return None;
    }
    if has_phrase(REFUSALS) {
        let beside = has(BESIDE) && !has_phrase(&["do not text"]);
        return (!beside).then_some(Yes::MustNot);
    }
    (has_phrase(CONSENTS) && !has(BESIDE) && !has(TIMES)).then_some(Yes::May)
}

/// Whether the words of the phrase stand in the text one after the other.
fn contains_phrase(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let before = text
            .get(..at)
            .is_some_and(|it| it.is_empty() || it.ends_with(' '));
        let after = text
            .get(at + phrase.len()..)
            .is_some_and(|it| it.is_empty() || it.starts_with(' '));
        before && after
    })
}

/// What a cell says, where `yes` is what "yes" means.
fn says(yes: Yes, cell: &str) -> Says {
    let cell = trimmed(cell);
    let answer = |is_yes: bool| match (is_yes, yes) {
        (true, Yes::May) | (false, Yes::MustNot) => Says::May,
        (true, Yes::MustNot) | (false, Yes::May) => Says::MustNot,
    };
    match cell {
        "" | "-" | "--" | "?" => return Says::Nothing,
        "✓" | "✔" | "☑" | "☒" | "✅" | "✔️" => return answer(true),
        "✗" | "✘" | "☐" | "❌" | "✖" => return answer(false),
        _ => {}
    }
    let folded = fold::header(cell.strip_suffix(".0").unwrap_or(cell));
    let first = folded.split(' ').next().unwrap_or("");
    let is = |list: &[&str], text: &str| list.contains(&text);
    let has_phrase = |phrases: &[&str]| {
        phrases
            .iter()
            .any(|phrase| contains_phrase(&folded, phrase))
    };
    if is(
        &[
            "n a",
            "na",
            "null",
            "unknown",
            "neznamo",
            "unbekannt",
            "empty",
        ],
        &folded,
    ) {
        Says::Nothing
    } else if is(ANSWERS_YES, &folded) {
        answer(true)
    } else if is(ANSWERS_NO, &folded) {
        answer(false)
    } else if has_phrase(STATES_MUST_NOT) {
        Says::MustNot
    } else if has_phrase(STATES_MAY) {
        Says::May
    } else if is(ANSWERS_YES, first) && first.len() > 1 {
        answer(true)
    } else if is(ANSWERS_NO, first) && first.len() > 1 {
        answer(false)
    } else {
        other(yes, &folded)
    }
}

/// A cell that gives no answer: a time, or the ways that a refusal is about.
fn other(yes: Yes, folded: &str) -> Says {
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    let is_time = digits >= 6 && folded.split(' ').count() >= 3;
    let has = |list: &[&str]| folded.split(' ').any(|word| list.contains(&word));
    match yes {
        Yes::May if is_time => Says::May,
        Yes::MustNot if is_time || has(OUR_WAYS) || has(&["all", "any", "everything"]) => {
            Says::MustNot
        }
        // `Email` in a column of refusals is about e-mail alone.
        Yes::MustNot if has(OTHER_WAYS) || folded == "none" => Says::May,
        Yes::May | Yes::MustNot => Says::NotUnderstood,
    }
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
}

/// What the columns of a row say together. A "no" wins.
pub(super) fn of_row<'a>(
    columns: &[ConsentColumn],
    cell: impl Fn(usize) -> Option<&'a str>,
) -> Consent {
    let mut silent = !columns.is_empty();
    for ConsentColumn { column, yes } in columns {
        let cell = trimmed(cell(column.index).unwrap_or(""));
        let shown: String = cell.chars().take(40).collect();
        match says(*yes, cell) {
            Says::Nothing => {}
            Says::May => silent = false,
            Says::MustNot => {
                return Consent::Refused(format!("\"{}\" says \"{shown}\"", column.name));
            }
            Says::NotUnderstood => {
                return Consent::Refused(format!(
                    "\"{}\" says \"{shown}\", which is not understood as consent",
                    column.name
                ));
            }
        }
    }
    if silent {
        Consent::Silent
    } else {
        Consent::Given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(meaning(header), Some(Yes::May), "{header}");
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
            assert_eq!(meaning(header), Some(Yes::MustNot), "{header}");
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
            "Note",
            "Stopover",
        ] {
            assert_eq!(meaning(header), None, "{header}");
        }
    }

    #[test]
    fn cells_say_yes_no_or_nothing() {
        for (cell, says_of_consent, says_of_refusal) in [
            ("yes", Says::May, Says::MustNot),
            ("TRUE", Says::May, Says::MustNot),
            ("1", Says::May, Says::MustNot),
            ("1.0", Says::May, Says::MustNot),
            ("Ano", Says::May, Says::MustNot),
            ("x", Says::May, Says::MustNot),
            ("Yes, by SMS", Says::May, Says::MustNot),
            ("no", Says::MustNot, Says::May),
            ("FALSE", Says::MustNot, Says::May),
            ("0", Says::MustNot, Says::May),
            ("Nein", Says::MustNot, Says::May),
            ("não", Says::MustNot, Says::May),
            ("❌", Says::MustNot, Says::May),
            ("", Says::Nothing, Says::Nothing),
            (" \u{a0}", Says::Nothing, Says::Nothing),
            ("n/a", Says::Nothing, Says::Nothing),
            ("unsubscribed", Says::MustNot, Says::MustNot),
            ("Not subscribed", Says::MustNot, Says::MustNot),
            ("Subscribed", Says::May, Says::May),
            ("pending", Says::MustNot, Says::MustNot),
            ("2024-05-01 10:00", Says::May, Says::MustNot),
            ("SMS", Says::NotUnderstood, Says::MustNot),
            ("Email", Says::NotUnderstood, Says::May),
            ("maybe", Says::NotUnderstood, Says::NotUnderstood),
        ] {
            assert_eq!(says(Yes::May, cell), says_of_consent, "{cell}");
            assert_eq!(says(Yes::MustNot, cell), says_of_refusal, "{cell}");
        }
    }
}

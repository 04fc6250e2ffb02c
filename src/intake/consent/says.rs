//! What a cell says of the row's person.

use super::words::List;
use crate::domain::fold;
use crate::domain::text::trimmed;

/// What "yes" means in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum Yes {
    /// May be messaged: `Accepts SMS Marketing`.
    May,
    /// Must not be messaged: `Do not contact`.
    MustNot,
    /// It is no answer there: of a status and of tags, only the words of an opt-out count.
    Nothing,
    /// It is no answer there: of a remark, a whole one that asks for no messages counts.
    Remark,
}

/// Words of a header that is about another way to reach a person.
pub(super) const OTHER_WAYS: &[&str] = &[
    "email",
    "emails",
    "mail",
    "mails",
    "newsletter",
    "newsletters",
    "mailing",
    "nieuwsbrief",
    "hirlevel",
    "nyhetsbrev",
    "nyhedsbrev",
    "epost",
    "eposta",
    "sahkoposti",
    "рассылка",
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
pub(super) const OUR_WAYS: &[&str] = &[
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

/// What a cell says of the row's person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    Nothing,
    May,
    MustNot,
    NotUnderstood,
    /// A remark that has words of an opt-out among others: `Do not call before 9`.
    MayMeanNo,
}

/// Cells that say that nothing is known.
const NOTHING: &[&str] = &[
    "n a",
    "na",
    "null",
    "unknown",
    "neznamo",
    "unbekannt",
    "inconnu",
    "desconocido",
    "sconosciuto",
    "nieznane",
    "empty",
];

/// What says under the header of a refusal, too, that the person may be messaged. An "active" refusal does not.
const MAY_ALWAYS: &[&str] = &[
    "subscribed",
    "opted in",
    "opt in",
    "optin",
    "optedin",
    "allowed",
    "consented",
];

/// What a cell says, where `yes` is what "yes" means.
pub(super) fn says(yes: Yes, cell: &str) -> Says {
    let cell = trimmed(cell);
    let answer = |is_yes: bool| match (is_yes, yes) {
        (true, Yes::May) | (false, Yes::MustNot) => Says::May,
        (true, Yes::MustNot) | (false, Yes::May) => Says::MustNot,
        (_, Yes::Nothing | Yes::Remark) => Says::Nothing,
    };
    if yes == Yes::Nothing {
        return status(cell);
    }
    if yes == Yes::Remark {
        return remark(cell);
    }
    match cell {
        "" | "-" | "--" | "?" => return Says::Nothing,
        "✓" | "✔" | "☑" | "☒" | "✅" | "✔️" => return answer(true),
        "✗" | "✘" | "☐" | "❌" | "✖" => return answer(false),
        _ => {}
    }
    let folded = fold::header(cell.strip_suffix(".0").unwrap_or(cell));
    let first = folded.split(' ').next().unwrap_or("");
    let is_long = first.chars().count() > 1;
    let denied = has_negation(&folded);
    if NOTHING.contains(&folded.as_str()) {
        Says::Nothing
    } else if List::Yes.has(&folded) {
        answer(true)
    } else if List::No.has(&folded) {
        answer(false)
    } else if List::MustNot.is_in(&folded) || List::Refusals.is_in(&folded) {
        Says::MustNot
    } else if List::May.is_in(&folded) {
        match yes {
            _ if denied => Says::MustNot,
            Yes::May => Says::May,
            Yes::MustNot if MAY_ALWAYS.contains(&folded.as_str()) => Says::May,
            Yes::MustNot | Yes::Nothing | Yes::Remark => Says::NotUnderstood,
        }
    } else if List::Yes.has(first) && is_long {
        answer(true)
    } else if List::No.has(first) && is_long {
        answer(false)
    } else {
        other(yes, &folded)
    }
}

/// Whether a word turns the meaning of the text into its contrary. `Ano/ne` asks, and denies nothing.
pub(super) fn has_negation(folded: &str) -> bool {
    let is_question = folded
        .split(' ')
        .any(|word| word.chars().count() > 1 && List::Yes.has(word));
    !is_question && List::Negations.is_in(folded)
}

/// A cell that gives no answer: a time, or the ways that a refusal is about.
fn other(yes: Yes, folded: &str) -> Says {
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    let is_time = digits >= 6 && folded.split(' ').count() >= 3;
    match yes {
        Yes::May if is_time => Says::May,
        Yes::MustNot
            if is_time
                || has_word(folded, OUR_WAYS)
                || has_word(folded, &["all", "any", "everything"]) =>
        {
            Says::MustNot
        }
        // `Email` in a column of refusals is about e-mail alone.
        Yes::MustNot if has_word(folded, OTHER_WAYS) || folded == "none" => Says::May,
        Yes::May | Yes::MustNot | Yes::Nothing | Yes::Remark => Says::NotUnderstood,
    }
}

/// A status, or some tags.
fn status(cell: &str) -> Says {
    let mut parts = cell.split([',', ';', '|', '/']);
    if parts.any(|part| List::OptedOut.has(&fold::header(part))) {
        Says::MustNot
    } else {
        Says::Nothing
    }
}

/// Words beside a refusal that change nothing of it: `Bitte nicht anrufen!`
const POLITE: &[&str] = &[
    "please",
    "pls",
    "bitte",
    "prosim",
    "prosime",
    "prosba",
    "prosze",
    "por",
    "favor",
    "per",
    "favore",
    "merci",
    "svp",
    "s",
    "il",
    "vous",
    "plait",
    "kerem",
    "kerjuk",
    "va",
    "rog",
    "molim",
    "alstublieft",
    "aub",
    "tack",
    "lutfen",
    "пожалуйста",
    "будь",
    "ласка",
    "uz",
    "already",
    "schon",
    "mehr",
    "vice",
    "viac",
    "wiecej",
    "more",
    "anymore",
    "again",
    "znovu",
    "plus",
    "mas",
    "piu",
    "kunde",
    "klient",
    "customer",
    "client",
    "has",
    "hat",
    "se",
    "ist",
    "is",
    "he",
    "she",
    "him",
    "her",
    "ho",
    "ji",
    "me",
    "us",
];

/// What a remark says. Somebody wrote it for people: only one that is a refusal and nothing else is certain.
fn remark(cell: &str) -> Says {
    let folded = fold::header(cell);
    let words = folded.split(' ').filter(|word| !POLITE.contains(word));
    let core: Vec<&str> = words.collect();
    let core = core.join(" ");
    let lists = [List::Refusals, List::OptedOut, List::WeakRefusals];
    if lists
        .iter()
        .any(|list| list.has(&folded) || list.has(&core))
    {
        Says::MustNot
    } else if lists[..2].iter().any(|list| list.is_in(&folded)) {
        Says::MayMeanNo
    } else {
        Says::Nothing
    }
}

/// Whether one of the words stands in the text.
pub(super) fn has_word(folded: &str, list: &[&str]) -> bool {
    folded.split(' ').any(|word| list.contains(&word))
}

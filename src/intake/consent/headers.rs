//! What a header says of who may be messaged.

use super::answers::{has_negation, has_question, may_deny};
use super::denials::{TakenBack, is_denied_by_prefix, taken_back};
use super::number_column;
use super::says::ColumnKind;
use super::stated::{allows_and_refuses, contradicts_itself, stated};
use crate::domain::fold;
pub(super) use crate::intake::words::words_apart as words;
use crate::intake::words::{
    ACTIVE, ANOTHER_MATTER, BASIS, BEGINS, BESIDE_CONSENT, BESIDE_MESSAGES, BETWEEN_DENIALS,
    BLOCKED_UNTIL, CALLING, CHANNEL, CHANNELS, CONSENT_TO, CONSENTS, COUNTRY, DOUBTFUL_REFUSALS,
    ENDS, FACT, FIRST_NAME, LAST_NAME, LEFT, List, MATTER_OF_OTHERS, MESSAGES, MOBILE, NAMES,
    NEGATIONS, NO, OF_A_THING, OTHER_REFUSALS, OTHER_WAY, OUR_MATTER, OUR_WAY, PERSONS, PHONE,
    PLACE, POLITE, PREFERENCE, REFUSAL_ENDED, REFUSALS, REFUSED_CONTACT, REMARK, RESTRICTIONS,
    SAYS_REFUSED, SENDS, STATUS, TECHNICAL, TIME, TIME_WORDS, UNTIL, WEAK_REFUSALS, WITHDRAWN, YES,
};

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) kind: ColumnKind,
    /// The header alone says what the column is for; else its cells must be answers, too.
    pub(super) is_certain: bool,
}

impl Meaning {
    const fn certain(kind: ColumnKind) -> Self {
        Self {
            kind,
            is_certain: true,
        }
    }

    const fn uncertain(kind: ColumnKind) -> Self {
        Self {
            kind,
            is_certain: false,
        }
    }
}

/// What a header says; `None` where it says nothing about who may be messaged.
pub(super) fn meaning(header: &str) -> Option<Meaning> {
    let header = &stated(header);
    let folded = words(header);
    if TECHNICAL.longest_at(&folded.split(' ').collect::<Vec<_>>()) > 0 {
        return None;
    }
    if is_about_mail(&folded) || has_word(&folded, &["language"]) {
        // Nobody knows by which way the newsletter came that somebody left.
        let is_left = is_of_newsletter(&folded) && REFUSALS.is_in(&folded);
        return is_left.then(|| Meaning::uncertain(refused(&folded)));
    }
    let is_consent = CONSENTS.is_in(&folded);
    let is_refusal = REFUSALS.is_in(&folded) || is_consent && WITHDRAWN.is_in(&folded);
    if REMARK.is_in(&folded) && !is_consent && !is_refusal {
        return Some(Meaning::certain(ColumnKind::Remark));
    }
    if PREFERENCE.has(&folded) {
        return Some(Meaning::certain(ColumnKind::Preference));
    }
    if BASIS.is_in(&folded) && !is_consent && !is_refusal {
        return Some(Meaning::certain(ColumnKind::LegalBasis));
    }
    if CHANNELS.has(&folded) {
        return Some(Meaning::certain(ColumnKind::PreferredChannel));
    }
    if STATUS.has(&folded) {
        return Some(Meaning::certain(ColumnKind::Status));
    }
    if let Some(kind) = number_column::kind(header) {
        return Some(Meaning::uncertain(kind));
    }
    if (is_refusal || is_consent) && is_another_matter(&folded) {
        return Some(Meaning::uncertain(if is_refusal || has_negation(&folded) {
            ColumnKind::UnclearRefusal
        } else {
            ColumnKind::UnclearConsent
        }));
    }
    if is_refusal && is_refusal_of_something_else(&folded) {
        return Some(Meaning::uncertain(ColumnKind::UnclearRefusal));
    }
    if is_consent_or_end(&folded) || allows_and_refuses(header) {
        return Some(Meaning::certain(ColumnKind::Ambiguous));
    }
    if !is_beside(&folded) && contradicts_itself(&folded, is_neutral) {
        return Some(Meaning::certain(ColumnKind::Ambiguous));
    }
    if is_refusal {
        return Some(of_refusal(header, &folded));
    }
    if is_consent {
        return Some(of_consent(&folded));
    }
    let is_denied = WITHDRAWN.is_in(&folded) && REFUSED_CONTACT.is_in(&folded);
    if (is_denied || denies_contact(&folded)) && !is_beside(&folded) {
        let kind = if_taken_back(header).unwrap_or_else(|| refused(&folded));
        return Some(Meaning::uncertain(kind));
    }
    let by_prefix = || taken_back(header) == Some(TakenBack::Denied);
    (WEAK_REFUSALS.is_in(&folded) || by_prefix()).then(|| of_weak_refusal(header, &folded))
}

/// A header with a word that may be about something else than a person.
fn of_weak_refusal(header: &str, folded: &str) -> Meaning {
    let taken_back = if_taken_back(header);
    Meaning::uncertain(match taken_back {
        Some(kind) if is_about_person(folded) => kind,
        Some(_) => ColumnKind::UnclearConsent,
        None if is_about_person(folded) => refused(folded),
        None => ColumnKind::UnclearRefusal,
    })
}

/// The kind of a column whose header takes a refusal back.
fn if_taken_back(header: &str) -> Option<ColumnKind> {
    Some(match taken_back(header)? {
        TakenBack::Denied | TakenBack::PerhapsDenied => ColumnKind::Consent,
        // It may stand all the same, where it was never taken back.
        TakenBack::Ended => ColumnKind::Ambiguous,
    })
}

/// Whether a header says of a column that it tells who may be messaged.
pub(in crate::intake) fn tells_consent(header: &str) -> bool {
    let folded = words(header);
    CONSENTS.is_in(&folded) || REFUSALS.is_in(&folded)
}

/// Whether a text has a word for messages, or of who may have them.
pub(super) fn is_about_messages(text: &str) -> bool {
    let folded = words(text);
    tells_consent(text)
        || [MESSAGES, REFUSED_CONTACT]
            .iter()
            .any(|list| list.is_in(&folded))
}

/// Whether a header is that of a refusal.
pub(super) fn names_refusal(header: &str) -> bool {
    let folded = words(header);
    REFUSALS.is_in(&folded) || WEAK_REFUSALS.has(&folded)
}

/// Whether a header of a refusal is that of something else as often: `Opposition`.
pub(super) fn is_doubtful_refusal(header: &str) -> bool {
    DOUBTFUL_REFUSALS.has(&words(header))
}

/// Whether a header says of a person that they refused at some time: `Unsubscribed`, and not `Do not contact`.
pub(super) fn says_that_it_was(header: &str) -> bool {
    let folded = words(header);
    LEFT.is_in(&folded) && !has_negation(&folded)
}

/// Whether a header is about mail of any kind, and not about our way to reach a person.
pub(super) fn is_about_mail(folded: &str) -> bool {
    let is_mail = OTHER_WAY.is_in(folded) || has_phrase(folded, &["e mail", "e posta", "e post"]);
    is_mail && !OUR_WAY.is_in(folded)
}

/// Whether the only mail that a header names is a newsletter.
fn is_of_newsletter(folded: &str) -> bool {
    let ways = || folded.split(' ').filter(|word| OTHER_WAY.has(word));
    ways().next().is_some() && ways().all(|word| ACTIVE.has(word))
}

/// How a refusal is looked for below a header that says nothing of who may be messaged.
pub(super) fn elsewhere(header: &str) -> Option<ColumnKind> {
    let folded = words(header);
    if is_about_mail(&folded) {
        return None;
    }
    let is_of = |lists: &[List]| lists.iter().any(|list| list.is_in(&folded));
    Some(if is_of(&[FIRST_NAME, LAST_NAME, NAMES]) {
        ColumnKind::Name
    } else if is_of(&[OF_A_THING, PLACE, COUNTRY]) || is_another_matter(&folded) {
        ColumnKind::Thing
    } else {
        ColumnKind::Other
    })
}

/// Whether a cell would be the header of a column that is known, by its words.
pub(in crate::intake) fn is_known(cell: &str) -> bool {
    let folded = words(cell);
    let names = [FIRST_NAME, LAST_NAME, NAMES, COUNTRY, PLACE];
    names.iter().any(|list| list.has(&folded)) || is_about_mail(&folded) || meaning(cell).is_some()
}

/// Whether a header is known to be about something else than messages.
pub(super) fn is_of_another_matter(header: &str) -> bool {
    let folded = words(header);
    let names = [FIRST_NAME, LAST_NAME, NAMES, COUNTRY, PLACE];
    names.iter().any(|list| list.has(&folded))
        || is_about_mail(&folded)
        || is_another_matter(&folded)
}

/// A header that names a refusal, or a consent that ended.
fn of_refusal(header: &str, folded: &str) -> Meaning {
    // The word of a way beside it, or of consent, says nothing then: a "yes" or a date is that of the refusal.
    if !is_beside(folded) {
        if let Some(kind) = if_taken_back(header) {
            return Meaning::certain(kind);
        }
        let ends_consent = CONSENTS.is_in(folded) && !REFUSALS.is_in(folded);
        return Meaning::certain(if ends_consent {
            ColumnKind::Refusal
        } else {
            refused(folded)
        });
    }
    // A reason for a refusal is one; a link to refuse by is not.
    Meaning::certain(if SAYS_REFUSED.is_in(folded) {
        ColumnKind::Refusal
    } else {
        ColumnKind::ConsentDetail
    })
}

/// The kind of a column of refusals: they may end on a day.
fn refused(folded: &str) -> ColumnKind {
    // The `do` of `do not` is no Czech "until".
    let rest = folded.replace("do not ", " ").replace("do n t ", " ");
    if BLOCKED_UNTIL.is_in(rest.trim()) {
        ColumnKind::RefusalUntil
    } else {
        ColumnKind::Refusal
    }
}

/// A header that names a consent.
fn of_consent(folded: &str) -> Meaning {
    if is_beside(folded) || has_word(folded, &["double"]) {
        return Meaning::certain(ColumnKind::ConsentDetail);
    }
    if let Some(word) = no_at_end(folded) {
        return Meaning::certain(ColumnKind::RefusalIfTicked(word));
    }
    if has_negation(folded) {
        return Meaning::certain(ColumnKind::Refusal);
    }
    // `Platnost souhlasu od` is its first day, `Zustimmung läuft ab` its last one.
    let ends_in_from = ends_in(folded, BEGINS) && !ends_in(folded, UNTIL);
    if UNTIL.is_in(folded) && !ends_in_from {
        return Meaning::uncertain(ColumnKind::ConsentUntil);
    }
    if BEGINS.is_in(folded) {
        return Meaning::uncertain(ColumnKind::ConsentFrom);
    }
    if TIME.is_in(folded) {
        return Meaning::uncertain(ColumnKind::ConsentDate);
    }
    let is_status = has_word(folded, &["status", "state", "stav", "statut", "stato"]);
    if MESSAGES.is_in(folded) && !is_status {
        Meaning::certain(ColumnKind::Consent)
    } else {
        Meaning::uncertain(ColumnKind::Consent)
    }
}

/// Whether the last words are one of the phrases.
fn ends_in(folded: &str, phrases: List) -> bool {
    let words: Vec<&str> = folded.split(' ').collect();
    (0..words.len()).any(|at| {
        let count = phrases.longest_at(&words[at..]);
        count > 0 && at + count == words.len()
    })
}

/// Which consent a header names, and to what: `souhlas` and `sms` of `Souhlas SMS`.
pub(super) fn consent_and_matter(header: &str) -> (String, String) {
    let folded = words(header);
    let words: Vec<&str> = folded.split(' ').collect();
    let (mut consent, mut matter, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(rest @ [_, ..]) = words.get(at..) {
        let count = CONSENTS.longest_at(rest);
        let (of_matter, of_consent): (Vec<&str>, Vec<&str>) = rest
            .iter()
            .take(count.max(1))
            .copied()
            .partition(|word| count == 0 || MESSAGES.has(word));
        consent.extend(of_consent);
        matter.extend(of_matter);
        at += count.max(1);
    }
    (consent.join(" "), matter.join(" "))
}

/// Whether a consent is to something else than messages: to calls, to another way, to what is not known.
pub(super) fn is_matter_of_others(matter: &str) -> bool {
    let ours = [MESSAGES, OUR_MATTER, MOBILE, PERSONS];
    let others = [OTHER_WAY, ANOTHER_MATTER, CALLING, PHONE];
    let is_other = |word: &str| {
        let is_word = word.chars().count() > 1 && word.chars().all(char::is_alphabetic);
        others.iter().any(|list| list.has(word))
            || MATTER_OF_OTHERS.has(word)
            || is_word && !NEUTRAL.iter().any(|list| list.has_in_phrase(word))
    };
    !ours.iter().any(|list| list.is_in(matter))
        && !has_negation(matter)
        && matter.split(' ').any(is_other)
}

/// The word by which a header is the "no" of two columns, of which one is to be ticked: `Souhlas ANO` and `Souhlas NE`.
pub(super) fn no_at_end(folded: &str) -> Option<&'static str> {
    let (_, last) = folded.rsplit_once(' ')?;
    let is_answer = last.chars().count() > 1 && !has_question(folded);
    NO.entry(last).filter(|_| is_answer)
}

/// Whether a word that denies stands before one for a way to reach a person: `Does not want SMS`, and not `Phone no`.
fn denies_contact(folded: &str) -> bool {
    let mut words = folded.split(' ');
    let denies =
        |word: &str| NEGATIONS.has(word) || ["don", "dont", "doesn", "doesnt"].contains(&word);
    let names = |word: &str| REFUSED_CONTACT.has(word) || MESSAGES.has(word);
    words.any(denies) && !has_question(folded) && words.any(names)
}

/// Whether the header tells something beside the consent: when, where, how.
fn is_beside(folded: &str) -> bool {
    // `By checking this box I agree`.
    let folded = folded.strip_prefix("by ").unwrap_or(folded);
    // `By email or text` is how messages come.
    let folded = &folded.replace("by e mail ", "").replace("by email ", "");
    BESIDE_CONSENT.is_in(folded) || has_phrase(folded, &["consent text", "opt in text"])
}

/// Whether it is a consent to something else than messages, or no consent at all: `Photo consent`, `Subscription price`.
pub(super) fn is_another_matter(folded: &str) -> bool {
    let ours = [OUR_WAY, MESSAGES, OUR_MATTER];
    ANOTHER_MATTER.is_in(folded) && !ours.iter().any(|list| list.is_in(folded))
}

/// Whether a header names what was refused, blocked or forbidden, and that is neither a message nor a consent: `Odhlášen z
/// oběda`, `Mahnsperre`.
fn is_refusal_of_something_else(folded: &str) -> bool {
    let ours = [OUR_WAY, MESSAGES, OUR_MATTER, REFUSED_CONTACT, CONSENTS];
    OTHER_REFUSALS.is_in(folded) && !ours.iter().any(|list| list.is_in(folded))
}

/// Whether a header is a word for consent and a noun for an end, of which nobody knows whether it is that of the consent, or what
/// it is to: `Souhlas zrušení`, `Cancellation consent`.
fn is_consent_or_end(folded: &str) -> bool {
    let is_consent = |word: &str| CONSENT_TO.has(word) || word == "consent";
    folded.split_once(' ').is_some_and(|(first, last)| {
        is_consent(first) && ENDS.has(last) || ENDS.has(first) && is_consent(last)
    })
}

/// Whether a header with the word of a weak refusal names nothing but a person, a way to reach them, or a time: `Blocked`,
/// `Is blocked`, `Customer blocked on`, and not `Bus stop`.
fn is_about_person(folded: &str) -> bool {
    let lists = [
        WEAK_REFUSALS,
        PERSONS,
        OUR_WAY,
        MESSAGES,
        REFUSED_CONTACT,
        TIME,
        BLOCKED_UNTIL,
        POLITE,
        YES,
        NO,
    ];
    let beside = [NEGATIONS, RESTRICTIONS, BETWEEN_DENIALS, REFUSAL_ENDED];
    let beside = if taken_back(folded).is_some() {
        &beside[..]
    } else {
        &[]
    };
    let is_known = |word: &str| {
        let mut lists = lists.iter().chain(beside);
        lists.any(|list| list.has(word)) || is_denied_by_prefix(word)
    };
    WEAK_REFUSALS.has(folded) || folded.split(' ').all(is_known)
}

/// Whether the header names a way to reach a person and nothing else (`SMS`, `WhatsApp (ano/ne)`), or is a question about
/// messages.
pub(super) fn names_channel(header: &str) -> bool {
    let folded = words(header);
    let is_other = FACT.is_in(&folded)
        || is_beside(&folded)
        || OTHER_WAY.is_in(&folded) && !OUR_WAY.is_in(&folded);
    if MESSAGES.is_in(&folded) && !is_other {
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

/// Whether a header is about contact with a person and nothing else.
pub(super) fn names_contact(header: &str) -> bool {
    names_channel(header) && !has_unknown_word(header) || SENDS.has(&words(header))
}

/// Whether a header is the name of a way to send messages by.
pub(super) fn is_channel(header: &str) -> bool {
    words(header).split(' ').all(|word| CHANNEL.has(word))
}

/// What a header says that may be about something else, where it has no other word.
pub(super) fn by_whole_header(header: &str) -> Option<Meaning> {
    let folded = words(header);
    if SENDS.has(&folded) {
        Some(Meaning::uncertain(ColumnKind::Consent))
    } else if ACTIVE.has(&folded) {
        Some(Meaning::uncertain(ColumnKind::UnclearConsent))
    } else {
        None
    }
}

/// Whether a word beside the one for messages may turn the header into its contrary, as no list knows it: `Žádné SMS`. Beside
/// a consent, only the one word that stands alone there may; a longer text says what the consent is to.
pub(super) fn has_unknown_word(header: &str) -> bool {
    let folded = words(header);
    let is_known = |word: &str| {
        let is_word = word.chars().count() > 1 && word.chars().all(char::is_alphabetic);
        !is_word || is_neutral(word) || NO.has(word) && has_question(&folded)
    };
    let is_of_two = folded.split(' ').count() == 2;
    (is_of_two || !CONSENTS.is_in(&folded))
        && !folded.split(' ').all(is_known)
        && !is_consent_to_firm(header)
        && taken_back(header).is_none()
}

/// Whether a name stands behind a word for consent, in a language that writes nothing else with a capital: `Souhlas Alza`.
fn is_consent_to_firm(header: &str) -> bool {
    let mut words = header.split_whitespace();
    let (Some(consent), Some(name)) = (words.next(), words.next()) else {
        return false;
    };
    consent.chars().skip(1).all(char::is_lowercase)
        && name.starts_with(char::is_uppercase)
        && CONSENT_TO.has(&fold::header(consent))
        && !may_deny(&fold::header(name))
}

/// What may stand beside a word for messages, and denies nothing.
const NEUTRAL: [List; 20] = [
    CONSENTS,
    SENDS,
    MESSAGES,
    OUR_WAY,
    OTHER_WAY,
    OUR_MATTER,
    ANOTHER_MATTER,
    PERSONS,
    TIME,
    TIME_WORDS,
    STATUS,
    PHONE,
    MOBILE,
    REFUSED_CONTACT,
    BEGINS,
    UNTIL,
    YES,
    POLITE,
    BESIDE_CONSENT,
    BESIDE_MESSAGES,
];

fn is_neutral(word: &str) -> bool {
    NEUTRAL.iter().any(|list| list.has_in_phrase(word))
}

fn has_word(folded: &str, words: &[&str]) -> bool {
    folded.split(' ').any(|word| words.contains(&word))
}

/// Whether the words of one of the phrases stand in the text one after the other.
fn has_phrase(folded: &str, phrases: &[&str]) -> bool {
    let text = format!(" {folded} ");
    phrases
        .iter()
        .any(|phrase| text.contains(&format!(" {phrase} ")))
}

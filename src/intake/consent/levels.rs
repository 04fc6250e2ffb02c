//! Headers in two rows: what the parts of a name say that stand in different cells.

use super::answers::{has_negation, may_deny};
use super::headers::{is_about_mail, is_of_another_matter, meaning, names_channel, words};
use super::pairs;
use super::says::ColumnKind;
use crate::intake::words::{
    AGREES, BEGINS, CALLING, CONSENTS, GIVEN, LAST_DAY, List, MAY, MESSAGES, MUST_NOT, NEGATIONS,
    NO, OTHER_WAY, REFUSALS, SENDS, TIME, UNTIL, WEAK_REFUSALS, WITHDRAWN, YES,
};

/// Whether a part of a name is about who may be messaged: `Nechce`, `GDPR`, `Does not`, `No`.
pub(in crate::intake) fn is_about_consent(part: &str) -> bool {
    let folded = words(part);
    let lists = [CONSENTS, REFUSALS, WEAK_REFUSALS, WITHDRAWN];
    lists.iter().any(|list| list.is_in(&folded))
        || [SENDS, AGREES].iter().any(|list| list.has(&folded))
        || is_answer(&folded, NO)
        || has_negation(&folded)
        || may_deny(&folded)
        || MESSAGES.is_in(&folded)
        || of_consent(part)
}

/// Whether a part of a name says little without another one: a way to reach people, an answer, an end of a time.
pub(in crate::intake) fn is_part(part: &str) -> bool {
    let folded = words(part);
    let lists = [
        MESSAGES, OTHER_WAY, CALLING, BEGINS, UNTIL, LAST_DAY, TIME, GIVEN, WITHDRAWN, MAY,
        MUST_NOT,
    ];
    lists.iter().any(|list| list.is_in(&folded))
        || is_way(part)
        || [YES, NO].iter().any(|it| is_answer(&folded, *it))
}

/// Whether a part of a name is a way to reach people, and nothing else.
pub(in crate::intake) fn is_way(part: &str) -> bool {
    let folded = words(part);
    MESSAGES.has(&folded) || is_about_mail(&folded) && folded.split(' ').count() <= 2
}

/// Whether what stands below a name goes on with it: `SMS` below `Nepřeje si`. A way that a person chose does not.
pub(in crate::intake) fn goes_on(name: &str, below: &str) -> bool {
    let is_choice = matches!(
        meaning(name).map(|it| it.kind),
        Some(
            ColumnKind::PreferredChannel
                | ColumnKind::Preference
                | ColumnKind::Status
                | ColumnKind::Remark
                | ColumnKind::LegalBasis
        )
    );
    let folded = words(below);
    let says = [MESSAGES, CONSENTS].iter().any(|it| it.is_in(&folded));
    !is_choice && says && is_about_consent(name) && !is_of_another_matter(name)
}

/// Whether only both parts of a name together say who may be messaged: `Opted` above `out`, `Nechce` above `SMS`.
pub(in crate::intake) fn are_one(above: &str, below: &str) -> bool {
    if is_part(below) && is_about_consent(above) {
        return true;
    }
    let has_own = |part: &str| of_consent(part);
    let is_known = |part: &str| {
        is_of_another_matter(part) || meaning(part).is_some_and(|it| it.kind == ColumnKind::Remark)
    };
    of_consent(&format!("{above} {below}"))
        && !is_known(below)
        && (!has_own(above) && !has_own(below) || is_about_consent(above) && !has_own(below))
}

/// Whether it is known of each name that was put together what it says: else the first of those that are not.
pub(in crate::intake) fn first_unheard(
    names: &[String],
    joined: impl Iterator<Item = usize>,
) -> Option<&String> {
    let pairs = pairs::find(names);
    let is_heard = |at: &usize| {
        let name = names.get(*at).map_or("", String::as_str);
        let folded = words(name);
        meaning(name).is_some()
            || names_channel(name)
            || is_about_mail(&folded)
            || CALLING.is_in(&folded)
            || pairs.get(*at).copied().flatten().is_some()
    };
    let mut joined = joined.filter(|at| !is_heard(at));
    joined.find_map(|at| names.get(at))
}

/// Whether a header says of a column, with certainty or without, that it tells who may be messaged.
fn of_consent(header: &str) -> bool {
    match meaning(header).map(|it| it.kind) {
        Some(
            ColumnKind::Consent
            | ColumnKind::ConsentDate
            | ColumnKind::ConsentFrom
            | ColumnKind::ConsentUntil
            | ColumnKind::Refusal
            | ColumnKind::RefusalIfTicked(_)
            | ColumnKind::RefusalUntil
            | ColumnKind::UnclearConsent
            | ColumnKind::UnclearRefusal
            | ColumnKind::Ambiguous
            | ColumnKind::OnlyNo
            | ColumnKind::ConsentDetail,
        ) => true,
        Some(
            ColumnKind::LegalBasis
            | ColumnKind::Status
            | ColumnKind::Preference
            | ColumnKind::PreferredChannel
            | ColumnKind::Remark
            | ColumnKind::Name
            | ColumnKind::Thing
            | ColumnKind::Other,
        )
        | None => false,
    }
}

/// Whether a text is one of these answers, as a word.
fn is_answer(folded: &str, answers: List) -> bool {
    folded.chars().count() > 1 && folded.chars().all(char::is_alphabetic) && answers.has(folded)
        || NEGATIONS.has(folded)
}

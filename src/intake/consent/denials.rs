//! Refusals that are taken back by the words beside them: `Not opted out`, `Zákaz zrušen`.

use crate::intake::words::{
    BETWEEN_DENIALS, NEGATIONS, NO, OF_A_THING, REFUSAL_ENDED, REFUSALS, RESTRICTIONS,
    WEAK_REFUSALS, compounds_apart, words,
};

/// How a text takes a refusal back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TakenBack {
    /// There is none: `Not opted out`, `neodhlášen`.
    Denied,
    /// There is none, or it is an answer, and there is one: `No opt-out`.
    PerhapsDenied,
    /// There was one: `Opt-out revoked`.
    Ended,
}

/// How a text takes back all refusals that it names; `None` if one stands, or it names none.
pub(super) fn taken_back(text: &str) -> Option<TakenBack> {
    let mut found = None;
    // `No, opted out` denies nothing.
    for part in text.split(|c| ",;:/|()[]–—\n".contains(c)) {
        for part in part.split(" - ") {
            for refusal in refusals(&compounds_apart(&words(part))) {
                // A refusal that stands.
                found = Some(refusal?);
            }
        }
    }
    found
}

/// How each of the refusals of a text is taken back, if it is.
fn refusals(folded: &str) -> Vec<Option<TakenBack>> {
    let words: Vec<&str> = folded.split(' ').collect();
    let (mut found, mut at, mut denial) = (Vec::new(), 0, None);
    while let Some(word) = words.get(at) {
        let count = length_of_refusal(&words[at..]);
        if count > 0 {
            let behind = words.get(at + count);
            let is_ended = behind.is_some_and(|it| REFUSAL_ENDED.has(it));
            found.push(denial.or(is_ended.then_some(TakenBack::Ended)));
            at += count + usize::from(is_ended);
            denial = None;
            continue;
        }
        if is_denied_by_prefix(word) {
            found.push(Some(TakenBack::Denied));
        } else if NEGATIONS.has(word) {
            denial = Some(if NO.has(word) {
                TakenBack::PerhapsDenied
            } else {
                TakenBack::Denied
            });
        } else if !BETWEEN_DENIALS.has(word) {
            denial = None;
        }
        at += 1;
    }
    found
}

/// How many words a refusal has with which these words begin; 0 if there is none.
fn length_of_refusal(words: &[&str]) -> usize {
    let lists = [REFUSALS, WEAK_REFUSALS, RESTRICTIONS];
    // `Non-stop`.
    let is_thing = words.first().is_some_and(|word| OF_A_THING.has(word));
    let lengths = lists.iter().map(|list| list.longest_at(words));
    lengths
        .max()
        .filter(|count| !is_thing || *count > 1)
        .unwrap_or(0)
}

/// Whether a word denies a refusal: `neodhlášen`, `unblocked`.
pub(super) fn is_denied_by_prefix(word: &str) -> bool {
    let mut undenied = without_prefix(word).into_iter();
    undenied.any(|rest| rest.len() > 4 && length_of_refusal(&[rest]) > 0)
}

/// What a word may deny: `nepovolit`, `unsubscribed`.
pub(super) fn without_prefix(word: &str) -> Vec<&str> {
    let prefixes = ["nie", "ne", "un", "non", "dis", "in"];
    let rests = prefixes.into_iter().filter_map(|it| word.strip_prefix(it));
    rests.filter(|rest| rest.chars().count() > 2).collect()
}

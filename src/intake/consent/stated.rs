//! What a header of consent states, without the words that take nothing back: how the consent can be withdrawn, and what
//! else is not meant. `I agree to receive SMS. Reply STOP to opt out.` is a consent.

use super::denials::without_prefix;
use crate::intake::words::{
    ABOUT, CALLING, CONSENTS, DENIES_SOMETHING_ELSE, JOINS, List, MAY_BE_WITHDRAWN, MESSAGES,
    NEGATIONS, NO, OTHER_WAY, REFUSALS, WEAK_REFUSALS, WITHDRAWN, YES, words_apart as words,
};

/// The lists of words that refuse, or deny what stands beside them.
const DENIALS: [List; 4] = [REFUSALS, WITHDRAWN, WEAK_REFUSALS, NEGATIONS];

/// A header without its clauses and phrases that take nothing back; the header itself where it has none, or where what is left
/// of it says nothing about messages.
pub(super) fn stated(header: &str) -> String {
    if !has_denial(&words(header)) {
        return header.to_owned();
    }
    let (mut kept, mut agrees, mut is_less) = (Vec::new(), false, false);
    for clause in clauses(header) {
        let all = words(&clause);
        // It says that the consent can be taken back, or how, and not that it was.
        let left = if agrees && MAY_BE_WITHDRAWN.is_in(&all) {
            String::new()
        } else {
            without_phrases(&all)
        };
        is_less |= left != all;
        agrees |= is_ours(&left) && !has_denial(&left);
        if !left.is_empty() {
            kept.push(left);
        }
    }
    let left = kept.join(", ");
    if is_less && is_ours(&words(&left)) {
        left
    } else {
        header.to_owned()
    }
}

/// Whether a header begins with a consent, and goes on with a denial that may be about something else: `Souhlas není
/// podmínkou`. Which of the two it means is not known.
pub(super) fn contradicts_itself(folded: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let words: Vec<&str> = folded.split(' ').collect();
    let first = |lists: &[List]| {
        (0..words.len()).find(|at| lists.iter().any(|list| list.longest_at(&words[*at..]) > 0))
    };
    let (Some(consent), Some(denial)) = (first(&[CONSENTS, MESSAGES]), first(&DENIALS)) else {
        return false;
    };
    let is_known = |word: &str| {
        is_known(word) || DENIALS.iter().any(|list| list.has_in_phrase(word)) || CALLING.has(word)
    };
    consent < denial && !words.iter().skip(denial).all(|word| is_known(word))
}

/// Whether a header allows messages and refuses something, and neither leads: `Text, don't call`, `SMS blocklist alerts OK`.
pub(super) fn allows_and_refuses(header: &str) -> bool {
    let all = words(header);
    let ends_in_ok = || all.ends_with(" ok") || all.ends_with(" okay");
    let refuses_calls = |clause: &str| {
        let folded = words(clause);
        let is_call =
            |word: &str| CALLING.has(word) || without_prefix(word).iter().any(|it| CALLING.has(it));
        REFUSALS.has(&folded) && folded.split(' ').any(is_call)
    };
    let allows = |clause: &str| is_ours(&words(clause)) && !has_denial(&words(clause));
    REFUSALS.is_in(&all) && is_ours(&all) && ends_in_ok()
        || clauses(header).any(|it| refuses_calls(&it)) && clauses(header).any(|it| allows(&it))
}

/// The clauses of a header, by its punctuation. A denial goes on through a list of ways: `Do not call, email or text`.
fn clauses(header: &str) -> impl Iterator<Item = String> {
    let parts = header.split(|c| ".;:,!?()[]–—\n".contains(c));
    let parts = parts.flat_map(|part| part.split(" - "));
    let mut clauses: Vec<String> = Vec::new();
    for part in parts.filter(|part| part.contains(char::is_alphanumeric)) {
        match clauses.last_mut() {
            Some(before) if goes_on(&words(before), &words(part)) => {
                before.push(' ');
                before.push_str(part);
            }
            _ => clauses.push(part.to_owned()),
        }
    }
    clauses.into_iter()
}

/// Whether a clause is the rest of the list of ways that the one before it denies.
fn goes_on(before: &str, clause: &str) -> bool {
    let is_way = |word: &str| {
        let lists = [CALLING, OTHER_WAY, MESSAGES];
        word == "e" || lists.iter().any(|list| list.has(word))
    };
    let ends_in_way = before.rsplit(' ').next().is_some_and(is_way);
    let is_denied = before.split(' ').any(|word| NEGATIONS.has(word));
    let mut words = clause.split(' ');
    ends_in_way && is_denied && words.all(|word| is_way(word) || JOINS.has(word))
}

fn has_denial(folded: &str) -> bool {
    DENIALS.iter().any(|list| list.is_in(folded))
}

fn is_ours(folded: &str) -> bool {
    CONSENTS.is_in(folded) || MESSAGES.is_in(folded)
}

/// A clause without the phrases that deny something else than messages, and without what messages are about: `SMS při zrušení
/// lekce`.
fn without_phrases(clause: &str) -> String {
    let words: Vec<&str> = clause.split(' ').collect();
    let mut left: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let rest = &words[at..];
        let is_end = is_subject(rest) || offers_answers(rest);
        if is_end && is_ours(&left.join(" ")) {
            break;
        }
        let count = DENIES_SOMETHING_ELSE.longest_at(rest);
        let count = count.max(length_of_other_way(rest));
        if count == 0 {
            left.push(word);
        }
        at += count.max(1);
    }
    left.join(" ")
}

/// Whether these words are the answers that a header offers: `yes/no/unknown`.
fn offers_answers(words: &[&str]) -> bool {
    match words {
        [first, second] | [first, second, _] => {
            YES.has(first) && NO.has(second) || NO.has(first) && YES.has(second)
        }
        _ => false,
    }
}

/// How many words are a denial of another way to reach a person: `no calls`, `bez e-mailů`.
fn length_of_other_way(words: &[&str]) -> usize {
    let [denial, rest @ ..] = words else {
        return 0;
    };
    let is_other = |words: &[&str]| match words {
        ["e", mail, ..] if OTHER_WAY.has(mail) => 2,
        [way, ..] if OTHER_WAY.has(way) || CALLING.has(way) => 1,
        _ => 0,
    };
    if !NEGATIONS.has(denial) {
        return 0;
    }
    // `No calls, emails or texts` is about all of them.
    let (mut count, mut at) = (0, 0);
    while let Some(rest @ [word, ..]) = rest.get(at..) {
        match is_other(rest) {
            0 if MESSAGES.has(word) => return 0,
            0 if JOINS.has(word) && at > 0 => at += 1,
            0 => break,
            of_way => {
                at += of_way;
                count = at + 1;
            }
        }
    }
    count
}

/// Whether these words say what messages are about, and that is the end of something: `při zrušení lekce`, and not `o odvolání
/// souhlasu`.
fn is_subject(words: &[&str]) -> bool {
    let [about, rest @ ..] = words else {
        return false;
    };
    let ends = |at: usize| {
        let rest = rest.get(at..).unwrap_or(&[]);
        WITHDRAWN.longest_at(rest) > 0 || REFUSALS.longest_at(rest) > 0
    };
    let is_ended = || (0..3).any(ends);
    ABOUT.has(about) && is_ended() && !CONSENTS.is_in(&rest.join(" "))
}

//! What each file of lists must be, and how phrases are found.

use super::*;

/// Checks a file whose sections are named in a source as `List("name")`: each line belongs to a section, each phrase is
/// folded, and each section is one that is used.
pub(crate) fn check(file: &'static str, source: &str, fold: fn(&str) -> String) {
    let lists = WordLists::read(file);
    let (mut section, mut phrases) = (None, 0);
    for line in file
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        if let Some(name) = line.strip_prefix('[') {
            section = Some(name.trim_end_matches(']'));
            continue;
        }
        let (language, words) = line.split_once(": ").unwrap();
        assert!(
            section.is_some() && (2..=3).contains(&language.len()),
            "{line}"
        );
        for phrase in words.split(", ") {
            phrases += usize::from(phrase.ends_with('!'));
            assert!(!phrase.contains("  "), "{phrase}");
            let words: Vec<&str> = phrase.split(' ').filter(|word| *word != "*").collect();
            let plain = words.join(" ").replace(['*', '!'], "");
            assert_eq!(fold(&plain), plain, "{phrase}");
            phrases += 1;
        }
    }
    assert_eq!(
        phrases,
        lists
            .0
            .values()
            .map(|list| list.phrases.len())
            .sum::<usize>()
    );
    let used = source.split("List(\"").skip(1);
    let mut used: Vec<&str> = used
        .filter_map(|it| Some(it.split_once("\")")?.0))
        .collect();
    let mut known: Vec<&str> = lists.0.into_keys().collect();
    used.sort_unstable();
    known.sort_unstable();
    assert_eq!(used, known);
}

#[test]
fn a_phrase_is_found_between_other_words_and_with_its_endings() {
    let is_in = |phrase: &'static str, text: &str| {
        let mut list = WordList::default();
        list.push("another one");
        list.push(phrase);
        list.is_in(text)
    };
    let has = |phrase: &'static str, text: &str| {
        let mut list = WordList::default();
        list.push(phrase);
        list.has(text)
    };
    assert!(is_in("opt out", "sms opt out date"));
    assert!(!is_in("opt out", "opt outside"));
    assert!(is_in("odhlas*", "uz odhlaseny ze sms"));
    assert!(is_in("*widerspruch", "werbewiderspruch"));
    assert!(is_in("le * iratkoz*", "most le szeretnek iratkozni"));
    assert!(!is_in("le * iratkoz*", "le iratkozni"));
    assert!(is_in("don t call*", "please don t calling"));
    assert!(!is_in("stop", "stopover"));
    assert!(has("dado de baja", "dado de baja") && !has("baja", "de baja"));
    assert!(
        has("odhlas*", "odhlasen")
            && has("de *baja", "de labaja")
            && !has("odhlas*", "uz odhlasen")
    );
}

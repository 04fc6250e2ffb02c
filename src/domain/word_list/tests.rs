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
            let plain = phrase.replace('*', "");
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
    let phrase = |text| Phrase::new(text);
    assert!(phrase("opt out").is_in("sms opt out date"));
    assert!(!phrase("opt out").is_in("opt outside"));
    assert!(phrase("odhlas*").is_in("uz odhlaseny ze sms"));
    assert!(phrase("*widerspruch").is_in("werbewiderspruch"));
    assert!(!phrase("stop").is_in("stopover"));
    assert!(phrase("dado de baja").is("dado de baja") && !phrase("baja").is("de baja"));
}

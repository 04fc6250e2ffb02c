use super::*;

fn fields(json: &str) -> serde_json::Result<Vec<String>> {
    let fields = parse_fields(json)?;
    Ok(fields
        .into_iter()
        .map(|field| field.0.into_owned())
        .collect())
}

#[test]
fn the_fields_come_as_they_were_typed() {
    let typed = ["", "a,b", "\"", "\\", "line\nbreak", "Žofie", "\u{1f600}"];
    let json = serde_json::to_string(&typed).unwrap();
    assert_eq!(fields(&json).unwrap(), typed);
    assert_eq!(fields("[]").unwrap(), [""; 0]);
}

#[test]
fn what_is_no_array_of_texts_is_an_error() {
    for json in ["", "{}", "[1]", "[\"a\"", "[\"a\"] x", "[null]"] {
        assert!(fields(json).is_err(), "{json}");
    }
}

#[test]
fn a_batch_name_that_is_no_file_name_still_makes_one() {
    assert_eq!(default_stem("a/b\\c", false), "a_b_c");
    assert_eq!(default_stem("a", true), "a.sandbox");
}

//! `outreach suppress`: the list of numbers that must never be messaged.

use std::fs;

use serde_json::Value;

use crate::fixture::{Place, every_state, text};

fn list(place: &Place) -> Vec<(String, String)> {
    let output = place.outreach(&["suppress", "list", "--json"]);
    let list: Value = serde_json::from_slice(&output.stdout).unwrap();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    list.as_array()
        .unwrap()
        .iter()
        .map(|entry| (word(&entry["phone"]), word(&entry["reason"])))
        .collect()
}

#[test]
fn numbers_come_and_go_with_reason_and_source() {
    let place = every_state();
    let add = [
        "suppress",
        "add",
        "777 123 456",
        "+420777123457",
        "--region",
        "CZ",
        "--reason",
        "asked",
    ];
    assert!(place.outreach(&add).status.success());
    let wanted: Vec<_> = ["+420777123456", "+420777123457"]
        .map(|phone| (phone.to_owned(), "asked".to_owned()))
        .into();
    assert_eq!(list(&place), wanted);
    let shown = text(&place.outreach(&["suppress", "list"]).stdout);
    assert!(shown.contains("jana@desk"), "{shown}");
    assert!(
        place
            .outreach(&["suppress", "remove", "+420777123456"])
            .status
            .success()
    );
    assert_eq!(list(&place), wanted[1..]);
}

#[test]
fn one_bad_number_changes_nothing() {
    let place = every_state();
    let output = place.outreach(&["suppress", "add", "+420777123456", "123"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("\"123\""));
    assert_eq!(list(&place), []);
}

#[test]
fn a_number_without_a_plus_has_the_same_remedy_everywhere() {
    let place = every_state();
    for args in [
        &["suppress", "add"][..],
        &["suppress", "remove"],
        &["contacts", "show"],
        &["forget", "--yes"],
    ] {
        let with = |more: &[&str]| place.outreach(&[args, &["777123456"], more].concat());
        let output = with(&[]);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        let remedy = "write it with the plus, or give --region";
        assert!(told.contains(remedy), "{args:?}: {told}");
        let output = with(&["--region", "CZ"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
}

#[test]
fn an_import_takes_every_number_of_a_file_however_bad_the_rest() {
    let place = every_state();
    let file = "name;phone\nA;+420777123456 / +420777123457\nB;nonsense\nC;1\nD;2\nE;3\n";
    fs::write(place.path("stop.csv"), file).unwrap();
    let import = [
        "suppress",
        "import",
        "stop.csv",
        "--column",
        "phone=phone",
        "--reason",
        "left",
    ];
    let output = place.outreach(&import);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("2 numbers: 2 are new"), "{told}");
    assert!(told.contains("4 rows hold no number"), "{told}");
    assert_eq!(list(&place).len(), 2);
    let again = place.outreach(&import);
    assert!(text(&again.stderr).contains("0 are new"));
}

#[test]
fn what_an_import_could_not_read_is_written_to_be_mended_and_imported() {
    let place = every_state();
    let file = "name;phone\nA;+420777123456\nB;nonsense\nC;42077712345\n";
    fs::write(place.path("stop.csv"), file).unwrap();
    let import = ["suppress", "import", "stop.csv", "--rejects", "mend.csv"];
    let output = place.outreach(&import);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let rejects = fs::read_to_string(place.path("mend.csv")).unwrap();
    assert_eq!(rejects.lines().count(), 3, "{rejects}");
    let mended = rejects
        .replace("nonsense", "+420777123457")
        .replace("42077712345;", "+420777123458;");
    fs::write(place.path("mend.csv"), mended).unwrap();
    let output = place.outreach(&["suppress", "import", "mend.csv"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(list(&place).len(), 3);
}

#[test]
fn an_opt_out_whose_plus_is_lost_is_kept_and_told() {
    let place = every_state();
    fs::write(
        place.path("stop.csv"),
        "Phone\n491711234567\n0160 1234567\n",
    )
    .unwrap();
    let import = ["suppress", "import", "stop.csv", "--region", "DE"];
    let output = place.outreach(&import);
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    let mut phones: Vec<String> = list(&place).into_iter().map(|(phone, _)| phone).collect();
    phones.sort();
    // The first is also a telephone in Leer: who of the two opted out is not known, and neither is messaged.
    let both = ["+491601234567", "+491711234567", "+49491711234567"];
    assert_eq!(phones, both);
    let told = text(&output.stderr);
    assert!(
        told.contains("one of two, and both are suppressed"),
        "{told}"
    );
    assert!(!told.contains("no number that can be"), "{told}");
}

#[test]
fn several_numbers_in_one_word_are_all_taken_or_none_is() {
    let place = every_state();
    let add = |word: &str| place.outreach(&["suppress", "add", word]);
    for half in [
        "+420777123456, 4207771234567890123",
        "+420777123456 / 4207771234567890123",
        "+420777123456; 123",
    ] {
        let output = add(half);
        assert_eq!(output.status.code(), Some(2), "{half}");
        assert!(text(&output.stderr).contains(half), "{half}");
        assert_eq!(list(&place), [], "{half}");
    }
    let output = add("+420777123456, +420777123457");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(list(&place).len(), 2);
    // A person is erased one at a time.
    let forget = ["forget", "--yes", "+420777123456, +420777123457"];
    assert_eq!(place.outreach(&forget).status.code(), Some(2));
    let remove = ["suppress", "remove", "+420777123456, +420777123457"];
    assert!(place.outreach(&remove).status.success());
    assert_eq!(list(&place), []);
}

#[test]
fn an_export_of_all_contacts_does_not_suppress_those_who_did_not_opt_out() {
    let place = every_state();
    let import = |flags: &[&str]| {
        place.outreach(
            &[
                &["suppress", "import", "crm.csv", "--rejects", "mend.csv"],
                flags,
            ]
            .concat(),
        )
    };
    let phones = || -> Vec<String> { list(&place).into_iter().map(|(phone, _)| phone).collect() };
    let rows = "A;+420777123456;yes\nB;+420777123457;no\nC;+420777123458;no\nD;none;no\n";
    fs::write(
        place.path("crm.csv"),
        format!("name;phone;opted_out\n{rows}"),
    )
    .unwrap();
    let refused = import(&[]);
    let told = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{told}");
    for part in [
        "opted_out says",
        "1 of the numbers",
        "the other 2",
        "--rows refusing",
        "--rows all",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(phones().is_empty() && !place.path("mend.csv").exists());
    assert_eq!(import(&["--rows", "refusing"]).status.code(), Some(3));
    assert_eq!(phones(), ["+420777123456"]);
    assert_eq!(import(&["--rows", "all", "--force"]).status.code(), Some(3));
    assert_eq!(phones().len(), 3);

    // Where all of them opted out there is nothing to ask.
    let all = rows.replace(";no\n", ";yes\n").replace("77712", "77713");
    fs::write(
        place.path("crm.csv"),
        format!("name;phone;opted_out\n{all}"),
    )
    .unwrap();
    assert_eq!(import(&["--force"]).status.code(), Some(3));
    assert_eq!(phones().len(), 6);
}

/// Imports a file, and tells the exit code, what was said, and the numbers that are on the list.
fn imported(file: &str, content: &[u8], flags: &[&str]) -> (Option<i32>, String, Vec<String>) {
    let place = every_state();
    fs::write(place.path(file), content).unwrap();
    let import = ["suppress", "import", file, "--region", "CZ"];
    let output = place.outreach(&[&import, flags].concat());
    let mut phones: Vec<String> = list(&place).into_iter().map(|(phone, _)| phone).collect();
    phones.sort();
    (output.status.code(), text(&output.stderr), phones)
}

fn numbered(last: &[u32]) -> Vec<String> {
    let numbers = last.iter();
    numbers.map(|n| format!("+42060233300{n}")).collect()
}

#[test]
fn every_number_of_a_list_of_opt_outs_counts_however_it_is_written() {
    let notes = "Telefon\n602333001 nevolat\n602333002 (manželka)\n602333003 STOP\n602333004 - 8\n602333005?\nnevolat 602333006\n602333007 linka 5\n";
    let several = "Telefon\n602333001 / 602333002\n602333003, 602333004\n602333005 602333006\n602 333 007 602 333 008\n";
    let card = "BEGIN:VCARD\nVERSION:3.0\nFN:Jan\nTEL;TYPE=CELL:602333001\nTEL;TYPE=HOME:602333002\nEND:VCARD\n";
    for (file, content, numbers) in [
        (
            "all.csv",
            "Telefon\n602333001 nevolat\n602333002 STOP\n",
            &[1, 2][..],
        ),
        ("notes.csv", notes, &[1, 2, 3, 4, 5, 6, 7]),
        ("several.csv", several, &[1, 2, 3, 4, 5, 6, 7, 8]),
        (
            "old.csv",
            "Jméno;Starý telefon;Telefon;Fax\nA;602333001;602333002;602333003\nB;602333004;;\n",
            &[1, 2, 3, 4],
        ),
        ("cards.vcf", card, &[1, 2]),
        ("note.csv", "Telefon;Poznámka\n602333001;\n", &[1]),
    ] {
        let (code, told, phones) = imported(file, content.as_bytes(), &[]);
        assert_eq!(
            (code, phones),
            (Some(0), numbered(numbers)),
            "{file}: {told}"
        );
    }
    // A first row that is no header does not pass for one because the others are read whatever their length.
    let rounded = "Telefon\n6,02333001E+08\n602333002.0\n";
    let (code, told, phones) = imported("rounded.csv", rounded.as_bytes(), &[]);
    assert_eq!((code, phones), (Some(7), Vec::new()), "{told}");
    // A column that is named is the only one.
    let old = "Starý telefon;Telefon\n602333001;602333002\n";
    let (code, told, phones) = imported("old.csv", old.as_bytes(), &["--column", "phone=Telefon"]);
    assert_eq!((code, phones), (Some(0), numbered(&[2])), "{told}");
    let (_, told, _) = imported("old.csv", old.as_bytes(), &[]);
    assert!(told.contains("\"Telefon\", \"Starý telefon\""), "{told}");
}

#[test]
fn opt_outs_on_a_sheet_that_is_not_read_are_not_lost_without_a_word() {
    let mut book = rust_xlsxwriter::Workbook::new();
    for (name, number) in [("Odhlášení", "602333001"), ("2024", "602333002")] {
        let sheet = book.add_worksheet().set_name(name).unwrap();
        sheet.write_string(0, 0, "Telefon").unwrap();
        sheet.write_string(1, 0, number).unwrap();
    }
    let book = book.save_to_buffer().unwrap();
    let (code, told, phones) = imported("stop.xlsx", &book, &[]);
    assert_eq!((code, phones), (Some(2), Vec::new()), "{told}");
    for part in ["\"Odhlášení\", \"2024\"", "--sheet"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let (code, told, phones) = imported("stop.xlsx", &book, &["--sheet", "2024"]);
    assert_eq!((code, phones), (Some(0), numbered(&[2])), "{told}");
}

#[test]
fn those_who_refuse_are_nobody_where_nothing_says_who_does() {
    let plain = "Jméno;Telefon\nA;602333001\nB;602333002\n";
    let only = ["--rows", "refusing"];
    let (code, told, phones) = imported("crm.csv", plain.as_bytes(), &only);
    assert_eq!((code, phones), (Some(2), Vec::new()), "{told}");
    assert!(
        told.contains("Jméno, Telefon") && told.contains("--rows refusing"),
        "{told}"
    );
    // A word beside a number says it.
    let words = "Jméno;Telefon\nA;602333001 nevolat\nB;602333002\n";
    let (code, told, phones) = imported("crm.csv", words.as_bytes(), &only);
    assert_eq!((code, phones), (Some(0), numbered(&[1])), "{told}");
}

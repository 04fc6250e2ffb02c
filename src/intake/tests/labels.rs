//! Labels of numbers, and names of columns, by which a number is not that of the person in the row.

use super::{judge, words};
use crate::domain::percent::Percent;
use crate::intake::{IntakeError, ReadFor, Settings};

fn cz() -> Settings {
    Settings {
        region: "CZ".parse().ok(),
        min_valid: Percent::NONE,
        ..Settings::default()
    }
}

fn rows(text: &str, settings: &Settings) -> Vec<String> {
    words(&judge(text.as_bytes(), settings).unwrap().0)
}

const GOOGLE: &str = "Name,Phone 1 - Label,Phone 1 - Value,Phone 2 - Label,Phone 2 - Value\n";

#[test]
fn a_number_whose_label_names_another_person_or_calls_it_old_is_not_messaged() {
    for label in [
        "Wife",
        "Manžel",
        "Mutter",
        "Mère",
        "Ex-husband",
        "Assistant",
        "Old",
        "Starý",
        "Do not use",
        "Nepoužívat",
        "Neplatné",
    ] {
        let text = format!(
            "{GOOGLE}Jan,{label},602333001,,\nEva,Mobile,602333002,,\nOta,{label},602333003,Work,602333004\n"
        );
        let rows = rows(&text, &cz());
        let is_held = ["2 not_theirs", "2 says_no"].contains(&rows[0].as_str());
        assert!(is_held, "{label}: {rows:?}");
        assert_eq!(rows[1], "3 +420602333002", "{label}");
        // Words that refuse for the person are for all of its numbers.
        let is_other = ["4 +420602333004", "4 says_no"].contains(&rows[2].as_str());
        assert!(is_other, "{label}: {rows:?}");
    }
    let text = format!("{GOOGLE}Ota,Old,602333003,Work,602333004\n");
    assert_eq!(rows(&text, &cz()), ["2 +420602333004"]);
}

#[test]
fn a_label_belongs_to_the_number_whose_figure_it_has() {
    for (one, other) in [
        ("Typ 1", "Typ 2"),
        ("Typ telefonu 1", "Typ telefonu 2"),
        ("Popis 1", "Popis 2"),
        ("Label 1", "Label 2"),
        ("Telefon 1 typ", "Telefon 2 typ"),
        ("Čí 1", "Čí 2"),
        ("Vztah1", "Vztah2"),
        ("Vztah (1)", "Vztah (2)"),
    ] {
        for label in ["manželka", "syn Petr", "fax", "staré", "nepoužívat"] {
            let text = format!(
                "Jméno;Telefon 1;{one};Telefon 2;{other}\nJan;602333001;{label};602333002;mobil\n\
                 Iva;602333003;mobil;602333004;{label}\nOta;602333005;{label};;\nLeo;602333006;mobil;;\n"
            );
            let rows = rows(&text, &cz());
            // Words that refuse for the person are for all of its numbers.
            let of_number = ["2 +420602333002", "3 +420602333003"];
            let of_person = ["2 says_no", "3 says_no"];
            let first = [rows[0].as_str(), rows[1].as_str()];
            assert!(
                first == of_number || first == of_person,
                "{one} {label}: {rows:?}"
            );
            let is_held = ["4 not_theirs", "4 fax", "4 says_no"].contains(&rows[2].as_str());
            assert!(is_held, "{one} {label}: {rows:?}");
            assert_eq!(rows[3], "5 +420602333006", "{one} {label}");
        }
    }
    // What is about something else, and a relation of the person.
    for text in [
        "Jméno;Telefon 1;Mobil 2;Kurz 2\nJan;602333001;602333002;manželka\n",
        "Jméno;Telefon 1;Kurz 1;Telefon 2\nJan;602333001;Jóga;602333002\n",
        "Jméno;Telefon;Vztah\nJan;602333001;manželka\n",
    ] {
        assert_eq!(rows(text, &cz()), ["2 +420602333001"], "{text}");
    }
}

#[test]
fn a_label_that_refuses_wins_over_other_rows_with_its_number() {
    let text = format!(
        "{GOOGLE}Jan,nevolat,602333001,,\nEva,Mobile,602333002,,\nJan,Mobile,602333001,,\n"
    );
    assert_eq!(
        rows(&text, &cz()),
        ["2 says_no", "3 +420602333002", "4 no_consent"]
    );
}

#[test]
fn a_number_that_a_person_gives_such_a_row_is_not_judged_by_the_label_of_the_old_one() {
    let text = format!("{GOOGLE}Jan,Wife,602333001,,\nEva,nevolat,602333002,,\n");
    let mut settings = cz();
    settings.corrections.give(2, "+420602333008".to_owned());
    settings.corrections.give(3, "+420602333009".to_owned());
    assert_eq!(rows(&text, &settings), ["2 +420602333008", "3 says_no"]);
}

#[test]
fn whose_numbers_are_to_be_suppressed_has_all_of_them_suppressed_whatever_their_labels() {
    let settings = Settings {
        read_for: ReadFor::SuppressionList,
        ..cz()
    };
    let text = format!("{GOOGLE}Jan,Wife,602333001,,\nEva,Mobile,602333002,,\n");
    assert_eq!(
        rows(&text, &settings),
        ["2 +420602333001", "3 +420602333002"]
    );
}

#[test]
fn a_card_whose_only_number_is_another_persons_is_not_messaged() {
    let card = |name: &str, number: &str, label: &str| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nitem1.TEL:{number}\r\nitem1.X-ABLabel:{label}\r\nEND:VCARD\r\n"
        )
    };
    let text = card("Jan", "602333001", "Manželka")
        + &card("Ota", "602333002", "_$!<Assistant>!$_")
        + &card("Eva", "602333003", "_$!<Home>!$_");
    let rows = rows(&text, &cz());
    assert!(rows[0].ends_with(" letters"), "{rows:?}");
    assert!(rows[1].ends_with(" letters"), "{rows:?}");
    assert!(rows[2].ends_with(" +420602333003"), "{rows:?}");
}

#[test]
fn whatever_a_program_calls_the_label_of_a_number_it_is_one() {
    let card = |number: &str| {
        let one = format!("FN:A\r\nTEL;TYPE=CELL{number}\r\nEND:VCARD\r\n");
        let begin = "BEGIN:VCARD\r\nVERSION:3.0\r\n";
        format!("{begin}{one}{begin}FN:B\r\nTEL:602333009\r\nEND:VCARD\r\n")
    };
    for label in [
        ";X-LABEL=Manžel:602333001",
        ";X-ABLabel=\"Manžel\":602333001",
        ";X-EVOLUTION-TYPE=ASSISTANT:602333001",
        ";RELATED=spouse:602333001",
        ":602333001\r\nitem1.X-NOTHING:1\r\nitem1.TEL:602333002\r\nitem1.X-LABEL:Manžel",
    ] {
        let rows = rows(&card(label), &cz());
        let is_of_card = label.contains("602333002") && rows[0].ends_with(" +420602333001");
        assert!(
            is_of_card || rows[0].ends_with(" letters"),
            "{label}: {rows:?}"
        );
    }
    for own in [
        ";PREF=1:602333001",
        ";VALUE=text;CHARSET=UTF-8:602333001",
        ";X-EVOLUTION-UI-SLOT=1;ALTID=2;PID=1.1:602333001",
        ";X-SERVICE-TYPE=x;LANGUAGE=cs:602333001",
    ] {
        let rows = rows(&card(own), &cz());
        assert!(rows[0].ends_with(" +420602333001"), "{own}: {rows:?}");
    }
}

#[test]
fn a_column_that_is_named_as_one_of_other_people_or_old_numbers_is_asked_about() {
    for column in [
        "Old mobile",
        "Neplatný telefon",
        "Telefon - nepoužívat",
        "Wife phone",
        "Telefon obchodníka",
        "Sender phone",
        "From",
        "Driver phone",
        "Telefon manželky",
        "Emergency phone",
        "AssistantPhone",
        "Starý telefon",
        "Ex-Mobil",
        "Ancien mobile",
    ] {
        let text = format!("name,{column}\nJan,+420602333001\nEva,+420602333002\n");
        match judge(text.as_bytes(), &cz()) {
            Err(IntakeError::NumbersOfOthers { column: named, .. }) => assert_eq!(named, column),
            Err(IntakeError::NamedAsRefusals { .. }) => {}
            other => panic!("{column}: {:?}", other.map(|(rows, _)| words(&rows))),
        }
        let mut named = cz();
        named.columns.phone = vec![column.to_owned()];
        assert_eq!(rows(&text, &named), ["2 +420602333001", "3 +420602333002"]);
    }
    for column in [
        "Telefon klienta",
        "Mobile",
        "Phone (from Account)",
        "Contact phone",
        "SMS",
        "Company phone",
    ] {
        let text = format!("name,{column}\nJan,+420602333001\nEva,+420602333002\n");
        assert_eq!(rows(&text, &cz()).len(), 2, "{column}");
    }
}

#[test]
fn lines_that_are_one_quoted_cell_each_are_refused_with_what_to_do() {
    for text in [
        "\"name;phone;consent\"\n\"Jan;602333001;yes\"\n\"Eva;602333002;no\"\n",
        "\"phone,name\"\n\"602333001,Jan\"\n\"602333002,Eva\"\n",
    ] {
        let refused = judge(text.as_bytes(), &cz());
        let error = refused.map(|(rows, _)| words(&rows)).unwrap_err();
        assert!(matches!(error, IntakeError::QuotedLines { .. }), "{error}");
        assert!(error.to_string().contains("Text to Columns"), "{error}");
    }
    let one = "phone\n\"602333001, 602333002\"\n602333003\n";
    assert_eq!(rows(one, &cz()).len(), 2);
}

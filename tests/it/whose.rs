//! Whose number a list gives: never another person's in the place of one that is missing.

use crate::lists::hold;
use crate::support::Scratch;

#[test]
fn the_number_of_another_person_never_stands_in_for_a_missing_one() {
    let refused = "seem to be another person's";
    hold(&[
        (
            "doctor.csv",
            "Pacient;Telefon;Lékař;Telefon\nEva Malá;;MUDr. Horák;602111222\nJan Novák;73111222;MUDr. Veselá;605111333\n",
            Some("CZ"),
            &[refused],
        ),
        (
            "guests.csv",
            "Guest 1,Mobile 1,Guest 2,Mobile 2\nEva,,Jan,602111222\nOta,602111224,Iva,602111223\n",
            Some("CZ"),
            &[refused],
        ),
        (
            "sales.csv",
            "Customer,Phone,Salesperson,Mobile\nEva,,Jan,602111222\n",
            Some("CZ"),
            &[refused],
        ),
        // Two numbers of one person.
        (
            "own.csv",
            "Name,Phone,City,Mobile\nEva,602111221,Brno,\nJan,,Praha,602111222\n",
            Some("CZ"),
            &["+420602111221", "+420602111222"],
        ),
    ]);
}

#[test]
fn a_column_of_numbers_that_is_named_counts_whoever_stands_beside_it() {
    let scratch = Scratch::new();
    scratch.write(
        "doctor.csv",
        "Pacient;Telefon;Lékař;Telefon\nEva Malá;;MUDr. Horák;602111222\nJan Novák;602111223;MUDr. Veselá;605111333\n",
    );
    let check = ["check", "doctor.csv", "--region", "CZ", "--min-valid", "0%"];
    let refused = scratch.outreach(&check).run().expect(7);
    let refused = refused.says("--column phone=\"Telefon\"");
    refused.says("\"Lékař\" stands between them");
    let named = scratch
        .outreach(&check)
        .with(&["--column", "phone=Telefon"]);
    let told = named.run().expect(0).out;
    assert!(
        told.contains("+420602111223") || told.contains("1 "),
        "{told}"
    );
    assert!(!told.contains("+420602111222"), "{told}");
}

#[test]
fn tables_side_by_side_are_refused() {
    let refused = "two tables seem to stand side by side";
    for list in [
        "Jméno;Telefon;;Jméno;Telefon\nEva;60211122;;Jan;602111223\n",
        "Jméno;Telefon;Jméno;Telefon\nEva;;Jan;602111223\n",
        "Souhlasí;;;Nesouhlasí;\nJméno;Telefon;;Jméno;Telefon\nEva;60211122;;Jan;602111223\n",
        "Telefon;;Telefon\n60211122;;602111223\n",
    ] {
        hold(&[("list.csv", list, Some("CZ"), &[refused])]);
    }
}

#[test]
fn a_hidden_row_of_a_workbook_in_xml_is_asked_about_and_left_out() {
    let scratch = Scratch::new();
    let row = |more: &str, phone: &str| {
        format!("<Row{more}><Cell><Data ss:Type=\"String\">{phone}</Data></Cell></Row>")
    };
    let rows = [
        row("", "phone"),
        row("", "+420602111221"),
        row(" ss:Hidden=\"1\"", "+420602111222"),
        row(" ss:Height=\"0\"", "+420602111223"),
        row(" ss:Height=\"15\"", "+420602111224"),
    ];
    let sheet = format!(
        "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\" \
         xmlns:ss=\"urn:schemas-microsoft-com:office:spreadsheet\"><Worksheet ss:Name=\"A\"><Table>{}</Table></Worksheet>\
         </Workbook>",
        rows.concat()
    );
    scratch.write("list.xls", &sheet);
    let send = ["send", "list.xls", "--sandbox", "--yes", "-m", "Hello"];
    let asked = scratch.outreach(&send).run();
    asked.says("2 rows are hidden in the sheet");
    let skip = ["--hidden-rows", "skip", "--out", "results.csv"];
    scratch.outreach(&send).with(&skip).run().expect(0);
    let results = std::fs::read_to_string(scratch.path("results.csv")).unwrap();
    for hidden in ["602111222", "602111223"] {
        assert!(!results.contains(hidden), "{results}");
    }
    assert!(
        results.contains("602111221") && results.contains("602111224"),
        "{results}"
    );
}

#[test]
fn a_country_of_something_else_is_no_country_of_a_number() {
    let own = "+420602333444";
    for header in [
        "Nationality",
        "Manufacturer country",
        "Země zájmu",
        "Auto - země",
        "Herstellerland",
        "Country of birth",
    ] {
        let list = format!("Name;Phone;{header}\nA;602333444;Poland\nB;602333445;PL\n");
        hold(&[("list.csv", &list, Some("CZ"), &[own, "+420602333445"])]);
    }
    // Nobody knows of what: no country is guessed where it is another one than that of the list.
    let not_told = "its country cell names no country";
    let list = "Name;Phone;Market country\nA;602333444;Poland\nB;602333445;Czechia\nC;+48602333446;Poland\nD;602333447;\n\
                E;602333448;see note\n";
    let expected = [
        not_told,
        "+420602333445",
        "+48602333446",
        "+420602333447",
        "+420602333448",
    ];
    hold(&[("market.csv", list, Some("CZ"), &expected)]);
    for header in [
        "Country of residence",
        "Země trvalého pobytu",
        "Rechnungsland",
        "Customer country name",
        "Pays de facturation",
        "Shipping country",
        "Country (billing address)",
    ] {
        let list = format!("Name;Phone;{header}\nA;602333444;Poland\n");
        hold(&[("list.csv", &list, Some("CZ"), &["+48602333444"])]);
    }
}

/// As Excel saves a list: sixteen rows at a time, without the columns at the end that are empty in all of them.
fn as_excel_saves(header: &str, rows: &[Vec<String>]) -> String {
    let width = header.split(';').count();
    let mut lines = vec![header.to_owned()];
    let mut groups = Vec::new();
    groups.push(&rows[..15.min(rows.len())]);
    groups.extend(rows[15.min(rows.len())..].chunks(16));
    for (at, group) in groups.into_iter().enumerate() {
        let filled = |row: &Vec<String>| row.iter().rposition(|cell| !cell.is_empty());
        let used = group
            .iter()
            .filter_map(filled)
            .max()
            .map_or(0, |last| last + 1);
        let cells = if at == 0 { width } else { used };
        lines.extend(group.iter().map(|row| row[..cells].join(";")));
    }
    lines.join("\r\n")
}

fn row(number: u32, more: &[&str]) -> Vec<String> {
    let own = [format!("Person {number}"), format!("602{number:06}")];
    own.into_iter()
        .chain(more.iter().map(|it| (*it).to_owned()))
        .collect()
}

#[test]
fn cells_that_excel_left_out_at_the_end_are_empty_ones() {
    let mut rows: Vec<Vec<String>> = (100_000..100_050).map(|at| row(at, &["", ""])).collect();
    rows[2][3] = "x".to_owned();
    rows[20][2] = "a note".to_owned();
    rows[40][1] = String::new();
    let list = as_excel_saves("Jméno;Telefon;Poznámka;Nevolat", &rows);
    assert!(
        list.contains("a note\r\n") && list.contains("602100049"),
        "{list}"
    );
    let expected: Vec<String> = (100_000..100_050)
        .map(|at| match at {
            100_002 => "suppressed, no consent".to_owned(),
            100_040 => "empty".to_owned(),
            at => format!("+420602{at}"),
        })
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    hold(&[("list.csv", &list, Some("CZ"), &expected)]);
    // The header alone has delimiters at its end.
    let list = "Jméno;Telefon;;\nA;602333444\nB;602333445;\n";
    hold(&[(
        "list.csv",
        list,
        Some("CZ"),
        &["+420602333444", "+420602333445"],
    )]);
}

#[test]
fn a_row_that_a_line_break_has_cut_is_never_taken_for_one_whose_end_was_left_out() {
    // What refuses stands in the second part: the first one must not be sent.
    let uneven = |list: &str, cut: usize| {
        let mut expected: Vec<String> = Vec::new();
        for (at, line) in list.lines().enumerate().skip(1) {
            let number = line.split(';').nth(1).unwrap_or("");
            let is_cut = at == cut || at == cut + 1;
            let is_sent = number.len() == 9 && !is_cut;
            let verdict = if is_sent {
                format!("+420{number}")
            } else {
                "fields".to_owned()
            };
            expected.push(verdict);
        }
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        hold(&[("list.csv", list, Some("CZ"), &expected)]);
    };
    for cut in [3_usize, 17, 20, 34] {
        let rows = (1_usize..40).map(|at| {
            if at == cut {
                format!("Person {at};602333{at:03};a\nnote;ne")
            } else {
                format!("Person {at};602333{at:03};;ano")
            }
        });
        let list = format!(
            "Jméno;Telefon;Poznámka;Souhlas\n{}\n",
            rows.collect::<Vec<_>>().join("\n")
        );
        uneven(&list, cut);
    }
    // The last group of the file is the cut row alone.
    let whole = (1..16).map(|at| format!("Person {at};602333{at:03};ano"));
    let whole = whole.collect::<Vec<_>>().join("\n");
    let list = format!("Jméno;Telefon;Souhlas\n{whole}\nEva;602333\nMalá;ne\n");
    let list = list.replace("Eva;602333\n", "Eva;602333016\n");
    uneven(&list, 16);
}

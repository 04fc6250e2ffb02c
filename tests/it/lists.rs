//! What lists say of people beside their numbers: the country, and that somebody must not be messaged.

use std::fmt::Write as _;

use proptest::prelude::*;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType};

use crate::exports::{judge_file, verdict};
use crate::support::{Scratch, number};
use outreach::internals::intake::Settings;

/// A list, the country that is set for it, and what becomes of its rows.
pub(crate) type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a [&'a str]);

/// Compares what becomes of the rows; the expected verdict is a part of the whole one.
pub(crate) fn hold(cases: &[Case<'_>]) {
    let scratch = Scratch::new();
    let mut wrong = Vec::new();
    for (name, list, region, expected) in cases {
        let path = scratch.write(name, list);
        let settings = Settings {
            region: region.map(|code| code.parse().unwrap()),
            min_valid: "0%".parse().unwrap(),
            ..Settings::default()
        };
        let got: Vec<String> = match judge_file(&path, &settings) {
            Ok((_, rows, _)) => rows.iter().map(verdict).collect(),
            Err(refused) => vec![refused.to_string()],
        };
        let fits = got.len() == expected.len()
            && got
                .iter()
                .zip(*expected)
                .all(|(got, part)| got.contains(part));
        if !fits {
            wrong.push(format!("{name}\n{list}\n{got:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_column_named_by_a_way_to_reach_people_holds_numbers_or_answers() {
    hold(&[
        (
            "answers.csv",
            "Name,Phone,SMS,Email\nA,+420602333444,yes,a@b.cz\nB,+420602333445,no,b@b.cz\nC,+420602333446,,c@b.cz\n",
            None,
            &["+420602333444", "suppressed, no consent", "+420602333446"],
        ),
        (
            "numbers.csv",
            "EMAIL,SMS\na@b.cz,420602333444\nb@b.cz,48602333444\n",
            None,
            &["+420602333444", "+48602333444"],
        ),
        (
            "whatsapp.csv",
            "Jmeno;Telefon;WhatsApp\nA;+420602333444;ano\nB;+420602333445;ne\n",
            None,
            &["+420602333444", "suppressed, no consent"],
        ),
    ]);
}

#[test]
fn a_remark_that_is_a_refusal_and_nothing_else_is_heard_and_any_other_is_told() {
    let list = "Name,Phone,Notes\nA,602333441,Bitte nicht anrufen!\nB,602333442,nevolat\nC,602333443,STOP\n\
                D,602333444,Do not call before 9\nE,602333445,likes tea\nF,602333446,unsubscribed\n";
    let left_out = "suppressed, no consent: \"Notes\" says";
    hold(&[(
        "remarks.csv",
        list,
        Some("CZ"),
        &[left_out, left_out, left_out, "+420", "+420", left_out],
    )]);
    let scratch = Scratch::new();
    let path = scratch.write("remarks.csv", list);
    let check = ["check", path.to_str().unwrap(), "--region", "CZ"];
    let said = scratch.outreach(&check).run().expect(0).out;
    assert!(
        said.contains("1  of those to be sent have a remark that may forbid it")
            && said.contains("row 5: 602333444 (\"Notes\" says \"Do not call before 9\")"),
        "{said}"
    );
}

#[test]
fn a_refusal_beside_a_number_wins_for_it_in_every_row() {
    let no = "must not be messaged";
    let left_out = "suppressed, no consent: \"Phone\" says";
    hold(&[
        (
            "beside.csv",
            "Name,Phone\nA,602333441\nB,602333441 STOP\nC,602333442\nD,nevolat +420 602 333 443\nE,602333443\n\
             F,602333444 🚫\nG,602333444\nH,602333445 wrong number\nI,602333445\n",
            Some("CZ"),
            &[
                left_out,
                no,
                "+420602333442",
                no,
                left_out,
                no,
                left_out,
                no,
                left_out,
            ],
        ),
        // Beside one number of a person it is for all of them, but where the number is wrong.
        (
            "two.csv",
            "Name,Mobile,Phone\nA,602333441,222333441 do not call\nB,602333442,222333442 wrong number\n\
             C,602333441,\nD,602333443,222333443\n",
            Some("CZ"),
            &[
                no,
                "+420602333442",
                "suppressed, no consent",
                "+420602333443",
            ],
        ),
        (
            "beyond.csv",
            "Name,Phone\nA,602333441\nB,602333441,STOP\nC,602333442,,\n",
            Some("CZ"),
            &[
                "a field without a column says \"STOP\"",
                "fields",
                "+420602333442",
            ],
        ),
        // What a row says that has no number of its own counts for the number that it seems to mean.
        (
            "named.csv",
            "Name,Phone,Consent\nA,602333441,yes\nB,602333441 Jana,no\n",
            Some("CZ"),
            &["suppressed, no consent: \"Consent\"", "letters"],
        ),
    ]);
}

#[test]
fn a_list_of_refusals_is_suppressed_with_the_numbers_beside_the_words() {
    let scratch = Scratch::new();
    let list = "Phone\n+420602333441 STOP\n+420602333441\n+420602333442\nnevolat +420602333443\nno number\n";
    let path = scratch.write("stops.csv", list);
    let import = ["suppress", "import", path.to_str().unwrap()];
    let said = scratch.outreach(&import).run().expect(3).said;
    assert!(
        said.contains("3 numbers: 3 are new") && said.contains("row 6"),
        "{said}"
    );
    let listed = scratch.outreach(&["suppress", "list"]).run().expect(0).out;
    for number in ["602333441", "602333442", "602333443"] {
        assert!(listed.contains(number), "{number}: {listed}");
    }
}

#[test]
fn a_card_tells_its_country_by_its_address() {
    let card = |version: &str, address: &str| {
        format!(
            "BEGIN:VCARD\r\nVERSION:{version}\r\nFN:A\r\nTEL;TYPE=CELL:602333444\r\n{address}\r\nEND:VCARD\r\n"
        )
    };
    let cards = [
        card("2.1", "ADR;HOME:;;Rynek 1;Krakow;;30-001;Polska"),
        card(
            "3.0",
            "item1.ADR;type=HOME:;;Rynek 1;Kraków;;30-001;Poland\r\nitem1.X-ABADR:cz",
        ),
        card("4.0", "ADR;CC=PL:;;Rynek 1;Kraków;;30-001;"),
        card(
            "3.0",
            "item1.ADR;type=HOME:;;Rynek 1;Kraków;;30-001;\r\nitem1.X-ABADR:pl",
        ),
        card("3.0", "ADR:;;;;;;Poland\r\nADR:;;;;;;Polska"),
        card("3.0", "ADR:;;;;;;Poland\r\nADR:;;;;;;Germany"),
        card("3.0", "ADR:;;;;;;Mordor"),
        card("3.0", "ADR:;;;Brno;;;"),
    ];
    let file = cards.concat();
    let unknown = "its country cell names no country";
    let poland = "duplicate of row 1";
    hold(&[(
        "cards.vcf",
        &file,
        Some("CZ"),
        &[
            "+48602333444",
            poland,
            poland,
            poland,
            poland,
            unknown,
            unknown,
            "+420602333444",
        ],
    )]);
}

#[test]
fn a_code_in_a_column_of_its_own_is_a_countrys_or_part_of_the_number() {
    let apart = "seems to hold the area codes";
    hold(&[
        (
            "codes.csv",
            "Jméno;Předvolba;Telefon\nA;420;602333401\nB;48.0;602333402\n",
            Some("CZ"),
            &["+420602333401", "+48602333402"],
        ),
        (
            "areas.csv",
            "Name;Vorwahl;Nummer\nA;0664;1234501\nB;01;5880101\n",
            Some("AT"),
            &[apart],
        ),
        (
            "areas-us.csv",
            "Name,Area Code,Phone\nA,201,555-0101\nB,202,555-0102\n",
            Some("US"),
            &[apart],
        ),
        (
            "whole.csv",
            "Name,Area Code,Phone\nA,201,(201) 555-0101\nB,202,202-555-0102\n",
            Some("US"),
            &["+12015550101", "+12025550102"],
        ),
    ]);
}

#[test]
fn what_stands_alone_on_a_line_below_a_table_is_a_note() {
    hold(&[(
        "report.csv",
        "Name,Phone,Email\nA,+420602333401,a@b.cz\n\n\"All Contacts\"\n\"Copyright (c) 2000-2026 Acme\"\n\"Acme\"\n",
        None,
        &["+420602333401"],
    )]);
}

#[test]
fn a_question_about_messages_is_one_of_consent_and_a_fact_is_none() {
    let no = "suppressed, no consent";
    let list =
        |header: &str| format!("Name;Phone;{header}\nA;+420602333401;ja\nB;+420602333402;nein\n");
    let (both, first, second) = (
        ["+420602333401", "+420602333402"],
        ["+420602333401", no],
        [no, "+420602333402"],
    );
    for (header, expected) in [
        ("Darf per SMS kontaktiert werden", first),
        ("SMS reminder?", first),
        ("WhatsApp", first),
        ("Keine SMS", second),
        ("SMS sent", both),
        ("Has WhatsApp", both),
        ("E-mail marketing", both),
    ] {
        hold(&[("question.csv", &list(header), None, &expected)]);
    }
}

#[test]
fn another_sheet_of_a_workbook_is_another_list() {
    let scratch = Scratch::new();
    let workbook = std::fs::canonicalize("fixtures/two-lists.xlsx").unwrap();
    let send = |sheet: &str| {
        let list = ["send", workbook.to_str().unwrap(), "--sheet", sheet];
        let rehearsal = ["--sandbox", "--yes", "-m", "Hello"];
        let ended = scratch.outreach(&list).with(&rehearsal).run().expect(0);
        let batch = ended.said.lines().find(|line| line.contains(" to send"));
        batch.unwrap_or(&ended.said).to_owned()
    };
    let [first, second] = ["Klienti", "Partneři"].map(send);
    assert_ne!(first, second);
    assert!(!second.contains("done before"), "{second}");
    assert!(send("Partneři").contains("0 to send"));
}

/// Where a list tells the country of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Column,
    Header,
    City,
    Number,
}

/// What is written there, and the calling code that it means; 0 for what is not understood.
const TOLD: [(&str, u64); 14] = [
    ("", 1_000),
    ("PL", 48),
    ("Poland", 48),
    ("Polsko", 48),
    ("Rzeczpospolita Polska", 48),
    ("DE", 49),
    ("Deutschland", 49),
    ("SRN", 49),
    ("CZ", 420),
    ("Česká republika", 420),
    ("Slovensko", 421),
    ("Velká Británie", 44),
    ("Mordor", 0),
    ("pl/cz", 0),
];

/// Numbers as people of several countries write them; many are valid in several of them.
const NUMBERS: [&str; 9] = [
    "602333444",
    "512 345 678",
    "777111222",
    "0905 123 456",
    "0151 12345678",
    "48602333444",
    "00420602333444",
    "+48602333444",
    "07400 123456",
];

/// A list of rows whose country is told at that place, and the calling code that each row tells.
fn list_of(place: Place, rows: &[(usize, usize)]) -> (String, Vec<u64>) {
    let told = |index: usize| TOLD[index % TOLD.len()];
    let whole = told(rows[0].0);
    let header = match (place, whole.1) {
        (Place::Header, 1..1_000) => format!("Phone ({})", whole.0),
        (Place::Header | Place::Column | Place::City | Place::Number, _) => "Phone".to_owned(),
    };
    let mut list = format!("Name;Country;City;{header}\n");
    let mut codes = Vec::new();
    for (index, number) in rows {
        let ((text, code), number) = (told(*index), NUMBERS[*number]);
        let is_name = text.len() > 2 && code > 0 && code < 1_000;
        let (line, code) = match place {
            Place::Column => (format!("A;{text};;{number}"), code),
            Place::Header if whole.1 > 0 => (format!("A;;;{number}"), whole.1),
            Place::City if is_name => (format!("A;;Town, {text};{number}"), code),
            Place::Number if code < 1_000 => (format!("A;;;{text}: {number}"), code),
            Place::Header | Place::City | Place::Number => (format!("A;;;{number}"), 1_000),
        };
        writeln!(list, "{line}").unwrap();
        codes.push(code);
    }
    (list, codes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn each_number_in_a_results_file_is_valid_and_of_the_country_that_its_row_tells(
        rows in prop::collection::vec((0..TOLD.len(), 0..NUMBERS.len()), 1..40),
        place in prop::sample::select(vec![Place::Column, Place::Header, Place::City, Place::Number]),
        default in prop::sample::select(vec![None, Some(("CZ", 420)), Some(("DE", 49))]),
        international: bool,
    ) {
        let (list, codes) = list_of(place, &rows);
        let scratch = Scratch::new();
        scratch.write("list.csv", &list);
        let mut send = scratch.outreach(&["send", "list.csv", "--sandbox", "--yes", "-m", "Hello", "--min-valid", "0%"]);
        send = send.with(&["--out", "results.csv"]);
        if let Some((code, _)) = default {
            send = send.with(&["--region", code]);
        }
        if international {
            send = send.with(&["--international"]);
        }
        let ended = send.run();
        // A list without a valid row is refused, and so is one that may need --international.
        if !scratch.path("results.csv").exists() {
            prop_assert!(ended.code != Some(0), "{}", ended.said);
            return Ok(());
        }
        let text = scratch.read("results.csv");
        let text = text.trim_start_matches('\u{feff}');
        let mut csv = csv::ReaderBuilder::new().delimiter(b';').from_reader(text.as_bytes());
        let headers = csv.headers().unwrap().clone();
        let at = |name: &str| headers.iter().position(|header| header == name).unwrap();
        let (phone, status) = (at("outreach_phone"), at("outreach_status"));
        let results: Vec<_> = csv.records().map(Result::unwrap).collect();
        prop_assert_eq!(results.len(), rows.len());
        for (result, ((_, number), code)) in results.iter().zip(rows.iter().zip(codes)) {
            if &result[status] == "invalid" {
                continue;
            }
            let (phone, typed) = (result[phone].trim_start_matches('\''), NUMBERS[*number]);
            let google = PHONE_NUMBER_UTIL.parse(phone, None).expect("a number");
            prop_assert!(PHONE_NUMBER_UTIL.get_number_type(&google) != PhoneNumberType::Unknown, "{phone}");
            let code = match code {
                1_000 => default.map_or(0, |(_, code)| code),
                code => code,
            };
            // A number that carries its country code needs no other word on its country.
            let own: String = typed.trim_start_matches("00").chars().filter(char::is_ascii_digit).collect();
            let is_own = typed.starts_with(['+']) || typed.starts_with("00") || international;
            let fits = code > 0 && phone.starts_with(&format!("+{code}"))
                || is_own && phone == format!("+{own}");
            prop_assert!(fits, "{place:?} {code} {typed}: {phone}\n{list}");
        }
    }
}

/// Who filters a sheet sees some of its rows, and means those.
#[test]
fn rows_that_a_filter_hides_are_asked_about_and_left_out_where_that_is_said() {
    let scratch = Scratch::new();
    let mut book = rust_xlsxwriter::Workbook::new();
    book.add_worksheet().set_name("A & B").unwrap();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "phone").unwrap();
    for row in 1..=4_u32 {
        let phone = format!("+{}", number(row));
        sheet.write_string(row, 0, phone).unwrap();
    }
    for row in [2, 3] {
        sheet.set_row_hidden(row).unwrap();
    }
    let list = scratch.path("list.xlsx");
    book.save(&list).unwrap();
    let send = |flags: &[&str]| {
        let scratch = Scratch::new();
        std::fs::copy(&list, scratch.path("list.xlsx")).unwrap();
        let send = ["send", "list.xlsx", "--sandbox", "--yes", "-m", "Hello"];
        scratch.outreach(&send).with(flags).run()
    };
    send(&[])
        .expect(2)
        .says("2 rows are hidden in the sheet")
        .says("--hidden-rows skip")
        .says("--hidden-rows send");
    let check = ["check", "list.xlsx"];
    let check = |flags: &[&str]| scratch.outreach(&check).with(flags).run().expect(0).out;
    let told = check(&[]);
    assert!(
        told.contains("2 rows are hidden") && told.contains("4 rows"),
        "{told}"
    );
    let told = check(&["--hidden-rows", "skip"]);
    assert!(told.contains("left out"), "{told}");
    let said_of = |what: &str| {
        let flags = ["--hidden-rows", what];
        send(&flags).expect(0).said
    };
    let (shown, all) = (said_of("skip"), said_of("send"));
    assert!(
        shown.contains("left out") && shown.contains("2 rows\n"),
        "{shown}"
    );
    assert!(
        all.contains("read like the others") && all.contains("4 rows\n"),
        "{all}"
    );
}

#[test]
fn a_hidden_column_of_numbers_is_told() {
    let scratch = Scratch::new();
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in [(0, "name"), (1, "phone")] {
        sheet.write_string(0, column, header).unwrap();
        sheet.write_string(1, column, "+420777123456").unwrap();
    }
    sheet.set_column_hidden(1).unwrap();
    book.save(scratch.path("list.xlsx")).unwrap();
    let told = scratch.outreach(&["check", "list.xlsx"]).run().expect(0);
    let hidden = "the column of phone numbers, \"phone\", is hidden in the sheet";
    assert!(told.out.contains(hidden), "{}", told.out);
}

/// A sheet with the numbers of these rows, and the rows that a filter hides in it, from 1.
fn sheet(book: &mut rust_xlsxwriter::Workbook, rows: std::ops::Range<u32>, hidden: &[u32]) {
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "phone").unwrap();
    for (at, n) in (1..).zip(rows) {
        sheet
            .write_string(at, 0, format!("+{}", number(n)))
            .unwrap();
    }
    for row in hidden {
        sheet.set_row_hidden(*row).unwrap();
    }
}

#[test]
fn opt_outs_in_hidden_rows_count_whatever_becomes_of_those_of_lists() {
    let scratch = Scratch::new();
    scratch.write("outreach.toml", "hidden-rows = \"skip\"\n");
    let mut book = rust_xlsxwriter::Workbook::new();
    sheet(&mut book, 1..4, &[2]);
    book.save(scratch.path("stops.xlsx")).unwrap();
    let import = ["suppress", "import", "stops.xlsx"];
    scratch.outreach(&import).run().expect(0);
    let listed = scratch.outreach(&["suppress", "list"]).run().expect(0).out;
    for n in 1..4 {
        assert!(listed.contains(&number(n).to_string()), "{n}: {listed}");
    }
}

#[test]
fn a_sheet_of_which_all_rows_are_hidden_is_not_replaced_by_the_next_one() {
    let scratch = Scratch::new();
    let mut book = rust_xlsxwriter::Workbook::new();
    sheet(&mut book, 1..4, &[1, 2, 3]);
    sheet(&mut book, 10..13, &[]);
    book.save(scratch.path("list.xlsx")).unwrap();
    let send = |how: &str| {
        let send = ["send", "list.xlsx", "--sandbox", "--yes", "-m", "Hello"];
        let send = scratch.outreach(&send);
        send.with(&["--hidden-rows", how, "--batch", how]).run()
    };
    let refused = send("skip").expect(7);
    refused.says("no rows after its header");
    let all = send("send").expect(0);
    all.says("3 rows are hidden in the sheet");
}

#[test]
fn a_mobile_of_somebody_else_is_not_taken_before_the_phone_of_the_people() {
    let scratch = Scratch::new();
    let check = |headers: &str| {
        let rows = "Jana,+420777123456,+420602111222\nEva,+420777123457,+420602111222\n";
        scratch.write("list.csv", &format!("name,{headers}\n{rows}"));
        scratch.outreach(&["check", "list.csv"]).run()
    };
    for headers in [
        "Sales rep mobile,Contact phone",
        "Contact phone,Sales rep mobile",
        "Technician mobile,Phone number",
        "Rep mobile,Customer phone",
        "Mobil technika,Telefon domu",
    ] {
        check(headers)
            .expect(7)
            .says("name one or several with --column phone=HEADER");
    }
    for headers in ["Customer mobile,Company phone", "Mobile,Company phone"] {
        let told = check(headers).expect(0).out;
        assert!(told.contains("obile\""), "{headers}: {told}");
    }
}

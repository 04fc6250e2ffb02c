//! What lists say of people beside their numbers: the country, and that somebody must not be messaged.

use crate::exports::{judge_file, verdict};
use crate::support::Scratch;
use outreach::internals::intake::Settings;

/// A list, the country that is set for it, and what becomes of its rows.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a [&'a str]);

/// Compares what becomes of the rows; the expected verdict is a part of the whole one.
fn hold(cases: &[Case<'_>]) {
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

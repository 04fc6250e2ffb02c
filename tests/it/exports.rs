//! Exports of the programs that contact lists come from: who is meant, and who is left out.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::path::Path;

use outreach::internals::domain::recipient::{JudgedRow, Verdict};
use outreach::internals::intake::{
    Input, IntakeError, Judge, JudgeError, Settings, Source, Summary,
};

use proptest::prelude::*;

use crate::support::{CHANNEL, SandboxProcess, Scratch};

pub(crate) type Judged = (Input, Vec<JudgedRow>, Summary);

/// Judges a list by itself.
pub(crate) fn judge_file(path: &Path, settings: &Settings) -> Result<Judged, IntakeError> {
    let mut input = Input::open(&[Source::Path(path.to_owned())], settings)?;
    let mut rows = Vec::new();
    let judged = input.judge(&Judge::alone(), &mut |row| {
        rows.push(row);
        Ok::<_, Infallible>(())
    });
    match judged {
        Ok(summary) => Ok((input, rows, summary)),
        Err(JudgeError::Intake(error)) => Err(error),
        Err(JudgeError::Sink(never)) => match never {},
    }
}

/// What was understood of an export in `fixtures/exports`, and what becomes of each row.
fn reading(name: &str, settings: &Settings) -> String {
    let path = Path::new("fixtures/exports").join(name);
    let (input, rows, summary) = match judge_file(&path, settings) {
        Ok(judged) => judged,
        Err(refused) => return format!("refused: {refused}"),
    };
    let mut out = String::new();
    for line in input.notes().iter().chain(&input.mapping().describe()) {
        writeln!(out, "{line}").unwrap();
    }
    for row in &rows {
        writeln!(out, "{}: {}", row.position.row, verdict(row)).unwrap();
    }
    if summary.overrides_region > 0 {
        writeln!(
            out,
            "{} read by the list's country",
            summary.overrides_region
        )
        .unwrap();
    }
    out
}

/// What becomes of a row, in words.
pub(crate) fn verdict(row: &JudgedRow) -> String {
    match &row.verdict {
        Verdict::Queued(accepted) => {
            let id = accepted.contact_id.as_ref();
            let id = id.map_or_else(String::new, |id| format!(", contact {id}"));
            format!("{}{id}", accepted.phone.e164())
        }
        Verdict::Invalid { problem, .. } => format!("invalid, {problem}"),
        Verdict::Duplicate { first, .. } => format!("duplicate of row {}", first.row),
        Verdict::Suppressed { phone, cause } => format!("{} suppressed, {cause}", phone.e164()),
    }
}

fn any_share() -> Settings {
    Settings {
        min_valid: "0%".parse().unwrap(),
        ..Settings::default()
    }
}

fn region(code: &str) -> Settings {
    Settings {
        region: Some(code.parse().unwrap()),
        ..any_share()
    }
}

fn readings(names: &[&str], settings: &Settings) -> String {
    names.iter().fold(String::new(), |mut out, name| {
        writeln!(out, "# {name}\n{}", reading(name, settings)).unwrap();
        out
    })
}

#[test]
fn the_country_that_a_list_tells_wins_over_the_one_that_is_set() {
    insta::assert_snapshot!(readings(
        &[
            "country-code.csv",
            "woocommerce.csv",
            "dial-and-address.csv",
            "two-countries.csv"
        ],
        &region("CZ")
    ));
}

#[test]
fn a_country_column_that_is_named_understands_calling_codes() {
    let mut settings = region("CZ");
    settings.columns.region = Some("Country Code".to_owned());
    let named = reading("country-code.csv", &settings);
    assert_eq!(named, reading("country-code.csv", &region("CZ")));
}

#[test]
fn a_contact_id_of_another_program_is_not_taken_for_one_of_the_api() {
    let read = reading("gohighlevel.csv", &Settings::default());
    assert!(
        read.ends_with("2: +14155552671\n3: +14155552672\n"),
        "{read}"
    );
    let mut named = any_share();
    named.columns.contact_id = Some("Amio".to_owned());
    insta::assert_snapshot!(reading("contact-ids.csv", &named));
}

#[test]
fn exports_are_known_by_their_headers_and_the_mobile_goes_first() {
    insta::assert_snapshot!(readings(
        &[
            "google.csv",
            "outlook.csv",
            "hubspot.csv",
            "shopify.csv",
            "rapidpro.csv",
            "brevo.csv",
            "salesforce.csv",
            "icloud.csv",
            "gohighlevel.csv",
        ],
        &any_share()
    ));
}

#[test]
fn titles_above_the_header_are_left_out_and_told() {
    insta::assert_snapshot!(readings(
        &[
            "title.csv",
            "title-semicolon.csv",
            "two-level.csv",
            "title.xlsx"
        ],
        &region("CZ")
    ));
    let mut named = any_share();
    named.header_row = std::num::NonZeroU32::new(2);
    let read = reading("two-level.csv", &named);
    assert_eq!(
        read,
        reading("two-level.csv", &any_share()),
        "the row that is found too"
    );
    named.header_row = std::num::NonZeroU32::new(900);
    let refused = reading("two-level.csv", &named);
    assert!(refused.contains("there is no row 900"), "{refused}");
}

#[test]
fn faxes_and_pagers_are_never_messaged() {
    insta::assert_snapshot!(readings(&["phone-type.csv", "fax-only.csv"], &any_share()));
}

#[test]
fn columns_of_one_name_are_read_in_turn_and_can_be_told_apart() {
    insta::assert_snapshot!(readings(&["same-name.csv"], &any_share()));
    let mut second = any_share();
    second.columns.phone = vec!["Phone#2".to_owned()];
    insta::assert_snapshot!(
        "the_second_of_one_name",
        readings(&["same-name.csv"], &second)
    );
    second.columns.phone = vec!["Phone#3".to_owned()];
    assert!(
        reading("same-name.csv", &second).starts_with("refused: there is no column \"Phone#3\"")
    );
}

#[test]
fn whoever_the_list_says_must_not_be_messaged_is_left_out() {
    insta::assert_snapshot!(readings(&["consent.csv"], &any_share()));
    let mut ignored = any_share();
    ignored.ignore_consent = vec!["Nekontaktovat".to_owned(), "Souhlas".to_owned()];
    insta::assert_snapshot!(
        "consent_is_ignored_where_asked",
        readings(&["consent.csv"], &ignored)
    );
}

#[test]
fn a_no_in_any_row_wins_for_its_number_in_this_batch() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let refusing = SandboxProcess::with_faults(&["401"]);
    let send = |to: &SandboxProcess, list: &str, more: &[&str]| {
        let list = scratch.write("list.csv", list);
        let ended = scratch
            .outreach(&["send", list.to_str().unwrap(), "--yes", "--batch", "list"])
            .with(&[
                "--message",
                "Hello",
                "--channel",
                CHANNEL,
                "--min-valid",
                "0%",
            ])
            .with(&["--base-url", to.base_url()])
            .with(more)
            .run();
        ended.said
    };
    let said = send(
        &refusing,
        "Phone,Unsubscribed\n+420777111222,no\n+420777111333,\n+420777111444,no\n+420777111222,yes\n",
        &[],
    );
    assert!(
        said.contains("no consent: the list itself says so"),
        "{said}"
    );
    let counts = scratch.checkpoint().counts();
    assert_eq!((counts.queued, counts.suppressed), (2, 2), "{said}");
    // One who was said to want no message stays so; one who is queued is taken out.
    let more = "Phone,Unsubscribed\n+420777111222,no\n+420777111333,yes\n";
    let said = send(&sandbox, more, &["--add"]);
    let accepted: Vec<u64> = sandbox.accepted().into_keys().collect();
    assert_eq!(accepted, [420_777_111_444], "{said}");
    scratch.checkpoint().expect_sound();
}

#[test]
fn a_stop_beside_a_number_wins_for_it_in_rows_that_join() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let refusing = SandboxProcess::with_faults(&["401"]);
    let send = |to: &SandboxProcess, list: &str, more: &[&str]| {
        let list = scratch.write("list.csv", list);
        let ended = scratch
            .outreach(&["send", list.to_str().unwrap(), "--yes", "--batch", "list"])
            .with(&["--message", "Hello", "--channel", CHANNEL])
            .with(&["--min-valid", "0%", "--base-url", to.base_url()])
            .with(more)
            .run();
        ended.said
    };
    let first = "Phone\n+420777111222\n+420777111333 STOP\n+420777111444\n";
    let said = send(&refusing, first, &[]);
    assert_eq!(scratch.checkpoint().counts().queued, 2, "{said}");
    // One who is queued is taken out, and one who refused before does not come in.
    let more = "Phone\n+420777111222 nevolat\n+420777111333\n+420777111555\n";
    let said = send(&sandbox, more, &["--add"]);
    let accepted: Vec<u64> = sandbox.accepted().into_keys().collect();
    assert_eq!(accepted, [420_777_111_444, 420_777_111_555], "{said}");
    scratch.checkpoint().expect_sound();
}

#[test]
fn a_column_of_consent_that_is_ignored_is_in_the_audit() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let ignored = [
        "--ignore-consent-column",
        "Nekontaktovat",
        "--ignore-consent-column",
        "souhlas",
    ];
    assert_eq!(sent(&scratch, &sandbox, "consent.csv", &ignored).len(), 5);
    let kept: (String, String) = rusqlite::Connection::open(scratch.path("outreach.db"))
        .unwrap()
        .query_row("SELECT what, detail FROM decision", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(
        kept,
        (
            "ignore-consent-column".to_owned(),
            "Nekontaktovat, Souhlas".to_owned()
        )
    );
}

/// Sends a fixture through the program; returns whom the sandbox says it messaged.
fn sent(scratch: &Scratch, sandbox: &SandboxProcess, name: &str, more: &[&str]) -> Vec<u64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/exports")
        .join(name);
    let before = sandbox.accepted();
    scratch
        .outreach(&["send", path.to_str().unwrap(), "--yes", "--min-valid", "0%"])
        .with(&["--message", "Hello", "--channel", CHANNEL])
        .with(&["--base-url", sandbox.base_url()])
        .with(more)
        .run()
        .expect(0);
    let after = sandbox.accepted();
    let is_new = |number: &u64| after.get(number) != before.get(number);
    after.keys().copied().filter(is_new).collect()
}

#[test]
fn nobody_is_messaged_in_another_country_than_the_list_tells() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    assert_eq!(
        sent(&scratch, &sandbox, "country-code.csv", &["--region", "CZ"]),
        [
            48_512_345_678,
            48_602_333_444,
            48_602_333_445,
            48_602_333_447,
            420_777_111_222,
            420_777_111_333
        ]
    );
}

#[test]
fn a_contact_id_of_the_list_never_decides_against_the_number() {
    let (scratch, sandbox) = (Scratch::new(), SandboxProcess::start(&[]));
    let ann = 14_155_552_671;
    assert_eq!(
        sent(&scratch, &sandbox, "gohighlevel.csv", &[]),
        [ann, 14_155_552_672],
        "the ids of another program are left alone"
    );
    let shown = scratch
        .outreach(&["contacts", "show", "+14155552671", "--json"])
        .run();
    let shown = shown.expect(0);
    let (_, id) = shown.out.split_once("\"contact_id\":").unwrap();
    let id = id.split('"').nth(1).unwrap();
    let list =
        format!("Name,Amio,Phone\nAnn,4611686018427387905,+14155552671\nBob,{id},+14155552673\n");
    let path = scratch.write("ids.csv", &list);
    let ended = scratch
        .outreach(&["send", path.to_str().unwrap(), "--yes", "--batch", "ids"])
        .with(&[
            "--column",
            "contact_id=Amio",
            "--message",
            "Hi",
            "--channel",
            CHANNEL,
        ])
        .with(&["--base-url", sandbox.base_url()])
        .run();
    let ended = ended.expect(0);
    let accepted: BTreeMap<u64, u64> = sandbox.accepted();
    assert_eq!(
        accepted.get(&ann),
        Some(&2),
        "addressed by the id that is known"
    );
    assert_eq!(accepted.get(&14_155_552_673), None, "{}", ended.said);
    assert!(
        ended
            .said
            .contains("the contact id belongs to another number"),
        "{}",
        ended.said
    );
    assert_eq!(accepted.len(), 2, "nobody else");
}

/// What a country cell may say, and the calling code that it means; 0 for a cell that is not understood.
const CELLS: [(&str, u64); 14] = [
    ("", 1_000),
    ("+48", 48),
    ("0048", 48),
    ("48", 48),
    ("Polen", 48),
    ("POL", 48),
    ("CZ", 420),
    ("Česko", 420),
    ("+420", 420),
    ("Germany (+49)", 49),
    ("Deutschland", 49),
    ("Mordor", 0),
    ("Poland (+420)", 0),
    ("?", 0),
];

/// Numbers as people of several countries write them at home and abroad; many are valid in several of them.
const NUMBERS: [&str; 8] = [
    "602333444",
    "512 345 678",
    "777111222",
    "0151 12345678",
    "48602333444",
    "00420602333444",
    "+48602333444",
    "0602333444",
];

proptest! {
    #[test]
    fn no_row_is_sent_to_a_country_other_than_the_one_that_its_file_tells(
        rows in prop::collection::vec((0..CELLS.len(), 0..NUMBERS.len()), 1..30),
        header in prop::sample::select(vec!["Country", "Country Code", "Dial code", "Billing Country", "Kod kraju"]),
        default in prop::sample::select(vec![None, Some(("CZ", 420)), Some(("DE", 49))]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        let mut list = format!("Name;{header};Phone\n");
        for (cell, number) in &rows {
            writeln!(list, "A;{};{}", CELLS[*cell].0, NUMBERS[*number]).unwrap();
        }
        std::fs::write(&path, list).unwrap();
        let settings = Settings {
            region: default.map(|(code, _)| code.parse().unwrap()),
            ..any_share()
        };
        // Where no row at all is valid, the file is refused.
        let Ok((_, judged, _)) = judge_file(&path, &settings) else { return Ok(()) };
        for ((cell, number), row) in rows.iter().zip(&judged) {
            let (told, typed) = (CELLS[*cell], NUMBERS[*number]);
            let phone = match &row.verdict {
                Verdict::Queued(accepted) => accepted.phone,
                Verdict::Duplicate { phone, .. } => *phone,
                Verdict::Invalid { .. } | Verdict::Suppressed { .. } => continue,
            };
            let code = match told.1 {
                _ if typed.starts_with("+48") => 48,
                _ if typed.starts_with("00420") => 420,
                1_000 => default.map_or(0, |(_, code)| code),
                code => code,
            };
            prop_assert!(code > 0, "{told:?} {typed} was sent to {phone:?}");
            prop_assert!(phone.e164().starts_with(&format!("+{code}")), "{told:?} {typed}: {phone:?}");
        }
    }
}

/// A list of consent: its header, the cells that allow, and those that do not.
const CONSENT: [(&str, &[&str], &[&str]); 27] = [
    (
        "SMS consent",
        &["yes", "SUBSCRIBED", "granted"],
        &["no", "NEVER_SUBSCRIBED", "not given"],
    ),
    (
        "Werbeeinwilligung SMS",
        &["ja", "erteilt"],
        &["nein", "nicht erteilt", "widerrufen"],
    ),
    (
        "Consentement SMS",
        &["oui", "abonné"],
        &["non", "non abonné", "opposé", "refusé"],
    ),
    (
        "Acepta SMS",
        &["sí", "aceptado"],
        &["no", "no acepta", "dado de baja", "revocado"],
    ),
    (
        "Consenso marketing",
        &["sì", "concesso"],
        &["no", "non concesso", "revocato"],
    ),
    (
        "Zgoda na SMS",
        &["tak", "wyrażona"],
        &["nie", "niewyrażona", "cofnięta", "brak zgody"],
    ),
    (
        "Souhlas s marketingem",
        &["ano", "udělen"],
        &["ne", "neudělen", "odvolán", "bez souhlasu"],
    ),
    (
        "Súhlas s marketingom",
        &["áno", "udelený"],
        &["nie", "neudelený", "odvolaný"],
    ),
    (
        "Toestemming sms",
        &["ja", "ingeschreven"],
        &["nee", "uitgeschreven", "ingetrokken"],
    ),
    (
        "Consentimento SMS",
        &["sim", "aceite"],
        &["não", "não aceita", "revogado"],
    ),
    (
        "Samtycke SMS",
        &["ja", "godkänt"],
        &["nej", "återkallat", "avregistrerad"],
    ),
    (
        "SMS izni",
        &["evet", "onaylı", "var"],
        &["hayır", "izin yok", "ret", "yok"],
    ),
    (
        "SMS hozzájárulás",
        &["igen", "feliratkozott"],
        &["nem", "leiratkozott", "visszavonva"],
    ),
    (
        "Consimțământ SMS",
        &["da", "abonat"],
        &["nu", "dezabonat", "retras"],
    ),
    (
        "Согласие на SMS",
        &["да", "подписан"],
        &["нет", "отписан", "отозвано"],
    ),
    ("Send SMS?", &["Y", "on"], &["N", "off"]),
    ("Poslat SMS", &["ano"], &["ne"]),
    ("Kontakt erwünscht", &["ja"], &["nein"]),
    ("Envoyer SMS", &["oui"], &["non"]),
    ("Newsletter (SMS)", &["yes"], &["no"]),
    ("No consent", &["no"], &["yes"]),
    (
        "Do not contact",
        &["no"],
        &["yes", "asked in May to be left alone"],
    ),
    ("Bez souhlasu", &["ne"], &["ano"]),
    ("Keine Einwilligung", &["nein"], &["ja"]),
    ("Liste noire", &["non"], &["oui"]),
    (
        "Status",
        &["Active", "Delivered"],
        &["Unsubscribed", "Do not contact"],
    ),
    (
        "Tags",
        &["vip", "new, stopover"],
        &["vip, dnd", "Unsubscribed"],
    ),
];

#[test]
fn whoever_said_no_in_whatever_words_is_left_out() {
    let scratch = Scratch::new();
    for (header, allow, deny) in CONSENT {
        let cells: Vec<&&str> = allow.iter().chain(deny).collect();
        let mut list = format!("Name;Phone;{header}\n");
        for (row, cell) in cells.iter().enumerate() {
            writeln!(list, "A;+42060233300{row};{cell}").unwrap();
        }
        let path = scratch.write("list.csv", &list);
        let (_, rows, _) = judge_file(&path, &Settings::default()).unwrap();
        let sent = |row: &JudgedRow| matches!(row.verdict, Verdict::Queued(_));
        for (index, (row, cell)) in rows.iter().zip(&cells).enumerate() {
            assert_eq!(sent(row), index < allow.len(), "{header}: {cell}");
        }
        assert_eq!(rows.len(), cells.len());
    }
}

#[test]
fn the_country_of_a_localised_export_is_heard() {
    let scratch = Scratch::new();
    for (headers, row, region, number) in [
        (
            "Pays/Région (bureau),Téléphone (bureau)",
            "Belgique,0470 12 34 56",
            "FR",
            "+32470123456",
        ),
        (
            "Land/Region geschäftlich,Telefon geschäftlich",
            "Österreich,0664 1234567",
            "DE",
            "+436641234567",
        ),
        (
            "Země/oblast (zaměstnání),Telefon domů",
            "Slovensko,0905 123 456",
            "CZ",
            "+421905123456",
        ),
        (
            "Country (from Company),Phone",
            "Poland,602333444",
            "CZ",
            "+48602333444",
        ),
        ("City,Phone (+48)", "Brno,602333444", "CZ", "+48602333444"),
        ("Country,Mobil +48", "CZ,602333444", "CZ", "+48602333444"),
        (
            "Destination country,Phone",
            "Poland,602333444",
            "CZ",
            "+420602333444",
        ),
        ("country_id,Phone", "48,602333444", "CZ", "+420602333444"),
        ("City,Telefon (PL)", "Brno,602333444", "CZ", "+48602333444"),
        ("Phone (UK)", "07400 123456", "CZ", "+447400123456"),
        ("Name,Mobile DE", "A,0151 12345678", "CZ", "+4915112345678"),
        ("Name,Telefon Polska", "A,602333444", "CZ", "+48602333444"),
        ("name,phone_pl", "A,602333444", "CZ", "+48602333444"),
        (
            "Name,TELEFONO DE CASA",
            "A,602333444",
            "CZ",
            "+420602333444",
        ),
        ("Name,Phone NO", "A,602333444", "CZ", "+420602333444"),
        ("Name,Telefon 🇵🇱", "A,602333444", "CZ", "+48602333444"),
        (
            "City,Phone",
            "\"Kraków, Poland\",602333444",
            "CZ",
            "+48602333444",
        ),
        (
            "Adresa,Telefon",
            "\"Rynek 1, Kraków, Polsko\",602333444",
            "CZ",
            "+48602333444",
        ),
        (
            "City,Phone",
            "\"Brno, CZ\",0905 123 456",
            "SK",
            "+421905123456",
        ),
        (
            "Where,Phone",
            "\"Kraków, Polska\",602333444",
            "CZ",
            "+48602333444",
        ),
        ("Name,Phone", "A,PL: 602333444", "CZ", "+48602333444"),
        ("Name,Phone", "A,(PL) 602333444", "CZ", "+48602333444"),
        ("Country,Phone", "CZ,602333444 Poland", "CZ", "+48602333444"),
        ("Country,Phone", "SRN,0151 12345678", "CZ", "+4915112345678"),
        (
            "Country,Phone",
            "Velká Británie,07400 123456",
            "CZ",
            "+447400123456",
        ),
    ] {
        let path = scratch.write("list.csv", &format!("{headers}\n{row}\n"));
        let settings = Settings {
            region: Some(region.parse().unwrap()),
            ..Settings::default()
        };
        let (_, rows, _) = judge_file(&path, &settings).unwrap();
        assert!(
            verdict(&rows[0]).contains(number),
            "{headers}: {}",
            verdict(&rows[0])
        );
    }
}

#[test]
fn an_export_with_country_codes_by_nature_is_not_asked_about() {
    let scratch = Scratch::new();
    for name in ["brevo.csv", "rapidpro.csv"] {
        let path = std::fs::canonicalize(Path::new("fixtures/exports").join(name)).unwrap();
        let check = ["check", path.to_str().unwrap()];
        scratch.outreach(&check).run().expect(0);
    }
}

#[test]
fn a_fax_in_another_language_is_no_phone() {
    let scratch = Scratch::new();
    let list = "Nom;Téléphone 1 - Type;Téléphone 1 - Valeur\nA;Mobile;06 12 34 56 78\nB;Télécopie;01 42 34 56 78\n";
    let path = scratch.write("list.csv", list);
    let settings = Settings {
        region: Some("FR".parse().unwrap()),
        ..Settings::default()
    };
    let (_, rows, _) = judge_file(&path, &settings).unwrap();
    assert!(matches!(rows[0].verdict, Verdict::Queued(_)));
    assert!(
        matches!(rows[1].verdict, Verdict::Invalid { .. }),
        "{}",
        verdict(&rows[1])
    );
}

/// Killed at each commit in turn: a batch that is there has the decision in its audit, once.
#[test]
fn a_kill_between_a_batch_and_its_audit_loses_no_decision() {
    let sandbox = SandboxProcess::start(&[]);
    let audit = |scratch: &Scratch| {
        let file = rusqlite::Connection::open(scratch.path("outreach.db")).unwrap();
        let count = |sql: &str| -> u32 { file.query_row(sql, [], |row| row.get(0)).unwrap() };
        let whole = count("SELECT count(*) FROM batch WHERE state <> 'reading'");
        let kept = count("SELECT count(*) FROM decision WHERE what = 'ignore-consent-column'");
        (whole, kept)
    };
    for commit in 1.. {
        let scratch = Scratch::new();
        scratch.write("list.csv", "Phone,Unsubscribed\n+420777111222,yes\n");
        let send = || {
            scratch
                .outreach(&["send", "list.csv", "--yes", "--message", "Hello"])
                .with(&["--ignore-consent-column", "Unsubscribed"])
                .with(&["--channel", CHANNEL, "--base-url", sandbox.base_url()])
        };
        let killed = send()
            .crash_at(&format!("before-intent-commit:{commit}"))
            .run();
        if killed.code.is_some() {
            assert!(commit > 6, "{}", killed.said);
            return;
        }
        let (whole, kept) = audit(&scratch);
        assert_eq!(whole, kept, "killed at commit {commit}");
        send().run();
        assert_eq!(audit(&scratch), (1, 1), "killed at commit {commit}");
    }
}

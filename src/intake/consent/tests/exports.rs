//! Headers of CRMs and shops with the cells that stand below them.

use super::*;

/// What is done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// Messaged.
    Sent,
    /// Messaged, and shown to a person.
    Told,
    /// Left out.
    Out,
}

pub(super) use Done::{Out, Sent, Told};

pub(super) fn now() -> Timestamp {
    "2026-11-28T10:00:00Z".parse().unwrap()
}

/// What is done with a row that has this cell, in a list whose column has these cells too.
pub(super) fn done(header: &str, others: &[&str], cell: &str) -> Done {
    let cells = others.iter().chain([&cell]);
    let rows: Vec<Vec<String>> = cells.map(|cell| vec![(*cell).to_owned()]).collect();
    let columns = find(&[header.to_owned()], &rows, &[]);
    match of_row(&columns, [].iter(), |_| Some(cell), Some(now())) {
        Consent::Given | Consent::Silent => Sent,
        Consent::Doubtful(_) => Told,
        Consent::Refused(_) => Out,
    }
}

/// What is done otherwise than expected, in words.
fn other_than_expected(
    header: &str,
    others: &[&str],
    cell: &str,
    expected: Done,
) -> Option<String> {
    let got = done(header, others, cell);
    (got != expected).then(|| format!("{header}: {cell:?} is {got:?}, not {expected:?}"))
}

pub(super) fn expect(headers: &[&str], others: &[&str], cells: &[(&str, Done)]) {
    let all = headers.iter().flat_map(|header| {
        let of_cell =
            |(cell, expected): &(&str, Done)| other_than_expected(header, others, cell, *expected);
        cells.iter().filter_map(of_cell)
    });
    assert_eq!(all.collect::<Vec<_>>(), [""; 0]);
}

pub(super) fn expect_each(rows: &[(&str, &[&str], &str, Done)]) {
    let of_row = |(header, others, cell, expected): &(&str, &[&str], &str, Done)| {
        other_than_expected(header, others, cell, *expected)
    };
    assert_eq!(rows.iter().filter_map(of_row).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_refusal_in_a_column_of_the_date_of_consent_is_heard() {
    for header in [
        "Consent date",
        "Consent given on",
        "Opt-in date",
        "Opt-in time",
        "OPTIN_TIME",
        "optInDate",
        "SMS consent timestamp",
        "Consent updated at",
        "Datum souhlasu",
        "Souhlas dne",
        "Dátum súhlasu",
        "Einwilligung am",
        "Datum der Einwilligung",
        "Date du consentement",
        "Fecha de consentimiento",
        "Data zgody",
        "Data consenso",
        "Subscribed since",
    ] {
        let dates = ["2024-01-05", "2024-02-06 10:00", "7.3.2024"];
        expect(
            &[header],
            &dates,
            &[
                ("2024-03-01", Sent),
                ("2024-03-01T10:00:00Z", Sent),
                ("2024-03-01T10:00:00.000+0000", Sent),
                ("1.3.2024", Sent),
                ("3/1/2024 10:00 AM", Sent),
                ("Jan 5, 2024", Sent),
                ("5. ledna 2024", Sent),
                ("28.11.2026", Sent),
                ("yes", Sent),
                ("", Sent),
                ("withdrawn 2024-03-01", Out),
                ("2024-03-01 withdrawn", Out),
                ("withdrew on 1.3.2024", Out),
                ("no", Out),
                ("NO 2024-03-01", Out),
                ("never", Out),
                ("not given", Out),
                ("revoked", Out),
                ("unsubscribed 1.3.2024", Out),
                ("odvoláno", Out),
                ("odvoláno 1.3.2024", Out),
                ("Odhlášen dne 1. 3. 2024", Out),
                ("ne", Out),
                ("neudělen", Out),
                ("widerrufen", Out),
                ("Widerruf 1.3.2024", Out),
                ("nein", Out),
                ("gekündigt 1.3.2024", Out),
                ("retiré le 1/3/2024", Out),
                ("wycofana 1.3.2024", Out),
                ("STOP 1.3.2024", Out),
                ("🚫", Out),
                ("❌", Out),
                ("0", Out),
                // Not understood.
                ("xyzzy 2024-03-01", Out),
                ("ask her", Out),
                ("2030-01-01", Out),
                ("Jan 5, 2030", Out),
            ],
        );
        // A column whose cells are no dates is told, and a "no" in it is heard all the same.
        let odd = ["web form", "paper", "at the fair"];
        expect(
            &[header],
            &odd,
            &[("web form", Sent), ("no", Out), ("revoked by phone", Out)],
        );
    }
}

#[test]
fn a_yes_that_is_taken_back_is_none_to_rely_on() {
    expect(
        &["Consent", "SMS consent", "Souhlas"],
        &["yes", "no"],
        &[
            ("yes, by SMS", Sent),
            ("yes, signed", Sent),
            ("Yes yes", Sent),
            ("{}", Sent),
            ("yes but only email", Out),
            ("yes, except SMS", Out),
            ("yes -> no", Out),
            ("yes/no", Out),
            ("yes?", Out),
            ("yes - withdrawn", Out),
            ("ano, ale ne SMS", Out),
            ("ano, jen e-mailem", Out),
            ("ano do odvolání", Out),
            ("ja, aber nur Post", Out),
        ],
    );
}

#[test]
fn a_consent_that_has_not_begun_is_none() {
    for header in [
        "Consent from",
        "Consent valid from",
        "Opt-in effective from",
        "Consent start date",
        "Permission since",
        "Souhlas od",
        "Souhlas platný od",
        "Einwilligung ab",
        "Einwilligung gültig ab",
        "Consentement à partir du",
        "Consentimiento desde",
        "Consenso dal",
        "Zgoda od",
    ] {
        assert_eq!(
            found(header, &["2024-01-01"]),
            [ColumnKind::ConsentFrom],
            "{header}"
        );
        expect(
            &[header],
            &["2024-01-01"],
            &[
                ("2024-03-01", Sent),
                ("28.11.2026", Sent),
                ("29.11.2026", Out),
                ("2026-11-28T09:59:00Z", Sent),
                ("2026-11-28T10:01:00Z", Out),
                ("1.1.2030", Out),
                // The eleventh of December, or the twelfth of November.
                ("11/12/2026", Out),
                ("9999-12-31", Out),
                ("yes", Sent),
                ("no", Out),
                ("", Sent),
                ("soon", Out),
            ],
        );
    }
    // The same in the words of a cell.
    expect(
        &["Consent"],
        &["yes", "no"],
        &[
            ("yes", Sent),
            ("yes, from 2030-01-01", Out),
            ("yes from 2024-01-01", Sent),
            ("ano od 1.1.2024 do 1.1.2030", Sent),
            ("ano od 1.1.2024 do 1.1.2025", Out),
            ("ano do 31. 12. 2025", Out),
            ("ano do 31. 12. 2030", Sent),
            ("ja, bis 1.1.2020", Out),
            ("yes until summer 2020", Out),
            ("2024-01-01", Sent),
            ("2030-01-01", Out),
            ("9999-12-31", Sent),
        ],
    );
}

#[test]
fn a_refusal_that_ended_keeps_nobody_out() {
    for header in [
        "No SMS until",
        "Do not contact until",
        "Do not call until",
        "DND until",
        "Opt-out until",
        "Blocked until",
        "SMS blocked until",
        "Nekontaktovat do",
        "Blokován do",
        "Kontaktsperre bis",
        "Keine SMS bis",
        "Ne pas contacter jusqu'au",
        "No contactar hasta",
    ] {
        expect(
            &[header],
            &["2024-01-01"],
            &[
                ("2024-03-01", Sent),
                ("27.11.2026", Sent),
                ("28.11.2026", Out),
                ("2030-01-01", Out),
                ("9999-12-31", Out),
                // The eleventh of December, or the twelfth of November.
                ("11/12/2026", Out),
                ("yes", Out),
                ("forever", Out),
                ("no", Sent),
                ("", Sent),
            ],
        );
    }
    // The day of a refusal is no end of it.
    for header in [
        "Do not contact",
        "Do not contact date",
        "Do not call since",
        "Unsubscribed at",
        "UNSUB_TIME",
        "Opt-out date",
        "Odhlášen dne",
        "Consent withdrawn until",
    ] {
        expect(
            &[header],
            &["2024-01-01"],
            &[("2024-03-01", Out), ("yes", Out)],
        );
    }
}

#[test]
fn what_is_no_consent_to_messages_is_told_and_keeps_nobody_out() {
    expect_each(&[
        ("Bus stop", &["yes", "no"][..], "yes", Told),
        ("Bus stop", &["yes", "no"], "no", Sent),
        ("Bus stop", &["Náměstí", "Nádraží"], "Nádraží", Sent),
        ("Last stop", &["yes"], "yes", Told),
        ("Photo consent", &["yes", "no"], "no", Told),
        ("Photo consent", &["yes", "no"], "yes", Sent),
        ("Photo consent", &["yes", "no"], "withdrawn", Told),
        ("Cookie consent", &["yes", "no"], "no", Told),
        (
            "Cookie consent",
            &["accepted", "rejected"],
            "rejected",
            Told,
        ),
        ("Souhlas s focením", &["ano", "ne"], "ne", Told),
        ("Fotoeinwilligung", &["ja", "nein"], "nein", Told),
        ("Medical treatment consent", &["yes"], "no", Told),
        ("Subscription plan", &["Basic", "Pro"], "No plan", Told),
        ("Subscription price", &["0", "150"], "0", Told),
        ("Blocked amount", &["0.00", "150.00"], "150.00", Sent),
        ("Blocked amount", &["0", "0", "150.00"], "150.00", Sent),
        ("Blocked funds", &["0", "0"], "0", Sent),
        ("Stopover", &["yes"], "yes", Sent),
        ("Photo opt-out", &["yes", "no"], "yes", Told),
        // With a word for messages it is one to messages.
        ("Photo and SMS consent", &["yes"], "no", Out),
        ("Blocked", &["yes", "no"], "yes", Out),
        ("Is blocked", &["yes", "no"], "yes", Out),
        ("Customer blocked", &["yes", "no"], "yes", Out),
        ("Blocked at", &["2024-01-01", ""], "2024-01-01", Out),
        ("SMS stop", &["yes"], "yes", Out),
        ("Stop", &["yes", "no"], "yes", Out),
    ]);
}

#[test]
fn what_stands_beside_a_consent_is_heard_where_it_refuses() {
    expect_each(&[
        ("Consent source", &["web form"][..], "web form", Sent),
        ("Consent source", &["web form"], "withdrawn by phone", Out),
        ("Consent source", &["web form"], "unsubscribed", Out),
        ("Consent source", &["web form"], "no", Told),
        ("Consent method", &["paper"], "odvoláno", Out),
        ("Consent note", &["by phone"], "Widerruf am 1.3.2024", Out),
        ("Consent note", &["by phone"], "on the fair", Sent),
        ("GDPR - právní titul", &["Souhlas"], "Oprávněný zájem", Sent),
        ("Opt-in IP", &["10.0.0.1"], "10.0.0.2", Sent),
        ("Consent language", &["cs"], "no", Sent),
        ("DOUBLE_OPT-IN", &["Yes"], "No", Told),
        ("DOUBLE_OPT-IN", &["Yes"], "revoked", Out),
        ("Opt-out reason", &["", ""], "too many messages", Out),
        ("Opt-out reason", &["", ""], "", Sent),
        ("Unsubscribe reason", &["", ""], "none", Sent),
        ("UNSUB_REASON", &["", ""], "Not interested", Out),
        ("Důvod odhlášení", &["", ""], "nezájem", Out),
        ("Consent withdrawal reason", &["", ""], "too often", Out),
        (
            "Unsubscribe link",
            &["https://a.b/c"],
            "https://a.b/unsubscribe",
            Sent,
        ),
        ("Direct marketing consent", &["yes", "no"], "no", Out),
        ("Consent to direct marketing", &["yes", "no"], "yes", Sent),
    ]);
}

/// Headers that mean a refusal, in which "yes" was taken for a consent or for nothing.
const REFUSING_HEADERS: [&str; 34] = [
    "SMS paused",
    "SMS suspended",
    "SMS muted",
    "SMS banned",
    "SMS off",
    "Marketing paused",
    "WhatsApp deactivated",
    "SMS pozastaveno",
    "SMS deaktiviert",
    "Do not phone",
    "Do not WhatsApp",
    "No calls",
    "UNSUB",
    "Nesmíme kontaktovat",
    "Nelze kontaktovat",
    "Nepřeje si být kontaktován",
    "Nepřeje si obchodní sdělení",
    "Nechce SMS",
    "Does not want SMS",
    "Don't want SMS",
    "No texting",
    "Not textable",
    "Lack of consent",
    "Consent pending",
    "Don't Market",
    "Do Not Allow Phone Calls",
    "donotphone",
    "Forget this individual",
    "Is deleted",
    "Exclude from campaign",
    "Neoslovovat",
    "Nepřijímá SMS",
    "SMS nicht erwünscht",
    "Keine Anrufe",
];

/// Headers that mean a consent, in which "no" was heard by nobody.
const CONSENTING_HEADERS: [&str; 16] = [
    "Obchodní sdělení",
    "Zasílat obchodní sdělení",
    "Obchodné oznámenia",
    "Reklama",
    "Werbung",
    "Werbung erwünscht",
    "Kontakterlaubnis",
    "Datenschutz",
    "Privacy",
    "TCPA",
    "Okay to contact",
    "Přijímá SMS",
    "Marketingové SMS",
    "SMS on/off",
    "Terms and SMS accepted",
    "Direct marketing",
];

#[test]
fn headers_that_deny_are_no_consent_and_those_that_ask_are_heard() {
    expect(
        &REFUSING_HEADERS,
        &["yes", "no"],
        &[
            ("yes", Out),
            ("ano", Out),
            ("x", Out),
            ("no", Sent),
            ("", Sent),
        ],
    );
    expect(
        &CONSENTING_HEADERS,
        &["yes", "no"],
        &[("yes", Sent), ("no", Out), ("ne", Out), ("", Sent)],
    );
    expect(
        &["Do not allow Phone Calls"],
        &["Allow", "Do Not Allow"],
        &[("Allow", Sent), ("Do Not Allow", Out)],
    );
    // One odd cell does not make a column of answers another one.
    expect(
        &["SMS", "WhatsApp", "Přijímá SMS"],
        &["yes", "no", "yes", "ask her"],
        &[("yes", Sent), ("no", Out), ("ask her", Out)],
    );
    expect(&["SMS"], &[""], &[("no", Out)]);
    for header in ["Phone no", "Mobile no.", "Contact No", "No."] {
        assert_eq!(found(header, &["777100012", "777100013"]), [], "{header}");
    }
}

#[test]
fn a_status_or_a_remark_with_a_date_is_heard() {
    for header in ["Status", "Tags", "Segment", "Contact preferences", "Notes"] {
        expect(
            &[header],
            &["active", "new"],
            &[
                ("active", Sent),
                ("unsubscribed", Out),
                ("Unsubscribed 2024-03-01", Out),
                ("unsubscribed on 1.3.2024", Out),
                ("odhlášen dne 1.3.2024", Out),
                ("withdrew consent", Out),
                ("Odvolal souhlas 3.5.2024", Out),
                ("Einwilligung widerrufen am 1.3.2024", Out),
                ("do not contact", Out),
                ("was unsubscribed by Jana", Told),
                ("", Sent),
            ],
        );
    }
    expect(
        &["Notes"],
        &["likes tea"],
        &[
            ("wants consent withdrawn from the partner", Told),
            ("Do not call before 9", Told),
            ("🚫", Told),
        ],
    );
}

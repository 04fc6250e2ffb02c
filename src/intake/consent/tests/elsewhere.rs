//! Refusals in columns whose headers say nothing of them, and refusals that are none.

use super::exports::Done::{self, Out, Sent, Told};
use super::exports::{expect, expect_each, now};
use super::*;

/// What is done with a row that has this cell, where the headers of other columns are heard too.
fn done(header: &str, others: &[&str], cell: &str) -> Done {
    let cells = others.iter().chain([&cell]);
    let rows: Vec<Vec<String>> = cells.map(|cell| vec![(*cell).to_owned()]).collect();
    let headers = [header.to_owned()];
    let columns = find(&headers, &rows, &[]);
    let heard: Vec<usize> = columns.iter().map(|it| it.column.index).collect();
    let elsewhere = find_elsewhere(&headers, &rows, &heard);
    let elsewhere = elsewhere.iter().filter(|it| it.may_refuse(cell.as_bytes()));
    match of_row(&columns, elsewhere, |_| Some(cell), Some(now())) {
        Consent::Given | Consent::Silent => Sent,
        Consent::Doubtful(_) => Told,
        Consent::Refused(Refusal { says, .. }) => {
            assert!(says.contains(header), "{says}");
            Out
        }
    }
}

fn each(headers: &[&str], cells: &str, expected: Done) {
    let cells = || {
        cells
            .split(['|', '\n'])
            .map(str::trim)
            .filter(|it| !it.is_empty())
    };
    let all = headers
        .iter()
        .flat_map(|header| cells().map(move |cell| (header, cell)));
    let others = all.filter_map(|(header, cell)| {
        let got = done(header, &["VIP", "call back"], cell);
        (got != expected).then(|| format!("{header}: {cell:?} is {got:?}, not {expected:?}"))
    });
    assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_cell_that_is_a_refusal_as_a_whole_holds_its_row_whatever_its_column_is_called() {
    each(
        &["Reason", "Disposition", "Outcome", "Priority", "Info", "Pozn. 2", "xyz", ""],
        "STOP|stop|DNC|Dnc|Do not contact|do not call|DO NOT CALL!|opted out|opt-out|unsubscribed|Unsubscribed 1.2.2024
         nevolat|NEVOLAT|prosím nekontaktovat|odhlášen|odhlášena|odhlášen(a)|zemřel|zemřel(a)|zemřela 2023|zomrel|deceased
         Passed away|verstorben|abgemeldet|widersprochen|nicht kontaktieren|désabonné|désabonné(e)|décédé(e)|baja|de baja
         fallecido|wypisany|wypisana|brak zgody|zmarł|disiscritto|uitgeschreven|overleden|не дзвонити|отписался|помер
         aramayın|wrong number|unsub|suppressed list: do not contact|(DNC)|* STOP *",
        Out,
    );
    // What may be about something else is told.
    each(
        &["Info", "Account"],
        "stopped|Blocked|gesperrt|no contact|no calls|opposition|RIP",
        Told,
    );
    each(
        &["Reason", "Outcome", "Info"],
        "refund|won|lost|rejected|cancelled|no answer|Stopover|Non-Stop|Baja California|stop by the office|Dncová|callback
         paid|declined|removed|Opposition party|doruceno",
        Sent,
    );
}

#[test]
fn a_word_of_a_refusal_in_a_column_about_a_thing_or_a_name_is_none() {
    each(
        &[
            "Haltestelle",
            "Zastávka",
            "Ulice",
            "Street",
            "City",
            "Město",
            "Shop",
            "Order status",
            "Prioridad",
            "Keyword",
        ],
        "Stop|STOP|Baja|baja|blocked|stopped|opposition",
        Sent,
    );
    each(
        &["Name", "First name", "Příjmení", "Firma"],
        "Stop|Baja|Non-Stop|Jan Stop|Auto Stop s.r.o.|Dead|Mort",
        Sent,
    );
    each(
        &["Name", "Jméno a příjmení", "Kunde"],
        "Jan (zemřel)|Jan Novák zemřel|Jan DNC|Jan - STOP|Jan [do not call]|Jan (STOP)|Novák, Jan - odhlášen|Eva (opted out)
         Jan † 2020|Jan (deceased)|Anna / verstorben|Jan (abgemeldet 1.2.2024)|Kiss Anna (meghalt)|Jan - стоп|Eva - bez SMS
         John (RIP)",
        Out,
    );
    each(
        &["Name", "Kunde"],
        "Jan Novák ZRUŠENO|Eva Malá (zrušeno)",
        Told,
    );
    each(
        &["Name", "Kunde"],
        "Smith, Mort|Novák, Eva|Jan NOVÁK|STOP",
        Sent,
    );
    // In plain words it is heard there, too.
    each(
        &["City", "Order status"],
        "Praha - nevolat|do not contact|DNC",
        Out,
    );
}

#[test]
fn a_header_of_a_refusal_that_is_about_something_else_holds_nobody() {
    for (header, cells) in [
        ("Opposition", ["Sparta", "Slavia", "Baník"]),
        ("Baja", ["Norte", "Sur", "Este"]),
    ] {
        for cell in cells {
            assert_eq!(done(header, &cells, cell), Sent, "{header} {cell}");
        }
    }
    // A list in which each row says so is one of people who opted out.
    for (header, cell) in [("Keyword", "STOP"), ("Reason", "STOP reply")] {
        assert_eq!(done(header, &[cell, cell], cell), Out, "{header}");
    }
    expect_each(&[
        ("Unsubscribe reason", &[""][..], "no longer interested", Out),
        ("Abmeldegrund", &[""], "kein Interesse", Out),
        ("Motivo baja", &[""], "no quiere", Out),
        ("Withdrawn on", &["2024-05-01"], "2024-05-01", Out),
        ("Stav", &["nový"], "zrušil odběr", Out),
        ("Stav", &["nový"], "Zrušen", Told),
        ("Stav odběru", &["Odebírá"], "Neodebírá", Out),
    ]);
    expect(
        &["Opposition", "Baja", "Opposizione"],
        &["", "", ""],
        &[
            ("x", Out),
            ("1.2.2024", Out),
            ("par courrier", Out),
            ("", Sent),
        ],
    );
    expect(
        &["Opposition"],
        &["oui", "non", "oui"],
        &[("oui", Out), ("non", Sent)],
    );
}

#[test]
fn a_refusal_of_something_else_than_messages_is_told() {
    expect(
        &[
            "Mahnsperre",
            "Liefersperre",
            "Hausverbot",
            "Karte gesperrt",
            "Blokovaná karta",
            "Odhlášen z oběda",
            "Zákaz vstupu",
            "Zákaz kouření",
            "Opt-out pension",
            "Abgemeldet vom Kurs",
        ],
        &["yes", "no", "x"],
        &[("yes", Told), ("x", Told), ("no", Sent), ("", Sent)],
    );
    expect(
        &[
            "Werbesperre",
            "Kontaktsperre",
            "Zákaz kontaktu",
            "Odhlášen",
            "Odhlášen ze SMS o objednávkách",
            "Zákaz SMS (karta)",
            "Opt-out",
        ],
        &["yes", "no", "x"],
        &[("yes", Out), ("x", Out), ("no", Sent)],
    );
}

#[test]
fn what_was_done_and_a_consent_to_something_else_hold_nobody() {
    for header in [
        "SMS doručeno",
        "SMS přečteno",
        "SMS delivered",
        "SMS read",
        "WhatsApp seen",
        "SMS zugestellt",
        "SMS lu",
        "SMS entregado",
        "SMS dostarczono",
        "SMS доставлено",
        "SMS odpověď",
    ] {
        for [yes, no] in [["ano", "ne"], ["yes", "no"], ["1", "0"]] {
            expect(&[header], &[yes, no, yes], &[(no, Sent), (yes, Sent)]);
        }
    }
    for header in [
        "Zgoda na leczenie",
        "Zgoda na zabieg",
        "Souhlas s obchodními podmínkami",
        "Souhlas s operací",
        "Consent to treatment",
        "Consent to the operation",
        "Einwilligung in die Narkose",
        "Consentement aux soins",
        "Згода на лікування",
    ] {
        expect(
            &[header],
            &["ano", "ne", "ano"],
            &[("ne", Told), ("ano", Sent)],
        );
    }
    // Where such a header is about messages or personal data too, a "no" counts.
    for header in [
        "Souhlas s obchodními podmínkami a zasíláním novinek",
        "Souhlas s podmínkami a zpracováním osobních údajů",
        "Consent to terms and offers",
        "Zgoda na regulamin i kontakt",
        "SMS",
        "Zgoda na kontakt",
        "Souhlas",
    ] {
        expect(
            &[header],
            &["ano", "ne", "ano"],
            &[("ne", Out), ("ano", Sent)],
        );
    }
}

#[test]
fn a_status_of_an_order_is_told_and_a_subscription_that_was_cancelled_is_a_refusal() {
    expect_each(&[
        ("Status", &["new", "paid"][..], "rejected", Told),
        ("Estado", &["nuevo"], "rechazado", Told),
        ("Status", &["new", "paid"], "refused", Out),
        (
            "Subscription status",
            &["active", "cancelled"],
            "cancelled",
            Out,
        ),
        (
            "Subscription status",
            &["active", "cancelled"],
            "active",
            Sent,
        ),
        ("Subscription plan", &["Basic", "Pro"], "cancelled", Told),
    ]);
}

#[test]
fn who_wants_no_calls_and_asks_for_messages_is_told() {
    expect(
        &["Notes", "Poznámka"],
        &[""],
        &[
            ("не дзвонити, писати", Told),
            ("nevolat, psát", Told),
            ("nie dzwonić, pisać", Told),
            ("do not call - write", Told),
            ("nevolat, nepsat", Out),
            ("не дзвонити, не писати", Out),
            ("do not call, no SMS", Out),
            ("nevolat, VIP", Out),
        ],
    );
    each(&["Info"], "не дзвонити, писати|nevolat, jen SMS", Told);
}

#[test]
fn the_name_of_a_list_says_whether_those_who_refused_are_in_it() {
    for name in [
        "cleaned_members_export",
        "unsubscribed_email_audience_export_8f2",
        "cleaned_email_audience_export_a3f91c",
        "unsubscribed_members_export_8f2b77d1",
        "ohne Einwilligung",
        "Kunden ohne Einwilligung 2026",
        "bez zgody",
        "sans consentement",
        "without consent",
        "refused",
        "karaliste",
        "blacklist",
        "listanegra",
        "Schwarzeliste",
        "dead2026",
        "unsubscribed_segment_export_8f3a",
        "hubspot-crm-exports-unsubscribed-contacts-2024-05-01",
        "gdpr_delete",
        "erasure requests",
        "smazat",
        "k vymazu",
        "bounced",
        "quit",
        "Odvolané",
        "Nevolat těmto lidem",
        "Non contattare queste persone",
        "Personas que no desean SMS",
        "Leiratkozottak listája",
        "Не писати цим людям",
        "SMS opt-out report",
        "STOP numbers",
        "Gesperrte Nummern",
    ] {
        assert!(names_refusals(name), "{name}");
    }
    for name in [
        "spring - opt-outs removed",
        "opt-outs removed",
        "contacts, unsubscribed removed",
        "without unsubscribed",
        "customers without opt-outs",
        "odhlášení odstraněni",
        "Abgemeldete entfernt",
        "contacts cleaned",
        "subscribed_email_audience_export_8f2",
        "late",
        "inactive customers",
        "Zrušené",
        "not contacted by SMS",
        "SMS list no 5",
        "monthly report",
        "hubspot contacts",
        "phone numbers",
        "members export 8f2",
        "rejected",
        "list-rejects",
    ] {
        assert!(!names_refusals(name), "{name}");
    }
}

#[test]
fn a_refusal_in_words_of_its_own_holds_its_row_whatever_its_column_is_called() {
    each(
        &["Výsledek hovoru", "Disposition", "Ergebnis", "Reply"],
        "odmítl další kontakt|Removed by request|keine Anrufe mehr|will nicht mehr kontaktiert werden|Kontakt verboten
         nechci zprávy|stop texting me|zakázal SMS|odhlásil se|DNCR|zákaz kontaktu|nechce další zprávy",
        Out,
    );
    each(
        &["Stav"],
        "zakázal SMS|odhlásil se|DNCR|Vznesl námitku|Odvolal|zákaz kontaktu",
        Out,
    );
    each(&["Outcome"], "no message|keine Anrufe", Told);
    each(
        &["Výsledek hovoru", "Outcome"],
        "zvedl, nechce kávu|called twice|contacted by text, no call|not reached|nezvedá|call back|Do Not Bend|Nonstop
         není odhlášen|no answer",
        Sent,
    );
}

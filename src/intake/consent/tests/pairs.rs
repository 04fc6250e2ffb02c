//! Answers and columns that come in pairs, of which one is the "no".

use super::exports::Done::{self, Out, Sent, Told};
use super::exports::{expect, expect_each, now};
use super::*;

/// What is done with each row of a list with these columns.
fn rows_done(headers: &[&str], rows: &[&[&str]]) -> Vec<Done> {
    let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
    let headers: Vec<String> = owned(headers);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| owned(row)).collect();
    let columns = find(&headers, &rows, &[]);
    let done = |row: &Vec<String>| {
        let cell = |index: usize| row.get(index).map(String::as_str);
        match of_row(&columns, [].iter(), cell, Some(now())) {
            Consent::Given | Consent::Silent => Sent,
            Consent::Doubtful(_) => Told,
            Consent::Refused(_) => Out,
        }
    };
    rows.iter().map(done).collect()
}

#[test]
fn a_no_is_heard_whatever_the_yes_of_its_column_looks_like() {
    for (yes, no) in [
        ("I agree", "I do not agree"),
        ("I agree", "I don't agree"),
        ("I agree", "I disagree"),
        (
            "I agree to be messaged on mobile",
            "I do not agree to be messaged on mobile",
        ),
        ("I accept", "I decline"),
        ("I accept", "I do not accept"),
        ("Yes, I agree", "No, I do not agree"),
        ("Ich stimme zu", "Ich stimme nicht zu"),
        ("stimme zu", "stimme nicht zu"),
        ("Souhlasím", "Nesouhlasím"),
        ("同意する", "同意しない"),
        ("同意します", "同意しません"),
        ("signed", "not signed"),
        ("verbal", "verbal no"),
        ("Full", "None"),
        ("SMS", "none"),
        ("double", "none"),
        ("má", "nemá"),
        ("podepsal", "nepodepsal"),
        ("web form", "web form - no"),
        ("paper", "nein, per Telefon"),
        ("d'accord", "pas d'accord"),
        ("wants", "never"),
        ("хочет", "не хочет"),
    ] {
        for others in [[yes, yes, yes], [yes, no, no], [no, no, no]] {
            expect(
                &[
                    "Consent",
                    "SMS consent",
                    "Souhlas",
                    "Opt-in",
                    "Consent date",
                ],
                &others,
                &[(no, Out)],
            );
        }
    }
    // Where these are all, they are no odd answers.
    for yes in [
        "I agree",
        "Yes, I agree",
        "I accept",
        "Ich stimme zu",
        "同意する",
        "signed",
        "verbal",
    ] {
        expect(
            &["Consent", "Opt-in"],
            &[yes, yes],
            &[(yes, Sent), ("xyzzy", Out)],
        );
    }
    // A number is no "no", and the month of May no "never".
    expect(
        &["Consent"],
        &["web form", "paper", "at the fair"],
        &[
            ("form no. 12", Sent),
            ("Messe 3. Mai", Sent),
            ("leaflet", Sent),
        ],
    );
}

#[test]
fn the_column_of_the_no_of_two_is_no_consent() {
    for headers in [
        ["Souhlas ANO", "Souhlas NE"],
        ["Souhlas (ano)", "Souhlas (ne)"],
        ["Einwilligung ja", "Einwilligung nein"],
        ["Consent yes", "Consent no"],
        ["Consentement oui", "Consentement non"],
        ["SMS ano", "SMS ne"],
        ["Marketing yes", "Marketing no"],
        ["Poslat ano", "Poslat ne"],
        ["Ja", "Nein"],
        ["Oui", "Non"],
        ["ANO", "NE"],
        ["Yes", "No"],
    ] {
        let rows: [&[&str]; 3] = [&["x", ""], &["", "x"], &["", ""]];
        assert_eq!(rows_done(&headers, &rows), [Sent, Out, Sent], "{headers:?}");
        let rows: [&[&str]; 2] = [&["1", "0"], &["0", "1"]];
        assert_eq!(rows_done(&headers, &rows)[1], Out, "{headers:?}");
    }
    // About something else, or no words.
    for headers in [["Účast ano", "Účast ne"], ["Y", "N"], ["Name", "No"]] {
        let rows: [&[&str]; 2] = [&["x", ""], &["", "x"]];
        assert_eq!(rows_done(&headers, &rows), [Sent, Sent], "{headers:?}");
    }
    assert_eq!(
        found("Souhlas ano/ne", &["ano", "ne"]),
        [ColumnKind::Consent]
    );
}

#[test]
fn more_columns_of_refusals_and_preferences_are_known() {
    expect_each(&[
        (
            "Kontaktní preference",
            &["SMS", "e-mail"][..],
            "nekontaktovat",
            Out,
        ),
        ("Kontaktní preference", &["SMS", "e-mail"], "SMS", Sent),
        ("Contact preference", &["SMS", "Email"], "None", Out),
        (
            "Contact preference",
            &["SMS", "Email"],
            "do not contact",
            Out,
        ),
        (
            "Contact preference",
            &["SMS", "Email"],
            "SMS, no calls before 9",
            Told,
        ),
        ("Contact preference", &["SMS", "Email"], "", Sent),
        ("Nechci dostávat zprávy", &["ano", "ne"], "ano", Out),
        ("Nechci dostávat zprávy", &["ano", "ne"], "ne", Sent),
        ("Chci dostávat zprávy", &["ano", "ne"], "ne", Out),
        ("Chci dostávat zprávy", &["ano", "ne"], "ano", Sent),
        ("Contact OK?", &["Y", "N"], "N", Out),
        ("Contact OK?", &["Y", "N"], "Y", Sent),
        ("Ok to message", &["yes", "no"], "no", Out),
        ("Lifecycle", &["Lead", "Customer"], "Unsubscribed", Out),
        ("Lifecycle", &["Lead", "Customer"], "None", Sent),
        ("Robinsonliste", &["x", ""], "x", Out),
        ("Robinsonliste", &["x", ""], "", Sent),
        ("配信可否", &["可", "不可"], "不可", Out),
        ("配信可否", &["可", "不可"], "可", Sent),
        ("Stop pub", &["1", "0"], "1", Out),
        ("Stop pub", &["1", "0"], "0", Sent),
        ("Opt-in nein", &["x", ""], "x", Out),
    ]);
}

#[test]
fn a_remark_that_is_a_refusal_and_nothing_else_keeps_its_row_out() {
    for remark in [
        "refused",
        "Refused!",
        "asked to be removed",
        "nechce",
        "nechce zprávy",
        "nepsat",
        "Prosím nepsat",
        "nie pisać",
        "nicht schreiben",
        "will nicht",
        "neposílat SMS",
        "opted out by phone",
        "unsubscribed 1/2/24",
        "odhlášen 1.2.24",
        "STOP 01-02-24",
    ] {
        expect(&["Note", "Poznámka"], &["", ""], &[(remark, Out)]);
    }
    for (remark, done) in [
        ("refused the delivery of the red chair", Sent),
        ("nechce cukr", Sent),
        ("call 1/2/24", Sent),
        ("do not call 9-12", Told),
    ] {
        expect(&["Note"], &["", ""], &[(remark, done)]);
    }
}

#[test]
fn an_error_of_a_spreadsheet_is_no_empty_answer() {
    for cell in ["#N/A", "#REF!", "#NAME?", "#DIV/0!"] {
        expect(
            &["Consent", "Do not contact"],
            &["yes", "no"],
            &[(cell, Out)],
        );
    }
    expect(&["Consent"], &["yes", "no"], &[("n/a", Sent)]);
}

#[test]
fn a_column_of_phones_that_holds_none_is_no_column_of_answers() {
    for cell in ["none", "None"] {
        assert!(!are_answers(0, &[vec![cell.to_owned()]]), "{cell}");
    }
}

#[test]
fn of_two_columns_to_tick_the_one_that_denies_refuses() {
    for headers in [
        ["Souhlas", "Nesouhlas"],
        ["Souhlasí", "Nesouhlasí"],
        ["Agree", "Disagree"],
        ["I agree", "I disagree"],
        ["Disagree", "Agree"],
        ["Accept", "Decline"],
        ["OK", "Not OK"],
        ["Allow", "Do not allow"],
        ["Povoleno", "Zakázáno"],
        ["Chci", "Nechci"],
        ["Zustimmung", "Ablehnung"],
        ["Stimme zu", "Stimme nicht zu"],
        ["Zgadzam się", "Nie zgadzam się"],
        ["Acepto", "No acepto"],
        ["J'accepte", "Je refuse"],
        ["Acconsento", "Non acconsento"],
        ["Acordat", "Neacordat"],
        ["Hozzájárul", "Nem járul hozzá"],
        ["Suglasan", "Nesuglasan"],
        ["Souhlas", "Ne"],
    ] {
        let agrees = usize::from(headers[0] == "Disagree");
        let row = |ticked: usize| if ticked == 0 { ["x", ""] } else { ["", "x"] };
        let (yes, no) = (row(agrees), row(1 - agrees));
        let rows: [&[&str]; 4] = [&yes, &no, &["", ""], &["x", "x"]];
        let done = rows_done(&headers, &rows);
        assert_eq!(done, [Sent, Out, Sent, Out], "{headers:?}");
        let (yes, no) = if agrees == 0 {
            (["1", "0"], ["0", "1"])
        } else {
            (["0", "1"], ["1", "0"])
        };
        assert_eq!(
            rows_done(&headers, &[&yes, &no]),
            [Sent, Out],
            "{headers:?}"
        );
    }
    // Another matter, or not side by side.
    for headers in [
        &["Confirmed", "Not confirmed"][..],
        &["Přišel", "Nepřišel"],
        &["Zaplaceno", "Nezaplaceno"],
        &["Active", "Cancelled by shop"],
        &["Agree", "Name", "Cancelled"],
    ] {
        let row = |at: usize| -> Vec<&str> {
            (0..headers.len())
                .map(|it| if it == at { "x" } else { "" })
                .collect()
        };
        let (first, last) = (row(0), row(headers.len() - 1));
        assert_eq!(
            rows_done(headers, &[&first, &last]),
            [Sent, Sent],
            "{headers:?}"
        );
    }
}

#[test]
fn a_refusal_of_something_else_beside_a_consent_is_no_denial_of_it() {
    let rows: [&[&str]; 3] = [&["yes", "yes"], &["yes", "no"], &["no", "no"]];
    for headers in [
        ["OPT_IN", "BLOCKLISTED (EMAIL)"],
        ["Opt-in", "Unsubscribed from email"],
        ["Souhlas", "Zrušená objednávka"],
        ["Souhlas", "Nesouhlas s focením"],
    ] {
        let done = rows_done(&headers, &rows);
        let is_messaged = |it: &Done| *it != Out;
        let messaged: Vec<bool> = done.iter().map(is_messaged).collect();
        assert_eq!(messaged, [true, true, false], "{headers:?}");
    }
}

#[test]
fn the_first_day_and_the_last_one_of_a_consent_are_known_by_each_other() {
    for headers in [
        ["Consent from", "Consent to"],
        ["gdpr_from", "gdpr_to"],
        ["GDPR souhlas - platnost od", "GDPR souhlas - platnost do"],
        ["Platnost souhlasu od", "Platnost souhlasu do"],
        ["Einwilligung ab", "Einwilligung bis"],
    ] {
        let rows: [&[&str]; 4] = [
            &["1.1.2024", "1.1.2051"],
            &["1.1.2024", "1.1.2025"],
            &["1.1.2050", "1.1.2051"],
            &["1.1.2024", ""],
        ];
        assert_eq!(
            rows_done(&headers, &rows),
            [Sent, Out, Out, Sent],
            "{headers:?}"
        );
    }
    for header in ["Datum vypršení souhlasu", "Datum konce souhlasu"] {
        let rows: [&[&str]; 3] = [&["1.1.2051"], &["1.1.2025"], &[""]];
        assert_eq!(rows_done(&[header], &rows), [Sent, Out, Sent], "{header}");
    }
    // Alone, it may be about whatever follows.
    assert_eq!(
        rows_done(&["Consent to SMS"], &[&["yes"], &["no"]]),
        [Sent, Out]
    );
}

#[test]
fn beside_the_consent_to_messages_the_same_consent_to_something_else_is_told() {
    for headers in [
        ["Souhlas SMS", "Souhlas volání"],
        ["Souhlas SMS", "Souhlas push"],
        ["Souhlas SMS", "Souhlas Heureka"],
        ["Consent SMS", "Consent Phone"],
        ["SMS consent", "Third parties consent"],
        ["Einwilligung SMS", "Einwilligung Telefon"],
        ["gdpr_sms", "gdpr_push"],
        ["Opt-in SMS", "Opt-in survey"],
    ] {
        let rows: [&[&str]; 3] = [&["yes", "yes"], &["yes", "no"], &["no", "yes"]];
        assert_eq!(rows_done(&headers, &rows), [Sent, Told, Out], "{headers:?}");
    }
    // It is about messages all the same, about a person, or another consent.
    for headers in [
        ["Souhlas SMS", "Souhlas"],
        ["Souhlas SMS", "Souhlas marketing"],
        ["Souhlas SMS", "Souhlas rodičů"],
        ["Souhlas SMS", "Souhlas se zpracováním údajů"],
        ["Consent SMS", "Consent WhatsApp"],
        ["Souhlas SMS", "GDPR"],
    ] {
        let rows: [&[&str]; 3] = [&["yes", "yes"], &["yes", "no"], &["no", "yes"]];
        assert_eq!(rows_done(&headers, &rows)[1..], [Out, Out], "{headers:?}");
    }
}

#[test]
fn a_no_that_a_comma_too_many_moved_out_of_its_column_is_not_passed_over() {
    // Nothing else stands in that column.
    for (headers, rows) in [
        (["Consent", "Note"], [["yes", ""], ["", "no"], ["yes", ""]]),
        (["Souhlas", "Pozn."], [["ano", ""], ["", "ne"], ["ano", ""]]),
        (
            ["Souhlas", "Datum"],
            [["ano", "1.3.2026"], ["", "ne"], ["ano", ""]],
        ),
    ] {
        let rows: Vec<&[&str]> = rows.iter().map(|row| &row[..]).collect();
        assert_eq!(rows_done(&headers, &rows), [Sent, Out, Sent], "{headers:?}");
    }
    // A column of other answers.
    let rows: [&[&str]; 3] = [&["ano", "ne"], &["", "ne"], &["ano", "ano"]];
    assert_eq!(rows_done(&["Souhlas", "VIP"], &rows), [Sent, Sent, Sent]);
    let done = |headers: &[&str], row: &[&str], others: [&[&str]; 3]| {
        rows_done(headers, &[row, others[0], others[1], others[2]])[0]
    };
    let two = [&["ano", "1.3.2026"][..], &["ne", "2.3.2026"], &["ano", ""]];
    for (row, expected) in [
        (["1.3.2026", "ne"], Out),
        (["", "ne"], Out),
        (["", "NE!"], Out),
        (["ano", "ne"], Sent),
        (["", "1.3.2026"], Sent),
        (["", "0"], Sent),
    ] {
        assert_eq!(done(&["Souhlas", "Datum"], &row, two), expected, "{row:?}");
        assert_eq!(done(&["Souhlas", "Pozn"], &row, two), expected, "{row:?}");
    }
    let refusals = [&["", "Brno"][..], &["x", "Praha"], &["", ""]];
    assert_eq!(done(&["Neposílat SMS", "Město"], &["", "x"], refusals), Out);
    // Codes.
    let codes = [&["ano", "M"][..], &["ano", "M"], &["ne", "M"]];
    assert_eq!(done(&["Souhlas", "Pohlaví"], &["", "F"], codes), Sent);
    let codes = [&["yes", "NY"][..], &["yes", "CA"], &["no", "TX"]];
    assert_eq!(done(&["Consent", "State"], &["", "NE"], codes), Sent);
    // A column of answers of its own.
    let own = [&["ano", "ne"][..], &["", "ano"], &["ano", "ano"]];
    assert_eq!(done(&["Souhlas", "Zaplaceno"], &["", "ne"], own), Sent);
}

#[test]
fn a_column_of_answers_about_sending_says_who_may_be_messaged() {
    expect(
        &[
            "Rozesílka",
            "Rozesílat",
            "Textování",
            "Kampaň",
            "Oslovit",
            "Zasílat",
            "Notifikace",
            "Rozposielka",
            "Kampania",
            "Powiadomienia",
            "Kampagne",
            "Nachrichten",
            "Kampány",
            "Értesítés",
            "Campaign",
            "Texting",
            "Campagne",
            "Diffusion",
            "Campaña",
            "Mensajes",
            "Campagna",
            "Messaggi",
            "Campanie",
            "Mesaje",
            "Kampanja",
            "Poruke",
        ],
        &["ano", "ne", "ano", "ano"],
        &[("ano", Sent), ("ne", Out), ("", Sent)],
    );
    // What was done, what is shipped, and what is called so.
    for header in [
        "Odesláno",
        "Sent",
        "Notified",
        "Osloveno",
        "Wysłano",
        "Gesendet",
        "Envoyé",
        "Versand",
        "Zásilka",
    ] {
        expect(&[header], &["ano", "ne", "ano", "ne"], &[("ne", Sent)]);
    }
    expect(
        &["Kampaň", "Campaign"],
        &["jaro 2026", "podzim 2025"],
        &[("jaro 2026", Sent)],
    );
}

#[test]
fn a_consent_that_is_named_after_a_firm_or_a_form_is_one() {
    for header in [
        "Souhlas Alza",
        "Souhlas O2",
        "Súhlas Orange",
        "Zgoda Allegro",
        "Consenso Esselunga",
        "Consentement Fnac",
        "Consent form",
        "Einwilligung Formular",
    ] {
        expect(
            &[header],
            &["ano", "ne", "ano"],
            &[("ano", Sent), ("ne", Out)],
        );
    }
    // A word that may deny is no name.
    for header in [
        "Souhlas xyzzy",
        "Souhlas Nebyl",
        "SOUHLAS XYZZY",
        "Xyzzy souhlas",
        "Consent Xyzzy",
    ] {
        expect(
            &[header],
            &["ano", "ne", "ano"],
            &[("ano", Out), ("ne", Out)],
        );
    }
}

#[test]
fn who_left_a_newsletter_or_whose_consent_expired_is_not_messaged() {
    for header in [
        "Newsletter abgemeldet",
        "Newsletter unsubscribed",
        "Newsletter odhlášen",
        "Newsletter désabonné",
        "Consentement expiré",
        "CONSENTEMENT EXPIRÉ",
        "Autorisation expirée",
        "Einwilligung widerrufen am",
        "Consent expired",
    ] {
        expect(&[header], &["x", ""], &[("x", Out), ("", Sent)]);
        expect(&[header], &["1.2.2025", ""], &[("1.2.2025", Out)]);
    }
    expect(
        &["Consentement expire le"],
        &["1.2.2035", ""],
        &[("1.2.2035", Sent), ("1.2.2025", Out)],
    );
    expect(
        &["Unsubscribed from e-mail newsletter"],
        &["x", ""],
        &[("x", Sent)],
    );
}

#[test]
fn an_answer_for_each_way_is_read_for_messages() {
    let answers = ["SMS: A, Volat: N", "SMS: N, Volat: A", "SMS: A"];
    expect(
        &["Souhlas", "Poznámka", "Kontakt", "Consent"],
        &answers,
        &[
            ("SMS: A, Volat: N", Sent),
            ("SMS: N, Volat: A", Out),
            ("SMS = ne; e-mail = ano", Out),
            ("SMS: yes | WhatsApp: no", Out),
            ("phone - no, SMS - yes", Sent),
        ],
    );
    expect(
        &["Do not contact"],
        &["SMS: yes, calls: no"],
        &[("SMS: yes, calls: no", Out), ("SMS: no, calls: yes", Sent)],
    );
    expect(
        &["Poznámka"],
        &["", ""],
        &[("Čas: ne před 8", Sent), ("SMS: poslat v 8", Sent)],
    );
    // A column of their own.
    let rows: [&[&str]; 4] = [&["A", "N"], &["N", "A"], &["A", "A"], &["A", ""]];
    for headers in [["SMS", "Volat"], ["SMS", "Call"], ["Marketing", "Anrufen"]] {
        assert_eq!(
            rows_done(&headers, &rows),
            [Told, Out, Sent, Sent],
            "{headers:?}"
        );
    }
    let rows: [&[&str]; 2] = [&["A"], &["N"]];
    assert_eq!(rows_done(&["Volat"], &rows), [Sent, Out]);
}

//! Headers that name messages and another way to reach a person, and cells that name the ways that a person allows.

use super::exports::Done::{self, Out, Sent, Told};
use super::exports::{done, expect, expect_each};

#[test]
fn a_consent_to_mail_and_messages_is_one_to_messages() {
    for (headers, yes, no) in [
        (
            &[
                "I agree to receive emails and texts",
                "I agree to receive emails and text messages",
                "I would like to receive newsletters and text messages",
                "Accepts emails/texts",
                "Accepts email and SMS marketing",
                "Email/SMS consent",
                "Email & SMS opt-in",
                "SMS/E-mail",
                "E-mail/SMS",
                "Email and texts",
                "Contact by email or text",
                "May we contact you by email, phone or text?",
                "Newsletter and texts",
            ][..],
            "yes",
            "no",
        ),
        (
            &[
                "Souhlas se zasíláním SMS a e-mailů",
                "Souhlas se zasíláním e-mailů a SMS",
                "Souhlasím se zasíláním newsletteru a SMS zpráv",
                "E-maily, SMS",
                "Mailing a SMS",
                "Newsletter a SMS",
                "Newsletter/SMS",
                "Marketing (e-mail, SMS)",
                "Zasílání newsletteru a SMS",
                "Souhlas mail+SMS",
            ],
            "ano",
            "ne",
        ),
        (
            &[
                "Werbung per E-Mail/SMS",
                "Einwilligung E-Mail und SMS",
                "Newsletter und SMS",
                "E-Mail-/SMS-Werbung",
                "Werbung (E-Mail, SMS, Post)",
            ],
            "ja",
            "nein",
        ),
        (
            &["Zgoda na e-mail i SMS", "Zgoda na e-maile oraz SMS-y"],
            "tak",
            "nie",
        ),
    ] {
        expect(headers, &[yes, yes, no], &[(yes, Sent), (no, Out)]);
    }
    // About mail alone.
    expect(
        &[
            "I agree to receive emails",
            "Souhlas s e-mailingem",
            "E-mail",
            "Email marketing",
        ],
        &["yes", "yes", "no"],
        &[("yes", Sent), ("no", Sent)],
    );
}

#[test]
fn a_refusal_of_mail_and_messages_is_one_of_messages() {
    expect(
        &[
            "No emails or texts",
            "Unsubscribed from all email and texts",
            "Unsubscribed from email and SMS",
            "Do not email or text",
            "Email/SMS opt-out",
            "Opt-out e-mail/SMS",
            "Odhlášen z e-mailů i SMS",
            "Odhlášen (e-mail, SMS)",
            "Nechce e-maily ani SMS",
            "Neposílat e-maily ani SMS",
            "Zákaz e-mailů a SMS",
            "Odhlášen z newsletteru a SMS",
            "Keine E-Mails/SMS",
            "Keine Werbung per E-Mail oder SMS",
            "Nie wysyłać e-maili ani SMS",
        ],
        &["0", "0", "1"],
        &[("0", Sent), ("1", Out)],
    );
}

/// The cells of a column: those who allow messages, and those who do not.
const CHOICES: &[(&[&str], &[&str])] = &[
    (&["vše"], &["jen e-mail"]),
    (&["SMS + e-mail"], &["pouze e-mail"]),
    (&["ano"], &["jen e-mail", "odvoláno 5.6.2025"]),
    (&["ano"], &["e-mail ano, SMS ne", "bez SMS"]),
    (&["ano, vše"], &["ano, jen e-mail"]),
    (&["all"], &["none"]),
    (&["both"], &["email"]),
    (&["Both"], &["Neither"]),
    (&["obojí"], &["žádné"]),
    (&["vše"], &["nic", "vše kromě SMS"]),
    (&["SMS, e-mail", "SMS"], &["e-mail"]),
    (&["SMS; Email"], &["Email"]),
    (
        &["SMS", "SMS / E-mail"],
        &["E-mail", "Nechci být informován"],
    ),
    (&["SMS & Email", "SMS"], &["Email", "None"]),
    (
        &["SMS a e-mail", "SMS"],
        &["e-mailem", "nic", "telefonicky, e-mailem"],
    ),
    (
        &["SMS", "Text message"],
        &["Phone call", "no text, only email"],
    ),
    (&["SMS", "beides"], &["E-Mail", "gar nicht"]),
    (&["enabled"], &["disabled"]),
    (&["SMS ✓ E-mail ✗"], &["SMS ✗ E-mail ✓"]),
    (&["✓ SMS"], &["✗ SMS"]),
    (&["+SMS"], &["-SMS", "-SMS +e-mail"]),
    (&["SMS/1"], &["SMS/0", "SMS/0, e-mail/1"]),
    (&["sms_true"], &["sms_false"]),
    (&["sms=1;email=0"], &["sms=0;email=1"]),
    (&["SMS: ano, E-mail: ne"], &["SMS: ne, E-mail: ano"]),
    (&["má"], &["nemá"]),
    (&["je"], &["není"]),
    (&["platný"], &["vypršel"]),
    (&["zelená"], &["červená"]),
    (&["zájem"], &["bez zájmu"]),
    (&["xyzzy"], &["zrušeno"]),
    (
        &["☒ ano ☐ ne", "[x] ano [ ] ne"],
        &["☐ ano ☒ ne", "[ ] ano [x] ne"],
    ),
    (&["☑ SMS ☐ e-mail"], &["☐ SMS ☑ e-mail"]),
];

/// What is done with each of these cells, in a column that holds all of them.
fn all_done(header: &str, (yes, no): (&[&str], &[&str])) -> Vec<(String, Done)> {
    // Most people allow messages.
    let others: Vec<&str> = yes
        .iter()
        .chain(yes)
        .chain(yes)
        .chain(no)
        .copied()
        .collect();
    let cells = yes.iter().chain(no);
    cells
        .map(|cell| ((*cell).to_owned(), done(header, &others, cell)))
        .collect()
}

#[test]
fn whoever_allows_other_ways_alone_is_not_messaged_whatever_the_header() {
    let mut wrong = Vec::new();
    for header in [
        "Souhlas",
        "Consent",
        "GDPR",
        "Einwilligung",
        "Obchodní sdělení",
        "SMS",
        "Zprávy",
        "Kontakt",
        "Komunikace",
        "Marketing",
        "Reklama",
    ] {
        for (yes, no) in CHOICES {
            for (cell, done) in all_done(header, (yes, no)) {
                let expected = if yes.contains(&cell.as_str()) {
                    Sent
                } else {
                    Out
                };
                if done != expected {
                    wrong.push(format!(
                        "{header}: {cell:?} of {yes:?} and {no:?} is {done:?}"
                    ));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn a_column_of_ways_is_one_of_consent_whatever_it_is_called() {
    let mut wrong = Vec::new();
    for header in [
        "Jak si přejete být informováni?",
        "How should we contact you?",
        "Wie möchten Sie informiert werden?",
        "Reminder Type",
        "Reminders",
        "Notification preference",
        "Notifications",
        "Contact via",
        "Způsob kontaktu",
        "Kontaktovat přes",
        "Komunikační kanál",
        "Forma kontaktu",
        "Jak kontaktovat",
        "Upozornění",
        "Připomínky",
        "Benachrichtigung",
        "Kontaktart",
        "Kontaktweg",
        "Bevorzugter Kanal",
        "Kanál",
        "Channel",
        "Marketing channels",
        "Souhlas - kanály",
        "Způsob zasílání",
        "Zasílání",
        "Doručování",
        "xyzzy",
    ] {
        for (yes, no) in [
            (&["SMS & Email", "SMS"][..], &["Email", "None"][..]),
            (&["SMS a e-mail", "SMS"], &["e-mail", "nic"]),
            (&["SMS, e-mail"], &["e-mailem", "žádný"]),
            (&["SMS"], &["E-mail", "Nechci být informován"]),
        ] {
            for (cell, done) in all_done(header, (yes, no)) {
                let expected = if yes.contains(&cell.as_str()) {
                    Sent
                } else {
                    Out
                };
                if done != expected {
                    wrong.push(format!("{header}: {cell:?} is {done:?}"));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    // What is not understood there is none to rely on.
    expect_each(&[
        (
            "Channel",
            &["SMS", "SMS", "Email"][..],
            "carrier pigeon",
            Out,
        ),
        (
            "Jak nechcete být kontaktován?",
            &["SMS", "e-mail", "SMS"],
            "SMS",
            Out,
        ),
        ("Contact preference", &["SMS", "Email"], "Email", Told),
        ("Contact preference", &["SMS", "Email"], "not by SMS", Out),
    ]);
}

#[test]
fn whoever_has_the_newsletter_by_mail_alone_is_told() {
    for (yes, no) in [("ano", "jen e-mail"), ("all", "none"), ("both", "email")] {
        assert_eq!(done("Newsletter", &[yes, yes, no], no), Told, "{no}");
        assert_eq!(done("Newsletter", &[yes, yes, no], yes), Sent, "{yes}");
    }
    assert_eq!(done("Newsletter", &["SMS", "e-mail", "SMS"], "e-mail"), Out);
}

#[test]
fn ways_of_something_else_hold_nobody() {
    for header in [
        "Zdroj",
        "Source",
        "Lead source",
        "Booked via",
        "Poslední kontakt",
        "Last contacted by",
        "Typ telefonu",
        "Předmět",
        "Payment method",
        "How did you hear about us?",
        "Note",
    ] {
        for cell in ["SMS", "e-mail", "telefon", "pošta"] {
            let done = done(header, &["SMS", "e-mail", "telefon"], cell);
            assert_eq!(done, Sent, "{header} {cell}");
        }
    }
    expect(
        &["Doprava", "Send"],
        &["poštou", "osobně", "Praha"],
        &[("poštou", Sent)],
    );
}

#[test]
fn a_cross_beside_another_yes_is_none_to_rely_on() {
    for header in ["Souhlas", "Consent", "SMS", "Marketing"] {
        for yes in ["ok", "ano", "✓", "1"] {
            assert_eq!(done(header, &[yes, yes, "x"], "x"), Out, "{header} {yes}");
            assert_eq!(done(header, &[yes, yes, "x"], yes), Sent, "{header} {yes}");
        }
        assert_eq!(done(header, &["x", "", "x"], "x"), Sent, "{header}");
        assert_eq!(done(header, &["☑", "☒"], "☒"), Out, "{header}");
        assert_eq!(done(header, &["I", "O"], "O"), Out, "{header}");
    }
}

#[test]
fn ticks_of_wingdings_are_answers() {
    expect(
        &["Souhlas", "Consent", "SMS"],
        &["ü", "û", "ü"],
        &[("ü", Sent), ("û", Out), ("", Sent)],
    );
    expect(&["Nevolat"], &["ü", "û"], &[("ü", Out), ("û", Sent)]);
    expect(
        &["Souhlas"],
        &["þ", "ý", "¨"],
        &[("þ", Sent), ("ý", Out), ("¨", Out)],
    );
}

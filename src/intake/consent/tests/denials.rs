//! Refusals that are denied, and cells of which one denies another.

use super::exports::{Out, Sent, Told, expect, expect_each};
use super::*;

#[test]
fn a_refusal_that_is_denied_in_a_header_is_a_consent() {
    expect(
        &[
            "Not opted out",
            "Not unsubscribed",
            "Not on the blacklist",
            "No opt-out",
            "Not currently opted out",
            "Is not blocked",
            "Unblocked",
            "Není odhlášen",
            "Neodhlášen",
            "Neblokován",
            "Nemá zákaz",
            "Bez zákazu",
            "Bez omezení kontaktu",
            "Nie je odhlásený",
            "Nicht abgemeldet",
            "Nicht gesperrt",
            "Keine Sperre",
            "Kein Widerspruch",
            "Non désabonné",
            "No dado de baja",
            "Nie wypisany",
            "Brak sprzeciwu",
            "Consent not revoked",
            "Souhlas neodvolán",
        ],
        &["yes", "no", "yes"],
        &[("yes", Sent), ("no", Out), ("1", Sent), ("0", Out)],
    );
    // Which of the two it means is not known.
    expect(
        &[
            "Opt-out revoked",
            "Zákaz zrušen",
            "Odvolání souhlasu neproběhlo",
            "Sperre aufgehoben",
        ],
        &["yes", "no", "yes"],
        &[("yes", Out), ("no", Out)],
    );
    // One refusal that is denied, beside another or as an answer.
    expect(
        &[
            "Do not contact",
            "Blocked",
            "Nesouhlas",
            "Souhlas odvolán",
            "No SMS",
            "Keine Werbung",
            "Bez souhlasu",
            "Not interested",
            "Nechce SMS, odhlášen",
            "Not contactable",
        ],
        &["yes", "no", "yes"],
        &[("yes", Out), ("no", Sent)],
    );
}

#[test]
fn a_refusal_that_is_denied_in_a_cell_is_none() {
    for cell in [
        "Not opted out",
        "not unsubscribed",
        "Není odhlášen",
        "neodhlášen",
        "nicht abgemeldet",
        "Keine Sperre",
        "nema zakaz",
        "nicht widersprochen",
    ] {
        expect(
            &["Souhlas", "Odhlášen", "Opt-out", "SMS"],
            &["ano", "ne", "yes"],
            &[(cell, Sent)],
        );
    }
    for cell in [
        "No, opted out",
        "no opted out",
        "Ne, odhlášen",
        "ne - odhlášen",
        "ne odhlášen",
        "nein, abgemeldet",
        "not opted out, deceased",
        "opt-out revoked",
        "nemá zájem, odhlášen",
        "není doma, nekontaktovat",
    ] {
        expect(
            &["Souhlas", "Odhlášen", "SMS"],
            &["ano", "ne", "ano"],
            &[(cell, Out)],
        );
    }
}

#[test]
fn in_a_column_of_messages_the_word_that_denies_another_refuses() {
    for (yes, no) in [
        ("Zulassen", "Nicht zulassen"),
        ("Povolit", "Nepovolit"),
        ("Permitir", "No permitir"),
        ("Zezwalaj", "Nie zezwalaj"),
        ("Autoriser", "Ne pas autoriser"),
        ("Consenti", "Non consentire"),
        ("Engedélyezés", "Tiltás"),
        ("Allow", "Do Not Allow"),
        ("povolit", "zakázat"),
        ("povolena", "zakázána"),
        ("povolen", "zakázán"),
        ("ano", "zakázáno"),
        ("erlaubt", "verboten"),
        ("permitido", "no permitido"),
        ("Dozwolone", "Niedozwolone"),
        ("genehmigt", "abgelehnt"),
        ("genehmigt", "nicht genehmigt"),
        ("zap", "vyp"),
        ("zapnuto", "vypnuto"),
        ("an", "aus"),
        ("chce", "nechce"),
        ("může", "nesmí"),
        ("lze", "nelze"),
        ("smí se", "nesmí se"),
        ("can", "can't"),
        ("can", "cannot"),
        ("want", "don't want"),
        ("will", "won't"),
        ("in", "out"),
        // Words of no list.
        ("gorgol", "ne gorgol"),
        ("Gorgol", "Negorgol"),
        ("gorgolit", "do not gorgol"),
    ] {
        for others in [[yes, no, yes], [no, yes, no]] {
            expect(
                &["SMS", "Kontakt", "Komunikace", "Oslovení", "WhatsApp"],
                &others,
                &[(yes, Sent), (no, Out)],
            );
        }
        if !yes.to_lowercase().starts_with("gorgol") {
            // The other word may come first further down.
            assert_eq!(
                found("SMS", &[yes, yes, yes]),
                [ColumnKind::Consent],
                "{yes}"
            );
            assert_ne!(
                says(ColumnKind::Consent, no, None),
                CellConsent::May,
                "{no}"
            );
        }
    }
    // None is known: any may be a refusal.
    expect(
        &["SMS", "WhatsApp"],
        &["gorgol", "brambol", "gorgol"],
        &[("gorgol", Out), ("brambol", Out)],
    );
    // What came of a message, and which it was, is no answer.
    expect(
        &["SMS", "Kontakt"],
        &["doručeno", "nedoručeno", "doručeno"],
        &[("doručeno", Sent), ("nedoručeno", Sent)],
    );
    expect(
        &["Kontakt"],
        &["zastižen", "nezastižen", "zastižen"],
        &[("nezastižen", Sent)],
    );
    expect(
        &["SMS"],
        &["Dobrý den, zítra v 10:00", "Dobrý den, zítra v 11:00"],
        &[("Dobrý den, zítra v 12:00", Sent)],
    );
    for status in ["Stav kontaktu", "Kontaktstatus"] {
        expect(
            &[status],
            &["aktivní", "aktiv"],
            &[
                ("zákaz kontaktu", Out),
                ("zakázán", Out),
                ("Kontaktverbot", Out),
                ("Sperrvermerk", Out),
                ("aktiv", Sent),
            ],
        );
    }
}

#[test]
fn in_a_column_of_refusals_the_other_word_refuses_nothing() {
    for (header, no, yes) in [
        ("Odhlášen", "odhlášen", "přihlášen"),
        ("Odhlášen", "odhlášen", "neodhlášen"),
        ("Blokován", "blokován", "neblokován"),
        ("Nevolat", "nevolat", "volat"),
        ("Neposílat SMS", "neposílat", "posílat"),
        ("Do not call", "do not call", "call"),
        ("Opt out?", "Opt out", "Stay in"),
        ("Abgemeldet", "abgemeldet", "angemeldet"),
        ("dndSettings.SMS.status", "active", "inactive"),
    ] {
        expect_each(&[
            (header, &[no, yes, yes][..], no, Out),
            (header, &[no, yes, yes], yes, Sent),
        ]);
    }
    // Of words that are not known, either may refuse.
    expect(
        &["Odhlášen", "Opt-out"],
        &["gorgol", "ne gorgol"],
        &[("gorgol", Out)],
    );
    assert_eq!(kind("dndSettings.Email.status"), None);
}

#[test]
fn the_day_of_a_withdrawal_refuses() {
    for header in ["Odvolán dne", "Odvoláno dne", "Zrušeno dne", "Odvolal"] {
        expect(
            &[header],
            &["", "1.2.2024"],
            &[("1.2.2024", Out), ("", Sent)],
        );
    }
    expect(
        &[
            "Pause until",
            "Snooze until",
            "Paused until",
            "Pozastaveno do",
        ],
        &["", "1.2.2024"],
        &[("1.2.2099", Out), ("1.2.2024", Sent), ("", Sent)],
    );
}

#[test]
fn ways_to_reach_a_person_by_of_which_none_is_ours_hold_a_row() {
    for header in [
        "Preferovaný kanál",
        "Kanál komunikace",
        "Kanály",
        "Preferred channel",
    ] {
        expect(
            &[header],
            &["SMS", "SMS, e-mail", "SMS"],
            &[
                ("pouze e-mail", Out),
                ("jen e-mail", Out),
                ("e-mail", Out),
                ("Email only", Out),
                ("nic", Out),
                ("žádný", Out),
                ("none", Out),
                ("pošta", Out),
                ("SMS", Sent),
                ("e-mail, SMS", Sent),
                ("telefon", Sent),
                ("", Sent),
            ],
        );
    }
}

#[test]
fn technical_columns_and_those_about_mail_keep_nobody_out() {
    for header in [
        "(Do Not Modify) Contact",
        "(Do Not Modify) Lead",
        "(Do Not Modify) Row Checksum",
        "(Do Not Modify) Modified On",
        "(Nicht ändern) Kontakt",
        "(Neměnit) Kontakt",
        "(Ne pas modifier) Contact",
    ] {
        assert_eq!(kind(header), None, "{header}");
        let guid = "b3569f10-c23b-418d-9271-927356ab81f3";
        expect(&[header], &[guid, guid], &[(guid, Sent)]);
    }
    expect(
        &[
            "Nezasílat hromadné e-maily",
            "Nezasílat e-maily",
            "Neposílat hromadné maily",
            "Zákaz mailingu",
            "Nie wysyłaj e-maili",
            "No enviar correos",
            "Ne küldjön e-mailt",
            "Neposielať e-maily",
            "Nezasílat katalog poštou",
        ],
        &["ano", "ne", "ne"],
        &[("ano", Sent), ("ne", Sent)],
    );
    expect(
        &["Blokovaná faktura"],
        &["ano", "ne", "ne"],
        &[("ano", Told), ("ne", Sent)],
    );
    expect(
        &["Nezasílat SMS ani e-maily"],
        &["ano", "ne", "ne"],
        &[("ano", Out), ("ne", Sent)],
    );
}

#[test]
fn more_headers_of_consents_and_flags_are_known() {
    expect(
        &[
            "Odebírá SMS",
            "Írhatunk SMS-t?",
            "Souhlas nový",
            "mkt_optin",
            "notify_by_sms",
            "Include in campaign",
            "Zařadit do kampaně",
        ],
        &["ano", "ne", "ano"],
        &[("ano", Sent), ("ne", Out)],
    );
    expect(
        &[
            "Blok SMS",
            "K výmazu",
            "Stopka",
            "DNCR",
            "TPS registered",
            "Vznesl námitku",
            "Odvolal",
            "Anonymizovat",
            "To be deleted",
            "Blokace",
            "Ban",
            "Zrezygnował",
        ],
        &["x", "ne", "ano"],
        &[("ano", Out), ("x", Out), ("ne", Sent), ("", Sent)],
    );
}

#[test]
fn more_names_of_lists_of_refusals_are_known() {
    for name in [
        "Nesouhlasí se zasíláním",
        "Werbung verboten",
        "Stížnosti - nevolat",
        "Nepřejí si být kontaktováni",
        "Seznam zákazu kontaktu",
        "Revoked consents",
        "Zrušené odběry",
        "Vyřazení z rozesílky",
        "Odmítnuté souhlasy",
        "Zákazníci bez GDPR",
        "Nem kérnek üzenetet",
        "Vyloučení",
    ] {
        assert!(names_refusals(name), "{name}");
        assert!(names_refusals_in_any_cell(name), "{name}");
    }
    for name in [
        "Kdo nechce zprávy",
        "Kunden, die keine SMS wollen",
        "Stížnosti",
    ] {
        assert!(names_refusals(name), "{name}");
    }
    assert!(names_refusals_in_any_cell("Former members"));
    assert!(!names_refusals("Former members"));
    for sheet in ["Zrušené", "Vyloučení", "NE", "Ne", "No", "Stížnosti"] {
        assert!(names_refusing_sheet(sheet), "{sheet}");
    }
    for sheet in [
        "Zrušené objednávky",
        "No Limit klub",
        "List1",
        "Nové",
        "Not opted out",
    ] {
        assert!(!names_refusing_sheet(sheet), "{sheet}");
    }
}

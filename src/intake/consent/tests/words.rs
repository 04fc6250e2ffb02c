//! Words of headers and cells by which a "no" was taken for a "yes".

use super::exports::{Out, Sent, Told, expect, expect_each};
use super::*;

/// Headers of a refusal: the "yes" is held, and the "no" may be messaged.
const NEGATIVE: &str = "
    Žádné SMS|Žádné SMS zprávy|Žádný marketing|Žádná reklama|Vypnout SMS|Nedostává SMS|Konec SMS|Proti SMS|Mimo SMS
    Vadí mu SMS|Zamítl SMS|SMS nepovoleny|Vyjmout z SMS|Souhlas propadl|Souhlas nepodepsán|Souhlas odebrán
    Souhlas vzat zpět|SMS untersagt|SMS aus|SMS ausgeschaltet|SMS ausschließen|Gegen SMS|Niemals SMS|Werbung untersagt
    Ne küldjön SMS-t|Ne küldjenek SMS-t|Ne írjon SMS-t|Ne kapjon SMS-t|SMS tiltva|SMS tiltás|SMS lemondva
    Tilos SMS-t küldeni|Marketing tiltva|Hozzájárulás hiányzik|Hozzájárulás törölve|Żadnych SMS|SMS zabronione
    SMS wyłączone|SMS wstrzymane|Marketing zabroniony|Zgoda odebrana|Publicité refusée|Publicité interdite
    Publicidad rechazada|SMS desactivado|Nessun SMS|Contro SMS|Pubblicità rifiutata|Жодних SMS
    Проти SMS|Згода відсутня|Avoid SMS|Against SMS|Zero SMS|Ineligible for SMS|Left SMS list|Consent outstanding
    Nepsat|Nerušit|Withdrawn|Refused|Werbestopp|Nie pisać|Žiadne SMS|Nepísať|Nicht schreiben|Odmítnuto|Abgelehnt
    Don't send|Prohibido contactar|Vietato contattare|Reklámot nem kér|Nem járult hozzá|Vyřadit z rozesílky|Vynechat|Přeskočit
    Skip|Mute|Denied|Accord refusé|Accord retiré|Kapcsolat tiltva|Kontakt niepożądany|Контакт заборонено";

#[test]
fn words_that_deny_turn_a_header_into_that_of_a_refusal() {
    let headers = NEGATIVE.split(['|', '\n']).map(str::trim);
    let headers: Vec<&str> = headers.filter(|header| !header.is_empty()).collect();
    expect(
        &headers,
        &["ne", "ano", "ne"],
        &[("ano", Out), ("ne", Sent)],
    );
    expect(&headers, &["x", "", "x"], &[("x", Out), ("", Sent)]);
    expect(&headers, &["1", "0"], &[("1", Out), ("0", Sent)]);
}

#[test]
fn the_true_and_false_of_spreadsheets_are_answers_in_their_languages() {
    for (yes, no) in [
        ("IGAZ", "HAMIS"),
        ("ІСТИНА", "ХИБНІСТЬ"),
        ("WAAR", "ONWAAR"),
        ("SANT", "FALSKT"),
        ("SANN", "USANN"),
        ("SAND", "FALSK"),
        ("TOSI", "EPÄTOSI"),
        ("ADEVĂRAT", "FALS"),
        ("DOĞRU", "YANLIŞ"),
        ("ISTINA", "LAŽ"),
        ("PRAVDA", "NEPRAVDA"),
        ("ΑΛΗΘΕΣ", "ΨΕΥΔΕΣ"),
        ("TÕENE", "VÄÄR"),
        ("PATIESS", "APLAMS"),
        ("TIESA", "NETIESA"),
    ] {
        let headers = ["SMS consent", "Consent", "Souhlas se SMS", "SMS", "Souhlas"];
        expect(&headers, &[yes, no], &[(yes, Sent), (no, Out)]);
        let headers = ["Do not contact", "Nekontaktovat"];
        expect(&headers, &[yes, no], &[(yes, Out), (no, Sent)]);
    }
}

#[test]
fn a_column_of_answers_with_a_refusal_in_words_is_one_of_consent() {
    let cells = ["ano", "ne", "neposílat", "ano", "ne"];
    expect(
        &["Rozesílka", "Účast"],
        &cells,
        &[("ano", Sent), ("ne", Out), ("neposílat", Out)],
    );
    // One of names, places or something else is none.
    expect(&["Jméno", "Město"], &cells, &[("ano", Sent)]);
    let rows = |cells: &[&str]| -> Vec<Vec<String>> {
        cells.iter().map(|cell| vec![(*cell).to_owned()]).collect()
    };
    let is_unused =
        |cells: &[&str]| !find_unused_answers(&["Účast".to_owned()], &rows(cells), &[]).is_empty();
    // What may be a refusal takes no warning away.
    assert!(is_unused(&["ano", "ne", "nesouhlasí"]));
    assert!(is_unused(&["ano", "ne"]));
    assert!(!is_unused(&["ano", "ne", "Praha"]));
}

#[test]
fn a_consent_to_nothing_or_to_another_way_is_none_to_messages() {
    expect_each(&[
        ("Consent", &["SMS", "SMS", "email"][..], "email", Out),
        ("Consent", &["SMS", "SMS", "email"], "SMS", Sent),
        (
            "Consent",
            &["['sms']", "['sms', 'email']"],
            "['email']",
            Out,
        ),
        (
            "Consent",
            &["['sms']", "['sms', 'email']"],
            "['sms', 'email']",
            Sent,
        ),
        ("Consent", &["SMS", "none"], "none", Out),
        ("Souhlas", &["vše", "vše", "nic"], "nic", Out),
        ("Consent", &["Allow", "Allow"], "Do Not Allow", Out),
        ("Consent", &["X", "O", "X"], "X", Out),
        ("Consent", &["X", "O", "X"], "O", Out),
        ("SMS", &["X", "O", "X"], "O", Out),
        ("Consent", &["X", "", "X"], "X", Sent),
    ]);
}

#[test]
fn ordinary_headers_of_consent_are_no_refusals() {
    expect(
        &[
            "SMS notifikace",
            "SMS souhlas 2024",
            "Marketing SMS agreement",
            "SMS (ano/ne)",
            "Souhlas se zasíláním SMS",
            "Reklama",
            "SMS upozornění",
            "Consent obtained",
            "Souhlas získán",
            "Einwilligung vorhanden",
            "Consenso raccolto",
            "SMS Kampaň Jaro",
            "SMS ein",
            "Posílat zprávy",
            "Nachrichten erwünscht",
            "Darf angeschrieben werden",
            "Beleegyezés",
            "Kontakt dozwolony",
            "Se puede contactar",
            "Possiamo scrivere",
            "TxtMsgOk",
        ],
        &["ano", "ne", "ano"],
        &[("ano", Sent), ("ne", Out)],
    );
    expect(
        &["Payment refused"],
        &["yes", "no"],
        &[("yes", Told), ("no", Sent)],
    );
}

#[test]
fn no_answer_is_relied_on_beside_a_word_that_is_not_known() {
    expect(
        &[
            "Xyzzy SMS",
            "SMS xyzzy",
            "Souhlas xyzzy",
            "Consent xyzzy",
            "Xyzzy marketing",
        ],
        &["ano", "ne", "ano", ""],
        &[
            ("ano", Out),
            ("ne", Out),
            ("x", Out),
            ("STOP", Out),
            ("subscribed", Sent),
            ("", Sent),
        ],
    );
    expect(
        &["Souhlas se zasíláním xyzzy", "SMS 2024", "SMS A"],
        &["ano", "ne", "ano"],
        &[("ano", Sent), ("ne", Out)],
    );
}

//! What headers and cells say of who may be messaged.

mod codes;
mod denials;
mod elsewhere;
mod ends;
mod exports;
mod kinds;
mod marks;
mod number_column;
mod pairs;
mod stated;
mod ways;
mod words;

use super::*;

fn kind(header: &str) -> Option<ColumnKind> {
    meaning(header).map(|meaning| meaning.kind)
}

/// A consent that was withdrawn, as lists call it: a "yes" there is a "no".
const WITHDRAWN_HEADERS: &str = "
    Consent withdrawn|Consent Withdrawn?|Has withdrawn consent|Withdrew consent|Consent revoked|Consent denied
    Consent refused|Consent declined|Consent missing|Missing consent|Consent expired|Consent lapsed|Consent void
    Consent invalid|Permission revoked|Permission denied|Opt-in revoked|Opt-in withdrawn|Opt-in declined
    Subscription cancelled|Subscription ended|GDPR delete|GDPR erase|GDPR výmaz|Consent withdrawn on
    Consent revoked at|Consent withdrawn until|Souhlas odvolán|Souhlas odvolán dne|Souhlas zrušen|Souhlas vypršel
    Souhlas neudělen|Souhlas neplatný|Odvolal souhlas|Odvolaný souhlas|Zrušený souhlas|Vzal zpět souhlas
    Súhlas odvolaný|Súhlas zrušený|Einwilligung zurückgezogen|Einwilligung fehlt|Einwilligung abgelehnt
    Einwilligung verweigert|Einwilligung erloschen|Einwilligung ungültig|Einwilligung widerrufen am
    Consentement retiré|Retrait du consentement|Consenso revocato|Consenso negato|Zgoda wycofana|Zgoda cofnięta
    Consentimiento revocado|Consentimiento retirado|Consentimento revogado|Согласие отозвано|Отзыв согласия
    Згода відкликана|Hozzájárulás visszavonva|Toestemming ingetrokken|Samtycke återkallat
    Samtykke trukket tilbage|Suostumus peruttu|Onay iptal|Onay geri çekildi|Privola povučena|Acord retras
    Съгласие оттеглено|SMS forbidden|SMS disabled|SMS zakázáno|Marketing refused|Marketing rejected
    Marketing disabled|Rejects marketing|Refuses SMS|Nesmí se kontaktovat|Kontakt zakázán|Kontakt verboten
    Contact interdit|Contact forbidden|Werbung abgelehnt|Objected|Objection|Námitka|Revoked|Not interested";

#[test]
fn a_consent_that_was_withdrawn_is_none_whatever_its_column_is_called() {
    let headers = WITHDRAWN_HEADERS.split(['|', '\n']).map(str::trim);
    for header in headers.filter(|header| !header.is_empty()) {
        let found = meaning(header).map(|it| it.kind);
        assert_eq!(found, Some(ColumnKind::Refusal), "{header}");
    }
    for cell in [
        "yes",
        "x",
        "1",
        "TRUE",
        "1.2.2026",
        "2026-02-01",
        "2026-02-01T10:00:00Z",
    ] {
        assert_eq!(
            says(ColumnKind::Refusal, cell, None),
            CellConsent::MustNot,
            "{cell}"
        );
    }
    for header in [
        "Consent given",
        "Souhlas",
        "SMS ano/ne",
        "Consent (yes/no)",
        "Contact",
    ] {
        assert_ne!(
            meaning(header).map(|it| it.kind),
            Some(ColumnKind::Refusal),
            "{header}"
        );
    }
}

#[test]
fn headers_that_tell_who_may_be_messaged_are_known_in_many_languages() {
    for header in [
        "Accepts SMS Marketing",
        "SMS consent",
        "Marketing consent",
        "sms_opt_in",
        "Opted In",
        "Subscribed",
        "GDPR",
        "Subscription status",
        "Email/SMS consent",
        "Souhlas se zasíláním SMS",
        "Marketingový souhlas",
        "Súhlas",
        "Einwilligung",
        "Zgoda marketingowa",
        "Consentimiento",
        "Consentement SMS",
        "Consentimento",
        "Consenso",
        "acceptsMarketing",
    ] {
        assert_eq!(kind(header), Some(ColumnKind::Consent), "{header}");
    }
    for header in [
        "unsubscribed",
        "Do not contact",
        "DND",
        "Opted out",
        "opt-out",
        "SMS Opt Out",
        "Do Not Call",
        "Unsubscribed at",
        "Opt-out date",
        "Nekontaktovat",
        "Odhlášen",
        "Abgemeldet",
        "Nicht kontaktieren",
        "Werbesperre",
        "No contactar",
        "Baja",
        "Désabonné",
        "Ne pas contacter",
        "Nie kontaktować",
        "Wypisany",
        "Não contactar",
        "Non contattare",
        "Do not text",
        "doNotContact",
    ] {
        assert_eq!(kind(header), Some(ColumnKind::Refusal), "{header}");
    }
    for header in [
        "Accepts Email Marketing",
        "Email opt-out",
        "Unsubscribed from all email",
        "Has Opted Out of Email",
        "Fax Opt Out",
        "Do not mail",
        "Newsletter",
        "Newsletter subscribed",
        "E-mail consent",
        "Phone",
        "Name",
        "Stopover",
    ] {
        assert_eq!(kind(header), None, "{header}");
    }
}

#[test]
fn a_refusal_beside_a_number_is_heard() {
    for cell in [
        "777100012 STOP",
        "STOP 777100012",
        "777100012; stop",
        "777100012 (nevolat)",
        "777100012 NEPSAT!",
        "777100012 - do not call",
        "do not contact +420777100012",
        "777100012 wrong number",
        "777100012 deceased",
        "777100012 unsubscribed",
        "777100012 odhlášen",
        "777100012 🛑",
        "777100012 ❌",
        "777100012 withdrawn",
        "777100012 špatné číslo",
        "777100012 nechce SMS",
    ] {
        assert!(is_refusal_beside_number(cell), "{cell}");
    }
    for cell in [
        "777100012",
        "tel: 777100012",
        "No. 777100012",
        "NO 91234567",
        "777100012 mobil",
        "Jana 777100012",
        "602333444 (Poland)",
        "420777123456@c.us",
        "https://wa.me/420777123456?text=Stop",
    ] {
        assert!(!is_refusal_beside_number(cell), "{cell}");
    }
}

#[test]
fn cells_say_yes_no_or_nothing() {
    for (cell, says_of_consent, says_of_refusal) in [
        ("yes", CellConsent::May, CellConsent::MustNot),
        ("TRUE", CellConsent::May, CellConsent::MustNot),
        ("1", CellConsent::May, CellConsent::MustNot),
        ("1.0", CellConsent::May, CellConsent::MustNot),
        ("Ano", CellConsent::May, CellConsent::MustNot),
        ("x", CellConsent::May, CellConsent::MustNot),
        ("Yes, by SMS", CellConsent::May, CellConsent::MustNot),
        ("no", CellConsent::MustNot, CellConsent::May),
        ("FALSE", CellConsent::MustNot, CellConsent::May),
        ("0", CellConsent::MustNot, CellConsent::May),
        ("Nein", CellConsent::MustNot, CellConsent::May),
        ("não", CellConsent::MustNot, CellConsent::May),
        ("❌", CellConsent::MustNot, CellConsent::May),
        ("", CellConsent::Nothing, CellConsent::Nothing),
        (" \u{a0}", CellConsent::Nothing, CellConsent::Nothing),
        ("n/a", CellConsent::Nothing, CellConsent::Nothing),
        ("unsubscribed", CellConsent::MustNot, CellConsent::MustNot),
        ("Not subscribed", CellConsent::MustNot, CellConsent::MustNot),
        ("Subscribed", CellConsent::May, CellConsent::May),
        ("pending", CellConsent::MustNot, CellConsent::MustNot),
        ("2024-05-01 10:00", CellConsent::May, CellConsent::MustNot),
        ("SMS", CellConsent::NotUnderstood, CellConsent::MustNot),
        ("Email", CellConsent::NotUnderstood, CellConsent::May),
        (
            "maybe",
            CellConsent::NotUnderstood,
            CellConsent::NotUnderstood,
        ),
    ] {
        assert_eq!(
            says(ColumnKind::Consent, cell, None),
            says_of_consent,
            "{cell}"
        );
        let refusal = says(ColumnKind::Refusal, cell, None);
        assert_eq!(refusal, says_of_refusal, "{cell}");
    }
}

#[test]
fn consent_is_known_in_more_languages_and_words() {
    for header in [
        "הסכמה",
        "موافقة",
        "同意",
        "同意接收短信",
        "동의",
        "수신동의",
        "Đồng ý",
        "Persetujuan",
        "ความยินยอม",
        "May we contact you?",
        "Can we text you",
        "Kann kontaktiert werden",
        "Můžeme Vás kontaktovat?",
        "Pouvons-nous vous contacter ?",
        "¿Podemos contactarle?",
        "Możemy się kontaktować",
    ] {
        assert_eq!(kind(header), Some(ColumnKind::Consent), "{header}");
    }
    for header in [
        "Deceased",
        "Zemřel",
        "Zemřel(a)",
        "Zomrela",
        "Verstorben",
        "Décédé",
        "Fallecido",
        "Date of death",
    ] {
        assert_eq!(kind(header), Some(ColumnKind::Refusal), "{header}");
    }
    for (header, cell, said) in [
        ("Souhlas", "ne", CellConsent::MustNot),
        ("הסכמה", "לא", CellConsent::MustNot),
        ("הסכמה", "כן", CellConsent::May),
        ("موافقة", "لا", CellConsent::MustNot),
        ("موافقة", "غير موافق", CellConsent::MustNot),
        ("موافقة", "نعم", CellConsent::May),
        ("同意", "否", CellConsent::MustNot),
        ("同意", "不同意", CellConsent::MustNot),
        ("同意", "是", CellConsent::May),
        ("同意", "同意", CellConsent::May),
        ("同意", "いいえ", CellConsent::MustNot),
        ("동의", "아니오", CellConsent::MustNot),
        ("동의", "미동의", CellConsent::MustNot),
        ("동의", "예", CellConsent::May),
        ("Đồng ý", "không", CellConsent::MustNot),
        ("Đồng ý", "có", CellConsent::May),
        ("Persetujuan", "tidak", CellConsent::MustNot),
        ("Persetujuan", "ya", CellConsent::May),
        ("Zemřel", "ano", CellConsent::MustNot),
        ("Zemřel", "ne", CellConsent::May),
        ("Zemřel", "1.5.2020", CellConsent::MustNot),
        ("Deceased", "yes", CellConsent::MustNot),
    ] {
        assert_eq!(
            says(kind(header).unwrap(), cell, None),
            said,
            "{header} {cell}"
        );
    }
}

/// What the only column of this header and these cells is taken for.
fn found(header: &str, cells: &[&str]) -> Vec<ColumnKind> {
    let rows: Vec<Vec<String>> = cells.iter().map(|cell| vec![(*cell).to_owned()]).collect();
    let found = find(&[header.to_owned()], &rows, &[]);
    found.iter().map(|it| it.kind).collect()
}

#[test]
fn a_header_that_may_be_about_something_else_needs_answers_below_it() {
    for header in ["Send", "Poslat", "Odeslat", "Senden", "Envoyer", "To send"] {
        assert_eq!(
            found(header, &["yes", "no"]),
            vec![ColumnKind::Consent],
            "{header}"
        );
        assert_eq!(found(header, &["Monday", "by post"]), vec![], "{header}");
    }
    for header in ["Active", "Aktivní", "aktiv", "Is active"] {
        assert_eq!(
            found(header, &["yes", "no"]),
            vec![ColumnKind::UnclearConsent],
            "{header}"
        );
    }
    assert_eq!(
        says(ColumnKind::UnclearConsent, "ne", None),
        CellConsent::MayMeanNo
    );
    assert_eq!(
        says(ColumnKind::UnclearConsent, "ano", None),
        CellConsent::Nothing
    );
    for header in ["X", "Y", "x", "T", "E", "N", "1", "OK", "Ano", "Yes", "F"] {
        for cells in [["0", "1"], ["n", "y"], ["f", "t"], ["e", "h"]] {
            assert_eq!(found(header, &cells), vec![], "{header} {cells:?}");
        }
    }
    assert_eq!(found("SMS (ano/ne)", &["ano", "ne"]), [ColumnKind::Consent]);
}

#[test]
fn a_consent_that_ends_counts_until_its_date() {
    let now: Timestamp = "2026-11-28T10:00:00Z".parse().unwrap();
    for header in [
        "Souhlas platný do",
        "Souhlas do",
        "Platnost souhlasu",
        "Súhlas platný do",
        "Consent expires",
        "Consent valid until",
        "Consent expiry date",
        "Opt-in expires on",
        "Permission valid to",
        "SMS consent end date",
        "Einwilligung gültig bis",
        "Zustimmung läuft ab",
        "Ablauf der Einwilligung",
        "Consentement valable jusqu'au",
        "Consentimiento válido hasta",
        "Consentimento válido até",
        "Consenso valido fino al",
        "Zgoda ważna do",
        "Hozzájárulás lejárata",
        "Toestemming geldig tot",
        "Samtycke giltigt till",
        "Согласие действует до",
        "Згода дійсна до",
    ] {
        assert_eq!(
            found(header, &["1.1.2020"]),
            vec![ColumnKind::ConsentUntil],
            "{header}"
        );
    }
    for (cell, said) in [
        ("1.1.2020", CellConsent::MustNot),
        ("2020-01-01", CellConsent::MustNot),
        ("31/12/2025", CellConsent::MustNot),
        ("1. 1. 2030", CellConsent::May),
        ("2030-01-01", CellConsent::May),
        ("2030-01-01T00:00:00Z", CellConsent::May),
        ("9999-12-31", CellConsent::May),
        ("31.12.9999", CellConsent::May),
        ("28.11.2026", CellConsent::May),
        ("27.11.2026", CellConsent::MustNot),
        // The eleventh of December, or the twelfth of November.
        ("11/12/2026", CellConsent::MustNot),
        // The days of a spreadsheet.
        ("43831", CellConsent::MustNot),
        ("47484", CellConsent::May),
        ("", CellConsent::Nothing),
        ("no", CellConsent::MustNot),
        ("expired", CellConsent::MustNot),
        ("yes", CellConsent::May),
        ("1 Jan 2020", CellConsent::MustNot),
        ("12/2020", CellConsent::MustNot),
        ("ano, 31. prosince 2020", CellConsent::NotUnderstood),
        ("soon", CellConsent::NotUnderstood),
    ] {
        assert_eq!(
            says(ColumnKind::ConsentUntil, cell, Some(now)),
            said,
            "{cell}"
        );
    }
    assert_eq!(
        says(ColumnKind::ConsentUntil, "1.1.2030", None),
        CellConsent::NotUnderstood
    );
    // When it was given is no end of it.
    assert_eq!(
        found("Consent given at", &["2020-01-01"]),
        [ColumnKind::ConsentDate]
    );
    assert_eq!(found("Souhlas", &["2020-01-01"]), [ColumnKind::Consent]);
}

//! Headers of consent with words of a refusal that take nothing back.

use super::exports::{Out, Sent, expect};

#[test]
fn a_consent_stands_whatever_else_its_header_tells() {
    expect(
        &[
            "I agree to receive SMS. Reply STOP to opt out.",
            "SMS consent (reply STOP to cancel)",
            "SMS consent: stop anytime",
            "I agree to receive text messages. Unsubscribe at any time.",
            "Consent (can be withdrawn at any time)",
            "Sign up for texts (no spam, unsubscribe anytime)",
            "I agree to the terms and to receive texts. Msg & data rates may apply. Text STOP to end, HELP for help.",
            "By checking this box I consent to texts; consent is not a condition of purchase",
            "By providing my number I agree to receive texts. I can unsubscribe.",
            "Yes! Text me deals. No purchase necessary.",
            "Souhlasím se zasíláním SMS (odhlásit se můžete kdykoli)",
            "Souhlasím se zasíláním SMS. Odhlášení kdykoli odpovědí STOP.",
            "Souhlas (lze kdykoli odvolat)",
            "Souhlas SMS – možno kdykoliv zrušit",
            "Einwilligung SMS (Widerruf jederzeit möglich)",
            "Ich möchte SMS erhalten (jederzeit abbestellbar)",
            "Ich willige ein. Abmeldung jederzeit möglich.",
            "Ich bin einverstanden, SMS zu erhalten; ich kann dem jederzeit widersprechen",
        ],
        &["yes", "no", "yes"],
        &[("yes", Sent), ("no", Out)],
    );
}

#[test]
fn a_consent_stands_that_denies_something_else() {
    expect(
        &[
            "Accepts texts - no calls",
            "Agrees to SMS, not email",
            "I consent to SMS but not calls",
            "Texts only, no calls",
            "SMS ok, no email",
            "SMS opt-in (no spam)",
            "Consent to non-marketing SMS",
            "Not just offers: SMS consent",
            "No-obligation SMS offers",
            "Consent (no expiry)",
            "Consent without limits",
            "Consent: no exceptions",
            "Consent until withdrawn",
            "Consent valid until revoked",
            "Consent - not expired",
            "Souhlas do odvolání",
            "Souhlas platí do odvolání",
            "Souhlas se zasíláním SMS do odvolání",
            "Souhlas bez omezení",
            "Souhlas (bez výhrad)",
            "Souhlas s GDPR bez výhrad",
            "Souhlas SMS bez reklam",
            "Chci dostávat SMS (žádný spam)",
            "Souhlas se zasíláním SMS, bez e-mailů",
            "Souhlas Non-stop",
            "Einwilligung bis auf Widerruf",
            "Einwilligung gültig bis Widerruf",
            "Einwilligung ohne Einschränkung",
            "Kein Spam: SMS-Einwilligung",
        ],
        &["yes", "no", "yes"],
        &[("yes", Sent), ("no", Out)],
    );
}

#[test]
fn what_messages_are_about_is_no_refusal() {
    expect(
        &[
            "SMS cancellation alerts",
            "Text me about cancellations",
            "SMS when class is cancelled",
            "Souhlas i po zrušení členství",
            "SMS při zrušení lekce",
            "SMS o zrušení termínu",
        ],
        &["yes", "no", "yes"],
        &[("yes", Sent), ("no", Out)],
    );
}

#[test]
fn a_word_that_begins_as_a_refusal_is_none() {
    expect(
        &[
            "Souhlas zákazníka",
            "Souhlas zákazníků",
            "Zákazník souhlasí",
            "Zákaznický souhlas",
            "zakaznik_souhlas",
            "Zákazník chce SMS",
            "SMS zákazníkům",
            "SMS pro zákazníky",
            "Posílat zákazníkovi SMS",
            "Souhlas zákazníka se zasíláním SMS",
            "Souhlas rodičů",
            "Rodičovský souhlas",
            "Souhlas pacienta",
            "Obecný souhlas",
            "Souhlas matky",
            "Hlavní souhlas",
        ],
        &["ano", "ne", "ano"],
        &[("ano", Sent), ("ne", Out)],
    );
}

#[test]
fn a_refusal_behind_a_consent_stands() {
    expect(
        &[
            "Souhlas (odvolán)",
            "Souhlas - odvolán",
            "Souhlas odvolán dne",
            "Souhlas zákazníka odvolán",
            "Consent: withdrawn",
            "Consent - customer opted out",
            "Zákazník - zákaz SMS",
            "Zákaz kontaktování zákazníka",
            "Nesouhlas zákazníka",
            "Opt-out SMS souhlas",
            "SMS – nechce",
            "Opted out of SMS consent",
            "Please do not text me",
            "Tick if you do not want SMS",
            "Möchte keine SMS",
        ],
        &["yes", "no", "yes"],
        &[("yes", Out), ("no", Sent)],
    );
}

#[test]
fn a_header_that_contradicts_itself_is_none_to_rely_on() {
    expect(
        &[
            "Consent to SMS (tick if you do not agree with the above)",
            "Souhlas není vyžadován zákonem",
            "Upozornit SMS na odhlášení oběda",
            "SMS consent: customer has asked us not to send parcels",
        ],
        &["yes", "no", "yes"],
        &[("yes", Out), ("no", Out)],
    );
}

#[test]
fn a_consent_beside_a_refusal_of_which_neither_leads_is_none_to_rely_on() {
    expect(
        &[
            "Souhlas zrušení",
            "Souhlas - zrušení",
            "Souhlas blok",
            "Souhlas blokace",
            "Souhlas výmaz",
            "Souhlas zastaven",
            "Consent cancellation",
            "Cancellation consent",
            "SMS blocklist alerts OK",
            "Text, don't call",
            "SMS (nevolat)",
        ],
        &["ano", "ne", "ano"],
        &[("ano", Out), ("ne", Out), ("", Sent)],
    );
}

#[test]
fn a_code_of_a_refusal_that_allows_makes_its_contrary_none_to_rely_on() {
    expect(
        &["Nevolat (ano = volat)", "Opt-out (ano = opted in)"],
        &["ano", "ne", "ano"],
        &[("ano", Sent), ("ne", Out)],
    );
    for header in ["Posílat (P) / Neposílat (N)", "Neposílat (N) / Posílat (P)"] {
        expect(&[header], &["P", "N", "P"], &[("P", Sent), ("N", Out)]);
    }
    expect(
        &["Volat / Nevolat"],
        &["volat"],
        &[("volat", Sent), ("nevolat", Out)],
    );
}

#[test]
fn a_code_that_is_explained_by_the_refusal_refuses_whatever_the_header_asks() {
    expect(
        &[
            "Opt-out (1 = opted out)",
            "Unsubscribed (1 = unsubscribed, 0 = subscribed)",
            "Opt-out (1 = opted out, 0 = not opted out)",
            "Nevolat (1 = nevolat)",
            "Neposílat SMS (1 = neposílat)",
            "Zákaz SMS (1 = zákaz)",
            "Odhlášen (1 = odhlášen)",
            "Keine SMS (1 = keine SMS)",
            "SMS (1=stop, 0=ok)",
            "SMS (0=ok, 1=stop)",
            "DNC? (1 = do not contact)",
            "Opt-out (1 = yes)",
        ],
        &["1", "0", "0"],
        &[("1", Out), ("0", Sent)],
    );
    expect(
        &["SMS (0=stop,1=ok)"],
        &["1", "0", "1"],
        &[("1", Sent), ("0", Out)],
    );
}

#[test]
fn a_header_of_both_answers_asks_for_the_consent() {
    for (headers, yes, no) in [
        (
            &[
                "Souhlasím/nesouhlasím",
                "Souhlas či nesouhlas",
                "Souhlasím / nesouhlasím se zasíláním SMS",
                "Ano, chci dostávat SMS / Ne, nechci",
                "Souhlas / odvolání",
            ][..],
            "ano",
            "ne",
        ),
        (&["Consent yes/no/unknown", "SMS yes/no"], "yes", "no"),
        (&["Agree/Disagree", "Agree / Disagree"], "Agree", "Disagree"),
        (&["Chci / nechci novinky"], "chci", "nechci"),
        (&["Souhlas/Nesouhlas"], "souhlas", "nesouhlas"),
        (
            &["Opt-in/opt-out", "SMS opt-in or opt-out"],
            "opt-in",
            "opt-out",
        ),
        (&["Alta/Baja"], "alta", "baja"),
    ] {
        expect(headers, &[yes, no, yes], &[(yes, Sent), (no, Out)]);
    }
}

#[test]
fn a_denial_goes_on_through_a_list_of_ways() {
    expect(
        &[
            "Do not call, email or text",
            "Do not call/email/text",
            "Please do not email, call or text",
            "No calls, emails, texts",
            "Žádné e-maily, SMS, telefonáty",
            "Keine E-Mail, SMS, Anruf",
            "Do not email or text",
        ],
        &["0", "1", "0"],
        &[("1", Out), ("0", Sent)],
    );
    expect(
        &[
            "Texts only, no calls",
            "No calls, text only",
            "SMS, no emails, no calls",
        ],
        &["yes", "no", "yes"],
        &[("yes", Sent), ("no", Out)],
    );
}

//! Headers that name messages and another way to reach a person.

use super::exports::{Out, Sent, expect};

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

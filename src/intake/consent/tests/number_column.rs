//! Columns that say whether the number of a row is right.

use super::exports::{Out, Sent, expect};

#[test]
fn no_message_goes_to_a_number_that_the_list_calls_wrong() {
    expect(
        &[
            "Telefon platný",
            "Phone valid",
            "Číslo funkční",
            "Mobile number correct",
            "Nummer gültig",
        ],
        &["yes", "no", "yes"],
        &[
            ("yes", Sent),
            ("no", Out),
            ("1", Sent),
            ("0", Out),
            ("", Sent),
        ],
    );
    expect(
        &[
            "Neplatný telefon",
            "Špatné číslo",
            "Bad phone",
            "Falsche Nummer",
            "Číslo nepatří klientovi",
        ],
        &["yes", "no", "yes"],
        &[("yes", Out), ("no", Sent), ("x", Out), ("", Sent)],
    );
    expect(
        &["Stav čísla", "Phone status"],
        &["ok", "cizí osoba", "ok"],
        &[
            ("ok", Sent),
            ("cizí osoba", Out),
            ("disconnected", Out),
            ("číslo nepatří klientovi", Out),
            ("wrong person", Out),
            ("dovoláno", Sent),
        ],
    );
}

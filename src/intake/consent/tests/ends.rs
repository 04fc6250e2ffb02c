//! Columns of the end of a consent, whatever its days look like.

use super::exports::{Out, Sent, expect};

const HEADERS: [&str; 18] = [
    "Souhlas do",
    "Platnost souhlasu",
    "GDPR do",
    "Souhlas SMS do",
    "Expirace souhlasu",
    "Konec platnosti souhlasu",
    "Souhlas vyprší",
    "GDPR platnost",
    "Consent expires",
    "Consent valid until",
    "Consent expiry date",
    "SMS consent end date",
    "GDPR expires",
    "Einwilligung bis",
    "Ablauf der Einwilligung",
    "Einwilligung läuft ab",
    "Zgoda ważna do",
    "Súhlas platný do",
];

#[test]
fn whose_consent_is_over_is_left_out_however_its_end_is_written() {
    for (over, lasts) in [
        ("31.12.24", "31.12.31"),
        ("31. 12. 24", "31. 12. 31"),
        ("31/12/24", "31/12/31"),
        ("12/31/24", "12/31/31"),
        ("2024", "2031"),
        ("2025", "2026"),
        ("6/2025", "6/2031"),
        ("06.2025", "06.2031"),
        ("10/2026", "11/2026"),
        ("2025-06", "2031-06"),
        ("Jun 2025", "Jun 2031"),
        ("31. prosince 2024", "31. prosince 2031"),
        ("konec 2025", "konec 2031"),
        ("do 2025", "do 2031"),
        ("bis 2025", "bis 2031"),
    ] {
        for others in [
            [over, lasts, lasts],
            [over, over, over],
            [lasts, lasts, lasts],
        ] {
            expect(&HEADERS, &others, &[(over, Out), (lasts, Sent), ("", Sent)]);
        }
    }
}

#[test]
fn what_is_no_day_holds_its_row_whatever_most_cells_are() {
    let unread = [
        "na dobu studia",
        "5 let",
        "12/24",
        "leden",
        "31.13.24",
        "2024-2026",
        "konec 2026",
    ];
    expect(&HEADERS, &unread, &unread.map(|cell| (cell, Out)));
    expect(
        &HEADERS,
        &unread,
        &[
            ("1.1.2025", Out),
            ("1.1.2031", Sent),
            ("ano", Sent),
            ("ne", Out),
        ],
    );
}

#[test]
fn a_date_that_a_program_writes_where_there_is_none_refuses_nothing() {
    expect(
        &[
            "unsubscribed_at",
            "Datum odhlášení",
            "Odvoláno dne",
            "No SMS until",
        ],
        &["0000-00-00 00:00:00", "2026-03-12 10:00:00"],
        &[
            ("0000-00-00 00:00:00", Sent),
            ("0000-00-00", Sent),
            ("0001-01-01T00:00:00", Sent),
            ("1970-01-01", Sent),
            ("1970-01-01 01:00:00", Sent),
            ("00.00.0000", Sent),
            ("1.1.1900", Sent),
            ("30.12.1899", Sent),
            ("1.2.2090", Out),
        ],
    );
    expect(
        &["unsubscribed_at", "Datum odhlášení"],
        &["1970-01-01", "2026-03-12"],
        &[
            ("12.3.2026", Out),
            ("2026-03-12T00:00:00", Out),
            ("1.1.2001", Out),
        ],
    );
}

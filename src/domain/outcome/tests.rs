use super::*;
use crate::domain::refusal::{self, RefusalRules};

fn answer(status: u16) -> Answer {
    Answer {
        status,
        body: String::new(),
        complete: true,
        retry_after: None,
        receipt: None,
        error_text: None,
    }
}

fn outcome(status: u16, address: Address) -> Outcome {
    classify(
        &Exchange::Answered(answer(status)),
        address,
        &RefusalRules::default(),
    )
}

/// The letter of each outcome, to read the table below at a glance.
fn letter(outcome: &Outcome) -> char {
    match outcome {
        Outcome::Sent(_) => 'S',
        Outcome::NoMessenger { .. } => 'M',
        Outcome::Rejected { cause, .. } => match cause {
            RejectionCause::Person(_) => 'P',
            RejectionCause::Message(_) => 'C',
            RejectionCause::Unread => 'R',
        },
        Outcome::ContactGone { .. } => 'G',
        Outcome::Limited { .. } => 'L',
        Outcome::Later { .. } => 'A',
        Outcome::Throttled { .. } => 'T',
        Outcome::NotSent { .. } => 'N',
        Outcome::Undecided { .. } => 'U',
        Outcome::Fatal { .. } => 'F',
    }
}

#[test]
fn every_status_has_its_meaning() {
    // Status, then the outcome by phone on Messenger, by phone elsewhere, by contact id.
    let table = [
        (200, "UUU"),
        (201, "SSS"),
        (202, "UUU"),
        (204, "UUU"),
        (301, "FFF"),
        (302, "UUU"),
        (303, "UUU"),
        (304, "UUU"),
        (307, "FFF"),
        (308, "FFF"),
        (400, "RRR"),
        (401, "FFF"),
        (403, "FFF"),
        (404, "FFG"),
        (405, "FFF"),
        (407, "FFF"),
        (408, "UUU"),
        (409, "RRR"),
        (413, "RRR"),
        (422, "MRR"),
        (429, "TTT"),
        (500, "UUU"),
        (502, "UUU"),
        (503, "UUU"),
        (504, "UUU"),
        (599, "UUU"),
        (999, "UUU"),
    ];
    for (status, expected) in table {
        let found: String = [
            Address::PhoneOnMessenger,
            Address::Phone,
            Address::ContactId,
        ]
        .into_iter()
        .map(|address| letter(&outcome(status, address)))
        .collect();
        assert_eq!(found, expected, "HTTP {status}");
    }
}

/// A server that fails may quote anything: only the API's own field of an error is its word then.
#[test]
fn a_known_text_that_stands_in_no_error_of_the_api_leaves_a_server_error_open() {
    let body = "(#100) No matching user found";
    for (status, wanted) in [(422, 'M'), (408, 'U'), (500, 'U'), (503, 'U')] {
        let answered = Exchange::Answered(Answer {
            body: body.to_owned(),
            ..answer(status)
        });
        let found = classify(
            &answered,
            Address::PhoneOnMessenger,
            &RefusalRules::default(),
        );
        assert_eq!(letter(&found), wanted, "HTTP {status}");
    }
}

#[test]
fn a_refusal_by_a_proxy_names_the_proxy() {
    let Outcome::Fatal { kind, .. } = outcome(407, Address::Phone) else {
        panic!("407 stops the batch");
    };
    let text = kind.to_string();
    assert!(text.contains("proxy") && !text.contains("API"), "{text}");
}

#[test]
fn a_201_with_an_unreadable_body_is_sent() {
    let garbage = Answer {
        body: "<html>".into(),
        ..answer(201)
    };
    let outcome = classify(
        &Exchange::Answered(garbage),
        Address::PhoneOnMessenger,
        &RefusalRules::default(),
    );
    assert_eq!(outcome, Outcome::Sent(Receipt::default()));
}

#[test]
fn a_cut_refusal_is_undecided_but_a_cut_201_is_sent() {
    let cut = |status| Answer {
        complete: false,
        ..answer(status)
    };
    let letters: String = [201, 401, 429, 404, 422, 400, 500]
        .into_iter()
        .map(|status| Exchange::Answered(cut(status)))
        .map(|exchange| {
            letter(&classify(
                &exchange,
                Address::ContactId,
                &RefusalRules::default(),
            ))
        })
        .collect();
    assert_eq!(letters, "SFTUUUU");
}

#[test]
fn a_200_counts_as_sent_only_if_it_names_the_message() {
    let receipt = Receipt {
        message_id: Some("7".into()),
        ..Receipt::default()
    };
    let named = Answer {
        receipt: Some(receipt.clone()),
        ..answer(200)
    };
    let outcome = classify(
        &Exchange::Answered(named),
        Address::Phone,
        &RefusalRules::default(),
    );
    assert_eq!(outcome, Outcome::Sent(receipt));
    let nameless = Answer {
        receipt: Some(Receipt::default()),
        ..answer(200)
    };
    assert_eq!(read(nameless, Address::Phone), 'U');
}

#[test]
fn only_a_request_that_was_surely_not_written_is_not_sent() {
    let failed = |written| Exchange::Failed {
        written,
        detail: "x".into(),
    };
    let classify = |written| {
        letter(&classify(
            &failed(written),
            Address::Phone,
            &RefusalRules::default(),
        ))
    };
    assert_eq!(classify(Written::No), 'N');
    assert_eq!(classify(Written::Maybe), 'U');
}

/// An answer with the API's envelope, or with a bare text.
fn refusal(status: u16, text: &str) -> Answer {
    Answer {
        error_text: Some(text.to_owned()),
        ..answer(status)
    }
}

fn read(answer: Answer, address: Address) -> char {
    letter(&classify(
        &Exchange::Answered(answer),
        address,
        &RefusalRules::default(),
    ))
}

#[test]
fn what_a_person_said_counts_before_table_and_status() {
    let rules: RefusalRules = [
        "message=content is wrong",
        "later=(#100) no matching user found",
    ]
    .into_iter()
    .map(|text| text.parse().unwrap())
    .collect();
    let classify = |answer| {
        classify(
            &Exchange::Answered(answer),
            Address::PhoneOnMessenger,
            &rules,
        )
    };
    let wrong = classify(refusal(422, "Content is wrong here"));
    assert_eq!(
        (letter(&wrong), wrong.text()),
        ('C', "HTTP 422: Content is wrong here")
    );
    assert_eq!(
        letter(&classify(refusal(400, "(#100) No matching user found"))),
        'A'
    );
    assert_eq!(letter(&classify(refusal(422, "Sorry"))), 'M');
    assert_eq!(classify(answer(400)).text(), "HTTP 400");
}

#[test]
fn a_known_text_is_read_whatever_the_status() {
    for (text, expected) in [
        ("(#100) No matching user found", 'M'),
        ("(#551) This person isn't available right now.", 'P'),
        ("(#100) Invalid parameter", 'C'),
        (
            "(#230) Requires pages_messaging_phone_number permission",
            'F',
        ),
        ("(#4) Too many send requests to phone numbers", 'L'),
        (
            "(#1200) Temporary send message failure. Please try again later.",
            'A',
        ),
        ("(#2) Service temporarily unavailable", 'U'),
    ] {
        for status in [400, 403, 408, 409, 422, 424, 429, 500, 502, 503] {
            let found = read(refusal(status, text), Address::PhoneOnMessenger);
            assert_eq!(found, expected, "{status} {text}");
        }
    }
}

#[test]
fn where_the_status_line_decides_no_text_is_read() {
    for text in [
        "(#100) No matching user found",
        "(#551) This person isn't available right now.",
        "(#4) Too many send requests to phone numbers",
    ] {
        for (status, expected) in [(200, 'U'), (202, 'U'), (302, 'U'), (405, 'F'), (407, 'F')] {
            let bare = Answer {
                body: text.to_owned(),
                ..answer(status)
            };
            for answer in [bare, refusal(status, text)] {
                let found = read(answer, Address::PhoneOnMessenger);
                assert_eq!(found, expected, "{status} {text}");
            }
        }
    }
}

#[test]
fn what_a_person_said_says_nothing_of_the_apis_own_token_and_quota() {
    let said: RefusalRules = ["no-messenger=refused".parse().unwrap()]
        .into_iter()
        .collect();
    for (status, expected) in [(401, 'F'), (422, 'M'), (429, 'T')] {
        let exchange = Exchange::Answered(refusal(status, "refused"));
        let found = classify(&exchange, Address::Phone, &said);
        assert_eq!(letter(&found), expected, "{status}");
    }
}

#[test]
fn a_text_without_the_apis_envelope_is_read_unless_it_is_a_page() {
    let bare = |body: &str| Answer {
        body: body.to_owned(),
        ..answer(400)
    };
    let text = "(#551) This person isn't available right now.";
    assert_eq!(read(bare(text), Address::Phone), 'P');
    let page = format!(" <p>{text}</p>");
    assert_eq!(read(bare(&page), Address::Phone), 'R');
}

#[test]
fn a_text_decides_an_open_status_only_if_it_is_whole_clear_and_the_apis_own() {
    let clear = "Invalid OAuth access token.";
    assert_eq!(read(refusal(502, clear), Address::Phone), 'F');
    let cut = Answer {
        complete: false,
        ..refusal(502, clear)
    };
    assert_eq!(read(cut, Address::Phone), 'U');
    let page = Answer {
        body: "<html>Too many send requests</html>".into(),
        ..answer(502)
    };
    assert_eq!(read(page, Address::Phone), 'U');
    for unclear in ["Please try again later", "Slow down", "No permission"] {
        assert_eq!(
            read(refusal(500, unclear), Address::Phone),
            'U',
            "{unclear}"
        );
    }
}

#[test]
fn an_unclear_text_leaves_open_what_the_status_leaves_open() {
    let unclear = "Please try again later";
    assert_eq!(read(refusal(408, unclear), Address::Phone), 'U');
    assert_eq!(read(refusal(404, unclear), Address::Phone), 'F');
    assert_eq!(read(refusal(422, unclear), Address::Phone), 'A');
}

#[test]
fn a_refusal_is_unread_where_nobody_knows_its_text() {
    let outcome = |text| {
        classify(
            &Exchange::Answered(refusal(422, text)),
            Address::PhoneOnMessenger,
            &RefusalRules::default(),
        )
    };
    assert!(outcome("Sorry").is_unread());
    assert!(!outcome("(#100) No matching user found").is_unread());
    assert!(!outcome("(#551) This person isn't available right now.").is_unread());
}

#[test]
fn only_what_was_sent_has_a_receipt() {
    let receipt = Receipt {
        message_id: Some("7".into()),
        ..Receipt::default()
    };
    let sent = Outcome::Sent(receipt.clone());
    assert_eq!(sent.into_receipt(), Some(receipt));
    assert_eq!(outcome(422, Address::Phone).into_receipt(), None);
}

#[test]
fn the_apis_own_token_and_quota_are_not_the_platforms() {
    assert_eq!(
        read(refusal(429, "Rate limit exceeded"), Address::Phone),
        'T'
    );
    let token = refusal(401, "Wrong accessToken.");
    let outcome = classify(
        &Exchange::Answered(token),
        Address::Phone,
        &RefusalRules::default(),
    );
    let Outcome::Fatal { kind, .. } = outcome else {
        panic!("401 stops the batch");
    };
    assert_eq!(kind, FatalKind::Unauthorized);
}

#[test]
fn a_contact_that_is_gone_is_no_final_word_about_the_number() {
    for status in [400, 404, 422] {
        for text in ["Contact not found.", "(#100) No matching user found"] {
            assert_eq!(
                read(refusal(status, text), Address::ContactId),
                'G',
                "{status}"
            );
        }
    }
    assert_eq!(
        read(
            refusal(422, "Contact not found."),
            Address::PhoneOnMessenger
        ),
        'M'
    );
    let unknown = classify(
        &Exchange::Answered(refusal(422, "Contact not found.")),
        Address::PhoneOnMessenger,
        &RefusalRules::default(),
    );
    assert_eq!(unknown.why(), refusal::TAKEN_FOR_NO_MESSENGER);
}

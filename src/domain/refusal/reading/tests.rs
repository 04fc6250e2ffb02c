mod wordings;

use self::wordings::WORDINGS;
use super::super::meaning::Meaning;
use super::super::similar::named;
use super::super::wording::fold;
use super::*;

/// What a text means, as a word; `-` if the table does not know it.
fn meaning(text: &str) -> &'static str {
    match read(text).map(|reading| reading.means) {
        Some(TextMeaning::Known(meaning)) => meaning.word(),
        Some(TextMeaning::ContactGone) => "gone",
        Some(TextMeaning::Undecided) => "undecided",
        None => "-",
    }
}

/// The platform's own texts, each with what it is about.
const AS_DOCUMENTED: &[(&str, &str)] = &[
    ("(#100) No matching user found", "no_messenger"),
    ("(#551) This person isn't available right now.", "person"),
    (
        "(#200) This person isn't receiving messages from you right now.",
        "person",
    ),
    (
        "(#10) This Person Cannot Receive Messages: This person isn't receiving messages from you right now.",
        "person",
    ),
    (
        "(#10) This message is sent outside of allowed window. You need page_messaging_subscriptions permission to be able to do it",
        "person",
    ),
    ("(#100) Invalid parameter", "message"),
    ("(#100) Invalid Data", "message"),
    (
        "(#100) Message cannot be empty, must provide valid attachment or text",
        "message",
    ),
    (
        "(#100) Length of param message[text] must be less than or equal to 2000",
        "message",
    ),
    ("(#100) Attachment size exceeds allowable limit", "message"),
    (
        "(#10) Access to the Customer Matching API and Customer Matching via the Send API is currently available in limited release",
        "channel",
    ),
    (
        "(#230) Requires pages_messaging_phone_number permission to send message to phone number",
        "channel",
    ),
    (
        "(#200) Requires phone matching access fee to be paid by this page unless the recipient user is an admin, developer, or tester of the app.",
        "channel",
    ),
    (
        "(#200) Cannot message users who are not admins, developers or testers of the app until pages_messaging_phone_number permission is reviewed and the app is live.",
        "channel",
    ),
    (
        "Error validating access token: The session has been invalidated because the user changed the password.",
        "channel",
    ),
    ("(#190) Invalid OAuth access token.", "channel"),
    (
        "(#10) Application does not have permission for this action",
        "channel",
    ),
    (
        "(#368) You're temporarily blocked: engaging in behavior that may be considered bothersome by other users.",
        "channel",
    ),
    (
        "(#613) This was identified as abusive, or the feature limit was reached",
        "channel",
    ),
    ("(#4) Too many send requests to phone numbers", "wait"),
    ("(#4) Application request limit reached", "wait"),
    ("(#32) Page request limit reached", "wait"),
    (
        "(#613) Calls to this API have exceeded the rate limit.",
        "wait",
    ),
    (
        "(#1200) Temporary send message failure. Please try again later.",
        "later",
    ),
    (
        "(#2) An unexpected error has occurred. Please retry your request later.",
        "undecided",
    ),
    ("(#2) Service temporarily unavailable", "undecided"),
    ("Contact not found.", "gone"),
];

#[test]
fn every_documented_text_is_read_with_and_without_its_code_in_any_case() {
    for (text, expected) in AS_DOCUMENTED {
        let bare = text.split_once(") ").map_or(*text, |(_, bare)| bare);
        let curly = text.replace('\'', "\u{2019}");
        for form in [
            (*text).to_owned(),
            bare.to_owned(),
            text.to_uppercase(),
            text.to_lowercase(),
            format!("  {}  ", bare.replace(' ', "  ")),
            format!("Facebook: {curly}"),
        ] {
            assert_eq!(meaning(&form), *expected, "{form}");
        }
        assert!(read(text).unwrap().clear, "{text}");
    }
}

#[test]
fn every_line_of_the_table_is_reached_by_each_of_its_texts() {
    let documented = DOCUMENTED.iter().map(|line| (line.says, line.texts));
    let similar = SIMILAR_TEXTS
        .iter()
        .map(|line| (line.says, &line.texts[..]));
    let mut sections = include_str!("../alike.txt")
        .lines()
        .filter_map(|line| line.strip_prefix('['));
    assert!(sections.all(|name| named(name.trim_end_matches(']')).is_some()));
    for (says, texts) in documented.chain(similar) {
        for pattern in texts {
            let text = pattern.replace('*', " x ");
            assert_eq!(fold(pattern), *pattern);
            assert_eq!(read(&text).map(|it| it.means), Some(says.means), "{text}");
        }
    }
    for line in DOCUMENTED {
        assert!(!line.source.is_empty());
        for subcode in line.subcodes {
            let text = format!("Something (code 9, subcode {subcode})");
            assert_eq!(
                read(&text).map(|it| it.what),
                Some(line.says.what),
                "{text}"
            );
        }
    }
    for line in NARROW.iter().chain(BROAD) {
        for code in [line.codes.0, line.codes.1] {
            let reading = read(&format!("(#{code}) Zzz")).unwrap();
            assert_eq!(
                (reading.means, reading.what),
                (line.says.means, line.says.what)
            );
            assert!(!line.source.is_empty());
        }
    }
}

#[test]
fn other_wordings_are_read_alike() {
    for (text, expected) in [
        ("The user has blocked messages from this page", "person"),
        ("This recipient is not available", "person"),
        ("Message sent outside the 24 hour window", "person"),
        (
            "More than 24 hours have passed since the customer last replied",
            "person",
        ),
        ("The session expired on Monday", "channel"),
        ("Facebook page disconnected", "channel"),
        ("The app is in development mode", "channel"),
        ("Missing permission pages_messaging", "channel"),
        ("The page has been restricted from sending", "channel"),
        (
            "There have been too many calls from this page account. Wait a bit and try again.",
            "wait",
        ),
        ("You are sending too fast, try again later", "wait"),
        ("Temporary failure, please try again in a minute", "later"),
        ("Text is too long", "message"),
        ("Unsupported attachment type", "message"),
        ("No user with this phone number", "no_messenger"),
        ("(#100) Whatever else", "message"),
        ("(#299) Whatever else", "channel"),
        (
            r#"{"error":{"message":"x","code":10,"error_subcode":2018278}}"#,
            "person",
        ),
        (
            r#"{"error":{"message":"(#551) x","type":"OAuthException","code":551}}"#,
            "person",
        ),
        ("(#131026) Message undeliverable", "no_messenger"),
        (
            "(#132001) Template name does not exist in the translation",
            "message",
        ),
    ] {
        assert_eq!(meaning(text), expected, "{text}");
    }
}

#[test]
fn a_refusal_is_about_the_same_in_other_words() {
    for (expected, texts) in WORDINGS {
        for text in *texts {
            for form in [
                (*text).to_owned(),
                text.to_uppercase(),
                format!("{text} (trace AbC9x)"),
            ] {
                assert_eq!(meaning(&form), *expected, "{form}");
            }
        }
    }
}

#[test]
fn a_text_that_nobody_knows_has_no_reading() {
    for text in [
        "",
        "HTTP 422",
        "Sorry, something is not right with 4 of 7.",
        "Number refused by script",
        "No such thing as +420551190100",
        "No such thing as +2018001",
        "No such thing as x2018001",
        "Country code 190 at row 100, status code 200",
        "The message could not be delivered",
    ] {
        assert_eq!(meaning(text), "-", "{text}");
    }
}

#[test]
fn a_text_is_read_the_same_however_its_code_and_its_apostrophe_are_written() {
    for apostrophe in ["'", "\u{2019}", "&#39;", "&#039;", "&apos;", "&rsquo;"] {
        let text = format!("This person isn{apostrophe}t available right now.");
        assert_eq!(meaning(&text), "person", "{text}");
    }
    for called in ["#551", "code 551", "error code: 551", "errorcode=551"] {
        let text = format!("It failed ({called})");
        assert_eq!(meaning(&text), "person", "{text}");
    }
}

#[test]
fn a_failed_delivery_is_read_by_its_code() {
    let failure = |code, text: &str| read_failure(code, text).map(|reading| reading.means);
    let no_messenger = Some(TextMeaning::Known(Meaning::NoMessenger));
    assert_eq!(failure(Some(3), "x"), no_messenger);
    assert_eq!(failure(Some(131_026), "x"), no_messenger);
    assert_eq!(
        failure(Some(2), "x"),
        Some(TextMeaning::Known(Meaning::Person))
    );
    assert_eq!(
        failure(Some(131_047), ""),
        Some(TextMeaning::Known(Meaning::Person))
    );
    assert_eq!(failure(None, "No matching user found"), no_messenger);
    assert_eq!(failure(None, "gone fishing"), None);
}

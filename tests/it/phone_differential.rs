//! The second opinion: crate `phonenumber` on lists of a single country each, where it is at its best.
//!
//! It is not the engine, because it differs from Google's library by design or by mistake. Where and why
//! is recorded in the snapshot; a new kind of difference fails the test.

use std::collections::BTreeMap;

use outreach::internals::domain::phone::{LineType, PhoneNumber, PhoneProblem, Region};

/// Why the two differ, looked up in Google's library (Python `phonenumbers` 9.0.42 agrees with us in each).
fn why(country: &str, kind: &str) -> Option<&'static str> {
    match (country, kind) {
        ("CZ", "only we accept") => {
            Some("phonenumber fails with an integer overflow on a dash behind `+420731`")
        }
        ("SK", "only they accept") => Some("its metadata are older: 9.0.33 against 9.0.42"),
        ("AR", "only we accept") => Some("phonenumber takes `(+54 11)` for a national number"),
        ("AR", "another number") => Some("with and without the 9 it is one line"),
        _ => None,
    }
}

/// Texts as people of the country write them, from a fixed sequence.
fn sample(heads: &[&str], free: usize) -> Vec<String> {
    let mut state = 1_u64;
    let mut texts = Vec::new();
    for index in 0..400 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let tail = (state >> 20) % 10_u64.pow(u32::try_from(free).unwrap());
        let head = heads[index % heads.len()];
        texts.push(match index % 4 {
            0 => format!("{head}{tail:0free$}"),
            1 => format!("{head} {tail:0free$}"),
            2 => format!("{head}-{tail:0free$}"),
            _ => format!("({head}) {tail:0free$}"),
        });
    }
    texts
}

fn theirs(text: &str, region: &str) -> Option<u64> {
    let id: phonenumber::country::Id = region.parse().unwrap();
    let number = phonenumber::parse(Some(id), text).ok()?;
    if !phonenumber::is_valid(&number) {
        return None;
    }
    number
        .format()
        .mode(phonenumber::Mode::E164)
        .to_string()
        .trim_start_matches('+')
        .parse()
        .ok()
}

#[test]
fn the_two_libraries_differ_only_in_listed_ways() {
    let samples: [(&str, &[&str], usize); 12] = [
        (
            "CZ",
            &["777", "602", "212", "800", "+420731", "00420 605"],
            6,
        ),
        ("SK", &["0905", "02", "+421 918", "00421 911"], 6),
        ("DE", &["0151", "030", "+49 171", "0800"], 7),
        ("PL", &["512", "22", "+48 601"], 6),
        ("GB", &["07400", "020", "+44 7911"], 6),
        ("FR", &["06", "01", "+33 6", "+33 (0)7"], 8),
        ("ES", &["612", "912", "+34 699"], 6),
        ("IT", &["347", "06", "+39 06", "+39 335"], 7),
        ("US", &["201555", "1 212555", "+1 415555", "800555"], 4),
        ("BR", &["11 9", "+55 21 9", "0 11 9"], 8),
        ("IN", &["98765", "+91 98765", "098765"], 5),
        ("AR", &["11 15", "9 11", "+54 9 11", "+54 11"], 8),
    ];
    let mut lines = Vec::new();
    for (country, heads, free) in samples {
        let region: Region = country.parse().unwrap();
        let mut kinds: BTreeMap<&str, (usize, String)> = BTreeMap::new();
        for text in sample(heads, free) {
            let ours = PhoneNumber::parse(&text, Some(region))
                .ok()
                .map(|parsed| parsed.phone.get());
            let other = theirs(&text, country);
            let kind = match (ours, other) {
                (a, b) if a == b => "same",
                (Some(_), Some(_)) => "another number",
                (Some(_), None) => "only we accept",
                (None, _) => "only they accept",
            };
            let entry = kinds
                .entry(kind)
                .or_insert((0, format!("{text:?}: we {ours:?}, they {other:?}")));
            entry.0 += 1;
        }
        for (kind, (count, example)) in kinds {
            if kind == "same" {
                lines.push(format!("{country}: {count} the same"));
            } else {
                let why =
                    why(country, kind).unwrap_or_else(|| panic!("{country}, {kind}: {example}"));
                lines.push(format!("{country}: {count} {kind}: {why}; first {example}"));
            }
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_made_us_choose_the_other_engine_is_still_so() {
    // Each of these is a valid number to Google's library.
    for (text, region, ours) in [
        ("+201001200955", "US", 201_001_200_955),
        ("+４２０７７７１２３４５６", "CZ", 420_777_123_456),
    ] {
        let parsed = PhoneNumber::parse(text, region.parse().ok()).unwrap();
        assert_eq!(parsed.phone.get(), ours);
        assert_ne!(
            theirs(text, region),
            Some(ours),
            "{text}: phonenumber has caught up"
        );
    }
    assert_eq!(
        PhoneNumber::parse("+39 06 1234 5678", None).map(|parsed| parsed.line_type),
        Ok(LineType::FixedLine)
    );
    assert_eq!(
        PhoneNumber::parse("112", "CZ".parse().ok())
            .unwrap_err()
            .problem,
        PhoneProblem::TooShort
    );
}

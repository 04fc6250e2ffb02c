//! Phone numbers are read as Google's library reads them, and every difference has a listed reason.

use std::collections::BTreeMap;
use std::io::Read as _;

use outreach::internals::domain::phone::{LineType, Mending, PhoneNumber, PhoneProblem, Region};

struct Case {
    text: String,
    region: Option<Region>,
    answer: Option<(String, String)>,
}

fn corpus() -> (String, Vec<Case>) {
    let bytes = include_bytes!("../phone_corpus/corpus.tsv.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .read_to_string(&mut text)
        .unwrap();
    let mut lines = text.lines();
    let version = lines.next().unwrap().to_owned();
    (version, lines.map(case).collect())
}

fn case(line: &str) -> Case {
    let [text, region, e164, line_type]: [&str; 4] =
        line.split('\t').collect::<Vec<_>>().try_into().unwrap();
    Case {
        text: text
            .replace("\\t", "\t")
            .replace("\\n", "\n")
            .replace("\\\\", "\\"),
        region: (region != "-").then(|| region.parse().unwrap()),
        answer: (e164 != "-").then(|| (e164.to_owned(), line_type.to_owned())),
    }
}

fn name(line: LineType) -> String {
    serde_json::to_value(line)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

/// Why we answer otherwise than the library, in words; `None` for a difference without a reason.
fn reason(case: &Case) -> Option<String> {
    let because = |reason: &str| Some(reason.to_owned());
    let ours = PhoneNumber::parse(&case.text, case.region);
    match (&case.answer, ours) {
        (Some(_), Err(rejected)) => match rejected.problem {
            PhoneProblem::Letters => because(
                "letters are not dialled: they are more often a remark than a vanity number",
            ),
            PhoneProblem::Extension => because("an extension cannot be messaged"),
            PhoneProblem::Ambiguous => because("what may be no part of the number is not guessed"),
            PhoneProblem::TwoReadings { .. } => because(
                "a number whose plus may be lost is not taken for a fixed line of its country",
            ),
            PhoneProblem::TooLong
                if case
                    .answer
                    .as_ref()
                    .is_some_and(|(e164, _)| e164.len() > 16) =>
            {
                because("longer than the 15 digits of E.164")
            }
            PhoneProblem::NotANumber
                if case.text.contains(";phone-context=") || case.text.contains(";isub=") =>
            {
                because("parameters of tel: links reach no parser")
            }
            PhoneProblem::NotANumber if case.text.contains('~') => {
                because("a tilde is no punctuation within a number")
            }
            _ => None,
        },
        (theirs, Ok(parsed)) if !parsed.mended.is_none() => {
            let repairs = parsed.mended;
            let had = |kind: Mending| repairs.without(kind) != repairs;
            match theirs {
                Some(_) if had(Mending::DECIMALS) => {
                    because("the library takes the decimals for digits of the number")
                }
                Some(_) if had(Mending::COUNTRY) => {
                    because("the library passes over the country that stands beside the number")
                }
                // The same number, in today's form.
                Some((e164, _))
                    if had(Mending::PLAN)
                        && e164.parse().ok().and_then(PhoneNumber::from_e164)
                            == Some(parsed.phone) =>
                {
                    because("the library still lists numbers of an earlier plan")
                }
                Some(_) => None,
                None => Some(format!("where the library says invalid: {repairs}")),
            }
        }
        _ => None,
    }
}

#[test]
fn we_agree_with_google_on_every_text_or_know_why_not() {
    let (version, cases) = corpus();
    assert_eq!(
        version, "# phonenumbers 9.0.42",
        "the engine's metadata are 9.0.42"
    );
    assert!(cases.len() >= 20_000, "{}", cases.len());
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut unexplained = Vec::new();
    for case in &cases {
        let ours = PhoneNumber::parse(&case.text, case.region).ok();
        let ours = ours.map(|parsed| (parsed.phone.e164(), name(parsed.line_type)));
        if ours == case.answer {
            continue;
        }
        match reason(case) {
            Some(reason) => *reasons.entry(reason).or_default() += 1,
            None => unexplained.push(format!(
                "{:?} {:?}: {:?}, we {ours:?}",
                case.text, case.region, case.answer
            )),
        }
    }
    assert!(
        unexplained.is_empty(),
        "{} without a reason:\n{}",
        unexplained.len(),
        unexplained[..unexplained.len().min(60)].join("\n")
    );
    let listed: Vec<_> = reasons
        .iter()
        .map(|(reason, count)| format!("{count}: {reason}"))
        .collect();
    insta::assert_snapshot!("differences_from_google", listed.join("\n"));
}

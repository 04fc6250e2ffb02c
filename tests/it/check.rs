//! What a support person reads about a contacts file.

use std::convert::Infallible;
use std::path::PathBuf;

use outreach::internals::intake::{Input, Judge, Settings, Source};
use outreach::internals::report::check::CheckReport;

/// The report on a fixture, in its three forms.
struct Report {
    text: String,
    json: serde_json::Value,
    html: String,
}

fn report(name: &str, settings: &Settings) -> Report {
    let source = Source::Path(PathBuf::from("fixtures").join(name));
    let mut input = Input::open(&[source], settings).unwrap();
    let summary = input
        .judge(&Judge::alone(), &mut |_| Ok::<_, Infallible>(()))
        .unwrap();
    let files: Vec<_> = input.file_names().map(str::to_owned).collect();
    let samples = [
        "Hello Jana, your order is ready.".to_owned(),
        "Hello <b>Petr</b>".to_owned(),
    ];
    let report = CheckReport {
        sms: None,
        known: None,
        files,
        notes: input.notes().to_vec(),
        mapping: input.mapping().clone(),
        summary,
        samples: samples.to_vec(),
        forecast: Some("At 2,000 an hour this takes less than a minute.".to_owned()),
        refusal: None,
        rejected: 0,
        rejects: None,
    };
    Report {
        text: report.text(),
        json: report.json(),
        html: report.html(),
    }
}

fn czech() -> Settings {
    Settings {
        region: Some("CZ".parse().unwrap()),
        ..Settings::default()
    }
}

#[test]
fn the_report_gives_numbers_then_problems_then_advice() {
    insta::assert_snapshot!(
        "check_contacts",
        report("contacts.csv", &Settings::default()).text
    );
    insta::assert_snapshot!("check_damage", report("damage.csv", &czech()).text);
}

#[test]
fn the_report_for_programs_has_stable_words() {
    insta::assert_json_snapshot!(
        "check_json",
        report("contacts.csv", &Settings::default()).json
    );
}

#[test]
fn the_page_is_self_contained_and_escaped() {
    let page = report("damage.csv", &czech()).html;
    insta::assert_snapshot!("check_html", page);
    for outside in [
        "http:", "https:", "src=", "href=", "<script", "@import", "url(",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("Hello &#60;b&#62;Petr&#60;/b&#62;"));
    // The first number is the whole: every verdict is in the plot.
    assert_eq!(page.matches("<rect class=\"q\"").count(), 1);
}

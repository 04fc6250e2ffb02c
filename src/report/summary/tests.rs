use super::*;
use crate::report::hints::Hints;

fn summary() -> Summary {
    Summary {
        purpose: None,
        batch: "spring list".to_owned(),
        channel: "7001".to_owned(),
        sandbox: false,
        stands: StandingReport {
            state: Standing::Stored(BatchState::Stopped),
            since: Timestamp::UNIX_EPOCH,
            until: None,
            why: None,
            by: None,
            holder: None,
        },
        rows: 1_234_567,
        counts: Counts {
            sent: 1_234_560,
            queued: 7,
            ..Counts::default()
        },
        funnel: Some(Funnel {
            delivered: 1_000,
            ..Funnel::default()
        }),
        started_at: "2026-05-01T10:00:00Z".parse().ok(),
        finished_at: "2026-05-01T11:00:00Z".parse().ok(),
        pilot: None,
        mended: None,
        open_until: None,
        after: None,
        outages: None,
        did_not_leave: None,
        exit_reason: Some("guard".to_owned()),
        details: Details {
            ready: true,
            halted_text: Some("no".to_owned()),
            held: vec![HeldText::for_tests("HTTP 422: no", 2)],
            ..Details::default()
        },
    }
}

#[test]
fn a_stopped_batch_tells_how_to_go_on_with_exact_commands() {
    let hints = Hints {
        db: Some("other.db".into()),
        results: Some("r.csv".into()),
        ..Hints::default()
    };
    insta::assert_snapshot!(summary().text(&hints), @r#"
    Batch spring list: stopped by a guard before harm (credentials refused, identical refusals)
       1,234,560  sent
               5  queued: not sent yet
               2  held: it is not known what their refusal means; not sent yet
       1,234,567  rows in all
    Of those sent: 1,000 delivered, 0 read, 0 opted in, 0 opted out
    0 requests since 2026-05-01 10:00 UTC; the last run ended 2026-05-01 11:00 UTC

    Results: r.csv

    What to do next
      outreach resume 'spring list' --refusal 'no_messenger=HTTP 422: no' --db other.db  if the refusal means "no Messenger for this number"
      outreach resume 'spring list' --refusal 'channel=HTTP 422: no' --db other.db       if not: after its cause was mended, sends to the held again
      outreach resume 'spring list' --db other.db                                        continue where it stopped
    "#);
}

#[test]
fn the_json_holds_counts_and_funnel_side_by_side() {
    let mut summary = summary();
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["sent"], 1_234_560);
    assert_eq!(json["delivered"], 1_000);
    assert_eq!(json["exit_reason"], "guard");
    summary.funnel = None;
    let json = serde_json::to_value(&summary).unwrap();
    assert!(json.get("delivered").is_none());
}

use super::*;
use crate::store::BatchId;

fn row(seq: u32) -> RecipientId {
    RecipientId::new(BatchId::for_tests(1), seq)
}

/// Takes an outcome that is a refusal.
fn refuse(refusals: &mut Refusals, recipient: RecipientId, outcome: &Outcome) -> RefusalVerdict {
    refusals.refuse(recipient, outcome.refusal().unwrap())
}

fn rows(seqs: std::ops::Range<u32>) -> Vec<RecipientId> {
    seqs.map(row).collect()
}

fn no_messenger(text: &str, known: KnownBy) -> Outcome {
    Outcome::NoMessenger {
        text: text.to_owned(),
        known,
    }
}

fn unread() -> Outcome {
    no_messenger("HTTP 422: Sorry", KnownBy::Nobody)
}

fn known() -> Outcome {
    no_messenger("HTTP 422: (#100) No matching user found", KnownBy::Table)
}

fn rejected(cause: RejectionCause) -> Outcome {
    Outcome::Rejected {
        text: "HTTP 400: no".to_owned(),
        cause,
    }
}

fn past(accepted: u64, no_messenger: u64) -> PastAnswers {
    PastAnswers {
        accepted,
        no_messenger,
        ..PastAnswers::default()
    }
}

/// How many refusals in a row are taken until the batch stops, up to a thousand.
fn until_stop(refusals: &mut Refusals, outcome: &Outcome) -> u32 {
    (1..=1000)
        .find(|seq| {
            matches!(
                refuse(refusals, row(*seq), outcome),
                RefusalVerdict::Stop(_)
            )
        })
        .unwrap_or(u32::MAX)
}

#[test]
fn a_run_is_too_long_by_the_share_before_it_began() {
    // Accepted before, without Messenger before, then the runs of an unknown and of a known text.
    for (accepted, without, unread_run, known_run) in [
        (40, 0, 5, 8),
        (1_000_000, 0, 5, 5),
        (50, 50, 20, 40),
        (1, 0, 13, 26),
        (10, 90, 122, 243),
        (0, 0, 20, 20),
    ] {
        let stop = |outcome: &Outcome| {
            until_stop(&mut Refusals::new(20, past(accepted, without)), outcome)
        };
        assert_eq!(stop(&unread()), unread_run, "{accepted}/{without}");
        assert_eq!(stop(&known()), known_run, "{accepted}/{without}");
    }
}

/// A refusal for another reason is an answer about a person whom the channel has.
#[test]
fn a_run_ends_with_a_refusal_for_another_reason_once_somebody_was_reached() {
    for (accepted, run) in [(40, 5), (0, 20)] {
        let mut refusals = Refusals::new(20, past(accepted, 0));
        for seq in 1..run {
            let verdict = refuse(&mut refusals, row(seq), &unread());
            assert_eq!(verdict, RefusalVerdict::Go);
        }
        refuse(
            &mut refusals,
            row(run),
            &rejected(RejectionCause::Message("no")),
        );
        let next = refuse(&mut refusals, row(run + 1), &unread());
        let is_stopped = matches!(next, RefusalVerdict::Stop(_));
        assert_eq!(is_stopped, accepted == 0, "{next:?}");
    }
}

#[test]
fn what_a_person_said_and_a_guard_that_is_off_stop_nothing() {
    let said = no_messenger("HTTP 422: Sorry", KnownBy::Person);
    let mut refusals = Refusals::new(20, past(0, 0));
    assert_eq!(until_stop(&mut refusals, &said), u32::MAX);
    for outcome in [
        unread(),
        known(),
        rejected(RejectionCause::Unread),
        rejected(RejectionCause::Message("no")),
    ] {
        let mut off = Refusals::new(0, past(40, 0));
        assert_eq!(until_stop(&mut off, &outcome), u32::MAX);
    }
}

#[test]
fn the_rows_of_the_run_are_taken_back_and_those_that_come_late_too() {
    let mut refusals = Refusals::new(20, past(40, 0));
    refuse(&mut refusals, row(100), &unread());
    refusals.accepted();
    assert_eq!(until_stop(&mut refusals, &unread()), 5);
    refuse(&mut refusals, row(6), &known());
    refusals.accepted();
    refuse(&mut refusals, row(7), &unread());
    let back = TakenBack {
        rows: rows(1..8),
        hold: true,
    };
    assert_eq!(refusals.take_back(), Some(back));
    assert_eq!(refusals.take_back(), None);
}

#[test]
fn the_text_that_stopped_is_the_most_frequent_that_nobody_knows() {
    let mut refusals = Refusals::new(20, past(40, 0));
    let texts = ["known", "known", "a 1", "b", "a 2"];
    let stop = (0..).zip(texts.iter().cycle()).find_map(|(seq, text)| {
        let by = if *text == "known" {
            KnownBy::Table
        } else {
            KnownBy::Nobody
        };
        match refuse(
            &mut refusals,
            row(seq),
            &no_messenger(&format!("HTTP 422: {text}"), by),
        ) {
            RefusalVerdict::Stop(halt) => Some(halt),
            RefusalVerdict::Go | RefusalVerdict::Probe => None,
        }
    });
    let Some(Halt::NoMessengerRun { text, known, .. }) = stop else {
        panic!("{stop:?}");
    };
    assert_eq!((text.as_str(), known), ("HTTP 422: a #", false));
}

#[test]
fn three_refusals_of_the_message_for_different_people_stop_and_these_three_go_back() {
    let message = rejected(RejectionCause::Message("no good"));
    let mut refusals = Refusals::new(20, past(40, 0));
    assert_eq!(
        refuse(&mut refusals, row(1), &message),
        RefusalVerdict::Probe
    );
    assert_eq!(
        refuse(&mut refusals, row(1), &message),
        RefusalVerdict::Probe,
        "the same person"
    );
    refusals.accepted();
    for seq in [2, 3] {
        assert_eq!(
            refuse(&mut refusals, row(seq), &message),
            RefusalVerdict::Probe
        );
    }
    assert!(matches!(
        refuse(&mut refusals, row(4), &message),
        RefusalVerdict::Stop(Halt::Message {
            what: "no good",
            count: 3,
            ..
        })
    ));
    // It was under way meanwhile.
    refuse(&mut refusals, row(5), &message);
    let back = TakenBack {
        rows: rows(2..6),
        hold: false,
    };
    assert_eq!(refusals.take_back(), Some(back));
}

#[test]
fn refusals_of_people_stop_nothing_however_many() {
    let mut refusals = Refusals::new(20, past(40, 0));
    let person = rejected(RejectionCause::Person("blocked"));
    assert_eq!(until_stop(&mut refusals, &person), u32::MAX);
    assert_eq!(refusals.take_back(), None);
}

#[test]
fn twenty_refusals_with_one_unknown_text_stop_before_and_after_the_first_success() {
    for accepted in [0, 40] {
        let mut refusals = Refusals::new(20, past(accepted, 0));
        assert_eq!(
            until_stop(&mut refusals, &rejected(RejectionCause::Unread)),
            20
        );
        assert_eq!(refusals.take_back(), None, "they stay as they are");
    }
}

fn recent(seq: u32, outcome: Outcome, stands: RecentRow) -> RecentAnswer {
    RecentAnswer {
        recipient: row(seq),
        outcome,
        row: stands,
    }
}

#[test]
fn a_run_goes_on_where_an_earlier_process_died() {
    let begun = |count: u32, stands: RecentRow| PastAnswers {
        accepted: 40,
        no_messenger: match stands {
            RecentRow::Ended => u64::from(count),
            RecentRow::InRun | RecentRow::Held | RecentRow::Settled => 0,
        },
        latest: (101..101 + count)
            .map(|seq| recent(seq, unread(), stands))
            .collect(),
        ..PastAnswers::default()
    };
    let rows = |back: Option<TakenBack>| back.map(|back| back.rows.len());
    for stands in [RecentRow::Ended, RecentRow::InRun] {
        let mut refusals = Refusals::new(20, begun(3, stands));
        assert_eq!(refusals.standing(), None, "{stands:?}");
        assert_eq!(until_stop(&mut refusals, &unread()), 2);
        assert_eq!(rows(refusals.take_back()), Some(5), "{stands:?}");

        let mut died_before_it_told = Refusals::new(20, begun(5, stands));
        assert!(died_before_it_told.standing().is_some(), "{stands:?}");
        assert_eq!(rows(died_before_it_told.take_back()), Some(5));
    }

    // They are held already: others go on, and the first refusal of the kind stops again.
    let mut stopped = Refusals::new(20, begun(5, RecentRow::Held));
    assert_eq!(stopped.standing(), None);
    assert_eq!(until_stop(&mut stopped, &unread()), 1);
    assert_eq!(rows(stopped.take_back()), Some(1));
}

#[test]
fn refusals_of_the_message_count_over_processes_too() {
    let message = || rejected(RejectionCause::Message("no"));
    let past = PastAnswers {
        accepted: 40,
        refused: 2,
        latest: vec![
            recent(1, message(), RecentRow::Ended),
            recent(2, message(), RecentRow::Ended),
        ],
        ..PastAnswers::default()
    };
    let mut refusals = Refusals::new(20, past);
    assert_eq!(refusals.standing(), None);
    assert!(matches!(
        refuse(&mut refusals, row(3), &message()),
        RefusalVerdict::Stop(_)
    ));
}

#[test]
fn refusals_with_one_text_count_over_processes_until_a_message_was_accepted() {
    let past = |accepted, n| PastAnswers {
        accepted,
        refused: n,
        by_text: vec![("HTTP 400: no".to_owned(), n)],
        ..PastAnswers::default()
    };
    let mut refusals = Refusals::new(20, past(0, 19));
    assert_eq!(refusals.standing(), None);
    assert_eq!(
        until_stop(&mut refusals, &rejected(RejectionCause::Unread)),
        1
    );
    assert!(Refusals::new(20, past(0, 20)).standing().is_some());
    assert_eq!(Refusals::new(20, past(1, 20)).standing(), None);
}

/// As many answers of one kind, of earlier runs.
fn many(seqs: std::ops::Range<u32>, outcome: &Outcome, stands: RecentRow) -> Vec<RecentAnswer> {
    seqs.map(|seq| recent(seq, outcome.clone(), stands))
        .collect()
}

fn by_person() -> Outcome {
    no_messenger("HTTP 422: Sorry", KnownBy::Person)
}

#[test]
fn what_was_answered_in_this_run_counts_in_the_share_as_what_was_answered_before() {
    // Accepted, without Messenger by a person's word, and refused otherwise: before, and then in this run.
    for (accepted, without, refused) in [(40, 0, 0), (10, 90, 0), (10, 40, 50)] {
        let before = PastAnswers {
            refused,
            ..past(accepted, without)
        };
        let wanted = until_stop(&mut Refusals::new(20, before), &unread());
        let mut live = Refusals::new(20, PastAnswers::default());
        for _ in 0..accepted {
            live.accepted();
        }
        for seq in 0..u32::try_from(without).unwrap() {
            let verdict = refuse(&mut live, row(2000 + seq), &by_person());
            assert_eq!(verdict, RefusalVerdict::Go);
        }
        let blocked = rejected(RejectionCause::Person("blocked"));
        for seq in 0..u32::try_from(refused).unwrap() {
            assert_eq!(
                refuse(&mut live, row(3000 + seq), &blocked),
                RefusalVerdict::Go
            );
        }
        let case = (accepted, without, refused);
        assert_eq!(until_stop(&mut live, &unread()), wanted, "{case:?}");
    }
}

#[test]
fn the_latest_answers_of_earlier_runs_count_once_whether_or_not_their_rows_are_held() {
    let blocked = rejected(RejectionCause::Person("blocked"));
    for (outcome, without, refused) in [(by_person(), 50, 0), (blocked, 0, 50)] {
        let counted = |latest| PastAnswers {
            refused,
            latest,
            ..past(10, without)
        };
        let wanted = until_stop(&mut Refusals::new(20, counted(Vec::new())), &unread());
        let latest = many(2000..2050, &outcome, RecentRow::Ended);
        let mut again = Refusals::new(20, counted(latest));
        assert_eq!(again.standing(), None);
        assert_eq!(until_stop(&mut again, &unread()), wanted, "{outcome:?}");
        let held = PastAnswers {
            latest: many(2000..2050, &outcome, RecentRow::Held),
            ..past(10, 0)
        };
        let mut held = Refusals::new(20, held);
        assert_eq!(until_stop(&mut held, &unread()), wanted, "{outcome:?}");
    }
}

/// The three are in a row only if no other answer stands between them.
#[test]
fn three_refusals_of_the_message_stop_the_next_run_where_the_last_one_died_before_it_told() {
    let message = || rejected(RejectionCause::Message("no"));
    let run = |outcomes: Vec<Outcome>| {
        let latest = (1..).zip(outcomes);
        let latest = latest.map(|(seq, outcome)| recent(seq, outcome, RecentRow::Ended));
        PastAnswers {
            accepted: 40,
            refused: 4,
            latest: latest.collect(),
            ..PastAnswers::default()
        }
    };
    let three = || run(vec![message(), message(), message()]);
    let mut refusals = Refusals::new(20, three());
    let halt = refusals.standing();
    assert!(matches!(halt, Some(Halt::Message { count: 3, .. })));
    let back = TakenBack {
        rows: rows(1..4),
        hold: false,
    };
    assert_eq!(refusals.take_back(), Some(back));
    assert_eq!(Refusals::new(0, three()).standing(), None, "it is off");
    let others = [
        by_person(),
        known(),
        rejected(RejectionCause::Person("blocked")),
        rejected(RejectionCause::Unread),
    ];
    for between in others {
        let mut earlier = run(vec![message(), message(), between.clone(), message()]);
        let again = Refusals::new(20, earlier.clone()).standing();
        assert_eq!(again, None, "{between:?}");
        // Whatever became of that person since.
        earlier.latest[2].row = RecentRow::Settled;
        assert_eq!(Refusals::new(20, earlier).standing(), None, "{between:?}");
        let mut live = Refusals::new(20, past(40, 0));
        let answers = [message(), message(), between, message()];
        for (seq, outcome) in (1..).zip(answers) {
            let verdict = refuse(&mut live, row(seq), &outcome);
            assert!(
                !matches!(verdict, RefusalVerdict::Stop(_)),
                "{outcome:?}: {verdict:?}"
            );
        }
    }
    let mut taken_back = run(vec![message(), message(), message(), message()]);
    for recent in &mut taken_back.latest[..2] {
        recent.row = RecentRow::Settled;
    }
    assert_eq!(Refusals::new(20, taken_back.clone()).standing(), None);
    taken_back.latest[1].row = RecentRow::Ended;
    let halt = Refusals::new(20, taken_back).standing();
    assert!(matches!(halt, Some(Halt::Message { count: 3, .. })));
    let mut one_person = Refusals::new(20, past(40, 0));
    for seq in [1, 1, 2] {
        let verdict = refuse(&mut one_person, row(seq), &message());
        assert_eq!(verdict, RefusalVerdict::Probe, "two people");
    }
}

/// What was under way when the batch was stopped belongs to the run that stopped it if it is of its kind.
#[test]
fn what_comes_after_the_stop_is_taken_back_only_if_it_is_of_the_same_kind() {
    let message = rejected(RejectionCause::Message("no"));
    let mut by_run = Refusals::new(20, past(40, 0));
    assert_eq!(until_stop(&mut by_run, &unread()), 5);
    for seq in 6..70 {
        assert_eq!(refuse(&mut by_run, row(seq), &unread()), RefusalVerdict::Go);
    }
    refuse(&mut by_run, row(70), &message);
    let back = |rows, hold| Some(TakenBack { rows, hold });
    assert_eq!(by_run.take_back(), back(rows(1..70), true));
    let mut by_message = Refusals::new(20, past(40, 0));
    for seq in 1..3 {
        let verdict = refuse(&mut by_message, row(seq), &message);
        assert_eq!(verdict, RefusalVerdict::Probe);
    }
    let stop = refuse(&mut by_message, row(3), &message);
    let RefusalVerdict::Stop(Halt::Message { text, .. }) = stop else {
        panic!("{stop:?}");
    };
    assert_eq!(text, "HTTP 400: no");
    assert_eq!(
        refuse(&mut by_message, row(4), &message),
        RefusalVerdict::Go
    );
    refuse(&mut by_message, row(5), &unread());
    assert_eq!(by_message.take_back(), back(rows(1..5), false));
}

#[test]
fn before_anything_was_accepted_twenty_of_unknown_text_are_a_run_whatever_the_share() {
    let refused = PastAnswers {
        refused: 98,
        ..past(0, 0)
    };
    for before in [refused, past(0, 5)] {
        assert_eq!(until_stop(&mut Refusals::new(20, before), &unread()), 20);
    }
    assert_eq!(
        until_stop(&mut Refusals::new(20, past(0, 5)), &known()),
        180
    );
}

#[test]
fn rows_that_are_held_by_a_known_text_lengthen_its_run() {
    let held = PastAnswers {
        latest: many(2000..2008, &known(), RecentRow::Held),
        ..past(40, 0)
    };
    let mut refusals = Refusals::new(20, held);
    assert_eq!(refusals.standing(), None);
    assert_eq!(until_stop(&mut refusals, &known()), 1);
}

#[test]
fn refusals_of_two_unknown_texts_in_turn_count_together_until_a_message_was_accepted() {
    let texts = ["HTTP 400: no", "HTTP 400: never"];
    for (accepted, wanted) in [(0, Some(38)), (40, None)] {
        let mut refusals = Refusals::new(20, past(accepted, 0));
        let stop = (0..200).zip(texts.iter().cycle()).find(|(seq, text)| {
            let outcome = Outcome::Rejected {
                text: (**text).to_owned(),
                cause: RejectionCause::Unread,
            };
            let verdict = refuse(&mut refusals, row(*seq), &outcome);
            matches!(verdict, RefusalVerdict::Stop(_))
        });
        assert_eq!(stop.map(|(seq, _)| seq), wanted, "{accepted} accepted");
    }
}

/// Before anything was accepted nothing shows that it is about these people alone.
#[test]
fn another_refusal_ends_a_run_once_a_message_was_accepted_and_not_before() {
    let blocked = || rejected(RejectionCause::Person("blocked"));
    for (accepted, first, is_too_long) in [(40, 4, false), (0, 19, true)] {
        let mut latest = many(1..first + 1, &unread(), RecentRow::Ended);
        latest.push(recent(500, blocked(), RecentRow::Ended));
        let rest = if is_too_long { 1 } else { first };
        latest.extend(many(600..600 + rest, &unread(), RecentRow::Ended));
        let answers = PastAnswers {
            accepted,
            no_messenger: u64::from(first + rest),
            refused: 1,
            latest,
            ..PastAnswers::default()
        };
        let mut settled = answers.clone();
        settled.latest[usize::try_from(first).unwrap()].row = RecentRow::Settled;
        for earlier in [answers, settled] {
            let standing = Refusals::new(20, earlier).standing();
            assert_eq!(standing.is_some(), is_too_long, "{standing:?}");
        }
        let mut live = Refusals::new(20, past(accepted, 0));
        let mut verdict = RefusalVerdict::Go;
        for seq in 0..first {
            verdict = refuse(&mut live, row(seq), &unread());
        }
        assert_eq!(verdict, RefusalVerdict::Go);
        assert_eq!(refuse(&mut live, row(500), &blocked()), RefusalVerdict::Go);
        for seq in 0..rest {
            verdict = refuse(&mut live, row(600 + seq), &unread());
        }
        assert_eq!(matches!(verdict, RefusalVerdict::Stop(_)), is_too_long);
    }
}

#[test]
fn a_row_of_refusals_with_one_unknown_text_is_broken_by_any_other_answer() {
    let same = rejected(RejectionCause::Unread);
    let others: [fn(&mut Refusals); 5] = [
        Refusals::accepted,
        |refusals| {
            let message = rejected(RejectionCause::Message("no"));
            assert_eq!(refuse(refusals, row(99), &message), RefusalVerdict::Probe);
        },
        |refusals| assert_eq!(refuse(refusals, row(99), &by_person()), RefusalVerdict::Go),
        |refusals| assert_eq!(refuse(refusals, row(99), &known()), RefusalVerdict::Go),
        |refusals| {
            let blocked = rejected(RejectionCause::Person("blocked"));
            assert_eq!(refuse(refusals, row(99), &blocked), RefusalVerdict::Go);
        },
    ];
    for other in others {
        let mut refusals = Refusals::new(20, past(40, 0));
        for seq in 0..19 {
            assert_eq!(refuse(&mut refusals, row(seq), &same), RefusalVerdict::Go);
        }
        other(&mut refusals);
        assert_eq!(until_stop(&mut refusals, &same), 20);
    }
}

#[test]
fn an_answer_that_the_counts_of_earlier_runs_include_counts_once() {
    let blocked = rejected(RejectionCause::Person("blocked"));
    for (stands, refused) in [
        (RecentRow::Ended, 5),
        (RecentRow::InRun, 10),
        (RecentRow::Settled, 5),
    ] {
        let past = PastAnswers {
            accepted: 40,
            refused: 5,
            latest: many(1..6, &blocked, stands),
            ..PastAnswers::default()
        };
        assert_eq!(Refusals::new(20, past).refused, refused, "{stands:?}");
    }
}

#[test]
fn a_text_that_is_counted_stops_the_batch_however_many_others_came_meanwhile() {
    let with = |text: String| Outcome::Rejected {
        text,
        cause: RejectionCause::Unread,
    };
    let mut refusals = Refusals::new(20, past(0, 0));
    for n in 1..=TEXTS {
        let verdict = refuse(&mut refusals, row(1), &with("x".repeat(n)));
        assert_eq!(verdict, RefusalVerdict::Go);
    }
    let (first, other) = (with("x".to_owned()), with("other".to_owned()));
    for _ in 0..18 {
        assert_eq!(refuse(&mut refusals, row(1), &first), RefusalVerdict::Go);
        assert_eq!(refuse(&mut refusals, row(1), &other), RefusalVerdict::Go);
    }
    assert_eq!(refusals.by_text.len(), TEXTS);
    let halt = RefusalVerdict::Stop(Halt::IdenticalRefusals {
        text: "x".to_owned(),
        count: 20,
    });
    assert_eq!(refuse(&mut refusals, row(1), &first), halt);
}

#[test]
fn whom_a_person_said_to_have_no_messenger_is_never_taken_back() {
    for stands in [RecentRow::Ended, RecentRow::InRun, RecentRow::Held] {
        let earlier = PastAnswers {
            latest: many(2000..2003, &by_person(), stands),
            ..past(40, 3)
        };
        let mut refusals = Refusals::new(20, earlier);
        let last = until_stop(&mut refusals, &unread());
        let back = refusals.take_back().map(|back| back.rows);
        assert_eq!(back, Some(rows(1..last + 1)), "{stands:?}");
    }
}

/// A list in which every second person has no Messenger has no run: what was answered meanwhile ends each.
#[test]
fn a_run_that_an_acceptance_ended_counts_in_the_share_of_the_next_one() {
    for (outcome, run) in [(unread(), 20), (known(), 40)] {
        let mut refusals = Refusals::new(20, past(0, 0));
        for seq in 0..100 {
            assert_eq!(
                refuse(&mut refusals, row(seq), &outcome),
                RefusalVerdict::Go
            );
            refusals.accepted();
        }
        assert_eq!(until_stop(&mut refusals, &outcome), run);
    }
}

/// Where hardly anybody has a Messenger a run may be long, and hold many texts: what is said of it is what most said.
#[test]
fn of_more_texts_than_are_counted_the_most_frequent_is_named() {
    let text = |n: u32| {
        no_messenger(
            &format!("HTTP 422: {}", "x".repeat(n as usize)),
            KnownBy::Nobody,
        )
    };
    let mut refusals = Refusals::new(20, past(1000, 99_000));
    let texts = (1..=300).chain(std::iter::repeat(7));
    let stop = (1..).zip(texts).take(3000).find_map(|(seq, n)| {
        match refuse(&mut refusals, row(seq), &text(n)) {
            RefusalVerdict::Stop(Halt::NoMessengerRun { text, .. }) => Some(text),
            RefusalVerdict::Stop(_) | RefusalVerdict::Go | RefusalVerdict::Probe => None,
        }
    });
    assert_eq!(stop.as_deref(), Some("HTTP 422: xxxxxxx"));
}

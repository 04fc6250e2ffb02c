//! What is surely left in a window, in whichever order the answers come.

use super::*;

/// Two were sent. The answer of the second one comes first, and what the first one tells is older.
#[test]
fn an_answer_that_was_overtaken_gives_nothing_back() {
    let mut pacer = knowing(10);
    let [first, second] = several(&mut pacer, at(1));
    assert_eq!(pacer.view(at(1)).left, Some(8));
    pacer.answered(second, at(2), &told(1000, 8, 3598));
    assert_eq!(pacer.view(at(2)).left, Some(7));
    pacer.answered(first, at(2), &told(1000, 9, 3598));
    assert_eq!(pacer.view(at(2)).left, Some(8));
}

#[test]
fn a_window_that_gives_room_back_is_used_as_far_as_the_latest_answer_tells() {
    let mut pacer = after_first(settings(None, 1000), &told(10, 9, 3600));
    for (now, left) in [(1, 8), (2, 7), (3, 9), (4, 10), (5, 3)] {
        let ticket = go(&mut pacer, at(now));
        pacer.answered(ticket, at(now), &told(10, left, 3600 - now));
        assert_eq!(pacer.view(at(now)).left, Some(left), "at {now}");
    }
}

#[test]
fn a_server_whose_remaining_never_falls_is_believed_up_to_its_limit_alone() {
    let without_limit = QuotaHeaders {
        limit: None,
        ..told(0, 5, 3600)
    };
    for later in [told(5, 5, 3600), without_limit] {
        let mut pacer = after_first(settings(None, 1000), &told(5, 5, 3600));
        assert_eq!(at_once(&mut pacer, at(0), &later), 4);
        assert_eq!(kept(&mut pacer, at(0)), (Some(3601), Why::Quota));
        assert_eq!(pacer.view(at(0)).limit, Some(5));
    }
}

#[test]
fn a_window_ends_a_second_after_its_reset_and_in_an_hour_where_none_is_told() {
    // What is told, the second up to which the window is open, and what is left in it.
    for (headers, ends, left) in [
        (told(10, 5, 60), 61, 5),
        (undated(10, 5), 3601, 5),
        (undated(10, 0), 3601, 0),
        // A Reset of this moment: with quota left it says nothing, without it that one may be sent.
        (told(10, 5, 0), 3601, 5),
        (told(10, 0, 0), 1, 0),
    ] {
        let mut pacer = after_first(settings(None, 1000), &headers);
        assert_eq!(pacer.view(at(ends - 1)).left, Some(left), "{headers:?}");
        assert_eq!(pacer.view(at(ends)).left, None, "{headers:?}");
        go(&mut pacer, at(ends));
        assert_eq!(kept(&mut pacer, at(ends)), (None, Why::Probing));
    }
}

#[test]
fn an_answer_that_tells_nothing_after_the_end_of_a_window_ends_what_was_known() {
    let mut pacer = after_first(settings(None, 100), &told(10, 5, 60));
    let asks = go(&mut pacer, at(100));
    pacer.answered(asks, at(100), &NOTHING);
    let view = pacer.view(at(100));
    assert_eq!((view.source, view.left), (Source::Fallback, None));
}

#[test]
fn what_others_claimed_is_taken_off_until_an_answer_to_a_request_of_two_seconds_later() {
    for (sent, left) in [(2, 89 - 20), (3, 89)] {
        let mut pacer = knowing(100);
        pacer.others(20, at(1));
        assert_eq!(pacer.view(at(1)).left, Some(80));
        let ticket = go(&mut pacer, at(sent));
        pacer.answered(ticket, at(sent), &told(1000, 89, 3600 - sent));
        assert_eq!(pacer.view(at(sent)).left, Some(left), "sent at {sent}");
    }
}

/// The end of the old window was not told: the first that was sent after it is of the next one, however often the end
/// was looked at since.
#[test]
fn what_is_sent_after_the_end_of_a_window_is_of_the_next_one() {
    let mut pacer = after_first(settings(None, 1000), &undated(10, 0));
    let asks = go(&mut pacer, at(3602));
    assert_eq!(kept(&mut pacer, at(3700)), (None, Why::Probing));
    pacer.answered(asks, at(3701), &undated(10, 9));
    assert_eq!(pacer.view(at(3701)).left, Some(9));
}

/// Answers without an end may be of the old window or of the new one; those that gave the old end are of the old one.
#[test]
fn of_what_was_answered_before_the_first_of_a_new_window_only_answers_without_an_end_are_taken_off()
{
    let mut pacer = after_first(settings(None, 1000), &told(1000, 100, 60));
    let undated_before = go(&mut pacer, at(1));
    pacer.answered(undated_before, at(1), &undated(1000, 99));
    let [first_of_next, unknown, old, older] = several(&mut pacer, at(59));
    pacer.answered(unknown, at(60), &undated(1000, 98));
    pacer.answered(old, at(60), &told(1000, 97, 1));
    pacer.answered(older, at(60), &told(1000, 96, 1));
    pacer.answered(first_of_next, at(60), &told(1000, 999, 3600));
    assert_eq!(pacer.view(at(60)).left, Some(998));
}

/// An answer of the old window came after its end, and told that nothing is left. If the next one gives no end, it may
/// be of the same window: it is asked again soon.
#[test]
fn where_nothing_was_left_a_moment_ago_an_answer_without_an_end_is_believed_for_two_seconds() {
    // What the late answer and the first of the next window tell; until when that window is open.
    for (late, next, ends) in [
        (undated(10, 0), undated(10, 9), 15),
        (undated(10, 3), undated(10, 9), 13 + 3601),
        (undated(10, 0), undated(10, 0), 13 + 3601),
        (undated(10, 0), told(10, 9, 600), 13 + 601),
    ] {
        let mut pacer = after_first(settings(None, 1000), &told(10, 2, 10));
        let [overtaken, _] = several(&mut pacer, at(1));
        let asks = go(&mut pacer, at(12));
        pacer.answered(overtaken, at(13), &late);
        pacer.answered(asks, at(13), &next);
        assert!(pacer.view(at(ends - 1)).left.is_some(), "{late:?} {next:?}");
        assert_eq!(pacer.view(at(ends)).left, None, "{late:?} {next:?}");
    }
}

#[test]
fn an_end_that_is_told_replaces_one_that_was_guessed() {
    let mut pacer = after_first(settings(None, 1000), &told(10, 9, 10));
    let under_way = go(&mut pacer, at(5));
    let asks = go(&mut pacer, at(12));
    pacer.answered(asks, at(13), &undated(10, 8));
    pacer.answered(under_way, at(14), &told(10, 7, 60));
    assert_eq!(pacer.view(at(74)).left, Some(7));
    assert_eq!(pacer.view(at(75)).left, None);
}

#[test]
fn a_reserve_that_takes_all_is_told_as_long_as_the_limit_is_in_force() {
    let reserve = Settings {
        reserve: Reserve::Requests(10),
        ..settings(None, 1000)
    };
    let takes_all = (None, Why::ReserveTakesAll);
    let mut pacer = after_first(reserve, &told(10, 9, 60));
    for now in [1, 100] {
        assert_eq!(kept(&mut pacer, at(now)), takes_all, "at {now}");
    }
    // A restart into the open window knows it; what was told of one that is over may hold no longer.
    let quota = |reset_in| QuotaState {
        limit: Some(10),
        remaining: Some(9),
        reset_at: Some(START + SignedDuration::from_mins(reset_in)),
        observed_at: Some(minutes_ago(20)),
    };
    for (reset_in, waits) in [(10, true), (-10, false)] {
        let past = Past {
            quota: quota(reset_in),
            ..Past::default()
        };
        let mut again = new(reserve, &past);
        if waits {
            assert_eq!(kept(&mut again, at(0)), takes_all);
        } else {
            go(&mut again, at(0));
        }
    }
}

#[test]
fn the_limit_is_known_on_after_a_refusal_that_does_not_tell_it() {
    for remaining in [None, Some(0)] {
        let mut pacer = knowing(900);
        let refused = go(&mut pacer, at(1));
        let headers = QuotaHeaders {
            remaining,
            ..NOTHING
        };
        refuse(&mut pacer, refused, at(1), headers, Some(60));
        assert_eq!(pacer.state(at(1)).limit, Some(1000));
    }
}

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse::<Zoned>().unwrap().timestamp()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn daily(window: &str, zone_name: &str) -> Schedule {
    Schedule {
        window: Some(window.parse().unwrap()),
        zone: zone(zone_name),
        ..Schedule::default()
    }
}

fn by_recipient(window: &str) -> Schedule {
    Schedule {
        window_by: WindowBy::Recipient,
        ..daily(window, "Europe/Prague")
    }
}

#[test]
fn a_window_opens_in_the_named_zone_and_its_end_is_outside() {
    let schedule = daily("08:00-21:00", "Europe/Prague");
    assert!(!schedule.may_send(at("2026-05-02T07:59:59[Europe/Prague]")));
    assert!(schedule.may_send(at("2026-05-02T08:00[Europe/Prague]")));
    assert!(schedule.may_send(at("2026-05-02T20:59:59[Europe/Prague]")));
    assert!(!schedule.may_send(at("2026-05-02T21:00[Europe/Prague]")));
    let evening = at("2026-05-02T22:00[Europe/Prague]");
    assert_eq!(
        schedule.next_opening(evening),
        Some(at("2026-05-03T08:00[Europe/Prague]"))
    );
    let noon = at("2026-05-02T12:00[Europe/Prague]");
    assert_eq!(schedule.next_opening(noon), Some(noon));
    assert_eq!(
        schedule.open_until(noon),
        Some(at("2026-05-02T21:00[Europe/Prague]"))
    );
}

#[test]
fn a_window_may_lie_over_midnight() {
    let schedule = daily("22:00-02:00", "Europe/Prague");
    assert!(schedule.may_send(at("2026-05-02T23:00[Europe/Prague]")));
    assert!(schedule.may_send(at("2026-05-02T01:59[Europe/Prague]")));
    assert!(!schedule.may_send(at("2026-05-02T02:00[Europe/Prague]")));
    let late = at("2026-05-02T23:00[Europe/Prague]");
    assert_eq!(
        schedule.open_until(late),
        Some(at("2026-05-03T02:00[Europe/Prague]"))
    );
}

#[test]
fn a_clock_change_moves_the_opening_with_the_clock_on_the_wall() {
    let schedule = daily("02:30-03:30", "Europe/Prague");
    // In spring 02:00 to 03:00 does not exist: the first time inside is 03:00, right after the change.
    let before = at("2026-03-29T01:00[Europe/Prague]");
    assert_eq!(
        schedule.next_opening(before),
        Some(at("2026-03-29T03:00[Europe/Prague]"))
    );
    // In autumn 02:30 comes twice: it opens at the first, shuts when the clock goes back to 02:00.
    let before = at("2026-10-25T01:00[Europe/Prague]");
    let first = at("2026-10-25T02:30+02:00[Europe/Prague]");
    assert_eq!(schedule.next_opening(before), Some(first));
    assert_eq!(
        schedule.open_until(first),
        Some(at("2026-10-25T02:00+01:00[Europe/Prague]"))
    );
    let repeated = at("2026-10-25T02:10+01:00[Europe/Prague]");
    assert_eq!(
        schedule.next_opening(repeated),
        Some(at("2026-10-25T02:30+01:00[Europe/Prague]"))
    );
}

#[test]
fn a_recipient_is_inside_only_where_all_zones_of_the_country_are() {
    let schedule = by_recipient("08:00-21:00");
    // 15:00 in Prague: 09:00 in New York, 03:00 in Honolulu.
    let afternoon = at("2026-05-02T15:00[Europe/Prague]");
    assert!(schedule.may_send(afternoon), "the batch itself may go on");
    assert!(schedule.may_send_to(afternoon, Some("CZ")));
    assert!(!schedule.may_send_to(afternoon, Some("US")));
    // Adak keeps summer time, Honolulu does not: Honolulu is the last to see 08:00.
    let opening = schedule.next_opening_for(afternoon, Some("US")).unwrap();
    assert_eq!(opening, at("2026-05-02T08:00[Pacific/Honolulu]"));
    assert!(schedule.may_send_to(opening, Some("US")));
}

#[test]
fn hours_that_no_instant_has_in_all_zones_never_open() {
    assert_eq!(
        by_recipient("09:00-10:00")
            .next_opening_for(at("2026-05-02T15:00[Europe/Prague]"), Some("RU")),
        None
    );
}

#[test]
fn a_number_without_a_country_keeps_to_the_senders_zone() {
    let schedule = by_recipient("08:00-21:00");
    for region in [None, Some("001"), Some("ZZ")] {
        assert!(schedule.may_send_to(at("2026-05-02T08:00[Europe/Prague]"), region));
        assert!(!schedule.may_send_to(at("2026-05-02T07:00[Europe/Prague]"), region));
    }
}

#[test]
fn nothing_opens_after_the_deadline() {
    let mut schedule = daily("08:00-21:00", "Europe/Prague");
    schedule.deadline = Some(at("2026-05-03T06:00[Europe/Prague]"));
    let noon = at("2026-05-02T12:00[Europe/Prague]");
    assert!(schedule.may_send(noon));
    assert_eq!(
        schedule.next_opening(at("2026-05-02T22:00[Europe/Prague]")),
        None
    );
    assert_eq!(
        schedule.open_until(noon),
        Some(at("2026-05-02T21:00[Europe/Prague]"))
    );
    let next_noon = at("2026-05-03T12:00[Europe/Prague]");
    assert!(!schedule.may_send(next_noon));
    for region in [None, Some("CZ")] {
        assert!(schedule.may_send_to(noon, region) && !schedule.may_send_to(next_noon, region));
    }
    for closed in [
        "2026-05-02T21:00[Europe/Prague]",
        "2026-05-03T12:00[Europe/Prague]",
    ] {
        assert_eq!(schedule.open_until(at(closed)), None, "{closed}");
    }
    assert!(schedule.is_over(at("2026-05-03T06:00[Europe/Prague]")));
}

#[test]
fn until_is_the_next_such_time_here_or_in_a_named_zone() {
    let prague = zone("Europe/Prague");
    let now = at("2026-05-02T22:00[Europe/Prague]");
    let until = |text| parse_until(text, now, &prague);
    assert_eq!(until("06:00"), Ok(at("2026-05-03T06:00[Europe/Prague]")));
    assert_eq!(until("23:30"), Ok(at("2026-05-02T23:30[Europe/Prague]")));
    assert_eq!(
        until("6:00 America/New_York"),
        Ok(at("2026-05-03T06:00[America/New_York]"))
    );
    assert_eq!(
        until("06:00[America/New_York]"),
        Ok(at("2026-05-03T06:00[America/New_York]"))
    );
    for text in ["2026-05-04T06:00", "2026-05-04 06:00"] {
        assert_eq!(until(text), Ok(at("2026-05-04T06:00[Europe/Prague]")));
    }
    for text in [
        "2026-05-04T06:00[America/New_York]",
        "2026-05-04T06:00-04:00[America/New_York]",
    ] {
        assert_eq!(until(text), Ok(at("2026-05-04T06:00[America/New_York]")));
    }
    assert_eq!(
        until("2026-05-04T06:00:00Z"),
        Ok(at("2026-05-04T06:00[UTC]"))
    );
    assert_eq!(
        until("2026-05-01T06:00"),
        Err(ScheduleError::Past("2026-05-01T06:00".to_owned()))
    );
    // A time that is now is over.
    assert_eq!(until("22:00"), Ok(at("2026-05-03T22:00[Europe/Prague]")));
    assert_eq!(
        until("2026-05-02T22:00"),
        Err(ScheduleError::Past("2026-05-02T22:00".to_owned()))
    );
    assert!(matches!(
        until("06:00 Atlantis"),
        Err(ScheduleError::Zone(_))
    ));
    for text in ["", "soon", "25:00", "6", "06:60", "006:00", "+6:00"] {
        assert!(
            matches!(until(text), Err(ScheduleError::Until(_))),
            "{text}"
        );
    }
}

#[test]
fn windows_and_lengths_read_as_people_write_them() {
    assert_eq!(
        "8:00-21:00".parse::<DailyWindow>().unwrap().to_string(),
        "08:00-21:00"
    );
    assert!(
        "00:00-24:00"
            .parse::<DailyWindow>()
            .unwrap()
            .contains(Time::constant(13, 0, 0, 0))
    );
    for text in ["", "08:00", "08:00-08:00", "8-21", "08:00-25:00", "a-b"] {
        assert!(text.parse::<DailyWindow>().is_err(), "{text}");
    }
}

proptest! {
    /// The opening is inside, and walking there minute by minute meets nothing inside before it.
    #[test]
    fn the_next_opening_is_the_first_instant_inside(
        second in 1_770_000_000i64..1_800_000_000,
        opens in 0i8..24, closes in 0i8..24, minute in 0i8..60,
        region in prop::sample::select(vec!["CZ", "US", "AU", "RU", "NP", "CL", "001"]),
    ) {
        prop_assume!(opens != closes);
        let window = DailyWindow { opens: Time::constant(opens, minute, 0, 0), closes: Time::constant(closes, minute, 0, 0) };
        let mut schedule = by_recipient("08:00-21:00");
        schedule.window = Some(window);
        let now = Timestamp::from_second(second).unwrap();
        let opening = schedule.next_opening_for(now, Some(region));
        if let Some(opening) = opening {
            prop_assert!(schedule.may_send_to(opening, Some(region)));
        }
        let end = opening.unwrap_or(now + SignedDuration::from_hours(48));
        let mut walk = now;
        while walk < end {
            prop_assert!(!schedule.may_send_to(walk, Some(region)), "{walk} is inside, {end} was told");
            walk += SignedDuration::from_mins(7);
        }
    }
}

#[test]
fn until_in_the_hour_that_the_clock_repeats_is_the_first_that_comes() {
    let prague = TimeZone::get("Europe/Prague").unwrap();
    // The clock goes back from 03:00 to 02:00: it is 02:10 for the second time.
    let (first, again) = (
        at("2026-10-25T00:10:00Z[UTC]"),
        at("2026-10-25T01:10:00Z[UTC]"),
    );
    let until = |text, now| parse_until(text, now, &prague);
    for text in ["02:30", "2026-10-25T02:30"] {
        assert_eq!(until(text, first), Ok(at("2026-10-25T00:30:00Z[UTC]")));
        assert_eq!(until(text, again), Ok(at("2026-10-25T01:30:00Z[UTC]")));
    }
    let before = at("2026-10-24T23:50:00Z[UTC]");
    assert_eq!(until("02:30", before), Ok(at("2026-10-25T00:30:00Z[UTC]")));
    // An hour that is skipped: 02:30 is 03:30.
    let spring = at("2026-03-29T00:10:00Z[UTC]");
    assert_eq!(until("02:30", spring), Ok(at("2026-03-29T01:30:00Z[UTC]")));
}

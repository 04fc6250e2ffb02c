//! Dates of messages, as people write them in lists.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The day that spreadsheets count from.
const SPREADSHEET_EPOCH: Date = Date::constant(1899, 12, 30);

/// Days of a spreadsheet that are taken for dates: 1982 to 2064.
const SPREADSHEET_DAYS: std::ops::Range<i64> = 30_000..60_000;

/// When a person was messaged, by a cell; `None` if it holds no date. Without a zone it is UTC; a day without a
/// time counts to its end. Where day and month could be either way round, the later date counts, unless it is still to
/// come.
pub(crate) fn read(cell: &str, now: Timestamp) -> Option<Timestamp> {
    let found = readings(cell);
    let day = Span::new().hours(24);
    let latest = now.checked_add(day).unwrap_or(now);
    let has_come = found.iter().rev().find(|it| it.end <= latest);
    Some(has_come.or(found.first())?.end)
}

/// When a date begins and ends: a day, or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dated {
    pub(crate) begin: Timestamp,
    pub(crate) end: Timestamp,
}

impl Dated {
    const fn moment(at: Timestamp) -> Self {
        Self { begin: at, end: at }
    }
}

/// The dates that a cell may hold, in their order.
pub(crate) fn readings(cell: &str) -> Vec<Dated> {
    let cell = cell.trim();
    let one = |date: Option<Dated>| date.into_iter().collect();
    if let Ok(time) = cell.parse::<Timestamp>() {
        return vec![Dated::moment(time)];
    }
    if let Ok(civil) = cell.parse::<DateTime>() {
        let is_day = !cell.contains(':');
        return one(at(civil.date(), (!is_day).then(|| civil.time())));
    }
    if let Some(number) = whole(cell) {
        return one(of_number(number));
    }
    let (date, time) = split(cell);
    let time = match time.map(clock) {
        Some(None) => return Vec::new(),
        Some(time) => time,
        None => None,
    };
    let dates = dates(date).into_iter();
    let mut found: Vec<Dated> = dates.filter_map(|date| at(date, time)).collect();
    found.sort();
    found
}

/// The last days of what a cell holds that is no whole date: a year, a month of a year, a day with a year of two digits.
pub(crate) fn last_days(cell: &str) -> Vec<Dated> {
    let cell = cell.trim();
    let is_sign = |c: char| matches!(c, '.' | '/' | '-');
    let mut parts = cell.split(is_sign).map(|part| {
        let part = part.trim();
        (
            part,
            part.len(),
            whole(part).and_then(|it| i16::try_from(it).ok()),
        )
    });
    let of_month = |year: i16, month: i16| {
        let first = Date::new(year, i8::try_from(month).ok()?, 1).ok()?;
        at(first.last_of_month(), None)
    };
    let found = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some((_, 4, Some(year))), None, ..) => of_month(year, 12),
        (Some((_, 1 | 2, Some(month))), Some((_, 4, Some(year))), None, _)
        | (Some((_, 4, Some(year))), Some((_, 1 | 2, Some(month))), None, _) => {
            of_month(year, month)
        }
        (Some((first, 1 | 2, _)), Some((second, 1 | 2, _)), Some((third, 2, _)), None) => {
            let sign = cell.chars().find(|c| is_sign(*c)).unwrap_or('.');
            let mut found = readings(&format!("{first}{sign}{second}{sign}20{third}"));
            // `24-12-31` begins with its year.
            if sign == '-' {
                found.extend(readings(&format!("20{first:0>2}-{second:0>2}-{third}")));
            }
            found.sort();
            return found;
        }
        _ => None,
    };
    found.into_iter().collect()
}

/// Whether a header speaks of messages that were sent.
pub(crate) fn is_about_messages(header: &str) -> bool {
    let header = super::fold::header(header);
    let words = [
        "sent",
        "message",
        "messaged",
        "contacted",
        "odeslano",
        "zprava",
        "gesendet",
        "envoye",
        "enviado",
        "wyslano",
    ];
    header.split(' ').any(|word| words.contains(&word))
}

/// Whether a header speaks of a birthday.
pub(crate) fn is_about_birth(header: &str) -> bool {
    let header = super::fold::header(header);
    [
        "birth",
        "dob",
        "narozen",
        "geburt",
        "naissance",
        "nacimiento",
        "urodz",
    ]
    .iter()
    .any(|word| header.contains(word))
}

fn at(date: Date, time: Option<Time>) -> Option<Dated> {
    // Programs write the last year there is for "never".
    if date.year() == Date::MAX.year() {
        return Some(Dated::moment(Timestamp::MAX));
    }
    let moment = |time: Time| {
        let civil = date.to_datetime(time);
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    match time {
        Some(time) => moment(time).map(Dated::moment),
        None => Some(Dated {
            begin: moment(Time::midnight())?,
            end: moment(Time::constant(23, 59, 59, 0))?,
        }),
    }
}

fn whole(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Seconds or milliseconds since 1970, or the days of a spreadsheet.
fn of_number(number: i64) -> Option<Dated> {
    match number {
        days if SPREADSHEET_DAYS.contains(&days) => {
            let date = SPREADSHEET_EPOCH.checked_add(Span::new().days(days)).ok()?;
            at(date, None)
        }
        1_000_000_000..=9_999_999_999 => Timestamp::from_second(number).ok().map(Dated::moment),
        1_000_000_000_000..=9_999_999_999_999 => {
            Timestamp::from_millisecond(number).ok().map(Dated::moment)
        }
        _ => None,
    }
}

/// The date, and the time behind it.
fn split(cell: &str) -> (&str, Option<&str>) {
    let colon = cell.find(':').unwrap_or(cell.len());
    let before = cell.get(..colon).unwrap_or(cell);
    match before.rfind([' ', 'T', ',']) {
        Some(gap) if colon < cell.len() => {
            let time = cell.get(gap + 1..).unwrap_or_default();
            (cell.get(..gap).unwrap_or_default(), Some(time.trim()))
        }
        Some(_) | None => (cell, None),
    }
}

/// `9:05`, `09:05:30`, `9:05 PM`.
fn clock(text: &str) -> Option<Time> {
    let upper = text.to_ascii_uppercase();
    let (text, half) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(text), _) => (text.trim_end(), Some(0)),
        (None, Some(text)) => (text.trim_end(), Some(12)),
        (None, None) => (upper.as_str(), None),
    };
    let mut parts = text.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    let hour = match half {
        Some(half) => hour % 12 + half,
        None => hour,
    };
    Time::new(hour, minute, second, 0).ok()
}

/// The dates that three numbers may be: `1.5.2026` is the first of May, `1/5/2026` that or the fifth of January.
fn dates(text: &str) -> Vec<Date> {
    let sign = text.chars().find(|c| matches!(c, '.' | '/' | '-'));
    let Some(sign) = sign else {
        return Vec::new();
    };
    let parts: Option<Vec<i16>> = text
        .trim_end_matches([sign, ' ', ','])
        .split(sign)
        .map(|part| part.trim().parse().ok())
        .collect();
    let Some([first, second, third]) = parts.and_then(|parts| <[i16; 3]>::try_from(parts).ok())
    else {
        return Vec::new();
    };
    let date = |year: i16, month: i16, day: i16| {
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        (year >= 1000).then(|| Date::new(year, month, day).ok())?
    };
    let mut found = vec![date(first, second, third), date(third, second, first)];
    // Only dots say which comes first.
    if sign != '.' {
        found.push(date(third, first, second));
    }
    found.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_lists_have_them() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        for (cell, time) in [
            ("2026-05-01T08:09:10Z", "2026-05-01T08:09:10Z"),
            ("2026-05-01T08:09:10+02:00", "2026-05-01T06:09:10Z"),
            ("2026-05-01 08:09:10", "2026-05-01T08:09:10Z"),
            ("2026-05-01", "2026-05-01T23:59:59Z"),
            ("2026/05/01 8:09", "2026-05-01T08:09:00Z"),
            ("1.5.2026", "2026-05-01T23:59:59Z"),
            ("1. 5. 2026 8:09", "2026-05-01T08:09:00Z"),
            ("1. 5. 2026", "2026-05-01T23:59:59Z"),
            ("31/05/2026", "2026-05-31T23:59:59Z"),
            ("05/31/2026 9:05 PM", "2026-05-31T21:05:00Z"),
            ("05/04/2026", "2026-05-04T23:59:59Z"),
            ("03/12/2026", "2026-03-12T23:59:59Z"),
            ("46143", "2026-05-01T23:59:59Z"),
            ("1777622950", "2026-05-01T08:09:10Z"),
            ("1777622950000", "2026-05-01T08:09:10Z"),
        ] {
            let read = read(cell, now).map(|time| time.to_string());
            assert_eq!(read.as_deref(), Some(time), "{cell}");
        }
        for cell in [
            "",
            "soon",
            "420777123456",
            "12",
            "31.31.2026",
            "1.5.26",
            "1/2",
            "+420 777 123 456",
        ] {
            assert_eq!(read(cell, now), None, "{cell}");
        }
    }

    #[test]
    fn what_is_no_whole_date_ends_with_its_last_day() {
        for (cell, days) in [
            ("2024", &["2024-12-31"][..]),
            ("6/2025", &["2025-06-30"]),
            ("06.2025", &["2025-06-30"]),
            ("2. 2028", &["2028-02-29"]),
            ("2025-06", &["2025-06-30"]),
            ("2025/6", &["2025-06-30"]),
            ("31.12.24", &["2024-12-31"]),
            ("31. 12. 24", &["2024-12-31"]),
            ("1.5.26", &["2026-05-01"]),
            ("12/31/24", &["2024-12-31"]),
            ("4/5/26", &["2026-04-05", "2026-05-04"]),
            ("24-12-31", &["2024-12-31", "2031-12-24"]),
            ("", &[]),
            ("2", &[]),
            ("13/2025", &[]),
            ("0.2025", &[]),
            ("12/24", &[]),
            ("2024-2026", &[]),
            ("31.13.24", &[]),
            ("1.1.2.24", &[]),
            ("45658", &[]),
            ("soon", &[]),
            ("777 123 456", &[]),
        ] {
            let found = last_days(cell).into_iter();
            let found: Vec<String> = found.map(|it| it.end.to_string()).collect();
            let days = days.iter().map(|day| format!("{day}T23:59:59Z"));
            assert_eq!(found, days.collect::<Vec<_>>(), "{cell}");
        }
    }

    #[test]
    fn a_birthday_is_no_message() {
        for header in ["Birth date", "DOB", "Datum narození"] {
            assert!(
                is_about_birth(header) && !is_about_messages(header),
                "{header}"
            );
        }
        for header in ["sent_at", "Last message", "Odesláno"] {
            assert!(
                is_about_messages(header) && !is_about_birth(header),
                "{header}"
            );
        }
    }
}

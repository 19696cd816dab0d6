//! Moments and zones, as tables of what people write.

use super::*;

fn zone_of(name: &str) -> TimeZone {
    zone(name).unwrap().zone
}

/// What is said of a moment in Berlin's time, and the help.
fn refused(text: &str) -> (String, String) {
    let Advice { message, help } = read(text, &zone_of("Europe/Berlin")).unwrap_err();
    (message, help)
}

#[test]
fn an_offset_or_a_zone_of_its_own_counts_before_the_zone_of_the_file() {
    let new_york = zone_of("America/New_York");
    for (text, seconds) in [
        ("2026-12-01 09:00", 1_796_133_600),
        ("2026-12-01T09:00[Europe/Berlin]", 1_796_112_000),
        ("2026-12-01 09:00[europe/berlin]", 1_796_112_000),
        ("2026-12-01[Europe/Berlin]", 1_796_079_600),
        ("2026-12-01T09:00[!Europe/Berlin]", 1_796_112_000),
        ("2026-12-01T09:00+01:00[Europe/Berlin]", 1_796_112_000),
        ("2026-12-01T09:00+01[+01:00]", 1_796_112_000),
        ("2026-12-01T09:00[+01:00]", 1_796_112_000),
        ("2026-12-01T08:00Z[Europe/Berlin]", 1_796_112_000),
        ("2026-12-01T08:00-00:00[Europe/Berlin]", 1_796_112_000),
        ("2026-12-01t08:00z", 1_796_112_000),
        ("2026-12-01T13:45+05:45", 1_796_112_000),
        ("1969-12-31T23:59:59.5Z", -1),
        // One of two, chosen by its offset.
        ("2026-10-25T02:30+02:00[Europe/Berlin]", 1_792_888_200),
        ("2026-10-25T02:30+01:00[Europe/Berlin]", 1_792_891_800),
    ] {
        let moment = read(text, &new_york).unwrap_or_else(|advice| panic!("{text}: {advice:?}"));
        assert_eq!(moment.seconds, seconds, "{text}");
        assert!(moment.ambiguity.is_none() && moment.remark.is_none(), "{text}: {moment:?}");
        assert_eq!(moment.is_zoned, text != "2026-12-01 09:00", "{text}");
    }
}

#[test]
fn annotations_that_contradict_or_are_unknown_are_refused() {
    for (text, message, help) in [
        ("2026-12-01T09:00+02:00[Europe/Berlin]", "Europe/Berlin is +01:00 then", "09:00[Europe/"),
        ("2026-12-01T09:00+00:00[Europe/Berlin]", "Europe/Berlin is +01:00 then", "09:00[Europe/"),
        ("2026-12-01T09:00+02:00[+01:00]", "+01:00 is +01:00 then", "without the zone"),
        // Clocks are put forward over it.
        ("2026-03-29T02:30+01:00[Europe/Berlin]", "is +02:00 then", "write"),
        ("2026-12-01T09:00[u-ca=japanese]", "\"[u-ca=japanese]\" is not supported", "remove"),
        ("2026-12-01T09:00[!u-ca=japanese]", "\"[!u-ca=japanese]\" is not", "remove"),
        ("2026-12-01T09:00[Europe/Berlin][x=y]", "\"[x=y]\" is not supported", "remove"),
        ("2026-12-01T09:00[Europe/Berlin][Europe/Rome]", "has two zones", "keep one"),
        ("2026-12-01T09:00[Europe/Berlin", "does not end with its zone", "in brackets"),
        ("2026-12-01T09:00[Europe/Berlin] x", "does not end with its zone", "in brackets"),
        ("2026-12-01T09:00[]", "\"\" is not a time zone", "Europe/Berlin"),
        ("2026-12-01T09:00[PST]", "\"PST\" is not a time zone", "write America/Los_Angeles"),
    ] {
        let (said, helped) = refused(text);
        assert!(said.contains(message) && helped.contains(help), "{text}: {said}; {helped}");
    }
}

#[test]
fn clocks_that_are_put_forward_or_back() {
    let berlin = zone_of("Europe/Berlin");
    let cairo = zone_of("Africa/Cairo");
    let read = |text: &str, zone: &TimeZone| {
        let moment = read(text, zone).unwrap();
        (moment.seconds, moment.ambiguity.map(|told| format!("{}; {}", told.message, told.help)))
    };
    let (seconds, told) = read("2026-03-29 02:30", &berlin);
    // 03:30 of the clock that was put forward.
    assert_eq!(seconds, 1_774_747_800);
    let told = told.unwrap();
    assert!(told.contains("does not exist") && told.contains("as 2026-03-29 03:30"), "{told}");
    let (seconds, told) = read("2026-10-25 02:30", &berlin);
    assert_eq!(seconds, 1_792_888_200);
    let told = told.unwrap();
    assert!(told.contains("happens twice"), "{told}");
    assert!(told.contains("2026-10-25 02:30+02:00 or 2026-10-25 02:30+01:00"), "{told}");
    // A day whose first hour does not exist begins with the next.
    assert_eq!(read("2026-04-24", &cairo), (1_776_981_600, None));
    assert!(read("2026-04-24 00:00", &cairo).1.is_some());
    // A day that does not exist at all.
    assert!(read("2011-12-30", &zone_of("Pacific/Apia")).1.unwrap().contains("does not exist"));
}

#[test]
fn the_ends_of_time_are_days() {
    let utc = 253_402_214_400;
    for (zone, text, seconds) in [
        ("UTC", "9999-12-31", utc),
        ("UTC", "9999-12-31T23:59:59Z", utc + DAY - 1),
        ("America/New_York", "9999-12-31", utc + 5 * 3600),
        ("Europe/Berlin", "9999-12-31T23:59", utc + DAY - 60 - 3600),
        ("UTC", "9999-12-31T23:59-12:00", utc + DAY - 60 + 12 * 3600),
        ("UTC", "9999-12-31T23:59+01:00[Europe/Berlin]", utc + DAY - 60 - 3600),
        ("UTC", "0000-01-01", -62_167_219_200),
        ("Asia/Tokyo", "0001-01-01T00:00+09:00", -62_135_629_200),
    ] {
        assert_eq!(read(text, &zone_of(zone)).unwrap().seconds, seconds, "{zone} {text}");
    }
    assert_eq!(text(utc, None), "9999-12-31");
    assert_eq!(text(utc + 60, None), "9999-12-31 00:01 UTC");
    assert_eq!(text(utc + 2 * DAY, None), "253402387200 s");
}

#[test]
fn a_moment_is_written_in_the_zone_of_the_file() {
    let berlin = zone_of("Europe/Berlin");
    for (seconds, zone, expected) in [
        (1_796_079_600, Some(&berlin), "2026-12-01"),
        (1_796_112_000, Some(&berlin), "2026-12-01 09:00 Europe/Berlin"),
        (1_796_079_600, None, "2026-11-30 23:00 UTC"),
        (1_796_083_200, None, "2026-12-01"),
        // The first hour of that day does not exist.
        (1_776_981_600, Some(&zone_of("Africa/Cairo")), "2026-04-24"),
        (253_402_210_800, Some(&berlin), "9999-12-31"),
    ] {
        assert_eq!(text(seconds, zone), expected);
    }
}

#[test]
fn texts_that_are_not_moments_get_the_right_one() {
    for (text, message, help) in [
        (
            "2026-02-30",
            "\"2026-02-30\" is not a day: February 2026 has 28 days",
            "write 2026-02-28 or 2026-03-01",
        ),
        ("2024-02-30 09:00", "February 2024 has 29 days", "write 2024-02-29 or 2024-03-01"),
        ("2026-04-31", "April 2026 has 30 days", "write 2026-04-30 or 2026-05-01"),
        ("2026-12-00", "December 2026 has 31 days", "write 2026-12-01"),
        ("2026-13-01", "there is no month 13", "year, month and day"),
        ("2026-00-01", "there is no month 0", "year, month and day"),
        ("2026-12-01 25:00", "there is no hour 25", "00 to 23"),
        ("2026-12-01 24:30", "there is no hour 24", "00 to 23"),
        ("2026-12-01T24:00", "24:00, which is the next day", "write 2026-12-02 00:00"),
        ("2026-12-01 09:75", "there is no minute 75", "00 to 59"),
        ("2026-12-01T09:00:75", "there is no second 75", "00 to 59"),
        ("2026-12-31T23:59:60Z", "has a leap second", "write 2026-12-31 23:59:59"),
        ("2026-3-7", "is not written as year-month-day", "write 2026-03-07"),
        ("2026-12-1 09:00", "is not written as year-month-day", "write 2026-12-01"),
        ("2026/12/31", "is not written as year-month-day", "write 2026-12-31"),
        ("12/31/2026", "is not written as year-month-day", "write 2026-12-31"),
        ("31/12/2026", "is not written as year-month-day", "write 2026-12-31"),
        ("12/03/2026", "is not written as", "write 2026-03-12 or 2026-12-03"),
        ("31.12.2026", "is not written as year-month-day", "write 2026-12-31"),
        ("1.2.2026 09:00", "is not written as year-month-day", "write 2026-02-01"),
        ("30.02.2026", "is not written as year-month-day", "year, month and day"),
        ("2026", "is a year, not a day", "write 2026-01-01"),
        ("2026-12", "is a month, not a day", "write 2026-12-01"),
        ("26-12-31", "is not a day", "year with four digits"),
        ("12/31/26", "is not a day", "year with four digits"),
        ("1796112000", "is a number, not a moment", "write 2026-12-01T08:00:00Z"),
        ("1796112000000", "is a number, not a moment", "write 2026-12-01T08:00:00Z"),
        ("2026-12-01 9:00", "two digits for the hour", "write 2026-12-01 09:00"),
        ("2026-12-01 9:00 pm", "time of twelve hours", "write 2026-12-01 21:00"),
        ("2026-12-01 9am", "time of twelve hours", "write 2026-12-01 09:00"),
        ("2026-12-01 09:00 UTC", "has \"UTC\" behind the time", "write 2026-12-01T09:00Z"),
        ("2026-12-01 09:00 +02:00", "has \"+02:00\" behind", "write 2026-12-01T09:00+02:00"),
        ("2026-12-01 09:00 PST", "has \"PST\" behind the time", "or a zone, such as"),
        ("2026-12-01 09:00 GMT+2", "has \"GMT+2\" behind the time", "the offset, such as"),
        ("2026-12-01 09:00+2", "has \"+2\" behind the time", "the offset, such as"),
        ("2026-12-01 09:00+25:00", "has \"+25:00\" behind the time", "the offset, such as"),
        (
            "2026-12-01 09:00 Europe/Berlin",
            "has \"Europe/Berlin\" behind",
            "write 2026-12-01T09:00[Europe/Berlin]",
        ),
        ("2026-12-01Z", "is not a", "write"),
        ("tomorrow", "\"tomorrow\" is not a moment", "write a day or a time"),
        ("Dec 1, 2026", "is not a moment", "write a day or a time"),
        ("2026-W49-1", "is not a moment", "write a day or a time"),
        ("", "\"\" is not a moment", "write a day or a time"),
        ("99999-01-01", "is not", "write"),
        ("2026-12-01T", "is not a moment", "write"),
    ] {
        let (said, helped) = refused(text);
        assert!(said.contains(message) && helped.contains(help), "{text}: {said}; {helped}");
    }
}

#[test]
fn a_zone_that_is_not_one_is_never_a_matter_of_spelling() {
    for (name, help) in [
        ("PST", "write America/Los_Angeles"),
        ("pst", "write America/Los_Angeles"),
        ("IST", "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem"),
        ("CEST", "write Europe/Berlin"),
        ("GMT+2", "Etc/GMT-2 is +02:00 in every month"),
        ("UTC+2", "Etc/GMT-2 is +02:00 in every month"),
        ("UTC-08:00", "Etc/GMT+8 is -08:00 in every month"),
        ("utc \u{2212} 5", "Etc/GMT+5 is -05:00 in every month"),
        ("+02:00", "Etc/GMT-2 is +02:00 in every month"),
        ("+5:30", "and not an offset"),
        ("UTC+0530", "and not an offset"),
        ("UTC+0", "write UTC"),
        ("Etc/GMT+15", "and not an offset"),
        ("Etc/UTC+2", "and not an offset"),
        ("MEZ-1", "and not an offset"),
        ("Z", "write UTC"),
        ("berlin", "write Europe/Berlin"),
        ("New York", "write America/New_York"),
        ("XYZ", "write the zone of a city, such as Europe/Berlin, or UTC"),
        ("Pacific Standard Time", "write the zone of a city, such as Europe/Berlin, or UTC"),
        ("Eastern Time", "write the zone of a city"),
        ("local", "write the zone of a city"),
    ] {
        let Advice { message, help: helped } = zone(name).unwrap_err();
        assert_eq!(message, format!("\"{name}\" is not a time zone"));
        assert!(helped.contains(help) && !helped.contains("did you mean"), "{name}: {helped}");
    }
    // A zone of a city can be misspelt.
    assert_eq!(zone("Europe/Berlín").unwrap_err().help, "did you mean \"Europe/Berlin\"?");
}

#[test]
fn a_name_that_is_easily_misread_is_explained() {
    for (name, message, help) in [
        ("EST", "\"EST\" is -05:00 in every month", "write America/New_York"),
        ("CET", "\"CET\" is +01:00 in January and +02:00 in July", "write Europe/Berlin"),
        (
            "GMT",
            "\"GMT\" is +00:00 in every month",
            "write Europe/London, or, without summer time, UTC",
        ),
        ("Japan", "\"Japan\" is +09:00 in every month", "write the zone of a city"),
        ("Zulu", "\"Zulu\" is +00:00 in every month", "write UTC"),
        (
            "EST5EDT",
            "\"EST5EDT\" is -05:00 in January and -04:00 in July",
            "write America/New_York",
        ),
        ("Etc/GMT+2", "\"Etc/GMT+2\" is -02:00: the sign", "write Etc/GMT-2"),
        ("Etc/GMT-14", "\"Etc/GMT-14\" is +14:00: the sign", "write the zone of a city"),
    ] {
        let remark = zone(name).unwrap().remark.unwrap();
        assert_eq!(remark.message.split(" in its").next(), Some(message), "{name}");
        assert!(remark.help.contains(help), "{name}: {}", remark.help);
    }
    for name in ["UTC", "utc", "Etc/UTC", "Etc/GMT", "Europe/Berlin", "America/Indiana/Knox"] {
        assert_eq!(zone(name).unwrap().remark, None, "{name}");
    }
    assert!(read("2026-12-01T09:00[EST]", &TimeZone::UTC).unwrap().remark.is_some());
}

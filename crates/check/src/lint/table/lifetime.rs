//! Lints about when a flag has to go.

use crate::lint::definition::{ExampleContext, Lint};
use flagstaff_core::diagnostic::Level;

pub(crate) const NO_EXPIRY: Lint = Lint {
    code: "no-expiry",
    level: Level::Warning,
    summary: "A release or an experiment does not say when it goes.",
    why: "What nobody plans to remove stays. Write the day by which the flag and the code it \
        switches have to be gone. It is no promise; it is the day on which somebody has to look.",
    bad: include_str!("../examples/no-expiry.bad.yaml"),
    good: include_str!("../examples/no-expiry.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const EXPIRED: Lint = Lint {
    code: "expired",
    level: Level::Warning,
    summary: "A flag should be gone.",
    why: "The day of `expires` has come, by the calendar of UTC. Remove the flag and the code of \
        the variant that lost, or decide that it stays: a later day, and a `why` that says what \
        for.",
    bad: include_str!("../examples/expired.bad.yaml"),
    good: include_str!("../examples/expired.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const BAD_DATE: Lint = Lint {
    code: "bad-date",
    level: Level::Warning,
    summary: "A day is none.",
    why: "Nothing can be worked out from \"Q2\" or \"soon\": neither this check nor the metric \
        `flagstaff_flag_expires_timestamp_seconds`. Write a day such as `2027-03-31`.",
    bad: include_str!("../examples/bad-date.bad.yaml"),
    good: include_str!("../examples/bad-date.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const TOO_OLD: Lint = Lint {
    code: "too-old",
    level: Level::Warning,
    summary: "A temporary flag has lived for too long.",
    why: "`created` was more than `max_age_days` (180) ago. Two code paths for half a year is no \
        release any more: finish it, or give it the kind that it has become.",
    bad: include_str!("../examples/too-old.bad.yaml"),
    good: include_str!("../examples/too-old.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const SETTLED: Lint = Lint {
    code: "settled",
    level: Level::Note,
    summary: "A release or an experiment serves everybody the same, and will go on to.",
    why: "It has reached 100 %, or its end, or nothing in it asks anything. The flag has done its \
        work: keep the code of that variant, remove the other, then the flag. What is switched \
        off for everybody and waits for its launch is not told.",
    bad: include_str!("../examples/settled.bad.yaml"),
    good: include_str!("../examples/settled.good.yaml"),
    beside: ExampleContext::Nothing,
};

pub(crate) const HELD: Lint = Lint {
    code: "held",
    level: Level::Note,
    summary: "A rollout is held, and would be elsewhere without it.",
    why: "`hold_at` freezes a plan that goes on in time below it. Whoever removes the line gets at \
        once what the plan has come to meanwhile. The note says what that is today.",
    bad: include_str!("../examples/held.bad.yaml"),
    good: include_str!("../examples/held.good.yaml"),
    beside: ExampleContext::Nothing,
};

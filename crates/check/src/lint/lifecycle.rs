//! When a flag has to go.

use super::{
    findings::Findings,
    table::{BAD_DATE, EXPIRED, HELD, NO_EXPIRY, TOO_OLD},
};
use crate::lint::context::{LintContext, LintedFlag};
use flagstaff_core::moment::{self, DAY};
use jiff::tz::TimeZone;

pub(super) fn look(page: &LintContext, now: i64, found: &mut Findings<'_>) {
    for flag in &page.flags {
        let expires = date(page, flag, "expires", found);
        let created = date(page, flag, "created", found);
        if let Some(expires) = expires.filter(|expires| *expires <= now) {
            let days = (now - expires) / DAY;
            let message = match days {
                0 => "expires today".to_owned(),
                1 => "expired yesterday".to_owned(),
                _ => format!("expired {days} days ago"),
            };
            let help =
                "remove the flag and the code it switches, or say why it stays and until when";
            found.tell(&EXPIRED, flag.path_of("expires"), message, help);
        }
        held(page, flag, now, found);
        if !page.is_temporary(flag) {
            continue;
        }
        if page.fact(flag, "expires").is_none() {
            let kind = page.fact(flag, "kind").unwrap_or_default();
            let message = format!("is of kind {kind} and does not say when it goes");
            let help = match page.is_readable {
                true => "write expires: and the day on which it has to be gone",
                false => "write \"expires\" into the metadata: the day on which it has to be gone",
            };
            found.tell(&NO_EXPIRY, flag.path(), message, help);
        }
        let most = page.settings().max_age_days;
        let age = created.map(|created| (now - created) / DAY);
        if let Some(age) = age.filter(|age| usize::try_from(*age).is_ok_and(|age| age > most)) {
            let message = format!("is {age} days old, and temporary flags live at most {most}");
            let help = "finish it and remove its code, or give it the kind ops or permission";
            found.tell(&TOO_OLD, flag.path_of("created"), message, help);
        }
    }
}

/// A day that is said of a flag.
fn date(
    page: &LintContext,
    flag: &LintedFlag,
    fact: &str,
    found: &mut Findings<'_>,
) -> Option<i64> {
    let text = page.fact(flag, fact)?;
    // A fact is read by programs that know no zone of a file, so a day is one of UTC.
    match moment::read(&text, &TimeZone::UTC) {
        Ok(moment) => {
            for doubt in moment.remark.into_iter().chain(moment.ambiguity) {
                found.tell(&BAD_DATE, flag.path_of(fact), doubt.message, doubt.help);
            }
            Some(moment.seconds)
        }
        Err(advice) => {
            found.tell(&BAD_DATE, flag.path_of(fact), advice.message, advice.help);
            None
        }
    }
}

/// What a rollout would do that its hold keeps it from, first of all.
fn held(page: &LintContext, flag: &LintedFlag, now: i64, found: &mut Findings<'_>) {
    let Some(held) = page.shape(&flag.key).and_then(|shape| shape.held.as_ref()) else { return };
    let passed = held.steps.iter().rposition(|(from, _)| from.is_none_or(|from| from <= now));
    let mut coming = held.steps.iter().skip(passed.unwrap_or(0));
    // What the hold does not cut is the same with it and without.
    let Some((from, share)) = coming.find(|(_, share)| *share > held.at) else { return };
    let when = match from.filter(|from| *from > now) {
        Some(from) => format!("from {}", moment::text(from, page.zone.as_ref())),
        None => "now".to_owned(),
    };
    let message = format!("holds at {}; without it {share} would be served {when}", held.at);
    let help = "that is what happens when the line is removed; move the steps if it is too much";
    found.tell(&HELD, flag.path().member("hold_at"), message, help);
}

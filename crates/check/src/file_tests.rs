//! Tests that stand in a file: who gets what, and which share of many units.

#[cfg(test)]
mod tests;
mod trial;
mod versions;
mod work;

use flagstaff_core::{
    diagnostic::{
        Diagnostic, Path,
        problems::{MOST_TOLD, Problems},
        suggest::suggest,
    },
    document::{
        definition_value::read,
        json::{self, Indexed, Json},
        members::Members,
        protobuf::encode_object,
        text::{DocumentText, Format},
        yaml_bool,
    },
    flag::{Flag, context::Scratch},
    flag_file::{layer::Layer, place_problems},
    readable::{
        VERSION,
        clock::Clock,
        node::Node,
        rule_text::RuleText,
        share::{Share, tolerance},
    },
};
use std::collections::{BTreeMap, BTreeSet};
use trial::{Crowd, Trial, warn_of_dots};
use work::{MOST_WORK, work};

const KNOWN: [&str; 7] = ["name", "user", "at", "expect", "expect_share", "users", "vary"];

/// Runs the tests of a file on its flags as they were compiled, and gives one error for each
/// expectation that is not met. `now` counts where a test does not say a moment; without either,
/// flags that ask for the time are left out, so that no file fails for growing old.
pub fn run_tests(
    content: &[u8],
    format: Format,
    layer: &Layer,
    now: Option<i64>,
) -> Vec<Diagnostic> {
    let mut found = Problems::with_room(MOST_TOLD);
    let Ok(text) = DocumentText::read(content, format) else { return Vec::new() };
    if let Ok(members) = serde_json::from_str::<Members<'_>>(text.json())
        && members.get(VERSION).is_some()
        && let Some(tests) = members.get("tests").filter(|tests| tests.get() != "null")
    {
        let mut read = |name: &str, raw| read(raw, &Path::from(name), &mut found).ok();
        let zone = members.get("time_zone").and_then(|zone| read("time_zone", zone));
        let zone = zone.as_ref().map(Indexed::value);
        let zone = zone.map(|value| Node::new(value, "time_zone".into()));
        let tests = read("tests", tests);
        // What is wrong with the zone was told when the flags were read.
        if let (Some(tests), Ok(clock)) =
            (&tests, Clock::read(zone.as_ref(), &mut Problems::with_room(0)))
        {
            let mut run = Run { layer, clock, now, room: MOST_WORK };
            run.all(&Node::new(tests.value(), "tests".into()), &mut found);
        }
    }
    place_problems(&text, found)
}

struct Run<'a> {
    layer: &'a Layer,
    clock: Clock,
    now: Option<i64>,
    /// Work that may still be done.
    room: u64,
}

impl<'a> Run<'a> {
    fn all(&mut self, tests: &Node<'_>, found: &mut Problems) {
        if !tests.value.is_array() {
            let help = "write - { user: { targetingKey: ana }, expect: { FLAG: on } } for each";
            found.push(tests.error("is not a list", help));
        }
        for test in tests.elements() {
            self.one(&test, found);
        }
    }

    fn one(&mut self, test: &Node<'_>, found: &mut Problems) {
        if test.object(&KNOWN, "a test", found).is_none() {
            return;
        }
        let at = test.member("at").map(|at| self.clock.moment(&at, found));
        if at == Some(None) {
            return;
        }
        let at = at.flatten();
        let user = match test.member("user") {
            None => None,
            Some(user) => match user.value {
                Json::Object(user) => Some(user),
                _ => {
                    let help = "write the attributes of the context, targetingKey among them";
                    return found.push(user.error("is not a mapping", help));
                }
            },
        };
        if let Some(user) = test.member("user") {
            warn_of_dots(&user, found);
        }
        let (expect, shares) = (test.member("expect"), test.member("expect_share"));
        if expect.is_none() && shares.is_none() {
            found.push(test.error("expects nothing", "write expect: { FLAG: VARIANT }"));
        }
        let mut versions = BTreeSet::new();
        if let Some(expect) = expect {
            let context = user.map_or_else(Box::default, json::encode_object);
            for (key, expected) in expect.members() {
                if let Some((flag, at)) = self.asked(&key, at, &expected, found) {
                    versions.extend(versions::compared(flag));
                    self.variant(&Trial { flag, at, context: &context }, &expected, found);
                }
            }
        }
        if let Some(shares) = shares
            && let Some(crowd) = Crowd::read(test, user, found)
        {
            for (key, expected) in shares.members() {
                if let Some((flag, at)) = self.asked(&key, at, &expected, found) {
                    versions.extend(versions::compared(flag));
                    let trial = Trial { flag, at, context: &crowd.common };
                    self.share(&trial, &crowd, &expected, found);
                }
            }
        }
        if let Some(user) = test.member("user") {
            versions.iter().for_each(|path| versions::warn(&user, path, found));
        }
    }

    /// The flag that an expectation names, and the moment to ask it at.
    fn asked(
        &self,
        key: &str,
        at: Option<i64>,
        node: &Node<'_>,
        found: &mut Problems,
    ) -> Option<(&'a Flag, i64)> {
        let flag = self.flag(key, node, found)?;
        Some((flag, self.moment(at, flag, node, found)?))
    }

    /// The moment to ask a flag at, if there is one.
    fn moment(
        &self,
        at: Option<i64>,
        flag: &Flag,
        node: &Node<'_>,
        found: &mut Problems,
    ) -> Option<i64> {
        if at.is_some() {
            return at;
        }
        if !flag.asks_the_time() {
            // Any will do.
            return Some(self.now.unwrap_or_default());
        }
        let help = "write at: and a moment beside it";
        found.push(Diagnostic::note(
            &node.path,
            "depends on the day, so --tests-on-load leaves it out",
            help,
        ));
        self.now
    }

    fn flag(&self, key: &str, node: &Node<'_>, found: &mut Problems) -> Option<&'a Flag> {
        let flag = self.layer.get(key).map(|flag| &**flag.flag());
        if flag.is_none() {
            let keys = self.layer.flags().map(|flag| flag.flag().key());
            let help = suggest(key, keys, "a test can ask flags of its file alone");
            found.push(node.error(format!("\"{key}\" is no flag of this file"), help));
        }
        flag
    }

    /// One user gets one variant.
    fn variant(&mut self, trial: &Trial<'_>, expected: &Node<'_>, found: &mut Problems) {
        let Some(variant) = named(trial.flag, expected, found) else { return };
        if !self.has_room(1, trial, expected, found) {
            return;
        }
        let served = trial.serve(&mut Scratch::default());
        if served.as_deref() != Ok(&*variant) {
            let served = match &served {
                Ok(served) => format!("is \"{served}\""),
                Err(why) => why.clone(),
            };
            // A test that was written for the flag must not keep a kill from being served.
            if trial.flag.is_killed() {
                let message = format!("{served} as long as the flag is killed, not \"{variant}\"");
                found.push(Diagnostic::note(
                    &expected.path,
                    message,
                    "end the kill, or change the test",
                ));
                return;
            }
            let help = "flagstaff eval --explain with the same user and moment shows why";
            found.push(expected.error(format!("{served}, not \"{variant}\""), help));
        }
    }

    /// Of many users, each variant is served to its share.
    fn share(
        &mut self,
        trial: &Trial<'_>,
        crowd: &Crowd,
        expected: &Node<'_>,
        found: &mut Problems,
    ) {
        let Crowd { users, vary, common } = crowd;
        if !self.has_room(*users, trial, expected, found) {
            return;
        }
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let mut scratch = Scratch::default();
        let mut context = common.to_vec();
        for user in 1..=*users {
            context.truncate(common.len());
            // Attributes stand one after the other.
            context.extend(encode_object([(vary, &format!("user-{user}").into())]));
            let one = Trial { context: &context, ..*trial };
            if let Ok(served) = one.serve(&mut scratch) {
                *counts.entry(served).or_default() += 1;
            }
        }
        for (name, share) in expected.members() {
            let Some(variant) = called(trial.flag, &name, &share.path, found) else { continue };
            let Some((wanted, within)) = tolerance(&share, found) else { continue };
            let count = counts.get(&variant).copied().unwrap_or_default();
            let served = Share::of(count, (*users).into());
            if served.differs_from(wanted) > within {
                let message =
                    format!("of {users} users {served} get \"{variant}\", not {wanted} ± {within}");
                let help = "flagstaff eval --explain shows the shares and where a user falls";
                found.push(share.error(message, help));
            }
        }
    }

    fn has_room(
        &mut self,
        users: u32,
        trial: &Trial<'_>,
        node: &Node<'_>,
        found: &mut Problems,
    ) -> bool {
        let room = self.room.checked_sub(work(trial).saturating_mul(users.into()));
        if room.is_none() {
            let help = "lower users in some of them, or ask for less: long rules and users with \
                        much in them count for more";
            found.push(node.error("the tests of the file are too much work up to here", help));
        }
        self.room = room.unwrap_or(0);
        room.is_some()
    }
}

/// The variant of a flag that a test names.
fn named(flag: &Flag, node: &Node<'_>, found: &mut Problems) -> Option<String> {
    let names = || flag.variants().iter().map(flagstaff_core::Variant::name);
    let named = yaml_bool::named(node.value, names()).map(str::to_owned);
    if named.is_none() {
        refuse(flag, &node.value.to_canonical(), &node.path, found);
    }
    named
}

/// The same for a name.
fn called(flag: &Flag, name: &str, path: &Path, found: &mut Problems) -> Option<String> {
    let names = flag.variants().iter().map(flagstaff_core::Variant::name);
    let called = yaml_bool::called(name, names).map(str::to_owned);
    if called.is_none() {
        refuse(flag, RuleText::text(name).as_str(), path, found);
    }
    called
}

fn refuse(flag: &Flag, written: &str, path: &Path, found: &mut Problems) {
    let names = flag.variants().iter().map(flagstaff_core::Variant::name);
    let known = names.collect::<Vec<_>>().join(", ");
    let help = format!("\"{}\" has {known}", flag.key());
    found.push(Diagnostic::error(path, format!("{written} is no variant"), help));
}

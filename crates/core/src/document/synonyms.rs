//! Words of other products for members and operators that have another name here.
//!
//! They are looked up before spelling is compared: `users` is spelled like `rules`, and `off` like
//! no member.

/// Names of members, each with what else it is called.
const MEMBERS: [(&str, &[&str]); 23] = [
    (
        "killed",
        &[
            "kill",
            "kill_switch",
            "killswitch",
            "is_killed",
            "disabled",
            "disable",
            "off",
            "deactivated",
            "paused",
            "stopped",
        ],
    ),
    (
        "otherwise",
        &[
            "default",
            "defaultVariant",
            "default_variant",
            "defaultServe",
            "else",
            "fallback",
            "offVariation",
            "off_variation",
        ],
    ),
    (
        "serve",
        &[
            "fallthrough",
            "variant",
            "variation",
            "value",
            "enabled",
            "active",
            "then",
            "return",
            "result",
        ],
    ),
    ("variants", &["variations", "values", "options"]),
    ("rollout", &["percentage", "percent", "share", "ramp", "gradual", "progressive", "canary"]),
    (
        "rules",
        &[
            "users",
            "user",
            "targets",
            "targeted",
            "allowlist",
            "whitelist",
            "overrides",
            "strategies",
            "constraints",
            "audience",
            "segments",
        ],
    ),
    ("if", &["when", "condition", "conditions", "where", "users", "segment", "match", "and"]),
    ("why", &["purpose", "notes", "note", "comment", "summary"]),
    ("because", &["reason", "description", "comment", "why"]),
    ("owner", &["team", "owners", "maintainer", "contact"]),
    ("kind", &["type", "category"]),
    ("expires", &["expiry", "expiration", "remove_by", "ttl", "sunset"]),
    ("created", &["created_at", "since"]),
    ("ticket", &["issue", "jira", "link", "url"]),
    ("start", &["starts", "begins", "launch", "not_before"]),
    ("end", &["until", "ends", "stop", "not_after"]),
    ("split", &["weights", "distribution", "traffic_split"]),
    (
        "requires",
        &[
            "prerequisites",
            "prerequisite",
            "depends_on",
            "depends",
            "dependencies",
            "needs",
            "require",
            "after",
            "parent",
        ],
    ),
    ("by", &["bucket_by", "bucketBy", "hash_by", "stickiness", "unit", "key"]),
    ("salt", &["seed", "bucketing_key"]),
    ("experiment", &["ab_test", "abtest", "test"]),
    ("schema", &["json_schema", "shape"]),
    ("metadata", &["meta", "labels", "tags", "annotations"]),
];

/// Operators of conditions, each group with what to write instead.
const OPERATORS: [(&[&str], &str); 13] = [
    (
        &["regex", "regexp", "matches", "match", "pattern", "like", "=~"],
        "there are no regular expressions; write starts_with, ends_with, contains or matches_any",
    ),
    (
        &["in", "any_of", "one_of", "is_one_of", "any"],
        "write a list of values: plan: [team, enterprise]",
    ),
    (&["eq", "equals", "equal", "==", "==="], "write is, or the value alone: plan: enterprise"),
    (
        &["ne", "neq", "not_equals", "not_in", "none_of", "!=", "isnt"],
        "write not: VALUE, or not: [VALUE, …]",
    ),
    (
        &[
            "gt",
            "gte",
            "lt",
            "lte",
            "ge",
            "le",
            "greater_than",
            "less_than",
            "min",
            "max",
            ">",
            ">=",
            "<",
            "<=",
        ],
        "write the comparison as a text: age: \">= 18\"",
    ),
    (&["between", "range"], "write both ends as one text: age: \">= 18 <= 65\""),
    (&["has", "includes", "substring", "contains_any"], "write contains: TEXT"),
    (&["prefix", "startsWith", "begins_with", "starts"], "write starts_with: TEXT"),
    (&["suffix", "endsWith", "ends"], "write ends_with: TEXT"),
    (&["semver", "sem_ver", "version_gte"], "write version: \">= 4.2.0\""),
    (&["before", "after", "since", "until", "date"], "write time: \">= 2026-12-01\""),
    (
        &["missing", "is_null", "null", "is_set", "present", "defined"],
        "write exists: yes, or exists: no",
    ),
    (
        &["list", "in_file", "in_segment"],
        "write in_list: FILE, for a file with a value on each line",
    ),
];

/// What to write instead of a member that is not known here.
pub(crate) fn of_member(name: &str, known: &[&str]) -> Option<String> {
    let is_called = |(own, others): &&(&str, &[&str])| {
        known.contains(own) && others.iter().any(|other| other.eq_ignore_ascii_case(name))
    };
    let (own, _) = MEMBERS.iter().find(is_called)?;
    Some(match (*own, name) {
        ("killed", _) => "write killed: true; everybody then gets the safe variant".to_owned(),
        ("serve", "enabled" | "active") => {
            "write serve: on, or killed: true to switch it off".to_owned()
        }
        ("rules", _) => "write rules: [{ if: CONDITION, serve: VARIANT }]".to_owned(),
        _ => format!("write {own}, as it is called here"),
    })
}

/// Whether a name is another word for this member.
pub(super) fn means(member: &str, name: &str) -> bool {
    let mut same = MEMBERS.iter().filter(|(own, _)| *own == member);
    same.any(|(_, others)| others.iter().any(|other| other.eq_ignore_ascii_case(name)))
}

/// What to write instead of an operator that is not known.
pub(crate) fn of_operator(name: &str) -> Option<&'static str> {
    let has = |(names, _): &&(&[&str], &str)| names.iter().any(|of| of.eq_ignore_ascii_case(name));
    OPERATORS.iter().find(has).map(|(_, help)| *help)
}

/// The truth that somebody means who does not write `on` or `off`.
pub(crate) fn truth(word: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(&["enabled", "enable", "active", "1", "open"]) {
        return Some(true);
    }
    is(&["disabled", "disable", "inactive", "none", "null", "0", "closed", "killed"])
        .then_some(false)
}

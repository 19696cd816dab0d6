//! Kill switches that do not do what they are for.

use super::{
    findings::Findings,
    table::{DISABLED_KILL, NO_SAFE_VARIANT},
};
use crate::lint::context::LintContext;
use flagstaff_core::document::yaml_bool::truth;
use serde_json::Value as Json;

pub(super) fn look(page: &LintContext, found: &mut Findings<'_>) {
    for flag in &page.flags {
        let is_ops = page.fact(flag, "kind").as_deref() == Some("ops");
        if flag.is_disabled && (is_ops || !flag.targeting.is_null()) {
            let message = "is switched off with DISABLED, so each client decides by its own code";
            let help = match page.is_readable {
                true => "write killed: true, which serves the safe variant",
                false => {
                    "to kill it, name the safe variant as defaultVariant and remove the targeting"
                }
            };
            found.tell(&DISABLED_KILL, flag.path().member("state"), message, help);
            continue;
        }
        let names = || flag.variants.keys();
        let means_off = names().filter(|name| truth(name) == Some(false)).count() == 1;
        let killed = flag.written.get("killed");
        if killed.is_some() && !means_off && flag.written.get("otherwise").is_none() {
            let help = "write otherwise: VARIANT, the one that is safe";
            let path = flag.path().member("killed");
            found.tell(&NO_SAFE_VARIANT, path, "has no variant to go back to", help);
            continue;
        }
        let mut values = flag.variants.values();
        let first = values.next();
        let is_all_one = first.is_some() && values.all(|value| Some(value) == first);
        if is_ops && is_all_one {
            let value = match first {
                Some(Json::Bool(bit)) => format!("all of its variants are {bit}"),
                _ => "all of its variants are the same".to_owned(),
            };
            let message = format!("cannot switch anything: {value}");
            let help = "give it a variant that is safe when things go wrong";
            found.tell(&NO_SAFE_VARIANT, flag.path().member("variants"), message, help);
        }
    }
}

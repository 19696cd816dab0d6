//! Flag files of other products, and schemas and manifests that describe flags.
//!
//! Rules are not carried over: the line for `jq` gives the flags with the value that is safest,
//! and their rules are written anew.

use super::{named, shape::DocumentShape};
use crate::diagnostic::Diagnostic;

/// A product, and how to get the flags out of its file.
struct Product {
    what: &'static str,
    is: fn(&DocumentShape<'_, '_>) -> bool,
    help: &'static str,
}

const PRODUCTS: [Product; 12] = [
    Product {
        what: "a manifest of the OpenFeature CLI",
        is: |file| {
            let schema = file.text("$schema").unwrap_or_default();
            let describes =
                |flag: &DocumentShape<'_, '_>| flag.has("flagType") && !flag.has("variants");
            let serves = |flag: &DocumentShape<'_, '_>| flag.has("variants");
            let is_named = schema.contains("open-feature/cli") || schema.contains("flag-manifest");
            file.any_in("flags", describes) || (is_named && !file.any_in("flags", serves))
        },
        help: "jq '{flags: (.flags | map_values({state: \"ENABLED\", variants: {default: \
            .defaultValue}, defaultVariant: \"default\"}))}' FILE > flags.json",
    },
    Product {
        what: "a JSON schema",
        is: |file| {
            let schema = file.text("$schema").unwrap_or_default();
            let describes = file.has_any(&["properties", "$defs", "definitions"]);
            !file.has_flags() && (describes || schema.contains("json-schema.org"))
        },
        help: "serve a file that it describes; such a file names it in \"$schema\"",
    },
    Product {
        what: "a file of flag values for LaunchDarkly",
        is: |file| !file.has_flags() && file.has("flagValues"),
        help: "jq '{flags: (.flagValues | map_values({state: \"ENABLED\", variants: {value: .}, \
            defaultVariant: \"value\"}))}' FILE > flags.json",
    },
    Product {
        what: "an export of LaunchDarkly",
        is: |file| file.any_in("flags", is_launch_darkly),
        help: "jq '{flags: (.flags | map_values({state: \"ENABLED\", variants: (.variations | \
            to_entries | map({key: \"v\\(.key)\", value: .value}) | from_entries), \
            defaultVariant: \"v\\(.offVariation // 0)\"}))}' FILE > flags.json",
    },
    Product {
        what: "an export of LaunchDarkly",
        is: |file| !file.has_flags() && file.any_in("items", is_launch_darkly),
        help: "jq '{flags: (.items | map({key, value: {state: \"ENABLED\", variants: (.variations | \
            to_entries | map({key: \"v\\(.key)\", value: .value}) | from_entries), \
            defaultVariant: \"v\\(.defaults.offVariation // 0)\"}}) | from_entries)}' FILE > flags.json",
    },
    Product {
        what: "an export of Unleash",
        is: |file| {
            let is_unleash =
                |flag: &DocumentShape<'_, '_>| flag.has_any(&["strategies", "enabled"]);
            !file.has_flags() && file.any_in("features", is_unleash)
        },
        help: "jq '{flags: (.features | map({key: .name, value: {state: \"ENABLED\", variants: \
            {on: true, off: false}, defaultVariant: \"off\"}}) | from_entries)}' FILE > flags.json",
    },
    Product {
        what: "an export of Flipt",
        is: |file| {
            let is_flipt = |flag: &DocumentShape<'_, '_>| {
                let kind = flag.text("type").unwrap_or_default();
                kind.ends_with("_FLAG_TYPE") || flag.has("rollouts")
            };
            file.any_in("flags", is_flipt)
        },
        help: "yq -o json FILE | jq '{flags: (.flags | map({key, value: {state: \"ENABLED\", \
            variants: ((.variants // [{key: \"off\"}]) | map({key, value: .key}) | from_entries), \
            defaultVariant: (.variants[0].key? // \"off\")}}) | from_entries)}' > flags.json",
    },
    Product {
        what: "a configuration of GO Feature Flag",
        is: |file| {
            !file.has_flags() && file.any(|flag| flag.has("variations") && flag.has("defaultRule"))
        },
        help: "yq -o json FILE | jq '{flags: map_values({state: \"ENABLED\", variants: .variations, \
            defaultVariant: (.defaultRule.variation // (.variations | keys[0]))})}' > flags.json",
    },
    Product {
        what: "a configuration of ConfigCat",
        is: |file| {
            let has_value = |flag: &DocumentShape<'_, '_>| flag.has("v") || flag.has("t");
            !file.has_flags() && file.any_in("f", has_value)
        },
        help: "jq '{flags: (.f | map_values({state: \"ENABLED\", variants: {value: (.v | if type == \
            \"object\" then .[] else . end)}, defaultVariant: \"value\"}))}' FILE > flags.json",
    },
    Product {
        what: "an export of GrowthBook",
        is: |file| !file.has_flags() && file.any_in("features", |flag| flag.has("defaultValue")),
        help: "jq '{flags: (.features | map_values({state: \"ENABLED\", variants: {default: \
            .defaultValue}, defaultVariant: \"default\"}))}' FILE > flags.json",
    },
    Product {
        what: "a configuration of Statsig",
        is: |file| !file.has_flags() && file.has("feature_gates") && file.has("dynamic_configs"),
        help: "jq '{flags: (.feature_gates | map({key: .name, value: {state: \"ENABLED\", variants: \
            {on: true, off: false}, defaultVariant: \"off\"}}) | from_entries)}' FILE > flags.json",
    },
    Product {
        what: "an environment of Flagsmith",
        is: |file| !file.has_flags() && file.has("feature_states"),
        help: "jq '{flags: (.feature_states | map({key: .feature.name, value: {state: \"ENABLED\", \
            variants: {on: true, off: false}, defaultVariant: \"off\"}}) | from_entries)}' FILE > flags.json",
    },
];

pub(super) fn error(file: &DocumentShape<'_, '_>) -> Option<Diagnostic> {
    let product = PRODUCTS.iter().find(|product| (product.is)(file))?;
    let out =
        if product.help.starts_with("serve") { "" } else { "take the flags out, without rules: " };
    Some(named(product.what, format!("{out}{}", product.help)))
}

fn is_launch_darkly(flag: &DocumentShape<'_, '_>) -> bool {
    flag.has("variations") && flag.has_any(&["fallthrough", "offVariation", "environments"])
}

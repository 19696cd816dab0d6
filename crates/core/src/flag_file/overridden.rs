//! The flag that an override makes of a flag: one variant for everyone, until it ends.

use crate::{
    document::protobuf::encode_object,
    flag::{Behaviour, Flag, digest::digest, encoded::decode_object},
    flag_file::layer::LayerFlag,
};
use serde_json::{Map, Value as Json};
use std::sync::Arc;

/// The metadata that tells whoever asks that no file decided this answer.
const MARK: &str = "override";

impl LayerFlag {
    /// This flag as an override serves it; `None` if it has no such variant. One that never had a
    /// usable definition has none at all.
    pub fn overridden(&self, variant: &str) -> Option<Self> {
        let flag = self.flag().overridden(variant)?;
        Some(Self::new(Arc::new(flag), self.standing(), self.problems()))
    }
}

impl Flag {
    fn overridden(&self, variant: &str) -> Option<Self> {
        let default = self.variant_named(variant)?;
        let mut metadata = match decode_object(&self.metadata) {
            Json::Object(members) => members,
            _ => Map::new(),
        };
        metadata.insert(MARK.to_owned(), true.into());
        let mut digests = self.digests;
        // The definition is part of it, so that a change of it below the override is news too.
        digests.meaning =
            digest([MARK.as_bytes(), variant.as_bytes(), self.digests.definition.as_slice()]);
        Some(Self {
            key: self.key.clone(),
            behaviour: Behaviour::Static,
            variants: Arc::clone(&self.variants),
            default: Some(default),
            metadata: encode_object(&metadata).into(),
            description: self.description.clone(),
            boundaries: Box::default(),
            origin: self.origin.clone(),
            digests,
        })
    }

    /// Whether an override decides, and no file.
    pub fn is_overridden(&self) -> bool {
        self.digests.meaning != self.digests.definition
    }
}

/// Puts overridden flags in the place of those they are made of; both in the order of their keys.
pub fn put_over<'a>(flags: &mut [&'a LayerFlag], overridden: &'a [LayerFlag]) {
    for flag in overridden {
        let key = flag.flag().key();
        if let Ok(place) = flags.binary_search_by(|below| below.flag().key().cmp(key))
            && let Some(below) = flags.get_mut(place)
        {
            *below = flag;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compile,
        document::{protobuf::encode_object, text::Format},
        flag::{
            context::{Evaluator, Scratch},
            evaluate::{Outcome, Reason},
            rule::Generation,
        },
        flag_file::layer::{Layer, merge},
    };
    use serde_json::json;

    fn layer(flags: &Json) -> Layer {
        let text = json!({"metadata": {"team": "shop"}, "flags": flags}).to_string();
        compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap().layer
    }

    fn definition() -> Json {
        json!({
            "state": "ENABLED",
            "variants": {"on": true, "off": false},
            "defaultVariant": "on",
            "targeting": {"if": [{"var": "beta"}, "on", "off"]},
            "metadata": {"ticket": 1.5, "override": "no"},
        })
    }

    /// The variant and the reason that everybody gets.
    fn ask(flag: &Flag) -> Option<(String, Reason)> {
        let (mut scratch, context) = (Scratch::default(), encode_object(&Map::new()));
        let mut evaluator = Evaluator::new(&mut scratch, &context, 0).unwrap();
        match evaluator.evaluate(flag) {
            Outcome::Variant { index, reason, .. } => {
                Some((flag.variants()[index].name().to_owned(), reason))
            }
            _ => None,
        }
    }

    #[test]
    fn everyone_gets_the_variant_whatever_the_definition_says() {
        let mut disabled = definition();
        disabled["state"] = "DISABLED".into();
        let mut default = definition();
        default["defaultVariant"] = Json::Null;
        for definition in [definition(), disabled, default] {
            let layer = layer(&json!({"f": definition}));
            for variant in ["on", "off"] {
                let flag = layer.get("f").unwrap().overridden(variant).unwrap();
                let flag = flag.flag();
                assert_eq!(ask(flag), Some((variant.to_owned(), Reason::Static)));
                assert!(flag.is_static() && flag.is_overridden());
                let metadata = decode_object(flag.metadata());
                assert_eq!(metadata, json!({"team": "shop", "ticket": 1.5, "override": true}));
            }
        }
    }

    #[test]
    fn a_variant_that_is_not_there_cannot_be_served() {
        let broken = json!({"variants": {"on": 1}, "defaultVariant": "of"});
        let layer = layer(&json!({"f": definition(), "broken": broken}));
        assert!(layer.get("f").unwrap().overridden("On").is_none());
        assert!(layer.get("broken").unwrap().overridden("on").is_none());
    }

    #[test]
    fn what_it_means_differs_and_its_definition_does_not() {
        let layer = layer(&json!({"f": definition()}));
        let below = layer.get("f").unwrap();
        let [on, off] = ["on", "off"].map(|variant| below.overridden(variant).unwrap());
        assert!(!below.flag().is_overridden());
        assert_ne!(on.flag().digest(), off.flag().digest());
        assert_ne!(on.flag().digest(), below.flag().digest());
        for flag in [on.flag(), off.flag(), below.flag()] {
            assert_eq!(flag.definition_digest(), below.flag().digest());
        }
        // Of the same definition it is the same flag, so nobody is told twice.
        assert_eq!(on.flag().digest(), below.overridden("on").unwrap().flag().digest());
    }

    #[test]
    fn a_change_below_the_override_is_seen() {
        let before = layer(&json!({"f": definition()}));
        let mut changed = definition();
        changed["targeting"] = json!({});
        let after = layer(&json!({"f": changed}));
        let [before, after] =
            [before, after].map(|layer| layer.get("f").unwrap().overridden("on").unwrap());
        assert_ne!(before.flag().digest(), after.flag().digest());
        assert_ne!(before.flag().definition_digest(), after.flag().definition_digest());
    }

    #[test]
    fn overridden_flags_take_the_place_of_those_below() {
        let layer = layer(&json!({"a": definition(), "b": definition(), "c": definition()}));
        let mut flags = merge([&layer]);
        let over = ["b", "c"].map(|key| layer.get(key).unwrap().overridden("off").unwrap());
        put_over(&mut flags, &over);
        let told: Vec<_> =
            flags.iter().map(|flag| (flag.flag().key(), flag.flag().is_overridden())).collect();
        assert_eq!(told, [("a", false), ("b", true), ("c", true)]);
    }
}

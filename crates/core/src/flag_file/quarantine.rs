//! The flag that is served if its definition is broken.

use crate::{
    diagnostic::{Diagnostic, Level},
    document::kill_detection::SwitchedOff,
    flag::{Behaviour, Digest, Digests, Flag, digest::digest, origin::Origin},
    flag_file::layer::{LayerFlag, Standing},
};
use std::sync::Arc;

/// The last good flag under this key, switched off if the broken definition says so. A flag that
/// never was good answers with an error.
pub(super) fn flag(
    key: &str,
    source: Digest,
    before: Option<&LayerFlag>,
    switched_off: Option<SwitchedOff>,
    found: &[Diagnostic],
) -> LayerFlag {
    let good = before.filter(|before| before.standing() != Standing::Broken);
    let is_off_already = |by: &SwitchedOff| {
        let off = good.filter(|good| good.standing() == Standing::SwitchedOff);
        off.filter(|off| off.flag().is_disabled() == (*by == SwitchedOff::Disabled))
    };
    let good_flag = good.map(LayerFlag::flag);
    let held = switched_off.and_then(|by| match is_off_already(&by) {
        Some(off) => Some(Arc::clone(off.flag())),
        None => self::switched_off(key, source, good_flag, by).map(Arc::new),
    });
    if let Some(held) = held {
        return LayerFlag::new(held, Standing::SwitchedOff, found);
    }
    if let Some(good) = good_flag {
        return LayerFlag::new(Arc::clone(good), Standing::Quarantined, found);
    }
    let why = found
        .iter()
        .find(|diagnostic| diagnostic.level == Level::Error)
        .map(|error| format!("{} {}", error.path, error.message));
    let flag = Flag {
        key: key.into(),
        behaviour: Behaviour::Broken(why.unwrap_or_default().into()),
        variants: Arc::default(),
        default: None,
        metadata: Arc::default(),
        description: None,
        boundaries: Box::default(),
        origin: Origin::default(),
        digests: Digests { source, targeting: source, meaning: source, definition: source },
    };
    LayerFlag::new(Arc::new(flag), Standing::Broken, found)
}

/// The last good flag, switched off. A kill needs the variants of that flag: it serves `off`, or
/// what its rules leave to everybody else.
fn switched_off(
    key: &str,
    source: Digest,
    good: Option<&Arc<Flag>>,
    by: SwitchedOff,
) -> Option<Flag> {
    let (behaviour, default) = match by {
        SwitchedOff::Disabled => (Behaviour::Disabled, good.and_then(|good| good.default)),
        SwitchedOff::Killed => {
            let good = good?;
            let otherwise = good.origin.otherwise.as_deref();
            let otherwise = otherwise.and_then(|name| good.variant_named(name));
            let left = otherwise.or(good.default.filter(|_| good.is_targeted()));
            (Behaviour::Static, Some(good.variant_named("off").or(left)?))
        }
    };
    let before = good.map(|good| good.digests.meaning).unwrap_or_default();
    let off = [u8::from(by == SwitchedOff::Killed)];
    let meaning = digest([b"switched off".as_slice(), &off, &before, &source]);
    Some(Flag {
        key: key.into(),
        behaviour,
        variants: good.map(|good| Arc::clone(&good.variants)).unwrap_or_default(),
        default,
        metadata: good.map(|good| Arc::clone(&good.metadata)).unwrap_or_default(),
        description: good.and_then(|good| good.description.clone()),
        boundaries: Box::default(),
        origin: Origin { killed: by == SwitchedOff::Killed, ..Origin::default() },
        digests: Digests { source, targeting: source, meaning, definition: meaning },
    })
}

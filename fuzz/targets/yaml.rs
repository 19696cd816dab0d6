//! YAML: each text is refused with a diagnostic, or means what its export means.
#![no_main]

use flagstaff_check::export;
use flagstaff_core::{Format, Generation, Layer, Lists, Standing, compile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let yaml = match compile(text, Format::Yaml, Generation::V2, &Layer::default()) {
        Ok(compilation) => compilation.layer,
        Err(diagnostics) => return assert!(!diagnostics.is_empty(), "refused without a reason"),
    };
    let Ok((json, _)) = export(&Lists::default(), text, Format::Yaml, Generation::V2) else {
        return;
    };
    let exported = compile(json.as_bytes(), Format::Json, Generation::V2, &Layer::default());
    let exported = exported.expect("an export can be served").layer;
    for flag in yaml.flags().filter(|flag| flag.standing() == Standing::Good) {
        let key = flag.flag().key();
        let mut twins = exported.flags().filter(|other| other.flag().key() == key);
        let other = twins.next().map(|twin| format!("{:?}", twin.flag().variants()));
        assert_eq!(other, Some(format!("{:?}", flag.flag().variants())), "{key}");
    }
});

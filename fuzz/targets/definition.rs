//! A targeting and a context: evaluating, explaining and evaluating what was exported have one
//! outcome. The input is the JSON of the targeting, a line feed, and the JSON of the context.
#![no_main]

use flagstaff_check::export;
use flagstaff_core::{Evaluator, Format, Generation, Layer, Lists, Scratch, compile, encode_object};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fn layer(text: &str, generation: Generation) -> Layer {
    compile(text.as_bytes(), Format::Json, generation, &Layer::default()).expect("a document").layer
}

fuzz_target!(|input: &[u8]| {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (targeting, context) = input.split_once('\n').unwrap_or((input, "{}"));
    let Ok(targeting) = serde_json::from_str::<Value>(targeting) else { return };
    let Ok(Value::Object(context)) = serde_json::from_str(context) else { return };
    let context = encode_object(&context);
    let document = format!(
        r#"{{"flags": {{"flag": {{"state": "ENABLED", "defaultVariant": "off", "targeting": {targeting},
            "variants": {{"on": true, "off": false, "true": true, "1": true, "": false}}}}}}}}"#
    );
    for generation in [Generation::V2, Generation::V3] {
        let served = layer(&document, generation);
        let (text, _) = export(&Lists::default(), document.as_bytes(), Format::Json, generation)
            .expect("what is served can be exported");
        let exported = layer(&text, generation);
        let (Some(flag), Some(twin)) = (served.flags().next(), exported.flags().next()) else {
            return;
        };
        let (mut scratch, mut other) = (Scratch::default(), Scratch::default());
        let mut evaluator = Evaluator::new(&mut scratch, &context, 1_800_000_000).expect("JSON");
        let outcome = evaluator.evaluate(flag.flag());
        assert!(evaluator.usage().bytes < 4 << 20, "{:?}", evaluator.usage());
        let (steps, explained) = evaluator.explain(flag.flag());
        assert_eq!(outcome, explained, "{steps:?}");
        let mut evaluator = Evaluator::new(&mut other, &context, 1_800_000_000).expect("JSON");
        let again = evaluator.evaluate(twin.flag());
        assert_eq!(format!("{outcome:?}"), format!("{again:?}"), "{text}");
    }
});

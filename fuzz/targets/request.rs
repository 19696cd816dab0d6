//! The bytes of a request: each is malformed, or every flag has an outcome for it, and the same
//! outcome when it is explained.
#![no_main]

use flagstaff::wire::ResolveRequest;
use flagstaff_core::{Evaluator, Format, Generation, Layer, Scratch, compile};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

/// The example flags, and one rule of each operator that goes over the attributes of a context.
static LAYERS: LazyLock<[Layer; 2]> = LazyLock::new(|| {
    [include_str!("../../config/flags.json"), include_str!("../flags.json")].map(|text| {
        compile(text.as_bytes(), Format::Json, Generation::V3, &Layer::default())
            .expect("the flags are good")
            .layer
    })
});

fuzz_target!(|message: &[u8]| {
    let Ok(request) = ResolveRequest::read(message) else { return };
    let mut scratch = Scratch::default();
    let Ok(mut evaluator) = Evaluator::new(&mut scratch, request.context, 1_800_000_000) else {
        return;
    };
    for flag in LAYERS.iter().flat_map(Layer::flags) {
        let outcome = evaluator.evaluate(flag.flag());
        assert!(evaluator.usage().bytes < 4 << 20, "{:?}", evaluator.usage());
        let (_, explained) = evaluator.explain(flag.flag());
        assert_eq!(outcome, explained, "{}", flag.flag().key());
    }
});

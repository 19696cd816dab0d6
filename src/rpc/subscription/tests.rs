//! The order of events, and the time between them.

use super::*;
use crate::{
    metrics::MetricsOptions, pb::flagd::evaluation::v2::EventStreamResponse, store::Store,
};
use flagstaff_core::{Format, Generation, Layer, compile, merge};
use prost::Message;
use tokio_stream::StreamExt;

fn publish(store: &Store, metrics: &Metrics, default: &str) {
    let text = format!(
        r#"{{"flags":{{"flag":{{"state":"ENABLED","variants":{{"a":1,"b":2}},"defaultVariant":"{default}"}}}}}}"#
    );
    let layer =
        compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap().layer;
    let previous = store.current();
    let next = Snapshot::next(
        previous.as_deref(),
        &merge([&layer]),
        metrics,
        std::time::SystemTime::now(),
    );
    store.publish(Arc::new(next));
}

async fn next(subscription: &mut Subscription) -> String {
    let frame = subscription.next().await.unwrap();
    EventStreamResponse::decode(&frame[5..]).unwrap().r#type
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_news_says_every_20_seconds_that_it_lives() {
    let metrics = Arc::new(Metrics::register(&MetricsOptions::default(), None).unwrap());
    let store = Store::new();
    let rpc = Rpc::new(store.clone(), Arc::clone(&metrics));
    let draining = CancellationToken::new();
    let mut subscription = Subscription::new(&rpc, draining.clone());
    publish(&store, &metrics, "a");
    assert_eq!(next(&mut subscription).await, "provider_ready");
    assert_eq!(next(&mut subscription).await, "configuration_change");
    for _ in 0..3 {
        let quiet = Instant::now();
        assert_eq!(next(&mut subscription).await, "keep_alive");
        // The paused clock moves on when everybody waits, by whole milliseconds.
        let waited = quiet.elapsed().as_millis();
        assert!((20_000..=20_001).contains(&waited), "{waited} ms");
    }
    publish(&store, &metrics, "b");
    assert_eq!(next(&mut subscription).await, "configuration_change");
    draining.cancel();
    assert_eq!(next(&mut subscription).await, "provider_shutdown");
    assert_eq!(subscription.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_sent_several_changes_as_one() {
    let metrics = Arc::new(Metrics::register(&MetricsOptions::default(), None).unwrap());
    let store = Store::new();
    let rpc = Rpc::new(store.clone(), Arc::clone(&metrics));
    let mut subscription = Subscription::new(&rpc, CancellationToken::new());
    for default in ["a", "b", "a", "b"] {
        publish(&store, &metrics, default);
    }
    assert_eq!(next(&mut subscription).await, "provider_ready");
    assert_eq!(next(&mut subscription).await, "configuration_change");
    for default in ["a", "b", "a"] {
        publish(&store, &metrics, default);
    }
    assert_eq!(next(&mut subscription).await, "configuration_change");
    assert_eq!(next(&mut subscription).await, "keep_alive");
}

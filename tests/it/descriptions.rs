//! `description` on a flag says why it exists, in both formats.

use crate::{
    flags::{Flags, files},
    sidecar::{Sidecar, flagstaff, http_get, run},
};
use serde_json::{Value, json};

const READABLE: &str = "flagstaff: 1
bucketing: v2
flags:
  enable_archive_search:
    owner: team-payments
    description: Customers ask for older invoices.
    kind: permission
    rules:
      - { if: { country: DE }, serve: on }
";

fn flagd() -> Value {
    json!({"metadata": {"fractional": "v2", "why": "The file has a reason of its own."}, "flags": {
        "enable_archive_search": {
            "state": "ENABLED",
            "description": "Customers ask for older invoices.",
            "variants": {"on": true, "off": false},
            "defaultVariant": "off",
            "targeting": {"if": [{"==": [{"var": "country"}, "DE"]}, "on", "off"]},
            "metadata": {"owner": "team-payments", "kind": "permission"},
        },
    }})
}

#[test]
fn a_description_is_a_reason_without_a_warning() {
    let flagd = flagd().to_string();
    for (name, text) in [("flags.yaml", READABLE), ("flags.json", &flagd)] {
        let root = files(&[(name, text)]);
        let (code, told, _) = run(flagstaff().args(["check", "--strict"]).arg(root.path()));
        assert_eq!(code, Some(0), "{told}");

        let vague = text.replace("Customers ask for older invoices.", "Archive search.");
        let root = files(&[(name, &vague)]);
        let (_, told, _) = run(flagstaff().args(["check", "--strict"]).arg(root.path()));
        assert!(told.contains("enable_archive_search.description"), "{told}");
        assert!(told.contains("vague-why"), "{told}");
    }
}

#[tokio::test]
async fn the_status_shows_a_description_as_the_reason() {
    let readable = Flags::absent_at("flags.yaml");
    readable.replace(READABLE);
    for flags in [readable, Flags::new(&flagd())] {
        let sidecar = Sidecar::start(&flags).await;
        let (_, status) = http_get(sidecar.management(), "/status").await;
        assert!(status.contains("Customers ask for older invoices."), "{status}");
        assert!(!sidecar.log().iter().any(|line| line.contains("WARN")), "{:?}", sidecar.log());
    }
}

//! What a person at a terminal sees first: what is watched, how many flags, where, what to try.

use crate::{
    cli::serve::ServeOptions,
    lifecycle::{Lifecycle, Phase},
    server::listener::Listener,
    store::Store,
    telemetry::report::say,
};
use std::env;

/// The lines of the greeting, but for the flags.
#[derive(Debug)]
pub(crate) struct Greeting {
    paths: String,
    addresses: Vec<String>,
    try_this: String,
}

impl Greeting {
    pub(crate) fn new(
        options: &ServeOptions,
        evaluation: &[Listener],
        managing: &[Listener],
    ) -> Self {
        let paths: Vec<_> =
            options.source.paths.iter().map(|path| path.display().to_string()).collect();
        let list = |listeners: &[Listener]| {
            let listed: Vec<_> = listeners.iter().map(ToString::to_string).collect();
            listed.join("  ")
        };
        let mut addresses = vec![format!("  evaluation  {}", list(evaluation))];
        if let Some(first) = managing.first() {
            addresses.push(format!("  management  {}  (http://{first}/)", list(managing)));
        }
        let program = env::args().next().unwrap_or_else(|| "flagstaff".to_owned());
        let try_this = format!("{program} eval {}", paths.join(" "));
        Self { paths: paths.join(", "), addresses, try_this }
    }

    /// Says it once the flags were looked at, whether or not they can be served.
    pub(crate) async fn say(self, store: Store, lifecycle: Lifecycle) {
        let mut phase = lifecycle.phase();
        tokio::select! {
            () = lifecycle.draining() => return,
            changed = phase.changed() => if changed.is_err() { return },
        }
        let phase = phase.borrow().clone();
        say(&format!("flagstaff {}", env!("CARGO_PKG_VERSION")));
        let snapshot = store.current();
        let flags = snapshot.as_ref().map_or(&[][..], |snapshot| snapshot.entries());
        match phase {
            Phase::Starting(why) => say(&format!("  no flags yet: {why}")),
            Phase::Ready | Phase::Draining => {
                let count = flags.len();
                say(&format!("  flags       {count}, watching {}", self.paths));
            }
        }
        for line in &self.addresses {
            say(line);
        }
        if let Some(entry) = flags.first() {
            let context = "'{\"targetingKey\": \"user-1\"}'";
            let key = entry.flag.key();
            say(&format!("  try         {} --flag {key} --context {context}", self.try_this));
            say("              or change a flag in the file and save");
        }
    }
}

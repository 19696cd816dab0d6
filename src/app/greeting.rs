//! What a person at a terminal sees first: what is watched, how many flags, where, what to try.

use crate::{
    app::options::ServeOptions,
    lifecycle::{Lifecycle, Phase},
    report::say,
    server::listener::Listener,
    store::Store,
};
use flagstaff_core::diagnostic::terminal::shell_word;
use std::{env, os::unix::ffi::OsStrExt, time::Duration};
use tokio::time::timeout;

/// So long the greeting waits for flags, before it says that there are none.
const PATIENCE: Duration = Duration::from_millis(500);

/// The lines of the greeting, but for the flags.
#[derive(Debug)]
pub(crate) struct Greeting {
    paths: String,
    addresses: Vec<String>,
    try_this: String,
}

impl Greeting {
    pub(crate) fn new<'a>(
        options: &ServeOptions,
        evaluation: impl Iterator<Item = &'a Listener>,
        managing: &[Listener],
    ) -> Self {
        let paths: Vec<_> =
            options.source.paths.iter().map(|path| path.display().to_string()).collect();
        let evaluation: Vec<_> = evaluation.map(ToString::to_string).collect();
        let mut addresses = vec![format!("  evaluation  {}", evaluation.join("  "))];
        if let Some(first) = managing.first() {
            let listed: Vec<_> = managing.iter().map(ToString::to_string).collect();
            addresses.push(format!("  management  {}  (http://{first}/)", listed.join("  ")));
        }
        let program = env::args_os().next().unwrap_or_else(|| "flagstaff".into());
        let mut try_this = format!("{} eval", shell_word(program.as_bytes()));
        for path in &options.source.paths {
            let path = path.as_os_str().as_bytes();
            // Not an option, whatever the name begins with.
            let directory: &[u8] = if path.starts_with(b"-") { b"./" } else { b"" };
            let path = shell_word(&[directory, path].concat());
            try_this.push(' ');
            try_this.push_str(&path);
        }
        Self { paths: paths.join(", "), addresses, try_this }
    }

    /// Says it once the flags were looked at, whether or not they can be served.
    pub(crate) async fn say(self, store: Store, lifecycle: Lifecycle) {
        let mut phase = lifecycle.phase();
        tokio::select! {
            () = lifecycle.draining() => return,
            changed = phase.changed() => if changed.is_err() { return },
        }
        // A disk may take longer for a file than the first look waits for it.
        let serves = phase.wait_for(|phase| !matches!(phase, Phase::Starting(_)));
        drop(timeout(PATIENCE, serves).await);
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
            let between = if key.starts_with('-') { '=' } else { ' ' };
            let key = shell_word(key.as_bytes());
            let flag = format!("--flag{between}{key}");
            say(&format!("  try         {} {flag} --context {context}", self.try_this));
            say("              or change a flag in the file and save");
        }
    }
}

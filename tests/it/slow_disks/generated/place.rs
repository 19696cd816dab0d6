//! Files that a sidecar reads, in numbered versions, and whether it serves a version.

use super::super::override_text;
use crate::client::Client;
use flagstaff::pb::flagd::evaluation::v2::{ResolveBooleanResponse, ResolveStringResponse};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    Yaml,
    /// A flag file that names the list beside it.
    Listed,
    List,
    Override,
}

/// How a new version gets into its place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Rename,
    InPlace,
    /// Deleted and made again.
    Anew,
}

/// A file and what it holds.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) path: PathBuf,
    /// The flag that shows its version.
    pub(super) flag: String,
    /// The version that was put there last.
    pub(super) version: u32,
}

/// The flags that overrides are put over: one for each name, with a variant for each version.
pub(super) fn base(names: &[&str]) -> String {
    let variants: serde_json::Map<_, _> =
        (0..100).map(|version| (format!("v{version}"), format!("{version}").into())).collect();
    let flag = |name: &&str| {
        let flag = json!({"state": "ENABLED", "variants": variants, "defaultVariant": "v0"});
        ((*name).to_owned(), flag)
    };
    let flags: serde_json::Map<_, _> = names.iter().map(flag).collect();
    json!({"flags": flags}).to_string()
}

impl Place {
    pub(super) fn new(kind: Kind, path: PathBuf, flag: &str) -> Self {
        Self { kind, path, flag: flag.to_owned(), version: 0 }
    }

    pub(super) fn name(&self) -> &str {
        self.path.file_name().unwrap().to_str().unwrap()
    }

    /// The flag that asks the list of a flag file.
    fn listed(&self) -> String {
        format!("{}-listed", self.flag)
    }

    fn text(&self) -> String {
        let Self { flag, version, .. } = self;
        let definition = json!({"state": "ENABLED", "variants": {"now": format!("{version}")},
            "defaultVariant": "now"});
        match self.kind {
            Kind::Json => json!({"flags": {flag: definition}}).to_string(),
            Kind::Yaml => format!("flags:\n  {flag}: {definition}\n"),
            Kind::Listed => format!(
                "flagstaff: 1\nbucketing: v2\nflags:\n  {}:\n    rules:\n      - {{ if: {{ \
                 targetingKey: {{ in_list: {flag}.txt }} }}, serve: on }}\n    serve: off\n  \
                 {flag}:\n    variants: {{ now: \"{version}\", other: other }}\n    serve: now\n",
                self.listed()
            ),
            // A list that loses no entries is never held back.
            Kind::List => format!("user-{version}\nana\nbob\ncid\n"),
            Kind::Override => override_text(flag, &format!("v{version}")),
        }
    }

    /// Puts the present version in place.
    pub(super) fn put(&self, way: Way, root: &Path) {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        match way {
            Way::Rename => {
                let next = root.join(format!("next-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
                fs::write(&next, self.text()).unwrap();
                fs::rename(next, &self.path).unwrap();
            }
            Way::InPlace => fs::write(&self.path, self.text()).unwrap(),
            Way::Anew => {
                fs::remove_file(&self.path).unwrap();
                fs::write(&self.path, self.text()).unwrap();
            }
        }
    }

    /// Whether this version is served, and no other.
    pub(super) async fn serves(&self, client: &Client, version: u32) -> bool {
        if self.kind == Kind::List {
            let has = async |version: u32| {
                let context = json!({"targetingKey": format!("user-{version}")});
                let answer =
                    client.resolve::<ResolveBooleanResponse>(&self.listed(), context).await;
                answer.is_ok_and(|answer| answer.value == Some(true))
            };
            return has(version).await && !has(version + 1).await;
        }
        let answer = client.resolve::<ResolveStringResponse>(&self.flag, json!({})).await;
        answer.is_ok_and(|answer| answer.value == Some(version.to_string()))
    }
}

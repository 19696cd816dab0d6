//! What a running sidecar says of its flags and overrides.

use super::{Address, OverrideError, PATIENCE};
use flagstaff_core::{document::yaml_bool::suggest_variant, suggest};
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use tokio::time::{Instant, sleep};

/// Between two questions: an override is served within milliseconds.
const PAUSE: Duration = Duration::from_millis(20);

/// The part of `/status` that matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    overrides_directory: Option<PathBuf>,
    pub(super) overrides: Vec<ServedOverrides>,
    flags: BTreeMap<String, SidecarFlag>,
}

#[derive(Debug, Deserialize)]
struct SidecarFlag {
    variants: Vec<String>,
}

/// An override as the sidecar sees it; what cannot be read has no flag.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ServedOverrides {
    pub(super) flag: Option<String>,
    pub(super) variant: Option<String>,
    pub(super) until: Option<String>,
    pub(super) why: Option<String>,
    pub(super) set_at: Option<String>,
    pub(super) file: Option<String>,
    pub(super) active: bool,
    pub(super) problem: Option<String>,
}

impl Status {
    pub(super) async fn ask(address: &Address) -> Result<Self, OverrideError> {
        let answer = address.get("/status").await?;
        if answer.status != 200 {
            let address = address.clone();
            return Err(OverrideError::NoStatus { address, code: answer.status });
        }
        serde_json::from_slice(&answer.body)
            .map_err(|source| OverrideError::Status { address: address.clone(), source })
    }

    /// The directory that the sidecar watches.
    pub(super) fn directory(&self, address: &Address) -> Result<PathBuf, OverrideError> {
        let taken = || OverrideError::NotTaken { address: address.clone() };
        self.overrides_directory.clone().ok_or_else(taken)
    }

    /// Whether a flag has a variant; if not, what was meant.
    pub(super) fn check(&self, flag: &str, variant: &str) -> Result<(), OverrideError> {
        let Some(known) = self.flags.get(flag) else {
            let otherwise = match self.flags.is_empty() {
                true => "the sidecar has no flags yet (`flagstaff health` says why)",
                false => "a flag must be in a file before it can be overridden",
            };
            let help = suggest(flag, self.flags.keys().map(String::as_str), otherwise);
            return Err(OverrideError::NoFlag { flag: flag.to_owned(), help });
        };
        if known.variants.iter().any(|known| known == variant) {
            return Ok(());
        }
        let names = known.variants.iter().map(String::as_str);
        let otherwise = match known.variants.is_empty() {
            true => "it has none at all: its definition is broken".to_owned(),
            false => format!("it has {}", known.variants.join(", ")),
        };
        let help = suggest_variant(variant, names, &otherwise);
        let (flag, variant) = (flag.to_owned(), variant.to_owned());
        Err(OverrideError::NoVariant { flag, variant, help })
    }

    /// The overrides of a flag.
    pub(super) fn of(&self, flag: &str) -> impl Iterator<Item = &ServedOverrides> {
        self.overrides.iter().filter(move |served| served.flag.as_deref() == Some(flag))
    }
}

/// Asks until the sidecar's state is as it should be. What is wrong with it, or with the asking,
/// is the answer when patience is over.
pub(super) async fn wait(
    address: &Address,
    is_wrong: impl Fn(&Status) -> Option<String>,
) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let wrong = match Status::ask(address).await {
            Ok(status) => is_wrong(&status),
            Err(error) => Some(crate::report::chain(&error)),
        };
        match wrong {
            None => return Ok(()),
            Some(why) if start.elapsed() >= PATIENCE => return Err(why),
            Some(_) => sleep(PAUSE).await,
        }
    }
}

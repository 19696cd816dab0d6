//! `flagstaff override set`: checked against the running sidecar, written, and waited for.

use super::{
    Address, OverrideError, OverridesLocation,
    sidecar::{Status, wait},
};
use crate::{
    cli::parse,
    overrides::{
        directory,
        override_file::{Override, time},
    },
};
use clap::Args;
use humantime::format_duration;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Options of `override set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// Key of the flag
    #[arg(value_name = "FLAG")]
    flag: String,
    /// The variant that everyone gets
    #[arg(value_name = "VARIANT")]
    variant: String,
    /// How long it lasts, such as 30m or 1h: at most 30 days
    #[arg(long = "for", value_name = "DURATION", value_parser = parse::override_duration)]
    lasts: Duration,
    /// The reason, for the next person who sees the override
    #[arg(long, value_name = "TEXT", value_parser = parse::reason)]
    why: String,
    #[command(flatten)]
    place: OverridesLocation,
}

impl SetArgs {
    pub(super) async fn set(&self) -> Result<String, OverrideError> {
        let address = &self.place.address;
        let status = Status::ask(address).await?;
        // Without one nobody would read what is written, wherever that is.
        let watched = status.directory(address)?;
        let directory = self.place.overrides.clone().unwrap_or_else(|| watched.clone());
        status.check(&self.flag, &self.variant)?;
        let of = self.decision(SystemTime::now());
        let path = directory::write(&directory, &of).map_err(|source| {
            let directory = directory.clone();
            OverrideError::Write { directory, source }
        })?;
        // A file that turned corrupt holds what it said; only the sidecar knows of it.
        let served = status.of(&self.flag).filter_map(|served| served.file.as_deref());
        let known: Vec<&str> = served.collect();
        // What cannot be removed may be of no harm; the sidecar tells.
        directory::remove(&directory, &self.flag, &known, Some(&path)).unwrap_or_default();
        let set_at = of.set_at.map(time);
        wait(address, |status| {
            let ours = status.of(&self.flag).find(|served| served.set_at == set_at);
            match ours {
                Some(served) if served.active => None,
                Some(served) => served.problem.clone().or(Some("it is not active".to_owned())),
                None => Some(format!(
                    "the sidecar watches {} and has not seen {}",
                    watched.display(),
                    path.display()
                )),
            }
        })
        .await
        .map_err(|why| OverrideError::NotServed { why })?;
        let (until, lasts) = (time(of.until), format_duration(self.lasts));
        let Override { flag, variant, why, .. } = &of;
        Ok(format!("{flag} serves {variant} to everyone until {until} ({lasts}): {why}"))
    }

    pub(super) fn address(&self) -> &Address {
        &self.place.address
    }

    fn decision(&self, now: SystemTime) -> Override {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        // Times that people can read: the end on the second, never before what was asked for.
        let end = now + self.lasts;
        let end = end.as_secs() + u64::from(end.subsec_nanos() > 0);
        let set_at = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
        Override {
            flag: self.flag.clone(),
            variant: self.variant.clone(),
            until: UNIX_EPOCH + Duration::from_secs(end),
            why: self.why.clone(),
            set_at: Some(UNIX_EPOCH + set_at),
        }
    }
}

//! `flagstaff override clear`: removes the files of a flag, and waits until it is not served.

use super::{Address, OverrideError, OverridesLocation, sidecar::wait};
use crate::overrides::directory::{list, remove};
use clap::Args;
use flagstaff_core::suggest;
use std::path::Path;

/// Options of `override clear`.
#[derive(Debug, Args)]
pub struct ClearArgs {
    /// Key of the flag
    #[arg(value_name = "FLAG")]
    flag: String,
    #[command(flatten)]
    place: OverridesLocation,
}

impl ClearArgs {
    pub(super) async fn clear(&self) -> Result<String, OverrideError> {
        let flag = &self.flag;
        let (directory, asked) = self.place.find().await?;
        // What a file said before it turned corrupt holds; only the sidecar knows of it.
        let served = asked.iter().flat_map(|status| status.of(flag));
        let known: Vec<&str> = served.filter_map(|served| served.file.as_deref()).collect();
        let removed = remove(&directory, flag, &known, None).map_err(|source| {
            let directory = directory.clone();
            OverrideError::Remove { directory, source }
        })?;
        if removed == 0 {
            let help = self.meant(&directory)?;
            return Err(OverrideError::NotSet { flag: flag.clone(), directory, help });
        }
        if let Err(error) = asked {
            let why = crate::report::chain(&error);
            return Ok(format!("the override of {flag} is removed (not confirmed: {why})"));
        }
        wait(&self.place.address, |status| {
            let file = status.of(flag).next()?.file.clone().unwrap_or_default();
            Some(format!("the sidecar still reads {file}"))
        })
        .await
        .map_err(|why| OverrideError::StillServed { why })?;
        Ok(format!("{flag} follows its files again"))
    }

    pub(super) fn address(&self) -> &Address {
        &self.place.address
    }

    /// Which override may have been meant.
    fn meant(&self, directory: &Path) -> Result<String, OverrideError> {
        let listing = list(directory).map_err(|source| {
            let directory = directory.to_owned();
            OverrideError::Read { directory, source }
        })?;
        let set: Vec<_> =
            listing.files.into_iter().filter_map(|(_, content)| Some(content.ok()?.flag)).collect();
        let otherwise = match set.is_empty() {
            true => "there is none at all".to_owned(),
            false => format!("there is one of {}", set.join(", ")),
        };
        Ok(suggest(&self.flag, set.iter().map(String::as_str), &otherwise))
    }
}

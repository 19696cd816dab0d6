//! The counters of one flag: a block of memory in which every place is known at publish.
//!
//! Nothing is looked up and nothing registered on a request. Places that cannot happen are there
//! too, and shown should they happen all the same.

use flagstaff_core::{By, Flag, VariantIndex};
use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Why a request for a flag failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlagError {
    TypeMismatch,
    Parse,
    General,
}

impl FlagError {
    pub(crate) const ALL: [Self; 3] = [Self::TypeMismatch, Self::Parse, Self::General];

    /// The error's name in OpenFeature, lower case as in OpenTelemetry's conventions.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TypeMismatch => "type_mismatch",
            Self::Parse => "parse_error",
            Self::General => "general",
        }
    }
}

/// A metric of single flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Evaluations,
    Exposures,
    Bulk,
    Errors,
    MissingTargetingKey,
}

/// A series of a flag. Its variant is borrowed from the flag's shape: a scrape meets every series.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeriesSample<'a> {
    pub(super) family: Family,
    pub(crate) variant: Cow<'a, str>,
    /// The reason, the error, or what decided.
    pub(crate) label: &'static str,
}

/// What the places of a block mean. Worked out anew where it is asked for: there may be very many
/// flags.
#[derive(Debug, PartialEq)]
pub(super) struct CounterLayout {
    /// The names of the variants; one without a name for flags that share.
    variants: Box<[Box<str>]>,
    default: Option<VariantIndex>,
    /// The reason of a variant that is not the default.
    own: &'static str,
    /// The reason of an answer without a variant.
    nothing: &'static str,
    /// By place, whether it can happen.
    can_happen: Box<[bool]>,
}

/// One cache line, so that threads that count different flags do not share one.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Line([AtomicU64; 8]);

/// The counters of one flag, as long as it has this shape.
#[derive(Debug)]
pub(crate) struct FlagSeries {
    shape: CounterLayout,
    counts: Box<[Line]>,
}

/// By what exposures are told apart, in the order of their places.
const BY: [(By, &str); 3] = [(By::Split, "split"), (By::Rule, "rule"), (By::Default, "default")];

/// The places after those of the variants, before those of exposures.
const FIXED: usize = 7;

impl CounterLayout {
    /// The shape of a flag. `exact` flags give no answer that clients cache; `exposes` is whether
    /// exposures are counted.
    pub(super) fn of(flag: &Flag, exact: bool, exposes: bool) -> Self {
        let reach = flag.reach();
        let (is_static, is_disabled) = (flag.is_static(), flag.is_disabled());
        let default = flag.default_variant();
        let falls_back = !reach.default.is_empty();
        let variants = flag.variants();
        let mut can_happen = Vec::with_capacity(variants.len() * (1 + BY.len()) + FIXED);
        for index in 0..variants.len() {
            let named = reach.named.iter().any(|(known, _)| *known == index);
            can_happen.push(if is_static { default == Some(index) && !exact } else { named });
        }
        can_happen.push(falls_back && default.is_some() && (!is_static || exact));
        can_happen.push(is_disabled || (default.is_none() && falls_back));
        can_happen.extend([true, flag.splits_units()]);
        can_happen.extend(FlagError::ALL.map(|error| match error {
            FlagError::TypeMismatch => flag.is_targeted() || (is_static && default.is_some()),
            FlagError::Parse => !is_static && !is_disabled,
            FlagError::General => flag.is_targeted(),
        }));
        for index in 0..variants.len() {
            can_happen.extend(BY.map(|(by, _)| {
                let by_default = default == Some(index) && reach.default.contains(&by);
                exposes && (by_default || reach.named.contains(&(index, by)))
            }));
        }
        Self {
            variants: variants.iter().map(|variant| variant.name().into()).collect(),
            default,
            own: if is_static { "static" } else { "targeting_match" },
            nothing: if is_disabled { "disabled" } else { "default" },
            can_happen: can_happen.into(),
        }
    }

    /// The shape in which a flag is counted for which there is no room.
    pub(super) fn shared(&self) -> Self {
        let can_happen = [false; 1 + FIXED + BY.len()].into();
        Self { variants: ["".into()].into(), default: Some(0), can_happen, ..*self }
    }

    /// The series that can happen.
    pub(super) fn possible(&self) -> impl Iterator<Item = SeriesSample<'_>> {
        let places = self.can_happen.iter().enumerate().filter(|(_, can_happen)| **can_happen);
        places.map(|(place, _)| self.series(place))
    }

    fn series(&self, place: usize) -> SeriesSample<'_> {
        let variants = self.variants.len();
        let name = |index: usize| self.variants.get(index).map_or("", AsRef::as_ref);
        let (family, variant, label) = match place.checked_sub(variants) {
            None => (Family::Evaluations, name(place), self.own),
            Some(0) => {
                let default = self.default.map(name).unwrap_or_default();
                (Family::Evaluations, default, "default")
            }
            Some(1) => (Family::Evaluations, "", self.nothing),
            Some(2) => (Family::Bulk, "", ""),
            Some(3) => (Family::MissingTargetingKey, "", ""),
            Some(place) => match place.checked_sub(FIXED) {
                None => {
                    let error = FlagError::ALL.get(place - 4);
                    (Family::Errors, "", error.map_or("", |error| error.as_str()))
                }
                Some(place) => {
                    let by = BY.get(place % BY.len()).map_or("", |(_, label)| *label);
                    (Family::Exposures, name(place / BY.len()), by)
                }
            },
        };
        SeriesSample { family, variant: variant.into(), label }
    }
}

impl SeriesSample<'_> {
    /// The same, for when the shape is gone.
    pub(super) fn kept(self) -> SeriesSample<'static> {
        SeriesSample { variant: self.variant.into_owned().into(), ..self }
    }
}

impl FlagSeries {
    pub(super) fn new(shape: CounterLayout) -> Self {
        let lines = shape.can_happen.len().div_ceil(8);
        let counts = std::iter::repeat_with(Line::default).take(lines).collect();
        Self { shape, counts }
    }

    pub(super) fn shape(&self) -> &CounterLayout {
        &self.shape
    }

    /// Every series that can happen or did, with its count.
    pub(super) fn counted(&self) -> impl Iterator<Item = (SeriesSample<'_>, u64)> {
        let counts = self.counts.iter().flat_map(|line| &line.0).map(|count| count.load(Relaxed));
        let places = self.shape.can_happen.iter().zip(counts).enumerate();
        let counted = places.filter(|(_, (can_happen, count))| **can_happen || *count > 0);
        counted.map(|(place, (_, count))| (self.shape.series(place), count))
    }

    /// How many exposures were counted.
    pub(super) fn exposures(&self) -> u64 {
        let counted = self.counted().filter(|(series, _)| series.family == Family::Exposures);
        counted.map(|(_, count)| count).sum()
    }

    fn add(&self, place: usize) {
        if let Some(count) = self.counts.get(place / 8).and_then(|line| line.0.get(place % 8)) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// A variant was answered because the targeting named it, or there is none.
    pub(super) fn named(&self, variant: VariantIndex) {
        self.add(variant);
    }

    /// The default variant was answered.
    pub(super) fn defaulted(&self) {
        self.add(self.shape.variants.len());
    }

    pub(super) fn left_to_caller(&self) {
        self.add(self.shape.variants.len() + 1);
    }

    pub(super) fn answered_in_bulk(&self) {
        self.add(self.shape.variants.len() + 2);
    }

    pub(super) fn lacked_targeting_key(&self) {
        self.add(self.shape.variants.len() + 3);
    }

    pub(super) fn failed(&self, error: FlagError) {
        self.add(self.shape.variants.len() + 4 + error as usize);
    }

    pub(super) fn exposed(&self, variant: VariantIndex, by: By) {
        let place = BY.iter().position(|(known, _)| *known == by).unwrap_or_default();
        self.add(self.shape.variants.len() + FIXED + BY.len() * variant + place);
    }
}

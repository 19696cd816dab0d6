//! Kubernetes manifests, and the files of Helm and Kustomize.

use super::{
    named,
    shape::{DocumentShape, object, step, text},
};
use crate::{
    diagnostic::Diagnostic,
    document::members::{Members, RawElements},
};
use std::borrow::Cow;

/// Members that values of a Helm chart have, by the template that `helm create` writes.
const OF_VALUES: [&str; 8] = [
    "replicaCount",
    "nameOverride",
    "fullnameOverride",
    "imagePullSecrets",
    "serviceAccount",
    "podAnnotations",
    "podSecurityContext",
    "autoscaling",
];

pub(super) fn error(file: &DocumentShape<'_, '_>) -> Option<Diagnostic> {
    if file.has_flags() {
        return None;
    }
    if let (Some(_), Some(kind)) = (file.text("apiVersion"), file.text("kind")) {
        return Some(named(&format!("a Kubernetes {kind}"), manifest(file, &kind)));
    }
    if file.has("apiVersion") && file.has("name") && file.has("version") {
        return Some(named(
            "the Chart.yaml of a Helm chart",
            "render the chart with helm template, and serve the flags of its ConfigMap",
        ));
    }
    if file.has_any(&["configMapGenerator", "secretGenerator", "kustomize.config.k8s.io"]) {
        let help = "serve the files that its configMapGenerator names";
        return Some(named("a Kustomization", help));
    }
    if file.has_any(&OF_VALUES) && file.flags_further_down().is_none() {
        let help = "render the chart with helm template, and serve the flags of its ConfigMap";
        return Some(named("a values file of a Helm chart", help));
    }
    None
}

/// How to get the flags out of a manifest.
fn manifest(file: &DocumentShape<'_, '_>, kind: &str) -> String {
    if let Some(expression) = way_to_flags(file, kind, "") {
        let mount = match kind {
            "ConfigMap" | "Secret" => "mount it and serve the mounted file, or take",
            _ => "take",
        };
        return format!("{mount} the flags out: yq -r '{expression}' FILE > flags.yaml");
    }
    let help = match kind {
        "ConfigMap" | "Secret" => "mount it, with the flag file in its data",
        "FeatureFlagSource" | "FlagSourceConfiguration" => {
            "it names where flags come from: serve those, such as yq .spec.flagSpec of a FeatureFlag"
        }
        "CustomResourceDefinition" => {
            "it describes resources and has no flags; of a FeatureFlag take yq .spec.flagSpec"
        }
        "Kustomization" | "Component" => "serve the files that its configMapGenerator names",
        _ => "serve the flag file itself, as it is mounted",
    };
    help.to_owned()
}

/// The expression of `yq` that gives the flags of a manifest, which is at `place`.
fn way_to_flags(file: &DocumentShape<'_, '_>, kind: &str, place: &str) -> Option<String> {
    let below = |name: &str| {
        let spec = file.object("spec")?;
        spec.get(name).map(|_| format!("{place}.spec.{name}"))
    };
    match kind {
        "FeatureFlag" | "FeatureFlagConfiguration" => {
            below("flagSpec").or_else(|| below("featureFlagSpec"))
        }
        "ConfigMap" => data(file, "data", place),
        "Secret" => {
            let plain = data(file, "stringData", place);
            plain.or_else(|| Some(format!("{} | @base64d", data(file, "data", place)?)))
        }
        _ if kind.ends_with("List") => {
            let items = file.get("items").filter(|_| place.is_empty())?;
            let RawElements(items) = serde_json::from_str(items.get()).ok()?;
            items.into_iter().enumerate().find_map(|(at, item)| {
                let members = object(item)?;
                let item = DocumentShape::of(&members);
                way_to_flags(&item, &item.text("kind")?, &format!(".items[{at}]"))
            })
        }
        _ => None,
    }
}

/// The entry of a ConfigMap or Secret that is most likely the flag file.
fn data(file: &DocumentShape<'_, '_>, name: &str, place: &str) -> Option<String> {
    let data: Members<'_> = file.object(name)?;
    let texts = || data.0.iter().filter(|(_, value)| text(value).is_some()).map(|(name, _)| name);
    let is_flags =
        |name: &&Cow<'_, str>| [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end));
    let entry = texts().find(is_flags).or_else(|| texts().next())?;
    let mut path = format!("{place}.{name}");
    step(&mut path, entry);
    Some(path)
}

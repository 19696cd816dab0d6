//! Templates of Helm and others that were not rendered.

use super::shape::{DocumentShape, object};
use crate::{
    diagnostic::{Diagnostic, Path, Position},
    document::members::Members,
};

const HELP: &str = "render it first, for example with helm template, and serve the result";

/// How a template may begin.
const MARKS: [&str; 3] = ["{{", "{%", "<%"];

/// What only Helm writes, apart from its marks.
const OF_HELM: [&str; 8] =
    [".Values", ".Release", ".Chart", ".Files", "include ", "toYaml", "toJson", "{{-"];

/// The error of a text that cannot be parsed: the kind of file if it is known, else `error`.
pub(super) fn unparsed(text: &str, error: Diagnostic) -> Diagnostic {
    if error.message.contains("merge conflict") {
        return error;
    }
    if let Some(position) = template(text, error.position.line) {
        return Diagnostic {
            position,
            ..Diagnostic::of_file("is a template that is not rendered", HELP)
        };
    }
    let has_line = |name: &str| text.lines().any(|line| line.starts_with(name));
    if error.message.contains("more than one YAML document")
        && has_line("apiVersion:")
        && has_line("kind:")
    {
        let help = "take the flags out: yq 'select(.kind == \"FeatureFlag\") | .spec.flagSpec' FILE \
            > flags.yaml; mount a ConfigMap and serve the mounted file";
        let message = "has several Kubernetes manifests, and is not a flag file";
        return Diagnostic { position: error.position, ..Diagnostic::of_file(message, help) };
    }
    error
}

/// Where a template begins, if the error at this line comes from it.
fn template(text: &str, error: usize) -> Option<Position> {
    text.lines().zip(1..).find_map(|(line, number)| {
        let code = line.split(" #").next().unwrap_or_default();
        let at = MARKS.iter().filter_map(|mark| code.find(mark)).min()?;
        let before = code.get(..at)?;
        let is_quoted = ['"', '\''].iter().any(|quote| before.matches(*quote).count() % 2 == 1);
        let is_near = number == error || number + 1 == error;
        let is_helms = OF_HELM.iter().any(|mark| code.contains(mark));
        let is_comment = before.trim_start().starts_with('#');
        let column = before.chars().count() + 1;
        let is_template = !is_comment && !is_quoted && (is_near || is_helms);
        is_template.then_some(Position { line: number, column })
    })
}

/// The error of a flag whose state or default is a template: it would be served as something else.
pub(crate) fn unrendered(json: &str, members: &Members<'_>) -> Option<Diagnostic> {
    if !json.contains("{{") {
        return None;
    }
    let flags = members.get("flags").and_then(object)?;
    flags.0.iter().find_map(|(key, flag)| {
        let of_flag = object(flag)?;
        let is_template = |name: &&str| {
            let text = DocumentShape::of(&of_flag).text(name);
            text.is_some_and(|text| text.contains("{{"))
        };
        let name = ["state", "defaultVariant", "key", "killed"].into_iter().find(is_template)?;
        let path = Path::from("flags").member(key).member(name);
        Some(Diagnostic::error(path, "is a template that is not rendered", HELP))
    })
}

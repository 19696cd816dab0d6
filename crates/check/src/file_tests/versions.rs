//! Attributes of a test's user that a rule compares as versions, and that are not versions.

use super::Node;
use flagstaff_core::{
    diagnostic::problems::Problems,
    document::json::Json,
    flag::{
        Behaviour, Flag,
        rule::{Arguments, AttributePath, Operator, Rule},
        version::{Version, is_version_number},
    },
};

/// The paths of the attributes that a flag compares as versions.
pub(super) fn compared(flag: &Flag) -> Vec<Vec<&str>> {
    let mut paths = Vec::new();
    if let Behaviour::Targeted(rule) = &flag.behaviour {
        collect(rule, &mut paths);
    }
    paths
}

fn collect<'r>(rule: &'r Rule, paths: &mut Vec<Vec<&'r str>>) {
    let version = match rule {
        Rule::SemVer(operands) => Some(&operands.0),
        Rule::Apply(Operator::SemVer, Arguments::Listed(operands)) => operands.first(),
        _ => None,
    };
    if let Some(Rule::Var(var)) = version
        && let AttributePath::Parts(parts) = &var.path
    {
        paths.push(parts.iter().map(|part| &*part.name).collect());
    }
    rule.parts(&mut |part| collect(part, paths));
}

/// Warns of an attribute of a user that is there, and is not a version.
pub(super) fn warn(user: &Node<'_>, path: &[&str], found: &mut Problems) {
    let attribute = path.iter().try_fold(user.clone(), |node, name| node.member(name));
    if let Some(attribute) = attribute
        && !is_version(attribute.value)
    {
        let message = format!("{} is not a version", attribute.value.to_canonical());
        found.push(
            attribute.warning(message, "write major.minor.patch as a text, such as \"4.2.0\""),
        );
    }
}

/// Whether `sem_ver` reads a value as a version.
fn is_version(value: Json<'_>) -> bool {
    match value {
        Json::String(text) => Version::parse(&text.get()).is_some(),
        Json::Number(number) => is_version_number(number.as_f64()),
        _ => false,
    }
}

//! What a rule can result in, as far as it is written out: each should be a variant.

use crate::flag::{
    Variant,
    diagnostic::{Diagnostic, Path},
    rule::{Literal, Rule},
    suggest::suggest,
};

/// Warns of results that name no variant; whoever gets one gets an error.
pub(super) fn check(rule: &Rule, variants: &[Variant], path: &Path, found: &mut Vec<Diagnostic>) {
    let mut results = Vec::new();
    collect(rule, &mut results);
    results.sort_unstable();
    results.dedup();
    let is_variant = |name: &&str| variants.iter().any(|variant| variant.name() == *name);
    for name in results.into_iter().filter(|name| !is_variant(name)) {
        let names = variants.iter().map(Variant::name);
        let help = suggest(name, names, "name a variant, or add it to them");
        let message = format!("results in \"{name}\", which is not a variant");
        found.push(Diagnostic::warning(path, message, help));
    }
}

fn collect<'r>(rule: &'r Rule, results: &mut Vec<&'r str>) {
    match rule {
        Rule::Literal(Literal::String(name)) => results.push(name),
        Rule::Literal(Literal::Bool(bit)) => results.push(if *bit { "true" } else { "false" }),
        Rule::If(clauses) => {
            let (pairs, otherwise) = clauses.as_chunks::<2>();
            let results_of = pairs.iter().map(|[_, result]| result).chain(otherwise);
            results_of.for_each(|result| collect(result, results));
        }
        Rule::Fractional(split) => {
            split.entries.iter().for_each(|entry| collect(&entry.variant, results));
        }
        // What any other rule results in depends on the context.
        _ => {}
    }
}

//! The Kubernetes files without a cluster: renderings against schemas and our policy, scripts, the
//! README's commands: runs `tests/deploy`.

use crate::python;
use std::{
    env,
    process::{Command, Stdio},
};

#[test]
fn the_deploy_suite_passes() {
    if can_render() {
        python::passes("deploy");
    }
}

/// Whether something renders kustomizations here; CI has to have it.
pub(crate) fn can_render() -> bool {
    let works = |program: &str, argument: &str| {
        let mut command = Command::new(program);
        command.args([argument, "--help"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if works("kustomize", "build") || works("kubectl", "kustomize") {
        return true;
    }
    let advice = "kustomize is missing; with Go: \
                  go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1, or get a kubectl";
    assert!(env::var("CI").as_deref() != Ok("true"), "{advice}");
    println!("skipped: {advice}");
    false
}

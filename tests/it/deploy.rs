//! The Kubernetes files without a cluster: renderings against schemas and our policy, scripts, the
//! README's commands: runs `tests/deploy`.

use crate::python;
use std::{env, process::Command};

#[test]
fn the_deploy_suite_passes() {
    if can_render() {
        python::passes("deploy");
    }
}

/// Whether something renders kustomizations here; CI has to have it.
pub(crate) fn can_render() -> bool {
    let works = |program: &str, question: &str, before: &str| {
        let answer = Command::new(program).args(question.split(' ')).output();
        answer.is_ok_and(|answer| is_new(&String::from_utf8_lossy(&answer.stdout), before))
    };
    if works("kustomize", "version", "")
        || works("kubectl", "version --client", "Kustomize Version: ")
    {
        return true;
    }
    let advice = "kustomize 5 is missing; get a kubectl of 1.27 or newer, or with Go: \
                  go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1";
    assert!(env::var("CI").as_deref() != Ok("true"), "{advice}");
    println!("skipped: {advice}");
    false
}

/// Whether a version of kustomize, on a line that starts so, can render ours.
fn is_new(answer: &str, before: &str) -> bool {
    let mut versions = answer.lines().filter_map(|line| {
        let version = line.strip_prefix(before)?.strip_prefix('v')?;
        version.split('.').next()?.parse::<u32>().ok()
    });
    versions.any(|major| major >= 5)
}

#[test]
fn an_old_kustomize_renders_nothing() {
    let kubectl = |kustomize: &str| format!("Client Version: v1.30.0\n{kustomize}");
    let before = "Kustomize Version: ";
    assert!(is_new("v5.0.0\n", "") && is_new("v10.1.0\n", ""));
    assert!(is_new(&kubectl("Kustomize Version: v5.0.1\n"), before));
    let version_4 = "{Version:kustomize/v4.5.7 GitCommit:56d8 BuildDate:2022 GoOs:linux}\n";
    assert!(!is_new(version_4, "") && !is_new("", ""));
    assert!(!is_new(&kubectl("Kustomize Version: v4.5.7\n"), before));
    // Debian's, which has no word on it.
    let version_1_20 = "Client Version: version.Info{Major:\"1\", GitVersion:\"v1.20.2\"}\n";
    assert!(!is_new(version_1_20, before));
}

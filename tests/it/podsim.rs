//! Pods of the rendered examples, to which is done what a kubelet does: runs `tests/podsim`.

use crate::{deploy, image, python};
use std::{env, fs, os::unix::fs::MetadataExt};

#[test]
fn the_pod_suite_passes() {
    if is_root() && deploy::can_render() {
        let program = image::static_binary();
        python::passes_with("podsim", &[("FLAGSTAFF_STATIC", program.as_os_str())]);
    }
}

/// Whether namespaces can be made here; CI has to be able to. The suite asks for programs itself.
fn is_root() -> bool {
    // The owner of what the kernel shows of a process is its user.
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        return true;
    }
    let advice = "pods need namespaces: run as root";
    assert!(env::var("CI").as_deref() != Ok("true"), "{advice}");
    println!("skipped: {advice}");
    false
}

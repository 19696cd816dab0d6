//! Compiles the protobuf contracts without `protoc`, and names the build for `build_info`.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const PROTOS: [&str; 2] =
    ["flagd/evaluation/v1/evaluation.proto", "flagd/evaluation/v2/evaluation.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    // Reflection serves them without comments and positions, most of what it would decode at the start.
    let mut served = descriptors.clone();
    served.file.iter_mut().for_each(|file| file.source_code_info = None);
    fs::write(out.join("contract.bin"), prost::Message::encode_to_vec(&served))?;
    // Messages only: clients are the caller's, and evaluation answers are framed by `wire`.
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .compile_fds(descriptors)?;

    let git = |arguments: &[&str]| Command::new("git").args(arguments).output().ok();
    let revision = git(&["rev-parse", "--short=12", "HEAD"])
        .filter(|output| output.status.success())
        .map_or_else(
            || "unknown".into(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        );
    // An image is compiled without git, and told.
    let revision = env::var("FLAGSTAFF_REVISION").unwrap_or(revision);
    println!("cargo:rustc-env=FLAGSTAFF_REVISION={}", revision.trim());
    println!("cargo:rerun-if-env-changed=FLAGSTAFF_REVISION");
    let rustc = Command::new(env::var("RUSTC")?).arg("--version").output()?;
    println!("cargo:rustc-env=FLAGSTAFF_RUSTC={}", String::from_utf8_lossy(&rustc.stdout).trim());

    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=proto");
    // The log of HEAD grows with every commit; without git there is nothing to follow.
    if Path::new(".git/logs/HEAD").exists() {
        println!("cargo:rerun-if-changed=.git/logs/HEAD");
    }
    Ok(())
}

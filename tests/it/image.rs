//! The image: what deploy/Dockerfile compiles, compiled here by its own words, and whether it goes
//! with the rest of the repository. What the image does is tested by `tests/podsim`.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const DOCKERFILE: &str = include_str!("../../deploy/Dockerfile");

/// The line of the Dockerfile that starts so, without what joins it to the next.
fn line(start: &str) -> &'static str {
    let mut lines = DOCKERFILE.lines().map(|line| line.trim().trim_end_matches([';', ' ', '\\']));
    let found = lines.find(|line| line.starts_with(start));
    found.unwrap_or_else(|| panic!("deploy/Dockerfile has no line that starts with {start}"))
}

/// The program as it is in the image. Compiled once: other tests wait for it.
pub(crate) fn static_binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(compile).clone()
}

fn compile() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    fs::create_dir_all(&directory).unwrap();
    // Another test run may be compiling it; the lock ends with the file.
    let lock = File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let settings = line("ENV RUSTFLAGS=").trim_start_matches("ENV ");
    let script = format!("export {settings}; {}", line("cargo build "));
    let mut compile = Command::new("sh");
    compile.args(["-euc", &script]).current_dir(ROOT);
    compile.env("CARGO_TARGET_DIR", &directory).env("TARGET", &target);
    let output = compile.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}");
    directory.join(target).join("release/flagstaff")
}

#[test]
fn the_program_of_the_image_needs_nothing_else() {
    let binary = static_binary();
    let program = fs::read(&binary).unwrap();
    assert_eq!(interpreters(&program), 0, "it asks for a loader, so it is not static");
    assert!(program.len() < 9 << 20, "{} bytes leave little room in 10 MB", program.len());
    let version = Command::new(binary).arg("--version").output().unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
}

/// How many segments of an ELF file of 64 bits ask for a loader.
fn interpreters(program: &[u8]) -> usize {
    const INTERPRETER: [u8; 4] = 3_u32.to_le_bytes();
    let field = |at: usize| usize::from(u16::from_le_bytes([program[at], program[at + 1]]));
    let (start, size, count) = (field(32), field(54), field(56));
    (0..count).filter(|n| program[start + n * size..].starts_with(&INTERPRETER)).count()
}

#[test]
fn the_dockerfile_says_what_the_manifest_says() {
    let toolchain = fs::read_to_string(Path::new(ROOT).join("rust-toolchain.toml")).unwrap();
    let mut lines = toolchain.lines();
    let channel = lines.find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    let compiler = format!("FROM --platform=$BUILDPLATFORM rust:{channel}-");
    assert!(DOCKERFILE.contains(&compiler), "not {compiler}");
    for (label, value) in
        [("version", env!("CARGO_PKG_VERSION")), ("licenses", env!("CARGO_PKG_LICENSE"))]
    {
        let label = format!("org.opencontainers.image.{label}=\"{value}\"");
        assert!(DOCKERFILE.contains(&label), "not {label}");
    }
}

#[test]
fn what_the_image_is_compiled_from_is_whole() {
    let kept = fs::read_to_string(Path::new(ROOT).join(".dockerignore")).unwrap();
    let kept = kept.lines().filter_map(|line| line.strip_prefix("!/"));
    let context = tempfile::tempdir().unwrap();
    for name in kept {
        let mut copy = Command::new("cp");
        copy.arg("-R").arg(Path::new(ROOT).join(name)).arg(context.path());
        assert!(copy.status().unwrap().success(), "{name}");
    }
    let mut metadata = Command::new("cargo");
    metadata.args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]);
    let output = metadata.current_dir(context.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

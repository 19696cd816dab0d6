//! The image: the first stage of deploy/Dockerfile, followed here to the letter, and whether it goes
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
/// What the image is told that it is made of.
const REVISION: &str = "c0ffee15bad5";

/// The program as it is in the image. Compiled once: other tests wait for it.
pub(crate) fn static_binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(compile).clone()
}

/// Does in a directory what the first stage does in its own. Only its base image is missing, of
/// which this machine has Rust and a C library.
fn compile() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
    fs::create_dir_all(&directory).unwrap();
    // Another test run may be compiling it; the lock ends with the file.
    let lock = File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    clear(&directory);
    let (first, last) = DOCKERFILE.split_once("\nFROM scratch\n").expect("a last stage");
    let mut script = String::new();
    let mut home = String::new();
    for (instruction, rest) in instructions(first) {
        match instruction.as_str() {
            "FROM" => {}
            "WORKDIR" => home = rest,
            "COPY" if rest == ". ." => copy_context(&directory),
            "ARG" => {
                let (name, _) = rest.split_once('=').expect("a default");
                script += &format!("export {name}={REVISION}\n");
            }
            "ENV" => script += &format!("export {rest}\n"),
            "RUN" => script += &format!("({rest})\n"),
            _ => panic!("{instruction} {rest}"),
        }
    }
    let mut compile = Command::new("sh");
    compile.args(["-euc", &script]).current_dir(&directory).env("CARGO_TARGET_DIR", "target");
    let output = compile.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}");
    let copied = instructions(last).into_iter().find(|(instruction, _)| instruction == "COPY");
    let (_, copied) = copied.expect("a program");
    let from = copied.strip_prefix("--from=compile ").and_then(|paths| paths.split(' ').next());
    let program = Path::new(from.expect("a path")).strip_prefix(&home).unwrap();
    directory.join(program)
}

/// The instructions of a Dockerfile, and what each is given: on one line, without comments.
fn instructions(dockerfile: &str) -> Vec<(String, String)> {
    let lines = dockerfile.lines().filter(|line| !line.starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let split = joined.lines().filter_map(|line| line.split_once(' '));
    split.map(|(instruction, rest)| (instruction.to_owned(), rest.to_owned())).collect()
}

/// Leaves nothing of an earlier run but what saves time.
fn clear(directory: &Path) {
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        if path.ends_with("target") {
            continue;
        }
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
}

/// Copies what .dockerignore leaves of the repository. Times are kept, by which cargo knows what it
/// compiled.
fn copy_context(directory: &Path) {
    let ignored = fs::read_to_string(Path::new(ROOT).join(".dockerignore")).unwrap();
    let mut patterns = ignored.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(patterns.next(), Some("*"), "all but what follows");
    for pattern in patterns {
        let name = pattern.strip_prefix("!/").unwrap();
        let mut copy = Command::new("cp");
        copy.arg("-Rp").arg(Path::new(ROOT).join(name)).arg(directory);
        assert!(copy.status().unwrap().success(), "{name}");
    }
}

#[test]
fn the_program_of_the_image_needs_nothing_else() {
    let binary = static_binary();
    let program = fs::read(&binary).unwrap();
    assert_eq!(interpreters(&program), 0, "it asks for a loader, so it is not static");
    assert!(program.len() < 9 << 20, "{} bytes leave little room in 10 MB", program.len());
    let revision = REVISION.as_bytes();
    assert!(program.windows(revision.len()).any(|found| found == revision), "not of {REVISION}");
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
    let compiler = format!("FROM rust:{channel}-");
    assert!(DOCKERFILE.contains(&compiler), "not {compiler}");
    for (label, value) in
        [("version", env!("CARGO_PKG_VERSION")), ("licenses", env!("CARGO_PKG_LICENSE"))]
    {
        let label = format!("org.opencontainers.image.{label}=\"{value}\"");
        assert!(DOCKERFILE.contains(&label), "not {label}");
    }
}

//! The official Python provider, unmodified, against the built binary: runs `tests/python`.
//!
//! The virtual environment is made once and kept beside the build; it is made again when the
//! pins or the Python change.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

const PINS: &str = include_str!("../python/requirements.txt");

const ADVICE: &str = "the Python tests need Python 3.10 or newer with its venv module; \
                      on Debian or Ubuntu: apt-get install python3 python3-venv";

#[test]
fn the_python_suite_passes() {
    let python = environment(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
    let mut pytest = Command::new(python);
    pytest
        .args(["-m", "pytest"])
        .arg(suite)
        .env("FLAGSTAFF_BIN", env!("CARGO_BIN_EXE_flagstaff"))
        // The tree of the sources stays as it is.
        .env("PYTHONDONTWRITEBYTECODE", "1");
    println!("{}", run(&mut pytest));
}

/// Returns the Python of a virtual environment that holds exactly the pinned packages.
fn environment(tmp: &Path) -> PathBuf {
    // Another cargo may be making the same environment; the lock ends with the file's scope.
    let lock = File::create(tmp.join("python.lock")).expect("the build's directory is writable");
    lock.lock().expect("a new file can be locked");

    let home = tmp.join("python");
    let python = home.join("bin/python");
    let stamp = home.join("made-of");
    let made_of = format!("{}\n{PINS}", version());
    if fs::read_to_string(&stamp).is_ok_and(|of| of == made_of) {
        return python;
    }
    let mut venv = Command::new("python3");
    run(venv.args(["-m", "venv", "--clear"]).arg(&home));
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(pip.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/requirements.txt")));
    // Last, so that an interrupted installation is started over.
    fs::write(&stamp, made_of).expect("the new environment is writable");
    python
}

/// Returns which Python this is, once it is known to do.
fn version() -> String {
    // ensurepip is what Debian's python3 lacks until python3-venv is there.
    let probe = "import ensurepip, sys, venv; assert sys.version_info >= (3, 10), sys.version; \
                 print(sys.executable, sys.version)";
    match Command::new("python3").args(["-c", probe]).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into(),
        Ok(output) => panic!("{ADVICE}\n{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{ADVICE}\npython3: {error}"),
    }
}

/// Runs a command to its end and returns what it printed; fails with all of it.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("Python was found before");
    let printed =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let printed = printed.concat();
    assert!(output.status.success(), "{command:?}: {}\n{printed}", output.status);
    printed
}

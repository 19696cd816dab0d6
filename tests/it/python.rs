//! The official Python provider, unmodified, against the built binary: runs `tests/python`.
//!
//! The virtual environment of a suite is made once and kept beside the build; it is made again
//! when the pins or the Python change.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

const SUITES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

const ADVICE: &str = "the Python tests need Python 3.10 or newer with its venv module; \
                      on Debian or Ubuntu: apt-get install python3 python3-venv";

#[test]
fn the_python_suite_passes() {
    passes("python");
}

/// Runs the Python tests of one directory of `tests`, with packages of their own.
pub(crate) fn passes(name: &str) {
    passes_with(name, &[]);
}

/// Runs them with these variables too.
pub(crate) fn passes_with(name: &str, variables: &[(&str, &OsStr)]) {
    let suite = Path::new(SUITES).join(name);
    match environment(&suite, name).and_then(|python| pytest(&python, &suite, variables)) {
        Ok(printed) => println!("{printed}"),
        Err(error) => panic!("{error}"),
    }
}

fn pytest(python: &Path, suite: &Path, variables: &[(&str, &OsStr)]) -> io::Result<String> {
    let mut pytest = Command::new(python);
    pytest
        .args(["-m", "pytest"])
        .arg(suite)
        .env("FLAGSTAFF_BIN", env!("CARGO_BIN_EXE_flagstaff"))
        .envs(variables.iter().copied())
        // No caches among the sources.
        .env("PYTHONDONTWRITEBYTECODE", "1");
    run(&mut pytest)
}

/// Returns the Python of a virtual environment that holds the packages the suite pins.
pub(crate) fn environment(suite: &Path, name: &str) -> io::Result<PathBuf> {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = tmp.join(name);
    let python = home.join("bin/python");
    let stamp = home.join("made-of");
    let pins = suite.join("requirements.txt");
    let made_of = format!("{}\n{}", version()?, fs::read_to_string(&pins)?);

    // Another cargo may be making the same environment; the lock ends with the file.
    let lock = File::create(tmp.join(name).with_extension("lock"))?;
    lock.lock()?;
    if fs::read_to_string(&stamp).is_ok_and(|of| of == made_of) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(pip.arg(&pins))?;
    // Last, so that an interrupted installation is started over.
    fs::write(&stamp, made_of)?;
    Ok(python)
}

/// Returns which Python this is, once it is known to do.
fn version() -> io::Result<String> {
    // ensurepip is what Debian's python3 lacks until python3-venv is there.
    let probe = "import ensurepip, sys, venv; assert sys.version_info >= (3, 10), sys.version; \
                 print(sys.executable, sys.version)";
    run(Command::new("python3").args(["-c", probe]))
        .map_err(|error| io::Error::other(format!("{ADVICE}\n{error}")))
}

/// Runs a command to its end and returns what it printed; all of that is also its error.
fn run(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    if output.status.success() {
        return Ok(printed.into_owned());
    }
    Err(io::Error::other(format!("{command:?}: {}\n{printed}", output.status)))
}

//! What is read, what is refused, and that neither waits.

use std::{
    error::Error,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::*;

#[test]
fn a_file_is_read_whole_up_to_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flags.json");
    fs::write(&path, "12345").unwrap();
    assert_eq!(read(&path, 5).unwrap(), b"12345");
    assert_eq!(read(&path, u64::MAX).unwrap(), b"12345");
    let error = read(&path, 4).unwrap_err();
    assert!(matches!(error, ReadError::TooLarge { limit: 4 }));
    assert_eq!(error.to_string(), "larger than 4 bytes (--max-file-bytes raises the limit)");
}

#[test]
fn what_is_no_readable_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
    for missing in [dir.path().join("dangling"), dir.path().join("no"), file.join("below")] {
        assert!(matches!(read(&missing, 9), Err(ReadError::NotFound)), "{missing:?}");
    }
    assert!(matches!(read(dir.path(), 9), Err(ReadError::Directory)));
    assert!(matches!(read(Path::new("/dev/zero"), 9), Err(ReadError::NotRegular)));

    let refused = ReadError::from(io::Error::from(io::ErrorKind::PermissionDenied));
    assert!(matches!(refused, ReadError::PermissionDenied(_)));
    assert!(refused.source().is_some(), "the cause is kept");
}

#[test]
fn a_fifo_does_not_block() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo.json");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(matches!(read(&path, 9), Err(ReadError::NotRegular)));
}

#[test]
fn what_takes_the_place_of_a_file_before_it_is_opened_neither_blocks_nor_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo.json");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    // As if the fifo had come after the first look.
    let mut opened = open(&path).unwrap();
    assert!(matches!(read_unchanged(&mut opened, 9), Err(ReadError::NotRegular)));
}

#[test]
fn a_lease_of_another_process_is_named_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flags.json");
    fs::write(&path, "{}").unwrap();
    let mut holder = Command::new("python3")
        .args(["-c", LEASE, path.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let start = Instant::now();
    assert!(matches!(read(&path, 9), Err(ReadError::Leased)));
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert_eq!(read(&path, 9).unwrap(), b"{}");
}

/// Holds a write lease and does not give it up when asked, until its standard input ends.
const LEASE: &str = "\
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('held', flush=True)
sys.stdin.read()
";

#[test]
fn a_file_that_grows_under_the_read_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flags.json");
    fs::write(&path, vec![b' '; 4 << 20]).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            while !done.load(Ordering::Relaxed) {
                file.write_all(b" ").unwrap();
            }
        });
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut seen = false;
        while !seen && Instant::now() < deadline {
            seen = matches!(read(&path, u64::MAX), Err(ReadError::Unstable));
        }
        done.store(true, Ordering::Relaxed);
        assert!(seen, "no read met the writer");
    });
}

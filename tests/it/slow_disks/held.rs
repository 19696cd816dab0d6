//! Leases, and file systems that do not answer, held by another process.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

/// Holds a write lease on a file and does not give it up when asked.
pub(super) const LEASE: &str = "\
import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
file = os.open(sys.argv[1], os.O_RDWR)
for attempt in range(500):
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        break
    except OSError:
        time.sleep(0.01)
print('held', flush=True)
sys.stdin.read()
";

/// Mounts a file system whose server never answers over a file or a directory.
pub(super) const HANG: &str = "\
import ctypes, os, stat, sys
libc = ctypes.CDLL(None, use_errno=True)
target = os.fsencode(sys.argv[1])
try:
    fuse = os.open('/dev/fuse', os.O_RDWR)
except OSError as error:
    print('refused', error, flush=True); sys.exit()
mode = stat.S_IFMT(os.stat(target).st_mode)
options = f'fd={fuse},rootmode={mode:o},user_id=0,group_id=0,allow_other'.encode()
if libc.mount(b'hung', target, b'fuse', 0, options):
    print('refused', os.strerror(ctypes.get_errno()), flush=True); sys.exit()
print('held', flush=True)
sys.stdin.read()
libc.umount2(target, 2)
os.close(fuse)
";

/// What a script holds until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Held {
    pub(super) fn by(script: &str, path: &Path) -> Option<Self> {
        let mut command = Command::new("python3");
        command.args(["-c", script]).arg(path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let stdin = child.stdin.take();
        let held = Self { child, stdin };
        if line.trim() != "held" {
            println!("skipped: {line}");
            return None;
        }
        Some(held)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.stdin.take();
        self.child.wait().ok();
    }
}

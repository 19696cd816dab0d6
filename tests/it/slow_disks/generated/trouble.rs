//! What can stand in the way of reading a file, made and ended again.

use super::{
    super::held::{HANG, Held, LEASE},
    place::{Kind as Of, Place},
};
use fastrand::Rng;
use std::{
    fs::{self, File, Permissions},
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Lease,
    Fifo,
    Directory,
    Dangling,
    Loop,
    LinkToFifo,
    LinkToZero,
    LinkToTerminal,
    Socket,
    Device,
    /// No permission, which does not hold for root.
    NoMode,
    /// A file of 1 TiB without a block on the disk.
    Sparse,
    /// A mount over the file whose server does not answer.
    Hung,
    /// A link that is swapped to such a mount elsewhere.
    LinkToHung,
    /// A FIFO and a file take turns.
    Flapping,
    /// A link that leads nowhere and a file take turns.
    LinkFlapping,
}

const KINDS: [Kind; 16] = [
    Kind::Lease,
    Kind::Fifo,
    Kind::Directory,
    Kind::Dangling,
    Kind::Loop,
    Kind::LinkToFifo,
    Kind::LinkToZero,
    Kind::LinkToTerminal,
    Kind::Socket,
    Kind::Device,
    Kind::NoMode,
    Kind::Sparse,
    Kind::Hung,
    Kind::LinkToHung,
    Kind::Flapping,
    Kind::LinkFlapping,
];

/// When a trouble is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    Soon,
    /// Only if it lasts.
    After(Duration),
    Never,
}

/// A trouble of one place, until it is dropped. It may leave something under the path.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    pub(super) report: Report,
    /// Whether the last good version stays in force.
    pub(super) keeps: bool,
    held: Option<Held>,
    flapping: Option<Flapping>,
}

impl Trouble {
    /// Puts something in the way; `None` if this machine cannot.
    pub(super) fn begin(place: &Place, root: &Path, rng: &mut Rng) -> Option<Self> {
        let kind = rng.choice(KINDS).unwrap();
        let path = &place.path;
        let beside = root.join(format!("beside-{}", rng.u32(..)));
        let link = |target: &Path| symlink(target, &beside).unwrap();
        let (mut held, mut flapping) = (None, None);
        match kind {
            Kind::Lease => held = Some(Held::by(LEASE, path)?),
            Kind::Hung => held = Some(Held::by(HANG, path)?),
            Kind::LinkToHung => {
                let target = beside.with_extension("hung");
                fs::write(&target, "").unwrap();
                held = Some(Held::by(HANG, &target)?);
                link(&target);
            }
            Kind::Fifo => make(&["mkfifo"], &beside, &[])?,
            Kind::Device => make(&["mknod"], &beside, &["c", "1", "5"])?,
            Kind::Directory => fs::create_dir(&beside).unwrap(),
            Kind::Dangling => link(Path::new("nowhere")),
            Kind::Loop => link(path),
            Kind::LinkToFifo => {
                let target = beside.with_extension("fifo");
                make(&["mkfifo"], &target, &[])?;
                link(&target);
            }
            Kind::LinkToZero => link(Path::new("/dev/zero")),
            Kind::LinkToTerminal => link(Path::new("/dev/ptmx")),
            Kind::Socket => drop(UnixListener::bind(&beside).unwrap()),
            Kind::NoMode => fs::set_permissions(path, Permissions::from_mode(0o000)).unwrap(),
            Kind::Sparse => File::create(&beside).unwrap().set_len(1 << 40).unwrap(),
            Kind::Flapping | Kind::LinkFlapping => {
                flapping = Some(Flapping::start(path, beside.clone(), kind == Kind::LinkFlapping));
            }
        }
        if beside.symlink_metadata().is_ok() && flapping.is_none() {
            // A directory does not take the place of a file, and some writers delete first.
            if kind == Kind::Directory || rng.bool() {
                fs::remove_file(path).unwrap();
            }
            fs::rename(&beside, path).unwrap();
        }
        let is_override = place.kind == Of::Override;
        let report = match kind {
            Kind::Flapping | Kind::LinkFlapping => Report::Never,
            Kind::NoMode if File::open(path).is_ok() => Report::Never,
            // An override that leads nowhere is gone.
            Kind::Dangling if is_override => Report::Never,
            Kind::Lease if !is_override => Report::After(Duration::from_secs(5)),
            Kind::Hung | Kind::LinkToHung if !is_override => Report::After(Duration::from_secs(30)),
            _ => Report::Soon,
        };
        let may_lift = matches!(kind, Kind::Dangling | Kind::LinkFlapping);
        let keeps = !(is_override && may_lift);
        Some(Self { kind, report, keeps, held, flapping })
    }

    /// Whether a call on the file does not return.
    pub(super) fn hangs(&self) -> bool {
        matches!(self.kind, Kind::Hung | Kind::LinkToHung)
    }

    /// Ends it, and removes what cannot be written over.
    pub(super) fn end(mut self, path: &Path) {
        drop((self.flapping.take(), self.held.take()));
        match path.symlink_metadata() {
            Ok(found) if found.is_dir() => fs::remove_dir(path).unwrap(),
            Ok(found) if found.is_file() && self.kind == Kind::NoMode => {
                fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
            }
            _ => {}
        }
    }
}

fn make(program: &[&str], path: &Path, arguments: &[&str]) -> Option<()> {
    let mut command = Command::new(program[0]);
    let status = command.arg(path).args(arguments).status().unwrap();
    status.success().then_some(())
}

/// Something else and the file take turns under its name.
#[derive(Debug)]
struct Flapping {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Flapping {
    fn start(path: &Path, beside: PathBuf, is_link: bool) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, path) = (Arc::clone(&stop), path.to_owned());
        let content = fs::read(&path).unwrap();
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if is_link {
                    symlink("nowhere", &beside).unwrap();
                } else {
                    make(&["mkfifo"], &beside, &[]).unwrap();
                }
                fs::rename(&beside, &path).unwrap();
                thread::park_timeout(Duration::from_millis(1));
                fs::write(&beside, &content).unwrap();
                fs::rename(&beside, &path).unwrap();
                thread::park_timeout(Duration::from_millis(1));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Flapping {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A panic of the thread is printed, and its file stays as it is.
        self.thread.take().map(JoinHandle::join);
    }
}

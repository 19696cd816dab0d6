//! What happens in a storm, again and again.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    time::SystemTime,
};

#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    ComeAndGo,
    Rename,
    Chmod,
    Touch,
    SwapLink,
    HardLink,
    WriteInPlace,
    Append,
    Directory,
    OutAndIn,
    /// As the kubelet, with a directory that no flag file is in.
    SwapData,
    /// Of the file that is served.
    ChmodServed,
    TouchServed,
}

pub(super) const ACTS: [Act; 13] = [
    Act::ComeAndGo,
    Act::Rename,
    Act::Chmod,
    Act::Touch,
    Act::SwapLink,
    Act::HardLink,
    Act::WriteInPlace,
    Act::Append,
    Act::Directory,
    Act::OutAndIn,
    Act::SwapData,
    Act::ChmodServed,
    Act::TouchServed,
];

/// Ignored names, names of flag files, of lists and of other programs.
pub(super) const NAMES: [&str; 7] =
    ["storm.json", "storm.yaml", "storm.txt", ".storm.json", "storm.json~", "users.tmp", "README"];

/// Flag-like content that changes nothing of what is tested.
const CONTENT: &str = "{\"flags\": {}}";

/// An act at a place.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub(super) act: Act,
    pub(super) path: PathBuf,
}

impl Deed {
    /// What fails because of another deed is as good: that was an event, too.
    pub(super) fn attempt(&self, outside: &Path, served: &Path) -> io::Result<()> {
        let Self { act, path } = self;
        let other = path.with_file_name("storm-2.json");
        match act {
            Act::ComeAndGo => {
                fs::write(path, CONTENT)?;
                fs::remove_file(path)
            }
            Act::Rename => {
                fs::write(path, CONTENT)?;
                fs::rename(path, &other)?;
                fs::remove_file(other)
            }
            Act::Chmod => {
                File::options().append(true).create(true).open(path)?;
                fs::set_permissions(path, Permissions::from_mode(0o600))
            }
            Act::Touch => {
                let file = OpenOptions::new().append(true).create(true).open(path)?;
                file.set_modified(SystemTime::now())
            }
            Act::SwapLink => {
                symlink("nowhere", &other)?;
                fs::rename(&other, path)
            }
            Act::HardLink => {
                let name = path.with_file_name("storm-link.json");
                fs::write(path, CONTENT)?;
                fs::hard_link(path, &name)?;
                fs::remove_file(name)
            }
            Act::WriteInPlace => fs::write(path, CONTENT),
            Act::Append => {
                let mut file = OpenOptions::new().append(true).create(true).open(path)?;
                if file.metadata()?.len() > 10_000 {
                    file.set_len(0)?;
                }
                file.write_all(b"\n")
            }
            Act::Directory => {
                fs::create_dir(path)?;
                fs::remove_dir(path)
            }
            Act::OutAndIn => {
                let out = outside.join("out");
                fs::write(path, CONTENT)?;
                fs::rename(path, &out)?;
                fs::rename(out, path)
            }
            Act::SwapData => {
                let data = path.with_file_name("..storm_data");
                fs::create_dir(path.with_file_name("..storm_new"))?;
                symlink("..storm_new", &other)?;
                fs::rename(&other, data)?;
                fs::remove_dir(path.with_file_name("..storm_new"))
            }
            Act::ChmodServed => {
                let mode = served.metadata()?.permissions().mode();
                fs::set_permissions(served, Permissions::from_mode(mode ^ 0o020))
            }
            Act::TouchServed => File::open(served)?.set_modified(SystemTime::now()),
        }
    }
}

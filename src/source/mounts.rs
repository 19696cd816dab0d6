//! Files that are mounted by themselves, and so never show what is later put in their place.

use std::{
    ffi::OsString,
    fs,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::Path,
};

const REPLACED: &str = "the file was replaced where it comes from, and this mount of the old one \
    never shows the new one: mount its directory instead (in Kubernetes, without subPath)";
const MOUNTED: &str = "the file is mounted by itself, so a new file put in its place is never \
    seen: mount its directory instead (in Kubernetes, without subPath)";

/// Whether no directory has the file any more that is still found under this path: a mount holds it.
pub(super) fn is_detached(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.nlink() == 0)
}

/// Why the file can never be updated, and what to do about it, where that is so.
pub(super) fn cannot_update(path: &Path) -> Option<&'static str> {
    if is_detached(path) {
        return Some(REPLACED);
    }
    let path = fs::canonicalize(path).ok()?;
    let mounts = fs::read("/proc/self/mountinfo").ok()?;
    is_mount_point(&path, &mounts).then_some(MOUNTED)
}

/// Whether one of the mounts is at the path. The fifth field of each line is the mount point, with
/// white space and backslashes as `\` and three octal digits.
fn is_mount_point(path: &Path, mounts: &[u8]) -> bool {
    let points = mounts.split(|&b| b == b'\n').filter_map(|line| line.split(|&b| b == b' ').nth(4));
    points.map(unescaped).any(|point| point.as_bytes() == path.as_os_str().as_bytes())
}

fn unescaped(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| first == b'\\');
        let code = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_the_fifth_field_with_its_escapes_undone() {
        let mounts = b"22 28 0:21 / /proc rw - proc proc rw\n\
            36 35 8:1 /a /etc/my\\040flags\\134/flags.json rw,noatime shared:1 - ext4 /dev/sda rw\n";
        for (path, expected) in [
            ("/etc/my flags\\/flags.json", true),
            ("/proc", true),
            ("/etc/my flags\\", false),
            ("/a", false),
            ("", false),
        ] {
            assert_eq!(is_mount_point(Path::new(path), mounts), expected, "{path}");
        }
    }

    #[test]
    fn an_ordinary_file_can_be_updated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flags.json");
        assert_eq!(cannot_update(&path), None);
        fs::write(&path, "").unwrap();
        assert_eq!(cannot_update(&path), None);
    }
}

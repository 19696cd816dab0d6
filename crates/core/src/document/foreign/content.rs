//! Contents of another kind than flags, known by how they begin: pages, pointers, encrypted files,
//! archives, tables.

use super::{named, shape::DocumentShape};
use crate::diagnostic::Diagnostic;

/// A kind of content, and what to do about it.
struct ForeignContent {
    what: &'static str,
    /// How it begins, in lower case.
    begins: &'static [&'static [u8]],
    help: &'static str,
}

const DOWNLOAD_AGAIN: &str =
    "download the file again and look at the answer: it is most likely a login page or an error";

const KINDS: [ForeignContent; 13] = [
    ForeignContent {
        what: "an HTML page",
        begins: &[b"<!doctype html", b"<html", b"<head", b"<body"],
        help: DOWNLOAD_AGAIN,
    },
    ForeignContent {
        what: "an XML document",
        begins: &[b"<?xml", b"<error>"],
        help: DOWNLOAD_AGAIN,
    },
    ForeignContent {
        what: "a Git LFS pointer",
        begins: &[b"version https://git-lfs.github.com/spec/"],
        help: "run git lfs pull where the file is checked out",
    },
    ForeignContent {
        what: "encrypted with Ansible Vault",
        begins: &[b"$ansible_vault;"],
        help: "decrypt it before it is mounted: ansible-vault decrypt FILE",
    },
    ForeignContent {
        what: "encrypted with age",
        begins: &[b"age-encryption.org/", b"-----begin age encrypted file-----"],
        help: "decrypt it before it is mounted: age --decrypt -i KEY FILE > flags.yaml",
    },
    ForeignContent {
        what: "encrypted with PGP",
        begins: &[b"-----begin pgp message-----"],
        help: "decrypt it before it is mounted: gpg --decrypt FILE > flags.yaml",
    },
    ForeignContent {
        what: "encrypted with git-crypt",
        begins: &[b"\0gitcrypt\0"],
        help: "run git-crypt unlock where the file is checked out",
    },
    ForeignContent {
        what: "a PEM file, which holds a key or a certificate",
        begins: &[b"-----begin "],
        help: "name the flag file itself",
    },
    ForeignContent {
        what: "a gzip archive",
        begins: &[b"\x1f\x8b"],
        help: "unpack it: gunzip FILE",
    },
    ForeignContent {
        what: "a zip archive",
        begins: &[b"pk\x03\x04"],
        help: "unpack it: unzip FILE",
    },
    ForeignContent {
        what: "a zstd archive",
        begins: &[b"\x28\xb5\x2f\xfd"],
        help: "unpack it: unzstd FILE",
    },
    ForeignContent {
        what: "an xz archive",
        begins: &[b"\xfd7zxz\0"],
        help: "unpack it: unxz FILE",
    },
    ForeignContent { what: "a bzip2 archive", begins: &[b"bzh"], help: "unpack it: bunzip2 FILE" },
];

/// So many lines of a text are looked at.
const MOST_LINES: usize = 20;

/// The error of a content that has no mapping in it, if it is known what it is.
pub(super) fn error(content: &[u8]) -> Option<Diagnostic> {
    let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
    let begins = |with: &[u8]| {
        let start = content.trim_ascii_start().get(..with.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    if let Some(kind) = KINDS.iter().find(|kind| kind.begins.iter().any(|with| begins(with))) {
        return Some(named(kind.what, kind.help));
    }
    let text = std::str::from_utf8(content).ok()?;
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty()).take(MOST_LINES);
    let variables = lines().filter(|line| !line.starts_with('#'));
    if lines().count() > 0 && variables.clone().count() > 0 && variables.clone().all(is_variable) {
        let help =
            "write flags by key: flags: { FLAG: { serve: on } }; docs/authoring.md has a guide";
        return Some(named("a file of environment variables", help));
    }
    let cells = |line: &str| line.split(',').count();
    let first = lines().next()?;
    let is_row = |line: &str| cells(line) == cells(first) && !line.contains([':', '{', '[']);
    if cells(first) > 1 && lines().count() > 1 && lines().all(is_row) {
        let help = "write flags by key; a list of users belongs into a text file, with an entry on each \
            line, which a condition names: { in_list: FILE }";
        return Some(named("a table (CSV)", help));
    }
    None
}

/// The error of a mapping that is a known kind of content, and has no flags.
pub(super) fn error_of_members(file: &DocumentShape<'_, '_>) -> Option<Diagnostic> {
    if file.has_flags() {
        return None;
    }
    if file.has("terraform_version") && file.has_any(&["lineage", "serial", "resources"]) {
        let help =
            "serve the flag file itself, such as one from terraform output -raw NAME > flags.json";
        return Some(named("a Terraform state", help));
    }
    let is_status = |name: &str| {
        let is_class = name.starts_with(['4', '5']);
        is_class && name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_text = |name: &&str| file.text(name).is_some();
    let is_answer = file.members.0.len() <= 6
        && (["message", "error", "error_description"].iter().any(is_text)
            || file.members.0.len() == 1 && file.members.names().all(is_status));
    is_answer.then(|| named("the error of a server", DOWNLOAD_AGAIN))
}

/// The error of a file that SOPS has encrypted, all of it or some values.
pub(super) fn encrypted(file: &DocumentShape<'_, '_>) -> Option<Diagnostic> {
    let sops = file.object("sops")?;
    let help = "decrypt it before it is mounted: sops --decrypt FILE > flags.yaml";
    sops.get("mac").map(|_| named("encrypted with SOPS", help))
}

/// `NAME=value`, as a shell or a `.env` file has it.
fn is_variable(line: &str) -> bool {
    let line = line.strip_prefix("export ").unwrap_or(line);
    line.split_once('=').is_some_and(|(name, _)| {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(is_of_name)
    })
}

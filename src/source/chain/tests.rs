//! What paths depend on, and which of their changes matter.

use std::os::unix::fs::symlink;

use super::*;

/// The directories at or below `root` that `path` depends on, relative to it.
fn below(root: &Path, path: &str) -> Vec<String> {
    let chain = Chain::of(&[root.join(path)]);
    let below = |dir: &&Path| dir.strip_prefix(root).ok().map(|dir| dir.display().to_string());
    chain.directories().iter().filter_map(below).collect()
}

#[track_caller]
fn check(root: &Path, path: &str, expected: &[&str]) {
    assert_eq!(below(root, path), expected, "for {path}");
}

fn root() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    (dir, root)
}

#[test]
fn every_directory_on_the_way_is_watched_up_to_the_root() {
    let (_dir, root) = root();
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(root.join("a/b/flags.json"), "").unwrap();
    check(&root, "a/b/flags.json", &["", "a", "a/b"]);
    let chain = Chain::of(&[root.join("a/b/flags.json")]);
    assert!(root.ancestors().all(|dir| chain.directories().contains(dir)));
}

#[test]
fn links_are_followed_wherever_they_lead() {
    let (_dir, root) = root();
    fs::create_dir_all(root.join("mount/..2026_1")).unwrap();
    fs::write(root.join("mount/..2026_1/flags.json"), "").unwrap();
    symlink("..2026_1", root.join("mount/..data")).unwrap();
    symlink("..data/flags.json", root.join("mount/flags.json")).unwrap();
    check(&root, "mount/flags.json", &["", "mount", "mount/..2026_1"]);

    fs::create_dir_all(root.join("git/rev/deep")).unwrap();
    fs::create_dir_all(root.join("other")).unwrap();
    symlink(root.join("git/rev"), root.join("current")).unwrap();
    symlink("../../../other/real", root.join("git/rev/deep/flags.json")).unwrap();
    check(&root, "current/deep/flags.json", &["", "git", "git/rev", "git/rev/deep", "other"]);
    check(&root, "current/../mount/flags.json", &["", "git"]);
}

#[test]
fn a_missing_part_leaves_the_nearest_ancestor() {
    let (_dir, root) = root();
    fs::create_dir(root.join("a")).unwrap();
    check(&root, "a/b/c/flags.json", &["", "a"]);
    fs::write(root.join("file"), "").unwrap();
    check(&root, "file/flags.json", &[""]);
}

#[test]
fn a_loop_of_links_ends() {
    let (_dir, root) = root();
    symlink("b", root.join("a")).unwrap();
    symlink("a", root.join("b")).unwrap();
    check(&root, "a/flags.json", &[""]);
}

#[test]
fn a_directory_is_watched_with_what_its_flag_files_lead_to() {
    let (_dir, root) = root();
    fs::create_dir_all(root.join("flags")).unwrap();
    fs::create_dir_all(root.join("store/private")).unwrap();
    symlink("../store/a", root.join("flags/a.yaml")).unwrap();
    symlink("../store/private/b", root.join("flags/.hidden.json")).unwrap();
    check(&root, "flags", &["", "flags", "store"]);

    let chain = Chain::of(&[root.join("flags")]);
    for (name, expected) in [
        ("flags", true),
        ("flags/later.yml", true),
        ("flags/a.yaml", true),
        ("store/a", true),
        ("store/b", false),
        ("flags/.later.json", false),
        ("flags/later.json~", false),
        ("later.json", false),
    ] {
        assert_eq!(chain.concerns(&root.join(name)), expected, "{name}");
    }
}

#[test]
fn a_plain_file_of_a_directory_is_not_a_swap() {
    let (_dir, root) = root();
    fs::create_dir(root.join("flags")).unwrap();
    symlink("one", root.join("flags/b.yaml")).unwrap();
    let chain = || Chain::of(&[root.join("flags")]);
    let before = chain();
    fs::write(root.join("flags/a.yaml"), "").unwrap();
    assert!(before.is_same_moment(&chain()));
    fs::remove_file(root.join("flags/b.yaml")).unwrap();
    symlink("two", root.join("flags/b.yaml")).unwrap();
    assert!(!before.is_same_moment(&chain()));
    let before = chain();
    fs::rename(root.join("flags"), root.join("other")).unwrap();
    assert!(!before.is_same_moment(&chain()));
}

#[test]
fn a_file_is_followed_to_its_physical_path() {
    let (_dir, root) = root();
    fs::create_dir(root.join("real")).unwrap();
    fs::write(root.join("real/a.yaml"), "").unwrap();
    symlink("real", root.join("way")).unwrap();
    let (chain, reached) = Chain::follow(&root.join("way/a.yaml"));
    assert_eq!(reached, Some(root.join("real/a.yaml")));
    assert!(chain.concerns(&root.join("way")) && !chain.concerns(&root.join("real/b.yaml")));
    assert_eq!(Chain::follow(&root.join("way/no.yaml")).1, None);
}

#[test]
fn a_link_that_leads_elsewhere_makes_another_chain() {
    let (_dir, root) = root();
    symlink("one", root.join("flags.json")).unwrap();
    let before = Chain::of(&[root.join("flags.json")]);
    assert_eq!(before, Chain::of(&[root.join("flags.json")]));
    fs::remove_file(root.join("flags.json")).unwrap();
    symlink("two", root.join("flags.json")).unwrap();
    assert_ne!(before, Chain::of(&[root.join("flags.json")]));
}

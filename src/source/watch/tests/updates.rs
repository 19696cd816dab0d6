//! Every way a file is updated in the field is seen, again and again.

use super::*;

#[tokio::test]
async fn a_write_in_place_is_seen() {
    for name in ["flags.json", "flags.yaml"] {
        let mut watched = Watched::new(name, |root| fs::write(root.join(name), "0").unwrap());
        let mut times = Vec::new();
        for i in 1..=20 {
            let content = i.to_string();
            let write = |root: &Path| fs::write(root.join(name), i.to_string()).unwrap();
            times.push(watched.sees(&content, write).await);
        }
        check_latency(&format!("write in place, {name}"), 15, times);
    }
}

#[tokio::test]
async fn a_file_renamed_over_is_seen() {
    let mut watched = Watched::new("flags.json", |root| rename_over(&root.join("flags.json"), "0"));
    let mut times = Vec::new();
    for i in 1..=20 {
        let content = i.to_string();
        let update = |root: &Path| rename_over(&root.join("flags.json"), &i.to_string());
        times.push(watched.sees(&content, update).await);
    }
    check_latency("rename over", 5, times);
}

#[tokio::test]
async fn every_swap_of_a_config_map_is_seen() {
    for path in ["mount/flags.json", "mount"] {
        let update = |root: &Path, i: usize| {
            config_map(&root.join("mount"), i, &[("flags.json", &i.to_string())]);
        };
        let mut watched = Watched::new(path, |root| update(root, 0));
        let file = watched.root.join("mount/flags.json");
        let mut times = Vec::new();
        for i in 1..=20 {
            times.push(watched.sees_in(&file, &i.to_string(), |root| update(root, i)).await);
        }
        check_latency(&format!("..data swap, {path}"), 5, times);
    }
}

#[tokio::test]
async fn a_burst_of_swaps_ends_with_the_last() {
    let mut watched = Watched::new("mount/flags.json", |root| {
        config_map(&root.join("mount"), 0, &[("flags.json", "0")]);
    });
    let burst = |root: &Path| {
        for i in 1..=100 {
            config_map(&root.join("mount"), i, &[("flags.json", &i.to_string())]);
        }
    };
    watched.sees("100", burst).await;
}

#[tokio::test]
async fn a_file_added_to_a_directory_is_seen() {
    let mut watched = Watched::new("mount", |root| {
        config_map(&root.join("mount"), 0, &[("a.json", "0")]);
    });
    let added = watched.root.join("mount/b.json");
    let update =
        |root: &Path| config_map(&root.join("mount"), 1, &[("a.json", "0"), ("b.json", "1")]);
    watched.sees_in(&added, "1", update).await;
    let update =
        |root: &Path| config_map(&root.join("mount"), 2, &[("a.json", "0"), ("b.json", "2")]);
    watched.sees_in(&added, "2", update).await;
    let added = watched.root.join("mount/c.yaml");
    let update = |root: &Path| fs::write(root.join("mount/c.yaml"), "3").unwrap();
    watched.sees_in(&added, "3", update).await;
}

#[tokio::test]
async fn a_save_by_vim_is_seen() {
    let mut watched = Watched::new("flags.json", |root| rename_over(&root.join("flags.json"), "0"));
    let mut times = Vec::new();
    for i in 1..=20 {
        let content = i.to_string();
        let save = |root: &Path| {
            fs::rename(root.join("flags.json"), root.join("flags.json~")).unwrap();
            fs::write(root.join("flags.json"), i.to_string()).unwrap();
            fs::remove_file(root.join("flags.json~")).unwrap();
        };
        times.push(watched.sees(&content, save).await);
    }
    check_latency("vim backup rename", 15, times);
}

#[tokio::test]
async fn a_file_deleted_and_made_again_is_seen() {
    let mut watched = Watched::new("flags.json", |root| rename_over(&root.join("flags.json"), "0"));
    let mut times = Vec::new();
    for i in 1..=20 {
        fs::remove_file(&watched.path).unwrap();
        let content = i.to_string();
        let write = |root: &Path| fs::write(root.join("flags.json"), i.to_string()).unwrap();
        times.push(watched.sees(&content, write).await);
    }
    check_latency("delete and recreate", 15, times);
}

//! The files and options of a seed.

use super::{
    super::place::{Kind, Place, Way, base},
    Run,
};
use crate::flags::Flags;
use fastrand::Rng;
use std::{fs, time::Instant};

impl Run {
    pub(in super::super) fn new(seed: u64, mut rng: Rng) -> Self {
        let (in_directory, has_singles) = match rng.u8(..3) {
            0 => (true, false),
            1 => (false, true),
            _ => (true, true),
        };
        let flags = Flags::absent_at(if in_directory { "flags.d" } else { "single/base.json" });
        let root = flags.dir().to_owned();
        let (directory, single) = (root.join("flags.d"), root.join("single"));
        let (mut places, mut options) = (Vec::new(), Vec::new());
        let mut add = |kind, path, flag: &str| places.push(Place::new(kind, path, flag));
        if in_directory {
            add(Kind::Json, directory.join("a.json"), "a");
            add(Kind::Yaml, directory.join("b.yaml"), "b");
            add(Kind::Listed, directory.join("c.yaml"), "c");
            add(Kind::List, directory.join("c.txt"), "c");
        }
        if has_singles {
            add(Kind::Json, single.join("d.json"), "d");
            add(Kind::Listed, single.join("e.yaml"), "e");
            add(Kind::List, single.join("e.txt"), "e");
            options.extend(["d.json", "e.yaml"].map(|name| single.join(name)));
        }
        let mut options: Vec<_> = options.iter().map(|path| path.display().to_string()).collect();
        if rng.u8(..3) > 0 {
            let overrides = root.join("overrides");
            fs::create_dir(&overrides).unwrap();
            add(Kind::Override, overrides.join("x.json"), "x");
            add(Kind::Override, overrides.join("y.json"), "y");
            options.extend(["--overrides".to_owned(), overrides.display().to_string()]);
        }
        if rng.bool() {
            options.push("--start-without-flags".to_owned());
        }
        for directory in [&directory, &single] {
            fs::create_dir(directory).unwrap();
        }
        let base_path = if in_directory { directory } else { single }.join("base.json");
        fs::write(base_path, base(&["x", "y"])).unwrap();
        for place in &mut places {
            place.version = 1;
            place.put(Way::Rename, &root);
        }
        let (troubled, ended, acts) = (Vec::new(), Vec::new(), vec![format!("{options:?}")]);
        Self { seed, rng, options, places, troubled, ended, flags, acts, start: Instant::now() }
    }
}

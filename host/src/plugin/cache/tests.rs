use super::*;
use std::os::unix::fs::PermissionsExt;

fn cache(folder: &Path, most: (u64, usize)) -> Cache {
    let engine = wasmtime::Engine::default();
    Cache {
        most,
        ..Cache::open(folder, &engine)
    }
}

/// Sets the last use to `seconds` ago.
fn age(cache: &Cache, digest: &str, seconds: u64) {
    let path = cache.path(digest).expect("a usable folder");
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let then = crate::clock::now() - Duration::from_secs(seconds);
    file.set_modified(then).unwrap();
}

fn kept(cache: &Cache) -> Vec<&'static str> {
    let digests = ["a", "b", "c", "d", "e"].into_iter();
    digests
        .filter(|digest| cache.get(digest).is_some())
        .collect()
}

#[test]
fn the_least_recently_used_file_is_removed_when_there_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder.path().join("cache"), (1 << 20, 3));
    for (digest, seconds) in [("a", 30), ("b", 20), ("c", 10)] {
        cache.put(digest, b"code");
        age(&cache, digest, seconds);
    }
    assert_eq!(cache.get("a").as_deref(), Some(&b"code"[..]), "used now");
    cache.put("d", b"code");
    assert_eq!(kept(&cache), ["a", "c", "d"]);
}

#[test]
fn files_over_the_size_limit_are_removed_unless_a_live_plugin_uses_them() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder.path().join("cache"), (300, 100));
    let live: Arc<str> = "a".into();
    cache.hold(&live);
    for (digest, seconds) in [("a", 30), ("b", 20), ("c", 10)] {
        cache.put(digest, &[0; 100]);
        age(&cache, digest, seconds);
    }
    assert_eq!(kept(&cache), ["a", "c"]);
    drop(live);
    age(&cache, "a", 30);
    age(&cache, "c", 10);
    cache.put("d", &[0; 200]);
    assert_eq!(kept(&cache), ["d"]);
}

#[test]
fn half_written_files_of_a_killed_process_are_removed_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("cache");
    let cache = cache(&folder, MOST);
    for (name, seconds) in [("old.1.tmp", 3600), ("new.2.tmp", 1), ("else.txt", 3600)] {
        let file = std::fs::File::create(folder.join(name)).unwrap();
        let then = crate::clock::now() - Duration::from_secs(seconds);
        file.set_modified(then).unwrap();
    }
    cache.put("a", b"code");
    let there = |name: &str| folder.join(name).exists();
    assert!(!there("old.1.tmp") && there("new.2.tmp") && there("else.txt"));
}

#[test]
fn a_folder_that_becomes_writable_for_others_is_not_used_until_that_is_fixed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("cache");
    let cache = cache(&folder, MOST);
    cache.put("a", b"code");
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&folder, 0o777);
    assert_eq!(cache.get("a"), None);
    cache.put("b", b"code");
    mode(&folder, 0o700);
    assert_eq!(kept(&cache), ["a"]);

    mode(&cache.path("a").unwrap(), 0o666);
    assert_eq!(cache.get("a"), None, "a file that others may write to");
    std::fs::remove_dir_all(&folder).unwrap();
    cache.put("c", b"code");
    assert_eq!(kept(&cache), ["c"], "a removed folder is created again");
}

//! The ways to save a file.

use super::{LONG, Scene, rename_over};
use millstream_tests::{versioned, wait_until};
use std::fs;

#[test]
fn a_file_goes_live_with_every_way_of_saving_it() {
    let scene = Scene::versioned();
    let (one, two) = (versioned("one"), versioned("two"));
    let (file, folder) = (scene.file(), scene.daemon.dir().join("plugins"));
    let away = scene.daemon.dir().join("away");
    scene.live("written", "two", || fs::write(&file, &two).unwrap());
    scene.live("renamed over", "one", || rename_over(&file, &one));
    let remove = || fs::remove_file(&file).unwrap();
    scene.refused("removed", "can't open the file", "one", remove);
    scene.live("created again", "two", || fs::write(&file, &two).unwrap());
    scene.refused(
        "the folder moved away",
        "can't open the file",
        "two",
        || {
            fs::rename(&folder, &away).unwrap();
        },
    );
    scene.live("the folder put back", "one", || {
        fs::write(away.join("t.wasm"), &one).unwrap();
        fs::rename(&away, &folder).unwrap();
    });
    scene.live("written again in that folder", "two", || {
        fs::write(&file, &two).unwrap();
    });
    scene.refused("the folder removed", "can't open the file", "two", || {
        fs::remove_dir_all(&folder).unwrap();
    });
    scene.live("a new folder", "one", || {
        fs::create_dir(&folder).unwrap();
        fs::write(&file, &one).unwrap();
    });
    let saved = || {
        let mut writer = fs::File::create(&file).unwrap();
        for part in two.chunks(4096) {
            std::io::Write::write_all(&mut writer, part).unwrap();
        }
    };
    scene.live("written in many steps", "two", saved);
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn a_half_written_file_goes_live_when_it_is_complete() {
    let scene = Scene::versioned();
    let two = versioned("two");
    let (half, rest) = two.split_at(two.len() / 2);
    scene.refused("half of the file", "unexpected end", "one", || {
        fs::write(scene.file(), half).unwrap();
    });
    scene.live("the complete file", "two", || {
        let mut file = fs::File::options().append(true).open(scene.file()).unwrap();
        std::io::Write::write_all(&mut file, rest).unwrap();
    });
    assert_eq!(scene.generation(), 2.0);
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn the_same_bytes_saved_again_swap_nothing() {
    let scene = Scene::versioned();
    let (one, file) = (versioned("one"), scene.file());
    for round in 1..=3 {
        fs::write(&file, &one).unwrap();
        rename_over(&file, &one);
        // The reload is handled after the change in the folder: its log line shows that the files
        // were checked.
        scene.daemon.hup();
        let read = || {
            let lines = scene.daemon.log().lines();
            lines
                .iter()
                .filter(|line| line.contains("configuration reloaded"))
                .count()
        };
        wait_until("the file was checked", LONG, || {
            (read() == round).then_some(())
        });
        assert_eq!(scene.version(), "one");
    }
    assert_eq!(scene.swaps("done") + scene.swaps("refused"), 0.0);
    // All pending changes have arrived by now: one more generation, not two.
    scene.live("another", "two", || rename_over(&file, &versioned("two")));
    assert_eq!(scene.generation(), 2.0);
    assert_eq!(scene.swaps("refused"), 0.0);
}

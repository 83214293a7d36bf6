use crate::target::*;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Mutex;

/// A program can't be started while a child of another thread has it open for
/// writing.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A fake Rust with its target folder, and a fake rustup.
struct Machine {
    folder: PathBuf,
}

impl Machine {
    fn new(name: &str) -> Self {
        let folder =
            env::temp_dir().join(format!("millstream-target-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("bin")).unwrap();
        let machine = Machine { folder };
        machine.program("rustc", &format!("echo {}", machine.libdir().display()));
        machine
    }

    fn libdir(&self) -> PathBuf {
        self.folder.join("lib").join(TARGET)
    }

    fn core(&self) -> PathBuf {
        self.libdir().join("libcore-0123456789abcdef.rlib")
    }

    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.folder.join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn ensure(&self) -> Result<Found, String> {
        let program = |name: &str| self.folder.join("bin").join(name).into_os_string();
        ensure(&program("rustc"), &program("rustup"))
    }

    fn refused(&self) -> String {
        let problem = self.ensure().unwrap_err();
        assert!(!problem.contains('\n'), "{problem}");
        assert!(
            problem.contains(&self.libdir().display().to_string()),
            "{problem}"
        );
        problem
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.folder);
    }
}

fn check(name: &str, test: impl FnOnce(&Machine)) {
    let _alone = ONE_AT_A_TIME.lock();
    test(&Machine::new(name));
}

#[test]
fn an_installed_target_needs_no_rustup() {
    check("there", |machine| {
        fs::create_dir_all(machine.libdir()).unwrap();
        fs::write(machine.core(), "").unwrap();
        let found = machine.ensure().unwrap();
        assert_eq!((found.folder, found.added), (machine.libdir(), false));
    });
}

#[test]
fn rustup_adds_a_target_that_a_toolchain_lacks() {
    check("added", |machine| {
        let (folder, core) = (machine.libdir(), machine.core());
        let add = format!(
            r#"[ "$*" = "target add {TARGET}" ] && mkdir -p {} && touch {}"#,
            folder.display(),
            core.display()
        );
        machine.program("rustup", &add);
        assert!(machine.ensure().unwrap().added);
        assert!(!machine.ensure().unwrap().added);
    });
}

#[test]
fn without_rustup_the_error_says_what_to_install() {
    check("alone", |machine| {
        let problem = machine.refused();
        assert!(
            problem.contains("install rustup (https://rustup.rs)"),
            "{problem}"
        );
        assert!(
            problem.contains("`rustup target add wasm32-unknown-unknown`"),
            "{problem}"
        );
    });
}

/// An interrupted removal leaves an empty folder.
#[test]
fn a_folder_without_a_library_is_not_a_target() {
    check("empty", |machine| {
        fs::create_dir_all(machine.libdir()).unwrap();
        machine.refused();
    });
}

#[test]
fn the_error_of_rustup_is_quoted() {
    check("offline", |machine| {
        machine.program(
            "rustup",
            "echo 'info: downloading' >&2; echo 'error: no network' >&2; echo '15: main' >&2; exit 1",
        );
        let problem = machine.refused();
        assert!(problem.contains("failed (error: no network)"), "{problem}");
    });
}

#[test]
fn a_rust_outside_rustup_is_named() {
    check("other", |machine| {
        machine.program("rustup", "exit 0");
        let problem = machine.refused();
        let rustc = machine.folder.join("bin/rustc");
        assert!(
            problem.ends_with(&format!("install it for {}", rustc.display())),
            "{problem}"
        );
    });
}

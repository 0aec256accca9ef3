//! Files appear whole or not at all.

use std::process::Command;

use super::*;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn a_failure_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    write(&path, b"old").unwrap();
    write(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    // A folder cannot be replaced by a file.
    let inner = folder.path().join("b");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("kept"), "kept").unwrap();
    assert!(write(&inner, b"newer").is_err());
    assert_eq!(fs::read(inner.join("kept")).unwrap(), b"kept");
    assert!(write(&folder.path().join("none/c"), b"x").is_err());
    assert_eq!(names(folder.path()), ["a.txt", "b"]);
    remove_folder(&inner).unwrap();
    remove_folder(&inner).unwrap();
}

/// What the child process of the next test is told.
const CHILD: &str = "LAB_ATOMIC_TEST_FILE";

/// Run by the next test, in a process that may write 8 KiB to a file.
#[test]
fn child_on_a_full_disk() {
    let Some(path) = std::env::var_os(CHILD).map(PathBuf::from) else {
        return;
    };
    let error = write(&path, &[b'n'; 1 << 20]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    write(&path.with_extension("small"), b"small").unwrap();
}

#[cfg(unix)]
#[test]
fn a_full_disk_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("README.md");
    write(&path, b"old").unwrap();
    // A write beyond the limit fails like one on a full disk, half of it done.
    let child = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 16; exec \"$0\" --exact \"$1\"",
        ])
        .arg(std::env::current_exe().unwrap())
        .arg("atomic::tests::child_on_a_full_disk")
        .env(CHILD, &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && text.contains("1 passed"),
        "{text}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["README.md", "README.small"]);
}

#[test]
fn partial_files_of_the_dead_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    for name in [
        "a.12-0.partial",
        "a.12.partial",
        "b.13.partial",
        "mine.partial",
        "c.x-1.partial",
    ] {
        fs::write(place(name), "half").unwrap();
    }
    // One of a writer that is alive, and one without a lock that has been quiet for long.
    let living = Partial::create(&place("living")).unwrap();
    let living_name = living
        .path
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let old = std::time::SystemTime::now() - 2 * ABANDONED;
    File::options()
        .write(true)
        .open(place("b.13.partial"))
        .unwrap()
        .set_modified(old)
        .unwrap();
    write(&place("new"), b"new").unwrap();
    let mut left = [
        "a.12.partial",
        "c.x-1.partial",
        &living_name,
        "mine.partial",
        "new",
    ];
    left.sort_unstable();
    assert_eq!(names(folder.path()), left);
    drop(living);
    assert!(!place(&living_name).exists());
}

#[cfg(unix)]
#[test]
fn permissions_stay() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script");
    write(&path, b"old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o751)).unwrap();
    write(&path, b"new").unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o751
    );
}

#[test]
fn many_writers_of_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    std::thread::scope(|scope| {
        for writer in 0..4u8 {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..25 {
                    write(path, &[b'0' + writer; 5000]).unwrap();
                }
            });
        }
    });
    let content = fs::read(&path).unwrap();
    assert!(content.len() == 5000 && content.iter().all(|&byte| byte == content[0]));
    assert_eq!(names(folder.path()), ["a"]);
}

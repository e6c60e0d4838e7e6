//! Directory of a run: its name, its lock, and the writing of its files.

use crate::durable::{sweep, write_atomically};
use crate::league::FOLDER;
use anyhow::{Context, Result, bail};
use std::fs::{File, TryLockError, create_dir, create_dir_all};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Directory of all runs.
const RUNS: &str = "runs";

/// Link to the newest run.
pub const LATEST: &str = "runs/latest";

/// Directory of a run.
pub struct Directory {
    path: PathBuf,
    /// Whether the path is yet to be made unique by a number.
    is_numbered: bool,
    /// Whether `runs/latest` is to point here.
    is_latest: bool,
    /// Lock on the directory, held while this process trains there.
    lock: Option<File>,
}

impl Directory {
    /// The directory of a new run at `path`, or else in `runs/`, named after the time.
    pub fn of_new_run(path: Option<&Path>) -> Self {
        match path {
            Some(path) => Self { path: path.to_owned(), is_numbered: false, is_latest: false, lock: None },
            None => Self { is_latest: true, ..Self::named(Path::new(RUNS), &timestamp()) },
        }
    }

    /// A new directory in `folder`, with a number behind its `name` if that is taken.
    pub fn named(folder: &Path, name: &str) -> Self {
        Self { path: folder.join(name), is_numbered: true, is_latest: false, lock: None }
    }

    /// Creates the directory of a new run, and locks it.
    ///
    /// # Errors
    /// If it cannot be written, another process trains there, or it already holds a run.
    pub fn create(mut self) -> Result<Self> {
        let cannot = |path: &Path| format!("{}: cannot create", path.display());
        if self.is_numbered {
            let parent = self.path.parent().unwrap_or(Path::new(""));
            create_dir_all(parent).with_context(|| cannot(parent))?;
            let name = self.name();
            let mut number = 1;
            // `create_dir` takes a name once, also of two runs that start in the same second.
            while let Err(error) = create_dir(&self.path) {
                if error.kind() != ErrorKind::AlreadyExists {
                    return Err(error).with_context(|| cannot(&self.path));
                }
                number += 1;
                self.path.set_file_name(format!("{name}-{number}"));
            }
            self.is_numbered = false;
        } else {
            create_dir_all(&self.path).with_context(|| cannot(&self.path))?;
        }
        self.lock = Some(lock(&self.path, "trains")?);
        if super::checkpoint::any(&self.checkpoints())? {
            bail!("{0}: holds a run already; go on with --resume {0}, or choose another --out", self.path.display());
        }
        Ok(self)
    }

    /// The directory of an earlier run, locked.
    ///
    /// # Errors
    /// If there is no run, or another process trains there.
    pub fn of_run(path: &Path) -> Result<Self> {
        let path = behind_link(path);
        if !path.join("checkpoints").is_dir() {
            bail!("{}: no run there to go on with", path.display());
        }
        let lock = Some(lock(&path, "trains")?);
        Ok(Self { path, is_numbered: false, is_latest: false, lock })
    }

    /// Path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name of the directory.
    pub fn name(&self) -> String {
        name_of(&self.path)
    }

    /// Path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Folder of its checkpoints.
    pub fn checkpoints(&self) -> PathBuf {
        checkpoints_of(&self.path)
    }

    /// Writes one of its files, whole or not at all.
    ///
    /// # Errors
    /// Names the path and the step that failed.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.file(name);
        if let Some((folder, _)) = name.rsplit_once('/') {
            self.create_folder(folder)?;
        }
        write_atomically(&path, bytes)
    }

    /// Creates a folder in it. The directory itself is not created anew: it may have been renamed.
    ///
    /// # Errors
    /// Names the path.
    pub fn create_folder(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        match create_dir(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("{}: cannot create", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Deletes what killed writers left in it.
    ///
    /// # Errors
    /// Names the folder or file that cannot be read or deleted.
    pub fn sweep(&self) -> Result<()> {
        ["", "checkpoints", "games", FOLDER].iter().try_for_each(|folder| sweep(&self.path.join(folder)))
    }

    /// Checks that the directory is still the one that was locked: it may have been deleted or renamed since.
    ///
    /// # Errors
    /// If it is not.
    pub fn check_is_there(&self) -> Result<()> {
        let held = self.lock.as_ref().map(File::metadata).transpose()?;
        let found = std::fs::metadata(self.file("lock"));
        match (held, found) {
            (Some(held), Ok(found)) if is_same(&held, &found) => Ok(()),
            _ => bail!("{}: the folder of the run is no longer there", self.path.display()),
        }
    }

    /// Makes `runs/latest` a link to a run that was named after the time; without symlink support it is not created.
    ///
    /// # Errors
    /// If the link cannot be made.
    pub fn point_latest(&self) -> Result<()> {
        if !self.is_latest {
            return Ok(());
        }
        let fresh = Path::new(RUNS).join(format!(".latest-{}", std::process::id()));
        #[cfg(unix)]
        std::os::unix::fs::symlink(self.name(), &fresh)
            .and_then(|()| std::fs::rename(&fresh, LATEST))
            .with_context(|| format!("{LATEST}: cannot point at {}", self.path.display()))?;
        #[cfg(not(unix))]
        let _ = fresh;
        Ok(())
    }
}

/// Locks the directory for a process that `works` there: one that "trains" or "sweeps".
///
/// # Errors
/// If another process does so, for which the error ends with [`busy`], or the file of the lock cannot be created.
pub fn lock(directory: &Path, works: &str) -> Result<File> {
    /// Attempts, and time between them: whoever only looks ([`is_locked`]) holds the lock for an instant.
    const ATTEMPTS: usize = 10;
    const BETWEEN: Duration = Duration::from_millis(10);

    let path = directory.join("lock");
    let file = File::create(&path).with_context(|| format!("{}: cannot create", path.display()))?;
    for attempt in 1.. {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => std::thread::sleep(BETWEEN),
            Err(TryLockError::WouldBlock) => bail!("{}: {}", directory.display(), busy(works)),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("{}: cannot lock", path.display()));
            }
        }
    }
    Ok(file)
}

/// Reason why a process that `works` cannot do so in a directory.
pub fn busy(works: &str) -> String {
    format!("another process {works} here")
}

/// Whether two descriptions are of one file.
#[cfg(unix)]
pub fn is_same(held: &std::fs::Metadata, found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (held.dev(), held.ino()) == (found.dev(), found.ino())
}

/// Windows neither deletes nor renames the folder of an open file.
#[cfg(not(unix))]
pub fn is_same(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    true
}

/// Name of a run started now, UTC: `2026-11-24-093015`.
pub fn timestamp() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.replace([':', 'Z'], "").replace('T', "-")
}

/// Whether a process trains in the directory.
pub fn is_locked(directory: &Path) -> bool {
    let Ok(file) = File::open(directory.join("lock")) else { return false };
    // Shared and for an instant, so that others who look do not see each other.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// Id of the process that trains in the directory, where the system tells.
#[cfg(target_os = "linux")]
pub fn holder(directory: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let inode = std::fs::metadata(directory.join("lock")).ok()?.ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`: the process, then the device and the file.
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_ours = fields.get(5)?.rsplit(':').next()?.parse() == Ok(inode);
        (is_ours && fields.get(3) == Some(&"WRITE")).then(|| fields[4].parse().ok())?
    })
}

/// Id of the process that trains in the directory, where the system tells.
#[cfg(not(target_os = "linux"))]
pub fn holder(_: &Path) -> Option<u32> {
    None
}

/// Name of a run's directory.
pub fn name_of(directory: &Path) -> String {
    directory.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Folder of the checkpoints in a run's directory.
pub fn checkpoints_of(directory: &Path) -> PathBuf {
    directory.join("checkpoints")
}

/// Directory that a link such as `runs/latest` points to, under its own name.
pub fn behind_link(directory: &Path) -> PathBuf {
    match directory.read_link() {
        Ok(target) => directory.with_file_name("").join(target),
        Err(_) => directory.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_of_one_second_get_two_directories() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let create = || Directory::named(folder.path(), "2026-11-24-093015").create().expect("created");
        let runs = [create(), create(), create()];
        let names = runs.each_ref().map(Directory::name);
        assert_eq!(names, ["2026-11-24-093015", "2026-11-24-093015-2", "2026-11-24-093015-3"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_was_renamed_or_deleted_is_noticed() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let run = Directory::of_new_run(Some(&folder.path().join("run"))).create().expect("created");
        run.check_is_there().expect("it is there");
        std::fs::rename(run.path(), folder.path().join("good")).expect("renamed");
        assert!(run.check_is_there().is_err());
        create_dir(run.path()).expect("another");
        std::fs::write(run.file("lock"), b"").expect("another");
        let error = run.check_is_there().expect_err("another folder of its name").to_string();
        assert!(error.contains("no longer there"), "{error}");
    }
}

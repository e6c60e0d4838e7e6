//! [`Snapshot`]: the network at an iteration, frozen, and its file in the folder `league` of a run.

use crate::durable::{FileDigest, rename, write_atomically};
use crate::settings::Settings;
use anyhow::{Context, Result, ensure};
use keisei_core::format::model::{Dtype, Model};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// Folder of the snapshots in the directory of a run.
pub const FOLDER: &str = "league";

const EXTENSION: &str = "model";

/// Snapshots by the iteration after which they were taken.
pub type Snapshots = BTreeMap<u32, Arc<Snapshot>>;

/// The network after an iteration, frozen. Its file is written once and never changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The model, named by the iteration in its provenance.
    pub model: Model,
}

impl Snapshot {
    /// Digest of its file.
    ///
    /// # Errors
    /// If a weight is not finite.
    pub fn file(&self) -> Result<FileDigest> {
        Ok(FileDigest::of(&name(self.model.provenance.iteration), &self.bytes()?))
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        self.model.to_bytes(Dtype::F32).context("snapshot of the league")
    }

    /// Writes its file into `folder`, which must exist, unless it is there. A file of the same name from before the run went back to
    /// an earlier checkpoint is set aside.
    ///
    /// # Errors
    /// Names the path and the step that failed.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let bytes = self.bytes()?;
        let path = folder.join(name(self.model.provenance.iteration));
        match std::fs::read(&path) {
            Ok(found) if found == bytes => return Ok(()),
            Ok(_) => rename(&path, &path.with_added_extension("aside"))?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{}: cannot be read", path.display())),
        }
        write_atomically(&path, &bytes)
    }

    /// Reads the snapshot that `file` names from `folder`.
    ///
    /// # Errors
    /// If the file is gone, is not what was written, or is of another network than that of the settings.
    pub fn load(folder: &Path, file: &FileDigest, settings: &Settings) -> Result<Self> {
        file.check(folder)?;
        let path = folder.join(&file.name);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let model = Model::from_bytes(&bytes).with_context(|| path.display().to_string())?;
        let is_ours = *model.spec() == settings.spec()
            && (model.features, model.actions) == (settings.features(), settings.actions());
        ensure!(is_ours, "{}: is of another network than that of the settings", path.display());
        Ok(Self { model })
    }
}

/// Name of the file of the snapshot after `iteration`.
fn name(iteration: u64) -> String {
    format!("{iteration:08}.{EXTENSION}")
}

/// Whether a file of this name is a snapshot.
pub(super) fn is_name(file: &str) -> bool {
    let digits = file.strip_suffix(EXTENSION).and_then(|rest| rest.strip_suffix('.'));
    digits.and_then(|digits| digits.parse().ok()).is_some_and(|iteration| name(iteration) == file)
}

/// Whether a snapshot is taken after this iteration: at 1, 2, 3, 4, 6, 8, 12, 16, 24 and so on, two to each doubling.
pub(super) fn is_log_spaced(iteration: u32) -> bool {
    let odd = iteration >> iteration.trailing_zeros().min(31);
    odd == 1 || odd == 3
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::settings::Preset;
    use keisei_core::format::model::Provenance;
    use keisei_core::net::Weights;
    use std::fs;

    /// A fresh network of the preset `tiny`, as a snapshot after `iteration`.
    pub(in crate::league) fn snapshot(iteration: u64) -> Snapshot {
        let settings = Preset::Tiny.settings();
        let weights = Weights::init(&settings.spec(), iteration).expect("a network");
        let provenance = Provenance { iteration, ..Provenance::default() };
        Snapshot { model: Model { features: settings.features(), actions: settings.actions(), provenance, weights } }
    }

    #[test]
    fn snapshots_are_taken_twice_in_each_doubling() {
        let spaced: Vec<u32> = (1..200).filter(|&iteration| is_log_spaced(iteration)).collect();
        assert_eq!(spaced, [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192]);
        assert!(!is_log_spaced(0));
    }

    #[test]
    fn files_are_told_by_their_names() {
        assert!(["00000012.model", "123456789.model"].into_iter().all(is_name));
        assert!(
            !["12.model", "00000012.model.aside", "best.model", "00000012.checkpoint", ".model"]
                .into_iter()
                .any(is_name)
        );
    }

    #[test]
    fn a_file_is_written_once_and_another_of_its_name_is_set_aside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let (settings, snapshot) = (Preset::Tiny.settings(), snapshot(12));
        let file = snapshot.file().expect("finite");
        let path = folder.join("00000012.model");
        fs::write(&path, b"of another future").expect("written");
        for _ in 0..2 {
            snapshot.write(folder).expect("written");
            assert_eq!(Snapshot::load(folder, &file, &settings).expect("whole"), snapshot);
        }
        assert_eq!(fs::read(folder.join("00000012.model.aside")).expect("kept"), b"of another future");
        assert_eq!(fs::read_dir(folder).expect("read").count(), 2);
    }

    #[test]
    fn a_file_that_is_not_the_snapshot_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path();
        let snapshot = snapshot(12);
        let (settings, file) = (Preset::Tiny.settings(), snapshot.file().expect("finite"));
        let check = |settings: &Settings, part: &str| {
            let error = format!("{:#}", Snapshot::load(folder, &file, settings).expect_err(part));
            assert!(error.contains(part) && error.contains("00000012.model"), "{error}");
        };
        check(&settings, "is gone");
        snapshot.write(folder).expect("written");
        check(&Preset::Cpu.settings(), "is of another network");
        fs::write(folder.join("00000012.model"), b"short").expect("written");
        check(&settings, "it was cut off");
    }
}

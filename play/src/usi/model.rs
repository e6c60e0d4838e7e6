//! The model of an engine that was told none.

use std::path::{Path, PathBuf};

use keisei_core::format::Model;

use crate::files::read_model;

/// Where a model is looked for if the GUI sets none, in this order.
pub struct Places {
    /// Folder of the program.
    pub folder: Option<PathBuf>,
    /// Model file within the program.
    pub built_in: Option<&'static [u8]>,
}

/// The first of these that can be read: the file of the option, a file beside the program, the one within it. Each that cannot is told
/// to `remark`, and so is a model that the user did not name.
///
/// # Errors
/// If there is none.
pub fn find(option: Option<&Path>, places: &Places, remark: &mut impl FnMut(String)) -> Result<Model, String> {
    if let Some(path) = option {
        match read_model(path) {
            Ok(model) => return Ok(model),
            Err(error) => remark(format!("error: {error:#}")),
        }
    }
    for path in places.folder.as_deref().map(beside).unwrap_or_default() {
        match read_model(&path) {
            Ok(model) => {
                remark(format!("the model is {}", path.display()));
                return Ok(model);
            }
            Err(error) => remark(format!("error: {error:#}")),
        }
    }
    if let Some(bytes) = places.built_in {
        let model = Model::from_bytes(bytes).map_err(|error| format!("the built-in model: {error}"))?;
        remark("the model is the built-in one".to_owned());
        return Ok(model);
    }
    Err("no model can be read: set the option Model, or put a file *.model beside the program".to_owned())
}

/// Files `*.model` in a folder: first the one with the program's name, then by name.
fn beside(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut models: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "model") && path.is_file()).collect();
    models.sort_by_key(|path| (path.file_stem().is_none_or(|stem| stem != "keisei-usi"), path.clone()));
    models
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::model;
    use keisei_core::format::Dtype;

    #[test]
    fn the_option_comes_first_then_what_lies_beside_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            std::fs::write(folder.path().join(name), model().to_bytes(Dtype::F32).unwrap()).unwrap();
        };
        let built_in: &'static [u8] = model().to_bytes(Dtype::F32).unwrap().leak();
        let check = |option: Option<&str>, found: bool, told: &[&str]| {
            let option = option.map(|name| folder.path().join(name));
            for built_in in [None, Some(built_in)] {
                let places = Places { folder: Some(folder.path().to_owned()), built_in };
                let mut remarks = Vec::new();
                let model = find(option.as_deref(), &places, &mut |text| remarks.push(text));
                assert_eq!(model.is_ok(), found || built_in.is_some(), "{model:?}");
                let told = told.iter().copied().chain((!found && built_in.is_some()).then_some("built-in"));
                assert!(remarks.len() == told.clone().count(), "{remarks:?}");
                for (remark, part) in remarks.iter().zip(told) {
                    assert!(remark.contains(part), "{remark}: {part}");
                }
            }
        };
        std::fs::write(folder.path().join("a.txt"), "no model").unwrap();
        check(None, false, &[]);
        check(Some("missing.model"), false, &["missing.model"]);
        std::fs::write(folder.path().join("a.model"), "no model").unwrap();
        check(None, false, &["a.model"]);
        write("z.model");
        check(None, true, &["error", "the model is"]);
        check(Some("missing.model"), true, &["missing.model", "a.model", "z.model"]);
        check(Some("z.model"), true, &[]);
        write("keisei-usi.model");
        check(None, true, &["keisei-usi.model"]);
        assert!(beside(&folder.path().join("nowhere")).is_empty());
    }
}

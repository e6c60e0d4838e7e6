//! Copies of checkpoints and models in an object store: a folder, S3, Google Cloud Storage or Azure.

use super::Sink;
use super::retry::Retry;
use super::selection::{StoreAddress, StoreKind};
use crate::durable::write_atomically;
use crate::event::{Event, Stamped};
use crate::league;
use crate::run::{BEST, MODEL};
use crate::settings::SinksSection;
use anyhow::{Context, Error, Result};
use keisei_core::format::Model;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, PutMultipartOptions, PutOptions, WriteMultipart};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, create_dir_all, read_dir};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};
use tokio::runtime::{Builder, Runtime};

/// Size in bytes of the parts of an upload; a smaller file is uploaded at once.
const PART: u64 = 8 << 20;

/// Growth at which a file that only grows is uploaded again before the run ends: all its uploads together are then a small
/// multiple of its size.
const GROWTH: f64 = 1.5;

/// Files that only grow, and those that are replaced, besides checkpoints and the model.
const GROWING: [&str; 3] = ["metrics.jsonl", "events.jsonl", "log.txt"];
const REPLACED: [&str; 3] = ["config.toml", "curve.svg", BEST];

/// Sink that uploads checkpoints, models and the other files of a run to `FOLDER/NAME-OF-THE-RUN`.
///
/// `sinks/store.json` of the run lists what was uploaded: whatever is not, because the store was away or the process was killed, is
/// found and uploaded at the next event or after a restart. Nothing is deleted there. Keys come from the environment, from the
/// variables of each store's own client, such as `AWS_ACCESS_KEY_ID`.
pub struct Uploads {
    runtime: Runtime,
    store: Arc<dyn ObjectStore>,
    /// Folder of the run in the store.
    folder: Key,
    run: PathBuf,
    uploaded: Uploaded,
    /// Time before which nothing is tried after a failure, unless there is something new.
    waits_until: Option<Instant>,
    pause: Duration,
    is_behind: bool,
}

/// What was uploaded, by name in the store.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Uploaded {
    target: String,
    files: BTreeMap<String, Version>,
}

/// State of a local file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Version {
    size: u64,
    /// Nanoseconds since 1970.
    modified: u64,
}

/// File that is to be uploaded, with its name in the store.
struct Upload {
    path: PathBuf,
    name: String,
    version: Version,
}

impl Uploads {
    /// Sink that uploads the run in this directory.
    ///
    /// # Errors
    /// If the address of the store cannot be used.
    pub fn open(settings: &SinksSection, run: &Path) -> Result<Self> {
        let (store, folder) = connect(settings)?;
        let name = run.canonicalize().unwrap_or_else(|_| run.to_owned());
        let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let listed = std::fs::read(run.join("sinks/store.json")).unwrap_or_default();
        // A list that cannot be read costs one more upload of what is there.
        let uploaded: Uploaded = serde_json::from_slice(&listed).unwrap_or_default();
        let target = settings.store.clone();
        let uploaded = if uploaded.target == target { uploaded } else { Uploaded { target, ..Uploaded::default() } };
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build().context("runtime of the uploads")?,
            store,
            folder: folder.join(name),
            run: run.to_owned(),
            uploaded,
            waits_until: None,
            pause: Duration::from_secs_f64(settings.longest_delay),
            is_behind: true,
        })
    }

    /// Uploads all that is new, the newest checkpoint first; `is_end` for the last time.
    fn upload_all(&mut self, is_end: bool) -> Result<()> {
        self.is_behind = true;
        self.waits_until = Some(Instant::now() + self.pause);
        let local = self.local()?;
        for upload in &local {
            let before = self.uploaded.files.get(&upload.name);
            let grows = GROWING.contains(&upload.name.as_str());
            let is_due = match before {
                Some(before) if *before == upload.version => false,
                Some(before) if grows && !is_end => upload.version.size as f64 >= GROWTH * before.size as f64,
                _ => true,
            };
            if is_due && self.upload(upload).with_context(|| format!("{} of {}", upload.name, self.uploaded.target))? {
                self.uploaded.files.insert(upload.name.clone(), upload.version);
                self.keep()?;
            }
        }
        // Retention has deleted them here.
        self.uploaded.files.retain(|name, _| local.iter().any(|upload| upload.name == *name));
        self.is_behind = false;
        self.waits_until = None;
        Ok(())
    }

    /// Files of the run that belong into the store, in the order in which they are uploaded.
    fn local(&self) -> Result<Vec<Upload>> {
        let mut uploads = Vec::new();
        let mut add = |path: PathBuf, name: String| -> Result<()> {
            match path.metadata() {
                Ok(metadata) => {
                    let modified = metadata.modified().unwrap_or(UNIX_EPOCH).duration_since(UNIX_EPOCH);
                    let modified = modified.unwrap_or_default().as_nanos() as u64;
                    uploads.push(Upload { path, name, version: Version { size: metadata.len(), modified } });
                    Ok(())
                }
                // Not there yet, or deleted since.
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error).with_context(|| path.display().to_string()),
            }
        };
        let folder = self.run.join("checkpoints");
        let mut names: Vec<String> = match read_dir(&folder) {
            Ok(entries) => entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error).with_context(|| folder.display().to_string()),
        };
        names.retain(|name| name.ends_with(".checkpoint") && !name.starts_with('.'));
        names.sort_unstable();
        names.reverse();
        for name in names {
            add(folder.join(&name), format!("checkpoints/{name}"))?;
        }
        for (path, name) in league::files(&self.run)? {
            add(path, format!("{}/{name}", league::FOLDER))?;
        }
        let model = self.run.join(MODEL);
        if let Ok(bytes) = std::fs::read(&model) {
            let iteration =
                Model::from_bytes(&bytes).with_context(|| model.display().to_string())?.provenance.iteration;
            add(model, format!("models/{iteration:08}.model"))?;
        }
        for name in REPLACED.into_iter().chain(GROWING) {
            add(self.run.join(name), name.to_owned())?;
        }
        Ok(uploads)
    }

    /// Uploads a file, in parts if it is large; false if it is no longer there.
    fn upload(&self, upload: &Upload) -> Result<bool> {
        let file = match File::open(&upload.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            file => file.with_context(|| upload.path.display().to_string())?,
        };
        // One that grows is taken as long as it was.
        let mut file = file.take(upload.version.size);
        let mut read = || -> Result<Vec<u8>> {
            let mut part = Vec::new();
            file.by_ref().take(PART).read_to_end(&mut part).with_context(|| upload.path.display().to_string())?;
            Ok(part)
        };
        let key = upload.name.split('/').fold(self.folder.clone(), Key::join);
        let first = read()?;
        self.runtime.block_on(async {
            if upload.version.size <= PART {
                self.store.put_opts(&key, first.into(), PutOptions::default()).await?;
                return Ok(true);
            }
            let parts = self.store.put_multipart_opts(&key, PutMultipartOptions::default()).await?;
            let mut parts = WriteMultipart::new_with_chunk_size(parts, PART as usize);
            parts.write(&first);
            loop {
                // One part on the way and one in memory.
                let waited = parts.wait_for_capacity(1).await;
                match waited.map_err(Error::from).and_then(|()| read()) {
                    Ok(part) if part.is_empty() => break,
                    Ok(part) => parts.write(&part),
                    Err(error) => {
                        // Parts of an upload that is not completed would stay there, and be paid for. There may be none.
                        parts.abort().await.ok();
                        return Err(error);
                    }
                }
            }
            parts.finish().await?;
            Ok(true)
        })
    }

    /// Writes down what was uploaded.
    fn keep(&self) -> Result<()> {
        let folder = self.run.join("sinks");
        create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        write_atomically(
            &folder.join("store.json"),
            &serde_json::to_vec_pretty(&self.uploaded).context("list of uploads")?,
        )
    }
}

impl Sink for Uploads {
    fn name(&self) -> &'static str {
        "store"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        let is_new = matches!(event.event, Event::RunStarted(_) | Event::Checkpoint(_));
        let may_try = self.waits_until.is_none_or(|until| Instant::now() >= until);
        if is_new || self.is_behind && may_try { self.upload_all(false) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.upload_all(true)
    }

    fn takes_games(&self) -> bool {
        false
    }

    fn follows_files(&self) -> bool {
        true
    }
}

/// Client of a cloud's store, with the attempts and delays of the settings.
#[cfg(feature = "store-http")]
macro_rules! cloud {
    ($module:ident, $builder:ident, $key:ident) => {{
        use object_store::$module::{$builder, $key};
        |settings: &SinksSection| -> Result<Arc<dyn ObjectStore>> {
            let timeout = format!("{}s", settings.timeout);
            let builder = $builder::from_env().with_url(&settings.store).with_retry(retry(settings));
            let builder = builder.with_config($key::Client(object_store::ClientConfigKey::Timeout), timeout);
            Ok(Arc::new(builder.build()?))
        }
    }};
}

/// The store at an address, and the folder in it.
fn connect(settings: &SinksSection) -> Result<(Arc<dyn ObjectStore>, Key)> {
    #[cfg(feature = "store-http")]
    // Another library of the process may have chosen one already.
    rustls::crypto::ring::default_provider().install_default().ok();
    let StoreAddress { kind, path } = StoreAddress::parse(&settings.store).map_err(Error::msg)?;
    let store: Arc<dyn ObjectStore> = match kind {
        StoreKind::Folder => {
            create_dir_all(path).with_context(|| path.to_owned())?;
            return Ok((Arc::new(LocalFileSystem::new_with_prefix(path)?), Key::default()));
        }
        #[cfg(feature = "store-s3")]
        StoreKind::S3 => cloud!(aws, AmazonS3Builder, AmazonS3ConfigKey)(settings)?,
        #[cfg(feature = "store-gcs")]
        StoreKind::Gcs => cloud!(gcp, GoogleCloudStorageBuilder, GoogleConfigKey)(settings)?,
        #[cfg(feature = "store-azure")]
        StoreKind::Azure => cloud!(azure, MicrosoftAzureBuilder, AzureConfigKey)(settings)?,
        #[cfg(not(all(feature = "store-s3", feature = "store-gcs", feature = "store-azure")))]
        kind => anyhow::bail!("{}: this build lacks the feature {}", settings.store, kind.feature()),
    };
    Ok((store, Key::parse(path.trim_matches('/'))?))
}

/// Attempts and delays of the settings; the client shortens the delays by chance.
#[cfg(feature = "store-http")]
fn retry(settings: &SinksSection) -> object_store::RetryConfig {
    let Retry { attempts, first, longest } = Retry::of(settings);
    let backoff = object_store::BackoffConfig { init_backoff: first, max_backoff: longest, base: 2.0 };
    let max_retries = (attempts - 1) as usize;
    // The attempts limit it: they and the longest delay are set, and so is the longest time of each.
    object_store::RetryConfig { backoff, max_retries, retry_timeout: Duration::from_hours(24) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CheckpointWritten, Notice, RunEnded};
    use keisei_core::encoding::{Actions, Features};
    use keisei_core::format::{Dtype, Provenance};
    use keisei_core::net::{NetSpec, Weights};

    fn settings(target: &Path) -> SinksSection {
        SinksSection { store: target.display().to_string(), longest_delay: 0.0, ..SinksSection::default() }
    }

    fn write_run(run: &Path, iteration: u64) {
        let (features, actions) = (Features::Attack96, Actions::Dest2187);
        let spec =
            NetSpec { channels: 8, value_channels: 1, value_hidden: 1, ..NetSpec::for_encodings(features, actions) };
        let weights = Weights::init(&spec, 1).expect("weights");
        let provenance = Provenance { iteration, ..Provenance::default() };
        let model = Model { features, actions, provenance, weights };
        create_dir_all(run.join("checkpoints")).expect("a folder");
        std::fs::write(run.join(MODEL), model.to_bytes(Dtype::F32).expect("a model")).expect("written");
        std::fs::write(run.join(format!("checkpoints/{iteration:08}.checkpoint")), [1; 100]).expect("written");
        std::fs::write(run.join("checkpoints/.half.new"), [1; 10]).expect("written");
        std::fs::write(run.join("config.toml"), "seed = 1").expect("written");
        create_dir_all(run.join("league")).expect("a folder");
        std::fs::write(run.join("league/00000001.model"), [2; 50]).expect("written");
        std::fs::write(run.join("metrics.jsonl"), "a\n".repeat(iteration as usize)).expect("written");
    }

    fn saved(iteration: u64) -> Stamped {
        let path = PathBuf::new();
        let event = CheckpointWritten { iteration, plies: 0, path, seconds: 0.0 };
        Stamped { time: 1e9, event: Event::Checkpoint(event) }
    }

    /// Names and sizes of all files below a folder, sorted.
    fn files(folder: &Path) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in read_dir(next).expect("a folder") {
                let entry = entry.expect("an entry");
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    let name = entry.path().strip_prefix(folder).expect("below it").display().to_string();
                    found.push((name, entry.metadata().expect("a file").len()));
                }
            }
        }
        found.sort();
        found
    }

    #[test]
    fn what_was_not_uploaded_is_found_after_a_restart_and_the_rest_is_not_sent_again() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let (run, target) = (folder.path().join("run"), folder.path().join("store"));
        write_run(&run, 4);
        let mut sink = Uploads::open(&settings(&target), &run).expect("opened");
        sink.receive(&saved(4)).expect("uploaded");
        let model = std::fs::metadata(run.join(MODEL)).expect("a model").len();
        let mut expected = vec![
            ("run/checkpoints/00000004.checkpoint".to_owned(), 100),
            ("run/config.toml".to_owned(), 8),
            ("run/league/00000001.model".to_owned(), 50),
            ("run/metrics.jsonl".to_owned(), 8),
            ("run/models/00000004.model".to_owned(), model),
        ];
        assert_eq!(files(&target), expected);

        // Killed before it could upload another; what was uploaded is taken away to see that it is not sent again.
        drop(sink);
        std::fs::remove_file(target.join("run/config.toml")).expect("removed");
        write_run(&run, 5);
        std::fs::remove_file(run.join("checkpoints/00000004.checkpoint")).expect("retention");
        let unchanged = std::fs::metadata(run.join("config.toml")).expect("it is there").modified().expect("a time");
        let mut sink = Uploads::open(&settings(&target), &run).expect("opened");
        let version = sink.uploaded.files.get_mut("config.toml").expect("uploaded");
        version.modified = unchanged.duration_since(UNIX_EPOCH).expect("after 1970").as_nanos() as u64;
        sink.receive(&Stamped { time: 1e9, event: Event::Notice(Notice { text: String::new() }) }).expect("uploaded");
        expected.remove(1);
        expected.insert(1, ("run/checkpoints/00000005.checkpoint".to_owned(), 100));
        expected.push(("run/models/00000005.model".to_owned(), model));
        assert_eq!(files(&target), expected, "the metrics have not grown enough");
        sink.flush().expect("uploaded");
        assert!(files(&target).contains(&("run/metrics.jsonl".to_owned(), 10)));
        assert!(!sink.uploaded.files.contains_key("checkpoints/00000004.checkpoint"));
    }

    #[test]
    fn a_store_that_is_away_fails_until_it_is_back() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let (run, target) = (folder.path().join("run"), folder.path().join("store"));
        write_run(&run, 1);
        let mut sink = Uploads::open(&settings(&target), &run).expect("opened");
        std::fs::remove_dir(&target).expect("it was made");
        std::fs::write(&target, b"no folder").expect("written");
        let error = format!("{:#}", sink.receive(&saved(1)).expect_err("it is away"));
        assert!(error.contains("checkpoints/00000001.checkpoint of "), "{error}");
        std::fs::remove_file(&target).expect("removed");
        create_dir_all(&target).expect("it is back");
        let event = Event::RunEnded(RunEnded::default());
        sink.receive(&Stamped { time: 1e9, event }).expect("uploaded");
        assert_eq!(files(&target).len(), 5);
    }

    #[test]
    fn a_large_file_arrives_whole() {
        let folder = tempfile::tempdir().expect("temporary directory");
        let (run, target) = (folder.path().join("run"), folder.path().join("store"));
        write_run(&run, 1);
        for length in [PART, PART + 1, 2 * PART, 2 * PART + 12_345] {
            let bytes: Vec<u8> = (0..length).map(|i| ((i * i) >> 7) as u8).collect();
            std::fs::write(run.join("checkpoints/00000001.checkpoint"), &bytes).expect("written");
            Uploads::open(&settings(&target), &run).expect("opened").receive(&saved(1)).expect("uploaded");
            let found = std::fs::read(target.join("run/checkpoints/00000001.checkpoint")).expect("there");
            assert!(found == bytes, "{length} bytes");
        }
    }
}

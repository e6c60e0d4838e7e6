//! Selection of the sinks by the settings.

use super::{CurveFile, LogFile, Patience, Sink};
use crate::settings::{Settings, SinksSection};
use anyhow::{Result, bail};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Setting that asks for a sink that cannot be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Key of the setting.
    pub key: &'static str,
    /// What is wrong with it, beginning with the key.
    pub reason: String,
}

/// Sinks of the run in `directory`, besides the display and the [journal](super::Journal): the log, and those that its settings ask
/// for.
///
/// # Errors
/// If a setting is [refused], or a file of the run cannot be read or written. A server that does not answer is no error: the sink
/// fails later, and is tried again.
pub fn from_settings(settings: &Settings, directory: &Path) -> Result<Vec<Box<dyn Sink>>> {
    if let Some(Refused { reason, .. }) = refused(settings) {
        bail!(reason);
    }
    let wanted = &settings.sinks;
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(LogFile::open(&directory.join("log.txt"))?)];
    if wanted.curve {
        sinks.push(Box::new(CurveFile::open(directory, &directory.join("curve.svg"))?));
    }
    #[cfg(feature = "tensorboard")]
    if wanted.tensorboard {
        sinks.push(Box::new(super::TensorBoard::new(directory)));
    }
    #[cfg(feature = "prometheus")]
    if !wanted.prometheus.is_empty() {
        sinks.push(Box::new(super::Prometheus::new(wanted.prometheus.parse()?, directory)));
    }
    #[cfg(feature = "mlflow")]
    if !wanted.mlflow.is_empty() {
        sinks.push(Box::new(super::MlFlow::open(wanted, directory)?));
    }
    #[cfg(feature = "wandb")]
    if wanted.wandb != "off" {
        sinks.push(Box::new(super::Wandb::new(wanted, directory)));
    }
    #[cfg(feature = "store")]
    if !wanted.store.is_empty() {
        sinks.push(Box::new(super::Uploads::open(wanted, directory)?));
    }
    Ok(sinks)
}

/// The first setting that asks for a sink that this build lacks, or gives an address that is none.
pub fn refused(settings: &Settings) -> Option<Refused> {
    let SinksSection { tensorboard, prometheus, mlflow, wandb, store, .. } = &settings.sinks;
    let lacks = |key, value: &str, feature: &str| Refused {
        key,
        reason: format!("{key} = {value}: this build lacks the feature {feature}; build with --features {feature}"),
    };
    let wrong = |key, value: &str, reason: &str| Refused { key, reason: format!("{key} = {value:?}: {reason}") };
    if *tensorboard && !cfg!(feature = "tensorboard") {
        return Some(lacks("sinks.tensorboard", "true", "tensorboard"));
    }
    if !prometheus.is_empty() {
        let key = "sinks.prometheus";
        if !cfg!(feature = "prometheus") {
            return Some(lacks(key, prometheus, "prometheus"));
        }
        if prometheus.parse::<SocketAddr>().is_err() {
            return Some(wrong(key, prometheus, "must be an address such as 127.0.0.1:9464"));
        }
    }
    if !mlflow.is_empty() {
        let key = "sinks.mlflow";
        if !cfg!(feature = "mlflow") {
            return Some(lacks(key, mlflow, "mlflow"));
        }
        let host = ["http://", "https://"].iter().find_map(|scheme| mlflow.strip_prefix(scheme));
        match host.map(|rest| rest.split('/').next().unwrap_or_default()) {
            None | Some("") => return Some(wrong(key, mlflow, "must be a URL such as http://127.0.0.1:5000")),
            Some(host) if host.contains('@') => {
                return Some(Refused {
                    key,
                    reason: format!(
                        "{key}: name and password stand in the environment (MLFLOW_TRACKING_USERNAME and \
                         MLFLOW_TRACKING_PASSWORD), because settings are stored with the run"
                    ),
                });
            }
            Some(_) => {}
        }
    }
    if wandb != "off" && !cfg!(feature = "wandb") {
        return Some(lacks("sinks.wandb", wandb, "wandb"));
    }
    if !store.is_empty() {
        let key = "sinks.store";
        match StoreAddress::parse(store) {
            _ if !cfg!(feature = "store") => return Some(lacks(key, store, "store")),
            Err(reason) => return Some(wrong(key, store, &reason)),
            Ok(address) if !address.kind.is_built() => return Some(lacks(key, store, address.kind.feature())),
            Ok(_) => {}
        }
    }
    None
}

impl From<&SinksSection> for Patience {
    fn from(settings: &SinksSection) -> Self {
        Self {
            failures: u32::try_from(settings.failures).unwrap_or(u32::MAX),
            pause: Duration::from_secs_f64(settings.pause),
            queue: settings.queue,
            ..Self::default()
        }
    }
}

/// Address of an object store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreAddress<'a> {
    /// Kind of the store.
    pub kind: StoreKind,
    /// Path of the folder; of a cloud's store, below its bucket or container.
    pub path: &'a str,
}

/// Kind of an object store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreKind {
    /// Folder that this machine can reach.
    Folder,
    /// Amazon's S3, or another service with its interface.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure's blob storage.
    Azure,
}

impl<'a> StoreAddress<'a> {
    /// The address in this text: a path, or a URL.
    ///
    /// # Errors
    /// A sentence about what is wrong with it, which does not repeat it.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self { kind: StoreKind::Folder, path: text });
        };
        let kind = match scheme {
            "file" if rest.starts_with('/') => return Ok(Self { kind: StoreKind::Folder, path: rest }),
            "file" => return Err("must have three slashes, as in file:///folder".into()),
            "s3" | "s3a" => StoreKind::S3,
            "gs" => StoreKind::Gcs,
            "az" | "azure" | "adl" | "abfs" | "abfss" => StoreKind::Azure,
            _ => return Err("known are a path, file://, s3://, gs:// and az://".into()),
        };
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(format!("must name a bucket, as in {scheme}://bucket/folder"));
        }
        if bucket.contains(':') {
            return Err("keys stand in the environment, because settings are stored with the run".into());
        }
        Ok(Self { kind, path })
    }
}

impl StoreKind {
    /// Feature that a build needs for it.
    pub fn feature(self) -> &'static str {
        match self {
            Self::Folder => "store",
            Self::S3 => "store-s3",
            Self::Gcs => "store-gcs",
            Self::Azure => "store-azure",
        }
    }

    fn is_built(self) -> bool {
        match self {
            Self::Folder => cfg!(feature = "store"),
            Self::S3 => cfg!(feature = "store-s3"),
            Self::Gcs => cfg!(feature = "store-gcs"),
            Self::Azure => cfg!(feature = "store-azure"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_stores_are_paths_and_urls() {
        let check = |text: &str, expected: Result<(StoreKind, &str), &str>| match (StoreAddress::parse(text), expected)
        {
            (Ok(StoreAddress { kind, path }), Ok(expected)) => assert_eq!((kind, path), expected, "{text}"),
            (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
            (found, _) => panic!("{text}: {found:?}"),
        };
        check("backups", Ok((StoreKind::Folder, "backups")));
        check("/mnt/backups", Ok((StoreKind::Folder, "/mnt/backups")));
        check("file:///mnt/backups", Ok((StoreKind::Folder, "/mnt/backups")));
        check("file://mnt/backups", Err("three slashes"));
        check("s3://bucket", Ok((StoreKind::S3, "")));
        check("s3://bucket/a/b", Ok((StoreKind::S3, "a/b")));
        check("gs://bucket/a", Ok((StoreKind::Gcs, "a")));
        check("az://container/a", Ok((StoreKind::Azure, "a")));
        check("abfss://files@account.dfs.core.windows.net/a", Ok((StoreKind::Azure, "a")));
        check("ftp://host/a", Err("known are"));
        check("s3:///a", Err("must name a bucket"));
        check("s3://key:secret@bucket/a", Err("keys stand in the environment"));
    }
}

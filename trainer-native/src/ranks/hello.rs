//! Hello: what ranks tell each other at the start. Only the same program with the same settings may train together.

use crate::event::Machine;
use crate::settings::Settings;
use anyhow::{Context, Result, bail, ensure};
use keisei_core::learn::{Reduce, gather};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version, revision and settings of a rank.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hello {
    /// Version of the program.
    pub version: String,
    /// Revision of the sources, if it was built from a checkout.
    pub revision: String,
    /// Settings that it was given, by key.
    pub settings: BTreeMap<String, String>,
    /// The variables `RANK` and `WORLD_SIZE` of its environment, where a launcher has set them.
    pub variables: [Option<String>; 2],
}

impl Hello {
    /// This program's, given these settings.
    pub fn new(settings: BTreeMap<String, String>) -> Self {
        let Machine { version, revision, .. } = Machine::this();
        Self { version, revision, settings, variables: ["RANK", "WORLD_SIZE"].map(|name| std::env::var(name).ok()) }
    }

    /// Settings as a rank tells of them.
    pub fn rows(settings: &Settings) -> BTreeMap<String, String> {
        settings.rows().into_iter().map(|row| (row.setting.key, row.value.to_string())).collect()
    }
}

/// Tells all ranks of this one, and checks that they fit together.
///
/// # Errors
/// Names the first rank that differs from rank 0, and how; or a rank that is lost.
pub fn greet(reduce: &dyn Reduce, hello: Hello) -> Result<()> {
    check(&gather(reduce, hello).context("ranks that are not the same program cannot train together")?)
}

fn check(ranks: &[Hello]) -> Result<()> {
    let first = &ranks[0];
    for (rank, hello) in ranks.iter().enumerate() {
        if (&hello.version, &hello.revision) != (&first.version, &first.revision) {
            let name = |hello: &Hello| format!("{} of revision {:?}", hello.version, hello.revision);
            bail!(
                "rank {rank} runs version {}, rank 0 version {}: all need the same program",
                name(hello),
                name(first)
            );
        }
        let value =
            |hello: &Hello, key: &String| hello.settings.get(key).cloned().unwrap_or_else(|| "not given".into());
        let mut keys = first.settings.keys().chain(hello.settings.keys());
        if let Some(key) = keys.find(|key| value(first, key) != value(hello, key)) {
            let (there, here) = (value(hello, key), value(first, key));
            bail!(
                "rank {rank} has other settings than rank 0: {key} is {there} there and {here} here; give all the same"
            );
        }
        for (name, found, expected) in
            [("RANK", &hello.variables[0], rank), ("WORLD_SIZE", &hello.variables[1], ranks.len())]
        {
            let Some(found) = found else { continue };
            ensure!(
                *found == expected.to_string(),
                "rank {rank} of {}: its environment has {name}={found}, so it was not started by mpirun or srun alone",
                ranks.len()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::threads::tests::on_ranks;
    use std::time::Duration;

    #[test]
    fn ranks_that_differ_are_named_with_the_cause() {
        let hello = |change: &dyn Fn(&mut Hello)| {
            let settings = BTreeMap::from([("seed".to_owned(), "1".to_owned())]);
            let (version, revision) = ("1".to_owned(), "abc".to_owned());
            let mut hello = Hello { version, revision, settings, variables: [None, None] };
            change(&mut hello);
            hello
        };
        let check = |change: &dyn Fn(&mut Hello), expected: &str| {
            let found = super::check(&[hello(&|_| {}), hello(change), hello(&|_| {})]);
            assert_eq!(found.err().map_or(String::new(), |error| error.to_string()), expected);
        };
        check(&|_| {}, "");
        check(&|hello| hello.variables = [Some("1".into()), Some("3".into())], "");
        check(
            &|hello| hello.revision = "def".into(),
            "rank 1 runs version 1 of revision \"def\", rank 0 version 1 of revision \"abc\": all need the same program",
        );
        check(
            &|hello| drop(hello.settings.insert("seed".into(), "2".into())),
            "rank 1 has other settings than rank 0: seed is 2 there and 1 here; give all the same",
        );
        check(
            &|hello| drop(hello.settings.insert("run.plies".into(), "7".into())),
            "rank 1 has other settings than rank 0: run.plies is 7 there and not given here; give all the same",
        );
        let launcher = "so it was not started by mpirun or srun alone";
        check(
            &|hello| hello.variables[0] = Some("0".into()),
            &format!("rank 1 of 3: its environment has RANK=0, {launcher}"),
        );
        check(
            &|hello| hello.variables[1] = Some("2".into()),
            &format!("rank 1 of 3: its environment has WORLD_SIZE=2, {launcher}"),
        );
    }

    #[test]
    fn every_rank_is_told_who_differs() {
        let errors = on_ranks(3, Duration::from_secs(20), |reduce| {
            let mut settings = crate::settings::Preset::Tiny.settings();
            settings.seed += u64::from(reduce.rank() == 2);
            greet(reduce.as_ref(), Hello::new(Hello::rows(&settings))).expect_err("they differ").to_string()
        });
        assert!(
            errors.iter().all(|error| error.starts_with("rank 2 has other settings than rank 0: seed is")),
            "{errors:?}"
        );
    }
}

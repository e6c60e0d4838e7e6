//! Event files of TensorBoard: scalars over plies, the settings and alarms as text, and the settings as hyper-parameters.
//!
//! The format is a sequence of records, each a length and Protocol Buffers with their checksums; no crate is needed for it.

use super::scalars::{TaggedNumber, Thinning, evaluation_scalars, scalars};
use super::{Sink, read};
use crate::event::{Alarm, Event, Metrics, RunStarted, Stamped};
use crate::settings::{SettingRow, SettingValue};
use anyhow::{Context, Result};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions, create_dir_all, read_dir};
use std::io::Write;
use std::path::{Path, PathBuf};

/// First part of the names of event files; behind it stands the second of its beginning.
const PREFIX: &str = "events.out.tfevents.";

/// Sink that writes event files into the folder `tensorboard` of a run, one for each part of the run.
///
/// A part begins with the step from which points of earlier parts no longer count, so that each step stands once even if the run
/// was killed after its last checkpoint. Iterations from before the first part are read from `metrics.jsonl`.
pub struct TensorBoard {
    run: PathBuf,
    folder: PathBuf,
    file: Option<File>,
    /// Tags that the file has described.
    described: BTreeSet<String>,
    /// Plies of the newest iteration.
    step: i64,
    thinning: Thinning,
    /// The newest iteration, if it was left out.
    left_out: Option<(f64, Box<Metrics>)>,
}

impl TensorBoard {
    /// Sink of the run in this directory. Files are made when the run starts.
    pub fn new(run: &Path) -> Self {
        Self {
            run: run.to_owned(),
            folder: run.join("tensorboard"),
            file: None,
            described: BTreeSet::new(),
            step: 0,
            thinning: Thinning::default(),
            left_out: None,
        }
    }

    /// Begins a file whose points replace those of earlier files from `step` on.
    fn begin(&mut self, time: f64, step: i64) -> Result<()> {
        create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        // TensorBoard reads files in the order of their names: a clock that was set back must not change it.
        let second = (time as u64).max(newest(&self.folder)?.map_or(0, |newest| newest + 1));
        let path = self.folder.join(format!("{PREFIX}{second:010}"));
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        self.file = Some(file.with_context(|| path.display().to_string())?);
        self.described.clear();
        self.write(&Record { wall_time: time, file_version: Some("brain.Event:2".into()), ..Record::default() })?;
        let session_log = Some(SessionLog { status: SESSION_START });
        self.write(&Record { wall_time: time, step, session_log, ..Record::default() })
    }

    fn write(&mut self, record: &Record) -> Result<()> {
        if self.file.is_none() {
            // An earlier write failed and may have left half a record, behind which nobody reads.
            self.begin(record.wall_time, record.step + 1)?;
        }
        let data = record.encode_to_vec();
        let length = (data.len() as u64).to_le_bytes();
        let frame = [&length[..], &checksum(&length), &data, &checksum(&data)].concat();
        let written = self.file.as_mut().expect("it was just opened").write_all(&frame);
        if written.is_err() {
            self.file = None;
        }
        written.with_context(|| self.folder.display().to_string())
    }

    fn summary(&mut self, wall_time: f64, step: i64, value: Vec<Value>) -> Result<()> {
        self.write(&Record { wall_time, step, summary: Some(Summary { value }), ..Record::default() })
    }

    fn start(&mut self, time: f64, run: &RunStarted) -> Result<()> {
        let is_first = newest(&self.folder)?.is_none();
        self.step = run.plies as i64;
        self.left_out = None;
        self.begin(time, self.step + 1)?;
        let rows = run.settings.rows();
        let machine = &run.machine;
        let about = [
            ("learner", run.learner.clone()),
            ("weights", run.weights.to_string()),
            ("program", format!("{} {}", machine.version, machine.revision)),
            ("toolchain", machine.toolchain.clone()),
            ("system", format!("{}, {} cores", machine.system, machine.cores)),
        ];
        let settings = rows.iter().map(|row| (row.setting.key.as_str(), row.value.to_string()));
        let values = vec![
            Value::text("settings", table(settings)),
            Value::text("machine", table(about.into_iter())),
            Value::hyper_parameters(&rows, time),
        ];
        self.summary(time, self.step, values)?;
        if is_first {
            for name in ["metrics.jsonl", "events.jsonl"] {
                for earlier in read(&self.run.join(name))?.filter(|earlier| earlier.time < time) {
                    // What else happened, such as a return to a checkpoint, has left its marks in the files.
                    if matches!(earlier.event, Event::Iteration(_) | Event::Evaluation(_) | Event::Gate(_)) {
                        self.receive(&earlier)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn iteration(&mut self, time: f64, metrics: &Metrics) -> Result<()> {
        self.step = metrics.plies as i64;
        let value = scalars(metrics).iter().map(|scalar| self.value(scalar)).collect();
        self.summary(time, self.step, value)
    }

    /// The number with its tag; with its description where the tag is new.
    fn value(&mut self, scalar: &TaggedNumber) -> Value {
        let tag = scalar.tag();
        let is_new = self.described.insert(tag.clone());
        let unit =
            if scalar.metric.unit.is_empty() { String::new() } else { format!(" Unit: {}.", scalar.metric.unit) };
        let description = format!("{}{unit}", scalar.metric.doc);
        let metadata = is_new.then(|| Metadata::of("scalars", CLASS_SCALAR, description));
        Value { tag, number: Some(scalar.value as f32), metadata, tensor: None }
    }

    /// Writes the newest iteration, if it was left out.
    fn catch_up(&mut self) -> Result<()> {
        match self.left_out.take() {
            Some((time, metrics)) => self.iteration(time, &metrics),
            None => Ok(()),
        }
    }
}

impl Sink for TensorBoard {
    fn name(&self) -> &'static str {
        "tensorboard"
    }

    fn receive(&mut self, event: &Stamped) -> Result<()> {
        let time = event.time;
        match &event.event {
            Event::RunStarted(run) => self.start(time, run),
            Event::Iteration(metrics) if self.thinning.allows(time) => {
                self.left_out = None;
                self.iteration(time, metrics)
            }
            Event::Iteration(metrics) => {
                self.left_out = Some((time, metrics.clone()));
                Ok(())
            }
            Event::Evaluation(evaluation) => {
                let value = |(tag, value)| Value { tag, number: Some(value as f32), ..Value::default() };
                let values = evaluation_scalars(evaluation).into_iter().map(value).collect();
                self.summary(time, evaluation.plies as i64, values)
            }
            Event::Gate(gate) => {
                let number = Some(gate.score as f32);
                let value = Value { tag: "gate/score".into(), number, ..Value::default() };
                self.summary(time, gate.plies as i64, vec![value])
            }
            Event::Alarm(Alarm { id, text, advice, .. }) => {
                self.catch_up()?;
                let value = Value::text(&format!("alarms/{id}"), format!("{text}. {advice}"));
                self.summary(time, self.step, vec![value])
            }
            Event::Restored(restored) => {
                self.left_out = None;
                self.step = restored.plies as i64;
                self.begin(time, self.step + 1)
            }
            Event::RunEnded(_) => self.catch_up(),
            _ => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.catch_up()
    }

    fn keeps_up(&self) -> bool {
        true
    }

    fn takes_games(&self) -> bool {
        false
    }
}

/// Table in Markdown.
fn table<'a>(rows: impl Iterator<Item = (&'a str, String)>) -> String {
    let head = "| key | value |\n|---|---|\n".to_owned();
    rows.fold(head, |text, (key, value)| text + "| " + key + " | " + &value + " |\n")
}

/// The number in the name of the newest event file in the folder.
fn newest(folder: &Path) -> Result<Option<u64>> {
    if !folder.exists() {
        return Ok(None);
    }
    let entries = read_dir(folder).with_context(|| folder.display().to_string())?;
    let number = |name: &str| name.strip_prefix(PREFIX)?.parse().ok();
    Ok(entries.filter_map(|entry| number(&entry.ok()?.file_name().to_string_lossy())).max())
}

/// Checksum of a record's part: CRC-32C, rotated and moved, because a checksum of data that contain checksums says little.
fn checksum(data: &[u8]) -> [u8; 4] {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// CRC-32C (Castagnoli).
fn crc32c(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, &byte| CRC32C[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

/// Checksums of the single bytes.
static CRC32C: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// `tensorflow.SessionLog.START`.
const SESSION_START: i32 = 1;

/// `tensorflow.DATA_CLASS_SCALAR` and `DATA_CLASS_TENSOR`.
const CLASS_SCALAR: i32 = 1;
const CLASS_TENSOR: i32 = 2;

/// `tensorflow.DT_FLOAT` and `DT_STRING`.
const FLOAT: i32 = 1;
const STRING: i32 = 7;

/// `tensorflow.Event`, the parts that are used.
#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
    #[prost(message, optional, tag = "7")]
    session_log: Option<SessionLog>,
}

/// `tensorflow.SessionLog`.
#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// `tensorflow.Summary`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// `tensorflow.Summary.Value`.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    number: Option<f32>,
    #[prost(message, optional, tag = "8")]
    tensor: Option<Tensor>,
    #[prost(message, optional, tag = "9")]
    metadata: Option<Metadata>,
}

/// `tensorflow.SummaryMetadata`.
#[derive(Clone, PartialEq, Message)]
struct Metadata {
    #[prost(message, optional, tag = "1")]
    plugin_data: Option<PluginData>,
    #[prost(string, tag = "3")]
    summary_description: String,
    #[prost(int32, tag = "4")]
    data_class: i32,
}

/// `tensorflow.SummaryMetadata.PluginData`.
#[derive(Clone, PartialEq, Message)]
struct PluginData {
    #[prost(string, tag = "1")]
    plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    content: Vec<u8>,
}

/// `tensorflow.TensorProto` of numbers or strings.
#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
    #[prost(float, repeated, tag = "5")]
    float_val: Vec<f32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    string_val: Vec<Vec<u8>>,
}

/// `tensorflow.TensorShapeProto` without dimensions: that of a single value.
#[derive(Clone, PartialEq, Message)]
struct Shape {}

/// `tensorboard.hparams.HParamsPluginData`, with the start of a session.
#[derive(Clone, PartialEq, Message)]
struct HyperParameters {
    #[prost(message, optional, tag = "3")]
    session_start_info: Option<SessionStart>,
}

/// `tensorboard.hparams.SessionStartInfo`.
#[derive(Clone, PartialEq, Message)]
struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    hparams: BTreeMap<String, HyperParameter>,
    #[prost(double, tag = "5")]
    start_time_secs: f64,
}

/// `google.protobuf.Value`, of which one field is set.
#[derive(Clone, PartialEq, Message)]
struct HyperParameter {
    #[prost(double, optional, tag = "2")]
    number: Option<f64>,
    #[prost(string, optional, tag = "3")]
    text: Option<String>,
    #[prost(bool, optional, tag = "4")]
    flag: Option<bool>,
}

impl Metadata {
    fn of(plugin: &str, data_class: i32, summary_description: String) -> Self {
        let plugin_data = PluginData { plugin_name: plugin.to_owned(), content: Vec::new() };
        Self { plugin_data: Some(plugin_data), summary_description, data_class }
    }
}

impl Value {
    /// Text in Markdown.
    fn text(tag: &str, text: String) -> Self {
        let (shape, string_val) = (Some(Shape::default()), vec![text.into_bytes()]);
        let tensor = Tensor { dtype: STRING, shape, string_val, ..Tensor::default() };
        let metadata = Metadata::of("text", CLASS_TENSOR, String::new());
        Self { tag: tag.to_owned(), number: None, tensor: Some(tensor), metadata: Some(metadata) }
    }

    /// Settings of a run, for the page that compares runs.
    fn hyper_parameters(rows: &[SettingRow], start_time_secs: f64) -> Self {
        let parameter = |value: &SettingValue| match value {
            SettingValue::Whole(number) => HyperParameter { number: Some(*number as f64), ..HyperParameter::default() },
            SettingValue::Fraction(number) => HyperParameter { number: Some(*number), ..HyperParameter::default() },
            SettingValue::Flag(flag) => HyperParameter { flag: Some(*flag), ..HyperParameter::default() },
            SettingValue::Name(name) => HyperParameter { text: Some(name.clone()), ..HyperParameter::default() },
        };
        let hparams = rows.iter().map(|row| (row.setting.key.clone(), parameter(&row.value))).collect();
        let session_start_info = Some(SessionStart { hparams, start_time_secs });
        // The page reads the metadata alone, and asks for a number beside them.
        let shape = Some(Shape::default());
        let tensor = Tensor { dtype: FLOAT, shape, float_val: vec![0.0], ..Tensor::default() };
        let mut metadata = Metadata::of("hparams", CLASS_TENSOR, String::new());
        if let Some(plugin) = &mut metadata.plugin_data {
            plugin.content = HyperParameters { session_start_info }.encode_to_vec();
        }
        let tag = "_hparams_/session_start_info".to_owned();
        Self { tag, number: None, tensor: Some(tensor), metadata: Some(metadata) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EvaluationMatch, Restored};

    /// Records of all files in a folder, in their order, with every checksum checked.
    fn records(folder: &Path) -> Vec<Record> {
        let mut paths: Vec<PathBuf> =
            read_dir(folder).expect("the folder").map(|entry| entry.expect("read").path()).collect();
        paths.sort();
        let mut records = Vec::new();
        for path in paths {
            let bytes = std::fs::read(path).expect("read");
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (length, after) = rest.split_at(8);
                let (length_sum, after) = after.split_at(4);
                let (data, after) =
                    after.split_at(u64::from_le_bytes(length.try_into().expect("eight bytes")) as usize);
                let (data_sum, after) = after.split_at(4);
                assert_eq!(
                    (checksum(length), checksum(data)),
                    (length_sum.try_into().unwrap(), data_sum.try_into().unwrap())
                );
                records.push(Record::decode(data).expect("a message"));
                rest = after;
            }
        }
        records
    }

    fn iteration(number: u64) -> Event {
        Event::Iteration(Box::new(Metrics { iteration: number, plies: 64 * number, ..Metrics::default() }))
    }

    /// Steps at which a reader finds a tag: points of earlier files end where a part begins.
    fn steps(records: &[Record], tag: &str) -> Vec<i64> {
        let mut steps = Vec::new();
        for record in records {
            if record.session_log.is_some() {
                steps.retain(|&step| step < record.step);
            }
            if record.summary.iter().flat_map(|summary| &summary.value).any(|value| value.tag == tag) {
                steps.push(record.step);
            }
        }
        steps
    }

    #[test]
    fn checksums_are_those_of_the_published_examples() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn each_step_stands_once_after_a_kill_and_after_a_return_to_a_checkpoint() {
        let run = tempfile::tempdir().expect("temporary directory");
        let mut sink = TensorBoard::new(run.path());
        let send = |sink: &mut TensorBoard, event| sink.receive(&Stamped { time: 1e9, event }).expect("written");
        (1..=5).for_each(|number| send(&mut sink, iteration(number)));
        let evaluation = EvaluationMatch { opponent: "greedy".into(), plies: 320, ..EvaluationMatch::default() };
        send(&mut sink, Event::Evaluation(evaluation));
        send(&mut sink, Event::Restored(Restored { iteration: 3, plies: 192, text: "NaN".into() }));
        (4..=6).for_each(|number| send(&mut sink, iteration(number)));
        let records = records(&run.path().join("tensorboard"));
        assert_eq!(steps(&records, "losses/value_loss"), [64, 128, 192, 256, 320, 384]);
        assert_eq!(steps(&records, "games/reasons/checkmate").len(), 6);
        assert!(steps(&records, "evaluation/greedy/score").is_empty(), "it was after the checkpoint");
    }

    #[test]
    fn a_run_that_had_no_event_files_gets_its_earlier_iterations() {
        let run = tempfile::tempdir().expect("temporary directory");
        let mut journal = crate::sinks::Journal::open(run.path(), 0, |report| panic!("{report}")).expect("opened");
        let write = |sink: &mut dyn Sink, event| sink.receive(&Stamped { time: 1e9, event }).expect("written");
        (1..=4).for_each(|number| write(&mut journal, iteration(number)));
        write(&mut journal, Event::Restored(Restored { iteration: 2, plies: 128, text: "NaN".into() }));
        write(&mut journal, iteration(3));
        let mut sink = TensorBoard::new(run.path());
        let started = RunStarted {
            directory: run.path().to_owned(),
            iteration: 3,
            plies: 192,
            budget_plies: 0,
            settings: crate::settings::Settings::default(),
            weights: 1,
            learner: String::new(),
            machine: crate::event::Machine::this(),
        };
        sink.receive(&Stamped { time: 2e9, event: Event::RunStarted(Box::new(started)) }).expect("written");
        write(&mut sink, iteration(4));
        assert_eq!(steps(&records(&run.path().join("tensorboard")), "run/plies"), [64, 128, 192, 256]);
    }

    #[test]
    fn after_a_write_error_a_new_file_is_begun() {
        let run = tempfile::tempdir().expect("temporary directory");
        let folder = run.path().join("tensorboard");
        std::fs::write(&folder, b"no folder").expect("written");
        let mut sink = TensorBoard::new(run.path());
        let receive = |sink: &mut TensorBoard, number| sink.receive(&Stamped { time: 1e9, event: iteration(number) });
        receive(&mut sink, 1).expect_err("a file is in its place");
        std::fs::remove_file(&folder).expect("removed");
        receive(&mut sink, 2).expect("written");
        // A clock that was set back.
        sink.file = None;
        sink.receive(&Stamped { time: 5.0, event: iteration(3) }).expect("written");
        assert_eq!(steps(&records(&folder), "run/plies"), [128, 192]);
        assert_eq!(newest(&folder).expect("read"), Some(1_000_000_001));
    }
}

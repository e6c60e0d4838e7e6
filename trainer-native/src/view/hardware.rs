//! Hardware: load of the machine, and time and memory of a process, from `/proc` where there is one.

use std::path::Path;
use std::time::Instant;

/// Numbers about the machine and a process; what cannot be told is missing.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Hardware {
    /// Cores of the CPU that this process may use.
    pub cores: usize,
    /// Mean number of running threads of the whole machine over the last minute.
    pub load: Option<f64>,
    /// Cores that the process kept busy since the last look.
    pub busy: Option<f64>,
    /// Memory of the process in bytes, and the most it ever had.
    pub memory: Option<(u64, u64)>,
    /// Memory of the machine in bytes: available and all.
    pub machine_memory: Option<(u64, u64)>,
}

/// Looks at the hardware now and then.
pub struct Meter {
    /// Name of the process's folder in `/proc`; empty for no process.
    process: String,
    last: Option<(Instant, f64)>,
}

/// Ticks a second of the times in `/proc`, the same on all Linux systems that Rust runs on.
const TICKS: f64 = 100.0;

impl Meter {
    /// Meter of this process.
    pub fn of_this_process() -> Self {
        Self { process: "self".into(), last: None }
    }

    /// Meter of another process, or only of the machine.
    pub fn of(process: Option<u32>) -> Self {
        Self { process: process.map_or_else(String::new, |id| id.to_string()), last: None }
    }

    /// The numbers now.
    pub fn look(&mut self) -> Hardware {
        let read = |path: &str| std::fs::read_to_string(Path::new("/proc").join(path)).ok();
        let of_process =
            |file: &str| if self.process.is_empty() { None } else { read(&format!("{}/{file}", self.process)) };
        let used = of_process("stat").and_then(|text| cpu_seconds(&text));
        let now = Instant::now();
        let busy = self
            .last
            .zip(used)
            .map(|((then, before), used)| (used - before).max(0.0) / now.duration_since(then).as_secs_f64().max(1e-3));
        self.last = used.map(|used| (now, used));
        let status = of_process("status").unwrap_or_default();
        let machine = read("meminfo").unwrap_or_default();
        let kilobytes = |text: &str, key| number_behind(text, key).map(|kilobytes| kilobytes * 1024);
        Hardware {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            load: read("loadavg").and_then(|text| text.split(' ').next()?.parse().ok()),
            busy,
            memory: kilobytes(&status, "VmRSS:").zip(kilobytes(&status, "VmHWM:")),
            machine_memory: kilobytes(&machine, "MemAvailable:").zip(kilobytes(&machine, "MemTotal:")),
        }
    }
}

/// Seconds of CPU time in a process's `stat`.
fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the program's name in brackets, which may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let user: f64 = fields.nth(11)?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

fn number_behind(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 100 1 1";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("nonsense"), None);
        assert_eq!(number_behind("VmPeak:\t 9 kB\nVmRSS:\t  12 kB\n", "VmRSS:"), Some(12));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_and_time() {
        let mut meter = Meter::of_this_process();
        assert_eq!(meter.look().busy, None);
        let begin = Instant::now();
        while begin.elapsed().as_millis() < 60 {
            std::hint::spin_loop();
        }
        let Hardware { busy, memory, load, machine_memory, .. } = meter.look();
        let ((now, most), busy) = (memory.expect("memory"), busy.expect("time"));
        assert!(now > 1 << 20 && most >= now && load.is_some() && machine_memory.is_some());
        assert!(busy > 0.0 && busy < 1000.0, "{busy}");
        let machine = Meter::of(None).look();
        assert!(machine.memory.is_none() && machine.load.is_some());
    }
}

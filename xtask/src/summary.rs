//! Counts of tests, read from the output of test runners, and the table of all stages.

use std::fmt;
use std::time::Duration;

/// Numbers of tests that passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u32,
    /// Tests that failed.
    pub failed: u32,
    /// Tests that were not run.
    pub skipped: u32,
}

impl Counts {
    /// Adds the counts in `line` if it is a closing line of cargo test, nextest, Node's test runner or Playwright.
    pub fn read(&mut self, line: &str) {
        let line = without_colours(line);
        let words: Vec<&str> = line.split([' ', ',', ';', ':', '\n', '\r']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            // Indented, it is what a failed test printed, and nextest counts that test itself.
            ["test", "result", ..] if !line.starts_with("test") => {}
            ["test", "result", ..] | ["Summary", ..] => {
                for pair in words.windows(2) {
                    self.add(pair[1], pair[0]);
                }
            }
            // Node's runner: `# pass 12` or `ℹ pass 12`; playwright: `12 passed (3.4s)`.
            ["#" | "ℹ", kind, count] | [count, kind] => self.add(kind, count),
            [count, kind, time] if time.starts_with('(') => self.add(kind, count),
            _ => {}
        }
    }

    fn add(&mut self, kind: &str, count: &str) {
        let Ok(count) = count.parse::<u32>() else { return };
        match kind {
            "passed" | "pass" => self.passed += count,
            "failed" | "fail" | "cancelled" => self.failed += count,
            "skipped" | "ignored" => self.skipped += count,
            _ => {}
        }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// Text such as `8 passed, 0 failed, 1 skipped`; the last part only if it is not zero.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// Line without terminal colour sequences (`ESC [ … m`).
fn without_colours(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

/// Row of the table: one stage.
pub struct Row {
    /// Name of the stage.
    pub stage: String,
    /// Counts of its tests; a stage without tests counts as one.
    pub counts: Counts,
    /// Duration of the stage.
    pub wall: Duration,
    /// Reason why it was skipped or failed.
    pub note: String,
}

/// Table of the stages, and the plain total as the last line.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<10}{:>8}{:>8}{:>9}{:>10}  note\n", "stage", "passed", "failed", "skipped", "wall");
    let (mut total, mut wall) = (Counts::default(), Duration::ZERO);
    let mut line = |stage: &str, counts: Counts, wall: Duration, note: &str| {
        let Counts { passed, failed, skipped } = counts;
        let line = format!("{stage:<10}{passed:>8}{failed:>8}{skipped:>9}{:>8.1} s  {note}", wall.as_secs_f32());
        text += line.trim_end();
        text += "\n";
    };
    for row in rows {
        line(&row.stage, row.counts, row.wall, row.note.lines().next().unwrap_or_default());
        total += row.counts;
        wall += row.wall;
    }
    line("all", total, wall, "");
    text + &total.to_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_read() {
        let check = |lines: &[&str], passed, failed, skipped| {
            let mut counts = Counts::default();
            for line in lines {
                counts.read(line);
            }
            assert_eq!(counts, Counts { passed, failed, skipped }, "{lines:?}");
        };
        check(
            &["test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s"],
            3,
            0,
            1,
        );
        check(&["test result: \x1b[31mFAILED\x1b[m. 3 passed; 2 failed; 0 ignored; 0 measured\n"], 3, 2, 0);
        check(
            &[
                "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 7 filtered out; finished in 6.25s",
                "     Summary [   2.006s] 7 tests run: 5 passed (1 slow), 2 failed, 3 skipped",
            ],
            5,
            2,
            3,
        );
        check(
            &[
                "\x1b[32;1m     Summary\x1b[0m [   0.1s] \x1b[1m4\x1b[0m tests run: \x1b[1m4\x1b[0m \x1b[32mpassed\x1b[0m",
            ],
            4,
            0,
            0,
        );
        check(&["# tests 5", "# pass 4", "# fail 1", "# cancelled 0", "# skipped 2"], 4, 1, 2);
        check(&["ℹ pass 4", "ℹ fail 0"], 4, 0, 0);
        check(&["  1 failed", "  2 skipped", "  12 passed (3.4s)"], 12, 1, 2);
        check(&["running 3 tests", "test passed ... ok", "I failed you", "passed 3", ""], 0, 0, 0);
    }

    #[test]
    fn the_table_ends_with_the_plain_total() {
        let row = |stage: &str, passed, failed, skipped, note: &str| Row {
            stage: stage.to_owned(),
            counts: Counts { passed, failed, skipped },
            wall: Duration::from_millis(1500),
            note: note.to_owned(),
        };
        let text = table(&[row("format", 1, 0, 0, ""), row("browser", 0, 0, 1, "no Chromium\nhere")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "browser          0       0        1     1.5 s  no Chromium");
        assert_eq!(lines[4], "1 passed, 0 failed, 1 skipped");
        assert!(table(&[row("format", 1, 0, 0, "")]).ends_with("\n1 passed, 0 failed\n"));
    }
}

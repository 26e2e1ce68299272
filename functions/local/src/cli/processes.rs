//! What processes used: memory and processor time, where the system tells.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::lambda::Lambda;

/// The kernel tells processor time in hundredths of a second, whatever its own clock does:
/// <https://man7.org/linux/man-pages/man7/time.7.html>, "The software clock, HZ, and jiffies".
const TICKS_PER_SECOND: u64 = 100;

/// What one process used since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// The most memory that it ever had.
    pub(super) peak_rss_bytes: u64,
    /// On all processors, in the program and in the kernel.
    pub(super) cpu: Duration,
}

/// What this process and those of each function used. A function has several processes: the memory is that of the
/// hungriest, the time that of all. Processes that were killed at a timeout are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) runner: Option<Used>,
    pub(super) functions: BTreeMap<String, Used>,
}

impl Usage {
    pub(super) fn read(lambda: &Lambda) -> Self {
        let functions = lambda.processes().into_iter();
        Self {
            runner: used("self"),
            functions: functions
                .map(|(function, processes)| (function, together(processes)))
                .collect(),
        }
    }

    /// Returns the time that all functions took.
    pub(super) fn functions_cpu(&self) -> Duration {
        self.functions.values().map(|used| used.cpu).sum()
    }

    /// Returns the time that everything took.
    pub(super) fn cpu(&self) -> Duration {
        self.functions_cpu() + self.runner.unwrap_or_default().cpu
    }
}

fn together(processes: Vec<u32>) -> Used {
    let each = processes
        .into_iter()
        .filter_map(|process| used(&process.to_string()));
    each.fold(Used::default(), |sum, one| Used {
        peak_rss_bytes: sum.peak_rss_bytes.max(one.peak_rss_bytes),
        cpu: sum.cpu + one.cpu,
    })
}

fn used(process: &str) -> Option<Used> {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}")).ok();
    Some(Used {
        peak_rss_bytes: peak_rss_bytes(&read("status")?)?,
        cpu: cpu(&read("stat")?)?,
    })
}

/// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
fn peak_rss_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Fields 14 and 15; the second is the program's name in parentheses, which may hold anything:
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
fn cpu(stat: &str) -> Option<Duration> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(
        (user + system) * 1_000 / TICKS_PER_SECOND,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let stat = "42 (a) b (c)) S 1 1 1 0 -1 4194560 1 2 3 4 150 50 7 8 20 0 1 0 99 1 2";
        assert_eq!(cpu(stat), Some(Duration::from_secs(2)));
        let status = "Name:\tx\nVmPeak:\t 99 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(peak_rss_bytes(status), Some(2 << 20));
        assert_eq!((cpu(""), peak_rss_bytes("")), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_has_some_memory_and_a_missing_one_has_none() {
        assert!(used("self").is_some_and(|used| used.peak_rss_bytes > 1 << 20));
        assert_eq!(used("0"), None);
    }
}

//! How much memory processes had, where the system tells.

use std::collections::BTreeMap;

use crate::lambda::Lambda;

/// Returns the most memory that this process ever had.
pub(super) fn peak_rss_bytes() -> Option<u64> {
    peak("self")
}

/// Returns the same for the hungriest process of each function that has one.
pub(super) fn function_peak_rss_bytes(lambda: &Lambda) -> BTreeMap<String, u64> {
    let peaks = lambda
        .processes()
        .into_iter()
        .filter_map(|(function, processes)| {
            let peak = processes
                .into_iter()
                .filter_map(|process| peak(&process.to_string()))
                .max()?;
            Some((function, peak))
        });
    peaks.collect()
}

/// <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>
fn peak(process: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_some_memory_and_a_missing_one_has_none() {
        assert!(peak_rss_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert_eq!(peak("0"), None);
    }
}

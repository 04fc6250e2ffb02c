//! Whether the cluster that a checkpoint is of is as it should be: its engine, its log, its nodes.

use std::path::Path;

use jiff::Timestamp;

use super::api::CLOCK_OFF;
use super::findings::{Finding, FindingVerdict, Findings};
use crate::cluster::Access;
use crate::exit::ExitCode;
use crate::report::{counted, grouped};
use crate::store::cluster::{self, ClusterNode, ClusterStatus};

/// A node that lacks more records than come in some seconds.
const FAR_BEHIND: i64 = 100;

/// Checks the cluster that a checkpoint is of. It blocks.
pub(crate) fn cluster_findings(checkpoint: &Path, access: &Access, now: Timestamp) -> Vec<Finding> {
    let mut findings = Findings::default();
    let status = match cluster::status(checkpoint, access) {
        Ok(status) => status,
        Err(error) => {
            findings.bad("cluster", error.to_string(), ExitCode::Storage);
            return findings.0;
        }
    };
    let engine = format!("{}, fsync and synchronous_commit are on", status.engine);
    findings.good("cluster", engine);
    for doubt in &status.doubts {
        findings.notice("cluster", doubt);
    }
    let behind = status.applied.map_or(0, |applied| status.last - applied);
    let (count, bytes) = (status.last - status.snapshot, status.bytes);
    let megabytes = |bytes: i64| grouped(u64::try_from(bytes).unwrap_or(0).div_ceil(1_000_000));
    findings.good(
        "log",
        format!(
            "{} behind the snapshot ({} and {} MB on the engine), this file lacks {}",
            records(count),
            megabytes(bytes.0),
            megabytes(bytes.1),
            records(behind)
        ),
    );
    cluster_clocks(&status, now, &mut findings);
    for node in processes(status.nodes) {
        let (verdict, text) = node_found(&node);
        findings.add("node", verdict, text, ExitCode::Complete);
    }
    findings.notice(
        "privacy",
        "the log and its snapshot hold phone numbers, names and messages: the disk of the engine and its backups are to be encrypted there",
    );
    findings.0
}

/// Compares the clocks of this machine and of those that run with the engine's.
fn cluster_clocks(status: &ClusterStatus, now: Timestamp, findings: &mut Findings) {
    let off = now.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64() - status.clock;
    let others = status.nodes.iter().map(|node| {
        let which = format!("the clock of {} (process {})", node.machine, node.pid);
        (which, node.ahead)
    });
    let mut furthest = 0.0_f64;
    for (which, off) in std::iter::once(("this machine's clock".to_owned(), off)).chain(others) {
        furthest = furthest.max(off.abs());
        if off.abs() > CLOCK_OFF as f64 {
            let side = if off < 0.0 { "behind" } else { "ahead of" };
            let text = format!(
                "{which} is {:.0} s {side} the engine's: hours and deadlines follow the clock of the machine that sends",
                off.abs()
            );
            findings.notice("clock", text);
        }
    }
    if furthest <= CLOCK_OFF as f64 {
        let nodes = counted(status.nodes.len() as u64, "node");
        let text = format!(
            "those of this machine, the engine and {nodes} agree within {:.0} s",
            furthest.ceil().max(1.0)
        );
        findings.good("clocks", text);
    }
}

fn records(count: i64) -> String {
    counted(u64::try_from(count).unwrap_or(0), "record")
}

/// The nodes of one process, which has one for each time that it opened the file, as one: the file is what counts.
fn processes(nodes: Vec<ClusterNode>) -> Vec<ClusterNode> {
    let mut merged: Vec<ClusterNode> = Vec::new();
    for node in nodes {
        let same = |it: &&mut ClusterNode| (&it.pid, &it.machine) == (&node.pid, &node.machine);
        let Some(process) = merged.iter_mut().find(same) else {
            merged.push(node);
            continue;
        };
        process.behind = process.behind.min(node.behind);
        process.seen = process.seen.min(node.seen);
        process.holds.extend(node.holds);
    }
    merged
}

/// What there is to say of a node that was seen lately.
fn node_found(node: &ClusterNode) -> (FindingVerdict, String) {
    let (verdict, stands) = match node.behind {
        ..0 => (
            FindingVerdict::Bad,
            format!(
                "has {} that the log lost: `outreach man cluster` says what to do",
                records(-node.behind)
            ),
        ),
        0 => (FindingVerdict::Good, "is up to date".to_owned()),
        1..=FAR_BEHIND => (
            FindingVerdict::Good,
            format!("lacks {}", records(node.behind)),
        ),
        _ => (
            FindingVerdict::Notice,
            format!("lacks {}", records(node.behind)),
        ),
    };
    let holds = match &node.holds[..] {
        [] => String::new(),
        batches => format!(", holds {}", batches.join(", ")),
    };
    let text = format!(
        "process {} on {}, seen {:.0} s ago, {stands}{holds}",
        node.pid, node.machine, node.seen
    );
    (verdict, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(behind: i64, holds: &[&str]) -> ClusterNode {
        ClusterNode {
            pid: "17".to_owned(),
            machine: "north".to_owned(),
            behind,
            seen: 1.4,
            ahead: 0.0,
            holds: holds.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_node_is_told_with_what_it_lacks_and_what_it_holds() {
        assert_eq!(
            node_found(&node(0, &["spring"])),
            (
                FindingVerdict::Good,
                "process 17 on north, seen 1 s ago, is up to date, holds spring".to_owned()
            )
        );
        let one = processes(vec![node(7, &["spring"]), node(9, &["autumn"])]);
        assert_eq!(one, [node(7, &["spring", "autumn"])]);
        assert_eq!(node_found(&node(101, &[])).0, FindingVerdict::Notice);
        let (verdict, text) = node_found(&node(-1, &[]));
        assert_eq!(verdict, FindingVerdict::Bad);
        assert!(text.contains("1 record that the log lost"), "{text}");
    }
}

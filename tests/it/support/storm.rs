//! A batch whose process is killed again and again, until it is done all the same.

use std::time::Duration;

use outreach::internals::domain::delivery::State;

use super::{Random, SandboxProcess, Scratch};

/// One batch under fire.
#[derive(Debug, Clone)]
pub(crate) struct Storm {
    pub(crate) seed: u64,
    pub(crate) rows: u32,
    pub(crate) concurrency: u32,
    pub(crate) faults: Vec<String>,
    /// No more kills after so many.
    pub(crate) kills: u32,
    /// The longest time until a kill, in milliseconds.
    pub(crate) pause: u64,
}

/// What it came to.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct StormReport {
    pub(crate) kills: u32,
    pub(crate) accepted: u64,
    pub(crate) unknown: u64,
    /// The most unknowns that there may be.
    pub(crate) unknown_bound: u64,
}

impl Storm {
    /// One of many, drawn from a seed.
    pub(crate) fn drawn(seed: u64, rows: u32, kills: u32) -> Self {
        const FAULTS: [&[&str]; 4] = [
            &[],
            &["500:1%", "garbage-201:2%", "close-after-accept:1%"],
            &[
                "hang-after-accept:every=300",
                "cut-after-accept:2%",
                "503:1%",
            ],
            &["refuse:at=150,for=200ms", "close-after-answer:3%", "502:1%"],
        ];
        let mut random = Random::new(seed);
        let concurrency = *random.one_of(&[1, 3, 16, 64, 160]);
        Self {
            seed,
            rows,
            concurrency,
            faults: random
                .one_of(&FAULTS)
                .iter()
                .map(|fault| (*fault).to_owned())
                .collect(),
            kills,
            pause: 150 + 1200 / u64::from(concurrency),
        }
    }

    /// Runs the batch to its end and judges it by the sandbox's account.
    pub(crate) fn rage(&self) -> StormReport {
        self.rage_on(&Scratch::new(), None)
    }

    /// The same on a machine of the cluster at the address; another one knows all of it in the end.
    pub(crate) fn rage_in(&self, cluster: &str) -> StormReport {
        let [ours, theirs] = [Scratch::new(), Scratch::new()];
        let init = ours.outreach(&["cluster", "init"]);
        init.env("OUTREACH_CLUSTER", cluster).run().expect(0);
        let report = self.rage_on(&ours, Some(cluster));
        let join = theirs
            .outreach(&["status"])
            .env("OUTREACH_CLUSTER", cluster);
        join.run().expect(0);
        let (ours, theirs) = (ours.checkpoint(), theirs.checkpoint());
        theirs.expect_sound();
        assert_eq!(ours.rows(), theirs.rows(), "{self:?}");
        report
    }

    fn rage_on(&self, scratch: &Scratch, cluster: Option<&str>) -> StormReport {
        scratch.contacts(self.rows);
        let mut arguments = vec!["--latency", "3ms", "--jitter", "4ms"];
        arguments.extend(
            self.faults
                .iter()
                .flat_map(|fault| ["--fault", fault.as_str()]),
        );
        let sandbox = SandboxProcess::start(&arguments);
        let mut random = Random::new(self.seed ^ 0x5eed);
        let mut kills = 0;
        while kills < self.kills {
            let resumable = scratch.path("outreach.db").exists() && random.next().is_multiple_of(2);
            let program = if resumable {
                scratch.resume(&sandbox)
            } else {
                scratch.send(&sandbox)
            };
            let mut running = self.tuned(program, cluster).start();
            std::thread::sleep(Duration::from_millis(random.between(1, self.pause)));
            if running.kill() {
                kills += 1;
                continue;
            }
            let ended = running.wait();
            match ended.code {
                // Resumed before the list was in.
                Some(2 | 8) if resumable => {}
                Some(0 | 3) => break,
                _ => panic!("{self:?} ended with {ended:?}"),
            }
        }
        let ended = self.tuned(scratch.send(&sandbox), cluster).run();
        assert!(matches!(ended.code, Some(0 | 3)), "{self:?}: {ended:?}");
        self.judge(scratch, &sandbox, kills)
    }

    fn tuned(&self, mut program: super::Program, cluster: Option<&str>) -> super::Program {
        if let Some(cluster) = cluster {
            program = program.env("OUTREACH_CLUSTER", cluster);
        }
        program
            .concurrency(self.concurrency)
            .with(&["--timeout", "1s", "--undecided-in-a-row", "100000"])
            .with(&["--quiet"])
    }

    fn judge(&self, scratch: &Scratch, sandbox: &SandboxProcess, kills: u32) -> StormReport {
        let checkpoint = scratch.checkpoint();
        checkpoint.expect_true_to(sandbox, self.rows as usize);
        let stats = sandbox.stats();
        assert_eq!(stats.repeated, 0, "{self:?}: {stats:?}");
        let counts = checkpoint.counts();
        let ambiguous: u64 = stats
            .faults
            .iter()
            // A connection that is closed unannounced may take the next request with it.
            .filter(|(name, _)| *name != "garbage-201")
            .map(|(_, count)| count)
            .sum();
        let unknown_bound =
            u64::from(self.concurrency) * (u64::from(kills) + stats.outages) + ambiguous;
        assert!(
            counts.unknown <= unknown_bound,
            "{self:?}: {} unknown, at most {unknown_bound} explained: {stats:?}",
            counts.unknown
        );
        for row in checkpoint.rows() {
            assert!(
                matches!(row.state, State::Sent | State::Unknown),
                "{self:?}: {row:?}"
            );
        }
        let results = scratch.read("list.results.csv");
        assert_eq!(results.lines().count(), 1 + self.rows as usize, "{self:?}");
        StormReport {
            kills,
            accepted: stats.accepted,
            unknown: counts.unknown,
            unknown_bound,
        }
    }
}

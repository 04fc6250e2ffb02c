//! A second person: what one prepared nothing sends before another one starts it on the page, nor after a change.

use super::api::poll;
use super::check::must;
use super::runs::{Plan, Stepped, expect_code};
use super::steps::Weather;
use super::world::{Done, Report, World};
use crate::support::{ConsoleProcess, Random, Visitor};

const PASSWORD: &str = "a password of the journey";

impl World {
    /// A list is read while a second person is asked for; one starts it; then rows join it, and it is asked again.
    pub(super) fn approve(&mut self, random: &mut Random) -> Stepped {
        let Some(plan) = self.plan(random).filter(|plan| !plan.name.contains(' ')) else {
            return Ok(Report::default());
        };
        let fair = Weather::fair();
        let url = self.api.open(Vec::new(), std::time::Duration::ZERO);
        self.make_users()?;
        let console = ConsoleProcess::start(&self.scratch, &["--base-url", &url]);
        let [ada, eva] = ["ada", "eva"].map(|name| console.user(name, PASSWORD));
        ada.send("/approval", &[("required", "yes")]).location();
        self.note("# from now on a second person is asked for");
        let before = self.api.accepted();
        let mut arguments = plan.arguments();
        Self::tune(&mut arguments, &url, &fair);
        let done = self.run_with(&arguments);
        must(self.api.accepted() == before, || {
            "what nobody approved is sent".to_owned()
        })?;
        let mut report = Report::default();
        if done.code == Some(7) {
            expect_code(&done, &fair, plan.has_valid_rows())?;
        } else {
            self.enter(&plan, Some(4), &fair);
            report = Report::of(&plan.name, Some(4), &fair, None);
            self.approve_and_add(&eva, &plan, (&url, done), random)?;
        }
        ada.send("/approval", &[("required", "no")]).location();
        self.note("# nobody is asked for any more");
        let ended = console.end();
        must(ended.code == Some(0), || format!("console: {}", ended.said))?;
        Ok(report)
    }

    fn approve_and_add(
        &mut self,
        who: &Visitor,
        plan: &Plan,
        (url, done): (&str, Done),
        random: &mut Random,
    ) -> Result<(), String> {
        self.is_asked_for(&plan.name, &done)?;
        self.start_on_page(who, &plan.name)?;
        let before = self.api.accepted();
        // The same list is what was approved; rows that join it are not.
        let fair = Weather::fair();
        let mut again = plan.arguments();
        Self::tune(&mut again, url, &fair);
        let done = self.run_with(&again);
        let nobody = done.code == Some(4) && done.said.contains("a second person");
        must(nobody || plan.expect_code(&done, &fair).is_ok(), || {
            format!("approved: {:?}: {}", done.code, done.said)
        })?;
        must(self.api.accepted() == before, || {
            "the page has left somebody for the next run".to_owned()
        })?;
        let list = self.drawer(random).list(1, 4);
        let file = self.write_list("more", &list);
        let Some(batch) = self.model.batches.get(&plan.name) else {
            return Ok(());
        };
        let mut add = Self::send_arguments(&plan.name, batch.how(), &file, Some("--add"));
        Self::tune(&mut add, url, &fair);
        let done = self.run_with(&add);
        must(self.api.accepted() == before, || {
            "rows that nobody approved are sent".to_owned()
        })?;
        if done.code == Some(7) {
            return Ok(());
        }
        if let Some(batch) = self.model.batches.get_mut(&plan.name) {
            batch.add(&file, &list);
        }
        self.is_asked_for(&plan.name, &done)?;
        self.start_on_page(who, &plan.name)
    }

    /// Where somebody is queued, a second person is asked for.
    fn is_asked_for(&mut self, batch: &str, done: &Done) -> Result<(), String> {
        let queued = self.status(batch)?["queued"].as_u64().unwrap_or(0);
        let is_asked = done.code == Some(4) && done.said.contains("a second person");
        must(is_asked || queued == 0, || {
            format!("not approved: {:?}: {}", done.code, done.said)
        })
    }

    /// Starts a batch on its page, where somebody is queued, and waits for the end of its run.
    fn start_on_page(&mut self, who: &Visitor, batch: &str) -> Result<(), String> {
        let queued = self.status(batch)?["queued"].as_u64().unwrap_or(0);
        if queued == 0 {
            return Ok(());
        }
        let page = format!("/batches/{batch}/start");
        let started = who.send(&page, &[("people", &queued.to_string())]);
        must(started.status == 303, || started.text())?;
        self.note(&format!("# {batch} is started on its page"));
        let mut failed = None;
        poll("the batch has been sent", || match self.status(batch) {
            Ok(status) => status["holder"].is_null(),
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        failed.map_or(Ok(()), Err)
    }

    fn status(&mut self, batch: &str) -> Result<serde_json::Value, String> {
        let status = ["status", batch, "--json"].map(str::to_owned);
        let ended = self.start(&status, None).wait();
        serde_json::from_str(&ended.out).map_err(|error| {
            let (out, said) = (ended.out.clone(), ended.said.clone());
            format!("status --json: {error}: {out}{said}")
        })
    }

    fn run_with(&mut self, arguments: &[String]) -> Done {
        let running = self.start(arguments, None);
        self.end(arguments, running)
    }

    fn make_users(&mut self) -> Result<(), String> {
        if self.folder().join("password").exists() {
            return Ok(());
        }
        self.scratch.write("password", &format!("{PASSWORD}\n"));
        for (name, role) in [("ada", "admin"), ("eva", "operator")] {
            let user = ["console", "user", "add", name, "--role", role];
            let done = self.run(&[&user[..], &["--password-file", "password"]].concat());
            must(done.code == Some(0), || {
                format!("console user: {}", done.said)
            })?;
        }
        Ok(())
    }
}

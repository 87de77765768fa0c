//! Edits of a directory of fifty services under the watcher: what runs is always what the last valid content says, and
//! what was not touched keeps its process.
#![forbid(unsafe_code)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use svcctl_tests::{Sandbox, wait_until};

/// How many services there are.
const SERVICES: usize = 50;
/// How many edits are made.
const EDITS: usize = 500;
/// How many edits are made before all is looked at.
const IN_A_ROUND: usize = 20;
/// How long the watcher and the services may take for one round.
const WITHIN: Duration = Duration::from_mins(1);
/// The variable that chooses the edits.
const SEED: &str = "SVCCTL_EDITS_SEED";

/// A small generator of numbers (xorshift64*): the same edits for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).expect("31 bits fit") % limit
    }
}

/// What a service's file says, as far as this test knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    /// What a new process would show in its environment.
    value: usize,
    /// What takes effect without a new process.
    description: usize,
}

struct Bed {
    sandbox: Sandbox,
    chance: Chance,
    valid: BTreeMap<usize, Content>,
    next: usize,
}

fn name(service: usize) -> String {
    format!("s{service:02}")
}

impl Bed {
    fn new(seed: u64) -> Self {
        let sandbox = Sandbox::new();
        std::fs::create_dir_all(sandbox.root().join("services")).expect("room for a directory");
        std::fs::write(sandbox.root().join("svcctl.yaml"), "daemon:\n  auto_apply: true\n").expect("room");
        let valid = (0..SERVICES).map(|service| (service, Content { value: 0, description: 0 })).collect();
        Self { sandbox, chance: Chance(seed | 1), valid, next: 1 }
    }

    fn path(&self, service: usize) -> PathBuf {
        self.sandbox.root().join("services").join(format!("{}.yaml", name(service)))
    }

    fn document(&self, service: usize, content: &Content) -> String {
        let program = self.sandbox.fixture().program().display().to_string();
        format!(
            "# service {service}\nspec: 1\nname: {}\ndescription: \"{}\"\nexec: [{program}, stay]\nenv:\n  VALUE: \"{}\"\nstop: {{timeout: 5s}}\n",
            name(service),
            content.description,
            content.value
        )
    }

    fn write(&self, service: usize, text: &str) {
        std::fs::write(self.path(service), text).expect("room for a file");
    }

    /// Writes by a new file and a rename, as editors do.
    fn replace(&self, service: usize, text: &str) {
        let beside = self.sandbox.root().join("services").join(format!(".{}.swp", name(service)));
        std::fs::write(&beside, text).expect("room for a file");
        std::fs::rename(&beside, self.path(service)).expect("a rename within a directory");
    }

    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }

    /// A service that is not among `touched`: what is overwritten before anybody could read it says nothing.
    fn choose(&mut self, touched: &[usize]) -> usize {
        loop {
            let service = self.chance.below(SERVICES);
            if !touched.contains(&service) {
                return service;
            }
        }
    }

    /// One edit of a service.
    fn edit(&mut self, service: usize) {
        let now = self.valid[&service].clone();
        let kind = self.chance.below(9);
        match kind {
            // Another process is needed.
            0..=2 => {
                let content = Content { value: self.number(), ..now };
                let text = self.document(service, &content);
                if kind == 0 {
                    self.write(service, &text);
                } else {
                    self.replace(service, &text);
                }
                self.valid.insert(service, content);
            }
            // None is needed.
            3 | 4 => {
                let content = Content { description: self.number(), ..now };
                self.replace(service, &self.document(service, &content));
                self.valid.insert(service, content);
            }
            5 => self.write(service, &format!("{}polcy: always\n", self.document(service, &now))),
            6 => self.write(service, "spec: 1\nname: [\n"),
            7 => self.write(service, ""),
            _ => {
                let text = self.document(service, &now);
                self.write(service, &text[..text.len() / 2]);
            }
        }
    }

    fn list(&self) -> Vec<Value> {
        let ran = self.sandbox.svcctl(&["list", "--output", "json"]);
        let list = ran.code(0).json();
        list.get("services").unwrap_or(&list).as_array().cloned().unwrap_or_default()
    }

    /// What keeps `list` from being what the files last said with sense; `None` if nothing does.
    fn wrong(&self, list: &[Value]) -> Option<String> {
        for (service, content) in &self.valid {
            let Some(shown) = list.iter().find(|shown| shown["name"] == name(*service)) else {
                return Some(format!("{} is not installed", name(*service)));
            };
            let spec = &shown["spec"];
            let is_number = |said: &Value, number: usize| said.as_str() == Some(number.to_string().as_str());
            let same = is_number(&spec["env"]["VALUE"], content.value)
                && is_number(&spec["description"], content.description);
            if !same || shown["state"] != "RUNNING" || shown["outdated"] != false {
                return Some(format!("{} should be {content:?} and is {shown:#}", name(*service)));
            }
            let pid = shown["pid"].as_u64().unwrap_or_default();
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let wanted = format!("VALUE={}", content.value);
            if !environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes()) {
                return Some(format!("the process {pid} of {} does not have {wanted}", name(*service)));
            }
        }
        None
    }

    fn settled(&self, round: &str) -> BTreeMap<String, u64> {
        let mut missing = String::new();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wait_until(WITHIN, round, || {
                let list = self.list();
                match self.wrong(&list) {
                    None => Some(list),
                    Some(wrong) => {
                        missing = wrong;
                        None
                    }
                }
            })
        }));
        let list = found.unwrap_or_else(|_| panic!("{round}: {missing}"));
        let pid = |shown: &Value| shown["pid"].as_u64().unwrap_or_default();
        list.iter().map(|shown| (shown["name"].as_str().unwrap_or_default().to_owned(), pid(shown))).collect()
    }
}

#[test]
fn five_hundred_edits_end_in_what_the_last_valid_content_says() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("{SEED}={seed}");
    let mut bed = Bed::new(seed);
    for service in 0..SERVICES {
        bed.write(service, &bed.document(service, &bed.valid[&service]));
    }
    bed.sandbox.svcctl(&["daemon", "--background"]).code(0);
    let mut pids = bed.settled("the first services");
    for round in 0..EDITS / IN_A_ROUND {
        let before = bed.valid.clone();
        let mut touched = Vec::new();
        for _ in 0..IN_A_ROUND {
            let service = bed.choose(&touched);
            bed.edit(service);
            touched.push(service);
        }
        let now = bed.settled(&format!("round {round}, edits of {touched:?}"));
        for service in 0..SERVICES {
            if before[&service].value == bed.valid[&service].value {
                let (was, is) = (pids[&name(service)], now[&name(service)]);
                assert_eq!(was, is, "round {round}: {} lost its process and need not have", name(service));
            }
        }
        pids = now;
    }
}

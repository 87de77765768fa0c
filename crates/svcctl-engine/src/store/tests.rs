//! The store on a real file system.

use super::*;
use serde_json::json;
use std::fs;
use svcctl_core::ident::ServiceName;
use svcctl_core::spec;

struct Bench {
    _root: tempfile::TempDir,
    paths: Paths,
}

impl Bench {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let paths = Paths::resolve(svcctl_os::paths::Scope::User, Some(root.path())).unwrap();
        paths.ensure().unwrap();
        Self { _root: root, paths }
    }

    fn open(&self) -> (Store, Vec<String>) {
        Store::open(&self.paths).unwrap()
    }

    /// What a new process finds, as (name, revision, desired).
    fn found(&self, boot: &str) -> Vec<(String, u64, Desired)> {
        let loaded = self.open().0.load(boot).unwrap();
        loaded
            .services
            .iter()
            .map(|found| (found.spec.name.to_string(), found.revision, found.desired))
            .collect()
    }
}

fn service(name: &str, revision: u64, desired: Desired) -> Persist {
    let document = json!({"spec": 1, "name": name, "exec": ["/bin/true"], "autostart": name != "manual"});
    Persist::Service { spec: Arc::new(spec::decode(&document).unwrap()), source: None, revision, desired }
}

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

#[test]
fn what_is_written_is_found_again_in_the_same_boot() {
    let bench = Bench::new();
    {
        let (mut store, repairs) = bench.open();
        assert!(repairs.is_empty());
        store.load("boot-1").unwrap();
        store.write(&[service("web", 3, Desired::Down), service("db", 1, Desired::Up)]).unwrap();
        store.write(&[Persist::Desired(name("web"), Desired::Up)]).unwrap();
    }
    let found = bench.found("boot-1");
    assert_eq!(found, [("db".to_owned(), 1, Desired::Up), ("web".to_owned(), 3, Desired::Up)]);
    assert!(bench.paths.services.join("web.yaml").exists());
}

#[test]
fn a_boot_starts_what_has_autostart_and_nothing_else() {
    let bench = Bench::new();
    {
        let (mut store, _) = bench.open();
        store.load("boot-1").unwrap();
        store.write(&[service("web", 1, Desired::Down), service("manual", 1, Desired::Up)]).unwrap();
    }
    let expected = [("manual".to_owned(), 1, Desired::Down), ("web".to_owned(), 1, Desired::Up)];
    assert_eq!(bench.found("boot-2"), expected);
    // It is noted, so a later engine of that boot finds the same.
    assert_eq!(bench.found("boot-2"), expected);
}

#[test]
fn what_is_forgotten_leaves_no_file() {
    let bench = Bench::new();
    {
        let (mut store, _) = bench.open();
        store.write(&[service("web", 1, Desired::Down)]).unwrap();
        store.write(&[Persist::Forget(name("web"))]).unwrap();
    }
    assert!(bench.found("boot-1").is_empty());
    assert_eq!(fs::read_dir(&bench.paths.services).unwrap().count(), 0);
}

#[test]
fn damage_is_set_aside_and_repaired_from_the_files() {
    let bench = Bench::new();
    bench.open().0.write(&[service("web", 7, Desired::Down)]).unwrap();
    fs::write(bench.paths.store(), b"this is no database, whatever its name says").unwrap();
    let (mut store, repairs) = bench.open();
    assert!(repairs[0].contains("was damaged"), "{repairs:?}");
    assert!(repairs[1].contains("web was taken from"), "{repairs:?}");
    let loaded = store.load("boot-1").unwrap();
    assert_eq!(loaded.services[0].spec.name, name("web"));
}

#[test]
fn a_text_is_kept_to_the_letter_and_one_that_stands_is_not_touched() {
    let bench = Bench::new();
    let (mut store, _) = bench.open();
    let Persist::Service { spec, .. } = service("web", 1, Desired::Down) else { unreachable!() };
    let persist = |text: &str, ending| Persist::Service {
        spec: Arc::clone(&spec),
        source: Some(svcctl_core::supervisor::event::Source { text: Arc::from(text), ending }),
        revision: 1,
        desired: Desired::Down,
    };
    store.write(&[service("web", 1, Desired::Down)]).unwrap();
    let toml = "# mine\nspec = 1\nname = \"web\"\nexec = [\"/bin/true\"]\n";
    store.write(&[persist(toml, "toml")]).unwrap();
    let file = bench.paths.services.join("web.toml");
    assert_eq!(fs::read_to_string(&file).unwrap(), toml);
    assert!(!bench.paths.services.join("web.yaml").exists(), "two files of one service");
    // Edited again since it was read: the edit is not lost.
    let edited = toml.replace("true", "false");
    fs::write(&file, &edited).unwrap();
    store.write(&[persist(toml, svcctl_core::supervisor::event::Source::AS_IT_STANDS)]).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), edited);
}

#[test]
fn holds_and_runs_are_found_again_and_go_with_their_service() {
    let bench = Bench::new();
    let (mut store, _) = bench.open();
    let hold = svcctl_core::supervisor::event::Hold {
        reason: "migration".to_owned(),
        since: svcctl_core::time::Wall(1),
    };
    let job = svcctl_core::supervisor::event::JobRecord { runs: 7, ..Default::default() };
    let kept = [
        service("web", 1, Desired::Down),
        Persist::Hold(name("web"), Some(hold.clone())),
        Persist::Job(name("web"), job.clone()),
    ];
    store.write(&kept).unwrap();
    let found = store.load("boot-1").unwrap().services;
    assert_eq!((found[0].held.as_ref(), found[0].job.as_ref()), (Some(&hold), Some(&job)));
    store.write(&[Persist::Forget(name("web")), service("web", 1, Desired::Down)]).unwrap();
    let found = store.load("boot-1").unwrap().services;
    assert_eq!((found[0].held.as_ref(), found[0].job.as_ref()), (None, None));
}

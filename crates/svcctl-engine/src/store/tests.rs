//! The store on a real file system.

use super::*;
use serde_json::json;
use std::fs;
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
    Persist::Service { spec: Arc::new(spec::decode(&document).unwrap()), revision, desired }
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
fn an_edit_by_hand_is_pending_and_a_change_of_form_is_not() {
    let bench = Bench::new();
    let (mut store, _) = bench.open();
    let persist = service("web", 1, Desired::Down);
    store.write(std::slice::from_ref(&persist)).unwrap();
    let Persist::Service { spec, .. } = persist else { unreachable!() };
    let file = bench.paths.services.join("web.yaml");
    assert!(!is_pending(&bench.paths.services, &spec.name, &spec));
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("# mine\n{text}")).unwrap();
    assert!(!is_pending(&bench.paths.services, &spec.name, &spec));
    fs::write(&file, text.replace("/bin/true", "/bin/false")).unwrap();
    assert!(is_pending(&bench.paths.services, &spec.name, &spec));
    fs::remove_file(&file).unwrap();
    assert!(is_pending(&bench.paths.services, &spec.name, &spec));
}

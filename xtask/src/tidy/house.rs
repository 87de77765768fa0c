//! Who may import whom: the table of DESIGN's house, held against the manifests.

use super::Problem;
use crate::repo::Package;

/// Each package, and the packages of this workspace that it may depend on.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("svcctl-core", &[]),
    ("svcctl-os", &["svcctl-core"]),
    ("svcctl-keeper", &["svcctl-os"]),
    ("svckit", &["svcctl-os", "svcctl-core"]),
    ("svcctl-engine", &["svckit", "svcctl-keeper", "svcctl-os", "svcctl-core"]),
    ("svcctl", &["svcctl-engine", "svcctl-keeper", "svckit", "svcctl-os", "svcctl-core"]),
    ("svcctl-tests", &[]),
    ("xtask", &["svcctl-tests"]),
];

/// The packages that import what they may not, or that the table does not know.
pub(super) fn check(packages: &[Package]) -> Vec<Problem> {
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Problem> {
    let file = package.directory.join("Cargo.toml").to_string_lossy().replace('\\', "/");
    let problem = |what| Problem { file: file.clone(), line: 1, what };
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == package.name) else {
        return vec![problem(format!("{} is not in tidy's table of who may import whom", package.name))];
    };
    let refused = package.uses.iter().filter(|used| !allowed.contains(&used.as_str()));
    refused.map(|used| problem(format!("{} may not depend on {used}", package.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, uses: &[&str]) -> Package {
        let uses = uses.iter().map(|used| (*used).to_owned()).collect();
        Package { name: name.to_owned(), directory: format!("crates/{name}").into(), uses }
    }

    #[test]
    fn the_table_is_held() {
        assert!(check(&[package("svcctl-keeper", &["svcctl-os"]), package("svcctl-core", &[])]).is_empty());
        let problems = check(&[package("svcctl-keeper", &["svcctl-os", "svcctl-core"])]);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].what, "svcctl-keeper may not depend on svcctl-core");
        assert_eq!(check(&[package("svcctl-gateway", &[])]).len(), 1);
    }
}

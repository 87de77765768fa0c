//! The arithmetic of restarts.

use super::*;
use serde_json::{Value, json};

fn spec(restart: &Value) -> ServiceSpec {
    crate::spec::decode(&json!({"spec": 1, "name": "a", "exec": ["/bin/a"], "restart": restart})).unwrap()
}

/// One process after another that ends with `status`, each judged at `at_s` seconds.
fn verdicts(restart: &Value, status: ExitStatus, at_s: &[u64]) -> Vec<Verdict> {
    let (spec, mut history, mut rng) = (spec(restart), History::default(), Rng::new(1));
    let judge_at = |s: &u64| {
        let now = Mono(s * 1_000_000_000);
        judge(&spec, &mut history, &Outcome::Exit(status), now, &mut rng)
    };
    at_s.iter().map(judge_at).collect()
}

fn seconds(s: u64) -> Verdict {
    Verdict::After(Duration::from_secs(s))
}

#[test]
fn the_first_restart_is_immediate_and_the_rest_grow_to_the_longest() {
    let rules = json!({"backoff": {"jitter": 0, "max": "10s"}});
    let found = verdicts(&rules, ExitStatus::Signal(9), &[0; 8]);
    let waits = [1, 2, 4, 8, 10, 10, 10].map(seconds);
    assert_eq!(found[0], Verdict::AtOnce);
    assert_eq!(found[1..], waits);
}

#[test]
fn a_spawn_error_waits_even_the_first_time() {
    let spec = spec(&json!({"backoff": {"jitter": 0}}));
    let (mut history, mut rng) = (History::default(), Rng::new(1));
    let outcome = Outcome::NoProcess("no such file".into());
    let mut next = || judge(&spec, &mut history, &outcome, Mono(0), &mut rng);
    assert_eq!([next(), next(), next()], [1, 1, 2].map(seconds));
}

#[test]
fn jitter_stays_in_its_share_and_reaches_both_ends() {
    let mut rng = Rng::new(3);
    let wait = Duration::from_secs(10);
    let found: Vec<_> = (0..10_000).map(|_| with_jitter(wait, 100, &mut rng)).collect();
    let (least, most) = (found.iter().min().unwrap(), found.iter().max().unwrap());
    assert!(*least >= Duration::from_secs(9) && *least < Duration::from_millis(9_010), "{least:?}");
    assert!(*most <= Duration::from_secs(11) && *most > Duration::from_millis(10_990), "{most:?}");
    assert_eq!(with_jitter(wait, 0, &mut rng), wait);
}

#[test]
fn the_longest_factor_and_row_do_not_overflow() {
    let rules = json!({"backoff": {"initial": "3650d", "max": "3650d", "factor": 100, "jitter": 1}});
    let spec = spec(&rules);
    let mut history = History { row: u32::MAX - 1, ..History::default() };
    let outcome = Outcome::Exit(ExitStatus::Unknown);
    for _ in 0..3 {
        let verdict = judge(&spec, &mut history, &outcome, Mono(0), &mut Rng::new(1));
        assert!(matches!(verdict, Verdict::After(wait) if wait <= 2 * duration::LONGEST));
    }
}

#[test]
fn a_factor_of_one_never_grows() {
    let rules = json!({"backoff": {"jitter": 0, "factor": 1}});
    assert_eq!(verdicts(&rules, ExitStatus::Code(1), &[0; 4])[1..], [1, 1, 1].map(seconds));
}

#[test]
fn the_limit_counts_in_a_fixed_window() {
    let rules = json!({"delay": "1s", "limit": {"count": 2, "within": "1m"}});
    let found = verdicts(&rules, ExitStatus::Code(1), &[0, 30, 61, 70, 80]);
    assert_eq!(found[..4], [1, 1, 1, 1].map(seconds));
    assert_eq!(
        found[4],
        Verdict::GiveUp("restarted 2 times within 1 m; at last it exited with code 1".into())
    );
}

#[test]
fn codes_and_policy_decide() {
    let give_up = |why: &str| vec![Verdict::GiveUp(why.to_owned())];
    let once = |rules: &Value, status| verdicts(rules, status, &[0]);
    let code = ExitStatus::Code;
    assert_eq!(
        once(&json!({"never_on": [78]}), code(78)),
        give_up("exited with code 78, which is never restarted")
    );
    assert_eq!(once(&json!({"policy": "on-failure"}), code(0)), [Verdict::Complete]);
    assert_eq!(once(&json!({"policy": "on-failure", "success_codes": [3]}), code(3)), [Verdict::Complete]);
    assert_eq!(once(&json!({"policy": "on-failure"}), code(3)), [Verdict::AtOnce]);
    assert_eq!(once(&json!({"policy": "always"}), code(0)), [Verdict::AtOnce]);
    assert_eq!(
        once(&json!({"policy": "never"}), ExitStatus::Signal(11)),
        give_up("killed by SIGSEGV; its restart policy is never")
    );
    assert_eq!(once(&json!({"policy": "never"}), code(0)), [Verdict::Complete]);
}

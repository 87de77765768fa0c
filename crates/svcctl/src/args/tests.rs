//! What is typed, and what it is taken for; and help that fits a screen.

use super::{Cli, DaemonAction, Format, Lines, LogFormat, Verb};
use clap::{CommandFactory as _, Parser as _};

/// A terminal's height, with room for the prompt.
const SCREEN_LINES: usize = 40;
/// The same for the list of all verbs, of which there are many.
const ALL_VERBS_LINES: usize = 50;
/// A terminal's width.
const SCREEN_COLUMNS: usize = 80;

fn parse(line: &str) -> Result<Verb, String> {
    let words = std::iter::once("svcctl").chain(line.split(' ').filter(|word| !word.is_empty()));
    Cli::try_parse_from(words).map(|cli| cli.verb).map_err(|error| error.to_string())
}

fn refused(line: &str) -> String {
    match parse(line) {
        Ok(verb) => panic!("{line} was taken as {verb:?}"),
        Err(error) => error,
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn install_takes_a_program_behind_dashes_or_as_text() {
    let Ok(Verb::Install(args)) = parse("install web --now --env A=1 -e B=x=y -- ./server --port 8080 --now")
    else {
        panic!()
    };
    assert_eq!(args.position.as_deref(), Some("web"));
    assert_eq!(args.program, ["./server", "--port", "8080", "--now"]);
    assert!(args.now);
    assert_eq!(args.spec.env, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "x=y".to_owned())]);
    let Ok(Verb::Install(args)) = parse("install --name=agent --exec=/usr/local/bin/agentd --user=svc")
    else {
        panic!()
    };
    assert_eq!((args.name.as_deref(), args.exec.as_deref()), (Some("agent"), Some("/usr/local/bin/agentd")));
    assert_eq!(args.spec.user.as_deref(), Some("svc"));
    assert!(parse("install -f web.yaml --update --now").is_ok());
    assert!(parse("install web -f web.yaml --dry-run").is_ok());
}

#[test]
fn mistakes_are_refused() {
    for (line, said) in [
        ("install", "required"),
        ("install web --exec=a -- b", "cannot be used with"),
        ("install web --name=web -- b", "cannot be used with"),
        ("install web -f a.yaml --exec=b", "cannot be used with"),
        ("install web -f a.yaml --user=svc", "cannot be used with"),
        ("install web -f a.yaml --no-autostart", "cannot be used with"),
        ("install web ./server", "unexpected argument"),
        ("install web --env A -- b", "KEY=VALUE is needed"),
        ("install web --restart sometimes -- b", "invalid value 'sometimes'"),
        ("install web --restart-delay 5 -- b", "has no unit"),
        ("start", "required"),
        ("start --all web", "cannot be used with"),
        ("start web --no-wait --timeout 5s", "cannot be used with"),
        ("stop web --force --with-dependants", "cannot be used with"),
        ("apply", "required"),
        ("apply --pending -f a.yaml", "cannot be used with"),
        ("validate", "required"),
        ("show", "required"),
        ("show web --file --all-keys", "cannot be used with"),
        ("status --all web", "cannot be used with"),
        ("status web --events --no-events", "cannot be used with"),
        ("events --since soon", "a duration (90s, 2h) or a time"),
        ("logs web -n x", "a number or \"all\" is needed"),
        ("run ./server", "unexpected argument"),
        ("run", "required"),
        ("daemon --background status", "cannot be used with"),
        ("strat web", "unrecognized subcommand 'strat'"),
    ] {
        let error = refused(line);
        assert!(error.contains(said), "svcctl {line}: {error}");
    }
}

#[test]
fn names_come_by_position_or_by_flag() {
    let Ok(Verb::Stop(args)) = parse("stop web db --name cache --name web") else { panic!() };
    assert_eq!(args.names.listed(), ["web", "db", "cache"]);
    let Ok(Verb::Start(args)) = parse("start --all --timeout 1m30s") else { panic!() };
    let Ok(Verb::Restart(unsaid)) = parse("restart web") else { panic!() };
    assert_eq!(unsaid.wait.timeout, super::WaitArgs::default().timeout);
    assert!(args.names.all && args.names.listed().is_empty());
    assert_eq!(args.wait.timeout.as_secs(), 90);
}

#[test]
fn a_signal_stands_last_or_has_its_flag() {
    for line in ["signal web db HUP", "signal web db --signal HUP", "signal --signal HUP web db"] {
        let Ok(Verb::Signal(args)) = parse(line) else { panic!("{line}") };
        let (names, signal) = args.split().unwrap();
        assert_eq!((names.listed(), signal.as_str()), (vec!["web", "db"], "HUP"), "{line}");
    }
    let Ok(Verb::Signal(args)) = parse("signal HUP") else { panic!() };
    assert!(args.split().is_none());
    let Ok(Verb::Signal(args)) = parse("signal --all HUP") else { panic!() };
    assert!(args.split().is_some_and(|(names, _)| names.all));
}

#[test]
fn logs_and_daemon_have_their_forms() {
    let Ok(Verb::Logs(args)) = parse("logs -f -n all -o raw web") else { panic!() };
    assert_eq!((args.lines, args.follow, args.output), (Lines::All, true, LogFormat::Raw));
    let Ok(Verb::Status(args)) = parse("status") else { panic!() };
    assert!(args.names.listed().is_empty() && !args.names.all);
    let Ok(Verb::List(args)) = parse("list web-* --name db") else { panic!() };
    assert_eq!(args.names.listed(), ["web-*", "db"]);
    let Ok(verb) = parse("daemon stop --keep-services --output json") else { panic!() };
    assert_eq!(verb.error_format(), Format::Json);
    let Verb::Daemon(args) = verb else { panic!() };
    assert!(matches!(args.action, Some(DaemonAction::Stop(stop)) if stop.keep_services));
}

#[test]
fn the_place_may_stand_anywhere() {
    for line in ["--root /srv --scope user list", "list --root /srv --scope user"] {
        let cli = Cli::try_parse_from(std::iter::once("svcctl").chain(line.split(' '))).unwrap();
        assert_eq!(cli.place.root.as_deref(), Some(std::path::Path::new("/srv")));
        assert_eq!(cli.place.scope, Some(super::ScopeName::User));
    }
}

#[test]
fn every_help_fits_a_screen_and_has_an_example() {
    let mut found = vec![vec!["svcctl"]];
    let command = Cli::command();
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        found.push(vec!["svcctl", verb.get_name()]);
        found.extend(verb.get_subcommands().map(|inner| vec!["svcctl", verb.get_name(), inner.get_name()]));
    }
    assert!(found.len() > 12, "{found:?}");
    for words in &found {
        let help = Cli::command()
            .term_width(SCREEN_COLUMNS)
            .try_get_matches_from(words.iter().copied().chain(["-h"]))
            .unwrap_err()
            .to_string();
        let lines: Vec<&str> = help.lines().collect();
        let limit = if words.len() == 1 { ALL_VERBS_LINES } else { SCREEN_LINES };
        assert!(lines.len() <= limit, "the help of {words:?} has {} lines:\n{help}", lines.len());
        let wide = lines.iter().find(|line| line.chars().count() > SCREEN_COLUMNS);
        assert_eq!(wide, None, "the help of {words:?} has too long a line:\n{help}");
        assert!(
            help.contains("Example") || words.contains(&"version"),
            "the help of {words:?} has no example:\n{help}"
        );
    }
}

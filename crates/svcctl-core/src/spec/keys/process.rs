//! The keys of a service, and those that say what process is made.

use super::{HEALTH, HOOKS, Key, READY, RELOAD, RESTART, SCHEDULE, START, STOP, Shape, TRIGGER};

pub(in crate::spec) const ROOT: &[Key] = &[
    Key::new("spec", Shape::Version, "The version of this format.", "1").required(),
    Key::new(
        "name",
        Shape::Name,
        "The service's name: letters, digits, `.`, `_` and `-`, beginning with a letter or digit; at most 64 of them.",
        "\"web\"",
    )
    .required(),
    Key::new("display_name", Shape::Text, "A name for people.", "\"Web front end\"")
        .default_note("the name"),
    Key::new("description", Shape::Text, "What the service does, for people.", "\"Serves the shop\""),
    Key::new(
        "manager",
        Shape::Choice(&["auto", "embedded"]),
        "Who runs the service; `embedded` is the daemon itself.",
        "\"auto\"",
    )
    .default("\"auto\""),
    Key::new(
        "exec",
        Shape::Words,
        "The program and its arguments. A text is split into words as a shell splits them, but never run by a shell. The program is an absolute path or a name to be found in PATH.",
        "[\"/opt/web/server\", \"--port\", \"${PORT:-8080}\"]",
    )
    .required(),
    Key::new("cwd", Shape::Path, "The working directory.", "\"/opt/web\"").default_note("the root directory"),
    Key::new("user", Shape::Identity, "The user to run as.", "\"svc\"").default_note("the daemon's own"),
    Key::new("group", Shape::Identity, "The primary group.", "\"svc\"").default_note("the user's own"),
    Key::new(
        "groups",
        Shape::Identities,
        "The supplementary groups; an empty list is none at all.",
        "[\"ssl-cert\"]",
    )
    .default_note("the user's own"),
    Key::new(
        "umask",
        Shape::Umask,
        "The permission bits that new files do not get, in octal and in quotes (YAML reads a bare 027 as 23 or as 27).",
        "\"027\"",
    )
    .default_note("the daemon's own"),
    Key::new(
        "env",
        Shape::Env,
        "Variables of the environment. They outrank those of `env_file`.",
        "{\"RUST_LOG\": \"info\", \"TOKEN\": \"${file:/run/secrets/token}\"}",
    ),
    Key::new(
        "env_file",
        Shape::EnvFiles,
        "Files of `NAME=value` lines, read at each start. A later one outranks an earlier one.",
        "[\"/etc/default/web\", {\"path\": \"/etc/web/local.env\", \"optional\": true}]",
    ),
    Key::new(
        "inherit_env",
        Shape::InheritEnv,
        "Variables taken over from the daemon's environment beside PATH, HOME, USER, LANG and TZ; or all of them.",
        "[\"HTTP_PROXY\"]",
    )
    .default("[]"),
    Key::new("autostart", Shape::Bool, "Whether the service is started when the machine boots.", "false")
        .default("true"),
    Key::new(
        "depends_on",
        Shape::DependsOn,
        "What must be there before the service starts: that it is ready, has been started, or has completed.",
        "{\"db\": \"ready\"}",
    ),
    Key::new(
        "type",
        Shape::Choice(&["simple", "oneshot"]),
        "What running means: a program that stays (simple), or one that does its work and ends (oneshot).",
        "\"oneshot\"",
    )
    .default_note("simple; oneshot with `schedule` or `trigger`"),
    Key::new("start", Shape::Mapping(START), "Rules for the start.", "{\"timeout\": \"1m\"}"),
    Key::new(
        "ready",
        Shape::Mapping(READY),
        "How the service is known to be ready: exactly one question. Dependants wait for it.",
        "{\"http\": \"http://127.0.0.1:8080/health\"}",
    )
    .default_note("ready once its program runs"),
    Key::new(
        "health",
        Shape::Mapping(HEALTH),
        "How the running service is watched.",
        "{\"liveness\": {\"tcp\": \"127.0.0.1:8080\"}}",
    ),
    Key::new(
        "restart",
        Shape::Mapping(RESTART),
        "What follows when the program ends by itself. The first restart is immediate, then the pauses grow.",
        "{\"policy\": \"on-failure\", \"delay\": \"5s\"}",
    ),
    Key::new(
        "stop",
        Shape::Mapping(STOP),
        "How the service is stopped.",
        "{\"timeout\": \"30s\", \"steps\": [{\"signal\": \"INT\", \"wait\": \"10s\"}, {\"kill\": \"tree\"}]}",
    ),
    Key::new(
        "reload",
        Shape::Mapping(RELOAD),
        "How the program takes up a changed configuration of its own: exactly one of signal, command and restart.",
        "{\"signal\": \"HUP\", \"watch\": [\"/etc/web/*.conf\"]}",
    ),
    Key::new(
        "schedule",
        Shape::Mapping(SCHEDULE),
        "When the service runs by itself. It is a oneshot then, and excludes `trigger`.",
        "{\"cron\": \"30 2 * * *\", \"timezone\": \"Europe/Prague\", \"missed\": \"once\"}",
    ),
    Key::new(
        "trigger",
        Shape::Mapping(TRIGGER),
        "What makes the service run, other than time. It is a oneshot then, and excludes `schedule`.",
        "{\"path\": \"/in\", \"on\": [\"create\"]}",
    ),
    Key::new(
        "limits",
        Shape::Mapping(LIMITS),
        "Resource limits of each of the service's processes, soft and hard alike.",
        "{\"open_files\": 8192, \"core\": \"unlimited\"}",
    ),
    Key::new(
        "hooks",
        Shape::Mapping(HOOKS),
        "Programs that are run around the service, as the service is (user, directory, environment, limits).",
        "{\"before_start\": [\"/opt/web/migrate\"]}",
    ),
];

pub(in crate::spec) const ENV_FILE: &[Key] = &[
    Key::new("path", Shape::Path, "Where the file is.", "\"/etc/default/web\"").required(),
    Key::new("optional", Shape::Bool, "Whether the file may be missing.", "true").default("false"),
];

pub(in crate::spec) const LIMITS: &[Key] = &[
    Key::new("open_files", Shape::Count, "The most open files (RLIMIT_NOFILE).", "8192"),
    Key::new("processes", Shape::Count, "The most processes of its user (RLIMIT_NPROC).", "512"),
    Key::new("core", Shape::Size, "The largest core file (RLIMIT_CORE).", "\"unlimited\""),
    Key::new("file_size", Shape::Size, "The largest file it may write (RLIMIT_FSIZE).", "\"1GiB\""),
    Key::new("stack", Shape::Size, "The largest stack (RLIMIT_STACK).", "\"8MiB\""),
    Key::new("locked_memory", Shape::Size, "The most locked memory (RLIMIT_MEMLOCK).", "\"64MiB\""),
    Key::new("address_space", Shape::Size, "The most address space (RLIMIT_AS).", "\"4GiB\""),
];

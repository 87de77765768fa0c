//! The keys of what makes a service run and reload, and of what is run around it.

use super::{BARE_CONDITION, Key, Shape};

pub(in crate::spec) const SCHEDULE: &[Key] = &[
    Key::new(
        "cron",
        Shape::Cron,
        "The times at which it runs: minute, hour, day of month, month, day of week; or @hourly, @daily, @weekly, @monthly, @yearly. Excludes `every`.",
        "\"30 2 * * mon-fri\"",
    ),
    Key::new(
        "every",
        Shape::Duration,
        "How long after the last due time it runs again, at least 1s; excludes `cron`.",
        "\"5m\"",
    ),
    Key::new("timezone", Shape::Timezone, "The time zone that `cron` is read in.", "\"Europe/Prague\"")
        .default_note("the machine's own"),
    Key::new(
        "overlap",
        Shape::Choice(&["skip", "queue", "restart"]),
        "What a due time does while the last run is not over: nothing, one more run after it, or a new run in its place.",
        "\"queue\"",
    )
    .default("\"skip\""),
    Key::new(
        "missed",
        Shape::Choice(&["skip", "once"]),
        "What happens for times that passed while the machine or the daemon was down: nothing, or one run as soon as possible.",
        "\"once\"",
    )
    .default("\"skip\""),
];

pub(in crate::spec) const TRIGGER: &[Key] = &[
    Key::new(
        "path",
        Shape::Pattern,
        "A file, a directory (for what is directly in it) or a pattern; excludes `condition`.",
        "\"/in/*.csv\"",
    ),
    Key::new(
        "on",
        Shape::Choices(&["create", "modify", "delete"]),
        "What has to happen at `path`; needed with it.",
        "[\"create\", \"modify\"]",
    ),
    Key::new(
        "condition",
        Shape::Mapping(BARE_CONDITION),
        "A question that makes the service run when it is answered with yes; excludes `path`.",
        "{\"exec\": [\"/opt/etl/has-work\"]}",
    ),
    Key::new("every", Shape::Duration, "How often `condition` is asked, at least 1s.", "\"1m\"")
        .default("\"30s\""),
    Key::new("timeout", Shape::Duration, "How long one attempt at `condition` may take.", "\"5s\"")
        .default("\"10s\""),
];

pub(in crate::spec) const RELOAD: &[Key] = &[
    Key::new("signal", Shape::Signal, "A signal to the main process; not KILL.", "\"HUP\""),
    Key::new("command", Shape::Hook, "A program that tells the service.", "[\"/opt/web/ctl\", \"reload\"]"),
    Key::new("restart", Shape::True, "The service is restarted.", "true"),
    Key::new(
        "watch",
        Shape::Patterns,
        "Files, directories or patterns whose change reloads the service; a burst of changes counts as one.",
        "[\"/etc/web/*.conf\"]",
    ),
];

pub(in crate::spec) const HOOK: &[Key] = &[
    Key::new("exec", Shape::Words, "The program and its arguments.", "[\"/opt/web/migrate\"]").required(),
    Key::new("timeout", Shape::Duration, "When its processes are killed, and it has failed.", "\"5m\"")
        .default("\"30s\""),
];

pub(in crate::spec) const HOOKS: &[Key] = &[
    Key::new(
        "before_start",
        Shape::Hooks,
        "Before each start; a failure is a failed start.",
        "\"/opt/web/migrate --all\"",
    ),
    Key::new(
        "after_start",
        Shape::Hooks,
        "After the service is ready; a failure is told, no more.",
        "[\"/opt/web/announce\"]",
    ),
    Key::new(
        "before_stop",
        Shape::Hooks,
        "Before the first step of a stop by command; a failure is told, no more.",
        "[\"/opt/web/drain\"]",
    ),
    Key::new(
        "after_exit",
        Shape::Hooks,
        "After nothing of the service is left; a failure is told, no more.",
        "[{\"exec\": [\"/opt/web/clean\"], \"timeout\": \"10s\"}]",
    ),
];

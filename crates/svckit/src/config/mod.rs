//! Configuration documents: YAML text to and from a tree of values.

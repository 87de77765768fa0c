//! A Rust file's tokens, walked once: which paths, calls, attributes and functions stand where.
//!
//! Tokens, not a syntax tree: what stands inside a macro's call is seen too. A path is what is written, `use` trees
//! taken apart; what it resolves to is the compiler's business.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::ops::RangeInclusive;

/// What was found in one file. Lines count from 1.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// Each path, such as `std::fs::read`; a single word is a path too.
    pub(super) paths: Vec<PathUse>,
    /// Each `.name(…)`.
    pub(super) calls: Vec<Call>,
    /// Each attribute, documentation excepted, and each `cfg!(…)`.
    pub(super) attributes: Vec<Attribute>,
    /// Each function that has a body.
    pub(super) functions: Vec<Function>,
    /// The lines of what is compiled for tests alone.
    pub(super) test_lines: Vec<RangeInclusive<usize>>,
    /// The modules in files of their own that are compiled for tests alone.
    pub(super) test_modules: Vec<Module>,
}

/// A module in a file of its own.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) name: String,
    /// What `#[path = "…"]` says of its file, relative to the directory of the file that declares it.
    pub(super) path: Option<String>,
}

/// A path and where it stands.
#[derive(Debug)]
pub(super) struct PathUse {
    pub(super) line: usize,
    pub(super) path: String,
    /// Whether it stands in a `use`.
    pub(super) imported: bool,
}

/// A method's call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// An attribute.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) line: usize,
    /// What stands between the brackets.
    pub(super) text: String,
    /// The word that begins the item below it (`mod`, `fn`, …), without visibility; empty for `#![…]` and `cfg!(…)`.
    pub(super) item: String,
}

/// A function with a body.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) lines: RangeInclusive<usize>,
}

impl Tokens {
    /// Walks `stream`.
    pub(super) fn read(stream: TokenStream) -> Self {
        let mut tokens = Self::default();
        tokens.walk(stream, "");
        tokens
    }

    /// Walks one group; `prefix` is the path that each element of a `use` group continues.
    fn walk(&mut self, stream: TokenStream, prefix: &str) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut open: Option<PathUse> = None;
        let mut at = 0;
        while at < trees.len() {
            let joined = follows_colons(&trees, at);
            match &trees[at] {
                TokenTree::Ident(ident) if joined && open.is_some() => {
                    if let Some(path) = &mut open {
                        path.path = format!("{}::{ident}", path.path);
                    }
                }
                TokenTree::Ident(ident) => {
                    self.paths.extend(open.take());
                    self.notice(&trees, at);
                    let path =
                        if prefix.is_empty() { ident.to_string() } else { format!("{prefix}::{ident}") };
                    let imported =
                        !prefix.is_empty() || is_word(at.checked_sub(1).map(|at| &trees[at]), "use");
                    open = Some(PathUse { line: ident.span().start().line, path, imported });
                }
                TokenTree::Group(group) => {
                    let path = open.take();
                    let of_use = path.as_ref().filter(|_| joined && group.delimiter() == Delimiter::Brace);
                    self.walk(group.stream(), of_use.map_or("", |path| &path.path));
                    self.paths.extend(path);
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {}
                TokenTree::Punct(punct) => {
                    let glob = punct.as_char() == '*' && joined;
                    if let Some(mut path) = open.take() {
                        path.path.push_str(if glob { "::*" } else { "" });
                        self.paths.push(path);
                    }
                    self.notice_attribute(&trees, at);
                }
                TokenTree::Literal(_) => self.paths.extend(open.take()),
            }
            at += 1;
        }
        self.paths.extend(open);
    }

    /// Looks at what a word begins: a call, a function, `cfg!`.
    fn notice(&mut self, trees: &[TokenTree], at: usize) {
        let (word, line) = (trees[at].to_string(), trees[at].span().start().line);
        let after_dot = at > 0 && is_punct(trees.get(at - 1), '.');
        if let (true, Some(arguments)) = (after_dot, group(trees.get(at + 1), Delimiter::Parenthesis)) {
            self.calls.push(Call { line, name: word.clone(), arguments: arguments.stream().to_string() });
        }
        if word == "cfg" && is_punct(trees.get(at + 1), '!') {
            let text = format!("cfg{}", trees.get(at + 2).map(ToString::to_string).unwrap_or_default());
            self.attributes.push(Attribute { line, text, item: String::new() });
        }
        if let ("fn", Some(TokenTree::Ident(name))) = (word.as_str(), trees.get(at + 1))
            && let Some((last, true)) = end_of_item(&trees[at..])
        {
            self.functions.push(Function { name: name.to_string(), lines: line..=last });
        }
    }

    /// Looks whether an attribute begins here, and what it stands on.
    fn notice_attribute(&mut self, trees: &[TokenTree], at: usize) {
        let inner = is_punct(trees.get(at + 1), '!');
        let place = if inner { at + 2 } else { at + 1 };
        let attribute = group(trees.get(place), Delimiter::Bracket).filter(|_| is_punct(trees.get(at), '#'));
        let Some(attribute) = attribute else { return };
        let text = attribute.stream().to_string().replace(' ', "");
        if text.starts_with("doc=") {
            return;
        }
        let line = trees[at].span().start().line;
        if matches!(text.as_str(), "test" | "cfg(test)") || text.starts_with("cfg(all(test,") {
            self.notice_test(line, inner, &trees[place + 1..]);
        }
        let item = if inner { String::new() } else { first_word(&trees[place + 1..]) };
        self.attributes.push(Attribute { line, text, item });
    }

    /// Notes what an attribute makes code of tests: the file, a module in a file of its own, or the item below.
    fn notice_test(&mut self, line: usize, whole_file: bool, below: &[TokenTree]) {
        let end = end_of_item(below);
        let last = if whole_file { Some(usize::MAX) } else { end.map(|(last, _)| last) };
        self.test_lines.extend(last.map(|last| line..=last));
        let words: Vec<String> = words(below).take(2).collect();
        if let ([keyword, name], Some((_, false))) = (words.as_slice(), end)
            && keyword == "mod"
        {
            let attributes = below.iter().filter_map(|tree| group(Some(tree), Delimiter::Bracket));
            let mut texts = attributes.map(|attribute| attribute.stream().to_string().replace(' ', ""));
            let path = texts
                .find_map(|text| text.strip_prefix("path=").map(|path| path.trim_matches('"').to_owned()));
            self.test_modules.push(Module { name: name.clone(), path });
        }
    }
}

/// Whether `::` stands right before `at`.
fn follows_colons(trees: &[TokenTree], at: usize) -> bool {
    at >= 2 && is_punct(trees.get(at - 1), ':') && is_punct(trees.get(at - 2), ':')
}

fn is_punct(tree: Option<&TokenTree>, wanted: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_word(tree: Option<&TokenTree>, wanted: &str) -> bool {
    matches!(tree, Some(TokenTree::Ident(ident)) if ident == wanted)
}

fn group(tree: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match tree {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// The last line of the item that begins with these tokens, and whether it ends with a body: the first group in braces
/// or the first semicolon ends it.
fn end_of_item(trees: &[TokenTree]) -> Option<(usize, bool)> {
    trees.iter().find_map(|tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
            Some((group.span_close().end().line, true))
        }
        TokenTree::Punct(punct) if punct.as_char() == ';' => Some((punct.span().end().line, false)),
        _ => None,
    })
}

/// The first word that is neither an attribute nor a visibility.
fn first_word(trees: &[TokenTree]) -> String {
    words(trees).next().unwrap_or_default()
}

/// The words of an item without `pub`; those within groups are not seen.
fn words(trees: &[TokenTree]) -> impl Iterator<Item = String> {
    let words = trees.iter().filter(|tree| matches!(tree, TokenTree::Ident(_))).map(ToString::to_string);
    words.filter(|word| word != "pub")
}

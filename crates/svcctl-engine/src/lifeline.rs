//! Knowing that a part is still there: an engine that has lost one (by a panic) ends, and the keeper starts a whole one.

use tokio::sync::mpsc;

/// How many ends wait to be heard; the first is enough.
const ENDS_MAX: usize = 8;

/// Held by a thread as long as it lives; its end is told, however it comes.
#[derive(Debug)]
pub(crate) struct Lifeline {
    part: &'static str,
    ends: mpsc::Sender<&'static str>,
}

/// Both ends: what hands out lifelines, and where ends are told.
pub(crate) fn lifelines() -> (Lifelines, mpsc::Receiver<&'static str>) {
    let (sender, receiver) = mpsc::channel(ENDS_MAX);
    (Lifelines(sender), receiver)
}

/// Hands out lifelines.
#[derive(Clone, Debug)]
pub(crate) struct Lifelines(mpsc::Sender<&'static str>);

impl Lifelines {
    /// One for the part of this name.
    pub(crate) fn of(&self, part: &'static str) -> Lifeline {
        Lifeline { part, ends: self.0.clone() }
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        // A full channel has told of an end already; a closed one belongs to an engine that ends.
        let (Ok(()) | Err(_)) = self.ends.try_send(self.part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_like_any_end() {
        let (lifelines, mut ends) = lifelines();
        let held = lifelines.of("driver");
        let thread = std::thread::spawn(move || {
            let _held = held;
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        assert_eq!(ends.try_recv(), Ok("driver"));
    }
}

//! Names of hosts, looked up on threads that may hang, as name servers may not answer: one lookup for each name at most,
//! however many wait for its answer, and none once nobody does.

use crate::offload::Offload;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The most threads that wait for name servers.
const THREADS_MAX: usize = 64;
/// The most names that are being looked up, or will be.
const NAMES_MAX: usize = 1024;

/// The addresses, or the kind of the error and what it says.
type Answer = Result<Vec<IpAddr>, (io::ErrorKind, String)>;
type Look = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Looks names up; clones are the same one.
#[derive(Clone)]
pub(super) struct Names {
    pool: Offload,
    look: Arc<Look>,
    asked: Asked,
}

/// Who waits for the addresses of which name.
type Asked = Arc<Mutex<BTreeMap<String, Vec<oneshot::Sender<Answer>>>>>;

impl Names {
    /// Asks the system.
    pub(super) fn new() -> Self {
        Self::asking(|host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
    }

    fn asking(look: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self { pool: Offload::new("resolver", THREADS_MAX), look: Arc::new(look), asked: Asked::default() }
    }

    /// The addresses of a host.
    ///
    /// # Errors
    /// What the system says, or that it was not asked.
    pub(super) async fn addresses(&self, host: String) -> io::Result<Vec<IpAddr>> {
        let (sender, receiver) = oneshot::channel();
        if self.wait(&host, sender)? {
            let lookup = Lookup { asked: Arc::clone(&self.asked), host, holds: true };
            let look = Arc::clone(&self.look);
            self.pool.start(move || lookup.run(&*look));
        }
        match receiver.await {
            Ok(answer) => answer.map_err(|(kind, why)| io::Error::new(kind, why)),
            Err(_) => Err(io::Error::other("its name could not be looked up")),
        }
    }

    /// Notes who waits; gives whether the lookup is still to be started.
    fn wait(&self, host: &str, sender: oneshot::Sender<Answer>) -> io::Result<bool> {
        let mut asked = lock(&self.asked);
        if let Some(waiting) = asked.get_mut(host) {
            waiting.retain(|sender| !sender.is_closed());
            waiting.push(sender);
            return Ok(false);
        }
        if asked.len() >= NAMES_MAX {
            let why = format!("its name cannot be looked up while {NAMES_MAX} others are");
            return Err(io::Error::other(why));
        }
        asked.insert(host.to_owned(), vec![sender]);
        Ok(true)
    }
}

/// The one lookup of a name. Once it is dropped, done or not, the name can be looked up anew.
struct Lookup {
    asked: Asked,
    host: String,
    /// Whether the name is still this lookup's.
    holds: bool,
}

impl Lookup {
    fn run(mut self, look: &Look) {
        if !self.is_wanted() {
            return;
        }
        let answer = look(&self.host).map_err(|error| (error.kind(), error.to_string()));
        for sender in self.let_go() {
            // Who waits no more wants no answer.
            drop(sender.send(answer.clone()));
        }
    }

    /// Whether anybody waits; if not, the next to come starts a lookup of its own.
    fn is_wanted(&mut self) -> bool {
        let mut asked = lock(&self.asked);
        let waiting = asked.get(&self.host);
        let wanted = waiting.is_some_and(|waiting| waiting.iter().any(|sender| !sender.is_closed()));
        if !wanted {
            asked.remove(&self.host);
            self.holds = false;
        }
        wanted
    }

    /// Who waits for it; whoever comes now starts a lookup of its own.
    fn let_go(&mut self) -> Vec<oneshot::Sender<Answer>> {
        if !std::mem::take(&mut self.holds) {
            return Vec::new();
        }
        lock(&self.asked).remove(&self.host).unwrap_or_default()
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        drop(self.let_go());
    }
}

fn lock(asked: &Asked) -> MutexGuard<'_, BTreeMap<String, Vec<oneshot::Sender<Answer>>>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::future::Future as _;
    use std::net::Ipv4Addr;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Sender, channel};
    use std::task::{Context, Waker};

    /// Names that hang until what comes with them is dropped, and how many lookups of each name began.
    pub(in super::super) fn hanging() -> (Names, Sender<()>, Arc<AtomicUsize>) {
        let (release, held) = channel::<()>();
        let (held, lookups) = (Mutex::new(held), Arc::new(AtomicUsize::new(0)));
        let counted = Arc::clone(&lookups);
        let names = Names::asking(move |host| {
            counted.fetch_add(1, Ordering::SeqCst);
            held.lock().unwrap().recv().unwrap_or_default();
            if host == "bad" {
                Err(io::Error::other("no such name"))
            } else {
                Ok(vec![Ipv4Addr::LOCALHOST.into()])
            }
        });
        (names, release, lookups)
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn a_name_that_hangs_is_looked_up_once_and_all_that_wait_get_the_answer() {
        let (names, release, lookups) = hanging();
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..10 * THREADS_MAX {
            // Cancelled, as by a probe whose time is over.
            assert!(pin!(names.addresses("db".into())).poll(&mut context).is_pending());
        }
        let mut one = Box::pin(names.addresses("db".into()));
        let mut two = Box::pin(names.addresses("db".into()));
        let mut bad = Box::pin(names.addresses("bad".into()));
        for waiting in [&mut one, &mut two, &mut bad] {
            assert!(waiting.as_mut().poll(&mut context).is_pending());
        }
        assert!(lock(&names.asked)["db"].len() <= 2, "who waits no more is forgotten");
        drop(release);
        let addresses = vec![IpAddr::from(Ipv4Addr::LOCALHOST)];
        assert_eq!(runtime().block_on(one).unwrap(), addresses);
        assert_eq!(runtime().block_on(two).unwrap(), addresses);
        assert_eq!(runtime().block_on(bad).unwrap_err().to_string(), "no such name");
        assert_eq!(lookups.load(Ordering::SeqCst), 2);
        assert_eq!(runtime().block_on(names.addresses("db".into())).unwrap(), addresses);
        assert_eq!(lookups.load(Ordering::SeqCst), 3, "an answer is not kept");
    }

    #[test]
    fn names_behind_those_that_hang_are_limited_and_not_looked_up_once_nobody_waits() {
        let (names, release, lookups) = hanging();
        let mut context = Context::from_waker(Waker::noop());
        let mut waiting: Vec<_> =
            (0..NAMES_MAX).map(|number| Box::pin(names.addresses(format!("h{number}")))).collect();
        assert!(waiting.iter_mut().all(|waiting| waiting.as_mut().poll(&mut context).is_pending()));
        let error = runtime().block_on(names.addresses("more".into())).unwrap_err();
        assert_eq!(error.to_string(), "its name cannot be looked up while 1024 others are");
        while lookups.load(Ordering::SeqCst) < THREADS_MAX {
            std::thread::yield_now();
        }
        drop(waiting);
        drop(release);
        while !lock(&names.asked).is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(lookups.load(Ordering::SeqCst), THREADS_MAX);
        assert!(runtime().block_on(names.addresses("more".into())).is_ok());
    }
}

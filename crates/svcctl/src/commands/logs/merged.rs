//! Records of several services in the order of their times.

use super::{Item, source};
use crate::context::Context;
use serde_json::Value;
use svcctl_core::ident::ServiceName;
use svckit::control::client::LogQuery;
use tokio::sync::mpsc::{self, Sender};

/// How many records of one service may be on their way.
const RECORDS_MAX: usize = 256;

/// Sends the records of all of `names`, the oldest first; of one service in the order they stand. Ends with the first
/// service whose log cannot be read, or when nobody receives any more.
pub(super) async fn send(context: Context, names: Vec<ServiceName>, query: LogQuery, to: Sender<Item>) {
    let mut heads = Vec::new();
    let mut readers = tokio::task::JoinSet::new();
    for name in names {
        let (sender, receiver) = mpsc::channel(RECORDS_MAX);
        readers.spawn(source::send(context.clone(), vec![name], query.clone(), sender));
        heads.push(Head { next: None, receiver });
    }
    for head in &mut heads {
        head.advance().await;
    }
    loop {
        let first = heads
            .iter_mut()
            .filter(|head| head.next.is_some())
            .min_by(|one, other| one.time().cmp(other.time()));
        let Some(head) = first else { return };
        let Some((_, item)) = head.next.take() else { return };
        let failed = item.is_err();
        if to.send(item).await.is_err() || failed {
            return;
        }
        head.advance().await;
    }
}

/// The next record of one service.
struct Head {
    next: Option<(String, Item)>,
    receiver: mpsc::Receiver<Item>,
}

impl Head {
    async fn advance(&mut self) {
        self.next = self.receiver.recv().await.map(|item| (time_of(&item), item));
    }

    /// Times are of one form (RFC 3339, UTC, the same number of digits), so that their texts have their order.
    fn time(&self) -> &str {
        self.next.as_ref().map_or("", |(time, _)| time)
    }
}

/// What cannot be read has no time, and comes at once.
fn time_of(item: &Item) -> String {
    let Ok(record) = item else { return String::new() };
    let tree: Option<Value> = serde_json::from_str(record).ok();
    let time = tree.as_ref().and_then(|tree| tree.get("@timestamp")?.as_str());
    time.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_the_record() {
        let record = r#"{"@timestamp":"2026-11-24T03:00:00.123Z","message":"x"}"#;
        assert_eq!(time_of(&Ok(record.to_owned())), "2026-11-24T03:00:00.123Z");
        assert_eq!(time_of(&Ok("torn".to_owned())), "");
    }
}

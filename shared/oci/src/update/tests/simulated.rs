//! A registry in virtual time, in which a thousand runs take a second: what writers do to each other depends on when
//! exactly each request is acted on.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::super::writer::Tag;
use super::super::{Edit, RetryPolicy, update};
use crate::types::media_type;
use crate::{Descriptor, Error, ErrorKind, Fetched};

/// Everything that was ever at the tag, with its time.
struct Simulated {
    history: RefCell<Vec<(Instant, Option<Bytes>)>>,
    /// How old what is read may be, in milliseconds.
    lag: Range<u64>,
    /// Of a hundred writes, how many fail: half of them before and half after they were done.
    failures: u64,
    requests: Cell<u32>,
}

impl Simulated {
    fn new(lag: Range<u64>) -> Simulated {
        let history = RefCell::new(vec![(Instant::now(), None)]);
        Simulated { history, lag, failures: 0, requests: Cell::new(0) }
    }

    fn seen(&self) -> Option<Fetched> {
        let lag = if self.lag.is_empty() { 0 } else { fastrand::u64(self.lag.clone()) };
        let history = self.history.borrow();
        let since = Instant::now().checked_sub(Duration::from_millis(lag));
        let at = history.iter().rposition(|(time, _)| since.is_some_and(|since| *time <= since)).unwrap_or(0);
        let bytes = history[at].1.clone()?;
        Some(Fetched { descriptor: Descriptor::of(media_type::INDEX, &bytes), bytes })
    }

    fn put(&self, bytes: Bytes) {
        self.history.borrow_mut().push((Instant::now(), Some(bytes)));
    }

    fn lines(&self) -> BTreeSet<String> {
        self.history.borrow().last().and_then(|(_, bytes)| bytes.as_ref().map(lines)).unwrap_or_default()
    }
}

fn lines(bytes: &Bytes) -> BTreeSet<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

/// One writer's way to it: how long a request takes there, and an answer back, in milliseconds.
struct Way<'a> {
    registry: &'a Simulated,
    delay: Range<u64>,
}

impl Way<'_> {
    async fn go(&self) {
        if !self.delay.is_empty() {
            sleep(Duration::from_millis(fastrand::u64(self.delay.clone()))).await;
        }
    }

    async fn ask<R>(&self, act: impl FnOnce() -> R) -> R {
        self.registry.requests.set(self.registry.requests.get() + 1);
        self.go().await;
        let answer = act();
        self.go().await;
        answer
    }

    async fn add(&self, line: &str) -> Result<(), Error> {
        let edit = |current: Option<&Fetched>| {
            let mut lines = current.map(|current| lines(&current.bytes)).unwrap_or_default();
            lines.insert(line.to_owned());
            let text = lines.into_iter().collect::<Vec<_>>().join("\n");
            Ok(Edit { blobs: Vec::new(), media_type: media_type::INDEX, manifest: text.into() })
        };
        update(self, &RetryPolicy::default(), edit, |fetched| lines(&fetched.bytes).contains(line)).await
    }
}

impl Tag for Way<'_> {
    fn name(&self) -> String {
        "the tag".to_owned()
    }

    async fn read(&self) -> Result<Option<Fetched>, Error> {
        self.ask(|| Ok(self.registry.seen())).await
    }

    async fn prepare(&self, _: Vec<(&'static str, Bytes)>) -> Result<(), Error> {
        Ok(())
    }

    async fn write(&self, _: &str, manifest: Bytes) -> Result<(), Error> {
        let luck = fastrand::u64(0..100);
        self.ask(|| {
            let fails = luck < self.registry.failures;
            if !fails || luck % 2 == 0 {
                self.registry.put(manifest);
            }
            if fails { Err(Error::new(ErrorKind::Unavailable, "it broke")) } else { Ok(()) }
        })
        .await
    }
}

/// Lets eight writers add a line each. Returns the result of each, and the lines that are missing in the end.
async fn eight(registry: &Simulated, delays: [Range<u64>; 8], start: u64) -> (Vec<Result<(), Error>>, Vec<usize>) {
    let ways = delays.map(|delay| Way { registry, delay });
    let writers = ways.iter().enumerate().map(async |(number, way)| {
        sleep(Duration::from_millis(fastrand::u64(0..start))).await;
        way.add(&format!("line {number}")).await
    });
    let told = join_all(writers).await;
    let kept = registry.lines();
    let missing = (0..8).filter(|number| !kept.contains(&format!("line {number}"))).collect();
    (told, missing)
}

/// A line that was reported as written is there, whatever the duration of requests and the start of the writers.
#[tokio::test(start_paused = true)]
async fn eight_who_write_at_once_lose_nothing() {
    for seed in 0..300 {
        fastrand::seed(seed);
        for delay in [0..1, 0..12, 5..40, 100..120, 0..200] {
            for start in [1, 50, 400] {
                let registry = Simulated::new(0..0);
                let (told, missing) = eight(&registry, std::array::from_fn(|_| delay.clone()), start).await;
                assert!(missing.is_empty(), "seed {seed}, delay {delay:?}, start {start}: {missing:?} of {told:?}");
                assert!(told.iter().all(Result::is_ok), "seed {seed}, delay {delay:?}, start {start}: {told:?}");
            }
        }
    }
}

/// One who has further to go than the others, by no more than they wait for.
#[tokio::test(start_paused = true)]
async fn one_from_afar_loses_nothing_of_the_others() {
    for seed in 0..300 {
        fastrand::seed(seed);
        for start in [1, 100, 1500] {
            let registry = Simulated::new(0..0);
            let delays = std::array::from_fn(|number| if number == 0 { 50..75 } else { 0..5 });
            let (told, missing) = eight(&registry, delays, start).await;
            assert!(missing.is_empty(), "seed {seed}, start {start}: {missing:?} of {told:?}");
        }
    }
}

/// If every read lags by a different time, nothing is guaranteed. Nothing is lost here even so.
#[tokio::test(start_paused = true)]
async fn reads_that_lag_behind_lose_nothing() {
    for seed in 0..60 {
        fastrand::seed(seed);
        for (lag, delay) in [
            (0..60, 0..10),
            (100..300, 0..10),
            (100..101, 0..10),
            (200..201, 0..10),
            (300..301, 0..10),
            (100..300, 5..40),
        ] {
            for start in [1, 300, 1500] {
                let registry = Simulated::new(lag.clone());
                let (told, missing) = eight(&registry, std::array::from_fn(|_| delay.clone()), start).await;
                assert!(missing.is_empty(), "seed {seed}, lag {lag:?}, start {start}: {missing:?} of {told:?}");
                assert!(told.iter().all(Result::is_ok), "seed {seed}, lag {lag:?}, start {start}: {told:?}");
            }
        }
    }
}

/// A failed write may have had its effect. A line that was reported as written is there.
#[tokio::test(start_paused = true)]
async fn writes_that_break_are_no_loss() {
    for seed in 0..200 {
        fastrand::seed(seed);
        let registry = Simulated { failures: 20, ..Simulated::new(0..0) };
        let (told, missing) = eight(&registry, std::array::from_fn(|_| 0..20), 100).await;
        let lost: Vec<&usize> = missing.iter().filter(|number| told[**number].is_ok()).collect();
        assert!(lost.is_empty(), "seed {seed}: {lost:?} of {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn alone_it_takes_five_requests_and_the_time_to_settle() {
    let registry = Simulated::new(0..0);
    let way = Way { registry: &registry, delay: 5..6 };
    let began = Instant::now();
    way.add("a").await.unwrap();
    assert_eq!(registry.requests.get(), 5);
    assert_eq!(began.elapsed(), Duration::from_millis(5 * 10 + 250));
    way.add("a").await.unwrap();
    assert_eq!(registry.requests.get(), 6, "what is there already is only read");
}

/// Another writer replaces the entry whenever it appears, and never reads the tag.
#[tokio::test(start_paused = true)]
async fn a_writer_that_always_overwrites_is_an_error_in_the_end() {
    let registry = Simulated::new(0..0);
    let vandal = async {
        for number in 0.. {
            sleep(Duration::from_millis(25)).await;
            registry.put(Bytes::from(format!("vandal {number}")));
        }
    };
    let way = Way { registry: &registry, delay: 0..5 };
    let began = Instant::now();
    let told = tokio::select! {
        told = way.add("a") => told,
        () = vandal => Ok(()),
    };
    assert_eq!(told.unwrap_err().kind(), ErrorKind::Lost);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

/// A registry that takes writes and keeps none of them.
#[tokio::test(start_paused = true)]
async fn a_registry_that_forgets_is_an_error_soon() {
    let registry = Simulated::new(3_600_000..3_600_001);
    let began = Instant::now();
    let told = Way { registry: &registry, delay: 0..5 }.add("a").await;
    let error = told.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("the registry accepted the tag and does not have it"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// Another one at every look.
#[tokio::test(start_paused = true)]
async fn a_tag_that_always_changes_is_an_error() {
    let registry = Simulated::new(0..0);
    let busy = async {
        for number in 0.. {
            sleep(Duration::from_millis(3)).await;
            registry.put(Bytes::from(format!("other {number}")));
        }
    };
    let way = Way { registry: &registry, delay: 5..6 };
    let told = tokio::select! {
        told = way.add("a") => told,
        () = busy => Ok(()),
    };
    let error = told.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(error.to_string().contains("the tag was not changed in"), "{error}");
    assert!(!registry.history.borrow().is_empty());
    assert!(registry.history.borrow().iter().flat_map(|(_, bytes)| bytes).all(|bytes| bytes.starts_with(b"other")));
}

//! The progress of an execution, and the time left.

use std::collections::BTreeMap;

use super::Event;
use crate::spec::RunKey;

/// The progress of an execution, computed from its events.
///
/// The rate is the cost that one worker computes in a second, averaged over
/// the finished runs. The time left is accurate if costs are proportional to time. An
/// [expected](Progress::with_expected_time) time counts like finished runs with a tenth of its
/// cost.
///
/// ```
/// # use regime_lab::{Event, Progress, RunKey};
/// # let key: RunKey = "00".repeat(32).parse().unwrap();
/// let mut progress = Progress::new(2);
/// progress.observe(&Event::Planned { total: 5, reused: 1, cost: 40.0 });
/// progress.observe(&Event::Started { key, index: 0, cost: 10.0, batch: 1, at_s: 0.0 });
/// progress.observe(&Event::Finished { key, wall_s: 5.0, at_s: 5.0 });
/// assert_eq!(progress.fraction(), 0.25);
/// // A cost of 30 at 2 a second, for each of two workers.
/// assert_eq!(progress.time_left_s(5.0), Some(7.5));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    workers: usize,
    total: usize,
    reused: usize,
    computed: usize,
    failed: usize,
    /// Cost of all runs to compute.
    planned_cost: f64,
    /// Cost of the runs that have ended in any way.
    settled_cost: f64,
    /// The runs in flight.
    running: BTreeMap<RunKey, Running>,
    /// Cost and wall seconds of the finished runs.
    finished: (f64, f64),
    /// Cost of some work, and the wall seconds that it is expected to take.
    expected: Option<(f64, f64)>,
}

/// A run in flight.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Running {
    cost: f64,
    /// When it was started, in seconds.
    start_s: f64,
    /// Runs in its batch, which share the time since then.
    batch: usize,
}

impl Progress {
    /// The progress before the first event; `jobs` as in [`Options`](crate::Options).
    pub fn new(jobs: usize) -> Progress {
        Progress {
            workers: jobs.max(1),
            total: 0,
            reused: 0,
            computed: 0,
            failed: 0,
            planned_cost: 0.0,
            settled_cost: 0.0,
            running: BTreeMap::new(),
            finished: (0.0, 0.0),
            expected: None,
        }
    }

    /// The same with an estimate: work of this cost is expected to take this time, in wall seconds of all
    /// workers.
    #[must_use]
    pub fn with_expected_time(self, expected: Option<(f64, f64)>) -> Progress {
        Progress { expected: expected.filter(|(cost, s)| *cost > 0.0 && *s > 0.0), ..self }
    }

    /// Updates the progress with an event. Call it for every event, in order.
    pub fn observe(&mut self, event: &Event) {
        match event {
            Event::Planned { total, reused, cost } => {
                (self.total, self.reused, self.planned_cost) = (*total, *reused, *cost);
            }
            Event::Started { key, cost, batch, at_s, .. } => {
                self.running.insert(*key, Running { cost: *cost, start_s: *at_s, batch: *batch });
            }
            Event::FoundInStore { cost, .. } => {
                self.reused += 1;
                self.settled_cost += cost;
            }
            Event::Finished { key, wall_s, .. } => {
                self.computed += 1;
                let cost = self.settle(key);
                self.finished.0 += cost;
                self.finished.1 += wall_s;
            }
            Event::Failed { key, .. } => {
                self.failed += 1;
                self.settle(key);
            }
            Event::Damaged { .. } | Event::Held { .. } => {}
        }
    }

    /// Number of distinct runs requested.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Number of runs that have ended: reused, computed or failed.
    pub fn settled(&self) -> usize {
        self.reused + self.computed + self.failed
    }

    /// Number of runs that failed.
    pub fn failed(&self) -> usize {
        self.failed
    }

    /// Number of runs in flight.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// The finished fraction of the work of this call, from 0 to 1: by cost, or by
    /// number of runs if all costs are 0. It is 1 when there is nothing to compute, and
    /// before [`Event::Planned`].
    pub fn fraction(&self) -> f64 {
        if self.settled() >= self.total {
            1.0
        } else if self.planned_cost > 0.0 {
            (self.settled_cost / self.planned_cost).clamp(0.0, 1.0)
        } else {
            self.settled() as f64 / self.total as f64
        }
    }

    /// Cost per second of one worker. Without an expected time, it is `None` until a run
    /// of positive cost and duration has finished.
    pub fn rate(&self) -> Option<f64> {
        // The weight of the estimate, as a fraction of the planned cost.
        const WEIGHT: f64 = 0.1;
        let (mut cost, mut wall_s) = self.finished;
        if let Some((expected_cost, expected_s)) = self.expected {
            cost += WEIGHT * expected_cost;
            wall_s += WEIGHT * expected_s * self.workers as f64;
        }
        (cost > 0.0 && wall_s > 0.0).then(|| cost / wall_s)
    }

    /// The estimated wall seconds left at `now_s` (in seconds since the call, as in
    /// events): the remaining work divided by the number of workers, but at least the
    /// time that the longest run or batch in flight needs. It is 0 when nothing is left,
    /// and `None` while [`rate`](Progress::rate) is `None`.
    pub fn time_left_s(&self, now_s: f64) -> Option<f64> {
        if self.settled() >= self.total {
            return Some(0.0);
        }
        let rate = self.rate()?;
        let running_cost: f64 = self.running.values().map(|run| run.cost).sum();
        let waiting_cost = (self.planned_cost - self.settled_cost - running_cost).max(0.0);
        let (mut sum, mut longest) = (0.0, 0.0_f64);
        for run in self.running.values() {
            let batch = run.batch as f64;
            let left = (run.cost / rate - (now_s - run.start_s) / batch).max(0.0);
            sum += left;
            longest = longest.max(left * batch);
        }
        Some(longest.max((sum + waiting_cost / rate) / self.workers as f64))
    }

    /// Removes a run from those in flight, and returns its cost.
    fn settle(&mut self, key: &RunKey) -> f64 {
        let cost = self.running.remove(key).map_or(0.0, |run| run.cost);
        self.settled_cost += cost;
        cost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(digit: char) -> RunKey {
        digit.to_string().repeat(64).parse().unwrap()
    }

    fn started(digit: char, cost: f64, at_s: f64) -> Event {
        Event::Started { key: key(digit), index: 0, cost, batch: 1, at_s }
    }

    fn finished(digit: char, wall_s: f64, at_s: f64) -> Event {
        Event::Finished { key: key(digit), wall_s, at_s }
    }

    fn after(jobs: usize, events: &[Event]) -> Progress {
        let mut progress = Progress::new(jobs);
        events.iter().for_each(|event| progress.observe(event));
        progress
    }

    #[test]
    fn there_is_no_estimate_before_a_run_has_finished() {
        let progress =
            after(2, &[Event::Planned { total: 3, reused: 1, cost: 8.0 }, started('a', 4.0, 0.0)]);
        assert_eq!(progress.time_left_s(100.0), None);
        assert_eq!((progress.settled(), progress.total(), progress.running()), (1, 3, 1));
        assert_eq!(progress.fraction(), 0.0);
    }

    #[test]
    fn an_expected_time_is_the_time_left_until_runs_are_measured() {
        let planned = Event::Planned { total: 3, reused: 1, cost: 8.0 };
        let mut progress = Progress::new(2).with_expected_time(Some((8.0, 100.0)));
        progress.observe(&planned);
        assert_eq!(progress.time_left_s(0.0), Some(100.0));
        // 4 of 8 units took 10 s on one worker, where 100 s were expected.
        progress.observe(&started('a', 4.0, 0.0));
        progress.observe(&finished('a', 10.0, 10.0));
        let rate = (4.0 + 0.8) / (10.0 + 20.0);
        assert_eq!(progress.time_left_s(10.0), Some(4.0 / rate / 2.0));
    }

    #[test]
    fn nothing_to_compute_is_done() {
        let progress = after(2, &[Event::Planned { total: 3, reused: 3, cost: 0.0 }]);
        assert_eq!((progress.fraction(), progress.time_left_s(0.0)), (1.0, Some(0.0)));
    }

    #[test]
    fn time_in_flight_counts() {
        // Cost 4 took 8 s: half a unit per second.
        let events = [
            Event::Planned { total: 3, reused: 0, cost: 9.0 },
            started('a', 4.0, 0.0),
            started('b', 3.0, 0.0),
            finished('a', 8.0, 8.0),
            started('c', 2.0, 8.0),
        ];
        let progress = after(2, &events);
        assert_eq!(progress.rate(), Some(0.5));
        // b should have ended at 6 s and is assumed to end at any moment; c needs 4 s.
        assert_eq!(progress.time_left_s(8.0), Some(4.0));
        assert_eq!(progress.time_left_s(11.0), Some(1.0));
        assert_eq!(progress.time_left_s(50.0), Some(0.0));
    }

    #[test]
    fn waiting_work_is_shared() {
        let events = [
            Event::Planned { total: 4, reused: 0, cost: 4.0 },
            started('a', 1.0, 0.0),
            finished('a', 2.0, 2.0),
        ];
        assert_eq!(after(1, &events).time_left_s(2.0), Some(6.0));
        assert_eq!(after(3, &events).time_left_s(2.0), Some(2.0));
    }

    #[test]
    fn the_runs_of_a_batch_share_its_time() {
        let in_batch = |digit| match started(digit, 1.0, 2.0) {
            Event::Started { key, index, cost, at_s, .. } => {
                Event::Started { key, index, cost, batch: 3, at_s }
            }
            other => other,
        };
        let events = [
            Event::Planned { total: 6, reused: 0, cost: 6.0 },
            started('a', 1.0, 0.0),
            finished('a', 2.0, 2.0),
            in_batch('b'),
            in_batch('c'),
            in_batch('d'),
        ];
        // The batch takes 6 s, the two waiting runs 4 s.
        assert_eq!(after(1, &events).time_left_s(2.0), Some(10.0));
        assert_eq!(after(1, &events).time_left_s(5.0), Some(7.0));
        // One worker computes the batch, whatever the number of other workers.
        assert_eq!(after(9, &events).time_left_s(5.0), Some(3.0));
    }

    #[test]
    fn failures_count_as_settled_but_not_in_the_rate() {
        let mut progress =
            after(1, &[Event::Planned { total: 2, reused: 0, cost: 4.0 }, started('a', 1.0, 0.0)]);
        progress.observe(&Event::Failed { key: key('a'), reason: "x".into(), at_s: 0.1 });
        assert_eq!((progress.failed(), progress.fraction(), progress.rate()), (1, 0.25, None));
        progress.observe(&Event::FoundInStore { key: key('b'), cost: 3.0 });
        assert_eq!((progress.fraction(), progress.time_left_s(1.0)), (1.0, Some(0.0)));
    }

    #[test]
    fn costs_of_zero_are_counted_by_number() {
        let events = [
            Event::Planned { total: 2, reused: 0, cost: 0.0 },
            started('a', 0.0, 0.0),
            finished('a', 1.0, 1.0),
        ];
        let progress = after(1, &events);
        assert_eq!((progress.fraction(), progress.time_left_s(1.0)), (0.5, None));
    }
}

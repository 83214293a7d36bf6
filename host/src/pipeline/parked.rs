//! Plans that can't be made true yet: each waits in its own partition, and what
//! comes after it in the same partition waits behind it.

use super::lane::LaneState;
use super::plan::Plan;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// How much a worker's waiting plans may hold. Beyond, the worker takes no more
/// plans until one of them is done, so its other partitions wait as well. A
/// partition has few plans in hand (`front::IN_HAND`), so it takes many of them.
const BYTES: usize = 64 << 20;

/// A worker's waiting plans.
#[derive(Default)]
pub(super) struct Parked {
    /// Each partition's, in order; none is empty.
    lanes: Vec<VecDeque<Box<Plan>>>,
    bytes: usize,
}

impl Parked {
    /// Adds a plan behind its partition's.
    pub fn push(&mut self, plan: Box<Plan>) {
        self.bytes += plan.size();
        match self.of(&plan.lane) {
            Some(lane) => lane.push_back(plan),
            None => self.lanes.push(VecDeque::from([plan])),
        }
    }

    /// Adds a plan before its partition's.
    pub fn push_first(&mut self, plan: Box<Plan>) {
        self.bytes += plan.size();
        match self.of(&plan.lane) {
            Some(lane) => lane.push_front(plan),
            None => self.lanes.push(VecDeque::from([plan])),
        }
    }

    fn of(&mut self, lane: &Arc<LaneState>) -> Option<&mut VecDeque<Box<Plan>>> {
        let mut lanes = self.lanes.iter_mut();
        lanes.find(|plans| {
            plans
                .front()
                .is_some_and(|plan| Arc::ptr_eq(&plan.lane, lane))
        })
    }

    /// Whether plans of this partition wait.
    pub fn holds(&mut self, lane: &Arc<LaneState>) -> bool {
        self.of(lane).is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    pub fn has_room(&self) -> bool {
        self.bytes < BYTES
    }

    /// Takes those out that wait no longer, each partition's in order.
    pub fn release(&mut self, mut is_ready: impl FnMut(&mut Plan) -> bool) -> VecDeque<Box<Plan>> {
        let mut released = VecDeque::new();
        for lane in &mut self.lanes {
            while lane.front_mut().is_some_and(|plan| is_ready(plan)) {
                released.extend(lane.pop_front());
            }
        }
        self.lanes.retain(|lane| !lane.is_empty());
        let size: usize = released.iter().map(|plan| plan.size()).sum();
        self.bytes -= size;
        released
    }

    /// When to look at them again, though nothing has come.
    pub fn next_look(&self) -> Option<Instant> {
        let first = self.lanes.iter().filter_map(VecDeque::front);
        first.filter_map(|plan| plan.letters.next_look()).min()
    }
}

//! The search, with a closure as the plugin.

use super::*;
use crate::record::Class;
use std::cell::Cell;

/// A plugin that spends CPU time and breaks on units as configured.
struct Told<'a> {
    /// The CPU time of each unit.
    cost: &'a dyn Fn(usize) -> Duration,
    /// Whether it breaks on this unit, after so many in this instance.
    breaks: &'a dyn Fn(usize, usize) -> bool,
    /// How many units may be held.
    room: usize,
    served: usize,
    calls: Vec<Range<usize>>,
    kept: Vec<usize>,
    blamed: Vec<usize>,
}

const PER_UNIT: Duration = Duration::from_millis(1);
const PER_CALL: Duration = Duration::from_millis(4);

fn told<'a>(
    cost: &'a dyn Fn(usize) -> Duration,
    breaks: &'a dyn Fn(usize, usize) -> bool,
) -> Told<'a> {
    Told {
        cost,
        breaks,
        room: usize::MAX,
        served: 0,
        calls: Vec::new(),
        kept: Vec::new(),
        blamed: Vec::new(),
    }
}

fn spend(cpu: Duration) {
    let until = thread_cpu_time() + cpu;
    while thread_cpu_time() < until {
        std::hint::black_box(());
    }
}

impl Told<'_> {
    fn broken(&mut self, before: usize) -> Broken {
        let by = if before == 0 { By::Fresh } else { By::Used };
        self.served = 0;
        let error = CallError {
            class: Class::Trap,
            message: String::new(),
            culprit: None,
        };
        Broken { error, by }
    }
}

impl Calls for Told<'_> {
    fn budget(&self, units: &Range<usize>) -> Duration {
        PER_CALL + PER_UNIT * units.len() as u32
    }

    fn call(&mut self, units: Range<usize>, cpu: Duration) -> Result<usize, Broken> {
        self.calls.push(units.clone());
        let (before, mut left) = (self.served, cpu);
        for unit in units.clone() {
            let cost = (self.cost)(unit);
            spend(cost.min(left));
            if cost > left || (self.breaks)(unit, self.served) {
                return Err(self.broken(before));
            }
            left -= cost;
            self.served += 1;
        }
        let fit = units.end.min(self.room);
        self.kept.extend(units.start..fit);
        Ok(fit)
    }

    fn is_full(&self) -> bool {
        false
    }

    fn blame(&mut self, unit: usize, _error: CallError) {
        self.blamed.push(unit);
    }
}

/// Runs turns until all is decided, and returns their number.
fn turns(told: &mut Told, units: usize) -> usize {
    let (mut from, mut turns, mut pace) = (0, 0, usize::MAX);
    while from < units {
        let turn = Turn {
            pace,
            ..Turn::default()
        };
        let (end, ended) = search(told, from..units, &turn);
        assert!(end > from, "a turn decides something: {ended:?}");
        assert!(end == units || matches!(ended, End::Spent), "{ended:?}");
        (from, turns, pace) = (end, turns + 1, 1);
    }
    turns
}

const FREE: &dyn Fn(usize) -> Duration = &|_| Duration::ZERO;

#[test]
fn a_quiet_trap_is_found_with_two_calls_per_halving() {
    let breaks = |unit, _| unit == 300;
    let mut told = told(FREE, &breaks);
    assert_eq!(turns(&mut told, 512), 1);
    assert_eq!(told.blamed, [300]);
    assert_eq!(told.kept.len(), 511);
    assert!(told.kept.is_sorted());
    assert!(told.calls.len() <= 20, "{} calls", told.calls.len());
}

#[test]
fn a_loop_on_every_unit_takes_bounded_turns_and_each_decides_one() {
    let forever = |_| Duration::MAX;
    let mut told = told(&forever, &|_, _| false);
    let began = thread_cpu_time();
    let (end, ended) = search(&mut told, 0..40, &Turn::default());
    assert!(matches!(ended, End::Spent), "{ended:?}");
    assert_eq!((end, &*told.blamed), (1, &[0][..]));
    let spent = thread_cpu_time() - began;
    // The call, the budget of its halves, and one call of one unit.
    let most = (PER_CALL + PER_UNIT * 40) * 2 + PER_CALL + PER_UNIT;
    assert!(spent < most * 2, "{spent:?} of {most:?}");

    let all = turns(&mut told, 40);
    assert!(all < 20, "{all} turns");
    assert_eq!(told.blamed[1..], Vec::from_iter(0..40));
}

#[test]
fn units_that_are_slow_and_healthy_are_never_blamed() {
    // Each alone takes nearly the budget of a call of one unit.
    let slow = |_| Duration::from_millis(3);
    let mut told = told(&slow, &|_, _| false);
    turns(&mut told, 40);
    assert!(told.blamed.is_empty());
    assert_eq!(told.kept, Vec::from_iter(0..40));
}

#[test]
fn a_unit_is_not_blamed_for_earlier_calls_of_its_instance() {
    // It leaks: an instance fails after ten units.
    let leaks = |_, served| served >= 10;
    let mut told = told(FREE, &leaks);
    turns(&mut told, 100);
    assert!(told.blamed.is_empty());
    assert_eq!(told.kept, Vec::from_iter(0..100));
}

#[test]
fn an_unwanted_turn_ends_between_two_calls() {
    let mut told = told(FREE, &|_, _| true);
    let left = Cell::new(3);
    let wanted = || left.replace(left.get() - 1) > 0;
    let turn = Turn {
        wanted: &wanted,
        ..Turn::default()
    };
    let (_, ended) = search(&mut told, 0..100, &turn);
    assert!(matches!(ended, End::Dropped), "{ended:?}");
    assert_eq!(told.calls.len(), 4);
}

#[test]
fn a_unit_that_exceeds_the_room_ends_the_turn_before_it() {
    let mut told = told(FREE, &|_, _| false);
    told.room = 30;
    let (end, ended) = search(&mut told, 0..100, &Turn::default());
    assert!(matches!(ended, End::Full), "{ended:?}");
    assert_eq!((end, told.kept.len(), told.calls.len()), (30, 30, 1));
}

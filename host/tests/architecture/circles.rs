//! Circles in a graph: its strongly connected parts of two nodes and more, by
//! Tarjan's algorithm.

use std::collections::BTreeMap;

struct Search<'a, T> {
    edges: &'a BTreeMap<T, Vec<T>>,
    /// In which order nodes were come upon, and the first node that each leads
    /// back to.
    order: BTreeMap<T, (usize, usize)>,
    open: Vec<T>,
    found: Vec<Vec<T>>,
}

/// The circles, each with its nodes in order.
pub fn find<T: Ord + Copy>(edges: &BTreeMap<T, Vec<T>>) -> Vec<Vec<T>> {
    let mut search = Search {
        edges,
        order: BTreeMap::new(),
        open: Vec::new(),
        found: Vec::new(),
    };
    for node in edges.keys() {
        if !search.order.contains_key(node) {
            search.visit(*node);
        }
    }
    search.found
}

impl<T: Ord + Copy> Search<'_, T> {
    /// The first node that this one leads back to.
    fn visit(&mut self, node: T) -> usize {
        let own = self.order.len();
        let mut low = own;
        self.order.insert(node, (own, own));
        self.open.push(node);
        for next in self.edges.get(&node).into_iter().flatten() {
            let reached = match self.order.get(next) {
                None => self.visit(*next),
                Some((order, _)) if self.open.contains(next) => *order,
                Some(_) => continue,
            };
            low = low.min(reached);
        }
        self.order.insert(node, (own, low));
        if low == own {
            let start = self.open.iter().position(|open| *open == node);
            let mut circle = self.open.split_off(start.unwrap_or_default());
            if circle.len() > 1 {
                circle.sort();
                self.found.push(circle);
            }
        }
        low
    }
}

#[test]
fn a_circle_is_found_and_a_chain_is_none() {
    let edges = |list: &[(u8, &[u8])]| -> BTreeMap<u8, Vec<u8>> {
        list.iter().map(|(from, to)| (*from, to.to_vec())).collect()
    };
    let chain = edges(&[(1, &[2, 3]), (2, &[3]), (3, &[])]);
    assert!(find(&chain).is_empty());
    let circles = edges(&[(1, &[2]), (2, &[3]), (3, &[1, 4]), (4, &[5]), (5, &[4])]);
    assert_eq!(find(&circles), [vec![4, 5], vec![1, 2, 3]]);
}

//! What a thread has worked out already.
//!
//! Nearly all visitors are in one of a few states of consent, and much that follows from a state is the same
//! for all who are in it. So each thread works it out once, and finds it again.
//!
//! It follows from the rules as well: with other rules it begins empty.

use std::cell::RefCell;

use crate::rules::RuleSet;

/// For how many states something is kept. Who makes up states makes it begin empty, and no more.
const STATES_MAX: usize = 32;

/// What was worked out for states `K`.
#[derive(Debug)]
pub struct Known<K, V>(RefCell<Kept<K, V>>);

#[derive(Debug)]
struct Kept<K, V> {
    /// Of which rules.
    generation: [u8; 8],
    found: Vec<(K, V)>,
}

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Known(RefCell::new(Kept { generation: [0; 8], found: Vec::new() }))
    }
}

impl<K, V: Clone> Known<K, V> {
    /// What is known by these rules of the state that `is` tells; else it is worked out.
    pub fn of(
        &self,
        rules: &RuleSet,
        is: impl Fn(&K) -> bool,
        work_out: impl FnOnce() -> (K, V),
    ) -> V {
        let kept = &mut *self.0.borrow_mut();
        if kept.generation != rules.generation {
            *kept = Kept { generation: rules.generation, found: Vec::new() };
        }
        if let Some((_, value)) = kept.found.iter().find(|(state, _)| is(state)) {
            return value.clone();
        }
        if kept.found.len() == STATES_MAX {
            kept.found.clear();
        }
        let (state, value) = work_out();
        kept.found.push((state, value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::rule_files;

    #[test]
    fn it_is_worked_out_once_by_the_same_rules() {
        let mut files = rule_files();
        let rules = crate::rules::load("rules", &files).unwrap();
        let (known, asked) = (Known::default(), RefCell::new(0));
        let of = |rules: &RuleSet, state: usize| {
            let work_out = || {
                *asked.borrow_mut() += 1;
                (state, 2 * state)
            };
            assert_eq!(known.of(rules, |other| *other == state, work_out), 2 * state);
            *asked.borrow()
        };
        assert_eq!([of(&rules, 1), of(&rules, 1), of(&rules, 2), of(&rules, 1)], [1, 1, 2, 2]);
        let site = files.iter_mut().find(|(name, _)| name == "site.toml").unwrap();
        site.1.push_str("\n# edited\n");
        let others = crate::rules::load("rules", &files).unwrap();
        assert_eq!([of(&others, 1), of(&others, 1), of(&rules, 1)], [3, 3, 4]);
        for state in 1..=STATES_MAX {
            of(&rules, state);
        }
        let all = *asked.borrow();
        assert_eq!([of(&rules, STATES_MAX), of(&rules, STATES_MAX + 1)], [all, all + 1]);
    }
}

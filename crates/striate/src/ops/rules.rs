//! The rules of the scopes on a thread: how gradients pass what is put into a graph.

use std::cell::Cell;

pub use crate::kernels::ReluRule;

/// How a gradient passes a max pooling.
///
/// The All-CNN paper (arXiv 1412.6806), section 4, compares deconvnets that know where the maxima were
/// with deconvnets that do not; it does not say what takes the switches' place, so the second rule is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PoolRule {
    /// To the maximum: the derivative.
    #[default]
    Switches,
    /// In equal shares to all cells of the window that lie inside the map: what average pooling does.
    Uniform,
}

/// The rules that hold on a thread.
#[derive(Clone, Copy)]
struct Rules {
    relus: ReluRule,
    pools: PoolRule,
}

const DEFAULT: Rules = Rules {
    relus: ReluRule::Backprop,
    pools: PoolRule::Switches,
};

thread_local! {
    static CURRENT: Cell<Rules> = const { Cell::new(DEFAULT) };
}

impl Rules {
    /// Puts these rules in force until the result is dropped.
    fn enter(self) -> Outer {
        Outer(CURRENT.replace(self))
    }
}

/// The rules that come back when it is dropped.
#[must_use = "the rules come back when it is dropped"]
pub struct Outer(Rules);

impl Drop for Outer {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Puts the default rules in force until the result is dropped: for as long as a kernel runs.
///
/// While the thread waits for the others' parts of the kernel it may run a job that has nothing to do with the scope.
pub fn set_aside() -> Outer {
    DEFAULT.enter()
}

impl ReluRule {
    /// Runs `f` with this rule for every ReLU that `f` puts into a graph on this thread, fused ones included.
    ///
    /// The rule is fixed in the forward pass; the backward pass may run outside the scope.
    /// Scopes nest, and a panic in `f` restores the outer rule.
    ///
    /// A thread of a Rayon pool that waits in a parallel loop may run a job of another caller meanwhile.
    /// In the loops of this project's ops such a job runs under the default rule;
    /// in other loops that `f` runs, those of Candle's matrix products included, it runs under this rule.
    pub fn scope<T>(self, f: impl FnOnce() -> T) -> T {
        let rules = Rules {
            relus: self,
            ..CURRENT.get()
        };
        let _outer = rules.enter();
        f()
    }

    /// The rule of the innermost scope on this thread.
    pub fn current() -> Self {
        CURRENT.get().relus
    }
}

impl PoolRule {
    /// Runs `f` with this rule for every max pooling that `f` puts into a graph on this thread.
    ///
    /// The rule is fixed in the forward pass; the backward pass may run outside the scope.
    /// Jobs of other callers are told apart as by [`ReluRule::scope`].
    ///
    /// ```
    /// use striate::candle_core::{Device, Result, Tensor, Var};
    /// use striate::{PoolRule, Window2d, max_pool2d};
    /// fn main() -> Result<()> {
    ///     let xs = Var::new(&[[[[1f32, 2.0], [3.0, 4.0]]]], &Device::Cpu)?;
    ///     let ys = PoolRule::Uniform.scope(|| max_pool2d(&xs, &Window2d::square(2)))?;
    ///     let gradients = ys.backward()?;
    ///     let dx = gradients.get(&xs).map(|dx| dx.flatten_all()?.to_vec1::<f32>()).transpose()?;
    ///     assert_eq!(dx, Some(vec![0.25; 4]));
    ///     Ok(())
    /// }
    /// ```
    pub fn scope<T>(self, f: impl FnOnce() -> T) -> T {
        let rules = Rules {
            pools: self,
            ..CURRENT.get()
        };
        let _outer = rules.enter();
        f()
    }

    /// The rule of the innermost scope on this thread.
    pub fn current() -> Self {
        CURRENT.get().pools
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use candle_core::{DType, Result};

    use super::*;
    use crate::ops::cpu::for_float;

    fn current() -> (ReluRule, PoolRule) {
        (ReluRule::current(), PoolRule::current())
    }

    #[test]
    fn scopes_nest_and_end() {
        let default = (ReluRule::Backprop, PoolRule::Switches);
        assert_eq!(current(), default);
        ReluRule::Guided.scope(|| {
            PoolRule::Uniform.scope(|| {
                assert_eq!(current(), (ReluRule::Guided, PoolRule::Uniform));
                let outer = set_aside();
                assert_eq!(current(), default);
                ReluRule::Deconvnet.scope(|| assert_eq!(current().0, ReluRule::Deconvnet));
                assert_eq!(current(), default);
                drop(outer);
                assert_eq!(current(), (ReluRule::Guided, PoolRule::Uniform));
            });
            assert_eq!(current(), (ReluRule::Guided, PoolRule::Switches));
        });
        assert_eq!(current(), default);
    }

    /// One thread of two waits for the other in an op, and runs the job of another caller meanwhile.
    #[test]
    fn jobs_of_others_run_under_the_default_rules() -> Result<()> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
        let pool = pool.map_err(candle_core::Error::wrap)?;
        let ((take, taken), (report, reported)) = (channel(), channel());
        // The other thread takes this part, and holds it until the job has run.
        let second = move || {
            take.send(()).expect("the first part waits");
            reported.recv()
        };
        let first = move || {
            taken.recv().expect("the second part runs");
            rayon::spawn(move || report.send(current()).expect("the second part waits"));
        };
        let op = || {
            for_float!("op", DType::F32, F => {
                let (_, job) = rayon::join(first, second);
                Ok((job, size_of::<F>()))
            })
        };
        let run = || PoolRule::Uniform.scope(|| op().map(|(job, _)| (job, current())));
        let (job, after) = pool.install(|| ReluRule::Guided.scope(run))?;
        assert_eq!(job, Ok((ReluRule::Backprop, PoolRule::Switches)));
        assert_eq!(after, (ReluRule::Guided, PoolRule::Uniform));
        Ok(())
    }
}

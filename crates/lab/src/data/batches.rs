//! Batches of a set, prepared on another thread while the model works.

mod prepare;
mod wait;

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use candle_core::{Device, Tensor};

use super::streamed::Moment;
use super::{Augment, DataError, FloatSet, Mix};
use prepare::{Plan, Prepared, argument, indexable, shuffled};

/// Batches that wait ready while the model works.
const AHEAD: usize = 2;

/// Images and labels on their way into a network.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Images, (N, C, H, W), `f32`.
    pub xs: Tensor,
    /// Classes, (N), `u32`; [`UNLABELLED`](super::UNLABELLED) where the set has none.
    pub labels: Tensor,
}

/// An iterator over the batches of one epoch.
///
/// A thread prepares the next batches while the model works on the current one, from the first call of `next` on.
/// A thread of rayon's that waits for a batch does rayon's work meanwhile, so one thread is enough.
/// Pictures on disk are read and decoded by as many threads as rayon has.
/// The last batch holds what is left and may be smaller. Dropping the iterator early is fine.
///
/// ```
/// use candle_core::Device;
/// use lab::data::{Batches, FloatSet};
///
/// let set = FloatSet::new((1, 2, 2), vec![0.0; 20], vec![0; 5], 2)?;
/// let sizes: Vec<usize> = Batches::eval(&set, 2, &Device::Cpu)?
///     .map(|batch| batch.map(|batch| batch.labels.elem_count()))
///     .collect::<Result<_, _>>()?;
/// assert_eq!(sizes, [2, 2, 1]);
/// # Ok::<(), lab::data::DataError>(())
/// ```
#[derive(Debug)]
pub struct Batches {
    /// What is to be prepared, until the thread begins.
    plan: Option<Plan>,
    prepared: Option<Receiver<Result<Prepared, DataError>>>,
    worker: Option<JoinHandle<()>>,
    remaining: usize,
    size: (usize, usize, usize),
    device: Device,
}

impl Batches {
    /// The batches of a training epoch, in an order and with changes to the images that are pure
    /// functions of (seed, epoch).
    ///
    /// # Errors
    /// When the set is empty, the batch size is 0 or the augmentation does not fit the images.
    pub fn train(
        set: &FloatSet,
        batch_size: usize,
        augment: &Augment,
        seed: u64,
        epoch: u64,
        device: &Device,
    ) -> Result<Self, DataError> {
        augment.check(set.height, set.width)?;
        Self::new(
            Plan {
                set: set.clone(),
                order: shuffled(set, seed, epoch)?,
                batch_size,
                moment: Moment::Training { seed, epoch },
                augment: *augment,
            },
            device,
        )
    }

    /// The batches of a training epoch, each with its labelled images first and its unlabelled ones after them.
    ///
    /// An epoch is a pass over the unlabelled images; the labelled ones are repeated as often as needed.
    /// Order and changes are pure functions of (seed, epoch), like those of [`Batches::train`].
    ///
    /// # Errors
    /// Those of [`Batches::train`] and of [`Mix::order`]; pictures in shards, which come a row group at a time.
    pub fn mixed(
        set: &FloatSet,
        mix: Mix,
        augment: &Augment,
        seed: u64,
        epoch: u64,
        device: &Device,
    ) -> Result<Self, DataError> {
        indexable(set)?;
        if set.streamed.as_ref().is_some_and(|s| !s.has_any_order()) {
            let expected = "images in memory or in files of their own, for batches of two kinds";
            return Err(argument("set", "pictures in shards", expected));
        }
        augment.check(set.height, set.width)?;
        Self::new(
            Plan {
                set: set.clone(),
                order: mix.order(&set.labels, seed, epoch)?,
                batch_size: mix.batch_size(),
                moment: Moment::Training { seed, epoch },
                augment: *augment,
            },
            device,
        )
    }

    /// The batches of an evaluation, in the order of the set and unchanged.
    /// Scenes are drawn as in epoch 0 of seed 0; of pictures on disk the middle is seen.
    ///
    /// # Errors
    /// When the set is empty or the batch size is 0.
    pub fn eval(set: &FloatSet, batch_size: usize, device: &Device) -> Result<Self, DataError> {
        Self::new(
            Plan {
                set: set.clone(),
                order: (0..indexable(set)?).collect(),
                batch_size,
                moment: Moment::Looking,
                augment: Augment::NONE,
            },
            device,
        )
    }

    fn new(plan: Plan, device: &Device) -> Result<Self, DataError> {
        if plan.batch_size == 0 {
            return Err(argument("batch_size", "0", "at least 1"));
        }
        Ok(Self {
            prepared: None,
            worker: None,
            remaining: plan.order.len().div_ceil(plan.batch_size),
            size: (plan.set.channels, plan.set.height, plan.set.width),
            device: device.clone(),
            plan: Some(plan),
        })
    }

    /// The same without its first `batches` batches, which are not prepared at all; after the first call of `next`
    /// it does nothing.
    ///
    /// ```
    /// use candle_core::Device;
    /// use lab::data::{Batches, FloatSet};
    /// let set = FloatSet::new((1, 1, 1), vec![0.1, 0.2, 0.3], vec![0, 1, 2], 3)?;
    /// let mut rest = Batches::eval(&set, 2, &Device::Cpu)?.after(1);
    /// let batch = rest.next().ok_or("no batch")??;
    /// assert_eq!(batch.labels.to_vec1::<u32>()?, [2]);
    /// assert!(rest.next().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn after(mut self, batches: usize) -> Self {
        if let Some(plan) = &mut self.plan {
            let images = batches
                .saturating_mul(plan.batch_size)
                .min(plan.order.len());
            plan.order.drain(..images);
            self.remaining = self.remaining.saturating_sub(batches);
        }
        self
    }

    /// Starts the thread that prepares.
    fn start(&mut self, plan: Plan) -> Result<(), DataError> {
        let (sender, prepared) = sync_channel(AHEAD);
        // Asked here: a thread of a pool of rayon's own counts that pool's.
        let workers = rayon::current_num_threads();
        let worker = Builder::new()
            .name("batches".to_owned())
            .spawn(move || {
                // An error means that the receiver is gone: nobody wants more batches.
                plan.prepare(workers, |batch| sender.send(batch).is_ok());
            })
            .map_err(|error| DataError::Numeric {
                op: "Batches",
                reason: format!("cannot start a thread: {error}"),
                cure: "close other programs or raise the limit on threads".to_owned(),
            })?;
        (self.prepared, self.worker) = (Some(prepared), Some(worker));
        Ok(())
    }

    fn to_device(&self, batch: Prepared) -> Result<Batch, DataError> {
        let (n, (c, h, w)) = (batch.labels.len(), self.size);
        Ok(Batch {
            xs: Tensor::from_vec(batch.images, (n, c, h, w), &self.device)?,
            labels: Tensor::from_vec(batch.labels, n, &self.device)?,
        })
    }

    /// Hangs up and waits for the thread; returns whether it ended by a panic.
    fn stop(&mut self) -> bool {
        self.remaining = 0;
        // The thread may wait for room in the channel; without a receiver its `send` fails.
        self.prepared = None;
        self.worker.take().is_some_and(wait::join)
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        if let Some(plan) = self.plan.take()
            && let Err(error) = self.start(plan)
        {
            self.remaining = 0;
            return Some(Err(error));
        }
        self.remaining -= 1;
        let received = self.prepared.as_ref().map(wait::receive);
        let item = match received {
            Some(Ok(Ok(batch))) => self.to_device(batch),
            Some(Ok(Err(error))) => Err(error),
            _ => Err(DataError::Numeric {
                op: "Batches",
                reason: match self.stop() {
                    true => "the thread that prepares batches panicked".to_owned(),
                    false => "the thread that prepares batches ended early".to_owned(),
                },
                cure: "this is a bug, please report it".to_owned(),
            }),
        };
        if item.is_err() || self.remaining == 0 {
            self.stop();
        }
        Some(item)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error ends the batches early.
        (self.remaining.min(1), Some(self.remaining))
    }
}

impl Batches {
    /// How many batches are still to come if none fails.
    pub fn remaining(&self) -> usize {
        self.remaining
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop();
    }
}

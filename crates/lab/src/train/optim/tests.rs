//! Tests of the optimizers: rules in plain loops, state, groups, refusals.

use candle_core::{DType, Device, Tensor, Var};
use rayon::ThreadPoolBuilder;

use super::*;
use striate::rng::stream;

fn values(name: &str, n: usize) -> Vec<f64> {
    let mut draws = stream(1, name, 0);
    (0..n).map(|_| draws.normal()).collect()
}

fn var(name: &str, n: usize, dtype: DType) -> Var {
    let tensor = Tensor::new(values(name, n), &Device::Cpu).unwrap();
    Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap()
}

/// Gradients that differ from step to step: those of sum((p - step)^2 * c).
fn grads(var: &Var, step: usize) -> GradStore {
    let c = Tensor::new(values("c", var.elem_count()), &Device::Cpu).unwrap();
    let c = c.to_dtype(var.dtype()).unwrap();
    let distance = (var.as_tensor() - step as f64 * 0.1).unwrap();
    let loss = (distance.sqr().unwrap() * c).unwrap().sum_all().unwrap();
    loss.backward().unwrap()
}

fn numbers(var: &Var) -> Vec<f64> {
    let tensor = var.as_tensor().to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Trains one tensor for 7 steps, the learning rate falling after 4.
fn trajectory(config: impl Into<OptimizerConfig>, dtype: DType, n: usize) -> Vec<f64> {
    let var = var("p", n, dtype);
    let params = vec![("p".to_owned(), var.clone())];
    let mut optimizer = config.into().build(params, &[]).unwrap();
    for step in 0..7 {
        let factor = if step < 4 { 1.0 } else { 0.1 };
        optimizer.step(&grads(&var, step), factor).unwrap();
    }
    numbers(&var)
}

/// The rules of PyTorch's documentation, in the plainest way.
fn reference(n: usize, update: impl Fn(usize, f64, f64, f64, &mut [f64; 2]) -> f64) -> Vec<f64> {
    let (mut p, c) = (values("p", n), values("c", n));
    let mut state = vec![[0.0; 2]; n];
    for step in 0..7 {
        let lr = if step < 4 { 1.0 } else { 0.1 };
        for ((p, c), state) in p.iter_mut().zip(&c).zip(&mut state) {
            let grad = 2.0 * (*p - step as f64 * 0.1) * c;
            *p = update(step, lr, *p, grad, state);
        }
    }
    p
}

fn assert_close(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    for (index, (a, b)) in found.iter().zip(wanted).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * (1.0 + b.abs()),
            "{index}: {a} {b}"
        );
    }
}

#[test]
fn sgd_matches_reference() {
    for (momentum, dampening, nesterov, weight_decay) in [
        (0.0, 0.0, false, 0.0),
        (0.0, 0.0, false, 0.1),
        (0.9, 0.0, false, 0.001),
        (0.9, 0.0, true, 0.01),
        (0.8, 0.3, false, 0.0),
    ] {
        let config = SgdConfig {
            lr: 0.05,
            momentum,
            dampening,
            nesterov,
            weight_decay,
        };
        let wanted = reference(23, |step, lr, p, grad, state| {
            let grad = grad + weight_decay * p;
            state[0] = match step {
                0 => grad,
                _ => momentum * state[0] + (1.0 - dampening) * grad,
            };
            let change = match (momentum > 0.0, nesterov) {
                (false, _) => grad,
                (true, false) => state[0],
                (true, true) => grad + momentum * state[0],
            };
            p - 0.05 * lr * change
        });
        assert_close(&trajectory(config, DType::F64, 23), &wanted, 1e-13);
        assert_close(&trajectory(config, DType::F32, 23), &wanted, 1e-5);
        // Composed of Candle's ops, as on other devices.
        assert_close(&trajectory(config, DType::BF16, 23), &wanted, 0.06);
    }
}

#[test]
fn adam_matches_reference() {
    for (decay, weight_decay) in [
        (AdamDecay::Gradient, 0.0),
        (AdamDecay::Gradient, 0.1),
        (AdamDecay::Decoupled, 0.1),
    ] {
        let config = AdamConfig {
            lr: 0.02,
            weight_decay,
            decay,
            ..Default::default()
        };
        let wanted = reference(23, |step, lr, p, grad, [m, v]| {
            let (lr, t) = (0.02 * lr, step as i32 + 1);
            let (p, grad) = match decay {
                AdamDecay::Gradient => (p, grad + weight_decay * p),
                AdamDecay::Decoupled => (p - lr * weight_decay * p, grad),
            };
            *m = 0.9 * *m + 0.1 * grad;
            *v = 0.999 * *v + 0.001 * grad * grad;
            let (m, v) = (*m / (1.0 - 0.9f64.powi(t)), *v / (1.0 - 0.999f64.powi(t)));
            p - lr * m / (v.sqrt() + 1e-8)
        });
        assert_close(&trajectory(config, DType::F64, 23), &wanted, 1e-10);
        assert_close(&trajectory(config, DType::F32, 23), &wanted, 1e-4);
        assert_close(&trajectory(config, DType::BF16, 23), &wanted, 0.06);
    }
}

fn kinds() -> [OptimizerConfig; 3] {
    let momentum = SgdConfig {
        lr: 0.05,
        momentum: 0.9,
        weight_decay: 0.001,
        ..Default::default()
    };
    let nesterov = SgdConfig {
        nesterov: true,
        ..momentum
    };
    [
        momentum.into(),
        nesterov.into(),
        AdamConfig::default().into(),
    ]
}

#[test]
fn threads_do_not_change_a_bit() {
    for config in kinds() {
        let on = |threads| {
            let pool = ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| trajectory(config, DType::F32, 3 * buffer::CHUNK + 17))
        };
        assert_eq!(on(1), on(2));
    }
}

#[test]
fn state_goes_on() {
    for config in kinds() {
        let straight = var("p", 9, DType::F32);
        let build = |var: &Var| {
            config
                .build(vec![("p".to_owned(), var.clone())], &[])
                .unwrap()
        };
        let mut first = build(&straight);
        (0..3).for_each(|step| first.step(&grads(&straight, step), 1.0).unwrap());

        let resumed = Var::from_tensor(&straight.as_tensor().copy().unwrap()).unwrap();
        let mut second = build(&resumed);
        second.load_state(&first.state().unwrap()).unwrap();
        for step in 3..6 {
            first.step(&grads(&straight, step), 1.0).unwrap();
            second.step(&grads(&resumed, step), 1.0).unwrap();
        }
        assert_eq!(numbers(&straight), numbers(&resumed));
        let (first, second) = (first.state().unwrap(), second.state().unwrap());
        assert_eq!(
            first.keys().collect::<Vec<_>>(),
            second.keys().collect::<Vec<_>>()
        );
        assert_eq!(first["steps/p"].to_vec1::<i64>().unwrap(), [6]);
    }
}

#[test]
fn a_velocity_that_nothing_feeds_falls_to_zero() {
    let sgd = SgdConfig {
        momentum: 0.5,
        ..Default::default()
    };
    let nesterov = SgdConfig {
        nesterov: true,
        ..sgd
    };
    let adam = AdamConfig {
        beta1: 0.5,
        beta2: 0.5,
        ..Default::default()
    };
    // What an optimizer keeps, each with the sign of its second number.
    let velocity = [("momentum_buffer/p", -1.0)];
    let moments = [("exp_avg/p", -1.0), ("exp_avg_sq/p", 1.0)];
    let cases: [(OptimizerConfig, &[(&str, f32)]); 3] = [
        (sgd.into(), &velocity),
        (nesterov.into(), &velocity),
        (adam.into(), &moments),
    ];
    let small = f32::MIN_POSITIVE;
    for (config, quantities) in cases {
        let p = Var::ones(3, DType::F32, &Device::Cpu).unwrap();
        let params = vec![("p".to_owned(), p.clone())];
        let mut optimizer = config.build(params, &[]).unwrap();
        let steps = Tensor::new(&[1i64], &Device::Cpu).unwrap();
        let mut state = BTreeMap::from([("steps/p".to_owned(), steps)]);
        for &(name, sign) in quantities {
            let start = [4.0 * small, sign * 4.0 * small, f32::NAN];
            let start = Tensor::new(&start, &Device::Cpu).unwrap();
            state.insert(name.to_owned(), start);
        }
        optimizer.load_state(&state).unwrap();
        let mut store = grads(&p, 0);
        store.insert(&p, Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap());
        for wanted in [2.0 * small, small, 0.0] {
            optimizer.step(&store, 1.0).unwrap();
            let state = optimizer.state().unwrap();
            for &(name, sign) in quantities {
                let found = state[name].to_vec1::<f32>().unwrap();
                assert_eq!(found[..2], [wanted, sign * wanted], "{name}");
                assert!(found[2].is_nan(), "{name}");
            }
        }
    }
}

#[test]
fn foreign_state_is_refused() {
    let params = || vec![("p".to_owned(), var("p", 4, DType::F32))];
    let config = SgdConfig {
        momentum: 0.9,
        ..Default::default()
    };
    let mut sgd = Sgd::new(params(), config, &[]).unwrap();
    let mut refused =
        |state: &BTreeMap<String, Tensor>| sgd.load_state(state).unwrap_err().to_string();

    let trained = params();
    let mut adam = Adam::new(trained.clone(), AdamConfig::default(), &[]).unwrap();
    adam.step(&grads(&trained[0].1, 0), 1.0).unwrap();
    let text = refused(&adam.state().unwrap());
    assert!(text.contains("momentum_buffer/p is missing"), "{text}");

    let one = |n: usize| Tensor::zeros(n, DType::F32, &Device::Cpu).unwrap();
    let steps = Tensor::new(&[1i64], &Device::Cpu).unwrap();
    let state = BTreeMap::from([
        ("steps/p".to_owned(), steps.clone()),
        ("momentum_buffer/p".to_owned(), one(5)),
    ]);
    let text = refused(&state);
    assert!(
        text.contains("momentum_buffer/p is F32 [5], the parameter wants F32 [4]"),
        "{text}"
    );
    let state = BTreeMap::from([("steps/q".to_owned(), steps)]);
    let text = refused(&state);
    assert!(text.contains("[steps/q] do not belong"), "{text}");
}

#[test]
fn groups_have_their_own_settings() {
    let names = ["free.weight", "frozen.weight", "fast.bias"];
    let params: Vec<(String, Var)> = names
        .iter()
        .map(|name| (name.to_string(), Var::new(&[1f32], &Device::Cpu).unwrap()))
        .collect();
    let groups = [
        ParamGroup::new("frozen.*").lr_factor(0.0),
        ParamGroup::new("*.bias").lr_factor(2.0).weight_decay(0.0),
    ];
    let config = SgdConfig {
        lr: 0.1,
        momentum: 0.5,
        weight_decay: 1.0,
        ..Default::default()
    };
    let mut sgd = Sgd::new(params.clone(), config, &groups).unwrap();
    let sum = params.iter().fold(
        Tensor::new(&[0f32], &Device::Cpu).unwrap(),
        |sum, (_, var)| (sum + var.as_tensor()).unwrap(),
    );
    sgd.step(&sum.sum_all().unwrap().backward().unwrap(), 1.0)
        .unwrap();
    let now: Vec<f32> = params
        .iter()
        .map(|(_, var)| var.to_vec1().unwrap()[0])
        .collect();
    assert_eq!(now, [1.0 - 0.1 * 2.0, 1.0, 1.0 - 0.2]);
    assert!(
        !sgd.state()
            .unwrap()
            .contains_key("momentum_buffer/frozen.weight")
    );
}

#[test]
fn a_wrong_gradient_is_refused() {
    let var = var("p", 4, DType::F32);
    let mut sgd = Sgd::new(
        vec![("p".to_owned(), var.clone())],
        SgdConfig::default(),
        &[],
    )
    .unwrap();
    let mut store = grads(&var, 0);
    store.insert(&var, Tensor::zeros(5, DType::F32, &Device::Cpu).unwrap());
    let text = sgd.step(&store, 1.0).unwrap_err().to_string();
    assert!(
        text.contains("a gradient has shape [5], its parameter [4]"),
        "{text}"
    );
    // A strided gradient is fine.
    let strided = Tensor::ones((4, 2), DType::F32, &Device::Cpu).unwrap();
    store.insert(&var, strided.narrow(1, 0, 1).unwrap().squeeze(1).unwrap());
    sgd.step(&store, 1.0).unwrap();
}

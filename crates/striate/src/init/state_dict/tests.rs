//! Tests of matching, with files of both kinds.

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor, Var, safetensors};

use super::file::prefix;
use super::*;
use crate::init::torch_file::tests::torch_file;

fn network() -> Result<Parameters> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let vb = parameters.builder();
    for (name, size) in [("conv", 2), ("a", 3)] {
        vb.pp(name).get(size, "weight")?;
        vb.pp(name).get(size, "bias")?;
    }
    Ok(parameters)
}

fn file(name: &str, tensors: &[(&str, f32, usize)]) -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("striate-{}-{name}", std::process::id()));
    let full = |&(name, value, n): &(&str, f32, usize)| {
        Ok((name.to_string(), Tensor::full(value, n, &Device::Cpu)?))
    };
    let map: Result<HashMap<String, Tensor>> = tensors.iter().map(full).collect();
    safetensors::save(&map?, &path)?;
    Ok(path)
}

#[test]
fn layers_are_matched_by_order_not_by_name() -> Result<()> {
    let parameters = network()?;
    let path = file(
        "order.safetensors",
        &[
            ("seq.10.weight", 3.0, 3),
            ("seq.10.bias", 4.0, 3),
            ("seq.9.weight", 1.0, 2),
            ("seq.9.bias", 2.0, 2),
        ],
    )?;
    let layers = ["conv".to_string(), "a".to_string()];
    let map = load(&parameters, &layers, &path, Match::Strict)?;
    std::fs::remove_file(path)?;
    assert_eq!((map.loaded.len(), map.missing.len()), (4, 0));
    let values: Vec<f32> = parameters
        .named()
        .iter()
        .map(|(_, var)| var.max_all()?.to_scalar::<f32>())
        .collect::<Result<_>>()?;
    // By name: a.bias, a.weight, conv.bias, conv.weight.
    assert_eq!(values, [4.0, 3.0, 2.0, 1.0]);
    Ok(())
}

#[test]
fn errors() -> Result<()> {
    let parameters = network()?;
    let before = parameters.named()[1].1.copy()?;
    let path = file(
        "errors.safetensors",
        &[("0.weight", 1.0, 5), ("1.weight", 9.0, 3)],
    )?;
    let layers = ["conv".to_string(), "a".to_string()];
    let message = match load(&parameters, &layers, &path, Match::Strict) {
        Ok(map) => panic!("accepted: {map:?}"),
        Err(error) => error.to_string(),
    };
    assert!(
        message.contains("0.weight (shape [5], conv.weight has [2])"),
        "{message}"
    );
    assert!(message.contains("a.bias"), "{message}");
    // Nothing was loaded.
    let after = parameters.named()[1].1.copy()?;
    assert_eq!(before.to_vec1::<f32>()?, after.to_vec1::<f32>()?);
    let map = load(&parameters, &layers[..1], &path, Match::Partial)?;
    std::fs::remove_file(path)?;
    assert_eq!(
        map.missing,
        ["conv.bias", "conv.weight", "a.bias", "a.weight"]
    );
    let none = load(&parameters, &layers, "weights.onnx", Match::Strict);
    assert!(none.is_err_and(|error| error.to_string().contains(".safetensors, .pt or .pth")));
    Ok(())
}

/// A network of three convolutions, two of them equal, and class maps.
fn port() -> Result<(Parameters, Vec<String>)> {
    port_of(2)
}

/// [`port`] for so many classes.
fn port_of(classes: usize) -> Result<(Parameters, Vec<String>)> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    let shapes = [[4, 3, 3, 3], [4, 4, 3, 3], [4, 4, 3, 3], [classes, 4, 1, 1]];
    let layers: Vec<String> = (1..=4).map(|i| format!("conv{i}")).collect();
    for (layer, shape) in layers.iter().zip(shapes) {
        let vb = parameters.builder().pp(layer);
        vb.get(&shape, "weight")?;
        vb.get(shape[0], "bias")?;
    }
    Ok((parameters, layers))
}

/// Tensors with these modules' names and the shapes of [`port`]'s layers; those of module i are full of i.
fn tensors(modules: [&str; 4]) -> Result<Vec<(String, Tensor)>> {
    let (parameters, layers) = port()?;
    let named: HashMap<String, Var> = parameters.named().into_iter().collect();
    let mut tensors = Vec::new();
    for (i, (module, layer)) in modules.iter().zip(&layers).enumerate() {
        for kind in ["weight", "bias"] {
            let shape = named[&format!("{layer}.{kind}")].shape();
            let tensor = Tensor::full(i as f32, shape, &Device::Cpu)?;
            tensors.push((format!("{module}.{kind}"), tensor));
        }
    }
    Ok(tensors)
}

fn safetensors_of(name: &str, modules: [&str; 4]) -> Result<PathBuf> {
    let path =
        std::env::temp_dir().join(format!("striate-{}-{name}.safetensors", std::process::id()));
    let map: HashMap<String, Tensor> = tensors(modules)?.into_iter().collect();
    safetensors::save(&map, &path)?;
    Ok(path)
}

fn pt_of(name: &str, modules: [&str; 4]) -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("striate-{}-{name}.pt", std::process::id()));
    std::fs::write(&path, torch_file(&tensors(modules)?))?;
    Ok(path)
}

/// Whether each layer of [`port`] got its tensors.
#[track_caller]
fn check(path: &PathBuf, modules: &Modules) -> Result<()> {
    let (parameters, layers) = port()?;
    let map = load_as(&parameters, &layers, path, Match::Strict, modules)?;
    assert_eq!(map.loaded.len(), 8);
    for (name, var) in parameters.named() {
        let layer = layers.iter().position(|layer| layer == prefix(&name));
        let value = var.flatten_all()?.to_vec1::<f32>()?[0];
        assert_eq!(Some(value as usize), layer, "{name}");
    }
    Ok(())
}

#[track_caller]
fn refusal(path: &PathBuf, modules: &Modules) -> Result<String> {
    let (parameters, layers) = port()?;
    let map = load_as(&parameters, &layers, path, Match::Strict, modules);
    Ok(map.expect_err("accepted").to_string())
}

/// The commonest port of All-CNN: the class maps' name sorts before the others'.
#[test]
fn a_name_that_sorts_first_may_come_last() -> Result<()> {
    let names = ["conv1", "conv2", "conv3", "class_conv"];
    for path in [safetensors_of("port", names)?, pt_of("port", names)?] {
        check(&path, &Modules::Automatic)?;
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// No order fits a head of other classes: nothing is guessed, and the order that the caller gives is kept.
#[test]
fn a_head_of_other_classes() -> Result<()> {
    let names = ["conv1", "conv2", "conv3", "class_conv"];
    let own = ["conv1", "conv2", "conv3", "conv4"];
    let first = |parameters: &Parameters| -> Result<Vec<f32>> {
        let of = |(_, var): &(String, Var)| var.flatten_all()?.get(0)?.to_scalar::<f32>();
        parameters.named().iter().map(of).collect()
    };
    let path = safetensors_of("classes", names)?;
    let (parameters, layers) = port_of(5)?;
    let before = first(&parameters)?;
    for strictness in [Match::Strict, Match::Partial] {
        let error = load(&parameters, &layers, &path, strictness).expect_err("a guess");
        let message = error.to_string();
        assert!(message.contains("no order of its modules"), "{message}");
        assert!(message.contains("Modules::ordered(["), "{message}");
    }
    assert_eq!(first(&parameters)?, before);

    for (path, modules) in [
        (path, Modules::ordered(names)),
        (pt_of("classes", names)?, Modules::Automatic),
        // Names that are those of the layers.
        (safetensors_of("classes-own", own)?, Modules::Automatic),
    ] {
        let (parameters, layers) = port_of(5)?;
        let map = load_as(&parameters, &layers, &path, Match::Partial, &modules)?;
        std::fs::remove_file(path)?;
        assert_eq!(map.loaded.len(), 6);
        assert_eq!(map.missing, ["conv4.bias", "conv4.weight"]);
        let values = first(&parameters)?;
        assert_eq!(values[..6], [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
    }
    Ok(())
}

/// Names that sort otherwise than the layers, and are theirs.
#[test]
fn layers_are_found_by_their_names_where_no_order_fits() -> Result<()> {
    let parameters = network()?;
    let path = file(
        "names.safetensors",
        &[
            ("a.weight", 1.0, 7),
            ("a.bias", 2.0, 7),
            ("conv.weight", 3.0, 2),
            ("conv.bias", 4.0, 2),
        ],
    )?;
    let layers = ["conv".to_string(), "a".to_string()];
    let map = load(&parameters, &layers, &path, Match::Partial)?;
    std::fs::remove_file(path)?;
    assert_eq!(map.missing, ["a.bias", "a.weight"]);
    let named = parameters.named();
    let (name, bias) = &named[2];
    assert_eq!(name, "conv.bias");
    assert_eq!(bias.to_vec1::<f32>()?, [4.0; 2]);
    Ok(())
}

/// Two equal layers with names that say nothing: the file's order decides, where it has one.
#[test]
fn the_order_of_a_pt_file_counts() -> Result<()> {
    let names = ["stem", "second", "body", "head"];
    let path = pt_of("order", names)?;
    check(&path, &Modules::Automatic)?;
    std::fs::remove_file(path).map_err(Into::into)
}

#[test]
fn the_caller_gives_what_the_file_leaves_open() -> Result<()> {
    let names = ["stem", "second", "body", "head"];
    let path = safetensors_of("open", names)?;
    let message = refusal(&path, &Modules::Automatic)?;
    assert!(message.contains("more than one order"), "{message}");
    assert!(message.contains("network"), "{message}");
    assert!(message.contains("conv4 [2, 4, 1, 1] [2]"), "{message}");
    let line = "Modules::ordered([\"body\", \"head\", \"second\", \"stem\"])";
    assert!(message.contains(line), "{message}");

    check(&path, &Modules::ordered(names))?;
    let pairs = names.into_iter().zip(["conv1", "conv2", "conv3", "conv4"]);
    check(&path, &Modules::named(pairs))?;

    let unknown = refusal(&path, &Modules::ordered(["stem", "seventh"]))?;
    assert!(
        unknown.contains("no module is called \"seventh\""),
        "{unknown}"
    );
    let unknown = refusal(&path, &Modules::named([("stem", "conv7")]))?;
    assert!(
        unknown.contains("no layer of the network is called \"conv7\""),
        "{unknown}"
    );
    let twice = refusal(&path, &Modules::ordered(["stem", "stem"]))?;
    assert!(twice.contains("named twice"), "{twice}");
    let many = refusal(
        &path,
        &Modules::ordered(["stem", "second", "body", "head", ""]),
    )?;
    assert!(many.contains("no module is called \"\""), "{many}");
    let few = refusal(&path, &Modules::ordered(["stem"]))?;
    assert!(few.contains("missing [conv2.bias"), "{few}");
    let wrong = refusal(&path, &Modules::ordered(["head", "second", "body", "stem"]))?;
    assert!(
        wrong.contains("head.weight (shape [2, 4, 1, 1], conv1.weight has [4, 3, 3, 3])"),
        "{wrong}"
    );
    std::fs::remove_file(path)?;
    Ok(())
}

#[test]
fn what_is_saved_for_pytorch_is_read_again() -> std::result::Result<(), Box<dyn std::error::Error>>
{
    let folder = tempfile::tempdir()?;
    let layers = ["conv".to_string(), "a".to_string()];
    let source = network()?;
    for (at, (_, var)) in source.named().iter().enumerate() {
        let last = (var.elem_count() + 10 * at) as f32;
        var.set(&Tensor::arange(10.0 * at as f32, last, &Device::Cpu)?)?;
    }
    let values = |parameters: &Parameters| -> Result<Vec<Vec<f32>>> {
        let named = parameters.named();
        named.iter().map(|(_, var)| var.to_vec1::<f32>()).collect()
    };
    for (name, modules, first) in [
        (
            "a.pt",
            Modules::ordered(["seq.3", "seq.12"]),
            "seq.3.weight",
        ),
        (
            "b.safetensors",
            Modules::named([("z", "conv"), ("y", "a")]),
            "y.bias",
        ),
        ("c.pth", Modules::Automatic, "conv.weight"),
    ] {
        let path = folder.path().join(name);
        save(&source, &layers, &path, &modules)?;
        let target = Parameters::new(2, DType::F32, &Device::Cpu);
        for (name, size) in [("conv", 2), ("a", 3)] {
            target.builder().pp(name).get(size, "weight")?;
            target.builder().pp(name).get(size, "bias")?;
        }
        assert_ne!(values(&target)?, values(&source)?);
        let map = load_as(&target, &layers, &path, Match::Strict, &Modules::Automatic)?;
        assert!(map.loaded.iter().any(|(key, _)| key == first), "{map:?}");
        assert_eq!(values(&target)?, values(&source)?);
    }
    let refused = |path: &str, modules: &Modules, layers: &[String]| {
        let path = folder.path().join(path);
        let error = save(&source, layers, path, modules).expect_err("a wrong argument");
        error.to_string()
    };
    assert!(refused("d.bin", &Modules::Automatic, &layers).contains("must end in .pt"));
    assert!(refused("d.pt", &Modules::ordered(["x"]), &layers).contains("there are 1 modules"));
    assert!(refused("d.pt", &Modules::ordered(["x", "x"]), &layers).contains("twice"));
    let pairs = Modules::named([("x", "conv")]);
    assert!(refused("d.pt", &pairs, &layers).contains("the layer a has no module"));
    assert!(refused("d.pt", &Modules::Automatic, &layers[..1]).contains("no layer"));
    Ok(())
}

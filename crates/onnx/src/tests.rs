//! Every kind of network as a file, read again.

use std::collections::HashSet;

use candle_core::{DType, Device, Result};
use prost::Message;
use stn::networks::Transform;
use striate::Parameters;
use striate::model_file::{FileConfig, ModelCard, ModelFile, Normalization, Preprocessing};
use swwae::{DecoderInput, DecoderWeights, Pooling, Unpooling};

use super::*;
use crate::proto::ModelProto;

fn names(count: usize) -> Vec<String> {
    (0..count).map(|class| format!("class {class}")).collect()
}

/// The file of a new network.
fn exported<C: FileConfig + Exported>(config: &C) -> Result<ModelProto> {
    let parameters = Parameters::new(1, DType::F32, &Device::Cpu);
    config.build(parameters.builder())?;
    let channels = config.image_shape().0;
    let normalization = Normalization::Affine {
        mean: vec![0.0; channels],
        factor: vec![1.0; channels],
    };
    let preprocessing = Preprocessing {
        normalization,
        canvas: None,
    };
    let card = ModelCard {
        classes: names(config.classes().unwrap_or(0)),
        ..ModelCard::of(config, preprocessing)?
    };
    let file = ModelFile::new(card, &parameters, None);
    let bytes = to_onnx(&file, Input::Pixels)?;
    ModelProto::decode(&bytes[..]).map_err(Error::wrap)
}

/// Every node reads what stands before it, no name stands for two values, and every result is made.
fn check(model: &ModelProto) {
    let graph = model.graph.as_ref().expect("a graph");
    let mut known: HashSet<&str> = HashSet::new();
    known.extend(graph.input.iter().map(|value| value.name.as_str()));
    for tensor in &graph.initializer {
        let elements: i64 = tensor.dims.iter().product();
        let width = if tensor.data_type == proto::FLOAT {
            4
        } else {
            8
        };
        assert_eq!(
            tensor.raw_data.len() as i64,
            elements * width,
            "{}",
            tensor.name
        );
        assert!(known.insert(&tensor.name), "{} twice", tensor.name);
    }
    for node in &graph.node {
        for input in node.input.iter().filter(|name| !name.is_empty()) {
            assert!(known.contains(input.as_str()), "{}: {input}", node.name);
        }
        for output in &node.output {
            assert!(known.insert(output), "{output} twice");
        }
    }
    for output in &graph.output {
        assert!(known.contains(output.name.as_str()), "{}", output.name);
    }
    let classes: Vec<String> = serde_json::from_str(&model.metadata_props[0].value).expect("JSON");
    assert!(classes.len() >= 10 && classes == names(classes.len()));
}

/// How often an operator is in a graph.
fn count(model: &ModelProto, op: &str) -> usize {
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    nodes.filter(|node| node.op_type == op).count()
}

fn results(model: &ModelProto) -> Vec<&str> {
    let outputs = model.graph.iter().flat_map(|graph| &graph.output);
    outputs.map(|output| output.name.as_str()).collect()
}

#[test]
fn all_conv() -> Result<()> {
    let config = Config {
        width: 0.1,
        ..Config::all_cnn_c()
    };
    let model = exported(&config)?;
    check(&model);
    assert_eq!((count(&model, "Conv"), count(&model, "MaxPool")), (9, 0));
    assert_eq!(count(&model, "GlobalAveragePool"), 1);
    let pooled = exported(&Config {
        width: 0.1,
        ..Config::base_c()
    })?;
    check(&pooled);
    assert_eq!(count(&pooled, "MaxPool"), 2);
    // 32 rows of windows of 3 with stride 2 that round up end one row below the map.
    let graph = pooled.graph.expect("a graph");
    let pool = graph
        .node
        .iter()
        .find(|node| node.op_type == "MaxPool")
        .expect("a pooling");
    let pads = pool
        .attribute
        .iter()
        .find(|a| a.name == "pads")
        .expect("pads");
    assert_eq!(pads.ints, [0, 0, 1, 1]);
    Ok(())
}

#[test]
fn network_in_network() -> Result<()> {
    let narrow = |config: NinConfig| NinConfig {
        width: 0.1,
        ..config
    };
    let model = exported(&narrow(NinConfig::mnist()))?;
    check(&model);
    assert_eq!(results(&model), ["logits"]);
    let dense = NinConfig {
        head: nin::Head::FullyConnected,
        ..narrow(NinConfig::mnist())
    };
    let model = exported(&dense)?;
    check(&model);
    assert_eq!(
        (count(&model, "Gemm"), count(&model, "GlobalAveragePool")),
        (1, 0)
    );
    let error = exported(&PlainCnnConfig::cifar10(nin::Head::GlobalAvgPool)).expect_err("local");
    assert!(error.to_string().contains("locally connected"), "{error}");
    let error = exported(&narrow(NinConfig::cifar10_model_zoo())).expect_err("rounds up");
    let part = "pool2 averages over windows that hang over the edge, of (3, 3) cells on 16x16";
    assert!(error.to_string().contains(part), "{error}");
    Ok(())
}

#[test]
fn digit_networks() -> Result<()> {
    for (config, samplers) in [
        (DigitConfig::fcn(28), 0),
        (DigitConfig::st_cnn(42, Transform::Affine), 1),
        (DigitConfig::st_fcn(42, Transform::Tps).pooled(), 1),
        (DigitConfig::addition(2, Transform::Affine), 2),
    ] {
        let model = exported(&config)?;
        check(&model);
        assert_eq!(count(&model, "GridSample"), samplers, "{config:?}");
    }
    let error = exported(&DigitConfig::st_fcn(42, Transform::Projective)).expect_err("projective");
    assert!(error.to_string().contains("projective grid"), "{error}");
    Ok(())
}

#[test]
fn auto_encoder() -> Result<()> {
    let config = SwwaeConfig::mnist().scaled(0.125);
    let model = exported(&config)?;
    check(&model);
    assert_eq!(results(&model), ["logits", "reconstruction"]);
    assert_eq!(
        (count(&model, "ScatterElements"), count(&model, "MaxPool")),
        (3, 3)
    );
    check(&exported(&SwwaeConfig {
        decoder_weights: DecoderWeights::Tied,
        ..config.clone()
    })?);
    assert_eq!(
        results(&exported(&ConvnetConfig(config.clone()))?),
        ["logits"]
    );
    for (wrong, part) in [
        (
            SwwaeConfig {
                pooling: Pooling::Soft { beta: 1.0 },
                ..config.clone()
            },
            "soft pooling",
        ),
        (
            SwwaeConfig {
                unpooling: Unpooling::Copy,
                ..config.clone()
            },
            "without where",
        ),
        (
            SwwaeConfig {
                decoder_input: DecoderInput::Logits,
                ..config
            },
            "from the logits",
        ),
    ] {
        let error = exported(&wrong).expect_err(part).to_string();
        assert!(error.contains(part), "{error}");
    }
    Ok(())
}

/// Where the image is pooled first, the last unpooling makes the reconstruction.
#[test]
fn auto_encoder_that_pools_first() -> Result<()> {
    let architecture = "2p-(8)3c-(8)3c-500fc-10fc".parse::<swwae::Architecture>();
    let architecture = architecture.map_err(Error::wrap)?;
    let model = exported(&SwwaeConfig::new(architecture, 1, (28, 28)))?;
    check(&model);
    assert_eq!(results(&model), ["logits", "reconstruction"]);
    let graph = model.graph.expect("a graph");
    let read = |name: &str| graph.node.iter().any(|n| n.input.iter().any(|i| i == name));
    for node in &graph.node {
        let output = node.output[0].as_str();
        let is_result = ["logits", "reconstruction"].contains(&output);
        assert!(is_result || read(output), "{output} is read by nobody");
    }
    let last = graph.node.last().expect("a node");
    assert_eq!(last.output, ["reconstruction"]);
    assert_eq!(last.input, ["decoder.unpool1"]);
    // As in the network, no ReLU follows the mirror of the first convolution.
    let mirror = graph.node.iter().find(|n| n.name == "decoder.conv1");
    assert_eq!(mirror.expect("a mirror").op_type, "Conv");
    Ok(())
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_beside_it() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("striate-onnx-{}", std::process::id()));
    let (target, other) = (folder.join("net.onnx"), folder.join("net.onnx.part"));
    std::fs::create_dir_all(&target)?;
    std::fs::write(&other, "another's")?;
    let names = || -> Result<Vec<_>> {
        let entries = std::fs::read_dir(&folder)?;
        let mut names: Vec<_> = entries
            .map(|entry| Ok(entry?.file_name()))
            .collect::<std::io::Result<_>>()?;
        names.sort();
        Ok(names)
    };
    let model = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../models/nin-mnist.safetensors"
    );
    let error = save(model, &target, Input::Pixels).expect_err("a folder");
    assert!(error.to_string().contains("net.onnx: "), "{error}");
    assert_eq!(names()?, ["net.onnx", "net.onnx.part"]);
    std::fs::remove_dir(&target)?;
    save(model, &target, Input::Pixels)?;
    assert_eq!(names()?, ["net.onnx", "net.onnx.part"]);
    assert_eq!(std::fs::read_to_string(&other)?, "another's");
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

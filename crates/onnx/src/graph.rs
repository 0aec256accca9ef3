//! A graph under construction: nodes in the order in which they run.

use candle_core::{DType, Result, Tensor, bail};
use prost::Message;
use striate::Parameters;

use crate::proto::{
    AttributeProto, Dimension, DimensionProto, FLOAT, GraphProto, INT64, IR_VERSION, ModelProto,
    NodeProto, OPSET, OperatorSetIdProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};

/// What a node takes beside its inputs.
pub(crate) enum Attribute<'a> {
    Float(f32),
    Int(i64),
    Ints(Vec<i64>),
    Text(&'a str),
}

/// The attributes of a node by name.
pub(crate) type Attributes<'a> = Vec<(&'a str, Attribute<'a>)>;

/// Nodes, constants, inputs and outputs; values are known by their names.
pub(crate) struct Graph<'a> {
    parameters: &'a Parameters,
    proto: GraphProto,
}

impl<'a> Graph<'a> {
    /// A graph called `name` of a network with these parameters.
    pub(crate) fn new(name: &str, parameters: &'a Parameters) -> Self {
        Self {
            parameters,
            proto: GraphProto {
                name: name.to_owned(),
                ..GraphProto::default()
            },
        }
    }

    /// Adds an input of any number of images.
    pub(crate) fn input(&mut self, name: &str, dims: &[usize]) -> Result<String> {
        self.proto.input.push(value(name, dims)?);
        Ok(name.to_owned())
    }

    /// Makes the value `name`, of these sizes an image, a result.
    pub(crate) fn output(&mut self, name: &str, dims: &[usize]) -> Result<()> {
        self.proto.output.push(value(name, dims)?);
        Ok(())
    }

    /// Adds a node with one result, which has the node's name.
    pub(crate) fn node(
        &mut self,
        op: &str,
        name: &str,
        inputs: &[&str],
        attributes: Attributes<'_>,
    ) -> String {
        self.node_with(op, inputs, &[name], attributes);
        name.to_owned()
    }

    /// Adds a node with any number of results; the first one names the node.
    pub(crate) fn node_with(
        &mut self,
        op: &str,
        inputs: &[&str],
        outputs: &[&str],
        attributes: Attributes<'_>,
    ) {
        let texts = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        self.proto.node.push(NodeProto {
            input: texts(inputs),
            output: texts(outputs),
            name: outputs
                .first()
                .map(|&name| name.to_owned())
                .unwrap_or_default(),
            op_type: op.to_owned(),
            attribute: attributes.into_iter().map(attribute).collect(),
        });
    }

    /// Adds a constant tensor in f32.
    pub(crate) fn constant(&mut self, name: &str, tensor: &Tensor) -> Result<String> {
        let values = tensor
            .to_dtype(DType::F32)?
            .flatten_all()?
            .to_vec1::<f32>()?;
        let raw_data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.initializer(name, tensor.dims(), FLOAT, raw_data)
    }

    /// Adds a constant number in f32.
    pub(crate) fn scalar(&mut self, name: &str, value: f64) -> Result<String> {
        self.initializer(name, &[], FLOAT, (value as f32).to_le_bytes().to_vec())
    }

    /// Adds a constant vector of integers.
    pub(crate) fn integers(&mut self, name: &str, values: &[i64]) -> Result<String> {
        let raw_data = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.initializer(name, &[values.len()], INT64, raw_data)
    }

    /// Adds a parameter of the network as a constant.
    pub(crate) fn parameter(&mut self, name: &str) -> Result<String> {
        let tensor = self.tensor(name)?;
        self.constant(name, &tensor)
    }

    /// A parameter of the network.
    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor> {
        let named = self.parameters.named();
        match named.into_iter().find(|(known, _)| known == name) {
            Some((_, var)) => Ok(var.as_detached_tensor()),
            None => bail!("onnx: the network has no parameter {name}"),
        }
    }

    fn initializer(
        &mut self,
        name: &str,
        dims: &[usize],
        data_type: i32,
        raw_data: Vec<u8>,
    ) -> Result<String> {
        if self
            .proto
            .initializer
            .iter()
            .all(|known| known.name != name)
        {
            self.proto.initializer.push(TensorProto {
                dims: dims.iter().map(|&dim| whole(dim)).collect::<Result<_>>()?,
                data_type,
                name: name.to_owned(),
                raw_data,
            });
        }
        Ok(name.to_owned())
    }

    /// The bytes of the file, with what it says about itself.
    pub(crate) fn finish(self, metadata: Vec<(&str, String)>) -> Result<Vec<u8>> {
        let entry = |(key, value): (&str, String)| StringStringEntryProto {
            key: key.to_owned(),
            value,
        };
        let model = ModelProto {
            ir_version: IR_VERSION,
            producer_name: "striate".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.proto),
            opset_import: vec![OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            }],
            metadata_props: metadata.into_iter().map(entry).collect(),
        };
        // Readers refuse a message of 2 GiB.
        if model.encoded_len() >= 1 << 31 {
            bail!(
                "onnx: the file would have {} bytes; at most 2 GiB can be read",
                model.encoded_len()
            );
        }
        Ok(model.encode_to_vec())
    }
}

/// A value of any number of images.
fn value(name: &str, dims: &[usize]) -> Result<ValueInfoProto> {
    let images = Dimension::Param("images".to_owned());
    let sizes = dims.iter().map(|&dim| Ok(Dimension::Value(whole(dim)?)));
    let dim = std::iter::once(Ok(images))
        .chain(sizes)
        .map(|value| value.map(|value| DimensionProto { value: Some(value) }))
        .collect::<Result<_>>()?;
    Ok(ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: FLOAT,
                shape: Some(TensorShapeProto { dim }),
            }),
        }),
    })
}

fn attribute((name, value): (&str, Attribute<'_>)) -> AttributeProto {
    let empty = AttributeProto {
        name: name.to_owned(),
        ..AttributeProto::default()
    };
    match value {
        Attribute::Float(f) => AttributeProto {
            f,
            r#type: 1,
            ..empty
        },
        Attribute::Int(i) => AttributeProto {
            i,
            r#type: 2,
            ..empty
        },
        Attribute::Text(s) => AttributeProto {
            s: s.into(),
            r#type: 3,
            ..empty
        },
        Attribute::Ints(ints) => AttributeProto {
            ints,
            r#type: 7,
            ..empty
        },
    }
}

/// A size as the format has it.
pub(crate) fn whole(size: usize) -> Result<i64> {
    match i64::try_from(size) {
        Ok(size) => Ok(size),
        Err(_) => bail!("onnx: a size of {size} cannot be written"),
    }
}

//! Graphs, put together one operator at a time.

use super::proto::{
    Attribute, AttributeType, DataType, Dimension, Graph, Node, Tensor, TensorShape, TensorType,
    Type, ValueInfo,
};

/// A graph that grows. Values are known by their names.
pub(super) struct Builder {
    graph: Graph,
}

/// Numbers that do not change.
#[derive(Clone, Copy)]
pub(super) enum Constant<'a> {
    F32(&'a [f32]),
    U8(&'a [u8]),
    I8(&'a [i8]),
    I32(&'a [i32]),
    I64(&'a [i64]),
}

/// What an operator is told beside its inputs.
pub(super) enum Told<'a> {
    Int(i64),
    Word(&'a str),
    Ints(&'a [i64]),
}

/// How many there are along an axis.
pub(super) enum Axis<'a> {
    /// So many.
    Known(usize),
    /// As many as there are.
    Free(&'a str),
}

impl Builder {
    pub(super) fn new(name: &str) -> Self {
        Builder {
            graph: Graph {
                name: name.into(),
                ..Graph::default()
            },
        }
    }

    /// What goes in.
    pub(super) fn input(&mut self, name: &str, shape: &[Axis<'_>]) {
        self.graph.input.push(value(name, shape));
    }

    /// What comes out.
    pub(super) fn output(&mut self, name: &str, shape: &[Axis<'_>]) {
        self.graph.output.push(value(name, shape));
    }

    /// Adds a constant; its name.
    pub(super) fn constant(
        &mut self,
        name: &str,
        shape: &[usize],
        numbers: Constant<'_>,
    ) -> String {
        let (kind, bytes): (_, Vec<u8>) = match numbers {
            Constant::F32(numbers) => (
                DataType::Float,
                numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ),
            Constant::U8(numbers) => (DataType::Uint8, numbers.into()),
            Constant::I8(numbers) => (
                DataType::Int8,
                numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ),
            Constant::I32(numbers) => (
                DataType::Int32,
                numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ),
            Constant::I64(numbers) => (
                DataType::Int64,
                numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ),
        };
        self.graph.initializer.push(Tensor {
            dims: shape.iter().map(|&axis| axis as i64).collect(),
            data_type: Some(kind.into()),
            name: name.into(),
            raw_data: Some(bytes),
        });
        name.into()
    }

    /// Adds an operator; the name of what it gives, which is the operator's own.
    pub(super) fn node(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&str],
        told: &[(&str, Told<'_>)],
    ) -> String {
        let attribute = |(name, told): &(&str, Told<'_>)| {
            let mut attribute = Attribute {
                name: (*name).into(),
                ..Attribute::default()
            };
            let kind = match told {
                Told::Int(number) => {
                    attribute.i = Some(*number);
                    AttributeType::Int
                }
                Told::Word(word) => {
                    attribute.s = Some(word.as_bytes().into());
                    AttributeType::String
                }
                Told::Ints(numbers) => {
                    attribute.ints = numbers.to_vec();
                    AttributeType::Ints
                }
            };
            attribute.r#type = Some(kind.into());
            attribute
        };
        self.graph.node.push(Node {
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![name.into()],
            name: name.into(),
            op_type: operator.into(),
            attribute: told.iter().map(attribute).collect(),
        });
        name.into()
    }

    pub(super) fn finish(self) -> Graph {
        self.graph
    }
}

fn value(name: &str, shape: &[Axis<'_>]) -> ValueInfo {
    let dimension = |axis: &Axis<'_>| match axis {
        Axis::Known(count) => Dimension {
            dim_value: Some(*count as i64),
            dim_param: None,
        },
        Axis::Free(name) => Dimension {
            dim_value: None,
            dim_param: Some((*name).into()),
        },
    };
    ValueInfo {
        name: name.into(),
        r#type: Some(Type {
            tensor_type: Some(TensorType {
                elem_type: DataType::Float.into(),
                shape: Some(TensorShape {
                    dim: shape.iter().map(dimension).collect(),
                }),
            }),
        }),
    }
}
